//! Questions to the tax service: put, signed, asked, answered.

use super::super::RegisterBook;
use super::super::answer::{Cancelled, DocumentKind};
use super::super::away::{OfflineCause, session_of};
use super::super::command::{Content, Effect, Event, Reply};
use super::super::note::Note;
use super::super::policy::SEND_PAUSE;
use super::super::request::{OperationKind, Signer};
use super::super::state::{Operation, Purpose, Query, QueryStage};
use super::turn::{Progress, Turn};
use crate::clock::Moment;
use crate::ids::SignatureRequestId;
use fiscal::command::{
    Command, DocumentExtQuery, DocumentForm, DocumentNumber, LocalNumberQuery, OfRegister, Request,
    StateQuery,
};
use fiscal::{ErrorCode, LocalNumber, Uid};
use std::time::Duration;

impl RegisterBook {
    /// The command that a question is.
    fn command(&self, purpose: &Purpose) -> Command {
        let register = self.number;
        match purpose {
            Purpose::Synchronise | Purpose::Doubt => Command::TransactionsRegistrarState(StateQuery {
                register,
                offline_session_id: None,
                offline_seed: None,
                include_tax_object: false,
            }),
            Purpose::Probe => Command::ServerState,
            // With our own session the server can take back an end that it had taken too early (section 1.4).
            Purpose::Return => {
                let session = self.away().and_then(|away| session_of(&away.chain));
                Command::TransactionsRegistrarState(StateQuery {
                    register,
                    offline_session_id: session.as_ref().map(|session| session.id.clone()),
                    offline_seed: session.map(|session| session.seed),
                    include_tax_object: false,
                })
            }
            Purpose::ReturnNumber { next, .. } => Command::DocumentInfoByLocalNum(LocalNumberQuery {
                register,
                local_number: LocalNumber::new(next.get().saturating_sub(1)).unwrap_or(*next),
            }),
            Purpose::DoubtNumber => Command::DocumentInfoByLocalNum(LocalNumberQuery {
                register,
                local_number: self.doubtful_number(),
            }),
            Purpose::DoubtDocument(number) | Purpose::ReturnDocument(number) => {
                let query = DocumentExtQuery {
                    register,
                    number: DocumentNumber::Fiscal(number.clone()),
                    form: DocumentForm::OriginalXml,
                    set_timestamp: false,
                    acquire_cabinet_url: false,
                };
                if self.is_doubtful_z_report(purpose) {
                    Command::ZRepExt(query)
                } else {
                    Command::CheckExt(query)
                }
            }
            Purpose::Totals => Command::LastShiftTotals(OfRegister { register }),
        }
    }

    fn is_doubtful_z_report(&self, purpose: &Purpose) -> bool {
        let doubtful = match purpose {
            Purpose::ReturnDocument(_) => self.away().and_then(|away| away.doubtful.as_deref()),
            _ => self.flight(),
        };
        doubtful.is_some_and(|flight| flight.kind == DocumentKind::ZReport)
    }

    /// Whether a question is signed.
    pub(super) fn must_be_signed(&self, purpose: &Purpose) -> bool {
        self.command(purpose).must_be_signed()
    }

    fn doubtful_number(&self) -> LocalNumber {
        let number = self.core.flight.as_ref().map(|flight| flight.local_number);
        number
            .or(self.core.next)
            .expect("a number is asked for only while a document is in flight")
    }

    /// The octets of a question: the same for the same question, so that they may be signed again under the same request.
    pub(super) fn query_json(&self, query: &Query) -> Vec<u8> {
        let request = Request::new(query.uid.clone(), self.command(&query.purpose));
        request
            .to_json()
            .expect("nothing in a question fails to be written")
    }
}

impl Turn {
    pub(super) fn query_signature_max(&self) -> Duration {
        let profile = self.core().profile.as_ref();
        profile.map_or(
            super::super::policy::Settings::default().signature_max,
            |profile| profile.settings.signature_max,
        )
    }

    /// Puts a question for the operation in work.
    pub(super) fn query(&mut self, operation: &Operation, purpose: Purpose) -> Progress {
        let until = self.signature_deadline(operation);
        let signer = operation.signer.clone();
        self.put_query(purpose, &signer, until);
        Progress::Waits
    }

    /// Puts a question, signed by this key, which has time until then.
    pub(super) fn put_query(&mut self, purpose: Purpose, signer: &Signer, until: Moment) {
        let is_signed = self.book.must_be_signed(&purpose);
        let within = self.query_max();
        let stage = if is_signed {
            QueryStage::Signing { until }
        } else {
            QueryStage::Asking {
                until: self.moment().plus(within),
            }
        };
        let query = Query {
            uid: self.uid(),
            purpose,
            signer: signer.clone(),
            request: SignatureRequestId(self.draw.request),
            deadline_ms: until.wall_ms(self.now),
            stage,
        };
        self.note(Event::QueryPlanned(Box::new(query.clone())));
        let json = self.book.query_json(&query);
        if is_signed {
            self.sign_query(&query, json, until);
        } else {
            self.ask_service(&query, json, false, within);
        }
    }

    pub(super) fn sign_query(&mut self, query: &Query, json: Vec<u8>, until: Moment) {
        self.act(Effect::Sign {
            request: query.request,
            key: query.signer.key,
            subject_key_id: query.signer.subject_key_id.clone(),
            content: Content::Query(json),
            deadline_ms: query.deadline_ms,
            until,
        });
    }

    pub(super) fn ask_service(&mut self, query: &Query, body: Vec<u8>, is_signed: bool, within: Duration) {
        self.act(Effect::AskService {
            uid: query.uid.clone(),
            purpose: query.purpose.clone(),
            name: self.book.command(&query.purpose).name(),
            body,
            is_signed,
            within,
        });
    }

    /// The tax service's reply.
    pub(super) fn asked(&mut self, uid: &Uid, reply: Reply) {
        let reply = match reply {
            Reply::Rejected(rejection) if rejection.code == ErrorCode::NoContent => Reply::Nothing,
            other => other,
        };
        if let Some(query) = self.home_query(uid) {
            return self.home_reply(&query, reply);
        }
        let query = self.core().query.clone();
        let Some(query) = query.filter(|query| query.uid.is_same(uid)) else {
            return self.count(Note::Stray);
        };
        match (&reply, query.stage) {
            (Reply::Unreachable, QueryStage::Asking { until }) => {
                let began = self.begun(until, self.query_max());
                self.unreached(began);
            }
            (Reply::Rejected(rejection), _) if rejection.code == ErrorCode::CryptographyError => {
                self.unreached(self.moment());
            }
            _ => self.reached(),
        }
        match &query.purpose {
            Purpose::Doubt | Purpose::DoubtNumber | Purpose::DoubtDocument(_) => {
                self.doubt_reply(&query, reply);
            }
            Purpose::Synchronise => self.synchronise_reply(&query, reply),
            Purpose::Totals => self.totals_reply(&query, reply),
            Purpose::Probe | Purpose::Return | Purpose::ReturnNumber { .. } | Purpose::ReturnDocument(_) => {
                unreachable!("questions of the way back lie beside the others")
            }
        }
    }

    /// A question came to nothing: a doubt is looked into again later; an operation tries again while it may wait, unless it is the
    /// signature that did not come.
    pub(super) fn query_failed(&mut self, query: &Query, why: Cancelled) {
        if matches!(query.stage, QueryStage::Signing { .. }) {
            self.act(Effect::Withdraw(query.request));
        }
        self.note(Event::QueryEnded);
        let is_unreached = why == Cancelled::TaxServiceUnreachable;
        if let Some(flight) = self.core().flight.clone() {
            if is_unreached && self.leave_if_due(OfflineCause::Unreachable, &query.signer, Some(&flight)) {
                return;
            }
            return self.look_later(&flight);
        }
        let Some(operation) = self.core().current.clone() else {
            return;
        };
        // A shift that we have not wholly seen cannot be closed without the tax service's totals, and a storno undoes what is last online.
        let may_leave = query.purpose == Purpose::Synchronise && operation.kind != OperationKind::Storno;
        if is_unreached && may_leave && self.leave_if_due(OfflineCause::Unreachable, &query.signer, None) {
            return;
        }
        let again_at = self.moment().plus(SEND_PAUSE);
        if why == Cancelled::TaxServiceUnreachable && again_at < operation.give_up {
            return self.note(Event::Paused(Some(again_at)));
        }
        self.end_unsent(&operation, why);
    }
}
