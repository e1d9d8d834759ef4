//! Keeps the house: who may import whom, where time and codecs live, how long files are, what has a page and what links to it.
//!
//! A rule that is wrong is changed here, with its reason; a rule that is broken is mended where it is broken.

#![allow(clippy::unwrap_used)] // clippy sees a test only inside `#[test]`, and not in what tests share

use countersign::http::problem::Code;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What a package may not depend on. The rules are those of ARCHITECTURE.md, "Who may import whom"; a package may be listed before it exists.
const FORBIDDEN_DEPENDENCIES: &[(&str, &[&str])] = &[
    // The gateway knows neither the database nor the actor library: `storage` and `actors` stand before them.
    ("countersign", &["sled", "bincode", "ractor", "hyper"]),
    // Behaviour knows no HTTP, no database and no codec.
    (
        "actors",
        &[
            "countersign",
            "serve",
            "sandbox",
            "smartsign",
            "warp",
            "http",
            "hyper",
            "reqwest",
            "sled",
            "bincode",
        ],
    ),
    // The store knows bytes, not customers, and nothing of who asks.
    (
        "storage",
        &[
            "countersign",
            "actors",
            "serve",
            "sandbox",
            "fiscal",
            "dstu",
            "smartsign",
            "warp",
            "http",
            "prometheus",
        ],
    ),
    // The accept loop knows HTTP alone; warp is for its tests.
    (
        "serve",
        &[
            "countersign",
            "actors",
            "storage",
            "sandbox",
            "fiscal",
            "dstu",
            "smartsign",
            "warp",
            "prometheus",
            "sled",
        ],
    ),
    // Stand-ins for the outside: of our packages they know `serve`, `fiscal` and `dstu` alone, and share no rules with what they stand against.
    (
        "sandbox",
        &["countersign", "actors", "storage", "smartsign", "ractor", "sled"],
    ),
    // Pure: no I/O, no clock, no runtime.
    ("fiscal", PURE),
    ("dstu", PURE),
    ("evidence", PURE),
    ("signing-protocol", PURE),
    ("sms", PURE),
    (
        "smartsign",
        &["countersign", "actors", "storage", "sandbox", "ractor", "sled"],
    ),
    // One operator's protocol: it knows messages and connections, and nothing of who wants them sent.
    (
        "smpp",
        &[
            "countersign",
            "actors",
            "storage",
            "serve",
            "sandbox",
            "smartsign",
            "warp",
            "http",
            "hyper",
            "reqwest",
            "ractor",
            "sled",
        ],
    ),
    ("fuzz", &[]),
];

const PURE: &[&str] = &[
    "countersign",
    "actors",
    "storage",
    "serve",
    "sandbox",
    "smartsign",
    "tokio",
    "warp",
    "http",
    "hyper",
    "reqwest",
    "ractor",
    "sled",
];

/// What code may not name, but in these places (prefixes of paths). Comments may.
const FORBIDDEN_NAMES: &[(&str, &[&str])] = &[
    // Time is a value that tests move; the stand-ins tell people when a message came, and decide nothing by it; an example is a program.
    (
        "Utc::now",
        &[
            "actors/src/clock.rs",
            "sandbox/src/sms/routes.rs",
            "sandbox/src/fiscal/clock.rs",
            "dstu/examples/",
            "smartsign/src/clock.rs",
        ],
    ),
    ("Local::now", &[]),
    ("SystemTime::now", &["actors/src/clock.rs"]),
    // One file knows the codec, a few the database, so that either can be replaced.
    ("bincode", &["storage/src/record.rs"]),
    ("sled::", &["storage/src/sled_"]),
    // `countersign serve` must not depend on the stand-ins; tests may, and registers are tried against the fiscal server's rules.
    ("sandbox::sms::serve", &["src/dev/", "benches/support/"]),
    ("sandbox::sms::serve_over", &["src/dev/", "tests/it/"]),
    ("sandbox::sms::smsc", &["src/dev/", "smpp/", "tests/it/"]),
    (
        "sandbox::fiscal",
        &[
            "src/dev/",
            "sandbox/",
            "benches/support/",
            "tests/it/",
            "actors/tests/register/",
            "benches/support/",
        ],
    ),
];

/// Where machines live: the gateway's, and the stand-in fiscal server's.
const MACHINES: &[&str] = &["actors/src/machines/", "sandbox/src/fiscal/machine/"];

/// What machines may not name: they decide from what they are given, and do nothing.
const FORBIDDEN_IN_MACHINES: &[&str] = &[
    "tokio",
    "ractor",
    "storage::",
    "prometheus",
    "tracing::",
    "getrandom",
    "dashmap",
    "std::fs",
    "std::net",
    "std::thread",
    "Instant",
    "SystemTime",
    "dyn Clock",
    "dyn Randomness",
    "dyn Store",
];

/// A file fits an afternoon.
const LINES_MAX: usize = 500;
/// Rows of tests, and the description of the interface, are read by searching.
const LONG_LINES_MAX: usize = 700;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files that belong to the repository, as paths from its root with `/` between.
fn files() -> Vec<String> {
    let mut found = Vec::new();
    collect(root(), &mut found);
    let mut paths: Vec<String> = found
        .iter()
        .map(|path| {
            let path = path.strip_prefix(root()).expect("collected below the root");
            path.components()
                .map(|part| part.as_os_str().to_string_lossy())
                .collect::<Vec<_>>()
                .join("/")
        })
        .collect();
    paths.sort();
    paths
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        // What is built, what runs, and what tools keep.
        let foreign = matches!(name.as_str(), "target" | "corpus" | "artifacts")
            || (name.starts_with('.') && name != ".ci" && name != ".gitignore");
        let data = directory == root() && (name == "data" || name.starts_with("mutants.out"));
        if path.is_dir() && !foreign && !data {
            collect(&path, found);
        } else if path.is_file() && !foreign {
            found.push(path);
        }
    }
}

fn sources() -> Vec<(String, String)> {
    read_all(|path| path.ends_with(".rs"))
}

/// Texts with their paths; what is no UTF-8 (a golden file, a test key) is passed over.
fn read_all(wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let wanted = files().into_iter().filter(|path| wanted(path));
    wanted
        .filter_map(|path| {
            let bytes = std::fs::read(root().join(&path)).unwrap();
            Some((path, String::from_utf8(bytes).ok()?))
        })
        .collect()
}

/// A line without its comment. `//` inside a URL is none.
fn code(line: &str) -> &str {
    if line.trim_start().starts_with("//") {
        return "";
    }
    line.find(" //").map_or(line, |comment| &line[..comment])
}

/// Whether code names `name`, which begins at the border of a word and ends at one (or in `::`).
fn names(line: &str, name: &str) -> bool {
    let in_word = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + name.len()..].chars().next();
        !before.is_some_and(in_word) && (name.ends_with("::") || !after.is_some_and(in_word))
    })
}

fn assert_none(broken: &[String], rule: &str) {
    assert!(broken.is_empty(), "{rule}:\n{}", broken.join("\n"));
}

fn manifest(path: &str) -> toml::Table {
    toml::from_str(&std::fs::read_to_string(root().join(path)).unwrap()).unwrap()
}

#[test]
fn packages_depend_only_on_what_they_may() {
    let members = manifest("Cargo.toml")["workspace"]["members"].clone();
    let members = members
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member.as_str().unwrap());
    let mut broken = Vec::new();
    for member in members {
        let manifest = manifest(&format!("{member}/Cargo.toml"));
        let name = manifest["package"]["name"].as_str().unwrap();
        let Some((_, forbidden)) = FORBIDDEN_DEPENDENCIES.iter().find(|(known, _)| *known == name) else {
            broken.push(format!("{name}: has no row in FORBIDDEN_DEPENDENCIES"));
            continue;
        };
        let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table);
        let used = dependencies.into_iter().flat_map(toml::Table::keys);
        broken.extend(
            used.filter(|used| forbidden.contains(&used.as_str()))
                .map(|used| format!("{name} depends on {used}")),
        );
    }
    assert_none(&broken, "a package depends on what it may not");
}

#[test]
fn stand_ins_are_no_part_of_a_gateway_without_the_feature_dev() {
    let manifest = manifest("Cargo.toml");
    for stand_in in ["sandbox", "smartsign"] {
        if let Some(dependency) = manifest["dependencies"].get(stand_in) {
            let optional = dependency.get("optional").and_then(toml::Value::as_bool);
            assert_eq!(optional, Some(true), "{stand_in}");
        }
    }
}

/// The fuzz targets are no member of the workspace, and nothing else here builds them.
#[test]
fn the_fuzz_targets_lock_file_has_what_our_packages_depend_on() {
    let mut missing = Vec::new();
    for package in manifest("fuzz/Cargo.lock")["package"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        if package.get("source").is_some() || name == "countersign-fuzz" {
            continue;
        }
        // A name, and a version where several are locked.
        let locked = package["dependencies"].as_array().unwrap().iter();
        let locked: Vec<&str> = locked
            .filter_map(|locked| locked.as_str()?.split_whitespace().next())
            .collect();
        let folder = if name == "countersign" { "." } else { name };
        let needed = manifest(&format!("{folder}/Cargo.toml"))["dependencies"].clone();
        for (dependency, how) in needed.as_table().unwrap() {
            let is_optional = how.get("optional").is_some();
            if !is_optional && !locked.contains(&dependency.as_str()) {
                missing.push(format!("{name} depends on {dependency}"));
            }
        }
    }
    assert_none(&missing, "fuzz/Cargo.lock is stale; building a target mends it");
}

#[test]
fn names_stay_in_their_places() {
    let mut broken = Vec::new();
    for (path, text) in sources() {
        for (index, line) in text.lines().enumerate().filter(|_| path != "tests/it/tidy.rs") {
            for (name, places) in FORBIDDEN_NAMES {
                if names(code(line), name) && !places.iter().any(|place| path.starts_with(place)) {
                    broken.push(format!("{path}:{}: {name}", index + 1));
                }
            }
            let is_machine = MACHINES.iter().any(|machines| path.starts_with(machines));
            if is_machine && !path.contains("/tests/") {
                let named = FORBIDDEN_IN_MACHINES
                    .iter()
                    .filter(|name| names(code(line), name));
                broken.extend(named.map(|name| format!("{path}:{}: {name}", index + 1)));
            }
        }
    }
    assert_none(&broken, "a name outside its place");
}

#[test]
fn the_places_of_names_exist() {
    let files = files();
    for (name, places) in FORBIDDEN_NAMES {
        for place in *places {
            let mut there = files.iter().filter(|path| path.starts_with(place));
            assert!(
                there.next().is_some(),
                "{name} may stand in {place}, which is not there"
            );
        }
    }
}

#[test]
fn files_fit_an_afternoon() {
    let mut broken = Vec::new();
    for (path, text) in sources() {
        let is_long = path.contains("/tests/") || path.starts_with("tests/") || path.ends_with("tests.rs");
        let max = if is_long || path.ends_with("/openapi.rs") {
            LONG_LINES_MAX
        } else {
            LINES_MAX
        };
        let lines = text.lines().count();
        if lines > max {
            broken.push(format!("{path}: {lines} lines, at most {max}"));
        }
    }
    assert_none(&broken, "a file is too long; it wants to be two");
}

#[test]
fn nothing_is_left_for_later() {
    // Put together here, so that this file does not name them.
    let later = ["TO", "FIX", "XX"]
        .into_iter()
        .zip(["DO", "ME", "X"])
        .map(|(a, b)| format!("{a}{b}"));
    let unfinished = ["todo", "unimplemented"].map(|name| format!("{name}!("));
    let ignored = [format!("#[{}", "ignore")];
    let words: Vec<String> = later.chain(unfinished).chain(ignored).collect();
    let mut broken = lines_with(&words);
    for (path, text) in read_all(|path| path.ends_with(".md")) {
        let is_gap = |line: &str| {
            let name = line
                .trim()
                .strip_prefix('@')
                .and_then(|rest| rest.strip_suffix('@'));
            name.is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase()))
        };
        let gaps = text.lines().enumerate().filter(|(_, line)| is_gap(line));
        broken.extend(gaps.map(|(index, line)| format!("{path}:{}: {line}", index + 1)));
    }
    assert_none(&broken, "unfinished, or a test that does not run");
}

#[test]
fn nobodys_machine_is_named() {
    let homes = ["ho", "Us", "ro", "wo"]
        .into_iter()
        .zip(["me", "ers", "ot", "rk"]);
    let homes: Vec<String> = homes.map(|(a, b)| format!("/{a}{b}/")).collect();
    let broken = lines_with(&homes);
    assert_none(&broken, "a path of a developer's machine");
}

/// Lines of the repository's texts that contain one of `words`, where it begins at the border of a word.
fn lines_with(words: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in read_all(|path| path != "Cargo.lock") {
        for (index, line) in text.lines().enumerate() {
            let begins = |word: &str| {
                line.match_indices(word)
                    .any(|(at, _)| !line[..at].chars().next_back().is_some_and(char::is_alphanumeric))
            };
            let of_line = words.iter().filter(|word| begins(word));
            found.extend(of_line.map(|word| format!("{path}:{}: {word}", index + 1)));
        }
    }
    found
}

#[test]
fn every_error_has_a_page_and_every_page_an_error() {
    let slugs: BTreeSet<String> = Code::ALL.iter().map(|code| code.slug().to_owned()).collect();
    assert_eq!(slugs.len(), Code::ALL.len(), "no two errors share a page");
    let pages: BTreeSet<String> = files()
        .iter()
        .filter_map(|path| Some(path.strip_prefix("docs/errors/")?.strip_suffix(".md")?.to_owned()))
        .filter(|name| name != "README")
        .collect();
    assert_eq!(pages, slugs);
}

#[test]
fn the_example_on_an_errors_page_is_an_answer_with_that_error() {
    for code in Code::ALL {
        let (slug, page) = (code.slug(), code.page());
        assert!(
            page.starts_with(&format!("# {slug}\n")),
            "{slug}: the page begins with its name"
        );
        let status = format!("**{}**", code.status().as_u16());
        assert!(
            page.contains(&status),
            "{slug}: the page names its status, {status}"
        );
        let lines = page.lines().count();
        assert!((10..=40).contains(&lines), "{slug}: {lines} lines");
        let examples: Vec<&str> = page.split("```json\n").skip(1).collect();
        assert!(!examples.is_empty(), "{slug}: the page has an example");
        for example in examples {
            let body = example.split("```").next().unwrap();
            let body: serde_json::Value =
                serde_json::from_str(body).unwrap_or_else(|error| panic!("{slug}: {error}"));
            assert_eq!(body["type"], format!("/errors/{slug}"));
            assert_eq!(body["status"], code.status().as_u16(), "{slug}");
            for field in ["title", "detail", "request_id"] {
                assert!(body[field].is_string(), "{slug}: {field}");
            }
        }
    }
}

/// Targets of a page's links that are files here, from the root; a link to a directory has a `/` at its end.
fn links(page: &str, text: &str) -> Vec<String> {
    let targets = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#']).next());
    let local =
        targets.filter(|target| !target.is_empty() && !target.contains(':') && !target.starts_with('/'));
    local.map(|target| resolve(page, target)).collect()
}

fn resolve(page: &str, target: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[test]
fn every_link_of_a_page_leads_somewhere() {
    let mut broken = Vec::new();
    for (path, text) in read_all(|path| path.ends_with(".md")) {
        let lost = links(&path, &text)
            .into_iter()
            .filter(|target| !root().join(target).exists());
        broken.extend(lost.map(|target| format!("{path}: {target}")));
    }
    assert_none(&broken, "a link leads nowhere");
}

#[test]
fn every_page_can_be_reached_from_the_readme() {
    let pages = read_all(|path| path.ends_with(".md"));
    let mut reached = BTreeSet::from(["README.md".to_owned()]);
    let mut unread = vec!["README.md".to_owned()];
    while let Some(page) = unread.pop() {
        let text = pages
            .iter()
            .find(|(path, _)| *path == page)
            .map(|(_, text)| text.as_str());
        for target in links(&page, text.unwrap_or_default()) {
            // A link to a directory is one to everything that lies in it.
            let folder = root()
                .join(&target)
                .is_dir()
                .then(|| format!("{}/", target.trim_end_matches('/')));
            let is_meant =
                |path: &str| path == target || folder.as_ref().is_some_and(|folder| path.starts_with(folder));
            for (path, _) in pages.iter().filter(|(path, _)| is_meant(path)) {
                if reached.insert(path.clone()) {
                    unread.push(path.clone());
                }
            }
        }
    }
    // Only what a reader is meant to find: a package's own pages belong to the package.
    let meant = |path: &str| path.starts_with("docs/") || path.starts_with("deploy/") || !path.contains('/');
    let lost: Vec<String> = pages
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| meant(path) && !reached.contains(path))
        .collect();
    assert_none(&lost, "a page that README.md does not lead to");
}

#[test]
fn the_rules_of_this_file_see_what_they_should() {
    assert!(names("let now = Utc::now();", "Utc::now"));
    assert!(names("use sled::Db;", "sled::"));
    assert!(!names("mod unassembled::x;", "sled::"));
    assert!(!names("use bincode_like::x;", "bincode"));
    assert_eq!(code("    // sled::Db"), "");
    assert_eq!(code("let x = 1; // sled::Db"), "let x = 1;");
    assert_eq!(code("\"http://x\""), "\"http://x\"");
    assert_eq!(
        links("docs/a.md", "[x](b.md) [y](../c/) [z](https://x) [w](#h)"),
        ["docs/b.md", "c/"]
    );
}
