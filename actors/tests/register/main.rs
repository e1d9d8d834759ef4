//! A cash register's rules, over a store and a tax service in memory, on a clock that is moved by hand.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test speaks to whoever runs it

mod answers;
mod closing;
mod days;
mod faults;
mod figures;
mod first;
mod histories;
mod holding;
mod homecoming;
mod kills;
mod lateness;
mod limits;
mod lives;
mod names;
mod news;
mod offline;
mod people;
mod receipts;
mod records;
mod script;
mod server;
mod shifts;
mod till;
mod tools;
