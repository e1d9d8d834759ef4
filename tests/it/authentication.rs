//! Whose key opens what.

use crate::client::Call;
use crate::world::{ADMIN_KEY, AGAH, AGAH_KEY, ORAGH, ORAGH_KEY, SEND, VERIFY, World, inputs, with};
use serde_json::json;

const KEYS: &str = "/admin/v1/invokers/6f9619ff-8b86-4d01-b42d-00cf4fc964ff/keys";

#[test]
fn without_a_valid_key_every_route_of_partners_is_401() {
    let world = World::start();
    let call = |route: &str| Call::post(route, &inputs());
    for route in [SEND, VERIFY] {
        let anonymous = world.partner.without_key();
        let headers = [
            "",
            "Bearer",
            "Bearer ",
            "Bearer unknown-key",
            "Basic b3JhZ2g6a2V5",
            ORAGH_KEY,
            "Bearer oragh-key-of-the-test",
            "Bearer oragh-key-of-the-tests2",
        ];
        let mut replies = vec![("none".to_owned(), anonymous.call(call(route)))];
        replies.extend(headers.map(|value| {
            (
                value.to_owned(),
                anonymous.call(call(route).header("Authorization", value)),
            )
        }));
        let twice = call(route).bearer(ORAGH_KEY).bearer(ORAGH_KEY);
        replies.push(("two of them".to_owned(), anonymous.call(twice)));
        for (what, reply) in replies {
            assert_eq!(
                (reply.status, reply.problem()),
                (401, "unauthorized".to_owned()),
                "{what:?}"
            );
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"), "{what:?}");
        }
    }
    assert_eq!(world.messages(), 0);
}

#[test]
fn the_schemes_case_does_not_matter() {
    let world = World::start();
    let call = Call::post(SEND, &inputs()).header("Authorization", &format!("bEARER {ORAGH_KEY}"));
    assert_eq!(world.partner.without_key().call(call).reason(), 11);
}

#[test]
fn two_keys_are_live_during_a_rotation_and_a_revoked_one_is_401() {
    let mut world = World::start();
    let added = world.admin.post(KEYS, &json!({}));
    assert_eq!(added.status, 201);
    let new = added.json()["key"].as_str().unwrap().to_owned();
    let listed = world.admin.get(&format!("/admin/v1/invokers/{ORAGH}")).json()["keys"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    let old_id = listed[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(listed[1]["id"], added.json()["id"]);

    let by = |world: &World, key: &str| world.partner.with_key(key).post(SEND, &inputs()).status;
    assert_eq!((by(&world, ORAGH_KEY), by(&world, &new)), (200, 200));
    let path = format!("{KEYS}/{old_id}");
    assert_eq!(world.admin.delete(&path).status, 204);
    assert_eq!((by(&world, ORAGH_KEY), by(&world, &new)), (401, 200));
    assert_eq!(world.admin.delete(&path).status, 404, "it is gone");
    world.crash();
    assert_eq!((by(&world, ORAGH_KEY), by(&world, &new)), (401, 200), "for good");
}

#[test]
fn a_given_key_is_accepted_and_one_of_another_invoker_or_of_no_form_is_not() {
    let world = World::start();
    let add = |key: &str| world.admin.post(KEYS, &json!({ "key": key }));
    assert_eq!(add("a-key-of-our-own").status, 201);
    assert_eq!(
        world
            .partner
            .with_key("a-key-of-our-own")
            .post(SEND, &inputs())
            .reason(),
        11
    );
    for key in [AGAH_KEY, "short", "", "with space", "ключ-ключ", &"k".repeat(256)] {
        assert_eq!(add(key).status, 422, "{key:?}");
    }
    assert_eq!(
        world
            .agah()
            .post(SEND, &with(&inputs(), &json!({ "InvokerCode": AGAH })))
            .reason(),
        11
    );
    for number in 0..14 {
        assert_eq!(add(&format!("another-key-{number}")).status, 201);
    }
    assert_eq!(
        add("the-seventeenth-key").status,
        422,
        "16 keys are enough for any rotation"
    );
}

#[test]
fn the_key_of_another_invoker_is_reason_1() {
    let world = World::start();
    let reply = world.agah().post(SEND, &inputs());
    assert_eq!((reply.status, reply.reason()), (200, 1));
}

#[test]
fn a_forgotten_invoker_takes_its_keys_along() {
    let world = World::start();
    assert_eq!(
        world.admin.delete(&format!("/admin/v1/invokers/{ORAGH}")).status,
        204
    );
    assert_eq!(world.partner.post(SEND, &inputs()).status, 401);
    let row = json!({ "name": "Online Oragh", "contract_types": [7] });
    assert_eq!(
        world
            .admin
            .put(&format!("/admin/v1/invokers/{ORAGH}"), &row)
            .json()["keys"],
        json!([])
    );
    assert_eq!(
        world.partner.post(SEND, &inputs()).status,
        401,
        "and does not bring them back"
    );
}

#[test]
fn partners_keys_open_nothing_of_administrators_and_the_reverse() {
    let world = World::start();
    let routes = [
        ("GET", "/admin/v1/invokers".to_owned()),
        ("PUT", format!("/admin/v1/invokers/{ORAGH}")),
        ("DELETE", format!("/admin/v1/invokers/{ORAGH}")),
        ("POST", KEYS.to_owned()),
        ("GET", "/admin/v1/contract-types".to_owned()),
        ("DELETE", "/admin/v1/contract-types/7".to_owned()),
        ("DELETE", "/admin/v1/customers/1001".to_owned()),
        ("DELETE", "/admin/v1/customers/1001/contacts/2001/lock".to_owned()),
        ("POST", "/admin/v1/import".to_owned()),
    ];
    for (method, path) in routes {
        for client in [
            world.admin.with_key(ORAGH_KEY),
            world.admin.without_key(),
            world.admin.with_key("administrators-key-of-the-test"),
        ] {
            assert_eq!(
                client.call(Call::new(method, &path)).status,
                401,
                "{method} {path}"
            );
        }
    }
    assert_eq!(
        world.partner.with_key(ADMIN_KEY).post(SEND, &inputs()).status,
        401
    );
    assert_eq!(world.send(&inputs()).reason(), 11, "nothing was changed");
}

#[test]
fn a_listener_serves_its_own_routes_alone() {
    let world = World::start();
    for path in ["/admin/v1/invokers", "/metrics", "/livez", "/readyz"] {
        assert_eq!(world.partner.with_key(ADMIN_KEY).get(path).status, 404, "{path}");
    }
    assert_eq!(world.admin.with_key(ORAGH_KEY).post(SEND, &inputs()).status, 404);
}

#[test]
fn metrics_and_probes_need_no_key() {
    let world = World::start();
    for path in [
        "/metrics",
        "/livez",
        "/readyz",
        "/readyz?verbose",
        "/openapi.json",
        "/errors/unauthorized",
    ] {
        assert_eq!(world.admin.without_key().get(path).status, 200, "{path}");
    }
}

#[test]
fn no_answer_but_the_one_that_makes_it_shows_a_key() {
    let world = World::start();
    let keys = [ORAGH_KEY, AGAH_KEY, ADMIN_KEY];
    let replies = [
        world.send(&inputs()),
        world.partner.with_key("unknown").post(SEND, &inputs()),
        world.admin.get("/admin/v1/invokers"),
        world.admin.get(&format!("/admin/v1/invokers/{ORAGH}")),
        world.admin.put(&format!("/admin/v1/invokers/{ORAGH}"), &json!({ "name": "x", "contract_types": [7], "key": ORAGH_KEY })),
        world.admin.post(KEYS, &json!({ "key": AGAH_KEY })),
        world.admin.post(KEYS, &json!({ "key": 5 })),
        world.admin.import(format!("{{\"type\":\"invoker\",\"code\":\"{ORAGH}\",\"name\":\"x\",\"contract_types\":[7],\"key\":\"{AGAH_KEY}\"}}\n").as_bytes()),
        world.admin.get("/metrics"),
    ];
    for reply in replies {
        let whole = format!("{:?}{}", reply.headers, reply.text());
        for key in keys {
            assert!(!whole.contains(key), "{whole}");
        }
    }
}
