//! Registering a cashier: every point of the packet is judged, and the token comes once.

use crate::world::{Agent, BAKERY, BAKERY_CODE, SHOP, SHOP_CODE, TestKey, World};
use actors::accounts::{AccountFacts, Change as AccountChange};
use actors::agents::Refused;
use actors::agents::records::AgreementKind;
use actors::secret::Secret;
use chrono::TimeDelta;
use signing_protocol::{
    CashierAnswer, CashierRegistration, ErrorCode, Nonce, Octets, PACKET_PURPOSE, Packet, Purpose,
    RegisterNumber,
};
use std::time::Duration;

pub fn packet(world: &World, agent: &Agent, key: &TestKey) -> Packet {
    Packet {
        purpose: PACKET_PURPOSE.to_owned(),
        agent: agent.id,
        key: signing_protocol::KeyId(key.id.0),
        taxpayer_number: key.certificate.taxpayer_number().map(str::to_owned),
        name: " Касир Вигаданий ".to_owned(),
        registers: vec![RegisterNumber(4_000_000_001)],
        nonce: agent.nonce(Purpose::Cashier),
        at: world.now(),
    }
}

pub async fn register(
    world: &World,
    agent: &Agent,
    key: &TestKey,
    packet: &Packet,
) -> Result<CashierAnswer, Refused> {
    let cms = key.sign(&serde_json::to_vec(packet).unwrap());
    let registration = CashierRegistration { cms: Octets(cms) };
    world
        .agents
        .register_cashier(&world.accounts, agent.id, registration)
        .await
}

#[tokio::test]
async fn a_cashier_is_registered_for_the_account_of_the_keys_holder_and_their_token_is_taken() {
    let world = World::new().await;
    let (agent, key) = world.ready(1).await;
    let first = register(&world, &agent, &key, &packet(&world, &agent, &key))
        .await
        .unwrap();
    let caller = world
        .accounts
        .authenticate(&Secret::new(first.token.0.clone()))
        .unwrap();
    assert_eq!(caller.account, SHOP);
    let id = caller.cashier.unwrap();
    assert_eq!(id.0, first.cashier.0);
    let cashier = world.accounts.cashier(id).unwrap();
    assert_eq!(cashier.name, "Касир Вигаданий");
    assert_eq!(cashier.key, key.id);
    assert_eq!(
        cashier.subject_key_id,
        key.facts().subject_key_id.to_string(),
        "as registers and the tax service write it"
    );
    assert!(first.expires.unwrap() > world.now() + TimeDelta::days(364));
    // Again: one more token of the same cashier, who may now use all registers.
    let mut again = packet(&world, &agent, &key);
    again.registers.clear();
    let second = register(&world, &agent, &key, &again).await.unwrap();
    assert_eq!(second.cashier, first.cashier);
    assert_ne!(second.token, first.token);
    assert_eq!(world.accounts.cashiers_of(SHOP).len(), 1);
    assert_eq!(world.accounts.cashier(id).unwrap().registers, None);
}

#[tokio::test]
async fn a_packet_is_refused_for_each_thing_that_is_wrong_with_it() {
    let world = World::new().await;
    let (agent, key) = world.ready(1).await;
    let (other, others_key) = world.ready(2).await;
    let good = || packet(&world, &agent, &key);
    let unreported = TestKey::new(7, SHOP_CODE, world.now());
    for (what, packet, signer, code) in [
        (
            "another purpose",
            Packet {
                purpose: "receipt".to_owned(),
                ..good()
            },
            &key,
            ErrorCode::UnfitSignature,
        ),
        (
            "another agent",
            Packet {
                agent: other.id,
                ..good()
            },
            &key,
            ErrorCode::UnfitSignature,
        ),
        (
            "a key of another agent",
            Packet {
                key: signing_protocol::KeyId(others_key.id.0),
                ..good()
            },
            &key,
            ErrorCode::UnfitSignature,
        ),
        (
            "a key that was not reported",
            Packet {
                key: signing_protocol::KeyId(unreported.id.0),
                ..good()
            },
            &unreported,
            ErrorCode::UnfitSignature,
        ),
        (
            "another key than it names",
            Packet {
                taxpayer_number: others_key.certificate.taxpayer_number().map(str::to_owned),
                ..good()
            },
            &others_key,
            ErrorCode::UnfitSignature,
        ),
        (
            "another taxpayer",
            Packet {
                taxpayer_number: Some("0000000099".to_owned()),
                ..good()
            },
            &key,
            ErrorCode::UnfitSignature,
        ),
        (
            "no nonce of ours",
            Packet {
                nonce: Nonce([9; 32]),
                ..good()
            },
            &key,
            ErrorCode::ChallengeExpired,
        ),
        (
            "a nonce for enrolments",
            Packet {
                nonce: agent.nonce(Purpose::Enrolment),
                ..good()
            },
            &key,
            ErrorCode::ChallengeExpired,
        ),
        (
            "no name",
            Packet {
                name: "  ".to_owned(),
                ..good()
            },
            &key,
            ErrorCode::InvalidBody,
        ),
        (
            "register 0",
            Packet {
                registers: vec![RegisterNumber(0)],
                ..good()
            },
            &key,
            ErrorCode::InvalidBody,
        ),
    ] {
        let refused = register(&world, &agent, signer, &packet).await.unwrap_err();
        assert_eq!(refused.code, code, "{what}: {refused}");
    }
    assert!(world.accounts.cashiers_of(SHOP).is_empty());
    let once = good();
    register(&world, &agent, &key, &once).await.unwrap();
    let twice = register(&world, &agent, &key, &once).await.unwrap_err();
    assert_eq!(twice.code, ErrorCode::ChallengeExpired, "a nonce is used once");
}

#[tokio::test]
async fn what_is_no_registration_or_no_signature_is_refused() {
    let world = World::new().await;
    let (agent, key) = world.ready(1).await;
    for (cms, code) in [
        (b"no CMS".to_vec(), ErrorCode::UnfitSignature),
        (key.sign(b"{}"), ErrorCode::InvalidBody),
        (key.sign(b"<CHECK/>"), ErrorCode::InvalidBody),
    ] {
        let registration = CashierRegistration { cms: Octets(cms) };
        let refused = world
            .agents
            .register_cashier(&world.accounts, agent.id, registration)
            .await;
        assert_eq!(refused.unwrap_err().code, code);
    }
}

#[tokio::test]
async fn an_expired_certificate_registers_nobody() {
    let world = World::new().await;
    let (agent, _) = world.ready(1).await;
    let now = world.now();
    let key = TestKey::valid(
        7,
        SHOP_CODE,
        now - TimeDelta::days(9),
        now + TimeDelta::seconds(30),
    );
    agent.report(&[&key], now).await.unwrap();
    world.clock.advance(Duration::from_secs(31));
    let refused = register(&world, &agent, &key, &packet(&world, &agent, &key)).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::UnfitSignature);
}

#[tokio::test]
async fn no_token_without_agreements_account_and_support() {
    let world = World::new().await;
    let (agent, key) = world.ready(1).await;
    let refused = async |world: &World| {
        let refused = register(world, &agent, &key, &packet(world, &agent, &key))
            .await
            .unwrap_err();
        assert_eq!(refused.code, ErrorCode::AgreementMissing, "{refused}");
        refused.detail
    };
    world.end_agreement(SHOP, AgreementKind::KeyUse).await;
    assert!(refused(&world).await.contains("handing over"));
    // Named by another account's agreement, which this agent does not serve: still nobody's.
    world
        .agree(BAKERY, AgreementKind::KeyUse, &[BAKERY_CODE, SHOP_CODE])
        .await;
    assert!(refused(&world).await.contains("handing over"));
    // Named by two that it serves: nobody guesses.
    world.agree(SHOP, AgreementKind::KeyUse, &[SHOP_CODE]).await;
    world.put_agent(agent.id, &[SHOP, BAKERY], true).await;
    assert!(refused(&world).await.contains("several"));
    world.put_agent(agent.id, &[SHOP], true).await;
    world.end_agreement(SHOP, AgreementKind::AgentUse).await;
    assert!(refused(&world).await.contains("using the agent"));
    world.agree(SHOP, AgreementKind::AgentUse, &[]).await;
    let facts = AccountFacts {
        name: "off".to_owned(),
        email: None,
        password: None,
        is_active: false,
        hold_seconds: None,
        may_relay_keys: false,
    };
    let off = AccountChange::PutAccount {
        id: SHOP,
        facts: facts.clone(),
    };
    world.accounts.apply(vec![off]).await.unwrap().remove(0).unwrap();
    assert!(refused(&world).await.contains("switched off"));
    let on = AccountChange::PutAccount {
        id: SHOP,
        facts: AccountFacts {
            is_active: true,
            ..facts
        },
    };
    world.accounts.apply(vec![on]).await.unwrap().remove(0).unwrap();
    let registered = register(&world, &agent, &key, &packet(&world, &agent, &key))
        .await
        .unwrap();
    let id = actors::ids::CashierId(registered.cashier.0);
    let mut cashier = world.accounts.cashier(id).unwrap().as_ref().clone();
    cashier.is_active = false;
    let off = AccountChange::PutCashier(id, Box::new(cashier));
    world.accounts.apply(vec![off]).await.unwrap().remove(0).unwrap();
    assert!(refused(&world).await.contains("cashier was switched off"));
}

#[tokio::test]
async fn a_sole_traders_key_is_found_by_the_taxpayers_number() {
    let world = World::new().await;
    let (agent, key) = world.ready(1).await;
    let taxpayer = key.certificate.taxpayer_number().unwrap().to_owned();
    world.agree(SHOP, AgreementKind::KeyUse, &[&taxpayer]).await;
    register(&world, &agent, &key, &packet(&world, &agent, &key))
        .await
        .unwrap();
}
