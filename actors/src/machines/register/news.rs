//! What a register's owner is told of a decision, read off its facts, each with the register as it was just before it: nothing is decided
//! here, and nothing else decides what is news.

use super::answer::{Cancelled, DocumentFacts, DocumentKind, OperationRecord, OperationState, Refusal};
use super::away::{Away, Homeward, OfflineCause};
use super::command::{Effect, Event, Registered};
use super::note::{DocumentOutcome, Note};
use super::state::{QueryStage, Stage};
use super::{RegisterBook, policy};
use crate::clock::{Moment, Now};
use crate::ids::OperationId;
use crate::machines::Decision;
use fiscal::offline::State;
use serde::{Deserialize, Serialize};

/// What a register's owner is told. Figures and numbers alone: no name, no line of a receipt, nobody's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum News {
    /// A document is registered, or issued offline under a number of the register's own.
    Registered {
        /// It.
        document: DocumentFacts,
        /// For which operation.
        operation: OperationId,
    },
    /// The tax service refused a document; its number is free.
    Rejected {
        /// It; it has no fiscal number.
        document: DocumentFacts,
        /// For which operation.
        operation: OperationId,
        /// The tax service's code, where the operation ended with it.
        code: Option<i64>,
    },
    /// Whether a document is registered is not known, and is being found out.
    InDoubt {
        /// It.
        document: DocumentFacts,
        /// For which operation.
        operation: OperationId,
    },
    /// What became of a document that was in doubt.
    Settled {
        /// It.
        document: DocumentFacts,
        /// For which operation.
        operation: OperationId,
        /// What.
        outcome: Settled,
    },
    /// A shift is open.
    ShiftOpened {
        /// Its opening.
        document: DocumentFacts,
        /// For which operation.
        operation: OperationId,
        /// Which of this register, counted from one.
        shift: u64,
    },
    /// A shift is closed.
    ShiftClosed {
        /// Its close; the Z-report is a document before it.
        document: DocumentFacts,
        /// For which operation.
        operation: OperationId,
        /// Which of this register, counted from one.
        shift: u64,
    },
    /// An offline session has begun: documents are issued without the tax service from here on.
    OfflineBegun {
        /// The session's first document.
        document: DocumentFacts,
        /// Why.
        cause: OfflineCause,
    },
    /// An offline session has ended, and the tax service has all of its documents.
    OfflineEnded {
        /// How many, its first and its last among them.
        documents: u64,
    },
    /// The agent did not sign in time. Told once until it signs again.
    AgentAway {
        /// For which operation, where it ended by this.
        operation: Option<OperationId>,
    },
    /// A limit is near, or reached.
    LimitNear {
        /// Which.
        limit: Limit,
        /// How near.
        nearness: Nearness,
        /// Minutes that are left.
        minutes_left: i64,
    },
}

/// What became of a document that was in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Settled {
    /// The tax service has it.
    Registered,
    /// The tax service refused it after all.
    Rejected,
    /// The tax service does not have it; its number is free.
    NotRegistered,
    /// The tax service had it, it was issued again offline, and the session's first document revoked it.
    Revoked,
}

impl Settled {
    /// Its name in news.
    pub fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Rejected => "rejected",
            Self::NotRegistered => "not_registered",
            Self::Revoked => "revoked",
        }
    }
}

/// What has a limit (rules 5 and 6 of section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Limit {
    /// 36 hours of one offline session.
    OfflineSession,
    /// 168 hours offline in a calendar month.
    OfflineMonth,
    /// 24 hours of a shift.
    Shift,
}

impl Limit {
    /// Its name in news.
    pub fn name(self) -> &'static str {
        match self {
            Self::OfflineSession => "offline_session",
            Self::OfflineMonth => "offline_month",
            Self::Shift => "shift",
        }
    }
}

/// How near a limit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Nearness {
    /// Everything goes on; somebody should know.
    Near,
    /// Only what closes is issued.
    ClosingOnly,
    /// Past it.
    Reached,
}

impl Nearness {
    /// Its name in news.
    pub fn name(self) -> &'static str {
        match self {
            Self::Near => "near",
            Self::ClosingOnly => "closing_only",
            Self::Reached => "reached",
        }
    }
}

impl News {
    /// Its type, as receivers see it.
    pub fn topic(&self) -> &'static str {
        match self {
            Self::Registered { .. } => "document.registered",
            Self::Rejected { .. } => "document.rejected",
            Self::InDoubt { .. } => "document.in_doubt",
            Self::Settled { .. } => "document.settled",
            Self::ShiftOpened { .. } => "shift.opened",
            Self::ShiftClosed { .. } => "shift.closed",
            Self::OfflineBegun { .. } => "offline.begun",
            Self::OfflineEnded { .. } => "offline.ended",
            Self::AgentAway { .. } => "agent.away",
            Self::LimitNear { .. } => "limit.near",
        }
    }

    /// The document that it is about.
    pub fn document(&self) -> Option<&DocumentFacts> {
        match self {
            Self::Registered { document, .. }
            | Self::Rejected { document, .. }
            | Self::InDoubt { document, .. }
            | Self::Settled { document, .. }
            | Self::ShiftOpened { document, .. }
            | Self::ShiftClosed { document, .. }
            | Self::OfflineBegun { document, .. } => Some(document),
            Self::OfflineEnded { .. } | Self::AgentAway { .. } | Self::LimitNear { .. } => None,
        }
    }

    /// The operation that it is about.
    pub fn operation(&self) -> Option<OperationId> {
        match self {
            Self::Registered { operation, .. }
            | Self::Rejected { operation, .. }
            | Self::InDoubt { operation, .. }
            | Self::Settled { operation, .. }
            | Self::ShiftOpened { operation, .. }
            | Self::ShiftClosed { operation, .. } => Some(*operation),
            Self::AgentAway { operation } => *operation,
            Self::OfflineBegun { .. } | Self::OfflineEnded { .. } | Self::LimitNear { .. } => None,
        }
    }
}

/// What is news in a decision, in the order in which it happened.
pub fn news(before: &RegisterBook, decision: &Decision<Event, Effect>, now: Now) -> Vec<News> {
    let mut reader = Reader {
        book: before.clone(),
        decision,
        now,
        news: Vec::new(),
    };
    for event in &decision.events {
        reader.read(event);
        reader.book.apply_event(event);
    }
    reader.news
}

struct Reader<'a> {
    /// The register as it was just before the fact that is read.
    book: RegisterBook,
    decision: &'a Decision<Event, Effect>,
    now: Now,
    news: Vec<News>,
}

impl Reader<'_> {
    fn read(&mut self, event: &Event) {
        match event {
            Event::Registered(registered) => self.registered(registered),
            Event::Issued { registered, .. } => self.issued(registered),
            Event::Moved(Stage::InDoubt { .. }) => self.doubted(),
            Event::Freed => self.freed(),
            Event::QueryEnded => self.query_ended(),
            Event::Ended {
                operation, record, ..
            } => self.ended(operation.id, record),
            Event::Delivered { revoked, .. } => self.delivered(revoked.is_some()),
            Event::AwaySet(away) => self.away_set(away),
            Event::Returned { .. } => self.returned(),
            Event::CloseSet(alarm) => {
                let shift = self.book.phase().shift();
                if alarm.is_alarmed && shift.is_some_and(|shift| !shift.close.is_alarmed) {
                    self.shift_too_long();
                }
            }
            _ => {}
        }
    }

    fn registered(&mut self, registered: &Registered) {
        let (document, operation) = (registered.facts.clone(), registered.operation);
        let was_doubted = self.book.flight().is_some_and(|flight| flight.was_doubted);
        self.news.push(News::Registered {
            document: document.clone(),
            operation,
        });
        if was_doubted {
            self.news.push(News::Settled {
                document: document.clone(),
                operation,
                outcome: Settled::Registered,
            });
        }
        let shift = registered.shift;
        match document.kind {
            DocumentKind::OpenShift => self.news.push(News::ShiftOpened {
                document,
                operation,
                shift,
            }),
            DocumentKind::CloseShift => self.news.push(News::ShiftClosed {
                document,
                operation,
                shift,
            }),
            _ => {}
        }
    }

    /// A session's own first and last document are no documents of the shop's: the last may even be taken back.
    fn issued(&mut self, registered: &Registered) {
        match registered.facts.kind {
            DocumentKind::OfflineBegin => {
                let cause = self
                    .book
                    .away()
                    .map_or(OfflineCause::Unreachable, |away| away.why);
                self.news.push(News::OfflineBegun {
                    document: registered.facts.clone(),
                    cause,
                });
            }
            DocumentKind::OfflineEnd => {}
            _ => self.registered(registered),
        }
    }

    fn doubted(&mut self) {
        let flight = self.book.flight().filter(|flight| !flight.was_doubted);
        if let Some(flight) = flight {
            self.news.push(News::InDoubt {
                document: flight.facts(None),
                operation: flight.operation,
            });
        }
    }

    fn freed(&mut self) {
        let Some(flight) = self.book.flight().cloned() else {
            return;
        };
        if let Stage::Signing { until } = flight.stage
            && self.is_past(until)
        {
            self.agent_away(None);
        }
        let is_rejected = self.is_rejected(flight.kind);
        if flight.was_doubted {
            let outcome = if is_rejected {
                Settled::Rejected
            } else {
                Settled::NotRegistered
            };
            self.news.push(News::Settled {
                document: flight.facts(None),
                operation: flight.operation,
                outcome,
            });
        }
        if is_rejected {
            self.news.push(News::Rejected {
                document: flight.facts(None),
                operation: flight.operation,
                code: self.code_for(flight.operation),
            });
        }
    }

    /// Refused for good: after a refusal that only says that the shift or the number is another, the register is asked for and the
    /// document made again.
    fn is_rejected(&self, kind: DocumentKind) -> bool {
        let rejected = Effect::Note(Note::Document {
            kind,
            outcome: DocumentOutcome::Rejected,
        });
        self.decision.effects.contains(&rejected) && !self.decision.events.contains(&Event::Unsettled)
    }

    fn code_for(&self, wanted: OperationId) -> Option<i64> {
        self.decision.events.iter().find_map(|event| match event {
            Event::Ended {
                operation, record, ..
            } if operation.id == wanted => match &record.state {
                OperationState::Refused(Refusal::Rejected { code, .. }) => Some(*code),
                _ => None,
            },
            _ => None,
        })
    }

    fn query_ended(&mut self) {
        let stage = self.book.core.query.as_ref().map(|query| query.stage);
        if let Some(QueryStage::Signing { until }) = stage
            && self.is_past(until)
        {
            self.agent_away(None);
        }
    }

    fn ended(&mut self, operation: OperationId, record: &OperationRecord) {
        if record.state == OperationState::Cancelled(Cancelled::SignatureLate) {
            self.agent_away(Some(operation));
        }
    }

    /// The first package of a session tells what became of the document that was in doubt when the register left.
    fn delivered(&mut self, is_revoked: bool) {
        let doubtful = self.book.away().and_then(|away| away.doubtful.as_deref());
        let Some(flight) = doubtful else { return };
        let outcome = if is_revoked {
            Settled::Revoked
        } else {
            Settled::NotRegistered
        };
        self.news.push(News::Settled {
            document: flight.facts(None),
            operation: flight.operation,
            outcome,
        });
    }

    fn away_set(&mut self, next: &Away) {
        let Some(before) = self.book.away() else { return };
        let until = match &before.step {
            Homeward::Remaking { until, .. } | Homeward::Signing { until, .. } => Some(*until),
            Homeward::Asking(query) => match query.stage {
                QueryStage::Signing { until } => Some(until),
                QueryStage::Asking { .. } => None,
            },
            _ => None,
        };
        let is_given_up = matches!(next.step, Homeward::Resting { .. });
        let nearness = match next.limit {
            limit if limit <= before.limit => None,
            State::Free => None,
            State::Warning => Some(Nearness::Near),
            State::ClosingOnly => Some(Nearness::ClosingOnly),
            State::Exhausted => Some(Nearness::Reached),
        };
        if is_given_up && until.is_some_and(|until| self.is_past(until)) {
            self.agent_away(None);
        }
        if let Some(nearness) = nearness {
            self.limit_near(nearness);
        }
    }

    fn limit_near(&mut self, nearness: Nearness) {
        let standing = self.book.core.standing(self.now.wall);
        let limit = if standing.session_left <= standing.month_left {
            Limit::OfflineSession
        } else {
            Limit::OfflineMonth
        };
        self.news.push(News::LimitNear {
            limit,
            nearness,
            minutes_left: standing.left().num_minutes().max(0),
        });
    }

    fn shift_too_long(&mut self) {
        let Some(shift) = self.book.phase().shift() else {
            return;
        };
        let length_ms = self.now.wall.timestamp_millis().saturating_sub(shift.opened_ms);
        let left_ms = crate::clock::millis(policy::SHIFT_MAX).saturating_sub(length_ms);
        let nearness = if left_ms > 0 {
            Nearness::Near
        } else {
            Nearness::Reached
        };
        self.news.push(News::LimitNear {
            limit: Limit::Shift,
            nearness,
            minutes_left: left_ms.max(0) / 60_000,
        });
    }

    fn returned(&mut self) {
        if let Some(away) = self.book.away().filter(|away| away.is_begun()) {
            let documents = away.chain.length();
            self.news.push(News::OfflineEnded { documents });
        }
    }

    /// Once in a decision; with the operation that ended by it, where there is one.
    fn agent_away(&mut self, operation: Option<OperationId>) {
        let said = self.news.iter_mut().find_map(|news| match news {
            News::AgentAway { operation } => Some(operation),
            _ => None,
        });
        match said {
            Some(said) => *said = said.or(operation),
            None => self.news.push(News::AgentAway { operation }),
        }
    }

    fn is_past(&self, moment: Moment) -> bool {
        moment <= Moment::at(self.now)
    }
}
