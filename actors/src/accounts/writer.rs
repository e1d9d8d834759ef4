//! The one that changes rows and tables: each change is one commit, judged by what stands.

use super::change::{Change, KEYS_PER_ACCOUNT_MAX, TOKENS_PER_ACCOUNT_MAX};
use super::records::{AccountRecord, CashierRecord, TillRecord, TokenRecord};
use super::tables::Tables;
use super::{ACCOUNTS, AccountFacts, CASHIERS, TILLS, TOKENS, normal_email, read, token};
use crate::clock::Clock;
use crate::directory::keys::{KeyDigest, Pepper};
use crate::directory::records::KeyRecord;
use crate::directory::{Applied, Unfit};
use crate::ids::{AccountId, CashierId};
use crate::secret::Secret;
use fiscal::RegisterNumber;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use std::sync::{Arc, PoisonError, RwLock};
use storage::record::encode;
use storage::{Batch, Key, Store};
use uuid::Uuid;

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

/// The actor.
pub(super) struct Writer {
    pub(super) tables: Arc<RwLock<Tables>>,
    pub(super) store: Arc<dyn Store>,
    pub(super) pepper: Arc<Pepper>,
    pub(super) clock: Arc<dyn Clock>,
}

pub(super) struct Apply {
    pub(super) changes: Vec<Change>,
    pub(super) reply: RpcReplyPort<Applied>,
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
