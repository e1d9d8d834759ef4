//! One request and its answer: what hyper calls, around the service that does the work.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, EXPECT, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower_service::Service;

use crate::body::{Answer, Body};
use crate::connection::{Connection, Place, Stage};
use crate::request_id::X_REQUEST_ID;
use crate::{Head, Peer, Refusal, RequestId, TraceContext};

/// When a refused client may try again. A full house empties in milliseconds, and clients round up to whole seconds.
const RETRY_AFTER_BUSY: Duration = Duration::from_secs(1);

/// The service of one connection.
pub(crate) struct Exchange<S> {
    /// HTTP/1 hands over one request at a time, all of them on the connection's task.
    service: RefCell<S>,
    connection: Arc<Connection>,
    peer: Peer,
}

impl<S> Exchange<S> {
    pub(crate) fn new(service: S, connection: Arc<Connection>, peer: Peer) -> Self {
        Self {
            service: RefCell::new(service),
            connection,
            peer,
        }
    }

    /// Whether the loop has to answer a request before any handler sees it.
    fn admit(&self) -> Result<Place, Refusal> {
        if self.connection.shared.stage() != Stage::Running {
            return Err(Refusal::Draining);
        }
        self.connection.place().ok_or(Refusal::Busy {
            retry_after: RETRY_AFTER_BUSY,
        })
    }

    /// Starts the handler. The service must be ready at once, as filters are: one that is not counts as busy.
    fn start<B>(&self, request: Request<Body>) -> Result<S::Future, Refusal>
    where
        S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
    {
        let mut service = self.service.borrow_mut();
        let started = catch_unwind(AssertUnwindSafe(|| {
            match service.poll_ready(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(Ok(())) => Ok(service.call(request)),
                Poll::Ready(Err(never)) => match never {},
                Poll::Pending => Err(Refusal::Busy {
                    retry_after: RETRY_AFTER_BUSY,
                }),
            }
        }));
        started.unwrap_or(Err(Refusal::Panicked))
    }
}

impl<S, B> hyper::service::Service<Request<Incoming>> for Exchange<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Answer<B>>;
    type Error = Infallible;
    type Future = Exchanging<S::Future>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let began = Instant::now();
        let (mut parts, incoming) = request.into_parts();
        let head = Head {
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            request_id: RequestId::of(&parts.headers),
            trace: TraceContext::of(&parts.headers),
        };
        parts.extensions.insert(head.request_id.clone());
        parts.extensions.insert(head.trace);
        parts.extensions.insert(self.peer.clone());

        let expects_continue = expects_continue(&parts.headers) && !incoming_is_empty(&incoming);
        self.connection.request_began(began, expects_continue);
        let body = Body::new(incoming, Arc::clone(&self.connection));
        let (handler, place, refusal) = match self.admit() {
            Err(refusal) => (None, None, Some(refusal)),
            Ok(place) => match self.start(Request::from_parts(parts, body)) {
                Ok(handler) => (Some(handler), Some(place), None),
                Err(refusal) => (None, None, Some(refusal)),
            },
        };
        let ticket = Ticket {
            head,
            began,
            place,
            answered: false,
            connection: Arc::clone(&self.connection),
        };
        Exchanging {
            handler,
            refusal,
            ticket,
        }
    }
}

fn incoming_is_empty(incoming: &Incoming) -> bool {
    http_body::Body::is_end_stream(incoming)
}

fn expects_continue(headers: &HeaderMap) -> bool {
    headers
        .get(EXPECT)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

pin_project! {
    /// A request on its way to an answer.
    pub(crate) struct Exchanging<F> {
        #[pin]
        handler: Option<F>,
        refusal: Option<Refusal>,
        ticket: Ticket,
    }
}

impl<F, B> Future for Exchanging<F>
where
    F: Future<Output = Result<Response<B>, Infallible>>,
{
    type Output = Result<Response<Answer<B>>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let outcome = match this.handler.as_mut().as_pin_mut() {
            None => Err(this
                .refusal
                .take()
                .expect("a request without a handler has its refusal, and is polled to its end once")),
            Some(handler) => match catch_unwind(AssertUnwindSafe(|| handler.poll(context))) {
                Ok(Poll::Ready(Ok(response))) => Ok(response),
                Ok(Poll::Ready(Err(never))) => match never {},
                Ok(Poll::Pending) if this.ticket.connection.is_expired() => Err(Refusal::HeldTooLong),
                Ok(Poll::Pending) => return Poll::Pending,
                Err(_) => Err(Refusal::Panicked),
            },
        };
        // The request's body may be in the handler; what is left of it must be known before the answer's head is made.
        let dropped = catch_unwind(AssertUnwindSafe(|| this.handler.set(None)));
        let outcome = if dropped.is_ok() {
            outcome
        } else {
            Err(Refusal::Panicked)
        };
        Poll::Ready(Ok(this.ticket.answer(outcome)))
    }
}

/// All that is known of a request while its handler works.
struct Ticket {
    head: Head,
    began: Instant,
    place: Option<Place>,
    answered: bool,
    connection: Arc<Connection>,
}

impl Ticket {
    fn answer<B>(&mut self, outcome: Result<Response<B>, Refusal>) -> Response<Answer<B>> {
        self.answered = true;
        self.place = None;
        let connection = &self.connection;
        let mut response = match outcome {
            Ok(response) => response
                .map(|body| Answer::of_handler(body, self.head.request_id.clone(), Arc::clone(connection))),
            Err(refusal) => {
                self.log(refusal);
                self.refuse(refusal)
                    .map(|body| Answer::of_loop(body, Arc::clone(connection)))
            }
        };
        let now = Instant::now();
        let headers = response.headers_mut();
        headers.insert(X_REQUEST_ID, self.head.request_id.header_value());
        if connection.answered(now) {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        connection
            .shared
            .face
            .observe(&self.head, response.status(), now - self.began);
        response
    }

    fn refuse(&self, refusal: Refusal) -> Response<Full<Bytes>> {
        let mut response = self.connection.shared.face.refuse(&self.head, refusal);
        match refusal {
            Refusal::Busy { retry_after } => {
                response
                    .headers_mut()
                    .insert(RETRY_AFTER, HeaderValue::from(retry_after.as_secs().max(1)));
            }
            Refusal::Draining => {
                response
                    .headers_mut()
                    .insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Refusal::HeldTooLong | Refusal::Panicked => {}
        }
        response
    }

    /// A panic's message and place are in the panic hook's line; they may quote data, so they are not repeated here.
    fn log(&self, refusal: Refusal) {
        let (method, request_id) = (&self.head.method, &self.head.request_id);
        match refusal {
            Refusal::Panicked => tracing::error!(%request_id, %method, "a handler panicked"),
            Refusal::HeldTooLong => tracing::warn!(%request_id, %method, "a handler was held too long"),
            Refusal::Busy { .. } | Refusal::Draining => {
                tracing::debug!(%request_id, %method, ?refusal, "refused a request");
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.answered {
            self.connection
                .shared
                .face
                .abandoned(&self.head, self.began.elapsed());
        }
    }
}
