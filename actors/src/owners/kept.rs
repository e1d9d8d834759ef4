//! What is kept of an account's events, and the bound on it: what was delivered is dropped first, then what was given up, then what is owed,
//! each the oldest first.

use super::courier::Desk;
use super::records::{Ending, KeptRecord, OwedRecord};
use super::{Owners, rows};
use crate::ids::AccountId;
use storage::record::{decode, encode};
use storage::{Batch, Error, Key, Scan, Version};

/// Rows taken away in one batch; a batch holds a thousand operations.
const DROPPED_AT_ONCE: usize = 500;
/// Where the bound is passed, this part of it goes beside what is too much.
const SLACK: u64 = 16;

impl Owners {
    /// Commits what a post came to: so many rows more are kept, so many events less are owed; then the bound is held. `false`: what was owed
    /// is not there any more, and nothing was written.
    pub(super) async fn settle(
        &self,
        account: AccountId,
        batch: Batch,
        kept_more: u64,
        owed_less: u64,
    ) -> storage::Result<bool> {
        let desk = self.desk(account);
        let mut kept = desk.kept.lock().await;
        let count = self.count(account, *kept).await?;
        match self.store().commit(batch).await {
            Ok(_) => {}
            Err(Error::Conflict { .. }) => return Ok(false),
            Err(error) => return Err(error),
        }
        self.take_owed(&desk, owed_less);
        *kept = Some(count.saturating_add(kept_more));
        self.hold_bound(account, &desk, &mut kept).await?;
        Ok(true)
    }

    /// Holds the bound where more is owed than it allows.
    pub(super) async fn trim(&self, account: AccountId) -> storage::Result<()> {
        let desk = self.desk(account);
        if desk.owed().saturating_add(desk.kept_seen()) <= self.settings().kept_max {
            return Ok(());
        }
        let mut kept = desk.kept.lock().await;
        *kept = Some(self.count(account, *kept).await?);
        self.hold_bound(account, &desk, &mut kept).await
    }

    /// Nothing is known of an account any more, and nothing is owed to it.
    pub(super) async fn forget(&self, account: AccountId) {
        let desk = self.desk(account);
        let mut kept = desk.kept.lock().await;
        *kept = None;
        desk.see_kept(0);
        self.take_owed(&desk, u64::MAX);
    }

    /// Takes away what is owed in a lane whose account has no webhook any more.
    pub(super) async fn purge_owed(&self, account: AccountId, prefix: Key) -> storage::Result<()> {
        let mut events = 0;
        rows::each(self.store(), prefix.clone(), |row| {
            let record: OwedRecord = decode(&row.stored.value)?;
            events += count_of(record.events.len());
            Ok(())
        })
        .await?;
        self.purge(prefix).await?;
        self.take_owed(&self.desk(account), events);
        Ok(())
    }

    fn take_owed(&self, desk: &Desk, events: u64) {
        let taken = desk.take_owed(events);
        self.shared.needs.metrics.take_pending(taken);
    }

    async fn count(&self, account: AccountId, known: Option<u64>) -> storage::Result<u64> {
        if let Some(known) = known {
            return Ok(known);
        }
        let mut count = 0_u64;
        rows::each(self.store(), rows::kept_prefix(account, None), |_| {
            count += 1;
            Ok(())
        })
        .await?;
        Ok(count)
    }

    /// What goes goes in one sweep with a little more, so that not every event looks for the oldest.
    async fn hold_bound(
        &self,
        account: AccountId,
        desk: &Desk,
        kept: &mut Option<u64>,
    ) -> storage::Result<()> {
        let mut count = kept.unwrap_or_default();
        let mut over = self.over(desk.owed().saturating_add(count));
        for ending in Ending::ALL {
            while over > 0 {
                let dropped = self.drop_kept(account, ending, over).await?;
                if dropped == 0 {
                    break;
                }
                over = over.saturating_sub(dropped);
                count = count.saturating_sub(dropped);
                *kept = Some(count);
            }
        }
        desk.see_kept(count);
        match self.over(desk.owed().saturating_add(count)) {
            0 => Ok(()),
            over => self.drop_owed(account, desk, over).await,
        }
    }

    /// How many of so many are to go.
    fn over(&self, total: u64) -> u64 {
        let max = self.settings().kept_max;
        match total.saturating_sub(max) {
            0 => 0,
            over => over.saturating_add(max / SLACK),
        }
    }

    async fn drop_kept(&self, account: AccountId, ending: Ending, over: u64) -> storage::Result<u64> {
        let limit = usize::try_from(over).unwrap_or(usize::MAX).min(DROPPED_AT_ONCE);
        let scan = Scan {
            limit,
            ..Scan::of(rows::kept_prefix(account, Some(ending)))
        };
        let oldest = self.store().scan(scan).await?;
        let dropped = count_of(oldest.len());
        let mut batch = Batch::default();
        oldest.into_iter().for_each(|row| batch.delete(row.key));
        if !batch.is_empty() {
            self.store().commit(batch).await?;
        }
        Ok(dropped)
    }

    /// The oldest of all registers: nobody takes anything, and the bound is the bound.
    async fn drop_owed(&self, account: AccountId, desk: &Desk, over: u64) -> storage::Result<()> {
        let mut owed = Vec::new();
        rows::each(self.store(), rows::owed_prefix(account, None), |row| {
            let record: OwedRecord = decode(&row.stored.value)?;
            owed.push(Owed {
                first: record.events.first().map_or(0, |event| event.id.as_u128()),
                events: count_of(record.events.len()),
                key: row.key,
                version: row.stored.version,
            });
            Ok(())
        })
        .await?;
        owed.sort_unstable_by_key(|row| row.first);
        let (mut dropped, mut doomed) = (0, Vec::new());
        for row in owed {
            if dropped >= over {
                break;
            }
            dropped += row.events;
            doomed.push(row);
        }
        let mut dropped = 0;
        for rows in doomed.chunks(DROPPED_AT_ONCE) {
            let taken = match self.drop_rows(rows).await? {
                Some(events) => events,
                None => self.drop_one_by_one(rows).await?,
            };
            self.take_owed(desk, taken);
            dropped += taken;
        }
        self.shared.needs.metrics.end("dropped", dropped);
        tracing::warn!(%account, dropped, "more is owed to an owner's webhook than is kept: the oldest events are dropped");
        Ok(())
    }

    /// Says how many events went; `None`: the courier was faster with one of the rows, and none went.
    async fn drop_rows(&self, rows: &[Owed]) -> storage::Result<Option<u64>> {
        let mut batch = Batch::default();
        for row in rows {
            batch.delete_if(row.key.clone(), row.version);
        }
        match self.store().commit(batch).await {
            Ok(_) => Ok(Some(rows.iter().map(|row| row.events).sum())),
            Err(Error::Conflict { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All but those that the courier has delivered meanwhile, or tried once more.
    async fn drop_one_by_one(&self, rows: &[Owed]) -> storage::Result<u64> {
        let mut dropped = 0;
        for row in rows {
            let taken = self.drop_rows(std::slice::from_ref(row)).await?;
            dropped += taken.unwrap_or_default();
        }
        Ok(dropped)
    }
}

/// A row that is owed.
struct Owed {
    /// The id of its first event, by which it is old.
    first: u128,
    events: u64,
    key: Key,
    version: Version,
}

/// Writes an event that came to its end.
pub(super) fn put_kept(
    batch: &mut Batch,
    account: AccountId,
    ending: Ending,
    record: &KeptRecord,
) -> storage::Result<()> {
    let row = rows::kept_row(account, ending, record.event.id);
    batch.put(row, encode(record)?);
    Ok(())
}

pub(super) fn count_of(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
