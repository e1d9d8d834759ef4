//! The directory's rows as they are stored.

use serde::{Deserialize, Serialize};
use storage::record::Record;
use uuid::Uuid;

/// A calling system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvokerRecord {
    /// Its name, for people.
    pub name: String,
    /// The contract types it may have signed.
    pub contract_types: Vec<u8>,
    /// Its keys, oldest first.
    pub keys: Vec<KeyRecord>,
}

/// One key of an invoker; the key itself is nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// By which it is revoked.
    pub id: Uuid,
    /// HMAC-SHA-256 of the key under the server's pepper.
    pub digest: [u8; 32],
    /// When it was added, in milliseconds since 1970.
    pub added_ms: i64,
}

/// A type of contract.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractTypeRecord {
    /// Its title, as the message names it.
    pub title: String,
    /// Settings that differ from the configured ones.
    pub otp: OtpOverrides,
}

/// Settings of one contract type that differ from the configured ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtpOverrides {
    /// Digits of a code, 4 to 10.
    pub code_length: Option<u8>,
    /// Lifetime of a code in seconds, 30 to 600.
    pub lifetime_seconds: Option<u32>,
    /// Resend window in seconds, 1 to 86,400.
    pub resend_window_seconds: Option<u32>,
}

/// A customer and the ways to reach them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerRecord {
    /// As the message addresses them.
    pub full_name: String,
    /// Their contacts; a contact's code is unique among them.
    pub contacts: Vec<ContactRecord>,
}

/// One contact.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactRecord {
    /// Its code.
    pub code: i64,
    /// 1 home, 3 mobile, 4 work, 5 fax, 6 emergency mobile, 7 emergency; others are kept and are no mobile.
    pub phone_type: i32,
    /// The number as it came, valid or not.
    pub number: String,
    /// Deleted contacts stay in the directory and are not found.
    pub deleted: bool,
}

impl std::fmt::Debug for ContactRecord {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            code,
            phone_type,
            deleted,
            ..
        } = self;
        write!(
            formatter,
            "ContactRecord {{ code: {code}, phone_type: {phone_type}, number: ***, deleted: {deleted} }}"
        )
    }
}

impl Record for InvokerRecord {
    const NAME: &'static str = "invoker";
    const VERSION: u8 = 1;
}

impl Record for ContractTypeRecord {
    const NAME: &'static str = "contract type";
    const VERSION: u8 = 1;
}

impl Record for CustomerRecord {
    const NAME: &'static str = "customer";
    const VERSION: u8 = 1;
}
