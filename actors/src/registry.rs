//! The map from an id to its running actor: started on demand, left when idle, removed when dead, never asked beyond its depth.

use crate::clock::{Clock, Moment};
use crate::maps::SharedMap;
use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, ActorRuntime, SupervisionEvent};
use std::hash::Hash;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

/// How often a dead actor is replaced for one message. Where the runtime goes down each new one is dead at once: what is told then is settled by the
/// next process, from disk.
const ROUNDS_MAX: usize = 8;

/// What the registry needs of a kind of actor.
pub trait Kind: Send + Sync + Sized + 'static {
    /// Names one actor.
    type Id: Copy + Eq + Hash + Send + Sync + std::fmt::Debug + 'static;
    /// What it is told.
    type Message: Send + 'static;
    /// The actor.
    type Actor: Actor<Msg = Self::Message, Arguments = (Self::Id, Slot)>;

    /// Makes the actor (not its state, which it loads itself).
    fn actor(&self) -> Self::Actor;
    /// The message that asks an actor to leave if it is idle.
    fn leave_if_idle() -> Self::Message;
    /// Called when the number of live actors, starts, departures or failures change.
    fn observe(&self, observed: Observed);
}

/// What happens to actors, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    /// One was started.
    Started,
    /// One left because it was idle.
    Passivated,
    /// One ended by an error or a panic.
    Failed,
    /// A command met a full queue.
    Busy,
    /// A command was queued behind so many others.
    Queued(u32),
}

/// How many commands wait for an actor and when it was last asked; shared between the registry and the actor.
#[derive(Clone)]
pub struct Slot(Arc<SlotState>);

struct SlotState {
    depth: AtomicU32,
    last_asked: AtomicI64,
}

impl Slot {
    fn new(now: Moment) -> Self {
        Self(Arc::new(SlotState {
            depth: AtomicU32::new(0),
            last_asked: AtomicI64::new(now.0),
        }))
    }

    /// A message was taken from the queue. Called by the actor, once for each.
    pub fn taken(&self) {
        self.0.depth.fetch_sub(1, Ordering::AcqRel);
    }

    /// Messages that wait.
    pub fn depth(&self) -> u32 {
        self.0.depth.load(Ordering::Acquire)
    }
}

struct Entry<M> {
    actor: ActorRef<M>,
    slot: Slot,
}

/// The queue of this actor is full; the message comes back.
pub struct Busy<M>(pub M);

/// Find or start the actor of an id.
pub struct Registry<K: Kind> {
    actors: SharedMap<K::Id, Entry<K::Message>>,
    kind: K,
    supervisor: ActorCell,
    clock: Arc<dyn Clock>,
    depth_max: u32,
}

impl<K: Kind> Registry<K> {
    /// Starts the supervisor of this kind's actors.
    ///
    /// # Errors
    /// Where the supervisor cannot be started, which only a stopped runtime explains.
    pub async fn start(
        kind: K,
        clock: Arc<dyn Clock>,
        depth_max: u32,
    ) -> Result<Arc<Self>, ractor::SpawnErr> {
        let (supervisor, _) = Actor::spawn(None, Supervisor::<K>::default(), ()).await?;
        let registry = Arc::new(Self {
            actors: SharedMap::default(),
            kind,
            supervisor: supervisor.get_cell(),
            clock,
            depth_max,
        });
        let _ = supervisor.send_message(Adopt(Arc::clone(&registry)));
        Ok(registry)
    }

    /// Queues a command from outside, starting the actor if need be.
    ///
    /// # Errors
    /// [`Busy`] where as many commands wait as are allowed; nothing was queued.
    pub fn ask(&self, id: K::Id, message: K::Message) -> Result<(), Busy<K::Message>> {
        self.queue(id, message, Some(self.depth_max))
    }

    /// Queues a message that must not be lost: an outcome, a deadline. Bounded by what the actor itself set going.
    pub fn tell(&self, id: K::Id, message: K::Message) {
        let _ = self.queue(id, message, None);
    }

    /// Queues a message for an actor that is in memory; what no actor waits for is not wanted by a new one either.
    pub fn tell_if_live(&self, id: K::Id, message: K::Message) {
        if let Some(entry) = self.actors.get(&id) {
            entry.slot.0.depth.fetch_add(1, Ordering::AcqRel);
            if entry.actor.send_message(message).is_err() {
                entry.slot.taken();
            }
        }
    }

    fn queue(&self, id: K::Id, message: K::Message, depth_max: Option<u32>) -> Result<(), Busy<K::Message>> {
        let mut message = message;
        // The entry stays locked while the message is queued, so that no actor can leave in between.
        // A second round is needed only where an actor died and its removal is still on its way.
        for _ in 0..ROUNDS_MAX {
            let entry = match self.actors.get(&id) {
                Some(entry) => entry,
                None => self
                    .actors
                    .entry(id)
                    .or_insert_with(|| self.spawn(id))
                    .downgrade(),
            };
            let waiting = entry.slot.0.depth.fetch_add(1, Ordering::AcqRel);
            if depth_max.is_some_and(|max| waiting >= max) {
                entry.slot.taken();
                self.kind.observe(Observed::Busy);
                return Err(Busy(message));
            }
            entry
                .slot
                .0
                .last_asked
                .store(self.clock.now().mono.0, Ordering::Relaxed);
            self.kind.observe(Observed::Queued(waiting));
            match entry.actor.send_message(message) {
                Ok(()) => return Ok(()),
                Err(ractor::MessagingErr::SendErr(returned)) => {
                    let dead = entry.actor.get_id();
                    drop(entry);
                    self.actors
                        .remove_if(&id, |_, entry| entry.actor.get_id() == dead);
                    message = returned;
                }
                Err(_) => unreachable!("ractor gives back what it cannot send"),
            }
        }
        Err(Busy(message))
    }

    fn spawn(&self, id: K::Id) -> Entry<K::Message> {
        let slot = Slot::new(self.clock.now().mono);
        let (actor, _start) = ActorRuntime::spawn_linked_instant(
            None,
            self.kind.actor(),
            (id, slot.clone()),
            self.supervisor.clone(),
        )
        .expect("only a name that is taken makes this fail, and actors here have none");
        self.kind.observe(Observed::Started);
        Entry { actor, slot }
    }

    /// Stops an actor that is idle and for which nothing waits. Called by the actor itself, which knows the registry by way of what it shares with its kind.
    pub fn let_go(registry: &OnceLock<Weak<Self>>, id: K::Id, actor: &ActorRef<K::Message>, is_idle: bool) {
        let registry = registry.get().and_then(Weak::upgrade);
        if is_idle && registry.is_some_and(|registry| registry.leave(id, actor.get_id())) {
            actor.stop(None);
        }
    }

    /// Takes an actor out of the map, so that nobody finds it any more, but only if nothing waits for it.
    fn leave(&self, id: K::Id, actor: ActorId) -> bool {
        let left = self.actors.remove_if(&id, |_, entry| {
            entry.actor.get_id() == actor && entry.slot.depth() == 0
        });
        if left.is_some() {
            self.kind.observe(Observed::Passivated);
        }
        left.is_some()
    }

    /// Asks every actor that was not asked for `idle` to leave.
    pub fn sweep_idle(&self, idle: Duration) {
        let before = self.clock.now().mono.0 - crate::clock::millis(idle);
        let idle: Vec<K::Id> = self
            .actors
            .iter()
            .filter(|entry| {
                entry.slot.0.last_asked.load(Ordering::Relaxed) <= before && entry.slot.depth() == 0
            })
            .map(|entry| *entry.key())
            .collect();
        for id in idle {
            if let Some(entry) = self.actors.get(&id) {
                entry.slot.0.depth.fetch_add(1, Ordering::AcqRel);
                if entry.actor.send_message(K::leave_if_idle()).is_err() {
                    entry.slot.taken();
                }
            }
        }
    }

    /// How many actors are in memory.
    pub fn live(&self) -> usize {
        self.actors.len()
    }

    /// Lets every actor finish what it was told, within `deadline`, and ends the supervisor.
    pub async fn drain(&self, deadline: Duration) {
        let actors: Vec<ActorRef<K::Message>> = self.actors.iter().map(|entry| entry.actor.clone()).collect();
        let drained =
            futures_util::future::join_all(actors.iter().map(|actor| actor.drain_and_wait(Some(deadline))));
        let unfinished = drained
            .await
            .into_iter()
            .filter(|outcome| outcome.is_err())
            .count();
        if unfinished > 0 {
            tracing::warn!(
                unfinished,
                "actors did not finish within the deadline; their state on disk is what was acknowledged"
            );
        }
        self.supervisor.stop(None);
    }

    fn forget(&self, actor: ActorId, failed: bool) {
        if failed {
            self.kind.observe(Observed::Failed);
            self.actors.retain(|_, entry| entry.actor.get_id() != actor);
        }
    }
}

/// Watches the actors of one kind. A child's end never ends it: the next message loads the child again from disk.
struct Supervisor<K>(std::marker::PhantomData<K>);

impl<K> Default for Supervisor<K> {
    fn default() -> Self {
        Self(std::marker::PhantomData)
    }
}

/// Gives the supervisor its registry.
struct Adopt<K: Kind>(Arc<Registry<K>>);

impl<K: Kind> Actor for Supervisor<K> {
    type Msg = Adopt<K>;
    type State = Option<Weak<Registry<K>>>;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<Self::State, ActorProcessingErr> {
        Ok(None)
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        adopt: Self::Msg,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        *state = Some(Arc::downgrade(&adopt.0));
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Self::Msg>,
        event: SupervisionEvent,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        let registry = state.as_ref().and_then(Weak::upgrade);
        match event {
            SupervisionEvent::ActorFailed(child, error) => {
                // What the store said was logged by the actor, with its id.
                if !error.is::<storage::Error>() {
                    tracing::error!(%error, "an actor failed; the next message loads it again from disk");
                }
                registry
                    .iter()
                    .for_each(|registry| registry.forget(child.get_id(), true));
            }
            SupervisionEvent::ActorTerminated(child, ..) => {
                registry
                    .iter()
                    .for_each(|registry| registry.forget(child.get_id(), false));
            }
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
        Ok(())
    }
}
