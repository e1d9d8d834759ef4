//! Logs, and the metrics of the store and of the process itself.

use crate::config::{Log, LogFormat};
use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge, IntGaugeVec, Opts, Registry};
use std::io::IsTerminal;
use std::time::Duration;
use tracing_subscriber::EnvFilter;

/// Starts logging to stdout: JSON where that is no terminal, for people where it is.
///
/// # Errors
/// A sentence, where the filter is no filter or logging was started before.
pub fn start_logging(log: &Log) -> Result<(), String> {
    let filter = EnvFilter::try_new(&log.filter).map_err(|error| format!("log.filter: {error}"))?;
    let json = match log.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stdout().is_terminal(),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(true);
    let started = if json {
        builder.json().flatten_event(true).try_init()
    } else {
        builder.compact().try_init()
    };
    started.map_err(|error| format!("logging: {error}"))
}

/// What the store tells, as metrics.
pub struct StoreMetrics {
    batches: IntCounter,
    operations: IntCounter,
    bytes: IntCounter,
    sync_seconds: Histogram,
    checkpoint_rows: IntCounter,
    checkpoint_seconds: Histogram,
    queue_depth: IntGauge,
    conflicts: IntCounter,
    full: IntGauge,
    free_bytes: IntGauge,
    snapshots_recovered: IntCounter,
    poisoned: IntGauge,
}

impl StoreMetrics {
    /// Registers everything.
    ///
    /// # Errors
    /// A name registered twice: a programmer's error that shows at the first start.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let made = Self {
            batches: IntCounter::new("countersign_store_batches_total", "Batches made durable.")?,
            operations: IntCounter::new(
                "countersign_store_operations_total",
                "Row operations made durable.",
            )?,
            bytes: IntCounter::new(
                "countersign_store_written_bytes_total",
                "Bytes of keys and values made durable.",
            )?,
            sync_seconds: Histogram::with_opts(
                HistogramOpts::new(
                    "countersign_store_group_seconds",
                    "Writing and syncing one group of batches.",
                )
                .buckets(vec![
                    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0, 10.0,
                ]),
            )?,
            checkpoint_rows: IntCounter::new(
                "countersign_store_checkpoint_rows_total",
                "Rows brought from the redo log into the database.",
            )?,
            checkpoint_seconds: Histogram::with_opts(
                HistogramOpts::new(
                    "countersign_store_checkpoint_seconds",
                    "Bringing a part of the redo log into the database; nobody waits for it.",
                )
                .buckets(vec![0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 30.0]),
            )?,
            queue_depth: IntGauge::new(
                "countersign_store_queue_depth",
                "Operations left waiting when a group was taken.",
            )?,
            conflicts: IntCounter::new(
                "countersign_store_conflicts_total",
                "Batches refused because a version did not hold.",
            )?,
            full: IntGauge::new(
                "countersign_store_full",
                "1 while writes are refused because the disk is nearly full.",
            )?,
            free_bytes: IntGauge::new(
                "countersign_store_free_bytes",
                "Free bytes on the disk when they last mattered.",
            )?,
            snapshots_recovered: IntCounter::new(
                "countersign_store_snapshots_recovered_total",
                "Damaged snapshots moved aside at start.",
            )?,
            poisoned: IntGauge::new(
                "countersign_store_poisoned",
                "1 once the store has failed for good.",
            )?,
        };
        registry.register(Box::new(made.batches.clone()))?;
        registry.register(Box::new(made.operations.clone()))?;
        registry.register(Box::new(made.bytes.clone()))?;
        registry.register(Box::new(made.sync_seconds.clone()))?;
        registry.register(Box::new(made.checkpoint_rows.clone()))?;
        registry.register(Box::new(made.checkpoint_seconds.clone()))?;
        registry.register(Box::new(made.queue_depth.clone()))?;
        registry.register(Box::new(made.conflicts.clone()))?;
        registry.register(Box::new(made.full.clone()))?;
        registry.register(Box::new(made.free_bytes.clone()))?;
        registry.register(Box::new(made.snapshots_recovered.clone()))?;
        registry.register(Box::new(made.poisoned.clone()))?;
        Ok(made)
    }
}

impl storage::Observer for StoreMetrics {
    fn committed(&self, batches: usize, operations: usize, bytes: usize, sync: Duration) {
        self.batches.inc_by(count(batches));
        self.operations.inc_by(count(operations));
        self.bytes.inc_by(count(bytes));
        self.sync_seconds.observe(sync.as_secs_f64());
    }

    fn checkpointed(&self, rows: usize, took: Duration) {
        self.checkpoint_rows.inc_by(count(rows));
        self.checkpoint_seconds.observe(took.as_secs_f64());
    }

    fn queue_depth(&self, operations: usize) {
        self.queue_depth
            .set(i64::try_from(operations).unwrap_or(i64::MAX));
    }

    fn conflicted(&self) {
        self.conflicts.inc();
    }

    fn full(&self, is_full: bool, free_bytes: u64) {
        self.full.set(i64::from(is_full));
        self.free_bytes.set(i64::try_from(free_bytes).unwrap_or(i64::MAX));
    }

    fn snapshot_recovered(&self) {
        self.snapshots_recovered.inc();
    }

    fn poisoned(&self, _: &str) {
        self.poisoned.set(1);
    }
}

fn count(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// `build_info`, uptime, and the process's own metrics.
///
/// # Errors
/// A name registered twice: a programmer's error that shows at the first start.
pub fn register_process(registry: &Registry) -> prometheus::Result<()> {
    let info = IntGaugeVec::new(
        Opts::new("countersign_build_info", "Always 1; what was built."),
        &["version"],
    )?;
    info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
    registry.register(Box::new(info))?;
    #[cfg(target_os = "linux")]
    registry.register(Box::new(
        prometheus::process_collector::ProcessCollector::for_self(),
    ))?;
    Ok(())
}
