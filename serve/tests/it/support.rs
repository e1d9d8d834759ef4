//! A running server, a face that remembers, and a client that speaks raw bytes.

use std::collections::HashMap;
use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use serve::{Body, DrainReport, Ending, Face, Head, Limits, Refusal, Server, Tls};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tower_service::Service;

/// Far more than any of these tests takes; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// Fails the test where `future` takes too long.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("this takes far too long")
}

pub(crate) fn limits() -> Limits {
    Limits {
        connections_max: 64,
        ..Limits::default()
    }
}

/// What a face saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Refused(String, Refusal),
    Observed(String, StatusCode),
    Abandoned(String),
    Closed(Ending),
    AcceptFailed,
}

/// Words refusals as `refused: <refusal> <path>` and remembers everything.
pub(crate) struct Recorder {
    sender: mpsc::UnboundedSender<Seen>,
    in_flight: Mutex<Vec<usize>>,
}

impl Recorder {
    fn tell(&self, seen: Seen) {
        // A test that is over listens no more.
        drop(self.sender.send(seen));
    }

    pub(crate) fn in_flight_counts(&self) -> Vec<usize> {
        self.in_flight.lock().unwrap().clone()
    }
}

impl Face for Recorder {
    fn refuse(&self, head: &Head, refusal: Refusal) -> Response<Full<Bytes>> {
        assert!(!head.request_id.as_str().is_empty());
        self.tell(Seen::Refused(head.uri.path().to_owned(), refusal));
        let mut response = Response::new(Full::from(format!("refused: {refusal:?} {}", head.uri.path())));
        *response.status_mut() = refusal.status();
        response
    }

    fn observe(&self, head: &Head, status: StatusCode, _elapsed: Duration) {
        assert!(!head.request_id.as_str().is_empty());
        self.tell(Seen::Observed(head.uri.path().to_owned(), status));
    }

    fn abandoned(&self, head: &Head, _elapsed: Duration) {
        self.tell(Seen::Abandoned(head.uri.path().to_owned()));
    }

    fn in_flight(&self, requests: usize) {
        self.in_flight.lock().unwrap().push(requests);
    }

    fn connection_closed(&self, _peer: SocketAddr, ending: Ending) {
        self.tell(Seen::Closed(ending));
    }

    fn accept_failed(&self, _error: &std::io::Error) {
        self.tell(Seen::AcceptFailed);
    }
}

/// A server at work.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) face: Arc<Recorder>,
    pub(crate) seen: mpsc::UnboundedReceiver<Seen>,
    shutdown: Option<oneshot::Sender<()>>,
    pub(crate) task: JoinHandle<DrainReport>,
}

impl Running {
    pub(crate) async fn client(&self) -> Client<TcpStream> {
        Client::new(soon(TcpStream::connect(self.address)).await.unwrap())
    }

    pub(crate) fn shut_down(&mut self) {
        self.shutdown.take().expect("shut down once").send(()).unwrap();
    }

    pub(crate) async fn report(self) -> DrainReport {
        soon(self.task).await.unwrap()
    }

    /// Waits until the face has seen what `wanted` accepts, passing over the rest.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Seen) -> bool) -> Seen {
        loop {
            let seen = soon(self.seen.recv()).await.expect("the server is at work");
            if wanted(&seen) {
                return seen;
            }
        }
    }

    pub(crate) async fn closed(&mut self) -> Ending {
        match self.until(|seen| matches!(seen, Seen::Closed(_))).await {
            Seen::Closed(ending) => ending,
            other => unreachable!("{other:?}"),
        }
    }
}

pub(crate) async fn start<S, B>(service: S, limits: Limits) -> Running
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    start_with(service, limits, None).await
}

pub(crate) async fn start_with<S, B>(service: S, limits: Limits, tls: Option<Tls>) -> Running
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, seen) = mpsc::unbounded_channel();
    let face = Arc::new(Recorder {
        sender,
        in_flight: Mutex::default(),
    });
    let (shutdown, shut_down) = oneshot::channel::<()>();
    let server = Server::new(listener, service, Arc::clone(&face) as Arc<dyn Face>, limits);
    let server = match tls {
        Some(tls) => server.tls(tls),
        None => server,
    };
    let task = tokio::spawn(server.run(async move {
        if shut_down.await.is_err() {
            // The test never shuts down.
            std::future::pending::<()>().await;
        }
    }));
    Running {
        address,
        face,
        seen,
        shutdown: Some(shutdown),
        task,
    }
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

pub(crate) struct Client<I> {
    pub(crate) stream: I,
    buffer: Vec<u8>,
}

impl<I: AsyncRead + AsyncWrite + Unpin> Client<I> {
    pub(crate) fn new(stream: I) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        soon(self.stream.write_all(bytes.as_ref())).await.unwrap();
        soon(self.stream.flush()).await.unwrap();
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n"))
            .await;
        self.answer().await
    }

    /// Reads one answer with a `content-length`, or without a body.
    pub(crate) async fn answer(&mut self) -> Answer {
        let end = loop {
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(
                self.fill().await,
                "the connection ended within a head: {:?}",
                self.text()
            );
        };
        let head = String::from_utf8(self.buffer.drain(..end).collect()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: HashMap<_, _> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length = headers
            .get("content-length")
            .map_or(0, |length| length.parse().unwrap());
        while self.buffer.len() < length {
            assert!(self.fill().await, "the connection ended within a body");
        }
        let body = String::from_utf8(self.buffer.drain(..length).collect()).unwrap();
        Answer {
            status,
            headers,
            body,
        }
    }

    /// Whether the connection ends, in whatever way, without a further byte.
    pub(crate) async fn is_ended(&mut self) -> bool {
        self.buffer.is_empty() && !self.fill().await
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.buffer).into_owned()
    }

    async fn fill(&mut self) -> bool {
        let mut piece = [0; 4_096];
        match soon(self.stream.read(&mut piece)).await {
            Ok(0) | Err(_) => false,
            Ok(count) => {
                self.buffer.extend_from_slice(&piece[..count]);
                true
            }
        }
    }
}

/// Tells when a handler's future is dropped.
pub(crate) struct DropGuard(pub(crate) mpsc::UnboundedSender<&'static str>);

impl Drop for DropGuard {
    fn drop(&mut self) {
        // A test that is over listens no more.
        let _ = self.0.send("dropped");
    }
}

/// `/held`: answers when `release` is notified; tells `entered` and `dropped`. `/quick`: answers at once.
pub(crate) fn held_routes() -> (
    impl Service<Request<Body>, Response = warp::reply::Response, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static,
    mpsc::UnboundedReceiver<&'static str>,
    Arc<tokio::sync::Notify>,
) {
    use warp::Filter as _;
    let (sender, told) = mpsc::unbounded_channel();
    let release = Arc::new(tokio::sync::Notify::new());
    let gate = Arc::clone(&release);
    let held = warp::path("held").then(move || {
        let (sender, gate) = (sender.clone(), Arc::clone(&gate));
        async move {
            let _guard = DropGuard(sender.clone());
            sender.send("entered").unwrap();
            gate.notified().await;
            "released"
        }
    });
    let quick = warp::path("quick").map(|| "quick");
    (warp::service(held.or(quick)), told, release)
}
