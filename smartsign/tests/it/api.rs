//! The integrator's face: who may call, what errors look like, health and metrics.

use crate::world::{API_KEY, World, answer, client};
use smartsign::config::ConfigSecret;

#[tokio::test]
async fn a_key_is_needed_where_keys_are_configured() {
    let world = World::new().await;
    let running = world.start().await;
    let url = format!("{}/api/v1/keys", running.api);
    for wrong in [None, Some("wrong"), Some("")] {
        let mut request = client().get(&url);
        if let Some(key) = wrong {
            request = request.bearer_auth(key);
        }
        let (status, value) = answer(request).await;
        assert_eq!(
            (status, value["code"].as_str()),
            (401, Some("unauthorized")),
            "{wrong:?}"
        );
        assert!(value["message"].is_string() && value["type"] == "ERROR");
    }
    assert_eq!(answer(client().get(&url).bearer_auth(API_KEY)).await.0, 200);
    running.stop().await;
}

#[tokio::test]
async fn either_of_two_keys_is_good() {
    let second = "a-second-key-of-the-tests-02";
    let world = World::with(|config| config.api.keys.push(ConfigSecret::new(second))).await;
    let running = world.start().await;
    let url = format!("{}/api/v1/keys", running.api);
    assert_eq!(answer(client().get(&url).bearer_auth(second)).await.0, 200);
    assert_eq!(answer(client().get(&url).bearer_auth(API_KEY)).await.0, 200);
    running.stop().await;
}

#[tokio::test]
async fn without_keys_pages_in_browsers_are_kept_out() {
    let world = World::with(|config| config.api.keys.clear()).await;
    let running = world.start().await;
    let url = format!("{}/api/v1/keys", running.api);
    assert_eq!(answer(client().get(&url)).await.0, 200);
    let from_page = client().get(&url).header("origin", "https://page.test");
    assert_eq!(answer(from_page).await.0, 403);
    running.stop().await;
}

#[tokio::test]
async fn routes_and_methods_that_are_not_there_are_refused_in_json() {
    let world = World::new().await;
    let running = world.start().await;
    for (method, path, status, code) in [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/api/v1/keys/no-uuid", 404, "not_found"),
        ("GET", "/api/v1/key", 405, "method_not_allowed"),
        ("POST", "/api/v1/keys", 405, "method_not_allowed"),
        ("POST", "/readyz", 405, "method_not_allowed"),
        ("POST", "/api/v1/key", 415, "unsupported_media_type"),
        ("POST", "/api/v1/sign", 400, "invalid_body"),
    ] {
        let (found, value) = running.call(method, path, None).await;
        assert_eq!(
            (found, value["code"].as_str()),
            (status, Some(code)),
            "{method} {path}: {value}"
        );
    }
    running.stop().await;
}

#[tokio::test]
async fn readiness_and_metrics_ask_for_no_key_and_tell_no_names() {
    let world = World::new().await;
    let running = world.start().await;
    let get = async |path: &str| answer(client().get(format!("{}{path}", running.api))).await;
    assert_eq!(get("/livez").await.0, 200);
    let (status, value) = get("/readyz").await;
    assert_eq!(
        (status, value["status"].as_str()),
        (503, Some("not_ready")),
        "{value}"
    );
    running.stop().await;

    let (running, key) = world.ready().await;
    world.gateway.enrolled(1).await;
    world.gateway.reported(|report| !report.keys.is_empty()).await;
    let id = world.gateway.ask(
        world
            .gateway
            .request(world.agent, key, b"x", crate::world::soon()),
    );
    world.gateway.settled(id).await;
    let get = async |path: &str| answer(client().get(format!("{}{path}", running.api))).await;
    let (status, value) = get("/readyz").await;
    assert_eq!(
        (status, value["status"].as_str()),
        (200, Some("ready")),
        "{value}"
    );
    let (status, text) = get("/metrics").await;
    let text = text.as_str().unwrap();
    assert_eq!(status, 200);
    for line in [
        "smartsign_signatures_total 1",
        "smartsign_keys{state=\"active\"} 1",
        "smartsign_gateway_up 1",
        "smartsign_deliveries_total{outcome=\"accepted\"} 1",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    assert!(!text.contains(&key.to_string()));
    running.stop().await;
}
