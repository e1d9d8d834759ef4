//! What a stand-in SMSC knows: parts that wait for others, whole messages, faults to come, receipts that are owed. Pure.

use super::super::operator::{Operator, Received};
use super::wire::Submit;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Parts kept for a look at them; beyond them the oldest go.
const SEEN_MAX: usize = 10_000;
/// Messages whose parts are waited for.
const FRAGMENTS_MAX: usize = 10_000;

/// What it takes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The account; empty takes any.
    pub system_id: String,
    /// Its password; empty takes any.
    pub password: String,
    /// The state of the receipts that it sends by itself; `None` sends none.
    pub receipts: Option<&'static str>,
    /// How long it takes for every part before it answers.
    pub answer_after: Duration,
    /// Whether parts are kept; a benchmark wants none.
    pub keeps: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            system_id: String::new(),
            password: String::new(),
            receipts: Some("DELIVRD"),
            answer_after: Duration::ZERO,
            keeps: true,
        }
    }
}

/// What goes wrong with the next part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing; it stands before one that does.
    None,
    /// It is refused with this status.
    Refuse(u32),
    /// It is taken, and never answered.
    Silence,
    /// It is taken, and answered after so long.
    Slow(Duration),
    /// It is taken, and the connection is cut instead of an answer.
    CutAfter,
    /// The connection is cut before it is taken.
    CutBefore,
    /// It is taken, and half an answer is written before the connection is cut.
    HalfAnswer,
}

/// A part as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its id.
    pub id: String,
    /// The number.
    pub to: String,
    /// `esm_class`.
    pub esm_class: u8,
    /// `data_coding`.
    pub data_coding: u8,
    /// `registered_delivery`.
    pub registered_delivery: u8,
    /// `validity_period`.
    pub validity: String,
    /// Header and text.
    pub message: Vec<u8>,
}

/// A receipt to be sent.
pub(super) struct Owed {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) text: String,
}

pub(super) struct State {
    pub(super) settings: Settings,
    pub(super) messages: Arc<Mutex<Operator>>,
    pub(super) faults: VecDeque<Fault>,
    pub(super) seen: VecDeque<Seen>,
    pub(super) submitted: u64,
    pub(super) interface_version: Option<u8>,
    pub(super) acknowledged: Vec<u32>,
    pub(super) owed: VecDeque<Owed>,
    fragments: HashMap<(String, u8), BTreeMap<u8, Vec<u8>>>,
    addresses: HashMap<String, (String, String)>,
}

impl State {
    pub(super) fn new(settings: Settings, messages: Arc<Mutex<Operator>>) -> Self {
        Self {
            settings,
            messages,
            faults: VecDeque::new(),
            seen: VecDeque::new(),
            submitted: 0,
            interface_version: None,
            acknowledged: Vec::new(),
            owed: VecDeque::new(),
            fragments: HashMap::new(),
            addresses: HashMap::new(),
        }
    }

    pub(super) fn next_fault(&mut self) -> Fault {
        self.faults.pop_front().unwrap_or(Fault::None)
    }

    /// Takes a part; gives its id. `at` is when.
    pub(super) fn take(&mut self, submit: &Submit, at: String) -> String {
        self.submitted += 1;
        let id = format!("{:010}", self.submitted);
        if !self.settings.keeps {
            return id;
        }
        self.seen.push_back(Seen {
            id: id.clone(),
            to: submit.destination.clone(),
            esm_class: submit.esm_class,
            data_coding: submit.data_coding,
            registered_delivery: submit.registered_delivery,
            validity: submit.validity.clone(),
            message: submit.message.clone(),
        });
        self.addresses
            .insert(id.clone(), (submit.destination.clone(), submit.source.clone()));
        while self.seen.len() > SEEN_MAX {
            let oldest = self.seen.pop_front();
            oldest
                .iter()
                .for_each(|seen| drop(self.addresses.remove(&seen.id)));
        }
        if let Some(whole) = self.whole(submit) {
            let text = decoded(&whole, submit.data_coding);
            let received = Received {
                to: format!("+{}", submit.destination),
                text,
                at,
            };
            self.messages
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .deliver(received);
        }
        if let Some(stat) = self
            .settings
            .receipts
            .filter(|_| submit.registered_delivery & 1 == 1)
        {
            self.owe_receipt(&id, stat);
        }
        id
    }

    /// The whole text, once its last part is here.
    fn whole(&mut self, submit: &Submit) -> Option<Vec<u8>> {
        let message = &submit.message;
        if submit.esm_class & 0x40 == 0 {
            return Some(message.clone());
        }
        let [5, 0, 3, reference, total, number, text @ ..] = message.as_slice() else {
            return Some(message.clone()); // another header: shown as it is
        };
        if self.fragments.len() >= FRAGMENTS_MAX {
            self.fragments.clear();
        }
        let key = (submit.destination.clone(), *reference);
        let parts = self.fragments.entry(key.clone()).or_default();
        parts.insert(*number, text.to_vec());
        if parts.len() < usize::from(*total) {
            return None;
        }
        let parts = self.fragments.remove(&key).unwrap_or_default();
        Some(parts.into_values().flatten().collect())
    }

    pub(super) fn owe_receipt(&mut self, id: &str, stat: &str) {
        let Some((from, to)) = self.addresses.get(id).cloned() else {
            return;
        };
        let text = format!(
            "id:{id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010001 stat:{stat} err:000 text:-"
        );
        self.owed.push_back(Owed { from, to, text });
    }
}

fn decoded(octets: &[u8], data_coding: u8) -> String {
    if data_coding == 8 {
        let units: Vec<u16> = octets
            .chunks(2)
            .map(|pair| u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]))
            .collect();
        return String::from_utf16_lossy(&units);
    }
    String::from_utf8_lossy(octets).into_owned()
}
