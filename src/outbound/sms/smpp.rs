//! An operator by SMPP: the client of package `smpp`, and the pump that takes its events in.

use super::http::submission;
use super::report;
use super::router::{Operator, outcome};
use actors::deliveries::{Deliveries, Taken};
use actors::ids::ChallengeId;
use actors::ports::Message;
use futures_util::future::BoxFuture;
use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};
use smpp::{Client, Event};
use sms::Submitted;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};

/// Events that wait; beyond it the operator is told to send receipts again.
const EVENTS_MAX: usize = 10_000;
/// Events that are taken in at once. Most are a read and a commit, which the store shares; one about nobody's message waits two seconds for a
/// commit that may be late, and an account that others use too brings hundreds of those a second.
const AT_ONCE: usize = 1_024;

/// What binds count.
#[derive(Clone)]
pub struct SmppMetrics {
    bound: IntGaugeVec,
    lost: IntCounterVec,
    delivered: IntCounterVec,
}

impl SmppMetrics {
    /// Registers everything.
    ///
    /// # Errors
    /// A name registered twice: a programmer's error that shows at the first start.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let made = Self {
            bound: IntGaugeVec::new(
                Opts::new("countersign_smpp_binds", "Binds that stand, by operator."),
                &["operator"],
            )?,
            lost: IntCounterVec::new(
                Opts::new(
                    "countersign_smpp_binds_lost_total",
                    "Binds that were lost or could not be made, by operator.",
                ),
                &["operator"],
            )?,
            delivered: IntCounterVec::new(
                Opts::new(
                    "countersign_smpp_delivered_total",
                    "Receipts and messages that operators sent us.",
                ),
                &["operator"],
            )?,
        };
        registry.register(Box::new(made.bound.clone()))?;
        registry.register(Box::new(made.lost.clone()))?;
        registry.register(Box::new(made.delivered.clone()))?;
        Ok(made)
    }
}

struct Counted {
    name: String,
    metrics: SmppMetrics,
}

impl smpp::Observer for Counted {
    fn bound(&self, binds: usize) {
        let binds = i64::try_from(binds).unwrap_or(i64::MAX);
        self.metrics.bound.with_label_values(&[&self.name]).set(binds);
    }

    fn lost(&self) {
        self.metrics.lost.with_label_values(&[&self.name]).inc();
    }

    fn delivered(&self) {
        self.metrics.delivered.with_label_values(&[&self.name]).inc();
    }
}

/// An operator by SMPP.
pub struct Smpp {
    name: String,
    client: Client,
}

/// What it says, to be pumped in once there is somebody to take it.
pub struct Events {
    operator: String,
    inbox: mpsc::Receiver<Event>,
}

impl Smpp {
    /// Begins to bind. The settings' name is the operator's.
    pub fn start(settings: smpp::Settings, metrics: SmppMetrics) -> (Self, Events) {
        let (sender, inbox) = mpsc::channel(EVENTS_MAX);
        let (name, operator) = (settings.name.clone(), settings.name.clone());
        let observer = Arc::new(Counted {
            name: name.clone(),
            metrics,
        });
        let client = Client::start(settings, sender, observer);
        (Self { name, client }, Events { operator, inbox })
    }
}

impl Operator for Smpp {
    fn name(&self) -> &str {
        &self.name
    }

    fn submit<'a>(&'a self, message: &'a Message, deadline: Duration) -> BoxFuture<'a, Submitted> {
        Box::pin(async move { self.client.submit(&submission(message), deadline).await })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.client.close())
    }
}

/// Takes events in until the client is gone. A receipt is acknowledged when what it says is durable.
pub async fn pump(mut events: Events, deliveries: Deliveries) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    while let Some(event) = events.inbox.recv().await {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let (operator, deliveries) = (events.operator.clone(), deliveries.clone());
        tokio::spawn(async move {
            take(&operator, event, &deliveries).await;
            drop(place);
        });
    }
}

async fn take(operator: &str, event: Event, deliveries: &Deliveries) {
    match event {
        Event::Receipt {
            report: said,
            acknowledgement,
        } => match deliveries.take(operator, &report(said)).await {
            Ok(Taken::Changed | Taken::Unchanged | Taken::Unmatched) => acknowledgement.kept(),
            // Not kept: dropping the acknowledgement has it sent again.
            Err(error) => {
                tracing::warn!(operator, %error, "a receipt could not be kept; it is asked for again");
            }
        },
        Event::Late { challenge, submitted } => {
            if submitted == Submitted::Unknown {
                return;
            }
            let outcome = outcome(operator, submitted, 0, false);
            // May be faster than the commit that makes the message unknown; then the row is not there yet.
            for pause in [0, 50, 500, 2_000] {
                tokio::time::sleep(Duration::from_millis(pause)).await;
                match deliveries.late(ChallengeId(challenge), &outcome).await {
                    Ok(Taken::Unmatched) => {}
                    Ok(Taken::Changed | Taken::Unchanged) => return,
                    Err(error) => {
                        tracing::warn!(operator, %error, "a late answer could not be kept");
                        return;
                    }
                }
            }
        }
    }
}
