//! The command line: keys, bundles written and checked.

use super::desk::{ADD, EXAMPLE};
use crate::client::Call;
use crate::process::{Dev, run};

#[test]
fn a_bundle_is_written_and_checked_offline_and_a_changed_one_is_told() {
    let dev = Dev::start(&[]);
    let key = dev.file["integrations"][0]["key"].as_str().unwrap();
    let reply = dev
        .partner()
        .with_key(key)
        .call(Call::new("POST", ADD).bytes(EXAMPLE.as_bytes()));
    assert!(reply.header("countersign-receipt").is_some(), "{}", reply.text());
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("bundle.json");
    let (out, data) = (out.to_str().unwrap(), dev.data.to_str().unwrap());
    let export = [
        "evidence",
        "export",
        "--integration",
        "demo",
        "--client",
        "nz2UG1",
        "--contract",
        "313527",
        "--out",
        out,
        "--dev",
        data,
    ];
    let (code, stdout, stderr) = run(&export);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("1 containers written"), "{stdout}");
    let public = dev.file["evidence_key"].as_str().unwrap().to_owned();
    drop(dev); // nothing runs any more
    let (code, stdout, stderr) = run(&["evidence", "verify", out, "--key", &public]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(
        stdout.contains("HOLDS") && stdout.contains("All 1 containers"),
        "{stdout}"
    );
    assert!(!stdout.contains("0001"), "the key given to the user is not shown");
    let keys = home.path().join("key.txt");
    std::fs::write(&keys, format!("{public}\n")).unwrap();
    assert_eq!(
        run(&["evidence", "verify", out, "--key", keys.to_str().unwrap()]).0,
        Some(0)
    );
    // One character of the leaf, another key, no bundle.
    let text = std::fs::read_to_string(out).unwrap();
    let at = text.find("\"leaf\": \"").unwrap() + 120;
    let mut changed = text.into_bytes();
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    let other = home.path().join("changed.json");
    std::fs::write(&other, changed).unwrap();
    let (code, stdout, stderr) = run(&["evidence", "verify", other.to_str().unwrap(), "--key", &public]);
    assert_eq!(code, Some(1));
    assert!(
        stdout.contains("DOES NOT HOLD") && stderr.contains("does not hold"),
        "{stdout}{stderr}"
    );
    let (code, made, said) = run(&["evidence", "key", "countersign-dev/evidence"]);
    assert_eq!(code, Some(0));
    assert!(made.starts_with("PRIVATE+KEY+countersign-dev/evidence+"));
    let stranger = said.trim().rsplit(' ').next().unwrap();
    let (code, stdout, _) = run(&["evidence", "verify", out, "--key", stranger]);
    assert_eq!(code, Some(1));
    assert!(
        stdout.contains("none of the given keys has signed it"),
        "{stdout}"
    );
    assert_eq!(run(&["evidence", "key", "with space"]).0, Some(1));
    assert_eq!(
        run(&["evidence", "verify", keys.to_str().unwrap(), "--key", &public]).0,
        Some(1)
    );
}
