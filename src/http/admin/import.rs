//! `POST /admin/v1/import`: a stream of newline-delimited JSON, in bounded memory, each line whole or not at all.

use super::super::Gateway;
use super::super::exchange::{Answer, Exchange};
use super::super::form::{self, Object};
use super::super::problem::Problem;
use super::contract_types::{ContractTypeRow, OtpRow};
use super::customers::{ContactRow, CustomerRow};
use super::explain::explain;
use super::lines::{Lines, Taken};
use super::{ROW_BYTES_MAX, admit, json, store_problem};
use actors::directory::{CHANGES_PER_BATCH_MAX, Change};
use actors::ids::{ContractTypeId, CustomerId, InvokerCode};
use actors::secret::Secret;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Bytes of lines that one commit takes: half of what a batch may have, since a row is never larger than its line.
const BATCH_BYTES_MAX: usize = 512 * 1_024;
/// Rejected lines that are named; beyond them they are only counted, so that the answer stays in bounds.
const REJECTED_NAMED_MAX: usize = 10_000;

/// One line.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    ContractType {
        #[serde(deserialize_with = "form::integer")]
        id: u8,
        title: String,
        #[serde(default, deserialize_with = "form::object")]
        otp: OtpRow,
    },
    Invoker {
        code: Uuid,
        name: String,
        #[serde(deserialize_with = "form::integers")]
        contract_types: Vec<u8>,
        #[serde(default)]
        key: Option<String>,
    },
    Customer {
        #[serde(deserialize_with = "form::integer")]
        ccms_code: i64,
        full_name: String,
        #[serde(default, deserialize_with = "form::objects")]
        contacts: Vec<ContactRow>,
    },
}

/// What an import came to.
#[derive(Default, Serialize, utoipa::ToSchema)]
pub struct Imported {
    /// Lines that are durable and visible.
    imported: u64,
    /// Lines that were not taken, and why.
    rejected: Vec<RejectedLine>,
    /// Rejected lines beyond the first 10,000, which are not named.
    #[serde(skip_serializing_if = "is_zero")]
    rejected_unnamed: u64,
}

/// A line that was not taken.
#[derive(Serialize, utoipa::ToSchema)]
pub struct RejectedLine {
    /// Its number, from 1.
    line: u64,
    /// Why.
    reason: String,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Imports.
pub async fn import(gateway: Gateway, mut exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::POST])?;
    exchange.expect_type(&[
        "application/x-ndjson",
        "application/jsonl",
        "application/json",
        "text/plain",
        "application/octet-stream",
        // What curl says by itself of `--data-binary`.
        "application/x-www-form-urlencoded",
    ])?;
    let mut import = Import::default();
    let mut lines = Lines::new(ROW_BYTES_MAX);
    while let Some(piece) = exchange.next_piece().await? {
        for line in lines.push(&piece) {
            import.take(&gateway, &line).await?;
        }
    }
    if let Some(line) = lines.finish() {
        import.take(&gateway, &line).await?;
    }
    import.commit(&gateway).await?;
    import.outcome.rejected.sort_by_key(|rejected| rejected.line);
    Ok(json(StatusCode::OK, &import.outcome))
}

#[derive(Default)]
struct Import {
    outcome: Imported,
    line: u64,
    waiting: Vec<(u64, Change)>,
    waiting_bytes: usize,
}

impl Import {
    async fn take(&mut self, gateway: &Gateway, line: &Taken) -> Result<(), Problem> {
        self.line += 1;
        let change = match line {
            Taken::Blank => return Ok(()),
            Taken::TooLong => Err(format!("the line has more than {ROW_BYTES_MAX} bytes")),
            Taken::Whole(bytes) => {
                self.waiting_bytes += bytes.len();
                parse(bytes)
            }
        };
        match change {
            Err(reason) => self.reject(self.line, reason),
            Ok(change) => self.waiting.push((self.line, change)),
        }
        if self.waiting.len() >= CHANGES_PER_BATCH_MAX || self.waiting_bytes >= BATCH_BYTES_MAX {
            self.commit(gateway).await?;
        }
        Ok(())
    }

    async fn commit(&mut self, gateway: &Gateway) -> Result<(), Problem> {
        self.waiting_bytes = 0;
        let (lines, changes): (Vec<u64>, Vec<Change>) = self.waiting.drain(..).unzip();
        if changes.is_empty() {
            return Ok(());
        }
        let applied = gateway
            .directory
            .apply(changes)
            .await
            .map_err(|error| store_problem(&error))?;
        for (line, result) in lines.into_iter().zip(applied) {
            match result {
                Ok(()) => self.outcome.imported += 1,
                Err(unfit) => self.reject(line, unfit.to_string()),
            }
        }
        Ok(())
    }

    fn reject(&mut self, line: u64, reason: String) {
        if self.outcome.rejected.len() < REJECTED_NAMED_MAX {
            self.outcome.rejected.push(RejectedLine { line, reason });
        } else {
            self.outcome.rejected_unnamed += 1;
        }
    }
}

/// A line as the change that it asks for, or what is wrong with it.
pub(in crate::http) fn parse(line: &[u8]) -> Result<Change, String> {
    let Object(line) = serde_json::from_slice::<Object<Line>>(line).map_err(|error| explain(&error))?;
    Ok(match line {
        Line::ContractType { id, title, otp } => {
            Change::PutContractType(ContractTypeId(id), ContractTypeRow { title, otp }.record())
        }
        Line::Invoker {
            code,
            name,
            contract_types,
            key,
        } => Change::PutInvoker {
            code: InvokerCode(code),
            name,
            contract_types,
            key: key.map(Secret::new),
        },
        Line::Customer {
            ccms_code,
            full_name,
            contacts,
        } => Change::PutCustomer(
            CustomerId(ccms_code),
            CustomerRow { full_name, contacts }.record(),
        ),
    })
}
