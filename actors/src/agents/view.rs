//! What is shown of agents: to support, and to whoever watches the metrics.

use super::book::Change;
use super::health::away_after;
use super::records::{AgentKeyRecord, AgentRecord};
use super::{Agents, KEY_STATES};
use crate::ids::KeyId;
use chrono::{DateTime, Utc};
use signing_protocol::{AgentId, KeyState, SessionId};
use std::sync::Arc;

/// An agent and how it is.
#[derive(Clone, Debug)]
pub struct AgentView {
    /// Which.
    pub id: AgentId,
    /// As the book has it.
    pub record: Arc<AgentRecord>,
    /// Whether it was seen within three reports.
    pub is_here: bool,
    /// When it was seen last, since the gateway's start.
    pub last_seen: Option<DateTime<Utc>>,
    /// Whether it takes keys to load, as it said since the gateway's start.
    pub takes_keys: bool,
    /// Whether two copies of it were seen within ten minutes.
    pub has_copies: bool,
    /// The run of its program.
    pub session: Option<SessionId>,
    /// Its program's name and version, as it said last.
    pub program: Option<String>,
    /// Seconds by which its clock is ahead.
    pub clock_ahead_seconds: i64,
    /// Requests that wait for it here.
    pub waiting: usize,
    /// Requests that wait in it.
    pub waiting_there: u32,
    /// Signatures in the last minute.
    pub signatures_a_minute: u32,
    /// Signatures since its program's start.
    pub signatures: u64,
    /// The end of the licence under which it is enrolled.
    pub licence_expires: Option<DateTime<Utc>>,
    /// The keys that it has.
    pub keys: Vec<KeyView>,
}

/// A key and what it is fit for.
#[derive(Clone, Debug)]
pub struct KeyView {
    /// Which.
    pub key: KeyId,
    /// Its certificate's facts.
    pub record: Arc<AgentKeyRecord>,
    /// What it was fit for when the agent last said; none where it said nothing since the gateway's start.
    pub state: Option<KeyState>,
}

impl Agents {
    /// How an agent is.
    pub fn view(&self, id: AgentId) -> Option<AgentView> {
        let record = self.book.agent(id)?;
        let keys = self.book.keys_of(id);
        let now = self.now();
        let desk = self.desk(id);
        let mut state = desk.state();
        state.queue.expire(now);
        let life = &state.life;
        let held = keys.into_iter().filter(|(_, record)| record.is_held);
        let expires = record.enrolled_licence().map(|licence| licence.expires_ms);
        Some(AgentView {
            id,
            is_here: life.is_here(now, away_after(self.settings.report_seconds)),
            last_seen: life.last_seen(),
            takes_keys: life.takes_keys,
            has_copies: life.has_copies(now),
            session: life.session,
            program: life.program.clone(),
            clock_ahead_seconds: life.clock_ahead_seconds,
            waiting: state.queue.waiting(),
            waiting_there: life.waiting,
            signatures_a_minute: life.rate.in_the_last_minute(now),
            signatures: life.signatures,
            licence_expires: expires.and_then(DateTime::from_timestamp_millis),
            keys: held
                .map(|(key, record)| KeyView {
                    key,
                    record,
                    state: life.keys.get(&key).copied(),
                })
                .collect(),
            record,
        })
    }

    /// All of them.
    pub fn views(&self) -> Vec<AgentView> {
        let agents = self.book.agents();
        agents.iter().filter_map(|(id, _)| self.view(*id)).collect()
    }

    /// Makes a change that support asks for, and takes away what was said under an old name.
    ///
    /// # Errors
    /// The store's.
    pub async fn change(&self, change: Change) -> super::book::Applied {
        let renamed = match &change {
            Change::PutAgent { id, .. } | Change::DeleteAgent(id) => self.book.agent(*id),
            _ => None,
        };
        let deleted = match &change {
            Change::DeleteAgent(id) => Some(*id),
            _ => None,
        };
        let applied = self.book.apply(change).await?;
        if applied.is_ok() {
            if let Some(before) = renamed {
                self.metrics.forget(&before.name);
            }
            if let Some(id) = deleted {
                self.desks.remove(&id);
            }
            self.look_after();
        }
        Ok(applied)
    }

    /// Ends what is out of time, and sets all gauges.
    pub(super) fn look_after(&self) {
        for view in self.views() {
            self.show(&view);
        }
    }

    fn show(&self, view: &AgentView) {
        let label = [view.record.name.as_str()];
        let metrics = &self.metrics;
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let flag = i64::from;
        metrics.waiting.with_label_values(&label).set(count(view.waiting));
        metrics.seen.with_label_values(&label).set(flag(view.is_here));
        metrics
            .copies
            .with_label_values(&label)
            .set(flag(view.has_copies));
        metrics
            .clock_ahead
            .with_label_values(&label)
            .set(view.clock_ahead_seconds);
        if let Some(seen) = view.last_seen {
            metrics.last_seen.with_label_values(&label).set(seen.timestamp());
        }
        if let Some(expires) = view.licence_expires {
            let gauge = metrics.licence_expiry.with_label_values(&label);
            gauge.set(expires.timestamp());
        }
        for outcome in super::delivery::OUTCOMES {
            metrics.deliveries.with_label_values(&[label[0], outcome]);
        }
        for state in KEY_STATES {
            let in_state = view.keys.iter().filter(|key| key.state == Some(state));
            let labels = [label[0], state.name()];
            metrics
                .keys
                .with_label_values(&labels)
                .set(count(in_state.count()));
        }
        let active = view
            .keys
            .iter()
            .filter(|key| matches!(key.state, Some(KeyState::Active | KeyState::Expired)));
        if let Some(first) = active.map(|key| key.record.not_after_ms).min() {
            metrics.key_expiry.with_label_values(&label).set(first / 1_000);
        }
    }
}
