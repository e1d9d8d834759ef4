//! The keys: sealed at rest, unlocked in memory while they are active.

pub mod container;
mod record;
#[cfg(test)]
mod tests;

use crate::clock::Clock;
use crate::config::SignerIdentification;
use crate::lock::{lock, read, write};
use crate::vault::{self, KEYS, Vault};
use chrono::{DateTime, Utc};
use container::{Fault, Unlocked, facts, state_at};
use record::KeyRecord;
use signing_protocol::{HexOctets, KeyFacts, KeyId, KeyState};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Keys in one store. A large integrator has hundreds; each costs a few kilobytes of memory.
pub const STORED_MAX: usize = 10_000;

/// Why a change of the keys was not made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The same certificate is there already.
    #[error("Key already exist")]
    Exists(HexOctets),
    /// Another key has the id that was chosen for this one.
    #[error("another key has the id {0}")]
    IdTaken(KeyId),
    /// There is no such key.
    #[error("there is no key {0}")]
    Unknown(KeyId),
    /// As many keys are active as the licence allows.
    #[error("{0} keys are active, as many as the licence allows")]
    TooManyActive(u32),
    /// As many keys are stored as one agent takes.
    #[error("{STORED_MAX} keys are stored, as many as one agent takes")]
    TooManyStored,
    /// The certificate is out of its time.
    #[error("the certificate is valid from {0} to {1}")]
    OutOfTime(DateTime<Utc>, DateTime<Utc>),
    /// The container gives no key.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The store.
    #[error(transparent)]
    Vault(#[from] vault::Error),
}

/// One key as it is held in memory.
#[derive(Clone)]
struct Held {
    facts: KeyFacts,
    added: DateTime<Utc>,
    unlocked: Option<Arc<Unlocked>>,
}

/// All keys.
pub struct KeyStore {
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    identification: SignerIdentification,
    held: RwLock<HashMap<KeyId, Held>>,
    /// One change at a time; signing goes on meanwhile.
    changing: Mutex<()>,
}

/// What somebody uploads.
pub struct Upload {
    /// The container.
    pub container: Zeroizing<Vec<u8>>,
    /// Its password.
    pub password: Zeroizing<String>,
    /// The certificate, where it is not inside: DER or PEM.
    pub certificate: Option<Vec<u8>>,
}

/// What a request finds of its key.
pub enum Found {
    /// No such key.
    Nothing,
    /// Not to be signed with, for this reason.
    Unfit(KeyState),
    /// Ready. The rank among the active keys, oldest first, from 0.
    Ready(Arc<Unlocked>, u32),
}

impl KeyStore {
    /// Reads the store, and unlocks what was active. A key whose password does not open it any more is kept, and shown as such. Slow: not for
    /// an event loop's thread.
    ///
    /// # Errors
    /// [`Error::Vault`]: the disk, or a damaged file.
    pub fn open(
        vault: Arc<Vault>,
        clock: Arc<dyn Clock>,
        identification: SignerIdentification,
    ) -> Result<Self, Error> {
        let store = Self {
            vault,
            clock,
            identification,
            held: RwLock::default(),
            changing: Mutex::default(),
        };
        for name in store.vault.names(KEYS)? {
            let id = name.parse().map(KeyId).map_err(|_| store.damaged(&name))?;
            let record = store.record(id)?;
            let certificate =
                dstu::Certificate::from_der(&record.certificate).map_err(|_| store.damaged(&name))?;
            let mut held = Held {
                facts: facts(id, &certificate),
                added: record.added,
                unlocked: None,
            };
            if record.active {
                match store.unlock(&record) {
                    Ok(unlocked) => held.activate(unlocked),
                    Err(fault) => {
                        tracing::error!(key = %id, %fault, "a key that was active cannot be unlocked");
                        held.facts.state = KeyState::WrongPassword;
                    }
                }
            }
            write(&store.held).insert(id, held);
        }
        Ok(store)
    }

    /// All keys, oldest first.
    pub fn list(&self) -> Vec<KeyFacts> {
        let now = self.clock.now();
        let mut held: Vec<Held> = read(&self.held).values().cloned().collect();
        held.sort_by_key(|held| (held.added, held.facts.key));
        let shown = held.into_iter().map(|held| shown(held.facts, now));
        shown.collect()
    }

    /// One key.
    ///
    /// # Errors
    /// [`Error::Unknown`].
    pub fn get(&self, id: KeyId) -> Result<KeyFacts, Error> {
        let held = read(&self.held).get(&id).cloned();
        let held = held.ok_or(Error::Unknown(id))?;
        Ok(shown(held.facts, self.clock.now()))
    }

    /// A key to sign with.
    pub fn find(&self, id: KeyId) -> Found {
        let all = read(&self.held);
        let Some(held) = all.get(&id) else {
            return Found::Nothing;
        };
        match (state_at(&held.facts, self.clock.now()), &held.unlocked) {
            (KeyState::Active, Some(unlocked)) => {
                let order = |held: &Held| (held.added, held.facts.key);
                let earlier = all
                    .values()
                    .filter(|other| other.unlocked.is_some() && order(other) < order(held));
                let rank = u32::try_from(earlier.count()).unwrap_or(u32::MAX);
                Found::Ready(Arc::clone(unlocked), rank)
            }
            (state, _) => Found::Unfit(state),
        }
    }

    /// Stores a key, sealed, not active. Slow: not for an event loop's thread.
    ///
    /// # Errors
    /// [`Error`].
    pub fn add(&self, upload: Upload) -> Result<KeyFacts, Error> {
        self.add_as(KeyId(Uuid::new_v4()), upload)
    }

    /// Stores a key under an id that its bringer chose, as [`KeyStore::add`] does. The same key under the same id changes nothing: its
    /// bringer asks again, because the first answer was lost.
    ///
    /// # Errors
    /// [`Error`].
    pub fn add_as(&self, id: KeyId, upload: Upload) -> Result<KeyFacts, Error> {
        let certificate = upload.certificate.as_deref();
        let unlocked = Unlocked::open(
            &upload.container,
            &upload.password,
            certificate,
            self.identification,
        )?;
        let _changing = lock(&self.changing);
        let facts = facts(id, unlocked.certificate());
        {
            let all = read(&self.held);
            let is_same =
                |held: &&Held| held.facts.serial == facts.serial && held.facts.public_key == facts.public_key;
            match (all.get(&id), all.values().find(is_same)) {
                (Some(known), _) if is_same(&known) => {
                    return Ok(shown(known.facts.clone(), self.clock.now()));
                }
                (Some(_), _) => return Err(Error::IdTaken(id)),
                (None, Some(_)) => return Err(Error::Exists(facts.serial)),
                (None, None) => {}
            }
            if all.len() >= STORED_MAX {
                return Err(Error::TooManyStored);
            }
        }
        let record = KeyRecord {
            active: false,
            added: self.clock.now(),
            container: upload.container,
            password: upload.password,
            certificate: unlocked.certificate().der().to_vec(),
        };
        self.vault.put(KEYS, &id.to_string(), &record.write())?;
        let held = Held {
            facts: facts.clone(),
            added: record.added,
            unlocked: None,
        };
        write(&self.held).insert(id, held);
        Ok(shown(facts, self.clock.now()))
    }

    /// Unlocks a key with its stored password, and keeps it unlocked, also after a restart. Active already: nothing changes. Slow: not for an
    /// event loop's thread.
    ///
    /// # Errors
    /// [`Error`]; a password that opens the container no more is remembered as the key's state.
    pub fn activate(&self, id: KeyId, active_max: u32) -> Result<KeyFacts, Error> {
        let _changing = lock(&self.changing);
        let known = self.get(id)?;
        if matches!(known.state, KeyState::Expired | KeyState::NotYetValid) {
            return Err(Error::OutOfTime(known.not_before, known.not_after));
        }
        if known.state == KeyState::Active {
            return Ok(known);
        }
        let active = read(&self.held)
            .values()
            .filter(|held| held.unlocked.is_some())
            .count();
        if active >= usize::try_from(active_max).unwrap_or(usize::MAX) {
            return Err(Error::TooManyActive(active_max));
        }
        let mut record = self.record(id)?;
        let unlocked = match self.unlock(&record) {
            Ok(unlocked) => unlocked,
            Err(fault) => {
                if matches!(fault, Fault::WrongPassword) {
                    self.change(id, |held| held.facts.state = KeyState::WrongPassword);
                }
                return Err(fault.into());
            }
        };
        record.active = true;
        self.vault.put(KEYS, &id.to_string(), &record.write())?;
        self.change(id, |held| held.activate(unlocked));
        self.get(id)
    }

    /// Locks a key; its private number is zeroised once no signature is being made with it.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::Vault`].
    pub fn deactivate(&self, id: KeyId) -> Result<KeyFacts, Error> {
        let _changing = lock(&self.changing);
        self.get(id)?;
        let mut record = self.record(id)?;
        record.active = false;
        self.vault.put(KEYS, &id.to_string(), &record.write())?;
        self.change(id, |held| {
            held.unlocked = None;
            held.facts.state = KeyState::Stored;
        });
        self.get(id)
    }

    /// Removes a key from memory and disk.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::Vault`].
    pub fn remove(&self, id: KeyId) -> Result<KeyFacts, Error> {
        let _changing = lock(&self.changing);
        let known = self.get(id)?;
        // From memory first: what cannot be removed from the disk must not sign meanwhile.
        write(&self.held).remove(&id);
        self.vault.remove(KEYS, &id.to_string())?;
        Ok(known)
    }

    fn change(&self, id: KeyId, change: impl FnOnce(&mut Held)) {
        if let Some(held) = write(&self.held).get_mut(&id) {
            change(held);
        }
    }

    fn unlock(&self, record: &KeyRecord) -> Result<Unlocked, Fault> {
        let certificate = Some(record.certificate.as_slice());
        Unlocked::open(
            &record.container,
            &record.password,
            certificate,
            self.identification,
        )
    }

    fn record(&self, id: KeyId) -> Result<KeyRecord, Error> {
        let name = id.to_string();
        let octets = self.vault.get(KEYS, &name)?.ok_or(Error::Unknown(id))?;
        KeyRecord::read(&octets).ok_or_else(|| self.damaged(&name))
    }

    fn damaged(&self, name: &str) -> Error {
        Error::Vault(vault::Error::File {
            path: self.vault.path().join(KEYS).join(name),
            message: "is no key's record".to_owned(),
        })
    }
}

impl Held {
    fn activate(&mut self, unlocked: Unlocked) {
        self.unlocked = Some(Arc::new(unlocked));
        self.facts.state = KeyState::Active;
    }
}

fn shown(facts: KeyFacts, now: DateTime<Utc>) -> KeyFacts {
    KeyFacts {
        state: state_at(&facts, now),
        ..facts
    }
}
