//! Who may do what: a row for each described route, so that a new route without one fails.

use crate::client::{Call, Client};
use crate::openapi::{ACCOUNT, Route, routes_of_admin, routes_of_public};
use crate::world::{ADMIN_KEY, AGAH, AGAH_KEY, ORAGH, ORAGH_KEY, SEND, VERIFY, World, inputs, with};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What the owner of the right key may send to a route, so that a refusal is for the key alone.
struct Row {
    route: (&'static str, &'static str),
    body: Option<Value>,
    /// What the right key gets; a route that changes something is judged last.
    allowed: u16,
}

fn row(method: &'static str, template: &'static str, body: Option<Value>, allowed: u16) -> Row {
    Row {
        route: (method, template),
        body,
        allowed,
    }
}

fn public_rows() -> Vec<Row> {
    vec![
        row("POST", SEND, Some(inputs()), 200),
        row(
            "POST",
            VERIFY,
            Some(with(&inputs(), &json!({ "Otp": "123456" }))),
            200,
        ),
        row("GET", "/api/v1/contract-otp/deliveries/{challenge_id}", None, 404),
    ]
}

fn admin_rows() -> Vec<Row> {
    let invoker = Some(json!({ "name": "Online Oragh", "contract_types": [7] }));
    let contact = json!({ "contact_ccms_code": 2001, "phone_type": 3, "number": "09121234567" });
    let customer = Some(json!({ "full_name": "x", "contacts": [contact] }));
    let contract_type = Some(json!({ "title": "x" }));
    let hook = Some(json!({ "url": "https://partner.test/news" }));
    let owner_hook = Some(json!({ "url": "https://owner.test/events" }));
    let replay = Some(json!({ "since": "2026-03-03T09:00:00Z" }));
    let agent = Some(json!({ "name": "x", "accounts": [ACCOUNT] }));
    let public_key = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    let licence = Some(json!({ "public_key": public_key, "keys_max": 1, "expires": "2026-06-01T00:00:00Z" }));
    let token = Some(json!({ "token": "csl1.e30.AA" }));
    let agreement = Some(json!({ "signed_on": "2026-02-20", "reference": "x" }));
    let account = Some(json!({ "name": "x", "email": "x@example.com", "password": "an invented password" }));
    let register = Some(json!({
        "account": ACCOUNT, "cash_desk": 1, "tax_number": "0000000017", "organisation": "x", "point": "x",
        "taxes": [{ "name": "ПДВ", "letter": "A", "percent": "20" }], "settings": { "auto_close_minutes": 15 },
    }));
    let cashier = Some(json!({ "name": "x", "is_active": true }));
    vec![
        row("GET", "/admin/v1/invokers", None, 200),
        row("GET", "/admin/v1/invokers/{code}", None, 200),
        row("PUT", "/admin/v1/invokers/{code}", invoker, 200),
        row("POST", "/admin/v1/invokers/{code}/keys", Some(json!({})), 201),
        row("DELETE", "/admin/v1/invokers/{code}/keys/{id}", None, 404),
        row("PUT", "/admin/v1/invokers/{code}/webhook", hook, 200),
        row("GET", "/admin/v1/invokers/{code}/webhook", None, 200),
        row("DELETE", "/admin/v1/invokers/{code}/webhook", None, 204),
        row("GET", "/admin/v1/contract-types", None, 200),
        row("GET", "/admin/v1/contract-types/{id}", None, 200),
        row("PUT", "/admin/v1/contract-types/{id}", contract_type, 200),
        row("GET", "/admin/v1/customers/{ccms_code}", None, 200),
        row("PUT", "/admin/v1/customers/{ccms_code}", customer, 200),
        row(
            "DELETE",
            "/admin/v1/customers/{ccms_code}/contacts/{code}/lock",
            None,
            204,
        ),
        row("GET", "/admin/v1/accounts", None, 200),
        row("PUT", "/admin/v1/accounts/{id}", account, 200),
        row("GET", "/admin/v1/accounts/{id}", None, 200),
        row("POST", "/admin/v1/accounts/{id}/keys", Some(json!({})), 201),
        row("DELETE", "/admin/v1/accounts/{id}/keys/{key}", None, 404),
        row("GET", "/admin/v1/accounts/{id}/tokens", None, 200),
        row("DELETE", "/admin/v1/accounts/{id}/tokens/{token}", None, 404),
        row("GET", "/admin/v1/accounts/{id}/registers", None, 200),
        row("GET", "/admin/v1/accounts/{id}/cashiers", None, 200),
        row("PUT", "/admin/v1/accounts/{id}/webhook", owner_hook, 200),
        row("GET", "/admin/v1/accounts/{id}/webhook", None, 200),
        row("POST", "/admin/v1/accounts/{id}/webhook/rotate-secret", None, 200),
        row("GET", "/admin/v1/accounts/{id}/webhook/events", None, 200),
        row("POST", "/admin/v1/accounts/{id}/webhook/replay", replay, 202),
        row("DELETE", "/admin/v1/accounts/{id}/webhook", None, 204),
        row("PUT", "/admin/v1/registers/{num_fiscal}", register, 200),
        row("GET", "/admin/v1/registers/{num_fiscal}", None, 200),
        row("GET", "/admin/v1/registers/{num_fiscal}/state", None, 200),
        row("POST", "/admin/v1/registers/{num_fiscal}/resync", None, 200),
        row("POST", "/admin/v1/registers/{num_fiscal}/offline", None, 422),
        row("POST", "/admin/v1/registers/{num_fiscal}/online", None, 422),
        row(
            "POST",
            "/admin/v1/registers/{num_fiscal}/resolve",
            Some(json!({})),
            422,
        ),
        row(
            "POST",
            "/admin/v1/registers/{num_fiscal}/close-shift",
            Some(json!({})),
            422,
        ),
        row("GET", "/admin/v1/registers/{num_fiscal}/audit", None, 200),
        row("GET", "/admin/v1/cashiers/{id}", None, 404),
        row("PUT", "/admin/v1/cashiers/{id}", cashier, 404),
        row("DELETE", "/admin/v1/registers/{num_fiscal}", None, 204),
        row("GET", "/admin/v1/integrations", None, 200),
        row("PUT", "/admin/v1/integrations/{name}", Some(json!({})), 200),
        row("GET", "/admin/v1/integrations/{name}", None, 200),
        row("POST", "/admin/v1/integrations/{name}/keys", Some(json!({})), 201),
        row("DELETE", "/admin/v1/integrations/{name}/keys/{id}", None, 404),
        row(
            "PUT",
            "/admin/v1/integrations/{name}/hash-algorithms/{version}",
            Some(json!({ "digest": "md5", "fields": ["ContractId"], "encoding": "hex" })),
            200,
        ),
        row(
            "GET",
            "/admin/v1/integrations/{name}/hash-algorithms/{version}",
            None,
            200,
        ),
        row(
            "PUT",
            "/admin/v1/invokers/{code}/evidence",
            Some(json!({ "integration": "lombard" })),
            200,
        ),
        row("GET", "/admin/v1/invokers/{code}/evidence", None, 200),
        row("DELETE", "/admin/v1/invokers/{code}/evidence", None, 204),
        row("GET", "/admin/v1/checkpoint-sinks", None, 200),
        row(
            "PUT",
            "/admin/v1/checkpoint-sinks/{name}",
            Some(json!({ "url": "http://127.0.0.1:1/" })),
            200,
        ),
        row("GET", "/admin/v1/checkpoint-sinks/{name}", None, 200),
        row("DELETE", "/admin/v1/checkpoint-sinks/{name}", None, 204),
        row(
            "POST",
            "/admin/v1/evidence/audit",
            Some(json!({ "from": 0 })),
            200,
        ),
        row(
            "POST",
            "/admin/v1/evidence/bundle",
            Some(json!({ "integration": "lombard", "client": "c", "contract": "1" })),
            404,
        ),
        row("POST", "/admin/v1/import", None, 200),
        row("DELETE", "/admin/v1/customers/{ccms_code}", None, 204),
        row("DELETE", "/admin/v1/contract-types/{id}", None, 204),
        row("DELETE", "/admin/v1/invokers/{code}", None, 204),
        row("PUT", "/admin/v1/accounts/{id}/agreements/{kind}", agreement, 200),
        row("GET", "/admin/v1/accounts/{id}/agreements/{kind}", None, 200),
        row("GET", "/admin/v1/accounts/{id}/agreements", None, 200),
        row("GET", "/admin/v1/agents", None, 200),
        row("PUT", "/admin/v1/agents/{id}", agent, 200),
        row("GET", "/admin/v1/agents/{id}", None, 200),
        row("POST", "/admin/v1/agents/{id}/licences", licence, 201),
        row("GET", "/admin/v1/agents/{id}/licences", None, 200),
        row("DELETE", "/admin/v1/agents/{id}/licences/{licence}", None, 404),
        row("POST", "/admin/v1/agents/{id}/keys/{key}/activate", None, 404),
        row("POST", "/admin/v1/licences/verify", token, 422),
        row("GET", "/admin/v1/gateway-key", None, 200),
        row("DELETE", "/admin/v1/agents/{id}", None, 204),
        row("DELETE", "/admin/v1/accounts/{id}/agreements/{kind}", None, 204),
    ]
}

/// Every row with its described route; fails where one has no other.
fn joined(rows: Vec<Row>, routes: Vec<Route>) -> Vec<(Row, Route)> {
    let described: BTreeSet<String> = routes
        .iter()
        .map(|route| format!("{} {}", route.method, route.template))
        .collect();
    let listed: BTreeSet<String> = rows
        .iter()
        .map(|row| format!("{} {}", row.route.0, row.route.1))
        .collect();
    assert_eq!(listed, described, "each described route has one row here");
    assert_eq!(rows.len(), routes.len(), "no row stands twice");
    let mut pairs = Vec::new();
    for row in rows {
        let is_of = |route: &&Route| (route.method.as_str(), route.template.as_str()) == row.route;
        let route = routes.iter().find(is_of).expect("compared above").clone();
        assert!(
            row.body.is_none() || route.has_body,
            "{:?} is described without a body",
            row.route
        );
        pairs.push((row, route));
    }
    pairs
}

fn call(row: &Row, route: &Route) -> Call {
    let call = Call::new(&route.method, &route.path);
    match &row.body {
        Some(body) => call.json(body),
        None => call,
    }
}

/// With no key, a wrong one and each of `foreign`: 401 before anything else; then the right key, to show that the key alone was missing.
fn check(client: &Client, rows: &[(Row, Route)], foreign: &[&str]) {
    for (row, route) in rows {
        let mut refused = vec![("no key".to_owned(), client.without_key())];
        let wrong = ["unknown-key-of-nobody"].iter().chain(foreign);
        refused.extend(wrong.map(|key| (format!("the key {key}"), client.with_key(key))));
        for (what, stranger) in refused {
            let reply = stranger.call(call(row, route));
            assert_eq!(
                (reply.status, reply.problem()),
                (401, "unauthorized".to_owned()),
                "{:?} with {what}",
                row.route
            );
            assert_eq!(
                reply.header("www-authenticate"),
                Some("Bearer"),
                "{:?} with {what}",
                row.route
            );
        }
    }
    for (row, route) in rows {
        let reply = client.call(call(row, route));
        assert_eq!(
            reply.status,
            row.allowed,
            "{:?} with the right key: {}",
            row.route,
            reply.text()
        );
    }
}

#[test]
fn every_route_of_partners_wants_a_partners_key() {
    let world = World::start();
    let rows = joined(public_rows(), routes_of_public());
    check(&world.partner, &rows, &[ADMIN_KEY]);
    assert_eq!(world.messages(), 1, "the send with the right key, and no other");
}

#[test]
fn every_route_of_administrators_wants_the_administrators_key() {
    let world = World::start();
    let before = world.admin.get("/admin/v1/invokers").json();
    let rows = joined(admin_rows(), routes_of_admin());
    for (row, route) in &rows {
        for key in [ORAGH_KEY, AGAH_KEY] {
            assert_eq!(
                world.admin.with_key(key).call(call(row, route)).status,
                401,
                "{:?}",
                row.route
            );
        }
    }
    assert_eq!(
        world.admin.get("/admin/v1/invokers").json(),
        before,
        "nothing was changed"
    );
    check(&world.admin, &rows, &[ORAGH_KEY, AGAH_KEY]);
}

#[test]
fn another_partners_code_is_reason_1_on_every_route_of_partners() {
    let world = World::start();
    let codes = |(row, _): &(Row, Route)| row.body.is_some(); // the others carry none
    for (row, route) in joined(public_rows(), routes_of_public())
        .into_iter()
        .filter(codes)
    {
        let reply = world.agah().call(call(&row, &route));
        assert_eq!((reply.status, reply.reason()), (200, 1), "{:?}", row.route);
        let text = reply.text();
        assert!(!text.contains("Online Oragh") && !text.contains(ORAGH), "{text}");
        assert!(reply.json().get("ChallengeId").is_none(), "{text}");
    }
    assert_eq!(world.messages(), 0);
}

#[test]
fn a_partner_learns_nothing_of_anothers_code() {
    let world = World::start();
    let reply = world.send(&inputs());
    let challenge = reply.json()["ChallengeId"].as_str().unwrap().to_owned();
    let code = world.operator.last_code().unwrap();
    // The same customer, contact and contract type, but another partner: no window, no code, no count of tries is shared.
    let own = with(&inputs(), &json!({ "InvokerCode": AGAH }));
    let verified = world.verify(&own, &code);
    assert_ne!(verified.reason(), 11, "the right code in a stranger's hand");
    assert!(!verified.text().contains(&challenge));
    let as_owner = world
        .agah()
        .post(VERIFY, &with(&inputs(), &json!({ "Otp": code })));
    assert_eq!(as_owner.reason(), 1, "nor under the owner's name");
    assert_eq!(
        world.verify(&inputs(), &code).reason(),
        11,
        "to its owner the code is still good"
    );
}

#[test]
fn an_idempotency_key_of_another_partner_is_another_key() {
    let world = World::start();
    let first = world.keyed(&inputs(), "one-key");
    assert_eq!(first.reason(), 11);
    // Byte for byte the owner's request: neither the kept answer, nor a word that the key is in use.
    let stolen = world
        .agah()
        .call(Call::post(SEND, &inputs()).idempotency_key("one-key"));
    assert_eq!((stolen.status, stolen.reason()), (200, 1));
    assert!(!stolen.is_replayed());
    let challenge = first.json()["ChallengeId"].clone();
    assert!(!stolen.text().contains(challenge.as_str().unwrap()));
    let own = world.keyed(&with(&inputs(), &json!({ "InvokerCode": AGAH })), "one-key");
    assert_eq!((own.status, own.is_replayed()), (200, false), "no 422 either");
    assert_ne!(own.json().get("ChallengeId"), Some(&challenge));
    let replayed = world.keyed(&inputs(), "one-key");
    assert_eq!(
        (replayed.is_replayed(), &replayed.json()["ChallengeId"]),
        (true, &challenge)
    );
}
