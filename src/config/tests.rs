//! Facts about the configuration: the file in the repository, what wins over what, what is refused, and that no secret is ever seen.

use super::{
    Agents, Config, ConfigSecret, Evidence, LoadError, Public, SmppAccount, Sms, Sources, load,
    load_unchecked,
};
use crate::secrets::Secrets;
use std::collections::BTreeSet;
use std::path::PathBuf;
use toml::{Table, Value};

/// The file that documents every option.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/countersign.toml");
/// Canaries: they are fit, and must be seen nowhere.
const ADMIN_KEY: &str = "csa_canary-canary-canary";
const PEPPER: &str = "canarycanarycanarycanarycanarycanarycanaryA=";
const HMAC_KEY: &str = "1:canarycanarycanarycanarycanarycanarycanaryA=";
const WEBHOOK_SECRET: &str = "whsec_canarycanarycanarycanarycanary";

/// What a gateway cannot start without, as flags.
fn fit() -> Sources {
    flags(&[
        ("admin.key", ADMIN_KEY),
        ("partners.key_pepper", PEPPER),
        ("otp.hmac_keys", &format!("[\"{HMAC_KEY}\"]")),
        ("sms.webhook.url", "https://sms.test/messages"),
        ("sms.webhook.secret", WEBHOOK_SECRET),
    ])
}

fn flags(flags: &[(&str, &str)]) -> Sources {
    Sources {
        flags: owned(flags),
        ..Sources::default()
    }
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// `sources` with one more flag, which wins over the earlier ones.
fn with(mut sources: Sources, option: &str, value: &str) -> Sources {
    sources.flags.push((option.to_owned(), value.to_owned()));
    sources
}

/// A file that lives as long as the directory that comes with it.
fn written(text: &str) -> (tempfile::TempDir, Sources) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("countersign.toml");
    std::fs::write(&file, text).unwrap();
    let sources = Sources {
        file: Some(file),
        ..Sources::default()
    };
    (directory, sources)
}

/// The options that are wrong, each once.
fn unfit(sources: &Sources, dev: bool) -> BTreeSet<&'static str> {
    match load(sources, dev) {
        Ok(_) => BTreeSet::new(),
        Err(LoadError::Unfit(problems)) => problems.iter().map(|problem| problem.option).collect(),
        Err(other) => panic!("cannot even be read: {other}"),
    }
}

/// The paths of all values, `section.key`.
fn paths(table: &Table, prefix: &str, into: &mut BTreeSet<String>) {
    for (key, value) in table {
        match value {
            Value::Table(inner) => paths(inner, &format!("{prefix}{key}."), into),
            _ => assert!(into.insert(format!("{prefix}{key}"))),
        }
    }
}

/// Every option there is, those without a default included. A new field of `Public` must be added here, or this does not compile.
fn every_option() -> BTreeSet<String> {
    let some = || Some(PathBuf::from("x"));
    let config = Config {
        public: Public {
            address: Public::default().address,
            tls_certificate_file: some(),
            tls_key_file: some(),
            tls_client_ca_file: some(),
            tls_client_certificate_required: false,
        },
        sms: Sms {
            smpp: [("main".to_owned(), SmppAccount::default())].into(),
            ..Sms::default()
        },
        agents: Agents {
            tls_certificate_file: some(),
            tls_key_file: some(),
            ..Agents::default()
        },
        evidence: Evidence {
            sink_directory: some(),
            ..Evidence::default()
        },
        ..Config::default()
    };
    let mut options = BTreeSet::new();
    paths(&Table::try_from(&config).unwrap(), "", &mut options);
    options
}

/// The documented file, with its options without a default (`#key = ...`) switched on.
fn everything_switched_on() -> String {
    let text = std::fs::read_to_string(FILE).unwrap();
    let on = |line: &str| match line.strip_prefix('#') {
        Some(option) if option.starts_with(|first: char| first.is_ascii_lowercase()) => option.to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(on).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_documented_file_says_what_is_built_in() {
    let sources = Sources {
        file: Some(FILE.into()),
        ..Sources::default()
    };
    assert_eq!(load_unchecked(&sources).unwrap(), Config::default());
}

#[test]
fn every_option_stands_in_the_documented_file_and_no_other() {
    let table: Table = toml::from_str(&everything_switched_on()).unwrap();
    let mut documented = BTreeSet::new();
    paths(&table, "", &mut documented);
    assert_eq!(documented, every_option());
}

#[test]
fn every_option_of_the_documented_file_has_a_comment_above_it() {
    let text = everything_switched_on();
    let lines: Vec<&str> = text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let begins = line.starts_with(|first: char| first == '[' || first.is_ascii_lowercase());
        let above = index.checked_sub(1).map_or("", |above| lines[above]);
        assert!(!begins || above.starts_with("# "), "line {}: {line}", index + 1);
    }
}

#[test]
fn the_documented_file_alone_starts_nothing_and_says_what_is_missing() {
    let sources = Sources {
        file: Some(FILE.into()),
        ..Sources::default()
    };
    let missing = [
        "admin.key",
        "partners.key_pepper",
        "otp.hmac_keys",
        "sms.webhook.url",
        "sms.webhook.secret",
    ];
    assert_eq!(unfit(&sources, false), BTreeSet::from(missing));
}

#[test]
fn example_secrets_are_fit_in_form_and_refused_outside_dev() {
    let (_directory, sources) = written(&everything_switched_on());
    let sources = with(sources, "sms.webhook.url", "https://sms.test/messages");
    let secrets = [
        "admin.key",
        "partners.key_pepper",
        "otp.hmac_keys",
        "sms.webhook.secret",
        "agents.key",
    ];
    assert_eq!(unfit(&sources, false), BTreeSet::from(secrets));
    let config = load(&sources, true).expect("`dev` takes them");
    assert!(Secrets::read(&config).is_ok());
    // Whatever the case: somebody copied it from somewhere.
    for secret in secrets {
        let example = if secret == "otp.hmac_keys" {
            "[\"1:ExAmPlE\"]"
        } else {
            "an EXAMPLE of a key"
        };
        assert_eq!(
            unfit(&with(fit(), secret, example), false),
            BTreeSet::from([secret])
        );
    }
}

#[test]
fn each_source_wins_over_the_one_before() {
    let (_directory, mut sources) = written("[otp]\nbrand = \"file\"\ncode_length = 7\ntries_max = 3\n");
    sources.environment = owned(&[
        ("COUNTERSIGN__OTP__BRAND", "environment"),
        ("COUNTERSIGN__OTP__CODE_LENGTH", "8"),
        ("COUNTERSIGN_ADMIN_URL", "another program's"),
        ("PATH", "/bin"),
    ]);
    let sources = with(sources, "otp.brand", "flag");
    let otp = load_unchecked(&sources).unwrap().otp;
    assert_eq!(
        (otp.brand.as_str(), otp.code_length, otp.tries_max),
        ("flag", 8, 3)
    );
    assert_eq!(otp.lifetime_seconds, Config::default().otp.lifetime_seconds);
}

#[test]
fn values_of_the_environment_are_toml_where_that_makes_sense_and_else_text() {
    let sources = Sources {
        environment: owned(&[
            ("COUNTERSIGN__OTP__BRAND", "1403"),
            ("COUNTERSIGN__OTP__MOBILE_PHONE_TYPES", "[3, 6]"),
            ("COUNTERSIGN__PUBLIC__ADDRESS", "127.0.0.1:0"),
            ("COUNTERSIGN__STORAGE__ACCEPT_LOST_TAIL", "true"),
            ("COUNTERSIGN__ADMIN__KEY", "12345678901234567890"),
            ("COUNTERSIGN__SMS__WEBHOOK__URL", "https://sms.test"),
        ]),
        ..Sources::default()
    };
    let config = load_unchecked(&sources).unwrap();
    assert_eq!(config.otp.brand, "1403");
    assert_eq!(config.otp.mobile_phone_types, [3, 6]);
    assert_eq!(config.public.address.port(), 0);
    assert!(config.storage.accept_lost_tail);
    assert_eq!(config.admin.key, ConfigSecret::new("12345678901234567890"));
    assert_eq!(config.sms.webhook.url, "https://sms.test");
}

#[test]
fn what_is_wrong_in_a_file_is_refused_with_file_and_line() {
    for (text, line, says) in [
        (
            "[otp]\nbrand = \"x\"\nbrnad = \"y\"\n",
            3,
            "unknown field `brnad`",
        ),
        ("\n\n[opt]\n", 3, "unknown field `opt`"),
        ("[sms.webhook]\nuri = \"\"\n", 2, "unknown field `uri`"),
        ("[otp]\ncode_length = 300\n", 2, "300"),
        ("[otp]\nbrand = 7\n", 2, "expected a string"),
        ("[admin]\nkey = 7\n", 2, "a secret must be a string"),
        ("[log]\nformat = \"xml\"\n", 2, "unknown variant `xml`"),
        ("[public]\naddress = \"localhost\"\n", 2, "socket address"),
        ("[otp]\n\nbrand = \"x\n", 3, ""),
    ] {
        let (directory, sources) = written(text);
        let error = load_unchecked(&sources).unwrap_err().to_string();
        let place = format!("{}:{line}: ", directory.path().join("countersign.toml").display());
        let message = error.strip_prefix(&place);
        assert!(
            message.is_some_and(|message| message.contains(says)),
            "{text:?}: {error}"
        );
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let sources = Sources {
        file: Some("/nowhere/countersign.toml".into()),
        ..Sources::default()
    };
    let error = load(&sources, false).unwrap_err().to_string();
    assert!(
        error.starts_with("/nowhere/countersign.toml: cannot be read"),
        "{error}"
    );
}

#[test]
fn an_unknown_or_wrong_variable_or_flag_is_refused_by_name() {
    for (name, value, says) in [
        ("COUNTERSIGN__OTP__BRNAD", "x", "unknown field `brnad`"),
        ("COUNTERSIGN__OPT__BRAND", "x", "unknown field `opt`"),
        ("COUNTERSIGN__BRAND", "x", "unknown field `brand`"),
        ("COUNTERSIGN__OTP__BRAND__X", "x", "expected a string"),
        ("COUNTERSIGN__", "x", ""),
        ("COUNTERSIGN__OTP__CODE_LENGTH", "six", ""),
        ("COUNTERSIGN__STORAGE__ACCEPT_LOST_TAIL", "perhaps", ""),
    ] {
        let sources = Sources {
            environment: owned(&[(name, value)]),
            ..Sources::default()
        };
        let error = load_unchecked(&sources).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("{name}: ")) && error.contains(says),
            "{error}"
        );
    }
    let error = load_unchecked(&flags(&[("otp.brnad", "x")]))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("--set otp.brnad: unknown field `brnad`"),
        "{error}"
    );
}

#[test]
fn a_secret_may_be_the_content_of_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str, content: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        format!("file:{}", path.display())
    };
    let sources = with(fit(), "admin.key", &place("admin", &format!("  {ADMIN_KEY}\n\n")));
    let sources = with(sources, "partners.key_pepper", &place("pepper", PEPPER));
    let sources = with(
        sources,
        "otp.hmac_keys",
        &format!("[\"{}\"]", place("hmac", HMAC_KEY)),
    );
    let config = load(&sources, false).unwrap();
    assert_eq!(config.admin.key.resolve().unwrap().expose(), ADMIN_KEY);
    assert!(Secrets::read(&config).is_ok());
    let printed = toml::to_string_pretty(&config).unwrap();
    assert!(
        printed.contains(&place("admin", ADMIN_KEY)),
        "which file it is, is no secret"
    );

    let config = load(&with(fit(), "admin.key", "file:/nowhere/admin"), false).unwrap();
    let error = Secrets::read(&config).err().unwrap();
    assert!(
        error.starts_with("admin.key: cannot read /nowhere/admin"),
        "{error}"
    );
}

#[test]
fn secrets_are_masked_wherever_a_configuration_is_printed() {
    let config = load(&fit(), false).unwrap();
    let printed = toml::to_string_pretty(&config).unwrap();
    assert_eq!(printed.matches("\"***\"").count(), 4, "{printed}");
    let debug = format!("{config:?}");
    for text in [printed, debug] {
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn no_error_about_a_secret_quotes_it() {
    let in_files = [
        "[admin]\nkey = [\"canary\"]\n",
        "[admin]\nkey = canary\n",
        "[admin]\nkey = \"canary\n",
        "[admin]\nkye = \"canary\"\n",
        "[partners]\nkey_pepper = { value = \"canary\" }\n",
        "[otp]\nhmac_keys = [[\"canary\"]]\n",
        "[otp]\nhmac_keys = \"canary\"\n",
        "[otp]\nhmac_keys = \"canary\\\", expected canary\"\n",
        "admin = \"canary\"\n",
        "[otp]\nhmac_keys = [\"canary\"]\nhmac_keys = [\"canary\"]\n",
    ];
    for text in in_files {
        let (_directory, sources) = written(text);
        let error = load_unchecked(&sources).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
    for (name, value) in [
        ("COUNTERSIGN__OTP__HMAC_KEYS", "1:canary"),
        ("COUNTERSIGN__OTP__HMAC_KEYS", "canary\", expected canary"),
        ("COUNTERSIGN__ADMIN", "canary"),
    ] {
        let sources = Sources {
            environment: owned(&[(name, value)]),
            ..Sources::default()
        };
        let error = load_unchecked(&sources).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
    // Read, and found unfit afterwards.
    for (option, value) in [
        ("admin.key", "canary"),
        ("partners.key_pepper", "canary is no base64"),
        ("partners.key_pepper", "canary=="),
        ("otp.hmac_keys", "[\"canary\"]"),
        ("otp.hmac_keys", "[\"canary:canary\"]"),
        ("otp.hmac_keys", "[\"1:canary\"]"),
        ("otp.hmac_keys", "[\"1:canaryca\"]"),
    ] {
        let config = load(&with(fit(), option, value), false).unwrap();
        let error = Secrets::read(&config).err().expect(value);
        assert!(error.starts_with(option) && !error.contains("canary"), "{error}");
    }
}

#[test]
fn a_cash_desk_is_held_no_longer_than_its_listener_lets_it_be() {
    let served = with(fit(), "tax.url", "\"https://tax.example/fs\"");
    for (seconds, expected) in [
        ("58", BTreeSet::new()),
        ("59", BTreeSet::from(["cashdesk.hold_seconds"])),
    ] {
        assert_eq!(
            unfit(&with(served.clone(), "cashdesk.hold_seconds", seconds), false),
            expected,
            "{seconds}"
        );
    }
    for url in ["\"ftp://tax.example\"", "\"tax.example\"", "\"http://\""] {
        assert_eq!(
            unfit(&with(fit(), "tax.url", url), false),
            BTreeSet::from(["tax.url"]),
            "{url}"
        );
    }
}

#[test]
fn every_range_ends_where_it_says() {
    const DAY: u64 = 86_400;
    const MILLION: u64 = 1_000_000;
    for (option, least, greatest) in [
        ("otp.resend_window_seconds", 1, DAY),
        ("otp.lifetime_seconds", 30, 600),
        ("otp.code_length", 4, 10),
        ("otp.tries_max", 1, 10),
        ("otp.lock_after_tries", 1, 20),
        ("otp.short_cap", 1, 36),
        ("otp.short_cap_seconds", 1, DAY),
        ("otp.daily_cap", 1, 36),
        ("otp.contact_daily_cap", 1, 36),
        ("limits.header_seconds", 1, 3_600),
        ("limits.body_seconds", 1, 3_600),
        ("limits.hold_seconds", 15, 3_600),
        ("limits.keep_alive_seconds", 1, 3_600),
        ("limits.shutdown_seconds", 1, 3_600),
        ("limits.upload_seconds", 1, DAY),
        ("limits.in_flight_max", 1, MILLION),
        ("customers.queue_max", 1, MILLION),
        ("customers.idle_seconds", 1, DAY),
        ("storage.queue_max", 1, MILLION),
        ("storage.cache_bytes", 8 << 20, 1 << 40),
        ("sms.timeout_seconds", 1, 55),
        ("agents.waiting_max", 1, 100_000),
        ("agents.report_seconds", 5, 3_600),
        ("cashdesk.hold_seconds", 1, 3_600),
        ("cashdesk.unheld_seconds", 1, DAY),
        ("cashdesk.password_tries_max", 1, 1_000),
        ("cashdesk.synchronise_hours", 0, 744),
        ("cashdesk.queue_max", 1, MILLION),
        ("cashdesk.idle_seconds", 1, DAY),
    ] {
        for inside in [least, greatest] {
            let wrong = unfit(&with(fit(), option, &inside.to_string()), false);
            assert!(wrong.is_empty(), "{option} = {inside}: {wrong:?}");
        }
        for outside in least.checked_sub(1).into_iter().chain([greatest + 1]) {
            // Room enough for the operator in any case: that rule has a row of its own below.
            let roomy = if option.starts_with("sms.") {
                with(fit(), "limits.hold_seconds", "70")
            } else {
                fit()
            };
            let wrong = unfit(&with(roomy, option, &outside.to_string()), false);
            assert_eq!(wrong, BTreeSet::from([option]), "{option} = {outside}");
        }
    }
}

/// Whether it is `dev`, the flags, and the options that are wrong.
type Row<'a> = (bool, &'a [(&'a str, &'a str)], &'a [&'a str]);

#[test]
fn what_does_not_fit_together_is_refused() {
    let (dev, live) = (true, false);
    let long = "x".repeat(101);
    let longest = "x".repeat(100);
    let three = format!("[\"{HMAC_KEY}\", \"{HMAC_KEY}\", \"{HMAC_KEY}\"]");
    let (certificate, key) = (
        ("public.tls_certificate_file", "/c"),
        ("public.tls_key_file", "/k"),
    );
    let (ca, required) = (
        ("public.tls_client_ca_file", "/a"),
        ("public.tls_client_certificate_required", "true"),
    );
    let rows: &[Row<'_>] = &[
        (live, &[], &[]),
        (
            live,
            &[("otp.mobile_phone_types", "[]")],
            &["otp.mobile_phone_types"],
        ),
        (live, &[("otp.brand", " ")], &["otp.brand"]),
        (live, &[("otp.brand", &long)], &["otp.brand"]),
        (live, &[("otp.brand", &longest)], &[]),
        (live, &[("otp.default_region", "UA")], &[]),
        (live, &[("otp.default_region", "ir")], &["otp.default_region"]),
        (live, &[("otp.default_region", "XX")], &["otp.default_region"]),
        (live, &[("otp.hmac_keys", "[]")], &["otp.hmac_keys"]),
        (live, &[("otp.hmac_keys", &three)], &["otp.hmac_keys"]),
        (live, &[("admin.key", "\"\"")], &["admin.key"]),
        (live, &[("partners.key_pepper", "\"\"")], &["partners.key_pepper"]),
        (live, &[certificate], &["public.tls_key_file"]),
        (live, &[key], &["public.tls_key_file"]),
        (live, &[("agents.tls_key_file", "/k")], &["agents.tls_key_file"]),
        (
            live,
            &[("agents.earlier_public_keys", "[\"x\"]")],
            &["agents.earlier_public_keys"],
        ),
        (live, &[("agents.judges", "65")], &["agents.judges"]),
        (live, &[certificate, key], &[]),
        (live, &[ca], &["public.tls_certificate_file"]),
        (live, &[required], &["public.tls_client_ca_file"]),
        (live, &[certificate, key, ca, required], &[]),
        (live, &[("sms.sender", "sandbox")], &["sms.sender"]),
        (dev, &[("sms.sender", "sandbox")], &[]),
        (live, &[("sms.webhook.url", "\"\"")], &["sms.webhook.url"]),
        (
            live,
            &[("sms.webhook.url", "ftp://sms.test")],
            &["sms.webhook.url"],
        ),
        (live, &[("sms.webhook.url", "http://sms.test")], &[]),
        (live, &[("sms.webhook.secret", "\"\"")], &["sms.webhook.secret"]),
        // All that is wrong is said at once.
        (
            live,
            &[("otp.tries_max", "0"), ("sms.sender", "sandbox")],
            &["otp.tries_max", "sms.sender"],
        ),
    ];
    for (dev, flags, expected) in rows {
        let sources = flags
            .iter()
            .fold(fit(), |sources, (option, value)| with(sources, option, value));
        let expected: BTreeSet<&str> = expected.iter().copied().collect();
        assert_eq!(unfit(&sources, *dev), expected, "{flags:?}, dev: {dev}");
    }
}
