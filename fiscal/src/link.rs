//! The link under which a buyer finds a receipt, also the content of its QR code (section "verification
//! link").

use crate::amount::Money;
use crate::document::{Document, Mode};
use crate::ids::{DocumentHash, FiscalNumber, RegisterNumber};
use crate::moment::LocalMoment;
use chrono::{Datelike, Timelike};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt;

/// Where receipts are looked up.
const PAGE: &str = "https://cabinet.tax.gov.ua/cashregs/check";

/// What a query's value may hold as it is.
const VALUE: AsciiSet = NON_ALPHANUMERIC
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'~');

/// How a link writes the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkTime {
    /// `HHMM`: the Regulation's form.
    Minutes,
    /// `HHMMSS`: the form that is widely seen, and that tells two receipts of a minute apart.
    #[default]
    Seconds,
}

/// The link under which a buyer finds a receipt; [`Display`](fmt::Display) writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationLink {
    /// The receipt (`id`).
    pub fiscal_number: FiscalNumber,
    /// When it was issued (`date`, `time`).
    pub issued: LocalMoment,
    /// The register (`fn`).
    pub register: RegisterNumber,
    /// Its sum (`sm`).
    pub sum: Money,
    /// Offline: the hash of the document before it (`mac`).
    pub previous: Option<DocumentHash>,
    /// How the time is written.
    pub time: LinkTime,
}

impl VerificationLink {
    /// Of a receipt. An online document's number comes with its ticket; one that a document carries itself
    /// goes before it.
    ///
    /// Nothing for a document without a sum, or when neither knows a number.
    #[must_use]
    pub fn of(document: &Document, fiscal_number: Option<&FiscalNumber>, time: LinkTime) -> Option<Self> {
        let head = &document.head;
        Some(Self {
            fiscal_number: head.mode.fiscal_number().or(fiscal_number)?.clone(),
            issued: head.issued,
            register: head.register.number,
            sum: document.kind.receipt()?.total.as_ref()?.sum?,
            previous: match &head.mode {
                Mode::Offline { previous, .. } => *previous,
                Mode::Online { .. } => None,
            },
            time,
        })
    }
}

impl fmt::Display for VerificationLink {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = self.issued.get();
        let id = utf8_percent_encode(self.fiscal_number.as_str(), &VALUE);
        let (year, month, day) = (moment.year(), moment.month(), moment.day());
        write!(
            out,
            "{PAGE}?id={id}&date={year:04}{month:02}{day:02}&time={:02}{:02}",
            moment.hour(),
            moment.minute()
        )?;
        if self.time == LinkTime::Seconds {
            write!(out, "{:02}", moment.second())?;
        }
        write!(out, "&fn={}&sm={}", self.register, self.sum)?;
        match self.previous {
            Some(hash) => write!(out, "&mac={hash}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_names_number_moment_register_and_sum() {
        let mut link = VerificationLink {
            fiscal_number: FiscalNumber::new("3408730318").expect("a number"),
            issued: LocalMoment::from_parts("05022026", "090807").expect("a moment"),
            register: RegisterNumber::new(4_000_365_577).expect("a number"),
            sum: Money::from_units(95_000),
            previous: None,
            time: LinkTime::Seconds,
        };
        let online = "https://cabinet.tax.gov.ua/cashregs/check?id=3408730318&date=20260205&time=090807&fn=4000365577&sm=950.00";
        assert_eq!(link.to_string(), online);
        link.time = LinkTime::Minutes;
        assert_eq!(link.to_string(), online.replace("090807", "0908"));
        link.fiscal_number = FiscalNumber::new("420.3.2598&sm=1").expect("a number");
        link.previous = Some(DocumentHash([0xab; 32]));
        let offline = link.to_string();
        assert!(offline.contains("id=420.3.2598%26sm%3D1&"), "{offline}");
        assert!(
            offline.ends_with(&format!("&mac={}", "ab".repeat(32))),
            "{offline}"
        );
    }
}
