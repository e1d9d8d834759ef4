//! An account's webhook: put, shown, given a new key, taken away.

use super::records::FormerKey;
use super::{Lane, OwnerHookRecord, Owners, rows};
use crate::clock::millis;
use crate::hooks::{Hook, derive_key};
use crate::ids::AccountId;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use storage::record::encode;
use storage::{Batch, Error, Key};
use zeroize::Zeroizing;

/// What receivers' keys are derived for; another label is another key.
const LABEL: &str = "countersign/owner-hook/v1";
/// How long the former key signs beside a new one: a day is long enough to change it in a shop's settings.
const FORMER_KEY_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// Rows taken away in one batch; a batch holds a thousand operations.
const PURGED_AT_ONCE: usize = 500;

/// A webhook as it was put.
pub struct Put {
    /// It.
    pub hook: Arc<OwnerHookRecord>,
    /// Its key, where that is a new one: shown this once.
    pub key: Option<Zeroizing<Vec<u8>>>,
}

/// What is done to a webhook.
enum Change {
    Put(String),
    Rotate,
}

impl Owners {
    /// Puts an account's webhook. Another URL keeps the key; what the receiver did not want any more (410) is posted again.
    ///
    /// # Errors
    /// The store's, or a generator that fails.
    pub async fn put_hook(&self, account: AccountId, url: String) -> storage::Result<Put> {
        let put = self.changed(account, Change::Put(url)).await?;
        put.ok_or(Error::Closed)
    }

    /// Gives a webhook a new key; the one before signs along for a day. `None` where there is no webhook.
    ///
    /// # Errors
    /// The store's, or a generator that fails.
    pub async fn rotate_key(&self, account: AccountId) -> storage::Result<Option<Put>> {
        self.changed(account, Change::Rotate).await
    }

    /// Takes an account's webhook away, with all events that are owed or kept.
    ///
    /// # Errors
    /// The store's. The webhook is gone then if it says so; what is left of its events is taken away by the courier.
    pub async fn delete_hook(&self, account: AccountId) -> storage::Result<()> {
        let owners = self.clone();
        aside(async move { owners.delete_now(account).await }).await
    }

    /// What the account's receiver checks signatures with, newest first.
    pub(super) fn keys(&self, account: AccountId, record: &OwnerHookRecord) -> Hook {
        let key_of = |salt: &[u8; 16]| derive_key(&self.shared.needs.key, LABEL, account.0, salt);
        let now_ms = self.now_ms();
        let former = record.former.filter(|former| now_ms < former.until_ms);
        Hook {
            url: record.url.clone(),
            key: key_of(&record.salt),
            former_key: former.map(|former| key_of(&former.salt)),
        }
    }

    async fn changed(&self, account: AccountId, change: Change) -> storage::Result<Option<Put>> {
        let owners = self.clone();
        aside(async move { owners.change_now(account, change).await }).await
    }

    async fn change_now(&self, account: AccountId, change: Change) -> storage::Result<Option<Put>> {
        let _one_at_a_time = self.shared.changing.lock().await;
        let before = self.hook(account);
        let now_ms = self.now_ms();
        let (record, is_new_key) = match (change, before) {
            (Change::Rotate, None) => return Ok(None),
            (Change::Rotate, Some(before)) => {
                let former = FormerKey {
                    salt: before.salt,
                    until_ms: now_ms.saturating_add(millis(FORMER_KEY_FOR)),
                };
                let record = OwnerHookRecord {
                    salt: self.salt()?,
                    former: Some(former),
                    ..OwnerHookRecord::clone(&before)
                };
                (record, true)
            }
            (Change::Put(url), Some(before)) => {
                let record = OwnerHookRecord {
                    url,
                    put_ms: now_ms,
                    gone_ms: None,
                    ..OwnerHookRecord::clone(&before)
                };
                (record, false)
            }
            (Change::Put(url), None) => {
                let record = OwnerHookRecord {
                    url,
                    salt: self.salt()?,
                    former: None,
                    put_ms: now_ms,
                    gone_ms: None,
                };
                (record, true)
            }
        };
        let hook = self.keep(account, record).await?;
        let key = is_new_key.then(|| self.keys(account, &hook).key);
        self.wake_all(account).await?;
        Ok(Some(Put { hook, key }))
    }

    /// The receiver wants to hear nothing more: nothing is owed to it or posted until its webhook is put again.
    pub(super) async fn set_gone(
        &self,
        account: AccountId,
        used: &Arc<OwnerHookRecord>,
    ) -> storage::Result<()> {
        let _one_at_a_time = self.shared.changing.lock().await;
        // Another webhook than the one that said so is none of its business.
        if self.hook(account).is_some_and(|hook| Arc::ptr_eq(&hook, used)) {
            let record = OwnerHookRecord {
                gone_ms: Some(self.now_ms()),
                ..OwnerHookRecord::clone(used)
            };
            self.keep(account, record).await?;
        }
        Ok(())
    }

    async fn keep(
        &self,
        account: AccountId,
        record: OwnerHookRecord,
    ) -> storage::Result<Arc<OwnerHookRecord>> {
        let mut batch = Batch::default();
        batch.put(rows::hook_row(account), encode(&record)?);
        self.store().commit(batch).await?;
        let hook = Arc::new(record);
        let hooks = self.shared.hooks.write();
        hooks
            .unwrap_or_else(PoisonError::into_inner)
            .insert(account, Arc::clone(&hook));
        self.shared
            .changes
            .send_modify(|change| *change = change.wrapping_add(1));
        Ok(hook)
    }

    async fn delete_now(&self, account: AccountId) -> storage::Result<()> {
        let _one_at_a_time = self.shared.changing.lock().await;
        let mut batch = Batch::default();
        batch.delete(rows::hook_row(account));
        batch.delete(rows::replay_row(account));
        self.store().commit(batch).await?;
        let hooks = self.shared.hooks.write();
        hooks.unwrap_or_else(PoisonError::into_inner).remove(&account);
        self.shared
            .changes
            .send_modify(|change| *change = change.wrapping_add(1));
        self.purge(rows::owed_prefix(account, None)).await?;
        self.purge(rows::kept_prefix(account, None)).await?;
        self.forget(account).await;
        Ok(())
    }

    /// Takes every row under a prefix away.
    pub(super) async fn purge(&self, prefix: Key) -> storage::Result<()> {
        loop {
            let scan = storage::Scan {
                limit: PURGED_AT_ONCE,
                ..storage::Scan::of(prefix.clone())
            };
            let rows = self.store().scan(scan).await?;
            if rows.is_empty() {
                return Ok(());
            }
            let mut batch = Batch::default();
            rows.into_iter().for_each(|row| batch.delete(row.key));
            self.store().commit(batch).await?;
        }
    }

    /// Whatever is owed to an account may go on now.
    async fn wake_all(&self, account: AccountId) -> storage::Result<()> {
        rows::each(self.store(), rows::owed_prefix(account, None), |row| {
            self.wake(rows::lane_of(&row.key)?);
            Ok(())
        })
        .await?;
        self.wake(Lane {
            account,
            register: None,
        });
        Ok(())
    }

    fn salt(&self) -> storage::Result<[u8; 16]> {
        let mut salt = [0; 16];
        let filled = self.shared.needs.randomness.fill(&mut salt);
        filled.map_err(|fault| Error::Corrupt {
            what: "random generator".to_owned(),
            detail: fault.to_string(),
        })?;
        Ok(salt)
    }
}

/// In a task of its own: a caller that goes away in the middle leaves no change half done.
async fn aside<T: Send + 'static>(
    deed: impl Future<Output = storage::Result<T>> + Send + 'static,
) -> storage::Result<T> {
    // A task ends without a word only where the runtime is going down.
    tokio::spawn(deed).await.unwrap_or(Err(Error::Closed))
}
