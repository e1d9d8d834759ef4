//! The gateway: HTTP in, world out.
//!
//! [`start`] opens what is to be opened and serves; [`Started::run`] goes on until it is told to stop, and leaves nothing acknowledged
//! behind. The rules are in the package `actors`; here are configuration, routes, operators and the program.

mod agents;
pub mod config;
#[cfg(feature = "dev")]
pub mod dev;
pub mod http;
mod listeners;
pub mod outbound;
mod owners;
mod registers;
mod run;
pub mod secrets;
mod signing_evidence;
pub mod telemetry;
mod wake;

pub use listeners::Listeners;
pub use outbound::sms::setup::{Sending, sending};
pub use run::{Environment, Signing, Started, open_store, start, tax_service};
