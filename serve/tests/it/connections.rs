//! How many connections there may be, and what happens when the process can have no more.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use serve::Limits;
use tokio::net::TcpStream;
use warp::Filter as _;

use crate::support::{Client, Seen, limits, soon, start};

#[tokio::test]
async fn a_connection_above_the_limit_waits_until_another_ends() {
    let server = start(
        warp::service(warp::any().map(|| "hello")),
        Limits {
            connections_max: 1,
            ..limits()
        },
    )
    .await;
    let mut first = server.client().await;
    assert_eq!(first.get("/").await.status, 200);
    let mut second = server.client().await;
    second.send("GET / HTTP/1.1\r\nhost: t\r\n\r\n").await;
    let waited = tokio::time::timeout(Duration::from_millis(200), second.answer()).await;
    assert!(waited.is_err(), "not served while the first is there");
    assert_eq!(first.get("/").await.status, 200);
    drop(first);
    assert_eq!(second.answer().await.status, 200);
}

const CHILD: &str = "COUNTERSIGN_SERVE_STARVED_CHILD";

/// The server of the next test, in a process that may open few files. It ends when its input does.
#[test]
fn starved_child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut server = start(warp::service(warp::any().map(|| "hello")), limits()).await;
        let mut output = std::io::stdout();
        writeln!(output, "address {}", server.address).unwrap();
        tokio::spawn(async move {
            let mut failures = 0_u32;
            loop {
                server.until(|seen| *seen == Seen::AcceptFailed).await;
                failures += 1;
                writeln!(output, "failed {failures}").unwrap();
            }
        });
        let input = tokio::task::spawn_blocking(|| std::io::stdin().lines().count());
        input.await.unwrap();
    });
    // A child ends here, so that the harness does not wait for the runtime's threads.
    std::process::exit(0);
}

#[tokio::test]
async fn a_process_without_descriptors_goes_on_with_what_it_has_and_recovers() {
    let mut child = Command::new("sh")
        .args([
            "-c",
            "ulimit -n 32; exec \"$0\" --exact connections::starved_child --nocapture",
        ])
        .arg(std::env::current_exe().unwrap())
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut until = move |prefix: &str| loop {
        let line = lines.next().expect("the child is at work").unwrap();
        // The harness may have begun the line.
        if let Some(at) = line.find(prefix) {
            return line[at + prefix.len()..].trim().to_owned();
        }
    };
    let address: std::net::SocketAddr = until("address ").parse().unwrap();

    let mut clients = Vec::new();
    for _ in 0..40 {
        clients.push(Client::new(soon(TcpStream::connect(address)).await.unwrap()));
    }
    let began = std::time::Instant::now();
    let failures: u32 = until("failed ").parse().unwrap();
    let mut last = failures;
    while began.elapsed() < Duration::from_millis(500) {
        last = until("failed ").parse().unwrap();
    }
    assert!(last < 50, "{last} tries in half a second: the loop spins");
    assert_eq!(
        clients[0].get("/").await.status,
        200,
        "those that are in are served"
    );
    let mut waiting = clients.pop().unwrap();
    clients.clear();
    assert_eq!(
        waiting.get("/").await.status,
        200,
        "and those that wait come in when there is room"
    );
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}
