//! The log's actor: one for everybody. It gives each leaf its index and hands it to a pipeline of shared commits; who is told is told when the
//! leaf's batch is durable.

use super::EvidenceWorld;
use super::client::ClientMessage;
use super::rows::{LogId, edge_of, frontier_of};
use crate::durable::Pipeline;
use crate::machines::evidence::{LogBook, LogCommand, LogEffect, Recording};
use crate::registry::{Kind, Observed, Slot};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use std::sync::Arc;

/// What the log is told.
pub enum LogMessage {
    /// Append a leaf.
    Append(Pledge),
    /// Say which index the next leaf will have.
    Next(RpcReplyPort<u64>),
    /// A commit has failed: what is in memory is ahead of the disk.
    Broken,
    /// Never heeded: there is one log, and it stays.
    LeaveIfIdle,
}

/// A leaf whose client waits for the log's word. Whatever becomes of it, the word is given: a leaf that is dropped was not recorded.
pub struct Pledge {
    recording: Arc<Recording>,
    world: Arc<EvidenceWorld>,
    is_kept: bool,
}

impl Pledge {
    pub(super) fn new(recording: Recording, world: Arc<EvidenceWorld>) -> Self {
        Self {
            recording: Arc::new(recording),
            world,
            is_kept: false,
        }
    }

    fn keep(mut self, index: u64) {
        self.is_kept = true;
        self.world.tiles.made_durable(index + 1);
        self.world.metrics.leaves.inc();
        let message = ClientMessage::Recorded {
            contract: self.recording.place.contract,
            leaf: self.recording.leaf,
        };
        if let Some(clients) = self.world.clients() {
            clients.tell_if_live(self.recording.client, message);
        }
    }
}

impl Drop for Pledge {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        self.world.metrics.leaves_failed.inc();
        if let Some(clients) = self.world.clients() {
            let leaf = self.recording.leaf;
            clients.tell_if_live(self.recording.client, ClientMessage::NotRecorded { leaf });
        }
    }
}

/// The kind of actor that the log is; there is one.
pub struct Logs(pub Arc<EvidenceWorld>);

impl Kind for Logs {
    type Id = ();
    type Message = LogMessage;
    type Actor = LogActor;

    fn actor(&self) -> LogActor {
        LogActor(Arc::clone(&self.0))
    }

    fn leave_if_idle() -> LogMessage {
        LogMessage::LeaveIfIdle
    }

    fn observe(&self, observed: Observed) {
        if observed == Observed::Failed {
            self.0.metrics.log_failures.inc();
        }
    }
}

/// The actor.
pub struct LogActor(Arc<EvidenceWorld>);

/// Its state; loaded by the first message, so that a store that fails ends the actor where its supervisor sees it.
pub struct State {
    slot: Slot,
    log: Option<Pipeline<LogBook>>,
}

impl Actor for LogActor {
    type Msg = LogMessage;
    type State = State;
    type Arguments = ((), Slot);

    async fn pre_start(
        &self,
        _: ActorRef<LogMessage>,
        ((), slot): Self::Arguments,
    ) -> Result<State, ActorProcessingErr> {
        Ok(State { slot, log: None })
    }

    async fn handle(
        &self,
        _: ActorRef<LogMessage>,
        message: LogMessage,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        state.slot.taken();
        let log = match &mut state.log {
            Some(log) => log,
            None => state.log.insert(self.load().await.inspect_err(say)?),
        };
        match message {
            LogMessage::Append(pledge) => self.append(log, pledge).await.inspect_err(say)?,
            LogMessage::Next(reply) => {
                // Who asked may have gone.
                let _ = reply.send(log.machine().frontier().size());
            }
            LogMessage::Broken => return Err(storage::Error::Closed.into()),
            LogMessage::LeaveIfIdle => {}
        }
        Ok(())
    }
}

impl LogActor {
    async fn load(&self) -> storage::Result<Pipeline<LogBook>> {
        let world = &self.0;
        let size = frontier_of(world.store.as_ref()).await?.size();
        let edge = edge_of(world.store.as_ref(), size).await?;
        let id = LogId(Arc::new(edge));
        let registry = world.log.get().cloned().unwrap_or_default();
        let failed = move |error: storage::Error| {
            say(&error);
            if let Some(registry) = registry.upgrade() {
                registry.tell_if_live((), LogMessage::Broken);
            }
        };
        let now = world.clock.now();
        let log =
            Pipeline::<LogBook>::load(Arc::clone(&world.store), id, now, world.waiting_max, failed).await?;
        world
            .tiles
            .reset(log.machine().edge().clone(), log.machine().frontier().size());
        Ok(log)
    }

    async fn append(&self, log: &mut Pipeline<LogBook>, pledge: Pledge) -> storage::Result<()> {
        let (index, leaf) = (log.machine().frontier().size(), pledge.recording.leaf);
        let command = LogCommand::Append(Arc::clone(&pledge.recording));
        let submitted = log.submit(command, self.0.clock.now()).await?;
        self.0.tiles.append(index, leaf);
        self.0.tasks.spawn(async move {
            // An error drops the pledge, which tells the client; the pipeline has said why.
            if let Ok(effects) = submitted.durable().await {
                let [LogEffect::Appended { index, .. }] = effects[..] else {
                    unreachable!("a leaf has one effect");
                };
                pledge.keep(index);
            }
        });
        Ok(())
    }
}

/// Once. That the disk is full or the store closed is said by the store itself.
fn say(error: &storage::Error) {
    if !matches!(error, storage::Error::Full { .. } | storage::Error::Closed) {
        tracing::error!(%error, "the evidence log could not be read or made durable; it is loaded again");
    }
}
