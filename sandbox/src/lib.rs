//! Stand-ins for the world outside the gateway. They send nothing to anybody, register nothing with anybody, and keep
//! everything where a developer can look at it.

pub mod fiscal;
pub mod sms;
