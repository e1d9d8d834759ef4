//! What a register shows of itself, from its state and at once: X-report, last document, state.

use super::RegisterBook;
use super::answer::DocumentFacts;
use super::away::{Away, NoOffline, OfflineCause, PackageRefusal};
use super::policy::{ALARM_BEFORE, SHIFT_MAX};
use super::request::Signer;
use super::state::{Link, Phase, Profile, Stage};
use crate::clock::{Now, millis};
use chrono::NaiveDateTime;
use fiscal::arithmetic::Report;
use fiscal::offline::State;
use fiscal::{LocalNumber, Money, RegisterNumber};

/// A register at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Which.
    pub register: RegisterNumber,
    /// What the directory said of it when it was last asked for something.
    pub profile: Option<Profile>,
    /// The shift, where one is open.
    pub shift: Option<ShiftView>,
    /// How it stands to the tax service.
    pub link: Link,
    /// Its offline session, from the decision to leave until all of it is delivered.
    pub offline: Option<OfflineView>,
    /// Why it could not go offline now; `None` where it could, or has.
    pub no_offline: Option<NoOffline>,
    /// The last registered document of all.
    pub last: Option<DocumentFacts>,
    /// The number that is due.
    pub next_local_number: Option<LocalNumber>,
    /// The document on its way, and how far it is.
    pub flight: Option<(super::answer::DocumentKind, Stage)>,
    /// Operations that wait, the one in work included.
    pub operations: usize,
    /// Whether a signature is awaited.
    pub awaits_signature: bool,
}

/// An offline session at one moment. Minutes as the tax service counts them: from the session's first document on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfflineView {
    /// Its number.
    pub session: u64,
    /// When it was decided to leave, milliseconds since 1970.
    pub since_ms: i64,
    /// When its first document was issued, Kyiv time; `None` before.
    pub begun: Option<NaiveDateTime>,
    /// Why.
    pub why: OfflineCause,
    /// A person keeps it offline.
    pub stays: bool,
    /// Documents that it has.
    pub documents: u64,
    /// Those that the tax service does not have yet.
    pub undelivered: u64,
    /// Minutes left of the 36 hours of the session; not below zero.
    pub session_minutes_left: i64,
    /// Minutes left of the 168 hours of the month; not below zero.
    pub month_minutes_left: i64,
    /// What that means.
    pub limit: State,
    /// The refusal of its last package, where a person must look.
    pub rejected: Option<PackageRefusal>,
}

/// A shift at one moment: its X-report, which is what its Z-report would say.
#[derive(Clone, Debug, PartialEq)]
pub struct ShiftView {
    /// Which of this register, counted from one.
    pub ordinal: u64,
    /// The local number of its opening.
    pub first_local: Option<LocalNumber>,
    /// When it was opened, Kyiv time.
    pub opened: NaiveDateTime,
    /// How long ago, in minutes.
    pub minutes: u64,
    /// Whose it is.
    pub opener: Signer,
    /// A test.
    pub is_testing: bool,
    /// Its Z-report is registered; only the close is left.
    pub is_reported: bool,
    /// The figures.
    pub report: Report,
    /// Whether the figures hold every document: false where another device issued some.
    pub is_complete: bool,
    /// The last receipt, movement of cash or storno in it.
    pub last: Option<DocumentFacts>,
    /// Cash in the drawer.
    pub drawer: Money,
    /// When it closes by itself, milliseconds since 1970; `None` where it does not.
    pub closes_at_ms: Option<i64>,
    /// Attempts to close it by itself that failed: somebody should look.
    pub close_failed: u32,
    /// It is within an hour of 24 hours, or beyond them: an alarm, whatever the settings.
    pub is_too_long: bool,
}

impl RegisterBook {
    /// What it shows now.
    pub fn view(&self, now: Now) -> View {
        let core = &self.core;
        let signing_flight = matches!(
            core.flight.as_ref().map(|flight| flight.stage),
            Some(Stage::Signing { .. })
        );
        let signing_query = core
            .query
            .as_ref()
            .is_some_and(|query| matches!(query.stage, super::state::QueryStage::Signing { .. }));
        View {
            register: self.number,
            profile: core.profile.clone(),
            shift: self.shift_view(now),
            link: core.link.clone(),
            offline: core.away.as_deref().map(|away| self.offline_view(away, now)),
            no_offline: core.away.is_none().then(|| self.no_offline(now.wall)).flatten(),
            last: core.last.clone(),
            next_local_number: core.next,
            flight: core.flight.as_ref().map(|flight| (flight.kind, flight.stage)),
            operations: self.waiting.len() + usize::from(core.current.is_some()),
            awaits_signature: signing_flight || signing_query,
        }
    }

    fn offline_view(&self, away: &Away, now: Now) -> OfflineView {
        let standing = self.core.standing(now.wall);
        OfflineView {
            session: away.chain.session().id,
            since_ms: away.since_ms,
            begun: away.chain.begun(),
            why: away.why,
            stays: away.stays,
            documents: away.chain.length(),
            undelivered: away.undelivered(),
            session_minutes_left: standing.session_left.num_minutes().max(0),
            month_minutes_left: standing.month_left.num_minutes().max(0),
            limit: standing.state,
            rejected: away.rejected.clone(),
        }
    }

    fn shift_view(&self, now: Now) -> Option<ShiftView> {
        let shift = self.core.phase.shift()?;
        let age_ms = (now.wall.timestamp_millis() - shift.opened_ms).max(0);
        Some(ShiftView {
            ordinal: shift.ordinal,
            first_local: shift.first_local,
            opened: shift.opened,
            minutes: u64::try_from(age_ms / 60_000).unwrap_or_default(),
            opener: shift.opener.clone(),
            is_testing: shift.is_testing,
            is_reported: matches!(self.core.phase, Phase::Reported(_)),
            report: shift.totals.report(),
            is_complete: shift.is_complete,
            last: shift.last.clone(),
            // Its sums are inside the bounds, or `accept` would not have taken them.
            drawer: shift.totals.drawer(Money::ZERO).unwrap_or_default(),
            closes_at_ms: shift.close.at_ms,
            close_failed: shift.close.failed,
            is_too_long: age_ms >= millis(SHIFT_MAX) - millis(ALARM_BEFORE),
        })
    }
}
