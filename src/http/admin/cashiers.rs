//! Cashiers: registered by their agents, seen and set here.

use super::super::Gateway;
use super::super::exchange::{Answer, Exchange};
use super::super::form;
use super::super::problem::{Code, Problem};
use super::{admit, change_account, json, moment, read_row, unknown};
use actors::accounts::Change;
use actors::accounts::records::CashierRecord;
use actors::ids::{AccountId, CashierId};
use fiscal::RegisterNumber;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What an administrator may change of a cashier; the rest is what their key says.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CashierRow {
    /// As it is printed; 1 to 128 characters.
    #[schema(min_length = 1, max_length = 128)]
    name: String,
    /// A senior cashier, who may close the shifts of others.
    #[serde(default)]
    is_senior: bool,
    /// Whether they may sign at all.
    is_active: bool,
    /// The registers that they may use, by fiscal number; null: all of their account.
    #[serde(default, deserialize_with = "optional_numbers")]
    #[schema(max_items = 500)]
    registers: Option<Vec<u64>>,
}

fn optional_numbers<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u64>>, D::Error> {
    struct Numbers(Vec<u64>);
    impl<'de> Deserialize<'de> for Numbers {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            form::integers(deserializer).map(Numbers)
        }
    }
    let numbers = Option::<Numbers>::deserialize(deserializer)?;
    Ok(numbers.map(|Numbers(numbers)| numbers))
}

/// A cashier, as it is shown.
#[derive(Serialize, utoipa::ToSchema)]
pub struct CashierView {
    id: Uuid,
    account: Uuid,
    name: String,
    is_senior: bool,
    is_active: bool,
    registers: Option<Vec<u64>>,
    /// The key in an agent's store.
    key: Uuid,
    /// By which the tax service knows the key (hexadecimal).
    subject_key_id: String,
    /// The certificate's serial number (hexadecimal).
    serial: String,
    /// The taxpayer's number in the certificate.
    tax_number: Option<String>,
    valid_from: String,
    valid_until: String,
    registered_at: String,
}

/// One.
pub async fn one(gateway: Gateway, id: String, mut exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET, Method::PUT])?;
    let invalid = |_| Problem::new(Code::InvalidField, "the cashier's id in the path must be a GUID");
    let id = Uuid::parse_str(&id).map(CashierId).map_err(invalid)?;
    if exchange.method == Method::PUT {
        let row: CashierRow = read_row(&gateway, &mut exchange).await?;
        let earlier = gateway.accounts.cashier(id).ok_or_else(unknown)?;
        let record = CashierRecord {
            name: row.name,
            is_senior: row.is_senior,
            is_active: row.is_active,
            registers: row
                .registers
                .map(|numbers| of_account(&gateway, earlier.account, numbers))
                .transpose()?,
            ..CashierRecord::clone(&earlier)
        };
        change_account(&gateway, Change::PutCashier(id, Box::new(record))).await?;
    }
    let record = gateway.accounts.cashier(id).ok_or_else(unknown)?;
    Ok(json(StatusCode::OK, &view(id, &record)))
}

fn of_account(
    gateway: &Gateway,
    account: AccountId,
    numbers: Vec<u64>,
) -> Result<Vec<RegisterNumber>, Problem> {
    let unfit = || {
        Problem::new(
            Code::UnfitObject,
            "registers: one is none of the cashier's account",
        )
    };
    let known = |number| {
        let number = RegisterNumber::new(number).ok()?;
        gateway.accounts.till_of(account, number).map(|_| number)
    };
    numbers
        .into_iter()
        .map(|number| known(number).ok_or_else(unfit))
        .collect()
}

pub(super) fn view(id: CashierId, record: &CashierRecord) -> CashierView {
    let registers = record.registers.as_ref();
    CashierView {
        id: id.0,
        account: record.account.0,
        name: record.name.clone(),
        is_senior: record.is_senior,
        is_active: record.is_active,
        registers: registers.map(|numbers| numbers.iter().map(|number| number.get()).collect()),
        key: record.key.0,
        subject_key_id: record.subject_key_id.clone(),
        serial: record.serial.clone(),
        tax_number: record.tax_number.clone(),
        valid_from: moment(record.valid_from_ms),
        valid_until: moment(record.valid_until_ms),
        registered_at: moment(record.registered_ms),
    }
}
