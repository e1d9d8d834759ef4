//! What the gateway asks of an agent: each request signed with the gateway's key over everything that matters in it.

use crate::crypto::{Canonical, PublicKey, SecretKey, Signature, sha_256};
use crate::ids::{AgentId, KeyId, RegisterNumber, RequestId};
use crate::load::KeyUpload;
use crate::octets::Octets;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

const LABEL: &str = "countersign request 1";

/// The name of [`Task::Load`], as agents report that they know it.
pub const METHOD_LOAD: &str = "load";

/// Octets of one document to sign: what the fiscal server was measured to take (it documents 200 KB, and refuses from 512,001 on).
pub const CONTENT_OCTETS_MAX: usize = 512_000;

/// Seconds from now to a deadline that an agent accepts. Clients wait half a minute; a quarter of an hour bounds what an agent has
/// to remember.
pub const DEADLINE_SECONDS_MAX: i64 = 15 * 60;

/// The form of a signature; what licences call a signing library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// CAdES-BES with the content inside, DSTU 4145: what the fiscal server takes.
    CmsAttached,
}

impl Form {
    /// Its name in JSON, in canonical content and in logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CmsAttached => "cms_attached",
        }
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum Task {
    /// Sign octets.
    Sign {
        /// For which register; absent for what concerns none (the list of registers, say).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        register: Option<RegisterNumber>,
        /// With which key.
        key: KeyId,
        /// In which form.
        form: Form,
        /// Exactly these, at most [`CONTENT_OCTETS_MAX`].
        bytes: Octets,
    },
    /// Unlock a key that the agent's store has, and keep it unlocked.
    Activate {
        /// Which.
        key: KeyId,
    },
    /// Store a key, sealed, not active. Its id becomes the request's own, so that a repeat finds what the first did. Sent only to agents
    /// whose last report names the method ([`crate::Report::methods`]).
    Load(KeyUpload),
}

impl Task {
    /// The method's name, as in JSON.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match self {
            Self::Sign { .. } => "sign",
            Self::Activate { .. } => "activate",
            Self::Load(_) => METHOD_LOAD,
        }
    }
}

/// One request. A repeat under the same id is the same in everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Its id.
    pub id: RequestId,
    /// For which agent.
    pub agent: AgentId,
    /// Until when an answer is of use; after it nothing is signed. Counted in whole milliseconds.
    pub deadline: DateTime<Utc>,
    /// What is to be done.
    #[serde(flatten)]
    pub task: Task,
}

/// A request with the gateway's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedRequest {
    /// The request.
    pub request: Request,
    /// Over [`Request::canonical`].
    pub signature: Signature,
}

/// Why an agent does not look at a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestFault {
    /// The gateway's signature does not hold.
    #[error("the request is not signed by this gateway, or was altered")]
    Signature,
    /// For another agent.
    #[error("the request is for another agent")]
    OtherAgent,
}

impl Request {
    /// What is signed: agent, id, method, register (empty for none, else eight octets), key, form, deadline (milliseconds since 1970)
    /// and SHA-256 of the octets, or of an upload ([`KeyUpload::digest`]). What a task has not is an empty field. Numbers are big-endian, ids
    /// have 16 octets.
    #[must_use]
    pub fn canonical(&self) -> Canonical {
        let content = Canonical::of(LABEL)
            .field(self.agent.0.as_bytes())
            .field(self.id.0.as_bytes())
            .field(self.task.method().as_bytes());
        let deadline = self.deadline.timestamp_millis().to_be_bytes();
        match &self.task {
            Task::Sign {
                register,
                key,
                form,
                bytes,
            } => content
                .field(
                    register
                        .map(|number| number.0.to_be_bytes())
                        .as_ref()
                        .map_or(&[], <[u8; 8]>::as_slice),
                )
                .field(key.0.as_bytes())
                .field(form.name().as_bytes())
                .field(&deadline)
                .field(&sha_256(&bytes.0)),
            Task::Activate { key } => content
                .field(&[])
                .field(key.0.as_bytes())
                .field(&[])
                .field(&deadline)
                .field(&[]),
            Task::Load(upload) => content
                .field(&[])
                .field(&[])
                .field(&[])
                .field(&deadline)
                .field(&upload.digest()),
        }
    }

    /// Signs it with the gateway's key.
    #[must_use]
    pub fn sign(self, gateway: &SecretKey) -> SignedRequest {
        let signature = gateway.sign(&self.canonical());
        SignedRequest {
            request: self,
            signature,
        }
    }
}

impl SignedRequest {
    /// The request, where one of the gateway's keys signed it and it is for this agent.
    ///
    /// # Errors
    /// [`RequestFault`].
    pub fn verify(self, gateway: &[PublicKey], agent: AgentId) -> Result<Request, RequestFault> {
        let content = self.request.canonical();
        if !gateway.iter().any(|key| key.verifies(&content, &self.signature)) {
            return Err(RequestFault::Signature);
        }
        if self.request.agent != agent {
            return Err(RequestFault::OtherAgent);
        }
        Ok(self.request)
    }
}
