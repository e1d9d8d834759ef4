//! Any body on any route: a clear answer, nothing lost, and the next request is served.

use crate::client::{Call, Client, Connection, Reply};
use crate::openapi::{Route, routes_of_admin, routes_of_public};
use crate::world::{SEND, VERIFY, World, inputs};
use serde_json::Value;

/// Bodies that nobody should send, with the fields that go with them.
fn hostile_bodies() -> Vec<(&'static str, Call)> {
    let json = |method: &str, path: &str| Call::new(method, path).header("Content-Type", "application/json");
    let deep = [vec![b'['; 8_000], vec![b']'; 8_000]].concat();
    let deep_objects = [
        r#"{"a":"#.repeat(2_000).into_bytes(),
        b"1".to_vec(),
        vec![b'}'; 2_000],
    ]
    .concat();
    let utf16: Vec<u8> = r#"{"CcmsCode":1001}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let call = |body: &[u8]| json("", "").bytes(body);
    vec![
        ("empty", call(b"")),
        ("no JSON", call(b"hello")),
        ("truncated", call(br#"{"CcmsCode": 1001, "Conta"#)),
        ("two values", call(b"{} {}")),
        ("an array", call(b"[1,2,3]")),
        ("a string", call(b"\"x\"")),
        ("null", call(b"null")),
        ("wrong types", call(br#"{"CcmsCode":{},"ContactCcmsCode":[],"ContractTypeId":null,"InvokerCode":7,"Otp":1,"name":1,"title":[],"full_name":{},"key":0}"#)),
        ("deep arrays", call(&deep)),
        ("deep objects", call(&deep_objects)),
        ("a huge number", call(format!("{{\"CcmsCode\":{}}}", "9".repeat(9_000)).as_bytes())),
        ("latin-1", call(b"{\"InvokerCode\":\"Andr\xE9\"}")),
        ("UTF-16", call(&utf16)),
        ("zero bytes", call(&[0; 500])),
        ("a lone surrogate", call(br#"{"InvokerCode":"\ud800"}"#)),
        ("a byte order mark", call(b"\xEF\xBB\xBF{}")),
        ("gzip", call(b"\x1f\x8b\x08\x00").header("Content-Encoding", "gzip")),
        ("a charset", Call::new("", "").header("Content-Type", "application/json; charset=utf-16").bytes(&utf16)),
        ("another type", Call::new("", "").header("Content-Type", "multipart/form-data; boundary=x").bytes(b"--x--")),
        ("an unreadable type", Call::new("", "").header("Content-Type", "ключ").bytes(b"{}")),
    ]
}

/// Whether an answer is clear: a problem, or an import's own list of what it did not take.
fn check_clear(route: &Route, what: &str, reply: &Reply) {
    let (method, path) = (&route.method, &route.path);
    let text = reply.text();
    if route.path.ends_with("/import") && reply.status == 200 {
        assert_eq!(reply.json()["imported"], 0, "{what} on {method} {path}: {text}");
        return;
    }
    if !route.has_body {
        assert!(
            reply.status < 500,
            "{what} on {method} {path}: {} {text}",
            reply.status
        );
        return;
    }
    assert!(
        (400..500).contains(&reply.status),
        "{what} on {method} {path}: {} {text}",
        reply.status
    );
    assert!(!reply.problem().is_empty(), "{what} on {method} {path}: {text}");
    let detail = reply.json()["detail"].as_str().unwrap_or_default().to_owned();
    assert!(
        detail.len() > 5 && detail.len() < 1_000,
        "{what} on {method} {path}: {text}"
    );
    assert!(reply.header("x-request-id").is_some());
}

/// What the directory holds, for comparison.
fn held(world: &World) -> Vec<Vec<u8>> {
    ["invokers", "contract-types", "customers/1001", "customers/1002"]
        .map(|rows| world.admin.get(&format!("/admin/v1/{rows}")).body)
        .to_vec()
}

/// Routes with bodies, and those whose method leaves things as they are: a DELETE does what it says, whatever its body.
fn routes(world: &World) -> Vec<(Client, Route)> {
    let public = routes_of_public()
        .into_iter()
        .map(|route| (world.partner.clone(), route));
    let admin = routes_of_admin()
        .into_iter()
        .map(|route| (world.admin.clone(), route));
    public
        .chain(admin)
        .filter(|(_, route)| route.method != "DELETE")
        .collect()
}

#[test]
fn any_body_on_any_route_gets_a_clear_answer_and_loses_nothing() {
    let world = World::start();
    let before = held(&world);
    let key_route = |route: &Route| route.path.ends_with("/keys");
    for (client, route) in routes(&world) {
        let mut connection = Connection::open(client.address);
        for (what, call) in hostile_bodies() {
            let wire = client.wire(call.to(&route.method, &route.path));
            if connection.try_write(&wire).is_err() {
                connection = Connection::open(client.address);
                connection.write(&wire);
            }
            let reply = connection
                .read()
                .unwrap_or_else(|error| panic!("{what} on {} {}: {error}", route.method, route.path));
            assert!(!(key_route(&route) && reply.status == 201), "{what} made a key");
            check_clear(&route, what, &reply);
            if reply.header("connection") == Some("close") {
                connection = Connection::open(client.address);
            }
        }
    }
    assert_eq!(held(&world), before);
    assert_eq!(world.messages(), 0);
    world.sent(&inputs());
}

#[test]
fn five_mebibytes_on_any_route_get_a_clear_answer_and_a_new_connection_goes_on() {
    let world = World::start();
    let before = held(&world);
    let huge = vec![b' '; 5 << 20];
    for (client, route) in routes(&world) {
        let call = Call::new(&route.method, &route.path)
            .header("Content-Type", "application/json")
            .bytes(&huge);
        let reply = Connection::open(client.address).read_while_writing(client.wire(call));
        let reply =
            reply.unwrap_or_else(|error| panic!("announced, on {} {}: {error}", route.method, route.path));
        check_clear(&route, "five announced mebibytes", &reply);
        if route.has_body && !route.path.ends_with("/import") {
            assert_eq!(reply.status, 413, "{}", route.path);
            let chunked = chunked(&client, &route, &huge);
            let reply = Connection::open(client.address)
                .read_while_writing(chunked)
                .expect("an answer");
            assert_eq!(reply.status, 413, "in chunks, on {}", route.path);
        }
        assert_eq!(world.admin.get("/readyz").status, 200);
    }
    assert_eq!(held(&world), before);
    world.sent(&inputs());
}

fn chunked(client: &Client, route: &Route, body: &[u8]) -> Vec<u8> {
    let call = Call::new(&route.method, &route.path).header("Transfer-Encoding", "chunked");
    let head = client.wire(call.header("Content-Type", "application/json"));
    [head, chunks(body, 65_536), b"0\r\n\r\n".to_vec()].concat()
}

/// A body in chunks of so many bytes, without its end.
fn chunks(body: &[u8], bytes: usize) -> Vec<u8> {
    let chunk = |piece: &[u8]| {
        let length = format!("{:x}\r\n", piece.len());
        [length.as_bytes(), piece, b"\r\n"].concat()
    };
    body.chunks(bytes).flat_map(chunk).collect()
}

#[test]
fn a_body_in_chunks_with_a_trailer_is_read_whole_and_its_connection_goes_on() {
    let world = World::start();
    let head = Call::new("POST", SEND)
        .header("Transfer-Encoding", "chunked")
        .header("Trailer", "X-Sum")
        .header("Content-Type", "application/json");
    let body = chunks(inputs().to_string().as_bytes(), 20);
    let end = b"0\r\nX-Sum: 7\r\n\r\n".to_vec();
    let wire = [world.partner.wire(head), body, end].concat();
    let mut connection = Connection::open(world.partner.address);
    for reason in [11, 9] {
        connection.write(&wire);
        assert_eq!(connection.read().expect("an answer").reason(), reason);
    }
}

#[test]
fn a_body_of_exactly_the_limit_is_read() {
    let world = World::start();
    let text = inputs().to_string();
    let padded = format!("{text}{}", " ".repeat(16 * 1_024 - text.len()));
    let call = |body: &str| {
        Call::new("POST", SEND)
            .header("Content-Type", "application/json")
            .bytes(body.as_bytes())
    };
    assert_eq!(world.partner.call(call(&padded)).reason(), 11);
    assert_eq!(world.partner.call(call(&format!("{padded} "))).status, 413);
}

#[test]
fn content_types_that_mean_json_in_utf_8_are_taken() {
    let world = World::start();
    let body = inputs().to_string();
    for media_type in [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\"",
        "application/json; charset=us-ascii",
    ] {
        let call = Call::new("POST", SEND)
            .header("Content-Type", media_type)
            .bytes(body.as_bytes());
        assert_eq!(world.partner.call(call).status, 200, "{media_type}");
    }
    let call = Call::new("POST", SEND)
        .header("Content-Encoding", "identity")
        .bytes(body.as_bytes());
    assert_eq!(
        world.partner.call(call).status,
        200,
        "no type is taken for the right one"
    );
}

#[test]
fn a_request_that_breaks_off_is_forgotten_and_the_next_one_served() {
    let world = World::start();
    for route in [SEND, VERIFY] {
        let call = Call::post(route, &inputs()).header("Content-Length", "500");
        let connection = world.partner.begin(call);
        drop(connection);
    }
    let mut garbage = Connection::open(world.partner.address);
    garbage.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 not HTTP at all\r\n\r\n");
    assert!(garbage.read().map_or(true, |reply| reply.status == 400));
    assert_eq!(world.messages(), 0);
    world.sent(&inputs());
}

#[test]
fn a_body_that_does_not_come_in_time_is_408() {
    let world = crate::world::Setup::default()
        .config(|config| config.limits.body_seconds = 1)
        .start();
    let call = Call::post(SEND, &inputs()).header("Content-Length", "500");
    let reply = world.partner.begin(call).read().unwrap();
    assert_eq!(
        (reply.status, reply.problem(), reply.reason()),
        (408, "body-timeout".to_owned(), 12)
    );
}

#[test]
fn a_name_that_repeats_in_an_object_is_taken_once() {
    let world = World::start();
    let body = inputs().to_string().replacen('{', r#"{"CcmsCode":9999,"#, 1);
    let parsed: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(parsed["CcmsCode"], 1001, "the last one counts");
    let call = Call::new("POST", SEND)
        .header("Content-Type", "application/json")
        .bytes(body.as_bytes());
    assert_eq!(world.partner.call(call).reason(), 11);
}
