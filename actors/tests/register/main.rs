//! A cash register's rules, over a store and a tax service in memory, on a clock that is moved by hand.
#![allow(clippy::unwrap_used)]

mod closing;
mod first;
mod receipts;
mod shifts;
mod till;
