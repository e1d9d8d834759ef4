//! The numbers of documents: local ones, which have no gap, and the fiscal ones that a register computes itself while it is offline.

mod control;
mod hash;
mod offline;

pub use control::{Control, ControlSource};
pub use hash::DocumentHash;
pub use offline::{OfflineNumber, OfflineSeed, OfflineSession};

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The largest local, register or desk number: far above any till's, and far from any overflow.
pub const NUMBER_MAX: u64 = 999_999_999_999_999;

/// Why a text or a number is none of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not digits, nothing, or above [`NUMBER_MAX`].
    #[error("is not a number from 1 to {NUMBER_MAX}")]
    NotANumber,
    /// A seed is one to twenty digits.
    #[error("is not a seed")]
    NotASeed,
    /// An offline number is `session.n.control`.
    #[error("is not an offline number")]
    NotAnOfflineNumber,
    /// A hash is 64 hexadecimal digits, in lower case.
    #[error("is not a hash")]
    NotAHash,
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "u64", into = "u64")]
        pub struct $name(u64);

        impl $name {
            /// # Errors
            /// [`Error::NotANumber`] for nothing and above [`NUMBER_MAX`].
            pub const fn new(number: u64) -> Result<Self, Error> {
                match number {
                    1..=NUMBER_MAX => Ok(Self(number)),
                    _ => Err(Error::NotANumber),
                }
            }

            /// The number.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl TryFrom<u64> for $name {
            type Error = Error;

            fn try_from(number: u64) -> Result<Self, Error> {
                Self::new(number)
            }
        }

        impl From<$name> for u64 {
            fn from(number: $name) -> Self {
                number.0
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                Self::new(digits(text).ok_or(Error::NotANumber)?)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "{}", self.0)
            }
        }
    };
}

number! {
    /// ORDERNUM: counts the documents of a register, receipts and reports together, without a gap or a repeat.
    LocalNumber
}
number! {
    /// CASHREGISTERNUM: the fiscal number of a register, ten digits beginning with 4000 in practice.
    RegisterNumber
}
number! {
    /// CASHDESKNUM: the number that the taxpayer gave the register.
    DeskNumber
}

impl LocalNumber {
    /// The number of the next document.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Plain digits, without the plus that `u64`'s own parser takes.
fn digits(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_digits_from_one() {
        assert_eq!("4000002411".parse().map(RegisterNumber::get), Ok(4_000_002_411));
        assert_eq!("007".parse().map(DeskNumber::get), Ok(7));
        for text in ["", "0", "+1", "-1", "1.0", " 1", "1000000000000000", "x"] {
            assert_eq!(text.parse::<LocalNumber>(), Err(Error::NotANumber), "{text:?}");
        }
        assert_eq!(LocalNumber::new(9).map(LocalNumber::next), LocalNumber::new(10));
    }
}
