//! Behaviour: what the gateway remembers and does, without HTTP and without any particular store.
//!
//! [`machines`] are pure rules; [`durable`] makes their decisions durable before anyone acts on them; each kind of actor is a thin shell
//! in a file of its own; [`ports`] is what they ask of the world.

pub mod accounts;
pub mod agents;
mod book;
pub mod clock;
pub mod customer;
pub mod deliveries;
pub mod directory;
pub mod durable;
pub mod evidence;
pub mod guards;
pub mod hooks;
pub mod idempotency;
pub mod ids;
pub mod machines;
mod maps;
pub mod metrics;
pub mod ordered;
pub mod otp;
pub mod owners;
pub mod phone;
pub mod ports;
pub mod random;
pub mod register;
pub mod registry;
pub mod secret;
pub mod sweeper;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod trouble;
pub mod wheel;
pub mod windows;
mod words;
