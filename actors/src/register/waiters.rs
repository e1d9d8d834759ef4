//! Who waits for an operation: callers that are held, and those who asked to be told when it is resolved.

use super::answer;
use crate::idempotency::Held;
use crate::ids::OperationId;
use crate::machines::register::{Answer, OperationState};
use prometheus::IntGauge;
use ractor::RpcReplyPort;
use std::collections::HashMap;

/// Reply ports, by operation.
pub(super) struct Waiters {
    held: HashMap<OperationId, Vec<RpcReplyPort<Answer>>>,
    told: HashMap<OperationId, Vec<RpcReplyPort<Option<OperationState>>>>,
    /// Idempotency keys of orders that are being accepted.
    accepting: Vec<Held>,
    gauge: IntGauge,
}

impl Waiters {
    pub(super) fn new(gauge: IntGauge) -> Self {
        Self {
            held: HashMap::new(),
            told: HashMap::new(),
            accepting: Vec::new(),
            gauge,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.told.is_empty()
    }

    pub(super) fn hold(&mut self, operation: OperationId, reply: RpcReplyPort<Answer>, held: Option<Held>) {
        self.gauge.inc();
        self.held.entry(operation).or_default().push(reply);
        self.accepting.extend(held);
    }

    pub(super) fn wait(&mut self, operation: OperationId, reply: RpcReplyPort<Option<OperationState>>) {
        let told = self.told.entry(operation).or_default();
        // Whoever polls again and again leaves ports behind that nobody listens to.
        told.retain(|port| !port.is_closed());
        told.push(reply);
    }

    /// The order's commit is durable: a repeat of its key finds the reservation from here on.
    pub(super) fn accepted(&mut self) {
        self.accepting.clear();
    }

    /// Who is held for the one is held for the other.
    pub(super) fn move_to(&mut self, operation: OperationId, other: OperationId) {
        let moved = self.held.remove(&operation).unwrap_or_default();
        self.held.entry(other).or_default().extend(moved);
    }

    /// Tells who waits. An answer that is not final ends only the holding.
    pub(super) fn answer(&mut self, operation: OperationId, given: &Answer) {
        for reply in self.held.remove(&operation).unwrap_or_default() {
            self.gauge.dec();
            answer(reply, given.clone());
        }
        if given.state.is_final() {
            for reply in self.told.remove(&operation).unwrap_or_default() {
                answer(reply, Some(given.state.clone()));
            }
        }
    }
}

impl Drop for Waiters {
    fn drop(&mut self) {
        let held: usize = self.held.values().map(Vec::len).sum();
        self.gauge.sub(i64::try_from(held).unwrap_or(i64::MAX));
    }
}
