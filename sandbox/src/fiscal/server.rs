//! The shell: listeners, and requests handed to threads that may block.

use super::answer;
use super::clock::{Clock, SystemClock};
use super::control::{self, Outage, State};
use super::core::{Core, OpenError};
use super::faults::{Control, ControlError, SECONDS_MAX};
use super::requests::{self, Incoming, Outcome};
use super::settings::Settings;
use bytes::{Buf, Bytes};
use futures_util::{FutureExt, Stream, StreamExt};
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::Full;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use warp::Filter;
use warp::filters::BoxedFilter;

use super::closing::{CloseUnanswered, Closing};

/// What the control face reads: a fault has a few hundred octets.
const CONTROL_BYTES_MAX: usize = 64 * 1024;
/// How long requests in flight go on at the end, and when an outage begins.
const DRAIN: Duration = Duration::from_secs(1);
/// Connections that wait to be accepted, as the kernel's own default has it.
const BACKLOG: i32 = 128;

/// A stand-in fiscal server: its state, its key, and what is armed.
pub struct Server {
    core: Arc<Core>,
    outage: Arc<Outage>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Server").finish_non_exhaustive()
    }
}

impl Server {
    /// A server that keeps its journal and its key in `folder`, and goes by the system's clock.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(settings: Settings, folder: &Path) -> Result<Self, OpenError> {
        Self::open_with_clock(settings, folder, Arc::new(SystemClock))
    }

    /// The same by another clock.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_with_clock(
        settings: Settings,
        folder: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        Ok(Self {
            core: Arc::new(Core::open(settings, folder, clock)?),
            outage: Arc::new(watch::Sender::new(None)),
        })
    }

    /// The certificate that the server's answers are signed with.
    pub fn certificate(&self) -> &dstu::Certificate {
        self.core.seal.certificate()
    }

    /// Arms a fault, as `POST /control` does.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn arm(&self, control: Control) -> Result<(), ControlError> {
        control::arm(&self.core, &self.outage, control)
    }

    /// Disarms all faults, as `DELETE /control` does.
    pub fn disarm(&self) {
        control::disarm(&self.core, &self.outage);
    }

    /// What was accepted, as `GET /control/state` tells.
    pub fn state(&self) -> State {
        self.core.read(State::of)
    }

    /// Serves `/fs/…` on `listener`, and the control face on `control`, until `shutdown` completes. Without `control` its routes are on `listener`
    /// too, where that is on loopback: one address is all that a test needs then. While the server is to be
    /// unreachable, `listener` is closed and its port kept.
    ///
    /// # Errors
    /// The port could not be had again after an outage.
    pub async fn serve(
        &self,
        listener: TcpListener,
        control: Option<TcpListener>,
        shutdown: impl Future<Output = ()> + Send,
    ) -> io::Result<()> {
        let shutdown = shutdown.shared();
        let fiscal = self.serve_fiscal(listener, control.is_none(), shutdown.clone());
        match control {
            None => fiscal.await,
            Some(listener) => {
                let routes = control_routes(&self.core, &self.outage);
                let control = server(listener, routes).run(shutdown).map(Ok);
                // A port that is lost ends both.
                tokio::try_join!(fiscal, control).map(|_| ())
            }
        }
    }

    async fn serve_fiscal(
        &self,
        mut listener: TcpListener,
        has_control: bool,
        shutdown: impl Future<Output = ()> + Clone + Send,
    ) -> io::Result<()> {
        let address = listener.local_addr()?;
        let mut outage = self.outage.subscribe();
        loop {
            let fiscal = fiscal_routes(&self.core);
            let routes = if has_control && address.ip().is_loopback() {
                let control = control_routes(&self.core, &self.outage);
                warp::path("control").and(control).or(fiscal).unify().boxed()
            } else {
                fiscal
            };
            let ends = async {
                tokio::select! {
                    () = shutdown.clone() => {}
                    // The sender lives as long as the server.
                    _ = outage.wait_for(Option::is_some) => {}
                }
            };
            server(listener, routes).run(ends).await;
            if shutdown.clone().now_or_never().is_some() {
                return Ok(());
            }
            let kept = keep_port(address)?;
            tokio::select! {
                () = shutdown.clone() => return Ok(()),
                () = over(&mut outage) => {}
            }
            kept.listen(BACKLOG)?;
            kept.set_nonblocking(true)?;
            listener = TcpListener::from_std(kept.into())?;
            // One that began meanwhile is not to be forgotten.
            self.outage.send_if_modified(|until| {
                let over = until.is_some_and(|until| until <= tokio::time::Instant::now());
                if over {
                    *until = None;
                }
                over
            });
        }
    }
}

/// The end of an outage: its time has come, or it was disarmed.
async fn over(outage: &mut watch::Receiver<Option<tokio::time::Instant>>) {
    loop {
        let until = *outage.borrow_and_update();
        let Some(until) = until else {
            return;
        };
        tokio::select! {
            () = tokio::time::sleep_until(until) => return,
            // A sender that is gone arms no more: the time that is set still holds.
            changed = outage.changed() => if changed.is_err() {
                return tokio::time::sleep_until(until).await;
            }
        }
    }
}

/// A socket that has the port and does not listen: the kernel refuses who connects, and gives the port to nobody else.
fn keep_port(address: std::net::SocketAddr) -> io::Result<socket2::Socket> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn server(
    listener: TcpListener,
    routes: BoxedFilter<(Response<Vec<u8>>,)>,
) -> serve::Server<
    Closing<
        impl tower_service::Service<
            http::Request<serve::Body>,
            Response = warp::reply::Response,
            Error = Infallible,
            Future: Send + 'static,
        > + Clone
        + Send
        + 'static,
    >,
> {
    let limits = serve::Limits {
        // As long as the longest delay that can be armed.
        hold_max: Duration::from_secs(u64::from(SECONDS_MAX) + 60),
        drain_deadline: DRAIN,
        ..serve::Limits::default()
    };
    let service = Closing(warp::service(routes.map(warp::Reply::into_response)));
    serve::Server::new(listener, service, Arc::new(PlainFace), limits)
}

struct PlainFace;

impl serve::Face for PlainFace {
    fn refuse(&self, _: &serve::Head, refusal: serve::Refusal) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::new()));
        *response.status_mut() = refusal.status();
        response
    }
}

fn fiscal_routes(core: &Arc<Core>) -> BoxedFilter<(Response<Vec<u8>>,)> {
    let core = Arc::clone(core);
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::any()
        .map(move || Arc::clone(&core))
        .and(warp::method())
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(receive)
        .boxed()
}

async fn receive(
    core: Arc<Core>,
    method: Method,
    path: warp::path::FullPath,
    query: String,
    headers: HeaderMap,
    body: impl Stream<Item = Result<impl Buf, warp::Error>>,
) -> Response<Vec<u8>> {
    let max = core
        .settings
        .document_bytes_max
        .max(core.settings.package_bytes_max);
    let Ok(body) = collect(body, max).await else {
        return answer::empty(StatusCode::BAD_REQUEST);
    };
    let incoming = Incoming {
        method,
        path: path.as_str().to_owned(),
        query,
        headers,
        body,
    };
    // On a thread of its own, to its end: what is accepted is remembered also when its client has gone.
    let handled = tokio::task::spawn_blocking(move || requests::handle(&core, &incoming)).await;
    match handled {
        Ok(Outcome::Answer(response, wait)) => {
            tokio::time::sleep(wait).await;
            response
        }
        Ok(Outcome::Close(wait)) => {
            tokio::time::sleep(wait).await;
            let mut response = answer::empty(StatusCode::OK);
            response.extensions_mut().insert(CloseUnanswered);
            response
        }
        Err(error) => {
            tracing::error!(%error, "a request could not be handled");
            answer::empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// The whole body; none when it is larger than that.
async fn collect(
    body: impl Stream<Item = Result<impl Buf, warp::Error>>,
    max: usize,
) -> Result<Option<Vec<u8>>, warp::Error> {
    let mut body = pin!(body);
    let mut octets = Vec::new();
    while let Some(piece) = body.next().await {
        let mut piece = piece?;
        if octets.len() + piece.remaining() > max {
            return Ok(None);
        }
        while piece.has_remaining() {
            let chunk = piece.chunk();
            octets.extend_from_slice(chunk);
            let length = chunk.len();
            piece.advance(length);
        }
    }
    Ok(Some(octets))
}

fn control_routes(core: &Arc<Core>, outage: &Arc<Outage>) -> BoxedFilter<(Response<Vec<u8>>,)> {
    let shared = (Arc::clone(core), Arc::clone(outage));
    warp::any()
        .map(move || shared.clone())
        .and(warp::method())
        .and(warp::path::full())
        .and(warp::body::stream())
        .then(
            |(core, outage): (Arc<Core>, Arc<Outage>), method, path: warp::path::FullPath, body| async move {
                match collect(body, CONTROL_BYTES_MAX).await {
                    Ok(Some(body)) => control::handle(&core, &outage, &method, path.as_str(), &body),
                    Ok(None) => answer::empty(StatusCode::PAYLOAD_TOO_LARGE),
                    Err(_) => answer::empty(StatusCode::BAD_REQUEST),
                }
            },
        )
        .boxed()
}
