//! The fiscal number of an offline document, and the session that it belongs to.

use super::{Control, Error, digits};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// OfflineSeed: the secret number of a session, about fifteen digits. It is shown nowhere, not even to a log by mistake.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OfflineSeed(String);

impl OfflineSeed {
    /// The digits.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for OfflineSeed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("OfflineSeed(..)")
    }
}

impl TryFrom<String> for OfflineSeed {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        let plain = (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if plain {
            Ok(Self(text))
        } else {
            Err(Error::NotASeed)
        }
    }
}

impl FromStr for OfflineSeed {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        text.to_owned().try_into()
    }
}

impl From<OfflineSeed> for String {
    fn from(seed: OfflineSeed) -> Self {
        seed.0
    }
}

/// What the tax service gives a register for its next offline session. Good on that register alone, and once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfflineSession {
    /// OfflineSessionId.
    pub id: u64,
    /// OfflineSeed.
    pub seed: OfflineSeed,
}

/// ORDERTAXNUM of an offline document: `21182.3.5807`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OfflineNumber {
    /// OfflineSessionId.
    pub session: u64,
    /// The place in the session, from 1, which is the document that begins it.
    pub place: u64,
    /// The control number.
    pub control: Control,
}

impl fmt::Display for OfflineNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}.{}", self.session, self.place, self.control)
    }
}

impl FromStr for OfflineNumber {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut parts = text.split('.');
        let (Some(session), Some(place), Some(control), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Error::NotAnOfflineNumber);
        };
        let number = |text| digits(text).ok_or(Error::NotAnOfflineNumber);
        match number(place)? {
            0 => Err(Error::NotAnOfflineNumber),
            place => Ok(Self {
                session: number(session)?,
                place,
                control: control.parse()?,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offline_number_reads_back() {
        let number: OfflineNumber = "21182.7.44".parse().expect("a number");
        assert_eq!(
            (number.session, number.place, number.control.get()),
            (21_182, 7, 44)
        );
        assert_eq!(number.to_string(), "21182.7.44");
        for text in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "1.0.3",
            "1.2.0",
            "1.2.10000",
            "1.2.-3",
            "a.2.3",
            "1..3",
        ] {
            assert_eq!(
                text.parse::<OfflineNumber>(),
                Err(Error::NotAnOfflineNumber),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_seed_is_digits_and_is_shown_nowhere() {
        let seed: OfflineSeed = "179625192271939".parse().expect("a seed");
        let session = OfflineSession { id: 1, seed };
        assert!(!format!("{session:?}").contains("1796"));
        for text in ["", "12a", "-1", "123456789012345678901"] {
            assert_eq!(text.parse::<OfflineSeed>(), Err(Error::NotASeed), "{text:?}");
        }
    }
}
