//! Changes to the directory, each judged whole before anything of it is written.

use super::evidence::EvidenceChange;
use super::keys::UnfitKey;
use super::records::{ContractTypeRecord, CustomerRecord};
use crate::ids::{ContractTypeId, CustomerId, InvokerCode};
use crate::machines::otp::DAY;
use crate::secret::Secret;
use uuid::Uuid;

/// One change.
#[derive(Clone, Debug)]
pub enum Change {
    /// A calling system; its keys stay, and `key` is added to them.
    PutInvoker {
        /// Its code.
        code: InvokerCode,
        /// Its name.
        name: String,
        /// What it may have signed.
        contract_types: Vec<u8>,
        /// A key to accept from now on.
        key: Option<Secret>,
    },
    /// Forgets a calling system and its keys.
    DeleteInvoker(InvokerCode),
    /// A key to accept from now on.
    AddKey {
        /// Whose.
        invoker: InvokerCode,
        /// The key.
        key: Secret,
        /// Its id, drawn by the caller.
        id: Uuid,
    },
    /// A key to accept no longer.
    RevokeKey {
        /// Whose.
        invoker: InvokerCode,
        /// Which.
        id: Uuid,
    },
    /// A contract type, in place of an earlier one.
    PutContractType(ContractTypeId, ContractTypeRecord),
    /// Forgets a contract type.
    DeleteContractType(ContractTypeId),
    /// A customer with all contacts, in place of an earlier one.
    PutCustomer(CustomerId, CustomerRecord),
    /// Forgets a customer.
    DeleteCustomer(CustomerId),
    /// Something of evidence.
    Evidence(EvidenceChange),
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
    /// A number is out of range.
    #[error("{field}: must be between {min} and {max}")]
    Range {
        /// Which field.
        field: &'static str,
        /// The least.
        min: u32,
        /// The greatest.
        max: u32,
    },
    /// Too many of something.
    #[error("{field}: at most {max}")]
    TooMany {
        /// Of what.
        field: &'static str,
        /// How many are allowed.
        max: usize,
    },
    /// Two contacts of one customer have the same code.
    #[error("contacts: contact_ccms_code {0} occurs twice")]
    RepeatedContact(i64),
    /// The key is not one.
    #[error(transparent)]
    Key(#[from] UnfitKey),
    /// A text is not of its form.
    #[error("{field}: must be {form}")]
    Form {
        /// Which field.
        field: &'static str,
        /// What it should be.
        form: &'static str,
    },
    /// The taxes of a register contradict one another.
    #[error("taxes: {0}")]
    Taxes(String),
    /// What a field names is not there.
    #[error("{field}: there is none of this id")]
    Unknown {
        /// Which field.
        field: &'static str,
    },
    /// Somebody else has this.
    #[error("{field}: belongs to another account")]
    Taken {
        /// Which field.
        field: &'static str,
    },
    /// Somebody else has this key.
    #[error("key: belongs to another invoker or account")]
    KeyTaken,
    /// A name that cannot stand in a URL.
    #[error(
        "{0}: must have 1 to 64 of the characters A-Z, a-z, 0-9, `-`, `_` and `.`, and not begin with a point"
    )]
    Name(&'static str),
    /// An algorithm that was registered is never changed.
    #[error("this version has another algorithm already, and none is ever changed: register a new version")]
    Immutable,
    /// A version that is the gateway's own.
    #[error("version: must not begin with \"countersign-\"")]
    Reserved,
    /// Not the URL of a web server.
    #[error("url: must begin with https:// or http:// and have 2048 characters at most")]
    Url,
    /// An algorithm that is none.
    #[error(transparent)]
    Algorithm(#[from] evidence::algorithm::Unfit),
    /// There is nothing to change.
    #[error("not found")]
    NotFound,
}

/// The longest name or title: it must fit a message of a few parts.
const NAME_CHARACTERS_MAX: usize = 200;
/// More keys than a rotation ever needs.
pub(super) const KEYS_PER_INVOKER_MAX: usize = 16;
/// More phones than any customer has; keeps a row under 16 KiB.
const CONTACTS_PER_CUSTOMER_MAX: usize = 64;
/// Longer than any number with its punctuation.
const NUMBER_CHARACTERS_MAX: usize = 40;

impl Change {
    /// Which customer's row it writes, if any.
    pub(super) fn customer(&self) -> Option<CustomerId> {
        match self {
            Self::PutCustomer(id, _) | Self::DeleteCustomer(id) => Some(*id),
            _ => None,
        }
    }
    /// Checks everything that can be known without the rest of the directory.
    pub fn check(&self) -> Result<(), Unfit> {
        match self {
            Self::PutInvoker { name, key, .. } => {
                length("name", name, 1, NAME_CHARACTERS_MAX)?;
                key.as_ref()
                    .map_or(Ok(()), |key| Ok(super::keys::check_key(key)?))
            }
            Self::AddKey { key, .. } => Ok(super::keys::check_key(key)?),
            Self::PutContractType(_, record) => check_contract_type(record),
            Self::PutCustomer(_, record) => check_customer(record),
            Self::Evidence(change) => change.check(),
            Self::DeleteInvoker(_)
            | Self::RevokeKey { .. }
            | Self::DeleteContractType(_)
            | Self::DeleteCustomer(_) => Ok(()),
        }
    }
}

fn check_contract_type(record: &ContractTypeRecord) -> Result<(), Unfit> {
    length("title", &record.title, 1, NAME_CHARACTERS_MAX)?;
    range("otp.code_length", record.otp.code_length.map(u32::from), 4, 10)?;
    range("otp.lifetime_seconds", record.otp.lifetime_seconds, 30, 600)?;
    let day = u32::try_from(DAY.as_secs()).expect("a day has 86,400 seconds");
    range(
        "otp.resend_window_seconds",
        record.otp.resend_window_seconds,
        1,
        day,
    )
}

fn check_customer(record: &CustomerRecord) -> Result<(), Unfit> {
    length("full_name", &record.full_name, 1, NAME_CHARACTERS_MAX)?;
    if record.contacts.len() > CONTACTS_PER_CUSTOMER_MAX {
        return Err(Unfit::TooMany {
            field: "contacts",
            max: CONTACTS_PER_CUSTOMER_MAX,
        });
    }
    for (index, contact) in record.contacts.iter().enumerate() {
        length("number", &contact.number, 0, NUMBER_CHARACTERS_MAX)?;
        if record.contacts[..index]
            .iter()
            .any(|earlier| earlier.code == contact.code)
        {
            return Err(Unfit::RepeatedContact(contact.code));
        }
    }
    Ok(())
}

fn length(field: &'static str, text: &str, min: usize, max: usize) -> Result<(), Unfit> {
    let characters = text.chars().count();
    if (min..=max).contains(&characters) {
        Ok(())
    } else {
        Err(Unfit::Length { field, min, max })
    }
}

fn range(field: &'static str, value: Option<u32>, min: u32, max: u32) -> Result<(), Unfit> {
    match value {
        Some(value) if !(min..=max).contains(&value) => Err(Unfit::Range { field, min, max }),
        _ => Ok(()),
    }
}
