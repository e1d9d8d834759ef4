//! The operation in work: what it needs next, whether it may have it, and the document that it becomes.

use super::super::answer::{Cancelled, DocumentKind, OperationState, Refusal};
use super::super::away::later;
use super::super::command::{Content, Effect, Event};
use super::super::policy::{PAYMENT_FORMS_MAX, SHIFT_MAX, TAXES_MAX};
use super::super::request::OperationKind;
use super::super::state::{Body, Flight, Operation, Phase, Purpose, Shift, SoldRecord, Stage};
use super::make::Made;
use super::turn::{Progress, Turn};
use crate::clock::{Moment, millis};
use crate::ids::{OperationId, SignatureRequestId};
use fiscal::arithmetic::{Entry, Report, Section};
use fiscal::document::{Kind, ZReport};
use fiscal::shift::{entry, z_report};
use fiscal::{FiscalNumber, Money};
use std::sync::Arc;

/// A document that is about to be made.
pub(super) struct Plan {
    pub(super) kind: Kind,
    pub(super) name: DocumentKind,
    pub(super) signer: super::super::request::Signer,
    pub(super) entry: Option<Entry>,
    pub(super) sold: Option<(FiscalNumber, SoldRecord)>,
    pub(super) comment: Option<String>,
}

/// What a body adds to its shift, and what it leaves of the sale that it returns.
struct Judged {
    entry: Entry,
    sold: Option<(FiscalNumber, SoldRecord)>,
}

impl Plan {
    /// A document that adds nothing to its shift.
    fn bare(kind: Kind, name: DocumentKind, signer: &super::super::request::Signer) -> Self {
        Self {
            kind,
            name,
            signer: signer.clone(),
            entry: None,
            sold: None,
            comment: None,
        }
    }
}

impl Turn {
    /// The next step of the operation in work.
    pub(super) fn carry_on(&mut self, operation: &Operation) -> Progress {
        if operation.again_at.is_some_and(|at| !self.is_past(at)) {
            return Progress::Waits;
        }
        if let Some(refusal) = self.refusal(operation) {
            self.refuse(operation, refusal);
            return Progress::Again;
        }
        let is_away = self.core().away.is_some();
        if self.core().must_synchronise && !is_away {
            return self.query(operation, Purpose::Synchronise);
        }
        let phase = self.core().phase.clone();
        match (&phase, operation.kind) {
            // A register that we have never seen may have been opened elsewhere: what is open must be closable.
            (Phase::Closed, OperationKind::CloseShift) if self.is_unknown(operation) => {
                self.query(operation, Purpose::Synchronise)
            }
            (Phase::Closed, OperationKind::CloseShift | OperationKind::AutoClose) => self.closed(operation),
            (Phase::Closed, _) if !operation.is_synchronised && !is_away => {
                self.query(operation, Purpose::Synchronise)
            }
            (Phase::Closed, _) => self.plan(
                operation,
                Plan::bare(Kind::OpenShift, DocumentKind::OpenShift, &operation.signer),
            ),
            // Whatever is asked, after the Z nothing but the close may follow (section 1.13).
            (Phase::Reported(shift), _) => {
                let signer = self.closer(operation, shift).clone();
                self.plan(
                    operation,
                    Plan::bare(Kind::CloseShift, DocumentKind::CloseShift, &signer),
                )
            }
            (Phase::Open(shift), OperationKind::CloseShift | OperationKind::AutoClose) => {
                if !shift.is_complete && is_away {
                    // What we have not seen would be missing in the Z-report; only the tax service knows it.
                    self.cancel(operation, Cancelled::TaxServiceUnreachable);
                    return Progress::Again;
                }
                if !shift.is_complete {
                    return self.query(operation, Purpose::Totals);
                }
                self.plan_z(operation, z_report(&shift.totals.report()))
            }
            (Phase::Open(_), OperationKind::OpenShift) => self.opened(operation),
            (Phase::Open(shift), OperationKind::Storno) => self.plan_storno(operation, shift),
            (Phase::Open(shift), _) => match operation.body.clone() {
                Some(body) => self.plan_body(operation, shift, &body),
                None => {
                    self.act(Effect::Fetch {
                        operation: operation.id,
                        body_rows: operation.body_rows,
                        uid: operation.last_uid.clone(),
                        original: operation.original.clone(),
                    });
                    Progress::Waits
                }
            },
        }
    }

    /// The body was read again.
    pub(super) fn fetched(&mut self, id: OperationId, kind: Arc<Kind>, sold: Option<SoldRecord>) {
        if self
            .core()
            .current
            .as_ref()
            .is_some_and(|current| current.id == id)
        {
            self.note(Event::Fetched(Body { kind, sold }));
        }
    }

    /// Why the operation cannot be, as things stand.
    pub(super) fn refusal(&self, operation: &Operation) -> Option<Refusal> {
        let of_another = |shift: &Shift| {
            (shift.opener.key != operation.signer.key).then(|| Refusal::ShiftOfAnother {
                name: Some(shift.opener.name.clone()),
            })
        };
        match (&self.core().phase, operation.kind) {
            (_, OperationKind::AutoClose) | (Phase::Closed, OperationKind::OpenShift) => None,
            (Phase::Open(_), OperationKind::OpenShift) => {
                operation.opening.is_none().then_some(Refusal::ShiftOpen)
            }
            (Phase::Reported(_), OperationKind::OpenShift) => None,
            (Phase::Closed, OperationKind::CloseShift) => {
                let may_be = self.core().must_synchronise || self.is_unknown(operation);
                (operation.z_report.is_none() && !may_be).then_some(Refusal::ShiftClosed)
            }
            (Phase::Open(shift) | Phase::Reported(shift), OperationKind::CloseShift) => {
                of_another(shift).filter(|_| !operation.signer.is_senior)
            }
            (Phase::Closed | Phase::Reported(_), kind) => {
                let default = self
                    .core()
                    .profile
                    .as_ref()
                    .is_none_or(|profile| profile.settings.auto_open);
                let opens = kind.opens_shift() && operation.open_shift.unwrap_or(default);
                (!opens).then_some(Refusal::ShiftClosed)
            }
            (Phase::Open(shift), _) => of_another(shift).or_else(|| self.shift_refusal(shift)),
        }
        .or_else(|| self.limit_refusal(operation))
    }

    /// Whether the tax service was never asked about this register.
    fn is_unknown(&self, operation: &Operation) -> bool {
        self.core().next.is_none() && !operation.is_synchronised
    }

    fn shift_refusal(&self, shift: &Shift) -> Option<Refusal> {
        let is_testing = self.core().profile.as_ref().map(|profile| profile.is_testing);
        if is_testing.is_some_and(|is_testing| is_testing != shift.is_testing) {
            return Some(Refusal::TestingDiffers);
        }
        (self.wall_ms() - shift.opened_ms >= millis(SHIFT_MAX)).then_some(Refusal::ShiftTooLong)
    }

    fn plan_body(&mut self, operation: &Operation, shift: &Shift, body: &Body) -> Progress {
        let judged = match self.judge_body(operation, shift, body) {
            Ok(judged) => judged,
            Err(refusal) => {
                self.refuse(operation, refusal);
                return Progress::Again;
            }
        };
        let name = match operation.kind {
            OperationKind::Return => DocumentKind::Return,
            OperationKind::ServiceIn => DocumentKind::ServiceIn,
            OperationKind::ServiceOut => DocumentKind::ServiceOut,
            OperationKind::CashWithdrawal => DocumentKind::CashWithdrawal,
            _ => DocumentKind::Sale,
        };
        let plan = Plan {
            kind: (*body.kind).clone(),
            name,
            signer: operation.signer.clone(),
            entry: Some(judged.entry),
            sold: judged.sold,
            comment: operation.comment.clone(),
        };
        self.plan(operation, plan)
    }

    /// The drawer, the shift's bounds, and what is left of a sale that is returned.
    fn judge_body(&self, operation: &Operation, shift: &Shift, body: &Body) -> Result<Judged, Refusal> {
        let Some(entry) = entry(&body.kind) else {
            return Err(Refusal::Document(
                "the kind of document is not one of a till".to_owned(),
            ));
        };
        let checks_drawer = self
            .core()
            .profile
            .as_ref()
            .is_none_or(|profile| profile.settings.check_drawer);
        if checks_drawer
            && let Err(fiscal::arithmetic::ShiftError::DrawerTooLow { balance, asked }) =
                shift.totals.drawer_covers(Money::ZERO, &entry)
        {
            return Err(Refusal::DrawerTooLow { balance, asked });
        }
        let mut totals = shift.totals.clone();
        totals.accept(entry.clone()).map_err(|_| Refusal::TooManyForms)?;
        if exceeds(&totals.report()) {
            return Err(Refusal::TooManyForms);
        }
        let sold = match (&operation.original, body.sold, &entry) {
            (Some(number), Some(sold), Entry::Return(figures)) => {
                let returned = sold
                    .returned
                    .checked_add(figures.sum)
                    .filter(|returned| *returned <= sold.sum);
                let Some(returned) = returned else {
                    let left = sold.sum.checked_sub(sold.returned).unwrap_or_default();
                    return Err(Refusal::ReturnTooLarge { left });
                };
                Some((number.clone(), SoldRecord { returned, ..sold }))
            }
            _ => None,
        };
        Ok(Judged { entry, sold })
    }

    fn plan_storno(&mut self, operation: &Operation, shift: &Shift) -> Progress {
        let (last, next) = (self.core().last.as_ref(), self.core().next);
        let last = last.filter(|last| {
            // Nothing else was issued since, an offline session's first document neither, which comes with the next one otherwise.
            let is_last = Some(later(last.local_number, 1)) == next && self.is_ready_to_issue();
            is_last && shift.totals.last().is_some()
        });
        let Some(number) = last.and_then(|last| last.fiscal_number.clone()) else {
            self.refuse(operation, Refusal::NothingToUndo);
            return Progress::Again;
        };
        self.plan(
            operation,
            Plan::bare(Kind::storno(number), DocumentKind::Storno, &operation.signer),
        )
    }

    /// The Z-report of these figures.
    pub(super) fn plan_z(&mut self, operation: &Operation, report: ZReport) -> Progress {
        let Some(shift) = self.core().phase.shift() else {
            return Progress::Again;
        };
        let signer = self.closer(operation, shift).clone();
        self.plan(
            operation,
            Plan::bare(Kind::z_report(report), DocumentKind::ZReport, &signer),
        )
    }

    /// Whose key closes: the opener's, or that of a senior cashier who asks for it (rule 10).
    fn closer<'a>(&self, operation: &'a Operation, shift: &'a Shift) -> &'a super::super::request::Signer {
        match operation.kind {
            OperationKind::CloseShift => &operation.signer,
            _ => &shift.opener,
        }
    }

    /// Makes the document: identifier, number, moment and octets are settled here, and never change. Offline the session's first comes
    /// before any other.
    fn plan(&mut self, operation: &Operation, plan: Plan) -> Progress {
        let plan = if self.is_ready_to_issue() {
            plan
        } else {
            let begin = Kind::OfflineBegin {
                revoke_last_online: false,
            };
            Plan::bare(begin, DocumentKind::OfflineBegin, &plan.signer)
        };
        let made = match self.make(&plan) {
            Ok(made) => made,
            Err(refusal) => {
                self.refuse(operation, refusal);
                return Progress::Again;
            }
        };
        let until = self.signature_deadline(operation);
        self.send_to_sign(operation.id, plan, made, until);
        Progress::Waits
    }

    /// Whether nothing must be issued before the next document: offline, the session's first is.
    pub(super) fn is_ready_to_issue(&self) -> bool {
        self.core().away.as_ref().is_none_or(|away| away.is_begun())
    }

    /// Makes the document that ends the offline session.
    pub(super) fn plan_end(&mut self) {
        let Some(signer) = self.core().away.as_ref().map(|away| away.signer.clone()) else {
            return;
        };
        let plan = Plan::bare(Kind::OfflineEnd, DocumentKind::OfflineEnd, &signer);
        match self.make(&plan) {
            Ok(made) => {
                let until = self.moment().plus(self.query_signature_max());
                // It is for no operation; rows of documents name one, which nobody has.
                let nobody = OperationId(self.draw.operation);
                self.send_to_sign(nobody, plan, made, until);
            }
            Err(_) => self.rest(true),
        }
    }

    fn send_to_sign(&mut self, operation: OperationId, plan: Plan, made: Made, until: Moment) {
        let Made { document, xml, place } = made;
        let request = SignatureRequestId(self.draw.request);
        let head = &document.head;
        let flight = Flight {
            uid: head.uid.clone(),
            kind: plan.name,
            local_number: head.local_number,
            issued: head.issued.get(),
            sum: document
                .kind
                .receipt()
                .and_then(|receipt| receipt.total.as_ref()?.sum),
            is_testing: head.testing,
            operation,
            signer: plan.signer,
            entry: plan.entry,
            sold: plan.sold,
            request,
            deadline_ms: until.wall_ms(self.now),
            stage: Stage::Signing { until },
            planned: self.moment(),
            posts: 0,
            was_doubted: false,
            place,
        };
        self.sign_document(&flight, until);
        self.note(Event::Planned {
            flight: Box::new(flight),
            xml,
        });
    }

    /// Asks for a document's signature, for the first time or again.
    pub(super) fn sign_document(&mut self, flight: &Flight, until: Moment) {
        self.act(Effect::Sign {
            request: flight.request,
            key: flight.signer.key,
            subject_key_id: flight.signer.subject_key_id.clone(),
            content: Content::Document(flight.uid.clone()),
            deadline_ms: flight.deadline_ms,
            until,
        });
    }

    /// Until when a signature is of use for this operation.
    pub(super) fn signature_deadline(&self, operation: &Operation) -> Moment {
        let own = self
            .core()
            .profile
            .as_ref()
            .map(|profile| profile.settings.signature_max);
        let own = own.map_or(operation.give_up, |max| self.moment().plus(max));
        own.min(operation.give_up)
    }

    fn opened(&mut self, operation: &Operation) -> Progress {
        match operation.opening.clone() {
            Some(opening) => {
                let mut operation = operation.clone();
                operation.opening = None; // it is the answer itself
                self.done(&operation, opening);
            }
            None => self.refuse(operation, Refusal::ShiftOpen),
        }
        Progress::Again
    }

    fn closed(&mut self, operation: &Operation) -> Progress {
        match operation.z_report.clone() {
            Some(z_report) => self.done(operation, z_report),
            // Somebody else closed it; the wish is fulfilled, though not by us.
            None => self.end(operation, OperationState::Refused(Refusal::ShiftClosed)),
        }
        Progress::Again
    }
}

fn exceeds(report: &Report) -> bool {
    let sections = [&report.sales, &report.returns];
    let is_over =
        |section: &Section| section.payments.len() > PAYMENT_FORMS_MAX || section.taxes.len() > TAXES_MAX;
    sections.into_iter().flatten().any(is_over)
}
