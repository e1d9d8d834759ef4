//! What is counted of webhooks of owners. No account and no URL is ever a label.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry, Result};

/// Counters and gauges of webhooks of owners.
#[derive(Clone)]
pub struct OwnerMetrics {
    /// Posts, by what came of each.
    pub posts: IntCounterVec,
    /// Events that came to their end, by which.
    pub events: IntCounterVec,
    /// Events that are owed.
    pub pending: IntGauge,
    /// Events posted again because an owner asked for it.
    pub replayed: IntCounter,
}

impl OwnerMetrics {
    /// Registers everything.
    ///
    /// # Errors
    /// A name registered twice: a programmer's error that shows at the first start.
    pub fn new(registry: &Registry) -> Result<Self> {
        let made = Self {
            posts: IntCounterVec::new(
                Opts::new(
                    "countersign_owner_posts_total",
                    "Events posted to owners' webhooks, by what came of it.",
                ),
                &["outcome"],
            )?,
            events: IntCounterVec::new(
                Opts::new(
                    "countersign_owner_events_total",
                    "Events for owners' webhooks, by how they ended.",
                ),
                &["ending"],
            )?,
            pending: IntGauge::new(
                "countersign_owner_events_pending",
                "Events that are owed to owners' webhooks.",
            )?,
            replayed: IntCounter::new(
                "countersign_owner_events_replayed_total",
                "Events delivered again because somebody asked for it.",
            )?,
        };
        for outcome in ["taken", "again", "gone"] {
            made.posts.with_label_values(&[outcome]);
        }
        for ending in ["delivered", "given_up", "dropped"] {
            made.events.with_label_values(&[ending]);
        }
        registry.register(Box::new(made.posts.clone()))?;
        registry.register(Box::new(made.events.clone()))?;
        registry.register(Box::new(made.pending.clone()))?;
        registry.register(Box::new(made.replayed.clone()))?;
        Ok(made)
    }

    pub(super) fn add_pending(&self, events: u64) {
        self.pending.add(i64::try_from(events).unwrap_or(i64::MAX));
    }

    pub(super) fn end(&self, ending: &str, events: u64) {
        self.events.with_label_values(&[ending]).inc_by(events);
    }

    pub(super) fn take_pending(&self, events: u64) {
        self.pending.sub(i64::try_from(events).unwrap_or(i64::MAX));
    }
}
