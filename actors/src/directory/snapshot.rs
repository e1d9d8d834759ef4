//! Invokers, contract types and keys as every request reads them: one immutable value, replaced whole.

use super::evidence::EvidenceSnapshot;
use super::keys::KeyDigest;
use super::records::{ContractTypeRecord, InvokerRecord};
use crate::ids::{ContractTypeId, InvokerCode};
use crate::maps::Map;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The small part of the directory that is always in memory.
#[derive(Clone, Default)]
pub struct Snapshot {
    invokers: BTreeMap<InvokerCode, Arc<InvokerRecord>>,
    contract_types: BTreeMap<ContractTypeId, Arc<ContractTypeRecord>>,
    keys: Map<KeyDigest, InvokerCode>,
    pub(super) evidence: EvidenceSnapshot,
}

impl Snapshot {
    /// An invoker by its code.
    pub fn invoker(&self, code: InvokerCode) -> Option<&Arc<InvokerRecord>> {
        self.invokers.get(&code)
    }

    /// A contract type by its id.
    pub fn contract_type(&self, id: ContractTypeId) -> Option<&Arc<ContractTypeRecord>> {
        self.contract_types.get(&id)
    }

    /// Whose key this is. The map is asked by a keyed digest, so its timing says nothing about any key.
    pub fn invoker_of_key(&self, digest: &KeyDigest) -> Option<InvokerCode> {
        let (kept, invoker) = self.keys.get_key_value(digest)?;
        kept.equals(digest).then_some(*invoker)
    }

    /// All invokers, by code.
    pub fn invokers(&self) -> impl Iterator<Item = (&InvokerCode, &Arc<InvokerRecord>)> {
        self.invokers.iter()
    }

    /// All contract types, by id.
    pub fn contract_types(&self) -> impl Iterator<Item = (&ContractTypeId, &Arc<ContractTypeRecord>)> {
        self.contract_types.iter()
    }

    pub(super) fn put_invoker(&mut self, code: InvokerCode, record: InvokerRecord) {
        self.keys.retain(|_, owner| *owner != code);
        self.keys
            .extend(record.keys.iter().map(|key| (KeyDigest(key.digest), code)));
        self.invokers.insert(code, Arc::new(record));
    }

    pub(super) fn remove_invoker(&mut self, code: InvokerCode) -> bool {
        self.keys.retain(|_, owner| *owner != code);
        self.invokers.remove(&code).is_some()
    }

    pub(super) fn put_contract_type(&mut self, id: ContractTypeId, record: ContractTypeRecord) {
        self.contract_types.insert(id, Arc::new(record));
    }

    pub(super) fn remove_contract_type(&mut self, id: ContractTypeId) -> bool {
        self.contract_types.remove(&id).is_some()
    }
}
