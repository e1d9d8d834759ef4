//! The deadline wheel: wakes the actor whose machine has a deadline, also after a restart, with nobody knocking.
//!
//! Deadlines are rows (`due/<wall time>/<actor>`), written in the batch that made them. The wheel reads them once at start; from then on
//! it is told of each change. An entry it wakes too early or in vain does no harm: the machine judges by its own clock.

use crate::clock::{Clock, Moment};
use crate::ids::CustomerId;
use fiscal::RegisterNumber;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use storage::{Key, KeyReader, Scan, Store};
use tokio::sync::Notify;

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
pub struct Wheel(Arc<Teller>);

/// The wheel's other end, before it turns.
pub struct WheelInbox(Arc<Desk>);

/// What all clones of a wheel share; when the last goes, the wheel stops.
struct Teller(Arc<Desk>);

impl Drop for Teller {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.changed.notify_one();
    }
}

#[derive(Default)]
struct Desk {
    entries: Mutex<Entries>,
    changed: Notify,
}

/// At most one entry an actor.
#[derive(Default)]
struct Entries {
    deadlines: HashMap<DueKey, Moment>,
    order: BTreeSet<(Moment, DueKey)>,
    /// Until when the wheel sleeps; `None`: until it is told. Only an earlier deadline wakes it, which with one length for all is next to none.
    asleep_until: Option<Moment>,
    is_over: bool,
}

impl Entries {
    /// Whether the wheel must be woken for it.
    fn set(&mut self, key: DueKey, deadline: Option<Moment>) -> bool {
        if let Some(old) = self.deadlines.remove(&key) {
            self.order.remove(&(old, key));
        }
        let Some(deadline) = deadline else { return false };
        self.deadlines.insert(key, deadline);
        self.order.insert((deadline, key));
        let is_sooner = self.asleep_until.is_none_or(|until| deadline < until);
        if is_sooner {
            self.asleep_until = Some(deadline);
        }
        is_sooner
    }

    /// Takes out what is due, and notes until when the wheel sleeps now.
    fn take_due(&mut self, now: Moment) -> Vec<DueKey> {
        let mut due = Vec::new();
        while let Some(first) = self
            .order
            .first()
            .copied()
            .filter(|(deadline, _)| *deadline <= now)
        {
            self.order.remove(&first);
            self.deadlines.remove(&first.1);
            due.push(first.1);
        }
        self.asleep_until = self.order.first().map(|(deadline, _)| *deadline);
        due
    }
}

impl Desk {
    /// Nothing in the changes of the entries panics, so a panic elsewhere cannot leave them half changed.
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wheel {
    /// A wheel that does not turn yet.
    pub fn new() -> (Self, WheelInbox) {
        let desk = Arc::<Desk>::default();
        (Self(Arc::new(Teller(Arc::clone(&desk)))), WheelInbox(desk))
    }

    /// Sets or takes away the one deadline of `key`.
    pub fn set(&self, key: DueKey, deadline: Option<Moment>) {
        let Teller(desk) = &*self.0;
        let wakes = desk.lock().set(key, deadline);
        if wakes {
            desk.changed.notify_one();
        }
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
                self.set(key, Some(Moment(now.mono.0 + left)));
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
pub async fn turn(inbox: WheelInbox, clock: Arc<dyn Clock>, wake: impl Fn(DueKey) + Send) {
    let WheelInbox(desk) = inbox;
    loop {
        let now = clock.now().mono;
        let (due, asleep_until, is_over) = {
            let mut entries = desk.lock();
            (entries.take_due(now), entries.asleep_until, entries.is_over)
        };
        due.into_iter().for_each(&wake);
        if is_over {
            return;
        }
        match asleep_until {
            None => desk.changed.notified().await,
            Some(until) => {
                let wait = Duration::from_millis(u64::try_from(until.0 - now.0).unwrap_or(0));
                let sleep = clock.sleep(wait);
                if clock.now().mono > now {
                    continue; // it sleeps from a later moment on than was reckoned with
                }
                tokio::select! {
                    () = desk.changed.notified() => {}
                    () = sleep => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ManualClock;

    struct World {
        clock: Arc<ManualClock>,
        wheel: Wheel,
        woken: tokio::sync::mpsc::UnboundedReceiver<i64>,
        turning: tokio::task::JoinHandle<()>,
    }

    fn world() -> World {
        let clock = Arc::new(ManualClock::default());
        let (wheel, inbox) = Wheel::new();
        let (sender, woken) = tokio::sync::mpsc::unbounded_channel();
        let wake = move |key| match key {
            DueKey::Customer(id) => sender.send(id.0).expect("the test listens"),
            DueKey::Register(number) => panic!("{number:?}"),
        };
        let turning = tokio::spawn(turn(inbox, Arc::clone(&clock) as Arc<dyn Clock>, wake));
        World {
            clock,
            wheel,
            woken,
            turning,
        }
    }

    impl World {
        fn set(&self, customer: i64, in_ms: Option<i64>) {
            let now = self.clock.now().mono;
            let deadline = in_ms.map(|ms| Moment(now.0 + ms));
            self.wheel.set(DueKey::Customer(CustomerId(customer)), deadline);
        }

        /// Lets every other task run until it waits.
        async fn rest(&self) {
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
        }

        async fn advance(&mut self, ms: u64) -> Vec<i64> {
            self.rest().await;
            self.clock.advance(Duration::from_millis(ms));
            self.rest().await;
            std::iter::from_fn(|| self.woken.try_recv().ok()).collect()
        }
    }

    #[tokio::test]
    async fn each_is_woken_at_its_deadline_once_whatever_the_order_they_came_in() {
        let mut world = world();
        for (customer, ms) in [(1, 300), (2, 100), (3, 200), (4, 100)] {
            world.set(customer, Some(ms));
        }
        assert_eq!(world.advance(99).await, Vec::<i64>::new());
        assert_eq!(world.advance(1).await, [2, 4]);
        assert_eq!(world.advance(150).await, [3]);
        assert_eq!(world.advance(50).await, [1]);
        assert_eq!(world.advance(10_000).await, Vec::<i64>::new());
    }

    #[tokio::test]
    async fn a_deadline_sooner_than_the_one_slept_for_is_kept() {
        let mut world = world();
        world.set(1, Some(1_000));
        assert_eq!(world.advance(10).await, Vec::<i64>::new());
        world.set(2, Some(50));
        world.set(3, Some(0));
        assert_eq!(world.advance(0).await, [3], "one that is past is woken at once");
        assert_eq!(world.advance(50).await, [2]);
        assert_eq!(world.advance(940).await, [1]);
    }

    #[tokio::test]
    async fn one_that_moved_or_was_taken_away_is_not_woken_for_its_old_deadline() {
        let mut world = world();
        world.set(1, Some(100));
        world.set(2, Some(100));
        assert_eq!(world.advance(50).await, Vec::<i64>::new());
        world.set(1, Some(500));
        world.set(2, None);
        assert_eq!(world.advance(400).await, Vec::<i64>::new());
        assert_eq!(world.advance(100).await, [1]);
    }

    #[tokio::test]
    async fn the_wheel_stops_when_nobody_can_tell_it_anything_any_more() {
        let World { wheel, turning, .. } = world();
        let other = wheel.clone();
        drop(wheel);
        tokio::task::yield_now().await;
        assert!(!turning.is_finished());
        drop(other);
        turning.await.expect("it ends by itself");
    }
}
