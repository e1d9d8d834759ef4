//! The Reasons of CM-S02 over HTTP, and the order of its steps: of two faults the earlier one decides.

use crate::client::Reply;
use crate::otp_rows::{
    Row, UNKNOWN_GUID, lock_contact_by, reach_cap, rows_of_neighbours, rows_of_send, rows_of_verify, send,
};
use crate::world::{
    AGAH, FORBIDDEN_TYPE, ORAGH, QUICK_TYPE, SEND, SHORT_LIVED_TYPE, VERIFY, World, inputs, with,
};
use serde_json::json;

/// What every answer of these two routes looks like, whatever its Reason.
fn check_envelope(row: &Row, reply: &Reply) {
    let (fact, json) = (row.fact, reply.json());
    assert_eq!(
        (reply.status, reply.reason(), json["ReasonMessage"].as_str()),
        (row.status, row.reason, Some(row.name)),
        "{fact}: {json}"
    );
    let success = row.reason == 11;
    assert_eq!(json["IsSuccess"], success, "{fact}");
    assert_eq!(json["Result"], success, "{fact}");
    assert!(json["Reason"].is_u64(), "{fact}: the integer is on the wire");
    assert_eq!(json["ErrorMessages"].is_null(), success, "{fact}: {json}");
    let object = json.as_object().unwrap();
    assert!(
        object.contains_key("ErrorMessages") && object.contains_key("ExceptionMessage"),
        "{fact}: {json}"
    );
    let exception = json["ExceptionMessage"].as_str();
    assert_eq!(exception.is_some(), row.reason == 12, "{fact}: {json}");
    let request_id = reply.header("x-request-id").expect("every answer has one");
    assert!(
        exception.is_none_or(|text| text.contains(request_id)),
        "{fact}: {json}"
    );
    // A send of which nobody knows names its code too, so that it can be asked for.
    let unknown = json["ErrorMessages"]
        .as_str()
        .is_some_and(|text| text.contains("the outcome is unknown"));
    assert_eq!(
        object.contains_key("ChallengeId"),
        success || unknown,
        "{fact}: {json}"
    );
    let media_type = if row.status == 200 {
        "application/json"
    } else {
        "application/problem+json"
    };
    assert_eq!(reply.header("content-type"), Some(media_type), "{fact}");
}

#[test]
fn every_reason_is_answered_and_of_two_faults_the_earlier_one_decides() {
    let tables = [rows_of_send(), rows_of_neighbours(), rows_of_verify()];
    let mut seen = std::collections::BTreeSet::new();
    for row in tables.iter().flatten() {
        let world = World::start();
        (row.given)(&world);
        check_envelope(row, &(row.when)(&world));
        seen.insert(row.reason);
    }
    let all = (1..=12).chain(20..=23).collect();
    assert_eq!(seen, all, "every Reason was seen");
}

#[test]
fn the_lock_comes_before_the_caps() {
    let world = World::start();
    let capped_type = json!({ "ContractTypeId": QUICK_TYPE });
    reach_cap(&world);
    let capped = send(&world, &capped_type);
    assert!(
        capped.error_messages().contains("cap reached"),
        "{}",
        capped.text()
    );
    lock_contact_by(&world, [7, 8, SHORT_LIVED_TYPE]);
    let reply = send(&world, &capped_type);
    assert_eq!(reply.reason(), 10);
    assert!(reply.error_messages().contains("locked"), "{}", reply.text());
}

#[test]
fn the_caps_come_before_the_generator() {
    let world = World::start();
    reach_cap(&world);
    world.chance.breaks();
    let reply = send(&world, &json!({ "ContractTypeId": QUICK_TYPE }));
    assert!(reply.error_messages().contains("cap reached"), "{}", reply.text());
    let other = world.send(&inputs());
    assert!(other.error_messages().contains("generator"), "{}", other.text());
}

#[test]
fn error_messages_begin_with_the_documents_own_words() {
    let world = World::start();
    let expected = [
        (
            json!({ "InvokerCode": UNKNOWN_GUID }),
            "مقدار Invoker اشتباه است و یا در سیستم موجود نیست",
        ),
        (json!({ "ContractTypeId": 99 }), "نوع قرارداد نامعتبر است"),
        (
            json!({ "ContractTypeId": FORBIDDEN_TYPE }),
            "سرویس فراخواننده مجاز به امضای این نوع قرارداد نیست",
        ),
        (json!({ "CcmsCode": 9999 }), "مشتری موجود نیست"),
        (json!({ "ContactCcmsCode": 9999 }), "کد اطلاعات تماس معتبر نیست"),
        (json!({ "ContactCcmsCode": 2002 }), "نوع شماره تلفن معتبر نیست"),
        (json!({ "ContactCcmsCode": 2003 }), "شماره موبایل نامعتبر است"),
    ];
    for (changes, text) in expected {
        assert_eq!(send(&world, &changes).error_messages(), text, "{changes}");
    }
}

#[test]
fn an_invoker_code_that_is_not_the_keys_own_is_reason_1() {
    let world = World::start();
    let reply = world
        .partner
        .post(SEND, &with(&inputs(), &json!({ "InvokerCode": AGAH })));
    assert_eq!((reply.status, reply.reason()), (200, 1));
    let reply = world.agah().post(
        VERIFY,
        &with(&inputs(), &json!({ "InvokerCode": ORAGH, "Otp": "000000" })),
    );
    assert_eq!((reply.status, reply.reason()), (200, 1));
    assert_eq!(world.messages(), 0);
}

#[test]
fn a_programmers_error_spoils_nothing_but_its_own_answer() {
    let world = World::start();
    world.chance.panics();
    assert_eq!(world.send(&inputs()).status, 500);
    world.chance.recovers();
    assert_eq!(world.send(&inputs()).reason(), 11);
}

#[test]
fn the_message_has_the_documents_four_lines_and_the_code_stands_alone_on_the_last() {
    let world = World::start();
    let code = world.sent(&inputs());
    let message = world.operator.messages().remove(0);
    let expected = format!(
        "کارگزاری آگاه\nمریم رضایی گرامی\nرمز یک بار مصرف برای امضای دیجیتال قرارداد سبدگردانی:\n{code}"
    );
    assert_eq!(message.text.expose(), expected);
    assert_eq!(message.destination.expose(), "+989121234567");
}
