//! A partner's view of a running gateway, and the house's own rules. One binary: it links once.

#![allow(clippy::unwrap_used)] // clippy sees a test only inside `#[test]`, and not in what tests share

mod client;
mod gate;
mod office;
mod process;
mod receiver;
mod world;

mod access;
mod administration;
mod agents;
mod authentication;
mod bodies;
mod canary;
mod canary_operators;
mod crash;
mod disk;
mod evidence;
mod exchanges;
mod faults;
mod idempotency;
mod openapi;
mod operation;
mod operators;
mod operators_outside;
mod otp_rows;
mod otp_settled;
mod otp_steps;
mod otp_verify;
mod otp_window;
mod program;
mod tax;
mod tidy;
mod till;
mod tls;
