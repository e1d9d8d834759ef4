//! The gateway: HTTP in, world out.
//!
//! [`start`] opens what is to be opened and serves; [`Started::run`] goes on until it is told to stop, and leaves nothing acknowledged
//! behind. The rules are in the package `actors`; here are configuration, routes, operators and the program.

pub mod config;
#[cfg(feature = "dev")]
pub mod dev;
pub mod http;
pub mod outbound;
mod run;
pub mod secrets;
pub mod telemetry;

pub use outbound::sms::setup::{Sending, sending};
pub use run::{Environment, Listeners, Started, open_store, start};
