//! The three methods as the document has them.

use super::desk::*;
use crate::client::Call;
use crate::world::{ORAGH_KEY, World, with, without};
use serde_json::{Value, json};

#[test]
fn the_documents_example_succeeds_and_comes_back_byte_for_byte() {
    let world = world();
    let lombard = lombard(&world);
    let path = added(&lombard, EXAMPLE);
    let reply = lombard.post(GET, &identity());
    let text = reply.text();
    let compact = EXAMPLE.replace(",\n ", ",");
    let inside = compact.strip_suffix('}').unwrap();
    assert!(text.contains(inside), "{text}");
    let found = containers(&reply);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (&found[0]["Version"], &found[0]["Receipt"]),
        (&json!(1), &json!(path))
    );
    assert_eq!(found[0]["RecordedAt"], "01.03.2026 08:00:00");
    // The leaf's hash can be computed again from what Get gives.
    let mut read = evidence::read_container(text_of(&found[0]).as_bytes())
        .content
        .unwrap();
    read.documents_sha256 = None;
    let leaf = evidence::Leaf {
        salt: evidence::hex::decode(found[0]["Salt"].as_str().unwrap()).unwrap(),
        recorded_seconds: 1_772_352_000,
        integration: "lombard".to_owned(),
        version: 1,
        container: read,
    };
    assert_eq!(path, format!("/log/receipts/{}", leaf.hash()));
}

fn text_of(value: &Value) -> String {
    value.to_string()
}

#[test]
fn every_optional_field_may_be_left_out_and_comes_back_so() {
    let world = world();
    let lombard = lombard(&world);
    let whole: Value = serde_json::from_str(EXAMPLE).unwrap();
    let optional = [
        "ContractVersion",
        "Documents",
        "KeyTransport",
        "UserSignKey",
        "UserSignHash",
        "CompanyId",
    ];
    for (number, field) in (0..).zip(optional) {
        let body = with(
            &without(&whole, field),
            &json!({ "ContractId": number, "Extra": [1, { "x": null }] }),
        );
        added(&lombard, &body.to_string());
        let found = containers(&lombard.post(GET, &with(&identity(), &json!({ "ContractId": number }))));
        let mut expected = without(&body, "Extra");
        for ours in ["Version", "RecordedAt", "Salt", "Receipt"] {
            expected[ours] = found[0][ours].clone();
        }
        assert_eq!(found, [expected], "without {field}");
    }
    let least = r#"{"ClientIntegrationId":"c","ContractId":"x","SignDate":"01.01.2024 10:00:00","KeyTransport":null}"#;
    added(&lombard, least);
    let found = containers(&lombard.post(GET, &json!({ "ClientIntegrationId": "c", "ContractId": "x" })));
    assert!(found[0].get("KeyTransport").is_none(), "null is absence");
}

#[test]
fn the_same_again_is_the_same_fact_and_another_is_a_new_version() {
    let world = world();
    let lombard = lombard(&world);
    let first = added(&lombard, EXAMPLE);
    world.advance_seconds(5);
    assert_eq!(added(&lombard, EXAMPLE), first);
    assert_eq!(
        added(&lombard, &EXAMPLE.replace("\n ", "")),
        first,
        "the same in other white space"
    );
    let second = added(&lombard, &EXAMPLE.replace("sms.ru", "sms.example"));
    let company = added(&lombard, &EXAMPLE.replace("4188", "\"4189\""));
    let found = containers(&lombard.post(GET, &identity()));
    let receipts: Vec<&str> = found.iter().map(|one| one["Receipt"].as_str().unwrap()).collect();
    assert_eq!(
        receipts,
        [first.as_str(), &second, &company],
        "of every company, oldest first"
    );
    let of_one = with(&identity(), &json!({ "CompanyId": "4188" }));
    assert_eq!(
        containers(&lombard.post(GET, &of_one)).len(),
        2,
        "1 and \"1\" are one"
    );
    let nothing = with(&identity(), &json!({ "ContractId": 1 }));
    assert_eq!(containers(&lombard.post(GET, &nothing)), Vec::<Value>::new());
}

#[test]
fn integrations_never_see_one_another() {
    let world = world();
    let reply = world.admin.put(
        "/admin/v1/integrations/other",
        &json!({ "key": "another-key-of-the-tests" }),
    );
    assert_eq!(reply.status, 200);
    let other = world.partner.with_key("another-key-of-the-tests");
    let ours = added(&lombard(&world), EXAMPLE);
    assert_eq!(containers(&other.post(GET, &identity())), Vec::<Value>::new());
    let theirs = added(&other, EXAMPLE);
    assert_ne!(ours, theirs);
    let taken = world.admin.put(
        "/admin/v1/integrations/other",
        &json!({ "key": crate::world::LOMBARD_KEY }),
    );
    assert_eq!((taken.status, taken.problem().as_str()), (422, "unfit-object"));
}

#[test]
fn every_wrong_field_is_named_at_once_and_always_with_http_200() {
    let world = world();
    let lombard = lombard(&world);
    let bad = r#"{"ClientIntegrationId":7,"SignDate":"31.02.2024","Documents":{},"CompanyId":1.5,"UserSignKey":"0001"}"#;
    let reply = lombard.call(Call::new("POST", ADD).bytes(bad.as_bytes()));
    let expected = [
        "ClientIntegrationIdInvalid",
        "ContractIdMissing",
        "SignDateInvalid",
        "DocumentsInvalid",
        "CompanyIdInvalid",
    ];
    assert_eq!(codes(&reply), expected);
    let fields: Vec<Value> = reply.json()["Errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["Field"].clone())
        .collect();
    assert_eq!(
        fields,
        [
            "ClientIntegrationId",
            "ContractId",
            "SignDate",
            "Documents",
            "CompanyId"
        ]
    );
    assert!(
        !reply.text().contains("0001"),
        "nothing that was sent is repeated"
    );
    for (body, code) in [
        ("", "BodyInvalid"),
        ("[]", "BodyInvalid"),
        ("{\"ContractId\":", "BodyInvalid"),
        ("{\"x\":\"\u{0}\"}", "BodyInvalid"),
    ] {
        let reply = lombard.call(Call::new("POST", ADD).bytes(body.as_bytes()));
        assert_eq!(codes(&reply), [code], "{body}");
    }
    for (route, body, code) in [
        (GET, "{}", ["ClientIntegrationIdMissing", "ContractIdMissing"]),
        (VERIFY, "{}", ["ClientIntegrationIdMissing", "ContractIdMissing"]),
    ] {
        assert_eq!(
            codes(&lombard.call(Call::new("POST", route).bytes(body.as_bytes()))),
            code
        );
    }
    assert_eq!(
        containers(&lombard.post(GET, &identity())),
        Vec::<Value>::new(),
        "nothing was recorded"
    );
}

#[test]
fn what_the_transport_refuses_has_the_same_shape() {
    let world = world();
    let lombard = lombard(&world);
    assert_eq!(codes(&lombard.get(ADD)), ["MethodNotAllowed"]);
    assert_eq!(
        codes(&lombard.call(Call::new("PATCH", VERIFY))),
        ["MethodNotAllowed"]
    );
    assert_eq!(codes(&lombard.post("/api/v0/Nothing", &json!({}))), ["NotFound"]);
    let large = format!(r#"{{"ClientIntegrationId":"{}"}}"#, "x".repeat(512 * 1_024));
    let mut connection =
        lombard.begin(Call::new("POST", ADD).header("Content-Length", &large.len().to_string()));
    assert_eq!(
        codes(&connection.read_while_writing(large.into_bytes()).unwrap()),
        ["BodyTooLarge"]
    );
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "",
    ] {
        let call = Call::new("POST", ADD)
            .header("Content-Type", kind)
            .bytes(EXAMPLE.as_bytes());
        let reply = lombard.call(call);
        assert_eq!(
            reply.json(),
            json!({ "Result": {}, "Errors": null }),
            "any body is read as JSON: {kind}"
        );
    }
}

#[test]
fn the_key_is_in_the_header_or_in_the_body() {
    let world = world();
    let nobody = world.partner.without_key();
    let with_key = |key: &str| EXAMPLE.replace("{\"Client", &format!("{{\"ApiKey\":\"{key}\",\"Client"));
    added(&nobody, &with_key(crate::world::LOMBARD_KEY));
    let call = |body: &str| Call::new("POST", ADD).bytes(body.as_bytes());
    assert_eq!(codes(&nobody.call(call(EXAMPLE))), ["ApiKeyMissing"]);
    assert_eq!(codes(&nobody.call(call(&with_key("unknown")))), ["ApiKeyInvalid"]);
    for key in ["unknown", ORAGH_KEY, crate::world::ADMIN_KEY] {
        assert_eq!(
            codes(&world.partner.with_key(key).call(call(EXAMPLE))),
            ["ApiKeyInvalid"],
            "{key}"
        );
        for route in [GET, VERIFY] {
            assert_eq!(
                codes(&world.partner.with_key(key).post(route, &identity())),
                ["ApiKeyInvalid"]
            );
        }
    }
    let reply = lombard(&world).post(crate::world::SEND, &crate::world::inputs());
    assert_eq!(reply.status, 401, "nor does an integration's key send codes");
    // A key is added, and one is revoked.
    let made = world
        .admin
        .post("/admin/v1/integrations/lombard/keys", &json!({}));
    assert_eq!(made.status, 201);
    let (id, key) = (made.json()["id"].clone(), made.json()["key"].clone());
    let second = world.partner.with_key(key.as_str().unwrap());
    assert_eq!(containers(&second.post(GET, &identity())).len(), 1);
    let path = format!("/admin/v1/integrations/lombard/keys/{}", id.as_str().unwrap());
    assert_eq!(world.admin.delete(&path).status, 204);
    assert_eq!(codes(&second.post(GET, &identity())), ["ApiKeyInvalid"]);
    assert_eq!(world.admin.delete(&path).status, 404);
}

#[test]
fn a_contract_that_is_full_says_so_and_a_full_disk_records_nothing() {
    let world = crate::world::Setup::default()
        .config(|config| config.evidence.containers_per_contract_max = 2)
        .start();
    register(&world);
    let lombard = lombard(&world);
    for number in 0..2 {
        added(&lombard, &EXAMPLE.replace("sms.ru", &number.to_string()));
    }
    let reply = lombard.call(Call::new("POST", ADD).bytes(EXAMPLE.as_bytes()));
    assert_eq!(codes(&reply), ["ContractIdFull"]);
    world.gate.fill();
    let other = EXAMPLE.replace("313527", "1");
    assert_eq!(
        codes(&lombard.call(Call::new("POST", ADD).bytes(other.as_bytes()))),
        ["Unavailable"]
    );
    world.gate.open();
    // The log that failed may still be ending: who comes in that moment is told the same once more.
    let add = || lombard.call(Call::new("POST", ADD).bytes(other.as_bytes()));
    let reply = (0..100)
        .map(|_| add())
        .find(|reply| !reply.text().contains("\"Unavailable\""))
        .expect("the log comes back");
    assert_eq!(reply.text(), r#"{"Result":{},"Errors":null}"#);
}

#[test]
fn what_was_recorded_survives_a_restart_and_a_crash() {
    let mut world = world();
    let first = added(&lombard(&world), EXAMPLE);
    world.restart();
    let second = added(&lombard(&world), &EXAMPLE.replace("sms.ru", "x"));
    world.crash();
    let lombard = lombard(&world);
    assert_eq!(added(&lombard, EXAMPLE), first);
    let found = containers(&lombard.post(GET, &identity()));
    assert_eq!((found.len(), &found[1]["Receipt"]), (2, &json!(second)));
    for (index, path) in [(0, first), (1, second)] {
        let receipt = receipt(&lombard, &path);
        assert_eq!(receipt.index, index);
        assert_eq!(receipt.verify(&keys()).unwrap().size, 2);
    }
}

#[test]
fn an_answer_comes_only_when_container_and_leaf_are_durable() {
    let world: World = world();
    world.gate.close();
    let connection = lombard(&world).begin(Call::new("POST", ADD).bytes(EXAMPLE.as_bytes()));
    // Another caller's question is answered meanwhile, and sees nothing.
    assert_eq!(
        containers(&lombard(&world).post(GET, &identity())),
        Vec::<Value>::new()
    );
    assert!(!connection.is_answered());
    world.gate.open();
    let mut connection = connection;
    assert_eq!(
        connection.read().unwrap().json(),
        json!({ "Result": {}, "Errors": null })
    );
    assert_eq!(containers(&lombard(&world).post(GET, &identity())).len(), 1);
}

#[test]
fn a_key_of_a_container_is_seen_in_no_metric() {
    let world = world();
    added(
        &lombard(&world),
        &EXAMPLE
            .replace("\"0001\"", "\"canary-canary\"")
            .replace("nz2UG1", "canary-client"),
    );
    let metrics = world.admin.without_key().get("/metrics").text();
    assert!(
        metrics.contains("countersign_evidence_leaves_total 1"),
        "{metrics}"
    );
    assert!(metrics.contains("/api/v0/AddContractESignInfo"));
    assert!(!metrics.contains("canary"), "{metrics}");
}
