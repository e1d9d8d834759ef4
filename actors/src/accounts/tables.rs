//! All users, registers, cashiers and tokens as every request reads them.

use super::records::{AccountRecord, CashierRecord, TillRecord, TokenRecord};
use crate::directory::keys::KeyDigest;
use crate::ids::{AccountId, CashierId};
use fiscal::RegisterNumber;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// In memory, whole: a register is about a kilobyte, and ten thousand of them ten megabytes.
#[derive(Default)]
pub(super) struct Tables {
    accounts: BTreeMap<AccountId, Arc<AccountRecord>>,
    emails: HashMap<String, AccountId>,
    keys: HashMap<KeyDigest, AccountId>,
    tills: BTreeMap<RegisterNumber, Arc<TillRecord>>,
    tills_of: BTreeSet<(AccountId, RegisterNumber)>,
    cashiers: BTreeMap<CashierId, Arc<CashierRecord>>,
    cashiers_of: BTreeSet<(AccountId, CashierId)>,
    tokens: HashMap<KeyDigest, Arc<TokenRecord>>,
    tokens_of: BTreeSet<(AccountId, i64, [u8; 32])>,
}

impl Tables {
    pub(super) fn account(&self, id: AccountId) -> Option<&Arc<AccountRecord>> {
        self.accounts.get(&id)
    }

    pub(super) fn accounts(&self) -> impl Iterator<Item = (&AccountId, &Arc<AccountRecord>)> {
        self.accounts.iter()
    }

    pub(super) fn account_of_email(&self, email: &str) -> Option<AccountId> {
        self.emails.get(email).copied()
    }

    /// The map is asked by a keyed digest, so its timing says nothing about any key.
    pub(super) fn account_of_key(&self, digest: &KeyDigest) -> Option<AccountId> {
        let (kept, account) = self.keys.get_key_value(digest)?;
        kept.equals(digest).then_some(*account)
    }

    pub(super) fn till(&self, number: RegisterNumber) -> Option<&Arc<TillRecord>> {
        self.tills.get(&number)
    }

    pub(super) fn tills_of(
        &self,
        account: AccountId,
    ) -> impl Iterator<Item = (RegisterNumber, &Arc<TillRecord>)> {
        let first = RegisterNumber::new(1).expect("one is above zero");
        self.tills_of
            .range((account, first)..)
            .take_while(move |(owner, _)| *owner == account)
            .filter_map(|(_, number)| Some((*number, self.tills.get(number)?)))
    }

    pub(super) fn cashier(&self, id: CashierId) -> Option<&Arc<CashierRecord>> {
        self.cashiers.get(&id)
    }

    pub(super) fn cashiers(&self) -> impl Iterator<Item = (&CashierId, &Arc<CashierRecord>)> {
        self.cashiers.iter()
    }

    /// In the order of their registration: ids are drawn in it.
    pub(super) fn cashiers_of(
        &self,
        account: AccountId,
    ) -> impl Iterator<Item = (CashierId, &Arc<CashierRecord>)> {
        let first = CashierId(uuid::Uuid::nil());
        self.cashiers_of
            .range((account, first)..)
            .take_while(move |(owner, _)| *owner == account)
            .filter_map(|(_, id)| Some((*id, self.cashiers.get(id)?)))
    }

    pub(super) fn token(&self, digest: &KeyDigest) -> Option<&Arc<TokenRecord>> {
        let (kept, token) = self.tokens.get_key_value(digest)?;
        kept.equals(digest).then_some(token)
    }

    /// Oldest first.
    pub(super) fn tokens_of(
        &self,
        account: AccountId,
    ) -> impl Iterator<Item = (KeyDigest, &Arc<TokenRecord>)> {
        self.tokens_of
            .range((account, i64::MIN, [0; 32])..)
            .take_while(move |(owner, ..)| *owner == account)
            .filter_map(|(.., digest)| {
                let digest = KeyDigest(*digest);
                Some((digest, self.tokens.get(&digest)?))
            })
    }

    pub(super) fn put_account(&mut self, id: AccountId, record: AccountRecord) {
        if let Some(earlier) = self.accounts.get(&id) {
            if let Some(email) = &earlier.email {
                self.emails.remove(email);
            }
            for key in &earlier.keys {
                self.keys.remove(&KeyDigest(key.digest));
            }
        }
        self.emails.extend(record.email.clone().map(|email| (email, id)));
        self.keys
            .extend(record.keys.iter().map(|key| (KeyDigest(key.digest), id)));
        self.accounts.insert(id, Arc::new(record));
    }

    pub(super) fn put_till(&mut self, number: RegisterNumber, record: TillRecord) {
        self.remove_till(number);
        self.tills_of.insert((record.account, number));
        self.tills.insert(number, Arc::new(record));
    }

    pub(super) fn remove_till(&mut self, number: RegisterNumber) {
        if let Some(earlier) = self.tills.remove(&number) {
            self.tills_of.remove(&(earlier.account, number));
        }
    }

    pub(super) fn put_cashier(&mut self, id: CashierId, record: CashierRecord) {
        if let Some(earlier) = self.cashiers.get(&id) {
            self.cashiers_of.remove(&(earlier.account, id));
        }
        self.cashiers_of.insert((record.account, id));
        self.cashiers.insert(id, Arc::new(record));
    }

    pub(super) fn put_token(&mut self, digest: KeyDigest, record: TokenRecord) {
        self.tokens_of
            .insert((record.account, record.issued_ms, digest.0));
        self.tokens.insert(digest, Arc::new(record));
    }

    pub(super) fn remove_token(&mut self, digest: &KeyDigest) {
        if let Some(earlier) = self.tokens.remove(digest) {
            self.tokens_of
                .remove(&(earlier.account, earlier.issued_ms, digest.0));
        }
    }
}
