//! How often a password may be tried: a bucket of tokens for each account and each address.

use actors::clock::{Clock, Moment};
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Accounts and addresses that are remembered at once: about a megabyte. Above it the ones that have been quiet longest are forgotten.
const REMEMBERED_MAX: usize = 10_000;

/// Counts tries.
pub struct Attempts {
    clock: Arc<dyn Clock>,
    /// At once, and again each period.
    most: u32,
    period: Duration,
    emails: Mutex<HashMap<String, Bucket>>,
    addresses: Mutex<HashMap<IpAddr, Bucket>>,
}

/// What is left since a moment.
#[derive(Clone, Copy)]
struct Bucket {
    left: f64,
    at: Moment,
}

impl Attempts {
    /// At most `most` tries a period for one account, and ten times as many from one address, behind which many cash desks may stand.
    pub fn new(clock: Arc<dyn Clock>, most: u32, period: Duration) -> Self {
        Self {
            clock,
            most,
            period,
            emails: Mutex::default(),
            addresses: Mutex::default(),
        }
    }

    /// Takes one try.
    ///
    /// # Errors
    /// There is none left; in so many seconds there will be.
    pub fn take(&self, email: &str, address: IpAddr) -> Result<(), u32> {
        let most = f64::from(self.most);
        self.from(&self.addresses, address, most * 10.0)?;
        self.from(&self.emails, email.trim().to_lowercase(), most)
    }

    fn from<K: Eq + Hash>(&self, buckets: &Mutex<HashMap<K, Bucket>>, key: K, most: f64) -> Result<(), u32> {
        let now = self.clock.now().mono;
        let per_ms = most / (self.period.as_secs_f64() * 1_000.0);
        #[allow(clippy::cast_precision_loss)] // milliseconds of one process
        let filled = |bucket: Bucket| (bucket.left + (now.0 - bucket.at.0) as f64 * per_ms).min(most);
        let mut buckets = buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= REMEMBERED_MAX && !buckets.contains_key(&key) {
            buckets.retain(|_, bucket| filled(*bucket) < most);
            if buckets.len() >= REMEMBERED_MAX {
                // Somebody tries ten thousand names: for a while nobody may try a new one.
                return Err(seconds((1.0 / per_ms) / 1_000.0));
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket { left: most, at: now });
        let left = filled(*bucket);
        if left < 1.0 {
            return Err(seconds((1.0 - left) / per_ms / 1_000.0));
        }
        *bucket = Bucket {
            left: left - 1.0,
            at: now,
        };
        Ok(())
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a wait of at most a period
fn seconds(seconds: f64) -> u32 {
    seconds.ceil().clamp(1.0, 86_400.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use actors::testing::ManualClock;

    #[test]
    fn a_password_is_tried_so_often_and_then_again_later() {
        let clock = Arc::new(ManualClock::default());
        let dynamic: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let attempts = Attempts::new(dynamic, 3, Duration::from_secs(60));
        let address = |last| IpAddr::from([10, 0, 0, last]);
        for _ in 0..3 {
            assert_eq!(attempts.take("Shop@example.com", address(1)), Ok(()));
        }
        assert_eq!(attempts.take("shop@EXAMPLE.com ", address(2)), Err(20));
        assert_eq!(
            attempts.take("other@example.com", address(1)),
            Ok(()),
            "another account"
        );
        clock.advance(Duration::from_secs(20));
        assert_eq!(attempts.take("shop@example.com", address(1)), Ok(()));
        assert_eq!(attempts.take("shop@example.com", address(1)), Err(20));
    }

    #[test]
    fn one_address_may_not_try_every_account() {
        let attempts = Attempts::new(Arc::new(ManualClock::default()), 3, Duration::from_secs(60));
        let address = IpAddr::from([10, 0, 0, 1]);
        let taken = (0..100).filter(|name| attempts.take(&format!("{name}@example.com"), address).is_ok());
        assert_eq!(taken.count(), 30);
    }
}
