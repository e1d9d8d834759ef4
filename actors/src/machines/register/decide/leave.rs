//! Going offline (sections 1.8 and 1.12, rules 6 and 7): when the tax service has not answered for long enough, a session is there, and the
//! limits leave room.

use super::super::answer::{DocumentKind, Refusal};
use super::super::away::{Away, Homeward, NoOffline, OfflineCause, new_chain};
use super::super::command::Event;
use super::super::kyiv;
use super::super::note::{DocumentOutcome, Note};
use super::super::policy::{LOOK_PAUSE, OFFLINE_LIMITS, Settings};
use super::super::request::Signer;
use super::super::state::{BlockReason, Flight, Link, Operation, Phase};
use super::super::{Core, RegisterBook};
use super::turn::Turn;
use crate::clock::{Moment, millis};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use fiscal::offline::{Month, OfflineChain, OfflineDocument, Standing, State};
use std::time::Duration;

impl Core {
    /// How near the limits the register is at this wall time, or would be if it left now.
    pub(in super::super) fn standing(&self, wall: DateTime<Utc>) -> Standing {
        // What a document issued now would state: never earlier than the one before.
        let local = kyiv::local(wall);
        let now = self.last_issued.map_or(local, |last| last.max(local));
        let begun = self.away.as_ref().and_then(|away| away.chain.begun());
        let begun = begun.unwrap_or(now);
        let standing = OFFLINE_LIMITS.standing(begun, self.used_in(now), now);
        if Month::of(begun) == Month::of(now) {
            return standing;
        }
        // A session over the boundary counts in both months, and fills the first to its end.
        let end = Month::of(now).start() - TimeDelta::seconds(1);
        let first = OFFLINE_LIMITS.standing(begun, self.used_in(end), end);
        Standing {
            session_left: standing.session_left,
            month_left: standing.month_left.min(first.month_left),
            state: standing.state.max(first.state),
        }
    }

    /// What this month has of sessions that have ended.
    fn used_in(&self, now: NaiveDateTime) -> TimeDelta {
        let used = self.used.filter(|(month, _)| *month == Month::of(now));
        used.map_or(TimeDelta::zero(), |(_, minutes)| TimeDelta::minutes(minutes))
    }
}

impl RegisterBook {
    /// Why the register could not go offline now.
    pub(in super::super) fn no_offline(&self, wall: DateTime<Utc>) -> Option<NoOffline> {
        self.chain_to_leave_with(wall).err()
    }

    fn chain_to_leave_with(&self, wall: DateTime<Utc>) -> Result<OfflineChain, NoOffline> {
        let core = &self.core;
        let profile = core.profile.as_ref().ok_or(NoOffline::Unsettled)?;
        if !profile.settings.offline {
            return Err(NoOffline::Forbidden);
        }
        let next = core
            .next
            .filter(|_| !core.must_synchronise)
            .ok_or(NoOffline::Unsettled)?;
        let session = core.offline.as_ref().ok_or(NoOffline::NoSession)?;
        if !core.standing(wall).allows(OfflineDocument::Begin) {
            return Err(NoOffline::LimitReached);
        }
        new_chain(session, self.number, profile.cash_desk, next).ok_or(NoOffline::NoSession)
    }
}

impl Turn {
    /// The tax service did not answer something that was begun then.
    pub(super) fn unreached(&mut self, began: Moment) {
        if self.core().unreached.is_none() {
            self.note(Event::Unreached(Some(began)));
        }
    }

    /// The tax service answered.
    pub(super) fn reached(&mut self) {
        if self.core().unreached.is_some() {
            self.note(Event::Unreached(None));
        }
    }

    /// The moment at which something began that has this deadline.
    pub(super) fn begun(&self, until: Moment, within: Duration) -> Moment {
        Moment(until.0.saturating_sub(millis(within))).min(self.moment())
    }

    fn is_unreached_for_long(&self) -> bool {
        let profile = self.core().profile.as_ref();
        let patience = profile.map_or(Settings::default().offline_after, |profile| {
            profile.settings.offline_after
        });
        let since = self.core().unreached;
        since.is_some_and(|since| self.is_past(since.plus(patience)))
    }

    /// Leaves instead of waiting any longer, where that is allowed; a document whose fate is not known goes along.
    pub(super) fn leave_if_due(
        &mut self,
        cause: OfflineCause,
        signer: &Signer,
        doubtful: Option<&Flight>,
    ) -> bool {
        if self.core().away.is_some() || !self.is_unreached_for_long() {
            return false;
        }
        if doubtful.is_some_and(|flight| !flight.kind.may_be_issued_again()) {
            return false;
        }
        self.leave(cause, Some(signer.clone()), doubtful)
    }

    /// A document that is known not to be registered leaves its number to the first of the offline session.
    pub(super) fn leave_instead_of(&mut self, flight: &Flight, cause: OfflineCause) -> bool {
        // A storno undoes the last document, which would be the session's first.
        if flight.kind == DocumentKind::Storno || self.book.chain_to_leave_with(self.now.wall).is_err() {
            return false;
        }
        if self.core().away.is_some() || !self.is_unreached_for_long() {
            return false;
        }
        self.free(flight, DocumentOutcome::Cancelled);
        self.leave(cause, Some(flight.signer.clone()), None)
    }

    fn leave(&mut self, cause: OfflineCause, signer: Option<Signer>, doubtful: Option<&Flight>) -> bool {
        let chain = self.book.chain_to_leave_with(self.now.wall).ok();
        let (Some(chain), Some(first), Some(signer)) = (chain, self.core().next, signer) else {
            return false;
        };
        let away = Away {
            chain,
            before_end: None,
            since_ms: self.wall_ms(),
            why: cause,
            stays: cause == OfflineCause::Person,
            signer,
            begin: None,
            first,
            delivered: 0,
            doubtful: doubtful.cloned().map(Box::new),
            revokes: false,
            end_unknown: false,
            rejected: None,
            limit: State::Free,
            block: None,
            step: Homeward::Resting {
                look: self.moment().plus(LOOK_PAUSE),
                failed: 0,
            },
        };
        self.note(Event::Left(Box::new(away)));
        true
    }

    /// A person wants the register offline. What may be registered is settled first.
    pub(super) fn go_offline(&mut self) -> bool {
        if self.core().away.is_some() {
            return self.stay(true);
        }
        if matches!(self.core().link, Link::Manual(_)) || self.book.no_offline(self.now.wall).is_some() {
            return false;
        }
        match self.core().flight.clone() {
            Some(flight) if flight.may_be_registered() || flight.was_doubted => return false,
            Some(flight) => self.free(&flight, DocumentOutcome::Cancelled),
            None => {}
        }
        self.drop_query();
        let signer = self.core().signer.clone();
        self.leave(OfflineCause::Person, signer, None)
    }

    /// Why an operation cannot be offline, as things stand: past a limit only what closes is issued.
    pub(super) fn limit_refusal(&self, operation: &Operation) -> Option<Refusal> {
        let away = self.core().away.as_ref()?;
        if away.chain.ended() {
            return None;
        }
        let standing = self.core().standing(self.now.wall);
        let is_allowed = match &self.core().phase {
            Phase::Open(_) if operation.kind.closes_shift() => standing.state < State::Exhausted,
            _ if operation.kind.closes_shift() => true,
            _ => standing.allows(OfflineDocument::OpenShift),
        };
        (!is_allowed).then(|| Refusal::OfflineLimit(block(&standing)))
    }

    /// Whether a Z-report would lie beyond a limit, so that its whole package would be refused: the shift is closed online then.
    pub(super) fn is_z_too_late(&self) -> bool {
        let is_away = self.core().away.is_some();
        is_away && self.core().standing(self.now.wall).state == State::Exhausted
    }

    /// Looks how near the limits the register is; what was not said yet is said, once.
    pub(super) fn watch_limits(&mut self) {
        let standing = self.core().standing(self.now.wall);
        let Some(mut away) = self.core().away.clone() else {
            return;
        };
        if !away.is_begun() || standing.state <= away.limit {
            return;
        }
        away.limit = standing.state;
        if standing.state >= State::ClosingOnly {
            away.block = Some(block(&standing));
        }
        self.note(Event::AwaySet(away));
        self.count(Note::OfflineLimit(standing.state));
    }

    /// Whether the shift is closed now because of a limit: later, its Z-report would be beyond it.
    pub(super) fn is_closed_by_limit(&self) -> bool {
        let away = self.core().away.as_ref();
        away.is_some_and(|away| away.limit >= State::ClosingOnly)
    }

    /// The minutes of this month in which the register was offline, the session that ends now included.
    pub(super) fn used_with(&self, chain: &OfflineChain) -> Option<(Month, i64)> {
        let (begun, until) = (chain.begun()?, chain.last_financial()?);
        let now = kyiv::local(self.now.wall);
        let month = Month::of(now);
        let own = fiscal::offline::in_month(begun, until, month);
        let all = self.core().used_in(now).checked_add(&own)?;
        // A minute begun counts: rather too early than too late.
        Some((month, all.num_seconds().saturating_add(59).div_euclid(60)))
    }
}

/// Which limit is the nearer.
fn block(standing: &Standing) -> BlockReason {
    if standing.session_left <= standing.month_left {
        BlockReason::SessionTooLong
    } else {
        BlockReason::MonthTooLong
    }
}
