//! Windows that are known to be closed, for everybody to read: a throttled call is answered without its customer's actor.
//!
//! It can never answer wrongly. A window is published as closed only after the hand-over (or its unknown outcome) is durable, until the moment at which it
//! ends by itself; whatever ends it earlier takes it away here before anybody is told of it. What is not here is judged by the
//! actor: after a restart nothing is here, and where there is no room nothing is added.

use crate::clock::{Moment, Now};
use crate::ids::CustomerId;
use crate::machines::otp::WindowKey;
use crate::maps::SharedMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Windows published at once: about 100 bytes each; beyond it calls are answered by actors, as all were without this.
const PUBLISHED_MAX: usize = 500_000;

/// The published windows.
#[derive(Default)]
pub struct ClosedWindows {
    windows: SharedMap<(CustomerId, WindowKey), Moment>,
    /// How many there are, about: the map counts by locking all of itself.
    count: AtomicUsize,
}

impl ClosedWindows {
    /// Publishes that an identical call is refused until this moment.
    pub fn close(&self, customer: CustomerId, window: WindowKey, until: Moment) {
        let place = (customer, window);
        if self.count.load(Ordering::Relaxed) >= PUBLISHED_MAX && !self.windows.contains_key(&place) {
            return;
        }
        if self.windows.insert(place, until).is_none() {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes a window away, before anybody is told that it is open.
    pub fn open(&self, customer: CustomerId, window: WindowKey) {
        if self.windows.remove(&(customer, window)).is_some() {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// What is left of a window, if it is known to be closed now.
    pub fn left(&self, customer: CustomerId, window: WindowKey, now: Now) -> Option<Duration> {
        let until = *self.windows.get(&(customer, window))?;
        u64::try_from(until.0 - now.mono.0)
            .ok()
            .filter(|left| *left > 0)
            .map(Duration::from_millis)
    }

    /// Forgets windows that have ended by themselves.
    pub fn sweep(&self, now: Now) {
        self.windows.retain(|_, until| {
            let is_closed = *until > now.mono;
            if !is_closed {
                self.count.fetch_sub(1, Ordering::Relaxed);
            }
            is_closed
        });
    }
}
