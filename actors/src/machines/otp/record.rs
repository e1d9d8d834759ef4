//! A book as it is stored.

use super::state::ChallengeV1;
use super::{Challenge, Ledger, WindowKey};
use crate::clock::Written;
use crate::ids::ContactId;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;

/// A book as it is stored (record version 2).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BookRecord {
    pub(super) written: Written,
    pub(super) challenges: Vec<(WindowKey, Challenge)>,
    pub(super) ledgers: Vec<(ContactId, Ledger)>,
}

/// A book that is serialized as its [`BookRecord`] is, without being copied into one: each step of a customer writes the whole book.
#[derive(Serialize)]
pub(crate) struct BookView<'a> {
    pub(super) written: Written,
    #[serde(serialize_with = "pairs")]
    pub(super) challenges: &'a BTreeMap<WindowKey, Box<Challenge>>,
    #[serde(serialize_with = "pairs")]
    pub(super) ledgers: &'a BTreeMap<ContactId, Ledger>,
}

/// A map as the sequence of its pairs.
fn pairs<K: Serialize, V: Serialize, S: Serializer>(
    map: &BTreeMap<K, V>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(map)
}

/// A book as version 1 stored it: its codes had no reference to a client.
#[derive(Deserialize)]
pub(crate) struct BookRecordV1 {
    written: Written,
    challenges: Vec<(WindowKey, ChallengeV1)>,
    ledgers: Vec<(ContactId, Ledger)>,
}

impl From<BookRecordV1> for BookRecord {
    fn from(earlier: BookRecordV1) -> Self {
        let challenges = earlier.challenges.into_iter();
        Self {
            written: earlier.written,
            challenges: challenges
                .map(|(key, challenge)| (key, challenge.into()))
                .collect(),
            ledgers: earlier.ledgers,
        }
    }
}
