//! Replays: what is kept is posted again, in the order of its ids, on somebody's word. New events do not wait for it.

use super::kept::put_kept;
use super::lane::{Next, Runner};
use super::records::{Ending, KeptRecord, Lane, OwnerHookRecord, ReplayRecord};
use super::{Owners, rows, rules};
use crate::clock::millis;
use crate::hooks::Posted;
use crate::ids::AccountId;
use std::sync::Arc;
use storage::record::{decode, encode};
use storage::{Batch, Error, Version};
use uuid::Uuid;

/// What is posted again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// All that happened since, in milliseconds since 1970, and is kept.
    Since(i64),
    /// One event.
    One(Uuid),
}

/// What came of asking for a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// It begins; one that was under way for the account ends.
    Begun,
    /// The account has no webhook, or one that wants to hear nothing (410).
    NoHook,
    /// No such event is kept.
    NoEvent,
}

impl Owners {
    /// Posts what is kept again; durable when this returns.
    ///
    /// # Errors
    /// The store's.
    pub async fn replay(&self, account: AccountId, replay: Replay) -> storage::Result<Replayed> {
        if self.hook(account).is_none_or(|hook| hook.gone_ms.is_some()) {
            return Ok(Replayed::NoHook);
        }
        let now_ms = self.now_ms();
        let (after, until) = match replay {
            Replay::Since(since_ms) => (rules::below(since_ms), rules::below(now_ms.saturating_add(1))),
            Replay::One(id) if self.is_kept(account, id).await? => {
                (id.as_u128().saturating_sub(1), id.as_u128())
            }
            Replay::One(_) => return Ok(Replayed::NoEvent),
        };
        let record = ReplayRecord {
            after,
            until,
            asked_ms: now_ms,
            tries: 0,
            due_ms: 0,
        };
        let mut batch = Batch::default();
        batch.put(rows::replay_row(account), encode(&record)?);
        self.store().commit(batch).await?;
        self.wake(Lane {
            account,
            register: None,
        });
        Ok(Replayed::Begun)
    }

    /// Whether a replay is under way.
    ///
    /// # Errors
    /// The store's.
    pub async fn is_replaying(&self, account: AccountId) -> storage::Result<bool> {
        Ok(self.store().get(rows::replay_row(account)).await?.is_some())
    }

    async fn is_kept(&self, account: AccountId, id: Uuid) -> storage::Result<bool> {
        for ending in Ending::ALL {
            let row = rows::kept_row(account, ending, id);
            if self.store().get(row).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The first kept event of a replay's rest, and how it had ended.
    async fn next_kept(
        &self,
        account: AccountId,
        replay: &ReplayRecord,
    ) -> storage::Result<Option<(Ending, KeptRecord)>> {
        let mut found: Option<(Ending, KeptRecord)> = None;
        for ending in Ending::ALL {
            let next = rows::kept_after(self.store(), account, ending, replay.after, 1).await?;
            let next = next.into_iter().next();
            let fits = |record: &KeptRecord| {
                record.event.id.as_u128() <= replay.until
                    && found
                        .as_ref()
                        .is_none_or(|(_, other)| record.event.id < other.event.id)
            };
            if let Some(record) = next.filter(fits) {
                found = Some((ending, record));
            }
        }
        Ok(found)
    }
}

impl Runner {
    pub(super) async fn post_again(&mut self) -> storage::Result<Next> {
        let account = self.lane.account;
        let stored = self.owners.store().get(rows::replay_row(account)).await?;
        let Some(stored) = stored else {
            return Ok(Next::Done);
        };
        let (version, record) = (stored.version, decode::<ReplayRecord>(&stored.value)?);
        let Some((hook, is_other)) = self.target() else {
            return self.end_replay(version).await;
        };
        if hook.gone_ms.is_some() {
            return Ok(Next::Done);
        }
        let Some((ending, kept)) = self.owners.next_kept(account, &record).await? else {
            tracing::info!(%account, "a replay of an owner's events is complete");
            return self.end_replay(version).await;
        };
        let settings = self.owners.settings();
        match rules::wait(settings, record.due_ms, self.owners.now_ms()) {
            Some(wait) if !is_other => return Ok(Next::Wait(wait)),
            _ => {}
        }
        self.post_kept(version, record, (ending, kept), &hook).await
    }

    async fn post_kept(
        &mut self,
        version: Version,
        mut replay: ReplayRecord,
        (ending, mut kept): (Ending, KeptRecord),
        hook: &Arc<OwnerHookRecord>,
    ) -> storage::Result<Next> {
        let account = self.lane.account;
        let posted = self.post(hook, &kept.event).await;
        let now_ms = self.owners.now_ms();
        let mut batch = Batch::default();
        match posted {
            Posted::Taken => {
                replay.after = kept.event.id.as_u128();
                (replay.tries, replay.due_ms) = (0, 0);
                self.owners.shared.needs.metrics.replayed.inc();
                if ending == Ending::GivenUp {
                    batch.delete(rows::kept_row(account, ending, kept.event.id));
                    kept.ended_ms = now_ms;
                    kept.tries = kept.tries.saturating_add(1);
                    put_kept(&mut batch, account, Ending::Delivered, &kept)?;
                }
            }
            Posted::Again {
                after_seconds,
                status,
            } => {
                let settings = self.owners.settings();
                if rules::is_too_old(settings, replay.asked_ms, now_ms) {
                    tracing::warn!(%account, status, "a replay of an owner's events is given up");
                    return self.end_replay(version).await;
                }
                replay.tries = replay.tries.saturating_add(1);
                let pause = rules::pause(settings, replay.tries, after_seconds);
                replay.due_ms = now_ms.saturating_add(millis(pause));
            }
            Posted::Gone => {
                self.gone(hook).await?;
                return Ok(Next::Done);
            }
        }
        batch.put_if(rows::replay_row(account), version, encode(&replay)?);
        match self.owners.store().commit(batch).await {
            // Another replay has taken its place, or the webhook was taken away.
            Ok(_) | Err(Error::Conflict { .. }) => Ok(Next::Again),
            Err(error) => Err(error),
        }
    }

    async fn end_replay(&self, version: Version) -> storage::Result<Next> {
        let mut batch = Batch::default();
        batch.delete_if(rows::replay_row(self.lane.account), version);
        match self.owners.store().commit(batch).await {
            Ok(_) => Ok(Next::Done),
            Err(Error::Conflict { .. }) => Ok(Next::Again),
            Err(error) => Err(error),
        }
    }
}
