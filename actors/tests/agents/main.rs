//! Signing agents at the gateway: enrolment, polls, pushes, deliveries, reports, cashiers; with a clock that is moved by hand and real
//! signatures.
#![allow(clippy::unwrap_used)]

mod cashiers;
mod deliveries;
mod enrolments;
mod keys;
mod polls;
mod pushes;
mod real;
mod records;
mod relays;
mod secrets;
mod world;
