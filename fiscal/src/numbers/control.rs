//! The control number: four digits that prove that whoever made an offline document knew the secret of its session.

use super::{DeskNumber, DocumentHash, Error, LocalNumber, OfflineSeed, RegisterNumber, digits};
use crate::Money;
use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The last part of an offline number: 1 to 9999, without leading zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Control(u16);

impl Control {
    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for Control {
    type Error = Error;

    fn try_from(number: u16) -> Result<Self, Error> {
        match number {
            1..=9999 => Ok(Self(number)),
            _ => Err(Error::NotAnOfflineNumber),
        }
    }
}

impl From<Control> for u16 {
    fn from(control: Control) -> Self {
        control.0
    }
}

impl FromStr for Control {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let number = digits(text).and_then(|number| u16::try_from(number).ok());
        Self::try_from(number.ok_or(Error::NotAnOfflineNumber)?)
    }
}

impl fmt::Display for Control {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

/// What a control number is computed from (API description, offline mode).
#[derive(Clone, Copy, Debug)]
pub struct ControlSource<'a> {
    /// The session's secret.
    pub seed: &'a OfflineSeed,
    /// ORDERDATE and ORDERTIME, in Kyiv.
    pub moment: NaiveDateTime,
    /// ORDERNUM.
    pub local_number: LocalNumber,
    /// CASHREGISTERNUM.
    pub register: RegisterNumber,
    /// CASHDESKNUM.
    pub desk: DeskNumber,
    /// CHECKTOTAL/SUM of a document that has it; never of a Z.
    pub sum: Option<Money>,
    /// PREVDOCHASH of a document that has it.
    pub previous_hash: Option<DocumentHash>,
}

impl ControlSource<'_> {
    /// Computes it: CRC-32 over the fields joined by commas, its four octets swapped (the reference code reads the big-endian octets of
    /// the sum as little-endian), the last four decimal digits, and 1 instead of 0.
    #[must_use]
    pub fn control(&self) -> Control {
        let swapped = crc32fast::hash(self.text().as_bytes()).swap_bytes();
        let digits = u16::try_from(swapped % 10_000).expect("four digits");
        Control(digits.max(1))
    }

    /// The text that is summed. It holds the secret: never log it.
    fn text(&self) -> String {
        use fmt::Write as _;
        // 160: a seed, five numbers, a sum and a hash, so that the text is allocated once.
        let mut text = String::with_capacity(160);
        let written = write!(
            text,
            "{},{},{},{},{}",
            self.seed.secret(),
            self.moment.format("%d%m%Y,%H%M%S"),
            self.local_number,
            self.register,
            self.desk,
        );
        written.expect("a string takes every text");
        if let Some(sum) = self.sum {
            write!(text, ",{sum}").expect("a string takes every text");
        }
        if let Some(hash) = self.previous_hash {
            write!(text, ",{hash}").expect("a string takes every text");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    fn published<'a>(seed: &'a OfflineSeed, hash: &str) -> ControlSource<'a> {
        ControlSource {
            seed,
            moment: (NaiveDate::from_ymd_opt(2020, 8, 20).and_then(|day| day.and_hms_opt(14, 23, 38)))
                .expect("a moment"),
            local_number: LocalNumber::new(10).expect("a number"),
            register: RegisterNumber::new(4_000_002_411).expect("a number"),
            desk: DeskNumber::new(10).expect("a number"),
            sum: None,
            previous_hash: Some(hash.parse().expect("a hash")),
        }
    }

    #[test]
    fn the_published_example_gives_its_control() {
        let seed = "179625192271939".parse().expect("a seed");
        let hash = "cdd68bb111f8993f3603f0179341571b35b73a07d5acee9b28fbfb714698e1b3";
        let source = published(&seed, hash);
        assert_eq!(
            source.text(),
            format!("179625192271939,20082020,142338,10,4000002411,10,{hash}")
        );
        assert_eq!(crc32fast::hash(source.text().as_bytes()), 0xa6bd_dbbd);
        assert_eq!(
            source.control().get(),
            4758,
            "3185294758, where unswapped octets end in 413"
        );
    }

    #[test]
    fn a_sum_stands_before_the_hash_with_two_digits() {
        let seed = "1".parse().expect("a seed");
        let hash = "0".repeat(64);
        let source = ControlSource {
            sum: Some(Money::from_units(5_000)),
            ..published(&seed, &hash)
        };
        assert!(source.text().ends_with(&format!(",10,50.00,{hash}")));
        let without = ControlSource {
            previous_hash: None,
            ..source
        };
        assert!(without.text().ends_with(",10,50.00"));
    }

    #[test]
    fn a_control_that_would_be_nothing_is_one() {
        // Found by counting up: the first seed whose sum ends in four zeros here, and the first that ends in three.
        let (mut zero, mut short) = (None, None);
        for seed in 1_u32..200_000 {
            let text: OfflineSeed = seed.to_string().parse().expect("a seed");
            let source = ControlSource {
                previous_hash: None,
                ..published(&text, &"0".repeat(64))
            };
            let digits = crc32fast::hash(source.text().as_bytes()).swap_bytes() % 10_000;
            match digits {
                0 => zero = zero.or(Some(source.control())),
                2..=9 => short = short.or(Some(source.control().to_string())),
                _ => {}
            }
            if zero.is_some() && short.is_some() {
                break;
            }
        }
        assert_eq!(zero.map(Control::get), Some(1));
        assert_eq!(short.map(|text| text.len()), Some(1), "no leading zeros");
    }
}
