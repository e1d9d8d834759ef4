//! A value in every form in which it could have been written.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

/// What is looked for.
pub struct Needle {
    pub what: String,
    forms: Vec<(&'static str, Vec<u8>)>,
}

impl Needle {
    /// Text: as its octets, and escaped as JSON escapes it.
    pub fn text(what: &str, text: &str) -> Self {
        let escaped: String = text
            .encode_utf16()
            .map(|unit| match u8::try_from(unit) {
                Ok(ascii) if ascii.is_ascii() => char::from(ascii).to_string(),
                _ => format!("\\u{unit:04x}"),
            })
            .collect();
        let mut needle = Self::octets(what, text.as_bytes());
        needle.forms.push(("escaped", escaped.into_bytes()));
        needle
    }

    /// Octets: raw, in hexadecimal, in base64, percent-encoded, and as a list.
    pub fn octets(what: &str, bytes: &[u8]) -> Self {
        let hex = |byte: &u8| format!("{byte:02x}");
        let lower: String = bytes.iter().map(hex).collect();
        let decimal: Vec<String> = bytes.iter().map(u8::to_string).collect();
        let mut forms = vec![
            ("raw", bytes.to_vec()),
            (
                "as Debug escapes bytes",
                bytes.escape_ascii().to_string().into_bytes(),
            ),
            ("in upper-case hexadecimal", lower.to_uppercase().into_bytes()),
            ("in hexadecimal", lower.into_bytes()),
            (
                "percent-encoded",
                percent_encoding::percent_encode(bytes, percent_encoding::NON_ALPHANUMERIC)
                    .to_string()
                    .into_bytes(),
            ),
            ("as a list of bytes", decimal.join(", ").into_bytes()),
            ("as a JSON list of bytes", decimal.join(",").into_bytes()),
        ];
        for offset in 0..3 {
            forms.push(("in base64", in_base64(&BASE64_STANDARD_NO_PAD, bytes, offset)));
            forms.push((
                "in base64 for URLs",
                in_base64(&BASE64_URL_SAFE_NO_PAD, bytes, offset),
            ));
        }
        Self {
            what: what.to_owned(),
            forms,
        }
    }

    /// Digits: as text, and as an integer of eight bytes.
    pub fn number(what: &str, digits: &str) -> Self {
        let mut needle = Self::text(what, digits);
        let number: u64 = digits.parse().expect("digits are a number");
        needle
            .forms
            .push(("as an integer", number.to_le_bytes().to_vec()));
        needle
            .forms
            .push(("as a big-endian integer", number.to_be_bytes().to_vec()));
        needle
    }

    /// The first form that is there.
    pub fn found_in(&self, bytes: &[u8]) -> Option<&'static str> {
        let found = self.forms.iter().find(|(_, form)| contains(bytes, form));
        found.map(|(form, _)| *form)
    }
}

/// What is certain of the encoding where `offset` bytes of a group of three stand before: without the characters that neighbours share.
fn in_base64(engine: &impl Engine, bytes: &[u8], offset: usize) -> Vec<u8> {
    let padded = [&[0; 2][..offset], bytes].concat();
    let whole = padded.len() / 3 * 3;
    let encoded = engine.encode(&padded[..whole]).into_bytes();
    let shared = if offset == 0 { 0 } else { 4 };
    encoded[shared..].to_vec()
}

/// By first and last byte before all of it: places have many megabytes.
fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    let (Some(first), Some(last)) = (needle.first(), needle.last()) else {
        return false;
    };
    bytes
        .windows(needle.len())
        .any(|window| window[0] == *first && window[needle.len() - 1] == *last && window == needle)
}

#[test]
fn a_needle_is_found_in_all_its_forms_wherever_it_stands() {
    let needle = Needle::text("a word", "canary-canary");
    for before in ["", "x", "xy", "xyz"] {
        let text = format!("{before}canary-canary and more");
        let encoded = [
            text.clone(),
            BASE64_STANDARD_NO_PAD.encode(&text),
            BASE64_URL_SAFE_NO_PAD.encode(&text),
            text.bytes().map(|byte| format!("{byte:02x}")).collect(),
            text.bytes().map(|byte| format!("{byte:02X}")).collect(),
            format!("{:?}", text.as_bytes()),
        ];
        for encoded in encoded {
            assert!(needle.found_in(encoded.as_bytes()).is_some(), "{encoded}");
        }
    }
    assert_eq!(needle.found_in(b"canary-canarx Y2FuYXJ5"), None);
    let digits = Needle::number("a code", "8350274196");
    assert!(digits.found_in(&8_350_274_196_u64.to_le_bytes()).is_some());
}
