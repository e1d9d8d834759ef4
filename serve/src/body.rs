//! The bodies that pass through: a request's, which renews its deadline, and an answer's, which tells of its end.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use pin_project_lite::pin_project;

use crate::RequestId;
use crate::connection::Connection;

/// The body of a request. What its handler does not read is read and dropped by the connection, within
/// [`crate::Limits::refusal_drain_bytes_max`] and [`crate::Limits::refusal_drain_max`].
pub struct Body {
    /// None once it has ended.
    incoming: Option<Incoming>,
    connection: Arc<Connection>,
}

impl Body {
    pub(crate) fn new(incoming: Incoming, connection: Arc<Connection>) -> Self {
        Self {
            incoming: Some(incoming),
            connection,
        }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Body")
            .field("ended", &self.incoming.is_none())
            .finish_non_exhaustive()
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(incoming) = self.incoming.as_mut() else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(incoming).poll_frame(context);
        self.connection.body_wanted();
        let frame = ready!(polled);
        match &frame {
            Some(Ok(_)) => self.connection.body_moved(),
            Some(Err(_)) | None => self.incoming = None,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), http_body::Body::size_hint)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Some(incoming) = self
            .incoming
            .take()
            .filter(|incoming| !http_body::Body::is_end_stream(incoming))
        {
            self.connection.keep_leftover(incoming);
        }
    }
}

pin_project! {
    /// Whose answer it is.
    #[project = ContentProjection]
    enum Content<B> {
        Handler { #[pin] body: B, request_id: RequestId },
        Loop { body: Full<Bytes> },
    }
}

/// Tells the connection that the answer is complete, or will never be.
struct Ended(Arc<Connection>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.answer_ended();
    }
}

pin_project! {
    /// The body of an answer, on its way to hyper, which drops it when all of it is in the connection's buffer.
    pub(crate) struct Answer<B> {
        #[pin]
        content: Content<B>,
        ended: Ended,
    }
}

impl<B> Answer<B> {
    pub(crate) fn of_handler(body: B, request_id: RequestId, connection: Arc<Connection>) -> Self {
        Self {
            content: Content::Handler { body, request_id },
            ended: Ended(connection),
        }
    }

    pub(crate) fn of_loop(body: Full<Bytes>, connection: Arc<Connection>) -> Self {
        Self {
            content: Content::Loop { body },
            ended: Ended(connection),
        }
    }
}

impl<B> http_body::Body for Answer<B>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.project().content.project() {
            ContentProjection::Handler { body, request_id } => {
                if let Ok(polled) = catch_unwind(AssertUnwindSafe(|| body.poll_frame(context))) {
                    return polled.map(|frame| frame.map(|frame| frame.map_err(Into::into)));
                }
                // The answer has begun: all that can still be said is that it is not whole.
                tracing::error!(%request_id, "the body of an answer panicked");
                Poll::Ready(Some(Err("the body of the answer panicked".into())))
            }
            ContentProjection::Loop { body } => {
                Pin::new(body).poll_frame(context).map_err(|never| match never {})
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Handler { body, .. } => body.is_end_stream(),
            Content::Loop { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Handler { body, .. } => body.size_hint(),
            Content::Loop { body } => body.size_hint(),
        }
    }
}
