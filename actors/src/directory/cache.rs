//! Customers that were read lately, with their numbers already normalised.
//!
//! A row that has changed is never served after its change was answered: the writer, once its commit is durable, first raises the generation and
//! then removes the row; a reader inserts, under the same lock as that removal, only if the generation is still the one from before its read.

use super::records::{ContactRecord, CustomerRecord};
use crate::ids::CustomerId;
use crate::maps::SharedMap;
use crate::phone::{NotMobile, Phone};
use dashmap::mapref::entry::Entry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Customers kept; about 500 bytes each. Beyond it all are forgotten at once, and read again as they are asked for.
const CUSTOMERS_MAX: usize = 100_000;

/// A customer as read, shared by whoever asks.
pub struct CachedCustomer {
    /// The row.
    pub record: CustomerRecord,
    phones: Vec<OnceLock<Result<Phone, NotMobile>>>,
}

impl CachedCustomer {
    fn new(record: CustomerRecord) -> Self {
        let phones = record.contacts.iter().map(|_| OnceLock::new()).collect();
        Self { record, phones }
    }

    /// A contact that is not deleted, by its code.
    pub fn contact(&self, code: i64) -> Option<(usize, &ContactRecord)> {
        self.record
            .contacts
            .iter()
            .enumerate()
            .find(|(_, contact)| contact.code == code && !contact.deleted)
    }

    /// The number of the contact at this place, normalised once.
    pub fn phone(&self, index: usize, region: phonenumber::country::Id) -> Result<Phone, NotMobile> {
        let parse = || Phone::mobile(&self.record.contacts[index].number, region);
        self.phones[index].get_or_init(parse).clone()
    }
}

/// The cache.
#[derive(Default)]
pub(super) struct Customers {
    rows: SharedMap<CustomerId, Arc<CachedCustomer>>,
    generation: AtomicU64,
}

impl Customers {
    /// A customer that was read lately.
    pub(super) fn get(&self, id: CustomerId) -> Option<Arc<CachedCustomer>> {
        self.rows.get(&id).map(|row| Arc::clone(&row))
    }

    /// To be taken before the store is read.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Keeps what was read, unless something was written since `generation` was taken. That a customer does not exist is not kept:
    /// anybody could fill the cache with such.
    pub(super) fn keep(
        &self,
        id: CustomerId,
        record: CustomerRecord,
        generation: u64,
    ) -> Arc<CachedCustomer> {
        let customer = Arc::new(CachedCustomer::new(record));
        if self.rows.len() >= CUSTOMERS_MAX {
            self.rows.clear();
        }
        if let Entry::Vacant(free) = self.rows.entry(id)
            && self.generation() == generation
        {
            free.insert(Arc::clone(&customer));
        }
        customer
    }

    /// To be called when a write is durable, before it is answered.
    pub(super) fn forget(&self, written: &[CustomerId]) {
        if written.is_empty() {
            return;
        }
        self.generation.fetch_add(1, Ordering::SeqCst);
        written.iter().for_each(|id| drop(self.rows.remove(id)));
    }
}
