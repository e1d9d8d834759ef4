//! What CM-S02's document leaves open, and how it is settled: inputs, numbers, answers. A test a point.

use crate::client::{Call, Reply};
use crate::world::{AGAH, ORAGH, ORAGH_KEY, SEND, Setup, VERIFY, World, inputs, wait_until, with, without};
use serde_json::{Value, json};

/// Customers with one mobile contact each, numbered from 5000, and their inputs.
fn with_numbers(world: &World, numbers: &[&str]) -> Vec<Value> {
    let body = |index: usize| with(&inputs(), &json!({ "CcmsCode": 5000 + index }));
    let mut lines = String::new();
    for (index, number) in numbers.iter().enumerate() {
        let row = json!({ "type": "customer", "ccms_code": 5000 + index, "full_name": "نام", "contacts": [
            { "contact_ccms_code": 2001, "phone_type": 3, "number": number } ] });
        lines.push_str(&format!("{row}\n"));
    }
    assert_eq!(
        world.admin.import(lines.as_bytes()).json()["imported"],
        numbers.len()
    );
    (0..numbers.len()).map(body).collect()
}

#[test]
fn a_guid_may_be_hyphenated_plain_or_braced_in_any_case() {
    let world = World::start();
    let plain = ORAGH.replace('-', "");
    let forms = [
        ORAGH.to_owned(),
        ORAGH.to_uppercase(),
        plain.clone(),
        plain.to_uppercase(),
        format!("{{{ORAGH}}}"),
        format!("{{{}}}", ORAGH.to_uppercase()),
    ];
    let send = |form: &str| {
        world
            .partner
            .post(SEND, &with(&inputs(), &json!({ "InvokerCode": form })))
            .reason()
    };
    assert_eq!(send(&forms[0]), 11);
    for form in &forms[1..] {
        assert_eq!(send(form), 9, "{form}: the same invoker, so the same window");
    }
}

#[test]
fn a_string_that_is_no_guid_is_reason_1_with_200() {
    let world = World::start();
    let long = "f".repeat(10_000);
    for text in [
        "",
        "x",
        "6f9619ff",
        &format!("{{{ORAGH}"),
        &format!("{ORAGH}}}"),
        &format!("urn:uuid:{ORAGH}"),
        &long,
        "۱۲",
    ] {
        let reply = world
            .partner
            .post(SEND, &with(&inputs(), &json!({ "InvokerCode": text })));
        assert_eq!((reply.status, reply.reason()), (200, 1), "{text}");
    }
}

#[test]
fn an_integer_outside_a_byte_is_reason_2_with_200() {
    let world = World::start();
    for number in [
        json!(-1),
        json!(256),
        json!(263),
        json!(i64::MAX),
        json!(i64::MIN),
    ] {
        let reply = world.send(&with(&inputs(), &json!({ "ContractTypeId": number })));
        assert_eq!((reply.status, reply.reason()), (200, 2), "{number}");
    }
}

#[test]
fn a_field_that_is_missing_null_or_of_the_wrong_type_is_400_with_its_reason_and_its_name() {
    let world = World::start();
    let complete = with(&inputs(), &json!({ "Otp": "000000" }));
    let wrong_integers = [
        json!(1.5),
        json!(true),
        json!("910001"),
        json!(9_223_372_036_854_775_808_u64),
        json!(1e300),
        json!([]),
        json!({}),
    ];
    let wrong_strings = [json!(1), json!(true), json!(["x"]), json!({})];
    let fields = [
        ("InvokerCode", 1, &wrong_strings[..]),
        ("ContractTypeId", 2, &wrong_integers),
        ("CcmsCode", 4, &wrong_integers),
        ("ContactCcmsCode", 5, &wrong_integers),
        ("Otp", 22, &wrong_strings),
    ];
    for (field, reason, wrong) in fields {
        let mut bodies = vec![
            without(&complete, field),
            with(&complete, &json!({ field: null })),
        ];
        bodies.extend(
            wrong
                .iter()
                .map(|value| with(&complete, &json!({ field: value }))),
        );
        for body in bodies {
            let routes = if field == "Otp" {
                &[VERIFY][..]
            } else {
                &[SEND, VERIFY]
            };
            for route in routes {
                let reply = world.partner.post(route, &body);
                assert_eq!(
                    (reply.status, reply.reason()),
                    (400, reason),
                    "{route} {body}: {}",
                    reply.text()
                );
                assert!(reply.error_messages().contains(field), "{}", reply.text());
                assert_eq!(reply.problem(), "invalid-field");
                assert_eq!(
                    (&reply.json()["IsSuccess"], &reply.json()["Result"]),
                    (&json!(false), &json!(false))
                );
            }
        }
    }
    assert_eq!(world.messages(), 0);
}

#[test]
fn of_several_wrong_fields_all_are_named_and_the_first_step_decides_the_reason() {
    let world = World::start();
    let reply = world
        .partner
        .post(SEND, &json!({ "CcmsCode": true, "ContractTypeId": "7" }));
    assert_eq!((reply.status, reply.reason()), (400, 1));
    for field in ["InvokerCode", "ContractTypeId", "CcmsCode", "ContactCcmsCode"] {
        assert!(reply.error_messages().contains(field), "{}", reply.text());
    }
    let reply = world.partner.post(
        SEND,
        &without(&with(&inputs(), &json!({ "CcmsCode": 1.5 })), "ContactCcmsCode"),
    );
    assert_eq!(reply.reason(), 4);
}

#[test]
fn codes_at_the_ends_of_int64_are_codes() {
    let world = World::start();
    for code in [i64::MAX, i64::MIN, 0, -1] {
        let row = json!({ "full_name": "نام", "contacts": [{ "contact_ccms_code": code, "phone_type": 3, "number": "09121234567" }] });
        assert_eq!(
            world
                .admin
                .put(&format!("/admin/v1/customers/{code}"), &row)
                .status,
            200
        );
        let body = with(&inputs(), &json!({ "CcmsCode": code, "ContactCcmsCode": code }));
        let otp = world.sent(&body);
        assert_eq!(world.verify(&body, &otp).reason(), 11, "{code}");
    }
}

#[test]
fn unknown_fields_are_ignored() {
    let world = World::start();
    world.sent(&with(
        &inputs(),
        &json!({ "Comment": "x", "ccmsCode": [1, { "deep": null }] }),
    ));
}

#[test]
fn only_phone_type_3_is_mobile_and_a_type_outside_the_table_is_reason_6() {
    let world = World::start();
    let contacts = [
        (2002, "home"),
        (2008, "work"),
        (2009, "fax"),
        (2005, "emergency mobile"),
        (2010, "emergency"),
        (2011, "type 2"),
        (2012, "type 0"),
        (2013, "type -3"),
    ];
    for (contact, what) in contacts {
        assert_eq!(
            world
                .send(&with(&inputs(), &json!({ "ContactCcmsCode": contact })))
                .reason(),
            6,
            "{what}"
        );
    }
    assert_eq!(world.messages(), 0);
}

#[test]
fn which_phone_types_are_mobile_is_a_setting() {
    let world = Setup::default()
        .config(|config| config.otp.mobile_phone_types = vec![3, 6])
        .start();
    world.sent(&with(&inputs(), &json!({ "ContactCcmsCode": 2005 })));
    world.sent(&inputs());
}

#[test]
fn a_mobile_number_may_be_written_in_every_usual_way() {
    let world = World::start();
    let numbers = [
        "9121234567",
        "09121234567",
        "00989121234567",
        "989121234567",
        "+989121234567",
        "+98 912 123 4567",
        "0912-123-4567",
        "۰۹۱۲۱۲۳۴۵۶۷",
        "٠٩١٢١٢٣٤٥٦٧",
    ];
    for (number, body) in numbers.iter().zip(with_numbers(&world, &numbers)) {
        world.sent(&body);
        let message = world.operator.messages().pop().unwrap();
        assert_eq!(message.destination.expose(), "+989121234567", "{number}");
    }
}

#[test]
fn a_type_3_record_that_holds_a_landline_nothing_or_nonsense_is_reason_7() {
    let world = World::start();
    let numbers = [
        "02188776655",
        "+982188776655",
        "",
        " ",
        "0912",
        "091212345678",
        "abc",
        "+",
    ];
    for (number, body) in numbers.iter().zip(with_numbers(&world, &numbers)) {
        assert_eq!(world.send(&body).reason(), 7, "{number:?}");
    }
    assert_eq!(world.messages(), 0);
}

#[test]
fn the_region_of_a_number_without_country_code_is_a_setting() {
    let world = Setup::default()
        .config(|config| config.otp.default_region = "UA".to_owned())
        .start();
    let bodies = with_numbers(&world, &["0501234567", "+989121234567"]);
    world.sent(&bodies[0]);
    world.sent(&bodies[1]);
    let messages = world.operator.messages();
    let destinations: Vec<&str> = messages
        .iter()
        .map(|message| message.destination.expose())
        .collect();
    assert_eq!(destinations, ["+380501234567", "+989121234567"]);
}

#[test]
fn the_same_contact_code_under_two_customers_is_two_contacts() {
    let world = World::start();
    let theirs = with(&inputs(), &json!({ "CcmsCode": 1002 }));
    let mine = world.sent(&inputs());
    let other = world.sent(&theirs);
    let messages = world.operator.messages();
    assert_eq!(messages[0].destination.expose(), "+989121234567");
    assert_eq!(messages[1].destination.expose(), "+989351112233");
    assert_ne!(mine, other, "by the seed of this run");
    assert_eq!(world.verify(&theirs, &mine).reason(), 22);
    assert_eq!(world.verify(&inputs(), &mine).reason(), 11);
    assert_eq!(world.verify(&theirs, &other).reason(), 11);
}

/// Calls that the transport refuses, with the slug of the problem and the Reason in it.
fn check_refused(reply: &Reply, expected: (u16, &str, u64), what: &str) {
    let got = (reply.status, reply.problem(), reply.reason());
    assert_eq!(
        got,
        (expected.0, expected.1.to_owned(), expected.2),
        "{what}: {}",
        reply.text()
    );
    let json = reply.json();
    assert_eq!(
        (&json["IsSuccess"], &json["Result"]),
        (&json!(false), &json!(false)),
        "{what}"
    );
    assert!(
        json["ErrorMessages"].is_string() && json["ReasonMessage"].is_string(),
        "{what}: {json}"
    );
    assert_eq!(json["status"], expected.0, "{what}");
    assert_eq!(
        json["request_id"].as_str(),
        reply.header("x-request-id"),
        "{what}"
    );
}

#[test]
fn a_refusal_by_the_transport_carries_the_envelope_too() {
    let world = World::start();
    let large = vec![b' '; 16 * 1_024 + 1];
    for route in [SEND, VERIFY] {
        let call = || Call::new("POST", route).header("Content-Type", "application/json");
        let anonymous = world.partner.without_key();
        check_refused(&anonymous.call(call()), (401, "unauthorized", 1), "no key");
        check_refused(
            &world.partner.call(call().bytes(&large)),
            (413, "body-too-large", 12),
            "large",
        );
        let xml = Call::new("POST", route)
            .header("Content-Type", "text/xml")
            .bytes(b"<x/>");
        check_refused(
            &world.partner.call(xml),
            (415, "unsupported-media-type", 12),
            "xml",
        );
        let zipped = call().header("Content-Encoding", "gzip").bytes(b"\x1f\x8b");
        check_refused(
            &world.partner.call(zipped),
            (415, "unsupported-media-type", 12),
            "gzip",
        );
        check_refused(
            &world.partner.call(call().bytes(b"[]")),
            (400, "invalid-body", 12),
            "no object",
        );
        check_refused(&world.partner.get(route), (405, "method-not-allowed", 12), "GET");
        check_refused(
            &world.partner.get(&format!("{route}/x")),
            (404, "not-found", 12),
            "no route",
        );
    }
}

#[test]
fn routing_comes_before_the_key_and_the_key_before_form_size_and_body() {
    let world = World::start();
    let anonymous = world.partner.without_key();
    let large = vec![b'x'; 17 * 1_024];
    let wrong = |method: &str, path: &str| {
        Call::new(method, path)
            .header("Content-Type", "text/xml")
            .bytes(&large)
    };
    let not_found = anonymous.call(wrong("DELETE", "/api/v1/contract-otp/nothing"));
    assert_eq!(
        (not_found.status, not_found.reason()),
        (404, 12),
        "404 before 405 and 401"
    );
    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"] {
        let reply = anonymous.call(wrong(method, SEND));
        assert_eq!(
            (reply.status, reply.header("allow")),
            (405, Some("POST")),
            "{method}: 405 before 401"
        );
    }
    assert_eq!(
        anonymous.call(wrong("POST", SEND)).status,
        401,
        "401 before 415 and 413"
    );
    assert_eq!(
        world.partner.call(wrong("POST", SEND)).status,
        415,
        "415 before 413"
    );
    let json = Call::new("POST", SEND).header("Content-Type", "application/json");
    assert_eq!(
        world.partner.call(json.clone().bytes(&large)).status,
        413,
        "413 before 400"
    );
    assert_eq!(world.partner.call(json.clone().bytes(b"{")).status, 400);
    let both = world.partner.call(
        json.bytes(
            without(&with(&inputs(), &json!({ "InvokerCode": AGAH })), "CcmsCode")
                .to_string()
                .as_bytes(),
        ),
    );
    assert_eq!(
        (both.status, both.reason()),
        (400, 4),
        "the body before the rules"
    );
}

#[test]
fn a_customer_for_whom_too_much_waits_is_429_with_retry_after() {
    let world = Setup::default()
        .config(|config| config.customers.queue_max = 2)
        .start();
    world.gate.close();
    let mut waiting: Vec<_> = (0..8)
        .map(|_| world.partner.begin(Call::post(SEND, &inputs())))
        .collect();
    // One is worked on and two wait; where the third came before the first was taken up, two alone are in.
    wait_until("the others are refused", || {
        waiting.iter().filter(|waiting| waiting.is_answered()).count() >= 5
    });
    world.gate.open();
    let replies: Vec<Reply> = waiting
        .iter_mut()
        .map(|connection| connection.read().unwrap())
        .collect();
    let (refused, judged): (Vec<Reply>, Vec<Reply>) =
        replies.into_iter().partition(|reply| reply.status == 429);
    assert!((5..=6).contains(&refused.len()), "{} were refused", refused.len());
    for reply in &refused {
        check_refused(reply, (429, "too-many-requests", 12), "a full queue");
        assert_eq!(reply.retry_after(), Some(1));
    }
    let sent = judged.iter().filter(|reply| reply.reason() == 11).count();
    assert_eq!((sent, world.messages()), (1, 1));
}

#[test]
fn a_store_that_is_full_is_503_with_retry_after_and_nothing_is_sent() {
    let world = World::start();
    world.gate.fill();
    let reply = world.send(&inputs());
    check_refused(&reply, (503, "unavailable", 12), "a full disk");
    assert!(reply.retry_after().is_some());
    assert_eq!(world.messages(), 0);
    assert_eq!(world.admin.get("/readyz").status, 503);
    world.gate.open();
    world.sent(&inputs());
    assert_eq!(world.admin.get("/readyz").status, 200);
}

#[test]
fn as_many_requests_in_flight_as_may_be_is_503_with_retry_after() {
    let world = Setup::default()
        .config(|config| config.limits.in_flight_max = 1)
        .start();
    world.operator.will(actors::testing::Act::Silence);
    let held = world.begin_held(Call::post(SEND, &inputs()).bearer(ORAGH_KEY));
    let reply = world.send(&with(&inputs(), &json!({ "CcmsCode": 1002 })));
    check_refused(&reply, (503, "busy", 12), "one in flight");
    assert!(reply.retry_after().is_some());
    drop(held);
}
