//! The register's state as the tax service has it, before a shift or after a refusal: follow it, or say why not.

use super::super::answer::{Cancelled, ManualReason, Refusal};
use super::super::command::{Event, Reply};
use super::super::kyiv;
use super::super::request::Signer;
use super::super::state::{Phase, Query, Shift};
use super::turn::Turn;
use fiscal::arithmetic::ShiftTotals;
use fiscal::command::{RegisterState, ShiftState};
use fiscal::offline::Month;
use fiscal::{ErrorCode, LocalNumber};

impl Turn {
    pub(super) fn synchronise_reply(&mut self, query: &Query, reply: Reply) {
        let state = match reply {
            Reply::State(state) => state,
            Reply::Rejected(rejection) => return self.query_refused(rejection.code, &rejection.text),
            Reply::Nothing => return self.query_refused(ErrorCode::TransactionsRegistrarAbsent, ""),
            _ => return self.query_failed(query, Cancelled::TaxServiceUnreachable),
        };
        self.note(Event::QueryEnded);
        // Without an operation it was a person who asked; then there is nobody to refuse.
        let operation = self.core().current.clone();
        let judged = if state.closed {
            Err(Refusal::RegisterClosed)
        } else {
            self.phase_of(&query.signer, &state)
        };
        match (judged, operation) {
            (Ok(phase), _) => self.follow(&state, phase),
            (Err(refusal), Some(operation)) => self.refuse(&operation, refusal),
            (Err(_), None) => {}
        }
    }

    /// The shift as the server has it, with what we know of it.
    fn phase_of(&self, signer: &Signer, state: &RegisterState) -> Result<Phase, Refusal> {
        if state.shift == ShiftState::Closed {
            return Ok(Phase::Closed);
        }
        let known = self.core().phase.shift();
        let opener = known.map_or(signer, |shift| &shift.opener);
        let is_opener = |id: &String| id.eq_ignore_ascii_case(&opener.subject_key_id);
        if !state.subject_key_id.as_ref().is_some_and(is_opener) {
            return Err(Refusal::ShiftOfAnother {
                name: state.opener.clone().map(|name| super::finish::cut(&name)),
            });
        }
        let mut shift = match known {
            Some(shift) => shift.clone(),
            None => self.adopted(signer, state),
        };
        let is_ours = self.core().next == Some(state.next_local_number) && known.is_some();
        let is_bare = state.first_local_number.checked_add(1) == Some(state.next_local_number.get());
        shift.is_complete &= is_ours || (is_bare && shift.documents == 0);
        let shift = Box::new(shift);
        Ok(if state.z_report_present {
            Phase::Reported(shift)
        } else {
            Phase::Open(shift)
        })
    }

    /// A shift that the same key opened elsewhere. When it was opened is not told; that it began now is the most that it can have left.
    fn adopted(&self, signer: &Signer, state: &RegisterState) -> Shift {
        Shift {
            ordinal: self.core().shifts.saturating_add(1),
            opened: kyiv::local(self.now.wall),
            opened_ms: self.wall_ms(),
            opener: signer.clone(),
            opening: state.opened_by.clone(),
            first_local: LocalNumber::new(state.first_local_number).ok(),
            is_testing: state.testing,
            totals: ShiftTotals::default(),
            is_complete: true,
            last: None,
            documents: 0,
            close: self.close_alarm(self.now.wall),
        }
    }

    fn follow(&mut self, state: &RegisterState, phase: Phase) {
        let next = state.next_local_number;
        // A number that runs back would be issued twice (rule 2); a person who said "follow it" has looked.
        if self.core().next.is_some_and(|ours| next < ours) && !self.core().must_synchronise {
            return self.wait_for_person(ManualReason::AnotherDevice);
        }
        self.note(Event::Synchronised {
            next,
            phase: Box::new(phase),
            offline: state.offline_session(),
            used: self.used_there(state),
        });
    }

    /// The minutes of this month in which the register was offline, as the server counts them.
    fn used_there(&self, state: &RegisterState) -> Option<(Month, i64)> {
        let minutes = i64::try_from(state.offline_month?.0).ok()?;
        Some((Month::of(kyiv::local(self.now.wall)), minutes))
    }

    /// The server's totals for the Z of a shift that we have not wholly seen; ours where it has none.
    pub(super) fn totals_reply(&mut self, query: &Query, reply: Reply) {
        let totals = match reply {
            Reply::Totals(totals) => totals.totals,
            Reply::Nothing => None,
            Reply::Rejected(rejection) => return self.query_refused(rejection.code, &rejection.text),
            _ => return self.query_failed(query, Cancelled::TaxServiceUnreachable),
        };
        self.note(Event::QueryEnded);
        let Some(operation) = self.core().current.clone() else {
            return;
        };
        let report = match (totals, self.core().phase.shift()) {
            (Some(totals), _) => totals.to_z_report(),
            (None, Some(shift)) => fiscal::shift::z_report(&shift.totals.report()),
            (None, None) => return,
        };
        self.plan_z(&operation, report);
    }

    /// The server will not answer: what is asked for cannot be.
    fn query_refused(&mut self, code: ErrorCode, text: &str) {
        self.note(Event::QueryEnded);
        if let Some(operation) = self.core().current.clone() {
            let text = super::finish::cut(text);
            self.refuse(
                &operation,
                Refusal::Rejected {
                    code: code.code(),
                    text,
                },
            );
        }
    }
}
