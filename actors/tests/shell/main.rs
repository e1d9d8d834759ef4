//! The shells over their rules: actors, registry, wheel, directory and durable steps, with a clock that is moved by hand.
#![allow(clippy::unwrap_used)]

mod accounts;
mod customers;
mod deliveries;
mod directory;
mod durable;
mod evidence;
mod evidence_faults;
mod evidence_world;
mod faults;
mod golden;
mod guards;
mod idempotency;
mod owners;
mod owners_world;
mod register_world;
mod registers;
mod registry;
mod world;
