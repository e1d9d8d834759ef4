//! The agents' face as a stranger sees it: keys, methods, sizes, words.

use super::world::{AGENT, World, answered, call, client};
use serde_json::{Value, json};
use signing_protocol::{
    AgentSecret, Connection, LicenceToken, Nonce, PROTOCOL_VERSION, SecretKey, Statement, routes,
};
use uuid::Uuid;

pub(super) const SESSION: &str = "session=00000000-0000-4000-8000-000000000001";

/// An agent that is enrolled; gives its secret.
async fn enrolled(world: &World) -> AgentSecret {
    enrolled_by(world, &client()).await
}

/// The same, by this client.
pub(super) async fn enrolled_by(world: &World, client: &reqwest::Client) -> AgentSecret {
    let post = async |path: &str, body: Value| {
        let request = client.post(format!("{}{path}", world.agents));
        answered(
            request
                .header("content-type", "application/json")
                .body(body.to_string()),
        )
        .await
    };
    world.prepare().await;
    let instance = SecretKey::from_seed(&[5; 32]);
    let licence = world.licence(&instance.public_key().to_string()).await;
    let asked = json!({ "agent": AGENT, "purpose": "enrolment" });
    let challenge = post(routes::CHALLENGES, asked).await.1;
    let nonce: Nonce = serde_json::from_value(challenge["nonce"].clone()).unwrap();
    let statement = Statement {
        version: PROTOCOL_VERSION,
        agent: AGENT,
        public_key: instance.public_key(),
        licence: LicenceToken(licence["token"].as_str().unwrap().to_owned()),
        nonce,
        connection: Connection::Pull,
        program: "test".to_owned(),
    };
    let enrolment = serde_json::to_value(statement.sign(&instance)).unwrap();
    let (status, answer) = post(routes::ENROLMENTS, enrolment).await;
    assert_eq!(status, 200, "{answer}");
    let answer: signing_protocol::EnrolmentAnswer = serde_json::from_value(answer).unwrap();
    let gateway = [world.gateway.agents.public_key()];
    answer.verify(&gateway, AGENT, &nonce).unwrap()
}

fn report() -> Value {
    json!({
        "session": "00000000-0000-4000-8000-000000000001", "program": "test", "now": "2026-03-01T08:00:00Z", "keys": [],
        "waiting": 0, "signatures": 0,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_but_two_wants_the_secret_of_an_agent() {
    let world = World::start().await;
    let secret = enrolled(&world).await;
    let delivery = format!("{}/{}", routes::SIGNATURE_REQUESTS, Uuid::from_u128(1));
    let body = json!({ "id": Uuid::from_u128(1), "status": "signed", "cms": "AA==" });
    let poll = format!("{}?wait=0&{SESSION}", routes::SIGNATURE_REQUESTS);
    let cashier = json!({ "agent": AGENT, "purpose": "cashier" });
    let rows = [
        ("GET", poll.as_str(), None, 204),
        ("POST", &delivery, Some(body), 404),
        ("POST", routes::REPORTS, Some(report()), 200),
        ("POST", routes::CHALLENGES, Some(cashier), 200),
        ("POST", routes::CASHIERS, Some(json!({ "cms": "AA==" })), 422),
    ];
    for (method, path, body, allowed) in rows {
        let url = format!("{}{path}", world.agents);
        for key in [None, Some("cas_unknown"), Some(super::world::ADMIN_KEY)] {
            let (status, problem) = call(method, &url, key, body.clone()).await;
            assert_eq!(
                (status, &problem["type"]),
                (401, &json!("/errors/unauthorized")),
                "{method} {path}"
            );
        }
        let (status, answer) = call(method, &url, Some(secret.expose()), body).await;
        assert_eq!(status, allowed, "{method} {path}: {answer}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_for_cashiers_is_given_to_the_agent_alone_who_asks_for_itself() {
    let world = World::start().await;
    let secret = enrolled(&world).await;
    let url = format!("{}{}", world.agents, routes::CHALLENGES);
    let of_another = json!({ "agent": Uuid::from_u128(9), "purpose": "cashier" });
    assert_eq!(
        call("POST", &url, Some(secret.expose()), Some(of_another))
            .await
            .0,
        401
    );
    let of_a_stranger = json!({ "agent": Uuid::from_u128(9), "purpose": "enrolment" });
    assert_eq!(call("POST", &url, None, Some(of_a_stranger)).await.0, 200);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_message_is_refused_with_a_problem_that_quotes_nothing() {
    let world = World::start().await;
    let secret = enrolled(&world).await;
    let other = format!("{}/{}", routes::SIGNATURE_REQUESTS, Uuid::from_u128(1));
    let no_id = format!("{}/none", routes::SIGNATURE_REQUESTS);
    let signed = |id: u128| json!({ "id": Uuid::from_u128(id), "status": "signed", "cms": "AA==" });
    let poll = |query: &str| format!("{}?{query}", routes::SIGNATURE_REQUESTS);
    for (method, path, body, status, kind) in [
        (
            "POST",
            routes::REPORTS.to_owned(),
            Some(json!({ "canary": "canary" })),
            400,
            "invalid-body",
        ),
        (
            "POST",
            routes::ENROLMENTS.to_owned(),
            Some(json!("canary")),
            400,
            "invalid-body",
        ),
        ("POST", other, Some(signed(2)), 400, "invalid-body"),
        ("POST", no_id, Some(signed(1)), 404, "unknown-request"),
        (
            "GET",
            poll(&format!("wait=51&{SESSION}")),
            None,
            400,
            "invalid-body",
        ),
        ("GET", poll("wait=0"), None, 400, "invalid-body"),
        (
            "PUT",
            routes::REPORTS.to_owned(),
            Some(report()),
            405,
            "method-not-allowed",
        ),
        ("GET", "/agent/v1/others".to_owned(), None, 404, "not-found"),
        ("GET", "/admin/v1/agents".to_owned(), None, 404, "not-found"),
        ("GET", "/metrics".to_owned(), None, 404, "not-found"),
    ] {
        let url = format!("{}{path}", world.agents);
        let (got, problem) = call(method, &url, Some(secret.expose()), body).await;
        assert_eq!(
            (got, &problem["type"]),
            (status, &json!(format!("/errors/{kind}"))),
            "{path}: {problem}"
        );
        assert!(!problem.to_string().contains("canary"), "{problem}");
        let page = call("GET", &format!("{}/errors/{kind}", world.agents), None, None).await;
        assert_eq!(page.0, 200, "the page that it names is here too");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused() {
    let world = World::start().await;
    let secret = enrolled(&world).await;
    for (path, octets) in [
        (routes::REPORTS, routes::BODY_OCTETS_MAX + 1),
        (routes::CASHIERS, 64 * 1_024 + 1),
    ] {
        let request = client()
            .post(format!("{}{path}", world.agents))
            .bearer_auth(secret.expose())
            .header("content-type", "application/json")
            .body(vec![b' '; octets]);
        let (status, problem) = answered(request).await;
        assert_eq!(
            (status, &problem["type"]),
            (413, &json!("/errors/body-too-large")),
            "{path}"
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_goes_down_ends_held_polls() {
    let world = World::start().await;
    let secret = enrolled(&world).await;
    let url = format!("{}{}?wait=50&{SESSION}", world.agents, routes::SIGNATURE_REQUESTS);
    let held = tokio::spawn(async move { call("GET", &url, Some(secret.expose()), None).await });
    world.until_held(1).await;
    world.stop().await;
    assert_eq!(held.await.unwrap().0, 204);
}
