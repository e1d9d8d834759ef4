//! The tax service answers to a document, or does not.

use super::super::answer::Cancelled;
use super::super::away::OfflineCause;
use super::super::command::{Effect, Event};
use super::super::note::Note;
use super::super::policy::SEND_PAUSE;
use super::super::state::{Flight, Stage};
use super::turn::Turn;
use crate::ports::Posted;
use fiscal::{ErrorCode, Uid};

impl Turn {
    pub(super) fn posted(&mut self, uid: &Uid, posted: Posted) {
        let flight = self.core().flight.clone();
        let Some(flight) = flight.filter(|flight| flight.uid.is_same(uid) && flight.may_be_registered())
        else {
            return self.count(Note::Stray);
        };
        // What is in doubt is settled by a ticket that comes late; anything less settles nothing.
        let is_awaited = matches!(flight.stage, Stage::Sending { .. });
        self.note_reach(&flight, &posted);
        match posted {
            Posted::Registered {
                fiscal_number,
                offline_session,
                ticket,
            } => {
                self.drop_query();
                self.registered(&flight, Some(fiscal_number), offline_session, Some(ticket));
            }
            Posted::Rejected(rejection) if is_awaited => self.rejected(&flight, &rejection),
            // Nothing was written: as if it had never been posted. A document that was in doubt before stays in it, because a caller may
            // have been told that it is not resolved.
            Posted::NotSent(_) if is_awaited && !flight.was_doubted => {
                self.send_later(&flight, OfflineCause::Unreachable);
            }
            Posted::NotSent(_) | Posted::Unknown(_) if is_awaited => self.doubt(&flight),
            Posted::Rejected(_) | Posted::NotSent(_) | Posted::Unknown(_) => self.count(Note::Stray),
        }
    }

    /// Whether the tax service answers, as far as this shows.
    fn note_reach(&mut self, flight: &Flight, posted: &Posted) {
        match posted {
            Posted::Rejected(rejection) if rejection.code == ErrorCode::CryptographyError => {
                self.unreached(self.moment());
            }
            Posted::Registered { .. } | Posted::Rejected(_) => self.reached(),
            Posted::NotSent(_) | Posted::Unknown(_) => {
                let began = match flight.stage {
                    Stage::Sending { until } => self.begun(until, self.post_max()),
                    _ => self.moment(),
                };
                self.unreached(began);
            }
        }
    }

    /// It is known not to be registered, and may be a moment later: the same octets again, while the operation may wait.
    pub(super) fn send_later(&mut self, flight: &Flight, cause: OfflineCause) {
        if flight.was_doubted {
            return self.look_later(flight);
        }
        if self.leave_instead_of(flight, cause) {
            return;
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
            local_number: flight.local_number,
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
