//! A deadline has come, or the process has begun anew: what is late is given up, what is owed is begun.

use super::super::RegisterBook;
use super::super::answer::Cancelled;
use super::super::command::Event;
use super::super::policy::GRACE;
use super::super::request::OperationKind;
use super::super::state::{Link, Operation, Phase, QueryStage, Stage};
use super::turn::Turn;
use super::{close, homeward};
use crate::clock::Moment;
use fiscal::offline::State;

/// When somebody must knock if nobody else does.
pub(in super::super) fn next_deadline(book: &RegisterBook) -> Option<Moment> {
    let core = &book.core;
    let flight = core.flight.as_ref().and_then(|flight| match flight.stage {
        Stage::Signing { until } => Some(until),
        Stage::Signed { again_at } => Some(again_at),
        Stage::Sending { until } => Some(until.plus(GRACE)),
        // A look that is under way has a deadline of its own; a person has none.
        Stage::InDoubt { again_at, .. } => {
            let is_manual = matches!(core.link, Link::Manual(_));
            (core.query.is_none() && !is_manual).then_some(again_at)
        }
    });
    let query = core.query.as_ref().map(|query| match query.stage {
        QueryStage::Signing { until } => until,
        QueryStage::Asking { until } => until.plus(GRACE),
    });
    let current = core.current.as_ref();
    let pause = current.and_then(|operation| operation.again_at);
    let own = current.and_then(|operation| own_deadline(book, operation));
    let waiting = book
        .waiting
        .iter()
        .flat_map(|operation| operation.hold_until.into_iter().chain([operation.give_up]));
    // What would be too late, and one that waits for a person, or for the acceptance of its last package, closes when that has come.
    let is_too_late = book.away().is_some_and(|away| away.limit == State::Exhausted)
        && matches!(core.phase, Phase::Open(_));
    let may_close = !book.is_busy() && !is_too_late && !matches!(core.link, Link::Manual(_) | Link::Syncing);
    let closing = may_close.then(|| close::deadline(&core.phase)).flatten();
    let home = core
        .away
        .as_ref()
        .and_then(|away| homeward::deadline(away, &core.link));
    [flight, query, pause, own, closing, home]
        .into_iter()
        .flatten()
        .chain(waiting)
        .min()
}

/// When the operation in work must be answered or given up.
fn own_deadline(book: &RegisterBook, operation: &Operation) -> Option<Moment> {
    let give_up = (!is_sent(book, operation)).then_some(operation.give_up);
    [operation.hold_until, give_up].into_iter().flatten().min()
}

/// Whether the document that the operation is about may be registered: then it cannot be given up.
fn is_sent(book: &RegisterBook, operation: &Operation) -> bool {
    if book.away().is_some_and(|away| away.is_doubtful(operation.id)) {
        return true;
    }
    let Some(flight) = &book.core.flight else {
        return false;
    };
    use super::super::answer::DocumentKind as Kind;
    let is_its_own = flight.operation == operation.id
        && match operation.kind {
            OperationKind::OpenShift => flight.kind == Kind::OpenShift,
            OperationKind::CloseShift | OperationKind::AutoClose => flight.kind == Kind::ZReport,
            _ => flight.kind.is_receipt(),
        };
    is_its_own && (flight.may_be_registered() || flight.was_doubted)
}

impl Turn {
    pub(super) fn wake(&mut self) {
        self.watch_limits();
        self.wake_flight();
        self.wake_query();
        self.wake_home();
        self.wake_operations();
        if let Some(current) = self.core().current.clone()
            && current.again_at.is_some_and(|at| self.is_past(at))
        {
            self.note(Event::Paused(None));
        }
    }

    fn wake_flight(&mut self) {
        let Some(flight) = self.core().flight.clone() else {
            return;
        };
        match flight.stage {
            Stage::Signing { until } if self.is_past(until) => {
                self.give_up(&flight, Cancelled::SignatureLate);
            }
            Stage::Signed { again_at } if self.is_past(again_at) => self.post(&flight),
            Stage::Sending { until } if self.is_past(until.plus(GRACE)) => {
                let began = self.begun(until, self.post_max());
                self.unreached(began);
                self.doubt(&flight);
            }
            _ => {}
        }
    }

    fn wake_query(&mut self) {
        let Some(query) = self.core().query.clone() else {
            return;
        };
        match query.stage {
            QueryStage::Signing { until } if self.is_past(until) => {
                self.query_failed(&query, Cancelled::SignatureLate);
            }
            QueryStage::Asking { until } if self.is_past(until.plus(GRACE)) => {
                let began = self.begun(until, self.query_max());
                self.unreached(began);
                self.query_failed(&query, Cancelled::TaxServiceUnreachable);
            }
            _ => {}
        }
    }

    fn wake_operations(&mut self) {
        let live: Vec<Operation> = self.live().cloned().collect();
        for operation in live {
            let is_given_up = self.is_past(operation.give_up);
            let is_held_too_long = operation.hold_until.is_some_and(|until| self.is_past(until));
            let is_current = self
                .core()
                .current
                .as_ref()
                .is_some_and(|current| current.id == operation.id);
            if is_given_up && !is_current {
                let is_syncing = self.core().link == Link::Syncing;
                let why = if is_syncing {
                    Cancelled::TaxServiceUnreachable
                } else {
                    Cancelled::QueueTooSlow
                };
                self.cancel(&operation, why);
            } else if is_given_up && !is_sent(&self.book, &operation) {
                self.give_up_current(&operation);
            } else if is_held_too_long {
                self.release(&operation);
            }
        }
    }

    /// The operation in work is given up before its document was sent. One that is being signed has been given up by its own deadline, which
    /// is not later; a document of the register's (the opening or the close of a shift) that was sent goes on by itself.
    fn give_up_current(&mut self, operation: &Operation) {
        let why = self.what_was_late();
        if self.core().flight.is_none() {
            self.drop_query();
        }
        self.end_unsent(operation, why);
    }

    fn what_was_late(&self) -> Cancelled {
        let stage = self.core().flight.as_ref().map(|flight| flight.stage);
        let query = self.core().query.as_ref().map(|query| query.stage);
        match (stage, query) {
            (Some(Stage::Signing { .. }), _) | (None, Some(QueryStage::Signing { .. })) => {
                Cancelled::SignatureLate
            }
            (Some(Stage::Signed { .. }), _) | (None, Some(QueryStage::Asking { .. })) => {
                Cancelled::TaxServiceUnreachable
            }
            (None, None)
                if self
                    .core()
                    .current
                    .as_ref()
                    .is_some_and(|current| current.again_at.is_some()) =>
            {
                Cancelled::TaxServiceUnreachable
            }
            _ if self.core().link == Link::Syncing => Cancelled::TaxServiceUnreachable,
            _ => Cancelled::Unsettled,
        }
    }

    /// After a restart: requests for signatures are repeated under their ids, a document that was sent is in doubt, a question that was
    /// asked is asked anew.
    pub(super) fn resume(&mut self) {
        if let Some(flight) = self.core().flight.clone() {
            match flight.stage {
                Stage::Signing { until } if !self.is_past(until) => self.sign_document(&flight, until),
                Stage::Sending { .. } => self.doubt(&flight),
                _ => {}
            }
        }
        if let Some(query) = self.core().query.clone() {
            match query.stage {
                QueryStage::Signing { until } if !self.is_past(until) => {
                    let json = self.book.query_json(&query);
                    self.sign_query(&query, json, until);
                }
                // Its signed octets are gone with the process, and harmless to ask for again.
                QueryStage::Asking { .. } => self.note(Event::QueryEnded),
                QueryStage::Signing { .. } => {}
            }
        }
        self.resume_home();
        self.wake();
    }
}
