//! How a face words what the loop itself must answer, and what it may observe.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode, Uri};
use http_body_util::Full;

use crate::{RequestId, TraceContext};

/// Why the loop answers instead of the handler.
///
/// What hyper finds wrong with a head before it is a request stays hyper's own answer, without a body and unseen by the
/// face: 400 for a malformed head, 414 for too long a target, 431 for a head beyond `buffer_bytes_max` or `headers_max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 503: as many requests as allowed are in flight, or the service is not ready. `Retry-After` is set by the loop.
    Busy {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// 503: the handler had not answered within `hold_max` after the last byte that the client sent. It was dropped.
    HeldTooLong,
    /// 500: the handler panicked.
    Panicked,
    /// 503: the request arrived after the server had begun to shut down. `Connection: close` is set by the loop.
    Draining,
}

impl Refusal {
    /// The status that answers it.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Busy { .. } | Self::HeldTooLong | Self::Draining => StatusCode::SERVICE_UNAVAILABLE,
            Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// In good order, by either side.
    Closed,
    /// The client went away, or spoke no HTTP.
    Broken,
    /// It asked nothing for `keep_alive_idle`.
    Idle,
    /// A head was not complete within `header_timeout`.
    HeaderTimeout,
    /// The client took nothing of its answer for `hold_max`.
    Stalled,
    /// The drain's deadline passed.
    Cut,
    /// The TLS handshake failed or took too long.
    Handshake,
}

/// What a face is told of a request. The rest of its head goes to the handler.
#[derive(Clone, Debug)]
pub struct Head {
    /// Its method.
    pub method: Method,
    /// Its target.
    pub uri: Uri,
    /// Its id, ours or the caller's.
    pub request_id: RequestId,
    /// Its place in the caller's trace.
    pub trace: TraceContext,
}

/// A face of the product towards its callers: it words refusals in its own shape and counts what happens.
///
/// The hooks run on the connection's task, within the time of a request: they may count and log, not wait.
pub trait Face: Send + Sync + 'static {
    /// The answer to a request that the loop refuses; the status should be [`Refusal::status`]. The loop adds
    /// `X-Request-Id`, `Retry-After` and `Connection` where they belong.
    fn refuse(&self, head: &Head, refusal: Refusal) -> Response<Full<Bytes>>;

    /// A request was answered; `elapsed` runs from its complete head to the head of the answer.
    fn observe(&self, head: &Head, status: StatusCode, elapsed: Duration) {
        let _ = (head, status, elapsed);
    }

    /// A request ended without an answer: its client went away, or the drain's deadline passed.
    fn abandoned(&self, head: &Head, elapsed: Duration) {
        let _ = (head, elapsed);
    }

    /// How many requests are with handlers now, after each change.
    fn in_flight(&self, requests: usize) {
        let _ = requests;
    }

    /// A connection was accepted.
    fn connection_opened(&self, peer: SocketAddr) {
        let _ = peer;
    }

    /// A connection that was told of by [`Self::connection_opened`] ended.
    fn connection_closed(&self, peer: SocketAddr, ending: Ending) {
        let _ = (peer, ending);
    }

    /// The listener refused to accept, as when the process has no descriptors left. Told for each failure, logged once
    /// a second at most.
    fn accept_failed(&self, error: &std::io::Error) {
        let _ = error;
    }
}
