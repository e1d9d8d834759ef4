//! What support does: agreements, agents, licences.

use super::world::{AGENT, SHOP, SHOP_CODE, World, now};
use chrono::TimeDelta;
use serde_json::json;
use signing_protocol::SecretKey;
use uuid::Uuid;

fn instance() -> String {
    SecretKey::from_seed(&[5; 32]).public_key().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_licensed_before_its_user_has_agreed() {
    let world = World::start().await;
    world.put_shop().await;
    let agent = json!({ "name": "shop's agent", "accounts": [SHOP] });
    world
        .support("PUT", &format!("/agents/{AGENT}"), Some(agent), 200)
        .await;
    let expires = (now() + TimeDelta::days(30)).to_rfc3339();
    let terms = json!({ "public_key": instance(), "keys_max": 3, "expires": expires });
    let licences = format!("/agents/{AGENT}/licences");
    let refused = world.support("POST", &licences, Some(terms.clone()), 403).await;
    assert_eq!(refused["type"], "/errors/agreement-missing");
    let path = format!("/accounts/{SHOP}/agreements/agent-use");
    let agreement = json!({ "signed_on": "2026-02-20", "reference": "17/2026" });
    let put = world.support("PUT", &path, Some(agreement), 200).await;
    assert_eq!(
        (&put["signed_on"], &put["reference"], &put["in_force"]),
        (&json!("2026-02-20"), &json!("17/2026"), &json!(true))
    );
    world.support("POST", &licences, Some(terms), 201).await;
    world.support("DELETE", &path, None, 204).await;
    let ended = world.support("GET", &path, None, 200).await;
    assert_eq!(ended["in_force"], false);
    assert!(ended["ended_at"].is_string(), "who ended it can be seen");
    world.support("DELETE", &path, None, 404).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_licence_is_issued_verified_and_revoked() {
    let world = World::start().await;
    world.prepare().await;
    let issued = world.licence(&instance()).await;
    let verify = async |holds: bool| {
        let token = json!({ "token": issued["token"] });
        let verified = world.support("POST", "/licences/verify", Some(token), 200).await;
        assert_eq!(verified["holds"], holds, "{verified}");
        assert_eq!(verified["agent"], json!(AGENT));
    };
    verify(true).await;
    let path = format!("/agents/{AGENT}/licences/{}", issued["id"].as_str().unwrap());
    world.support("DELETE", &path, None, 204).await;
    world.support("DELETE", &path, None, 404).await;
    verify(false).await;
    let listed = world
        .support("GET", &format!("/agents/{AGENT}/licences"), None, 200)
        .await;
    assert_eq!(listed[0]["id"], issued["id"]);
    assert_eq!(listed[0]["holds"], false);
    assert!(listed[0]["revoked_at"].is_string());
    let foreign = json!({ "token": "csl1.e30.AA" });
    world
        .support("POST", "/licences/verify", Some(foreign), 422)
        .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_do_not_fit_are_refused() {
    let world = World::start().await;
    world.prepare().await;
    let agent = |name: &str, accounts: &[Uuid]| json!({ "name": name, "accounts": accounts });
    let other = format!("/agents/{}", Uuid::from_u128(9));
    let agreement = |kind: &str| format!("/accounts/{SHOP}/agreements/{kind}");
    let signed = |codes: &[&str]| json!({ "signed_on": "2026-02-20", "reference": "1", "tax_codes": codes });
    let licences = format!("/agents/{AGENT}/licences");
    let terms = |key: &str, keys_max: u32| {
        let expires = (now() + TimeDelta::days(30)).to_rfc3339();
        json!({ "public_key": key, "keys_max": keys_max, "expires": expires })
    };
    for (method, path, body, status) in [
        ("PUT", other.clone(), agent("shop's agent", &[SHOP]), 422),
        (
            "PUT",
            other.clone(),
            agent("another", &[Uuid::from_u128(77)]),
            422,
        ),
        ("PUT", other.clone(), agent("another", &[]), 422),
        ("PUT", "/agents/none".to_owned(), agent("another", &[SHOP]), 400),
        ("PUT", agreement("agent-use"), signed(&[SHOP_CODE]), 422),
        ("PUT", agreement("key-use"), signed(&[]), 422),
        ("PUT", agreement("key-use"), signed(&["17; DROP"]), 422),
        (
            "PUT",
            agreement("key-use"),
            json!({ "signed_on": "yesterday", "reference": "1" }),
            400,
        ),
        ("PUT", agreement("other"), signed(&[]), 404),
        (
            "PUT",
            format!("/accounts/{}/agreements/key-use", Uuid::from_u128(77)),
            signed(&[SHOP_CODE]),
            404,
        ),
        ("POST", licences.clone(), terms(&instance(), 0), 422),
        ("POST", licences.clone(), terms("no key", 3), 400),
        ("POST", format!("{other}/licences"), terms(&instance(), 3), 404),
    ] {
        let answer = world.support(method, &path, Some(body), status).await;
        assert!(answer["detail"].is_string(), "{answer}");
    }
    world.support("GET", &other, None, 404).await;
    let key = Uuid::from_u128(1);
    world
        .support("POST", &format!("/agents/{AGENT}/keys/{key}/activate"), None, 404)
        .await;
    world
        .support("DELETE", &format!("/agents/{AGENT}"), None, 204)
        .await;
    world.support("GET", &format!("/agents/{AGENT}"), None, 404).await;
    world.stop().await;
}
