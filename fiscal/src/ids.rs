//! Who and which: identities of documents, registers and numbers, each a type of its own.

use crate::xml::Fault;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest identity that is read: the schema's bound for fiscal numbers; it bounds no [`Uid`], so that this
/// bound is ours.
pub const IDENTITY_CHARACTERS_MAX: usize = 128;

macro_rules! positive {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "u64", into = "u64")]
        pub struct $name(u64);

        impl $name {
            /// From a number above zero.
            ///
            /// # Errors
            /// [`Fault::NotPositive`] for zero.
            pub const fn new(number: u64) -> Result<Self, Fault> {
                if number == 0 { Err(Fault::NotPositive) } else { Ok(Self(number)) }
            }

            /// As a number.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl TryFrom<u64> for $name {
            type Error = Fault;

            fn try_from(number: u64) -> Result<Self, Fault> {
                Self::new(number)
            }
        }

        impl From<$name> for u64 {
            fn from(number: $name) -> u64 {
                number.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(out)
            }
        }
    };
}

positive! {
    /// A document's local number (`ORDERNUM`): one sequence for each register, without gaps, receipts and
    /// Z-reports together.
    LocalNumber
}
positive! {
    /// A register's local number at its owner (`CASHDESKNUM`).
    CashDeskNumber
}
positive! {
    /// A register's fiscal number (`CASHREGISTERNUM`): ten digits that begin with 4000 when it was given by
    /// the tax service.
    RegisterNumber
}

macro_rules! identity {
    ($(#[$doc:meta])* $name:ident, $form:literal, $fits:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// From its text.
            ///
            /// # Errors
            #[doc = concat!("[`Fault`] when it is empty, longer than [`IDENTITY_CHARACTERS_MAX`], or not of ", $form, ".")]
            pub fn new(text: impl Into<String>) -> Result<Self, Fault> {
                let text = text.into();
                if text.is_empty() {
                    return Err(Fault::Empty);
                }
                if text.len() > IDENTITY_CHARACTERS_MAX {
                    return Err(Fault::TooLong { max: IDENTITY_CHARACTERS_MAX });
                }
                if !$fits(&text) {
                    return Err(Fault::Form($form));
                }
                Ok(Self(text))
            }

            /// Its text, as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Fault;

            fn try_from(text: String) -> Result<Self, Fault> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(identity: $name) -> String {
                identity.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

identity! {
    /// A document's unique identifier (`UID`): a GUID by the description, any text by the schema and in the
    /// official samples. It is what makes sending a document twice harmless.
    Uid, "visible Latin characters", is_visible
}
identity! {
    /// A document's fiscal number (`ORDERTAXNUM`): given by the server online, `session.n.control` offline.
    /// Never a number to compute with.
    FiscalNumber, "visible Latin characters", is_visible
}
identity! {
    /// An offline session's number (`OfflineSessionId`). The schema bounds neither it nor the seed, so that
    /// they stay digits.
    OfflineSessionId, "digits above zero", is_above_zero
}
identity! {
    /// An offline session's secret number (`OfflineSeed`), from which the control numbers of its documents
    /// are computed.
    OfflineSeed, "digits above zero", is_above_zero
}

/// What a register needs in order to go offline: good for that register only, and for one session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfflineSession {
    /// The session.
    pub id: OfflineSessionId,
    /// Its secret number.
    pub seed: OfflineSeed,
}

fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `xs:positiveInteger` of any length.
fn is_above_zero(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && !is_zero(text)
}

/// Zeros only: where there may be no number, that is none.
pub(crate) fn is_zero(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte == b'0')
}

impl Uid {
    /// Whether both name one document: a GUID may come back in the other case.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

/// SHA-256 of the previous signed document (`PREVDOCHASH`), written as 64 hexadecimal digits in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DocumentHash(pub [u8; 32]);

impl DocumentHash {
    /// From 64 hexadecimal digits of either case.
    ///
    /// # Errors
    /// [`Fault::Form`] for anything else.
    pub fn from_hex(text: &str) -> Result<Self, Fault> {
        const FORM: Fault = Fault::Form("64 hexadecimal digits");
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(FORM);
        }
        let mut hash = [0_u8; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0]).ok_or(FORM)? << 4 | nibble(pair[1]).ok_or(FORM)?;
        }
        Ok(Self(hash))
    }
}

impl fmt::Display for DocumentHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_above_zero() {
        assert_eq!(LocalNumber::new(0), Err(Fault::NotPositive));
        assert_eq!(LocalNumber::new(7).map(LocalNumber::get), Ok(7));
    }

    #[test]
    fn a_guid_is_the_same_in_either_case() {
        let upper = Uid::new("F32EE0EF-F8EE-46BD-9943-881AF3F982F5").expect("a UID");
        let lower = Uid::new(upper.as_str().to_lowercase()).expect("a UID");
        assert!(upper.is_same(&lower));
        assert_ne!(upper, lower);
    }

    #[test]
    fn a_hash_is_read_in_either_case_and_written_in_lower() {
        let text = "899127A70cb34a9ab50540d6462dde4832f162e28450dcab9128b3ba4a2b603c";
        let hash = DocumentHash::from_hex(text).expect("a hash");
        assert_eq!(hash.to_string(), text.to_lowercase());
        for bad in ["", "89", &text[1..], &text.replace('8', "g")] {
            assert!(DocumentHash::from_hex(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_identity_is_short_visible_and_not_empty() {
        for bad in ["", "a b", "ї", "a\n"] {
            assert!(Uid::new(bad).is_err(), "{bad:?}");
        }
        for bad in ["0", "000", "-1", "1.0", "+1", "a"] {
            assert!(OfflineSeed::new(bad).is_err(), "{bad:?}");
        }
        assert!(FiscalNumber::new("9".repeat(IDENTITY_CHARACTERS_MAX)).is_ok());
        assert!(FiscalNumber::new("9".repeat(IDENTITY_CHARACTERS_MAX + 1)).is_err());
    }
}
