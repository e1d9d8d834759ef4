//! The rows of agents, their licences and keys, and of agreements, as they are stored.

use crate::ids::AccountId;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use signing_protocol::{AgentId, Connection, Form, HexOctets, KeyFacts};
use storage::record::Record;
use uuid::Uuid;

/// What a user has to agree to before anything is signed for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AgreementKind {
    /// On using the agent.
    AgentUse,
    /// On handing over a signature key and having it used.
    KeyUse,
}

impl AgreementKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::AgentUse, Self::KeyUse];

    /// Its name in paths, logs and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::AgentUse => "agent-use",
            Self::KeyUse => "key-use",
        }
    }

    /// The kind of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// An agreement that support has recorded (row `agreement/<account>/<kind>`); a later one takes its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreementRecord {
    /// The date on the paper, in days since 1970-01-01.
    pub signed_day: i32,
    /// Under which number or name it is kept.
    pub reference: String,
    /// Of [`AgreementKind::KeyUse`]: the taxpayers' numbers and companies' codes whose keys are handed over.
    pub tax_codes: Vec<String>,
    /// When support recorded it, in milliseconds since 1970.
    pub recorded_ms: i64,
    /// When it ended, in milliseconds since 1970; an agreement that has ended stays, and allows nothing.
    pub ended_ms: Option<i64>,
}

impl AgreementRecord {
    /// Whether it allows anything.
    pub fn is_in_force(&self) -> bool {
        self.ended_ms.is_none()
    }

    /// The date on the paper.
    pub fn signed_on(&self) -> NaiveDate {
        NaiveDate::from_epoch_days(self.signed_day).unwrap_or_default()
    }
}

/// A signing agent (row `agent/<id>`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRecord {
    /// Its name, for people and metrics; unique.
    pub name: String,
    /// The accounts that it serves, in order.
    pub accounts: Vec<AccountId>,
    /// Whether it may do anything.
    pub is_active: bool,
    /// When it was recorded, in milliseconds since 1970.
    pub added_ms: i64,
    /// Its licences, oldest first; the last one is its current one.
    pub licences: Vec<LicenceRecord>,
    /// Its enrolment in force.
    pub enrolled: Option<EnrolledRecord>,
}

impl AgentRecord {
    /// The licence that an enrolment must show.
    pub fn current_licence(&self) -> Option<&LicenceRecord> {
        self.licences.last()
    }

    /// The licence under which the agent is enrolled.
    pub fn enrolled_licence(&self) -> Option<&LicenceRecord> {
        let enrolled = self.enrolled.as_ref()?;
        self.licences
            .iter()
            .find(|licence| licence.id == enrolled.licence)
    }
}

/// A licence that was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenceRecord {
    /// By which it is revoked.
    pub id: Uuid,
    /// Its token: no secret, because it is of use to one instance alone.
    pub token: String,
    /// The public key of that instance, base64.
    pub public_key: String,
    /// The signing libraries ([`Form`]s) that it covers, by their names.
    pub forms: Vec<String>,
    /// Keys that may be active at once.
    pub keys_max: u32,
    /// The first moment, in milliseconds since 1970.
    pub not_before_ms: i64,
    /// The last moment.
    pub expires_ms: i64,
    /// When it was issued.
    pub issued_ms: i64,
    /// When it was revoked.
    pub revoked_ms: Option<i64>,
}

impl LicenceRecord {
    /// Whether it lets an agent sign at this moment (milliseconds since 1970).
    pub fn holds_at(&self, wall_ms: i64) -> bool {
        self.revoked_ms.is_none() && (self.not_before_ms..=self.expires_ms).contains(&wall_ms)
    }

    /// Whether it covers a form.
    pub fn covers(&self, form: Form) -> bool {
        self.forms.iter().any(|name| name == form.name())
    }
}

/// How an agent made itself known last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolledRecord {
    /// Under which licence.
    pub licence: Uuid,
    /// SHA-256 of its secret; the secret itself is nowhere.
    pub secret_digest: [u8; 32],
    /// Where requests are pushed to; none: the agent pulls.
    pub push_url: Option<String>,
    /// The program's name and version.
    pub program: String,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
}

impl EnrolledRecord {
    /// As the agent said it.
    pub fn connection(&self) -> Connection {
        match &self.push_url {
            None => Connection::Pull,
            Some(url) => Connection::Push { url: url.clone() },
        }
    }
}

/// A key in an agent's store (row `agent-key/<key>`): its certificate's public facts. Bound to the first agent that reported it, for
/// good: no other one can draw what is to be signed with it to itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentKeyRecord {
    /// Whose.
    pub agent: Uuid,
    /// The certificate's serial number.
    pub serial: Vec<u8>,
    /// The certificate's subject key identifier.
    pub subject_key_id: Vec<u8>,
    /// DRFO, the holder's taxpayer number.
    pub taxpayer_number: Option<String>,
    /// EDRPOU, the code of the holder's company.
    pub company_code: Option<String>,
    /// The holder's name.
    pub holder: Option<String>,
    /// The compressed public key.
    pub public_key: Vec<u8>,
    /// The certificate is valid from, in milliseconds since 1970.
    pub not_before_ms: i64,
    /// The certificate is valid until.
    pub not_after_ms: i64,
    /// Whether the agent still has it, by its last report.
    pub is_held: bool,
}

impl AgentKeyRecord {
    /// As an agent reported it.
    pub fn reported(agent: AgentId, facts: &KeyFacts) -> Self {
        Self {
            agent: agent.0,
            serial: facts.serial.0.clone(),
            subject_key_id: facts.subject_key_id.0.clone(),
            taxpayer_number: facts.taxpayer_number.clone(),
            company_code: facts.company_code.clone(),
            holder: facts.holder.clone(),
            public_key: facts.public_key.0.clone(),
            not_before_ms: facts.not_before.timestamp_millis(),
            not_after_ms: facts.not_after.timestamp_millis(),
            is_held: true,
        }
    }

    /// Whose.
    pub fn agent(&self) -> AgentId {
        AgentId(self.agent)
    }

    /// The identifier in lower hexadecimal digits, as registers and the tax service write it.
    pub fn subject_key_id_hex(&self) -> String {
        HexOctets(self.subject_key_id.clone()).to_string()
    }
}

impl Record for AgreementRecord {
    const NAME: &'static str = "agreement";
    const VERSION: u8 = 1;
}

impl Record for AgentRecord {
    const NAME: &'static str = "agent";
    const VERSION: u8 = 1;
}

impl Record for AgentKeyRecord {
    const NAME: &'static str = "agent key";
    const VERSION: u8 = 1;
}
