//! What a register has seen: its documents, its shifts, its offline sessions.

use super::{Octets, issued};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use fiscal::command::DeviceId;
use fiscal::document::Mode;
use fiscal::numbers::{self, OfflineNumber, OfflineSession};
use fiscal::offline::{Link, Month, OfflineChain, OfflineDocument, in_month};
use fiscal::{Document, FiscalNumber, Kind, LocalNumber};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Who signed, as the certificate says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The person's name.
    pub name: String,
    /// The person's own code (DRFO).
    pub tax_number: Option<String>,
    /// The organisation's code (EDRPOU).
    pub company_code: Option<String>,
    /// The key's identifier, hexadecimal.
    pub key_id: String,
}

impl Who {
    /// Whether the certificate has this taxpayer's code.
    pub fn is_of(&self, tax_number: &str) -> bool {
        [&self.tax_number, &self.company_code]
            .into_iter()
            .any(|code| code.as_deref() == Some(tax_number))
    }

    /// Whether it is the same key.
    pub fn is_same(&self, other: &Self) -> bool {
        self.key_id.eq_ignore_ascii_case(&other.key_id)
    }
}

/// A document that was accepted.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// What it says.
    pub document: Arc<Document>,
    /// What was signed, octet for octet.
    pub content: Octets,
    /// The message around it, as received.
    pub signed: Octets,
    /// Who signed.
    pub signer: Arc<Who>,
    /// Its number: given here, or brought along by an offline document.
    pub fiscal_number: FiscalNumber,
    /// When it came.
    pub at: DateTime<Utc>,
}

impl Accepted {
    /// Whether it was made offline.
    pub fn is_offline(&self) -> bool {
        matches!(self.document.head.mode, Mode::Offline { .. })
    }
}

/// An accepted document and what became of it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The document.
    pub accepted: Accepted,
    /// Its shift; the first and the last document of an offline session may stand outside of one.
    pub shift: Option<u64>,
    /// A later document undid it.
    pub storned: bool,
}

impl Entry {
    /// Its local number.
    pub fn local_number(&self) -> LocalNumber {
        self.accepted.document.head.local_number
    }
}

/// A shift.
#[derive(Clone, Debug)]
pub struct Shift {
    /// Counts the shifts of the register, from one.
    pub id: u64,
    /// The fiscal number of its opening.
    pub opened_by: FiscalNumber,
    /// The local number of its opening.
    pub first_local_number: LocalNumber,
    /// Who opened it.
    pub opener: Arc<Who>,
    /// When, by the document.
    pub opened: NaiveDateTime,
    /// Whether it is a test.
    pub testing: bool,
    /// The fiscal number of its Z-report.
    pub z_report: Option<FiscalNumber>,
    /// How it was closed.
    pub closed: Option<Closing>,
}

/// How a shift was closed.
#[derive(Clone, Debug)]
pub struct Closing {
    /// The fiscal number of the document that did.
    pub by: FiscalNumber,
    /// When, by the document.
    pub at: NaiveDateTime,
    /// Who.
    pub closer: Arc<Who>,
}

/// What a register has seen.
#[derive(Clone, Debug, Default)]
pub struct Book {
    /// Accepted documents that stand, by local number.
    pub documents: Vec<Entry>,
    /// Documents that an offline session revoked: they count as not issued.
    pub revoked: Vec<Entry>,
    /// Shifts, in their order.
    pub shifts: Vec<Shift>,
    /// What the register may go offline with.
    pub session: Option<OfflineSession>,
    /// The offline session of which documents came, but not yet its end.
    pub(super) chain: Option<OfflineChain>,
    /// Offline sessions that have ended.
    pub(super) sessions: Vec<Span>,
    /// Which device uses the register.
    pub device: Option<DeviceId>,
}

/// How long a session lasted: from its first document to its last receipt or Z.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    begun: NaiveDateTime,
    last_financial: Option<NaiveDateTime>,
}

impl Book {
    /// The local number that is due.
    pub fn next_local_number(&self) -> LocalNumber {
        let last = self
            .documents
            .last()
            .map_or(0, |entry| entry.local_number().get());
        LocalNumber::new(last + 1).expect("one more than something is above nothing")
    }

    /// The shift that is open.
    pub fn open_shift(&self) -> Option<&Shift> {
        self.shifts.last().filter(|shift| shift.closed.is_none())
    }

    /// The documents of a shift, in their order.
    pub fn of_shift(&self, id: u64) -> impl Iterator<Item = &Entry> {
        self.documents.iter().filter(move |entry| entry.shift == Some(id))
    }

    /// Takes in a document that was checked.
    pub(super) fn take(&mut self, accepted: &Accepted) {
        let document = &accepted.document;
        if let Kind::OfflineBegin { revoke_last_online } = document.kind {
            if revoke_last_online {
                self.revoke_last();
            }
            self.begin_session(accepted);
        }
        if let Some(chain) = &mut self.chain {
            let link = link(accepted).expect("an offline document was checked");
            chain.follow(&link).expect("an offline document was checked");
        }
        self.move_shift(accepted);
        let shift = match document.kind {
            Kind::CloseShift => self.shifts.last(),
            _ => self.open_shift(),
        };
        let shift = shift.map(|shift| shift.id);
        self.documents.push(Entry {
            accepted: accepted.clone(),
            shift,
            storned: false,
        });
        if matches!(document.kind, Kind::OfflineEnd) {
            let chain = self.chain.take().expect("what ends had begun");
            self.sessions.extend(Span::of(&chain));
        }
    }

    fn begin_session(&mut self, accepted: &Accepted) {
        let session = self
            .session
            .take()
            .expect("a session was there when it was checked");
        self.chain = Some(self.new_chain(session, &accepted.document));
    }

    /// The chain of a session that this document begins.
    pub(super) fn new_chain(&self, session: OfflineSession, document: &Document) -> OfflineChain {
        let register = document.head.register;
        OfflineChain::new(
            session,
            numbers::RegisterNumber::new(register.number.get()).expect("a registered number"),
            numbers::DeskNumber::new(register.cash_desk.get()).expect("a registered number"),
            numbers::LocalNumber::new(self.next_local_number().get()).expect("a number that was counted to"),
        )
    }

    fn move_shift(&mut self, accepted: &Accepted) {
        let document = &accepted.document;
        let (number, signer) = (accepted.fiscal_number.clone(), Arc::clone(&accepted.signer));
        let at = issued(document);
        match &document.kind {
            Kind::OpenShift => {
                let id = self.shifts.last().map_or(1, |shift| shift.id + 1);
                self.shifts.push(Shift {
                    id,
                    opened_by: number,
                    first_local_number: document.head.local_number,
                    opener: signer,
                    opened: at,
                    testing: document.head.testing,
                    z_report: None,
                    closed: None,
                });
            }
            Kind::ZReport(_) => {
                let shift = self
                    .shifts
                    .last_mut()
                    .expect("a shift was open when it was checked");
                shift.z_report = Some(number);
            }
            Kind::CloseShift => {
                let shift = self
                    .shifts
                    .last_mut()
                    .expect("a shift was open when it was checked");
                shift.closed = Some(Closing {
                    by: number,
                    at,
                    closer: signer,
                });
            }
            Kind::Storno { of, .. } => self.mark_storned(of, true),
            _ => {}
        }
    }

    fn mark_storned(&mut self, number: &FiscalNumber, storned: bool) {
        let found = self
            .documents
            .iter_mut()
            .rev()
            .find(|entry| entry.accepted.fiscal_number == *number);
        if let Some(entry) = found {
            entry.storned = storned;
        }
    }

    /// Drops the last document, and what it did.
    pub(super) fn revoke_last(&mut self) {
        let Some(entry) = self.documents.pop() else {
            return;
        };
        match &entry.accepted.document.kind {
            Kind::Storno { of, .. } => self.mark_storned(of, false),
            Kind::ZReport(_) => {
                if let Some(shift) = self.shifts.last_mut() {
                    shift.z_report = None;
                }
            }
            _ => {}
        }
        self.revoked.push(entry);
    }

    /// How long offline sessions lasted in a month, the one that has not ended included.
    pub(super) fn offline_in(&self, month: Month) -> TimeDelta {
        let open = self.chain.as_ref().and_then(Span::of);
        let open = open.map(|span| in_month(span.begun, span.until(), month));
        self.ended_in(month) + open.unwrap_or_default()
    }

    /// The same without the one that has not ended.
    pub(super) fn ended_in(&self, month: Month) -> TimeDelta {
        let spans = self.sessions.iter();
        spans.map(|span| in_month(span.begun, span.until(), month)).sum()
    }

    /// How long the session that has not ended lasted.
    pub(super) fn offline_now(&self) -> TimeDelta {
        let open = self.chain.as_ref().and_then(Span::of);
        open.map_or(TimeDelta::zero(), |span| span.until() - span.begun)
    }
}

impl Span {
    fn of(chain: &OfflineChain) -> Option<Self> {
        Some(Self {
            begun: chain.begun()?,
            last_financial: chain.last_financial(),
        })
    }

    fn until(self) -> NaiveDateTime {
        self.last_financial
            .map_or(self.begun, |last| last.max(self.begun))
    }
}

/// What an offline document says of its place in the chain; none when it is not of the form.
pub(super) fn link(accepted: &Accepted) -> Option<Link<'_>> {
    let document = &accepted.document;
    let Mode::Offline {
        fiscal_number,
        previous,
    } = &document.head.mode
    else {
        return None;
    };
    let number: OfflineNumber = fiscal_number.as_str().parse().ok()?;
    let previous_hash = match previous {
        Some(hash) => Some(hash.to_string().parse().ok()?),
        None => None,
    };
    Some(Link {
        document: offline_kind(document),
        moment: issued(document),
        local_number: numbers::LocalNumber::new(document.head.local_number.get()).ok()?,
        number,
        previous_hash,
        signed: &accepted.signed,
    })
}

/// What a document is, as far as an offline number depends on it.
pub(super) fn offline_kind(document: &Document) -> OfflineDocument {
    match &document.kind {
        Kind::OpenShift => OfflineDocument::OpenShift,
        Kind::CloseShift => OfflineDocument::CloseShift,
        Kind::OfflineBegin { .. } => OfflineDocument::Begin,
        Kind::OfflineEnd => OfflineDocument::End,
        Kind::ZReport(_) => OfflineDocument::ZReport,
        kind => OfflineDocument::Receipt {
            sum: kind
                .receipt()
                .and_then(|receipt| receipt.total.as_ref())
                .and_then(|total| total.sum),
        },
    }
}
