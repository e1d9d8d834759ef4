//! Taking requests, and bringing their outcomes back.

use super::Link;
use crate::lock::lock;
use crate::signing::{NotTaken, Pending};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use signing_protocol::{
    DEADLINE_SECONDS_MAX, Delivery, DeliveryAnswer, DeliveryStatus, Outcome, RefusalReason, RequestId,
    SignedRequest, routes,
};
use std::sync::Arc;

/// Why a pushed request is not taken.
#[derive(Debug)]
pub enum PushRefusal {
    /// The gateway did not sign it for this agent.
    NotAuthentic(String),
    /// Too much waits, or nothing can be signed now.
    Busy(String),
}

impl Link {
    /// Takes a request that a poll brought. What cannot be taken is answered too, so that nobody waits for it.
    pub(super) fn take_pulled(self: &Arc<Self>, signed: SignedRequest) {
        let (id, deadline) = (signed.request.id, signed.request.deadline);
        let refusal = match self.parts.desk.take(signed) {
            Ok(taken) => return self.deliver_when_done(id, deadline, taken.pending),
            Err(error) => {
                tracing::warn!(request = %id, %error, "a request was not taken");
                let reason = match error {
                    NotTaken::Unlicensed(_) => RefusalReason::Licence,
                    NotTaken::NotAuthentic(_) => RefusalReason::NotAuthentic,
                    NotTaken::Busy => RefusalReason::Busy,
                };
                Outcome::Refused {
                    reason,
                    message: error.to_string(),
                }
            }
        };
        let refused = futures_util::future::ready(refusal).boxed().shared();
        self.deliver_when_done(id, deadline, refused);
    }

    /// Takes a request that was pushed; its outcome is delivered.
    ///
    /// # Errors
    /// [`PushRefusal`].
    pub fn take_pushed(self: &Arc<Self>, signed: SignedRequest) -> Result<DeliveryStatus, PushRefusal> {
        let (id, deadline) = (signed.request.id, signed.request.deadline);
        if self.undelivered() >= self.parts.settings.queue_max {
            return Err(PushRefusal::Busy(NotTaken::Busy.to_string()));
        }
        let taken = self.parts.desk.take(signed).map_err(|error| match error {
            NotTaken::NotAuthentic(fault) => PushRefusal::NotAuthentic(fault.to_string()),
            busy => PushRefusal::Busy(busy.to_string()),
        })?;
        self.deliver_when_done(id, deadline, taken.pending);
        Ok(if taken.is_repeat {
            DeliveryStatus::Repeated
        } else {
            DeliveryStatus::Accepted
        })
    }

    /// Delivers again what was signed before the restart and may not have arrived.
    pub fn deliver_owed(self: &Arc<Self>) {
        let owed = self.parts.recorder.fresh(self.parts.clock.now());
        if !owed.is_empty() {
            tracing::info!(
                count = owed.len(),
                "signatures from before the restart are delivered again"
            );
        }
        for (id, remembered) in owed {
            let deadline = remembered.deadline;
            self.deliver_when_done(id, deadline, self.parts.desk.outcome_of(remembered));
        }
    }

    /// Brings an outcome to the gateway once it is there; one delivery at a time for each request.
    fn deliver_when_done(self: &Arc<Self>, id: RequestId, deadline: DateTime<Utc>, pending: Pending) {
        if !lock(&self.undelivered).insert(id) {
            return;
        }
        // Not longer than any deadline may be away: this one may be of a request that is nobody's.
        let longest = self.parts.clock.now() + TimeDelta::seconds(DEADLINE_SECONDS_MAX);
        let deadline = deadline.min(longest);
        let link = Arc::clone(self);
        self.tasks.spawn(async move {
            let _done = Delivered(Arc::clone(&link), id);
            let delivered = async {
                let outcome = pending.await;
                if matches!(outcome, Outcome::Activated { .. } | Outcome::Loaded { .. }) {
                    link.keys_changed();
                }
                link.deliver(Delivery { id, outcome }, deadline).await;
            };
            tokio::select! {
                () = delivered => {}
                () = link.cut.cancelled() => {}
            }
        });
    }

    async fn deliver(&self, delivery: Delivery, deadline: DateTime<Utc>) {
        let id = delivery.id;
        let path = format!("{}/{id}", routes::SIGNATURE_REQUESTS);
        let count = |outcome: &str| self.parts.metrics.deliveries.with_label_values(&[outcome]).inc();
        let mut backoff = self.backoff();
        loop {
            let place = self
                .deliveries
                .acquire()
                .await
                .expect("the semaphore is never closed");
            let called: Result<DeliveryAnswer, _> = self.post(&path, &delivery).await;
            drop(place);
            match called {
                Ok(_) => return count("accepted"),
                Err(error) if error.is_final() => {
                    tracing::warn!(request = %id, %error, "the gateway does not want an outcome");
                    return count("refused");
                }
                Err(error) if self.parts.clock.now() > deadline => {
                    tracing::warn!(request = %id, %error, "an outcome was not delivered before its deadline");
                    return count("given_up");
                }
                Err(_) if self.closing.is_cancelled() => return count("left"),
                Err(_) => self.pause(&mut backoff).await,
            }
        }
    }
}

struct Delivered(Arc<Link>, RequestId);

impl Drop for Delivered {
    fn drop(&mut self) {
        lock(&self.0.undelivered).remove(&self.1);
        self.0.delivered.notify_waiters();
    }
}
