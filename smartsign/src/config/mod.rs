//! Every option, typed; what is not an option is refused by file and line.
//!
//! Built-in defaults, then the file, then the environment (`SMARTSIGN__SECTION__KEY`). The file `config/smartsign.toml` in the repository
//! holds every option with its default, unit and reason; a test compares the two.

mod check;
mod load;
mod secret;
#[cfg(test)]
mod tests;

pub use check::Problem;
pub use load::{LoadError, from_text, load};
pub use secret::{ConfigSecret, SecretText};

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

/// The whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where state is kept, and what seals it.
    pub storage: Storage,
    /// The gateway.
    pub gateway: Gateway,
    /// The licence.
    pub licence: Licence,
    /// The integrator's listener.
    pub api: Api,
    /// The gateway's listener, where it pushes.
    pub push: Push,
    /// Signing.
    pub signing: Signing,
    /// What listeners grant their clients.
    pub limits: Limits,
    /// What is logged, and how.
    pub log: Log,
}

/// Where state is kept, and what seals it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Storage {
    /// The directory; made if it is not there.
    pub path: PathBuf,
    /// The container's secret: everything at rest is sealed under it.
    pub secret: ConfigSecret,
    /// KiB of memory that deriving the sealing key takes, when the store is made.
    pub argon2_memory_kib: u32,
    /// Passes over that memory, when the store is made.
    pub argon2_passes: u32,
}

/// The gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gateway {
    /// Its base URL.
    pub url: String,
    /// Its Ed25519 public keys, base64; two while it changes its key.
    pub public_keys: Vec<String>,
    /// Seconds that a poll is held.
    pub poll_wait_seconds: u32,
    /// Requests taken in one poll.
    pub poll_requests_max: u32,
    /// Seconds for any other call.
    pub timeout_seconds: u32,
    /// Milliseconds before the first repeat of a call that failed.
    pub backoff_min_milliseconds: u32,
    /// Seconds between repeats at most.
    pub backoff_max_seconds: u32,
    /// Deliveries under way at once.
    pub deliveries_max: u32,
}

/// The licence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Licence {
    /// The file with the token; none for `licence` in the storage directory, where the API puts it.
    pub file: Option<PathBuf>,
}

/// The integrator's listener.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Api {
    /// Where it listens; port 0 takes a free one.
    pub address: SocketAddr,
    /// Keys that integrators send as `Authorization: Bearer`.
    pub keys: Vec<ConfigSecret>,
    /// PEM file of the certificate chain; with `tls_key_file` it turns TLS on.
    pub tls_certificate_file: Option<PathBuf>,
    /// PEM file of the private key.
    pub tls_key_file: Option<PathBuf>,
}

/// The gateway's listener, where it pushes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Push {
    /// The base URL under which the gateway reaches it; empty: the agent pulls.
    pub url: String,
    /// Where it listens, if there is a URL; port 0 takes a free one.
    pub address: SocketAddr,
    /// PEM file of the certificate chain; with `tls_key_file` it turns TLS on.
    pub tls_certificate_file: Option<PathBuf>,
    /// PEM file of the private key.
    pub tls_key_file: Option<PathBuf>,
}

/// How messages name their signer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignerIdentification {
    /// By issuer and serial number.
    #[default]
    IssuerAndSerial,
    /// By subject key identifier.
    KeyId,
}

/// Signing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Signing {
    /// Threads that sign at once; 0: as many as there are cores.
    pub threads: u32,
    /// Requests that may wait or be worked on.
    pub queue_max: u32,
    /// Seconds after its deadline that a request is remembered.
    pub remember_seconds: u32,
    /// Requests remembered at most.
    pub remembered_max: u32,
    /// How messages name their signer.
    pub signer_identification: SignerIdentification,
}

/// What listeners grant their clients.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections open at once on a listener.
    pub connections_max: u32,
    /// Requests with handlers at once; above it 503.
    pub in_flight_max: u32,
    /// Seconds for a request's body.
    pub body_seconds: u32,
    /// Seconds from the last byte of a request to its answer.
    pub hold_seconds: u32,
    /// Seconds that requests in flight may go on after SIGTERM.
    pub shutdown_seconds: u32,
}

/// What is logged, to stdout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// A filter of tracing-subscriber.
    pub filter: String,
    /// How lines look.
    pub format: LogFormat,
}

/// How lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// JSON unless stdout is a terminal.
    #[default]
    Auto,
    /// One object a line.
    Json,
    /// For people.
    Text,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            path: PathBuf::from("data/smartsign"),
            secret: ConfigSecret::default(),
            argon2_memory_kib: 65_536,
            argon2_passes: 3,
        }
    }
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            url: String::new(),
            public_keys: Vec::new(),
            poll_wait_seconds: 50,
            poll_requests_max: 32,
            timeout_seconds: 10,
            backoff_min_milliseconds: 200,
            backoff_max_seconds: 30,
            deliveries_max: 32,
        }
    }
}

impl Default for Api {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8090)),
            keys: Vec::new(),
            tls_certificate_file: None,
            tls_key_file: None,
        }
    }
}

impl Default for Push {
    fn default() -> Self {
        Self {
            url: String::new(),
            address: SocketAddr::from(([0, 0, 0, 0], 8091)),
            tls_certificate_file: None,
            tls_key_file: None,
        }
    }
}

impl Default for Signing {
    fn default() -> Self {
        Self {
            threads: 0,
            queue_max: 256,
            remember_seconds: 600,
            remembered_max: 1_000_000,
            signer_identification: SignerIdentification::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 512,
            in_flight_max: 256,
            body_seconds: 10,
            hold_seconds: 60,
            shutdown_seconds: 25,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            filter: "info".to_owned(),
            format: LogFormat::Auto,
        }
    }
}
