//! How an agent makes itself known, and gets the secret with which it speaks to the gateway.
//!
//! The gateway gives a nonce; the agent signs its statement about the nonce with its instance's key, which the licence names; the gateway
//! verifies both and answers with a new secret, signed with its own key. A secret that is lost is replaced by enrolling again, which
//! ends the one before.

use crate::crypto::{Canonical, PublicKey, SecretKey, Signature, sha_256};
use crate::ids::{AgentId, Nonce};
use crate::licence::{Licence, LicenceFault, LicenceToken};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

const STATEMENT_LABEL: &str = "countersign enrolment 1";
const ANSWER_LABEL: &str = "countersign enrolment answer 1";

/// The version of this protocol. A gateway refuses an enrolment with another one.
pub const PROTOCOL_VERSION: u32 = 1;

/// The body of `POST /agent/v1/challenges`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChallengeRequest {
    /// Who asks.
    pub agent: AgentId,
    /// What for. A nonce for one purpose is none for the other.
    pub purpose: Purpose,
}

/// What a challenge is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Enrolling. Asked without a secret.
    Enrolment,
    /// Registering a cashier. Asked with the agent's secret.
    Cashier,
}

/// A challenge (200).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// Good for one use.
    pub nonce: Nonce,
    /// And until then: a minute is plenty.
    pub expires: DateTime<Utc>,
}

/// How requests reach an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum Connection {
    /// The agent asks for them.
    Pull,
    /// The gateway posts them to [`crate::routes::PUSH`] below the URL.
    Push {
        /// The agent's base URL, without the route, `https://` or (on a private network) `http://`.
        url: String,
    },
}

/// What an agent says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// [`PROTOCOL_VERSION`].
    pub version: u32,
    /// Who it is.
    pub agent: AgentId,
    /// Its instance's key.
    pub public_key: PublicKey,
    /// Its licence.
    pub licence: LicenceToken,
    /// The gateway's challenge.
    pub nonce: Nonce,
    /// How requests reach it.
    pub connection: Connection,
    /// The program's name and version.
    pub program: String,
}

/// The body of `POST /agent/v1/enrolments`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolment {
    /// The statement.
    pub statement: Statement,
    /// The instance's, over it.
    pub signature: Signature,
}

/// Why an enrolment is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnrolmentFault {
    /// Another version of the protocol.
    #[error("the agent speaks version {0} of the protocol, the gateway {PROTOCOL_VERSION}")]
    Version(u32),
    /// The licence does not hold.
    #[error(transparent)]
    Licence(#[from] LicenceFault),
    /// The licence is of another agent.
    #[error("the licence is of another agent")]
    OtherAgent,
    /// The statement is not signed by the instance.
    #[error("the statement is not signed by the licensed instance, or was altered")]
    Signature,
}

impl Statement {
    fn canonical(&self) -> Canonical {
        let (mode, url) = match &self.connection {
            Connection::Pull => ("pull", ""),
            Connection::Push { url } => ("push", url.as_str()),
        };
        Canonical::of(STATEMENT_LABEL)
            .field(&self.version.to_be_bytes())
            .field(self.agent.0.as_bytes())
            .field(self.public_key.octets())
            .field(self.licence.0.as_bytes())
            .field(&self.nonce.0)
            .field(mode.as_bytes())
            .field(url.as_bytes())
            .field(self.program.as_bytes())
    }

    /// Signs it with the instance's key.
    #[must_use]
    pub fn sign(self, instance: &SecretKey) -> Enrolment {
        let signature = instance.sign(&self.canonical());
        Enrolment {
            statement: self,
            signature,
        }
    }
}

impl Enrolment {
    /// Judges everything but the nonce and revocations, which the gateway knows: version, licence, instance, signature.
    ///
    /// # Errors
    /// [`EnrolmentFault`].
    pub fn verify(&self, gateway: &[PublicKey], now: DateTime<Utc>) -> Result<Licence, EnrolmentFault> {
        let statement = &self.statement;
        if statement.version != PROTOCOL_VERSION {
            return Err(EnrolmentFault::Version(statement.version));
        }
        let licence = statement.licence.verify(gateway)?;
        licence.judge(&statement.public_key, now)?;
        if licence.agent != statement.agent {
            return Err(EnrolmentFault::OtherAgent);
        }
        if !statement
            .public_key
            .verifies(&statement.canonical(), &self.signature)
        {
            return Err(EnrolmentFault::Signature);
        }
        Ok(licence)
    }
}

/// What an agent proves itself with, as `Authorization: Bearer`: `cas_` and 256 random bits. The gateway keeps
/// [`AgentSecret::digest`] alone. Zeroised when dropped, masked by `Debug`.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AgentSecret(String);

impl AgentSecret {
    /// Of 32 random octets.
    #[must_use]
    pub fn from_random(octets: &[u8; 32]) -> Self {
        Self(format!("cas_{}", BASE64_URL_SAFE_NO_PAD.encode(octets)))
    }

    /// As it came in a header.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// SHA-256: enough to recognise it again, because nobody guesses 256 bits.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        sha_256(self.0.as_bytes())
    }

    /// The value of the header `Authorization`.
    #[must_use]
    pub fn bearer(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("Bearer {}", self.0))
    }
}

impl fmt::Debug for AgentSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AgentSecret(…)")
    }
}

/// What the gateway answers to an enrolment (200).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentAnswer {
    /// The agent.
    pub agent: AgentId,
    /// Its secret from now on; shown here and nowhere else.
    pub secret: AgentSecret,
    /// The gateway's, over agent, nonce and the secret's digest: nobody else can hand out secrets.
    pub signature: Signature,
}

impl EnrolmentAnswer {
    /// The answer to an enrolment, signed.
    #[must_use]
    pub fn new(statement: &Statement, secret: AgentSecret, gateway: &SecretKey) -> Self {
        let signature = gateway.sign(&answer_content(statement.agent, &statement.nonce, &secret));
        Self {
            agent: statement.agent,
            secret,
            signature,
        }
    }

    /// The secret, where the gateway gave it to this agent for this nonce.
    #[must_use]
    pub fn verify(self, gateway: &[PublicKey], agent: AgentId, nonce: &Nonce) -> Option<AgentSecret> {
        let content = answer_content(agent, nonce, &self.secret);
        let holds = gateway.iter().any(|key| key.verifies(&content, &self.signature));
        (holds && self.agent == agent).then_some(self.secret)
    }
}

fn answer_content(agent: AgentId, nonce: &Nonce, secret: &AgentSecret) -> Canonical {
    Canonical::of(ANSWER_LABEL)
        .field(agent.0.as_bytes())
        .field(&nonce.0)
        .field(&secret.digest())
}
