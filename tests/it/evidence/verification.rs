//! VerifyContractESignInfo: the outcomes, algorithms side by side, and those that follow one another.

use super::desk::*;
use crate::client::Client;
use crate::world::{World, with};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn algorithm(digest: &str) -> Value {
    json!({ "digest": digest, "fields": ["ContractId", "SignDate"], "separator": "", "encoding": "hex" })
}

fn register_algorithm(world: &World, integration: &str, version: &str, body: &Value) -> u16 {
    let path = format!("/admin/v1/integrations/{integration}/hash-algorithms/{version}");
    world.admin.put(&path, body).status
}

fn md5(contract: &str) -> String {
    // Of `printf 101.01.2024 | md5sum`, and the like.
    match contract {
        "1" => "519a1b4a467696a0d26812bb96f006b7",
        "2" => "892924dd8f55df18b9f365ca0434ad64",
        _ => panic!("no digest of {contract} is known here"),
    }
    .to_owned()
}

fn sha256(contract: &str) -> String {
    evidence::hex::encode(&Sha256::digest(format!("{contract}01.01.2024")))
}

fn record(client: &Client, contract: u32, version: Option<Value>, hash: Option<String>) {
    let mut body = json!({ "ClientIntegrationId": "c", "ContractId": contract, "SignDate": "01.01.2024" });
    body["ContractVersion"] = version.into();
    body["UserSignHash"] = hash.into();
    added(client, &body.to_string());
}

fn outcomes(client: &Client, contract: u32) -> Vec<String> {
    let asked = json!({ "ClientIntegrationId": "c", "ContractId": contract });
    let reply = client.post(VERIFY, &asked);
    assert!(reply.header("countersign-note").unwrap().contains("convenience"));
    let found = containers(&reply);
    found
        .iter()
        .map(|one| one["Outcome"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn two_versions_stand_side_by_side_and_the_older_still_matches() {
    let world = world();
    let lombard = lombard(&world);
    assert_eq!(register_algorithm(&world, "lombard", "1", &algorithm("md5")), 200);
    record(&lombard, 1, Some(json!("1")), Some(md5("1").to_uppercase()));
    assert_eq!(
        outcomes(&lombard, 1),
        ["Match"],
        "hexadecimal is compared without case"
    );
    assert_eq!(
        register_algorithm(&world, "lombard", "2", &algorithm("sha256")),
        200
    );
    // The version may be a string or an integer.
    record(&lombard, 1, Some(json!(2)), Some(sha256("1")));
    record(&lombard, 1, Some(json!(2)), Some(md5("1")));
    record(&lombard, 1, Some(json!("7")), Some(md5("1")));
    record(&lombard, 1, Some(json!("1")), None);
    assert_eq!(
        outcomes(&lombard, 1),
        ["Match", "Match", "Mismatch", "NoAlgorithm", "NoHash"]
    );
    let reply = lombard.post(
        VERIFY,
        &json!({ "ClientIntegrationId": "c", "ContractId": "1", "CompanyId": 5 }),
    );
    assert_eq!(
        reply.json(),
        json!({ "Result": { "Containers": [] }, "Errors": null })
    );
}

#[test]
fn an_algorithm_is_never_changed() {
    let world = world();
    assert_eq!(register_algorithm(&world, "lombard", "1", &algorithm("md5")), 200);
    assert_eq!(
        register_algorithm(&world, "lombard", "1", &algorithm("md5")),
        200,
        "the same again changes nothing"
    );
    assert_eq!(
        register_algorithm(&world, "lombard", "1", &algorithm("sha1")),
        422
    );
    assert_eq!(
        register_algorithm(&world, "lombard", "countersign-otp/1", &algorithm("md5")),
        404,
        "a slash is another path"
    );
    assert_eq!(
        register_algorithm(&world, "lombard", "countersign-x", &algorithm("md5")),
        422
    );
    assert_eq!(register_algorithm(&world, "nobody", "1", &algorithm("md5")), 404);
    for (change, status) in [
        (json!({ "digest": "crc32" }), 400),
        (json!({ "fields": [] }), 422),
        (json!({ "fields": ["UserSignHash"] }), 400),
        (json!({ "fields": ["Nothing"] }), 400),
        (json!({ "encoding": "base32" }), 400),
        (json!({ "separator": "x".repeat(17) }), 422),
    ] {
        let body = with(&algorithm("md5"), &change);
        assert_eq!(
            register_algorithm(&world, "lombard", "9", &body),
            status,
            "{change}"
        );
    }
    let shown = world
        .admin
        .get("/admin/v1/integrations/lombard/hash-algorithms/1")
        .json();
    let expected = json!([{ "digest": "md5", "fields": ["ContractId", "SignDate"], "separator": "", "encoding": "hex",
        "from_index": 0, "registered_at": "2026-03-01T08:00:00.000Z" }]);
    assert_eq!(shown["algorithms"], expected);
}

#[test]
fn the_documents_simplest_case_works_without_a_version_and_so_does_its_change_later() {
    let mut world = world();
    let client = lombard(&world);
    record(&client, 1, None, Some(md5("1")));
    assert_eq!(
        outcomes(&client, 1),
        ["NoAlgorithm"],
        "recorded before anything was registered"
    );
    assert_eq!(register_algorithm(&world, "lombard", "-", &algorithm("md5")), 200);
    // In the same second, and judged by places in the log all the same.
    record(&client, 2, None, Some(md5("2")));
    assert_eq!(outcomes(&client, 2), ["Match"]);
    assert_eq!(
        register_algorithm(&world, "lombard", "-", &algorithm("sha256")),
        200
    );
    record(&client, 2, None, Some(sha256("2")));
    assert_eq!(
        outcomes(&client, 2),
        ["Match", "Match"],
        "each under the one in force when it was recorded"
    );
    // A version that is called like the absence of one is none.
    record(&client, 2, Some(json!("-")), Some(sha256("2")));
    world.restart();
    let client = lombard(&world);
    assert_eq!(outcomes(&client, 2), ["Match", "Match", "NoAlgorithm"]);
    assert_eq!(outcomes(&client, 1), ["NoAlgorithm"]);
}

#[test]
fn two_integrations_have_different_algorithms_under_one_number() {
    let world = world();
    let reply = world.admin.put(
        "/admin/v1/integrations/other",
        &json!({ "key": "another-key-of-the-tests" }),
    );
    assert_eq!(reply.status, 200);
    let (ours, theirs) = (
        lombard(&world),
        world.partner.with_key("another-key-of-the-tests"),
    );
    assert_eq!(register_algorithm(&world, "lombard", "3", &algorithm("md5")), 200);
    assert_eq!(
        register_algorithm(&world, "other", "3", &algorithm("sha256")),
        200
    );
    record(&ours, 1, Some(json!("3")), Some(md5("1")));
    record(&theirs, 1, Some(json!("3")), Some(sha256("1")));
    assert_eq!(
        (outcomes(&ours, 1), outcomes(&theirs, 1)),
        (vec!["Match".to_owned()], vec!["Match".to_owned()])
    );
}

#[test]
fn the_documents_example_has_a_hash_that_nobody_can_recompute() {
    let world = world();
    added(&lombard(&world), EXAMPLE);
    let reply = lombard(&world).post(VERIFY, &identity());
    let expected = json!({ "Result": { "Containers": [{ "Version": 1, "Outcome": "NoAlgorithm", "CompanyId": 4188 }] }, "Errors": null });
    assert_eq!(reply.json(), expected);
}
