//! `countersign import FILE`: the import of the administrators' listener, with a progress bar.

use super::administration::AdminArguments;
use clap::Args;
use futures_util::stream::unfold;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use std::path::PathBuf;
use tokio::fs::File;
use tokio::io::AsyncReadExt;

#[derive(Args)]
pub(super) struct Arguments {
    /// The file: a JSON object a line (contract_type, invoker, customer).
    file: PathBuf,
    #[command(flatten)]
    admin: AdminArguments,
}

#[derive(Deserialize)]
struct Imported {
    imported: u64,
    rejected: Vec<Rejected>,
    #[serde(default)]
    rejected_unnamed: u64,
}

#[derive(Deserialize)]
struct Rejected {
    line: u64,
    reason: String,
}

/// Read at once: a few hundred rows, so that the bar moves smoothly.
const PIECE_BYTES: usize = 64 * 1_024;
/// Rejected lines that are printed; the rest is counted.
const PRINTED_MAX: usize = 20;

/// Streams the file; says what came of it.
pub(super) fn import(arguments: &Arguments) -> Result<(), String> {
    let (url, key) = arguments.admin.target()?;
    super::runtime()?.block_on(async {
        let name = arguments.file.display();
        let unreadable = |error| format!("{name}: cannot be read: {error}");
        let file = File::open(&arguments.file).await.map_err(unreadable)?;
        let bytes = file.metadata().await.map_err(unreadable)?.len();
        let bar = ProgressBar::new(bytes).with_style(style()?);
        let request = countersign::outbound::client()?
            .post(format!("{url}/admin/v1/import"))
            .bearer_auth(key)
            .header("content-type", "application/x-ndjson")
            .body(body(file, bar.clone()));
        let answer = request
            .send()
            .await
            .map_err(|error| format!("{url}: the import broke off: {error}"))?;
        let status = answer.status();
        let text = answer
            .text()
            .await
            .map_err(|error| format!("{url}: the answer broke off: {error}"))?;
        bar.finish();
        if !status.is_success() {
            return Err(format!("{url}: {status}: {text}"));
        }
        let imported =
            serde_json::from_str(&text).map_err(|error| format!("{url}: an answer that is none: {error}"))?;
        report(&imported)
    })
}

fn style() -> Result<ProgressStyle, String> {
    ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta} left")
        .map_err(|error| format!("the progress bar: {error}"))
}

/// The file piece by piece; the bar moves as pieces are taken.
fn body(file: File, bar: ProgressBar) -> reqwest::Body {
    let pieces = unfold((file, bar), |(mut file, bar)| async move {
        let mut piece = vec![0; PIECE_BYTES];
        match file.read(&mut piece).await {
            Ok(0) => None,
            Ok(read) => {
                piece.truncate(read);
                bar.inc(u64::try_from(read).unwrap_or(0));
                Some((Ok(piece), (file, bar)))
            }
            Err(error) => Some((Err(error), (file, bar))),
        }
    });
    reqwest::Body::wrap_stream(pieces)
}

fn report(imported: &Imported) -> Result<(), String> {
    println!("{} lines imported", imported.imported);
    let rejected = u64::try_from(imported.rejected.len())
        .unwrap_or(u64::MAX)
        .saturating_add(imported.rejected_unnamed);
    if rejected == 0 {
        return Ok(());
    }
    for Rejected { line, reason } in imported.rejected.iter().take(PRINTED_MAX) {
        println!("line {line}: {reason}");
    }
    Err(format!(
        "{rejected} lines were rejected; mend them and import the file again, which changes nothing twice"
    ))
}
