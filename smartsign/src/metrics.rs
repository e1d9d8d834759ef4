//! What is counted, for Prometheus.

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};
use signing_protocol::RefusalReason;

/// Seconds of a signature, its waiting and its delivery.
const BUCKETS: [f64; 12] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0, 30.0,
];

/// Everything that is counted; clones count together.
#[derive(Clone)]
pub struct Metrics {
    /// All of it, to be written out.
    pub registry: Registry,
    /// Signatures made.
    pub signatures: IntCounter,
    /// Requests that came again.
    pub repeats: IntCounter,
    /// Requests refused, by reason.
    refusals: IntCounterVec,
    /// Seconds of computing a signature.
    pub signed: Histogram,
    /// Seconds of waiting for a thread.
    pub waited: Histogram,
    /// Deliveries by outcome: `accepted`, `refused`, `given_up` at the deadline, `left` for the next start.
    pub deliveries: IntCounterVec,
    /// Calls to the gateway that failed.
    pub calls_failed: IntCounter,
    /// Enrolments made.
    pub enrolments: IntCounter,
    /// 1 while the last call to the gateway succeeded.
    pub gateway_up: IntGauge,
    /// Requests in work.
    pub in_work: IntGauge,
    /// Requests taken and not delivered yet.
    pub delivering: IntGauge,
    /// Requests remembered.
    pub remembered: IntGauge,
    /// Keys by state.
    pub keys: IntGaugeVec,
    /// The licence's end, in seconds since 1970; 0 without one.
    pub licence_expires: IntGauge,
    /// 1 once the disk has failed.
    pub disk_failed: IntGauge,
}

impl Metrics {
    /// Registers everything.
    ///
    /// # Errors
    /// A name registered twice: a programmer's error that shows at the first start.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let counter = |name: &str, help: &str| {
            let made = IntCounter::new(format!("smartsign_{name}"), help)?;
            registry.register(Box::new(made.clone())).map(|()| made)
        };
        let gauge = |name: &str, help: &str| {
            let made = IntGauge::new(format!("smartsign_{name}"), help)?;
            registry.register(Box::new(made.clone())).map(|()| made)
        };
        let counters = |name: &str, help: &str, label: &str| {
            let made = IntCounterVec::new(Opts::new(format!("smartsign_{name}"), help), &[label])?;
            registry.register(Box::new(made.clone())).map(|()| made)
        };
        let histogram = |name: &str, help: &str| {
            let options = HistogramOpts::new(format!("smartsign_{name}"), help).buckets(BUCKETS.to_vec());
            let made = Histogram::with_opts(options)?;
            registry.register(Box::new(made.clone())).map(|()| made)
        };
        let keys = IntGaugeVec::new(Opts::new("smartsign_keys", "Keys by state."), &["state"])?;
        registry.register(Box::new(keys.clone()))?;
        let info = Opts::new("smartsign_build_info", "Always 1; what was built.");
        let info = IntGaugeVec::new(info, &["version"])?;
        info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        registry.register(Box::new(info))?;
        Ok(Self {
            signatures: counter(
                "signatures_total",
                "Signatures made, remembered and ready to leave.",
            )?,
            repeats: counter("repeats_total", "Requests that came again.")?,
            refusals: counters("refusals_total", "Requests refused, by reason.", "reason")?,
            signed: histogram("sign_seconds", "Computing a signature.")?,
            waited: histogram("wait_seconds", "Waiting for a thread to sign.")?,
            deliveries: counters(
                "deliveries_total",
                "Deliveries to the gateway, by outcome.",
                "outcome",
            )?,
            calls_failed: counter("gateway_calls_failed_total", "Calls to the gateway that failed.")?,
            enrolments: counter("enrolments_total", "Enrolments made.")?,
            gateway_up: gauge("gateway_up", "1 while the last call to the gateway succeeded.")?,
            in_work: gauge("requests_in_work", "Requests being worked on.")?,
            delivering: gauge("requests_undelivered", "Requests taken and not delivered yet.")?,
            remembered: gauge("requests_remembered", "Requests whose repeats are recognised.")?,
            licence_expires: gauge(
                "licence_expires_seconds",
                "The licence's end, seconds since 1970; 0 without one.",
            )?,
            disk_failed: gauge("disk_failed", "1 once the disk has failed.")?,
            keys,
            registry,
        })
    }

    /// Counts a refusal.
    pub fn refused(&self, reason: RefusalReason) {
        self.refusals.with_label_values(&[reason.name()]).inc();
    }
}
