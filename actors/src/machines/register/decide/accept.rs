//! An order comes: a repeat is known, what cannot be is refused, the rest waits its turn, which may be now.

use super::super::answer::{OperationState, Refusal};
use super::super::command::{Effect, Event, FingerprintRecord, Order};
use super::super::form::form;
use super::super::policy::{COMMENT_CHARACTERS_MAX, WAITING_MAX};
use super::super::request::{OperationKind, PaymentRequest, Request};
use super::super::state::{Body, Link, Operation, Profile};
use super::turn::Turn;
use crate::ids::OperationId;
use fiscal::document::Kind;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// By what a repeat is known: direction, the client's own number, and the figures in money. Orders without a number have none: two alike
/// may be two.
pub fn fingerprint(request: &Request, reference: Option<u64>) -> Option<[u8; 32]> {
    let receipt = match request {
        Request::Sale(receipt) | Request::Return { receipt, .. } => receipt,
        _ => return None,
    };
    let mut hash = Sha256::new();
    hash.update([u8::from(request.kind() == OperationKind::Return)]);
    hash.update(reference?.to_be_bytes());
    let mut figure = |units: Option<i64>| {
        hash.update([u8::from(units.is_some())]);
        hash.update(units.unwrap_or_default().to_be_bytes());
    };
    figure(receipt.total.map(fiscal::Money::units));
    figure(receipt.rounding.map(fiscal::Money::units));
    for line in &receipt.lines {
        figure(Some(line.quantity.units()));
        figure(line.price.map(fiscal::Price::units));
        figure(line.cost.map(fiscal::Money::units));
    }
    for PaymentRequest { code, sum, .. } in &receipt.payments {
        figure(Some(i64::from(*code)));
        figure(Some(sum.units()));
    }
    Some(hash.finalize().into())
}

impl Turn {
    pub(super) fn accept(&mut self, order: Order) {
        if let Some(first) = order.earlier.and_then(|earlier| self.is_repeat(&order, earlier)) {
            return self.repeat(&order, first);
        }
        let kind = match self.judge_order(&order) {
            Ok(kind) => kind,
            Err(refusal) => return self.answer(order.operation, OperationState::Refused(refusal)),
        };
        self.tell(&order);
        let operation = self.operation_of(&order, kind.as_ref());
        let is_idle = !self.book.is_busy();
        if is_idle && let Some(refusal) = self.refusal(&operation) {
            return self.answer(order.operation, OperationState::Refused(refusal));
        }
        // What goes straight into its document needs no rows of its own: the document's XML holds it. Made it is all the same, so that what
        // no document can carry is refused before anything is remembered.
        let is_direct = is_idle
            && self.is_shift_open()
            && !self.is_close_due()
            && !self.core().must_synchronise
            && self.is_ready_to_issue()
            && !self.is_ending()
            && self.core().link != Link::Syncing;
        let body = match kind.map(|kind| self.body_xml(&order, kind)).transpose() {
            Ok(body) => body.filter(|_| !is_direct),
            Err(refusal) => return self.answer(order.operation, OperationState::Refused(refusal)),
        };
        let mut operation = operation;
        operation.body_rows = body.as_deref().map_or(0, super::super::rows_of);
        // What waits is read again at its turn: it takes no memory meanwhile, and what it returns may have been returned by then.
        operation.body.take_if(|_| !is_idle);
        let id = operation.id;
        self.note(Event::Accepted {
            operation: Box::new(operation),
            body,
        });
        if order.hold.is_zero() {
            self.answer(id, OperationState::Pending);
        }
    }

    /// Whoever asks again waits with the first, at least as long as they would have waited alone.
    fn repeat(&mut self, order: &Order, first: OperationId) {
        let at_once = order.hold.is_zero();
        if self.book.is_live(first) && !at_once {
            self.note(Event::HeldAgain {
                operation: first,
                until: self.moment().plus(order.hold),
            });
        }
        self.act(Effect::Repeat {
            operation: order.operation,
            of: first,
            at_once,
        });
    }

    fn is_repeat(&self, order: &Order, earlier: FingerprintRecord) -> Option<OperationId> {
        let shift = self.core().phase.shift().map(|shift| shift.ordinal);
        let is_same_shift = earlier.shift.is_none_or(|in_shift| Some(in_shift) == shift);
        (order.unit.settings.find_duplicates && is_same_shift).then_some(earlier.operation)
    }

    /// What can be refused before anything is remembered.
    fn judge_order(&self, order: &Order) -> Result<Option<Kind>, Refusal> {
        if let Link::Manual(reason) = self.core().link {
            return Err(Refusal::Manual(reason));
        }
        if self.book.waiting.len() >= WAITING_MAX {
            return Err(Refusal::Busy);
        }
        let kind = form(&order.request, &order.unit.taxes, self.book.number)?;
        Ok(kind)
    }

    fn operation_of(&self, order: &Order, kind: Option<&Kind>) -> Operation {
        let original = order.request.original_of(self.book.number).cloned();
        let lifetime = order.lifetime.max(order.hold);
        let accepted = (self.wall_ms(), self.core().accepted.saturating_add(1));
        let give_up = self.moment().plus(lifetime);
        let signer = order.signer.clone();
        Operation {
            open_shift: order.open_shift,
            hold_until: (!order.hold.is_zero()).then(|| self.moment().plus(order.hold)),
            claim: order.claim,
            fingerprint: fingerprint(&order.request, order.reference)
                .filter(|_| order.unit.settings.find_duplicates),
            reference: order.reference,
            original,
            comment: comment(&order.request),
            body: kind.map(|kind| Body {
                kind: Arc::new(kind.clone()),
                sold: order.sold,
            }),
            ..Operation::new(order.operation, order.request.kind(), signer, give_up, accepted)
        }
    }

    /// Keeps what the directory said, where it changed; a shift that is open follows its new closing time.
    fn tell(&mut self, order: &Order) {
        let unit = &order.unit;
        let profile = Profile {
            seller: unit.seller.clone(),
            cash_desk: unit.cash_desk,
            is_testing: unit.is_testing,
            settings: unit.settings.clone(),
        };
        let known = self.core().profile.as_ref();
        if known == Some(&profile) {
            return;
        }
        let is_other_close =
            known.is_none_or(|known| known.settings.auto_close != profile.settings.auto_close);
        self.note(Event::Told(Box::new(profile)));
        if is_other_close {
            self.set_close_anew();
        }
    }
}

/// What stands under a receipt, cut to what is kept: a comment too long is no reason not to sell.
pub(super) fn comment(request: &Request) -> Option<String> {
    let (Request::Sale(receipt) | Request::Return { receipt, .. }) = request else {
        return None;
    };
    let comment = receipt.comment.as_deref()?.trim();
    (!comment.is_empty()).then(|| comment.chars().take(COMMENT_CHARACTERS_MAX).collect())
}
