//! A partner's view of a running gateway, and the house's own rules. One binary: it links once.

mod client;
mod gate;
mod process;
mod world;

mod access;
mod administration;
mod authentication;
mod bodies;
mod exchanges;
mod idempotency;
mod openapi;
mod operation;
mod otp_settled;
mod otp_steps;
mod otp_verify;
mod otp_window;
mod program;
mod tidy;
mod tls;
