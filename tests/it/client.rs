//! An HTTP/1.1 client that hides nothing: what a test writes is what goes out.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A test waits this long for an answer before it fails; nothing here takes a tenth of it.
const ANSWER_MAX: Duration = Duration::from_secs(40);

/// One request.
#[derive(Clone, Debug)]
pub struct Call {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Call {
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub fn post(path: &str, body: &Value) -> Self {
        Self::new("POST", path).json(body)
    }

    pub fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json")
            .bytes(body.to_string().as_bytes())
    }

    pub fn bytes(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same on another route.
    pub fn to(mut self, method: &str, path: &str) -> Self {
        self.method = method.to_owned();
        self.path = path.to_owned();
        self
    }

    pub fn bearer(self, key: &str) -> Self {
        self.header("Authorization", &format!("Bearer {key}"))
    }

    pub fn idempotency_key(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }

    fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name))
    }

    /// Head and body as they go over the wire.
    pub fn wire(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: gateway\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let framed = self.has("Content-Length") || self.has("Transfer-Encoding");
        if !framed && (!self.body.is_empty() || matches!(self.method.as_str(), "POST" | "PUT")) {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        let mut wire = head.into_bytes();
        wire.extend_from_slice(&self.body);
        wire
    }
}

/// One answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {} {:?}", self.status, self.text()))
    }

    pub fn is_problem(&self) -> bool {
        self.header("content-type") == Some("application/problem+json")
    }

    /// The name of the page that explains a problem.
    pub fn problem(&self) -> String {
        assert!(
            self.is_problem(),
            "no problem: {} {:?} {}",
            self.status,
            self.headers,
            self.text()
        );
        let kind = self.json()["type"].as_str().unwrap_or_default().to_owned();
        kind.trim_start_matches("/errors/").to_owned()
    }

    pub fn reason(&self) -> u64 {
        self.json()["Reason"]
            .as_u64()
            .unwrap_or_else(|| panic!("no Reason in {} {}", self.status, self.text()))
    }

    pub fn error_messages(&self) -> String {
        self.json()["ErrorMessages"]
            .as_str()
            .unwrap_or_else(|| panic!("no ErrorMessages in {}", self.text()))
            .to_owned()
    }

    /// Seconds of Retry-After.
    pub fn retry_after(&self) -> Option<u32> {
        self.header("retry-after").map(|value| value.parse().unwrap())
    }

    pub fn is_replayed(&self) -> bool {
        self.header("idempotent-replayed") == Some("true")
    }
}

/// A connection; requests and answers go over it in order.
pub struct Connection<S: Read + Write> {
    stream: BufReader<S>,
}

impl Connection<TcpStream> {
    pub fn open(address: SocketAddr) -> Self {
        Self::over(connect(address))
    }

    /// Whether an answer, or the connection's end, has arrived.
    pub fn is_answered(&self) -> bool {
        let stream = self.stream.get_ref();
        stream.set_nonblocking(true).unwrap();
        let seen = stream.peek(&mut [0]).is_ok();
        stream.set_nonblocking(false).unwrap();
        seen
    }

    /// The answer, while another thread writes a body that the gateway may refuse to read to its end.
    pub fn read_while_writing(&mut self, wire: Vec<u8>) -> std::io::Result<Reply> {
        let mut writing = self.stream.get_ref().try_clone()?;
        let writer = std::thread::spawn(move || {
            // A gateway that has answered may close before the body ends.
            let _ = writing.write_all(&wire);
        });
        let reply = self.read();
        let _ = self.stream.get_ref().shutdown(std::net::Shutdown::Both); // unblocks the writer
        writer.join().expect("the writer does not panic");
        reply
    }
}

/// A socket whose waits end.
pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap_or_else(|error| panic!("{address}: {error}"));
    stream.set_read_timeout(Some(ANSWER_MAX)).unwrap();
    stream.set_write_timeout(Some(ANSWER_MAX)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

impl<S: Read + Write> Connection<S> {
    pub fn over(stream: S) -> Self {
        Self {
            stream: BufReader::new(stream),
        }
    }

    pub fn write(&mut self, wire: &[u8]) {
        self.try_write(wire).expect("the gateway takes the request");
    }

    pub fn try_write(&mut self, wire: &[u8]) -> std::io::Result<()> {
        let stream = self.stream.get_mut();
        stream.write_all(wire)?;
        stream.flush()
    }

    pub fn call(&mut self, call: &Call) -> Reply {
        self.write(&call.wire());
        self.read_answer_to(&call.method).expect("an answer")
    }

    pub fn read(&mut self) -> std::io::Result<Reply> {
        self.read_answer_to("POST")
    }

    /// Everything until the connection ends, however it ends.
    pub fn read_bytes(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // An end without a farewell is an end, too; what came before it stays.
        let _ = self.stream.read_to_end(&mut bytes);
        bytes
    }

    fn read_answer_to(&mut self, method: &str) -> std::io::Result<Reply> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status line: {line:?}"));
        let mut headers = Vec::new();
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let mut reply = Reply {
            status,
            headers,
            body: Vec::new(),
        };
        assert_eq!(
            reply.header("transfer-encoding"),
            None,
            "every answer here has a length"
        );
        let length = reply
            .header("content-length")
            .map_or(0, |length| length.parse().unwrap());
        if method != "HEAD" {
            reply.body.resize(length, 0);
            self.stream.read_exact(&mut reply.body)?;
        }
        Ok(reply)
    }
}

/// A caller of one listener, with its key.
#[derive(Clone, Debug)]
pub struct Client {
    pub address: SocketAddr,
    pub key: Option<String>,
}

impl Client {
    pub fn new(address: SocketAddr, key: Option<&str>) -> Self {
        Self {
            address,
            key: key.map(str::to_owned),
        }
    }

    pub fn with_key(&self, key: &str) -> Self {
        Self::new(self.address, Some(key))
    }

    pub fn without_key(&self) -> Self {
        Self::new(self.address, None)
    }

    fn signed(&self, call: Call) -> Call {
        match &self.key {
            Some(key) if !call.has("Authorization") => call.bearer(key),
            _ => call,
        }
    }

    /// On a connection of its own.
    pub fn call(&self, call: Call) -> Reply {
        Connection::open(self.address).call(&self.signed(call))
    }

    /// Sends a request and does not wait for its answer.
    pub fn begin(&self, call: Call) -> Connection<TcpStream> {
        let mut connection = Connection::open(self.address);
        connection.write(&self.signed(call).wire());
        connection
    }

    pub fn wire(&self, call: Call) -> Vec<u8> {
        self.signed(call).wire()
    }

    pub fn get(&self, path: &str) -> Reply {
        self.call(Call::new("GET", path))
    }

    pub fn put(&self, path: &str, body: &Value) -> Reply {
        self.call(Call::new("PUT", path).json(body))
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.call(Call::post(path, body))
    }

    pub fn delete(&self, path: &str) -> Reply {
        self.call(Call::new("DELETE", path))
    }

    pub fn import(&self, lines: &[u8]) -> Reply {
        let call = Call::new("POST", "/admin/v1/import").header("Content-Type", "application/x-ndjson");
        self.call(call.bytes(lines))
    }
}
