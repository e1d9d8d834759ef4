//! What the types cannot say: ranges, and values that belong together.

use super::{Config, ConfigSecret};
use signing_protocol::{PublicKey, routes};
use std::fmt;
use std::path::PathBuf;

/// Characters of the container's secret at least; `openssl rand -base64 32` gives 44.
const SECRET_CHARACTERS_MIN: usize = 32;
/// Characters of an API key at least.
const API_KEY_CHARACTERS_MIN: usize = 24;

/// One thing that is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The option, `section.key`.
    pub option: &'static str,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.option, self.message)
    }
}

/// Everything that is wrong.
pub(super) fn check(config: &Config) -> Vec<Problem> {
    let mut problems = Problems(Vec::new());
    problems.secrets(config);
    problems.gateway(config);
    problems.ranges(config);
    problems.tls(
        "api.tls_key_file",
        &config.api.tls_certificate_file,
        &config.api.tls_key_file,
    );
    problems.tls(
        "push.tls_key_file",
        &config.push.tls_certificate_file,
        &config.push.tls_key_file,
    );
    if !config.api.address.ip().is_loopback() && config.api.keys.is_empty() {
        problems.add(
            "api.keys",
            "are needed where api.address is not the machine's own loopback: whoever reaches it may load and remove keys",
        );
    }
    if tracing_subscriber::EnvFilter::try_new(&config.log.filter).is_err() {
        problems.add(
            "log.filter",
            "is no filter; `info` is one, `info,smartsign=debug` another",
        );
    }
    problems.0
}

struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, option: &'static str, message: impl Into<String>) {
        self.0.push(Problem {
            option,
            message: message.into(),
        });
    }

    fn range(&mut self, option: &'static str, value: u32, min: u32, max: u32) {
        if !(min..=max).contains(&value) {
            self.add(option, format!("must be between {min} and {max}"));
        }
    }

    fn tls(&mut self, option: &'static str, certificate: &Option<PathBuf>, key: &Option<PathBuf>) {
        if certificate.is_some() != key.is_some() {
            self.add(
                option,
                "certificate and key belong together: give both or neither",
            );
        }
    }

    fn secret(&mut self, option: &'static str, secret: &ConfigSecret, characters_min: usize) {
        if secret.is_empty() {
            return self.add(
                option,
                "is needed: give it in the file, or as a variable, or as file:PATH",
            );
        }
        if secret.is_example() {
            return self.add(
                option,
                "is an example that everybody knows; make your own, say with `openssl rand -base64 32`",
            );
        }
        match secret.resolve() {
            Err(message) => self.add(option, message),
            Ok(text) if text.expose().chars().count() < characters_min => {
                self.add(option, format!("must have at least {characters_min} characters"));
            }
            Ok(_) => {}
        }
    }

    fn secrets(&mut self, config: &Config) {
        self.secret("storage.secret", &config.storage.secret, SECRET_CHARACTERS_MIN);
        for key in &config.api.keys {
            self.secret("api.keys", key, API_KEY_CHARACTERS_MIN);
        }
    }

    fn gateway(&mut self, config: &Config) {
        let gateway = &config.gateway;
        self.url("gateway.url", &gateway.url);
        if !config.push.url.is_empty() {
            self.url("push.url", &config.push.url);
        }
        if !(1..=2).contains(&gateway.public_keys.len()) {
            let message = "must have one key of the gateway, or two while it changes its key; `countersign` prints them";
            self.add("gateway.public_keys", message);
        }
        for key in &gateway.public_keys {
            if let Err(error) = key.parse::<PublicKey>() {
                self.add("gateway.public_keys", format!("is {error}"));
            }
        }
    }

    fn url(&mut self, option: &'static str, url: &str) {
        let is_http = url.starts_with("https://") || url.starts_with("http://");
        if !is_http || reqwest::Url::parse(url).is_err() {
            self.add(
                option,
                "must be a URL that begins with https:// (or http:// on a private network)",
            );
        }
    }

    fn ranges(&mut self, config: &Config) {
        let Config {
            storage,
            gateway,
            signing,
            limits,
            ..
        } = config;
        self.range(
            "storage.argon2_memory_kib",
            storage.argon2_memory_kib,
            19_456,
            4_194_304,
        );
        self.range("storage.argon2_passes", storage.argon2_passes, 1, 100);
        self.range(
            "gateway.poll_wait_seconds",
            gateway.poll_wait_seconds,
            1,
            routes::POLL_WAIT_SECONDS_MAX,
        );
        self.range(
            "gateway.poll_requests_max",
            gateway.poll_requests_max,
            1,
            routes::POLL_REQUESTS_MAX,
        );
        self.range("gateway.timeout_seconds", gateway.timeout_seconds, 1, 60);
        self.range(
            "gateway.backoff_min_milliseconds",
            gateway.backoff_min_milliseconds,
            10,
            10_000,
        );
        self.range("gateway.backoff_max_seconds", gateway.backoff_max_seconds, 1, 600);
        self.range("gateway.deliveries_max", gateway.deliveries_max, 1, 1_024);
        self.range("signing.threads", signing.threads, 0, 64);
        self.range("signing.queue_max", signing.queue_max, 1, 65_536);
        self.range("signing.remember_seconds", signing.remember_seconds, 60, 86_400);
        self.range(
            "signing.remembered_max",
            signing.remembered_max,
            1_000,
            100_000_000,
        );
        self.range("limits.connections_max", limits.connections_max, 1, 1_000_000);
        self.range("limits.in_flight_max", limits.in_flight_max, 1, 1_000_000);
        self.range("limits.body_seconds", limits.body_seconds, 1, 3_600);
        self.range("limits.hold_seconds", limits.hold_seconds, 1, 3_600);
        self.range("limits.shutdown_seconds", limits.shutdown_seconds, 1, 3_600);
    }
}
