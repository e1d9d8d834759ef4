//! Registering a cashier: the key's holder signs a packet, the gateway gives the user's token, which is sealed and shown once.

use super::Link;
use super::client::CallError;
use crate::recorder::audit::Event;
use crate::signing::rules::Refusal;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use signing_protocol::{
    CashierAnswer, CashierId, CashierRegistration, Challenge, ChallengeRequest, HexOctets, KeyId, Octets,
    PACKET_PURPOSE, Packet, Purpose, RefusalReason, RegisterNumber, UserToken, routes, sha_256,
};
use std::sync::Arc;
use zeroize::Zeroizing;

const KIND: &str = "cashiers";

/// A cashier as the agent keeps them.
#[derive(Serialize, Deserialize)]
pub struct Cashier {
    /// Their id at the gateway.
    pub cashier: CashierId,
    /// Their key.
    pub key: KeyId,
    /// Their name.
    pub name: String,
    /// The registers asked for.
    pub registers: Vec<RegisterNumber>,
    /// When they were registered.
    pub registered: DateTime<Utc>,
    /// The token's end.
    pub expires: Option<DateTime<Utc>>,
    /// The user's token.
    token: UserToken,
}

/// Why no cashier was registered.
#[derive(Debug, thiserror::Error)]
pub enum CashierError {
    /// Nothing was signed.
    #[error("{}", .0.message)]
    Refused(Refusal),
    /// The gateway did not register them; or its answer was lost, and registering again gives a new token.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The token came and could not be kept: register again.
    #[error("the token could not be kept, register again: {0}")]
    Store(String),
}

/// What the integrator asks for.
pub struct Asked {
    /// With which key.
    pub key: KeyId,
    /// The cashier's name; none for the certificate's holder.
    pub name: Option<String>,
    /// Which registers; none for all.
    pub registers: Vec<RegisterNumber>,
}

impl Link {
    /// Registers a cashier. The token is sealed before it is shown.
    ///
    /// # Errors
    /// [`CashierError`].
    pub async fn register_cashier(&self, asked: Asked) -> Result<CashierAnswer, CashierError> {
        let refused = |reason, error: String| CashierError::Refused(Refusal::new(reason, error));
        let parts = &self.parts;
        let licence = parts.licences.valid();
        let licence = licence.map_err(|error| refused(RefusalReason::Licence, error.to_string()))?;
        let unlocked = parts
            .desk
            .key(asked.key, &licence)
            .map_err(CashierError::Refused)?;
        let certificate = unlocked.certificate();
        let holder = certificate.subject().common_name().unwrap_or_default();
        let name = asked.name.unwrap_or_else(|| holder.to_owned());
        let wanted = ChallengeRequest {
            agent: licence.agent,
            purpose: Purpose::Cashier,
        };
        let challenge: Challenge = self.post(routes::CHALLENGES, &wanted).await?;
        let packet = Packet {
            purpose: PACKET_PURPOSE.to_owned(),
            agent: licence.agent,
            key: asked.key,
            taxpayer_number: certificate.taxpayer_number().map(str::to_owned),
            name: name.clone(),
            registers: asked.registers.clone(),
            nonce: challenge.nonce,
            at: parts.clock.now(),
        };
        let packet = serde_json::to_vec(&packet).map_err(|error| CashierError::Store(error.to_string()))?;
        let event = Event::PacketSigned {
            key: asked.key,
            serial: HexOctets(certificate.serial().to_vec()),
            sha256: HexOctets(sha_256(&packet).to_vec()),
        };
        let signer = Arc::clone(&unlocked);
        let signed = tokio::task::spawn_blocking(move || signer.sign(&packet)).await;
        let cms = signed
            .unwrap_or_else(|_| Err("the computation of the signature panicked".to_owned()))
            .map_err(|message| refused(RefusalReason::Failed, message))?;
        let recorded = parts.recorder.record(event, None).await;
        recorded.map_err(|error| refused(RefusalReason::Failed, error.to_string()))?;
        let registration = CashierRegistration { cms: Octets(cms) };
        let answer: CashierAnswer = self.post(routes::CASHIERS, &registration).await?;
        let cashier = Cashier {
            cashier: answer.cashier,
            key: asked.key,
            name,
            registers: asked.registers,
            registered: parts.clock.now(),
            expires: answer.expires,
            token: answer.token.clone(),
        };
        self.keep(cashier).await.map_err(CashierError::Store)?;
        Ok(answer)
    }

    async fn keep(&self, cashier: Cashier) -> Result<(), String> {
        let vault = Arc::clone(&self.parts.vault);
        let kept = tokio::task::spawn_blocking(move || {
            let octets = serde_json::to_vec(&cashier).map(Zeroizing::new);
            let octets = octets.map_err(|error| error.to_string())?;
            let put = vault.put(KIND, &cashier.cashier.to_string(), &octets);
            put.map_err(|error| error.to_string())
        });
        kept.await
            .unwrap_or_else(|_| Err("sealing the token panicked".to_owned()))
    }

    /// The cashiers registered through this agent. Reads the disk.
    ///
    /// # Errors
    /// A sentence: the disk, or a damaged file.
    pub fn cashiers(&self) -> Result<Vec<Cashier>, String> {
        let vault = &self.parts.vault;
        let names = vault.names(KIND).map_err(|error| error.to_string())?;
        let read = names.iter().map(|name| {
            let octets = vault.get(KIND, name).map_err(|error| error.to_string())?;
            let octets = octets.ok_or("a cashier vanished while they were listed")?;
            // The category alone: the error itself may quote the token.
            serde_json::from_slice(&octets).map_err(|error| format!("{name}: {:?} error", error.classify()))
        });
        read.collect()
    }
}
