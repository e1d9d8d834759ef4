//! The id under which a request is found again in logs on both sides.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::{Builder, NoContext, Timestamp, Uuid};

/// The header that carries it, in and out.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longer ids are somebody's payload, not an id.
const LENGTH_MAX: usize = 128;

/// A request's id: the caller's `X-Request-Id` where it is 1 to 128 characters of `A-Z a-z 0-9 . _ -`, else a new
/// UUIDv7. It is among the request's extensions and on every response.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0
            .to_str()
            .expect("an id is made of visible ASCII characters only")
    }

    /// The id as the value of a header, without an allocation.
    #[must_use]
    pub fn header_value(&self) -> HeaderValue {
        self.0.clone()
    }

    /// The id of the request with these headers. Of several ids the first counts.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        match headers.get(X_REQUEST_ID) {
            Some(value) if is_valid(value.as_bytes()) => Self(value.clone()),
            _ => Self::generate(),
        }
    }

    fn generate() -> Self {
        let mut buffer = Uuid::encode_buffer();
        let text: &str = new_uuid().as_hyphenated().encode_lower(&mut buffer);
        Self(HeaderValue::from_str(text).expect("a UUID is made of hexadecimal digits and hyphens"))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// An id joins log lines and protects nothing, so its 74 random bits need no system call.
fn new_uuid() -> Uuid {
    let (seconds, nanoseconds) = Timestamp::now(NoContext).to_unix();
    let milliseconds = seconds * 1_000 + u64::from(nanoseconds) / 1_000_000;
    let mut random = [0; 10];
    random[..8].copy_from_slice(&fastrand::u64(..).to_ne_bytes());
    random[8..].copy_from_slice(&fastrand::u16(..).to_ne_bytes());
    Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid()
}

fn is_valid(id: &[u8]) -> bool {
    (1..=LENGTH_MAX).contains(&id.len())
        && id
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(id: &[u8]) -> RequestId {
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, HeaderValue::from_bytes(id).unwrap());
        RequestId::of(&headers)
    }

    #[test]
    fn a_plain_id_is_taken_as_it_is() {
        let longest = "x".repeat(128);
        for id in ["a", "A-1_b.9", longest.as_str()] {
            assert_eq!(of(id.as_bytes()).as_str(), id);
        }
    }

    #[test]
    fn anything_else_gets_a_new_uuid_of_version_seven() {
        let too_long = "x".repeat(129);
        for id in ["", "a b", "a;b", "ä", "<script>", "a/b", too_long.as_str()] {
            let uuid = Uuid::parse_str(of(id.as_bytes()).as_str()).unwrap();
            assert_eq!(uuid.get_version_num(), 7, "for {id:?}");
        }
        assert_eq!(RequestId::of(&HeaderMap::new()).as_str().len(), 36);
    }

    #[test]
    fn new_ids_differ_and_carry_the_time() {
        let ids: std::collections::HashSet<_> = (0..10_000).map(|_| new_uuid()).collect();
        assert_eq!(ids.len(), 10_000);
        let (now, _) = Timestamp::now(NoContext).to_unix();
        let (then, _) = new_uuid().get_timestamp().unwrap().to_unix();
        assert!(then.abs_diff(now) <= 1, "{then} is not {now}");
    }
}
