//! Moments in the server's JSON: ISO 8601 with an offset, and the older `/Date(ms)/`.

use super::json::{Scalar, Value, quote};
use crate::xml::Fault;
use chrono::{DateTime, Datelike, FixedOffset, NaiveDateTime, TimeZone, Utc};
use std::fmt;
use std::str::FromStr;

/// A moment as the server writes it: `2018-10-17T01:23:00+03:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerTime {
    /// The date and time that are written.
    pub local: NaiveDateTime,
    /// Their offset from UTC, when it is written: without one, they are of Kyiv.
    pub offset: Option<FixedOffset>,
}

impl ServerTime {
    /// The moment in UTC, when it is known.
    #[must_use]
    pub fn to_utc(self) -> Option<DateTime<Utc>> {
        self.offset?
            .from_local_datetime(&self.local)
            .single()
            .map(|moment| moment.with_timezone(&Utc))
    }
}

impl<Zone: TimeZone> From<DateTime<Zone>> for ServerTime {
    fn from(moment: DateTime<Zone>) -> Self {
        let moment = moment.fixed_offset();
        Self {
            local: moment.naive_local(),
            offset: Some(*moment.offset()),
        }
    }
}

impl fmt::Display for ServerTime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.local.format("%Y-%m-%dT%H:%M:%S%.f"))?;
        match self.offset {
            Some(offset) => write!(out, "{offset}"),
            None => Ok(()),
        }
    }
}

impl FromStr for ServerTime {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        const FORM: Fault =
            Fault::Form("a moment such as 2018-10-17T01:23:00+03:00 or /Date(1539728580000)/");
        if let Some(inside) = text
            .strip_prefix("/Date(")
            .and_then(|rest| rest.strip_suffix(")/"))
        {
            // An offset behind the milliseconds says how the moment is shown, not which it is.
            let digits = inside
                .find(['+', '-'])
                .filter(|&at| at > 0)
                .map_or(inside, |at| &inside[..at]);
            let milliseconds = digits.parse().map_err(|_| FORM)?;
            let moment = DateTime::from_timestamp_millis(milliseconds).ok_or(FORM)?;
            // Beyond these years there is no way to write it.
            return if (0..=9999).contains(&moment.year()) {
                Ok(Self::from(moment))
            } else {
                Err(FORM)
            };
        }
        if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::from(moment));
        }
        let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map_err(|_| FORM)?;
        Ok(Self { local, offset: None })
    }
}

impl Scalar for ServerTime {
    fn read(value: &Value<'_>) -> Result<Self, Fault> {
        match value {
            Value::Text(text) => text.trim().parse(),
            _ => Err(Fault::Form("a moment in quotes")),
        }
    }

    fn write(&self) -> String {
        quote(&self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_each_of_their_forms_and_written_in_one() {
        let table = [
            ("2018-10-17T01:23:00+03:00", "2018-10-17T01:23:00+03:00"),
            ("2018-10-17T01:23:00Z", "2018-10-17T01:23:00+00:00"),
            (
                "2018-10-17T01:23:00.1234567+03:00",
                "2018-10-17T01:23:00.123456700+03:00",
            ),
            ("2018-10-17T01:23:00", "2018-10-17T01:23:00"),
            ("/Date(1539728580000)/", "2018-10-16T22:23:00+00:00"),
            ("/Date(1539728580000+0300)/", "2018-10-16T22:23:00+00:00"),
            ("/Date(-1000)/", "1969-12-31T23:59:59+00:00"),
        ];
        for (text, written) in table {
            let moment: ServerTime = text.parse().expect(text);
            assert_eq!(moment.to_string(), written);
            assert_eq!(written.parse(), Ok(moment));
            assert_eq!(moment.to_utc().is_some(), moment.offset.is_some());
        }
        for text in [
            "",
            "2018-10-17",
            "17.10.2018 01:23",
            "/Date()/",
            "/Date(9999999999999999999)/",
            "/Date(9e3)/",
            "/Date(-800000000005537)/",
        ] {
            assert!(text.parse::<ServerTime>().is_err(), "{text}");
        }
    }
}
