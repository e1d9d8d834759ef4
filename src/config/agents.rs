//! Signing agents: their listener, the gateway's key, and how requests reach them.

use super::ConfigSecret;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Signing agents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Agents {
    /// Where agents are listened to; port 0 takes a free one.
    pub address: SocketAddr,
    /// PEM file of the certificate chain; with `tls_key_file` it turns TLS on.
    pub tls_certificate_file: Option<PathBuf>,
    /// PEM file of the private key.
    pub tls_key_file: Option<PathBuf>,
    /// The gateway's Ed25519 key: base64 of its 32 bytes. Empty: `agents.key` in `storage.path`, made at the first start.
    pub key: ConfigSecret,
    /// Public keys of before, base64, whose licences still hold.
    pub earlier_public_keys: Vec<String>,
    /// Whether requests may be pushed to addresses of private networks, and there without TLS.
    pub push_private_addresses: bool,
    /// Whether accounts that may (`may_relay_keys`) can load keys into their agents through the gateway.
    pub relay_keys: bool,
    /// Requests that may wait for one agent.
    pub waiting_max: usize,
    /// Signatures judged at once; 0: as many as there are cores.
    pub judges: usize,
    /// Seconds between an agent's reports.
    pub report_seconds: u32,
}

impl Default for Agents {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8081)),
            tls_certificate_file: None,
            tls_key_file: None,
            key: ConfigSecret::default(),
            earlier_public_keys: Vec::new(),
            push_private_addresses: false,
            relay_keys: false,
            waiting_max: 4_096,
            judges: 0,
            report_seconds: 30,
        }
    }
}
