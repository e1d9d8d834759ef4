//! Octets in JSON: base64 for what is long, hexadecimal digits for what people compare by eye.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// Octets of any kind, base64 (RFC 4648, section 4) in JSON. `Debug` tells their number alone: they may be somebody's receipt.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Octets(pub Vec<u8>);

impl fmt::Debug for Octets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Octets({} octets)", self.0.len())
    }
}

impl Serialize for Octets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        // The error does not quote what was there.
        let octets = BASE64_STANDARD.decode(text.as_bytes());
        octets.map(Self).map_err(|_| de::Error::custom("no base64"))
    }
}

/// Identifiers of certificates and keys: lower hexadecimal digits, two for each octet; capitals are read too.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HexOctets(pub Vec<u8>);

impl fmt::Display for HexOctets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|octet| write!(formatter, "{octet:02x}"))
    }
}

impl fmt::Debug for HexOctets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl std::str::FromStr for HexOctets {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const NOT_HEXADECIMAL: &str = "not pairs of hexadecimal digits";
        let digits = text.as_bytes();
        if !digits.len().is_multiple_of(2) {
            return Err(NOT_HEXADECIMAL);
        }
        let pairs = digits.chunks_exact(2).map(|pair| {
            let digit = |digit: u8| char::from(digit).to_digit(16);
            let value = digit(pair[0])? << 4 | digit(pair[1])?;
            u8::try_from(value).ok()
        });
        pairs.collect::<Option<_>>().map(Self).ok_or(NOT_HEXADECIMAL)
    }
}

impl Serialize for HexOctets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HexOctets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_come_back_as_they_went() {
        let octets = Octets(vec![0, 255, 62, 63]);
        let text = serde_json::to_string(&octets).unwrap();
        assert_eq!(text, r#""AP8+Pw==""#);
        assert_eq!(serde_json::from_str::<Octets>(&text).unwrap(), octets);
    }

    #[test]
    fn an_error_about_octets_does_not_quote_them() {
        let error = serde_json::from_str::<Octets>(r#""*secret*""#).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
        assert_eq!(format!("{:?}", Octets(b"secret".to_vec())), "Octets(6 octets)");
    }

    #[test]
    fn hexadecimal_digits_come_in_pairs_and_of_either_case() {
        assert_eq!("0aFF".parse(), Ok(HexOctets(vec![10, 255])));
        assert_eq!(HexOctets(vec![10, 255]).to_string(), "0aff");
        for wrong in ["0", "0g", "+1", "é0"] {
            assert!(wrong.parse::<HexOctets>().is_err(), "{wrong}");
        }
    }
}
