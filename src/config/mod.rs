//! Every option, typed; what is not an option is refused by file and line.
//!
//! Built-in defaults, then the file, then the environment (`COUNTERSIGN__SECTION__KEY`), then flags. The file
//! `config/countersign.toml` in the repository holds every option with its default, unit and reason; a test compares the two.

mod agents;
mod check;
mod check_sms;
mod evidence;
mod fiscal;
mod load;
mod secret;
mod sms;
#[cfg(test)]
mod tests;
mod webhooks;

pub use self::sms::{
    Breaker, HttpAccount, Price, SandboxSender, SmppAccount, SmppMode, Sms, SmsSenderKind, Spending, Traffic,
    TrafficMode, Twilio, Webhook,
};
pub use agents::Agents;
pub use check::Problem;
pub use evidence::Evidence;
pub use fiscal::{CashDesk, Tax};
pub use load::{LoadError, Sources, from_text, load, load_unchecked};
pub use secret::ConfigSecret;
pub use webhooks::Webhooks;

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

/// How much later than the operator's own deadline (`sms.timeout_seconds`) an outcome is given up: only a lost task is that late.
pub const OUTCOME_GRACE_SECONDS: u64 = 5;

/// How much sooner than `limits.hold_seconds` a cash desk's hold ends at the latest: the answer has to be made and written.
pub const HOLD_MARGIN_SECONDS: u64 = 2;

/// The whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The listener for partners.
    pub public: Public,
    /// The listener for administrators, metrics and probes.
    pub admin: Admin,
    /// What a listener grants its clients.
    pub limits: Limits,
    /// The embedded store.
    pub storage: Storage,
    /// One-time passwords.
    pub otp: Otp,
    /// Partners' keys.
    pub partners: Partners,
    /// Customers' actors.
    pub customers: Customers,
    /// How messages go out.
    pub sms: Sms,
    /// The tax service's fiscal server.
    pub tax: Tax,
    /// Cash desks.
    pub cashdesk: CashDesk,
    /// Signing agents.
    pub agents: Agents,
    /// Webhooks of owners of registers.
    pub webhooks: Webhooks,
    /// Signing evidence.
    pub evidence: Evidence,
    /// What is logged, and how.
    pub log: Log,
}

/// The listener for partners.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Public {
    /// Where it listens; port 0 takes a free one.
    pub address: SocketAddr,
    /// PEM file of the certificate chain; with `tls_key_file` it turns TLS on.
    pub tls_certificate_file: Option<PathBuf>,
    /// PEM file of the private key.
    pub tls_key_file: Option<PathBuf>,
    /// PEM file of the authorities whose client certificates are accepted.
    pub tls_client_ca_file: Option<PathBuf>,
    /// Whether a client must show a certificate of those.
    pub tls_client_certificate_required: bool,
}

/// The listener for administrators.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Admin {
    /// Where it listens; keep it off the public network.
    pub address: SocketAddr,
    /// The key that administrators send as `Authorization: Bearer`.
    pub key: ConfigSecret,
}

/// What a listener grants its clients; the reasons are in the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections open at once on a listener; 0: as many as the process's limit on open files leaves room for.
    pub connections_max: usize,
    /// Requests with handlers at once; above it 503.
    pub in_flight_max: usize,
    /// Seconds for a request's head.
    pub header_seconds: u64,
    /// Seconds for a small request's body.
    pub body_seconds: u64,
    /// Seconds from the last byte of a request to its answer.
    pub hold_seconds: u64,
    /// Seconds that an import may take to arrive.
    pub upload_seconds: u64,
    /// Seconds that a connection may ask nothing.
    pub keep_alive_seconds: u64,
    /// Seconds that requests in flight may go on after SIGTERM.
    pub shutdown_seconds: u64,
}

/// The embedded store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Storage {
    /// The directory; made if it is not there.
    pub path: PathBuf,
    /// Bytes of pages kept in memory.
    pub cache_bytes: u64,
    /// Operations that may wait for the committer.
    pub queue_max: usize,
    /// Free bytes on the disk below which nothing is written any more (503), before damage is done.
    pub free_bytes_min: u64,
    /// Bytes held in reserve beside the database, so that a full disk can still be restarted.
    pub reserve_bytes: u64,
    /// Start although the end of the database is missing. For one start, after the loss was understood.
    pub accept_lost_tail: bool,
}

/// One-time passwords; a contract type may override the first three lengths.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Otp {
    /// First line of the message.
    pub brand: String,
    /// Seconds in which an identical send is refused.
    pub resend_window_seconds: u32,
    /// Seconds for which a code may be verified; at most 600.
    pub lifetime_seconds: u32,
    /// Digits of a code; 4 to 10.
    pub code_length: u8,
    /// Phone types that count as mobile.
    pub mobile_phone_types: Vec<i32>,
    /// Two letters: where a number without a country code is taken to be.
    pub default_region: String,
    /// Wrong tries that kill a code.
    pub tries_max: u8,
    /// Wrong tries in a day that lock a contact for a day.
    pub lock_after_tries: u32,
    /// Unverified codes per contact and contract type in the short period.
    pub short_cap: u32,
    /// The short period in seconds.
    pub short_cap_seconds: u32,
    /// Unverified codes per contact and contract type in a day.
    pub daily_cap: u32,
    /// Unverified codes per contact in a day.
    pub contact_daily_cap: u32,
    /// Keys over codes at rest, `id:base64` of at least 32 bytes, the current one first; two during a rotation.
    pub hmac_keys: Vec<ConfigSecret>,
}

/// Partners' keys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Partners {
    /// The server's key over partners' keys at rest: base64 of at least 32 bytes. Changing it makes every partner's key unknown.
    pub key_pepper: ConfigSecret,
}

/// Customers' actors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Customers {
    /// Commands that may wait for one customer; above it 429.
    pub queue_max: u32,
    /// Seconds after which an idle customer leaves memory.
    pub idle_seconds: u64,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// A filter in the form of `tracing-subscriber`.
    pub filter: String,
    /// Which form.
    pub format: LogFormat,
}

/// Which form logs have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// JSON unless stdout is a terminal.
    Auto,
    /// JSON, one object a line.
    Json,
    /// For people.
    Text,
}

impl Default for Public {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8080)),
            tls_certificate_file: None,
            tls_key_file: None,
            tls_client_ca_file: None,
            tls_client_certificate_required: false,
        }
    }
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 9090)),
            key: ConfigSecret::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 0,
            in_flight_max: 4_096,
            header_seconds: 10,
            body_seconds: 10,
            hold_seconds: 60,
            upload_seconds: 3_600,
            keep_alive_seconds: 75,
            shutdown_seconds: 25,
        }
    }
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            path: PathBuf::from("data/countersign"),
            cache_bytes: 256 * 1_024 * 1_024,
            queue_max: 16_384,
            free_bytes_min: 64 * 1_024 * 1_024,
            reserve_bytes: 16 * 1_024 * 1_024,
            accept_lost_tail: false,
        }
    }
}

impl Default for Otp {
    fn default() -> Self {
        Self {
            brand: "کارگزاری آگاه".to_owned(),
            resend_window_seconds: 120,
            lifetime_seconds: 300,
            code_length: 6,
            mobile_phone_types: vec![3],
            default_region: "IR".to_owned(),
            tries_max: 5,
            lock_after_tries: 15,
            short_cap: 5,
            short_cap_seconds: 600,
            daily_cap: 10,
            contact_daily_cap: 30,
            hmac_keys: Vec::new(),
        }
    }
}

impl Default for Customers {
    fn default() -> Self {
        Self {
            queue_max: 4_096,
            idle_seconds: 300,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            filter: "info,ractor=warn".to_owned(),
            format: LogFormat::Auto,
        }
    }
}
