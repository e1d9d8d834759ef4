//! Closes a connection without an answer, which a handler alone cannot do.

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower_service::Service;

/// Among a response's extensions: nothing of it is to be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct CloseUnanswered;

/// A service whose answers may be [`CloseUnanswered`].
#[derive(Clone)]
pub(super) struct Closing<S>(pub(super) S);

impl<S, R, B> Service<Request<R>> for Closing<S>
where
    S: Service<Request<R>, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<MaybeBody<B>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<R>) -> Self::Future {
        let inner = self.0.call(request);
        Box::pin(async move {
            let (parts, body) = inner.await?.into_parts();
            let closes = parts.extensions.get::<CloseUnanswered>().is_some();
            let body = if closes {
                MaybeBody::Never
            } else {
                MaybeBody::Whole(body)
            };
            Ok(Response::from_parts(parts, body))
        })
    }
}

/// The body of an answer, or an error at once: hyper then drops the connection with the head unsent in its buffer.
pub(super) enum MaybeBody<B> {
    Whole(B),
    Never,
}

impl<B> Body for MaybeBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(context).map_err(Into::into),
            Self::Never => Poll::Ready(Some(Err("closed without an answer, as told".into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Never => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Never => SizeHint::default(),
        }
    }
}
