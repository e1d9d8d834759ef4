//! What `countersign dev` keeps beside its database: its secrets, and where everything is.

use crate::secrets::{admin_key, api_token, base64_secret, evidence_key, integration_key, partner_key};
use actors::random::Randomness;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use uuid::Uuid;

/// Secrets made on the first start.
#[derive(Deserialize, Serialize)]
pub(super) struct DevSecrets {
    pub(super) admin_key: String,
    pub(super) key_pepper: String,
    pub(super) hmac_key: String,
    pub(super) partner_keys: Vec<String>,
    /// The demo shop's permanent key.
    pub(super) shop_api_token: String,
    /// The demo shop's password.
    pub(super) shop_password: String,
    /// What the demo agent's key store is sealed under.
    pub(super) agent_secret: String,
    /// The key of the demo agent's own API.
    pub(super) agent_api_key: String,
    /// The evidence log's key; made later in directories that are older than it.
    #[serde(default)]
    pub(super) evidence_key: String,
    #[serde(default)]
    pub(super) integration_keys: Vec<String>,
}

/// Names the log of demonstrations.
const EVIDENCE_ORIGIN: &str = "countersign-dev/evidence";

/// Where everything is: `dev.json`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct DevFile {
    /// Base URL of the partners' listener.
    pub public: String,
    /// Base URL of the administrators' listener.
    pub admin: String,
    /// Base URL of the stand-in SMS operator.
    pub sms: String,
    /// Base URL of the stand-in fiscal server: documents go to `/fs/doc` below it, faults to `/control`.
    pub fiscal: String,
    /// Base URL of the signing agent's own API.
    pub agent: String,
    /// The key of the agent's own API.
    pub agent_api_key: String,
    /// The administrators' key.
    pub admin_key: String,
    /// Demo partners.
    pub partners: Vec<DevPartner>,
    /// The demo shop, whose cash desks speak CashDesk's API below `public`.
    pub cashdesk: DevCashDesk,
    /// Demo integrations, which record evidence.
    pub integrations: Vec<DevIntegration>,
    /// The evidence log's public key.
    pub evidence_key: String,
    /// Demo customers, in the form in which they were imported.
    pub customers: Vec<serde_json::Value>,
}

/// A demo integration.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct DevIntegration {
    /// Its name.
    pub name: String,
    /// Its key.
    pub key: String,
}

/// A demo partner.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct DevPartner {
    /// Its name.
    pub name: String,
    /// Its code.
    pub invoker_code: Uuid,
    /// Its key.
    pub key: String,
    /// What it may have signed.
    pub contract_types: Vec<u8>,
}

/// The demo shop.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct DevCashDesk {
    /// Its permanent key.
    pub api_token: String,
    /// By which it authenticates.
    pub email: String,
    /// With which it authenticates.
    pub password: String,
    /// Its registers' fiscal numbers.
    pub registers: Vec<u64>,
}

impl DevSecrets {
    /// Reads `secrets.json`, or makes it.
    pub(super) fn load_or_make(data: &Path, randomness: &dyn Randomness) -> Result<Self, String> {
        let path = data.join("secrets.json");
        match std::fs::read(&path) {
            Ok(bytes) => {
                let mut kept: Self = serde_json::from_slice(&bytes).map_err(|error| {
                    format!(
                        "{}: {error}; remove the directory to start afresh",
                        path.display()
                    )
                })?;
                if kept.evidence_key.is_empty() {
                    kept.add_evidence(randomness)?;
                    kept.write(data)?;
                }
                Ok(kept)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut made = Self::make(randomness).map_err(|fault| fault.to_string())?;
                made.add_evidence(randomness)?;
                made.write(data)?;
                Ok(made)
            }
            Err(error) => Err(format!("{}: cannot be read: {error}", path.display())),
        }
    }

    fn make(randomness: &dyn Randomness) -> Result<Self, actors::random::Fault> {
        Ok(Self {
            admin_key: admin_key(randomness)?,
            key_pepper: base64_secret(randomness)?,
            hmac_key: base64_secret(randomness)?,
            partner_keys: vec![partner_key(randomness)?, partner_key(randomness)?],
            shop_api_token: api_token(randomness)?,
            shop_password: base64_secret(randomness)?,
            agent_secret: base64_secret(randomness)?,
            agent_api_key: partner_key(randomness)?,
            evidence_key: String::new(),
            integration_keys: Vec::new(),
        })
    }

    fn add_evidence(&mut self, randomness: &dyn Randomness) -> Result<(), String> {
        let (secret, _) = evidence_key(EVIDENCE_ORIGIN, randomness)?;
        secret.expose().clone_into(&mut self.evidence_key);
        let key = integration_key(randomness).map_err(|fault| fault.to_string())?;
        self.integration_keys = vec![key];
        Ok(())
    }

    fn write(&self, data: &Path) -> Result<(), String> {
        let text = serde_json::to_vec_pretty(self).expect("strings become JSON");
        write_private(data, "secrets.json", &text)
    }
}

impl DevFile {
    /// Writes `dev.json`.
    pub(super) fn write(&self, data: &Path) -> Result<(), String> {
        write_private(
            data,
            "dev.json",
            &serde_json::to_vec_pretty(self).expect("strings become JSON"),
        )
    }

    /// Reads it.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub fn read(data: &Path) -> Result<Self, String> {
        let path = data.join("dev.json");
        let bytes =
            std::fs::read(&path).map_err(|error| format!("{}: cannot be read: {error}", path.display()))?;
        serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// Takes away the `dev.json` of an earlier run: whoever waits for the file must not meet addresses where nobody listens.
pub(super) fn remove_stale(data: &Path) -> Result<(), String> {
    let path = data.join("dev.json");
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("{}: cannot be removed: {error}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Writes a file of mode 0600 beside its place, syncs it, and renames it: whoever sees it sees it whole.
fn write_private(data: &Path, name: &str, content: &[u8]) -> Result<(), String> {
    let (path, beside) = (
        data.join(name),
        data.join(format!(".{name}.{}", std::process::id())),
    );
    let write = || {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)
    };
    write().map_err(|error| format!("{}: cannot be written: {error}", path.display()))
}
