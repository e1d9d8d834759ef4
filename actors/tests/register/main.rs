//! A cash register's rules, over a store and a tax service in memory, on a clock that is moved by hand.
#![allow(clippy::unwrap_used)]
#![allow(clippy::print_stdout)] // a seed is printed
mod closing;
mod days;
mod faults;
mod first;
mod holding;
mod kills;
mod receipts;
mod records;
mod shifts;
mod till;
