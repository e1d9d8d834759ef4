//! A client's view of the loop: real sockets, raw bytes.

// All of this is test code; the lint's exception for tests does not reach helpers outside `#[test]` functions.
#![allow(clippy::unwrap_used)]

mod bodies;
mod connections;
mod drain;
mod exchanges;
mod support;
mod timers;
mod tls;
