//! One lane: posts what is owed in it, one after the other, until nothing is.

use super::kept::{count_of, put_kept};
use super::records::{Ending, KeptRecord, Lane, OwedRecord, OwnerEvent, OwnerHookRecord};
use super::{Owners, rows, rules};
use crate::clock::millis;
use crate::hooks::{Hook, Posted, Poster};
use fiscal::RegisterNumber;
use std::sync::Arc;
use std::time::Duration;
use storage::record::encode;
use storage::{Batch, Error, Health, Key, Version};
use tokio::sync::{Semaphore, watch};

/// The pause before a store that cannot be read or written is tried again.
const STORE_PAUSE: Duration = Duration::from_secs(5);

/// How a lane goes on.
pub(super) enum Next {
    /// There may be more.
    Again,
    /// Nothing before so long, unless the webhook changes.
    Wait(Duration),
    /// Nothing is left, or nothing is wanted any more.
    Done,
}

/// The task of one lane.
pub(super) struct Runner {
    pub(super) owners: Owners,
    pub(super) lane: Lane,
    poster: Arc<dyn Poster<OwnerEvent>>,
    places: Arc<Semaphore>,
    changes: watch::Receiver<u64>,
    /// The webhook that was posted to last: another one is tried at once.
    tried: Option<Arc<OwnerHookRecord>>,
    /// After a post in vain that was an event's last: not before then is the next one posted.
    failing_until_ms: Option<i64>,
}

impl Runner {
    pub(super) fn new(
        owners: Owners,
        lane: Lane,
        poster: Arc<dyn Poster<OwnerEvent>>,
        places: Arc<Semaphore>,
    ) -> Self {
        let changes = owners.shared.changes.subscribe();
        Self {
            owners,
            lane,
            poster,
            places,
            changes,
            tried: None,
            failing_until_ms: None,
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            let next = match self.lane.register {
                // What cannot be written down would be posted again and again.
                _ if self.owners.store().health() != Health::Ready => Ok(Next::Wait(STORE_PAUSE)),
                Some(register) => self.post_owed(register).await,
                None => self.post_again().await,
            };
            let pause = match next {
                Ok(Next::Again) => continue,
                Ok(Next::Wait(pause)) => pause,
                Ok(Next::Done) | Err(Error::Closed) => return,
                Err(error) => {
                    tracing::warn!(account = %self.lane.account, %error, "an owner's events could not be read or kept; it is tried again");
                    STORE_PAUSE
                }
            };
            let sleep = self.owners.shared.needs.clock.sleep(pause);
            tokio::select! {
                () = sleep => {}
                changed = self.changes.changed() => {
                    // Its sender lives as long as the owners do, of which this task holds one.
                    changed.expect("the owners are there");
                }
            }
        }
    }

    /// The webhook, and whether it is another than the one that was posted to last.
    pub(super) fn target(&self) -> Option<(Arc<OwnerHookRecord>, bool)> {
        let hook = self.owners.hook(self.lane.account)?;
        let is_other = self
            .tried
            .as_ref()
            .is_some_and(|tried| !Arc::ptr_eq(tried, &hook));
        Some((hook, is_other))
    }

    /// Posts one event, when there is a place for it.
    pub(super) async fn post(&mut self, hook: &Arc<OwnerHookRecord>, event: &OwnerEvent) -> Posted {
        let desk = self.owners.desk(self.lane.account);
        let own = desk.places.acquire().await.expect("places are never closed");
        let common = self.places.acquire().await.expect("places are never closed");
        self.tried = Some(Arc::clone(hook));
        let target: Hook = self.owners.keys(self.lane.account, hook);
        let now = self.owners.now();
        let posted = self.poster.post(&target, event.id, event, now).await;
        drop((own, common));
        let outcome = match posted {
            Posted::Taken => "taken",
            Posted::Again { .. } => "again",
            Posted::Gone => "gone",
        };
        let metrics = &self.owners.shared.needs.metrics;
        metrics.posts.with_label_values(&[outcome]).inc();
        posted
    }

    pub(super) async fn gone(&self, hook: &Arc<OwnerHookRecord>) -> storage::Result<()> {
        tracing::warn!(account = %self.lane.account, "an owner's webhook wants to hear nothing more (410); put it again to go on");
        self.owners.set_gone(self.lane.account, hook).await
    }

    async fn post_owed(&mut self, register: RegisterNumber) -> storage::Result<Next> {
        let account = self.lane.account;
        let head = rows::head(self.owners.store(), account, register).await?;
        let Some((key, version, record)) = head else {
            return Ok(Next::Done);
        };
        let Some((hook, is_other)) = self.target() else {
            let prefix = rows::owed_prefix(account, Some(register));
            self.owners.purge_owed(account, prefix).await?;
            return Ok(Next::Done);
        };
        if hook.gone_ms.is_some() {
            return Ok(Next::Done);
        }
        if is_other {
            self.failing_until_ms = None;
        }
        let now_ms = self.owners.now_ms();
        let settings = self.owners.settings();
        let is_old = |record: &OwedRecord| {
            let first = record.left().first();
            first.is_some_and(|event| rules::is_too_old(settings, event.at_ms, now_ms))
        };
        // What is as old as what was just given up is given up with it: the receiver has only just failed.
        if self.failing_until_ms.is_some() && record.tries == 0 && is_old(&record) {
            return self.end(key, version, &record, 0, now_ms).await;
        }
        let due_ms = record.due_ms.max(self.failing_until_ms.unwrap_or(0));
        match rules::wait(settings, due_ms, now_ms) {
            Some(wait) if !is_other => return Ok(Next::Wait(wait)),
            _ => {}
        }
        self.post_record(key, version, record, &hook).await
    }

    async fn post_record(
        &mut self,
        key: Key,
        version: Version,
        mut record: OwedRecord,
        hook: &Arc<OwnerHookRecord>,
    ) -> storage::Result<Next> {
        let told_before = record.told;
        let mut last = Posted::Taken;
        while let Some(event) = record.left().first().cloned() {
            last = self.post(hook, &event).await;
            if last != Posted::Taken {
                break;
            }
            record.told = record.told.saturating_add(1);
            self.failing_until_ms = None;
        }
        let now_ms = self.owners.now_ms();
        match last {
            Posted::Taken => {
                let tries = record.tries.saturating_add(1);
                self.end(key, version, &record, tries, now_ms).await
            }
            Posted::Again {
                after_seconds,
                status,
            } => {
                // The first post of another event than before.
                let tries = if record.told > told_before {
                    0
                } else {
                    record.tries
                };
                record.tries = tries.saturating_add(1);
                record.status = status;
                self.again(key, version, record, after_seconds, now_ms).await
            }
            Posted::Gone => {
                self.gone(hook).await?;
                if record.told > told_before {
                    self.put_back(key, version, &record).await?;
                }
                Ok(Next::Done)
            }
        }
    }

    /// What was taken is delivered, what was not is given up; all of it is kept.
    async fn end(
        &self,
        key: Key,
        version: Version,
        record: &OwedRecord,
        tries: u32,
        now_ms: i64,
    ) -> storage::Result<Next> {
        let account = self.lane.account;
        let mut batch = Batch::default();
        batch.delete_if(key, version);
        let told = usize::from(record.told);
        for (index, event) in record.events.iter().enumerate() {
            let ending = if index < told {
                Ending::Delivered
            } else {
                Ending::GivenUp
            };
            let kept = KeptRecord {
                event: event.clone(),
                ended_ms: now_ms,
                tries,
                status: record.status,
            };
            put_kept(&mut batch, account, ending, &kept)?;
        }
        let (all, given_up) = (count_of(record.events.len()), count_of(record.left().len()));
        if self.owners.settle(account, batch, all, all).await? {
            let metrics = &self.owners.shared.needs.metrics;
            metrics.end(Ending::GivenUp.name(), given_up);
            metrics.end(Ending::Delivered.name(), all - given_up);
        }
        Ok(Next::Again)
    }

    async fn again(
        &mut self,
        key: Key,
        version: Version,
        mut record: OwedRecord,
        after_seconds: Option<u32>,
        now_ms: i64,
    ) -> storage::Result<Next> {
        let settings = *self.owners.settings();
        let pause = rules::pause(&settings, record.tries, after_seconds);
        let due_ms = now_ms.saturating_add(millis(pause));
        let at_ms = record.left().first().map_or(now_ms, |event| event.at_ms);
        if rules::is_too_old(&settings, at_ms, now_ms) {
            self.failing_until_ms = Some(due_ms);
            let (account, tries, status) = (self.lane.account, record.tries, record.status);
            tracing::warn!(%account, tries, status, "events for an owner's webhook are given up");
            return self.end(key, version, &record, tries, now_ms).await;
        }
        if record.tries == 1 {
            let (account, status) = (self.lane.account, record.status);
            tracing::info!(%account, status, "an owner's webhook did not take an event; it is posted again");
        }
        record.due_ms = due_ms;
        self.put_back(key, version, &record).await?;
        self.owners.trim(self.lane.account).await?;
        Ok(Next::Again)
    }

    /// Writes how far it is. Where the row was dropped meanwhile, nothing is written.
    async fn put_back(&self, key: Key, version: Version, record: &OwedRecord) -> storage::Result<()> {
        let mut batch = Batch::default();
        batch.put_if(key, version, encode(record)?);
        match self.owners.store().commit(batch).await {
            Ok(_) | Err(Error::Conflict { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
