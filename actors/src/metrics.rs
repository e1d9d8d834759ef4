//! What the actors count. Labels are closed sets: no phone, customer or partner ever becomes one.

use crate::machines::otp::Reason;
use crate::ports::Outcome;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, Result,
};

/// Counters and gauges of actors and services.
#[derive(Clone)]
pub struct Metrics {
    /// Answers of `send`, by reason.
    pub sends: ByReason,
    /// Answers of `verify`, by reason.
    pub verifications: ByReason,
    messages: IntCounterVec,
    message_seconds: HistogramVec,
    /// Replayed answers.
    pub replays: IntCounter,
    /// Live customer actors.
    pub customers_live: IntGauge,
    /// Customer actors started.
    pub customers_started: IntCounter,
    /// Customer actors that went idle and left.
    pub customers_passivated: IntCounter,
    /// Customer actors that ended by an error or a panic.
    pub customers_failed: IntCounter,
    /// Commands refused because a customer's queue was full.
    pub customers_busy: IntCounter,
    /// Commands waiting in one customer's queue when another is added.
    pub customer_depth: Histogram,
    /// Rows swept because their time was over.
    pub swept_rows: IntCounter,
    /// Operators' reports, by operator and what came of them.
    pub receipts: IntCounterVec,
    /// News posted to partners, by what came of it.
    pub partner_posts: IntCounterVec,
    /// Messages that a guard kept from going, by guard.
    pub guarded: IntCounterVec,
    /// Messages to suspicious ranges of numbers, refused or not.
    pub suspicious: IntCounter,
}

impl Metrics {
    /// Registers everything.
    ///
    /// # Errors
    /// A name registered twice: a programmer's error that shows at the first start.
    pub fn new(registry: &Registry) -> Result<Self> {
        let made = Self {
            sends: ByReason::new(
                "countersign_otp_sends_total",
                "Answers to sends of one-time passwords, by reason.",
            )?,
            verifications: ByReason::new(
                "countersign_otp_verifications_total",
                "Answers to verifications, by reason.",
            )?,
            messages: IntCounterVec::new(
                Opts::new(
                    "countersign_sms_messages_total",
                    "Messages handed to operators, by outcome.",
                ),
                &["operator", "outcome"],
            )?,
            message_seconds: HistogramVec::new(
                HistogramOpts::new(
                    "countersign_sms_hand_over_seconds",
                    "How long operators took to answer.",
                )
                .buckets(vec![0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0]),
                &["operator"],
            )?,
            replays: counter(
                "countersign_idempotent_replays_total",
                "Answers given again for an idempotency key.",
            )?,
            customers_live: IntGauge::new("countersign_customer_actors", "Customer actors in memory.")?,
            customers_started: counter(
                "countersign_customer_actors_started_total",
                "Customer actors started.",
            )?,
            customers_passivated: counter(
                "countersign_customer_actors_passivated_total",
                "Customer actors that left when idle.",
            )?,
            customers_failed: counter(
                "countersign_customer_actors_failed_total",
                "Customer actors ended by an error or a panic.",
            )?,
            customers_busy: counter(
                "countersign_customer_busy_total",
                "Commands refused because a customer's queue was full.",
            )?,
            customer_depth: Histogram::with_opts(
                HistogramOpts::new(
                    "countersign_customer_queue_depth",
                    "Commands already waiting when one is added.",
                )
                .buckets(vec![0.0, 1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0]),
            )?,
            swept_rows: counter(
                "countersign_swept_rows_total",
                "Rows removed because their time was over.",
            )?,
            receipts: IntCounterVec::new(
                Opts::new(
                    "countersign_sms_receipts_total",
                    "Operators' reports on messages, by what came of them.",
                ),
                &["operator", "outcome"],
            )?,
            partner_posts: IntCounterVec::new(
                Opts::new(
                    "countersign_partner_posts_total",
                    "News of deliveries posted to partners, by what came of it.",
                ),
                &["outcome"],
            )?,
            guarded: IntCounterVec::new(
                Opts::new(
                    "countersign_sms_guarded_total",
                    "Messages that were not sent, by the guard that kept them.",
                ),
                &["guard"],
            )?,
            suspicious: counter(
                "countersign_sms_suspicious_total",
                "Messages to ranges of numbers where many are sent and few verified.",
            )?,
        };
        made.register(registry)?;
        Ok(made)
    }

    /// The counters of what this operator is handed, held as those of [`ByReason`] are.
    pub fn handed_over_to(&self, operator: &str) -> HandedOver {
        let counter = |outcome| self.messages.with_label_values(&[operator, outcome]);
        HandedOver {
            accepted: counter("accepted"),
            refused: counter("refused"),
            unknown: counter("unknown"),
            seconds: self.message_seconds.with_label_values(&[operator]),
        }
    }

    fn register(&self, registry: &Registry) -> Result<()> {
        registry.register(Box::new(self.sends.vector.clone()))?;
        registry.register(Box::new(self.verifications.vector.clone()))?;
        registry.register(Box::new(self.messages.clone()))?;
        registry.register(Box::new(self.message_seconds.clone()))?;
        registry.register(Box::new(self.replays.clone()))?;
        registry.register(Box::new(self.customers_live.clone()))?;
        registry.register(Box::new(self.customers_started.clone()))?;
        registry.register(Box::new(self.customers_passivated.clone()))?;
        registry.register(Box::new(self.customers_failed.clone()))?;
        registry.register(Box::new(self.customers_busy.clone()))?;
        registry.register(Box::new(self.customer_depth.clone()))?;
        registry.register(Box::new(self.receipts.clone()))?;
        registry.register(Box::new(self.partner_posts.clone()))?;
        registry.register(Box::new(self.guarded.clone()))?;
        registry.register(Box::new(self.suspicious.clone()))?;
        registry.register(Box::new(self.swept_rows.clone()))
    }
}

fn counter(name: &str, help: &str) -> Result<IntCounter> {
    IntCounter::new(name, help)
}

/// A counter by reason, every reason present from the start, so that a rate over a rare one is zero and not absent. Each is held: to find one by its label
/// all callers would lock the same map.
#[derive(Clone)]
pub struct ByReason {
    vector: IntCounterVec,
    counters: [IntCounter; Reason::ALL.len()],
}

impl ByReason {
    fn new(name: &str, help: &str) -> Result<Self> {
        let vector = IntCounterVec::new(Opts::new(name, help), &["reason"])?;
        let counters = Reason::ALL.map(|reason| vector.with_label_values(&[reason.name()]));
        Ok(Self { vector, counters })
    }

    /// Counts an answer.
    pub fn count(&self, reason: Reason) {
        let known = Reason::ALL.into_iter().zip(&self.counters);
        known
            .filter(|(known, _)| *known == reason)
            .for_each(|(_, counter)| counter.inc());
    }
}

/// What became of the messages that one operator was handed.
#[derive(Clone)]
pub struct HandedOver {
    accepted: IntCounter,
    refused: IntCounter,
    unknown: IntCounter,
    seconds: Histogram,
}

impl HandedOver {
    /// Counts an outcome, and how long it took.
    pub fn count(&self, outcome: &Outcome, seconds: f64) {
        let counter = match outcome {
            Outcome::Accepted(_) => &self.accepted,
            Outcome::Refused { .. } => &self.refused,
            Outcome::Unknown => &self.unknown,
        };
        counter.inc();
        self.seconds.observe(seconds);
    }
}
