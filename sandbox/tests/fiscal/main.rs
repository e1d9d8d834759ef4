//! The stand-in fiscal server: its rules without HTTP, then the whole of it over HTTP.

#![allow(clippy::print_stdout)] // a test that skips itself says so
#![allow(clippy::unwrap_used)] // clippy sees a test only inside `#[test]`, and not in what tests share

mod commands;
mod documents;
mod faults;
mod figures;
mod http;
mod journal;
mod keys;
mod offline;
mod rules;
mod samples;
mod till;
mod world;
