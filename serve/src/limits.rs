//! Every limit of the loop, with its default and the reason for it.

use std::time::Duration;

/// Descriptors that connections may not take: the store's files, the listeners, outbound calls and the logs need them.
const DESCRIPTORS_RESERVED: usize = 256;

/// Above this a process needs a conscious decision: 50 000 held connections are about 0.8 GB of buffers.
const CONNECTIONS_MAX_BY_ITSELF: usize = 50_000;

/// What hyper accepts as its smallest buffer; a lower setting is raised to it.
pub(crate) const BUFFER_BYTES_MIN: usize = 8_192;

/// What a server grants its clients. All waiting in this package ends by one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at once; further ones wait in the kernel's queue, unaccepted. Default: by the limit on open
    /// files ([`connections_max_from_rlimit`]), because an accept that fails for want of descriptors helps nobody.
    pub connections_max: usize,
    /// From the first byte of a request's head to its last. Default 10 s: a head fits into one packet, and a client
    /// that needs longer holds a slot without asking anything.
    pub header_timeout: Duration,
    /// From the last byte of the request that arrived to the answer, and from one byte of the answer that the client
    /// took to the next. Default 60 s: cash desks hold a request open while a person signs, and give up after a minute.
    pub hold_max: Duration,
    /// From a request's head to the last byte of its body that still renews `hold_max`. Default 15 min: an import of a
    /// million customers takes minutes; a byte per minute is no upload.
    pub upload_max: Duration,
    /// Requests in a handler at once; above it they are refused at once. Default 4 096: more only wait for the same
    /// disk and the same cores, and a refusal in time is worth more than a late answer.
    pub in_flight_max: usize,
    /// Read buffer of a connection, and with it the largest head. Default 16 KiB: heads of partners are below 4 KiB, and
    /// memory per held connection is what limits their number. Values below 8 KiB count as 8 KiB.
    pub buffer_bytes_max: usize,
    /// Header fields of a request. Default 100, which hyper keeps on the stack; any other value costs an allocation per
    /// request.
    pub headers_max: usize,
    /// A connection that asks nothing this long is closed. Default 75 s: longer than the 60 s after which usual proxies
    /// drop their idle connections, so that they close first and do not race a request against our close.
    pub keep_alive_idle: Duration,
    /// For a TLS handshake, where there is one. Default 10 s: two round trips on a bad line by a slow client.
    pub handshake_timeout: Duration,
    /// Silence after which the kernel asks whether the peer is still there (then every 10 s). Default 30 s: a held
    /// request whose client lost power is noticed within its minute.
    pub tcp_keepalive: Duration,
    /// How long sent bytes may stay unacknowledged, or unsent because the peer takes none. Default 30 s, as above.
    pub tcp_user_timeout: Duration,
    /// How long requests in flight may go on after shutdown began. Default 25 s: orchestrators kill after 30 s.
    pub drain_deadline: Duration,
    /// How much of a body that nobody read is taken and dropped after the answer. Default 1 MiB: enough that a client
    /// that writes before it reads sees its answer, not worth more traffic.
    pub refusal_drain_bytes_max: u64,
    /// How long that may take. Default 1 s.
    pub refusal_drain_max: Duration,
}

impl Limits {
    /// What hyper counts by itself, without an allocation.
    pub(crate) const HEADERS_MAX_DEFAULT: usize = 100;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: connections_max_from_rlimit(),
            header_timeout: Duration::from_secs(10),
            hold_max: Duration::from_secs(60),
            upload_max: Duration::from_secs(15 * 60),
            in_flight_max: 4_096,
            buffer_bytes_max: 16 * 1_024,
            headers_max: Self::HEADERS_MAX_DEFAULT,
            keep_alive_idle: Duration::from_secs(75),
            handshake_timeout: Duration::from_secs(10),
            tcp_keepalive: Duration::from_secs(30),
            tcp_user_timeout: Duration::from_secs(30),
            drain_deadline: Duration::from_secs(25),
            refusal_drain_bytes_max: 1_024 * 1_024,
            refusal_drain_max: Duration::from_secs(1),
        }
    }
}

/// How many connections the process's soft limit on open files leaves room for: the limit less a reserve of 256 (or
/// half the limit, where that is less), at most 50 000.
#[must_use]
pub fn connections_max_from_rlimit() -> usize {
    let soft = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    connections_max_for(soft)
}

/// `None` is "no limit".
fn connections_max_for(descriptors: Option<u64>) -> usize {
    let descriptors = descriptors.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX));
    let reserved = DESCRIPTORS_RESERVED.min(descriptors / 2);
    (descriptors - reserved).clamp(1, CONNECTIONS_MAX_BY_ITSELF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_on_open_files_leaves_room_for_everything_else() {
        for (descriptors, expected) in [
            (Some(0), 1),
            (Some(1), 1),
            (Some(64), 32),
            (Some(1_024), 768),
            (Some(20_000), 19_744),
            (Some(1_048_576), 50_000),
            (Some(u64::MAX), 50_000),
            (None, 50_000),
        ] {
            assert_eq!(
                connections_max_for(descriptors),
                expected,
                "limit {descriptors:?}"
            );
        }
    }

    #[test]
    fn this_process_may_hold_at_least_one_connection() {
        assert!(connections_max_from_rlimit() >= 1);
    }
}
