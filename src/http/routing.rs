//! From a path to its handler: what the tables of routes are made with.
//!
//! A route's filters only find its handler, whose future is awaited outside of them ([`Apart`](super::exchange::Apart)).

use super::cashdesk;
use super::exchange::{Answer, Arrived, Exchange, Routed, exchange, finish};
use super::problem::{Code, Problem, Shape};
use super::{Gateway, Routes};
use futures_util::FutureExt;
use std::future::{Future, ready};
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
        .map(move |arrived: Arrived| {
            let gateway = Arc::clone(&gateway);
            answered(arrived, shape, |exchange| handler(gateway, exchange))
        })
        .boxed()
}

/// Gives a request to its handler, whose answer goes out in the shape of its face.
fn answered<R>(arrived: Arrived, shape: Shape, handler: impl FnOnce(Exchange) -> R) -> Routed
where
    R: Future<Output = Answer> + Send + 'static,
{
    arrived.answer(|exchange| {
        let request_id = exchange.request_id.clone();
        handler(exchange).map(move |answer| finish(answer, shape, &request_id))
    })
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
        .map(move |parameter: String, arrived: Arrived| {
            let gateway = Arc::clone(&gateway);
            answered(arrived, Shape::Plain, |exchange| {
                handler(gateway, decoded(&parameter), exchange)
            })
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
        .map(move |first: String, second: String, arrived: Arrived| {
            let gateway = Arc::clone(&gateway);
            answered(arrived, Shape::Plain, |exchange| {
                handler(gateway, [decoded(&first), decoded(&second)], exchange)
            })
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
        .and(exchange())
        .map(|path: path::FullPath, arrived: Arrived| {
            let detail = "there is no such route; /openapi.json lists those that there are";
            answered(arrived, Shape::of(path.as_str()), |_| {
                ready(Err(Problem::new(Code::NotFound, detail)))
            })
        })
        .boxed()
}

/// Everything below `/api/v2`, slashes too many included.
pub(super) fn cashdesk_route(gateway: &Gateway) -> Routes {
    let gateway = Arc::clone(gateway);
    path::full()
        .and_then(|path: path::FullPath| {
            let is_ours = cashdesk::segments(path.as_str()).is_some();
            let ours = is_ours.then(|| path.as_str().to_owned());
            ready(ours.ok_or_else(warp::reject::not_found))
        })
        .and(exchange())
        .map(move |path: String, arrived: Arrived| {
            let gateway = Arc::clone(&gateway);
            arrived.answer(|exchange| cashdesk::any(gateway, decoded(&path), exchange))
        })
        .boxed()
}

/// The upload of keys, which is relayed to the agent where that is allowed.
pub(super) fn key_route(gateway: &Gateway) -> Routes {
    let gateway = Arc::clone(gateway);
    path!("api" / "v1" / "key")
        .and(exchange())
        .map(move |arrived: Arrived| {
            let gateway = Arc::clone(&gateway);
            arrived.answer(|exchange| cashdesk::upload(gateway, exchange))
        })
        .boxed()
}
