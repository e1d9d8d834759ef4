//! How far the server's clock is from ours: documents whose time is far off are refused, and nobody would know why.

use chrono::{DateTime, Utc};
use http::HeaderValue;
use std::sync::atomic::{AtomicI64, Ordering};

/// Nothing was said yet.
const UNKNOWN: i64 = i64::MIN;

/// The skew in seconds, positive where the server is ahead.
#[derive(Debug)]
pub struct Skew(AtomicI64);

impl Default for Skew {
    fn default() -> Self {
        Self(AtomicI64::new(UNKNOWN))
    }
}

impl Skew {
    /// By the last answer with a `Date`; `None` before the first.
    pub fn seconds(&self) -> Option<i64> {
        let seconds = self.0.load(Ordering::Relaxed);
        (seconds != UNKNOWN).then_some(seconds)
    }

    /// Reads an answer's `Date` (RFC 9110, section 6.6.1). One that cannot be read says nothing.
    pub(super) fn note(&self, date: &HeaderValue, now: DateTime<Utc>) {
        let moment = date
            .to_str()
            .ok()
            .and_then(|text| DateTime::parse_from_rfc2822(text).ok());
        if let Some(moment) = moment {
            self.0
                .store(moment.timestamp() - now.timestamp(), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_date_counts_and_one_that_is_none_says_nothing() {
        let skew = Skew::default();
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        assert_eq!(skew.seconds(), None);
        skew.note(&HeaderValue::from_static("Tue, 14 Nov 2023 22:15:20 GMT"), now);
        assert_eq!(skew.seconds(), Some(120));
        skew.note(&HeaderValue::from_static("yesterday"), now);
        assert_eq!(skew.seconds(), Some(120));
    }
}
