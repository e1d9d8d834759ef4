//! The accept loop: a place before each accept, a task per connection, and a drain with an end.

use std::convert::Infallible;
use std::error::Error;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::server::conn::http1;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tower_service::Service;

use crate::accept::{self, Failures};
use crate::connection::{Connection, Shared, Stage};
use crate::driver::{drive, http_builder};
use crate::exchange::Exchange;
use crate::tls::client_certificate;
use crate::{Body, Ending, Face, Limits, Peer, Tls};

/// How long tasks that were told to end may take to do so. They end at their next poll; only a handler that blocks its
/// thread can need longer, and nothing in this process can stop that.
const CUT_GRACE: Duration = Duration::from_secs(1);

/// More connections than this one process cannot hold; also what one acquisition of a semaphore can ask for.
const CONNECTIONS_CEILING: u32 = 1_000_000;

/// What became of the requests that were in flight when shutdown began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DrainReport {
    /// Requests that ended by themselves: answered, or left by their client.
    pub finished: usize,
    /// Requests that the deadline cut.
    pub cut: usize,
}

/// A listener with all that is needed to serve it.
///
/// HTTP/1.1 and 1.0 only. The service is cloned once per connection.
#[must_use = "a server does nothing until it is run"]
pub struct Server<S> {
    listener: TcpListener,
    service: S,
    face: Arc<dyn Face>,
    limits: Limits,
    tls: Option<Tls>,
}

impl<S> std::fmt::Debug for Server<S> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Server")
            .field("listener", &self.listener)
            .finish_non_exhaustive()
    }
}

impl<S, B> Server<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// Serves `service`, as `warp::service(routes)` makes it, on `listener`.
    ///
    /// The service must be ready whenever it is asked, as filters are; a request that finds it not ready is refused as
    /// [`crate::Refusal::Busy`].
    pub fn new(listener: TcpListener, service: S, face: Arc<dyn Face>, limits: Limits) -> Self {
        Self {
            listener,
            service,
            face,
            limits,
            tls: None,
        }
    }

    /// Speaks TLS to everybody.
    pub fn tls(self, tls: Tls) -> Self {
        Self {
            tls: Some(tls),
            ..self
        }
    }

    /// Accepts and serves until `shutdown` resolves, then drains: the listener is closed at once, idle connections too,
    /// requests in flight go on for at most [`Limits::drain_deadline`]. No task is left when this returns, unless a
    /// handler blocks its thread. Dropped before it returns, it cuts all its connections.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> DrainReport {
        let drain_deadline = self.limits.drain_deadline;
        let count = u32::try_from(self.limits.connections_max)
            .unwrap_or(u32::MAX)
            .clamp(1, CONNECTIONS_CEILING);
        let places = Arc::new(Semaphore::new(count as usize));
        let shared = Arc::new(Shared::new(self.limits, self.face));
        let _cut_in_the_end = CutOnDrop(Arc::clone(&shared));
        let host = Host {
            builder: Arc::new(http_builder(&shared.limits)),
            shared: Arc::clone(&shared),
            service: self.service,
            tls: self.tls,
        };
        accept_until(shutdown, self.listener, host, &places).await;

        shared.advance(Stage::Draining);
        if timeout(drain_deadline, places.acquire_many(count)).await.is_err() {
            shared.advance(Stage::Cut);
            if timeout(CUT_GRACE, places.acquire_many(count)).await.is_err() {
                tracing::error!("a handler blocks its thread; its connection is left behind");
            }
        }
        let (finished, cut) = shared.drained();
        DrainReport { finished, cut }
    }
}

struct CutOnDrop(Arc<Shared>);

impl Drop for CutOnDrop {
    fn drop(&mut self) {
        self.0.advance(Stage::Cut);
    }
}

/// What each connection's task gets a copy of.
#[derive(Clone)]
struct Host<S> {
    builder: Arc<http1::Builder>,
    shared: Arc<Shared>,
    service: S,
    tls: Option<Tls>,
}

/// Takes the listener, so that it is closed on return, and the service, which need not be shared between threads.
async fn accept_until<S, B>(
    shutdown: impl Future<Output = ()>,
    listener: TcpListener,
    host: Host<S>,
    places: &Arc<Semaphore>,
) where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut shutdown = pin!(shutdown);
    let mut failures = Failures::default();
    loop {
        let next = async {
            let place = Arc::clone(places)
                .acquire_owned()
                .await
                .expect("the semaphore is never closed");
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            biased;
            () = &mut shutdown => return,
            next = next => next,
        };
        match accepted {
            Ok((stream, address)) => welcome(stream, address, &host, place),
            Err(error) => {
                host.shared.face.accept_failed(&error);
                let reaction = failures.on(&error, Instant::now());
                if let Some(failures) = reaction.log {
                    tracing::error!(%error, failures, "cannot accept connections");
                }
                drop(place);
                tokio::select! {
                    biased;
                    () = &mut shutdown => return,
                    () = tokio::time::sleep(reaction.pause) => {}
                }
            }
        }
    }
}

fn welcome<S, B>(stream: TcpStream, address: SocketAddr, host: &Host<S>, place: OwnedSemaphorePermit)
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    if let Err(error) = accept::prepare(&stream, &host.shared.limits) {
        tracing::debug!(%error, "a client left before it was served");
        return;
    }
    let connection = host.shared.open(address);
    host.shared.face.connection_opened(address);
    let host = host.clone();
    tokio::spawn(async move {
        // Made first, dropped last: the place is free when nothing of the connection is left.
        let mut farewell = Farewell {
            connection,
            ending: Ending::Broken,
            _place: place,
        };
        farewell.ending = attend(stream, host, &farewell.connection).await;
    });
}

/// Ends a connection's account, also where its task panics.
struct Farewell {
    connection: Arc<Connection>,
    ending: Ending,
    _place: OwnedSemaphorePermit,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        let shared = &self.connection.shared;
        shared.close(&self.connection, self.ending == Ending::Cut);
        shared
            .face
            .connection_closed(self.connection.address, self.ending);
    }
}

async fn attend<S, B>(stream: TcpStream, host: Host<S>, connection: &Arc<Connection>) -> Ending
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let address = connection.address;
    let Some(tls) = &host.tls else {
        let exchange = Exchange::new(
            host.service,
            Arc::clone(connection),
            Peer {
                address,
                certificate: None,
            },
        );
        return drive(stream, exchange, Arc::clone(connection), &host.builder).await;
    };
    // In boxes, so that a connection in the clear does not keep room for them: four times what it needs itself.
    let handshake = tls.handshake(stream, host.shared.limits.handshake_timeout);
    match Box::pin(while_running(connection, handshake)).await {
        None => Ending::Closed,
        Some(Err(error)) => {
            tracing::debug!(%error, "a TLS handshake failed");
            Ending::Handshake
        }
        Some(Ok(stream)) => {
            let peer = Peer {
                address,
                certificate: client_certificate(&stream),
            };
            let exchange = Exchange::new(host.service, Arc::clone(connection), peer);
            Box::pin(drive(stream, exchange, Arc::clone(connection), &host.builder)).await
        }
    }
}

/// `None` as soon as the server drains: nobody has asked anything over a connection without a session.
async fn while_running<F: Future>(connection: &Connection, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| {
        connection.register(context.waker());
        if connection.shared.stage() != Stage::Running {
            return Poll::Ready(None);
        }
        future.as_mut().poll(context).map(Some)
    })
    .await
}
