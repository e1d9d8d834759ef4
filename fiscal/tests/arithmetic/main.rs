//! Receipts and shifts as a till makes them: the tax service's published examples as rows, and laws that hold for every receipt.

mod build;
mod laws;
mod payments;
mod receipts;
mod shifts;
