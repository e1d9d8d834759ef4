//! The world as the actors ask for it: implements the ports of `actors`.

mod addresses;
pub mod agent;
pub mod checkpoints;
pub mod guarded;
mod hook;
mod http_client;
pub mod owner;
pub mod partner;
pub mod sms;
pub mod tax;

pub use http_client::client;
