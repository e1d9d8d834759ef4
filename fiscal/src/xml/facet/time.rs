//! Dates and times.

use super::Facet;
use crate::moment::{check_year, date_text, read_date, read_time, time_text};
use crate::xml::Fault;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use std::borrow::Cow;

/// `DGDate`: DDMMYYYY.
pub(crate) struct Date;
/// `DGTime`: HHMMSS.
pub(crate) struct Time;
/// `DGDateTime`: DDMMYYYYHHMMSS.
pub(crate) struct DateTime;

impl Facet for Date {
    type Value = NaiveDate;

    fn write(value: &NaiveDate) -> Result<Cow<'_, str>, Fault> {
        check_year(*value)?;
        Ok(Cow::Owned(date_text(*value)))
    }

    fn read(text: &str) -> Result<NaiveDate, Fault> {
        read_date(text)
    }
}

impl Facet for Time {
    type Value = NaiveTime;

    fn write(value: &NaiveTime) -> Result<Cow<'_, str>, Fault> {
        whole_seconds(*value)?;
        Ok(Cow::Owned(time_text(*value)))
    }

    fn read(text: &str) -> Result<NaiveTime, Fault> {
        read_time(text)
    }
}

impl Facet for DateTime {
    type Value = NaiveDateTime;

    fn write(value: &NaiveDateTime) -> Result<Cow<'_, str>, Fault> {
        whole_seconds(value.time())?;
        check_year(value.date())?;
        Ok(Cow::Owned(date_text(value.date()) + &time_text(value.time())))
    }

    fn read(text: &str) -> Result<NaiveDateTime, Fault> {
        match text.split_at_checked(8) {
            Some((date, time)) => Ok(read_date(date)?.and_time(read_time(time)?)),
            None => Err(Fault::Form("a date and time DDMMYYYYHHMMSS")),
        }
    }
}

fn whole_seconds(time: NaiveTime) -> Result<(), Fault> {
    if time.nanosecond() == 0 {
        Ok(())
    } else {
        Err(Fault::Form("a time of whole seconds"))
    }
}
