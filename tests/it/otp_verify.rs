//! Verification: tries, locks, bindings, and what open gateways get wrong.

use crate::client::Call;
use crate::world::{AGAH, QUICK_TYPE, SEND, SHORT_LIVED_TYPE, VERIFY, World, inputs, other_than, with};
use countersign::config::ConfigSecret;
use serde_json::{Value, json};

fn of_type(contract_type: u8) -> Value {
    with(&inputs(), &json!({ "ContractTypeId": contract_type }))
}

fn misses(world: &World, body: &Value, code: &str, count: usize) {
    for _ in 0..count {
        assert_eq!(world.verify(body, &other_than(code)).reason(), 22);
    }
}

/// 15 wrong tries over three codes.
fn lock(world: &World) {
    for contract_type in [8, QUICK_TYPE, SHORT_LIVED_TYPE] {
        let code = world.sent(&of_type(contract_type));
        misses(world, &of_type(contract_type), &code, 5);
    }
}

#[test]
fn success_of_send_and_verify_names_the_same_challenge() {
    let world = World::start();
    let sent = world.send(&inputs()).json()["ChallengeId"].clone();
    let code = world.operator.last_code().unwrap();
    let verified = world.verify(&inputs(), &code).json()["ChallengeId"].clone();
    assert!(sent.is_string());
    assert_eq!(sent, verified);
}

#[test]
fn a_code_has_exactly_its_digits_and_keeps_leading_zeros() {
    let world = World::start();
    let mut leading_zeros = 0;
    for _ in 0..60 {
        let code = world.sent(&inputs());
        assert!(
            code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()),
            "{code}"
        );
        leading_zeros += usize::from(code.starts_with('0'));
        assert_eq!(world.verify(&inputs(), &code).reason(), 11);
    }
    assert!(leading_zeros > 0, "by the seed of this run");
}

#[test]
fn digits_may_be_typed_in_persian_or_arabic_indic_and_spaces_at_the_ends_go() {
    let world = World::start();
    let forms: [fn(u8) -> char; 2] = [
        |digit| char::from_u32(0x06F0 + u32::from(digit)).unwrap(),
        |digit| char::from_u32(0x0660 + u32::from(digit)).unwrap(),
    ];
    for form in forms {
        let code = world.sent(&inputs());
        let typed: String = code.bytes().map(|byte| form(byte - b'0')).collect();
        assert_eq!(
            world.verify(&inputs(), &format!(" {typed} ")).reason(),
            11,
            "{typed}"
        );
    }
}

#[test]
fn what_is_no_code_at_all_is_a_wrong_code() {
    let world = World::start();
    let code = world.sent(&inputs());
    let long = code.repeat(1_000);
    for typed in ["", &code[1..], &format!("{code}0"), &long] {
        assert_eq!(world.verify(&inputs(), typed).reason(), 22, "{typed:.20}");
    }
    assert_eq!(world.verify(&inputs(), &code).reason(), 11);
}

#[test]
fn a_used_code_answers_20() {
    let world = World::start();
    let code = world.sent(&inputs());
    assert_eq!(world.verify(&inputs(), &code).reason(), 11);
    for _ in 0..20 {
        assert_eq!(world.verify(&inputs(), &code).reason(), 20);
    }
    assert_eq!(world.verify(&inputs(), &other_than(&code)).reason(), 20);
}

#[test]
fn a_code_is_good_for_its_own_inputs_alone() {
    let world = World::start();
    let code = world.sent(&inputs());
    let others = [
        json!({ "ContractTypeId": 8 }),
        json!({ "CcmsCode": 1002 }),
        json!({ "ContactCcmsCode": 2002 }),
        json!({ "InvokerCode": AGAH }),
    ];
    for changes in others {
        assert_eq!(
            world.verify(&with(&inputs(), &changes), &code).reason(),
            20,
            "{changes}"
        );
    }
    assert_eq!(world.verify(&inputs(), &code).reason(), 11);
}

#[test]
fn five_wrong_tries_kill_the_code_and_the_right_one_comes_too_late() {
    let world = World::start();
    let code = world.sent(&inputs());
    misses(&world, &inputs(), &code, 5);
    assert_eq!(world.verify(&inputs(), &code).reason(), 23);
    assert_eq!(world.verify(&inputs(), &other_than(&code)).reason(), 23);
}

#[test]
fn the_fifth_try_may_be_the_right_one() {
    let world = World::start();
    let code = world.sent(&inputs());
    misses(&world, &inputs(), &code, 4);
    assert_eq!(world.verify(&inputs(), &code).reason(), 11);
}

#[test]
fn a_send_is_no_try() {
    let world = World::start();
    let code = world.sent(&inputs());
    for _ in 0..30 {
        assert_eq!(world.send(&inputs()).reason(), 9);
    }
    misses(&world, &inputs(), &code, 4);
    assert_eq!(world.verify(&inputs(), &code).reason(), 11);
}

#[test]
fn of_many_tries_at_once_no_more_than_five_are_compared() {
    let world = World::start();
    let code = world.sent(&inputs());
    let body = with(&inputs(), &json!({ "Otp": other_than(&code) }));
    let mut tries: Vec<_> = (0..60)
        .map(|_| world.partner.begin(Call::post(VERIFY, &body)))
        .collect();
    let reasons: Vec<u64> = tries.iter_mut().map(|one| one.read().unwrap().reason()).collect();
    let count = |wanted| reasons.iter().filter(|reason| **reason == wanted).count();
    assert_eq!((count(22), count(23)), (5, 55), "{reasons:?}");
    assert_eq!(world.verify(&inputs(), &code).reason(), 23);
}

#[test]
fn of_many_right_tries_at_once_one_succeeds() {
    let world = World::start();
    let code = world.sent(&inputs());
    let body = with(&inputs(), &json!({ "Otp": code }));
    let mut tries: Vec<_> = (0..60)
        .map(|_| world.partner.begin(Call::post(VERIFY, &body)))
        .collect();
    let reasons: Vec<u64> = tries.iter_mut().map(|one| one.read().unwrap().reason()).collect();
    let count = |wanted| reasons.iter().filter(|reason| **reason == wanted).count();
    assert_eq!((count(11), count(20)), (1, 59), "{reasons:?}");
}

#[test]
fn a_try_counts_durably_before_it_is_compared() {
    let mut world = World::start();
    let code = world.sent(&inputs());
    misses(&world, &inputs(), &code, 5);
    world.crash();
    assert_eq!(world.verify(&inputs(), &code).reason(), 23);
}

#[test]
fn fifteen_wrong_tries_lock_the_contact_whatever_codes_they_were_for() {
    let world = World::start();
    let good = world.sent(&inputs());
    lock(&world);
    let locked = world.verify(&inputs(), &good);
    assert_eq!((locked.reason(), locked.retry_after()), (23, Some(86_400)));
    assert!(
        locked.error_messages().contains("15 wrong tries"),
        "{}",
        locked.text()
    );
    let refused = world.send(&of_type(11));
    assert_eq!((refused.reason(), refused.retry_after()), (10, Some(86_400)));
    let of_another_caller = with(&of_type(8), &json!({ "InvokerCode": AGAH }));
    assert_eq!(
        world.send(&of_another_caller).reason(),
        10,
        "the contact is locked, not the caller"
    );
    world.sent(&with(&inputs(), &json!({ "CcmsCode": 1002 })));
}

#[test]
fn a_new_code_does_not_reset_the_count_of_wrong_tries() {
    let world = World::start();
    for _ in 0..3 {
        let code = world.sent(&inputs());
        misses(&world, &inputs(), &code, 5);
        world.advance_seconds(120);
    }
    let reply = world.send(&inputs());
    assert_eq!(reply.reason(), 10);
    assert!(reply.error_messages().contains("locked"), "{}", reply.text());
}

#[test]
fn success_does_not_forgive_earlier_wrong_tries() {
    let world = World::start();
    for _ in 0..3 {
        let code = world.sent(&inputs());
        misses(&world, &inputs(), &code, 4);
        assert_eq!(world.verify(&inputs(), &code).reason(), 11);
    }
    let code = world.sent(&inputs());
    misses(&world, &inputs(), &code, 3);
    assert_eq!(
        world.verify(&inputs(), &code).reason(),
        23,
        "4 + 4 + 4 + 3 are fifteen"
    );
}

#[test]
fn a_lock_ends_when_the_day_has_passed() {
    let world = World::start();
    lock(&world);
    world.advance_seconds(86_399);
    assert_eq!(world.send(&inputs()).retry_after(), Some(1));
    world.advance_seconds(1);
    world.sent(&inputs());
}

#[test]
fn wrong_tries_of_more_than_a_day_ago_do_not_lock() {
    let world = World::start();
    let code = world.sent(&inputs());
    misses(&world, &inputs(), &code, 5);
    world.advance_seconds(86_400);
    for contract_type in [8, QUICK_TYPE] {
        let code = world.sent(&of_type(contract_type));
        misses(&world, &of_type(contract_type), &code, 5);
    }
    world.sent(&inputs());
}

#[test]
fn an_administrator_lifts_a_lock() {
    let mut world = World::start();
    let good = world.sent(&inputs());
    lock(&world);
    world.restart();
    assert_eq!(
        world.verify(&inputs(), &good).reason(),
        23,
        "a lock survives a restart"
    );
    let path = "/admin/v1/customers/1001/contacts/2001/lock";
    assert_eq!(world.admin.delete(path).status, 204);
    assert_eq!(
        world.admin.delete(path).status,
        204,
        "lifting twice is lifting once"
    );
    assert_eq!(world.verify(&inputs(), &good).reason(), 11);
    assert_eq!(
        world.verify(&of_type(8), "000000").reason(),
        23,
        "a dead code stays dead"
    );
    world.sent(&of_type(11));
    for path in [
        "/admin/v1/customers/9999/contacts/2001/lock",
        "/admin/v1/customers/1001/contacts/9999/lock",
    ] {
        assert_eq!(world.admin.delete(path).status, 404, "{path}");
    }
}

/// Sends with some extras, verifies with others.
fn check_binding(given: Value, when: Value, expected: u64) {
    let world = World::start();
    let code = world.sent(&with(&inputs(), &given));
    let reason = world.verify(&with(&inputs(), &when), &code).reason();
    assert_eq!(reason, expected, "sent with {given}, verified with {when}");
}

#[test]
fn what_a_code_was_bound_to_must_be_repeated() {
    let (first, second) = ("ab".repeat(32), "0C".repeat(32));
    let documents = |list: &[&String]| json!({ "DocumentsSha256": list });
    check_binding(json!({}), json!({}), 11);
    check_binding(
        json!({}),
        json!({ "ContractId": null, "DocumentsSha256": [] }),
        11,
    );
    check_binding(json!({ "ContractId": "A" }), json!({ "ContractId": "A" }), 11);
    check_binding(json!({ "ContractId": "A" }), json!({ "ContractId": "a" }), 22);
    check_binding(json!({ "ContractId": "A" }), json!({}), 22);
    check_binding(json!({}), json!({ "ContractId": "A" }), 22);
    check_binding(json!({ "ContractId": "" }), json!({}), 22);
    check_binding(json!({ "ContractId": 17 }), json!({ "ContractId": "17" }), 11);
    check_binding(documents(&[&first, &second]), documents(&[&second, &first]), 11);
    check_binding(documents(&[&first]), documents(&[&first.to_uppercase()]), 11);
    check_binding(documents(&[&first]), documents(&[&first, &second]), 22);
    check_binding(documents(&[&first, &second]), documents(&[&first]), 22);
    check_binding(documents(&[&first]), json!({}), 22);
    let both = json!({ "ContractId": "A", "DocumentsSha256": [first] });
    check_binding(both.clone(), both.clone(), 11);
    check_binding(both, json!({ "ContractId": "A" }), 22);
}

#[test]
fn extras_of_the_wrong_form_are_400_and_named() {
    let world = World::start();
    let digest = "ab".repeat(32);
    let wrong = [
        ("ContractId", json!(1.5)),
        ("ContractId", json!(true)),
        ("ContractId", json!("x".repeat(2_049))),
        ("ContractId", json!([])),
        ("DocumentsSha256", json!(digest)),
        ("DocumentsSha256", json!([1])),
        ("DocumentsSha256", json!([&digest[1..]])),
        ("DocumentsSha256", json!([format!("{}g0", &digest[2..])])),
        ("DocumentsSha256", json!(vec![&digest; 101])),
    ];
    for (field, value) in wrong {
        let reply = world.send(&with(&inputs(), &json!({ field: value })));
        assert_eq!(
            (reply.status, reply.problem()),
            (400, "invalid-field".to_owned()),
            "{field}"
        );
        assert!(reply.error_messages().contains(field), "{}", reply.text());
    }
    world.sent(&with(
        &inputs(),
        &json!({ "ContractId": "ق".repeat(2_048), "DocumentsSha256": vec![&digest; 100] }),
    ));
}

#[test]
fn a_contact_whose_number_changed_after_the_send_does_not_verify() {
    let world = World::start();
    let code = world.sent(&inputs());
    let row = |number: &str| json!({ "full_name": "مریم رضایی", "contacts": [{ "contact_ccms_code": 2001, "phone_type": 3, "number": number }] });
    assert_eq!(
        world
            .admin
            .put("/admin/v1/customers/1001", &row("09351112299"))
            .status,
        200
    );
    assert_eq!(world.verify(&inputs(), &code).reason(), 22);
    assert_eq!(
        world.admin.put("/admin/v1/customers/1001", &row("0912")).status,
        200
    );
    assert_eq!(
        world.verify(&inputs(), &code).reason(),
        22,
        "Reasons 6 and 7 are none of verify's"
    );
    assert_eq!(
        world
            .admin
            .put("/admin/v1/customers/1001", &row("+98 912 123 4567"))
            .status,
        200
    );
    assert_eq!(
        world.verify(&inputs(), &code).reason(),
        11,
        "the same number, written otherwise"
    );
}

#[test]
fn a_new_code_replaces_the_one_before_it() {
    let world = World::start();
    let old = world.sent(&inputs());
    world.advance_seconds(120);
    let new = world.sent(&inputs());
    assert_ne!(old, new, "by the seed of this run");
    assert_eq!(world.verify(&inputs(), &old).reason(), 22);
    assert_eq!(world.verify(&inputs(), &new).reason(), 11);
}

#[test]
fn a_code_lives_as_long_as_configured_and_no_longer() {
    let world = World::start();
    let code = world.sent(&inputs());
    world.clock.advance(std::time::Duration::from_millis(299_999));
    assert_eq!(world.verify(&inputs(), &other_than(&code)).reason(), 22);
    world.clock.advance(std::time::Duration::from_millis(1));
    assert_eq!(world.verify(&inputs(), &code).reason(), 21);
}

#[test]
fn no_answer_ever_holds_a_code() {
    let world = World::start();
    let body = of_type(12);
    let sent = world.partner.post(SEND, &body);
    let code = world.operator.last_code().unwrap();
    let mut answers = vec![sent.text(), world.send(&body).text()];
    answers.extend((0..6).map(|_| world.verify(&body, &other_than(&code)).text()));
    answers.push(world.verify(&body, &code).text());
    for path in ["/metrics", "/readyz?verbose", "/admin/v1/customers/1001"] {
        answers.push(world.admin.get(path).text());
    }
    for answer in answers {
        assert!(!answer.contains(&code), "{answer}");
    }
}

#[test]
fn a_code_outlives_the_rotation_of_the_servers_key_and_dies_with_the_last_of_its_keys() {
    let (old, new) = (
        "1:a2V5IG9mIHRoZSB0ZXN0cywgYXQgbGVhc3QgMzIgYnl0ZXM=",
        "2:YW5vdGhlciBrZXkgb2YgdGhlIHRlc3RzLCAzMiBieXRlcw==",
    );
    for (keys, expected) in [(vec![new, old], 11), (vec![new], 22)] {
        let mut world = World::start();
        let code = world.sent(&inputs());
        world.restart_and(|config| config.otp.hmac_keys = keys.into_iter().map(ConfigSecret::new).collect());
        assert_eq!(world.verify(&inputs(), &code).reason(), expected);
    }
}
