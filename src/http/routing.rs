//! From a path to its handler: what the tables of routes are made with.
//!
//! A handler's future is large, and filters move theirs several times, to the heap and within. So it lies in a box, and the filters move that.

use super::cashdesk;
use super::exchange::{Answer, Exchange, exchange, finish};
use super::problem::{Code, Problem, Shape};
use super::{Gateway, Routes};
use futures_util::FutureExt;
use http::Response;
use serve::RequestId;
use std::future::Future;
use std::sync::Arc;
use warp::{Filter, Rejection, path};

/// The first route whose path matches answers. What stands first is nested least: a request goes through all that its route is nested in.
pub(super) fn first_of<const N: usize>(routes: [Routes; N]) -> Routes {
    let mut routes = routes.into_iter().rev();
    let last = routes.next().expect("a face has routes");
    routes.fold(last, |after, before| before.or(after).unify().boxed())
}

/// A route without parameters.
pub(super) fn route<P, F, R>(path: P, gateway: &Gateway, shape: Shape, handler: F) -> Routes
where
    P: Filter<Extract = (), Error = Rejection> + Clone + Send + Sync + 'static,
    F: Fn(Gateway, Exchange) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Answer> + Send + 'static,
{
    let gateway = Arc::clone(gateway);
    path.and(exchange())
        .then(move |exchange: Exchange| {
            let request_id = exchange.request_id.clone();
            finished(handler(Arc::clone(&gateway), exchange), shape, request_id)
        })
        .boxed()
}

/// A handler's answer in the shape of its face.
fn finished(
    answer: impl Future<Output = Answer> + Send,
    shape: Shape,
    request_id: RequestId,
) -> impl Future<Output = Response<Vec<u8>>> + Send + Unpin {
    Box::pin(answer.map(move |answer| finish(answer, shape, &request_id)))
}

/// A route with one parameter.
pub(super) fn route1<P, F, R>(path: P, gateway: &Gateway, handler: F) -> Routes
where
    P: Filter<Extract = (String,), Error = Rejection> + Clone + Send + Sync + 'static,
    F: Fn(Gateway, String, Exchange) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Answer> + Send + 'static,
{
    let gateway = Arc::clone(gateway);
    path.and(exchange())
        .then(move |parameter: String, exchange: Exchange| {
            let request_id = exchange.request_id.clone();
            let answer = handler(Arc::clone(&gateway), decoded(&parameter), exchange);
            finished(answer, Shape::Plain, request_id)
        })
        .boxed()
}

/// A route with two parameters.
pub(super) fn route2<P, F, R>(path: P, gateway: &Gateway, handler: F) -> Routes
where
    P: Filter<Extract = (String, String), Error = Rejection> + Clone + Send + Sync + 'static,
    F: Fn(Gateway, [String; 2], Exchange) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Answer> + Send + 'static,
{
    let gateway = Arc::clone(gateway);
    path.and(exchange())
        .then(move |first: String, second: String, exchange: Exchange| {
            let request_id = exchange.request_id.clone();
            let answer = handler(
                Arc::clone(&gateway),
                [decoded(&first), decoded(&second)],
                exchange,
            );
            finished(answer, Shape::Plain, request_id)
        })
        .boxed()
}

/// What is left of the path.
pub(super) fn tail() -> impl Filter<Extract = (String,), Error = std::convert::Infallible> + Clone {
    path::tail().map(|tail: path::Tail| tail.as_str().to_owned())
}

/// A path's parameter without its percent signs; one that is no UTF-8 stays as it is and will not be found.
pub(super) fn decoded(parameter: &str) -> String {
    percent_encoding::percent_decode_str(parameter)
        .decode_utf8()
        .map_or_else(|_| parameter.to_owned(), Into::into)
}

/// No other route.
pub(super) fn nothing() -> Routes {
    path::full()
        .and(warp::ext::get::<RequestId>())
        .map(|path: path::FullPath, id: RequestId| {
            Problem::new(
                Code::NotFound,
                "there is no such route; /openapi.json lists those that there are",
            )
            .into_response(Shape::of(path.as_str()), &id)
        })
        .boxed()
}

/// Everything below `/api/v2`, slashes too many included.
pub(super) fn cashdesk_route(gateway: &Gateway) -> Routes {
    let gateway = Arc::clone(gateway);
    path::full()
        .and_then(|path: path::FullPath| async move {
            let is_ours = cashdesk::segments(path.as_str()).is_some();
            if is_ours {
                Ok(path.as_str().to_owned())
            } else {
                Err(warp::reject::not_found())
            }
        })
        .and(exchange())
        .then(move |path: String, exchange: Exchange| {
            let gateway = Arc::clone(&gateway);
            Box::pin(async move { cashdesk::any(gateway, decoded(&path), exchange).await })
        })
        .boxed()
}

/// The upload of keys, which is relayed to the agent where that is allowed.
pub(super) fn key_route(gateway: &Gateway) -> Routes {
    let gateway = Arc::clone(gateway);
    path!("api" / "v1" / "key")
        .and(exchange())
        .then(move |exchange: Exchange| Box::pin(cashdesk::upload(Arc::clone(&gateway), exchange)))
        .boxed()
}
