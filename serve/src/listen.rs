//! Where connections wait to be accepted.

use std::io;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpSocket};

/// 4,096 connections that the kernel has opened and the loop has not yet accepted. When all cash desks come back at once, after a restart or a
/// broken line, the usual 128 are full within milliseconds, and whoever finds them full is silently made to wait a second, then three. The kernel
/// grants no more than `net.core.somaxconn`, on Linux 4,096.
const BACKLOG: u32 = 4_096;

/// Listens on an address, also right after a former process did; port 0 is a free one.
///
/// # Errors
/// The address is in use, not this machine's, or not allowed.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // On Windows it would let two processes share the address.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;
    use std::time::Duration;

    /// More than the 128 that listeners have by default.
    const CROWD: usize = 500;

    #[tokio::test]
    async fn a_crowd_that_comes_at_once_is_let_in_without_a_retry() {
        let granted = std::fs::read_to_string("/proc/sys/net/core/somaxconn")
            .ok()
            .and_then(|text| text.trim().parse::<usize>().ok());
        let crowd = granted.map_or(CROWD, |granted| granted.min(CROWD));
        let listener = listen(([127, 0, 0, 1], 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        // The first retry would come after a second.
        let patience = Duration::from_millis(900);
        let waiting: Vec<_> = (0..crowd)
            .map(|number| {
                TcpStream::connect_timeout(&address, patience)
                    .unwrap_or_else(|error| panic!("connection {number} of {crowd}: {error}"))
            })
            .collect();
        assert_eq!(waiting.len(), crowd);
    }

    #[tokio::test]
    async fn an_address_in_use_is_an_error() {
        let first = listen(([127, 0, 0, 1], 0).into()).unwrap();
        let error = listen(first.local_addr().unwrap()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }
}
