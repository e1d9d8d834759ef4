//! `countersign evidence export|verify|key`, `countersign audit`.

use super::administration::AdminArguments;
use actors::random::OsRandomness;
use clap::{Args, Subcommand};
use countersign::secrets::evidence_key;
use evidence::Bundle;
use evidence::checkpoint::Verifier;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The largest bundle that is read: what the largest contract may come to, in base64, several times over.
const BUNDLE_BYTES_MAX: u64 = 512 * 1_024 * 1_024;
/// An hour and a minute: a page or a bundle may be half a gigabyte to be hashed, and a gateway may be set to hold a request for an hour.
const PAGE_MAX: Duration = Duration::from_secs(3_660);
/// Findings that are printed; the rest is counted.
const PRINTED_MAX: usize = 100;

#[derive(Subcommand)]
pub(super) enum Evidence {
    /// Write everything that was recorded of a contract into a file, with its proofs.
    Export(Export),
    /// Check such a file with nothing but the log's public key; needs no gateway.
    Verify(Verify),
    /// Make a key for a log, to be kept in a file and named in evidence.signing_keys.
    Key {
        /// The log's name, say example.com/evidence.
        origin: String,
    },
}

#[derive(Args)]
pub(super) struct Export {
    /// The integration that recorded it.
    #[arg(long)]
    integration: String,
    /// Its ClientIntegrationId.
    #[arg(long)]
    client: String,
    /// ContractId.
    #[arg(long)]
    contract: String,
    /// CompanyId; without it those of every company.
    #[arg(long)]
    company: Option<String>,
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    admin: AdminArguments,
}

#[derive(Args)]
pub(super) struct Verify {
    /// The bundle.
    file: PathBuf,
    /// A public key of the log as /log/key tells it, or a file with such lines; several may be given.
    #[arg(long, required = true)]
    key: Vec<String>,
}

#[derive(Args)]
pub(super) struct Audit {
    /// Hash every container again, and not only the tree.
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    admin: AdminArguments,
}

pub(super) fn evidence(command: &Evidence) -> Result<(), String> {
    match command {
        Evidence::Export(arguments) => export(arguments),
        Evidence::Verify(arguments) => verify(arguments),
        Evidence::Key { origin } => key(origin),
    }
}

fn key(origin: &str) -> Result<(), String> {
    let (secret, public) = evidence_key(origin, &OsRandomness)?;
    println!("{}", secret.expose());
    eprintln!("The public key, for whoever verifies: {public}");
    Ok(())
}

fn export(arguments: &Export) -> Result<(), String> {
    let Export {
        integration,
        client,
        contract,
        company,
        out,
        admin,
    } = arguments;
    let body =
        json!({ "integration": integration, "client": client, "contract": contract, "company": company });
    let bundle: Bundle = super::runtime()?.block_on(ask(admin, "/admin/v1/evidence/bundle", &body))?;
    let text = serde_json::to_vec_pretty(&bundle).map_err(|error| error.to_string())?;
    std::fs::write(out, text).map_err(|error| format!("{}: cannot be written: {error}", out.display()))?;
    println!("{} containers written to {}", bundle.entries.len(), out.display());
    Ok(())
}

fn verify(arguments: &Verify) -> Result<(), String> {
    let file = &arguments.file;
    let unreadable = |error| format!("{}: cannot be read: {error}", file.display());
    if std::fs::metadata(file).map_err(unreadable)?.len() > BUNDLE_BYTES_MAX {
        return Err(format!("{}: is larger than any bundle", file.display()));
    }
    let bytes = std::fs::read(file).map_err(unreadable)?;
    let bundle: Bundle = serde_json::from_slice(&bytes)
        .map_err(|error| format!("{}: is no bundle: {error}", file.display()))?;
    let mut keys = Vec::new();
    for given in &arguments.key {
        keys.extend(verifiers(given)?);
    }
    let report = bundle.verify(&keys);
    println!("{report}");
    if report.holds() {
        Ok(())
    } else {
        Err("the evidence does not hold".to_owned())
    }
}

/// A key in place, or the lines of a file.
fn verifiers(given: &str) -> Result<Vec<Verifier>, String> {
    if let Ok(key) = given.parse() {
        return Ok(vec![key]);
    }
    let text = std::fs::read_to_string(Path::new(given))
        .map_err(|error| format!("{given}: is no key, and no file: {error}"))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| line.parse().map_err(|error| format!("{given}: {error}")))
        .collect()
}

#[derive(Deserialize)]
struct Page {
    next: u64,
    size: u64,
    done: bool,
    findings: Vec<Finding>,
}

#[derive(Deserialize)]
struct Finding {
    what: String,
    detail: String,
}

/// Goes through the log page by page; says what is not as it was recorded.
pub(super) fn audit(arguments: &Audit) -> Result<(), String> {
    super::runtime()?.block_on(async {
        let bar = ProgressBar::new(0).with_style(style()?);
        let (mut from, mut findings) = (0, Vec::new());
        loop {
            let body = json!({ "from": from, "full": arguments.full });
            let page: Page = ask(&arguments.admin, "/admin/v1/evidence/audit", &body).await?;
            bar.set_length(page.size);
            bar.set_position(page.next);
            findings.extend(page.findings);
            if page.done {
                bar.finish();
                return report(page.size, arguments.full, &findings);
            }
            from = page.next;
        }
    })
}

fn report(size: u64, is_full: bool, findings: &[Finding]) -> Result<(), String> {
    for Finding { what, detail } in findings.iter().take(PRINTED_MAX) {
        println!("{what}: {detail}");
    }
    if !findings.is_empty() {
        return Err(format!(
            "{} stored values are not as they were recorded",
            findings.len()
        ));
    }
    let looked_at = if is_full {
        "every container, leaf and tile"
    } else {
        "every leaf and tile"
    };
    println!("{size} leaves: {looked_at} is as it was recorded, up to the newest checkpoint");
    Ok(())
}

fn style() -> Result<ProgressStyle, String> {
    ProgressStyle::with_template("{bar:40} {pos}/{len} leaves {per_sec} {eta} left")
        .map_err(|error| format!("the progress bar: {error}"))
}

async fn ask<T: DeserializeOwned>(admin: &AdminArguments, path: &str, body: &Value) -> Result<T, String> {
    let answer = admin
        .call_within(PAGE_MAX, Method::POST, path, Some(body))
        .await?;
    serde_json::from_value(answer).map_err(|error| format!("{path}: an answer that is none: {error}"))
}
