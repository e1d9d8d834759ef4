//! Requests and answers: order, identity, panics, refusals.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use serve::{Body, Limits, Peer, Refusal, RequestId, TraceContext};
use tower_service::Service;
use warp::Filter as _;

use crate::support::{Seen, held_routes, limits, soon, start};

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let (service, mut told, release) = held_routes();
    let server = start(service, limits()).await;
    let mut client = server.client().await;
    let request = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n");
    client
        .send(request("/held") + &request("/quick") + &request("/held") + &request("/quick"))
        .await;
    for _ in 0..2 {
        assert_eq!(soon(told.recv()).await, Some("entered"));
        release.notify_one();
        assert_eq!(client.answer().await.body, "released");
        assert_eq!(client.answer().await.body, "quick");
        assert_eq!(soon(told.recv()).await, Some("dropped"));
    }
}

#[tokio::test]
async fn a_pipeline_in_pieces_of_one_byte_is_answered_in_order() {
    let echo = warp::path::param::<u32>().and(warp::body::bytes());
    let routes = echo.map(|number: u32, body: Bytes| format!("{number}:{}", body.len()));
    let server = start(warp::service(routes), limits()).await;
    let mut client = server.client().await;
    let requests: String = (0..5)
        .map(|n| {
            format!(
                "POST /{n} HTTP/1.1\r\nhost: t\r\ncontent-length: {n}\r\n\r\n{}",
                "x".repeat(n)
            )
        })
        .collect();
    for byte in requests.as_bytes() {
        client.send([*byte]).await;
    }
    for number in 0..5 {
        assert_eq!(client.answer().await.body, format!("{number}:{number}"));
    }
}

#[tokio::test]
async fn a_client_of_http_1_0_is_answered_and_closed() {
    let server = start(warp::service(warp::any().map(|| "hello")), limits()).await;
    let mut client = server.client().await;
    client.send("GET / HTTP/1.0\r\n\r\n").await;
    assert_eq!(client.answer().await.body, "hello");
    assert!(client.is_ended().await);
}

#[tokio::test]
async fn handlers_see_who_asks_under_which_id_and_trace() {
    let routes = warp::ext::get::<RequestId>()
        .and(warp::ext::get::<TraceContext>())
        .and(warp::ext::get::<Peer>())
        .map(|id: RequestId, trace: TraceContext, peer: Peer| {
            format!(
                "{id} {} {} {:?}",
                trace.trace_id(),
                peer.address.ip(),
                peer.certificate
            )
        });
    let server = start(warp::service(routes), limits()).await;
    let mut client = server.client().await;
    client
        .send(
            "GET / HTTP/1.1\r\nhost: t\r\nX-Request-Id: till-7.a_b\r\n\
             traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n",
        )
        .await;
    let answer = client.answer().await;
    assert_eq!(
        answer.body,
        "till-7.a_b 4bf92f3577b34da6a3ce929d0e0e4736 127.0.0.1 None"
    );
    assert_eq!(answer.header("x-request-id"), Some("till-7.a_b"));

    client
        .send("GET / HTTP/1.1\r\nhost: t\r\nX-Request-Id: not an id\r\n\r\n")
        .await;
    let answer = client.answer().await;
    let id = answer.header("x-request-id").unwrap();
    assert_eq!(id.len(), 36);
    assert!(answer.body.starts_with(id), "{id} in {}", answer.body);
}

#[tokio::test]
async fn a_panic_answers_500_and_the_connection_goes_on() {
    let routes = warp::path("panic").then(async || -> &'static str { panic!("on purpose") });
    let routes = routes.or(warp::path("quick").map(|| "quick"));
    let mut server = start(warp::service(routes), limits()).await;
    let mut client = server.client().await;
    for _ in 0..2 {
        client
            .send("GET /panic HTTP/1.1\r\nhost: t\r\nX-Request-Id: broken-1\r\n\r\n")
            .await;
        let answer = client.answer().await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (500, "refused: Panicked /panic")
        );
        assert_eq!(answer.header("x-request-id"), Some("broken-1"));
        assert_eq!(client.get("/quick").await.body, "quick");
    }
    server
        .until(|seen| matches!(seen, Seen::Observed(path, status) if path == "/panic" && *status == 500))
        .await;
    assert_eq!(
        server.face.in_flight_counts(),
        [1, 0, 1, 0, 1, 0, 1, 0],
        "a panic gives its place back"
    );
}

#[tokio::test]
async fn a_panic_within_an_answers_body_ends_the_connection_before_the_answer_is_whole() {
    let routes = warp::any().map(|| {
        let pieces = futures_util::stream::iter(0..2).map(|piece| {
            assert!(piece == 0, "on purpose");
            Ok::<_, Infallible>(Bytes::from_static(b"first"))
        });
        warp::reply::stream(pieces)
    });
    use futures_util::StreamExt as _;
    let mut server = start(warp::service(routes), limits()).await;
    let mut client = server.client().await;
    client.send("GET / HTTP/1.1\r\nhost: t\r\n\r\n").await;
    let mut all = Vec::new();
    soon(tokio::io::AsyncReadExt::read_to_end(&mut client.stream, &mut all))
        .await
        .unwrap();
    let all = String::from_utf8(all).unwrap();
    assert!(!all.contains("\r\n0\r\n\r\n"), "no end of chunks in {all:?}");
    assert_eq!(server.closed().await, serve::Ending::Broken);
}

#[tokio::test]
async fn a_full_house_refuses_at_once_and_says_when_to_come_again() {
    let (service, mut told, release) = held_routes();
    let server = start(
        service,
        Limits {
            in_flight_max: 1,
            ..limits()
        },
    )
    .await;
    let mut first = server.client().await;
    first.send("GET /held HTTP/1.1\r\nhost: t\r\n\r\n").await;
    assert_eq!(soon(told.recv()).await, Some("entered"));

    let mut second = server.client().await;
    let answer = second.get("/quick").await;
    assert_eq!(answer.status, 503);
    assert!(answer.body.starts_with("refused: Busy"), "{}", answer.body);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.header("x-request-id").map(str::len), Some(36));

    release.notify_one();
    assert_eq!(first.answer().await.body, "released");
    assert_eq!(
        second.get("/quick").await.status,
        200,
        "the same connection, once there is a place"
    );
}

/// Panics when it is called, or is never ready.
#[derive(Clone)]
struct Unwilling {
    ready: bool,
}

impl Service<Request<Body>> for Unwilling {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.ready {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        assert!(request.uri().path() != "/panic", "on purpose");
        ready(Ok(Response::new(Full::default())))
    }
}

#[tokio::test]
async fn a_service_that_is_not_ready_is_busy_and_one_that_panics_at_once_answers_500() {
    let server = start(Unwilling { ready: false }, limits()).await;
    assert_eq!(server.client().await.get("/").await.status, 503);
    let server = start(Unwilling { ready: true }, limits()).await;
    let mut client = server.client().await;
    assert_eq!(client.get("/panic").await.status, 500);
    assert_eq!(client.get("/").await.status, 200);
    assert_eq!(server.face.in_flight_counts(), [1, 0, 1, 0]);
}

#[tokio::test]
async fn a_client_that_goes_away_drops_its_handler() {
    let (service, mut told, _release) = held_routes();
    let mut server = start(service, limits()).await;
    let mut client = server.client().await;
    client.send("GET /held HTTP/1.1\r\nhost: t\r\n\r\n").await;
    assert_eq!(soon(told.recv()).await, Some("entered"));
    drop(client);
    assert_eq!(soon(told.recv()).await, Some("dropped"));
    server
        .until(|seen| *seen == Seen::Abandoned("/held".to_owned()))
        .await;
    assert_eq!(server.face.in_flight_counts(), [1, 0]);
}

#[tokio::test]
async fn heads_that_are_no_requests_get_hypers_own_answers() {
    let mut server = start(warp::service(warp::any().map(|| "hello")), limits()).await;
    let large = format!("GET / HTTP/1.1\r\nhost: t\r\nx: {}\r\n\r\n", "y".repeat(20_000));
    let many = format!("GET / HTTP/1.1\r\nhost: t\r\n{}\r\n", "x: y\r\n".repeat(101));
    let long = format!("GET /{} HTTP/1.1\r\nhost: t\r\n\r\n", "z".repeat(70_000));
    for (head, status) in [
        ("nonsense\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nbad header\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nhost: t\r\ncontent-length: -1\r\n\r\n", 400),
        (large.as_str(), 431),
        (many.as_str(), 431),
        (long.as_str(), 431),
    ] {
        let mut client = server.client().await;
        client.send(head).await;
        assert_eq!(client.answer().await.status, status, "for {:.40}", head);
    }
    let mut client = server.client().await;
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert!(client.is_ended().await, "HTTP/2 is not spoken");
    assert_eq!(server.closed().await, serve::Ending::Broken);
    let fewer = Limits {
        headers_max: 3,
        ..limits()
    };
    let server = start(warp::service(warp::any().map(|| "hello")), fewer).await;
    let mut client = server.client().await;
    client
        .send("GET / HTTP/1.1\r\nhost: t\r\na: b\r\nc: d\r\ne: f\r\n\r\n")
        .await;
    assert_eq!(client.answer().await.status, 431);
}

#[tokio::test]
async fn a_handler_that_is_held_too_long_is_dropped_and_the_connection_goes_on() {
    let (service, mut told, _release) = held_routes();
    let hold_max = Duration::from_millis(150);
    let mut server = start(service, Limits { hold_max, ..limits() }).await;
    let mut client = server.client().await;
    for _ in 0..2 {
        let began = tokio::time::Instant::now();
        let answer = client.get("/held").await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (503, "refused: HeldTooLong /held")
        );
        assert_eq!(answer.header("connection"), None);
        assert!(began.elapsed() >= hold_max, "{:?}", began.elapsed());
        assert_eq!(soon(told.recv()).await, Some("entered"));
        assert_eq!(soon(told.recv()).await, Some("dropped"));
        assert_eq!(client.get("/quick").await.body, "quick");
    }
    server
        .until(|seen| *seen == Seen::Refused("/held".to_owned(), Refusal::HeldTooLong))
        .await;
}

#[tokio::test]
async fn a_pipelined_request_does_not_prolong_the_hold_of_the_first() {
    let (service, mut told, _release) = held_routes();
    let server = start(
        service,
        Limits {
            hold_max: Duration::from_millis(150),
            ..limits()
        },
    )
    .await;
    let mut client = server.client().await;
    client
        .send("GET /held HTTP/1.1\r\nhost: t\r\n\r\nGET /quick HTTP/1.1\r\nhost: t\r\n\r\n")
        .await;
    drop(client);
    assert_eq!(soon(told.recv()).await, Some("entered"));
    assert_eq!(
        soon(told.recv()).await,
        Some("dropped"),
        "although hyper does not see that the client is gone"
    );
}
