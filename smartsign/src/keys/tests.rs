//! What becomes of a store that is not as it was left.

use super::*;
use crate::clock::SystemClock;
use crate::config::SecretText;
use chrono::TimeDelta;
use dstu::container::seal;
use dstu::issuer::{Authority, Holder, Purpose, Validity};
use dstu::{Curve, Entropy, HashAlgorithm, PrivateKey};

fn vault(directory: &tempfile::TempDir) -> Arc<Vault> {
    Arc::new(Vault::open(directory.path(), &SecretText::new("secret"), 64, 1).unwrap())
}

fn open(vault: &Arc<Vault>) -> Result<KeyStore, Error> {
    let clock = Arc::new(SystemClock);
    KeyStore::open(Arc::clone(vault), clock, SignerIdentification::KeyId)
}

/// An active key, whose container opens with `right`.
fn record(right: &str, stored: &str) -> KeyRecord {
    let now = SystemClock.now();
    let validity = Validity {
        not_before: now - TimeDelta::days(1),
        not_after: now + TimeDelta::days(1),
    };
    let entropy = Entropy::new([3; 32]);
    let make = |seed: u8| PrivateKey::generate(Curve::M257, &Entropy::new([seed; 32])).unwrap();
    let holder = Holder {
        common_name: "Вигадка".to_owned(),
        ..Holder::default()
    };
    let hash = HashAlgorithm::Kupyna256;
    let authority = Authority::self_signed(make(1), &holder, validity, hash, &entropy).unwrap();
    let key = make(2);
    let certificate = authority.issue(key.public_key(), &holder, Purpose::Signing, validity, &entropy);
    KeyRecord {
        active: true,
        added: now,
        container: Zeroizing::new(seal::iit_key6(&key, right)),
        password: Zeroizing::new(stored.to_owned()),
        certificate: certificate.unwrap().der().to_vec(),
    }
}

fn keep(vault: &Vault, record: &KeyRecord) -> KeyId {
    let id = KeyId(Uuid::from_u128(7));
    vault.put(KEYS, &id.to_string(), &record.write()).unwrap();
    id
}

#[test]
fn a_key_that_was_active_is_unlocked_at_start() {
    let directory = tempfile::tempdir().unwrap();
    let vault = vault(&directory);
    let id = keep(&vault, &record("right", "right"));
    let store = open(&vault).unwrap();
    assert!(matches!(store.find(id), Found::Ready(_, 0)));
    assert_eq!(store.get(id).unwrap().state, KeyState::Active);
}

#[test]
fn a_key_whose_password_does_not_fit_is_kept_and_shown_as_such() {
    let directory = tempfile::tempdir().unwrap();
    let vault = vault(&directory);
    let id = keep(&vault, &record("right", "wrong"));
    let store = open(&vault).unwrap();
    assert_eq!(store.get(id).unwrap().state, KeyState::WrongPassword);
    assert!(matches!(store.find(id), Found::Unfit(KeyState::WrongPassword)));
    let refused = store.activate(id, 10).unwrap_err();
    assert!(matches!(refused, Error::Fault(Fault::WrongPassword)), "{refused}");
    store.remove(id).unwrap();
    assert!(open(&vault).unwrap().list().is_empty());
}

#[test]
fn a_damaged_file_ends_the_start_and_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let vault = vault(&directory);
    let id = keep(&vault, &record("right", "right"));
    let path = directory.path().join(format!("{KEYS}/{id}.sealed"));
    let mut octets = std::fs::read(&path).unwrap();
    octets[40] ^= 1;
    std::fs::write(&path, octets).unwrap();
    let error = open(&vault).err().unwrap().to_string();
    assert!(error.contains(&id.to_string()), "{error}");
}

#[test]
fn a_store_without_its_head_is_not_begun_anew() {
    let directory = tempfile::tempdir().unwrap();
    keep(&vault(&directory), &record("right", "right"));
    std::fs::remove_file(directory.path().join("vault.toml")).unwrap();
    let error = Vault::open(directory.path(), &SecretText::new("secret"), 64, 1);
    let error = error.err().unwrap().to_string();
    assert!(error.contains("is missing"), "{error}");
}
