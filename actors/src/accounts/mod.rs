//! Users of the fiscal side, their registers, cashiers and tokens: who may sell where, and whose key signs.
//!
//! All of it is in memory, read by every request and changed by one actor, so that what it answers is both durable and visible.

mod change;
pub mod password;
pub mod records;
mod tables;
pub mod token;

pub use change::{AccountFacts, Change, TOKENS_PER_ACCOUNT_MAX};

use crate::clock::Clock;
use crate::directory::keys::{KeyDigest, Pepper};
use crate::directory::records::KeyRecord;
use crate::directory::{Applied, Unfit, for_each};
use crate::ids::{AccountId, CashierId};
use crate::machines::register::Signer;
use crate::random::{Randomness, draw_uuid};
use crate::secret::Secret;
use change::KEYS_PER_ACCOUNT_MAX;
use fiscal::RegisterNumber;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use records::{AccountRecord, CashierRecord, TillRecord, TokenRecord};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use storage::record::encode;
use storage::{Batch, Key, Store};
use tables::Tables;
use uuid::Uuid;

const ACCOUNTS: &str = "account";
const TILLS: &str = "till";
const CASHIERS: &str = "cashier";
const TOKENS: &str = "user-token";

/// Users, registers, cashiers and tokens: read by anyone, changed through its actor.
#[derive(Clone)]
pub struct Accounts {
    tables: Arc<RwLock<Tables>>,
    pepper: Arc<Pepper>,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    writer: ActorRef<Apply>,
}

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub account: AccountId,
    /// The cashier, where the token is one's.
    pub cashier: Option<CashierId>,
}

/// A token as it is given, this once.
#[derive(Debug)]
pub struct GivenToken {
    /// By which it is revoked.
    pub id: Uuid,
    /// The token itself.
    pub token: Secret,
    /// Until when it is taken, in milliseconds since 1970.
    pub expires_ms: i64,
}

/// Why nobody can sign for a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSigner {
    /// The account has no cashier with a key.
    #[error("the account has no cashier with a key")]
    NoCashier,
    /// The cashier may not use this register.
    #[error("the cashier may not use this register")]
    NotAllowed,
    /// The cashier's certificate has ended, or has not begun.
    #[error("the cashier's certificate is not in force")]
    CertificateEnded,
}

impl Accounts {
    /// Loads everything and starts the writer.
    ///
    /// # Errors
    /// The store's, or a runtime that is already stopped.
    pub async fn open(
        store: Arc<dyn Store>,
        pepper: Arc<Pepper>,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
    ) -> storage::Result<Self> {
        let tables = Arc::new(RwLock::new(load(store.as_ref()).await?));
        let writer = Writer {
            tables: Arc::clone(&tables),
            store,
            pepper: Arc::clone(&pepper),
            clock: Arc::clone(&clock),
        };
        let (writer, _) = Actor::spawn(None, writer, ())
            .await
            .map_err(|_| storage::Error::Closed)?;
        Ok(Self {
            tables,
            pepper,
            clock,
            randomness,
            writer,
        })
    }

    fn tables(&self) -> RwLockReadGuard<'_, Tables> {
        read(&self.tables)
    }

    /// Whose permanent key or token this is; nobody's, where either is no longer taken.
    pub fn authenticate(&self, given: &Secret) -> Option<Caller> {
        let digest = token::digest(&self.pepper, given)?;
        let tables = self.tables();
        let caller = match tables.account_of_key(&digest) {
            Some(account) => Caller {
                account,
                cashier: None,
            },
            None => {
                let token = tables.token(&digest)?;
                let now_ms = self.clock.now().wall.timestamp_millis();
                (now_ms < token.expires_ms).then_some(Caller {
                    account: token.account,
                    cashier: token.cashier,
                })?
            }
        };
        let is_active = |cashier| tables.cashier(cashier).is_some_and(|cashier| cashier.is_active);
        let account = tables.account(caller.account)?;
        (account.is_active && caller.cashier.is_none_or(is_active)).then_some(caller)
    }

    /// A user by its id.
    pub fn account(&self, id: AccountId) -> Option<Arc<AccountRecord>> {
        self.tables().account(id).cloned()
    }

    /// A user by its address of e-mail, in whatever case.
    pub fn account_of_email(&self, email: &str) -> Option<(AccountId, Arc<AccountRecord>)> {
        let tables = self.tables();
        let id = tables.account_of_email(&normal_email(email))?;
        Some((id, Arc::clone(tables.account(id)?)))
    }

    /// All users, by id.
    pub fn accounts(&self) -> Vec<(AccountId, Arc<AccountRecord>)> {
        let tables = self.tables();
        let accounts = tables.accounts();
        accounts.map(|(id, record)| (*id, Arc::clone(record))).collect()
    }

    /// A register, whosever it is.
    pub fn till(&self, number: RegisterNumber) -> Option<Arc<TillRecord>> {
        self.tables().till(number).cloned()
    }

    /// A register of this user; `None` also for one of another, which is nobody's business.
    pub fn till_of(&self, account: AccountId, number: RegisterNumber) -> Option<Arc<TillRecord>> {
        self.till(number).filter(|till| till.account == account)
    }

    /// The registers of a user, by number.
    pub fn tills_of(&self, account: AccountId) -> Vec<(RegisterNumber, Arc<TillRecord>)> {
        let tables = self.tables();
        let tills = tables.tills_of(account);
        tills.map(|(number, till)| (number, Arc::clone(till))).collect()
    }

    /// A cashier by id.
    pub fn cashier(&self, id: CashierId) -> Option<Arc<CashierRecord>> {
        self.tables().cashier(id).cloned()
    }

    /// The cashiers of a user, oldest first.
    pub fn cashiers_of(&self, account: AccountId) -> Vec<(CashierId, Arc<CashierRecord>)> {
        let tables = self.tables();
        let cashiers = tables.cashiers_of(account);
        cashiers.map(|(id, cashier)| (id, Arc::clone(cashier))).collect()
    }

    /// The cashiers who sign with this key, of whatever user.
    pub fn cashiers_with_key(&self, key: crate::ids::KeyId) -> Vec<(CashierId, Arc<CashierRecord>)> {
        let tables = self.tables();
        let cashiers = tables.cashiers().filter(|(_, cashier)| cashier.key == key);
        cashiers.map(|(id, cashier)| (*id, Arc::clone(cashier))).collect()
    }

    /// The tokens of a user, oldest first, ended ones among them.
    pub fn tokens_of(&self, account: AccountId) -> Vec<Arc<TokenRecord>> {
        self.tables()
            .tokens_of(account)
            .map(|(_, token)| Arc::clone(token))
            .collect()
    }

    /// Who signs when this caller asks for something of a register: the token's cashier; else the register's; else the first of the account
    /// who may use the register and whose certificate is in force.
    ///
    /// # Errors
    /// [`NoSigner`].
    pub fn signer(&self, caller: Caller, register: Option<RegisterNumber>) -> Result<Signer, NoSigner> {
        let now_ms = self.clock.now().wall.timestamp_millis();
        let in_force =
            |cashier: &CashierRecord| (cashier.valid_from_ms..cashier.valid_until_ms).contains(&now_ms);
        let may_use = |cashier: &CashierRecord| match register {
            Some(register) => cashier.may_use(register),
            None => cashier.is_active,
        };
        let tables = self.tables();
        let named = caller.cashier.or_else(|| tables.till(register?)?.cashier);
        let (id, cashier) = match named {
            Some(id) => (id, tables.cashier(id).ok_or(NoSigner::NoCashier)?),
            None => {
                let mut able = tables
                    .cashiers_of(caller.account)
                    .filter(|(_, cashier)| may_use(cashier));
                let first = able.next().ok_or(NoSigner::NoCashier)?;
                let fit = std::iter::once(first)
                    .chain(able)
                    .find(|(_, cashier)| in_force(cashier));
                fit.ok_or(NoSigner::CertificateEnded)?
            }
        };
        if cashier.account != caller.account || !may_use(cashier) {
            return Err(NoSigner::NotAllowed);
        }
        if !in_force(cashier) {
            return Err(NoSigner::CertificateEnded);
        }
        Ok(Signer {
            account: caller.account,
            cashier: id,
            key: cashier.key,
            subject_key_id: cashier.subject_key_id.clone(),
            name: cashier.name.clone(),
            is_senior: cashier.is_senior,
        })
    }

    /// Gives a token that ends in [`token::LIFETIME`]. When this returns it is durable and taken.
    ///
    /// # Errors
    /// The store's, or no random numbers.
    pub async fn give_token(&self, caller: Caller) -> storage::Result<GivenToken> {
        let now = self.clock.now();
        let issued_ms = now.wall.timestamp_millis();
        let expires_ms = issued_ms.saturating_add(crate::clock::millis(token::LIFETIME));
        let failed = |_| storage::Error::Closed;
        let randomness = self.randomness.as_ref();
        let token = token::draw(&self.pepper, randomness, issued_ms, expires_ms).map_err(failed)?;
        let id = draw_uuid(randomness, now).map_err(failed)?;
        let digest = token::digest(&self.pepper, &token).expect("what was drawn is short");
        let record = TokenRecord {
            id,
            account: caller.account,
            cashier: caller.cashier,
            issued_ms,
            expires_ms,
        };
        let applied = self.apply(vec![Change::IssueToken(digest, record)]).await?;
        match applied.into_iter().next() {
            Some(Ok(())) => Ok(GivenToken {
                id,
                token,
                expires_ms,
            }),
            _ => Err(storage::Error::Closed),
        }
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
            tracing::warn!("the writer of accounts did not finish within the deadline");
        }
    }
}

fn read(tables: &RwLock<Tables>) -> RwLockReadGuard<'_, Tables> {
    // A writer that died left whole rows: each is put by one call.
    tables.read().unwrap_or_else(PoisonError::into_inner)
}

/// Addresses are compared without case, as people write them.
fn normal_email(email: &str) -> String {
    email.trim().to_lowercase()
}

async fn load(store: &dyn Store) -> storage::Result<Tables> {
    let mut tables = Tables::default();
    for_each::<AccountRecord>(store, ACCOUNTS, |mut reader, record| {
        tables.put_account(AccountId(Uuid::from_bytes(reader.raw::<16>()?)), record);
        Ok(())
    })
    .await?;
    for_each::<TillRecord>(store, TILLS, |mut reader, record| {
        let number = reader.u64()?;
        let number = RegisterNumber::new(number).map_err(|fault| storage::Error::Corrupt {
            what: format!("key of the till {number}"),
            detail: fault.to_string(),
        })?;
        tables.put_till(number, record);
        Ok(())
    })
    .await?;
    for_each::<CashierRecord>(store, CASHIERS, |mut reader, record| {
        tables.put_cashier(CashierId(Uuid::from_bytes(reader.raw::<16>()?)), record);
        Ok(())
    })
    .await?;
    for_each::<TokenRecord>(store, TOKENS, |mut reader, record| {
        tables.put_token(KeyDigest(reader.raw::<32>()?), record);
        Ok(())
    })
    .await?;
    Ok(tables)
}

fn account_row(id: AccountId) -> Key {
    Key::table(ACCOUNTS).raw(id.0.as_bytes()).build()
}

fn till_row(number: RegisterNumber) -> Key {
    Key::table(TILLS).u64(number.get()).build()
}

fn cashier_row(id: CashierId) -> Key {
    Key::table(CASHIERS).raw(id.0.as_bytes()).build()
}

fn token_row(digest: &KeyDigest) -> Key {
    Key::table(TOKENS).raw(&digest.0).build()
}

/// The one that changes rows and tables.
struct Writer {
    tables: Arc<RwLock<Tables>>,
    store: Arc<dyn Store>,
    pepper: Arc<Pepper>,
    clock: Arc<dyn Clock>,
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
        let mut results = Vec::with_capacity(apply.changes.len());
        for change in apply.changes {
            match self.make(change).await {
                Ok(result) => results.push(result),
                Err(error) => {
                    let _ = apply.reply.send(Err(error)); // who has gone asks again
                    return Ok(());
                }
            }
        }
        let _ = apply.reply.send(Ok(results)); // who has gone finds the changes made all the same
        Ok(())
    }
}

/// What becomes of the tables once the batch is durable.
type Deed = Box<dyn FnOnce(&mut Tables) + Send>;

impl Writer {
    /// One change is one commit: later changes of the same message are judged by it.
    async fn make(&self, change: Change) -> storage::Result<Result<(), Unfit>> {
        if let Err(unfit) = change.check() {
            return Ok(Err(unfit));
        }
        let mut batch = Batch::default();
        let staged = self.stage(change, &mut batch)?;
        let deed = match staged {
            Ok(deed) => deed,
            Err(unfit) => return Ok(Err(unfit)),
        };
        if !batch.is_empty() {
            self.store.commit(batch).await?;
        }
        deed(&mut self.tables.write().unwrap_or_else(PoisonError::into_inner));
        Ok(Ok(()))
    }

    fn stage(&self, change: Change, batch: &mut Batch) -> storage::Result<Result<Deed, Unfit>> {
        let tables = read(&self.tables);
        Ok(match change {
            Change::PutAccount { id, facts } => {
                let record = match changed_account(&tables, id, facts) {
                    Ok(record) => record,
                    Err(unfit) => return Ok(Err(unfit)),
                };
                put_account(id, record, batch)?
            }
            Change::AddKey { account, key, id } => match self.keyed_account(&tables, account, &key, id) {
                Ok(Some(record)) => put_account(account, record, batch)?,
                Ok(None) => Ok(Box::new(|_: &mut Tables| {})),
                Err(unfit) => Err(unfit),
            },
            Change::RevokeKey { account, id } => match unkeyed_account(&tables, account, id) {
                Some(record) => put_account(account, record, batch)?,
                None => Err(Unfit::NotFound),
            },
            Change::PutTill(number, record) => put_till(&tables, number, *record, batch)?,
            Change::SynchroniseTill(number, record) => match synchronised(&tables, number, *record) {
                Some(record) => put_till(&tables, number, record, batch)?,
                None => Ok(Box::new(|_: &mut Tables| {})),
            },
            Change::DeleteTill(number) => {
                if tables.till(number).is_none() {
                    return Ok(Err(Unfit::NotFound));
                }
                batch.delete(till_row(number));
                Ok(Box::new(move |tables: &mut Tables| tables.remove_till(number)))
            }
            Change::PutCashier(id, record) => put_cashier(&tables, id, *record, batch)?,
            Change::IssueToken(digest, record) => self.issue_token(&tables, digest, record, batch)?,
            Change::RevokeToken { account, id } => {
                let found = tables.tokens_of(account).find(|(_, token)| token.id == id);
                let Some((digest, _)) = found else {
                    return Ok(Err(Unfit::NotFound));
                };
                batch.delete(token_row(&digest));
                Ok(Box::new(move |tables: &mut Tables| tables.remove_token(&digest)))
            }
        })
    }

    /// The account with one key more; `None` where it has the key already.
    fn keyed_account(
        &self,
        tables: &Tables,
        account: AccountId,
        key: &Secret,
        id: Uuid,
    ) -> Result<Option<AccountRecord>, Unfit> {
        let record = tables.account(account).ok_or(Unfit::NotFound)?;
        let digest = token::digest(&self.pepper, key).ok_or(crate::directory::keys::UnfitKey)?;
        match tables.account_of_key(&digest) {
            Some(owner) if owner == account => return Ok(None),
            Some(_) => return Err(Unfit::KeyTaken),
            None => {}
        }
        if record.keys.len() >= KEYS_PER_ACCOUNT_MAX {
            return Err(Unfit::TooMany {
                field: "keys",
                max: KEYS_PER_ACCOUNT_MAX,
            });
        }
        let mut record = AccountRecord::clone(record);
        record.keys.push(KeyRecord {
            id,
            digest: digest.0,
            added_ms: self.clock.now().wall.timestamp_millis(),
        });
        Ok(Some(record))
    }

    fn issue_token(
        &self,
        tables: &Tables,
        digest: KeyDigest,
        record: TokenRecord,
        batch: &mut Batch,
    ) -> storage::Result<Result<Deed, Unfit>> {
        if tables.account(record.account).is_none() {
            return Ok(Err(Unfit::NotFound));
        }
        let now_ms = self.clock.now().wall.timestamp_millis();
        let ended = tables
            .tokens_of(record.account)
            .filter(|(_, token)| token.expires_ms <= now_ms);
        let mut leaving: Vec<KeyDigest> = ended.map(|(digest, _)| digest).collect();
        let left = tables.tokens_of(record.account).count() - leaving.len();
        if left >= TOKENS_PER_ACCOUNT_MAX {
            let mut of_email = tables
                .tokens_of(record.account)
                .filter(|(_, token)| token.cashier.is_none() && token.expires_ms > now_ms);
            match of_email.next() {
                Some((oldest, _)) => leaving.push(oldest),
                None => {
                    let max = TOKENS_PER_ACCOUNT_MAX;
                    return Ok(Err(Unfit::TooMany { field: "tokens", max }));
                }
            }
        }
        // The last expired ones go with a later token: a batch stays small.
        leaving.truncate(storage::BATCH_OPERATIONS_MAX / 2);
        leaving.iter().for_each(|digest| batch.delete(token_row(digest)));
        batch.put(token_row(&digest), encode(&record)?);
        Ok(Ok(Box::new(move |tables: &mut Tables| {
            leaving.iter().for_each(|digest| tables.remove_token(digest));
            tables.put_token(digest, record);
        })))
    }
}

fn put_account(
    id: AccountId,
    record: AccountRecord,
    batch: &mut Batch,
) -> storage::Result<Result<Deed, Unfit>> {
    batch.put(account_row(id), encode(&record)?);
    Ok(Ok(Box::new(move |tables: &mut Tables| {
        tables.put_account(id, record);
    })))
}

fn put_till(
    tables: &Tables,
    number: RegisterNumber,
    record: TillRecord,
    batch: &mut Batch,
) -> storage::Result<Result<Deed, Unfit>> {
    if tables.account(record.account).is_none() {
        return Ok(Err(Unfit::Unknown { field: "account" }));
    }
    let is_own = |id| {
        tables
            .cashier(id)
            .is_some_and(|cashier| cashier.account == record.account)
    };
    if !record.cashier.is_none_or(is_own) {
        return Ok(Err(Unfit::Unknown { field: "cashier" }));
    }
    batch.put(till_row(number), encode(&record)?);
    Ok(Ok(Box::new(move |tables: &mut Tables| {
        tables.put_till(number, record);
    })))
}

fn put_cashier(
    tables: &Tables,
    id: CashierId,
    record: CashierRecord,
    batch: &mut Batch,
) -> storage::Result<Result<Deed, Unfit>> {
    if tables.account(record.account).is_none() {
        return Ok(Err(Unfit::Unknown { field: "account" }));
    }
    batch.put(cashier_row(id), encode(&record)?);
    Ok(Ok(Box::new(move |tables: &mut Tables| {
        tables.put_cashier(id, record);
    })))
}

fn changed_account(tables: &Tables, id: AccountId, facts: AccountFacts) -> Result<AccountRecord, Unfit> {
    let earlier = tables.account(id);
    let email = facts.email.as_deref().map(normal_email);
    let owner = email.as_ref().and_then(|email| tables.account_of_email(email));
    if owner.is_some_and(|owner| owner != id) {
        return Err(Unfit::Taken { field: "email" });
    }
    let kept = earlier.and_then(|earlier| earlier.password.clone());
    let password = facts.password.or(kept).filter(|_| email.is_some());
    Ok(AccountRecord {
        name: facts.name,
        email,
        password,
        keys: earlier.map(|earlier| earlier.keys.clone()).unwrap_or_default(),
        is_active: facts.is_active,
        hold_seconds: facts.hold_seconds,
        may_relay_keys: facts.may_relay_keys,
    })
}

fn unkeyed_account(tables: &Tables, account: AccountId, id: Uuid) -> Option<AccountRecord> {
    let mut record = AccountRecord::clone(tables.account(account)?);
    let before = record.keys.len();
    record.keys.retain(|key| key.id != id);
    (record.keys.len() < before).then_some(record)
}

/// A row as the tax service's word leaves it; `None` where nothing is to be written.
fn synchronised(tables: &Tables, number: RegisterNumber, named: TillRecord) -> Option<TillRecord> {
    let Some(earlier) = tables.till(number) else {
        return Some(named);
    };
    if earlier.account != named.account {
        return None;
    }
    let next = TillRecord {
        account: earlier.account,
        name: named.name,
        seller: named.seller,
        cash_desk: named.cash_desk,
        is_closed: named.is_closed,
        synchronised_ms: named.synchronised_ms,
        ..TillRecord::clone(earlier)
    };
    let same_but_for_time = TillRecord {
        synchronised_ms: earlier.synchronised_ms,
        ..next.clone()
    };
    (same_but_for_time != **earlier).then_some(next)
}
