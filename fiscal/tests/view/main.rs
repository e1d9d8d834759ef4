//! What people see of a document: every line inside its width, the same content in every form, and golden texts.

#![allow(clippy::print_stdout)] // a test that skips itself says so

#[path = "../it/fixtures.rs"]
mod fixtures;
mod forms;
mod golden;
mod laws;
mod official;
mod samples;
