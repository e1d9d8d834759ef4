//! Licences: issued for users who agreed, verified for people, revoked.

use super::Agents;
use super::book::{Change, Unfit};
use super::records::LicenceRecord;
use crate::random::draw_uuid;
use chrono::{DateTime, TimeDelta, Utc};
use signing_protocol::{AgentId, Form, Licence, LicenceFault, LicenceToken, PublicKey};

/// The longest licence: what nobody looks at for three years is forgotten on the day it ends.
pub const LICENCE_DAYS_MAX: i64 = 3 * 366;

/// What a licence is to say.
#[derive(Clone, Debug)]
pub struct LicenceTerms {
    /// The public key of the one instance that may use it (`smartsign identity`).
    pub public_key: PublicKey,
    /// The signing libraries that it covers.
    pub forms: Vec<Form>,
    /// Keys that may be active at once; 1 to 2,000.
    pub keys_max: u32,
    /// The first moment; whole seconds.
    pub not_before: DateTime<Utc>,
    /// The last moment; whole seconds.
    pub expires: DateTime<Utc>,
}

/// Why no licence was issued.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotIssued {
    /// The terms make no sense; names the field.
    #[error("{0}")]
    Terms(&'static str),
    /// The book does not take it: no such agent, or no agreement.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// No random numbers.
    #[error(transparent)]
    Random(#[from] crate::random::Fault),
    /// The store's.
    #[error(transparent)]
    Store(#[from] storage::Error),
}

/// What a token is worth, for people.
#[derive(Clone, Debug)]
pub struct Verified {
    /// What it says.
    pub licence: Licence,
    /// Whether this gateway has it in its book.
    pub is_known: bool,
    /// Whether it is the agent's current one.
    pub is_current: bool,
    /// Whether it was revoked.
    pub is_revoked: bool,
    /// Whether it lies in time now.
    pub is_in_time: bool,
}

impl Verified {
    /// Whether an agent can enrol with it now.
    pub fn holds(&self) -> bool {
        self.is_known && self.is_current && !self.is_revoked && self.is_in_time
    }
}

impl Agents {
    /// Issues a licence, the agent's current one from now on. An enrolment under the one before goes on until that one ends.
    ///
    /// # Errors
    /// [`NotIssued`].
    pub async fn issue_licence(
        &self,
        agent: AgentId,
        terms: LicenceTerms,
    ) -> Result<LicenceRecord, NotIssued> {
        check(&terms)?;
        let record = self.book.agent(agent).ok_or(Unfit::NotFound)?;
        let now = self.now();
        let licence = Licence {
            agent,
            name: record.name.clone(),
            public_key: terms.public_key,
            forms: terms.forms,
            keys_max: terms.keys_max,
            not_before: terms.not_before,
            expires: terms.expires,
        };
        let issued = LicenceRecord {
            id: draw_uuid(self.randomness.as_ref(), now)?,
            token: licence.issue(&self.keys.signing).0,
            public_key: licence.public_key.to_string(),
            forms: licence.forms.iter().map(|form| form.name().to_owned()).collect(),
            keys_max: licence.keys_max,
            not_before_ms: licence.not_before.timestamp_millis(),
            expires_ms: licence.expires.timestamp_millis(),
            issued_ms: now.wall.timestamp_millis(),
            revoked_ms: None,
        };
        let change = Change::AddLicence {
            agent,
            licence: issued.clone(),
        };
        self.book.apply(change).await??;
        tracing::info!(%agent, licence = %issued.id, "a licence was issued");
        Ok(issued)
    }

    /// What a token is worth.
    ///
    /// # Errors
    /// It is no licence of this gateway.
    pub fn verify_licence(&self, token: &LicenceToken) -> Result<Verified, LicenceFault> {
        let licence = token.verify(&self.keys.trusted())?;
        let record = self.book.agent(licence.agent);
        let licences = record.as_ref().map(|record| record.licences.as_slice());
        let text = token.0.trim();
        let known = licences
            .unwrap_or_default()
            .iter()
            .find(|known| known.token == text);
        let current = record.as_ref().and_then(|record| record.current_licence());
        let now = self.now().wall;
        Ok(Verified {
            is_known: known.is_some(),
            is_current: current.is_some_and(|current| current.token == text),
            is_revoked: known.is_some_and(|known| known.revoked_ms.is_some()),
            is_in_time: (licence.not_before..=licence.expires).contains(&now),
            licence,
        })
    }
}

fn check(terms: &LicenceTerms) -> Result<(), NotIssued> {
    let length = terms.expires - terms.not_before;
    if terms.forms.is_empty() {
        return Err(NotIssued::Terms("forms: at least one"));
    }
    if !(1..=2_000).contains(&terms.keys_max) {
        return Err(NotIssued::Terms("keys_max: must be between 1 and 2000"));
    }
    if length <= TimeDelta::zero() {
        return Err(NotIssued::Terms("expires: must be after not_before"));
    }
    if length > TimeDelta::days(LICENCE_DAYS_MAX) {
        return Err(NotIssued::Terms("expires: at most three years after not_before"));
    }
    Ok(())
}
