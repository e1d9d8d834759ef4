//! Customers with their contacts, and the locks that wrong tries put on a contact.

use super::super::Gateway;
use super::super::exchange::{Answer, Exchange};
use super::super::form;
use super::super::otp::problem;
use super::super::problem::{Code, Problem};
use super::{admit, apply, json, no_content, read_row, store_problem, unknown};
use actors::directory::Change;
use actors::directory::records::{ContactRecord, CustomerRecord};
use actors::ids::{ContactId, CustomerId};
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

/// A customer, as it is put and shown.
#[derive(Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomerRow {
    /// As the message addresses them; 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub(super) full_name: String,
    /// At most 64, each with a code of its own.
    #[serde(deserialize_with = "form::objects")]
    #[schema(max_items = 64)]
    pub(super) contacts: Vec<ContactRow>,
}

/// A contact, as it is put and shown.
#[derive(Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactRow {
    /// Its code, unique within its customer.
    #[serde(deserialize_with = "form::integer")]
    contact_ccms_code: i64,
    /// 1 home, 3 mobile, 4 work, 5 fax, 6 emergency mobile, 7 emergency.
    #[serde(deserialize_with = "form::integer")]
    phone_type: i32,
    /// As it came, valid or not; at most 40 characters.
    #[schema(max_length = 40)]
    number: String,
    /// A deleted contact is kept and not found.
    #[serde(default)]
    deleted: bool,
}

impl CustomerRow {
    /// As it is stored.
    pub(super) fn record(self) -> CustomerRecord {
        let contacts = self.contacts.into_iter().map(|row| ContactRecord {
            code: row.contact_ccms_code,
            phone_type: row.phone_type,
            number: row.number,
            deleted: row.deleted,
        });
        CustomerRecord {
            full_name: self.full_name,
            contacts: contacts.collect(),
        }
    }

    fn of(record: CustomerRecord) -> Self {
        let contacts = record.contacts.into_iter().map(|contact| ContactRow {
            contact_ccms_code: contact.code,
            phone_type: contact.phone_type,
            number: contact.number,
            deleted: contact.deleted,
        });
        Self {
            full_name: record.full_name,
            contacts: contacts.collect(),
        }
    }
}

/// One.
pub async fn one(gateway: Gateway, code: String, mut exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET, Method::PUT, Method::DELETE])?;
    let id = CustomerId(integer(&code, "the customer's code")?);
    if exchange.method == Method::PUT {
        let row: CustomerRow = read_row(&gateway, &mut exchange).await?;
        apply(&gateway, Change::PutCustomer(id, row.record())).await?;
    }
    if exchange.method == Method::DELETE {
        apply(&gateway, Change::DeleteCustomer(id)).await?;
        return Ok(no_content());
    }
    let record = gateway
        .directory
        .customer(id)
        .await
        .map_err(|error| store_problem(&error))?;
    Ok(json(
        StatusCode::OK,
        &CustomerRow::of(record.ok_or_else(unknown)?.record.clone()),
    ))
}

/// Lifts a contact's lock.
pub async fn lock(gateway: Gateway, [customer, contact]: [String; 2], exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::DELETE])?;
    let customer = CustomerId(integer(&customer, "the customer's code")?);
    let contact = ContactId(integer(&contact, "the contact's code")?);
    let record = gateway
        .directory
        .customer(customer)
        .await
        .map_err(|error| store_problem(&error))?;
    if !record.is_some_and(|record| record.record.contacts.iter().any(|known| known.code == contact.0)) {
        return Err(unknown());
    }
    gateway.otp.lift_lock(customer, contact).await.map_err(problem)?;
    tracing::info!(%customer, %contact, "an administrator lifted a contact's lock");
    Ok(no_content())
}

fn integer(text: &str, what: &str) -> Result<i64, Problem> {
    text.parse()
        .map_err(|_| Problem::new(Code::InvalidField, format!("{what} in the path must be an Int64")))
}
