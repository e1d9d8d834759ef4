//! What an agent tells of itself and its keys.

use crate::ids::{KeyId, SessionId};
use crate::octets::HexOctets;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Seconds between two reports, unless the gateway says otherwise. Agents that were not seen for three of them are away.
pub const REPORT_SECONDS_DEFAULT: u32 = 30;

/// A key as the gateway may know it: its certificate's public facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFacts {
    /// Its id in the agent.
    pub key: KeyId,
    /// What it is fit for now.
    pub state: KeyState,
    /// The certificate's serial number.
    pub serial: HexOctets,
    /// The certificate's subject key identifier; the tax service calls cashiers by it.
    pub subject_key_id: HexOctets,
    /// DRFO, the holder's taxpayer number; absent where the certificate has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taxpayer_number: Option<String>,
    /// EDRPOU, the code of the holder's company; absent where the certificate has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company_code: Option<String>,
    /// The holder's name; absent where the certificate has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// The compressed public key, least significant octet first, as in the certificate.
    pub public_key: HexOctets,
    /// The certificate is valid from.
    pub not_before: DateTime<Utc>,
    /// The certificate is valid until.
    pub not_after: DateTime<Utc>,
}

/// What a key is fit for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Stored, sealed; to be activated.
    Stored,
    /// Unlocked in memory.
    Active,
    /// Its certificate is not valid yet.
    NotYetValid,
    /// Its certificate has expired.
    Expired,
    /// Its stored password does not open it any more.
    WrongPassword,
}

impl KeyState {
    /// Its name in JSON and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Active => "active",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
            Self::WrongPassword => "wrong_password",
        }
    }
}

/// The body of `POST /agent/v1/reports`: a sign of life with everything that the gateway shows of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The run of the program.
    pub session: SessionId,
    /// The program's version.
    pub program: String,
    /// The agent's clock.
    pub now: DateTime<Utc>,
    /// All keys.
    pub keys: Vec<KeyFacts>,
    /// Requests that wait in the agent.
    pub waiting: u32,
    /// Signatures since the program's start.
    pub signatures: u64,
    /// Methods of requests that it knows beyond `sign` and `activate`, which all do: the gateway sends no other ones. Absent from
    /// programs that know none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
}

/// What the gateway says to a report (200).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportAnswer {
    /// The gateway's clock.
    pub now: DateTime<Utc>,
    /// Seconds until the next report is expected; 5 to 3600.
    pub next_seconds: u32,
}
