//! Windows that are known to be closed, for everybody to read: a throttled call is answered without its customer's actor.
//!
//! It can never answer wrongly. A window is published as closed only after the hand-over (or its unknown outcome) is durable, until the moment at which it
//! ends by itself; whatever ends it earlier takes it away here before anybody is told of it. What is not here is judged by the
//! actor: after a restart nothing is here, and where there is no room nothing is added.

use crate::clock::{Moment, Now};
use crate::ids::CustomerId;
use crate::machines::otp::WindowKey;
use dashmap::DashMap;
use std::time::Duration;

/// Windows published at once: about 100 bytes each; beyond it calls are answered by actors, as all were without this.
const PUBLISHED_MAX: usize = 500_000;

/// The published windows.
#[derive(Default)]
pub struct ClosedWindows(DashMap<(CustomerId, WindowKey), Moment>);

impl ClosedWindows {
    /// Publishes that an identical call is refused until this moment.
    pub fn close(&self, customer: CustomerId, window: WindowKey, until: Moment) {
        if self.0.len() < PUBLISHED_MAX || self.0.contains_key(&(customer, window)) {
            self.0.insert((customer, window), until);
        }
    }

    /// Takes a window away, before anybody is told that it is open.
    pub fn open(&self, customer: CustomerId, window: WindowKey) {
        self.0.remove(&(customer, window));
    }

    /// What is left of a window, if it is known to be closed now.
    pub fn left(&self, customer: CustomerId, window: WindowKey, now: Now) -> Option<Duration> {
        let until = *self.0.get(&(customer, window))?;
        u64::try_from(until.0 - now.mono.0)
            .ok()
            .filter(|left| *left > 0)
            .map(Duration::from_millis)
    }

    /// Forgets windows that have ended by themselves.
    pub fn sweep(&self, now: Now) {
        self.0.retain(|_, until| *until > now.mono);
    }
}
