//! Licences: what the gateway lets an agent sign, verified offline.
//!
//! A token is `csl1.` and base64url of the JSON, `.`, base64url of the signature. The signature is over the JSON's octets as they are in
//! the token, so that a newer gateway may add fields that an older agent does not know.

use crate::crypto::{Canonical, PublicKey, SecretKey, Signature};
use crate::ids::AgentId;
use crate::request::Form;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;

const LABEL: &str = "countersign licence 1";
const PREFIX: &str = "csl1.";

/// Octets of a token. Real ones have about 600; a licence is typed and mailed by people.
pub const LICENCE_TOKEN_OCTETS_MAX: usize = 16 * 1024;

/// What an agent may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Licence {
    /// The agent.
    pub agent: AgentId,
    /// Whose it is, for people.
    pub name: String,
    /// The public key of the one instance that may use it; a copy of the agent elsewhere has another one.
    pub public_key: PublicKey,
    /// The signing libraries that it covers, as the forms that they make.
    pub forms: Vec<Form>,
    /// Keys that may be active at once.
    pub keys_max: u32,
    /// The first moment.
    pub not_before: DateTime<Utc>,
    /// The last moment.
    pub expires: DateTime<Utc>,
}

/// A licence with the gateway's signature, as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LicenceToken(pub String);

impl fmt::Display for LicenceToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Why a licence does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LicenceFault {
    /// Not a token of this kind, or damaged.
    #[error("the licence is no licence, or is damaged")]
    Malformed,
    /// Not signed by a gateway that is trusted here.
    #[error("the licence is not signed by this gateway")]
    Foreign,
    /// Issued to another instance: this is a copy, or its state was lost.
    #[error("the licence was issued to another instance, with the public key {0}")]
    OtherInstance(Box<PublicKey>),
    /// Not valid yet.
    #[error("the licence is valid from {0} only")]
    NotYet(DateTime<Utc>),
    /// Not valid any more.
    #[error("the licence expired on {0}")]
    Expired(DateTime<Utc>),
}

impl Licence {
    /// Signs the licence with the gateway's key.
    ///
    /// # Panics
    /// Never: texts, numbers and dates become JSON.
    #[must_use]
    pub fn issue(&self, gateway: &SecretKey) -> LicenceToken {
        let body = serde_json::to_vec(self).expect("texts, numbers and dates become JSON");
        let signature = gateway.sign(&content(&body));
        let encode = |octets: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(octets);
        LicenceToken(format!("{PREFIX}{}.{}", encode(&body), encode(&signature.0)))
    }

    /// Whether it is this instance's, and the moment lies within it.
    ///
    /// # Errors
    /// [`LicenceFault::OtherInstance`], [`LicenceFault::NotYet`], [`LicenceFault::Expired`].
    pub fn judge(&self, instance: &PublicKey, now: DateTime<Utc>) -> Result<(), LicenceFault> {
        if self.public_key != *instance {
            return Err(LicenceFault::OtherInstance(Box::new(self.public_key)));
        }
        if now < self.not_before {
            return Err(LicenceFault::NotYet(self.not_before));
        }
        if now > self.expires {
            return Err(LicenceFault::Expired(self.expires));
        }
        Ok(())
    }

    /// Whether it covers a form.
    #[must_use]
    pub fn covers(&self, form: Form) -> bool {
        self.forms.contains(&form)
    }
}

impl LicenceToken {
    /// Reads it; one of the gateway's keys must have signed it (two are trusted while a gateway changes its key).
    ///
    /// # Errors
    /// [`LicenceFault::Malformed`], [`LicenceFault::Foreign`].
    pub fn verify(&self, gateway: &[PublicKey]) -> Result<Licence, LicenceFault> {
        let text = self.0.trim();
        if text.len() > LICENCE_TOKEN_OCTETS_MAX {
            return Err(LicenceFault::Malformed);
        }
        let parts = text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('.'));
        let (body, signature) = parts.ok_or(LicenceFault::Malformed)?;
        let decode = |text| {
            BASE64_URL_SAFE_NO_PAD
                .decode(text)
                .map_err(|_| LicenceFault::Malformed)
        };
        let body = decode(body)?;
        let signature = Signature(
            decode(signature)?
                .try_into()
                .map_err(|_| LicenceFault::Malformed)?,
        );
        if !gateway
            .iter()
            .any(|key| key.verifies(&content(&body), &signature))
        {
            return Err(LicenceFault::Foreign);
        }
        serde_json::from_slice(&body).map_err(|_| LicenceFault::Malformed)
    }
}

fn content(body: &[u8]) -> Canonical {
    Canonical::of(LABEL).field(body)
}
