//! The task of one connection: it polls hyper, and acts when the connection's time is up.

use std::convert::Infallible;
use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::{Request, Response};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};
use tower_service::Service;

use crate::connection::{Connection, Stage};
use crate::exchange::Exchange;
use crate::limits::BUFFER_BYTES_MIN;
use crate::stream::Watched;
use crate::watch::Phase;
use crate::{Body, Ending, Limits};

/// hyper's side of the limits.
///
/// hyper's own header timer stays off: it counts the idle time between requests as part of the next head, so a
/// connection could not be kept for longer than `header_timeout`, and it costs a timer per request. The connection's
/// [`crate::watch`] tells the two apart, with one timer per connection that is moved only when it must ring earlier.
pub(crate) fn http_builder(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.header_read_timeout(None);
    builder.max_buf_size(limits.buffer_bytes_max.max(BUFFER_BYTES_MIN));
    if limits.headers_max != Limits::HEADERS_MAX_DEFAULT {
        builder.max_headers(limits.headers_max);
    }
    builder
}

/// Serves one connection to its end.
pub(crate) async fn drive<I, S, B>(
    stream: I,
    exchange: Exchange<S>,
    connection: Arc<Connection>,
    builder: &http1::Builder,
) -> Ending
where
    I: AsyncRead + AsyncWrite + Unpin,
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let stream = TokioIo::new(Watched::new(stream, Arc::clone(&connection)));
    let mut http = pin!(builder.serve_connection(stream, exchange));
    let mut alarm = pin!(sleep_until(connection.deadline()));
    let mut closing: Option<Ending> = None;
    poll_fn(|context| {
        connection.register(context.waker());
        let stage = connection.shared.stage();
        if stage == Stage::Cut {
            return Poll::Ready(Ending::Cut);
        }
        loop {
            if let Poll::Ready(result) = http.as_mut().poll(context) {
                return Poll::Ready(closing.unwrap_or_else(|| ending(result)));
            }
            if stage == Stage::Draining && closing.is_none() {
                // Only now, so that a request that had arrived before the drain was read, and is refused in words.
                closing = Some(Ending::Closed);
                http.as_mut().graceful_shutdown();
                continue;
            }
            connection.poll_leftover(context);
            let deadline = connection.deadline();
            if alarm.deadline() > deadline {
                alarm.as_mut().reset(deadline);
            }
            if alarm.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            let now = Instant::now();
            if deadline > now || !connection.is_overdue(now) {
                // It rang for a deadline that moved on, or for the leftover of a body, which `poll_leftover` drops.
                alarm.as_mut().reset(deadline);
                continue;
            }
            match (connection.phase(), closing) {
                (Phase::Idle, None) => {
                    closing = Some(Ending::Idle);
                    http.as_mut().graceful_shutdown();
                }
                (Phase::Idle, Some(ending)) => return Poll::Ready(ending),
                (Phase::Head, _) => return Poll::Ready(Ending::HeaderTimeout),
                (Phase::Answering | Phase::Flushing, _) => return Poll::Ready(Ending::Stalled),
                // A handler that is expired already and still not gone is not polled: an earlier answer blocks the way.
                (Phase::Busy, _) if connection.is_expired() => return Poll::Ready(Ending::Stalled),
                (Phase::Busy, _) => connection.expire(),
            }
        }
    })
    .await
}

fn ending(result: Result<(), hyper::Error>) -> Ending {
    match result {
        Ok(()) => Ending::Closed,
        Err(error) => {
            tracing::debug!(%error, "a connection broke");
            Ending::Broken
        }
    }
}
