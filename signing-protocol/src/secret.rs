//! Octets that nobody may keep: in memory while they are used, wiped when they are dropped, never printed.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use zeroize::Zeroizing;

/// Secret octets, base64 (RFC 4648, section 4) in JSON. `Debug` tells nothing of them, their number included: it may be a password's.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretOctets(Zeroizing<Vec<u8>>);

impl SecretOctets {
    /// Takes them over; nobody else should have them any more.
    #[must_use]
    pub fn new(octets: Vec<u8>) -> Self {
        Self(Zeroizing::new(octets))
    }

    /// What they are, for whoever uses them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretOctets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretOctets(…)")
    }
}

impl Serialize for SecretOctets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(BASE64_STANDARD.encode(&*self.0)))
    }
}

impl<'de> Deserialize<'de> for SecretOctets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(InPlace)
    }
}

/// Decodes the text where it stands: a text of its own would be left behind in memory.
struct InPlace;

impl de::Visitor<'_> for InPlace {
    type Value = SecretOctets;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("octets in base64")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<SecretOctets, E> {
        // Neither the error nor what it wraps quotes what was there.
        let octets = BASE64_STANDARD.decode(text.as_bytes());
        octets.map(SecretOctets::new).map_err(|_| E::custom("no base64"))
    }

    /// A text that the reader had to make, and hands over, is wiped.
    fn visit_string<E: de::Error>(self, text: String) -> Result<SecretOctets, E> {
        self.visit_str(&Zeroizing::new(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_octets_come_back_as_they_went_and_are_not_printed() {
        let secret = SecretOctets::new("пароль".as_bytes().to_vec());
        let text = serde_json::to_string(&secret).unwrap();
        assert_eq!(text, r#""0L/QsNGA0L7Qu9GM""#);
        assert_eq!(serde_json::from_str::<SecretOctets>(&text).unwrap(), secret);
        assert_eq!(format!("{secret:?}"), "SecretOctets(…)");
        let error = serde_json::from_str::<SecretOctets>(r#""*hidden*""#).unwrap_err();
        assert!(!error.to_string().contains("hidden"), "{error}");
    }
}
