//! Audits and exports of the evidence log.

use super::super::Gateway;
use super::super::exchange::{Answer, Exchange};
use super::super::form;
use super::super::log::problem;
use super::super::problem::{Code, Problem};
use super::{admit, json, read_row, unknown};
use actors::evidence::{AUDIT_LEAVES_MAX, AuditFinding, AuditPage, audit_head, audit_leaves, audit_owed};
use actors::trouble::Trouble;
use evidence::checkpoint::Verifier;
use evidence::{Bundle, Identity, Scalar};
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

/// Which part of the log to audit.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditRow {
    /// The first leaf of the page; pages begin at multiples of 256.
    #[serde(deserialize_with = "form::integer")]
    #[schema(minimum = 0, maximum = 9_223_372_036_854_775_807_i64)]
    from: u64,
    /// Whether every container is hashed again, and not only the tree.
    #[serde(default)]
    full: bool,
}

/// What a page of the audit came to.
#[derive(Serialize, utoipa::ToSchema)]
pub struct AuditView {
    /// The first leaf of the next page.
    next: u64,
    /// Leaves of the log.
    size: u64,
    /// Whether this was the last page; then head and checkpoint were compared too.
    done: bool,
    /// What is not as it was recorded.
    findings: Vec<FindingView>,
}

/// Something that is not as it was recorded.
#[derive(Serialize, utoipa::ToSchema)]
pub struct FindingView {
    /// Which stored value.
    what: String,
    /// What is wrong with it.
    detail: String,
}

/// Whose containers to export.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BundleRow {
    /// The integration that recorded them.
    integration: String,
    /// Its ClientIntegrationId.
    client: String,
    /// ContractId, as text.
    contract: String,
    /// CompanyId, as text; without it those of every company.
    #[serde(default)]
    company: Option<String>,
}

/// Audits a page.
pub async fn audit(gateway: Gateway, mut exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::POST])?;
    let row: AuditRow = read_row(&gateway, &mut exchange).await?;
    let service = &gateway.evidence;
    let failed = |error: storage::Error| problem(Trouble::of_store(&error));
    let store = service.store();
    let page = audit_leaves(store.as_ref(), row.from, AUDIT_LEAVES_MAX, row.full).await;
    let AuditPage {
        next,
        size,
        mut findings,
    } = page.map_err(failed)?;
    let done = next >= size;
    if done {
        let keys: Vec<Verifier> = service.checkpoints().keys().cloned().collect();
        findings.extend(audit_head(store, &keys).await.map_err(failed)?);
        findings.extend(audit_owed(store.as_ref()).await.map_err(failed)?);
    }
    service.metrics().audited.inc_by(next.saturating_sub(row.from));
    service
        .metrics()
        .audit_findings
        .inc_by(u64::try_from(findings.len()).unwrap_or(u64::MAX));
    let finding = |AuditFinding { what, detail }| FindingView { what, detail };
    let view = AuditView {
        next,
        size,
        done,
        findings: findings.into_iter().map(finding).collect(),
    };
    Ok(json(StatusCode::OK, &view))
}

/// A bundle of everything that was recorded of a contract.
pub async fn bundle(gateway: Gateway, mut exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::POST])?;
    let row: BundleRow = read_row(&gateway, &mut exchange).await?;
    let identity = Identity {
        client_integration_id: row.client,
        contract_id: Scalar::Text(row.contract),
        company_id: row.company.map(Scalar::Text),
    };
    let service = &gateway.evidence;
    let recorded = service
        .recorded(&row.integration, &identity)
        .await
        .map_err(problem)?;
    if recorded.is_empty() {
        return Err(unknown());
    }
    let mut entries = Vec::with_capacity(recorded.len());
    for recorded in recorded {
        let receipt = service.receipt(recorded.hash).await.map_err(problem)?;
        let lost = || Problem::new(Code::Internal, "a recorded leaf has no receipt");
        entries.push((recorded.bytes, receipt.ok_or_else(lost)?));
    }
    Ok(json(StatusCode::OK, &Bundle::new(entries)))
}
