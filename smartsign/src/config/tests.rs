//! The configuration's file is its documentation: it holds what is built in, and every option.

use super::*;

const FILE: &str = include_str!("../../../config/smartsign.toml");

/// The least that is needed beside the defaults.
const NEEDED: &str = r#"
[storage]
secret = "0123456789abcdef0123456789abcdef0123456789ab"
[gateway]
url = "https://gateway.test"
public_keys = ["11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="]
"#;

fn problems(text: &str) -> Vec<&'static str> {
    match from_text("test", text) {
        Ok(_) => Vec::new(),
        Err(LoadError::Unfit(problems)) => problems.iter().map(|problem| problem.option).collect(),
        Err(error) => panic!("{error}"),
    }
}

/// The file with its commented options switched on.
fn with_examples() -> String {
    let lines = FILE.lines().map(|line| match line.strip_prefix('#') {
        Some(option) if !option.starts_with(' ') && !option.is_empty() => option,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_file_holds_what_is_built_in() {
    let read: Config = toml::from_str(FILE).unwrap();
    assert_eq!(read, Config::default());
}

#[test]
fn the_file_names_every_option() {
    let mut everything: Config = toml::from_str(&with_examples()).unwrap();
    everything.storage.secret = ConfigSecret::new("x");
    let everything = toml::Table::try_from(&everything).unwrap();
    let in_file: toml::Table = toml::from_str(&with_examples()).unwrap();
    let names = |table: &toml::Table| -> Vec<String> {
        let of_section = |(section, options): (&String, &toml::Value)| {
            let options = options.as_table().unwrap().keys();
            options
                .map(|option| format!("{section}.{option}"))
                .collect::<Vec<_>>()
        };
        let mut names: Vec<String> = table.iter().flat_map(of_section).collect();
        names.sort();
        names
    };
    assert_eq!(names(&in_file), names(&everything));
    assert!(names(&in_file).len() > 30);
}

#[test]
fn the_least_configuration_is_enough_and_the_file_alone_is_not() {
    assert_eq!(problems(NEEDED), Vec::<&str>::new());
    assert_eq!(
        problems(FILE),
        ["storage.secret", "gateway.url", "gateway.public_keys"]
    );
}

#[test]
fn what_is_wrong_is_named() {
    for (text, expected) in [
        ("[api]\naddress = \"0.0.0.0:8090\"", "api.keys"),
        ("[api]\nkeys = [\"short\"]", "api.keys"),
        ("[api]\nkeys = [\"an-example-that-everybody-knows\"]", "api.keys"),
        ("[api]\ntls_key_file = \"x\"", "api.tls_key_file"),
        ("[push]\nurl = \"ftp://x\"", "push.url"),
        ("[signing]\nqueue_max = 0", "signing.queue_max"),
        ("[limits]\nhold_seconds = 0", "limits.hold_seconds"),
        ("[log]\nfilter = \"a=b=c\"", "log.filter"),
    ] {
        assert_eq!(problems(&format!("{NEEDED}\n{text}")), [expected], "{text}");
    }
    let short = NEEDED.replace("0123456789abcdef0123456789abcdef0123456789ab", "short");
    assert_eq!(problems(&short), ["storage.secret"]);
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    let error = from_text("agent.toml", "[api]\n\nadress = \"127.0.0.1:1\"").unwrap_err();
    assert!(error.to_string().starts_with("agent.toml:3: "), "{error}");
}

#[test]
fn a_variable_overrides_and_an_unknown_one_is_refused_without_its_value() {
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut all = vec![
        variable("SMARTSIGN__STORAGE__SECRET", "0123456789abcdef0123456789abcdef"),
        variable("SMARTSIGN__GATEWAY__URL", "https://gateway.test"),
        variable(
            "SMARTSIGN__GATEWAY__PUBLIC_KEYS",
            "[\"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"]",
        ),
        variable("SMARTSIGN__SIGNING__THREADS", "3"),
        variable("PATH", "/bin"),
    ];
    let config = load(None, all.clone()).unwrap();
    assert_eq!(config.signing.threads, 3);
    all.push(variable("SMARTSIGN__SIGNING__THREDS", "hidden"));
    let error = load(None, all).unwrap_err().to_string();
    assert!(error.starts_with("SMARTSIGN__SIGNING__THREDS: "), "{error}");
    assert!(!error.contains("hidden"), "{error}");
}

#[test]
fn a_secret_is_masked_where_the_configuration_is_printed() {
    let config = from_text("test", NEEDED).unwrap();
    let printed = toml::to_string(&config).unwrap() + &format!("{config:?}");
    assert!(!printed.contains("0123456789abcdef"), "{printed}");
}
