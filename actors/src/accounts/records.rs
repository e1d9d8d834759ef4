//! The rows of users, registers, cashiers and tokens as they are stored.

use super::password::PasswordRecord;
use crate::directory::records::KeyRecord;
use crate::ids::{AccountId, CashierId, KeyId};
use crate::machines::register::{SellerFacts, Settings, Unit};
use fiscal::CashDeskNumber;
use fiscal::RegisterNumber;
use fiscal::arithmetic::{Error as TaxError, Tax, TaxTable};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage::record::Record;
use uuid::Uuid;

/// A user: an integrator's customer, whose registers are here (row `account/<id>`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRecord {
    /// Its name, for people.
    pub name: String,
    /// By which it authenticates, in lower case; unique.
    pub email: Option<String>,
    /// With which it authenticates.
    pub password: Option<PasswordRecord>,
    /// Its permanent keys (`api_token`), oldest first.
    pub keys: Vec<KeyRecord>,
    /// Whether it may call at all.
    pub is_active: bool,
    /// How long its requests are held, in seconds; `None`: as is configured.
    pub hold_seconds: Option<u16>,
    /// Whether it may load a key into its agent through the gateway.
    pub may_relay_keys: bool,
}

/// A cash register as the directory knows it (row `till/<fiscal number>`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TillRecord {
    /// Whose it is.
    pub account: AccountId,
    /// Its name at its owner.
    pub name: String,
    /// Who sells and where, as the tax service has it registered.
    pub seller: SellerFacts,
    /// The register's number at its owner.
    pub cash_desk: CashDeskNumber,
    /// Its documents are tests.
    pub is_testing: bool,
    /// Closed for good at the tax service.
    pub is_closed: bool,
    /// The taxes of its registration.
    pub taxes: Vec<Tax>,
    /// Its settings.
    pub settings: Settings,
    /// Who signs where the caller is the account itself and no cashier.
    pub cashier: Option<CashierId>,
    /// When the tax service last named it, in milliseconds since 1970.
    pub synchronised_ms: Option<i64>,
}

impl TillRecord {
    /// What the register's actor is told of it.
    ///
    /// # Errors
    /// Taxes that contradict one another; a change with such is refused, so that none is stored.
    pub fn unit(&self) -> Result<Unit, TaxError> {
        Ok(Unit {
            seller: self.seller.clone(),
            cash_desk: self.cash_desk,
            is_testing: self.is_testing,
            taxes: Arc::new(TaxTable::new(self.taxes.clone())?),
            settings: self.settings.clone(),
        })
    }
}

/// A cashier and the key that signs for them (row `cashier/<id>`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CashierRecord {
    /// Whose.
    pub account: AccountId,
    /// Their name, as it is printed.
    pub name: String,
    /// The key in an agent's store.
    pub key: KeyId,
    /// The key's identifier from its certificate, hexadecimal in lower case.
    pub subject_key_id: String,
    /// The certificate's serial number, hexadecimal in lower case; for people.
    pub serial: String,
    /// The taxpayer's number in the certificate (`drfo`), where it names one.
    pub tax_number: Option<String>,
    /// A senior cashier, who may close the shifts of others (rule 10).
    pub is_senior: bool,
    /// Whether they may sign at all.
    pub is_active: bool,
    /// The registers that they may use; `None`: all of their account.
    pub registers: Option<Vec<RegisterNumber>>,
    /// From when the certificate holds, in milliseconds since 1970.
    pub valid_from_ms: i64,
    /// Until when.
    pub valid_until_ms: i64,
    /// When they were registered, in milliseconds since 1970.
    pub registered_ms: i64,
}

impl CashierRecord {
    /// Whether they may use this register of their account.
    pub fn may_use(&self, register: RegisterNumber) -> bool {
        self.is_active
            && self
                .registers
                .as_ref()
                .is_none_or(|allowed| allowed.contains(&register))
    }
}

/// A token (row `user-token/<digest>`); the token itself is nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    /// By which it is revoked.
    pub id: Uuid,
    /// Whose.
    pub account: AccountId,
    /// The cashier for whom it was given; `None`: the account, by email and password.
    pub cashier: Option<CashierId>,
    /// When it was given, in milliseconds since 1970.
    pub issued_ms: i64,
    /// Until when it is taken.
    pub expires_ms: i64,
}

macro_rules! record {
    ($type:ty, $name:literal) => {
        impl Record for $type {
            const NAME: &'static str = $name;
            const VERSION: u8 = 1;
        }
    };
}
record!(AccountRecord, "account");
record!(TillRecord, "till");
record!(CashierRecord, "cashier");
record!(TokenRecord, "user token");
