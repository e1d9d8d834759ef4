//! One client's contracts: the same container again is the same fact, another one is a new version, and nothing is ever overwritten.
//!
//! What is decided here becomes durable in the log's batch, together with the leaf. Until the log has said so it is *under way*: whoever
//! brings the same container meanwhile waits for the same word.

use super::log::Recording;
use super::{ClientKey, CompanyKey, ContractKey, Place};
use crate::clock::{Moment, Now};
use crate::ids::{ChallengeId, RequestId};
use crate::machines::{Decision, Machine};
use evidence::tree::{Hash, leaf_hash};
use evidence::{Container, Leaf};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How much one contract may come to; the answer to a question for it has all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Containers, those of all companies together.
    pub containers_max: usize,
    /// Bytes of their leaves.
    pub bytes_max: usize,
}

/// A container that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its version.
    pub version: u32,
    /// Tells it from others ([`Container::digest`]).
    pub digest: [u8; 32],
    /// Its leaf's hash.
    pub leaf: Hash,
    /// Bytes of its leaf.
    pub bytes: usize,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Contract {
    containers: BTreeMap<CompanyKey, Vec<Known>>,
    /// Leaves that the log has not acknowledged, and who waits for each.
    under_way: BTreeMap<Hash, Vec<RequestId>>,
}

/// A client in memory: the contracts that were asked for lately.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientBook {
    client: ClientKey,
    contracts: BTreeMap<ContractKey, Contract>,
}

/// A container to be recorded.
#[derive(Debug)]
pub struct AddCommand {
    /// Who waits.
    pub request: RequestId,
    /// Whose it is.
    pub integration: Arc<str>,
    /// The container.
    pub container: Container,
    /// Drawn for its leaf.
    pub salt: [u8; 16],
    /// The limits in force. A debt has none: it must be paid.
    pub limits: Limits,
    /// The verified one-time password that owes it.
    pub owed: Option<ChallengeId>,
}

/// What may be asked.
#[derive(Debug)]
pub enum ClientCommand {
    /// Record a container; its contract is loaded ([`ClientBook::knows`]).
    Add(Box<AddCommand>),
    /// The log's word: this leaf is durable.
    Recorded {
        /// Of which contract.
        contract: ContractKey,
        /// Which leaf.
        leaf: Hash,
    },
}

/// A fact.
#[derive(Clone, Debug)]
pub enum ClientEvent {
    /// A container is new.
    Added {
        /// Its contract.
        contract: ContractKey,
        /// Its company.
        company: CompanyKey,
        /// Itself.
        known: Known,
    },
    /// Somebody waits for a leaf that is under way.
    Waits {
        /// Of which contract.
        contract: ContractKey,
        /// Which leaf.
        leaf: Hash,
        /// Who.
        request: RequestId,
    },
    /// A leaf is durable.
    Recorded {
        /// Of which contract.
        contract: ContractKey,
        /// Which leaf.
        leaf: Hash,
    },
}

/// What a caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is recorded, now or since earlier; this is its leaf.
    Recorded(Hash),
    /// The contract has as much as it may.
    ContractFull,
}

/// A deed.
#[derive(Debug)]
pub enum ClientEffect {
    /// Give a leaf to the log.
    Append(Box<Recording>),
    /// Answer.
    Answer {
        /// Whom.
        request: RequestId,
        /// What.
        added: Added,
    },
}

impl ClientBook {
    /// A client of whom nothing is loaded.
    #[must_use]
    pub fn new(client: ClientKey) -> Self {
        Self {
            client,
            contracts: BTreeMap::new(),
        }
    }

    /// Who it is.
    #[must_use]
    pub fn client(&self) -> ClientKey {
        self.client
    }

    /// Whether a contract is loaded.
    #[must_use]
    pub fn knows(&self, contract: ContractKey) -> bool {
        self.contracts.contains_key(&contract)
    }

    /// Takes in what the store has of a contract.
    pub fn load(&mut self, contract: ContractKey, containers: impl IntoIterator<Item = (CompanyKey, Known)>) {
        let loaded = self.contracts.entry(contract).or_default();
        for (company, known) in containers {
            loaded.containers.entry(company).or_default().push(known);
        }
    }

    /// Forgets contracts of which nothing is under way, down to so many.
    pub fn forget_beyond(&mut self, contracts_max: usize) {
        if self.contracts.len() > contracts_max {
            self.contracts
                .retain(|_, contract| !contract.under_way.is_empty());
        }
    }

    /// Whether the log's word is awaited.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.contracts
            .values()
            .any(|contract| !contract.under_way.is_empty())
    }
}

impl Machine for ClientBook {
    type Command = ClientCommand;
    type Event = ClientEvent;
    type Effect = ClientEffect;

    fn decide(&self, command: ClientCommand, now: Now) -> Decision<ClientEvent, ClientEffect> {
        match command {
            ClientCommand::Add(add) => self.decide_add(*add, now),
            ClientCommand::Recorded { contract, leaf } => self.decide_recorded(contract, leaf),
        }
    }

    fn apply(&mut self, event: &ClientEvent) {
        match event {
            ClientEvent::Added {
                contract,
                company,
                known,
            } => {
                let contract = self.contracts.entry(*contract).or_default();
                contract.containers.entry(*company).or_default().push(*known);
                contract.under_way.insert(known.leaf, Vec::new());
            }
            ClientEvent::Waits {
                contract,
                leaf,
                request,
            } => {
                let contract = self.contracts.entry(*contract).or_default();
                contract.under_way.entry(*leaf).or_default().push(*request);
            }
            ClientEvent::Recorded { contract, leaf } => {
                if let Some(contract) = self.contracts.get_mut(contract) {
                    contract.under_way.remove(leaf);
                }
            }
        }
    }

    /// The log answers, or ends with everything that waits for it.
    fn next_deadline(&self) -> Option<Moment> {
        None
    }
}

impl ClientBook {
    fn decide_add(&self, add: AddCommand, now: Now) -> Decision<ClientEvent, ClientEffect> {
        let contract = ContractKey::of(&add.integration, &add.container);
        let company = CompanyKey::new(add.container.company_id.as_ref());
        let digest = add.container.digest();
        let request = add.request;
        let empty = Contract::default();
        let loaded = self.contracts.get(&contract).unwrap_or(&empty);
        let of_company = loaded.containers.get(&company).map_or(&[][..], Vec::as_slice);
        let waits = |leaf| ClientEvent::Waits {
            contract,
            leaf,
            request,
        };
        let answer = |added| ClientEffect::Answer { request, added };
        if let Some(known) = of_company.iter().find(|known| known.digest == digest) {
            return if loaded.under_way.contains_key(&known.leaf) {
                Decision {
                    events: vec![waits(known.leaf)],
                    effects: Vec::new(),
                }
            } else {
                Decision::only(answer(Added::Recorded(known.leaf)))
            };
        }
        let leaf = Leaf {
            salt: add.salt,
            recorded_seconds: now.wall.timestamp(),
            integration: add.integration.to_string(),
            version: of_company.last().map_or(1, |last| last.version.saturating_add(1)),
            container: add.container,
        };
        let bytes = leaf.bytes();
        if add.owed.is_none() && loaded.is_full(bytes.len(), add.limits) {
            return Decision::only(answer(Added::ContractFull));
        }
        let known = Known {
            version: leaf.version,
            digest,
            leaf: leaf_hash(&bytes),
            bytes: bytes.len(),
        };
        let recording = Recording {
            leaf: known.leaf,
            client: self.client,
            place: Place {
                contract,
                company,
                version: leaf.version,
            },
            bytes,
            owed: add.owed,
        };
        Decision {
            events: vec![
                ClientEvent::Added {
                    contract,
                    company,
                    known,
                },
                waits(known.leaf),
            ],
            effects: vec![ClientEffect::Append(Box::new(recording))],
        }
    }

    fn decide_recorded(&self, contract: ContractKey, leaf: Hash) -> Decision<ClientEvent, ClientEffect> {
        // After the actor's end somebody else's word may still come; what is on disk is known then already.
        let waiting = self
            .contracts
            .get(&contract)
            .and_then(|contract| contract.under_way.get(&leaf));
        let Some(waiting) = waiting else {
            return Decision::nothing();
        };
        let answers = waiting.iter().map(|request| ClientEffect::Answer {
            request: *request,
            added: Added::Recorded(leaf),
        });
        Decision {
            events: vec![ClientEvent::Recorded { contract, leaf }],
            effects: answers.collect(),
        }
    }
}

impl Contract {
    fn is_full(&self, more_bytes: usize, limits: Limits) -> bool {
        let known = || self.containers.values().flatten();
        let bytes: usize = known().map(|known| known.bytes).sum();
        known().count() >= limits.containers_max || bytes.saturating_add(more_bytes) > limits.bytes_max
    }
}
