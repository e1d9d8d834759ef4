//! Who may call for what, and whom a code may go to.
//!
//! Invokers, contract types and keys are few and read by every request: they live in a snapshot. Customers are many: they are read from
//! the store. One actor makes all changes, so that what it answers is both durable and visible.

mod cache;
mod change;
pub mod evidence;
mod evidence_records;
pub mod keys;
pub mod records;
mod snapshot;

pub use cache::CachedCustomer;
pub use change::{Change, Unfit};
pub use evidence::{EvidenceChange, SinkTarget};
pub use snapshot::Snapshot;

use crate::clock::Clock;
use crate::ids::{ContractTypeId, CustomerId, InvokerCode};
use crate::random::{Randomness, draw_uuid};
use crate::secret::Secret;
use arc_swap::ArcSwap;
use keys::{KeyDigest, Pepper};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use records::{ContractTypeRecord, InvokerRecord, KeyRecord};
use std::sync::Arc;
use storage::record::{Record, decode, encode};
use storage::{Batch, Key, KeyReader, Scan, Store};

const INVOKERS: &str = "invoker";
const CONTRACT_TYPES: &str = "contract-type";
const CUSTOMERS: &str = "customer";

/// Changes that one message may carry: a batch of them is one commit, and 500 keep it well under the committer's megabyte.
pub const CHANGES_PER_BATCH_MAX: usize = 500;

/// The directory: read by anyone, changed through its actor.
#[derive(Clone)]
pub struct Directory {
    snapshot: Arc<ArcSwap<Snapshot>>,
    customers: Arc<cache::Customers>,
    store: Arc<dyn Store>,
    pepper: Arc<Pepper>,
    writer: ActorRef<Apply>,
}

/// What a batch of changes came to, one result a change, in order.
pub type Applied = storage::Result<Vec<Result<(), Unfit>>>;

impl Directory {
    /// Loads the snapshot and starts the writer.
    ///
    /// # Errors
    /// The store's, or a runtime that is already stopped.
    pub async fn open(
        store: Arc<dyn Store>,
        pepper: Arc<Pepper>,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
    ) -> storage::Result<Self> {
        let snapshot = Arc::new(ArcSwap::from_pointee(load(store.as_ref()).await?));
        let customers = Arc::<cache::Customers>::default();
        let writer = Writer {
            snapshot: Arc::clone(&snapshot),
            customers: Arc::clone(&customers),
            store: Arc::clone(&store),
            pepper: Arc::clone(&pepper),
            clock,
            randomness,
        };
        let (writer, _) = Actor::spawn(None, writer, ())
            .await
            .map_err(|_| storage::Error::Closed)?;
        Ok(Self {
            snapshot,
            customers,
            store,
            pepper,
            writer,
        })
    }

    /// The present snapshot.
    pub fn snapshot(&self) -> arc_swap::Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    /// Whose key this is, if anybody's.
    pub fn authenticate(&self, key: &Secret) -> Option<InvokerCode> {
        self.snapshot().invoker_of_key(&self.pepper.digest(key))
    }

    /// Which integration's key this is, if any's.
    pub fn authenticate_integration(&self, key: &Secret) -> Option<Arc<str>> {
        self.snapshot().integration_of_key(&self.pepper.digest(key))
    }

    /// A customer as the last answered change left it.
    pub async fn customer(&self, id: CustomerId) -> storage::Result<Option<Arc<CachedCustomer>>> {
        if let Some(known) = self.customers.get(id) {
            return Ok(Some(known));
        }
        let generation = self.customers.generation();
        let Some(stored) = self.store.get(customer_row(id)).await? else {
            return Ok(None);
        };
        Ok(Some(self.customers.keep(id, decode(&stored.value)?, generation)))
    }

    /// Makes changes; each is made whole or not at all. When this returns they are durable and visible.
    ///
    /// # Errors
    /// The store's: then none of them was made.
    pub async fn apply(&self, changes: Vec<Change>) -> Applied {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let apply = Apply {
            changes,
            reply: sender.into(),
        };
        self.writer
            .send_message(apply)
            .map_err(|_| storage::Error::Closed)?;
        receiver.await.unwrap_or(Err(storage::Error::Closed))
    }

    /// Lets the writer finish what it was given.
    pub async fn drain(&self, deadline: std::time::Duration) {
        if self.writer.drain_and_wait(Some(deadline)).await.is_err() {
            tracing::warn!("the directory's writer did not finish within the deadline");
        }
    }
}

fn customer_row(id: CustomerId) -> Key {
    Key::table(CUSTOMERS).i64(id.0).build()
}

fn invoker_row(code: InvokerCode) -> Key {
    Key::table(INVOKERS).raw(code.0.as_bytes()).build()
}

fn contract_type_row(id: ContractTypeId) -> Key {
    Key::table(CONTRACT_TYPES).u8(id.0).build()
}

async fn load(store: &dyn Store) -> storage::Result<Snapshot> {
    let mut snapshot = Snapshot::default();
    for_each::<InvokerRecord>(store, INVOKERS, |mut reader, record| {
        let bytes = reader.raw::<16>()?;
        snapshot.put_invoker(InvokerCode(uuid::Uuid::from_bytes(bytes)), record);
        Ok(())
    })
    .await?;
    for_each::<ContractTypeRecord>(store, CONTRACT_TYPES, |mut reader, record| {
        snapshot.put_contract_type(ContractTypeId(reader.u8()?), record);
        Ok(())
    })
    .await?;
    load_evidence(store, &mut snapshot.evidence).await?;
    Ok(snapshot)
}

async fn load_evidence(store: &dyn Store, snapshot: &mut evidence::EvidenceSnapshot) -> storage::Result<()> {
    for_each::<evidence::IntegrationRecord>(store, evidence::INTEGRATIONS, |mut reader, record| {
        snapshot.put_integration(reader.text()?, record);
        Ok(())
    })
    .await?;
    for_each::<evidence::AlgorithmsRecord>(store, evidence::ALGORITHMS, |mut reader, record| {
        snapshot.put_algorithms(reader.text()?, reader.text()?, record);
        Ok(())
    })
    .await?;
    for_each::<SinkTarget>(store, evidence::SINKS, |mut reader, record| {
        snapshot.put_sink(reader.text()?, record);
        Ok(())
    })
    .await?;
    for_each::<evidence::LinkRecord>(store, evidence::LINKS, |mut reader, record| {
        let invoker = InvokerCode(uuid::Uuid::from_bytes(reader.raw::<16>()?));
        snapshot.put_link(invoker, &record.integration);
        Ok(())
    })
    .await
}

/// Reads a whole table, page by page.
pub(crate) async fn for_each<R: Record>(
    store: &dyn Store,
    table: &'static str,
    mut take: impl FnMut(KeyReader<'_>, R) -> storage::Result<()>,
) -> storage::Result<()> {
    let mut after = None;
    loop {
        let scan = Scan {
            prefix: Key::table(table).build(),
            after,
            until: None,
            limit: storage::SCAN_MAX,
        };
        let rows = store.scan(scan).await?;
        for row in &rows {
            take(KeyReader::new(&row.key, table)?, decode(&row.stored.value)?)?;
        }
        if rows.len() < storage::SCAN_MAX {
            return Ok(());
        }
        after = rows.into_iter().last().map(|row| row.key);
    }
}

/// The one that changes the directory.
struct Writer {
    snapshot: Arc<ArcSwap<Snapshot>>,
    customers: Arc<cache::Customers>,
    store: Arc<dyn Store>,
    pepper: Arc<Pepper>,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
}

struct Apply {
    changes: Vec<Change>,
    reply: RpcReplyPort<Applied>,
}

impl Actor for Writer {
    type Msg = Apply;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Apply>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(&self, _: ActorRef<Apply>, apply: Apply, (): &mut ()) -> Result<(), ActorProcessingErr> {
        let applied = self.apply(apply.changes).await;
        let _ = apply.reply.send(applied); // who has gone finds the changes made all the same
        Ok(())
    }
}

impl Writer {
    async fn apply(&self, changes: Vec<Change>) -> Applied {
        let mut next = None;
        let mut batch = Batch::default();
        let touched: Vec<CustomerId> = changes.iter().filter_map(Change::customer).collect();
        let mut results = Vec::with_capacity(changes.len());
        for change in changes {
            results.push(match change.check() {
                Ok(()) => self.stage(change, &mut next, &mut batch).await?,
                Err(unfit) => Err(unfit),
            });
        }
        if !batch.is_empty() {
            let committed = self.store.commit(batch).await;
            // Also where it failed: what is on disk then is not known here.
            self.customers.forget(&touched);
            committed?;
        }
        if let Some(next) = next {
            self.snapshot.store(Arc::new(next));
        }
        Ok(results)
    }

    /// Puts one change into the batch and into the snapshot to come; a change that cannot be made leaves both as they were.
    async fn stage(
        &self,
        change: Change,
        next: &mut Option<Snapshot>,
        batch: &mut Batch,
    ) -> storage::Result<Result<(), Unfit>> {
        let snapshot = || Snapshot::clone(&self.snapshot.load_full());
        match change {
            Change::PutCustomer(id, record) => batch.put(customer_row(id), encode(&record)?),
            Change::DeleteCustomer(id) => {
                if self.store.get(customer_row(id)).await?.is_none() {
                    return Ok(Err(Unfit::NotFound));
                }
                batch.delete(customer_row(id));
            }
            Change::PutContractType(id, record) => {
                batch.put(contract_type_row(id), encode(&record)?);
                next.get_or_insert_with(snapshot).put_contract_type(id, record);
            }
            Change::DeleteContractType(id) => {
                if !next.get_or_insert_with(snapshot).remove_contract_type(id) {
                    return Ok(Err(Unfit::NotFound));
                }
                batch.delete(contract_type_row(id));
            }
            Change::DeleteInvoker(code) => {
                if !next.get_or_insert_with(snapshot).remove_invoker(code) {
                    return Ok(Err(Unfit::NotFound));
                }
                batch.delete(invoker_row(code));
            }
            Change::Evidence(change) => {
                let now_ms = self.clock.now().wall.timestamp_millis();
                let next = next.get_or_insert_with(snapshot);
                return change.stage(&self.pepper, now_ms, next, batch);
            }
            Change::PutInvoker { .. } | Change::AddKey { .. } | Change::RevokeKey { .. } => {
                let next = next.get_or_insert_with(snapshot);
                let (code, record) = match self.changed_invoker(change, next)? {
                    Ok(changed) => changed,
                    Err(unfit) => return Ok(Err(unfit)),
                };
                batch.put(invoker_row(code), encode(&record)?);
                next.put_invoker(code, record);
            }
        }
        Ok(Ok(()))
    }

    /// An invoker's row as a change leaves it.
    fn changed_invoker(
        &self,
        change: Change,
        snapshot: &Snapshot,
    ) -> storage::Result<Result<(InvokerCode, InvokerRecord), Unfit>> {
        let known = |code| snapshot.invoker(code).map(|record| InvokerRecord::clone(record));
        let (code, mut record, key) = match change {
            Change::PutInvoker {
                code,
                name,
                mut contract_types,
                key,
            } => {
                contract_types.sort_unstable();
                contract_types.dedup();
                let keys = known(code).map(|earlier| earlier.keys).unwrap_or_default();
                let key = match key {
                    Some(key) => Some((key, self.draw_id()?)),
                    None => None,
                };
                (
                    code,
                    InvokerRecord {
                        name,
                        contract_types,
                        keys,
                    },
                    key,
                )
            }
            Change::AddKey { invoker, key, id } => match known(invoker) {
                Some(record) => (invoker, record, Some((key, id))),
                None => return Ok(Err(Unfit::NotFound)),
            },
            Change::RevokeKey { invoker, id } => {
                let Some(mut record) =
                    known(invoker).filter(|record| record.keys.iter().any(|key| key.id == id))
                else {
                    return Ok(Err(Unfit::NotFound));
                };
                record.keys.retain(|key| key.id != id);
                (invoker, record, None)
            }
            _ => unreachable!("only changes of invokers come here"),
        };
        if let Some((key, id)) = key
            && let Err(unfit) = self.add_key(snapshot, code, &mut record, &key, id)
        {
            return Ok(Err(unfit));
        }
        Ok(Ok((code, record)))
    }

    /// An id for a key. Without random numbers nothing can be changed.
    fn draw_id(&self) -> storage::Result<uuid::Uuid> {
        draw_uuid(self.randomness.as_ref(), self.clock.now()).map_err(|_| storage::Error::Closed)
    }

    /// Adds a key to a record; one that is there already stays as it is.
    fn add_key(
        &self,
        snapshot: &Snapshot,
        invoker: InvokerCode,
        record: &mut InvokerRecord,
        key: &Secret,
        id: uuid::Uuid,
    ) -> Result<(), Unfit> {
        let digest: KeyDigest = self.pepper.digest(key);
        match snapshot.invoker_of_key(&digest) {
            Some(owner) if owner != invoker => return Err(Unfit::KeyTaken),
            Some(_) => return Ok(()),
            None => {}
        }
        if record.keys.len() >= change::KEYS_PER_INVOKER_MAX {
            return Err(Unfit::TooMany {
                field: "keys",
                max: change::KEYS_PER_INVOKER_MAX,
            });
        }
        let added_ms = self.clock.now().wall.timestamp_millis();
        record.keys.push(KeyRecord {
            id,
            digest: digest.0,
            added_ms,
        });
        Ok(())
    }
}
