//! The real agent against the real gateway, in one process: enrol, poll or be pushed to, unlock, sign, register a cashier.

use super::world::{AGENT, CashierKey, SHOP, Smartsign, World, answered, client, now};
use crate::office::{REGISTER, StandIn};
use actors::agents::DstuVerifier;
use actors::ids::{KeyId, SignatureRequestId};
use actors::ports::{SignatureOutcome, SignatureRequest, SignatureVerifier, SigningAgent};
use actors::secret::Secret;
use chrono::TimeDelta;
use fiscal::RegisterNumber;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

pub(super) fn request(key: Uuid, content: &[u8]) -> SignatureRequest {
    SignatureRequest {
        id: SignatureRequestId(Uuid::new_v4()),
        register: Some(RegisterNumber::new(4_000_000_001).unwrap()),
        key: KeyId(key),
        content: content.into(),
        deadline: now() + TimeDelta::seconds(28),
        wait: Duration::from_secs(28),
    }
}

pub(super) fn has_key(shown: &Value, key: Uuid, state: &str) -> bool {
    let keys = shown["keys"].as_array().unwrap();
    keys.iter()
        .any(|shown| shown["id"] == json!(key) && shown["state"] == state)
}

async fn everything(pushes: bool) {
    let world = World::start().await;
    world.prepare().await;
    let agent = Smartsign::start(&world, pushes).await;
    let enrolled = world
        .agent_when("enrolled", |shown| shown["enrolment"].is_object())
        .await;
    assert_eq!(enrolled["enrolment"]["push_url"].is_string(), pushes);
    let cashier = CashierKey::new(7);
    let key = agent.load(&cashier).await;
    world
        .agent_when("the key is reported", |shown| has_key(shown, key, "stored"))
        .await;

    // A key that is sealed signs nothing.
    let refused = world.gateway.agents.ask(request(key, b"too early")).await;
    assert!(
        matches!(&refused, SignatureOutcome::Refused(refusal) if refusal.reason == "key_not_active"),
        "{refused:?}"
    );
    let path = format!("/agents/{AGENT}/keys/{key}/activate");
    let unlocked = world.support("POST", &path, None, 200).await;
    assert_eq!(unlocked["state"], "active");
    assert_eq!(unlocked["subject_key_id"], cashier.subject_key_id());

    let asked = request(key, "чек".as_bytes());
    let SignatureOutcome::Signed(cms) = world.gateway.agents.ask(asked.clone()).await else {
        panic!("signed");
    };
    let judge = DstuVerifier::default();
    judge
        .verify(&cms, "чек".as_bytes(), &cashier.subject_key_id())
        .unwrap();
    // Under the same id the same octets, whoever asks and however often.
    assert_eq!(
        world.gateway.agents.ask(asked).await,
        SignatureOutcome::Signed(cms)
    );
    let many = (0..40).map(|number: u32| {
        let content = format!("чек {number}");
        let world = &world;
        async move { world.gateway.agents.ask(request(key, content.as_bytes())).await }
    });
    let signed = futures_util::future::join_all(many).await;
    assert!(
        signed
            .iter()
            .all(|outcome| matches!(outcome, SignatureOutcome::Signed(_)))
    );

    let body = json!({ "key": key, "name": "Касир Вигаданий", "registers": [4_000_000_001_u64] });
    let registered = agent.call("POST", "/api/v1/cashiers", Some(body)).await;
    assert_eq!(registered.0, 200, "{}", registered.1);
    let token = Secret::new(registered.1["token"].as_str().unwrap());
    let caller = world.gateway.accounts.authenticate(&token).unwrap();
    assert_eq!(caller.account.0, SHOP);
    let signer = world.gateway.accounts.signer(caller, None).unwrap();
    assert_eq!(
        (signer.key.0, signer.subject_key_id),
        (key, cashier.subject_key_id())
    );

    let shown = world
        .agent_when("the key is reported unlocked", |shown| {
            has_key(shown, key, "active")
        })
        .await;
    assert_eq!(shown["is_here"], true);
    assert_eq!(shown["two_copies"], false);
    assert!(shown["signatures_a_minute"].as_u64().unwrap() >= 41, "{shown}");
    agent.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_pulls_enrols_unlocks_signs_and_registers_a_cashier() {
    everything(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_pushed_to_enrols_unlocks_signs_and_registers_a_cashier() {
    everything(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_whose_licence_is_revoked_says_so_and_signs_nothing() {
    let world = World::start().await;
    world.prepare().await;
    let agent = Smartsign::start(&world, false).await;
    let shown = world
        .agent_when("enrolled", |shown| shown["enrolment"].is_object())
        .await;
    let key = agent.load(&CashierKey::new(8)).await;
    world
        .agent_when("the key is reported", |shown| has_key(shown, key, "stored"))
        .await;
    let licence = shown["licence"]["id"].as_str().unwrap();
    world
        .support(
            "DELETE",
            &format!("/agents/{AGENT}/licences/{licence}"),
            None,
            204,
        )
        .await;
    let refused = world.gateway.agents.ask(request(key, b"x")).await;
    assert!(matches!(refused, SignatureOutcome::Refused(refusal) if refusal.reason == "licence"));
    // Its next call is refused, and its health says so.
    for _ in 0..1_000 {
        let health = agent.call("GET", "/api/v1/health", None).await.1;
        let problems = health["problems"].as_array().unwrap();
        if problems
            .iter()
            .any(|problem| problem["code"] == "gateway_refuses")
        {
            agent.stop().await;
            return world.stop().await;
        }
        // A call at once: a key that is removed is reported.
        agent
            .call("POST", &format!("/api/v1/keys/{key}/deactivate"), None)
            .await;
        super::world::pause().await;
    }
    panic!("the agent never said that the gateway refuses it");
}

/// The document's pattern, with nothing scripted but the tax service: each request of a till is held while the real agent signs what the gateway
/// asks for. The caller has the token that the agent got when it registered its cashier.
async fn a_tills_day() {
    let tax = StandIn::start().await;
    let world = World::with_tax(&format!("{}/fs", tax.url)).await;
    world.prepare().await;
    let agent = Smartsign::start(&world, false).await;
    let key = agent.load(&CashierKey::new(9)).await;
    world
        .agent_when("the key is reported", |shown| has_key(shown, key, "stored"))
        .await;
    let path = format!("/agents/{AGENT}/keys/{key}/activate");
    world.support("POST", &path, None, 200).await;
    let body = json!({ "key": key, "name": "Касир Вигаданий", "registers": [] });
    let registered = agent.call("POST", "/api/v1/cashiers", Some(body)).await;
    let token = registered.1["token"].as_str().unwrap().to_owned();
    let till = async |path: &str, body: Value| {
        let url = format!("{}{path}", world.public);
        let request = client()
            .post(url)
            .bearer_auth(&token)
            .header("developer-id", "linux,demo");
        let request = request
            .header("content-type", "application/json")
            .body(body.to_string());
        let (status, answer) = answered(request).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    };
    // The account knows no register yet: the tax service is asked, in the cashier's name.
    let listed = till("/api/v2/tax_objects", json!({})).await;
    assert_eq!(listed["data"][0]["num_fiscal"], REGISTER, "{listed}");
    let sale = crate::till::shop::sale(REGISTER);
    let sold = till("/api/v2/check/sale", sale.clone()).await;
    let mut goods_return = sale;
    goods_return["action_type"] = json!("Z_RETURN");
    goods_return["ORDERRETNUM"] = sold["ORDERNUM"].clone();
    let returned = till("/api/v2/check/sale", goods_return).await;
    let cash = |action: &str| json!({ "num_fiscal": REGISTER, "action_type": action, "sum": 5 });
    let cash_in = till("/api/v2/check/service", cash("SERVICE_INPUT")).await;
    let cash_out = till("/api/v2/check/service", cash("SERVICE_OUTPUT")).await;
    let z = json!({ "num_fiscal": REGISTER, "action_type": "Z_REPORT" });
    let z = till("/api/v2/shift", z).await;
    let state = tax.server.state();
    let register = state
        .registers
        .iter()
        .find(|register| register.num_fiscal == REGISTER)
        .unwrap();
    // The shift opened by itself; the Z-report is followed by the close.
    let numbers: Vec<String> = register
        .documents
        .iter()
        .map(|document| document.fiscal_number.to_string())
        .collect();
    assert_eq!(numbers.len(), 7, "open, sale, return, in, out, Z, close");
    for (index, answer) in [(1, sold), (2, returned), (3, cash_in), (4, cash_out), (5, z)] {
        assert_eq!(answer["ORDERNUM"].as_str(), Some(numbers[index].as_str()));
    }
    let shown = world
        .agent_when("every signature is counted", |shown| {
            shown["signatures_a_minute"].as_u64() >= Some(8)
        })
        .await;
    assert_eq!(shown["waiting"], 0);
    agent.stop().await;
    world.stop().await;
    tax.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_till_sells_returns_moves_cash_and_closes_through_the_real_agent() {
    a_tills_day().await;
}

/// One party may hold the first call open and serve the second, the signature, at once: neither waits for the other.
#[tokio::test(flavor = "current_thread")]
async fn a_single_worker_both_holds_the_call_and_signs() {
    a_tills_day().await;
}
