//! Deadlines of heads, idle connections, uploads and answers. What is waited for is the setting under test.

use std::time::Duration;

use bytes::Bytes;
use serve::{Ending, Limits};
use tokio::time::{Instant, interval, sleep};
use warp::Filter as _;

use crate::support::{limits, soon, start};

const SHORT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn a_head_that_dribbles_is_cut_after_the_header_timeout() {
    let routes = warp::service(warp::any().map(|| "hello"));
    let mut server = start(
        routes,
        Limits {
            header_timeout: SHORT,
            ..limits()
        },
    )
    .await;
    let mut client = server.client().await;
    let began = Instant::now();
    client.send("GET / HTTP/1.1\r\nhost: t\r\nx: ").await;
    let dribble = async {
        let mut tick = interval(SHORT / 10);
        loop {
            tick.tick().await;
            if tokio::io::AsyncWriteExt::write_all(&mut client.stream, b"y")
                .await
                .is_err()
            {
                return;
            }
        }
    };
    let (ending, ()) = soon(async { tokio::join!(server.closed(), dribble) }).await;
    assert_eq!(ending, Ending::HeaderTimeout);
    assert!(began.elapsed() >= SHORT);
}

#[tokio::test]
async fn a_second_head_has_the_same_deadline() {
    let routes = warp::service(warp::any().map(|| "hello"));
    let mut server = start(
        routes,
        Limits {
            header_timeout: SHORT,
            ..limits()
        },
    )
    .await;
    let mut client = server.client().await;
    assert_eq!(client.get("/").await.status, 200);
    client.send("GET / HTTP/1.1\r\n").await;
    assert!(client.is_ended().await);
    assert_eq!(server.closed().await, Ending::HeaderTimeout);
}

#[tokio::test]
async fn an_idle_connection_outlives_the_header_timeout_and_ends_with_its_own() {
    let routes = warp::service(warp::any().map(|| "hello"));
    let limits = Limits {
        header_timeout: SHORT / 4,
        keep_alive_idle: SHORT * 2,
        ..limits()
    };
    let mut server = start(routes, limits).await;
    let mut client = server.client().await;
    for _ in 0..4 {
        sleep(SHORT).await;
        assert_eq!(
            client.get("/").await.status,
            200,
            "asked within its time, it lives on"
        );
    }
    let answered = Instant::now();
    assert!(client.is_ended().await);
    assert!(answered.elapsed() >= SHORT * 3 / 2, "{:?}", answered.elapsed());
    assert_eq!(server.closed().await, Ending::Idle);
}

#[tokio::test]
async fn a_connection_that_never_asks_ends_as_an_idle_one() {
    let routes = warp::service(warp::any().map(|| "hello"));
    let mut server = start(
        routes,
        Limits {
            keep_alive_idle: SHORT,
            ..limits()
        },
    )
    .await;
    let mut client = server.client().await;
    assert!(client.is_ended().await);
    assert_eq!(server.closed().await, Ending::Idle);
}

#[tokio::test]
async fn an_upload_that_moves_is_not_cut() {
    let routes = warp::body::bytes().map(|body: Bytes| body.len().to_string());
    let server = start(
        warp::service(routes),
        Limits {
            hold_max: SHORT * 2,
            ..limits()
        },
    )
    .await;
    let mut client = server.client().await;
    client
        .send("POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 8\r\n\r\n")
        .await;
    let began = Instant::now();
    for _ in 0..8 {
        sleep(SHORT / 2).await;
        client.send("x").await;
    }
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "8"));
    assert!(began.elapsed() > SHORT * 3, "longer than one hold");
}

#[tokio::test]
async fn an_upload_that_stops_halfway_is_refused() {
    let routes = warp::body::bytes().map(|body: Bytes| body.len().to_string());
    let server = start(
        warp::service(routes),
        Limits {
            hold_max: SHORT,
            refusal_drain_max: SHORT,
            ..limits()
        },
    )
    .await;
    let mut client = server.client().await;
    client
        .send("POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 8\r\n\r\nhalf")
        .await;
    let answer = client.answer().await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (503, "refused: HeldTooLong /")
    );
    assert!(
        client.is_ended().await,
        "the other half cannot be told from a new request"
    );
}

#[tokio::test]
async fn an_upload_that_dribbles_past_its_time_is_refused() {
    let routes = warp::body::bytes().map(|body: Bytes| body.len().to_string());
    let limits = Limits {
        hold_max: SHORT,
        upload_max: SHORT,
        refusal_drain_max: SHORT,
        ..limits()
    };
    let server = start(warp::service(routes), limits).await;
    let mut client = server.client().await;
    client
        .send("POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 1000\r\n\r\n")
        .await;
    let began = Instant::now();
    while began.elapsed() < SHORT * 2 + SHORT / 2 {
        sleep(SHORT / 10).await;
        if tokio::io::AsyncWriteExt::write_all(&mut client.stream, b"x")
            .await
            .is_err()
        {
            break;
        }
    }
    assert_eq!(client.answer().await.status, 503);
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_is_cut() {
    // More than the buffers of both sockets hold.
    let routes = warp::any().map(|| vec![b'x'; 64 * 1_024 * 1_024]);
    let mut server = start(
        warp::service(routes),
        Limits {
            hold_max: SHORT,
            ..limits()
        },
    )
    .await;
    let mut client = server.client().await;
    client.send("GET / HTTP/1.1\r\nhost: t\r\n\r\n").await;
    let ending = server.closed().await;
    assert!(matches!(ending, Ending::Stalled), "{ending:?}");
}
