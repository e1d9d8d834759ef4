//! What the types cannot say of how messages go out.

use super::check::{Problems, count};
use super::{Config, SmppAccount, Sms, SmsSenderKind};

/// Digits of the longest prefix: E.164 has fifteen in all.
const PREFIX_DIGITS_MAX: usize = 15;

impl Problems {
    pub(super) fn sms(&mut self, config: &Config, dev: bool) {
        let sms = &config.sms;
        self.range("sms.timeout_seconds", sms.timeout_seconds, 1, 55);
        self.range("sms.parts_max", sms.parts_max, 1, 10);
        self.range("sms.breaker.failures_max", sms.breaker.failures_max, 0, 1_000);
        self.range("sms.breaker.rest_seconds", sms.breaker.rest_seconds, 1, 3_600);
        self.range("sms.spending.margin", sms.spending.margin, 0, 1_000_000);
        self.range("sms.traffic.range_digits", sms.traffic.range_digits, 1, 15);
        self.range("sms.traffic.sent_min", sms.traffic.sent_min, 1, 1_000_000);
        self.range(
            "sms.traffic.verified_percent_min",
            sms.traffic.verified_percent_min,
            0,
            100,
        );
        let prices = sms.spending.prices.iter().map(|price| &price.prefix);
        self.prefixes("sms.spending.prices", prices);
        self.prefixes("sms.allowed_prefixes", sms.allowed_prefixes.iter());
        self.url("sms.receipts_url", &sms.receipts_url, true);
        match sms.sender {
            SmsSenderKind::Sandbox if !dev => {
                self.add(
                    "sms.sender",
                    "the sandbox sends nothing to anybody and is for `countersign dev` only",
                );
            }
            SmsSenderKind::Sandbox => {}
            SmsSenderKind::Operators => self.operators(sms, dev),
            SmsSenderKind::Webhook => {
                if sms.webhook.url.is_empty() {
                    self.add(
                        "sms.webhook.url",
                        "is needed: the URL that messages are posted to",
                    );
                } else {
                    self.url("sms.webhook.url", &sms.webhook.url, false);
                }
                self.secret("sms.webhook.secret", &sms.webhook.secret, dev);
            }
        }
    }

    fn url(&mut self, option: &'static str, url: &str, may_be_empty: bool) {
        let is_http = url.starts_with("https://") || url.starts_with("http://");
        let is_absent = may_be_empty && url.is_empty();
        if !is_http && !is_absent {
            self.add(
                option,
                "must begin with https:// (or http:// on a private network)",
            );
        }
    }

    fn prefixes<'a>(&mut self, option: &'static str, prefixes: impl Iterator<Item = &'a String>) {
        let is_prefix = |prefix: &&String| {
            prefix.len() <= PREFIX_DIGITS_MAX && prefix.bytes().all(|digit| digit.is_ascii_digit())
        };
        let mut prefixes = prefixes;
        if !prefixes.all(|prefix| is_prefix(&prefix)) {
            self.add(
                option,
                "a prefix is up to 15 digits, country code first and without a plus sign",
            );
        }
    }

    /// What routes name must be there, and able to send.
    fn operators(&mut self, sms: &Sms, dev: bool) {
        if sms.routes.is_empty() {
            self.add("sms.routes", "is needed: which operators for which numbers");
        }
        self.prefixes("sms.routes", sms.routes.iter().map(|route| &route.prefix));
        let mut prefixes: Vec<&str> = sms.routes.iter().map(|route| route.prefix.as_str()).collect();
        prefixes.sort_unstable();
        if prefixes.windows(2).any(|pair| pair[0] == pair[1]) {
            self.add("sms.routes", "two routes have the same prefix");
        }
        for candidate in sms.routes.iter().flat_map(|route| &route.operators) {
            let name = candidate.operator.as_str();
            if let Some(account) = sms.smpp.get(name) {
                self.smpp(account, dev);
                continue;
            }
            match name {
                "kavenegar" => self.secret("sms.kavenegar.key", &sms.kavenegar.key, dev),
                "smsru" => self.secret("sms.smsru.key", &sms.smsru.key, dev),
                "turbosms" => {
                    self.secret("sms.turbosms.key", &sms.turbosms.key, dev);
                    if sms.turbosms.sender.is_empty() {
                        self.add("sms.turbosms.sender", "is needed: the agreed sender");
                    }
                }
                "twilio" => {
                    self.secret("sms.twilio.key", &sms.twilio.key, dev);
                    if sms.twilio.account.is_empty() || sms.twilio.sender.is_empty() {
                        self.add("sms.twilio.account", "account and sender are needed");
                    }
                }
                unknown => self.add(
                    "sms.routes",
                    format!("there is no operator {unknown}: kavenegar, smsru, turbosms, twilio, or a name below sms.smpp"),
                ),
            }
        }
        if sms.routes.iter().any(|route| route.operators.is_empty()) {
            self.add("sms.routes", "a route names no operator");
        }
        for taken in ["kavenegar", "smsru", "turbosms", "twilio"] {
            if sms.smpp.contains_key(taken) {
                self.add("sms.smpp", format!("{taken} is the name of another operator"));
            }
        }
    }

    fn smpp(&mut self, account: &SmppAccount, dev: bool) {
        self.range("sms.smpp.port", account.port, 1, 65_535);
        self.range("sms.smpp.binds", count(account.binds), 1, 32);
        self.range("sms.smpp.window", count(account.window), 1, 1_024);
        self.range(
            "sms.smpp.enquire_link_seconds",
            account.enquire_link_seconds,
            1,
            3_600,
        );
        self.range("sms.smpp.response_seconds", account.response_seconds, 1, 60);
        self.range(
            "sms.smpp.reconnect_max_seconds",
            account.reconnect_max_seconds,
            1,
            3_600,
        );
        self.secret("sms.smpp.password", &account.password, dev);
        if account.host.is_empty() || account.system_id.is_empty() {
            self.add("sms.smpp.host", "host and system_id are needed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{LoadError, from_text};
    use std::collections::BTreeSet;

    /// What every gateway needs.
    const BASE: &str = "[admin]\nkey = \"csa_canary-canary-canary\"\n\
        [partners]\nkey_pepper = \"canarycanarycanarycanarycanarycanarycanaryA=\"\n\
        [otp]\nhmac_keys = [\"1:canarycanarycanarycanarycanarycanarycanaryA=\"]\n\
        [sms]\nsender = \"operators\"\n";
    const TO_MAIN: &str = "routes = [{ prefix = \"98\", operators = [{ operator = \"main\" }] }]\n";
    const MAIN: &str = "smpp.main = { host = \"h\", system_id = \"s\", password = \"p\" }\n";

    /// The options that are wrong with these lines below `[sms]`.
    #[track_caller]
    fn check(lines: &[&str], expected: &[&str]) {
        let text = format!("{BASE}{}", lines.concat());
        let wrong: BTreeSet<&str> = match from_text("test", &text, false) {
            Ok(_) => BTreeSet::new(),
            Err(LoadError::Unfit(problems)) => problems.iter().map(|problem| problem.option).collect(),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(wrong, expected.iter().copied().collect(), "{text}");
    }

    #[test]
    fn operators_need_routes_and_routes_need_operators_that_are_there() {
        check(&[TO_MAIN, MAIN], &[]);
        check(&[], &["sms.routes"]);
        check(&[TO_MAIN], &["sms.routes"]);
        check(
            &["routes = [{ prefix = \"98\", operators = [] }]\n"],
            &["sms.routes"],
        );
        check(
            &[
                "routes = [{ prefix = \"+98\", operators = [{ operator = \"main\" }] }]\n",
                MAIN,
            ],
            &["sms.routes"],
        );
        let twice = "routes = [{ prefix = \"\", operators = [{ operator = \"main\" }] }, { prefix = \"\", operators = [{ operator = \"main\" }] }]\n";
        check(&[twice, MAIN], &["sms.routes"]);
        check(&[TO_MAIN, MAIN, "smpp.twilio = {}\n"], &["sms.smpp"]);
    }

    #[test]
    fn an_operator_that_a_route_names_needs_its_account() {
        let to = |name: &str| {
            format!("routes = [{{ prefix = \"\", operators = [{{ operator = \"{name}\" }}] }}]\n")
        };
        check(&[&to("kavenegar")], &["sms.kavenegar.key"]);
        check(&[&to("smsru")], &["sms.smsru.key"]);
        check(&[&to("turbosms")], &["sms.turbosms.key", "sms.turbosms.sender"]);
        check(&[&to("twilio")], &["sms.twilio.account", "sms.twilio.key"]);
        check(&[&to("kavenegar"), "[sms.kavenegar]\nkey = \"k\"\n"], &[]);
        check(
            &[&to("kavenegar"), "[sms.kavenegar]\nkey = \"example\"\n"],
            &["sms.kavenegar.key"],
        );
        check(
            &[TO_MAIN, "smpp.main = { window = 0, binds = 33 }\n"],
            &[
                "sms.smpp.binds",
                "sms.smpp.host",
                "sms.smpp.password",
                "sms.smpp.window",
            ],
        );
    }

    #[test]
    fn ranges_and_forms_of_the_guards_are_kept() {
        check(&[TO_MAIN, "parts_max = 0\n", MAIN], &["sms.parts_max"]);
        check(
            &[TO_MAIN, "allowed_prefixes = [\"+98\"]\n", MAIN],
            &["sms.allowed_prefixes"],
        );
        check(
            &[TO_MAIN, "receipts_url = \"gateway.test\"\n", MAIN],
            &["sms.receipts_url"],
        );
        check(
            &[
                TO_MAIN,
                MAIN,
                "[sms.spending]\nprices = [{ prefix = \"x\", part = 1 }]\n",
            ],
            &["sms.spending.prices"],
        );
        check(
            &[
                TO_MAIN,
                MAIN,
                "[sms.traffic]\nrange_digits = 0\nverified_percent_min = 101\n",
            ],
            &["sms.traffic.range_digits", "sms.traffic.verified_percent_min"],
        );
    }
}
