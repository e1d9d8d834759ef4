//! Enrolling: a challenge, a statement signed by this instance, and the secret that comes back, sealed.

use super::Link;
use super::client::CallError;
use crate::lock::{read, write};
use crate::vault::{Error, Vault};
use signing_protocol::{
    AgentSecret, Challenge, ChallengeRequest, EnrolmentAnswer, PROTOCOL_VERSION, Purpose, Statement, routes,
};
use std::sync::Arc;

const KIND: &str = "gateway";
const NAME: &str = "secret";

/// The secret of an earlier enrolment.
///
/// # Errors
/// [`Error`].
pub(super) fn stored_secret(vault: &Vault) -> Result<Option<AgentSecret>, Error> {
    let Some(octets) = vault.get(KIND, NAME)? else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&octets).map_err(|_| Error::Damaged)?;
    Ok(Some(AgentSecret::from_text(text)))
}

impl Link {
    /// The secret; enrols where there is none.
    pub(super) async fn secret(&self) -> Result<Arc<AgentSecret>, CallError> {
        if let Some(secret) = read(&self.secret).clone() {
            return Ok(secret);
        }
        let _enrolling = self.enrolling.lock().await;
        // Somebody else enrolled while this one waited.
        if let Some(secret) = read(&self.secret).clone() {
            return Ok(secret);
        }
        let secret = Arc::new(self.enrol().await?);
        *write(&self.secret) = Some(Arc::clone(&secret));
        self.keys_changed();
        Ok(secret)
    }

    async fn enrol(&self) -> Result<AgentSecret, CallError> {
        let parts = &self.parts;
        let (token, licence) = parts
            .licences
            .valid_with_token()
            .map_err(|unlicensed| CallError::Unlicensed(unlicensed.to_string()))?;
        let asked = ChallengeRequest {
            agent: licence.agent,
            purpose: Purpose::Enrolment,
        };
        let challenge: Challenge = parts.client.post(routes::CHALLENGES, None, &asked).await?;
        let statement = Statement {
            version: PROTOCOL_VERSION,
            agent: licence.agent,
            public_key: parts.instance.public_key(),
            licence: token,
            nonce: challenge.nonce,
            connection: parts.connection.clone(),
            program: crate::PROGRAM.to_owned(),
        };
        let enrolment = statement.sign(&parts.instance);
        let answer: EnrolmentAnswer = parts.client.post(routes::ENROLMENTS, None, &enrolment).await?;
        let secret = answer
            .verify(&parts.gateway, licence.agent, &challenge.nonce)
            .ok_or_else(|| {
                CallError::Unintelligible("the enrolment's answer is not signed by this gateway".to_owned())
            })?;
        let (vault, kept) = (Arc::clone(&parts.vault), secret.clone());
        let kept = tokio::task::spawn_blocking(move || vault.put(KIND, NAME, kept.expose().as_bytes())).await;
        match kept {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(CallError::Local(error.to_string())),
            Err(_) => return Err(CallError::Local("sealing the secret panicked".to_owned())),
        }
        parts.metrics.enrolments.inc();
        tracing::info!(agent = %licence.agent, "enrolled with the gateway");
        Ok(secret)
    }
}
