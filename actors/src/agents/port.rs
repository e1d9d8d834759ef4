//! What registers ask: signatures by key; and what support asks: that a key be unlocked.

use super::Agents;
use super::book::NoAccount;
use super::desk::{Answer, Waiter};
use super::queue::whole_milliseconds;
use super::records::{AgentKeyRecord, AgentRecord};
use crate::ids::{KeyId, SignatureRequestId};
use crate::ports::{SignatureOutcome, SignatureRefusal, SignatureRequest, SigningAgent};
use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use signing_protocol::{AgentId, Form, KeyFacts, Octets, RefusalReason, Request, RequestId, Task};
use std::sync::Arc;
use std::time::Duration;

/// How long unlocking a key may take: its container's password may be hashed slowly on purpose, and the agent may have to come back first.
const ACTIVATION_MAX: Duration = Duration::from_secs(30);
/// Characters of an agent's own words that are kept.
pub(super) const TEXT_CHARACTERS_MAX: usize = 200;

/// Why a key was not unlocked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotActivated {
    /// The agent has no such key.
    #[error("this agent has no such key")]
    UnknownKey,
    /// Nobody agreed to it.
    #[error(transparent)]
    NoAccount(#[from] NoAccount),
    /// The agent may not sign: switched off, not enrolled, or its licence does not hold.
    #[error("the agent may not sign: it is switched off, not enrolled, or its licence does not hold")]
    Licence,
    /// The agent refused.
    #[error("the agent refused ({reason}): {text}")]
    Refused {
        /// For programs.
        reason: String,
        /// For people.
        text: String,
    },
    /// The agent did not answer in time.
    #[error("the agent did not answer in time")]
    Late,
}

impl SigningAgent for Agents {
    fn agent_of(&self, key: KeyId) -> Option<String> {
        let record = self.book.key(key).filter(|record| record.is_held)?;
        self.book.agent(record.agent()).map(|agent| agent.name.clone())
    }

    fn ask(&self, request: SignatureRequest) -> BoxFuture<'_, SignatureOutcome> {
        Box::pin(async move { self.sign(request).await })
    }

    fn withdraw(&self, request: SignatureRequestId) {
        let id = RequestId(request.0);
        // An agent's id does not come with it; a thousand desks are asked in microseconds.
        for desk in &self.desks {
            if desk.withdraw(id, self.now()) {
                return;
            }
        }
    }
}

impl Agents {
    async fn sign(&self, asked: SignatureRequest) -> SignatureOutcome {
        let refused = |reason: RefusalReason, text: &str| {
            SignatureOutcome::Refused(SignatureRefusal {
                reason: reason.name().to_owned(),
                text: text.to_owned(),
            })
        };
        let Some(key) = self.book.key(asked.key).filter(|key| key.is_held) else {
            return refused(RefusalReason::UnknownKey, "no agent has this key");
        };
        let agent = key.agent();
        let Some(record) = self.licensed(agent, Form::CmsAttached) else {
            return refused(
                RefusalReason::Licence,
                "the key's agent may not sign: it is switched off, not enrolled, or its licence does not hold",
            );
        };
        let task = Task::Sign {
            register: asked
                .register
                .map(|number| signing_protocol::RegisterNumber(number.get())),
            key: signing_protocol::KeyId(asked.key.0),
            form: Form::CmsAttached,
            bytes: Octets(asked.content.to_vec()),
        };
        let request = Request {
            id: RequestId(asked.id.0),
            agent,
            deadline: whole_milliseconds(asked.deadline),
            task,
        };
        let Some(waiter) = self.put(request, asked.wait) else {
            tracing::warn!(%agent, "as many requests wait for an agent as may");
            return refused(RefusalReason::Busy, "as many requests wait for the agent as may");
        };
        match self.answer(waiter, asked.wait).await {
            Some(Answer::Signed(cms)) => SignatureOutcome::Signed(cms),
            Some(Answer::Refused { reason, text }) => {
                tracing::warn!(agent = record.name, request = %asked.id, reason, text, "an agent refuses to sign");
                SignatureOutcome::Refused(SignatureRefusal { reason, text })
            }
            // Not an answer to what was asked; the delivery was refused before it came here.
            Some(Answer::Activated(_) | Answer::Loaded(_) | Answer::Exists(_)) | None => {
                SignatureOutcome::Late
            }
        }
    }

    /// Has a key unlocked in its agent: support does so once, and whoever registers a cashier.
    ///
    /// # Errors
    /// [`NotActivated`].
    pub async fn activate(&self, agent: AgentId, key: KeyId) -> Result<KeyFacts, NotActivated> {
        let held = |record: &Arc<AgentKeyRecord>| record.is_held && record.agent() == agent;
        let record = self.book.key(key).filter(held).ok_or(NotActivated::UnknownKey)?;
        self.book.account_of_certificate(
            agent,
            record.company_code.as_deref(),
            record.taxpayer_number.as_deref(),
        )?;
        self.licensed(agent, Form::CmsAttached)
            .ok_or(NotActivated::Licence)?;
        let failed = |_| NotActivated::Refused {
            reason: RefusalReason::Failed.name().to_owned(),
            text: "the gateway could not draw an id".to_owned(),
        };
        let id = uuid::Builder::from_random_bytes(self.random().map_err(failed)?).into_uuid();
        let wait = TimeDelta::from_std(ACTIVATION_MAX).unwrap_or_default();
        let request = Request {
            id: RequestId(id),
            agent,
            deadline: whole_milliseconds(self.now().wall + wait),
            task: Task::Activate {
                key: signing_protocol::KeyId(key.0),
            },
        };
        let waiter = self.put(request, ACTIVATION_MAX).ok_or(NotActivated::Late)?;
        match self.answer(waiter, ACTIVATION_MAX).await {
            Some(Answer::Activated(facts)) => Ok(*facts),
            Some(Answer::Refused { reason, text }) => Err(NotActivated::Refused { reason, text }),
            Some(Answer::Signed(_) | Answer::Loaded(_) | Answer::Exists(_)) | None => Err(NotActivated::Late),
        }
    }

    /// An agent that may sign in a form now.
    pub(super) fn licensed(&self, agent: AgentId, form: Form) -> Option<Arc<AgentRecord>> {
        let record = self.book.agent(agent).filter(|record| record.is_active)?;
        let now_ms = self.now().wall.timestamp_millis();
        let licence = record.enrolled_licence();
        licence
            .is_some_and(|licence| licence.holds_at(now_ms) && licence.covers(form))
            .then_some(record)
    }

    /// Puts a request onto its agent's desk; none where no more may wait.
    pub(super) fn put(&self, request: Request, wait: Duration) -> Option<Waiter> {
        let desk = self.desk(request.agent);
        let id = request.id;
        let signed = Arc::new(request.sign(&self.keys.signing));
        let now = self.now();
        let waiter = desk.ask(signed, now.mono.plus(wait), now).ok()?;
        self.push_if_wanted(&desk, id);
        Some(waiter)
    }

    pub(super) async fn answer(&self, mut waiter: Waiter, wait: Duration) -> Option<Answer> {
        tokio::select! {
            answer = &mut waiter.answer => answer.ok(),
            () = self.clock.sleep(wait) => None,
        }
    }
}
