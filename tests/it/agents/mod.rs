//! Signing agents at a running gateway: their face over HTTP, support's routes, and the real agent against it.

mod administration;
mod alerts;
mod face;
mod relay;
mod smartsign;
mod tls;
pub(crate) mod world;
