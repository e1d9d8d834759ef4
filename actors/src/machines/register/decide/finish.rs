//! Documents come to their ends: registered, refused, given up.

use super::super::answer::{Cancelled, DocumentFacts, DocumentKind, ManualReason, Refusal};
use super::super::away::OfflineCause;
use super::super::command::{Effect, Event, Registered, RegisteredAt};
use super::super::kyiv;
use super::super::note::{DocumentOutcome, Note};
use super::super::policy::{REMEDIES_MAX, TEXT_CHARACTERS_MAX};
use super::super::state::{Flight, Link, Operation, SoldRecord, Stage};
use super::turn::Turn;
use fiscal::offline::Planned;
use fiscal::{ErrorCode, FiscalNumber, Money, OfflineSession, Rejection};

/// A text of a stranger, cut to what is kept.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(TEXT_CHARACTERS_MAX).collect()
}

impl Turn {
    /// The operation that a document in flight belongs to, where it is still in work.
    pub(super) fn owner(&self, flight: &Flight) -> Option<Operation> {
        let current = self.core().current.as_ref();
        current
            .filter(|operation| operation.id == flight.operation)
            .cloned()
    }

    fn count_document(&mut self, flight: &Flight, outcome: DocumentOutcome) {
        self.count(Note::Document {
            kind: flight.kind,
            outcome,
        });
    }

    /// The document is registered: number, totals and phase follow, and whoever asked is told once everything they asked for is done.
    pub(super) fn registered(
        &mut self,
        flight: &Flight,
        number: Option<FiscalNumber>,
        offline: Option<OfflineSession>,
        ticket: Option<Vec<u8>>,
    ) {
        let outcome = if ticket.is_some() {
            DocumentOutcome::Registered
        } else {
            DocumentOutcome::Adopted
        };
        let owner = self.owner(flight);
        let registered = Registered {
            offline,
            ticket,
            ..self.facts_of(flight, number)
        };
        let facts = registered.facts.clone();
        self.note(Event::Registered(Box::new(registered)));
        self.count_document(flight, outcome);
        self.count(Note::RegisteredAfter(flight.planned.elapsed_ms(self.now)));
        self.tell_owner(owner, facts);
    }

    /// What is known of a document that is registered, or issued offline.
    fn facts_of(&self, flight: &Flight, number: Option<FiscalNumber>) -> Registered {
        let sold = match (flight.kind, &number, flight.sum) {
            (DocumentKind::Sale, Some(number), Some(sum)) => {
                let sold = SoldRecord {
                    local_number: flight.local_number,
                    sum,
                    returned: Money::ZERO,
                };
                Some((number.clone(), sold))
            }
            _ => flight.sold.clone(),
        };
        let facts = flight.facts(number);
        let is_opening = flight.kind == DocumentKind::OpenShift;
        let owner = self.owner(flight);
        Registered {
            facts,
            offline: None,
            ticket: None,
            at: RegisteredAt {
                wall_ms: self.wall_ms(),
                moment: self.moment(),
                local: kyiv::local(self.now.wall),
            },
            shift: self.core().shifts.saturating_add(u64::from(is_opening)),
            reference: owner.as_ref().and_then(|operation| operation.reference),
            close: is_opening.then(|| self.close_alarm(self.now.wall)),
            operation: flight.operation,
            sold,
        }
    }

    /// Whoever asked is told, once everything they asked for is done.
    fn tell_owner(&mut self, owner: Option<Operation>, facts: DocumentFacts) {
        if let Some(owner) = owner.filter(|_| facts.kind.is_receipt()) {
            self.done(&owner, facts);
        }
    }

    /// The document is signed, and with that it is issued: it has its number, and the next one carries its hash.
    pub(super) fn issued(&mut self, flight: &Flight, place: &Planned, cms: Vec<u8>) {
        let number = FiscalNumber::new(place.number.to_string()).expect("digits and points are visible");
        let registered = self.facts_of(flight, Some(number));
        let facts = registered.facts.clone();
        let owner = self.owner(flight);
        self.note(Event::Issued {
            cms,
            registered: Box::new(registered),
            signer: Box::new(flight.signer.clone()),
        });
        self.count_document(flight, DocumentOutcome::Issued);
        match flight.kind {
            DocumentKind::OfflineBegin => self.count(Note::OfflineBegun),
            DocumentKind::OfflineEnd => self.read_package(),
            _ => self.tell_owner(owner, facts),
        }
    }

    /// The document was never sent, or is known not to be registered: its number is free.
    pub(super) fn free(&mut self, flight: &Flight, outcome: DocumentOutcome) {
        if matches!(flight.stage, Stage::Signing { .. }) {
            self.act(Effect::Withdraw(flight.request));
        }
        self.note(Event::Freed);
        self.count_document(flight, outcome);
        if flight.kind == DocumentKind::OfflineEnd {
            self.rest(true);
        }
    }

    /// The document and its operation are given up.
    pub(super) fn give_up(&mut self, flight: &Flight, why: Cancelled) {
        self.free(flight, DocumentOutcome::Cancelled);
        if let Some(owner) = self.owner(flight) {
            self.end_unsent(&owner, why);
        }
    }

    /// An operation ends without its document. Where its Z-report is registered it is done, and the close is the register's to catch up.
    pub(super) fn end_unsent(&mut self, operation: &Operation, why: Cancelled) {
        match operation.z_report.clone() {
            Some(z_report) => self.done(operation, z_report),
            None => self.cancel(operation, why),
        }
    }

    /// The tax service refused the document; it consumed no number (section 1.13).
    pub(super) fn rejected(&mut self, flight: &Flight, rejection: &Rejection) {
        match rejection.code {
            // Not ours to judge: the server's own check failed. The same octets are sent again.
            ErrorCode::CryptographyError => self.send_later(flight, OfflineCause::Cryptography),
            // Perhaps our own document was faster than its answer: section 1.12 finds out whose number it is.
            ErrorCode::CheckLocalNumberInvalid => self.number_refused(flight),
            ErrorCode::ShiftAlreadyOpened | ErrorCode::ShiftNotOpened => self.remedy(flight, |_| {}),
            ErrorCode::LastDocumentMustBeZRep if flight.kind == DocumentKind::CloseShift => {
                self.remedy(flight, |turn| turn.note(Event::Reported(false)));
            }
            ErrorCode::ZRepAlreadyRegistered if flight.kind == DocumentKind::ZReport => {
                self.remedy(flight, |turn| turn.note(Event::Reported(true)));
            }
            code => {
                self.free(flight, DocumentOutcome::Rejected);
                if let Some(owner) = self.owner(flight) {
                    self.refuse(
                        &owner,
                        Refusal::Rejected {
                            code: code.code(),
                            text: cut(&rejection.text),
                        },
                    );
                }
            }
        }
    }

    /// The shift or the number is another than we thought: ask, follow, and try again, but not for ever.
    fn remedy(&mut self, flight: &Flight, follow: impl FnOnce(&mut Self)) {
        self.free(flight, DocumentOutcome::Rejected);
        follow(self);
        let remedies = self.owner(flight).map_or(0, |operation| operation.remedies);
        self.note(Event::Unsettled);
        if remedies >= REMEDIES_MAX {
            self.wait_for_person(ManualReason::NoRemedy);
        }
    }

    /// Code 7. A number that was posted once, and refused at once, cannot be ours: between two shifts the state is asked anew. Otherwise
    /// section 1.12 finds out whose it is.
    fn number_refused(&mut self, flight: &Flight) {
        if flight.kind == DocumentKind::OpenShift && !flight.was_doubted {
            return self.remedy(flight, |_| {});
        }
        self.doubt(flight);
    }

    /// Stops the register until a person has looked.
    pub(super) fn wait_for_person(&mut self, reason: ManualReason) {
        self.note(Event::Linked(Link::Manual(reason)));
        self.count(Note::Manual(reason));
    }
}
