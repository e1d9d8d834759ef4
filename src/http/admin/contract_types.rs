//! Contract types and the settings in which they differ.

use super::super::Gateway;
use super::super::exchange::{Answer, Exchange};
use super::super::form;
use super::super::problem::{Code, Problem};
use super::{admit, apply, json, no_content, read_row, unknown};
use actors::directory::Change;
use actors::directory::records::{ContractTypeRecord, OtpOverrides};
use actors::ids::ContractTypeId;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

/// A contract type, as it is put.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContractTypeRow {
    /// As the message names it; 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub(super) title: String,
    /// Settings that differ from the configured ones.
    #[serde(default, deserialize_with = "form::object")]
    pub(super) otp: OtpRow,
}

/// Settings of one contract type.
#[derive(Clone, Default, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OtpRow {
    /// Digits of a code.
    #[serde(
        deserialize_with = "form::optional_integer",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(minimum = 4, maximum = 10)]
    code_length: Option<u8>,
    /// Seconds for which a code may be verified.
    #[serde(
        deserialize_with = "form::optional_integer",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(minimum = 30, maximum = 600)]
    lifetime_seconds: Option<u32>,
    /// Seconds in which an identical send is refused.
    #[serde(
        deserialize_with = "form::optional_integer",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(minimum = 1, maximum = 86_400)]
    resend_window_seconds: Option<u32>,
}

/// A contract type, as it is shown.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ContractTypeView {
    id: u8,
    title: String,
    otp: OtpRow,
}

impl ContractTypeRow {
    /// As it is stored.
    pub(super) fn record(self) -> ContractTypeRecord {
        let OtpRow {
            code_length,
            lifetime_seconds,
            resend_window_seconds,
        } = self.otp;
        ContractTypeRecord {
            title: self.title,
            otp: OtpOverrides {
                code_length,
                lifetime_seconds,
                resend_window_seconds,
            },
        }
    }
}

/// All of them, by id.
pub async fn list(gateway: Gateway, exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET])?;
    let snapshot = gateway.directory.snapshot();
    let views: Vec<ContractTypeView> = snapshot
        .contract_types()
        .map(|(id, record)| view(*id, record))
        .collect();
    Ok(json(StatusCode::OK, &views))
}

/// One.
pub async fn one(gateway: Gateway, id: String, mut exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET, Method::PUT, Method::DELETE])?;
    let invalid = |_| {
        Problem::new(
            Code::InvalidField,
            "the contract type's id in the path must be 0 to 255",
        )
    };
    let id = id.parse().map(ContractTypeId).map_err(invalid)?;
    if exchange.method == Method::PUT {
        let row: ContractTypeRow = read_row(&gateway, &mut exchange).await?;
        apply(&gateway, Change::PutContractType(id, row.record())).await?;
    }
    if exchange.method == Method::DELETE {
        apply(&gateway, Change::DeleteContractType(id)).await?;
        return Ok(no_content());
    }
    let snapshot = gateway.directory.snapshot();
    let record = snapshot.contract_type(id).ok_or_else(unknown)?;
    Ok(json(StatusCode::OK, &view(id, record)))
}

fn view(id: ContractTypeId, record: &ContractTypeRecord) -> ContractTypeView {
    let OtpOverrides {
        code_length,
        lifetime_seconds,
        resend_window_seconds,
    } = record.otp;
    ContractTypeView {
        id: id.0,
        title: record.title.clone(),
        otp: OtpRow {
            code_length,
            lifetime_seconds,
            resend_window_seconds,
        },
    }
}
