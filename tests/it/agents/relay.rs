//! A key uploaded to the gateway, relayed to the real agent: stored there, told as CashDesk's clients know it, unlocked, and signed with.

use super::smartsign::{has_key, request};
use super::world::{AGENT, CashierKey, PASSWORD, SHOP, Smartsign, World, answered, client, form};
use crate::office::hex;
use actors::ports::{SignatureOutcome, SigningAgent};
use serde_json::{Value, json};
use signing_protocol::LOAD_OCTETS_MAX;

/// Nobody listens there: no test here registers anything.
const TAX_URL: &str = "http://127.0.0.1:9/fs";

/// A gateway that relays, unless it is told not to.
async fn world(relays: bool) -> World {
    World::with(|config| {
        config.tax.url = TAX_URL.to_owned();
        config.agents.relay_keys = relays;
    })
    .await
}

/// What support does: agreements, agent, whether the shop may, and its permanent key.
async fn prepared(world: &World, may_relay_keys: bool) -> String {
    world.prepare().await;
    let path = format!("/accounts/{SHOP}");
    let shop = json!({ "name": "Крамниця", "may_relay_keys": may_relay_keys });
    let shown = world.support("PUT", &path, Some(shop), 200).await;
    assert_eq!(shown["may_relay_keys"], may_relay_keys);
    let made = world
        .support("POST", &format!("{path}/keys"), Some(json!({})), 201)
        .await;
    made["key"].as_str().unwrap().to_owned()
}

async fn upload(world: &World, token: &str, form: (&'static str, Vec<u8>)) -> (u16, Value) {
    let url = format!("{}/api/v1/key", world.public);
    let call = client().post(url).header("content-type", form.0).body(form.1);
    answered(call.header("authorization", token)).await
}

async fn whole_way(pushes: bool) {
    let world = world(true).await;
    let token = prepared(&world, true).await;
    let cashier = CashierKey::new(11);
    let certificate = cashier.certificate.der();
    let whole = || form(&cashier.container(), PASSWORD, Some(certificate));
    let (status, answer) = upload(&world, &token, whole()).await;
    assert_eq!((status, &answer["code"]), (400, &json!("no-agent")), "{answer}");
    let agent = Smartsign::start(&world, pushes).await;
    world
        .agent_when("it is there and has reported", |shown| {
            shown["takes_keys"] == true
        })
        .await;

    let wrong = form(&cashier.container(), "wrong", Some(certificate));
    let (status, answer) = upload(&world, &token, wrong).await;
    assert_eq!(
        (status, &answer["code"]),
        (400, &json!("wrong-password")),
        "{answer}"
    );
    let (status, answer) = upload(&world, &token, form(&cashier.container(), PASSWORD, None)).await;
    assert_eq!(
        (status, &answer["code"]),
        (400, &json!("certificate-not-found")),
        "{answer}"
    );
    let (status, answer) = upload(&world, &token, form(b"none", PASSWORD, None)).await;
    assert_eq!(
        (status, &answer["code"]),
        (400, &json!("invalid-key")),
        "{answer}"
    );

    let (status, answer) = upload(&world, &token, whole()).await;
    assert_eq!(status, 200, "{answer}");
    let serial = hex(cashier.certificate.serial());
    assert_eq!(answer["serial"], serial);
    assert_eq!(answer["drfo"], cashier.certificate.taxpayer_number().unwrap());
    assert_eq!(
        answer["public_key"],
        hex(&cashier.certificate.public_key().unwrap().to_compressed())
    );
    let key = serde_json::from_value(answer["uuid"].clone()).unwrap();
    let (status, answer) = upload(&world, &token, whole()).await;
    assert_eq!(
        (status, &answer["message"], &answer["serial"]),
        (400, &json!("Key already exist"), &json!(serial)),
        "{answer}"
    );

    world
        .agent_when("the key is reported", |shown| has_key(shown, key, "stored"))
        .await;
    let path = format!("/agents/{AGENT}/keys/{key}/activate");
    world.support("POST", &path, None, 200).await;
    let signed = world.gateway.agents.ask(request(key, b"x")).await;
    assert!(matches!(signed, SignatureOutcome::Signed(_)), "{signed:?}");
    assert_eq!(
        agent.call("GET", "/api/v1/keys", None).await.1["keys"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    agent.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_relayed_to_an_agent_that_pulls() {
    whole_way(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_relayed_to_an_agent_that_is_pushed_to() {
    whole_way(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_is_taken_where_either_switch_is_off() {
    for (relays, may) in [(false, true), (true, false), (false, false)] {
        let world = world(relays).await;
        let token = prepared(&world, may).await;
        let (status, answer) = upload(&world, &token, form(b"k", "p", None)).await;
        assert_eq!(
            (status, &answer["code"]),
            (403, &json!("key-relay-off")),
            "{relays} {may}: {answer}"
        );
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_a_stranger_or_out_of_shape_or_bounds_is_refused_in_cashdesks_words() {
    let world = world(true).await;
    let token = prepared(&world, true).await;
    let agent = Smartsign::start(&world, false).await;
    world
        .agent_when("it is there and has reported", |shown| {
            shown["takes_keys"] == true
        })
        .await;
    let multipart = form(b"k", "p", None).0;
    let large = form(&vec![0; LOAD_OCTETS_MAX], "p", None).1;
    for (token, form, status, code) in [
        ("a-stranger", form(b"k", "p", None), 401, "unauthorized"),
        (
            &token,
            ("application/json", b"{}".to_vec()),
            415,
            "unsupported-media-type",
        ),
        (&token, (multipart, b"--b0und\r\n".to_vec()), 400, "invalid-body"),
        (
            &token,
            (multipart, b"--b0und--\r\n".to_vec()),
            400,
            "invalid-field",
        ),
        (&token, (multipart, large), 413, "body-too-large"),
    ] {
        let (answered, answer) = upload(&world, token, form).await;
        assert_eq!((answered, &answer["code"]), (status, &json!(code)), "{answer}");
        assert!(answer["message"].is_string(), "{answer}");
    }
    let url = format!("{}/api/v1/key", world.public);
    assert_eq!(
        answered(client().get(url).header("authorization", &token))
            .await
            .0,
        405
    );
    let of_keys = format!("/accounts/{SHOP}/agreements/key-use");
    world.support("DELETE", &of_keys, None, 204).await;
    let (status, answer) = upload(&world, &token, form(b"k", "p", None)).await;
    assert_eq!(
        (status, &answer["code"]),
        (403, &json!("agreement-missing")),
        "{answer}"
    );
    agent.stop().await;
    world.stop().await;
}
