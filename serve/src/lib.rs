//! An accept loop under any HTTP service, such as `warp::service(filter)`: limits, timers, drain, TLS.
//!
//! It knows HTTP and nothing of customers, metrics or routes. A [`Server`] takes a listener, a service, a [`Face`] that
//! words what the loop itself must answer, and [`Limits`]:
//!
//! - no connection is accepted before there is a place for it, no request reaches a handler above `in_flight_max`;
//! - every phase of a connection has a deadline (idle, head, handler, answer), kept by one timer per connection;
//! - a panic answers 500, a handler that is held too long 503, and the connection goes on;
//! - a body that nobody read is read and dropped, within bounds, so that its sender sees the answer;
//! - shutdown closes the listener, lets requests in flight end within a deadline, and leaves no task behind.
//!
//! A handler's future is dropped when its client goes away, half-closing included: nothing that must complete may live
//! in it. A client that has sent a further request before it left is noticed only at `hold_max`, because hyper does not
//! read past bytes that it holds.

mod accept;
mod body;
mod connection;
mod driver;
mod exchange;
mod face;
mod limits;
mod listen;
mod request_id;
mod server;
mod stream;
mod tls;
mod trace;
mod watch;

use std::net::SocketAddr;

pub use body::Body;
pub use face::{Ending, Face, Head, Refusal};
pub use limits::{Limits, connections_max_from_rlimit};
pub use listen::listen;
pub use request_id::RequestId;
pub use server::{DrainReport, Server};
pub use tls::{Tls, TlsError};
pub use trace::TraceContext;

/// Who is on the other side. It is among a request's extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The address that connected: the client's, or that of a proxy before us.
    pub address: SocketAddr,
    /// DER of the client's own certificate, verified, where it showed one over TLS.
    pub certificate: Option<Vec<u8>>,
}
