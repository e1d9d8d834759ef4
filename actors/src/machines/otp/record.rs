//! A book as it is stored.

use super::state::ChallengeV1;
use super::{Challenge, Ledger, WindowKey};
use crate::clock::Written;
use crate::ids::ContactId;
use serde::{Deserialize, Serialize};

/// A book as it is stored (record version 2).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BookRecord {
    pub(super) written: Written,
    pub(super) challenges: Vec<(WindowKey, Challenge)>,
    pub(super) ledgers: Vec<(ContactId, Ledger)>,
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
