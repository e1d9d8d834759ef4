//! UTCTime and GeneralizedTime (RFC 5280, section 4.1.2.5): always in UTC, to the second.

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use super::{Element, Error, tag, writer};

/// Reads either kind. A two-digit year below 50 is of this century; fractions of a second are refused, as
/// RFC 5280 does.
pub(crate) fn read(element: &Element<'_>) -> Result<DateTime<Utc>, Error> {
    let digits = element.content.strip_suffix(b"Z").ok_or(Error::Value)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(Error::Value);
    }
    let number = |range: std::ops::Range<usize>| {
        digits[range]
            .iter()
            .fold(0u32, |value, digit| value * 10 + u32::from(digit - b'0'))
    };
    let (year, rest) = match (element.tag, digits.len()) {
        (tag::UTC_TIME, 12) => (number(0..2) + if number(0..2) < 50 { 2000 } else { 1900 }, 2),
        (tag::GENERALIZED_TIME, 14) => (number(0..4), 4),
        _ => return Err(Error::Value),
    };
    let part = |index: usize| number(rest + 2 * index..rest + 2 * index + 2);
    i32::try_from(year)
        .ok()
        .and_then(|year| NaiveDate::from_ymd_opt(year, part(0), part(1)))
        .and_then(|date| date.and_hms_opt(part(2), part(3), part(4)))
        .map(|time| time.and_utc())
        .ok_or(Error::Value)
}

/// UTCTime until 2049, GeneralizedTime from 2050 on.
pub(crate) fn write(time: DateTime<Utc>) -> Vec<u8> {
    if (1950..2050).contains(&time.year()) {
        writer::element(
            tag::UTC_TIME,
            &[time.format("%y%m%d%H%M%SZ").to_string().as_bytes()],
        )
    } else {
        writer::element(
            tag::GENERALIZED_TIME,
            &[time.format("%Y%m%d%H%M%SZ").to_string().as_bytes()],
        )
    }
}
