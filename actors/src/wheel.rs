//! The deadline wheel: wakes the actor whose machine has a deadline, also after a restart, with nobody knocking.
//!
//! Deadlines are rows (`due/<wall time>/<actor>`), written in the batch that made them. The wheel reads them once at start; from then on
//! it is told of each change. An entry it wakes too early or in vain does no harm: the machine judges by its own clock.

use crate::clock::{Clock, Moment};
use crate::ids::CustomerId;
use fiscal::RegisterNumber;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use storage::{Key, KeyReader, Scan, Store};
use tokio::sync::mpsc;

const TABLE: &str = "due";
const KIND_CUSTOMER: u8 = 1;
const KIND_REGISTER: u8 = 2;

/// Whom to wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DueKey {
    /// A customer's actor.
    Customer(CustomerId),
    /// A register's actor.
    Register(RegisterNumber),
}

impl DueKey {
    /// The row of the index for a deadline at this wall time (milliseconds since 1970).
    pub fn index_row(self, wall_ms: i64) -> Key {
        match self {
            Self::Customer(id) => Key::table(TABLE).i64(wall_ms).u8(KIND_CUSTOMER).i64(id.0).build(),
            Self::Register(number) => Key::table(TABLE)
                .i64(wall_ms)
                .u8(KIND_REGISTER)
                .u64(number.get())
                .build(),
        }
    }

    /// How long a deadline from before a restart may wait at most: without a bound a clock that was far ahead would let an owed effect
    /// wait for days. Customers' deadlines are outcomes of messages, none further away than the longest that may be set (a minute). A
    /// register that owes a signature or is in doubt does not wait for its deadline: every one with a deadline is loaded at once.
    fn wait_after_restart_max_ms(self) -> i64 {
        match self {
            Self::Customer(_) => 60_000,
            Self::Register(_) => 0,
        }
    }

    fn of_row(row: &Key) -> storage::Result<(i64, Self)> {
        let corrupt = |detail: &str| storage::Error::Corrupt {
            what: "due".to_owned(),
            detail: detail.to_owned(),
        };
        let mut reader = KeyReader::new(row, TABLE)?;
        let wall_ms = reader.i64()?;
        match reader.u8()? {
            KIND_CUSTOMER => Ok((wall_ms, Self::Customer(CustomerId(reader.i64()?)))),
            KIND_REGISTER => {
                let number =
                    RegisterNumber::new(reader.u64()?).map_err(|fault| corrupt(&fault.to_string()))?;
                Ok((wall_ms, Self::Register(number)))
            }
            kind => Err(corrupt(&format!("unknown kind {kind}"))),
        }
    }
}

/// Tells the wheel of deadlines. Cheap to clone.
#[derive(Clone)]
pub struct Wheel(mpsc::UnboundedSender<(DueKey, Option<Moment>)>);

/// The wheel's other end, before it turns.
pub struct WheelInbox(mpsc::UnboundedReceiver<(DueKey, Option<Moment>)>);

impl Wheel {
    /// A wheel that does not turn yet. Unbounded because each actor has at most one entry and says so once a step: what
    /// waits here is bounded by the steps in flight.
    pub fn new() -> (Self, WheelInbox) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), WheelInbox(receiver))
    }

    /// Sets or takes away the one deadline of `key`.
    pub fn set(&self, key: DueKey, deadline: Option<Moment>) {
        // A wheel that has stopped turning belongs to a gateway that is going down; the index on disk remembers.
        let _ = self.0.send((key, deadline));
    }

    /// Reads the index, forgets rows that a newer one of the same actor replaces, and says whom to wake when.
    pub async fn load(&self, store: &dyn Store, clock: &dyn Clock) -> storage::Result<usize> {
        let mut after = None;
        let mut loaded = 0;
        loop {
            let scan = Scan {
                prefix: Key::table(TABLE).build(),
                after,
                until: None,
                limit: storage::SCAN_MAX,
            };
            let rows = store.scan(scan).await?;
            for row in &rows {
                let (wall_ms, key) = DueKey::of_row(&row.key)?;
                let now = clock.now();
                let left = (wall_ms - now.wall.timestamp_millis()).max(0);
                let left = left.min(key.wait_after_restart_max_ms());
                let _ = self.0.send((key, Some(Moment(now.mono.0 + left))));
                loaded += 1;
            }
            if rows.len() < storage::SCAN_MAX {
                return Ok(loaded);
            }
            after = rows.into_iter().last().map(|row| row.key);
        }
    }
}

/// Turns the wheel until every [`Wheel`] is gone.
pub async fn turn(mut inbox: WheelInbox, clock: Arc<dyn Clock>, wake: impl Fn(DueKey) + Send) {
    let mut deadlines: HashMap<DueKey, Moment> = HashMap::new();
    let mut order: BTreeSet<(Moment, DueKey)> = BTreeSet::new();
    loop {
        let now = clock.now().mono;
        while let Some(first) = order.first().copied().filter(|(deadline, _)| *deadline <= now) {
            order.remove(&first);
            deadlines.remove(&first.1);
            wake(first.1);
        }
        let until_next = order
            .first()
            .map(|(deadline, _)| Duration::from_millis(u64::try_from(deadline.0 - now.0).unwrap_or(0)));
        let told = match until_next {
            None => inbox.0.recv().await,
            Some(wait) => tokio::select! {
                told = inbox.0.recv() => told,
                () = clock.sleep(wait) => continue,
            },
        };
        let Some((key, deadline)) = told else { return };
        if let Some(old) = deadlines.remove(&key) {
            order.remove(&(old, key));
        }
        if let Some(deadline) = deadline {
            deadlines.insert(key, deadline);
            order.insert((deadline, key));
        }
    }
}
