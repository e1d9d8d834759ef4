//! A till's view of a running gateway: CashDesk's API over HTTP, the stand-in fiscal server behind it, and a cashier's key at hand.

mod checklist;
mod faults;
mod held;
mod hooks;
mod offline;
pub(crate) mod shop;
mod views;
