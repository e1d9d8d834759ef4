//! What became of messages after an operator took them: receipts and answers to questions come in, partners are told.
//!
//! No actor of its own: a row per message, changed under its version. What a report settles is told to the customer's actor first and
//! written here after, so that a crash in between is mended by the report's repeat.

mod outbox;
mod questions;
mod record;
mod rows;

pub use outbox::{EventRecord, HookRecord, Outbox};
pub use questions::ask_for_ever;
pub use record::{DeliveryRecord, PartRecord, Status};
pub(crate) use rows::{NAMES, QUESTIONS, TABLE, begin};

use crate::clock::Clock;
use crate::customer::{CustomerMessage, Customers};
use crate::ids::{ChallengeId, CustomerId, InvokerCode};
use crate::machines::otp::Settlement;
use crate::metrics::Metrics;
use crate::ports::{DeliveryReport, HandOver, Named, Outcome};
use crate::registry::Registry;
use std::sync::Arc;
use std::time::Duration;
use storage::record::{decode, encode};
use storage::{Batch, Error, Key, Scan, Store, Version};
use tokio::sync::oneshot;
use uuid::Uuid;

/// How long a partner may ask what became of a message: a week, as long as anybody remembers a code that did not come.
pub const KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Rounds of changing a row that others change too: reports on the parts of one message come together.
const ROUNDS_MAX: usize = 8;
/// Pauses of somebody whose report was faster than the outcome's commit, in milliseconds; together longer than any commit takes.
const PAUSES_MS: [u64; 5] = [20, 60, 200, 600, 1_200];
/// Rows taken away at one look.
const SWEEP_MAX: usize = 200;

/// What came of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Something is known that was not.
    Changed,
    /// Nothing new.
    Unchanged,
    /// No message of ours has this name.
    Unmatched,
}

/// Deliveries; cheap to clone.
#[derive(Clone)]
pub struct Deliveries {
    /// Where they are kept.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Who is told what a report settles.
    pub customers: Arc<Registry<Customers>>,
    /// Who tells partners.
    pub outbox: Outbox,
    /// Counters.
    pub metrics: Metrics,
}

impl Deliveries {
    /// What became of a partner's message; `None` where the partner has none of this challenge.
    ///
    /// # Errors
    /// The store's.
    pub async fn status(
        &self,
        partner: InvokerCode,
        challenge: ChallengeId,
    ) -> storage::Result<Option<DeliveryRecord>> {
        let found = self.load(challenge).await?;
        Ok(found
            .map(|(record, _)| record)
            .filter(|record| record.partner == partner))
    }

    /// Takes an operator's report in; durable, the window settled, the partner's news queued when this returns. One that is faster than the commit
    /// of its message waits for it.
    ///
    /// # Errors
    /// The store's; the report is to be sent again.
    pub async fn take(&self, operator: &str, report: &DeliveryReport) -> storage::Result<Taken> {
        let mut taken = self.take_once(operator, report).await?;
        for pause_ms in PAUSES_MS {
            if taken != Taken::Unmatched {
                break;
            }
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            taken = self.take_once(operator, report).await?;
        }
        let label = match taken {
            Taken::Changed => "changed",
            Taken::Unchanged => "unchanged",
            Taken::Unmatched => "unmatched",
        };
        self.metrics.receipts.with_label_values(&[operator, label]).inc();
        Ok(taken)
    }

    async fn take_once(&self, operator: &str, report: &DeliveryReport) -> storage::Result<Taken> {
        let (challenge, part) = match &report.named {
            Named::Ours(challenge) => (*challenge, None),
            Named::Theirs(id) => match self.named(operator, id).await? {
                Some(challenge) => (challenge, Some(id.as_str())),
                None => return Ok(Taken::Unmatched),
            },
        };
        self.change(challenge, |record, now_ms| {
            record.take(part, report.fate, &report.code, now_ms)
        })
        .await
    }

    /// An operator's word on a message that nobody waited for any more, or the answer to a question about it.
    ///
    /// # Errors
    /// The store's.
    pub async fn late(&self, challenge: ChallengeId, outcome: &Outcome) -> storage::Result<Taken> {
        match outcome {
            Outcome::Accepted(handed) => {
                self.change(challenge, |record, now_ms| record.late(handed, now_ms))
                    .await
            }
            Outcome::Refused { code, .. } => {
                let fate = crate::ports::DeliveryFate::Failed;
                self.change(challenge, |record, now_ms| match record.status {
                    Status::Unknown => record.take(None, fate, code, now_ms),
                    _ => None, // another way took it
                })
                .await
            }
            Outcome::Unknown => Ok(Taken::Unchanged),
        }
    }

    async fn named(&self, operator: &str, id: &str) -> storage::Result<Option<ChallengeId>> {
        if id.len() > record::ID_CHARACTERS_MAX {
            return Ok(None);
        }
        let stored = self.store.get(rows::name_row(operator, id)).await?;
        let challenge = stored.and_then(|stored| Uuid::from_slice(&stored.value).ok());
        Ok(challenge.map(ChallengeId))
    }

    async fn load(&self, challenge: ChallengeId) -> storage::Result<Option<(DeliveryRecord, Version)>> {
        let Some(stored) = self.store.get(rows::row(challenge)).await? else {
            return Ok(None);
        };
        Ok(Some((decode(&stored.value)?, stored.version)))
    }

    /// Changes a row under its version, and whoever it settles before.
    async fn change(
        &self,
        challenge: ChallengeId,
        change: impl Fn(&mut DeliveryRecord, i64) -> Option<Settlement>,
    ) -> storage::Result<Taken> {
        for round in 1.. {
            let Some((before, version)) = self.load(challenge).await? else {
                return Ok(Taken::Unmatched);
            };
            let (mut after, now) = (before.clone(), self.clock.now());
            let settled = change(&mut after, now.wall.timestamp_millis());
            if after == before {
                return Ok(Taken::Unchanged);
            }
            if let Some(settlement) = settled {
                self.settle(before.customer, challenge, settlement).await?;
            }
            let mut batch = Batch::default();
            batch.put_if(rows::row(challenge), version, encode(&after)?);
            if before.parts != after.parts && before.parts.is_empty() {
                rows::put_names(&mut batch, challenge, &after);
            }
            if after.status != before.status {
                self.outbox.add(&mut batch, challenge, &after, now).await?;
            }
            match self.store.commit(batch).await {
                Ok(_) => {
                    self.outbox.wake();
                    return Ok(Taken::Changed);
                }
                Err(Error::Conflict { .. }) if round < ROUNDS_MAX => {}
                Err(error) => return Err(error),
            }
        }
        unreachable!("the last round returns")
    }

    /// Tells the customer's actor, and waits until it is durable.
    async fn settle(
        &self,
        customer: CustomerId,
        challenge: ChallengeId,
        settlement: Settlement,
    ) -> storage::Result<()> {
        let (reply, settled) = oneshot::channel();
        self.customers.tell(
            customer,
            CustomerMessage::Outcome {
                challenge,
                settlement,
                handed: None::<HandOver>,
                reply: Some(reply.into()),
            },
        );
        // An actor that ends without a word could not commit.
        settled.await.map_err(|_| Error::Closed)
    }
}

/// Takes away deliveries whose time is over, with their names; says how many.
///
/// # Errors
/// The store's.
pub async fn sweep(store: &dyn Store, now_ms: i64) -> storage::Result<usize> {
    let kept_ms = crate::clock::millis(KEPT_FOR);
    let oldest = store
        .scan(Scan {
            prefix: Key::table(TABLE).build(),
            after: None,
            until: None,
            limit: SWEEP_MAX,
        })
        .await?;
    let mut batch = Batch::default();
    let mut swept = 0;
    for row in oldest {
        let record: DeliveryRecord = decode(&row.stored.value)?;
        if record.sent_ms.saturating_add(kept_ms) > now_ms {
            break;
        }
        // A batch has room for a thousand operations.
        if batch.len() + record.parts.len() + 1 > storage::BATCH_OPERATIONS_MAX {
            break;
        }
        for part in &record.parts {
            batch.delete(rows::name_row(&record.operator, &part.id));
        }
        batch.delete_if(row.key, row.stored.version);
        swept += 1;
    }
    if !batch.is_empty() {
        match store.commit(batch).await {
            // Somebody was faster; the next look sees it.
            Ok(_) | Err(Error::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(swept)
}
