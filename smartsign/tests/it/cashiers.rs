//! Registering a cashier: a signed packet goes out, a token comes back once.

use crate::world::{TestKey, World};
use serde_json::json;
use signing_protocol::*;

#[tokio::test]
async fn a_cashier_is_registered_and_the_token_shown_once() {
    let world = World::new().await;
    let (running, key) = world.ready().await;
    let body = json!({"key": key, "name": "Касир Перша", "registers": [4_000_000_001_u64]});
    let (status, answer) = running.call("POST", "/api/v1/cashiers", Some(body)).await;
    assert_eq!(status, 200, "{answer}");
    let token = answer["token"].as_str().unwrap();
    assert!(world.gateway.given_out().iter().any(|given| given == token));
    let packet = world.gateway.packets().remove(0);
    assert_eq!(
        (packet.agent, packet.key, packet.name.as_str()),
        (world.agent, key, "Касир Перша")
    );
    assert_eq!(packet.registers, [RegisterNumber(4_000_000_001)]);
    assert_eq!(packet.taxpayer_number.as_deref(), Some("0000001001"));
    running.stop().await;

    let running = world.start().await;
    let (_, list) = running.call("GET", "/api/v1/cashiers", None).await;
    assert_eq!(list["cashiers"][0]["cashier"], answer["cashier"]);
    assert_eq!(list["cashiers"][0]["key"], json!(key));
    assert!(!list.to_string().contains(token), "only once");
    running.stop().await;
}

#[tokio::test]
async fn a_cashier_whose_key_is_not_active_or_whose_name_is_missing_is_refused() {
    let world = World::new().await;
    let running = world.licensed().await;
    let key = running.load(&TestKey::new(1)).await;
    let register = |body| running.call("POST", "/api/v1/cashiers", Some(body));
    let (status, answer) = register(json!({ "key": key })).await;
    assert_eq!(
        (status, answer["code"].as_str()),
        (409, Some("key_not_active")),
        "{answer}"
    );
    let (status, answer) = register(json!({ "key": key, "name": " " })).await;
    assert_eq!(
        (status, answer["code"].as_str()),
        (400, Some("invalid_field")),
        "{answer}"
    );
    let (status, answer) = register(json!({ "key": key, "nmae": "x" })).await;
    assert_eq!(
        (status, answer["code"].as_str()),
        (400, Some("invalid_body")),
        "{answer}"
    );
    assert!(world.gateway.packets().is_empty());
    running.stop().await;
}
