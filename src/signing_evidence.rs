//! The evidence log as it is configured: its keys, its service, and what goes on behind it.

use crate::config::Config;
use crate::outbound;
use actors::clock::Clock;
use actors::directory::Directory;
use actors::evidence::{
    AUDIT_LEAVES_MAX, EvidenceMetrics, EvidenceService, Parts, Settings, audit_head, audit_leaves,
    push_checkpoints,
};
use actors::machines::evidence::Limits;
use actors::random::Randomness;
use evidence::checkpoint::{Signer, Verifier};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use storage::Store;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use zeroize::Zeroizing;

/// The file that the log's key is kept in where none is configured.
const KEY_FILE: &str = "evidence.key";
/// The most that is read of it; names are far shorter.
const KEY_FILE_OCTETS_MAX: u64 = 4_096;
/// How often debts that could not be paid are called in again.
const DEBTS_EVERY: Duration = Duration::from_secs(30);
/// How long the audit rests at the log's end: a small log is not read over and over.
const AUDIT_REST: Duration = Duration::from_secs(60);
/// How often idle clients are looked for.
const IDLE_SWEEP: Duration = Duration::from_secs(30);

/// What the log needs of the gateway.
pub(crate) struct Needs {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) randomness: Arc<dyn Randomness>,
    pub(crate) metrics: prometheus::Registry,
    pub(crate) tasks: TaskTracker,
}

/// Reads the log; its key is made where there is none.
///
/// # Errors
/// A sentence.
pub(crate) async fn open(config: &Config, needs: Needs) -> Result<EvidenceService, String> {
    let settings = &config.evidence;
    let signers = signers(config, needs.randomness.as_ref())?;
    let former = settings.former_keys.iter().map(|key| key.parse());
    let former = former.collect::<Result<Vec<Verifier>, _>>();
    let service = EvidenceService::open(Parts {
        store: needs.store,
        clock: needs.clock,
        randomness: needs.randomness,
        metrics: EvidenceMetrics::new(&needs.metrics).map_err(|error| format!("metrics: {error}"))?,
        tasks: needs.tasks,
        signers,
        former: former.map_err(|error| format!("evidence.former_keys: {error}"))?,
        settings: Settings {
            limits: Limits {
                containers_max: settings.containers_per_contract_max,
                bytes_max: settings.bytes_per_contract_max,
            },
            queue_max: settings.queue_max,
            waiting_max: settings.waiting_max,
            contracts_max: settings.contracts_per_client_max,
            tiles_max: settings.tiles_max,
            checkpoint_fresh_for: Duration::from_millis(settings.checkpoint_milliseconds),
        },
    });
    let service = service
        .await
        .map_err(|error| format!("the evidence log: {error}"))?;
    for key in service.checkpoints().keys() {
        tracing::info!(%key, size = service.tiles().durable(), "the evidence log is verified by this key");
    }
    Ok(service)
}

/// What goes on behind the service until the gateway goes down.
///
/// # Errors
/// A sentence.
pub(crate) fn background(
    config: &Config,
    service: &EvidenceService,
    directory: &Directory,
) -> Result<Vec<JoinHandle<()>>, String> {
    let settings = &config.evidence;
    let sink = outbound::checkpoints::Checkpoints::new(outbound::client()?, settings.sink_directory.clone());
    let every = Duration::from_secs(settings.sink_seconds);
    let idle = Duration::from_secs(settings.idle_seconds);
    let mut tasks = vec![
        tokio::spawn(push_checkpoints(
            service.clone(),
            directory.clone(),
            Arc::new(sink),
            every,
        )),
        tokio::spawn(call_debts_in(service.clone())),
        tokio::spawn(sweep(service.clone(), idle)),
    ];
    if settings.audit_leaves_per_second > 0 {
        tasks.push(tokio::spawn(audit(
            service.clone(),
            settings.audit_leaves_per_second,
        )));
    }
    Ok(tasks)
}

/// Pays what is owed since before a restart at once, and what could not be paid a little later.
async fn call_debts_in(service: EvidenceService) {
    loop {
        match service.pay_debts().await {
            Ok(0) => {}
            Ok(paid) => tracing::info!(paid, "evidence that verified codes owed is recorded"),
            Err(storage::Error::Closed | storage::Error::Poisoned { .. }) => return,
            Err(error) => tracing::warn!(%error, "debts could not be read; the next look tries again"),
        }
        service.clock().sleep(DEBTS_EVERY).await;
    }
}

async fn sweep(service: EvidenceService, idle: Duration) {
    loop {
        service.clock().sleep(IDLE_SWEEP.min(idle)).await;
        service.sweep_idle(idle);
    }
}

/// Goes round the log for ever, at a pace. What it finds is an incident: it is logged, counted, and never mended by itself.
async fn audit(service: EvidenceService, leaves_per_second: u32) {
    let page_seconds = 256.0 / f64::from(leaves_per_second);
    let mut at = 0;
    loop {
        let (store, from) = (service.store(), at);
        let page = match audit_leaves(store.as_ref(), from, 256.min(AUDIT_LEAVES_MAX), true).await {
            Ok(page) => page,
            Err(storage::Error::Closed | storage::Error::Poisoned { .. }) => return,
            Err(error) => {
                tracing::warn!(%error, "the audit could not read; it goes on later");
                service.clock().sleep(AUDIT_REST).await;
                continue;
            }
        };
        let mut findings = page.findings;
        let is_end = page.next >= page.size;
        if is_end {
            let keys: Vec<Verifier> = service.checkpoints().keys().cloned().collect();
            // An error here comes again with the next page, and is told there.
            findings.extend(audit_head(store, &keys).await.unwrap_or_default());
        }
        let metrics = service.metrics();
        metrics.audited.inc_by(page.next.saturating_sub(from));
        for finding in &findings {
            metrics.audit_findings.inc();
            tracing::error!(
                what = finding.what,
                detail = finding.detail,
                "the evidence log is not as it was recorded"
            );
        }
        if is_end {
            metrics
                .audit_completed
                .set(service.clock().now().wall.timestamp());
            at = 0;
            service.clock().sleep(AUDIT_REST).await;
        } else {
            at = page.next;
            service.clock().sleep(Duration::from_secs_f64(page_seconds)).await;
        }
    }
}

fn signers(config: &Config, randomness: &dyn Randomness) -> Result<Vec<Signer>, String> {
    let settings = &config.evidence;
    if settings.signing_keys.is_empty() {
        let path = config.storage.path.join(KEY_FILE);
        let kept = kept_key(&path, &settings.origin, randomness);
        return Ok(vec![
            kept.map_err(|error| format!("{}: {error}", path.display()))?,
        ]);
    }
    let read = settings.signing_keys.iter().map(|key| {
        let text = key.resolve()?;
        text.expose().parse::<Signer>().map_err(|error| error.to_string())
    });
    read.collect::<Result<_, _>>()
        .map_err(|error| format!("evidence.signing_keys: {error}"))
}

/// The key in the file, made durable before it is used: what it signed once must be verifiable after a restart.
fn kept_key(path: &Path, origin: &str, randomness: &dyn Randomness) -> Result<Signer, String> {
    let failed = |error: std::io::Error| error.to_string();
    match File::open(path) {
        Ok(file) => {
            let mode = file.metadata().map_err(failed)?.permissions().mode();
            if mode & 0o077 != 0 {
                return Err("others may read it; `chmod 600` it, and make a new one if they did".to_owned());
            }
            let mut text = Zeroizing::new(String::new());
            file.take(KEY_FILE_OCTETS_MAX)
                .read_to_string(&mut text)
                .map_err(failed)?;
            text.parse()
                .map_err(|error: evidence::checkpoint::NotAKey| error.to_string())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => make_key(path, origin, randomness),
        Err(error) => Err(error.to_string()),
    }
}

fn make_key(path: &Path, origin: &str, randomness: &dyn Randomness) -> Result<Signer, String> {
    let failed = |error: std::io::Error| error.to_string();
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = std::fs::DirBuilder::new();
    builder
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(failed)?;
    let mut seed = Zeroizing::new([0; 32]);
    randomness
        .fill(seed.as_mut_slice())
        .map_err(|fault| fault.to_string())?;
    let signer = Signer::from_seed(origin, &seed).ok_or("evidence.origin: is no name of a log")?;
    let text = Zeroizing::new(signer.secret_text());
    // Written beside and renamed: a half-written key would be refused at the next start.
    let beside = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&beside).map_err(failed)?;
    writeln!(file, "{}", text.as_str()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    std::fs::rename(&beside, path).map_err(failed)?;
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed)?;
    tracing::info!(file = %path.display(), "the evidence log's key was made; back it up with the store");
    Ok(signer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actors::testing::SeededRandomness;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("made/evidence.key");
        let first = kept_key(&path, "log.test", &SeededRandomness::new(1)).unwrap();
        let again = kept_key(&path, "another", &SeededRandomness::new(2)).unwrap();
        assert_eq!(first.verifier(), again.verifier());
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(
            kept_key(&path, "x", &SeededRandomness::new(1))
                .unwrap_err()
                .contains("chmod 600")
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "no key").unwrap();
        assert!(kept_key(&path, "x", &SeededRandomness::new(1)).is_err());
        assert!(
            kept_key(
                &directory.path().join("b"),
                "with space",
                &SeededRandomness::new(1)
            )
            .is_err()
        );
    }
}
