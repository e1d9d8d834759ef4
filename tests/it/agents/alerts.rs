//! The alert rules watch metrics that there are.

use std::collections::BTreeSet;
use std::path::Path;

/// Names of ours in a text.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'));
    let ours = words.filter(|word| word.starts_with("countersign_"));
    // A histogram's series are made of its name.
    ours.map(|word| word.trim_end_matches("_bucket").to_owned())
        .collect()
}

fn sources(folder: &Path, found: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_metric_that_an_alert_watches_is_one_of_the_gateways_and_is_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let watched = names(&read("deploy/prometheus/countersign.rules.yml"));
    assert!(watched.len() > 12, "{watched:?}");
    let mut code = String::new();
    sources(&root.join("src"), &mut code);
    sources(&root.join("actors/src"), &mut code);
    let manual = read("docs/operations.md");
    for name in watched {
        assert!(code.contains(&format!("\"{name}\"")), "{name} is counted nowhere");
        assert!(manual.contains(&format!("`{name}")), "{name} is not explained");
    }
}
