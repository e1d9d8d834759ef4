//! A book as it is stored.

use super::state::ChallengeV1;
use super::{Challenge, Ledger, WindowKey};
use crate::clock::Written;
use crate::ids::ContactId;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A book as it is stored (record version 2). Borrowed where it is written, which each step of a customer does with the whole book.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BookRecord<'a> {
    pub(super) written: Written,
    pub(super) challenges: Cow<'a, BTreeMap<WindowKey, Box<Challenge>>>,
    pub(super) ledgers: Cow<'a, BTreeMap<ContactId, Ledger>>,
}

/// A book as version 1 stored it: its codes had no reference to a client.
#[derive(Deserialize)]
pub(crate) struct BookRecordV1 {
    written: Written,
    challenges: Vec<(WindowKey, ChallengeV1)>,
    ledgers: Vec<(ContactId, Ledger)>,
}

impl From<BookRecordV1> for BookRecord<'_> {
    fn from(earlier: BookRecordV1) -> Self {
        let challenges = earlier.challenges.into_iter();
        Self {
            written: earlier.written,
            challenges: Cow::Owned(
                challenges
                    .map(|(key, challenge)| (key, Box::new(challenge.into())))
                    .collect(),
            ),
            ledgers: Cow::Owned(earlier.ledgers.into_iter().collect()),
        }
    }
}
