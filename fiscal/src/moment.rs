//! Moments as the documents carry them: local Kyiv date and time, whole seconds, no zone.

use crate::xml::Fault;
use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use std::fmt;

/// A local Kyiv date and time of whole seconds in the years 1900 to 2099, all that the schema can carry.
///
/// Which zone it is, and that it never runs backwards in October, is the caller's business: nothing here
/// knows a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalMoment(NaiveDateTime);

impl LocalMoment {
    /// From a local date and time; a fraction of a second is cut off.
    ///
    /// # Errors
    /// [`Fault::Form`] outside the years 1900 to 2099.
    pub fn new(moment: NaiveDateTime) -> Result<Self, Fault> {
        check_year(moment.date())?;
        let time = moment.time();
        // A leap second is nanoseconds above a milliard in chrono, and is cut off with them.
        let whole = time.with_nanosecond(0).unwrap_or(time);
        Ok(Self(moment.date().and_time(whole)))
    }

    /// From `DDMMYYYY` and `HHMMSS`, as in `ORDERDATE` and `ORDERTIME`.
    ///
    /// # Errors
    /// [`Fault::Form`] when either is no such date or time.
    pub fn from_parts(date: &str, time: &str) -> Result<Self, Fault> {
        Ok(Self(read_date(date)?.and_time(read_time(time)?)))
    }

    /// Date and time.
    #[must_use]
    pub const fn get(self) -> NaiveDateTime {
        self.0
    }

    /// `DDMMYYYY`.
    #[must_use]
    pub fn date_text(self) -> String {
        date_text(self.0.date())
    }

    /// `HHMMSS`.
    #[must_use]
    pub fn time_text(self) -> String {
        time_text(self.0.time())
    }
}

impl fmt::Display for LocalMoment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

pub(crate) fn date_text(date: NaiveDate) -> String {
    format!("{:02}{:02}{:04}", date.day(), date.month(), date.year())
}

pub(crate) fn time_text(time: NaiveTime) -> String {
    format!("{:02}{:02}{:02}", time.hour(), time.minute(), time.second())
}

/// `DDMMYYYY` exactly.
pub(crate) fn read_date(text: &str) -> Result<NaiveDate, Fault> {
    const FORM: Fault = Fault::Form("a date DDMMYYYY");
    let [day, month, century, year] = pairs(text).ok_or(FORM)?;
    let year = i32::from(century) * 100 + i32::from(year);
    let date = NaiveDate::from_ymd_opt(year, u32::from(month), u32::from(day)).ok_or(FORM)?;
    check_year(date).map(|()| date)
}

/// `HHMMSS` exactly.
pub(crate) fn read_time(text: &str) -> Result<NaiveTime, Fault> {
    const FORM: Fault = Fault::Form("a time HHMMSS");
    let [hour, minute, second] = pairs(text).ok_or(FORM)?;
    NaiveTime::from_hms_opt(u32::from(hour), u32::from(minute), u32::from(second)).ok_or(FORM)
}

pub(crate) fn check_year(date: NaiveDate) -> Result<(), Fault> {
    match date.year() {
        1900..=2099 => Ok(()),
        _ => Err(Fault::Form("a year from 1900 to 2099")),
    }
}

/// `N` numbers of two digits each, and nothing else.
fn pairs<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(std::array::from_fn(|at| {
        (digits[2 * at] - b'0') * 10 + digits[2 * at + 1] - b'0'
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_it_was_read() {
        let moment = LocalMoment::from_parts("29022024", "000009").expect("a moment");
        assert_eq!(
            (moment.date_text().as_str(), moment.time_text().as_str()),
            ("29022024", "000009")
        );
        assert_eq!(moment.to_string(), "2024-02-29 00:00:09");
    }

    #[test]
    fn what_is_no_date_or_time_is_refused() {
        for date in [
            "",
            "2902202",
            "29022023",
            "31042024",
            "00012024",
            "01012100",
            "01011899",
            "0101202 ",
            "٠١٠١٢٠٢٤",
        ] {
            assert!(LocalMoment::from_parts(date, "000000").is_err(), "{date:?}");
        }
        for time in ["", "12345", "240000", "126000", "125960", "1234567", "+11111"] {
            assert!(LocalMoment::from_parts("01012024", time).is_err(), "{time:?}");
        }
    }

    #[test]
    fn a_fraction_of_a_second_is_cut_off_a_leap_second_too() {
        let at = |nano| {
            NaiveDate::from_ymd_opt(2024, 1, 1).and_then(|date| date.and_hms_nano_opt(23, 59, 59, nano))
        };
        for nano in [0, 999_999_999, 1_500_000_000] {
            let moment = LocalMoment::new(at(nano).expect("a time")).expect("a moment");
            assert_eq!(moment.get().nanosecond(), 0);
            assert_eq!(moment.time_text(), "235959");
        }
    }
}
