//! All routes on one screen. Handlers are in the files that they name.
//!
//! A route is found first (404), then its method (405), then who asks (401, 403), then the body is read, then the rules answer.

mod cashiers;
mod exchange;
mod keys;
mod service;
mod upload;

pub use exchange::{Refused, Shape};

use crate::clock::Clock;
use crate::gateway::Link;
use crate::health::{self, Health};
use crate::keys::KeyStore;
use crate::licence::Licences;
use crate::metrics::Metrics;
use crate::recorder::Recorder;
use crate::signing::Desk;
use bytes::Bytes;
use exchange::{Answer, Exchange, pieces};
use http::{Method, Response, StatusCode};
use http_body_util::Full;
use signing_protocol::{KeyId, PublicKey, routes};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use subtle::ConstantTimeEq as _;
use warp::Filter as _;

/// What handlers need.
pub struct App {
    /// The licence.
    pub licences: Arc<Licences>,
    /// The keys.
    pub keys: Arc<KeyStore>,
    /// Who signs.
    pub desk: Arc<Desk>,
    /// The line to the gateway.
    pub link: Arc<Link>,
    /// The disk.
    pub recorder: Arc<Recorder>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub metrics: Metrics,
    /// This instance's public key.
    pub instance: PublicKey,
    /// SHA-256 of the integrators' keys.
    pub api_key_digests: Vec<[u8; 32]>,
    /// How long a body may take.
    pub body_deadline: Duration,
    /// Set when the agent begins to go down.
    pub draining: AtomicBool,
    /// Uploads are judged one at a time: each is some hundredth of a second of computing on purpose.
    pub uploading: tokio::sync::Mutex<()>,
}

impl App {
    fn health(&self) -> Health {
        health::look(&health::Asked {
            licences: &self.licences,
            keys: &self.keys,
            desk: &self.desk,
            link: &self.link,
            recorder: &self.recorder,
            metrics: &self.metrics,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    Live,
    Ready,
    Metrics,
    Health,
    Identity,
    Licence,
    Upload,
    Keys,
    Key(KeyId),
    Activate(KeyId),
    Deactivate(KeyId),
    Heartbeat,
    Sign,
    Cashiers,
}

fn route(path: &str) -> Option<Route> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    Some(match parts.as_slice() {
        ["livez"] => Route::Live,
        ["readyz"] => Route::Ready,
        ["metrics"] => Route::Metrics,
        ["api", "v1", "health"] => Route::Health,
        ["api", "v1", "identity"] => Route::Identity,
        ["api", "v1", "licence"] => Route::Licence,
        ["api", "v1", "key"] => Route::Upload,
        ["api", "v1", "keys"] => Route::Keys,
        ["api", "v1", "keys", id] => Route::Key(id.parse().ok()?),
        ["api", "v1", "keys", id, "activate"] => Route::Activate(id.parse().ok()?),
        ["api", "v1", "keys", id, "deactivate"] => Route::Deactivate(id.parse().ok()?),
        ["api", "v1" | "v2", "key-heartbeat"] => Route::Heartbeat,
        ["api", "v1", "sign"] => Route::Sign,
        ["api", "v1", "cashiers"] => Route::Cashiers,
        _ => return None,
    })
}

/// What changes something is done by a task of its own: a handler is dropped where its client goes away.
async fn complete(app: &App, work: impl Future<Output = Answer> + Send + 'static) -> Answer {
    let completed = app.desk.complete(work).await;
    completed.unwrap_or_else(|_| Err(Refused::internal("a fault of the agent")))
}

/// The integrator's face.
async fn api(app: Arc<App>, mut exchange: Exchange) -> Answer {
    let route = route(&exchange.path).ok_or_else(no_route)?;
    let method = exchange.method.clone();
    match (&method, route) {
        (&Method::GET, Route::Live) => return service::live(),
        (&Method::GET, Route::Ready) => return service::ready(&app),
        (&Method::GET, Route::Metrics) => return service::metrics(&app),
        _ => {}
    }
    let is_known = matches!(
        (&method, route),
        (
            &Method::GET,
            Route::Health
                | Route::Identity
                | Route::Keys
                | Route::Key(_)
                | Route::Heartbeat
                | Route::Cashiers
        ) | (
            &Method::POST,
            Route::Upload | Route::Activate(_) | Route::Deactivate(_) | Route::Sign | Route::Cashiers
        ) | (&Method::PUT, Route::Licence)
            | (&Method::DELETE, Route::Key(_))
    );
    if !is_known {
        return Err(wrong_method());
    }
    authorise(&app, &exchange)?;
    match (&method, route) {
        (&Method::GET, Route::Health) => service::health(&app),
        (&Method::GET, Route::Identity) => service::identity(&app),
        (&Method::PUT, Route::Licence) => service::install_licence(app, &mut exchange).await,
        (&Method::POST, Route::Sign) => service::sign(&app, &mut exchange).await,
        (&Method::POST, Route::Upload) => upload::upload(app, &mut exchange).await,
        (&Method::GET, Route::Keys) => keys::list(&app),
        (&Method::GET, Route::Key(id)) => keys::one(&app, id),
        (&Method::DELETE, Route::Key(id)) => keys::remove(app, id).await,
        (_, Route::Activate(id)) => keys::activate(app, id).await,
        (_, Route::Deactivate(id)) => keys::deactivate(app, id).await,
        (_, Route::Heartbeat) => keys::heartbeat(&app, &exchange),
        (&Method::GET, Route::Cashiers) => cashiers::list(&app).await,
        (_, Route::Cashiers) => cashiers::register(app, &mut exchange).await,
        _ => Err(wrong_method()),
    }
}

/// The gateway's face.
async fn push(app: Arc<App>, mut exchange: Exchange) -> Answer {
    match (exchange.path.as_str(), &exchange.method) {
        (routes::PUSH, &Method::POST) => service::push(&app, &mut exchange).await,
        (routes::PUSH, _) => Err(wrong_method()),
        ("/livez", &Method::GET) => service::live(),
        _ => Err(no_route()),
    }
}

fn no_route() -> Refused {
    Refused::new(StatusCode::NOT_FOUND, "not_found", "there is no such route")
}

fn wrong_method() -> Refused {
    let message = "the route does not take this method";
    Refused::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
}

/// One of the integrators' keys, where there are any. Without, only programs of this machine come here, and pages in its browsers, which
/// give their origin, are kept out.
fn authorise(app: &App, exchange: &Exchange) -> Result<(), Refused> {
    if app.api_key_digests.is_empty() {
        return if exchange.headers.contains_key("origin") {
            let message = "pages in browsers may not call this API";
            Err(Refused::new(StatusCode::FORBIDDEN, "forbidden", message))
        } else {
            Ok(())
        };
    }
    let given = exchange
        .bearer()
        .map(|key| signing_protocol::sha_256(key.as_bytes()));
    let known = given.is_some_and(|given| {
        let equal = app.api_key_digests.iter().map(|known| known.ct_eq(&given));
        equal.fold(subtle::Choice::from(0), |any, one| any | one).into()
    });
    if known {
        Ok(())
    } else {
        let message = "one of api.keys is needed as `Authorization: Bearer KEY`";
        Err(Refused::new(StatusCode::UNAUTHORIZED, "unauthorized", message))
    }
}

/// The integrator's service for [`serve::Server`].
pub fn api_service(app: &Arc<App>) -> impl Service {
    service(app, Shape::CashDesk, api)
}

/// The gateway's service for [`serve::Server`].
pub fn push_service(app: &Arc<App>) -> impl Service {
    service(app, Shape::Problem, push)
}

/// What a server takes.
pub trait Service:
    tower_service::Service<
        http::Request<serve::Body>,
        Response = warp::reply::Response,
        Error = Infallible,
        Future: Send,
    > + Clone
    + Send
    + 'static
{
}

impl<S> Service for S where
    S: tower_service::Service<
            http::Request<serve::Body>,
            Response = warp::reply::Response,
            Error = Infallible,
            Future: Send,
        > + Clone
        + Send
        + 'static
{
}

fn service<F, R>(app: &Arc<App>, shape: Shape, face: F) -> impl Service
where
    F: Fn(Arc<App>, Exchange) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Answer> + Send + 'static,
{
    let app = Arc::clone(app);
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    let routes = warp::method()
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(move |method, path: warp::path::FullPath, query, headers, body| {
            let exchange = Exchange {
                method,
                path: path.as_str().to_owned(),
                query,
                headers,
                body: pieces(body),
            };
            let answer = face(Arc::clone(&app), exchange);
            async move { answer.await.unwrap_or_else(|refused| shape.answer(&refused)) }
        })
        .map(warp::Reply::into_response);
    warp::service(routes)
}

/// Words what the accept loop itself must answer.
pub struct AgentFace(pub Shape);

impl serve::Face for AgentFace {
    fn refuse(&self, _: &serve::Head, refusal: serve::Refusal) -> Response<Full<Bytes>> {
        let refused = Refused::new(refusal.status(), "unavailable", "the agent cannot answer now");
        self.0.answer(&refused).map(|body| Full::new(Bytes::from(body)))
    }
}
