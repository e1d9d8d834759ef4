//! The signing agent SmartSign: it keeps the customers' keys on the integrator's server, and signs what the gateway asks for.
//!
//! - [`config`]: every option; [`run`]: one agent from start to end;
//! - [`vault`]: the store at rest, sealed; [`keys`]: the keys in it, unlocked in memory; [`licence`], [`instance`]: who may sign;
//! - [`signing`]: requests in, one outcome each; [`recorder`]: what must be on disk before anything leaves;
//! - [`gateway`]: enrolment, polls, deliveries, reports, cashiers; [`http`]: the integrator's API and the gateway's pushes.

pub mod clock;
pub mod config;
pub mod gateway;
pub mod health;
pub mod http;
pub mod instance;
pub mod keys;
pub mod licence;
mod lock;
pub mod metrics;
pub mod recorder;
pub mod run;
pub mod signing;
pub mod vault;

/// The program's name and version, as it introduces itself.
pub const PROGRAM: &str = concat!("smartsign/", env!("CARGO_PKG_VERSION"));
