//! An agent as its gateway and its integrator see it.

#![allow(clippy::unwrap_used, clippy::expect_used)] // clippy sees a test only inside `#[test]`, and not in what tests share

mod api;
mod canary;
mod cashiers;
mod gateway;
mod keys;
mod licence;
mod loads;
mod process;
mod pull;
mod push;
mod repeats;
mod world;
