//! A signature comes, or does not.

use super::super::answer::Cancelled;
use super::super::command::{Effect, Event, Signature};
use super::super::note::Note;
use super::super::state::{Flight, Query, QueryStage, Stage};
use super::turn::Turn;
use crate::ids::SignatureRequestId;

impl Turn {
    pub(super) fn signature(&mut self, request: SignatureRequestId, signature: Signature) {
        let flight = self
            .core()
            .flight
            .clone()
            .filter(|flight| flight.request == request);
        if let Some(flight) = flight
            && let Stage::Signing { until } = flight.stage
        {
            return self.document_signature(&flight, signature, self.is_past(until));
        }
        if self.is_home_request(request) {
            return self.home_signature(signature);
        }
        let query = self.core().query.clone().filter(|query| query.request == request);
        if let Some(query) = query
            && let QueryStage::Signing { until } = query.stage
        {
            return self.query_signature(&query, signature, self.is_past(until));
        }
        self.count(Note::Stray);
    }

    fn document_signature(&mut self, flight: &Flight, signature: Signature, is_late: bool) {
        match signature {
            Signature::Signed(cms) if !is_late => {
                self.count(Note::SignedAfter(flight.planned.elapsed_ms(self.now)));
                if let Some(place) = &flight.place {
                    return self.issued(flight, place, cms);
                }
                let within = self.post_max();
                self.note(Event::Signed {
                    cms,
                    until: self.moment().plus(within),
                });
                self.act(Effect::Post {
                    uid: flight.uid.clone(),
                    local_number: flight.local_number,
                    within,
                });
            }
            Signature::Signed(_) | Signature::Late => self.give_up(flight, Cancelled::SignatureLate),
            Signature::Refused { .. } | Signature::Unfit(_) => {
                let why = refused(&signature);
                self.give_up(flight, why);
            }
        }
    }

    fn query_signature(&mut self, query: &Query, signature: Signature, is_late: bool) {
        match signature {
            Signature::Signed(cms) if !is_late => {
                let within = self.query_max();
                self.note(Event::QueryMoved(QueryStage::Asking {
                    until: self.moment().plus(within),
                }));
                self.ask_service(query, cms, true, within);
            }
            Signature::Signed(_) | Signature::Late => self.query_failed(query, Cancelled::SignatureLate),
            Signature::Refused { .. } | Signature::Unfit(_) => {
                let why = refused(&signature);
                self.query_failed(query, why);
            }
        }
    }

    pub(super) fn post_max(&self) -> std::time::Duration {
        let profile = self.core().profile.as_ref();
        profile.map_or(super::super::policy::Settings::default().post_max, |profile| {
            profile.settings.post_max
        })
    }

    pub(super) fn query_max(&self) -> std::time::Duration {
        let profile = self.core().profile.as_ref();
        profile.map_or(super::super::policy::Settings::default().query_max, |profile| {
            profile.settings.query_max
        })
    }
}

fn refused(signature: &Signature) -> Cancelled {
    match signature {
        Signature::Refused { reason, text } => Cancelled::SignatureRefused {
            reason: super::finish::cut(reason),
            text: super::finish::cut(text),
        },
        Signature::Unfit(unfit) => Cancelled::SignatureRefused {
            reason: unfit.name().to_owned(),
            text: unfit.to_string(),
        },
        Signature::Signed(_) | Signature::Late => Cancelled::SignatureLate,
    }
}
