//! `application/x-www-form-urlencoded`, both ways.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use zeroize::Zeroizing;

/// What stays as it is (WHATWG URL, "application/x-www-form-urlencoded percent-encode set").
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'*')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_');

/// The most pairs that are read: operators send a few, and a hundred lines at most.
const PAIRS_MAX: usize = 1_000;

/// Pairs as a body. The room is taken at once: a text that grows would leave unwiped copies behind.
pub(crate) fn encode(pairs: &[(&str, &str)]) -> Zeroizing<String> {
    let length: usize = pairs
        .iter()
        .map(|(name, value)| 3 * (name.len() + value.len()) + 2)
        .sum();
    let mut body = Zeroizing::new(String::with_capacity(length));
    for (name, value) in pairs {
        if !body.is_empty() {
            body.push('&');
        }
        body.extend(utf8_percent_encode(name, ESCAPED));
        body.push('=');
        body.extend(utf8_percent_encode(value, ESCAPED));
    }
    body
}

/// A body (or a query) as pairs; `None` where it is no UTF-8 or has too many.
pub(crate) fn decode(body: &[u8]) -> Option<Vec<(String, String)>> {
    let text = std::str::from_utf8(body).ok()?;
    let decoded = |piece: &str| {
        let spaced = piece.replace('+', " ");
        percent_decode_str(&spaced)
            .decode_utf8()
            .ok()
            .map(|text| text.into_owned())
    };
    let pieces: Vec<&str> = text.split('&').filter(|piece| !piece.is_empty()).collect();
    if pieces.len() > PAIRS_MAX {
        return None;
    }
    pieces
        .into_iter()
        .map(|piece| {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            Some((decoded(name)?, decoded(value)?))
        })
        .collect()
}

/// The first value under this name.
pub(crate) fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_encoded_is_read_back(name in "[a-z]{1,8}", text in any::<String>()) {
            let body = encode(&[(&name, &text), ("z", "1")]);
            prop_assert!(body.is_ascii());
            let read = decode(body.as_bytes()).unwrap();
            prop_assert_eq!(value(&read, &name), Some(text.as_str()));
            prop_assert_eq!(read.len(), 2);
        }
    }

    #[test]
    fn a_plus_is_a_space_and_a_percent_sign_an_octet() {
        let read = decode("a=1+2%2B3&b&%D8%A8=x".as_bytes()).unwrap();
        assert_eq!(value(&read, "a"), Some("1 2+3"));
        assert_eq!(value(&read, "b"), Some(""));
        assert_eq!(value(&read, "ب"), Some("x"));
        assert_eq!(decode(b"a=%ff"), None);
    }
}
