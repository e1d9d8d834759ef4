//! What signing agents count. The label `agent` is the name that support gave, of which there are as many as agents in the book.

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, Result};

/// Seconds, from an agent on the same machine to the limit of a held request.
const SECONDS: [f64; 11] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0];

/// Counters and gauges of agents.
#[derive(Clone)]
pub struct AgentMetrics {
    /// Requests that wait for an agent.
    pub waiting: IntGaugeVec,
    /// 1 while it was seen lately.
    pub seen: IntGaugeVec,
    /// When it was seen last, in seconds since 1970.
    pub last_seen: IntGaugeVec,
    /// The end of the licence under which it is enrolled, in seconds since 1970.
    pub licence_expiry: IntGaugeVec,
    /// The end of the first certificate to expire among its active keys, in seconds since 1970.
    pub key_expiry: IntGaugeVec,
    /// Its keys, by state.
    pub keys: IntGaugeVec,
    /// Seconds by which its clock is ahead.
    pub clock_ahead: IntGaugeVec,
    /// 1 while two copies of it were seen lately.
    pub copies: IntGaugeVec,
    /// From asking to a signature that holds.
    pub seconds: HistogramVec,
    /// Deliveries, by what they were.
    pub deliveries: IntCounterVec,
    /// Pushed requests, by what came of it.
    pub pushes: IntCounterVec,
    /// Enrolments, by outcome; the label of a refused one is no name that a stranger chose.
    pub enrolments: IntCounterVec,
    /// Registrations of cashiers, by outcome.
    pub cashiers: IntCounterVec,
}

impl AgentMetrics {
    /// Registers everything.
    ///
    /// # Errors
    /// A name registered twice: a programmer's error that shows at the first start.
    pub fn new(registry: &Registry) -> Result<Self> {
        let gauge = |name, help| IntGaugeVec::new(Opts::new(name, help), &["agent"]);
        let made = Self {
            waiting: gauge(
                "countersign_agent_waiting_requests",
                "Requests that wait for an agent.",
            )?,
            seen: gauge("countersign_agent_seen", "1 while an agent was seen lately.")?,
            last_seen: gauge(
                "countersign_agent_last_seen_timestamp_seconds",
                "When an agent was seen last.",
            )?,
            licence_expiry: gauge(
                "countersign_agent_licence_expiry_timestamp_seconds",
                "The end of the licence under which an agent is enrolled.",
            )?,
            key_expiry: gauge(
                "countersign_agent_key_expiry_timestamp_seconds",
                "The first end of a certificate among an agent's active keys.",
            )?,
            keys: IntGaugeVec::new(
                Opts::new("countersign_agent_keys", "An agent's keys, by state."),
                &["agent", "state"],
            )?,
            clock_ahead: gauge(
                "countersign_agent_clock_ahead_seconds",
                "Seconds by which an agent's clock is ahead.",
            )?,
            copies: gauge(
                "countersign_agent_copies",
                "1 while two copies of an agent were seen lately.",
            )?,
            seconds: HistogramVec::new(
                HistogramOpts::new(
                    "countersign_agent_sign_seconds",
                    "From asking an agent to a signature that holds.",
                )
                .buckets(SECONDS.to_vec()),
                &["agent"],
            )?,
            deliveries: counters(
                "countersign_agent_deliveries_total",
                "Deliveries of agents, by what they were.",
                &["agent", "outcome"],
            )?,
            pushes: counters(
                "countersign_agent_pushes_total",
                "Requests pushed to agents, by what came of it.",
                &["agent", "outcome"],
            )?,
            enrolments: counters(
                "countersign_agent_enrolments_total",
                "Enrolments, by outcome.",
                &["outcome"],
            )?,
            cashiers: counters(
                "countersign_agent_cashiers_total",
                "Registrations of cashiers, by outcome.",
                &["outcome"],
            )?,
        };
        // There from the start, so that the first refusal has an increase.
        for outcome in ["enrolled", "licence-refused", "challenge-expired"] {
            made.enrolments.with_label_values(&[outcome]);
        }
        made.register(registry)?;
        Ok(made)
    }

    fn register(&self, registry: &Registry) -> Result<()> {
        for gauge in [
            &self.waiting,
            &self.seen,
            &self.last_seen,
            &self.licence_expiry,
            &self.key_expiry,
            &self.keys,
            &self.clock_ahead,
            &self.copies,
        ] {
            registry.register(Box::new(gauge.clone()))?;
        }
        for counter in [&self.deliveries, &self.pushes, &self.enrolments, &self.cashiers] {
            registry.register(Box::new(counter.clone()))?;
        }
        registry.register(Box::new(self.seconds.clone()))
    }

    /// Takes away what is said of an agent that is no longer in the book.
    pub fn forget(&self, agent: &str) {
        let gauges = [
            &self.waiting,
            &self.seen,
            &self.last_seen,
            &self.licence_expiry,
            &self.key_expiry,
            &self.clock_ahead,
            &self.copies,
        ];
        for gauge in gauges {
            let _ = gauge.remove_label_values(&[agent]); // never set is as good as removed
        }
        for outcome in super::delivery::OUTCOMES {
            let _ = self.deliveries.remove_label_values(&[agent, outcome]); // as above
        }
        for state in super::KEY_STATES {
            let _ = self.keys.remove_label_values(&[agent, state.name()]); // as above
        }
    }
}

fn counters(name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec> {
    IntCounterVec::new(Opts::new(name, help), labels)
}
