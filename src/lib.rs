//! The gateway: HTTP in, world out.
//!
//! [`start`] opens what is to be opened and serves; [`Started::run`] goes on until it is told to stop, and leaves nothing acknowledged
//! behind. The rules are in the package `actors`; here are configuration, routes, operators and the program.

pub mod config;
#[cfg(feature = "dev")]
pub mod dev;
pub mod http;
pub mod outbound;
mod registers;
mod run;
pub mod secrets;
pub mod telemetry;

pub use run::{Environment, Listeners, Signing, Started, open_store, sms_sender, start, tax_service};
