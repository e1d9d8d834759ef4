//! Webhooks of owners: an account hears what its registers do (Standard Webhooks 1.0.0).
//!
//! A register owes an event in the very batch that makes it true, so that no kill loses one. A courier posts what is owed, in order for each
//! register, again and again with growing pauses; what was taken or given up is kept for replays, up to a bound. Nothing in a register's
//! path waits for any of this: what it asks is in memory, what it writes is one more row of its own batch.

mod courier;
mod hooks;
mod kept;
mod lane;
mod list;
mod metrics;
mod records;
mod replay;
mod rows;
mod rules;

pub use hooks::Put;
pub use list::{Listed, Place, Wanted};
pub use metrics::OwnerMetrics;
pub use records::{Ending, FormerKey, KeptRecord, OwedRecord, OwnerEvent, OwnerHookRecord, ReplayRecord};
pub use replay::{Replay, Replayed};

use crate::clock::{Clock, Now};
use crate::durable::Step;
use crate::ids::AccountId;
use crate::machines::register::{News, RegisterBook, news};
use crate::random::{Randomness, draw_uuid};
use courier::Desk;
use fiscal::RegisterNumber;
use records::Lane;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use storage::record::{decode, encode};
use storage::{Batch, Key, Store};
use tokio::sync::{Notify, watch};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Who is told what registers do.
pub trait Listener: Send + Sync + 'static {
    /// The account that is to be told of this register; none where nobody wants to be. Answered from memory.
    fn listener(&self, register: RegisterNumber) -> Option<AccountId>;
    /// So many events of the register are owed to the account, and durable.
    fn owed(&self, account: AccountId, register: RegisterNumber, events: usize);
}

/// Nobody wants to be told anything.
pub struct Nobody;

impl Listener for Nobody {
    fn listener(&self, _: RegisterNumber) -> Option<AccountId> {
        None
    }

    fn owed(&self, _: AccountId, _: RegisterNumber, _: usize) {}
}

/// What may be set; the reasons are in the configuration's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The pause after the first post in vain; each next is twice as long...
    pub first_pause: Duration,
    /// ...up to this.
    pub pause_max: Duration,
    /// How old an event may become before a post in vain is its last.
    pub give_up_after: Duration,
    /// How many events of one account are kept, owed ones among them.
    pub kept_max: u64,
}

/// Whose a register is.
pub type OwnerOf = Arc<dyn Fn(RegisterNumber) -> Option<AccountId> + Send + Sync>;

/// What webhooks of owners need of the gateway.
pub struct Needs {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub randomness: Arc<dyn Randomness>,
    /// The server's key that receivers' keys are derived from; at least 32 bytes.
    pub key: Zeroizing<Vec<u8>>,
    /// Whose a register is.
    pub owner_of: OwnerOf,
    /// Limits.
    pub settings: Settings,
    /// Counters.
    pub metrics: OwnerMetrics,
}

/// Webhooks of owners; cheap to clone.
#[derive(Clone)]
pub struct Owners {
    shared: Arc<Shared>,
}

struct Shared {
    needs: Needs,
    /// All webhooks, as they are in the store.
    hooks: RwLock<HashMap<AccountId, Arc<OwnerHookRecord>>>,
    /// One change of webhooks at a time, so that memory and store change in one order.
    changing: tokio::sync::Mutex<()>,
    /// Told whenever a webhook changes: who waits for a receiver looks whether it is another now.
    changes: watch::Sender<u64>,
    /// What is counted of each account that has a webhook.
    desks: Mutex<HashMap<AccountId, Arc<Desk>>>,
    /// What there may be to post, for the courier...
    woken: Mutex<BTreeSet<Lane>>,
    /// ...who is told so here.
    notify: Notify,
}

impl Owners {
    /// Reads all webhooks, counts what is owed, and wakes what is to go on.
    ///
    /// # Errors
    /// The store's.
    pub async fn open(needs: Needs) -> storage::Result<Self> {
        let store = Arc::clone(&needs.store);
        let mut hooks = HashMap::new();
        rows::each(store.as_ref(), Key::table(rows::HOOKS).build(), |row| {
            let account = rows::account_of(&row.key, rows::HOOKS)?;
            hooks.insert(account, Arc::new(decode(&row.stored.value)?));
            Ok(())
        })
        .await?;
        let owners = Self {
            shared: Arc::new(Shared {
                needs,
                hooks: RwLock::new(hooks),
                changing: tokio::sync::Mutex::default(),
                changes: watch::Sender::new(0),
                desks: Mutex::default(),
                woken: Mutex::default(),
                notify: Notify::new(),
            }),
        };
        rows::each(store.as_ref(), Key::table(rows::OWED).build(), |row| {
            let lane = rows::lane_of(&row.key)?;
            let record: OwedRecord = decode(&row.stored.value)?;
            owners.add_owed(lane.account, record.events.len());
            owners.wake(lane);
            Ok(())
        })
        .await?;
        rows::each(store.as_ref(), Key::table(rows::REPLAYS).build(), |row| {
            let account = rows::account_of(&row.key, rows::REPLAYS)?;
            owners.wake(Lane {
                account,
                register: None,
            });
            Ok(())
        })
        .await?;
        Ok(owners)
    }

    fn settings(&self) -> &Settings {
        &self.shared.needs.settings
    }

    fn store(&self) -> &dyn Store {
        self.shared.needs.store.as_ref()
    }

    fn now(&self) -> Now {
        self.shared.needs.clock.now()
    }

    fn now_ms(&self) -> i64 {
        self.now().wall.timestamp_millis()
    }

    /// The webhook of an account.
    pub fn hook(&self, account: AccountId) -> Option<Arc<OwnerHookRecord>> {
        let hooks = self.shared.hooks.read();
        hooks
            .unwrap_or_else(PoisonError::into_inner)
            .get(&account)
            .cloned()
    }

    fn desk(&self, account: AccountId) -> Arc<Desk> {
        Arc::clone(lock(&self.shared.desks).entry(account).or_default())
    }

    fn add_owed(&self, account: AccountId, events: usize) {
        let events = u64::try_from(events).unwrap_or(u64::MAX);
        self.desk(account).add_owed(events);
        self.shared.needs.metrics.add_pending(events);
    }

    fn wake(&self, lane: Lane) {
        lock(&self.shared.woken).insert(lane);
        self.shared.notify.notify_one();
    }
}

impl Listener for Owners {
    fn listener(&self, register: RegisterNumber) -> Option<AccountId> {
        let account = (self.shared.needs.owner_of)(register)?;
        self.hook(account)
            .filter(|hook| hook.gone_ms.is_none())
            .map(|_| account)
    }

    fn owed(&self, account: AccountId, register: RegisterNumber, events: usize) {
        self.add_owed(account, events);
        self.wake(Lane {
            account,
            register: Some(register),
        });
    }
}

/// What one register remembers of what it told, while it is in memory.
#[derive(Default)]
pub struct Teller {
    /// The id of the last event.
    last: Uuid,
    /// That the agent is away was told, and it did not sign since.
    is_agent_away: bool,
}

impl Teller {
    /// The agent has signed something.
    pub fn agent_signed(&mut self) {
        self.is_agent_away = false;
    }

    /// Adds what a step owes an account to the step's own batch: one row, or none where nothing is news. Says how many events that is.
    ///
    /// # Errors
    /// The generator of random numbers failed ([`storage::Error::Corrupt`]), or what is to be written does not fit its row.
    pub fn owe(
        &mut self,
        account: AccountId,
        step: &Step<'_, RegisterBook>,
        randomness: &dyn Randomness,
        now: Now,
        batch: &mut Batch,
    ) -> storage::Result<usize> {
        let mut told = news(step.before, step.decision, now);
        told.retain(|news| !(self.is_agent_away && matches!(news, News::AgentAway { .. })));
        // No decision has more: one document, one shift, one session, one limit.
        told.truncate(usize::try_from(rules::EVENTS_MAX).unwrap_or(usize::MAX));
        if told.is_empty() {
            return Ok(0);
        }
        self.is_agent_away |= told.iter().any(|news| matches!(news, News::AgentAway { .. }));
        let drawn = draw_uuid(randomness, now).map_err(|fault| storage::Error::Corrupt {
            what: "random generator".to_owned(),
            detail: fault.to_string(),
        })?;
        let ids = rules::ids(drawn, self.last, told.len());
        self.last = ids.last().copied().unwrap_or(self.last);
        let register = step.before.number();
        let events = ids.into_iter().zip(told).map(|(id, news)| OwnerEvent {
            id,
            register,
            at_ms: now.wall.timestamp_millis(),
            news,
        });
        let record = OwedRecord {
            events: events.collect(),
            told: 0,
            tries: 0,
            status: None,
            due_ms: 0,
        };
        let row = rows::owed_row(account, register, step.ordinal);
        batch.put(row, encode(&record)?);
        Ok(record.events.len())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
