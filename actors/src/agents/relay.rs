//! Keys on their way through: an account's upload, brought to the one agent that serves it, and kept nowhere.

use super::desk::{Answer, Desk};
use super::queue::whole_milliseconds;
use super::records::AgreementKind;
use super::{Agents, health};
use crate::ids::AccountId;
use chrono::TimeDelta;
use signing_protocol::{AgentId, Form, KeyFacts, KeyUpload, Request, RequestId, Task};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::SemaphorePermit;

/// Uploads at once, of all accounts: each is in memory several times over, in forms of up to a megabyte and a half.
pub(super) const RELAYS_MAX: usize = 8;

/// Why a key was not loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRelayed {
    /// The account did not agree to the agent's use, or to handing keys over.
    #[error("the account has no agreement in force on using the agent, or on handing over and using keys")]
    NotAgreed,
    /// No agent serves the account and may sign.
    #[error("no agent that may sign serves the account")]
    NoAgent,
    /// More than one does, and none of them is meant more than another.
    #[error("several agents serve the account; the key must be loaded into one of them")]
    SeveralAgents,
    /// Its agent is not here, or is of a version that takes no keys.
    #[error("the account's agent is away, or takes no keys from the gateway")]
    Away,
    /// Too many keys within a minute; the seconds until there is place.
    #[error("too many keys were loaded within a minute")]
    TooOften(u32),
    /// As many uploads are on their way, or wait for the agent, as may.
    #[error("as many keys are on their way as may be")]
    Busy,
    /// It is there already; its certificate's serial number, in hexadecimal digits.
    #[error("the key is there already, its certificate has the serial number {0}")]
    Exists(String),
    /// The agent refused.
    #[error("the agent refused ({reason}): {text}")]
    Refused {
        /// For programs.
        reason: String,
        /// For people.
        text: String,
    },
    /// The agent did not answer in time. It may have the key: then a repeat is told that it exists.
    #[error("the agent did not answer in time")]
    Late,
    /// The gateway could not draw an id.
    #[error("no random numbers could be drawn")]
    NoRandomness,
}

/// A place for one upload, held before its body is read.
pub struct Relay<'a> {
    agents: &'a Agents,
    desk: Arc<Desk>,
    _place: SemaphorePermit<'a>,
}

impl Agents {
    /// A place for an account's upload, where it has agreed, and an agent of its own can take keys now.
    ///
    /// # Errors
    /// [`NotRelayed`].
    pub fn begin_relay(&self, account: AccountId) -> Result<Relay<'_>, NotRelayed> {
        let is_agreed = |kind| {
            let agreement = self.book.agreement(account, kind);
            agreement.is_some_and(|agreement| agreement.is_in_force())
        };
        if !AgreementKind::ALL.into_iter().all(is_agreed) {
            return Err(NotRelayed::NotAgreed);
        }
        let desk = self.desk(self.only_agent_of(account)?);
        let place = self.relays.try_acquire().map_err(|_| NotRelayed::Busy)?;
        let now = self.now();
        {
            let mut state = desk.state();
            let away_after = health::away_after(self.settings.report_seconds);
            if !state.life.takes_keys || !state.life.is_here(now, away_after) {
                return Err(NotRelayed::Away);
            }
            state.loads.take(now).map_err(NotRelayed::TooOften)?;
        }
        Ok(Relay {
            agents: self,
            desk,
            _place: place,
        })
    }

    fn only_agent_of(&self, account: AccountId) -> Result<AgentId, NotRelayed> {
        let agents = self.book.agents();
        let mut serving = agents
            .iter()
            .filter(|(id, record)| {
                record.accounts.contains(&account) && self.licensed(*id, Form::CmsAttached).is_some()
            })
            .map(|(id, _)| *id);
        match (serving.next(), serving.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(NotRelayed::NoAgent),
            (Some(_), Some(_)) => Err(NotRelayed::SeveralAgents),
        }
    }
}

impl Relay<'_> {
    /// Has the agent store the key; gives its public facts. The upload is in memory alone, and wiped when this returns or is dropped.
    ///
    /// # Errors
    /// [`NotRelayed`].
    pub async fn load(self, upload: KeyUpload, wait: Duration) -> Result<KeyFacts, NotRelayed> {
        let agents = self.agents;
        let id = agents.random().map_err(|_| NotRelayed::NoRandomness)?;
        let id = RequestId(uuid::Builder::from_random_bytes(id).into_uuid());
        let deadline = agents.now().wall + TimeDelta::from_std(wait).unwrap_or_default();
        let request = Request {
            id,
            agent: self.desk.agent,
            deadline: whole_milliseconds(deadline),
            task: Task::Load(upload),
        };
        // Before it is put: whatever happens, it is taken off again.
        let _off = OffTheDesk(&self, id);
        let waiter = agents.put(request, wait).ok_or(NotRelayed::Busy)?;
        let agent = self.desk.agent;
        match agents.answer(waiter, wait).await {
            Some(Answer::Loaded(facts)) => {
                tracing::info!(%agent, key = %facts.key, serial = %facts.serial, "a key was relayed to its agent");
                Ok(*facts)
            }
            Some(Answer::Exists(serial)) => Err(NotRelayed::Exists(serial)),
            Some(Answer::Refused { reason, text }) => {
                tracing::warn!(%agent, request = %id, reason, text, "an agent refuses to load a key");
                Err(NotRelayed::Refused { reason, text })
            }
            // Not an answer to what was asked; the delivery was refused before it came here.
            Some(Answer::Signed(_) | Answer::Activated(_)) | None => Err(NotRelayed::Late),
        }
    }
}

/// Takes the request off its desk, and so wipes it, also where its caller went away.
struct OffTheDesk<'a>(&'a Relay<'a>, RequestId);

impl Drop for OffTheDesk<'_> {
    fn drop(&mut self) {
        self.0.desk.withdraw(self.1, self.0.agents.now());
    }
}
