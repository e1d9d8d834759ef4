//! The way of a message through several operators: in the order of its route, past those that rest, to the next only after a refusal.
//!
//! Never to the next after an unknown outcome: the message may have gone. Never after a refusal that blames the message or its recipient:
//! the next would be asked in vain, or against the recipient's will.

use actors::clock::Clock;
use actors::ids::MessageId;
use actors::ports::{DeliveryReport, HandOver, Lookup, Message, Outcome, SmsSender};
use futures_util::future::BoxFuture;
use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};
use sms::breaker::{Breaker, Health, Rule};
use sms::routing::{self, Routes};
use sms::{Received, Submitted, Unfit};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// With less time than this no other operator is begun: it could only end as an unknown.
const TRY_MIN: Duration = Duration::from_millis(500);

/// One operator.
pub trait Operator: Send + Sync + 'static {
    /// Its name in routes, logs, metrics and the URL of its reports.
    fn name(&self) -> &str;
    /// Whether it can be asked what became of messages.
    fn is_polled(&self) -> bool {
        false
    }
    /// Hands a message over, once.
    fn submit<'a>(&'a self, message: &'a Message, deadline: Duration) -> BoxFuture<'a, Submitted>;
    /// Asks for a message by our id; nothing where it cannot tell.
    fn look_up(&self, _message: MessageId, _deadline: Duration) -> BoxFuture<'_, Option<Submitted>> {
        Box::pin(async { None })
    }
    /// Asks what became of messages, by its own ids.
    fn poll<'a>(&'a self, _ids: &'a [String], _deadline: Duration) -> BoxFuture<'a, Vec<DeliveryReport>> {
        Box::pin(async { Vec::new() })
    }
    /// Ends what it holds open.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
    /// Reads a report that it has called us with.
    ///
    /// # Errors
    /// [`Unfit`]; nothing of it is to be believed.
    fn received(&self, _received: &Received<'_>) -> Result<Vec<DeliveryReport>, Unfit> {
        Err(Unfit::Unproved)
    }
    /// What it wants to read once a report is taken.
    fn receipt_answer(&self) -> &'static str {
        ""
    }
}

/// What the router counts.
#[derive(Clone)]
pub struct RouterMetrics {
    attempts: IntCounterVec,
    resting: IntGaugeVec,
}

impl RouterMetrics {
    /// Registers everything.
    ///
    /// # Errors
    /// A name registered twice: a programmer's error that shows at the first start.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let made = Self {
            attempts: IntCounterVec::new(
                Opts::new(
                    "countersign_sms_operator_attempts_total",
                    "Messages offered to each operator, by what it made of them.",
                ),
                &["operator", "outcome"],
            )?,
            resting: IntGaugeVec::new(
                Opts::new(
                    "countersign_sms_operator_resting",
                    "1 while an operator is passed over because it failed again and again.",
                ),
                &["operator"],
            )?,
        };
        registry.register(Box::new(made.attempts.clone()))?;
        registry.register(Box::new(made.resting.clone()))?;
        Ok(made)
    }
}

/// Several operators as one sender.
pub struct Router {
    operators: BTreeMap<String, Arc<dyn Operator>>,
    routes: Routes,
    rule: Rule,
    breakers: Mutex<HashMap<String, Breaker>>,
    clock: Arc<dyn Clock>,
    metrics: RouterMetrics,
}

fn refused(permanent: bool, code: &str, text: &str) -> Outcome {
    Outcome::Refused {
        permanent,
        code: code.to_owned(),
        text: text.to_owned(),
    }
}

impl Router {
    /// A router over these operators.
    pub fn new(
        operators: Vec<Arc<dyn Operator>>,
        routes: Routes,
        rule: Rule,
        clock: Arc<dyn Clock>,
        metrics: RouterMetrics,
    ) -> Self {
        let named = operators
            .into_iter()
            .map(|operator| (operator.name().to_owned(), operator));
        Self {
            operators: named.collect(),
            routes,
            rule,
            breakers: Mutex::default(),
            clock,
            metrics,
        }
    }

    /// An operator by its name.
    pub fn operator(&self, name: &str) -> Option<&Arc<dyn Operator>> {
        self.operators.get(name)
    }

    /// Ends what operators hold open.
    pub async fn close(&self) {
        let closing = self.operators.values().map(|operator| operator.close());
        futures_util::future::join_all(closing).await;
    }

    fn with_breaker<T>(&self, name: &str, deed: impl FnOnce(&mut Breaker, i64) -> T) -> T {
        let now_ms = self.clock.now().mono.0;
        let mut breakers = self.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        let breaker = breakers.entry(name.to_owned()).or_default();
        let given = deed(breaker, now_ms);
        self.metrics
            .resting
            .with_label_values(&[name])
            .set(i64::from(breaker.is_open()));
        given
    }

    async fn route(&self, message: &Message) -> Outcome {
        // The lower bits of a UUIDv7 are random.
        let draw = u64::try_from(message.id.0.as_u128() & u128::from(u64::MAX)).unwrap_or_default();
        let order = self.routes.order(message.destination.expose(), draw);
        if order.is_empty() {
            return refused(true, "no-route", "no operator is for this number");
        }
        let parts = sms::segment::count(message.text.expose());
        let (clock, began) = (&self.clock, self.clock.now().mono);
        let mut last = refused(
            false,
            "resting",
            "every operator for this number has failed lately",
        );
        for name in order {
            let Some(operator) = self.operators.get(name) else {
                continue;
            };
            let spent = u64::try_from(began.elapsed_ms(clock.now())).unwrap_or_default();
            let left = message.deadline.saturating_sub(Duration::from_millis(spent));
            if left < TRY_MIN {
                break;
            }
            if !self.with_breaker(name, |breaker, now_ms| breaker.admits(self.rule, now_ms)) {
                continue;
            }
            let submitted = self.offer(operator.as_ref(), message, left).await;
            let goes_on = routing::goes_on(&submitted);
            let outcome = outcome(operator.name(), submitted, parts, operator.is_polled());
            if !goes_on {
                return outcome;
            }
            last = outcome;
        }
        last
    }

    /// Offers the message to one operator. A future that is dropped meanwhile has offered it all the same, and counts as no answer.
    async fn offer(&self, operator: &dyn Operator, message: &Message, left: Duration) -> Submitted {
        let mut pending = Pending {
            router: self,
            operator: operator.name(),
            said: None,
        };
        let submitted = operator.submit(message, left).await;
        pending.said = Some(match &submitted {
            Submitted::Accepted { .. } => ("accepted", Health::Well),
            Submitted::Refused { permanent: true, .. } => ("refused", Health::Well),
            Submitted::Refused { .. } => ("refused", Health::Ill),
            Submitted::Unknown => ("unknown", Health::Ill),
        });
        drop(pending);
        submitted
    }
}

/// Counts an offer when it ends, also where nobody waits for it any more.
struct Pending<'a> {
    router: &'a Router,
    operator: &'a str,
    said: Option<(&'static str, Health)>,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        let (label, health) = self.said.unwrap_or(("unknown", Health::Ill));
        let router = self.router;
        router
            .metrics
            .attempts
            .with_label_values(&[self.operator, label])
            .inc();
        router.with_breaker(self.operator, |breaker, now_ms| {
            breaker.record(health, router.rule, now_ms);
        });
    }
}

/// What an operator made of a message, as the customer's actor is told it; `parts` and `is_polled` are of a message that was taken.
pub(super) fn outcome(operator: &str, submitted: Submitted, parts: u32, is_polled: bool) -> Outcome {
    match submitted {
        Submitted::Accepted { ids } => Outcome::Accepted(HandOver {
            operator: operator.to_owned(),
            operator_ids: ids,
            parts,
            is_polled,
        }),
        Submitted::Refused {
            permanent,
            code,
            text,
        } => Outcome::Refused {
            permanent,
            code,
            text,
        },
        Submitted::Unknown => Outcome::Unknown,
    }
}

impl SmsSender for Router {
    fn name(&self) -> &'static str {
        "operators"
    }

    fn send(&self, message: Message) -> BoxFuture<'_, Outcome> {
        Box::pin(async move { self.route(&message).await })
    }

    fn lookup(&self, message: MessageId, deadline: Duration) -> BoxFuture<'_, Lookup> {
        Box::pin(async move {
            // Nobody remembers which operator it went to: whoever knows it by our id may say so.
            for operator in self.operators.values() {
                let known = match operator.look_up(message, deadline).await {
                    Some(Submitted::Unknown) | None => continue,
                    Some(submitted) => outcome(operator.name(), submitted, 0, operator.is_polled()),
                };
                return Lookup::Known(known);
            }
            Lookup::CannotTell
        })
    }

    fn poll(&self, operator: &str, ids: &[String], deadline: Duration) -> BoxFuture<'_, Vec<DeliveryReport>> {
        let (operator, ids) = (self.operators.get(operator).cloned(), ids.to_vec());
        Box::pin(async move {
            match operator {
                Some(operator) => operator.poll(&ids, deadline).await,
                None => Vec::new(),
            }
        })
    }
}
