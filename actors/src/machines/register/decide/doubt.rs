//! Section 1.12: a document was sent and its fate is not known. Ask for the register's state; the next number tells whether ours was
//! taken; if it was, ask for the document and see whether it is ours; then adopt it, send the same octets again, or wait for a person.

use super::super::answer::{Cancelled, ManualReason};
use super::super::away::OfflineCause;
use super::super::command::{Event, Finding, Reply};
use super::super::note::{DocumentOutcome, Note};
use super::super::policy::{DOUBT_PAUSE, DOUBT_PAUSE_MAX};
use super::super::state::{Flight, Link, Purpose, Query, Stage};
use super::turn::Turn;
use crate::ids::RequestId;
use fiscal::command::{DocumentAnswer, DocumentInfo, RegisterState};
use fiscal::document::Document;
use fiscal::{DocumentResult, FiscalNumber};
use std::time::Duration;

impl Turn {
    /// The fate of what was sent is not known. Who is held goes on waiting: it may be found out in time.
    pub(super) fn doubt(&mut self, flight: &Flight) {
        if !flight.was_doubted {
            self.count(Note::Document {
                kind: flight.kind,
                outcome: DocumentOutcome::Doubtful,
            });
        }
        // A post that settled nothing again is looked into after a pause; the first time at once.
        let again_at = if flight.was_doubted {
            self.moment().plus(pause(flight.posts))
        } else {
            self.moment()
        };
        self.note(Event::Moved(Stage::InDoubt {
            again_at,
            failed: flight.posts.saturating_sub(1),
        }));
    }

    /// This look settled nothing; the next is due after a pause.
    pub(super) fn look_later(&mut self, flight: &Flight) {
        let failed = match flight.stage {
            Stage::InDoubt { failed, .. } => failed.saturating_add(1),
            _ => flight.posts,
        };
        self.note(Event::Moved(Stage::InDoubt {
            again_at: self.moment().plus(pause(failed)),
            failed,
        }));
    }

    /// Begins the look that is due.
    pub(super) fn look_into_doubt(&mut self) {
        let Some(flight) = self.core().flight.clone() else {
            return;
        };
        let is_manual = matches!(self.core().link, Link::Manual(_));
        if let Stage::InDoubt { again_at, .. } = flight.stage
            && self.is_past(again_at)
            && !is_manual
        {
            let until = self.moment().plus(self.query_signature_max());
            self.put_query(Purpose::Doubt, &flight.signer, until);
        }
    }

    /// What the tax service said to a look.
    pub(super) fn doubt_reply(&mut self, query: &Query, reply: Reply) {
        self.note(Event::QueryEnded);
        let Some(flight) = self.core().flight.clone() else {
            return;
        };
        match (&query.purpose, reply) {
            (Purpose::Doubt, Reply::State(state)) => self.doubt_state(&flight, &state),
            (Purpose::DoubtNumber, Reply::Number(info)) => self.doubt_number(&flight, *info),
            (Purpose::DoubtDocument(number), Reply::Document(answer)) => {
                self.doubt_document(&flight, number, *answer);
            }
            (_, Reply::Unreachable | Reply::Rejected(_))
                if self.leave_if_due(OfflineCause::Unreachable, &query.signer, Some(&flight)) => {}
            _ => self.look_later(&flight),
        }
    }

    fn doubt_state(&mut self, flight: &Flight, state: &RegisterState) {
        let (ours, next) = (flight.local_number.get(), state.next_local_number.get());
        if next == ours {
            // Not registered: the same octets again. Should the first post still be under way, the second of the two is refused by its
            // number, and found to be ours.
            return self.post(flight);
        }
        if Some(next) == ours.checked_add(1) {
            // An opening's ticket brings the session, and that ticket is lost. Whether the document is ours or not, the session is the register's.
            if let Some(session) = state.offline_session() {
                self.note(Event::SessionTold(session));
            }
            let until = self.moment().plus(self.query_signature_max());
            return self.put_query(Purpose::DoubtNumber, &flight.signer, until);
        }
        self.wait_for_person_over(flight, ManualReason::AnotherDevice);
    }

    fn doubt_number(&mut self, flight: &Flight, info: DocumentInfo) {
        let until = self.moment().plus(self.query_signature_max());
        self.put_query(Purpose::DoubtDocument(info.fiscal_number), &flight.signer, until);
    }

    fn doubt_document(&mut self, flight: &Flight, number: &FiscalNumber, answer: DocumentAnswer) {
        let data = answer.data.filter(|_| answer.result == DocumentResult::Ok);
        match data.map(|xml| Document::from_xml(&xml)) {
            Some(Ok(document)) if document.head.uid.is_same(&flight.uid) => {
                self.registered(flight, Some(number.clone()), None, None);
            }
            Some(Ok(_)) => self.wait_for_person_over(flight, ManualReason::ForeignDocument),
            Some(Err(_)) | None => self.look_later(flight),
        }
    }

    /// Nobody but a person can tell what became of this document; who is held is told that it is not resolved.
    fn wait_for_person_over(&mut self, flight: &Flight, reason: ManualReason) {
        self.wait_for_person(reason);
        if let Some(owner) = self.owner(flight) {
            self.release(&owner);
        }
        let waiting: Vec<_> = self.book.waiting.iter().cloned().collect();
        for operation in waiting {
            self.refuse(&operation, super::super::answer::Refusal::Manual(reason));
        }
    }

    /// A person has looked at a register that waits for one. What the tax service has is followed from here on.
    pub(super) fn resolve(&mut self, request: RequestId, finding: Option<Finding>) {
        // One that is issued offline is not in doubt.
        let flight = self.core().flight.clone().filter(|flight| flight.place.is_none());
        let is_manual = matches!(self.core().link, Link::Manual(_));
        // A document in doubt needs a finding, and a finding needs one.
        let taken = is_manual && flight.is_some() == finding.is_some();
        if taken {
            let link = self.core().away.as_ref().map_or(Link::Online, |away| away.link());
            self.note(Event::Linked(link));
            match (flight, finding) {
                (Some(flight), Some(Finding::Issued(number))) => {
                    self.registered(&flight, Some(number), None, None);
                }
                (Some(flight), Some(Finding::NotIssued)) => self.give_up(&flight, Cancelled::ByPerson),
                _ => {}
            }
            if self.core().away.is_some() {
                self.clear_rejection();
                self.look_home();
            } else {
                self.note(Event::Unsettled);
            }
        }
        self.act(super::super::command::Effect::Resolved { request, taken });
    }
}

/// One second, two, four... up to a minute.
fn pause(failed: u32) -> Duration {
    let factor = 1_u32.checked_shl(failed.min(16)).unwrap_or(u32::MAX);
    DOUBT_PAUSE.saturating_mul(factor).min(DOUBT_PAUSE_MAX)
}
