//! The store at rest: a directory of sealed files, for one process at a time.
//!
//! - `vault.toml`: how the sealing key is derived, and a sealed sentence by which a wrong secret is told from damage;
//! - `KIND/NAME.sealed`: one sealed thing each, bound to its kind and name;
//! - `lock`: held while a process has the store.

pub mod files;
mod seal;

pub use seal::Sealer;

use crate::config::SecretText;
use seal::Derivation;
use serde::{Deserialize, Serialize};
use signing_protocol::HexOctets;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What is sealed to recognise the secret.
const PROOF: &[u8] = b"this store was sealed under this secret";
const PROOF_NAME: &[u8] = b"smartsign vault 1";
/// The kind of what cannot be made anew.
pub const KEYS: &str = "keys";
const EXTENSION: &str = "sealed";

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The secret is not the one that the store was made with.
    #[error("storage.secret is not the secret that {0} was sealed under")]
    WrongSecret(PathBuf),
    /// Another process has it.
    #[error("{0} is in use by another process")]
    InUse(PathBuf),
    /// Sealed octets that do not open.
    #[error("sealed data is damaged")]
    Damaged,
    /// A file that cannot be understood.
    #[error("{path}: is damaged: {message}")]
    File {
        /// Which.
        path: PathBuf,
        /// How.
        message: String,
    },
    /// Deriving the sealing key failed.
    #[error("the sealing key cannot be derived: {0}")]
    Derivation(String),
    /// The system's generator failed.
    #[error("the system gives no randomness")]
    Randomness,
    /// The disk.
    #[error("{path}: {error}")]
    Disk {
        /// Where.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

/// The open store.
pub struct Vault {
    path: PathBuf,
    sealer: Sealer,
    /// Held for its lock.
    _lock: File,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    version: u32,
    derivation: Derivation,
    proof: HexOctets,
}

impl Vault {
    /// Opens the store, or makes it where there is none. Takes a fifth of a second of computing: not for an event loop's thread.
    ///
    /// # Errors
    /// [`Error`].
    pub fn open(path: &Path, secret: &SecretText, memory_kib: u32, passes: u32) -> Result<Self, Error> {
        let on_disk = |error| disk(path, error);
        files::make_directory(path).map_err(on_disk)?;
        let lock = File::create(path.join("lock")).map_err(on_disk)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(on_disk(error)),
        }
        let head_path = path.join("vault.toml");
        let sealer = match files::read_if_there(&head_path).map_err(on_disk)? {
            Some(head) => open_head(&head_path, &head, secret)?,
            None if path.join(KEYS).exists() => {
                let message = "is missing, and keys are sealed under it; restore it from a backup".to_owned();
                return Err(Error::File {
                    path: head_path,
                    message,
                });
            }
            None => make_head(&head_path, secret, memory_kib, passes)?,
        };
        Ok(Self {
            path: path.to_owned(),
            sealer,
            _lock: lock,
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What seals here.
    pub fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// Keeps something under a kind and a name, in place of what was there. Durable when it returns.
    ///
    /// # Errors
    /// [`Error::Disk`], [`Error::Randomness`].
    pub fn put(&self, kind: &str, name: &str, open: &[u8]) -> Result<(), Error> {
        let directory = self.path.join(kind);
        files::make_directory(&directory).map_err(|error| disk(&directory, error))?;
        let path = self.file(kind, name);
        let sealed = self.sealer.seal(&bound(kind, name), open)?;
        files::replace(&path, &sealed).map_err(|error| disk(&path, error))
    }

    /// What is kept under a kind and a name.
    ///
    /// # Errors
    /// [`Error::Disk`], [`Error::File`].
    pub fn get(&self, kind: &str, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let path = self.file(kind, name);
        let Some(sealed) = files::read_if_there(&path).map_err(|error| disk(&path, error))? else {
            return Ok(None);
        };
        let open = self.sealer.open(&bound(kind, name), &sealed);
        open.map(Some).map_err(|error| Error::File {
            path,
            message: error.to_string(),
        })
    }

    /// Removes what is kept under a kind and a name. Durable when it returns.
    ///
    /// # Errors
    /// [`Error::Disk`].
    pub fn remove(&self, kind: &str, name: &str) -> Result<(), Error> {
        let path = self.file(kind, name);
        files::remove(&path).map_err(|error| disk(&path, error))
    }

    /// The names of a kind, in order.
    ///
    /// # Errors
    /// [`Error::Disk`].
    pub fn names(&self, kind: &str) -> Result<Vec<String>, Error> {
        let directory = self.path.join(kind);
        let on_disk = |error| disk(&directory, error);
        let entries = match std::fs::read_dir(&directory) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(on_disk)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let path = entry.map_err(on_disk)?.path();
            if path.extension().is_some_and(|extension| extension == EXTENSION) {
                names.extend(path.file_stem().and_then(|name| name.to_str()).map(str::to_owned));
            }
        }
        names.sort();
        Ok(names)
    }

    fn file(&self, kind: &str, name: &str) -> PathBuf {
        self.path.join(kind).join(format!("{name}.{EXTENSION}"))
    }
}

fn bound(kind: &str, name: &str) -> Vec<u8> {
    format!("smartsign {kind}/{name}").into_bytes()
}

fn disk(path: &Path, error: std::io::Error) -> Error {
    Error::Disk {
        path: path.to_owned(),
        error,
    }
}

fn open_head(path: &Path, head: &[u8], secret: &SecretText) -> Result<Sealer, Error> {
    let damaged = |message: String| Error::File {
        path: path.to_owned(),
        message,
    };
    let text = std::str::from_utf8(head).map_err(|error| damaged(error.to_string()))?;
    let head: Head = toml::from_str(text).map_err(|error| damaged(error.message().to_owned()))?;
    if head.version != 1 {
        return Err(damaged(format!("version {} is not known", head.version)));
    }
    let sealer = head.derivation.derive(secret.expose())?;
    match sealer.open(PROOF_NAME, &head.proof.0) {
        Ok(proof) if proof.as_slice() == PROOF => Ok(sealer),
        _ => Err(Error::WrongSecret(path.to_owned())),
    }
}

fn make_head(path: &Path, secret: &SecretText, memory_kib: u32, passes: u32) -> Result<Sealer, Error> {
    let mut salt = vec![0; 16];
    getrandom::fill(&mut salt).map_err(|_| Error::Randomness)?;
    let derivation = Derivation {
        salt: HexOctets(salt),
        memory_kib,
        passes,
    };
    let sealer = derivation.derive(secret.expose())?;
    let head = Head {
        version: 1,
        proof: HexOctets(sealer.seal(PROOF_NAME, PROOF)?),
        derivation,
    };
    let text = toml::to_string(&head).map_err(|error| Error::Derivation(error.to_string()))?;
    files::replace(path, text.as_bytes()).map_err(|error| disk(path, error))?;
    Ok(sealer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path, secret: &str) -> Result<Vault, Error> {
        Vault::open(path, &SecretText::new(secret), 64, 1)
    }

    #[test]
    fn what_was_put_is_there_after_a_restart_and_under_its_own_name_only() {
        let directory = tempfile::tempdir().unwrap();
        let vault = open(directory.path(), "secret").unwrap();
        vault.put("keys", "a", b"content").unwrap();
        drop(vault);
        let vault = open(directory.path(), "secret").unwrap();
        assert_eq!(vault.get("keys", "a").unwrap().unwrap().as_slice(), b"content");
        assert!(vault.get("keys", "b").unwrap().is_none());
        assert_eq!(vault.names("keys").unwrap(), ["a"]);
        std::fs::rename(
            directory.path().join("keys/a.sealed"),
            directory.path().join("keys/b.sealed"),
        )
        .unwrap();
        assert!(
            matches!(vault.get("keys", "b"), Err(Error::File { .. })),
            "a file under another name"
        );
    }

    #[test]
    fn a_wrong_secret_is_told_from_damage() {
        let directory = tempfile::tempdir().unwrap();
        drop(open(directory.path(), "secret").unwrap());
        assert!(matches!(
            open(directory.path(), "other"),
            Err(Error::WrongSecret(_))
        ));
        std::fs::write(directory.path().join("vault.toml"), "version = 1").unwrap();
        assert!(matches!(
            open(directory.path(), "secret"),
            Err(Error::File { .. })
        ));
    }

    #[test]
    fn a_second_process_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let _first = open(directory.path(), "secret").unwrap();
        assert!(matches!(open(directory.path(), "secret"), Err(Error::InUse(_))));
    }
}
