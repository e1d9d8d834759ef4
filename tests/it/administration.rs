//! The directory: rows one by one, and imports.

use crate::client::{Call, Connection};
use crate::world::{AGAH, ORAGH, Setup, World, inputs, with};
use serde_json::{Value, json};

const NEW_GUID: &str = "11111111-2222-4333-8444-555555555555";

/// Puts, gets, replaces and deletes one row; every step is visible at once, and the absence of the row is 404.
fn check_row(path: &str, first: &Value, shown: &Value, second: &Value) {
    let mut world = World::start();
    let admin = |world: &World| world.admin.clone();
    assert_eq!(admin(&world).get(path).problem(), "unknown-object", "{path}");
    assert_eq!(admin(&world).delete(path).problem(), "unknown-object", "{path}");
    let put = admin(&world).put(path, first);
    assert_eq!((put.status, &put.json()), (200, shown), "{path}");
    assert_eq!(admin(&world).get(path).json(), *shown);
    world.crash();
    assert_eq!(admin(&world).get(path).json(), *shown, "it was durable");
    let replaced = admin(&world).put(path, second).json();
    assert_eq!(admin(&world).get(path).json(), replaced);
    assert_ne!(replaced, *shown, "the later row replaces the earlier one");
    assert_eq!(admin(&world).delete(path).status, 204);
    assert_eq!(admin(&world).get(path).status, 404);
    world.restart();
    assert_eq!(admin(&world).get(path).status, 404);
}

#[test]
fn rows_are_put_shown_replaced_and_deleted() {
    check_row(
        "/admin/v1/contract-types/200",
        &json!({ "title": "الف", "otp": { "code_length": 5 } }),
        &json!({ "id": 200, "title": "الف", "otp": { "code_length": 5 } }),
        &json!({ "title": "ب" }),
    );
    check_row(
        &format!("/admin/v1/invokers/{NEW_GUID}"),
        &json!({ "name": "New", "contract_types": [8, 7, 8] }),
        &json!({ "code": NEW_GUID, "name": "New", "contract_types": [7, 8], "keys": [] }),
        &json!({ "name": "New", "contract_types": [] }),
    );
    let contact = json!({ "contact_ccms_code": 1, "phone_type": 77, "number": "not valid, kept as it came", "deleted": true });
    check_row(
        "/admin/v1/customers/-5",
        &json!({ "full_name": "نام", "contacts": [contact] }),
        &json!({ "full_name": "نام", "contacts": [contact] }),
        &json!({ "full_name": "نام", "contacts": [] }),
    );
}

#[test]
fn lists_show_every_row_in_order() {
    let world = World::start();
    let types = world.admin.get("/admin/v1/contract-types").json();
    let ids: Vec<u64> = types
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids, [7, 8, 9, 10, 11, 12, 20]);
    let invokers = world.admin.get("/admin/v1/invokers").json();
    let codes: Vec<&str> = invokers
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, [ORAGH, AGAH]);
}

#[test]
fn a_row_that_does_not_fit_is_refused_by_name_and_changes_nothing() {
    let world = World::start();
    let contact =
        |code: i64, number: &str| json!({ "contact_ccms_code": code, "phone_type": 3, "number": number });
    let many: Vec<Value> = (0..65).map(|code| contact(code, "1")).collect();
    let cases = [
        ("/admin/v1/contract-types/7", json!({ "title": "" }), 422, "title"),
        (
            "/admin/v1/contract-types/7",
            json!({ "title": "ت".repeat(201) }),
            422,
            "title",
        ),
        (
            "/admin/v1/contract-types/7",
            json!({ "title": "x", "otp": { "code_length": 3 } }),
            422,
            "otp.code_length",
        ),
        (
            "/admin/v1/contract-types/7",
            json!({ "title": "x", "otp": { "lifetime_seconds": 601 } }),
            422,
            "otp.lifetime_seconds",
        ),
        (
            "/admin/v1/contract-types/7",
            json!({ "title": "x", "otp": { "resend_window_seconds": 0 } }),
            422,
            "otp.resend_window_seconds",
        ),
        (
            "/admin/v1/contract-types/7",
            json!({ "title": "x", "colour": 1 }),
            400,
            "colour",
        ),
        ("/admin/v1/contract-types/7", json!({}), 400, "title"),
        (
            "/admin/v1/contract-types/256",
            json!({ "title": "x" }),
            400,
            "0 to 255",
        ),
        (
            "/admin/v1/contract-types/x",
            json!({ "title": "x" }),
            400,
            "0 to 255",
        ),
        (
            "/admin/v1/invokers/x",
            json!({ "name": "x", "contract_types": [] }),
            400,
            "GUID",
        ),
        (
            "/admin/v1/invokers/6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
            json!({ "name": "", "contract_types": [] }),
            422,
            "name",
        ),
        (
            "/admin/v1/invokers/6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
            json!({ "name": "x", "contract_types": [256] }),
            400,
            "256",
        ),
        (
            "/admin/v1/customers/1.5",
            json!({ "full_name": "x", "contacts": [] }),
            400,
            "Int64",
        ),
        (
            "/admin/v1/customers/9223372036854775808",
            json!({ "full_name": "x", "contacts": [] }),
            400,
            "Int64",
        ),
        (
            "/admin/v1/customers/1001",
            json!({ "full_name": "x", "contacts": [contact(1, "1"), contact(1, "2")] }),
            422,
            "occurs twice",
        ),
        (
            "/admin/v1/customers/1001",
            json!({ "full_name": "x", "contacts": many }),
            422,
            "contacts",
        ),
        (
            "/admin/v1/customers/1001",
            json!({ "full_name": "x", "contacts": [contact(1, &"1".repeat(41))] }),
            422,
            "number",
        ),
    ];
    let before = [
        world.admin.get("/admin/v1/invokers").body,
        world.admin.get("/admin/v1/contract-types").body,
        world.admin.get("/admin/v1/customers/1001").body,
    ];
    for (path, row, status, named) in cases {
        let reply = world.admin.put(path, &row);
        assert_eq!(reply.status, status, "{path} {}", reply.text());
        assert!(
            reply.is_problem() && reply.json()["detail"].as_str().unwrap().contains(named),
            "{path}: {}",
            reply.text()
        );
    }
    let after = [
        world.admin.get("/admin/v1/invokers").body,
        world.admin.get("/admin/v1/contract-types").body,
        world.admin.get("/admin/v1/customers/1001").body,
    ];
    assert_eq!(before, after);
    world.sent(&inputs());
}

#[test]
fn a_change_in_the_directory_is_seen_by_the_next_send() {
    let world = World::start();
    let send = || world.send(&inputs()).reason();
    let oragh = format!("/admin/v1/invokers/{ORAGH}");
    world
        .admin
        .put(&oragh, &json!({ "name": "x", "contract_types": [8] }));
    assert_eq!(send(), 3);
    world.admin.delete("/admin/v1/contract-types/7");
    assert_eq!(send(), 2);
    world
        .admin
        .put("/admin/v1/contract-types/7", &json!({ "title": "تازه" }));
    world
        .admin
        .put(&oragh, &json!({ "name": "x", "contract_types": [7] }));
    world.admin.delete("/admin/v1/customers/1001");
    assert_eq!(send(), 4);
    world.admin.put(
        "/admin/v1/customers/1001",
        &json!({ "full_name": "نام", "contacts": [] }),
    );
    assert_eq!(send(), 5);
    let contact = json!({ "contact_ccms_code": 2001, "phone_type": 3, "number": "09121234567" });
    world.admin.put(
        "/admin/v1/customers/1001",
        &json!({ "full_name": "نام تازه", "contacts": [contact] }),
    );
    assert_eq!(send(), 11);
    let message = world.operator.messages().remove(0);
    assert!(message.text.expose().contains("نام تازه گرامی\n") && message.text.expose().contains("تازه:\n"));
}

fn customer(code: i64) -> Value {
    json!({ "type": "customer", "ccms_code": code, "full_name": "نام", "contacts": [
        { "contact_ccms_code": 2001, "phone_type": 3, "number": "09121234567", "deleted": false } ] })
}

/// Imports some bytes; gives how many rows were taken, and the numbers of the lines that were not.
fn import(world: &World, lines: &[u8]) -> (u64, Vec<u64>) {
    let reply = world.admin.import(lines);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let json = reply.json();
    let rejected = json["rejected"].as_array().unwrap().iter();
    for row in rejected.clone() {
        assert!(
            row["reason"].as_str().is_some_and(|reason| !reason.is_empty()),
            "{row}"
        );
    }
    (
        json["imported"].as_u64().unwrap(),
        rejected.map(|row| row["line"].as_u64().unwrap()).collect(),
    )
}

#[test]
fn a_bad_line_is_named_and_the_good_ones_around_it_are_taken() {
    let world = World::start();
    let invalid = [
        "not json",
        "[]",
        r#"{"type":"planet"}"#,
        r#"{"ccms_code":1}"#,
        r#"{"type":"customer","ccms_code":"1","full_name":"x"}"#,
        r#"{"type":"customer","ccms_code":1,"full_name":""}"#,
        r#"{"type":"customer","ccms_code":1,"full_name":"x","unknown":1}"#,
        r#"{"type":"contract_type","id":256,"title":"x"}"#,
        r#"{"type":"invoker","code":"x","name":"x","contract_types":[]}"#,
        r#"{"type":"invoker","code":"11111111-2222-4333-8444-555555555555","name":"x","contract_types":[],"key":"short"}"#,
        r#"{"type":"customer","ccms_code":1,"full_name":"x"} trailing"#,
    ];
    for line in invalid {
        let lines = format!("{}\n{line}\n{}\n", customer(3001), customer(3002));
        assert_eq!(import(&world, lines.as_bytes()), (2, vec![2]), "{line}");
    }
    let mut latin = customer(3003).to_string().into_bytes();
    latin.extend_from_slice(b"\n{\"type\":\"customer\",\"ccms_code\":1,\"full_name\":\"Andr\xE9\"}\n");
    assert_eq!(import(&world, &latin), (1, vec![2]), "latin-1");
    for code in 3001..=3003 {
        world.sent(&with(&inputs(), &json!({ "CcmsCode": code })));
    }
    assert_eq!(
        world.admin.get("/admin/v1/customers/1").status,
        404,
        "never half a line"
    );
    assert_eq!(
        world.admin.get(&format!("/admin/v1/invokers/{NEW_GUID}")).status,
        404,
        "never half a line"
    );
}

#[test]
fn crlf_blank_lines_and_a_missing_final_newline_are_fine() {
    let world = World::start();
    let (one, two, three) = (customer(1), customer(2), customer(3));
    for (lines, imported) in [
        (format!("{one}\r\n{two}\r\n"), 2),
        (format!("\n\n{one}\n  \n\t\r\n{two}\n\n"), 2),
        (format!("{one}\n{two}\n{three}"), 3),
        (String::new(), 0),
        ("\n\n".to_owned(), 0),
    ] {
        assert_eq!(import(&world, lines.as_bytes()), (imported, vec![]), "{lines:?}");
    }
    assert_eq!(
        import(&world, format!("\n\nx\n{one}").as_bytes()),
        (1, vec![3]),
        "blank lines count as lines"
    );
}

#[test]
fn a_line_of_64_kib_is_taken_and_a_longer_one_rejected() {
    let world = World::start();
    let padded = |bytes: usize| {
        let row = customer(4001).to_string();
        format!("{row}{}", " ".repeat(bytes - row.len()))
    };
    assert_eq!(
        import(&world, format!("{}\n", padded(65_536)).as_bytes()),
        (1, vec![])
    );
    let lines = format!("{}\n{}\n", padded(65_537), customer(4002));
    assert_eq!(import(&world, lines.as_bytes()), (1, vec![1]));
    let without_end = vec![b'x'; 300_000];
    assert_eq!(import(&world, &without_end), (0, vec![1]));
}

#[test]
fn a_repeated_row_replaces_and_a_repeated_key_adds() {
    let world = World::start();
    let invoker = |name: &str, key: &str| {
        format!(
            "{}\n",
            json!({ "type": "invoker", "code": NEW_GUID, "name": name, "contract_types": [7], "key": key })
        )
    };
    let lines = invoker("first", "first-key-of-new")
        + &invoker("second", "second-key-of-new")
        + &invoker("third", "first-key-of-new");
    assert_eq!(import(&world, lines.as_bytes()), (3, vec![]));
    let shown = world.admin.get(&format!("/admin/v1/invokers/{NEW_GUID}")).json();
    assert_eq!(shown["name"], "third");
    assert_eq!(shown["keys"].as_array().unwrap().len(), 2);
    let body = with(&inputs(), &json!({ "InvokerCode": NEW_GUID }));
    let by = |key: &str| {
        world
            .partner
            .with_key(key)
            .post(crate::world::SEND, &body)
            .reason()
    };
    assert_eq!((by("first-key-of-new"), by("second-key-of-new")), (11, 9));
    let taken = invoker("fourth", crate::world::AGAH_KEY);
    assert_eq!(import(&world, taken.as_bytes()), (0, vec![1]), "another's key");
    let mut renamed = customer(1001);
    renamed["full_name"] = json!("آخر");
    let lines = format!("{}\n{renamed}\n", customer(1001));
    assert_eq!(import(&world, lines.as_bytes()), (2, vec![]));
    assert_eq!(
        world.admin.get("/admin/v1/customers/1001").json()["full_name"],
        "آخر"
    );
}

#[test]
fn twenty_thousand_customers_are_imported_durably() {
    let mut world = Setup::default().empty().on_disk().start();
    let lines: String = (0..20_000).map(|code| format!("{}\n", customer(code))).collect();
    assert_eq!(import(&world, lines.as_bytes()), (20_000, vec![]));
    world.restart();
    for code in [0, 499, 500, 9_999, 19_999] {
        assert_eq!(
            world.admin.get(&format!("/admin/v1/customers/{code}")).status,
            200,
            "{code}"
        );
    }
    assert_eq!(world.admin.get("/admin/v1/customers/20000").status, 404);
}

#[test]
fn ten_thousand_rejected_lines_are_named_and_the_rest_counted() {
    let world = World::start();
    let reply = world.admin.import("x\n".repeat(10_005).as_bytes()).json();
    assert_eq!(reply["rejected"].as_array().unwrap().len(), 10_000);
    assert_eq!(reply["rejected_unnamed"], 5);
}

#[test]
fn an_import_may_come_in_chunks_that_end_anywhere() {
    let world = World::start();
    let lines = format!("{}\n{}\n", customer(6001), customer(6002));
    let mut wire = world
        .admin
        .wire(Call::new("POST", "/admin/v1/import").header("Transfer-Encoding", "chunked"));
    for piece in lines.as_bytes().chunks(7) {
        wire.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        wire.extend_from_slice(piece);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"0\r\n\r\n");
    let mut connection = Connection::open(world.admin.address);
    connection.write(&wire);
    assert_eq!(
        connection.read().unwrap().json(),
        json!({ "imported": 2, "rejected": [] })
    );
}

#[test]
fn an_import_that_breaks_off_keeps_whole_lines_or_none() {
    let world = World::start();
    let call = Call::new("POST", "/admin/v1/import").header("Content-Length", "100000");
    let mut connection = world
        .admin
        .begin(call.bytes(format!("{}\n{{\"type\":\"cus", customer(7001)).as_bytes()));
    assert!(!connection.is_answered());
    connection.write(b"tomer\"");
    drop(connection);
    assert_eq!(
        import(&world, format!("{}\n", customer(7002)).as_bytes()),
        (1, vec![])
    );
    let first = world.admin.get("/admin/v1/customers/7001");
    assert!(first.status == 404 || first.json()["contacts"].as_array().unwrap().len() == 1);
}

#[test]
fn an_import_under_a_full_disk_is_503_and_says_so() {
    let world = World::start();
    world.gate.fill();
    let reply = world.admin.import(customer(1).to_string().as_bytes());
    assert_eq!((reply.status, reply.problem()), (503, "unavailable".to_owned()));
    assert!(reply.retry_after().is_some());
    world.gate.open();
    assert_eq!(world.admin.get("/admin/v1/customers/1").status, 404);
}
