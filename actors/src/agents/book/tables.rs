//! Agents, their keys and agreements as every request reads them: all of them in memory.

use super::super::records::{AgentKeyRecord, AgentRecord, AgreementKind, AgreementRecord};
use crate::ids::{AccountId, KeyId};
use signing_protocol::AgentId;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Everything in the book. A thousand agents with their keys are about ten megabytes.
#[derive(Default)]
pub(super) struct Tables {
    agents: BTreeMap<AgentId, Arc<AgentRecord>>,
    secrets: HashMap<[u8; 32], AgentId>,
    keys: HashMap<KeyId, Arc<AgentKeyRecord>>,
    keys_of: BTreeSet<(AgentId, KeyId)>,
    agreements: BTreeMap<(AccountId, AgreementKind), Arc<AgreementRecord>>,
}

/// A row to be written, or taken away.
#[derive(Clone)]
pub(super) enum Row {
    Agent(AgentId, Option<AgentRecord>),
    Key(KeyId, Option<AgentKeyRecord>),
    Agreement(AccountId, AgreementKind, AgreementRecord),
}

impl Tables {
    pub(super) fn agent(&self, id: AgentId) -> Option<&Arc<AgentRecord>> {
        self.agents.get(&id)
    }

    pub(super) fn agents(&self) -> impl Iterator<Item = (&AgentId, &Arc<AgentRecord>)> {
        self.agents.iter()
    }

    /// Of 256 random bits nobody guesses a part: the map's timing says nothing.
    pub(super) fn agent_of_secret(&self, digest: &[u8; 32]) -> Option<AgentId> {
        self.secrets.get(digest).copied()
    }

    pub(super) fn key(&self, key: KeyId) -> Option<&Arc<AgentKeyRecord>> {
        self.keys.get(&key)
    }

    pub(super) fn keys_of(&self, agent: AgentId) -> impl Iterator<Item = (KeyId, &Arc<AgentKeyRecord>)> {
        let first = KeyId(uuid::Uuid::nil());
        self.keys_of
            .range((agent, first)..)
            .take_while(move |(owner, _)| *owner == agent)
            .filter_map(|(_, key)| Some((*key, self.keys.get(key)?)))
    }

    pub(super) fn agreement(&self, account: AccountId, kind: AgreementKind) -> Option<&Arc<AgreementRecord>> {
        self.agreements.get(&(account, kind))
    }

    pub(super) fn is_agreed(&self, account: AccountId, kind: AgreementKind) -> bool {
        let agreement = self.agreement(account, kind);
        agreement.is_some_and(|agreement| agreement.is_in_force())
    }

    pub(super) fn put(&mut self, row: Row) {
        match row {
            Row::Agent(id, record) => {
                if let Some(earlier) = self.agents.remove(&id)
                    && let Some(enrolled) = &earlier.enrolled
                {
                    self.secrets.remove(&enrolled.secret_digest);
                }
                if let Some(record) = record {
                    let enrolled = record.enrolled.as_ref();
                    self.secrets
                        .extend(enrolled.map(|enrolled| (enrolled.secret_digest, id)));
                    self.agents.insert(id, Arc::new(record));
                }
            }
            Row::Key(key, record) => {
                if let Some(earlier) = self.keys.remove(&key) {
                    self.keys_of.remove(&(earlier.agent(), key));
                }
                if let Some(record) = record {
                    self.keys_of.insert((record.agent(), key));
                    self.keys.insert(key, Arc::new(record));
                }
            }
            Row::Agreement(account, kind, record) => {
                self.agreements.insert((account, kind), Arc::new(record));
            }
        }
    }
}
