//! The client against SMSCs: a stand-in that misbehaves when told, and software that nobody here wrote.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // clippy sees a test only inside `#[test]`, and not in what tests share

mod faults;
mod interop;
mod receipts;
mod world;
