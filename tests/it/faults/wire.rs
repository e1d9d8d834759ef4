//! A line between two processes that a test listens to, cuts, holds and falsifies: HTTP/1.1, one exchange after the other.
//!
//! A fault of the line is made here and not in either process, so that both are the real programs. What passes is shown to the test at
//! three stages, and the test says what becomes of it.

use crate::world::eventually;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A request or an answer, as it stands on the line.
#[derive(Clone, Debug)]
pub struct Message {
    /// `POST /fs/doc HTTP/1.1`, `HTTP/1.1 200 OK`.
    pub start: String,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Message {
    /// The path of a request, without its query.
    pub fn path(&self) -> &str {
        let target = self.start.split(' ').nth(1).unwrap_or_default();
        target.split('?').next().unwrap_or_default()
    }

    /// The status of an answer.
    pub fn status(&self) -> u16 {
        let status = self.start.split(' ').nth(1);
        status.and_then(|status| status.parse().ok()).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = (self.headers.iter()).find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The same with another body.
    pub fn with_body(&self, body: Vec<u8>) -> Self {
        let others = self.headers.iter();
        let mut headers: Vec<_> = others
            .filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"))
            .cloned()
            .collect();
        headers.push(("content-length".to_owned(), body.len().to_string()));
        Self {
            start: self.start.clone(),
            headers,
            body,
        }
    }

    /// The next one; none where the line ended in order.
    async fn read(from: &mut (impl AsyncRead + AsyncBufReadExt + Unpin)) -> io::Result<Option<Self>> {
        let mut start = String::new();
        if from.read_line(&mut start).await? == 0 {
            return Ok(None);
        }
        let mut message = Self {
            start: start.trim_end().to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        loop {
            let mut line = String::new();
            from.read_line(&mut line).await?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            message.headers.push((name.to_owned(), value.trim().to_owned()));
        }
        assert!(
            message.header("transfer-encoding").is_none(),
            "everything on these lines says how long it is"
        );
        let length = message.header("content-length");
        let length = length.map_or(0, |length| length.parse().expect("a length is a number"));
        message.body.resize(length, 0);
        from.read_exact(&mut message.body).await?;
        Ok(Some(message))
    }

    async fn write(&self, to: &mut (impl AsyncWriteExt + Unpin)) -> io::Result<()> {
        let mut wire = format!("{}\r\n", self.start);
        for (name, value) in &self.headers {
            wire.push_str(&format!("{name}: {value}\r\n"));
        }
        wire.push_str("\r\n");
        let mut wire = wire.into_bytes();
        wire.extend_from_slice(&self.body);
        to.write_all(&wire).await?;
        to.flush().await
    }
}

/// How far an exchange has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The request is here, and nobody has seen it.
    Asked,
    /// The other side has answered, and who asked has not seen it.
    Answered,
    /// Who asked has the answer.
    Told,
}

/// An exchange at one of its stages.
pub struct Seen<'a> {
    pub stage: Stage,
    pub request: &'a Message,
    /// From [`Stage::Answered`] on.
    pub answer: Option<&'a Message>,
}

/// What becomes of what is on the line. After [`Stage::Told`] nothing does.
pub enum Deed {
    Pass,
    /// The connection ends here, on both sides.
    Cut,
    /// Another body goes on in its place.
    Instead(Vec<u8>),
    /// The request goes to the other side twice; who asked gets the second answer.
    Twice,
    /// It stays here until the value is true.
    Hold(watch::Receiver<bool>),
}

type Watch = dyn Fn(&Seen<'_>) -> Deed + Send + Sync;

/// One line: whoever connects to its address speaks with the process at the other end.
pub struct Wire {
    address: SocketAddr,
    shared: Arc<Shared>,
    runtime: Handle,
    standing: Mutex<Option<Standing>>,
}

struct Shared {
    to: SocketAddr,
    watch: Mutex<Option<Arc<Watch>>>,
}

/// What ends when the line is cut.
struct Standing {
    end: CancellationToken,
    accepting: JoinHandle<()>,
}

impl Wire {
    pub fn lay(runtime: &Handle, to: SocketAddr) -> Self {
        let address = super::own_address();
        let shared = Shared {
            to,
            watch: Mutex::new(None),
        };
        let wire = Self {
            address,
            shared: Arc::new(shared),
            runtime: runtime.clone(),
            standing: Mutex::new(None),
        };
        wire.mend();
        wire
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Connections are refused from now on, and those that stand end.
    pub fn cut(&self) {
        if let Some(standing) = self.standing.lock().unwrap().take() {
            standing.end.cancel();
            let ended = self.runtime.block_on(standing.accepting);
            ended.expect("accepting does not panic");
        }
    }

    /// It stands again.
    pub fn mend(&self) {
        let mut standing = self.standing.lock().unwrap();
        if standing.is_some() {
            return;
        }
        // A program that another test is just starting has what this process had open, the listener before this one too, until it begins.
        let listener = eventually("the line stands again", || {
            match self.runtime.block_on(TcpListener::bind(self.address)) {
                Ok(listener) => Some(listener),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => None,
                Err(error) => panic!("{}: {error}", self.address),
            }
        });
        let end = CancellationToken::new();
        let accepting = accept(listener, Arc::clone(&self.shared), end.clone());
        let accepting = self.runtime.spawn(accepting);
        *standing = Some(Standing { end, accepting });
    }

    /// From now on this says what becomes of every exchange.
    pub fn watch(&self, watch: impl Fn(&Seen<'_>) -> Deed + Send + Sync + 'static) {
        *self.shared.watch.lock().unwrap() = Some(Arc::new(watch));
    }

    /// Everything passes.
    pub fn leave(&self) {
        *self.shared.watch.lock().unwrap() = None;
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, end: CancellationToken) {
    while let Some(accepted) = end.run_until_cancelled(listener.accept()).await {
        let (stream, _) = accepted.expect("a listener accepts");
        let (shared, end) = (Arc::clone(&shared), end.clone());
        tokio::spawn(async move {
            // A line that breaks is what these tests are about; both ends say what it means to them.
            let _ = end.run_until_cancelled(carry(&shared, stream)).await;
        });
    }
}

impl Shared {
    /// What becomes of it, once nobody holds it.
    async fn deed(&self, stage: Stage, request: &Message, answer: Option<&Message>) -> Deed {
        let watch = self.watch.lock().unwrap().clone();
        let Some(watch) = watch else {
            return Deed::Pass;
        };
        let seen = Seen {
            stage,
            request,
            answer,
        };
        // It may wait for a process to end.
        match tokio::task::block_in_place(|| watch(&seen)) {
            Deed::Hold(mut until) => {
                // The test that held it may have ended: nothing is left to wait for.
                let _ = until.wait_for(|is_free| *is_free).await;
                Deed::Pass
            }
            deed => deed,
        }
    }
}

/// Carries exchanges until either end, or the test, has enough.
async fn carry(shared: &Shared, client: TcpStream) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut client = BufReader::new(client);
    while let Some(mut request) = Message::read(&mut client).await? {
        let mut times = 1;
        match shared.deed(Stage::Asked, &request, None).await {
            Deed::Cut => return Ok(()),
            Deed::Instead(body) => request = request.with_body(body),
            Deed::Twice => times = 2,
            Deed::Pass | Deed::Hold(_) => {}
        }
        let mut answer = None;
        for _ in 0..times {
            answer = exchange(shared.to, &request, &mut client).await?;
        }
        let Some(mut answer) = answer else {
            return Ok(());
        };
        match shared.deed(Stage::Answered, &request, Some(&answer)).await {
            Deed::Cut => return Ok(()),
            Deed::Instead(body) => answer = answer.with_body(body),
            Deed::Pass | Deed::Hold(_) | Deed::Twice => {}
        }
        answer.write(client.get_mut()).await?;
        shared.deed(Stage::Told, &request, Some(&answer)).await;
    }
    Ok(())
}

/// On a connection of its own, which ends with the asker's: a poll must not be held for a program that has gone.
async fn exchange(
    to: SocketAddr,
    request: &Message,
    client: &mut BufReader<TcpStream>,
) -> io::Result<Option<Message>> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let mut server = BufReader::new(stream);
    request.write(server.get_mut()).await?;
    tokio::select! {
        answer = Message::read(&mut server) => answer,
        // Nobody pipelines here: whatever comes is the end.
        _ = client.fill_buf() => Ok(None),
    }
}
