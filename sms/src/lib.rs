//! Short messages, without I/O: how texts are cut into parts, what operators are asked and what their answers mean, and the rules by which one of
//! them is chosen, rests, or is spared a message that should not be paid for.
//!
//! Knows no clock, no chance, no runtime and nothing of one-time passwords: moments and draws are arguments.

pub mod breaker;
mod form;
mod gsm7;
pub mod operators;
mod outcome;
pub mod receipt;
pub mod routing;
pub mod segment;
pub mod spending;
pub mod traffic;

pub use outcome::{Call, Fate, Method, Named, Received, Report, Submission, Submitted, Unfit};
