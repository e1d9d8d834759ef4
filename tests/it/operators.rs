//! Messages really go out: by each operator, past those that refuse, never twice; what becomes of them is visible.

use crate::client::Call;
use crate::operators_outside::{
    KAVENEGAR_KEY, OPERATORS, Outside, PUBLIC_URL, PartnersServer, SMPP, SMSRU_TOKEN, TWILIO_TOKEN, mute,
};
use crate::process::Dev;
use crate::world::{AGAH, ORAGH, SEND, Setup, World, eventually, inputs, wait_until, with};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use countersign::config::TrafficMode;
use hmac::{Hmac, KeyInit, Mac};
use sandbox::sms::Misbehaviour::{Refuse, TimeOut};
use sandbox::sms::smsc::{self, Fault};
use serde_json::{Value, json};
use sha2::Sha256;

const DELIVERIES: &str = "/api/v1/contract-otp/deliveries";

fn delivery(world: &World, challenge: &str) -> Value {
    let reply = world.partner.get(&format!("{DELIVERIES}/{challenge}"));
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

/// Sends, and gives the ChallengeId of the answer, whatever its reason.
fn send(world: &World, reason: u64) -> String {
    let reply = world.send(&inputs());
    assert_eq!(reply.reason(), reason, "{}", reply.text());
    reply.json()["ChallengeId"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn wait_for_status(world: &World, challenge: &str, status: &str) -> Value {
    eventually(status, || {
        Some(delivery(world, challenge)).filter(|delivery| delivery["Status"] == status)
    })
}

#[test]
fn a_message_goes_out_by_each_operator_and_its_parts_are_told() {
    let outside = Outside::start(mute());
    for name in OPERATORS {
        let world = outside.setup(&[name]).start();
        let before = outside.messages().len();
        let challenge = send(&world, 11);
        assert_eq!(outside.messages().len(), before + 1, "{name}");
        assert_eq!(outside.messages()[before].0, "+989121234567", "{name}");
        let delivery = delivery(&world, &challenge);
        assert_eq!(delivery["Operator"], name);
        assert_eq!(
            (&delivery["Status"], &delivery["Parts"]),
            (&json!("sent"), &json!(2)),
            "{name}"
        );
        assert_eq!(
            world.verify(&inputs(), &outside.last_code()).reason(),
            11,
            "{name}"
        );
    }
}

#[test]
fn a_refusal_is_reason_8_with_the_operators_code_and_leaves_no_window() {
    let outside = Outside::start(mute());
    for (name, code) in [
        ("kavenegar", "418"),
        ("smsru", "201"),
        ("turbosms", "203"),
        ("twilio", "30007"),
    ] {
        let world = outside.setup(&[name]).start();
        outside.will(Refuse, code, false);
        let reply = world.send(&inputs());
        assert_eq!(reply.reason(), 8, "{name}");
        assert!(
            reply.error_messages().contains(&format!("operator code {code}")),
            "{}",
            reply.text()
        );
        assert!(reply.json().get("ChallengeId").is_none());
        send(&world, 11);
    }
    let world = outside.setup(&[SMPP]).start();
    outside.smsc.will(Fault::Refuse(0x45));
    let reply = world.send(&inputs());
    assert!(
        reply
            .error_messages()
            .contains("operator code 0x00000045: ESME_RSUBMITFAIL"),
        "{}",
        reply.text()
    );
    send(&world, 11);
}

#[test]
fn a_refusal_goes_on_to_the_next_operator_and_one_message_arrives() {
    let outside = Outside::start(mute());
    let world = outside.setup(&["kavenegar", SMPP]).start();
    outside.will(Refuse, "418", false);
    let challenge = send(&world, 11);
    assert_eq!(outside.messages().len(), 1);
    assert_eq!(delivery(&world, &challenge)["Operator"], SMPP);
}

#[test]
fn a_refusal_that_blames_the_number_is_the_last_word() {
    let outside = Outside::start(mute());
    let world = outside.setup(&["kavenegar", SMPP]).start();
    outside.will(Refuse, "411", false);
    let reply = world.send(&inputs());
    assert!(
        reply.error_messages().contains("operator code 411"),
        "{}",
        reply.text()
    );
    assert!(outside.messages().is_empty());
}

#[test]
fn an_unknown_outcome_is_never_followed_by_another_operator() {
    for arrives in [true, false] {
        let outside = Outside::start(mute());
        let world = outside.setup(&["twilio", SMPP]).start();
        outside.will(TimeOut, "", arrives);
        let challenge = send(&world, 8);
        assert_eq!(outside.messages().len(), usize::from(arrives));
        assert_eq!(delivery(&world, &challenge)["Status"], "unknown");
        send(&world, 9);
        assert_eq!(outside.messages().len(), usize::from(arrives));
    }
    let outside = Outside::start(mute());
    let world = outside.setup(&[SMPP, "twilio"]).start();
    outside.smsc.will(Fault::CutAfter);
    send(&world, 8);
    assert_eq!(outside.smsc.submitted(), 1);
    assert!(
        outside.messages().is_empty(),
        "its first part alone, and no other way"
    );
}

#[test]
fn an_operator_that_cannot_be_reached_has_taken_nothing() {
    let outside = Outside::start(mute());
    let setup = outside.setup(&["smsru", SMPP]);
    let world = setup
        .config(|config| config.sms.smsru.url = "http://127.0.0.1:9".to_owned())
        .start();
    let challenge = send(&world, 11);
    assert_eq!(delivery(&world, &challenge)["Operator"], SMPP);
}

#[test]
fn an_operator_that_fails_again_and_again_rests() {
    let outside = Outside::start(mute());
    let world = outside
        .setup(&["kavenegar", SMPP])
        .config(|config| config.sms.breaker.failures_max = 2)
        .start();
    let kinds = [7, 8, 9, 10];
    for (n, kind) in kinds.into_iter().enumerate() {
        // The third and fourth find it at rest: what is armed for it stays armed.
        outside.will(Refuse, "418", false);
        let reply = world.send(&with(&inputs(), &json!({ "ContractTypeId": kind })));
        assert_eq!(reply.reason(), 11, "{n}: {}", reply.text());
    }
    let metrics = world.admin.without_key().get("/metrics").text();
    let counted = |line: &str| assert!(metrics.contains(line), "{line}");
    counted("countersign_sms_operator_attempts_total{operator=\"kavenegar\",outcome=\"refused\"} 2");
    counted("countersign_sms_operator_attempts_total{operator=\"main\",outcome=\"accepted\"} 4");
    counted("countersign_sms_operator_resting{operator=\"kavenegar\"} 1");
    counted("countersign_smpp_binds{operator=\"main\"} 1");
}

#[test]
fn a_number_without_a_route_or_from_a_country_that_is_not_allowed_gets_nothing() {
    let outside = Outside::start(mute());
    for (setup, code) in [
        (
            outside
                .setup(&[SMPP])
                .config(|config| config.sms.routes[0].prefix = "380".to_owned()),
            "no-route",
        ),
        (
            outside
                .setup(&[SMPP])
                .config(|config| config.sms.allowed_prefixes = vec!["380".to_owned()]),
            "guard-country",
        ),
    ] {
        let world = setup.start();
        let reply = world.send(&inputs());
        assert_eq!(reply.reason(), 8);
        assert!(reply.error_messages().contains(code), "{}", reply.text());
    }
    assert!(outside.messages().is_empty());
}

#[test]
fn receipts_by_smpp_make_a_message_delivered_or_failed() {
    for (stat, status, code) in [
        ("DELIVRD", "delivered", "DELIVRD"),
        ("UNDELIV", "failed", "UNDELIV"),
    ] {
        let outside = Outside::start(smsc::Settings {
            receipts: Some(stat),
            ..smsc::Settings::default()
        });
        let world = outside.setup(&[SMPP]).start();
        let challenge = send(&world, 11);
        let delivery = wait_for_status(&world, &challenge, status);
        assert_eq!(delivery["Code"], code);
        wait_until("both are acknowledged", || outside.smsc.acknowledged() == [0, 0]);
        send(&world, 9);
    }
}

#[test]
fn what_became_of_a_message_is_asked_for_where_nobody_tells() {
    let outside = Outside::start(mute());
    for name in ["kavenegar", "smsru", "twilio"] {
        let world = outside.setup(&[name]).start();
        let challenge = send(&world, 11);
        let asked = || {
            world.advance_seconds(2);
            Some(delivery(&world, &challenge)).filter(|delivery| delivery["Status"] == "delivered")
        };
        eventually(name, asked);
    }
}

#[test]
fn an_unknown_outcome_is_settled_by_asking_for_our_own_id() {
    // It took the message, and its answer was lost: the window stays, and the code is good.
    let outside = Outside::start(mute());
    let world = outside.setup(&["kavenegar"]).start();
    outside.will(TimeOut, "", true);
    let challenge = send(&world, 8);
    eventually("it is asked", || {
        world.advance_seconds(2);
        Some(delivery(&world, &challenge)).filter(|delivery| delivery["Status"] != "unknown")
    });
    assert_eq!(delivery(&world, &challenge)["Operator"], "kavenegar");
    send(&world, 9);
    assert_eq!(world.verify(&inputs(), &outside.last_code()).reason(), 11);
    assert_eq!(outside.messages().len(), 1);
}

#[test]
fn after_a_crash_an_operator_that_knows_our_id_settles_the_send() {
    let outside = Outside::start(mute());
    let mut world = outside.setup(&["kavenegar"]).start();
    outside.will(TimeOut, "", true);
    let held = world
        .partner
        .begin(Call::post(SEND, &inputs()).idempotency_key("k"));
    wait_until("the operator has the message", || outside.messages().len() == 1);
    world.crash();
    drop(held);
    let again = world.keyed(&inputs(), "k");
    assert_eq!(
        (again.reason(), again.is_replayed()),
        (11, true),
        "{}",
        again.text()
    );
    assert_eq!(outside.messages().len(), 1, "one key, one message");
    let challenge = again.json()["ChallengeId"].as_str().unwrap().to_owned();
    assert_eq!(delivery(&world, &challenge)["Operator"], "kavenegar");
}

/// The operator's id of a message's first part, as the store has it.
fn operators_id(world: &World, challenge: &str) -> String {
    let id = uuid::Uuid::parse_str(challenge).unwrap();
    let row = storage::Key::table("delivery").raw(id.as_bytes()).build();
    let stored = world
        .with_store(world.store().get(row))
        .unwrap()
        .expect("a delivery");
    let record: actors::deliveries::DeliveryRecord = storage::record::decode(&stored.value).unwrap();
    record.parts[0].id.clone()
}

/// Twilio's signature over a report to this URL.
fn twilio_signature(url: &str, pairs: &[(&str, &str)]) -> String {
    let mut sorted = pairs.to_vec();
    sorted.sort_unstable();
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(TWILIO_TOKEN.as_bytes()).unwrap();
    mac.update(url.as_bytes());
    sorted
        .iter()
        .for_each(|(name, value)| mac.update(format!("{name}{value}").as_bytes()));
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

fn twilio_report(world: &World, challenge: &str, status: &str, forged: bool) -> u16 {
    let path = format!("/api/v1/sms/receipts/twilio?challenge={challenge}");
    let mut signature = twilio_signature(
        &format!("{PUBLIC_URL}{path}"),
        &[("MessageSid", "SM1"), ("MessageStatus", status)],
    );
    if forged {
        signature = BASE64_STANDARD.encode([7; 20]);
    }
    let body = format!("MessageSid=SM1&MessageStatus={status}");
    let call = Call::new("POST", &path)
        .header("X-Twilio-Signature", &signature)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .bytes(body.as_bytes());
    world.partner.without_key().call(call).status
}

#[test]
fn a_late_bad_receipt_frees_the_window_of_an_unknown_send_and_a_good_one_keeps_it() {
    for (status, next) in [("undelivered", 11), ("failed", 11), ("sent", 9), ("delivered", 9)] {
        let outside = Outside::start(mute());
        let world = outside.setup(&["twilio"]).start();
        outside.will(TimeOut, "", true);
        let challenge = send(&world, 8);
        send(&world, 9);
        assert_eq!(
            twilio_report(&world, &challenge, status, true),
            401,
            "a forged report"
        );
        send(&world, 9);
        assert_eq!(twilio_report(&world, &challenge, status, false), 200);
        send(&world, next);
        let messages = outside.messages().len();
        assert_eq!(messages, if next == 11 { 2 } else { 1 }, "{status}");
        // Again, in any order: nothing more happens.
        assert_eq!(twilio_report(&world, &challenge, "undelivered", false), 200);
        send(&world, 9);
        assert_eq!(outside.messages().len(), messages);
    }
}

#[test]
fn smsru_reports_by_its_token_and_is_answered_100() {
    let outside = Outside::start(mute());
    let world = outside.setup(&["smsru"]).start();
    let challenge = send(&world, 11);
    let id = operators_id(&world, &challenge);
    let report = |token: &str| {
        let path = format!("/api/v1/sms/receipts/smsru?token={token}");
        let body = format!("data%5B0%5D=sms_status%0A{id}%0A103");
        world
            .partner
            .without_key()
            .call(Call::new("POST", &path).bytes(body.as_bytes()))
    };
    assert_eq!(report("wrong").status, 401);
    assert_eq!(delivery(&world, &challenge)["Status"], "sent");
    let reply = report(SMSRU_TOKEN);
    assert_eq!((reply.status, reply.text().as_str()), (200, "100"));
    assert_eq!(delivery(&world, &challenge)["Status"], "delivered");
}

#[test]
fn reports_of_operators_that_are_not_there_and_unreadable_ones_are_refused() {
    let outside = Outside::start(mute());
    let world = outside.setup(&["smsru"]).start();
    let post = |path: &str, body: &[u8]| {
        world
            .partner
            .without_key()
            .call(Call::new("POST", path).bytes(body))
            .status
    };
    for name in ["kavenegar", "nobody", "main"] {
        assert_eq!(
            post(
                &format!("/api/v1/sms/receipts/{name}?token={SMSRU_TOKEN}"),
                b"x=1"
            ),
            401,
            "{name}"
        );
    }
    let path = format!("/api/v1/sms/receipts/smsru?token={SMSRU_TOKEN}");
    assert_eq!(post(&path, b"data[0]=sms_status%0A1"), 400);
    assert_eq!(world.partner.get(&path).status, 405);
    let large = vec![b'x'; 65 * 1_024];
    assert_eq!(post(&path, &large), 413);
}

#[test]
fn a_delivery_is_its_partners_alone() {
    let world = World::start();
    let challenge = send(&world, 11);
    let path = format!("{DELIVERIES}/{challenge}");
    assert_eq!(world.partner.get(&path).json()["Status"], "sent");
    assert_eq!(world.agah().get(&path).status, 404);
    assert_eq!(world.partner.without_key().get(&path).status, 401);
    assert_eq!(world.partner.get(&format!("{DELIVERIES}/none")).status, 400);
    assert_eq!(world.partner.post(&path, &json!({})).status, 405);
}

#[test]
fn a_partner_that_registered_is_told_with_a_signature_that_it_can_check() {
    let outside = Outside::start(smsc::Settings::default());
    let partner = PartnersServer::start(&[500]);
    let world = outside.setup(&[SMPP]).start();
    let path = format!("/admin/v1/invokers/{ORAGH}/webhook");
    assert_eq!(world.admin.get(&path).status, 404);
    let put = world.admin.put(&path, &json!({ "url": partner.url }));
    assert_eq!(put.status, 200, "{}", put.text());
    assert_eq!(
        world.admin.get(&path).json(),
        put.json(),
        "shown again as it was made"
    );
    let challenge = send(&world, 11);
    partner.wait_for(1);
    // It was answered 500: five seconds later it comes again, the same.
    let posts = eventually("again", || {
        world.advance_seconds(5);
        Some(partner.posts()).filter(|posts| posts.len() == 2)
    });
    assert_eq!(posts[0].body, posts[1].body);
    assert_eq!(posts[0].header("webhook-id"), posts[1].header("webhook-id"));
    for post in &posts {
        let secret = put.json()["secret"]
            .as_str()
            .unwrap()
            .strip_prefix("whsec_")
            .unwrap()
            .to_owned();
        let mut mac = Hmac::<Sha256>::new_from_slice(&BASE64_STANDARD.decode(secret).unwrap()).unwrap();
        for piece in [
            post.header("webhook-id"),
            ".",
            post.header("webhook-timestamp"),
            ".",
        ] {
            mac.update(piece.as_bytes());
        }
        mac.update(&post.body);
        let signature = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
        assert_eq!(post.header("webhook-signature"), signature);
        let news: Value = serde_json::from_slice(&post.body).unwrap();
        assert_eq!(news["type"], "sms.delivery");
        let expected = json!({ "challenge_id": challenge, "status": "delivered", "parts": 2, "operator": "main", "code": "DELIVRD" });
        assert_eq!(news["data"], expected);
    }
    assert_eq!(world.admin.delete(&path).status, 204);
    assert_eq!(world.admin.get(&path).status, 404);
}

#[test]
fn a_wish_to_be_told_must_be_a_url_outside_of_an_invoker_that_is_there() {
    let world = World::start();
    let inside = [
        "http://x.test/",
        "http://127.0.0.1:9/",
        "https://10.0.0.7/",
        "https://[::1]/",
    ];
    for url in ["", "ftp://x/", "/news", "https://"].into_iter().chain(inside) {
        let reply = world.admin.put(
            &format!("/admin/v1/invokers/{AGAH}/webhook"),
            &json!({ "url": url }),
        );
        assert_eq!(
            (reply.status, reply.problem().as_str()),
            (422, "unfit-object"),
            "{url}"
        );
    }
    let nobody = "/admin/v1/invokers/00000000-0000-4000-8000-00000000dead/webhook";
    assert_eq!(
        world
            .admin
            .put(nobody, &json!({ "url": "https://x.test/" }))
            .status,
        404
    );
}

#[test]
fn what_a_partner_may_spend_in_a_day_survives_a_restart_and_ends_with_the_day() {
    let mut world = Setup::default()
        .config(|config| {
            config.sms.spending.daily_max = 4;
            config.sms.spending.margin = 0;
        })
        .start();
    // Two parts each.
    send(&world, 11);
    let kind = |kind: u8| with(&inputs(), &json!({ "ContractTypeId": kind }));
    assert_eq!(world.send(&kind(8)).reason(), 11);
    for _ in 0..2 {
        let reply = world.send(&kind(9));
        assert_eq!(reply.reason(), 8, "{}", reply.text());
        assert!(
            reply.error_messages().contains("guard-spending"),
            "{}",
            reply.text()
        );
        world.crash();
    }
    assert_eq!(world.messages(), 2);
    let other = with(&inputs(), &json!({ "InvokerCode": AGAH }));
    assert_eq!(
        world.send(&other).reason(),
        11,
        "another partner's day is its own"
    );
    world.advance_seconds(24 * 60 * 60);
    assert_eq!(world.send(&kind(9)).reason(), 11, "and there was no window");
}

#[test]
fn pumping_is_recorded_by_default_and_refused_when_told() {
    for (mode, refused) in [(TrafficMode::Record, 0), (TrafficMode::Refuse, 3)] {
        let world = Setup::default()
            .config(|config| {
                config.sms.traffic.mode = mode;
                config.sms.traffic.sent_min = 3;
                config.otp.short_cap = 30;
            })
            .start();
        let mut reasons = Vec::new();
        for kind in [7, 8, 9, 10, 11, 12] {
            reasons.push(
                world
                    .send(&with(&inputs(), &json!({ "ContractTypeId": kind })))
                    .reason(),
            );
        }
        assert_eq!(
            reasons.iter().filter(|reason| **reason == 8).count(),
            refused,
            "{reasons:?}"
        );
        assert_eq!(world.messages(), 6 - refused);
        let metrics = world.admin.without_key().get("/metrics").text();
        assert!(
            metrics.contains("countersign_sms_suspicious_total 3"),
            "{metrics}"
        );
    }
}

#[test]
fn a_contract_type_whose_message_would_be_too_long_keeps_the_gateway_from_starting() {
    let mut world = World::start();
    let title = "ب".repeat(190);
    assert_eq!(
        world
            .admin
            .put("/admin/v1/contract-types/7", &json!({ "title": title }))
            .status,
        200
    );
    let reply = world.send(&inputs());
    assert!(reply.error_messages().contains("guard-parts"), "{}", reply.text());
    assert_eq!(world.messages(), 0);
    let started = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.restart()));
    let text = started
        .err()
        .and_then(|panic| panic.downcast::<String>().ok())
        .expect("it does not start");
    assert!(
        text.contains("contract type 7: its message would need 5 parts, and sms.parts_max allows 3"),
        "{text}"
    );
}

#[test]
fn an_operators_key_in_the_path_is_in_no_answer_and_no_metric() {
    let outside = Outside::start(mute());
    let setup = outside.setup(&["kavenegar"]);
    let world = setup
        .config(|config| config.sms.kavenegar.url = "http://127.0.0.1:9".to_owned())
        .start();
    let reply = world.send(&inputs());
    assert!(
        reply.error_messages().contains("operator code unreachable"),
        "{}",
        reply.text()
    );
    let metrics = world.admin.without_key().get("/metrics").text();
    for text in [reply.text(), metrics] {
        assert!(!text.contains(KAVENEGAR_KEY));
    }
}

/// Through failures of every kind: never two messages for one challenge, and the stand-in is the witness.
#[test]
fn never_two_messages_for_one_challenge_through_failover_silence_cuts_and_restarts() {
    let seed = 2_026;
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let outside = Outside::start(smsc::Settings::default());
    let mut world = outside
        .setup(&["kavenegar", SMPP, "twilio"])
        .config(|config| config.sms.timeout_seconds = 1)
        .start();
    let mut answered = std::collections::BTreeMap::<u64, u32>::new();
    for n in 0..24 {
        match random.u8(0..7) {
            0 => outside.will(Refuse, "418", false),
            1 => outside.will(TimeOut, "", random.bool()),
            2 => {
                outside.will(Refuse, "402", false);
                outside.smsc.will(Fault::CutAfter);
            }
            3 => {
                outside.will(Refuse, "409", false);
                outside.smsc.will(Fault::Refuse(0x08));
            }
            4 => world.crash(),
            _ => {}
        }
        let kind = *random.choice(&[7, 8, 9, 10, 11]).unwrap();
        let reply = world.send(&with(&inputs(), &json!({ "ContractTypeId": kind })));
        *answered.entry(reply.reason()).or_default() += 1;
        world.advance_seconds(random.u64(1..90));
        let mut codes: Vec<String> = outside.messages().into_iter().map(|(_, text)| text).collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all, "step {n}: a code went out twice");
    }
    assert!(
        answered.contains_key(&11) && answered.contains_key(&8) && answered.contains_key(&9),
        "{answered:?}"
    );
}

#[test]
fn countersign_dev_sends_by_the_way_that_it_is_told() {
    for way in ["sandbox", "smpp", "kavenegar", "smsru", "turbosms", "twilio"] {
        let dev = Dev::start_with(&["--sms", way]);
        let reply = dev.partner().post(SEND, &dev.inputs());
        assert_eq!(reply.reason(), 11, "{way}: {}", reply.text());
        assert_eq!(dev.messages().len(), 1, "{way}");
        assert_eq!(dev.code().len(), 6, "{way}");
        let challenge = reply.json()["ChallengeId"].as_str().unwrap().to_owned();
        let delivery = || dev.partner().get(&format!("{DELIVERIES}/{challenge}")).json();
        let operator = if way == "smpp" { SMPP } else { way };
        assert_eq!(delivery()["Operator"], operator);
        if way == "smpp" {
            wait_until("its receipt", || delivery()["Status"] == "delivered");
        }
    }
}
