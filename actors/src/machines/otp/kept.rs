//! A book as it is written to disk, and read again by another process.

use super::{BookRecord, BookView, OtpBook};
use crate::clock::{Now, Written};
use crate::ids::CustomerId;

impl OtpBook {
    /// What is written to disk now.
    pub fn record(&self, now: Now) -> BookRecord {
        BookRecord {
            written: Written::at(now),
            challenges: self
                .challenges
                .iter()
                .map(|(key, challenge)| (*key, challenge.as_ref().clone()))
                .collect(),
            ledgers: self
                .ledgers
                .iter()
                .map(|(contact, ledger)| (*contact, ledger.clone()))
                .collect(),
        }
    }

    /// The same where it lies, to be written and no more.
    pub(crate) fn view(&self, now: Now) -> BookView<'_> {
        BookView {
            written: Written::at(now),
            challenges: &self.challenges,
            ledgers: &self.ledgers,
        }
    }

    /// What was read from disk, given its place on this process's clock.
    pub fn restored(customer: CustomerId, record: BookRecord, now: Now) -> Self {
        let shift_ms = record.written.shift(now.process);
        Self {
            customer,
            challenges: record
                .challenges
                .into_iter()
                .map(|(key, c)| (key, Box::new(c.restored(shift_ms, now))))
                .collect(),
            ledgers: record
                .ledgers
                .into_iter()
                .map(|(contact, l)| (contact, l.restored(shift_ms)))
                .collect(),
        }
    }
}
