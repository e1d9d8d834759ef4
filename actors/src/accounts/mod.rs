//! Users of the fiscal side, their registers, cashiers and tokens: who may sell where, and whose key signs.
//!
//! All of it is in memory, read by every request and changed by one actor, so that what it answers is both durable and visible.

mod change;
pub mod password;
pub mod records;
mod tables;
pub mod token;
mod writer;

pub use change::{AccountFacts, Change, TOKENS_PER_ACCOUNT_MAX};

use crate::clock::Clock;
use crate::directory::keys::{KeyDigest, Pepper};
use crate::directory::{Applied, for_each};
use crate::ids::{AccountId, CashierId};
use crate::machines::register::Signer;
use crate::random::{Randomness, draw_uuid};
use crate::secret::Secret;
use fiscal::RegisterNumber;
use ractor::{Actor, ActorRef};
use records::{AccountRecord, CashierRecord, TillRecord, TokenRecord};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use storage::Store;
use tables::Tables;
use uuid::Uuid;
use writer::{Apply, Writer};

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
