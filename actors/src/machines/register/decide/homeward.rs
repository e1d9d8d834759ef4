//! The way back from offline (section 1.8, rule 8): look whether the tax service is there, ask what it has, deliver packages in order, make
//! the end, deliver that too, and take the next session over.
//!
//! A package whose fate is not known is never sent blindly again: what the tax service has is asked for first, and that settles it. Documents
//! are issued meanwhile; only between the end and its acceptance nothing can be. An end that was never sent is taken back, so that a service
//! that went away again stops nobody from selling.

use super::super::answer::ManualReason;
use super::super::away::{Away, Homeward, later, session_of};
use super::super::command::{Content, Effect, Event, Reply, Signature};
use super::super::note::Note;
use super::super::policy::{GRACE, LOOK_PAUSE, LOOK_PAUSE_MAX};
use super::super::request::Signer;
use super::super::state::{Link, Purpose, Query, QueryStage};
use super::turn::Turn;
use crate::clock::Moment;
use crate::ids::SignatureRequestId;
use fiscal::command::{DocumentAnswer, DocumentInfo, RegisterState};
use fiscal::document::Document;
use fiscal::numbers::OfflineNumber;
use fiscal::{DocumentResult, LocalNumber, OfflineSession, Uid};
use std::time::Duration;

/// When the way back must be looked at. A person has no deadline.
pub(super) fn deadline(away: &Away, link: &Link) -> Option<Moment> {
    if matches!(link, Link::Manual(_)) {
        return None;
    }
    match &away.step {
        Homeward::Resting { look, .. } => Some(*look),
        Homeward::Remaking { until, .. } | Homeward::Signing { until, .. } => Some(*until),
        Homeward::Sending { until, .. } => Some(until.plus(GRACE)),
        Homeward::Asking(query) => Some(match query.stage {
            QueryStage::Signing { until } => until,
            QueryStage::Asking { until } => until.plus(GRACE),
        }),
        Homeward::Reading | Homeward::Ending => None,
    }
}

/// Ten seconds, twenty, forty, a minute.
fn pause(failed: u32) -> Duration {
    let factor = 1_u32.checked_shl(failed.min(16)).unwrap_or(u32::MAX);
    LOOK_PAUSE.saturating_mul(factor).min(LOOK_PAUSE_MAX)
}

impl Turn {
    pub(super) fn away(&self) -> Option<Box<Away>> {
        self.core().away.clone()
    }

    pub(super) fn step(&mut self, step: Homeward) {
        if let Some(mut away) = self.away() {
            away.step = step;
            self.note(Event::AwaySet(away));
        }
    }

    /// A deadline of the way back has come, or may have.
    pub(super) fn wake_home(&mut self) {
        let Some(away) = self.away() else { return };
        let due = deadline(&away, &self.core().link);
        if !due.is_some_and(|due| self.is_past(due)) {
            return;
        }
        match away.step {
            Homeward::Resting { .. } => self.look_home(),
            _ => self.rest(true),
        }
    }

    /// Looks whether the tax service is back, unless a person wants the register offline.
    pub(super) fn look_home(&mut self) {
        self.watch_limits();
        let stays = self.core().away.as_ref().is_none_or(|away| away.stays);
        if stays {
            self.rest(false);
        } else {
            self.put_home(Purpose::Probe);
        }
    }

    /// Nothing came of it, or nothing is to be done: the next look is due after a pause. What is asked of the agent is withdrawn, a package
    /// that was sent is in doubt, an end that was never sent is taken back.
    pub(super) fn rest(&mut self, is_failure: bool) {
        let Some(mut away) = self.away() else { return };
        let failed = match &away.step {
            Homeward::Resting { failed, .. } if is_failure => failed.saturating_add(1),
            Homeward::Resting { .. } => 3, // at the longest pause: nobody waits for this look
            _ => u32::from(is_failure),
        };
        let is_nobody_there = match &away.step {
            Homeward::Asking(query) => is_failure && query.purpose == Purpose::Probe,
            _ => false,
        };
        // Once the end was sent, nothing is issued until its fate is known: then it is asked for as soon as may be.
        let pause = if is_nobody_there && !away.chain.ended() {
            self.pause_away(&away)
        } else {
            pause(failed)
        };
        match &away.step {
            Homeward::Remaking { request, .. } | Homeward::Signing { request, .. } => {
                self.act(Effect::Withdraw(*request));
            }
            Homeward::Asking(query) if matches!(query.stage, QueryStage::Signing { .. }) => {
                self.act(Effect::Withdraw(query.request));
            }
            Homeward::Sending { package, .. } => away.end_unknown |= package.has_end,
            _ => {}
        }
        away.step = Homeward::Resting {
            look: self.moment().plus(pause),
            failed,
        };
        self.set_home(away);
    }

    /// The pause after a look that found nobody: as long again as the register has been away, so that each is twice as long as the one before,
    /// within the bounds.
    fn pause_away(&self, away: &Away) -> Duration {
        let been_ms = u64::try_from(self.wall_ms() - away.since_ms).unwrap_or(0);
        Duration::from_millis(been_ms).clamp(2 * LOOK_PAUSE, LOOK_PAUSE_MAX)
    }

    /// Rests without a doubt about what was sent.
    pub(super) fn rest_unsent(&mut self) {
        let Some(mut away) = self.away() else { return };
        away.step = Homeward::Resting {
            look: self.moment().plus(pause(1)),
            failed: 1,
        };
        self.set_home(away);
    }

    fn set_home(&mut self, away: Box<Away>) {
        let is_dropped = away.before_end.is_some() && !away.end_unknown;
        let end = later(away.first, away.chain.length().saturating_sub(1));
        self.note(Event::AwaySet(away));
        if is_dropped {
            self.note(Event::EndDropped { local_number: end });
        }
    }

    /// Puts a question beside whatever else the register does.
    pub(super) fn put_home(&mut self, purpose: Purpose) {
        let is_signed = self.book.must_be_signed(&purpose);
        let Some(signer) = self.away().map(|away| away.signer) else {
            return;
        };
        let within = self.query_max();
        let until = self.moment().plus(self.query_signature_max());
        let stage = if is_signed {
            QueryStage::Signing { until }
        } else {
            QueryStage::Asking {
                until: self.moment().plus(within),
            }
        };
        let text = self.draw.home_uid.to_string().to_uppercase();
        let query = Query {
            uid: Uid::new(text).expect("a UUID is 36 visible characters"),
            purpose,
            signer,
            request: SignatureRequestId(self.draw.home_request),
            deadline_ms: until.wall_ms(self.now),
            stage,
        };
        self.step(Homeward::Asking(Box::new(query.clone())));
        let json = self.book.query_json(&query);
        if is_signed {
            self.sign_query(&query, json, until);
        } else {
            self.ask_service(&query, json, false, within);
        }
    }

    /// The question of the way back that has this identifier.
    pub(super) fn home_query(&self, uid: &Uid) -> Option<Query> {
        match &self.core().away.as_ref()?.step {
            Homeward::Asking(query) if query.uid.is_same(uid) => Some((**query).clone()),
            _ => None,
        }
    }

    /// What the tax service said on the way back.
    pub(super) fn home_reply(&mut self, query: &Query, reply: Reply) {
        match (&query.purpose, reply) {
            (Purpose::Probe, Reply::Reached) => {
                let is_begun = self.core().away.as_ref().is_some_and(|away| away.is_begun());
                if is_begun {
                    self.put_home(Purpose::Return);
                } else {
                    self.come_back_unbegun();
                }
            }
            (Purpose::Return, Reply::State(state)) => self.home_state(&state),
            (Purpose::ReturnNumber { next, session }, Reply::Number(info)) => {
                self.home_number(*next, session.clone(), &info);
            }
            (Purpose::ReturnDocument(_), Reply::Document(answer)) => self.home_document(*answer),
            _ => self.rest(true),
        }
    }

    /// Nothing was issued offline: what was in doubt is in doubt again, and the rest goes on online.
    fn come_back_unbegun(&mut self) {
        let begin = self.core().flight.clone().filter(|flight| flight.place.is_some());
        if let Some(flight) = begin {
            self.free(&flight, super::super::note::DocumentOutcome::Cancelled);
        }
        self.note(Event::Returned {
            offline: self.core().offline.clone(),
            used: None,
        });
    }

    /// What the tax service has of the session: what is due next there tells.
    fn home_state(&mut self, state: &RegisterState) {
        let Some(away) = self.away() else { return };
        let (due, next) = (away.due(), state.next_local_number);
        if next == due {
            return self.home_nothing_more(&away);
        }
        let issued = later(away.first, away.chain.length());
        if next < due || next > issued {
            return self.stop_home(ManualReason::AnotherDevice);
        }
        let own = session_of(&away.chain);
        let session = state
            .offline_session()
            .filter(|next| Some(&next.id) != own.as_ref().map(|own| &own.id));
        self.put_home(Purpose::ReturnNumber { next, session });
    }

    /// The tax service has just what we know it to have.
    fn home_nothing_more(&mut self, away: &Away) {
        if away.delivered == 0 && away.revokes {
            // It does not have what the first document would revoke: that would hit another.
            return self.remake(false);
        }
        if away.rejected.is_some() {
            return self.stop_home(ManualReason::PackageRejected);
        }
        self.read_package();
    }

    /// Whose the last document is that the tax service has.
    fn home_number(&mut self, next: LocalNumber, session: Option<OfflineSession>, info: &DocumentInfo) {
        let Some(away) = self.away() else { return };
        let place = next.get().saturating_sub(away.first.get());
        let number: Option<OfflineNumber> = info.fiscal_number.as_str().parse().ok();
        let is_ours =
            number.is_some_and(|number| number.session == away.chain.session().id && number.place == place);
        if is_ours {
            return self.delivered(place.saturating_sub(away.delivered), session);
        }
        let may_be_doubtful = away.delivered == 0 && place == 1 && away.doubtful.is_some();
        if may_be_doubtful && info.fiscal_number.as_str().parse::<OfflineNumber>().is_err() {
            return self.put_home(Purpose::ReturnDocument(info.fiscal_number.clone()));
        }
        self.stop_home(ManualReason::AnotherDevice);
    }

    /// Whether the tax service's last document is the one whose fate was not known: then the session's first must revoke it.
    fn home_document(&mut self, answer: DocumentAnswer) {
        let Some(away) = self.away() else { return };
        let data = answer.data.filter(|_| answer.result == DocumentResult::Ok);
        let Some(Ok(document)) = data.map(|xml| Document::from_xml(&xml)) else {
            return self.rest(true);
        };
        let doubtful = away.doubtful.as_ref();
        if !doubtful.is_some_and(|flight| flight.uid.is_same(&document.head.uid)) {
            return self.stop_home(ManualReason::ForeignDocument);
        }
        if !away.revokes {
            return self.remake(true);
        }
        if away.rejected.is_some() {
            return self.stop_home(ManualReason::PackageRejected);
        }
        self.read_package();
    }

    /// A person must look; what was issued is kept.
    fn stop_home(&mut self, reason: ManualReason) {
        self.rest(true);
        if reason == ManualReason::PackageRejected {
            self.count(Note::PackageRejected);
        }
        self.wait_for_person(reason);
    }

    /// Makes the first document of the session again, under its number: nothing is chained to it.
    fn remake(&mut self, revokes: bool) {
        let Some(begin) = self.core().away.as_ref().and_then(|away| away.begin.clone()) else {
            return self.rest(true);
        };
        let Ok(xml) = self.begin_xml(&begin, revokes) else {
            return self.rest(true);
        };
        let request = SignatureRequestId(self.draw.home_request);
        let until = self.moment().plus(self.query_signature_max());
        self.note(Event::BeginMade {
            uid: begin.uid.clone(),
            xml,
        });
        self.step(Homeward::Remaking {
            request,
            until,
            revokes,
        });
        self.sign_home(&begin.signer, request, Content::Document(begin.uid), until);
    }

    pub(super) fn sign_home(
        &mut self,
        signer: &Signer,
        request: SignatureRequestId,
        content: Content,
        until: Moment,
    ) {
        self.act(Effect::Sign {
            request,
            key: signer.key,
            subject_key_id: signer.subject_key_id.clone(),
            content,
            deadline_ms: until.wall_ms(self.now),
            until,
        });
    }

    /// Whether a request for a signature belongs to the way back.
    pub(super) fn is_home_request(&self, wanted: SignatureRequestId) -> bool {
        let step = self.core().away.as_ref().map(|away| &away.step);
        match step {
            Some(Homeward::Remaking { request, .. } | Homeward::Signing { request, .. }) => {
                *request == wanted
            }
            Some(Homeward::Asking(query)) => {
                query.request == wanted && matches!(query.stage, QueryStage::Signing { .. })
            }
            _ => false,
        }
    }

    /// A signature that the way back waits for.
    pub(super) fn home_signature(&mut self, signature: Signature) {
        let Some(away) = self.away() else { return };
        let Signature::Signed(cms) = signature else {
            return self.rest(true);
        };
        match away.step.clone() {
            Homeward::Asking(mut query) => {
                let within = self.query_max();
                query.stage = QueryStage::Asking {
                    until: self.moment().plus(within),
                };
                self.step(Homeward::Asking(query.clone()));
                self.ask_service(&query, cms, true, within);
            }
            Homeward::Remaking { revokes, .. } => self.remade(&away, revokes, cms),
            Homeward::Signing { package, request, .. } => self.post_package(package, request, cms),
            Homeward::Resting { .. } | Homeward::Reading | Homeward::Ending | Homeward::Sending { .. } => {
                self.count(Note::Stray);
            }
        }
    }

    fn remade(&mut self, away: &Away, revokes: bool, cms: Vec<u8>) {
        let Some(begin) = away.begin.clone() else {
            return self.rest(true);
        };
        self.note(Event::BeginSigned {
            uid: begin.uid,
            local_number: away.first,
            cms,
            signer: Box::new(begin.signer),
        });
        let mut away = Box::new(away.clone());
        away.revokes = revokes;
        away.rejected = None;
        self.note(Event::AwaySet(away));
        self.read_package();
    }

    /// Whether the end of the session is to be made now.
    pub(super) fn is_ending(&self) -> bool {
        let step = self.core().away.as_ref().map(|away| &away.step);
        step == Some(&Homeward::Ending) && !matches!(self.core().link, Link::Manual(_))
    }

    /// A person wants the register to stay offline, or not any more.
    pub(super) fn stay(&mut self, stays: bool) -> bool {
        let Some(mut away) = self.away().filter(|away| !(stays && away.chain.ended())) else {
            return false;
        };
        let is_resting = matches!(away.step, Homeward::Resting { .. });
        away.stays = stays;
        self.note(Event::AwaySet(away));
        if is_resting && !stays && !matches!(self.core().link, Link::Manual(_)) {
            self.look_home();
        }
        true
    }

    /// A person has looked at a refused package: it is tried again as it is.
    pub(super) fn clear_rejection(&mut self) {
        if let Some(mut away) = self.away().filter(|away| away.rejected.is_some()) {
            away.rejected = None;
            self.note(Event::AwaySet(away));
        }
    }

    /// After a restart: what was asked of agent or tax service is asked anew, a package that was sent is in doubt.
    pub(super) fn resume_home(&mut self) {
        let Some(away) = self.away() else { return };
        if !matches!(away.step, Homeward::Resting { .. }) {
            self.rest(false);
        }
    }
}
