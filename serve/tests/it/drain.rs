//! Shutdown: what is let go, what is finished, what is cut, and that nothing stays.

use std::time::Duration;

use serve::{DrainReport, Ending, Limits, Refusal};
use tokio::net::TcpStream;
use warp::Filter as _;

use crate::support::{Seen, held_routes, limits, soon, start};

#[tokio::test]
async fn requests_in_flight_are_finished_and_idle_connections_closed() {
    let (service, mut told, release) = held_routes();
    let mut server = start(service, limits()).await;
    let mut idle = server.client().await;
    assert_eq!(idle.get("/quick").await.status, 200);
    let mut silent = server.client().await;
    let mut busy = server.client().await;
    busy.send("GET /held HTTP/1.1\r\nhost: t\r\n\r\n").await;
    assert_eq!(soon(told.recv()).await, Some("entered"));

    server.shut_down();
    assert!(idle.is_ended().await);
    assert!(silent.is_ended().await);
    let refused = soon(TcpStream::connect(server.address)).await;
    assert!(
        refused.is_err(),
        "the listener is closed while requests are finished"
    );

    release.notify_one();
    let answer = busy.answer().await;
    assert_eq!(
        (answer.body.as_str(), answer.header("connection")),
        ("released", Some("close"))
    );
    assert!(busy.is_ended().await);
    assert_eq!(server.report().await, DrainReport { finished: 1, cut: 0 });
}

#[tokio::test]
async fn requests_beyond_the_deadline_are_cut_and_no_task_is_left() {
    let tasks = tokio::runtime::Handle::current().metrics();
    let before = tasks.num_alive_tasks();
    let (service, mut told, release) = held_routes();
    let drain_deadline = Duration::from_millis(200);
    let mut server = start(
        service,
        Limits {
            drain_deadline,
            ..limits()
        },
    )
    .await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = server.client().await;
        client.send("GET /held HTTP/1.1\r\nhost: t\r\n\r\n").await;
        assert_eq!(soon(told.recv()).await, Some("entered"));
        clients.push(client);
    }
    let began = tokio::time::Instant::now();
    server.shut_down();
    release.notify_one();
    let report = server.report().await;
    assert_eq!(report, DrainReport { finished: 1, cut: 2 });
    assert!(began.elapsed() >= drain_deadline);
    assert_eq!(
        tasks.num_alive_tasks(),
        before,
        "all tasks of the server have ended"
    );
    for _ in 0..3 {
        assert_eq!(soon(told.recv()).await, Some("dropped"));
    }
    assert_eq!(clients[0].answer().await.body, "released");
    for client in &mut clients[1..] {
        assert!(client.is_ended().await);
    }
}

#[tokio::test]
async fn a_request_that_arrives_during_the_drain_is_refused_in_words() {
    let (service, mut told, release) = held_routes();
    let mut server = start(service, limits()).await;
    let mut late = server.client().await;
    late.send("GET /quick HTTP/1.1\r\nhost: t\r\n").await;
    let mut busy = server.client().await;
    busy.send("GET /held HTTP/1.1\r\nhost: t\r\n\r\n").await;
    assert_eq!(soon(told.recv()).await, Some("entered"));
    let mut idle = server.client().await;
    server.shut_down();
    assert!(idle.is_ended().await, "the drain has begun");

    late.send("\r\n").await;
    let answer = late.answer().await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (503, "refused: Draining /quick")
    );
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(late.is_ended().await);
    server
        .until(|seen| *seen == Seen::Refused("/quick".to_owned(), Refusal::Draining))
        .await;
    release.notify_one();
    assert_eq!(server.report().await, DrainReport { finished: 1, cut: 0 });
}

#[tokio::test]
async fn a_half_sent_head_is_cut_at_the_deadline_but_not_counted_as_a_request() {
    let (service, _told, _release) = held_routes();
    let mut server = start(
        service,
        Limits {
            drain_deadline: Duration::from_millis(100),
            ..limits()
        },
    )
    .await;
    let mut client = server.client().await;
    assert_eq!(client.get("/quick").await.status, 200);
    let mut half = server.client().await;
    half.send("GET /qu").await;
    server.shut_down();
    assert!(half.is_ended().await);
    assert_eq!(server.report().await, DrainReport::default());
}

#[tokio::test]
async fn a_client_that_leaves_during_the_drain_ends_it() {
    let (service, mut told, _release) = held_routes();
    let mut server = start(service, limits()).await;
    let mut client = server.client().await;
    client.send("GET /held HTTP/1.1\r\nhost: t\r\n\r\n").await;
    assert_eq!(soon(told.recv()).await, Some("entered"));
    server.shut_down();
    drop(client);
    assert_eq!(server.report().await, DrainReport { finished: 1, cut: 0 });
}

#[tokio::test]
async fn an_answer_that_is_still_written_is_finished() {
    let size = 16 * 1_024 * 1_024;
    let routes = warp::any().map(move || vec![b'x'; size]);
    let mut server = start(warp::service(routes), limits()).await;
    let mut client = server.client().await;
    client.send("GET / HTTP/1.1\r\nhost: t\r\n\r\n").await;
    server.until(|seen| matches!(seen, Seen::Observed(..))).await;
    server.shut_down();
    assert_eq!(client.answer().await.body.len(), size);
    assert_eq!(server.report().await.cut, 0);
}

#[tokio::test]
async fn a_run_that_is_dropped_cuts_its_connections() {
    let (service, mut told, _release) = held_routes();
    let mut server = start(service, limits()).await;
    let mut client = server.client().await;
    client.send("GET /held HTTP/1.1\r\nhost: t\r\n\r\n").await;
    assert_eq!(soon(told.recv()).await, Some("entered"));
    server.task.abort();
    assert_eq!(soon(told.recv()).await, Some("dropped"));
    assert!(client.is_ended().await);
    assert_eq!(server.closed().await, Ending::Cut);
}
