//! Takes facts in: never fails, never decides.

use super::answer::{DocumentFacts, DocumentKind};
use super::away::{Away, Begin, later};
use super::command::{Event, Registered};
use super::state::{CloseAlarm, Flight, Link, Operation, Phase, Shift, Stage};
use super::{Core, RegisterBook};
use crate::clock::Moment;
use crate::ids::OperationId;
use fiscal::arithmetic::ShiftTotals;
use fiscal::offline::Month;
use fiscal::{LocalNumber, Money, OfflineSession};

impl RegisterBook {
    pub(super) fn apply_event(&mut self, event: &Event) {
        let core = &mut self.core;
        match event {
            Event::Told(profile) => core.profile = Some((**profile).clone()),
            Event::Accepted { operation, .. } => {
                core.accepted = operation.sequence;
                self.waiting.push_back((**operation).clone());
            }
            Event::Taken => core.current = self.waiting.pop_front(),
            Event::CloseBegun(operation) => {
                core.accepted = operation.sequence;
                core.current = Some((**operation).clone());
            }
            Event::Fetched(body) => core.set_current(|operation| operation.body = Some(body.clone())),
            Event::Paused(again_at) => core.set_current(|operation| operation.again_at = *again_at),
            Event::Planned { flight, .. } => core.plan(flight),
            Event::Signed { until, .. } => core.move_flight(Stage::Sending { until: *until }),
            Event::Moved(stage) => core.move_flight(*stage),
            Event::Freed => {
                core.flight = None;
                core.settle_link();
            }
            Event::Registered(registered) => core.register(registered),
            Event::QueryPlanned(query) => {
                core.signer = Some(query.signer.clone());
                core.query = Some((**query).clone());
            }
            Event::QueryMoved(stage) => {
                if let Some(query) = &mut core.query {
                    query.stage = *stage;
                }
            }
            Event::QueryEnded => core.query = None,
            Event::Synchronised {
                next,
                phase,
                offline,
                used,
            } => {
                core.used = used.or(core.used);
                core.next = Some(*next);
                core.phase = (**phase).clone();
                core.shifts = core.phase.shift().map_or(core.shifts, |shift| shift.ordinal);
                core.offline = offline.clone();
                core.must_synchronise = false;
                core.set_current(|operation| operation.is_synchronised = true);
            }
            Event::SessionTold(session) => core.offline = Some(session.clone()),
            Event::Unsettled => {
                core.must_synchronise = true;
                core.set_current(|operation| {
                    operation.is_synchronised = false;
                    operation.remedies = operation.remedies.saturating_add(1);
                });
            }
            Event::Reported(is_reported) => core.set_reported(*is_reported),
            Event::Released(id) => self.hold(*id, |_| None),
            Event::HeldAgain { operation, until } => self.hold(*operation, |held| held.max(Some(*until))),
            Event::Ended { operation, .. } => {
                core.current.take_if(|current| current.id == operation.id);
                self.waiting.retain(|waiting| waiting.id != operation.id);
            }
            Event::CloseSet(alarm) => {
                if let Some(shift) = core.phase.shift_mut() {
                    shift.close = alarm.clone();
                }
            }
            Event::Linked(link) => core.link = link.clone(),
            Event::Unreached(since) => core.unreached = *since,
            Event::Left(away) => core.leave(away),
            Event::AwaySet(away) => core.set_away(away),
            Event::Issued { cms, registered, .. } => core.issue(cms, registered),
            // Only the rows change: its place, and all that is chained to it, stay.
            Event::BeginMade { .. } | Event::BeginSigned { .. } => {}
            Event::Delivered { count, .. } => core.delivered(*count),
            Event::EndDropped { local_number } => core.drop_end(*local_number),
            Event::Returned { offline, used } => core.come_back(offline.as_ref(), *used),
        }
    }

    fn hold(&mut self, id: OperationId, set: impl Fn(Option<Moment>) -> Option<Moment>) {
        let live = self.core.current.iter_mut().chain(&mut self.waiting);
        for operation in live.filter(|operation| operation.id == id) {
            operation.hold_until = set(operation.hold_until);
        }
    }
}

impl Core {
    fn set_current(&mut self, set: impl FnOnce(&mut Operation)) {
        if let Some(operation) = &mut self.current {
            set(operation);
        }
    }

    fn plan(&mut self, flight: &Flight) {
        self.last_issued = Some(flight.issued);
        self.signer = Some(flight.signer.clone());
        self.set_current(|operation| {
            operation.again_at = None;
            // What it is to issue is read from there again; other documents carry nothing of it.
            if flight.kind.is_receipt() {
                operation.last_uid = Some(flight.uid.clone());
            }
        });
        self.flight = Some(flight.clone());
    }

    fn move_flight(&mut self, stage: Stage) {
        let Some(flight) = &mut self.flight else { return };
        flight.stage = stage;
        match stage {
            Stage::Sending { .. } => flight.posts = flight.posts.saturating_add(1),
            Stage::InDoubt { .. } => {
                flight.was_doubted = true;
                self.link = Link::InDoubt;
            }
            Stage::Signing { .. } | Stage::Signed { .. } => {}
        }
    }

    /// What blocks the register or waits for a person goes on doing so.
    fn settle_link(&mut self) {
        if self.link == Link::InDoubt {
            self.link = Link::Online;
        }
    }

    fn register(&mut self, registered: &Registered) {
        let Some(flight) = self.flight.take() else { return };
        self.settle_link();
        self.next = Some(later(flight.local_number, 1));
        if registered.offline.is_some() {
            self.offline = registered.offline.clone();
        }
        let facts = &registered.facts;
        if matches!(flight.kind, DocumentKind::OfflineBegin | DocumentKind::OfflineEnd) {
            return;
        }
        self.last = Some(facts.clone());
        match flight.kind {
            DocumentKind::OpenShift => self.open(&flight, registered),
            DocumentKind::ZReport => {
                self.set_reported(true);
                let drawer = self
                    .phase
                    .shift()
                    .and_then(|shift| shift.totals.drawer(Money::ZERO).ok());
                self.set_current_of(&flight, |operation| {
                    operation.z_report = Some(facts.clone());
                    operation.drawer = drawer;
                });
            }
            DocumentKind::CloseShift => {
                self.phase = Phase::Closed;
                // Where the Z-report was there already, the close is what the operation has to show.
                self.set_current_of(&flight, |operation| {
                    if operation.kind.closes_shift() {
                        operation.z_report.get_or_insert_with(|| facts.clone());
                    }
                });
            }
            _ => self.add(&flight, facts),
        }
    }

    fn set_current_of(&mut self, flight: &Flight, set: impl FnOnce(&mut Operation)) {
        if let Some(operation) = self
            .current
            .as_mut()
            .filter(|operation| operation.id == flight.operation)
        {
            set(operation);
        }
    }

    fn open(&mut self, flight: &Flight, registered: &Registered) {
        let facts = &registered.facts;
        let at = registered.at;
        self.shifts = registered.shift;
        let never = CloseAlarm {
            at_ms: None,
            alarm_ms: at.wall_ms,
            is_alarmed: true,
            look: at.moment,
            failed: 0,
        };
        self.phase = Phase::Open(Box::new(Shift {
            ordinal: registered.shift,
            opened: at.local,
            opened_ms: at.wall_ms,
            opener: flight.signer.clone(),
            opening: facts.fiscal_number.clone(),
            first_local: Some(flight.local_number),
            is_testing: flight.is_testing,
            totals: ShiftTotals::default(),
            is_complete: true,
            last: None,
            documents: 0,
            close: registered.close.clone().unwrap_or(never),
        }));
        self.set_current_of(flight, |operation| operation.opening = Some(facts.clone()));
    }

    /// A document inside the shift. That the totals take it was judged before it was planned; if they do not, the Z is made of the
    /// server's.
    fn add(&mut self, flight: &Flight, facts: &DocumentFacts) {
        let Some(shift) = self.phase.shift_mut() else {
            return;
        };
        shift.documents = shift.documents.saturating_add(1);
        shift.last = Some(facts.clone());
        let added = match &flight.entry {
            Some(entry) => shift.totals.accept(entry.clone()),
            // Only a storno has no figures of its own.
            None => shift.totals.undo_last().map(|_| ()),
        };
        shift.is_complete &= added.is_ok();
    }

    fn leave(&mut self, away: &Away) {
        self.flight = None;
        self.unreached = None;
        self.link = Link::Offline;
        self.away = Some(Box::new(away.clone()));
    }

    /// A register that waits for a person goes on doing so.
    fn set_away(&mut self, away: &Away) {
        if !matches!(self.link, Link::Manual(_)) {
            self.link = away.link();
        }
        self.away = Some(Box::new(away.clone()));
    }

    fn issue(&mut self, cms: &[u8], registered: &Registered) {
        let flight = self.flight.clone();
        if let (Some(away), Some(flight)) = (&mut self.away, flight)
            && let Some(place) = &flight.place
        {
            if flight.kind == DocumentKind::OfflineEnd {
                away.before_end = Some(away.chain.clone());
            }
            let recorded = away.chain.record(place, cms);
            recorded.expect("one document is in flight, so that the chain is where it was planned");
            if flight.kind == DocumentKind::OfflineBegin {
                away.begin = Some(Begin {
                    uid: flight.uid.clone(),
                    place: *place,
                    signer: flight.signer.clone(),
                });
            }
            away.signer = flight.signer.clone();
            self.link = away.link();
        }
        self.register(registered);
    }

    fn delivered(&mut self, count: u64) {
        if let Some(away) = &mut self.away {
            away.delivered = away.delivered.saturating_add(count);
            away.doubtful = None;
            away.rejected = None;
        }
    }

    fn drop_end(&mut self, local_number: LocalNumber) {
        let Some(away) = &mut self.away else { return };
        if let Some(chain) = away.before_end.take() {
            away.chain = chain;
            self.next = Some(local_number);
            if !matches!(self.link, Link::Manual(_)) {
                self.link = away.link();
            }
        }
    }

    fn come_back(&mut self, offline: Option<&OfflineSession>, used: Option<(Month, i64)>) {
        let Some(away) = self.away.take() else { return };
        self.used = used.or(self.used);
        self.link = Link::Online;
        if away.is_begun() {
            self.offline = offline.cloned();
        } else if let Some(flight) = away.doubtful {
            self.link = Link::InDoubt;
            self.flight = Some(*flight);
        }
    }

    fn set_reported(&mut self, is_reported: bool) {
        let phase = std::mem::replace(&mut self.phase, Phase::Closed);
        self.phase = match phase {
            Phase::Closed => Phase::Closed,
            Phase::Open(shift) | Phase::Reported(shift) if is_reported => Phase::Reported(shift),
            Phase::Open(shift) | Phase::Reported(shift) => Phase::Open(shift),
        };
    }
}
