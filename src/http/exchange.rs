//! One request as handlers see it, and the steps that every route takes in the same order: method, key, form, size, body.

use super::problem::{Code, Problem, Shape};
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, Request, Response};
use http_body_util::{BodyExt, Empty};
use serve::{Body, Peer, RequestId, TraceContext};
use std::convert::Infallible;
use std::future::{Future, ready};
use std::net::IpAddr;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;
use warp::{Filter, Rejection, Reply, reject};

/// The longest idempotency key.
const IDEMPOTENCY_KEY_CHARACTERS_MAX: usize = 255;
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What handlers answer.
pub type Answer = Result<Response<Vec<u8>>, Problem>;

/// One request. In a box: on its way to its handler it moves several times.
pub struct Exchange(Box<Contents>);

/// What a request has.
pub struct Contents {
    /// Its method.
    pub method: Method,
    /// Its header fields.
    pub headers: HeaderMap,
    /// Its query, without the question mark.
    pub query: String,
    /// Its id, ours or the caller's.
    pub request_id: RequestId,
    /// Its place in the caller's trace.
    pub trace: TraceContext,
    /// The address that it came from.
    pub peer: IpAddr,
    /// Its body, not read yet.
    pub body: Body,
}

impl Deref for Exchange {
    type Target = Contents;

    fn deref(&self) -> &Contents {
        &self.0
    }
}

impl DerefMut for Exchange {
    fn deref_mut(&mut self) -> &mut Contents {
        &mut self.0
    }
}

/// A service over routes that only find who answers. It takes a request apart before it is routed, for filters would copy each part and move it from one
/// future to the next; and it gives back the handler's own future, so that nothing waits with it that the route was found by.
#[derive(Clone)]
pub struct Apart<S>(pub S);

/// An answer on its way.
type Answering = Pin<Box<dyn Future<Output = Result<warp::reply::Response, Infallible>> + Send>>;

/// A request without its path on its way past the routes to the one that matches, and back from there its answer. What goes that way must be clonable.
#[derive(Clone)]
struct Carried(Arc<Mutex<Load>>);

enum Load {
    Request(Exchange),
    Answer(Answering),
    Nothing,
}

impl Carried {
    fn put(&self, load: Load) -> Load {
        std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), load)
    }
}

/// A request that has come to its route.
pub struct Arrived {
    exchange: Exchange,
    carried: Carried,
}

/// The answer is on its way.
pub struct Routed;

impl Arrived {
    /// Gives it to its handler.
    pub fn answer<R>(self, handler: impl FnOnce(Exchange) -> R) -> Routed
    where
        R: Future<Output = Response<Vec<u8>>> + Send + 'static,
    {
        let answer = handler(self.exchange).map(|response| Ok(response.into_response()));
        self.carried.put(Load::Answer(Box::pin(answer)));
        Routed
    }
}

impl Reply for Routed {
    /// Nobody sees it: the answer goes its own way.
    fn into_response(self) -> warp::reply::Response {
        warp::reply().into_response()
    }
}

impl<S> Service<Request<Body>> for Apart<S>
where
    S: Service<Request<Empty<Bytes>>, Response = warp::reply::Response, Error = Infallible>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Answering;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let load = Exchange::apart(&mut parts, body).map_or(Load::Nothing, Load::Request);
        let carried = Carried(Arc::new(Mutex::new(load)));
        parts.extensions.insert(carried.clone());
        let routed = self
            .0
            .call(Request::from_parts(parts, Empty::new()))
            .now_or_never();
        match carried.put(Load::Nothing) {
            Load::Answer(answer) => answer,
            // No route took it; warp says so.
            _ => Box::pin(ready(routed.expect("filters wait for nothing, handlers do"))),
        }
    }
}

/// Takes a request, for the one route that has it to itself.
pub fn exchange() -> impl Filter<Extract = (Arrived,), Error = Rejection> + Clone {
    warp::ext::get::<Carried>().and_then(|carried: Carried| {
        ready(match carried.put(Load::Nothing) {
            Load::Request(exchange) => Ok(Arrived { exchange, carried }),
            _ => Err(reject::not_found()),
        })
    })
}

impl Exchange {
    /// `None` where a request did not come through [`serve::Server`], which names each.
    fn apart(parts: &mut Parts, body: Body) -> Option<Exchange> {
        let request_id = parts.extensions.get::<RequestId>()?.clone();
        let trace = parts.extensions.remove::<TraceContext>()?;
        let peer = parts.extensions.remove::<Peer>()?;
        Some(Exchange(Box::new(Contents {
            method: parts.method.clone(),
            headers: std::mem::take(&mut parts.headers),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            request_id,
            trace,
            peer: peer.address.ip(),
            body,
        })))
    }

    /// Refuses every method but these (HEAD goes with GET).
    pub fn allow(&self, allowed: &[Method]) -> Result<(), Problem> {
        let head = self.method == Method::HEAD && allowed.contains(&Method::GET);
        if head || allowed.contains(&self.method) {
            return Ok(());
        }
        let mut names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
        if allowed.contains(&Method::GET) {
            names.push("HEAD");
        }
        Err(Problem::method_not_allowed(&names.join(", ")))
    }

    /// The key of `Authorization: Bearer <key>`, if there is one. The scheme's case does not matter (RFC 9110, 11.1).
    pub fn bearer(&self) -> Option<&str> {
        let mut fields = self.headers.get_all(AUTHORIZATION).iter();
        let field = fields.next()?.to_str().ok()?;
        if fields.next().is_some() {
            return None;
        }
        let (scheme, key) = field.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then_some(key.trim())
            .filter(|key| !key.is_empty())
    }

    /// The idempotency key that it came under, if any.
    ///
    /// # Errors
    /// One that is none.
    pub fn idempotency_key(&self) -> Result<Option<&str>, Problem> {
        let Some(field) = self.headers.get(IDEMPOTENCY_KEY) else {
            return Ok(None);
        };
        let key = field.to_str().ok().map(str::trim).filter(|key| {
            (1..=IDEMPOTENCY_KEY_CHARACTERS_MAX).contains(&key.len())
                && key.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        });
        let detail = "Idempotency-Key must have 1 to 255 visible ASCII characters";
        key.map(Some)
            .ok_or_else(|| Problem::new(Code::InvalidIdempotencyKey, detail))
    }

    /// Refuses a body that says it is something else than `media_type` in UTF-8, or is compressed. No Content-Type is taken for the right one.
    pub fn expect_type(&self, media_types: &[&str]) -> Result<(), Problem> {
        let wrong = |what: &str| {
            Err(Problem::new(
                Code::UnsupportedMediaType,
                format!("{what}; send {} in UTF-8", media_types[0]),
            ))
        };
        if self
            .headers
            .get(CONTENT_ENCODING)
            .is_some_and(|encoding| encoding != "identity")
        {
            return wrong("the body must not be compressed");
        }
        let Some(field) = self.headers.get(CONTENT_TYPE) else {
            return Ok(());
        };
        let Ok(field) = field.to_str() else {
            return wrong("Content-Type is not readable");
        };
        let mut parts = field.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default();
        if !media_types
            .iter()
            .any(|known| media_type.eq_ignore_ascii_case(known))
        {
            return wrong("Content-Type is not supported here");
        }
        let charset = parts.find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("charset")
                .then(|| value.trim().trim_matches('"').to_ascii_lowercase())
        });
        match charset.as_deref() {
            None | Some("utf-8" | "utf8" | "us-ascii") => Ok(()),
            Some(_) => wrong("the charset is not supported"),
        }
    }

    /// Reads the whole body, within size and time.
    pub async fn read_body(&mut self, bytes_max: usize, deadline: Duration) -> Result<Bytes, Problem> {
        let too_large = || {
            Problem::new(
                Code::BodyTooLarge,
                format!("the body may have {bytes_max} bytes at most"),
            )
        };
        let announced = self
            .headers
            .get(CONTENT_LENGTH)
            .and_then(|field| field.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|bytes| bytes > bytes_max) {
            return Err(too_large());
        }
        let read = async {
            let Some(first) = self.next_piece().await? else {
                return Ok(Bytes::new());
            };
            if announced == Some(first.len()) {
                return Ok(first);
            }
            let mut body = BytesMut::from(first.as_ref());
            loop {
                if body.len() > bytes_max {
                    return Err(too_large());
                }
                match self.next_piece().await? {
                    Some(piece) => body.extend_from_slice(&piece),
                    None => return Ok(body.freeze()),
                }
            }
        };
        match tokio::time::timeout(deadline, read).await {
            Ok(body) => body,
            Err(_) => {
                let seconds = deadline.as_secs();
                Err(Problem::new(
                    Code::BodyTimeout,
                    format!("the body did not arrive within {seconds} s"),
                ))
            }
        }
    }

    /// The next piece of the body.
    pub async fn next_piece(&mut self) -> Result<Option<Bytes>, Problem> {
        let broken = |_| {
            Problem::new(
                Code::InvalidBody,
                "the body broke off or is not framed as HTTP/1.1 asks",
            )
        };
        while let Some(frame) = self.body.frame().await {
            // Trailers are nothing to anybody here.
            if let Ok(piece) = frame.map_err(broken)?.into_data() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }
}

/// Turns a handler's result into the answer, in the shape of its face.
pub fn finish(answer: Answer, shape: Shape, request_id: &RequestId) -> Response<Vec<u8>> {
    if let Err(problem) = &answer
        && problem.is_internal()
    {
        tracing::error!(request_id = request_id.as_str(), %problem, "answered 500");
    }
    answer.unwrap_or_else(|problem| problem.into_response(shape, request_id))
}
