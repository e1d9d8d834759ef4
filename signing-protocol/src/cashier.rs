//! Registering a cashier: the holder of a key signs who they are and which registers they serve.

use crate::ids::{AgentId, CashierId, KeyId, Nonce, RegisterNumber};
use crate::octets::Octets;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Registers that one cashier may ask for.
pub const REGISTERS_MAX: usize = 1_000;
/// Characters of a cashier's name.
pub const NAME_CHARACTERS_MAX: usize = 200;

/// What [`Packet::purpose`] must be: a signed packet is no document, and no document is a packet.
pub const PACKET_PURPOSE: &str = "countersign cashier registration 1";

/// What the cashier's key signs, as JSON in UTF-8, attached CMS. The gateway checks the purpose, agent and nonce against what it gave,
/// the taxpayer number against the certificate's, and the key's id and certificate against the agent's reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packet {
    /// [`PACKET_PURPOSE`].
    pub purpose: String,
    /// Through which agent.
    pub agent: AgentId,
    /// With which of its keys.
    pub key: KeyId,
    /// DRFO, as in the certificate; absent where the certificate has a company's code alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taxpayer_number: Option<String>,
    /// The cashier's name, as receipts are to show it.
    pub name: String,
    /// The registers that they ask for; empty for all that the tax service allows them.
    pub registers: Vec<RegisterNumber>,
    /// The gateway's challenge, of purpose [`crate::Purpose::Cashier`].
    pub nonce: Nonce,
    /// When, by the agent's clock.
    pub at: DateTime<Utc>,
}

/// The body of `POST /agent/v1/cashiers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CashierRegistration {
    /// The packet, signed: attached CMS, DER.
    pub cms: Octets,
}

/// What the gateway answers (200).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CashierAnswer {
    /// The cashier.
    pub cashier: CashierId,
    /// The user's token: accepted on every route; shown here and nowhere else.
    pub token: UserToken,
    /// Until when; absent for no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<DateTime<Utc>>,
}

/// A user's token. Zeroised when dropped, masked by `Debug`.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserToken(pub String);

impl fmt::Debug for UserToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("UserToken(…)")
    }
}
