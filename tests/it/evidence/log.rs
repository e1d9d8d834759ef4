//! The log in public, and what administrators do with it.

use super::desk::*;
use crate::client::{Call, Client};
use crate::world::{EVIDENCE_PUBLIC_KEY, Setup, eventually};
use evidence::checkpoint::Head;
use evidence::tree::{Hash, is_consistent, is_included};
use evidence::{Bundle, hex};
use serde_json::json;
use std::time::Duration;

fn hashes(client: &Client, path: &str) -> Vec<Hash> {
    let reply = client.without_key().get(path);
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    let reply = reply.json();
    let hashes = reply["hashes"].as_array().unwrap().clone();
    hashes
        .iter()
        .map(|hash| Hash(hex::decode(hash.as_str().unwrap()).unwrap()))
        .collect()
}

fn checkpoint(client: &Client) -> Head {
    let reply = client.without_key().get("/log/checkpoint");
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, Some("text/plain; charset=utf-8"))
    );
    Head::verified(&reply.text(), &keys()).unwrap()
}

#[test]
fn anybody_can_check_the_log_without_a_key() {
    let world = world();
    let client = lombard(&world);
    assert_eq!(checkpoint(&client).size, 0);
    assert_eq!(
        client.without_key().get("/log/key").text(),
        format!("{EVIDENCE_PUBLIC_KEY}\n")
    );
    let receipts: Vec<String> = (0..7)
        .map(|number| added(&client, &EXAMPLE.replace("313527", &number.to_string())))
        .collect();
    world.advance_seconds(1);
    let head = checkpoint(&client);
    assert_eq!(head.size, 7);
    for (index, path) in (0..).zip(&receipts) {
        let leaf = Hash(hex::decode(path.rsplit('/').next().unwrap()).unwrap());
        let proof = hashes(&client, &format!("/log/proof/inclusion?leaf={index}&size=7"));
        assert!(is_included(&leaf, index, 7, &proof, &head.root));
        assert_eq!(receipt(&client, path).verify(&keys()).as_ref(), Ok(&head));
        assert_eq!(
            receipt(
                &client,
                &path.to_uppercase().replace("/LOG/RECEIPTS", "/log/receipts")
            )
            .index,
            index
        );
    }
    added(&client, EXAMPLE);
    world.advance_seconds(1);
    let later = checkpoint(&client);
    let proof = hashes(&client, "/log/proof/consistency?from=7&to=8");
    assert!(is_consistent(7, &head.root, 8, &later.root, &proof));
}

#[test]
fn what_cannot_be_asked_is_a_problem() {
    let world = world();
    let client = lombard(&world).without_key();
    for (path, status, problem) in [
        ("/log/proof/inclusion", 400, "invalid-field"),
        ("/log/proof/inclusion?leaf=1", 400, "invalid-field"),
        ("/log/proof/inclusion?leaf=-1&size=1", 400, "invalid-field"),
        ("/log/proof/inclusion?leaf=1&leaf=1&size=2", 400, "invalid-field"),
        (
            "/log/proof/inclusion?leaf=18446744073709551616&size=1",
            400,
            "invalid-field",
        ),
        ("/log/proof/inclusion?leaf=0&size=1", 404, "unknown-object"),
        ("/log/proof/consistency?from=0&to=0", 404, "unknown-object"),
        (
            "/log/proof/consistency?from=18446744073709551615&to=18446744073709551615",
            404,
            "unknown-object",
        ),
        ("/log/receipts/00", 400, "invalid-field"),
        (
            &format!("/log/receipts/{}", "0".repeat(64)),
            404,
            "unknown-object",
        ),
        ("/log/nothing", 404, "not-found"),
    ] {
        let reply = client.get(path);
        assert_eq!(
            (reply.status, reply.problem().as_str()),
            (status, problem),
            "{path}"
        );
    }
    assert_eq!(client.call(Call::new("POST", "/log/checkpoint")).status, 405);
}

#[test]
fn checkpoints_go_to_files_and_a_path_is_none() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_path_buf();
    let world = Setup::default()
        .config(move |config| {
            config.evidence.sink_directory = Some(path);
            config.evidence.sink_seconds = 1;
        })
        .start();
    register(&world);
    for (name, body, status) in [
        ("a", json!({ "file": "log.txt" }), 200),
        ("b", json!({ "file": "../log.txt" }), 422),
        ("b", json!({ "file": "/log.txt" }), 422),
        ("b", json!({ "file": ".hidden" }), 422),
        ("b", json!({ "url": "ftp://x" }), 422),
        ("b", json!({}), 422),
        ("b", json!({ "file": "x", "url": "https://sink.test/" }), 422),
        ("c", json!({ "url": "http://127.0.0.1:1/" }), 200),
    ] {
        assert_eq!(
            world
                .admin
                .put(&format!("/admin/v1/checkpoint-sinks/{name}"), &body)
                .status,
            status,
            "{body}"
        );
    }
    let expected = json!([{ "name": "a", "file": "log.txt" }, { "name": "c", "url": "http://127.0.0.1:1/" }]);
    assert_eq!(world.admin.get("/admin/v1/checkpoint-sinks").json(), expected);
    added(&lombard(&world), EXAMPLE);
    let file = directory.path().join("log.txt");
    let note = eventually("the file has the checkpoint", || {
        world.clock.advance(Duration::from_millis(600));
        std::fs::read_to_string(&file)
            .ok()
            .filter(|text| text.contains("\n1\n"))
    });
    let last = note
        .trim_end()
        .rsplit("\n\n\n")
        .next()
        .unwrap_or(&note)
        .to_owned();
    assert!(last.contains("countersign.test/evidence"), "{note}");
    assert_eq!(world.admin.delete("/admin/v1/checkpoint-sinks/a").status, 204);
    assert_eq!(world.admin.get("/admin/v1/checkpoint-sinks/a").status, 404);
}

#[test]
fn a_bundle_is_exported_and_holds_offline() {
    let world = world();
    let client = lombard(&world);
    added(&client, EXAMPLE);
    added(&client, &EXAMPLE.replace("sms.ru", "x"));
    let asked = json!({ "integration": "lombard", "client": "nz2UG1", "contract": "313527" });
    let reply = world.admin.post("/admin/v1/evidence/bundle", &asked);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let bundle: Bundle = serde_json::from_slice(&reply.body).unwrap();
    let report = bundle.verify(&keys());
    assert!(report.holds() && bundle.entries.len() == 2, "{report}");
    let missing = json!({ "integration": "lombard", "client": "nz2UG1", "contract": "1" });
    assert_eq!(
        world.admin.post("/admin/v1/evidence/bundle", &missing).status,
        404
    );
}

#[test]
fn the_audit_goes_on_in_the_background_and_finds_what_was_changed_behind_the_gateways_back() {
    let world = world();
    let client = lombard(&world);
    let paths: Vec<String> = (0..300)
        .map(|number| added(&client, &EXAMPLE.replace("313527", &number.to_string())))
        .collect();
    let metric = |name: &str| {
        let text = world.admin.without_key().get("/metrics").text();
        let line = text
            .lines()
            .find(|line| line.starts_with(&format!("{name} ")))
            .map(str::to_owned);
        line.map_or(0.0, |line| {
            line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
        })
    };
    eventually("the audit has come round", || {
        world.clock.advance(Duration::from_secs(61));
        (metric("countersign_evidence_audited_leaves_total") >= 600.0).then_some(())
    });
    assert_eq!(metric("countersign_evidence_audit_findings_total"), 0.0);
    let full = world
        .admin
        .post("/admin/v1/evidence/audit", &json!({ "from": 0, "full": true }));
    assert_eq!(
        full.json(),
        json!({ "next": 300, "size": 300, "done": true, "findings": [] })
    );
    // Somebody with access to the database changes one container.
    let hash = Hash(hex::decode(paths[7].rsplit('/').next().unwrap()).unwrap());
    world.with_store(async {
        use actors::evidence::rows;
        let store = world.store().as_ref();
        let index = rows::index_of(store, hash).await.unwrap().unwrap();
        let place = rows::leaf_at(store, index).await.unwrap().unwrap().place;
        let row = rows::container_row(place, 0);
        let mut value = store.get(row.clone()).await.unwrap().unwrap().value;
        let at = value.len() - 20;
        value[at] ^= 1;
        let mut batch = storage::Batch::default();
        batch.put(row, value);
        store.commit(batch).await.unwrap();
    });
    let full = world
        .admin
        .post("/admin/v1/evidence/audit", &json!({ "from": 0, "full": true }))
        .json();
    assert_eq!(full["findings"].as_array().unwrap().len(), 1, "{full}");
    assert!(
        full["findings"][0]["detail"].as_str().unwrap().contains("leaf 7"),
        "{full}"
    );
    eventually("the background audit finds it too", || {
        world.clock.advance(Duration::from_secs(61));
        (metric("countersign_evidence_audit_findings_total") >= 2.0).then_some(())
    });
    // It is not given out as evidence either.
    let reply = client.post(GET, &json!({ "ClientIntegrationId": "nz2UG1", "ContractId": 7 }));
    assert_eq!(codes(&reply), ["Internal"]);
}
