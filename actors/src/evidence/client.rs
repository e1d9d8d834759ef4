//! The actor of one client: the shell around [`ClientBook`].

use super::EvidenceWorld;
use super::log::{LogMessage, Pledge};
use super::rows::containers_of;
use crate::ids::RequestId;
use crate::machines::Machine;
use crate::machines::evidence::{
    AddCommand, Added, ClientBook, ClientCommand, ClientEffect, ClientKey, ContractKey, Known,
};
use crate::registry::{Kind, Observed, Registry, Slot};
use evidence::Leaf;
use evidence::tree::{Hash, leaf_hash};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use std::collections::HashMap;
use std::sync::Arc;

/// What a client's actor is told.
pub enum ClientMessage {
    /// Record a container. The actor gives the command its request id.
    Add {
        /// What is asked.
        command: Box<AddCommand>,
        /// Who waits.
        reply: RpcReplyPort<Added>,
    },
    /// A leaf is durable.
    Recorded {
        /// Of which contract.
        contract: ContractKey,
        /// Which leaf.
        leaf: Hash,
    },
    /// A leaf did not become durable.
    NotRecorded {
        /// Which leaf.
        leaf: Hash,
    },
    /// Leave memory if nothing is waited for.
    LeaveIfIdle,
}

/// The kind of actor that clients are.
pub struct Clients(pub Arc<EvidenceWorld>);

impl Kind for Clients {
    type Id = ClientKey;
    type Message = ClientMessage;
    type Actor = ClientActor;

    fn actor(&self) -> ClientActor {
        ClientActor(Arc::clone(&self.0))
    }

    fn leave_if_idle() -> ClientMessage {
        ClientMessage::LeaveIfIdle
    }

    fn observe(&self, observed: Observed) {
        let metrics = &self.0.metrics;
        match observed {
            Observed::Started => metrics.clients_live.inc(),
            Observed::Passivated => metrics.clients_live.dec(),
            Observed::Failed => {
                metrics.clients_failed.inc();
                metrics.clients_live.dec();
            }
            Observed::Busy => metrics.clients_busy.inc(),
            Observed::Queued(_) => {}
        }
    }
}

/// The actor; all of its state is in [`State`].
pub struct ClientActor(Arc<EvidenceWorld>);

/// One client in memory.
pub struct State {
    slot: Slot,
    book: ClientBook,
    next_request: u64,
    waiting: HashMap<RequestId, RpcReplyPort<Added>>,
    /// Leaves that this actor gave to the log: the word on another's is not for it.
    given: std::collections::HashSet<Hash>,
}

impl Actor for ClientActor {
    type Msg = ClientMessage;
    type State = State;
    type Arguments = (ClientKey, Slot);

    async fn pre_start(
        &self,
        _: ActorRef<ClientMessage>,
        (client, slot): Self::Arguments,
    ) -> Result<State, ActorProcessingErr> {
        Ok(State {
            slot,
            book: ClientBook::new(client),
            next_request: 0,
            waiting: HashMap::new(),
            given: std::collections::HashSet::new(),
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<ClientMessage>,
        message: ClientMessage,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        state.slot.taken();
        match message {
            ClientMessage::Add { command, reply } => self.add(*command, reply, state).await?,
            ClientMessage::Recorded { contract, leaf } => {
                if state.given.remove(&leaf) {
                    self.step(ClientCommand::Recorded { contract, leaf }, state);
                    state.book.forget_beyond(self.0.contracts_max);
                }
            }
            // What is in memory is ahead of the disk: it goes, and who waits is told that it does.
            ClientMessage::NotRecorded { leaf } => {
                if state.given.contains(&leaf) {
                    return Err(storage::Error::Closed.into());
                }
            }
            ClientMessage::LeaveIfIdle => {
                let book = &state.book;
                Registry::let_go(&self.0.clients, book.client(), &myself, !book.is_waiting());
            }
        }
        Ok(())
    }
}

impl ClientActor {
    async fn add(
        &self,
        mut command: AddCommand,
        reply: RpcReplyPort<Added>,
        state: &mut State,
    ) -> storage::Result<()> {
        let contract = ContractKey::of(&command.integration, &command.container);
        if !state.book.knows(contract) {
            let kept = self.load(contract).await.inspect_err(|error| {
                if !matches!(error, storage::Error::Closed) {
                    tracing::error!(%error, "a client's actor ends: its containers could not be read");
                }
            })?;
            state.book.load(contract, kept);
        }
        state.next_request += 1;
        command.request = RequestId(state.next_request);
        state.waiting.insert(command.request, reply);
        self.step(ClientCommand::Add(Box::new(command)), state);
        Ok(())
    }

    async fn load(
        &self,
        contract: ContractKey,
    ) -> storage::Result<Vec<(crate::machines::evidence::CompanyKey, Known)>> {
        let kept = containers_of(self.0.store.as_ref(), contract).await?;
        let known = kept.into_iter().map(|(place, bytes)| {
            let leaf = Leaf::from_bytes(&bytes).map_err(|error| storage::Error::Corrupt {
                what: "a kept container".to_owned(),
                detail: error.to_string(),
            })?;
            let known = Known {
                version: place.version,
                digest: leaf.container.digest(),
                leaf: leaf_hash(&bytes),
                bytes: bytes.len(),
            };
            Ok((place.company, known))
        });
        known.collect()
    }

    fn step(&self, command: ClientCommand, state: &mut State) {
        let decision = state.book.decide(command, self.0.clock.now());
        decision.events.iter().for_each(|event| state.book.apply(event));
        for effect in decision.effects {
            match effect {
                ClientEffect::Append(recording) => {
                    state.given.insert(recording.leaf);
                    let pledge = Pledge::new(*recording, Arc::clone(&self.0));
                    if let Some(log) = self.0.log() {
                        // No more of them than requests in flight, which the listener bounds.
                        log.tell((), LogMessage::Append(pledge));
                    }
                }
                ClientEffect::Answer { request, added } => {
                    if let Some(reply) = state.waiting.remove(&request) {
                        // Who has gone finds the container recorded all the same.
                        let _ = reply.send(added);
                    }
                }
            }
        }
    }
}
