//! A closed loop of our own over so many connections, for what wrk cannot speak or count.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How an answer ends.
#[derive(Clone, Copy)]
pub(crate) enum Protocol {
    /// One with a Content-Length.
    Http,
    /// A line of the Redis protocol.
    Resp,
}

/// What one round gave.
pub(crate) struct Round {
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// Until when a round goes on.
#[derive(Clone, Copy)]
pub(crate) enum Until {
    /// For so long.
    Time(Duration),
    /// So many requests.
    Count(u64),
}

/// Asks over `connections` connections at once, each as soon as it was answered; `request` makes the n-th request, `expected` must stand in each answer.
pub(crate) fn drive(
    address: &str,
    connections: usize,
    until: Until,
    protocol: Protocol,
    request: impl Fn(u64) -> Vec<u8> + Send + Sync + 'static,
    expected: &'static [u8],
) -> Round {
    let request = Arc::new(request);
    let next = Arc::new(AtomicU64::new(0));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    let began = Instant::now();
    let mut took_us: Vec<u64> = runtime.block_on(async {
        let tasks: Vec<_> = (0..connections)
            .map(|_| {
                let (request, next, address) = (Arc::clone(&request), Arc::clone(&next), address.to_owned());
                tokio::spawn(async move {
                    let mut stream = TcpStream::connect(&address).await.expect("the server listens");
                    stream.set_nodelay(true).expect("a socket takes its options");
                    let mut took_us = Vec::new();
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let goes_on = match until {
                            Until::Time(time) => began.elapsed() < time,
                            Until::Count(count) => number < count,
                        };
                        if !goes_on {
                            return took_us;
                        }
                        let asked = Instant::now();
                        stream
                            .write_all(&request(number))
                            .await
                            .expect("the server reads");
                        let answer = read(&mut stream, protocol).await;
                        took_us.push(u64::try_from(asked.elapsed().as_micros()).expect("short"));
                        let found = answer.windows(expected.len()).any(|part| part == expected);
                        assert!(found, "{}", String::from_utf8_lossy(&answer));
                    }
                })
            })
            .collect();
        let mut all = Vec::new();
        for task in tasks {
            all.extend(task.await.expect("a connection does not panic"));
        }
        all
    });
    let seconds = began.elapsed().as_secs_f64();
    took_us.sort_unstable();
    #[allow(clippy::cast_precision_loss)] // figures for people
    let at = |part: usize| took_us[(took_us.len() * part / 100).min(took_us.len() - 1)] as f64 / 1_000.0;
    #[allow(clippy::cast_precision_loss)]
    Round {
        per_second: took_us.len() as f64 / seconds,
        p50_ms: at(50),
        p99_ms: at(99),
    }
}

/// One answer, whole.
pub(crate) async fn read(stream: &mut TcpStream, protocol: Protocol) -> Vec<u8> {
    let mut answer = Vec::with_capacity(1_024);
    loop {
        if let Some(length) = whole_length(&answer, protocol)
            && answer.len() >= length
        {
            return answer;
        }
        let count = stream.read_buf(&mut answer).await.expect("the server answers");
        assert!(
            count > 0,
            "the server hung up: {}",
            String::from_utf8_lossy(&answer)
        );
    }
}

fn whole_length(answer: &[u8], protocol: Protocol) -> Option<usize> {
    let end_of = |mark: &[u8]| {
        answer
            .windows(mark.len())
            .position(|part| part == mark)
            .map(|at| at + mark.len())
    };
    match protocol {
        Protocol::Resp => end_of(b"\r\n"),
        Protocol::Http => {
            let head = end_of(b"\r\n\r\n")?;
            let lines = std::str::from_utf8(&answer[..head]).ok()?;
            let length = lines
                .lines()
                .filter_map(|line| line.split_once(": "))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
            Some(head + length.1.parse::<usize>().ok()?)
        }
    }
}
