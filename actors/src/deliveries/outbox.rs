//! News for partners that want to be told: a row until it is taken, posted again and again with growing pauses (Standard Webhooks 1.0.0).

use super::{DeliveryRecord, Status};
use crate::clock::{Clock, Now};
use crate::hooks::{Hook, Posted, Poster, derive_key};
use crate::ids::{ChallengeId, InvokerCode};
use crate::metrics::Metrics;
use crate::random::{Randomness, draw_uuid};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use storage::record::{Record, decode, encode};
use storage::{Batch, Key, KeyReader, Scan, Store};
use tokio::sync::Notify;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Where partners want to be told, by partner.
const HOOKS: &str = "partner-hook";
/// News, by the wall time at which they are to be posted.
const NEWS: &str = "partner-news";
/// Pauses before each repeat, in seconds: ten posts in three days (Standard Webhooks, "Deliverability").
const PAUSES_SECONDS: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// News posted at once: partners' servers are small, and ours has other work.
const AT_ONCE: usize = 16;
/// How often news that are due are looked for where nobody wakes us.
const LOOK: Duration = Duration::from_secs(5);

/// A partner's wish to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookRecord {
    /// Where to.
    pub url: String,
    /// What the key is derived from, beside the server's own: random, so that a new wish has a new key.
    pub salt: [u8; 16],
    /// When it was put, in milliseconds since 1970.
    pub put_ms: i64,
}

impl Record for HookRecord {
    const NAME: &'static str = "partner's hook";
    const VERSION: u8 = 1;
}

/// One piece of news: a message's status has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRecord {
    /// For whom.
    pub partner: InvokerCode,
    /// Whose message.
    pub challenge: ChallengeId,
    /// What has become of it.
    pub status: Status,
    /// The operator's code for that.
    pub code: Option<String>,
    /// Who has it; empty while nobody knows.
    pub operator: String,
    /// How many parts it has; 0 while nobody knows.
    pub parts: u32,
    /// When it changed, in milliseconds since 1970.
    pub changed_ms: i64,
    /// Posts so far.
    pub posts: u8,
}

impl Record for EventRecord {
    const NAME: &'static str = "partner's news";
    const VERSION: u8 = 1;
}

/// News for partners; cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    /// The server's key that partners' keys are derived from.
    key: Arc<Zeroizing<Vec<u8>>>,
    metrics: Metrics,
    woken: Arc<Notify>,
}

fn hook_row(partner: InvokerCode) -> Key {
    Key::table(HOOKS).raw(partner.0.as_bytes()).build()
}

fn news_row(due_ms: i64, id: Uuid) -> Key {
    Key::table(NEWS).i64(due_ms).raw(id.as_bytes()).build()
}

impl Outbox {
    /// An outbox over this store; `key` is the server's own, of at least 32 bytes.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
        key: Zeroizing<Vec<u8>>,
        metrics: Metrics,
    ) -> Self {
        Self {
            store,
            clock,
            randomness,
            key: Arc::new(key),
            metrics,
            woken: Arc::default(),
        }
    }

    /// What a partner has wished; `None` where nothing.
    ///
    /// # Errors
    /// The store's.
    pub async fn hook(&self, partner: InvokerCode) -> storage::Result<Option<HookRecord>> {
        let stored = self.store.get(hook_row(partner)).await?;
        stored.map(|stored| decode(&stored.value)).transpose()
    }

    /// The key that a partner checks our signatures with.
    pub fn key_of(&self, partner: InvokerCode, hook: &HookRecord) -> Zeroizing<Vec<u8>> {
        derive_key(&self.key, "countersign/partner-hook/v1", partner.0, &hook.salt)
    }

    /// Puts a partner's wish, with a new key; `None` takes it away.
    ///
    /// # Errors
    /// The store's, or a generator that fails.
    pub async fn put_hook(
        &self,
        partner: InvokerCode,
        url: Option<String>,
    ) -> storage::Result<Option<HookRecord>> {
        let mut batch = Batch::default();
        let record = match url {
            Some(url) => {
                let mut salt = [0; 16];
                let broken = |_| storage::Error::Corrupt {
                    what: "random generator".to_owned(),
                    detail: "it failed".to_owned(),
                };
                self.randomness.fill(&mut salt).map_err(broken)?;
                let put_ms = self.clock.now().wall.timestamp_millis();
                Some(HookRecord { url, salt, put_ms })
            }
            None => None,
        };
        match &record {
            Some(record) => batch.put(hook_row(partner), encode(record)?),
            None => batch.delete(hook_row(partner)),
        }
        self.store.commit(batch).await?;
        Ok(record)
    }

    /// Adds news of a delivery to a batch, if its partner wishes to be told.
    pub(super) async fn add(
        &self,
        batch: &mut Batch,
        challenge: ChallengeId,
        record: &DeliveryRecord,
        now: Now,
    ) -> storage::Result<()> {
        if self.hook(record.partner).await?.is_none() {
            return Ok(());
        }
        let event = EventRecord {
            partner: record.partner,
            challenge,
            status: record.status,
            code: record.code.clone(),
            operator: record.operator.clone(),
            parts: record.part_count,
            changed_ms: record.changed_ms,
            posts: 0,
        };
        // A generator that fails costs the news and not the report.
        if let Ok(id) = draw_uuid(self.randomness.as_ref(), now) {
            batch.put(news_row(now.wall.timestamp_millis(), id), encode(&event)?);
        }
        Ok(())
    }

    /// There may be news.
    pub(super) fn wake(&self) {
        self.woken.notify_one();
    }

    /// Posts for ever.
    pub async fn run(self, poster: Arc<dyn Poster<EventRecord>>) {
        loop {
            tokio::select! {
                () = self.clock.sleep(LOOK) => {}
                () = self.woken.notified() => {}
            }
            loop {
                match self.turn(poster.as_ref()).await {
                    Ok(AT_ONCE) => {}
                    Ok(_) => break,
                    Err(storage::Error::Closed) => return,
                    Err(error) => {
                        tracing::warn!(%error, "news for partners could not be read or kept; the next look tries again");
                        break;
                    }
                }
            }
        }
    }

    /// Posts what is due; says how much that was.
    async fn turn(&self, poster: &dyn Poster<EventRecord>) -> storage::Result<usize> {
        let now = self.clock.now();
        let due = self
            .store
            .scan(Scan {
                prefix: Key::table(NEWS).build(),
                after: None,
                until: Some(
                    Key::table(NEWS)
                        .i64(now.wall.timestamp_millis().saturating_add(1))
                        .build(),
                ),
                limit: AT_ONCE,
            })
            .await?;
        let count = due.len();
        let mut posts = Vec::with_capacity(count);
        for row in due {
            let mut reader = KeyReader::new(&row.key, NEWS)?;
            let _due_ms = reader.i64()?;
            let id = Uuid::from_bytes(reader.raw::<16>()?);
            let event: EventRecord = decode(&row.stored.value)?;
            posts.push(self.post(poster, row.key, id, event, now));
        }
        for posted in join_all(posts).await {
            posted?;
        }
        Ok(count)
    }

    async fn post(
        &self,
        poster: &dyn Poster<EventRecord>,
        key: Key,
        id: Uuid,
        event: EventRecord,
        now: Now,
    ) -> storage::Result<()> {
        let mut batch = Batch::default();
        batch.delete(key);
        let posted = match self.hook(event.partner).await? {
            None => Posted::Gone, // the wish was taken back
            Some(hook) => {
                let key = self.key_of(event.partner, &hook);
                let hook = Hook {
                    url: hook.url,
                    key,
                    former_key: None,
                };
                poster.post(&hook, id, &event, now).await
            }
        };
        let (partner, posts) = (event.partner, event.posts.saturating_add(1));
        let pause = PAUSES_SECONDS.get(usize::from(event.posts));
        let label = match (posted, pause) {
            (Posted::Taken, _) => "taken",
            (Posted::Gone, _) => {
                tracing::info!(%partner, "a partner wants no more news");
                batch.delete(hook_row(partner));
                "gone"
            }
            (Posted::Again { .. }, None) => {
                tracing::warn!(%partner, posts, "news for a partner are given up");
                "given_up"
            }
            (Posted::Again { after_seconds, .. }, Some(pause)) => {
                let pause = after_seconds.map_or(*pause, |wanted| i64::from(wanted).clamp(*pause, 86_400));
                let due_ms = now.wall.timestamp_millis().saturating_add(pause * 1_000);
                batch.put(news_row(due_ms, id), encode(&EventRecord { posts, ..event })?);
                "again"
            }
        };
        self.metrics.partner_posts.with_label_values(&[label]).inc();
        self.store.commit(batch).await?;
        Ok(())
    }
}
