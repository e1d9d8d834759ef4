//! A signing agent that does as it is told, with seals in place of signatures.

use super::lock;
use crate::ids::{KeyId, SignatureRequestId};
use crate::ports::{
    SignatureOutcome, SignatureRefusal, SignatureRequest, SignatureVerifier, SigningAgent, Unfit,
};
use futures_util::future::BoxFuture;
use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use tokio::sync::oneshot;

/// What every seal begins with.
const MARK: &[u8] = b"sealed by ";

/// A seal in place of a signed message: a mark, the key's identifier, a line's end, the content. No cryptography: for tests of everything
/// else.
pub fn seal(subject_key_id: &str, content: &[u8]) -> Vec<u8> {
    [MARK, subject_key_id.as_bytes(), b"\n", content].concat()
}

/// The identifier of a seal's key, and its content.
pub fn unseal(sealed: &[u8]) -> Option<(String, &[u8])> {
    let rest = sealed.strip_prefix(MARK)?;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let key = std::str::from_utf8(&rest[..end]).ok()?;
    Some((key.to_owned(), &rest[end + 1..]))
}

/// Judges seals.
pub struct SealVerifier;

impl SignatureVerifier for SealVerifier {
    fn verify(&self, cms: &[u8], content: &[u8], subject_key_id: &str) -> Result<(), Unfit> {
        let (key, sealed) = unseal(cms).ok_or(Unfit::Broken)?;
        if sealed != content {
            return Err(Unfit::OtherContent);
        }
        if key != subject_key_id {
            return Err(Unfit::OtherKey);
        }
        Ok(())
    }
}

/// What a scripted agent does with one request.
pub enum AgentAct {
    /// Signs.
    Sign,
    /// Refuses, for this reason.
    Refuse(&'static str),
    /// Signs with another key.
    OtherKey,
    /// Signs other octets.
    OtherContent,
    /// Says nothing until told; then signs.
    Hold(oneshot::Receiver<()>),
    /// Says nothing at all.
    Silence,
}

/// An agent in memory: does the next scripted act, or signs; keeps every request.
#[derive(Default)]
pub struct ScriptedAgent {
    keys: Mutex<HashMap<KeyId, String>>,
    script: Mutex<VecDeque<AgentAct>>,
    requests: Mutex<Vec<SignatureRequest>>,
    withdrawn: Mutex<Vec<SignatureRequestId>>,
}

impl ScriptedAgent {
    /// Gives it a key, by the identifier that its certificate has.
    pub fn hold(&self, key: KeyId, subject_key_id: &str) {
        lock(&self.keys).insert(key, subject_key_id.to_owned());
    }

    /// Adds an act for a request to come.
    pub fn will(&self, act: AgentAct) {
        lock(&self.script).push_back(act);
    }

    /// Every request, in order.
    pub fn requests(&self) -> Vec<SignatureRequest> {
        lock(&self.requests).clone()
    }

    /// Requests that are of no use any more.
    pub fn withdrawn(&self) -> Vec<SignatureRequestId> {
        lock(&self.withdrawn).clone()
    }
}

impl SigningAgent for ScriptedAgent {
    fn agent_of(&self, key: KeyId) -> Option<String> {
        lock(&self.keys).contains_key(&key).then(|| "scripted".to_owned())
    }

    fn ask(&self, request: SignatureRequest) -> BoxFuture<'_, SignatureOutcome> {
        let act = lock(&self.script).pop_front().unwrap_or(AgentAct::Sign);
        let key = lock(&self.keys).get(&request.key).cloned();
        let content = std::sync::Arc::clone(&request.content);
        lock(&self.requests).push(request);
        let refuse = |reason: &str| {
            SignatureOutcome::Refused(SignatureRefusal {
                reason: reason.to_owned(),
                text: "refused by script".to_owned(),
            })
        };
        Box::pin(async move {
            let Some(key) = key else {
                return refuse("unknown_key");
            };
            match act {
                AgentAct::Sign => SignatureOutcome::Signed(seal(&key, &content)),
                AgentAct::Refuse(reason) => refuse(reason),
                AgentAct::OtherKey => SignatureOutcome::Signed(seal("ff00", &content)),
                AgentAct::OtherContent => SignatureOutcome::Signed(seal(&key, b"other")),
                AgentAct::Hold(told) => match told.await {
                    Ok(()) => SignatureOutcome::Signed(seal(&key, &content)),
                    Err(_) => SignatureOutcome::Late,
                },
                AgentAct::Silence => std::future::pending().await,
            }
        })
    }

    fn withdraw(&self, request: SignatureRequestId) {
        lock(&self.withdrawn).push(request);
    }
}
