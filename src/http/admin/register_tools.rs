//! What a person may do with a register by hand: ask where it stands, take it offline and back, say what became of a document in doubt,
//! close the shift of another cashier. Each use is kept, with who and what, before it is done and with what came of it.

use super::super::Gateway;
use super::super::exchange::{Answer, Exchange};
use super::super::problem::{Code, Problem};
use super::registers::{RegisterState, parse, trouble};
use super::{admit, json, moment, read_row, store_problem, unknown};
use crate::http::cashdesk::CashDesk;
use actors::accounts::Caller;
use actors::ids::CashierId;
use actors::machines::register::{Finding, OperationState, Request, Tool};
use actors::register::Ordered;
use actors::register::audit::{Audit, AuditRecord, OPERATOR_CHARACTERS_MAX};
use fiscal::{FiscalNumber, RegisterNumber};
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// The header in which whoever uses a tool names themselves.
pub const OPERATOR: &str = "countersign-operator";
/// The name of whoever does not: the key's.
const NOBODY: &str = "administrator";
/// How long a close is waited for: a Z-report and a close, each with a signature. It goes on after it.
const CLOSE_WAIT: Duration = Duration::from_secs(28);
/// The most that one page of the audit holds.
const PAGE_MAX: usize = 200;

/// What a person found of a document in doubt; nothing for a register that was stopped without one.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Resolution {
    /// Whether the tax service has the document in doubt; null where there is none.
    issued: Option<bool>,
    /// Its fiscal number, where it has it.
    #[schema(max_length = 128)]
    fiscal_number: Option<String>,
}

/// Whose key closes.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Closing {
    /// The cashier, who opened the shift or is a senior one; null: any senior cashier of the account who may use the register.
    cashier: Option<Uuid>,
}

/// A use of a tool.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Used {
    /// When (RFC 3339, UTC).
    at: String,
    /// The same in milliseconds since 1970: `after_ms` of the next page.
    at_ms: i64,
    /// Who, as they named themselves (`Countersign-Operator`), or `administrator`.
    operator: String,
    /// `resync`, `offline`, `online`, `resolve` or `close-shift`.
    tool: String,
    /// With what.
    detail: String,
    /// What came of it; empty where the gateway ended before that was known.
    outcome: String,
}

impl From<AuditRecord> for Used {
    fn from(record: AuditRecord) -> Self {
        Self {
            at: moment(record.at_ms),
            at_ms: record.at_ms,
            operator: record.operator,
            tool: record.tool,
            detail: record.detail,
            outcome: record.outcome,
        }
    }
}

/// A register that a tool is used on.
struct Bench<'a> {
    face: &'a CashDesk,
    number: RegisterNumber,
    audit: Audit,
    operator: String,
}

impl<'a> Bench<'a> {
    fn of(gateway: &'a Gateway, number: &str, exchange: &Exchange) -> Result<Self, Problem> {
        let number = parse(number)?;
        gateway.accounts.till(number).ok_or_else(unknown)?;
        let served = || Problem::new(Code::Unavailable, "no registers are served: set tax.url");
        let face = gateway.cashdesk.as_ref().ok_or_else(served)?;
        let named = exchange.headers.get(OPERATOR);
        let operator = match named.map(|name| name.to_str()) {
            None => NOBODY.to_owned(),
            Some(Ok(name)) if (1..=OPERATOR_CHARACTERS_MAX).contains(&name.trim().len()) => {
                name.trim().to_owned()
            }
            Some(_) => {
                let detail = format!(
                    "Countersign-Operator: must be 1 to {OPERATOR_CHARACTERS_MAX} visible characters"
                );
                return Err(Problem::new(Code::InvalidField, detail));
            }
        };
        let audit = Audit {
            store: Arc::clone(&gateway.store),
            clock: Arc::clone(&gateway.clock),
            randomness: Arc::clone(&gateway.randomness),
        };
        Ok(Self {
            face,
            number,
            audit,
            operator,
        })
    }

    /// Keeps that it is to be done, does it, keeps what came of it.
    async fn used<T>(
        &self,
        tool: &str,
        detail: &str,
        deed: impl Future<Output = Result<(T, String), Problem>>,
    ) -> Result<T, Problem> {
        let begun = self.audit.begin(self.number, &self.operator, tool, detail).await;
        let begun = begun.map_err(|error| store_problem(&error))?;
        let done = deed.await;
        let outcome = match &done {
            Ok((_, outcome)) => outcome.clone(),
            Err(problem) => problem.code().slug().to_owned(),
        };
        let ended = self.audit.end(begun, &outcome).await;
        ended.map_err(|error| store_problem(&error))?;
        done.map(|(result, _)| result)
    }

    async fn state(&self) -> Answer {
        let view = self.face.registers.look(self.number).await.map_err(trouble)?;
        Ok(json(StatusCode::OK, &RegisterState::of(self.number, &view)))
    }

    async fn tool(&self, tool: Tool, name: &str, why_not: &'static str) -> Answer {
        self.used(name, "", async {
            let taken = self
                .face
                .registers
                .tool(self.number, tool)
                .await
                .map_err(trouble)?;
            taken_or(taken, why_not)
        })
        .await?;
        self.state().await
    }
}

fn taken_or(taken: bool, why_not: &'static str) -> Result<((), String), Problem> {
    if taken {
        Ok(((), "taken".to_owned()))
    } else {
        Err(Problem::new(Code::UnfitObject, why_not))
    }
}

/// Asks the tax service where the register stands.
pub async fn resync(gateway: Gateway, number: String, exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::POST])?;
    let bench = Bench::of(&gateway, &number, &exchange)?;
    let why_not =
        "the register waits for a person (resolve it first), or is kept offline (take it online first)";
    bench.tool(Tool::Resynchronise, "resync", why_not).await
}

/// Takes it offline, where it stays.
pub async fn offline(gateway: Gateway, number: String, exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::POST])?;
    let bench = Bench::of(&gateway, &number, &exchange)?;
    let why_not = "the register cannot go offline now: its state says why (cannot_go_offline), or a document is on its way";
    bench.tool(Tool::GoOffline, "offline", why_not).await
}

/// Lets it come back as soon as the tax service can be reached.
pub async fn online(gateway: Gateway, number: String, exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::POST])?;
    let bench = Bench::of(&gateway, &number, &exchange)?;
    bench
        .tool(Tool::GoOnline, "online", "the register is not offline")
        .await
}

/// Unblocks a register that waits for a person.
pub async fn resolve(gateway: Gateway, number: String, mut exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::POST])?;
    let resolution: Resolution = read_row(&gateway, &mut exchange).await?;
    let bench = Bench::of(&gateway, &number, &exchange)?;
    let finding = finding(&resolution)?;
    let detail = match &finding {
        None => "no document in doubt".to_owned(),
        Some(Finding::NotIssued) => "not issued".to_owned(),
        Some(Finding::Issued(number)) => format!("issued as {number}"),
    };
    bench
        .used("resolve", &detail, async {
            let taken = bench.face.registers.resolve(bench.number, finding).await;
            let why_not = "the register does not wait for a person; or it has a document in doubt and `issued` is missing, or \
                           has none and it is there";
            taken_or(taken.map_err(trouble)?, why_not)
        })
        .await?;
    bench.state().await
}

fn finding(resolution: &Resolution) -> Result<Option<Finding>, Problem> {
    let unfit = |detail: &str| Problem::new(Code::InvalidField, detail);
    match (resolution.issued, &resolution.fiscal_number) {
        (None, None) => Ok(None),
        (Some(false), None) => Ok(Some(Finding::NotIssued)),
        (Some(true), Some(number)) => FiscalNumber::new(number.clone())
            .map(|number| Some(Finding::Issued(number)))
            .map_err(|_| unfit("fiscal_number: must be 1 to 128 visible characters")),
        _ => Err(unfit(
            "fiscal_number: belongs to issued: true, and to nothing else",
        )),
    }
}

/// Closes the shift, with the key of its cashier or of a senior one.
pub async fn close_shift(gateway: Gateway, number: String, mut exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::POST])?;
    let closing: Closing = read_row(&gateway, &mut exchange).await?;
    let bench = Bench::of(&gateway, &number, &exchange)?;
    let cashier = cashier(&bench, &closing)?;
    bench
        .used(
            "close-shift",
            &format!("with the key of the cashier {cashier}"),
            async { close(&bench, cashier).await.map(|state| ((), state)) },
        )
        .await?;
    bench.state().await
}

fn cashier(bench: &Bench<'_>, closing: &Closing) -> Result<CashierId, Problem> {
    if let Some(id) = closing.cashier {
        return Ok(CashierId(id));
    }
    let till = bench.face.accounts.till(bench.number).ok_or_else(unknown)?;
    let cashiers = bench.face.accounts.cashiers_of(till.account);
    let senior = cashiers
        .into_iter()
        .find(|(_, cashier)| cashier.is_senior && cashier.may_use(bench.number));
    let none = || {
        Problem::new(
            Code::UnfitObject,
            "the account has no senior cashier who may use the register: name the cashier who opened the shift",
        )
    };
    senior.map(|(id, _)| id).ok_or_else(none)
}

async fn close(bench: &Bench<'_>, cashier: CashierId) -> Result<String, Problem> {
    let till = bench.face.accounts.till(bench.number).ok_or_else(unknown)?;
    let caller = Caller {
        account: till.account,
        cashier: Some(cashier),
    };
    let signer = bench.face.accounts.signer(caller, Some(bench.number));
    let signer = signer.map_err(|reason| Problem::new(Code::UnfitObject, reason.to_string()))?;
    let unit = till
        .unit()
        .map_err(|error| Problem::new(Code::UnfitObject, error.to_string()))?;
    let asked = bench
        .face
        .registers
        .order(Ordered {
            register: bench.number,
            request: Request::CloseShift,
            signer,
            unit: Arc::new(unit),
            open_shift: None,
            hold: CLOSE_WAIT,
            lifetime: CLOSE_WAIT,
            claim: None,
            reference: None,
        })
        .await
        .map_err(trouble)?;
    let operation = asked.answer.operation;
    match asked.answer.state {
        OperationState::Done(_) => Ok(format!("closed, operation {operation}")),
        OperationState::Pending => Ok(format!("not resolved yet, operation {operation}")),
        OperationState::Refused(refusal) => {
            let detail = format!("the shift was not closed: {refusal:?}");
            Err(Problem::new(Code::UnfitObject, detail))
        }
        OperationState::Cancelled(why) => {
            let detail = format!("the shift was not closed, and may be tried again: {why:?}");
            Err(Problem::new(Code::Unavailable, detail).retry_after(5))
        }
    }
}

/// What was done with a register by hand, oldest first, at most 200; `after_ms` begins behind that moment.
pub async fn audit(gateway: Gateway, number: String, exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET])?;
    let bench = Bench::of(&gateway, &number, &exchange)?;
    let pairs = exchange.query.split('&').filter_map(|pair| pair.split_once('='));
    let after = pairs
        .filter(|(name, _)| *name == "after_ms")
        .map(|(_, value)| value.parse::<i64>())
        .next()
        .transpose()
        .map_err(|_| Problem::new(Code::InvalidField, "after_ms: must be milliseconds since 1970"))?;
    let listed = bench.audit.list(bench.number, after, PAGE_MAX).await;
    let listed = listed.map_err(|error| store_problem(&error))?;
    let shown: Vec<Used> = listed.into_iter().map(Used::from).collect();
    Ok(json(StatusCode::OK, &shown))
}
