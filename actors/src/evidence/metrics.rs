//! What evidence counts. Labels are closed sets: no field of a container ever is one.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge, Registry, Result};

/// Counters and gauges.
#[derive(Clone)]
pub struct EvidenceMetrics {
    /// Leaves made durable.
    pub leaves: IntCounter,
    /// Leaves that did not become durable.
    pub leaves_failed: IntCounter,
    /// Containers refused because their contract has as much as it may.
    pub refused: IntCounter,
    /// From a container's arrival to its answer.
    pub add_seconds: Histogram,
    /// Ends of the log's actor by an error.
    pub log_failures: IntCounter,
    /// Durable leaves.
    pub size: IntGauge,
    /// Leaves under the newest kept checkpoint.
    pub checkpoint_size: IntGauge,
    /// Live client actors.
    pub clients_live: IntGauge,
    /// Client actors that ended by an error.
    pub clients_failed: IntCounter,
    /// Containers refused because a client's queue was full.
    pub clients_busy: IntCounter,
    /// Debts of verified one-time passwords that were paid.
    pub owed_paid: IntCounter,
    /// Debts whose payment failed and will be tried again.
    pub owed_failed: IntCounter,
    /// Leaves that audits have looked at.
    pub audited: IntCounter,
    /// What audits have found. Anything above zero is an incident.
    pub audit_findings: IntCounter,
    /// When the background audit last came to the log's end, in seconds since 1970; 0 before it has.
    pub audit_completed: IntGauge,
    /// Checkpoints that a sink took.
    pub sink_pushes: IntCounter,
    /// Checkpoints that a sink did not take.
    pub sink_failures: IntCounter,
}

impl EvidenceMetrics {
    /// Registers everything.
    ///
    /// # Errors
    /// A name registered twice: a programmer's error that shows at the first start.
    pub fn new(registry: &Registry) -> Result<Self> {
        let counter = |name: &str, help: &str| -> Result<IntCounter> {
            let counter = IntCounter::new(format!("countersign_evidence_{name}_total"), help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let gauge = |name: &str, help: &str| -> Result<IntGauge> {
            let gauge = IntGauge::new(format!("countersign_evidence_{name}"), help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let seconds = HistogramOpts::new(
            "countersign_evidence_add_seconds",
            "From a container's arrival at its client's actor to its durable answer.",
        );
        let buckets = vec![
            0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0,
        ];
        let add_seconds = Histogram::with_opts(seconds.buckets(buckets))?;
        registry.register(Box::new(add_seconds.clone()))?;
        Ok(Self {
            leaves: counter("leaves", "Leaves made durable.")?,
            leaves_failed: counter("leaves_failed", "Leaves that did not become durable.")?,
            refused: counter("refused", "Containers whose contract has as much as it may.")?,
            add_seconds,
            log_failures: counter("log_failures", "Ends of the log's actor by an error.")?,
            size: gauge("log_size", "Durable leaves of the log.")?,
            checkpoint_size: gauge("checkpoint_size", "Leaves under the newest kept checkpoint.")?,
            clients_live: gauge("client_actors", "Evidence clients in memory.")?,
            clients_failed: counter("client_actors_failed", "Evidence clients ended by an error.")?,
            clients_busy: counter("client_busy", "Containers refused by a client's full queue.")?,
            owed_paid: counter(
                "owed_paid",
                "Containers that verified one-time passwords owed, recorded.",
            )?,
            owed_failed: counter("owed_failed", "Such containers that will be tried again.")?,
            audited: counter("audited_leaves", "Leaves that audits have looked at.")?,
            audit_findings: counter(
                "audit_findings",
                "What audits have found; above zero is an incident.",
            )?,
            audit_completed: gauge(
                "audit_completed_seconds",
                "When the background audit last came to the log's end, Unix time.",
            )?,
            sink_pushes: counter("sink_pushes", "Checkpoints that a sink took.")?,
            sink_failures: counter("sink_failures", "Checkpoints that a sink did not take.")?,
        })
    }
}
