//! The hash that chains the documents of an offline session.

use super::Error;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// PREVDOCHASH: SHA-256 of a document's signed octets, the CMS in DER, written as 64 hexadecimal digits in lower case.
///
/// It is over *signed* octets, so that a document must be signed before the next one is built, and to sign one again breaks all after it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DocumentHash([u8; 32]);

impl DocumentHash {
    /// Of signed octets.
    #[must_use]
    pub fn of(signed: &[u8]) -> Self {
        Self(Sha256::digest(signed).into())
    }

    /// The octets.
    #[must_use]
    pub const fn octets(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for DocumentHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(out, "{octet:02x}"))
    }
}

impl fmt::Debug for DocumentHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "DocumentHash({self})")
    }
}

impl FromStr for DocumentHash {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut octets = [0; 32];
        if text.len() != 64 {
            return Err(Error::NotAHash);
        }
        for (octet, pair) in octets.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *octet = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(octets))
    }
}

/// Lower case only: the text takes part in the control number as it is written.
const fn digit(character: u8) -> Result<u8, Error> {
    match character {
        b'0'..=b'9' => Ok(character - b'0'),
        b'a'..=b'f' => Ok(character - b'a' + 10),
        _ => Err(Error::NotAHash),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_sha_256_in_lower_case() {
        let text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(DocumentHash::of(b"").to_string(), text);
        assert_eq!(text.parse(), Ok(DocumentHash::of(b"")));
        for wrong in [
            &text[1..],
            &text.to_uppercase(),
            &text.replace('e', "g"),
            "",
            &"є".repeat(32),
        ] {
            assert_eq!(wrong.parse::<DocumentHash>(), Err(Error::NotAHash), "{wrong:?}");
        }
    }
}
