//! A book as it is written to disk, and read again by another process.

use super::{BookRecord, OtpBook};
use crate::clock::{Now, Written};
use crate::ids::CustomerId;
use std::borrow::Cow;

impl OtpBook {
    /// What is written to disk now.
    pub fn record(&self, now: Now) -> BookRecord<'_> {
        BookRecord {
            written: Written::at(now),
            challenges: Cow::Borrowed(&self.challenges),
            ledgers: Cow::Borrowed(&self.ledgers),
        }
    }

    /// What was read from disk, given its place on this process's clock.
    pub fn restored(customer: CustomerId, record: BookRecord<'_>, now: Now) -> Self {
        let shift_ms = record.written.shift(now.process);
        Self {
            customer,
            challenges: record
                .challenges
                .into_owned()
                .into_iter()
                .map(|(key, c)| (key, Box::new(c.restored(shift_ms, now))))
                .collect(),
            ledgers: record
                .ledgers
                .into_owned()
                .into_iter()
                .map(|(contact, l)| (contact, l.restored(shift_ms)))
                .collect(),
        }
    }
}
