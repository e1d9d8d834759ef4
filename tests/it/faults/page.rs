//! FAULTS.md names for every fault the tests that make it; each of them is there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The names of all test functions of a file, or of all files of its directory.
fn tests_in(path: &Path) -> Vec<String> {
    let Ok(text) = std::fs::read_to_string(path) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        let function = line.trim_start_matches("async ").strip_prefix("fn ");
        if let Some(function) = function.filter(|_| is_test) {
            names.push(function.split(['(', '<']).next().unwrap_or_default().to_owned());
            is_test = false;
        }
    }
    names
}

/// Where the tests of a name are: `it: a::b::test` in this binary, `shell: …` and `register: …` in those of `actors`.
fn file_of(name: &str) -> Option<(PathBuf, String)> {
    let (binary, rest) = name.split_once(": ")?;
    let folder = match binary {
        "it" => root().join("tests/it"),
        "register" | "shell" => root().join("actors/tests").join(binary),
        _ => return None,
    };
    let (modules, test) = rest.rsplit_once("::")?;
    let path = folder.join(modules.replace("::", "/"));
    Some((path.with_extension("rs"), test.to_owned()))
}

/// The rows of all tables whose last column is `tests`: the fault, and the names in that column.
fn rows(page: &str) -> Vec<(String, Vec<String>)> {
    let mut rows = Vec::new();
    let mut is_table_of_tests = false;
    for line in page.lines() {
        let Some(cells) = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")) else {
            is_table_of_tests &= line.starts_with("|-");
            continue;
        };
        let (rest, last) = cells.rsplit_once(" | ").expect("a row has columns");
        if last.trim() == "tests" {
            is_table_of_tests = true;
        } else if is_table_of_tests {
            let names = last.split('`').skip(1).step_by(2).map(str::to_owned);
            let fault = rest.split(" | ").next().unwrap_or_default();
            rows.push((fault.to_owned(), names.collect()));
        }
    }
    rows
}

#[test]
fn every_fault_of_the_page_names_tests_and_each_of_them_is_there() {
    let page = std::fs::read_to_string(root().join("FAULTS.md")).unwrap();
    let rows = rows(&page);
    assert!(rows.len() > 30, "{} faults", rows.len());
    let mut known: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    let mut broken = Vec::new();
    for (fault, names) in &rows {
        if names.is_empty() {
            broken.push(format!("{fault}: no test"));
        }
        for name in names {
            let found = file_of(name).is_some_and(|(path, test)| {
                let tests = known.entry(path.clone()).or_insert_with(|| tests_in(&path));
                tests.contains(&test)
            });
            if !found {
                broken.push(format!("{fault}: {name} is nowhere"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_test_over_real_processes_stands_on_the_page() {
    let page = std::fs::read_to_string(root().join("FAULTS.md")).unwrap();
    let folder = root().join("tests/it/faults");
    let mut missing = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if module == "page" {
            continue;
        }
        let names = tests_in(&path)
            .into_iter()
            .map(|test| format!("`it: faults::{module}::{test}`"));
        missing.extend(names.filter(|name| !page.contains(name.as_str())));
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
