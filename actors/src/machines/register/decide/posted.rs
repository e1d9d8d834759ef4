//! The tax service answers to a document, or does not.

use super::super::answer::Cancelled;
use super::super::command::{Effect, Event, Note};
use super::super::policy::SEND_PAUSE;
use super::super::state::{Flight, Stage};
use super::turn::Turn;
use crate::ports::Posted;
use fiscal::{Rejection, Uid, Verdict};

impl Turn {
    pub(super) fn posted(&mut self, uid: &Uid, posted: Posted) {
        let flight = self.core().flight.clone();
        let Some(flight) = flight.filter(|flight| flight.uid.is_same(uid) && flight.may_be_registered())
        else {
            return self.count(Note::Stray);
        };
        // What is in doubt is settled by a ticket that comes late; anything less settles nothing.
        let is_awaited = matches!(flight.stage, Stage::Sending { .. });
        match posted {
            Posted::Ticket { ticket, cms } => match ticket.check(&flight.uid, flight.local_number) {
                Verdict::Registered {
                    fiscal_number,
                    offline_session,
                } => {
                    self.drop_query();
                    self.registered(&flight, Some(fiscal_number), offline_session, Some(cms));
                }
                Verdict::Rejected { code, text } if is_awaited => {
                    self.rejected(&flight, &Rejection { code, text });
                }
                Verdict::OfAnother | Verdict::Unclear if is_awaited => self.doubt(&flight),
                Verdict::Rejected { .. } | Verdict::OfAnother | Verdict::Unclear => self.count(Note::Stray),
            },
            Posted::Rejected(rejection) if is_awaited => self.rejected(&flight, &rejection),
            // Nothing was written: as if it had never been posted. A document that was in doubt before stays in it, because a caller may
            // have been told that it is not resolved.
            Posted::NotSent(_) if is_awaited && !flight.was_doubted => self.send_later(&flight),
            Posted::NotSent(_) | Posted::Unknown(_) if is_awaited => self.doubt(&flight),
            Posted::Rejected(_) | Posted::NotSent(_) | Posted::Unknown(_) => self.count(Note::Stray),
        }
    }

    /// It is known not to be registered, and may be a moment later: the same octets again, while the operation may wait.
    pub(super) fn send_later(&mut self, flight: &Flight) {
        if flight.was_doubted {
            return self.look_later(flight);
        }
        let again_at = self.moment().plus(SEND_PAUSE);
        let give_up = self.owner(flight).map(|operation| operation.give_up);
        if give_up.is_none_or(|give_up| give_up <= again_at) {
            return self.give_up(flight, Cancelled::TaxServiceUnreachable);
        }
        self.note(Event::Moved(Stage::Signed { again_at }));
    }

    /// Posts what is signed.
    pub(super) fn post(&mut self, flight: &Flight) {
        let within = self.post_max();
        self.note(Event::Moved(Stage::Sending {
            until: self.moment().plus(within),
        }));
        self.act(Effect::Post {
            uid: flight.uid.clone(),
            within,
        });
    }

    pub(super) fn drop_query(&mut self) {
        if let Some(query) = self.core().query.clone() {
            self.act(Effect::Withdraw(query.request));
            self.note(Event::QueryEnded);
        }
    }
}
