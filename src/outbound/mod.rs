//! The world as the actors ask for it: implements the ports of `actors`.

pub mod checkpoints;
pub mod agent;
mod http_client;
pub mod sms;
pub mod tax;

pub use http_client::client;
