//! How the agent is: each trouble by its own name and sentence.

use crate::gateway::{Link, LinkState, LinkWord};
use crate::keys::KeyStore;
use crate::licence::{Licences, Unlicensed};
use crate::metrics::Metrics;
use crate::recorder::Recorder;
use crate::signing::Desk;
use chrono::{DateTime, Utc};
use serde::Serialize;
use signing_protocol::{AgentId, KeyFacts, KeyState, Licence};
use std::collections::BTreeMap;

/// Everything that health shows.
#[derive(Clone, Debug, Serialize)]
pub struct Health {
    /// Whether requests can be signed now: licence, gateway, disk, and at least one key.
    pub ready: bool,
    /// What stands against it, or soon will.
    pub problems: Vec<Problem>,
    /// The licence.
    pub licence: LicenceHealth,
    /// The gateway.
    pub gateway: LinkState,
    /// Keys by state.
    pub keys: BTreeMap<&'static str, usize>,
    /// Requests being worked on.
    pub in_work: usize,
    /// Requests taken and not delivered yet.
    pub undelivered: usize,
    /// Requests whose repeats are recognised.
    pub remembered: usize,
    /// Signatures since the start.
    pub signatures: u64,
    /// The program's name and version.
    pub program: &'static str,
}

/// One trouble.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// For programs: `licence_expired`, `gateway_unreachable`, `key_wrong_password`, …
    pub code: String,
    /// For people.
    pub message: String,
}

/// The licence.
#[derive(Clone, Debug, Serialize)]
pub struct LicenceHealth {
    /// `valid`, or why it is not.
    pub state: &'static str,
    /// The agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<DateTime<Utc>>,
    /// Keys that may be active at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys_max: Option<u32>,
}

impl LicenceHealth {
    fn new(valid: &Result<Licence, Unlicensed>, known: Option<Licence>) -> Self {
        Self {
            state: valid.as_ref().err().map_or("valid", Unlicensed::name),
            agent: known.as_ref().map(|licence| licence.agent),
            expires: known.as_ref().map(|licence| licence.expires),
            keys_max: known.as_ref().map(|licence| licence.keys_max),
            name: known.map(|licence| licence.name),
        }
    }
}

/// Whom health asks.
pub struct Asked<'a> {
    /// The licence.
    pub licences: &'a Licences,
    /// The keys.
    pub keys: &'a KeyStore,
    /// Who signs.
    pub desk: &'a Desk,
    /// The line to the gateway.
    pub link: &'a Link,
    /// The disk.
    pub recorder: &'a Recorder,
    /// What is counted.
    pub metrics: &'a Metrics,
}

/// Takes a look at everything, and sets the gauges.
pub fn look(asked: &Asked<'_>) -> Health {
    let valid = asked.licences.valid();
    let (keys, gateway) = (asked.keys.list(), asked.link.state());
    let mut counted = BTreeMap::new();
    for state in [
        KeyState::Active,
        KeyState::Stored,
        KeyState::NotYetValid,
        KeyState::Expired,
        KeyState::WrongPassword,
    ] {
        let count = keys.iter().filter(|key| key.state == state).count();
        counted.insert(state.name(), count);
        set(&asked.metrics.keys.with_label_values(&[state.name()]), count);
    }
    let failed = asked.recorder.failure().map(|failed| failed.to_string());
    let can_sign = valid.is_ok() && failed.is_none() && counted["active"] > 0;
    let problems = problems(&valid, &gateway, &keys, failed);
    let health = Health {
        ready: can_sign && gateway.state == LinkWord::Connected,
        problems,
        licence: LicenceHealth::new(&valid, asked.licences.known()),
        gateway,
        keys: counted,
        in_work: asked.desk.in_work(),
        undelivered: asked.link.undelivered(),
        remembered: asked.recorder.extent().0,
        signatures: asked.metrics.signatures.get(),
        program: crate::PROGRAM,
    };
    set(&asked.metrics.in_work, health.in_work);
    set(&asked.metrics.delivering, health.undelivered);
    set(&asked.metrics.remembered, health.remembered);
    asked
        .metrics
        .disk_failed
        .set(i64::from(asked.recorder.failure().is_some()));
    let expires = health.licence.expires.map_or(0, |expires| expires.timestamp());
    asked.metrics.licence_expires.set(expires);
    health
}

fn set(gauge: &prometheus::IntGauge, count: usize) {
    gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
}

fn problems(
    licence: &Result<Licence, Unlicensed>,
    gateway: &LinkState,
    keys: &[KeyFacts],
    failed: Option<String>,
) -> Vec<Problem> {
    let problem = |code: String, message: String| Problem { code, message };
    let mut problems = Vec::new();
    problems.extend(failed.map(|message| problem("disk_failed".to_owned(), message)));
    if let Err(unlicensed) = licence {
        problems.push(problem(
            format!("licence_{}", unlicensed.name()),
            unlicensed.to_string(),
        ));
    }
    let because = || gateway.detail.clone().unwrap_or_default();
    match gateway.state {
        LinkWord::Unreachable => problems.push(problem("gateway_unreachable".to_owned(), because())),
        LinkWord::Refused => problems.push(problem("gateway_refuses".to_owned(), because())),
        LinkWord::Starting => problems.push(problem(
            "gateway_starting".to_owned(),
            "the gateway was not asked yet".to_owned(),
        )),
        // Without a licence, that is what is wrong.
        LinkWord::Connected | LinkWord::Unlicensed => {}
    }
    for key in keys {
        let message = match key.state {
            KeyState::Active | KeyState::Stored => continue,
            KeyState::Expired => format!("the certificate of key {} expired on {}", key.key, key.not_after),
            KeyState::NotYetValid => {
                format!(
                    "the certificate of key {} is valid from {} only",
                    key.key, key.not_before
                )
            }
            KeyState::WrongPassword => format!(
                "the stored password does not open key {}; remove it and load it again",
                key.key
            ),
        };
        problems.push(problem(format!("key_{}", key.state.name()), message));
    }
    if !keys.iter().any(|key| key.state == KeyState::Active) {
        problems.push(problem(
            "no_active_key".to_owned(),
            "no key is active: load one, and activate it".to_owned(),
        ));
    }
    problems
}
