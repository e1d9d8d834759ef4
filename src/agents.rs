//! The gateway's side of the signing agents, as it is configured: its key, who pushes, who judges.

use crate::config::Config;
use crate::outbound::agent::HttpPusher;
use actors::agents::{AgentMetrics, AgentParts, AgentSettings, Agents, DstuVerifier, GatewayKeys};
use actors::clock::Clock;
use actors::random::Randomness;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use signing_protocol::SecretKey;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use storage::Store;
use tokio_util::task::TaskTracker;
use zeroize::Zeroizing;

/// The file that the gateway's key is kept in where none is configured.
const KEY_FILE: &str = "agents.key";
/// The most that is read of it: 44 characters and a line's end.
const KEY_FILE_OCTETS_MAX: u64 = 64;

/// What agents need of the gateway.
pub(crate) struct Needs {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) randomness: Arc<dyn Randomness>,
    pub(crate) metrics: prometheus::Registry,
    pub(crate) tasks: TaskTracker,
}

/// What the gateway has of them: the agents, and the judge whom registers should share with them.
pub(crate) struct Opened {
    pub(crate) agents: Arc<Agents>,
    pub(crate) verifier: Arc<DstuVerifier>,
}

/// Reads the book of agents, and the gateway's key, which is made where there is none.
///
/// # Errors
/// A sentence.
pub(crate) async fn open(config: &Config, needs: Needs) -> Result<Opened, String> {
    let verifier = Arc::<DstuVerifier>::default();
    let judges = match config.agents.judges {
        0 => AgentSettings::default().judges,
        judges => judges,
    };
    let parts = AgentParts {
        keys: gateway_keys(config, needs.randomness.as_ref())?,
        store: needs.store,
        clock: needs.clock,
        randomness: needs.randomness,
        pusher: Arc::new(HttpPusher::new(config.agents.push_private_addresses)?),
        verifier: Arc::<DstuVerifier>::clone(&verifier),
        metrics: AgentMetrics::new(&needs.metrics).map_err(|error| format!("metrics: {error}"))?,
        tasks: needs.tasks,
        settings: AgentSettings {
            waiting_max: config.agents.waiting_max,
            judges,
            report_seconds: config.agents.report_seconds,
        },
    };
    let agents = Agents::open(parts).await.map_err(|error| error.to_string())?;
    tracing::info!(public_key = %agents.public_key(), "agents know the gateway by this key");
    Ok(Opened { agents, verifier })
}

fn gateway_keys(config: &Config, randomness: &dyn Randomness) -> Result<GatewayKeys, String> {
    let earlier = config.agents.earlier_public_keys.iter();
    let earlier = earlier.map(|key| key.parse()).collect::<Result<_, _>>();
    let signing = if config.agents.key.is_empty() {
        let path = config.storage.path.join(KEY_FILE);
        kept_key(&path, randomness).map_err(|error| format!("{}: {error}", path.display()))?
    } else {
        let text = config.agents.key.resolve();
        let text = text.map_err(|error| format!("agents.key: {error}"))?;
        secret_key(text.expose()).ok_or("agents.key: must be base64 of 32 bytes")?
    };
    Ok(GatewayKeys {
        signing,
        earlier: earlier.map_err(|error| format!("agents.earlier_public_keys: {error}"))?,
    })
}

fn secret_key(text: &str) -> Option<SecretKey> {
    let octets = Zeroizing::new(BASE64_STANDARD.decode(text.trim()).ok()?);
    let seed: &[u8; 32] = octets.as_slice().try_into().ok()?;
    Some(SecretKey::from_seed(seed))
}

/// The key in the file, made durable before it is used: what it signed once must hold after a restart.
fn kept_key(path: &Path, randomness: &dyn Randomness) -> Result<SecretKey, String> {
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
            secret_key(&text).ok_or_else(|| "holds no key: base64 of 32 bytes".to_owned())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => make_key(path, randomness),
        Err(error) => Err(error.to_string()),
    }
}

fn make_key(path: &Path, randomness: &dyn Randomness) -> Result<SecretKey, String> {
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
    let text = Zeroizing::new(BASE64_STANDARD.encode(seed.as_slice()));
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
    tracing::info!(file = %path.display(), "the gateway's key for agents was made; back it up with the store");
    Ok(SecretKey::from_seed(&seed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actors::testing::SeededRandomness;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store").join(KEY_FILE);
        let first = kept_key(&path, &SeededRandomness::new(1)).unwrap();
        let second = kept_key(&path, &SeededRandomness::new(2)).unwrap();
        assert_eq!(first.public_key(), second.public_key());
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        let refused = kept_key(&path, &SeededRandomness::new(1)).unwrap_err();
        assert!(refused.contains("others may read it"), "{refused}");
    }

    #[test]
    fn a_file_that_holds_no_key_is_refused_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(KEY_FILE);
        std::fs::write(&path, "not a key").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        assert!(kept_key(&path, &SeededRandomness::new(1)).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "not a key");
    }

    #[test]
    fn a_configured_key_is_taken_and_an_unfit_one_is_named() {
        let mut config = Config::default();
        config.agents.key = crate::config::ConfigSecret::new(BASE64_STANDARD.encode([7; 32]));
        let keys = gateway_keys(&config, &SeededRandomness::new(1)).unwrap();
        assert_eq!(
            keys.signing.public_key(),
            SecretKey::from_seed(&[7; 32]).public_key()
        );
        config.agents.key = crate::config::ConfigSecret::new("c2hvcnQ=");
        let refused = gateway_keys(&config, &SeededRandomness::new(1)).err().unwrap();
        assert!(
            refused.starts_with("agents.key") && !refused.contains("c2hvcnQ"),
            "{refused}"
        );
    }
}
