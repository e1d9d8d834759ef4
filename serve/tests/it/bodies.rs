//! Bodies that nobody reads, and clients that write before they read.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serve::Limits;
use tokio::time::Instant;
use warp::Filter as _;

use crate::support::{Client, limits, soon, start};

const MIB: usize = 1_024 * 1_024;

/// `POST /small` refuses every body with 413 without reading it; `POST /echo` tells its length; else 404.
fn routes()
-> impl warp::Filter<Extract = (impl warp::Reply,), Error = warp::Rejection> + Clone + Send + Sync + 'static {
    let small =
        warp::path("small").map(|| warp::reply::with_status("too large", StatusCode::PAYLOAD_TOO_LARGE));
    let echo = warp::path("echo")
        .and(warp::body::bytes())
        .map(|body: Bytes| body.len().to_string());
    small.or(echo)
}

fn head(path: &str, length: usize) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: t\r\ncontent-length: {length}\r\n\r\n")
}

#[tokio::test]
async fn a_client_that_sends_five_mebibytes_before_it_reads_gets_its_413() {
    let limits = Limits {
        refusal_drain_bytes_max: 8 * MIB as u64,
        refusal_drain_max: Duration::from_secs(10),
        ..limits()
    };
    let server = start(warp::service(routes()), limits).await;
    let mut client = server.client().await;
    for _ in 0..2 {
        client.send(head("/small", 5 * MIB)).await;
        client.send(vec![b'x'; 5 * MIB]).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.body.as_str()), (413, "too large"));
        assert_eq!(
            answer.header("connection"),
            None,
            "the body was read whole, so the connection goes on"
        );
    }
    assert_eq!(client.get("/small").await.status, 413);
}

#[tokio::test]
async fn a_chunked_body_is_dropped_the_same_way() {
    let server = start(warp::service(routes()), limits()).await;
    let mut client = server.client().await;
    client
        .send("POST /small HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    for _ in 0..100 {
        client.send("1000\r\n").await;
        client.send(vec![b'x'; 4_096]).await;
        client.send("\r\n").await;
    }
    client.send("0\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 413);
    assert_eq!(client.get("/small").await.status, 413, "the same connection");
}

#[tokio::test]
async fn a_body_beyond_the_bound_is_answered_and_its_connection_closed() {
    let server = start(warp::service(routes()), limits()).await;
    let mut client = server.client().await;
    client.send(head("/small", 5 * MIB)).await;
    client.send(vec![b'x'; MIB / 2]).await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (413, Some("close")));
    // It goes on sending, beyond what is read; how that ends is the kernel's choice.
    let rest = vec![b'x'; 4 * MIB];
    drop(soon(tokio::io::AsyncWriteExt::write_all(&mut client.stream, &rest)).await);
    assert!(client.is_ended().await);
}

#[tokio::test]
async fn a_chunked_body_beyond_the_bound_ends_the_connection() {
    let limits = Limits {
        refusal_drain_bytes_max: 10_000,
        ..limits()
    };
    let mut server = start(warp::service(routes()), limits).await;
    let mut client = server.client().await;
    client
        .send("POST /small HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    assert_eq!(client.answer().await.status, 413);
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(4_096));
    let flood = async {
        while tokio::io::AsyncWriteExt::write_all(&mut client.stream, chunk.as_bytes())
            .await
            .is_ok()
        {}
    };
    let (_, ()) = soon(async { tokio::join!(server.closed(), flood) }).await;
}

#[tokio::test]
async fn a_client_that_stops_sending_is_waited_for_only_so_long() {
    let refusal_drain_max = Duration::from_millis(200);
    let server = start(
        warp::service(routes()),
        Limits {
            refusal_drain_max,
            ..limits()
        },
    )
    .await;
    let mut client = server.client().await;
    let began = Instant::now();
    client.send(head("/small", 1_000) + "half").await;
    assert_eq!(client.answer().await.status, 413);
    assert!(client.is_ended().await);
    assert!(began.elapsed() >= refusal_drain_max);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_dropped_body_does_not_spoil_the_connections_idle_time() {
    let limits = Limits {
        header_timeout: Duration::from_millis(100),
        ..limits()
    };
    let server = start(warp::service(routes()), limits).await;
    let mut client = server.client().await;
    client.send(head("/small", 200_000)).await;
    assert_eq!(client.answer().await.status, 413);
    client.send(vec![b'x'; 200_000]).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(client.get("/small").await.status, 413);
}

#[tokio::test]
async fn a_client_that_expects_100_continue_gets_it_when_its_body_is_wanted() {
    let server = start(warp::service(routes()), limits()).await;
    let mut client = server.client().await;
    for _ in 0..2 {
        expect(&mut client, "/echo").await;
        assert_eq!(client.answer().await.status, 100);
        client.send("12345").await;
        let answer = client.answer().await;
        assert_eq!(
            (answer.status, answer.body.as_str(), answer.header("connection")),
            (200, "5", None)
        );
    }
}

#[tokio::test]
async fn a_client_that_expects_100_continue_is_refused_without_it() {
    let server = start(warp::service(routes()), limits()).await;
    let mut client = server.client().await;
    expect(&mut client, "/small").await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (413, Some("close")));
    assert!(client.is_ended().await);
}

#[tokio::test]
async fn a_client_that_sends_its_expected_body_all_the_same_sees_the_answer() {
    let server = start(warp::service(routes()), limits()).await;
    let mut client = server.client().await;
    client
        .send("POST /small HTTP/1.1\r\nhost: t\r\nexpect: 100-continue\r\ncontent-length: 500000\r\n\r\n")
        .await;
    client.send(vec![b'x'; 500_000]).await;
    assert_eq!(client.answer().await.status, 413);
    assert!(client.is_ended().await);
}

async fn expect(client: &mut Client<tokio::net::TcpStream>, path: &str) {
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: t\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n");
    client.send(head).await;
}

#[tokio::test]
async fn a_body_that_a_task_still_holds_is_dropped_when_the_task_ends() {
    let (sender, mut bodies) = tokio::sync::mpsc::unbounded_channel();
    let routes = warp::body::stream().map(move |body| {
        let boxed: Box<dyn std::any::Any + Send> = Box::new(body);
        sender.send(boxed).unwrap();
        "taken"
    });
    let server = start(warp::service(routes), limits()).await;
    let mut client = server.client().await;
    client.send(head("/", 300_000)).await;
    assert_eq!(client.answer().await.body, "taken");
    let body = soon(bodies.recv()).await.unwrap();
    drop(body);
    client.send(vec![b'x'; 300_000]).await;
    assert_eq!(client.get("/").await.body, "taken", "the same connection");
}
