//! The fiscal server's rules, pure: what is accepted, what is refused and why, and what is answered.
//!
//! [`Machine::document`], [`Machine::package`] and [`Machine::command`] decide and change nothing; what they accept is an [`Event`],
//! which the caller remembers and then gives to [`Machine::apply`]. Time and chance come in as an [`Arrival`], signatures as what a
//! [`Signatures`] opened, so that a simulation needs neither HTTP nor cryptography.

mod answers;
mod book;
mod check;
mod documents;
mod figures;
mod package;
mod queries;
mod refusal;
mod registry;
mod visual;
mod zreport;

pub use answers::{Answer, session_out};
pub use book::{Accepted, Book, Entry, Shift, Who};
pub use refusal::{Refusal, TicketHead};
pub use registry::Registry;

use super::settings::{Operator, Settings, SettingsError};
use chrono::{DateTime, NaiveDateTime, Utc};
use fiscal::command::{DeviceId, SentPackage};
use fiscal::numbers::OfflineSession;
use fiscal::{Document, FiscalNumber, RegisterNumber, Ticket};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The fiscal number of the first document of all; ten digits, as the tax service's have.
const FISCAL_NUMBER_FIRST: u64 = 1_000_000_001;
/// The first offline session's number.
const SESSION_FIRST: u64 = 1_000_001;

/// What a request brings from the world: when it came, and a random number, of which seeds are made.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// When it came.
    pub at: DateTime<Utc>,
    /// Anything, never the same by intent.
    pub chance: u64,
}

/// Opens signed messages: the one thing about them that is not a rule of documents.
pub trait Signatures: Send + Sync {
    /// The content of a message whose one signature holds at this moment, and who signed.
    ///
    /// # Errors
    /// What is wrong with it, in Ukrainian: it becomes the text of error 9.
    fn open(&self, signed: &[u8], at: DateTime<Utc>) -> Result<Opened, String>;
}

/// A message that was opened.
#[derive(Clone, Debug)]
pub struct Opened {
    /// What was signed.
    pub content: Vec<u8>,
    /// By whom.
    pub signer: Who,
}

/// Something that was accepted, to be remembered before it is answered.
#[derive(Clone, Debug)]
pub enum Event {
    /// One document that came online, or a package of them.
    Documents {
        /// Of this register.
        register: RegisterNumber,
        /// In their order.
        documents: Vec<Accepted>,
        /// What the register may go offline with from now on, when it got something new.
        session: Option<OfflineSession>,
        /// Who became an operator by it.
        operators: Vec<NewOperator>,
    },
    /// A device took a register.
    Device {
        /// The register.
        register: RegisterNumber,
        /// The device.
        device: DeviceId,
        /// Who became an operator by it.
        operators: Vec<NewOperator>,
    },
}

impl Event {
    /// The ticket of the document that came online.
    pub fn ticket(&self) -> Option<Ticket> {
        let Self::Documents {
            documents, session, ..
        } = self
        else {
            return None;
        };
        let accepted = documents.first()?;
        let head = &accepted.document.head;
        let session = session.as_ref().map(session_out);
        let number = accepted.fiscal_number.clone();
        Some(Ticket::registered(
            head.uid.clone(),
            head.issued,
            head.local_number,
            number,
            session,
        ))
    }

    /// What a package is answered with: the session that its last document made room for, or nothing.
    pub fn package_answer(&self) -> SentPackage {
        let Self::Documents {
            session: Some(session),
            ..
        } = self
        else {
            return SentPackage::default();
        };
        let session = session_out(session);
        SentPackage {
            offline_session_id: Some(session.id),
            offline_seed: Some(session.seed),
        }
    }
}

/// An operator who was registered by first use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewOperator {
    /// Whose.
    pub tax_number: String,
    /// Who.
    pub operator: Operator,
}

/// The server's whole state.
#[derive(Clone, Debug)]
pub struct Machine {
    settings: Settings,
    registry: Registry,
    books: BTreeMap<RegisterNumber, Book>,
    next_fiscal_number: u64,
    next_session: u64,
}

impl Machine {
    /// A server that has seen nothing.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        Ok(Self {
            registry: Registry::new(&settings),
            settings,
            books: BTreeMap::new(),
            next_fiscal_number: FISCAL_NUMBER_FIRST,
            next_session: SESSION_FIRST,
        })
    }

    /// How it behaves.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What a register has seen; nothing before its first document.
    pub fn book(&self, register: RegisterNumber) -> Option<&Book> {
        self.books.get(&register)
    }

    /// All registers that are registered or have seen anything, by number.
    pub fn registers(&self) -> impl Iterator<Item = RegisterNumber> {
        let seen = self.books.keys().copied();
        let all: BTreeSet<RegisterNumber> = self.registry.registers().chain(seen).collect();
        all.into_iter()
    }

    /// Takes in what was accepted.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Documents {
                register,
                documents,
                session,
                operators,
            } => {
                self.enlist(operators);
                self.next_fiscal_number += documents
                    .iter()
                    .filter(|accepted| !accepted.is_offline())
                    .map(|_| 1)
                    .sum::<u64>();
                let book = self.books.entry(*register).or_default();
                for accepted in documents {
                    book.take(accepted);
                }
                if let Some(session) = session {
                    self.next_session = self.next_session.max(session.id + 1);
                    book.session = Some(session.clone());
                }
            }
            Event::Device {
                register,
                device,
                operators,
            } => {
                self.enlist(operators);
                self.books.entry(*register).or_default().device = Some(device.clone());
            }
        }
    }

    fn enlist(&mut self, operators: &[NewOperator]) {
        for new in operators {
            self.registry.enlist(&new.tax_number, &new.operator);
        }
    }

    /// The number of the next online document.
    fn fiscal_number(&self) -> FiscalNumber {
        FiscalNumber::new(self.next_fiscal_number.to_string()).expect("digits are a number")
    }

    /// A session that nobody has yet.
    fn new_session(&self, arrival: Arrival) -> OfflineSession {
        // Fifteen digits, as those that were seen have.
        let seed = 100_000_000_000_000 + arrival.chance % 900_000_000_000_000;
        OfflineSession {
            id: self.next_session,
            seed: seed.to_string().parse().expect("fifteen digits are a seed"),
        }
    }
}

/// The moment that a document states.
fn issued(document: &Document) -> NaiveDateTime {
    document.head.issued.get()
}

/// Shared octets.
type Octets = Arc<[u8]>;
