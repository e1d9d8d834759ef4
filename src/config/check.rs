//! What the types cannot say: ranges, and values that belong together.

use super::{Config, ConfigSecret, HOLD_MARGIN_SECONDS, OUTCOME_GRACE_SECONDS};
use actors::machines::otp::{CAP_MAX, LOCK_AFTER_TRIES_MAX};
use evidence::checkpoint::{Signer, Verifier};
use std::fmt;

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
pub(super) fn check(config: &Config, dev: bool) -> Vec<Problem> {
    let mut problems = Problems(Vec::new());
    problems.otp(config);
    problems.limits(config);
    problems.secrets(config, dev);
    problems.sms(config, dev);
    problems.cashdesk(config);
    problems.evidence(config, dev);
    problems.agents(config, dev);
    problems.webhooks(config);
    let Config { public, .. } = config;
    if public.tls_certificate_file.is_some() != public.tls_key_file.is_some() {
        problems.add(
            "public.tls_key_file",
            "certificate and key belong together: give both or neither",
        );
    }
    if public.tls_client_certificate_required && public.tls_client_ca_file.is_none() {
        problems.add(
            "public.tls_client_ca_file",
            "is needed where a client certificate is required",
        );
    }
    if public.tls_client_ca_file.is_some() && public.tls_certificate_file.is_none() {
        problems.add(
            "public.tls_certificate_file",
            "is needed where client certificates are asked for",
        );
    }
    problems.0
}

pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn add(&mut self, option: &'static str, message: impl Into<String>) {
        self.0.push(Problem {
            option,
            message: message.into(),
        });
    }

    pub(super) fn range(&mut self, option: &'static str, value: impl Into<u64>, min: u64, max: u64) {
        if !(min..=max).contains(&value.into()) {
            self.add(option, format!("must be between {min} and {max}"));
        }
    }

    fn cashdesk(&mut self, config: &Config) {
        let cashdesk = &config.cashdesk;
        self.range("cashdesk.hold_seconds", cashdesk.hold_seconds, 1, 3_600);
        // A hold is answered a moment before the listener would cut it.
        let hold_max = config.limits.hold_seconds.saturating_sub(HOLD_MARGIN_SECONDS);
        if !config.tax.url.is_empty() && (hold_max + 1..=3_600).contains(&cashdesk.hold_seconds) {
            self.add(
                "cashdesk.hold_seconds",
                format!("must be at most {hold_max}, limits.hold_seconds less {HOLD_MARGIN_SECONDS}"),
            );
        }
        self.range("cashdesk.unheld_seconds", cashdesk.unheld_seconds, 1, 86_400);
        self.range(
            "cashdesk.password_tries_max",
            cashdesk.password_tries_max,
            1,
            1_000,
        );
        self.range("cashdesk.synchronise_hours", cashdesk.synchronise_hours, 0, 744);
        self.range("cashdesk.queue_max", cashdesk.queue_max, 1, 1_000_000);
        self.range("cashdesk.idle_seconds", cashdesk.idle_seconds, 1, 86_400);
        let software = cashdesk.software.chars().count();
        self.range(
            "cashdesk.software",
            u64::try_from(software).unwrap_or(u64::MAX),
            1,
            64,
        );
        self.http_url("tax.url", &config.tax.url);
        self.http_url("cashdesk.receipts_url", &cashdesk.receipts_url);
    }

    /// Empty, or a URL of http or https.
    fn http_url(&mut self, option: &'static str, url: &str) {
        let is_http = |url: &str| {
            let parsed = reqwest::Url::parse(url);
            parsed.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        };
        if !url.is_empty() && !is_http(url) {
            self.add(
                option,
                "must be a URL that begins with http:// or https://, or empty",
            );
        }
    }

    fn otp(&mut self, config: &Config) {
        let otp = &config.otp;
        self.range("otp.resend_window_seconds", otp.resend_window_seconds, 1, 86_400);
        self.range("otp.lifetime_seconds", otp.lifetime_seconds, 30, 600);
        self.range("otp.code_length", otp.code_length, 4, 10);
        self.range("otp.tries_max", otp.tries_max, 1, 10);
        self.range(
            "otp.lock_after_tries",
            otp.lock_after_tries,
            1,
            u64::from(LOCK_AFTER_TRIES_MAX),
        );
        self.range("otp.short_cap", otp.short_cap, 1, u64::from(CAP_MAX));
        self.range("otp.short_cap_seconds", otp.short_cap_seconds, 1, 86_400);
        self.range("otp.daily_cap", otp.daily_cap, 1, u64::from(CAP_MAX));
        self.range(
            "otp.contact_daily_cap",
            otp.contact_daily_cap,
            1,
            u64::from(CAP_MAX),
        );
        if otp.mobile_phone_types.is_empty() {
            self.add("otp.mobile_phone_types", "must name at least one phone type");
        }
        if otp.brand.trim().is_empty() || otp.brand.chars().count() > 100 {
            self.add("otp.brand", "must have 1 to 100 characters");
        }
        if otp.default_region.parse::<phonenumber::country::Id>().is_err() {
            self.add(
                "otp.default_region",
                "is no region of two capital letters (IR, UA, RU, ...)",
            );
        }
    }

    fn limits(&mut self, config: &Config) {
        let limits = &config.limits;
        for (option, value) in [
            ("limits.header_seconds", limits.header_seconds),
            ("limits.body_seconds", limits.body_seconds),
            ("limits.hold_seconds", limits.hold_seconds),
            ("limits.keep_alive_seconds", limits.keep_alive_seconds),
            ("limits.shutdown_seconds", limits.shutdown_seconds),
        ] {
            self.range(option, value, 1, 3_600);
        }
        self.range("limits.upload_seconds", limits.upload_seconds, 1, 86_400);
        self.range("limits.in_flight_max", count(limits.in_flight_max), 1, 1_000_000);
        self.range("customers.queue_max", config.customers.queue_max, 1, 1_000_000);
        self.range("customers.idle_seconds", config.customers.idle_seconds, 1, 86_400);
        self.range("storage.queue_max", count(config.storage.queue_max), 1, 1_000_000);
        self.range(
            "storage.cache_bytes",
            config.storage.cache_bytes,
            8 << 20,
            1 << 40,
        );
        self.range(
            "storage.free_bytes_min",
            config.storage.free_bytes_min,
            0,
            1 << 40,
        );
        self.range("storage.reserve_bytes", config.storage.reserve_bytes, 0, 1 << 40);
        if limits.hold_seconds < config.sms.timeout_seconds + OUTCOME_GRACE_SECONDS {
            let message = "must be at least sms.timeout_seconds + 5: an answer waits for the operator";
            self.add("limits.hold_seconds", message);
        }
        if tracing_subscriber::EnvFilter::try_new(&config.log.filter).is_err() {
            self.add(
                "log.filter",
                "is no filter; `info` is one, `info,countersign=debug` another",
            );
        }
    }

    fn secrets(&mut self, config: &Config, dev: bool) {
        self.secret("admin.key", &config.admin.key, dev);
        self.secret("partners.key_pepper", &config.partners.key_pepper, dev);
        if config.otp.hmac_keys.is_empty() {
            self.add("otp.hmac_keys", MISSING);
        }
        for key in &config.otp.hmac_keys {
            self.secret("otp.hmac_keys", key, dev);
        }
        if config.otp.hmac_keys.len() > 2 {
            self.add(
                "otp.hmac_keys",
                "two keys are live at most: the current one and the one before it",
            );
        }
    }

    fn evidence(&mut self, config: &Config, dev: bool) {
        let evidence = &config.evidence;
        let sizes = [
            (
                "evidence.containers_per_contract_max",
                evidence.containers_per_contract_max,
                10_000,
            ),
            (
                "evidence.bytes_per_contract_max",
                evidence.bytes_per_contract_max,
                64 << 20,
            ),
            ("evidence.waiting_max", evidence.waiting_max, 1_000_000),
            (
                "evidence.contracts_per_client_max",
                evidence.contracts_per_client_max,
                1_000_000,
            ),
            ("evidence.tiles_max", evidence.tiles_max, 1_000_000),
        ];
        for (option, value, max) in sizes {
            self.range(option, count(value), 1, max);
        }
        self.range("evidence.queue_max", evidence.queue_max, 1, 1_000_000);
        self.range("evidence.idle_seconds", evidence.idle_seconds, 1, 86_400);
        // Half a second is for keeping it: together "at most a second old".
        self.range(
            "evidence.checkpoint_milliseconds",
            evidence.checkpoint_milliseconds,
            1,
            500,
        );
        self.range("evidence.sink_seconds", evidence.sink_seconds, 1, 86_400);
        self.range(
            "evidence.audit_leaves_per_second",
            evidence.audit_leaves_per_second,
            0,
            1_000_000,
        );
        self.range(
            "evidence.otp_wait_milliseconds",
            evidence.otp_wait_milliseconds,
            1,
            10_000,
        );
        for key in &evidence.signing_keys {
            self.secret("evidence.signing_keys", key, dev);
        }
        if evidence.signing_keys.len() > 4 {
            self.add(
                "evidence.signing_keys",
                "four keys sign at most: the current one, and others only during a change",
            );
        }
        if Signer::from_seed(&evidence.origin, &[0; 32]).is_none() {
            self.add(
                "evidence.origin",
                "must be a name without spaces and `+`, say example.com/evidence",
            );
        }
        for key in &evidence.former_keys {
            if let Err(error) = key.parse::<Verifier>() {
                self.add("evidence.former_keys", error.to_string());
            }
        }
    }

    pub(super) fn secret(&mut self, option: &'static str, secret: &ConfigSecret, dev: bool) {
        if secret.is_empty() {
            self.add(option, MISSING);
        } else if secret.is_example() && !dev {
            self.add(
                option,
                "is an example that everybody knows; make your own, say with `openssl rand -base64 32`",
            );
        }
    }

    fn webhooks(&mut self, config: &Config) {
        let webhooks = &config.webhooks;
        self.range(
            "webhooks.first_pause_seconds",
            webhooks.first_pause_seconds,
            1,
            3_600,
        );
        self.range(
            "webhooks.pause_max_seconds",
            webhooks.pause_max_seconds,
            webhooks.first_pause_seconds,
            86_400,
        );
        self.range("webhooks.give_up_hours", webhooks.give_up_hours, 1, 744);
        self.range("webhooks.events_max", webhooks.events_max, 100, 1_000_000);
    }

    fn agents(&mut self, config: &Config, dev: bool) {
        let agents = &config.agents;
        if agents.tls_certificate_file.is_some() != agents.tls_key_file.is_some() {
            self.add(
                "agents.tls_key_file",
                "certificate and key belong together: give both or neither",
            );
        }
        if !agents.key.is_empty() {
            self.secret("agents.key", &agents.key, dev);
        }
        let is_key = |key: &String| key.parse::<signing_protocol::PublicKey>().is_ok();
        if !agents.earlier_public_keys.iter().all(is_key) {
            self.add(
                "agents.earlier_public_keys",
                "each must be an Ed25519 public key: base64 of 32 bytes",
            );
        }
        if agents.earlier_public_keys.len() > 2 {
            self.add(
                "agents.earlier_public_keys",
                "two at most: issue the licences of older keys anew",
            );
        }
        self.range("agents.waiting_max", count(agents.waiting_max), 1, 100_000);
        self.range("agents.judges", count(agents.judges), 0, 64);
        self.range("agents.report_seconds", agents.report_seconds, 5, 3_600);
    }
}

pub(super) const MISSING: &str = "is needed: give it in the file, or as a variable, or as file:PATH";

pub(super) fn count(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
