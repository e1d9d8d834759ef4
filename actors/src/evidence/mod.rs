//! Signing evidence as it is kept: one actor per client decides which containers are new, one log actor gives each its place in the tree, and
//! container, leaf and tree become durable in one batch.
//!
//! [`EvidenceService`] is what callers see. The rules are in [`crate::machines::evidence`] and in the package `evidence`.

mod audit;
mod checkpoints;
mod client;
mod log;
mod metrics;
mod owed;
pub mod rows;
mod service;
mod sinks;
mod tiles;

pub use audit::{
    AUDIT_LEAVES_MAX, AuditFinding, AuditPage, audit_head, audit_leaf, audit_leaves, audit_owed,
};
pub use checkpoints::{Checkpoint, Checkpoints};
pub use client::{ClientMessage, Clients};
pub use log::{LogMessage, Logs};
pub use metrics::EvidenceMetrics;
pub use owed::{OTP_CONTRACT_VERSION, OwedContract, OwedEvidence};
pub use service::{EvidenceService, Parts, Recorded, Settings};
pub use sinks::{CheckpointSink, push_checkpoints};
pub use tiles::Tiles;

use crate::clock::Clock;
use crate::registry::Registry;
use std::sync::{Arc, OnceLock, Weak};
use storage::Store;
use tokio_util::task::TaskTracker;

/// What all actors of evidence share.
pub struct EvidenceWorld {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The tree, to be read.
    pub tiles: Arc<Tiles>,
    /// Counters.
    pub metrics: EvidenceMetrics,
    /// Words that are on their way, so that a shutdown can wait for them.
    pub tasks: TaskTracker,
    /// Leaves that may wait for the log's commits.
    pub waiting_max: usize,
    /// Contracts of one client that stay in memory.
    pub contracts_max: usize,
    clients: OnceLock<Weak<Registry<Clients>>>,
    log: OnceLock<Weak<Registry<Logs>>>,
}

impl EvidenceWorld {
    fn clients(&self) -> Option<Arc<Registry<Clients>>> {
        self.clients.get().and_then(Weak::upgrade)
    }

    fn log(&self) -> Option<Arc<Registry<Logs>>> {
        self.log.get().and_then(Weak::upgrade)
    }
}
