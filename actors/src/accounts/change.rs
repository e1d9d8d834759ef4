//! Changes to users, registers, cashiers and tokens, each judged before anything of it is written.

use super::password::PasswordRecord;
use super::records::{CashierRecord, TillRecord, TokenRecord};
use crate::directory::Unfit;
use crate::directory::keys::{KeyDigest, check_key};
use crate::ids::{AccountId, CashierId};
use crate::machines::register::{AutoClose, SHIFT_MAX, Settings, TAX_NAME_CHARACTERS_MAX, TAXES_MAX};
use crate::secret::Secret;
use fiscal::RegisterNumber;
use fiscal::arithmetic::TaxTable;
use std::time::Duration;
use uuid::Uuid;

/// One change.
#[derive(Clone, Debug)]
pub enum Change {
    /// A user; keys and, unless one is given, the password stay.
    PutAccount {
        /// Its id.
        id: AccountId,
        /// What is put.
        facts: AccountFacts,
    },
    /// A permanent key (`api_token`) to accept from now on.
    AddKey {
        /// Whose.
        account: AccountId,
        /// The key.
        key: Secret,
        /// Its id, drawn by the caller.
        id: Uuid,
    },
    /// A permanent key to accept no longer.
    RevokeKey {
        /// Whose.
        account: AccountId,
        /// Which.
        id: Uuid,
    },
    /// A register, in place of an earlier row.
    PutTill(RegisterNumber, Box<TillRecord>),
    /// A register that the tax service names: what it says of one is taken over, the settings stay; one that belongs to another account, or
    /// whose row already says all this, stays as it is.
    SynchroniseTill(RegisterNumber, Box<TillRecord>),
    /// Forgets a register; its documents stay.
    DeleteTill(RegisterNumber),
    /// A cashier, in place of an earlier row.
    PutCashier(CashierId, Box<CashierRecord>),
    /// A token to accept from now on. Tokens of the account that have ended go with it, and where it has [`TOKENS_PER_ACCOUNT_MAX`], the
    /// oldest that was given for email and password.
    IssueToken(KeyDigest, TokenRecord),
    /// A token to accept no longer.
    RevokeToken {
        /// Whose.
        account: AccountId,
        /// Which.
        id: Uuid,
    },
}

/// What an administrator says of a user.
#[derive(Clone, Debug)]
pub struct AccountFacts {
    /// Its name, for people.
    pub name: String,
    /// By which it authenticates; taken in lower case.
    pub email: Option<String>,
    /// A new password; `None`: the earlier one stays, where the email does.
    pub password: Option<PasswordRecord>,
    /// Whether it may call at all.
    pub is_active: bool,
    /// How long its requests are held, in seconds.
    pub hold_seconds: Option<u16>,
    /// Whether it may load a key into its agent through the gateway.
    pub may_relay_keys: bool,
}

/// More tokens than an account's cash desks are: a client that authenticates at each start and never stops is stopped here.
pub const TOKENS_PER_ACCOUNT_MAX: usize = 1_000;
/// More keys than a rotation ever needs.
pub(super) const KEYS_PER_ACCOUNT_MAX: usize = 16;
/// The longest name of a person, a shop or a register: documents carry 128 characters of a cashier's and 256 of the others'.
const NAME_CHARACTERS_MAX: usize = 256;
const CASHIER_CHARACTERS_MAX: usize = 128;
/// The longest address of e-mail (RFC 5321).
const EMAIL_CHARACTERS_MAX: usize = 254;
/// How long a caller may be held: a second, and what the slowest client waits for less a margin.
const HOLD_SECONDS: std::ops::RangeInclusive<u32> = 1..=600;
/// Registers that a cashier may be bound to by name; a cashier of more may use all of the account.
const REGISTERS_PER_CASHIER_MAX: usize = 500;

impl Change {
    /// Checks everything that can be known without the rest.
    ///
    /// # Errors
    /// [`Unfit`], which names the field.
    pub fn check(&self) -> Result<(), Unfit> {
        match self {
            Self::PutAccount { facts, .. } => check_account(facts),
            Self::AddKey { key, .. } => Ok(check_key(key)?),
            Self::PutTill(_, record) | Self::SynchroniseTill(_, record) => check_till(record),
            Self::PutCashier(_, record) => check_cashier(record),
            Self::RevokeKey { .. }
            | Self::DeleteTill(_)
            | Self::IssueToken(..)
            | Self::RevokeToken { .. } => Ok(()),
        }
    }
}

fn check_account(facts: &AccountFacts) -> Result<(), Unfit> {
    length("name", &facts.name, 1, NAME_CHARACTERS_MAX)?;
    if let Some(email) = &facts.email {
        length("email", email, 3, EMAIL_CHARACTERS_MAX)?;
        let has_sides = email
            .split_once('@')
            .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
        if !has_sides || email.chars().any(char::is_whitespace) {
            return Err(Unfit::Form {
                field: "email",
                form: "an address of e-mail",
            });
        }
    }
    range("hold_seconds", facts.hold_seconds.map(u32::from), &HOLD_SECONDS)
}

fn check_till(record: &TillRecord) -> Result<(), Unfit> {
    length("name", &record.name, 0, NAME_CHARACTERS_MAX)?;
    length(
        "seller.organisation",
        &record.seller.organisation,
        1,
        NAME_CHARACTERS_MAX,
    )?;
    length("seller.point", &record.seller.point, 1, NAME_CHARACTERS_MAX)?;
    let address = record.seller.address.as_deref().unwrap_or("-");
    length("seller.address", address, 1, NAME_CHARACTERS_MAX)?;
    digits("seller.tax_number", &record.seller.tax_number, 8, 10)?;
    if let Some(vat_number) = &record.seller.vat_number {
        digits("seller.vat_number", vat_number, 9, 12)?;
    }
    if record.taxes.len() > TAXES_MAX {
        return Err(Unfit::TooMany {
            field: "taxes",
            max: TAXES_MAX,
        });
    }
    for tax in &record.taxes {
        length("taxes.name", &tax.name, 1, TAX_NAME_CHARACTERS_MAX)?;
    }
    TaxTable::new(record.taxes.clone()).map_err(|error| Unfit::Taxes(error.to_string()))?;
    check_settings(&record.settings)
}

fn check_settings(settings: &Settings) -> Result<(), Unfit> {
    if let AutoClose::BeforeMidnight { minutes } = settings.auto_close {
        range("settings.auto_close.minutes", Some(minutes.into()), &(1..=720))?;
    }
    let seconds = |field, duration: Duration, most| {
        let seconds = u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
        range(field, Some(seconds), &(1..=most))
    };
    let day = u32::try_from(SHIFT_MAX.as_secs()).unwrap_or(u32::MAX);
    seconds("settings.signature_seconds", settings.signature_max, day)?;
    seconds("settings.post_seconds", settings.post_max, day)?;
    seconds("settings.query_seconds", settings.query_max, day)
}

fn check_cashier(record: &CashierRecord) -> Result<(), Unfit> {
    length("name", &record.name, 1, CASHIER_CHARACTERS_MAX)?;
    let is_hexadecimal = |text: &str| {
        let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        digits && text.len().is_multiple_of(2)
    };
    if !is_hexadecimal(&record.subject_key_id) || !(2..=128).contains(&record.subject_key_id.len()) {
        let form = "octets in hexadecimal, in lower case";
        return Err(Unfit::Form {
            field: "subject_key_id",
            form,
        });
    }
    let registers = record.registers.as_ref().map_or(0, Vec::len);
    if registers > REGISTERS_PER_CASHIER_MAX {
        let max = REGISTERS_PER_CASHIER_MAX;
        return Err(Unfit::TooMany {
            field: "registers",
            max,
        });
    }
    Ok(())
}

fn length(field: &'static str, text: &str, min: usize, max: usize) -> Result<(), Unfit> {
    let characters = text.chars().count();
    if (min..=max).contains(&characters) {
        return Ok(());
    }
    Err(Unfit::Length { field, min, max })
}

fn digits(field: &'static str, text: &str, min: usize, max: usize) -> Result<(), Unfit> {
    length(field, text, min, max)?;
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    Err(Unfit::Form {
        field,
        form: "digits",
    })
}

fn range(
    field: &'static str,
    value: Option<u32>,
    bounds: &std::ops::RangeInclusive<u32>,
) -> Result<(), Unfit> {
    match value {
        Some(value) if !bounds.contains(&value) => Err(Unfit::Range {
            field,
            min: *bounds.start(),
            max: *bounds.end(),
        }),
        _ => Ok(()),
    }
}
