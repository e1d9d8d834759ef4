//! The deadline wheel: wakes the actor whose machine has a deadline, also after a restart, with nobody knocking.
//!
//! Deadlines are rows (`due/<wall time>/<actor>`), written in the batch that made them. The wheel reads them once at start; from then on
//! it is told of each change. An entry it wakes too early or in vain does no harm: the machine judges by its own clock.
//!
//! Its moments are monotonic, and some of what registers wait for is an hour of the day: the close before midnight, the limits of offline
//! work. So the wheel compares the two clocks, and when the wall clock was set, or the machine slept, it wakes every register that has a
//! deadline: each looks at the new hour at once, and not when half of what the old one had left is over.

use crate::clock::{Clock, Moment, Now};
use crate::ids::CustomerId;
use crate::maps::Map;
use fiscal::RegisterNumber;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use storage::{Key, KeyReader, Scan, Store};
use tokio::sync::Notify;

pub(crate) const TABLE: &str = "due";
const KIND_CUSTOMER: u8 = 1;
const KIND_REGISTER: u8 = 2;
/// How often the clocks are compared: a register that is late by this has still been in time for whatever has an hour, and one thread wakes
/// for a microsecond.
const COMPARED_EVERY: Duration = Duration::from_secs(1);
/// By how much the wall clock must have moved against the monotonic one, since registers looked at it last, for it to have been set. A
/// clock that is slewed comes that far in an hour at the fastest; then they look in vain.
const SET_BY_MS: i64 = 2_000;

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
    deadlines: Map<DueKey, Moment>,
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

    /// Whose deadlines may be hours of the day. They keep their entries.
    fn registers(&self) -> Vec<DueKey> {
        let keys = self.order.iter().map(|(_, key)| *key);
        keys.filter(|key| matches!(key, DueKey::Register(_))).collect()
    }
}

/// How far the wall clock is ahead of the monotonic one: the same as long as nobody sets it.
struct Ahead(i64);

impl Ahead {
    fn at(now: Now) -> Self {
        Self(now.wall.timestamp_millis().saturating_sub(now.mono.0))
    }

    /// Whether the wall clock was set since the last time that this said so.
    fn was_set(&mut self, now: Now) -> bool {
        let Self(ahead) = Self::at(now);
        let was_set = ahead.abs_diff(self.0) > SET_BY_MS.unsigned_abs();
        if was_set {
            self.0 = ahead;
        }
        was_set
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
    let mut ahead = Ahead::at(clock.now());
    loop {
        let now = clock.now();
        let was_set = ahead.was_set(now);
        let now = now.mono;
        let (due, asleep_until, is_over) = {
            let mut entries = desk.lock();
            let mut due = entries.take_due(now);
            if was_set {
                due.extend(entries.registers());
            }
            (due, entries.asleep_until, entries.is_over)
        };
        due.into_iter().for_each(&wake);
        if is_over {
            return;
        }
        match asleep_until {
            // Without an entry nobody waits for any hour.
            None => desk.changed.notified().await,
            Some(until) => {
                let wait = Duration::from_millis(u64::try_from(until.0 - now.0).unwrap_or(0));
                let sleep = clock.sleep(wait.min(COMPARED_EVERY));
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
        registers: tokio::sync::mpsc::UnboundedReceiver<u64>,
        turning: tokio::task::JoinHandle<()>,
    }

    fn world() -> World {
        let clock = Arc::new(ManualClock::default());
        let (wheel, inbox) = Wheel::new();
        let (sender, woken) = tokio::sync::mpsc::unbounded_channel();
        let (of_registers, registers) = tokio::sync::mpsc::unbounded_channel();
        let wake = move |key| match key {
            DueKey::Customer(id) => sender.send(id.0).expect("the test listens"),
            DueKey::Register(number) => of_registers.send(number.get()).expect("the test listens"),
        };
        let turning = tokio::spawn(turn(inbox, Arc::clone(&clock) as Arc<dyn Clock>, wake));
        World {
            clock,
            wheel,
            woken,
            registers,
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
    async fn a_wall_clock_that_was_set_wakes_registers_within_a_second_and_once() {
        let mut world = world();
        let register = RegisterNumber::new(4_000_000_001).expect("a number");
        let in_hours = Moment(world.clock.now().mono.0 + 3_600_000);
        world.wheel.set(DueKey::Register(register), Some(in_hours));
        world.set(1, Some(3_600_000));
        for (set_by_ms, is_noticed) in [
            (0, false),
            (1_500, false),
            (1_500, true), // both together
            (-1_900, false),
            (-8 * 3_600_000, true),
            (8 * 3_600_000, true),
        ] {
            world.clock.jump(chrono::TimeDelta::milliseconds(set_by_ms));
            assert_eq!(world.advance(1_000).await, Vec::<i64>::new(), "{set_by_ms}");
            let woken: Vec<u64> = std::iter::from_fn(|| world.registers.try_recv().ok()).collect();
            assert_eq!(!woken.is_empty(), is_noticed, "{set_by_ms}");
            world.advance(5_000).await;
            assert!(world.registers.try_recv().is_err(), "{set_by_ms}: once");
        }
        world.advance(3_600_000).await;
        assert_eq!(
            world.registers.try_recv(),
            Ok(register.get()),
            "and it keeps its deadline"
        );
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
