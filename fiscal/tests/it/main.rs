//! The package as its callers see it, against the official schemas' samples and signed files.

#![allow(clippy::print_stdout)] // a test that skips itself says so

mod fixtures;
mod golden;
mod random;
mod samples;
mod signed;
