//! Ids and traces, kept connections, and what is done with many requests on one.

use crate::client::{Call, Connection};
use crate::world::{SEND, VERIFY, World, inputs, with};
use serde_json::json;

#[test]
fn a_request_id_is_taken_as_it_is_or_made_and_stands_on_every_answer() {
    let world = World::start();
    let longest = "x".repeat(128);
    for id in ["a", "A-1_b.9", &longest] {
        let reply = world
            .partner
            .call(Call::post(SEND, &json!([])).header("X-Request-Id", id));
        assert_eq!(reply.header("x-request-id"), Some(id));
        assert_eq!(reply.json()["request_id"], id);
    }
    let too_long = "x".repeat(129);
    let mut made = std::collections::BTreeSet::new();
    for id in ["", "a b", "a;b", "<script>", "ключ", &too_long] {
        let reply = world
            .partner
            .call(Call::post(SEND, &inputs()).header("X-Request-Id", id));
        let own = reply.header("x-request-id").unwrap().to_owned();
        assert!(own.len() == 36 && own != id, "{id:?} became {own}");
        assert!(made.insert(own));
    }
    for (client, path) in [
        (&world.partner, "/nothing"),
        (&world.partner, "/openapi.json"),
        (&world.admin, "/livez"),
        (&world.admin, "/nothing"),
    ] {
        assert!(client.get(path).header("x-request-id").is_some(), "{path}");
    }
}

#[test]
fn the_id_that_an_unforeseen_error_tells_the_caller_to_quote_is_its_own() {
    let world = World::start();
    world.chance.panics();
    let reply = world
        .partner
        .call(Call::post(SEND, &inputs()).header("X-Request-Id", "quote-me"));
    assert_eq!((reply.status, reply.reason()), (500, 12));
    assert!(
        reply.json()["ExceptionMessage"]
            .as_str()
            .unwrap()
            .contains("quote-me")
    );
    assert!(
        !reply.text().contains("on purpose"),
        "no word of the cause: {}",
        reply.text()
    );
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[test]
fn the_callers_trace_goes_on_to_the_operator_in_a_span_of_our_own() {
    let world = World::start();
    let given = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let call = Call::post(SEND, &inputs()).header("traceparent", &given);
    assert_eq!(world.partner.call(call).reason(), 11);
    let passed = world.operator.messages()[0].trace.clone().unwrap();
    assert!(
        passed.starts_with(&format!("00-{TRACE}-")) && passed.ends_with("-01"),
        "{passed}"
    );
    assert_ne!(passed, given);
}

#[test]
fn without_a_valid_trace_a_new_one_begins() {
    let world = World::start();
    for (index, given) in [
        "",
        "garbage",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
    ]
    .iter()
    .enumerate()
    {
        let body = with(&inputs(), &json!({ "ContractTypeId": 7 + index }));
        let call = Call::post(SEND, &body).header("traceparent", given);
        assert_eq!(world.partner.call(call).reason(), 11);
        let passed = world.operator.messages()[index].trace.clone().unwrap();
        assert_eq!(passed.len(), 55);
        assert!(
            !passed.contains(TRACE) && !passed.contains(&"0".repeat(32)),
            "{passed}"
        );
    }
}

#[test]
fn a_connection_serves_many_requests_of_all_kinds() {
    let world = World::start();
    let mut connection = Connection::open(world.partner.address);
    let mut ask = |call: Call| {
        connection.write(&world.partner.wire(call));
        connection.read().unwrap()
    };
    for round in 0..50 {
        let expected = if round == 0 { 11 } else { 9 };
        assert_eq!(ask(Call::post(SEND, &inputs())).reason(), expected);
        assert_eq!(ask(Call::post("/nothing", &inputs())).status, 404);
        assert_eq!(ask(Call::post(SEND, &json!([]))).status, 400);
        assert_eq!(ask(Call::new("DELETE", SEND)).status, 405);
    }
}

#[test]
fn two_pipelined_sends_are_answered_in_order() {
    let world = World::start();
    let first = world
        .partner
        .wire(Call::post(SEND, &inputs()).header("X-Request-Id", "first"));
    let second = world
        .partner
        .wire(Call::post(SEND, &inputs()).header("X-Request-Id", "second"));
    let mut connection = Connection::open(world.partner.address);
    connection.write(&[first, second].concat());
    let replies = [connection.read().unwrap(), connection.read().unwrap()];
    let seen: Vec<_> = replies
        .iter()
        .map(|reply| (reply.header("x-request-id").unwrap(), reply.reason()))
        .collect();
    assert_eq!(seen, [("first", 11), ("second", 9)]);
}

#[test]
fn a_hundred_pipelined_requests_are_answered_in_order() {
    let world = World::start();
    let mut wire = Vec::new();
    for index in 0..100 {
        let call = match index % 3 {
            0 => Call::post(SEND, &inputs()),
            1 => Call::post(VERIFY, &json!({})),
            _ => Call::post("/nothing", &json!({})),
        };
        wire.extend(
            world
                .partner
                .wire(call.header("X-Request-Id", &index.to_string())),
        );
    }
    let mut connection = Connection::open(world.partner.address);
    connection.write(&wire);
    for index in 0..100 {
        let reply = connection.read().unwrap();
        assert_eq!(reply.header("x-request-id"), Some(index.to_string().as_str()));
        assert_eq!(reply.status, [200, 400, 404][index % 3]);
    }
}

#[test]
fn an_answer_to_head_has_no_body_and_the_connection_goes_on() {
    let world = World::start();
    let mut connection = Connection::open(world.admin.address);
    for path in ["/livez", "/openapi.json", "/metrics"] {
        let reply = connection.call(&Call::new("HEAD", path));
        assert_eq!((reply.status, reply.body.len()), (200, 0), "{path}");
        assert_eq!(connection.call(&Call::new("GET", "/livez")).text(), "ok\n");
    }
}

#[test]
fn readiness_lists_its_checks_when_asked() {
    let world = World::start();
    assert_eq!(world.admin.get("/readyz").text(), "ready\n");
    assert_eq!(
        world.admin.get("/readyz?verbose").text(),
        "[+] store ok\n[+] running ok\nready\n"
    );
}

#[test]
fn metrics_count_requests_by_route_and_never_name_anybody() {
    let world = World::start();
    world.sent(&inputs());
    world.send(&inputs());
    let path = "/admin/v1/customers/1001";
    world.admin.get(path);
    world.partner.get("/some/path/of/a/scanner");
    let metrics = world.admin.get("/metrics").text();
    let counted = r#"countersign_http_requests_total{listener="public",method="POST",route="/api/v1/contract-otp/send",status="200"} 2"#;
    assert!(metrics.contains(counted), "{metrics}");
    assert!(metrics.contains(r#"route="other""#) && metrics.contains("/admin/v1/customers/{ccms_code}"));
    for secret in ["1001", "scanner", "989121234567", crate::world::ORAGH] {
        let labels = metrics
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter(|line| {
                line.split('}')
                    .next()
                    .is_some_and(|labels| labels.contains('{') && labels.contains(secret))
            });
        assert_eq!(labels.count(), 0, "{secret}");
    }
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        assert!(
            line.starts_with("countersign_") || line.starts_with("process_"),
            "{line}"
        );
    }
}

#[test]
fn a_hand_over_that_ends_without_a_word_is_unknown() {
    let world = World::start();
    let (tell, told) = tokio::sync::oneshot::channel();
    world.operator.will(actors::testing::Act::Hold(told));
    let mut first = world.begin_held(Call::post(SEND, &inputs()));
    drop(tell); // the hand-over ends without a word
    let reply = first.read().unwrap();
    assert_eq!(reply.reason(), 8);
    assert_eq!(world.send(&inputs()).reason(), 9);
}
