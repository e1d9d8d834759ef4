//! Changes to the book of agents, each judged whole before anything of it is written.

use super::super::records::{AgentKeyRecord, AgreementKind, EnrolledRecord, LicenceRecord};
use crate::ids::{AccountId, KeyId};
use chrono::NaiveDate;
use signing_protocol::AgentId;
use uuid::Uuid;

/// Agents in the book. Each is a label in metrics and about 4 KB in memory.
pub const AGENTS_MAX: usize = 1_000;
/// Accounts of one agent: the row stays under 16 KiB. An integrator with more customers runs a second agent.
pub const ACCOUNTS_PER_AGENT_MAX: usize = 256;
/// Licences of one agent that are kept, for people; the oldest go first. A token has about 700 octets, and the row stays under 16 KiB.
pub const LICENCES_PER_AGENT_MAX: usize = 4;
/// Keys of one agent, those included that it no longer has.
pub const KEYS_PER_AGENT_MAX: usize = 2_000;
/// Holders that one agreement on a key's use names.
pub const TAX_CODES_MAX: usize = 100;
/// An agent's name is a label in metrics and a line in a list.
pub const NAME_CHARACTERS_MAX: usize = 64;
/// A reference is a number, a name, or the address of a file.
pub const REFERENCE_CHARACTERS_MAX: usize = 200;
/// The longest taxpayer's number or company's code; official ones have 8, 9, 10 or 12.
pub const TAX_CODE_CHARACTERS_MAX: usize = 20;

/// One change.
#[derive(Clone, Debug)]
pub enum Change {
    /// An agreement, in place of an earlier one of its kind.
    PutAgreement {
        /// Whose.
        account: AccountId,
        /// On what.
        kind: AgreementKind,
        /// The date on the paper.
        signed_on: NaiveDate,
        /// Under which number or name it is kept.
        reference: String,
        /// Of [`AgreementKind::KeyUse`]: whose keys; at least one.
        tax_codes: Vec<String>,
    },
    /// An agreement ends; what it allowed is no longer allowed.
    EndAgreement {
        /// Whose.
        account: AccountId,
        /// On what.
        kind: AgreementKind,
    },
    /// An agent; its licences, enrolment and keys stay.
    PutAgent {
        /// Which.
        id: AgentId,
        /// Its name, unique.
        name: String,
        /// The accounts that it serves.
        accounts: Vec<AccountId>,
        /// Whether it may do anything.
        is_active: bool,
    },
    /// Forgets an agent, its licences and keys.
    DeleteAgent(AgentId),
    /// A licence, current from now on.
    AddLicence {
        /// Whose.
        agent: AgentId,
        /// The licence.
        licence: LicenceRecord,
    },
    /// A licence holds no longer.
    RevokeLicence {
        /// Whose.
        agent: AgentId,
        /// Which.
        id: Uuid,
    },
    /// An agent made itself known; the secret before is known no longer.
    Enrol {
        /// Which.
        agent: AgentId,
        /// How.
        enrolled: EnrolledRecord,
    },
    /// All keys that an agent has now.
    HoldKeys {
        /// Which.
        agent: AgentId,
        /// Its keys.
        keys: Vec<(KeyId, AgentKeyRecord)>,
    },
}

/// Why a change was not made. Names the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A text is too long or empty.
    #[error("{field}: must have {min} to {max} characters")]
    Length {
        /// Which field.
        field: &'static str,
        /// The fewest characters.
        min: usize,
        /// The most.
        max: usize,
    },
    /// Too many, or too few, of something.
    #[error("{field}: {min} to {max}")]
    Count {
        /// Of what.
        field: &'static str,
        /// The fewest.
        min: usize,
        /// The most.
        max: usize,
    },
    /// A code that is none.
    #[error("tax_codes: each must be digits and letters, 6 to {TAX_CODE_CHARACTERS_MAX} of them")]
    TaxCode,
    /// Another agent has this name.
    #[error("name: another agent has it")]
    NameTaken,
    /// Another agent holds a key of this id.
    #[error("the key {0} belongs to another agent")]
    KeyTaken(KeyId),
    /// An account has not agreed to it.
    #[error("{}: the account {account} has no such agreement in force", .kind.name())]
    NoAgreement {
        /// Whose agreement is missing.
        account: AccountId,
        /// Which.
        kind: AgreementKind,
    },
    /// A licence is known by its token, and this token was issued before, perhaps revoked since.
    #[error("expires: the very same licence was issued before; give this one other dates")]
    SameLicence,
    /// There is nothing to change.
    #[error("not found")]
    NotFound,
}

impl Change {
    /// Checks everything that can be known without the rest of the book.
    ///
    /// # Errors
    /// [`Unfit`].
    pub fn check(&self) -> Result<(), Unfit> {
        match self {
            Self::PutAgreement {
                kind,
                reference,
                tax_codes,
                ..
            } => {
                length("reference", reference, REFERENCE_CHARACTERS_MAX)?;
                let (min, max) = match kind {
                    AgreementKind::AgentUse => (0, 0),
                    AgreementKind::KeyUse => (1, TAX_CODES_MAX),
                };
                count("tax_codes", tax_codes.len(), min, max)?;
                let is_code = |code: &String| {
                    (6..=TAX_CODE_CHARACTERS_MAX).contains(&code.chars().count())
                        && code.chars().all(char::is_alphanumeric)
                };
                if tax_codes.iter().all(is_code) {
                    Ok(())
                } else {
                    Err(Unfit::TaxCode)
                }
            }
            Self::PutAgent { name, accounts, .. } => {
                length("name", name, NAME_CHARACTERS_MAX)?;
                count("accounts", accounts.len(), 1, ACCOUNTS_PER_AGENT_MAX)
            }
            Self::HoldKeys { keys, .. } => count("keys", keys.len(), 0, KEYS_PER_AGENT_MAX),
            Self::EndAgreement { .. }
            | Self::DeleteAgent(_)
            | Self::AddLicence { .. }
            | Self::RevokeLicence { .. }
            | Self::Enrol { .. } => Ok(()),
        }
    }
}

fn length(field: &'static str, text: &str, max: usize) -> Result<(), Unfit> {
    let fits = (1..=max).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits && !text.trim().is_empty() {
        Ok(())
    } else {
        Err(Unfit::Length { field, min: 1, max })
    }
}

fn count(field: &'static str, count: usize, min: usize, max: usize) -> Result<(), Unfit> {
    if (min..=max).contains(&count) {
        Ok(())
    } else {
        Err(Unfit::Count { field, min, max })
    }
}
