//! What registers count. Labels are closed sets but for agents, of which there are as many as licences.

use crate::machines::register::{Away, DocumentOutcome, Note, OperationState, Reply, Signature};
use crate::ports::{Packed, Posted};
use crate::registry::Observed;
use fiscal::RegisterNumber;
use fiscal::offline::State;
use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, Result,
};

/// Seconds, from an agent on the same machine to the limit of a held request.
const SECONDS: [f64; 11] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0];

/// Counters and gauges of registers.
#[derive(Clone)]
pub struct RegisterMetrics {
    /// Callers that are held.
    pub held_requests: IntGauge,
    /// Signatures that are awaited, by agent.
    pub pending_signatures: IntGaugeVec,
    /// What came of requests for signatures, by agent and outcome.
    pub signatures: IntCounterVec,
    /// Signatures that were refused, by reason.
    pub unfit_signatures: IntCounterVec,
    /// From a document's plan to its signature.
    pub sign_seconds: Histogram,
    /// From a document's plan to its registration.
    pub register_seconds: Histogram,
    /// What the tax service takes for a document.
    pub post_seconds: Histogram,
    /// Documents, by kind and outcome.
    pub documents: IntCounterVec,
    /// Answers to operations, by what was said.
    pub answers: IntCounterVec,
    /// Answers given again to a repeat.
    pub repeats: IntCounter,
    /// Posts to the tax service, by outcome.
    pub posts: IntCounterVec,
    /// Packages sent to the tax service, by outcome.
    pub packages: IntCounterVec,
    /// Offline sessions, begun and ended.
    pub offline_sessions: IntCounterVec,
    /// Limits of offline time that registers came near, or reached.
    pub offline_limits: IntCounterVec,
    /// Offline documents that were delivered.
    pub delivered: IntCounter,
    /// Offline documents that are not delivered yet, of registers in memory: all that have any.
    pub undelivered: IntGauge,
    /// Wall time at which the session of a register that is offline began, by register: seconds since 1970. Its hours are this and the
    /// present's difference; a register that is online has none.
    pub offline_since: IntGaugeVec,
    /// Questions to the tax service, by name and outcome.
    pub queries: IntCounterVec,
    /// Outcomes that nobody waited for.
    pub strays: IntCounter,
    /// Failed attempts to close a shift by itself.
    pub close_failures: IntCounter,
    /// Shifts that came within an hour of 24 hours.
    pub long_shifts: IntCounter,
    /// Registers in memory, by state: every one but closed ones at rest.
    pub registers: IntGaugeVec,
    /// Register actors started, gone idle, failed; orders refused because a queue was full.
    pub actors: IntCounterVec,
    /// Commands already waiting when one is added.
    pub depth: Histogram,
}

impl RegisterMetrics {
    /// Registers everything.
    ///
    /// # Errors
    /// A name registered twice: a programmer's error that shows at the first start.
    pub fn new(registry: &Registry) -> Result<Self> {
        let made = Self {
            held_requests: IntGauge::new("countersign_held_requests", "Callers held for a register.")?,
            pending_signatures: IntGaugeVec::new(
                Opts::new("countersign_pending_signatures", "Signatures awaited, by agent."),
                &["agent"],
            )?,
            signatures: counters(
                "countersign_signatures_total",
                "Requests for signatures, by agent and outcome.",
                &["agent", "outcome"],
            )?,
            unfit_signatures: counters(
                "countersign_unfit_signatures_total",
                "Signatures refused, by reason.",
                &["reason"],
            )?,
            sign_seconds: seconds("countersign_sign_seconds", "From plan to signature.")?,
            post_seconds: seconds(
                "countersign_tax_post_seconds",
                "What the tax service takes for a document.",
            )?,
            register_seconds: seconds("countersign_register_seconds", "From plan to registration.")?,
            documents: counters(
                "countersign_documents_total",
                "Documents, by kind and outcome.",
                &["kind", "outcome"],
            )?,
            answers: counters(
                "countersign_register_answers_total",
                "Answers to operations, by state.",
                &["state"],
            )?,
            repeats: counter(
                "countersign_register_repeats_total",
                "Orders recognised as repeats.",
            )?,
            posts: counters(
                "countersign_tax_posts_total",
                "Documents posted, by outcome.",
                &["outcome"],
            )?,
            packages: counters(
                "countersign_tax_packages_total",
                "Packages of offline documents sent, by outcome.",
                &["outcome"],
            )?,
            offline_sessions: counters(
                "countersign_offline_sessions_total",
                "Offline sessions of registers, begun and ended.",
                &["event"],
            )?,
            offline_limits: counters(
                "countersign_offline_limits_total",
                "Limits of offline time, near and reached.",
                &["state"],
            )?,
            delivered: counter(
                "countersign_offline_delivered_total",
                "Offline documents delivered to the tax service.",
            )?,
            undelivered: IntGauge::new(
                "countersign_offline_undelivered_documents",
                "Offline documents not delivered yet.",
            )?,
            offline_since: IntGaugeVec::new(
                Opts::new(
                    "countersign_offline_since_seconds",
                    "When the register went offline, seconds since 1970.",
                ),
                &["register"],
            )?,
            queries: counters(
                "countersign_tax_queries_total",
                "Questions to the tax service, by name and outcome.",
                &["name", "outcome"],
            )?,
            strays: counter(
                "countersign_register_strays_total",
                "Outcomes that nobody waited for.",
            )?,
            close_failures: counter(
                "countersign_close_failures_total",
                "Failed attempts to close a shift.",
            )?,
            long_shifts: counter(
                "countersign_long_shifts_total",
                "Shifts within an hour of 24 hours.",
            )?,
            registers: IntGaugeVec::new(
                Opts::new("countersign_registers", "Registers in memory, by state."),
                &["state"],
            )?,
            actors: counters(
                "countersign_register_actors_total",
                "Register actors, by what happened to them.",
                &["event"],
            )?,
            depth: Histogram::with_opts(
                HistogramOpts::new(
                    "countersign_register_queue_depth",
                    "Messages already waiting when one is added.",
                )
                .buckets(vec![0.0, 1.0, 4.0, 16.0, 64.0, 256.0]),
            )?,
        };
        made.register(registry)?;
        Ok(made)
    }

    fn register(&self, registry: &Registry) -> Result<()> {
        registry.register(Box::new(self.held_requests.clone()))?;
        registry.register(Box::new(self.pending_signatures.clone()))?;
        registry.register(Box::new(self.signatures.clone()))?;
        registry.register(Box::new(self.unfit_signatures.clone()))?;
        registry.register(Box::new(self.sign_seconds.clone()))?;
        registry.register(Box::new(self.post_seconds.clone()))?;
        registry.register(Box::new(self.register_seconds.clone()))?;
        registry.register(Box::new(self.documents.clone()))?;
        registry.register(Box::new(self.answers.clone()))?;
        registry.register(Box::new(self.repeats.clone()))?;
        registry.register(Box::new(self.posts.clone()))?;
        registry.register(Box::new(self.packages.clone()))?;
        registry.register(Box::new(self.offline_sessions.clone()))?;
        registry.register(Box::new(self.offline_limits.clone()))?;
        registry.register(Box::new(self.delivered.clone()))?;
        registry.register(Box::new(self.undelivered.clone()))?;
        registry.register(Box::new(self.offline_since.clone()))?;
        registry.register(Box::new(self.queries.clone()))?;
        registry.register(Box::new(self.strays.clone()))?;
        registry.register(Box::new(self.close_failures.clone()))?;
        registry.register(Box::new(self.long_shifts.clone()))?;
        registry.register(Box::new(self.registers.clone()))?;
        registry.register(Box::new(self.actors.clone()))?;
        registry.register(Box::new(self.depth.clone()))
    }

    pub(super) fn observe(&self, observed: Observed) {
        let event = match observed {
            Observed::Started => "started",
            Observed::Passivated => "passivated",
            Observed::Failed => "failed",
            Observed::Busy => "busy",
            Observed::Queued(waiting) => return self.depth.observe(f64::from(waiting)),
        };
        self.actors.with_label_values(&[event]).inc();
    }

    pub(super) fn count_answer(&self, state: &OperationState) {
        self.answers.with_label_values(&[state.name()]).inc();
    }

    pub(super) fn count_signature(&self, agent: &str, signature: &Signature) {
        let outcome = match signature {
            Signature::Signed(_) => "signed",
            Signature::Refused { .. } => "refused",
            Signature::Unfit(_) => "unfit",
            Signature::Late => "late",
        };
        self.signatures.with_label_values(&[agent, outcome]).inc();
    }

    pub(super) fn count_post(&self, posted: &Posted) {
        let outcome = match posted {
            Posted::Registered { .. } => "registered",
            Posted::Rejected(_) => "rejected",
            Posted::NotSent(_) => "not_sent",
            Posted::Unknown(_) => "unknown",
        };
        self.posts.with_label_values(&[outcome]).inc();
    }

    pub(super) fn count_package(&self, packed: &Packed) {
        let outcome = match packed {
            Packed::Accepted(_) => "accepted",
            Packed::Rejected(_) => "rejected",
            Packed::NotSent(_) => "not_sent",
            Packed::Unknown(_) => "unknown",
        };
        self.packages.with_label_values(&[outcome]).inc();
    }

    pub(super) fn count_query(&self, name: &str, reply: &Reply) {
        let outcome = match reply {
            Reply::State(_) | Reply::Number(_) | Reply::Document(_) | Reply::Totals(_) | Reply::Reached => {
                "answered"
            }
            Reply::Nothing => "nothing",
            Reply::Rejected(_) => "rejected",
            Reply::Unreachable => "unreachable",
        };
        self.queries.with_label_values(&[name, outcome]).inc();
    }

    pub(super) fn count(&self, note: Note) {
        match note {
            Note::Document { kind, outcome } => {
                let labels = [kind.name(), DocumentOutcome::name(outcome)];
                self.documents.with_label_values(&labels).inc();
            }
            Note::SignedAfter(ms) => self.sign_seconds.observe(in_seconds(ms)),
            Note::RegisteredAfter(ms) => self.register_seconds.observe(in_seconds(ms)),
            Note::Stray => self.strays.inc(),
            Note::CloseFailed => self.close_failures.inc(),
            Note::ShiftTooLong => self.long_shifts.inc(),
            Note::OfflineBegun => self.offline_sessions.with_label_values(&["begun"]).inc(),
            Note::OfflineEnded(_) => self.offline_sessions.with_label_values(&["ended"]).inc(),
            Note::Delivered(documents) => self.delivered.inc_by(documents),
            Note::OfflineLimit(state) => {
                let state = match state {
                    State::Free | State::Warning => "near",
                    State::ClosingOnly | State::Exhausted => "reached",
                };
                self.offline_limits.with_label_values(&[state]).inc();
            }
            // The gauge of registers by state says it, and for as long as it lasts.
            Note::PackageRejected | Note::Manual(_) => {}
        }
    }

    /// Counts a signature as awaited for as long as the guard lives.
    pub(super) fn pending_signature(&self, agent: &str) -> Pending {
        let gauge = self.pending_signatures.with_label_values(&[agent]);
        gauge.inc();
        Pending(gauge)
    }
}

/// One more, while it lives.
pub(super) struct Pending(IntGauge);

impl Drop for Pending {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// One register in the gauge of registers by state.
pub(super) struct StateGauge {
    gauges: IntGaugeVec,
    state: Option<&'static str>,
}

impl StateGauge {
    pub(super) fn new(gauges: IntGaugeVec) -> Self {
        Self { gauges, state: None }
    }

    pub(super) fn set(&mut self, state: &'static str) {
        if self.state != Some(state) {
            self.leave();
            self.gauges.with_label_values(&[state]).inc();
            self.state = Some(state);
        }
    }

    fn leave(&mut self) {
        if let Some(state) = self.state.take() {
            self.gauges.with_label_values(&[state]).dec();
        }
    }
}

impl Drop for StateGauge {
    fn drop(&mut self) {
        self.leave();
    }
}

/// What one register adds to the gauges of offline time and documents, while it is in memory.
pub(super) struct OfflineGauge {
    register: String,
    undelivered: IntGauge,
    since: IntGaugeVec,
    counted: i64,
    is_shown: bool,
}

impl OfflineGauge {
    pub(super) fn new(register: RegisterNumber, metrics: &RegisterMetrics) -> Self {
        Self {
            register: register.to_string(),
            undelivered: metrics.undelivered.clone(),
            since: metrics.offline_since.clone(),
            counted: 0,
            is_shown: false,
        }
    }

    pub(super) fn set(&mut self, away: Option<&Away>) {
        let undelivered = away.map_or(0, Away::undelivered);
        let undelivered = i64::try_from(undelivered).unwrap_or(i64::MAX);
        self.undelivered.add(undelivered - self.counted);
        self.counted = undelivered;
        match away {
            Some(away) => {
                let gauge = self.since.with_label_values(&[&self.register]);
                gauge.set(away.since_ms.div_euclid(1_000));
                self.is_shown = true;
            }
            None => self.hide(),
        }
    }

    fn hide(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            // Only the label that was just shown: that it is there is known.
            let _ = self.since.remove_label_values(&[&self.register]);
        }
    }
}

impl Drop for OfflineGauge {
    fn drop(&mut self) {
        self.undelivered.sub(self.counted);
        self.hide();
    }
}

fn counter(name: &str, help: &str) -> Result<IntCounter> {
    IntCounter::new(name, help)
}

fn counters(name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec> {
    IntCounterVec::new(Opts::new(name, help), labels)
}

fn seconds(name: &str, help: &str) -> Result<Histogram> {
    Histogram::with_opts(HistogramOpts::new(name, help).buckets(SECONDS.to_vec()))
}

pub(super) fn in_seconds(ms: i64) -> f64 {
    f64::from(u32::try_from(ms).unwrap_or(u32::MAX)) / 1_000.0
}
