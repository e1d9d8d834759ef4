//! One decision in the making: a copy of the book on which facts are applied as they are noted, and what is to be done.

use super::super::answer::{Answer, Cancelled, Done, OperationRecord, OperationState, Refusal};
use super::super::command::{Draw, Effect, Event};
use super::super::note::Note;
use super::super::policy::{DOUBT_PAUSE_MAX, ROUNDS_MAX};
use super::super::request::OperationKind;
use super::super::state::{Link, Operation};
use super::super::{Core, RegisterBook};
use crate::clock::{Moment, Now};
use crate::ids::OperationId;
use crate::machines::Decision;
use fiscal::Money;

/// One decision in the making.
pub(super) struct Turn {
    pub(super) book: RegisterBook,
    pub(super) draw: Draw,
    pub(super) now: Now,
    events: Vec<Event>,
    effects: Vec<Effect>,
}

/// How an operation goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Something is awaited.
    Waits,
    /// It came to its end, or something changed: look again.
    Again,
}

impl Turn {
    pub(super) fn new(book: &RegisterBook, draw: Draw, now: Now) -> Self {
        Self {
            book: book.clone(),
            draw,
            now,
            events: Vec::new(),
            effects: Vec::new(),
        }
    }

    pub(super) fn core(&self) -> &Core {
        &self.book.core
    }

    pub(super) fn note(&mut self, event: Event) {
        self.book.apply_event(&event);
        self.events.push(event);
    }

    pub(super) fn act(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    pub(super) fn count(&mut self, note: Note) {
        self.effects.push(Effect::Note(note));
    }

    pub(super) fn decision(self) -> Decision<Event, Effect> {
        Decision {
            events: self.events,
            effects: self.effects,
        }
    }

    pub(super) fn moment(&self) -> Moment {
        Moment::at(self.now)
    }

    pub(super) fn is_past(&self, moment: Moment) -> bool {
        moment <= self.moment()
    }

    pub(super) fn wall_ms(&self) -> i64 {
        self.now.wall.timestamp_millis()
    }

    /// Goes on with whatever is due: a doubt, the operation in work, the close, the next in the queue. Each round ends an operation, begins
    /// one or leaves, so that the rounds are bounded by the queue.
    pub(super) fn advance(&mut self) {
        for _ in 0..ROUNDS_MAX {
            if self.core().query.is_some() {
                return;
            }
            if self.core().flight.is_some() {
                return self.look_into_doubt();
            }
            if let Link::Manual(reason) = self.core().link {
                return self.refuse_all(&Refusal::Manual(reason));
            }
            if self.is_ending() {
                return self.plan_end();
            }
            // Between the end of a session and its acceptance nothing can be issued: what waits goes on waiting.
            if self.core().link == Link::Syncing {
                return;
            }
            let progress = match self.core().current.clone() {
                Some(operation) => self.carry_on(&operation),
                None if self.begin_close() => Progress::Again,
                None if self.book.waiting.is_empty() => return,
                None => {
                    self.note(Event::Taken);
                    Progress::Again
                }
            };
            if progress == Progress::Waits {
                return;
            }
        }
    }

    fn refuse_all(&mut self, refusal: &Refusal) {
        let live: Vec<Operation> = self.live().cloned().collect();
        for operation in live {
            self.end(&operation, OperationState::Refused(refusal.clone()));
        }
    }

    pub(super) fn live(&self) -> impl Iterator<Item = &Operation> {
        self.core().current.iter().chain(&self.book.waiting)
    }

    pub(super) fn is_shift_open(&self) -> bool {
        self.book.is_shift_open()
    }

    pub(super) fn answer(&mut self, operation: OperationId, state: OperationState) {
        let is_shift_open = self.is_shift_open();
        self.act(Effect::Answer(Answer {
            operation,
            state,
            is_shift_open,
        }));
    }

    /// Who is held is told that it is not resolved yet.
    pub(super) fn release(&mut self, operation: &Operation) {
        if operation.hold_until.is_some() {
            self.note(Event::Released(operation.id));
            self.answer(operation.id, OperationState::Pending);
        }
    }

    /// An operation comes to its end: kept, and told.
    pub(super) fn end(&mut self, operation: &Operation, state: OperationState) {
        let away = self.core().away.as_ref();
        let is_doubtful = away.is_some_and(|away| away.is_doubtful(operation.id));
        if is_doubtful && !matches!(state, OperationState::Done(_)) {
            return self.keep_doubtful(operation);
        }
        let shift = match &state {
            OperationState::Done(done) => Some(done.shift),
            _ => None,
        };
        let record = OperationRecord {
            register: self.book.number,
            kind: operation.kind,
            accepted_ms: operation.accepted_ms,
            reference: operation.reference,
            state: state.clone(),
        };
        self.note(Event::Ended {
            operation: Box::new(operation.clone()),
            record: Box::new(record),
            shift,
        });
        if operation.kind == OperationKind::AutoClose && !matches!(state, OperationState::Done(_)) {
            self.close_failed();
        }
        self.answer(operation.id, state);
    }

    /// An operation whose document may be registered has no other end than a document, or the knowledge that it is not.
    fn keep_doubtful(&mut self, operation: &Operation) {
        self.release(operation);
        let again_at = self.moment().plus(DOUBT_PAUSE_MAX);
        self.note(Event::Paused(Some(again_at)));
    }

    pub(super) fn cancel(&mut self, operation: &Operation, why: Cancelled) {
        self.end(operation, OperationState::Cancelled(why));
    }

    pub(super) fn refuse(&mut self, operation: &Operation, why: Refusal) {
        self.end(operation, OperationState::Refused(why));
    }

    /// The full answer of an operation whose document is registered.
    pub(super) fn done(&mut self, operation: &Operation, document: super::super::answer::DocumentFacts) {
        let shift = self.core().phase.shift();
        let drawer = shift.and_then(|shift| shift.totals.drawer(Money::ZERO).ok());
        let done = Done {
            document,
            opening: operation.opening.clone(),
            drawer: drawer.or(operation.drawer).unwrap_or_default(),
            shift: self.core().shifts,
        };
        self.end(operation, OperationState::Done(Box::new(done)));
    }
}
