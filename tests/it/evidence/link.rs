//! A verified one-time password leaves evidence, once, whatever crashes.

use super::desk::*;
use crate::client::{Call, Reply};
use crate::world::{ORAGH, VERIFY as VERIFY_OTP, World, eventually, inputs, wait_until, with};
use serde_json::{Value, json};

fn linked() -> World {
    let world = world();
    let path = format!("/admin/v1/invokers/{ORAGH}/evidence");
    assert_eq!(
        world.admin.put(&path, &json!({ "integration": "nobody" })).status,
        404
    );
    let reply = world.admin.put(&path, &json!({ "integration": "lombard" }));
    assert_eq!(reply.json(), json!({ "integration": "lombard" }));
    world
}

fn contract() -> Value {
    with(
        &inputs(),
        &json!({ "ContractId": 313527, "DocumentsSha256": ["aa".repeat(32)] }),
    )
}

fn recorded(world: &World, client: &str) -> Vec<Value> {
    let asked = json!({ "ClientIntegrationId": client, "ContractId": "313527" });
    containers(&lombard(world).post(GET, &asked))
}

fn receipt_of(reply: &Reply) -> Option<String> {
    assert_eq!(reply.reason(), 11, "{}", reply.text());
    reply
        .json()
        .get("EvidenceReceipt")
        .map(|path| path.as_str().unwrap().to_owned())
}

#[test]
fn a_verified_code_that_names_a_contract_leaves_a_container() {
    let world = linked();
    let code = world.sent(&contract());
    assert_ne!(
        world
            .verify(&contract(), &crate::world::other_than(&code))
            .reason(),
        11
    );
    world.advance_seconds(3);
    let reply = world.verify(&contract(), &code);
    let path = receipt_of(&reply).expect("a receipt");
    let challenge = reply.json()["ChallengeId"].as_str().unwrap().to_owned();
    let found = recorded(&world, "1001");
    let expected = json!([{
        "ClientIntegrationId": "1001", "ContractId": 313527, "SignDate": "01.03.2026 08:00:03", "ContractVersion": "countersign-otp/1",
        "KeyTransport": "scripted", "UserSignKey": format!("challenge:{challenge}"), "DocumentsSha256": ["aa".repeat(32)],
        "Version": 1, "RecordedAt": "01.03.2026 08:00:03", "Salt": found[0]["Salt"], "Receipt": path,
    }]);
    assert_eq!(json!(found), expected);
    assert!(!found[0].to_string().contains(&code), "never the code");
    assert!(receipt(&lombard(&world), &path).verify(&keys()).is_ok());
}

#[test]
fn the_send_may_name_the_client_and_a_restart_in_between_changes_nothing() {
    let mut world = linked();
    let code = world.sent(&with(&contract(), &json!({ "ClientIntegrationId": "nz2UG1" })));
    world.restart();
    let path = receipt_of(&world.verify(&contract(), &code)).expect("a receipt");
    assert_eq!(recorded(&world, "nz2UG1")[0]["Receipt"], json!(path));
    assert_eq!(recorded(&world, "1001"), Vec::<Value>::new());
    for wrong in [json!(""), json!(7), json!("x".repeat(65)), json!("with space")] {
        let reply = world.send(&with(&contract(), &json!({ "ClientIntegrationId": wrong })));
        assert_eq!(reply.problem(), "invalid-field", "{wrong}");
    }
}

#[test]
fn without_a_contract_or_without_the_link_nothing_is_recorded() {
    let world = linked();
    let code = world.sent(&inputs());
    assert_eq!(receipt_of(&world.verify(&inputs(), &code)), None);
    assert_eq!(
        world
            .admin
            .delete(&format!("/admin/v1/invokers/{ORAGH}/evidence"))
            .status,
        204
    );
    let body = with(&contract(), &json!({ "ContractTypeId": 8 }));
    let code = world.sent(&body);
    assert_eq!(receipt_of(&world.verify(&body, &code)), None);
    assert_eq!(recorded(&world, "1001"), Vec::<Value>::new());
}

#[test]
fn an_answer_that_is_given_again_has_the_receipt_too() {
    let world = linked();
    let code = world.sent(&contract());
    let call = || Call::post(VERIFY_OTP, &with(&contract(), &json!({ "Otp": code }))).idempotency_key("one");
    let first = world.partner.call(call());
    let again = world.partner.call(call());
    assert!(again.is_replayed());
    assert_eq!(first.json(), again.json());
    assert!(receipt_of(&again).is_some());
    assert_eq!(recorded(&world, "1001").len(), 1);
}

/// Wherever the crash falls: after it and a restart there is one container for a verified code, and none for another.
#[test]
fn evidence_is_recorded_once_wherever_the_crash_falls() {
    let (mut verified, mut unverified) = (0, 0);
    for commits in 0..5 {
        let mut world = linked();
        let code = world.sent(&contract());
        world.gate.close_after(commits);
        let connection = world.partner.begin(Call::post(
            VERIFY_OTP,
            &with(&contract(), &json!({ "Otp": code })),
        ));
        wait_until("it stands or is answered", || {
            world.gate.is_held() || connection.is_answered()
        });
        world.crash();
        world.gate.open();
        let reply = world.verify(&contract(), &code);
        if reply.reason() == 11 {
            unverified += 1; // the try had not come as far as its success
        } else {
            verified += 1;
        }
        let found = eventually("the debt is paid", || {
            Some(recorded(&world, "1001")).filter(|found| !found.is_empty())
        });
        assert_eq!(found.len(), 1, "crash at commit {commits}");
        world.restart();
        assert_eq!(recorded(&world, "1001").len(), 1, "crash at commit {commits}");
    }
    assert!(
        verified > 0 && unverified > 0,
        "crashes on both sides: {verified} and {unverified}"
    );
}

#[test]
fn a_log_that_does_not_answer_in_time_does_not_keep_the_partner() {
    let world = linked();
    let code = world.sent(&contract());
    // The try and its success are two commits; the log's is the third.
    world.gate.close_after(2);
    let mut connection = world.partner.begin(Call::post(
        VERIFY_OTP,
        &with(&contract(), &json!({ "Otp": code })),
    ));
    wait_until("the log stands", || world.gate.is_held());
    assert!(!connection.is_answered());
    eventually("the answer", || {
        world.clock.advance(std::time::Duration::from_millis(100));
        connection.is_answered().then_some(())
    });
    let reply = connection.read().unwrap();
    assert_eq!(receipt_of(&reply), None, "success without it");
    world.gate.open();
    eventually("it is recorded all the same", || {
        (recorded(&world, "1001").len() == 1).then_some(())
    });
}
