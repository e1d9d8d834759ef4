//! Reports: a sign of life, and all keys.

use super::book::{Change, KEYS_PER_AGENT_MAX, Unfit};
use super::health::SKEW_SECONDS_MAX;
use super::records::AgentKeyRecord;
use super::{Agents, Refused};
use crate::ids::KeyId;
use signing_protocol::{AgentId, ErrorCode, KeyFacts, Report, ReportAnswer};
use std::collections::HashMap;

/// Octets of a serial number, an identifier or a public key in a report; real ones have 20, 32 and 33 to 54.
pub(super) const OCTETS_MAX: usize = 64;
/// Characters of a name or number in a report; a row of a key stays small.
const CHARACTERS_MAX: usize = 200;

impl Agents {
    /// Takes a report. Keys that changed are durable when this returns.
    ///
    /// # Errors
    /// `invalid-body` where it is out of bounds or names another agent's key; `too-many-requests`; `unavailable`.
    pub async fn report(&self, agent: AgentId, report: Report) -> Result<ReportAnswer, Refused> {
        let desk = self.desk(agent);
        let taken = desk.state().reports.take(self.now());
        taken.map_err(Refused::too_often)?;
        check(&report).map_err(|detail| Refused::new(ErrorCode::InvalidBody, detail))?;
        let keys: Vec<(KeyId, AgentKeyRecord)> = report
            .keys
            .iter()
            .map(|facts| (KeyId(facts.key.0), AgentKeyRecord::reported(agent, facts)))
            .collect();
        if self.keys_changed(agent, &keys) {
            let applied = self.book.apply(Change::HoldKeys { agent, keys }).await?;
            applied.map_err(|unfit| {
                if matches!(unfit, Unfit::KeyTaken(_)) {
                    tracing::error!(%agent, %unfit, "an agent reports another one's key");
                }
                Refused::new(ErrorCode::InvalidBody, unfit.to_string())
            })?;
        }
        let now = self.now();
        let (is_new, ahead) = {
            let mut state = desk.state();
            let is_new = state.life.session != Some(report.session);
            state.life.reported(&report, now);
            (is_new, state.life.clock_ahead_seconds)
        };
        if is_new {
            desk.began_anew.notify_waiters();
        }
        if ahead.abs() > SKEW_SECONDS_MAX {
            tracing::warn!(%agent, ahead, "an agent's clock is wrong, or ours: deadlines are judged by it");
        }
        Ok(ReportAnswer {
            now: now.wall,
            next_seconds: self.settings.report_seconds,
        })
    }

    fn keys_changed(&self, agent: AgentId, keys: &[(KeyId, AgentKeyRecord)]) -> bool {
        let held: HashMap<KeyId, _> = self
            .book
            .keys_of(agent)
            .into_iter()
            .filter(|(_, record)| record.is_held)
            .collect();
        let is_known =
            |(key, record): &(KeyId, AgentKeyRecord)| held.get(key).is_some_and(|known| **known == *record);
        held.len() != keys.len() || !keys.iter().all(is_known)
    }
}

fn check(report: &Report) -> Result<(), &'static str> {
    if report.keys.len() > KEYS_PER_AGENT_MAX {
        return Err("keys: more than one agent may have");
    }
    if report.program.chars().count() > CHARACTERS_MAX {
        return Err("program: at most 200 characters");
    }
    let mut ids: Vec<_> = report.keys.iter().map(|facts| facts.key).collect();
    ids.sort_unstable();
    if ids.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err("keys: one stands twice");
    }
    report.keys.iter().try_for_each(check_key)
}

pub(super) fn check_key(facts: &KeyFacts) -> Result<(), &'static str> {
    let octets = [&facts.serial, &facts.subject_key_id, &facts.public_key];
    if octets
        .into_iter()
        .any(|octets| octets.0.is_empty() || octets.0.len() > OCTETS_MAX)
    {
        return Err("keys: serial, subject_key_id and public_key have 1 to 64 octets");
    }
    let texts = [&facts.taxpayer_number, &facts.company_code, &facts.holder];
    let is_long = |text: &String| text.chars().count() > CHARACTERS_MAX;
    if texts.into_iter().flatten().any(is_long) {
        return Err("keys: taxpayer_number, company_code and holder have at most 200 characters");
    }
    Ok(())
}
