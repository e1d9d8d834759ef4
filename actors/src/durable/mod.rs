//! A machine whose decisions are on disk before anyone acts on them.

mod header;
mod pipeline;

pub use pipeline::{Pipeline, Submitted};

pub(crate) use header::state_of;

use crate::clock::{Moment, Now};
use crate::machines::{Decision, Machine};
use crate::wheel::{DueKey, Wheel};
use std::sync::Arc;
use storage::{Batch, Key, Scan, Store, Version};

/// Operations that most steps write at the most.
const OPERATIONS: usize = 6;

/// Bytes by which most steps lengthen a state at the most.
const GROWTH: usize = 256;

/// How a machine's state lies in the store.
pub trait Persistent: Machine + Sized {
    /// Which state: a customer's id, say.
    type Id: Clone;

    /// The row that holds the state of `id`.
    fn row(id: &Self::Id) -> Key;
    /// The state, from what is stored (or from nothing).
    fn restore(id: &Self::Id, stored: Option<&[u8]>, now: Now) -> storage::Result<Self>;
    /// The state as bytes, to be written now, behind those of `head`.
    fn encode(&self, now: Now, head: Vec<u8>) -> storage::Result<Vec<u8>>;
    /// What else an event writes, in the same batch.
    fn companions(&self, event: &Self::Event, now: Now, batch: &mut Batch) -> storage::Result<()>;
    /// What the keys of the state's further rows begin with (a queue, say), to be read with it; `None` where there are none.
    fn further_rows(_: &Self::Id) -> Option<Key> {
        None
    }
    /// Takes in one of those rows; they come in the order of their keys.
    fn take_row(&mut self, _value: &[u8], _now: Now) -> storage::Result<()> {
        Ok(())
    }
    /// Under which name the wheel wakes this state's actor; `None` if it never needs waking.
    fn due_key(id: &Self::Id) -> Option<DueKey>;
}

/// A step that is about to be remembered.
pub struct Step<'a, M: Machine> {
    /// The machine before it.
    pub before: &'a M,
    /// What was decided.
    pub decision: &'a Decision<M::Event, M::Effect>,
    /// Larger than those of all steps of this machine that were remembered before, and never used again.
    pub ordinal: u64,
}

/// What a command came to.
enum Decided<M: Machine> {
    /// Nothing to remember.
    Nothing(Vec<M::Effect>),
    /// What to write, where its deadline will stand in the index, when that is, and what may be done once it is written.
    Written(Batch, Option<Key>, Option<Moment>, Vec<M::Effect>),
}

/// A machine, its row's version, and where it is kept.
///
/// After an error of [`Durable::step`] the state in memory is ahead of the disk: whoever owns it must end, and be loaded again.
pub struct Durable<M: Persistent> {
    id: M::Id,
    machine: M,
    store: Arc<dyn Store>,
    wheel: Wheel,
    version: Version,
    due: Option<Key>,
    /// Bytes of the state when it was last written or read.
    bytes: usize,
}

impl<M: Persistent> Durable<M> {
    /// Reads the state of `id`, behind every operation queued before.
    pub async fn load(store: Arc<dyn Store>, wheel: Wheel, id: M::Id, now: Now) -> storage::Result<Self> {
        let stored = store.get(M::row(&id)).await?;
        let version = stored.as_ref().map_or(Version::ABSENT, |stored| stored.version);
        let bytes = stored.as_ref().map_or(0, |stored| stored.value.len());
        let (due_ms, state) = match &stored {
            Some(stored) => header::take(&stored.value).map(|(due_ms, state)| (due_ms, Some(state)))?,
            None => (None, None),
        };
        let mut machine = M::restore(&id, state, now)?;
        if let Some(prefix) = M::further_rows(&id) {
            take_rows(&mut machine, store.as_ref(), prefix, now).await?;
        }
        let key = M::due_key(&id);
        if let Some(key) = key {
            wheel.set(key, machine.next_deadline());
        }
        let due = key.zip(due_ms).map(|(key, due_ms)| key.index_row(due_ms));
        Ok(Self {
            id,
            machine,
            store,
            wheel,
            version,
            due,
            bytes,
        })
    }

    /// The machine, to be asked but not changed.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// Decides, remembers, and only then gives the effects. Without an event nothing is written.
    ///
    /// # Errors
    /// The store's. Nothing of this step may be acted on, and this value must not be used again.
    pub fn step(
        &mut self,
        command: M::Command,
        now: Now,
    ) -> impl Future<Output = storage::Result<Vec<M::Effect>>> {
        self.step_with(command, now, |_, _| Ok(()))
    }

    /// As [`Durable::step`]; what `further` adds is written in the same batch. It is asked only where something is remembered at all.
    ///
    /// # Errors
    /// As [`Durable::step`], and those of `further`.
    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` keeps its arguments twice, and every message of an actor would"
    )]
    pub fn step_with(
        &mut self,
        command: M::Command,
        now: Now,
        further: impl FnOnce(Step<'_, M>, &mut Batch) -> storage::Result<()>,
    ) -> impl Future<Output = storage::Result<Vec<M::Effect>>> {
        async move {
            // Taken apart at once: what is kept whole until the commit takes a third more room.
            let (batch, due, deadline, effects) = match self.decided(command, now, further)? {
                Decided::Nothing(effects) => return Ok(effects),
                Decided::Written(batch, due, deadline, effects) => (batch, due, deadline, effects),
            };
            self.version = self.store.commit(batch).await?.into();
            self.due = due;
            if let Some(key) = M::due_key(&self.id) {
                self.wheel.set(key, deadline);
            }
            Ok(effects)
        }
    }

    /// What a step is to write. Apart from the wait for it, which keeps nothing of what was decided from.
    fn decided(
        &mut self,
        command: M::Command,
        now: Now,
        further: impl FnOnce(Step<'_, M>, &mut Batch) -> storage::Result<()>,
    ) -> storage::Result<Decided<M>> {
        let decision = self.machine.decide(command, now);
        if decision.events.is_empty() {
            self.set_wheel_again(now);
            return Ok(Decided::Nothing(decision.effects));
        }
        let mut batch = Batch::with_room(OPERATIONS);
        let step = Step {
            before: &self.machine,
            decision: &decision,
            ordinal: self.version.number(),
        };
        further(step, &mut batch)?;
        for event in &decision.events {
            self.machine.apply(event);
            self.machine.companions(event, now, &mut batch)?;
        }
        let deadline = self.machine.next_deadline();
        let due_ms = deadline.map(|moment| moment.wall_ms(now));
        let head = header::begin(due_ms, self.bytes + GROWTH);
        let state = self.machine.encode(now, head)?;
        self.bytes = state.len();
        batch.put_if(M::row(&self.id), self.version, state);
        let due = self.index_deadline(due_ms, &mut batch);
        Ok(Decided::Written(batch, due, deadline, decision.effects))
    }

    /// A wake-up that changed nothing has used up the wheel's entry. One that is still ahead is set again; one that is past is not, or the
    /// wheel would turn on the spot.
    fn set_wheel_again(&self, now: Now) {
        let ahead = self
            .machine
            .next_deadline()
            .filter(|deadline| *deadline > now.mono);
        if let Some((key, deadline)) = M::due_key(&self.id).zip(ahead) {
            self.wheel.set(key, Some(deadline));
        }
    }

    /// Moves this state's entry in the index of deadlines, in the same batch.
    fn index_deadline(&self, due_ms: Option<i64>, batch: &mut Batch) -> Option<Key> {
        let key = M::due_key(&self.id)?;
        let due = due_ms.map(|due_ms| key.index_row(due_ms));
        if due != self.due {
            self.due.iter().for_each(|old| batch.delete(old.clone()));
            due.iter().for_each(|new| batch.put_copy(new.clone(), &[]));
        }
        due
    }
}

/// Reads further rows page by page. Nobody writes them but this state's owner, whose operations are behind us.
async fn take_rows<M: Persistent>(
    machine: &mut M,
    store: &dyn Store,
    prefix: Key,
    now: Now,
) -> storage::Result<()> {
    let mut scan = Scan::of(prefix);
    loop {
        let rows = store.scan(scan.clone()).await?;
        for row in &rows {
            machine.take_row(&row.stored.value, now)?;
        }
        if rows.len() < storage::SCAN_MAX {
            return Ok(());
        }
        scan.after = rows.into_iter().last().map(|row| row.key);
    }
}
