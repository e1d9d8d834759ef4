//! A book as it is stored.

use super::{Challenge, Ledger, WindowKey};
use crate::clock::Written;
use crate::ids::ContactId;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A book as it is stored (record version 3). Borrowed where it is written, which each step of a customer does with the whole book.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BookRecord<'a> {
    pub(super) written: Written,
    pub(super) challenges: Cow<'a, BTreeMap<WindowKey, Box<Challenge>>>,
    pub(super) ledgers: Cow<'a, BTreeMap<ContactId, Ledger>>,
}

/// A book as an earlier version stored it: version 1 with codes that had no reference to a client, version 2 with digests byte by byte.
#[derive(Deserialize)]
pub(crate) struct EarlierBook<Code> {
    written: Written,
    challenges: Vec<(WindowKey, Code)>,
    ledgers: Vec<(ContactId, Ledger)>,
}

impl<Code: Into<Challenge>> From<EarlierBook<Code>> for BookRecord<'_> {
    fn from(earlier: EarlierBook<Code>) -> Self {
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
