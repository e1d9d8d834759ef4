//! Registering a cashier: the packet that a key's holder signed is judged, point by point, before anybody gives a token for it.

use super::verifier::Signed;
use super::{Agents, Refused};
use crate::accounts::records::CashierRecord;
use crate::accounts::{Accounts, Caller, Change};
use crate::ids::{AccountId, CashierId, KeyId};
use crate::ports::Unfit;
use crate::random::draw_uuid;
use chrono::{DateTime, Utc};
use dstu::Certificate;
use fiscal::RegisterNumber;
use signing_protocol::{
    AgentId, CashierAnswer, CashierRegistration, ErrorCode, HexOctets, NAME_CHARACTERS_MAX, PACKET_PURPOSE,
    Packet, Purpose, REGISTERS_MAX, UserToken,
};

/// A cashier who has proved their key, and whom to register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedRegistration {
    /// Whose cashier: the account whose agreement on keys names the certificate's holder.
    pub account: AccountId,
    /// Through which agent.
    pub agent: AgentId,
    /// With which of its keys.
    pub key: KeyId,
    /// Their name, as receipts are to show it.
    pub name: String,
    /// The registers that they ask for; empty for all of the account.
    pub registers: Vec<RegisterNumber>,
    /// The key's identifier, lower hexadecimal digits.
    pub subject_key_id: String,
    /// The certificate's serial number, lower hexadecimal digits.
    pub serial: String,
    /// DRFO in the certificate.
    pub taxpayer_number: Option<String>,
    /// EDRPOU in the certificate.
    pub company_code: Option<String>,
    /// From when the certificate holds.
    pub valid_from: DateTime<Utc>,
    /// Until when.
    pub valid_until: DateTime<Utc>,
}

impl Agents {
    /// Registers the cashier who signed the packet, and gives the user's token. Registering a key again gives one more token for the same
    /// cashier, under the name and registers of the new packet.
    ///
    /// # Errors
    /// As [`Agents::judge_registration`]; `agreement-missing` also where support has switched the account or the cashier off.
    pub async fn register_cashier(
        &self,
        accounts: &Accounts,
        agent: AgentId,
        registration: CashierRegistration,
    ) -> Result<CashierAnswer, Refused> {
        let verified = self.judge_registration(agent, registration).await?;
        let missing = |detail: &str| Refused::new(ErrorCode::AgreementMissing, detail);
        let account = verified.account;
        let is_active = accounts.account(account).is_some_and(|account| account.is_active);
        if !is_active {
            return Err(missing("the holder's account is not known, or was switched off"));
        }
        let known = accounts.cashiers_with_key(verified.key);
        let known = known.into_iter().find(|(_, known)| known.account == account);
        if known.as_ref().is_some_and(|(_, known)| !known.is_active) {
            return Err(missing("the cashier was switched off"));
        }
        let now = self.now();
        let id = match &known {
            Some((id, _)) => *id,
            None => CashierId(draw_uuid(self.randomness.as_ref(), now)?),
        };
        let record = CashierRecord {
            account,
            name: verified.name,
            key: verified.key,
            subject_key_id: verified.subject_key_id,
            serial: verified.serial,
            tax_number: verified.taxpayer_number,
            is_senior: known.as_ref().is_some_and(|(_, known)| known.is_senior),
            is_active: true,
            registers: Some(verified.registers).filter(|registers| !registers.is_empty()),
            valid_from_ms: verified.valid_from.timestamp_millis(),
            valid_until_ms: verified.valid_until.timestamp_millis(),
            registered_ms: now.wall.timestamp_millis(),
        };
        let applied = accounts
            .apply(vec![Change::PutCashier(id, Box::new(record))])
            .await?;
        if let Some(Err(unfit)) = applied.into_iter().next() {
            return Err(Refused::new(ErrorCode::InvalidBody, unfit.to_string()));
        }
        let caller = Caller {
            account,
            cashier: Some(id),
        };
        let given = accounts.give_token(caller).await?;
        tracing::info!(%agent, %account, cashier = %id, "a cashier was registered");
        Ok(CashierAnswer {
            cashier: signing_protocol::CashierId(id.0),
            token: UserToken(given.token.expose().to_owned()),
            expires: DateTime::from_timestamp_millis(given.expires_ms),
        })
    }

    /// Judges a registration, and uses its challenge up. Whoever calls this makes the cashier and the token.
    ///
    /// # Errors
    /// `unfit-signature`, `challenge-expired`, `agreement-missing`, `invalid-body`, `too-many-requests`, `unavailable`.
    pub async fn judge_registration(
        &self,
        agent: AgentId,
        registration: CashierRegistration,
    ) -> Result<VerifiedRegistration, Refused> {
        let judged = self.judge_packet(agent, registration).await;
        let outcome = match &judged {
            Ok(_) => "verified",
            Err(refused) => refused.code.slug(),
        };
        self.metrics.cashiers.with_label_values(&[outcome]).inc();
        if let Err(refused) = &judged {
            tracing::warn!(%agent, %refused, "a cashier's registration is refused");
        }
        judged
    }

    async fn judge_packet(
        &self,
        agent: AgentId,
        registration: CashierRegistration,
    ) -> Result<VerifiedRegistration, Refused> {
        let desk = self.desk(agent);
        let taken = desk.state().cashiers.take(self.now());
        taken.map_err(Refused::too_often)?;
        let cms = registration.cms.0;
        let signed = self.judges.judge(move || Signed::read(&cms)).await;
        let signed = signed
            .map_err(|_| Refused::busy())?
            .map_err(|unfit: Unfit| Refused::new(ErrorCode::UnfitSignature, unfit.to_string()))?;
        let packet: Packet = serde_json::from_slice(signed.content()).map_err(|error| {
            // The category alone: the error itself may quote what was there.
            let detail = format!(
                "the signed content is no registration: {:?} error",
                error.classify()
            );
            Refused::new(ErrorCode::InvalidBody, detail)
        })?;
        let now = self.now();
        let expired =
            |error: super::challenge::Expired| Refused::new(ErrorCode::ChallengeExpired, error.to_string());
        self.challenges()
            .judge(&packet.nonce, agent, Purpose::Cashier, now)
            .map_err(expired)?;
        let certificate = signed.certificate();
        self.judge_signer(agent, &packet, certificate, now.wall)?;
        let registers = judge_wishes(&packet)?;
        let account = self.book.account_of_certificate(
            agent,
            certificate.company_code(),
            certificate.taxpayer_number(),
        );
        let account =
            account.map_err(|error| Refused::new(ErrorCode::AgreementMissing, error.to_string()))?;
        self.challenges()
            .spend(&packet.nonce, agent, Purpose::Cashier, now)
            .map_err(expired)?;
        let hex = |octets: &[u8]| HexOctets(octets.to_vec()).to_string();
        Ok(VerifiedRegistration {
            account,
            agent,
            key: KeyId(packet.key.0),
            name: packet.name.trim().to_owned(),
            registers,
            subject_key_id: hex(certificate.subject_key_id().unwrap_or_default()),
            serial: hex(certificate.serial()),
            taxpayer_number: certificate.taxpayer_number().map(str::to_owned),
            company_code: certificate.company_code().map(str::to_owned),
            valid_from: certificate.not_before(),
            valid_until: certificate.not_after(),
        })
    }

    /// The packet is about this agent and this key, and the certificate is the one that the agent reported for it.
    fn judge_signer(
        &self,
        agent: AgentId,
        packet: &Packet,
        certificate: &Certificate,
        now: DateTime<Utc>,
    ) -> Result<(), Refused> {
        let unfit = |detail: &str| Err(Refused::new(ErrorCode::UnfitSignature, detail));
        if packet.purpose != PACKET_PURPOSE {
            return unfit("what was signed is no registration of a cashier");
        }
        if packet.agent != agent {
            return unfit("the packet is of another agent");
        }
        if !certificate.is_valid_at(now) {
            return unfit("the certificate has expired, or is not valid yet");
        }
        if certificate.key_usage().is_some_and(|usage| !usage.signs()) {
            return unfit("the certificate is not for signatures");
        }
        if packet.taxpayer_number.as_deref() != certificate.taxpayer_number() {
            return unfit("the packet's taxpayer number is not the certificate's");
        }
        let known = self.book.key(KeyId(packet.key.0));
        let Some(known) = known.filter(|known| known.is_held && known.agent() == agent) else {
            return unfit("the agent has not reported this key; report first");
        };
        let public_key = certificate.public_key().map(dstu::PublicKey::to_compressed);
        let is_reported = certificate.subject_key_id() == Some(known.subject_key_id.as_slice())
            && certificate.serial() == known.serial.as_slice()
            && public_key.is_ok_and(|key| key == known.public_key);
        if is_reported {
            Ok(())
        } else {
            unfit("the packet is not signed with the key that it names")
        }
    }
}

fn judge_wishes(packet: &Packet) -> Result<Vec<RegisterNumber>, Refused> {
    let invalid = |detail: String| Refused::new(ErrorCode::InvalidBody, detail);
    let characters = packet.name.trim().chars().count();
    if !(1..=NAME_CHARACTERS_MAX).contains(&characters) || packet.name.chars().any(char::is_control) {
        return Err(invalid(format!("name: 1 to {NAME_CHARACTERS_MAX} characters")));
    }
    if packet.registers.len() > REGISTERS_MAX {
        return Err(invalid(format!("registers: at most {REGISTERS_MAX}")));
    }
    let number = |number: &signing_protocol::RegisterNumber| {
        RegisterNumber::new(number.0).map_err(|fault| invalid(format!("registers: {number}: {fault}")))
    };
    packet.registers.iter().map(number).collect()
}
