//! Who may sign for whom: agents, their licences, enrolments and keys, and the agreements of accounts.
//!
//! All of it is in memory and read by every request. One actor makes all changes, so that what it answers is both durable and visible.

mod change;
mod stage;
mod tables;

pub use change::{
    ACCOUNTS_PER_AGENT_MAX, AGENTS_MAX, Change, KEYS_PER_AGENT_MAX, LICENCES_PER_AGENT_MAX,
    NAME_CHARACTERS_MAX, REFERENCE_CHARACTERS_MAX, TAX_CODE_CHARACTERS_MAX, TAX_CODES_MAX, Unfit,
};

use super::records::{AgentKeyRecord, AgentRecord, AgreementKind, AgreementRecord};
use crate::clock::Clock;
use crate::directory::for_each;
use crate::ids::{AccountId, KeyId};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use signing_protocol::AgentId;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use storage::record::encode;
use storage::{Batch, Key, Store};
use tables::{Row, Tables};
use uuid::Uuid;

const AGENTS: &str = "agent";
const KEYS: &str = "agent-key";
const AGREEMENTS: &str = "agreement";
/// Rows of one commit: a report may change all keys of an agent, at most 1.3 KB each, and a batch holds a megabyte.
const ROWS_PER_COMMIT_MAX: usize = 500;

/// The book: read by anyone, changed through its actor.
#[derive(Clone)]
pub struct Book {
    tables: Arc<RwLock<Tables>>,
    writer: ActorRef<Apply>,
}

/// What a change came to.
pub type Applied = storage::Result<Result<(), Unfit>>;

impl Book {
    /// Reads everything and starts the writer.
    ///
    /// # Errors
    /// The store's, or a runtime that is already stopped.
    pub async fn open(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> storage::Result<Self> {
        let tables = Arc::new(RwLock::new(load(store.as_ref()).await?));
        let writer = Writer {
            tables: Arc::clone(&tables),
            store,
            clock,
        };
        let (writer, _) = Actor::spawn(None, writer, ())
            .await
            .map_err(|_| storage::Error::Closed)?;
        Ok(Self { tables, writer })
    }

    fn tables(&self) -> RwLockReadGuard<'_, Tables> {
        // Nothing panics while it is locked; a poisoned lock would still hold whole rows.
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// An agent.
    pub fn agent(&self, id: AgentId) -> Option<Arc<AgentRecord>> {
        self.tables().agent(id).cloned()
    }

    /// All agents, by id.
    pub fn agents(&self) -> Vec<(AgentId, Arc<AgentRecord>)> {
        let tables = self.tables();
        tables
            .agents()
            .map(|(id, record)| (*id, Arc::clone(record)))
            .collect()
    }

    /// Whose secret this is the SHA-256 of.
    pub fn agent_of_secret(&self, digest: &[u8; 32]) -> Option<AgentId> {
        self.tables().agent_of_secret(digest)
    }

    /// A key that an agent has, or had.
    pub fn key(&self, key: KeyId) -> Option<Arc<AgentKeyRecord>> {
        self.tables().key(key).cloned()
    }

    /// An agent's keys, those included that it no longer has.
    pub fn keys_of(&self, agent: AgentId) -> Vec<(KeyId, Arc<AgentKeyRecord>)> {
        let tables = self.tables();
        tables
            .keys_of(agent)
            .map(|(key, record)| (key, Arc::clone(record)))
            .collect()
    }

    /// An agreement, in force or ended.
    pub fn agreement(&self, account: AccountId, kind: AgreementKind) -> Option<Arc<AgreementRecord>> {
        self.tables().agreement(account, kind).cloned()
    }

    /// Whose key a certificate's is: the one account that the agent serves whose agreement on keys names the certificate's company, or
    /// else its taxpayer, and that has agreed to the agent's use too.
    ///
    /// # Errors
    /// [`NoAccount`].
    pub fn account_of_certificate(
        &self,
        agent: AgentId,
        company_code: Option<&str>,
        taxpayer_number: Option<&str>,
    ) -> Result<AccountId, NoAccount> {
        let tables = self.tables();
        let accounts = tables
            .agent(agent)
            .map(|agent| agent.accounts.clone())
            .unwrap_or_default();
        let named = |code: &str| -> Vec<AccountId> {
            let names = |account: &AccountId| {
                let agreement = tables.agreement(*account, AgreementKind::KeyUse);
                agreement.is_some_and(|agreement| {
                    agreement.is_in_force() && agreement.tax_codes.iter().any(|named| named == code)
                })
            };
            accounts.iter().copied().filter(names).collect()
        };
        let mut found = company_code.map(named).unwrap_or_default();
        if found.is_empty() {
            found = taxpayer_number.map(named).unwrap_or_default();
        }
        match found.as_slice() {
            [account] if tables.is_agreed(*account, AgreementKind::AgentUse) => Ok(*account),
            [_] => Err(NoAccount::AgentUse),
            [] => Err(NoAccount::KeyUse),
            _ => Err(NoAccount::Several),
        }
    }

    /// Makes a change, whole or not at all. When this returns it is durable and visible.
    ///
    /// # Errors
    /// The store's: then it was not made.
    pub async fn apply(&self, change: Change) -> Applied {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let apply = Apply {
            change,
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
            tracing::warn!("the writer of the book of agents did not finish within the deadline");
        }
    }
}

/// Why a key is nobody's that the gateway may serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAccount {
    /// No account of the agent has handed over keys of this holder.
    #[error(
        "no account that this agent serves has an agreement in force on handing over and using keys of this holder"
    )]
    KeyUse,
    /// The account did not agree to the agent's use.
    #[error("the holder's account has no agreement in force on using the agent")]
    AgentUse,
    /// Several accounts name the same holder.
    #[error("several accounts that this agent serves name this holder; support must say whose the key is")]
    Several,
}

fn agent_row(id: AgentId) -> Key {
    Key::table(AGENTS).raw(id.0.as_bytes()).build()
}

fn key_row(key: KeyId) -> Key {
    Key::table(KEYS).raw(key.0.as_bytes()).build()
}

fn agreement_row(account: AccountId, kind: AgreementKind) -> Key {
    let kind = match kind {
        AgreementKind::AgentUse => 1,
        AgreementKind::KeyUse => 2,
    };
    Key::table(AGREEMENTS).raw(account.0.as_bytes()).u8(kind).build()
}

async fn load(store: &dyn Store) -> storage::Result<Tables> {
    let mut tables = Tables::default();
    for_each(store, AGENTS, |mut key, record: AgentRecord| {
        let id = AgentId(Uuid::from_bytes(key.raw()?));
        tables.put(Row::Agent(id, Some(record)));
        key.finish()
    })
    .await?;
    for_each(store, KEYS, |mut key, record: AgentKeyRecord| {
        let id = KeyId(Uuid::from_bytes(key.raw()?));
        tables.put(Row::Key(id, Some(record)));
        key.finish()
    })
    .await?;
    for_each(store, AGREEMENTS, |mut key, record: AgreementRecord| {
        let account = AccountId(Uuid::from_bytes(key.raw()?));
        let kind = match key.u8()? {
            1 => AgreementKind::AgentUse,
            2 => AgreementKind::KeyUse,
            // A newer program's; it means nothing here, and stays.
            _ => return key.finish(),
        };
        tables.put(Row::Agreement(account, kind, record));
        key.finish()
    })
    .await?;
    Ok(tables)
}

/// The one that changes the book.
struct Writer {
    tables: Arc<RwLock<Tables>>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

struct Apply {
    change: Change,
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
        let applied = self.apply(apply.change).await;
        let _ = apply.reply.send(applied); // who has gone finds the change made all the same
        Ok(())
    }
}

impl Writer {
    async fn apply(&self, change: Change) -> Applied {
        let now = self.clock.now().wall.timestamp_millis();
        let staged = {
            // Nobody else writes, so that what is read here still holds when it is put.
            let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
            change.check().and_then(|()| stage::stage(&tables, change, now))
        };
        let rows = match staged {
            Ok(rows) => rows,
            Err(unfit) => return Ok(Err(unfit)),
        };
        for rows in rows.chunks(ROWS_PER_COMMIT_MAX) {
            let mut batch = Batch::default();
            for row in rows {
                match row {
                    Row::Agent(id, Some(record)) => batch.put(agent_row(*id), encode(record)?),
                    Row::Agent(id, None) => batch.delete(agent_row(*id)),
                    Row::Key(key, Some(record)) => batch.put(key_row(*key), encode(record)?),
                    Row::Key(key, None) => batch.delete(key_row(*key)),
                    Row::Agreement(account, kind, record) => {
                        batch.put(agreement_row(*account, *kind), encode(record)?);
                    }
                }
            }
            self.store.commit(batch).await?;
            let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
            rows.iter().for_each(|row| tables.put(row.clone()));
        }
        Ok(Ok(()))
    }
}
