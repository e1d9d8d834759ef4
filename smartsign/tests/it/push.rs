//! Signing by the push path: taken at once, answered by a delivery.

use crate::world::{Running, World, answer, client, soon};
use serde_json::Value;
use signing_protocol::*;

async fn post(running: &Running, body: String) -> (u16, Value) {
    let url = format!("{}{}", running.push.as_ref().unwrap(), routes::PUSH);
    answer(
        client()
            .post(url)
            .header("content-type", "application/json")
            .body(body),
    )
    .await
}

async fn pushing() -> World {
    World::with(|config| config.push.url = "https://agent.test/".to_owned()).await
}

#[tokio::test]
async fn a_pushed_request_is_taken_at_once_and_its_signature_delivered() {
    let world = pushing().await;
    let (running, key) = world.ready().await;
    world.gateway.enrolled(1).await;
    let url = "https://agent.test".to_owned();
    assert_eq!(world.gateway.connection(), Some(Connection::Push { url }));
    let request = world.gateway.request(world.agent, key, b"<CHECK/>", soon());
    world.gateway.expect(&request);
    let body = serde_json::to_string(&request).unwrap();
    let (status, value) = post(&running, body.clone()).await;
    assert_eq!(
        (status, value["status"].as_str()),
        (202, Some("accepted")),
        "{value}"
    );
    let first = world.gateway.settled(request.request.id).await;
    assert!(matches!(first, Outcome::Signed { .. }));
    // Pushed again, it is delivered again, the same.
    let (status, _) = post(&running, body).await;
    assert_eq!(status, 202);
    let deliveries = world.gateway.deliveries_of(request.request.id, 2).await;
    assert!(deliveries.iter().all(|outcome| *outcome == first));
    running.stop().await;
}

#[tokio::test]
async fn what_the_gateway_did_not_sign_is_refused_at_once() {
    let world = pushing().await;
    let (running, key) = world.ready().await;
    let request = world.gateway.request(world.agent, key, b"<CHECK/>", soon());
    let stranger = request.clone().request.sign(&SecretKey::from_seed(&[99; 32]));
    let (status, value) = post(&running, serde_json::to_string(&stranger).unwrap()).await;
    assert_eq!(
        (status, value["type"].as_str()),
        (401, Some("/errors/unauthorized")),
        "{value}"
    );
    let (status, value) = post(&running, "{}".to_owned()).await;
    assert_eq!(
        (status, value["type"].as_str()),
        (400, Some("/errors/invalid-body")),
        "{value}"
    );
    let long = " ".repeat(routes::PUSH_OCTETS_MAX + 1);
    assert_eq!(post(&running, long).await.0, 413);
    assert_eq!(running.health().await["signatures"], 0);
    running.stop().await;
}

#[tokio::test]
async fn the_integrators_routes_are_not_on_the_gateways_listener() {
    let world = pushing().await;
    let running = world.start().await;
    let push = running.push.as_ref().unwrap();
    for path in ["/api/v1/keys", "/api/v1/health", "/metrics", "/readyz"] {
        let (status, _) = answer(client().get(format!("{push}{path}"))).await;
        assert_eq!(status, 404, "{path}");
    }
    running.stop().await;
}
