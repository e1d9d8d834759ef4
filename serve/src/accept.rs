//! What is done with a connection that was, or was not, accepted.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::Limits;

/// Between two probes of a silent peer; with the kernel's default of nine probes it is declared gone after 90 s more.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// How long the loop waits when the process lacks what an accept needs. Descriptors come back as connections close;
/// twenty tries a second cost nothing and are soon enough.
const STARVED_PAUSE: Duration = Duration::from_millis(50);

/// At most one line per second: such failures come by the thousand.
const LOG_INTERVAL: Duration = Duration::from_secs(1);

/// Failures to accept, and how to take them.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    logged: Option<Instant>,
    unlogged: u64,
}

/// What follows from a failure.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reaction {
    /// How long to wait before the next accept.
    pub(crate) pause: Duration,
    /// Some if a line is due: failures since the last line, this one included.
    pub(crate) log: Option<u64>,
}

impl Failures {
    pub(crate) fn on(&mut self, error: &io::Error, now: Instant) -> Reaction {
        self.unlogged += 1;
        let due = self.logged.is_none_or(|logged| now - logged >= LOG_INTERVAL);
        let log = due.then(|| std::mem::take(&mut self.unlogged));
        if due {
            self.logged = Some(now);
        }
        let pause = if is_of_one_connection(error) {
            Duration::ZERO
        } else {
            STARVED_PAUSE
        };
        Reaction { pause, log }
    }
}

/// Failures that belong to the connection that was to be accepted, which is gone from the queue: accept(2) asks to
/// treat them as if there had been none. All others would come back at once.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::ConnectionAborted
            | Kind::ConnectionReset
            | Kind::ConnectionRefused
            | Kind::Interrupted
            | Kind::NetworkDown
            | Kind::NetworkUnreachable
            | Kind::HostUnreachable
    )
}

/// Sets the socket's options. Fails only where the peer is gone already.
pub(crate) fn prepare(stream: &TcpStream, limits: &Limits) -> io::Result<()> {
    // Answers are written whole: waiting for more to put into the packet only delays them.
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new()
        .with_time(limits.tcp_keepalive)
        .with_interval(KEEPALIVE_INTERVAL);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(limits.tcp_user_timeout))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMFILE: i32 = 24;

    #[test]
    fn a_starved_process_pauses_and_logs_once_a_second() {
        let mut failures = Failures::default();
        let start = Instant::now();
        let starved = io::Error::from_raw_os_error(EMFILE);
        let mut lines = Vec::new();
        for try_number in 0..100_u32 {
            let reaction = failures.on(&starved, start + STARVED_PAUSE * try_number);
            assert_eq!(reaction.pause, STARVED_PAUSE);
            lines.extend(reaction.log);
        }
        assert_eq!(
            lines,
            [1, 20, 20, 20, 20],
            "five seconds, five lines that count what they stand for"
        );
    }

    #[tokio::test]
    async fn an_accepted_socket_has_its_options() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let limits = Limits {
            tcp_keepalive: Duration::from_secs(17),
            tcp_user_timeout: Duration::from_secs(23),
            ..Limits::default()
        };
        prepare(&stream, &limits).unwrap();
        assert!(stream.nodelay().unwrap());
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), limits.tcp_keepalive);
        #[cfg(target_os = "linux")]
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(limits.tcp_user_timeout));
    }

    #[test]
    fn a_client_that_left_the_queue_delays_nobody() {
        let gone = io::Error::from(io::ErrorKind::ConnectionAborted);
        assert_eq!(
            Failures::default().on(&gone, Instant::now()).pause,
            Duration::ZERO
        );
    }
}
