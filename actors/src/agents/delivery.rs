//! Deliveries: what an agent brings is judged before anybody uses it.

use super::desk::{Answer, Desk};
use super::port::TEXT_CHARACTERS_MAX;
use super::queue::{Delivered, Digest};
use super::report::{OCTETS_MAX, check_key};
use super::{Agents, Refused};
use crate::ids::KeyId;
use crate::ports::Unfit;
use signing_protocol::{
    AgentId, Delivery, DeliveryAnswer, DeliveryStatus, ErrorCode, Outcome, SignedRequest, Task, sha_256,
};
use std::sync::Arc;

/// All that a delivery may come to, by name: counted from nothing for each agent, because a counter that appears with its first event has no
/// increase for it, and an alert would sleep.
pub(super) const OUTCOMES: [&str; 12] = [
    "accepted",
    "repeated",
    "transient",
    "refused_by_agent",
    "broken",
    "other_content",
    "other_key",
    "stray",
    "late",
    "other_answer",
    "unknown_request",
    "busy",
];

/// What a delivery came to, for metrics.
#[derive(Clone, Copy)]
enum Came {
    Accepted,
    Repeated,
    Transient,
    RefusedByAgent,
    Unfit(Unfit),
    Stray,
    Late,
    Other,
    Unknown,
    Busy,
}

impl Came {
    fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Repeated => "repeated",
            Self::Transient => "transient",
            Self::RefusedByAgent => "refused_by_agent",
            Self::Unfit(unfit) => unfit.name(),
            Self::Stray => "stray",
            Self::Late => "late",
            Self::Other => "other_answer",
            Self::Unknown => "unknown_request",
            Self::Busy => "busy",
        }
    }
}

impl Agents {
    /// Takes what an agent brings.
    ///
    /// # Errors
    /// [`Refused`] with `unknown-request`, `other-answer`, `late-answer`, `unfit-signature`, `invalid-body` or `unavailable`.
    pub async fn deliver(&self, agent: AgentId, delivery: Delivery) -> Result<DeliveryAnswer, Refused> {
        let desk = self.desk(agent);
        let id = delivery.id;
        let (came, answered) = self.judge_delivery(&desk, delivery).await;
        let name = self
            .book
            .agent(agent)
            .map_or_else(String::new, |record| record.name.clone());
        let deliveries = &self.metrics.deliveries;
        deliveries.with_label_values(&[name.as_str(), came.name()]).inc();
        if let Err(refused) = &answered
            && !matches!(came, Came::Busy)
        {
            tracing::warn!(agent = name, request = %id, came = came.name(), %refused, "a delivery is refused");
        }
        answered
    }

    async fn judge_delivery(
        &self,
        desk: &Desk,
        delivery: Delivery,
    ) -> (Came, Result<DeliveryAnswer, Refused>) {
        let Delivery { id, outcome } = delivery;
        let digest = digest(&outcome);
        let found = desk.state().queue.delivered(id, &digest, self.now());
        let request = match found {
            Delivered::Judge(request) => request,
            ended => return ended_answer(&ended),
        };
        let answer = match self.judge_outcome(&request, outcome).await {
            Judged::Fit(answer) => answer,
            Judged::Transient => return (Came::Transient, status(DeliveryStatus::Accepted)),
            Judged::Stray => {
                let detail = "the outcome does not answer what was asked";
                return (Came::Stray, Err(Refused::new(ErrorCode::InvalidBody, detail)));
            }
            Judged::Busy => return (Came::Busy, Err(Refused::busy())),
            Judged::Unfit(unfit) => {
                let over = Answer::Refused {
                    reason: "unfit_signature".to_owned(),
                    text: format!("the agent brought signatures that do not hold: {unfit}"),
                };
                desk.unfit(id, &over, self.now());
                let refused = Refused::new(ErrorCode::UnfitSignature, unfit.to_string());
                return (Came::Unfit(unfit), Err(refused));
            }
        };
        let settled = match desk.settle(id, digest, &answer, self.now()) {
            Ok(settled) => settled,
            Err(meanwhile) => return ended_answer(&meanwhile),
        };
        if matches!(answer, Answer::Refused { .. }) {
            return (Came::RefusedByAgent, status(DeliveryStatus::Accepted));
        }
        if let Some(record) = self.book.agent(desk.agent) {
            let milliseconds = u32::try_from(settled.took_ms).unwrap_or(u32::MAX);
            let seconds = self.metrics.seconds.with_label_values(&[record.name.as_str()]);
            seconds.observe(f64::from(milliseconds) / 1_000.0);
        }
        (Came::Accepted, status(DeliveryStatus::Accepted))
    }

    async fn judge_outcome(&self, request: &Arc<SignedRequest>, outcome: Outcome) -> Judged {
        match (outcome, &request.request.task) {
            (Outcome::Refused { reason, .. }, _) if reason.is_transient() => Judged::Transient,
            (Outcome::Refused { reason, message }, _) => Judged::Fit(Answer::Refused {
                reason: reason.name().to_owned(),
                text: message.chars().take(TEXT_CHARACTERS_MAX).collect(),
            }),
            (Outcome::Activated { key }, Task::Activate { key: asked }) if key.key == *asked => {
                Judged::Fit(Answer::Activated(Box::new(key)))
            }
            (Outcome::Loaded { key }, Task::Load(_))
                if key.key.0 == request.request.id.0 && check_key(&key).is_ok() =>
            {
                Judged::Fit(Answer::Loaded(Box::new(key)))
            }
            (Outcome::Exists { serial }, Task::Load(_)) if serial.0.len() <= OCTETS_MAX => {
                Judged::Fit(Answer::Exists(serial.to_string()))
            }
            (Outcome::Signed { cms }, Task::Sign { key, .. }) => {
                // A key that was asked for once is in the book for good.
                let Some(record) = self.book.key(KeyId(key.0)) else {
                    return Judged::Unfit(Unfit::OtherKey);
                };
                let (verifier, request) = (self.judges.verifier(), Arc::clone(request));
                let expected = record.subject_key_id_hex();
                let judgement = move || {
                    let Task::Sign { bytes, .. } = &request.request.task else {
                        return Err(Unfit::OtherContent);
                    };
                    verifier.verify(&cms.0, &bytes.0, &expected).map(|()| cms.0)
                };
                match self.judges.judge(judgement).await {
                    Ok(Ok(cms)) => Judged::Fit(Answer::Signed(cms)),
                    Ok(Err(unfit)) => Judged::Unfit(unfit),
                    Err(_) => Judged::Busy,
                }
            }
            _ => Judged::Stray,
        }
    }
}

enum Judged {
    Fit(Answer),
    Transient,
    Stray,
    Unfit(Unfit),
    Busy,
}

fn status(status: DeliveryStatus) -> Result<DeliveryAnswer, Refused> {
    Ok(DeliveryAnswer { status })
}

fn ended_answer(ended: &Delivered) -> (Came, Result<DeliveryAnswer, Refused>) {
    let refused = |code, detail| Err(Refused::new(code, detail));
    match ended {
        Delivered::Repeated => (Came::Repeated, status(DeliveryStatus::Repeated)),
        Delivered::Other => (
            Came::Other,
            refused(
                ErrorCode::OtherAnswer,
                "something else was delivered under this id before",
            ),
        ),
        Delivered::Late => (
            Came::Late,
            refused(
                ErrorCode::LateAnswer,
                "the deadline has passed, or nobody wants it any more",
            ),
        ),
        Delivered::Unknown => (
            Came::Unknown,
            refused(ErrorCode::UnknownRequest, "no request of this agent has this id"),
        ),
        // It is judged by whoever sees it first.
        Delivered::Judge(_) => (Came::Busy, Err(Refused::busy())),
    }
}

/// What tells one answer from another: the signed octets; of what is no signature, what was said.
fn digest(outcome: &Outcome) -> Digest {
    match outcome {
        Outcome::Signed { cms } => sha_256(&[b"signed ", cms.0.as_slice()].concat()),
        Outcome::Activated { key } => sha_256(format!("activated {}", key.key).as_bytes()),
        Outcome::Loaded { key } => sha_256(format!("loaded {}", key.key).as_bytes()),
        Outcome::Exists { serial } => sha_256(format!("exists {serial}").as_bytes()),
        Outcome::Refused { reason, .. } => sha_256(format!("refused {}", reason.name()).as_bytes()),
    }
}
