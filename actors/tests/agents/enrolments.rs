//! Who is let in, and for how long.

use crate::world::{BAKERY, SHOP, World};
use actors::agents::NotIssued;
use actors::agents::book::{Change, Unfit};
use actors::agents::records::AgreementKind;
use chrono::TimeDelta;
use signing_protocol::{AgentId, Connection, ErrorCode, LicenceToken, Purpose, SecretKey};
use std::time::Duration;
use uuid::Uuid;

#[tokio::test]
async fn an_agent_enrols_and_is_known_by_its_newest_secret_alone() {
    let world = World::new().await;
    let mut agent = world.licensed(1).await;
    agent.enrol().await.unwrap();
    assert_eq!(agent.known(), Ok(agent.id));
    let first = agent.secret.clone().unwrap();
    agent.enrol().await.unwrap();
    assert_eq!(agent.known(), Ok(agent.id));
    let refused = world.agents.authenticate(&first).unwrap_err();
    assert_eq!(refused.code, ErrorCode::Unauthorized);
    let again = world.restarted().await;
    agent.at(&again);
    assert_eq!(
        agent.known(),
        Ok(agent.id),
        "a secret outlives the gateway's process"
    );
}

#[tokio::test]
async fn an_enrolment_is_refused_for_each_thing_that_is_wrong_with_it() {
    let world = World::new().await;
    let agent = world.licensed(1).await;
    let other = world.licensed(2).await;
    let stranger = SecretKey::from_seed(&[99; 32]);

    let copied = agent.statement().sign(&stranger);
    let mut moved = agent.statement();
    moved.public_key = stranger.public_key();
    let moved = moved.sign(&stranger);
    let mut borrowed = agent.statement();
    borrowed.licence = LicenceToken(other.licence.token.clone());
    let borrowed = borrowed.sign(&agent.instance);
    let mut newer = agent.statement();
    newer.version += 1;
    let newer = newer.sign(&agent.instance);
    let mut altered = agent.statement().sign(&agent.instance);
    altered.statement.connection = Connection::Push {
        url: "https://thief.example.org".to_owned(),
    };
    let mut unreachable = agent.statement();
    unreachable.connection = Connection::Push {
        url: "http://10.0.0.1".to_owned(),
    };
    let unreachable = unreachable.sign(&agent.instance);
    let mut for_cashiers = agent.statement();
    for_cashiers.nonce = agent.nonce(Purpose::Cashier);
    let for_cashiers = for_cashiers.sign(&agent.instance);
    let mut of_another = agent.statement();
    of_another.nonce = other.nonce(Purpose::Enrolment);
    let of_another = of_another.sign(&agent.instance);
    for (what, enrolment, code) in [
        ("signed by another key", copied, ErrorCode::LicenceRefused),
        ("another instance", moved, ErrorCode::LicenceRefused),
        ("another agent's licence", borrowed, ErrorCode::LicenceRefused),
        ("another version", newer, ErrorCode::LicenceRefused),
        ("altered", altered, ErrorCode::LicenceRefused),
        ("a URL that is not pushed to", unreachable, ErrorCode::InvalidBody),
        ("a nonce for cashiers", for_cashiers, ErrorCode::ChallengeExpired),
        ("another agent's nonce", of_another, ErrorCode::ChallengeExpired),
    ] {
        let refused = agent.enrol_with(&enrolment).await.unwrap_err();
        assert_eq!(refused.code, code, "{what}: {refused}");
    }
    let good = agent.statement().sign(&agent.instance);
    agent.enrol_with(&good).await.unwrap();
    let again = agent.enrol_with(&good).await.unwrap_err();
    assert_eq!(again.code, ErrorCode::ChallengeExpired, "a nonce is used once");
    let late = agent.statement().sign(&agent.instance);
    world.clock.advance(Duration::from_secs(60));
    let late = agent.enrol_with(&late).await.unwrap_err();
    assert_eq!(
        late.code,
        ErrorCode::ChallengeExpired,
        "a nonce is good for a minute"
    );
    let counted = |outcome| world.metric("countersign_agent_enrolments_total", &[("outcome", outcome)]);
    assert_eq!(
        (
            counted("enrolled"),
            counted("licence-refused"),
            counted("challenge-expired")
        ),
        (1.0, 5.0, 4.0)
    );
}

#[tokio::test]
async fn a_licence_of_another_gateway_or_of_nobody_is_refused() {
    let world = World::new().await;
    let mut agent = world.licensed(1).await;
    let licence = LicenceToken(agent.licence.token.clone());
    let licence = licence.verify(&[world.gateway.public_key()]).unwrap();
    agent.licence.token = licence.issue(&SecretKey::from_seed(&[40; 32])).0;
    assert_eq!(agent.enrol().await.unwrap_err().code, ErrorCode::LicenceRefused);
    let mut unknown = licence.clone();
    unknown.agent = AgentId(Uuid::from_u128(77));
    agent.id = unknown.agent;
    agent.licence.token = unknown.issue(&world.gateway).0;
    let refused = agent.enrol().await.unwrap_err();
    assert_eq!(
        refused.detail, "this agent is not known here",
        "signed by the gateway's key, but not in its book"
    );
}

#[tokio::test]
async fn what_ends_a_licence_ends_the_agents_access() {
    let world = World::new().await;
    let mut revoked = world.ready(1).await.0;
    let mut switched_off = world.ready(2).await.0;
    let expired = world.ready(3).await.0;
    let change = Change::RevokeLicence {
        agent: revoked.id,
        id: revoked.licence.id,
    };
    world.agents.change(change.clone()).await.unwrap().unwrap();
    assert_eq!(
        world.agents.change(change).await.unwrap(),
        Err(Unfit::NotFound),
        "it is revoked already"
    );
    world.put_agent(switched_off.id, &[SHOP], false).await;
    for agent in [&mut revoked, &mut switched_off] {
        assert_eq!(agent.known().unwrap_err().code, ErrorCode::LicenceRefused);
        assert_eq!(agent.enrol().await.unwrap_err().code, ErrorCode::LicenceRefused);
    }
    assert_eq!(expired.known(), Ok(expired.id));
    world.clock.advance(Duration::from_secs(30 * 86_400 + 1));
    assert_eq!(expired.known().unwrap_err().code, ErrorCode::LicenceRefused);
}

#[tokio::test]
async fn a_new_licence_is_the_only_one_to_enrol_with_and_the_enrolment_before_goes_on() {
    let world = World::new().await;
    let mut agent = world.ready(1).await.0;
    let same = world.terms(agent.instance.public_key());
    let refused = world.agents.issue_licence(agent.id, same).await;
    assert!(matches!(refused, Err(NotIssued::Unfit(Unfit::SameLicence))));
    world.clock.advance(Duration::from_secs(1));
    let terms = world.terms(agent.instance.public_key());
    let renewed = world.agents.issue_licence(agent.id, terms).await.unwrap();
    assert_eq!(agent.known(), Ok(agent.id));
    let refused = agent.enrol().await.unwrap_err();
    assert_eq!(refused.detail, "this is not the agent's current licence");
    let token = |token: &str| {
        world
            .agents
            .verify_licence(&LicenceToken(token.to_owned()))
            .unwrap()
    };
    assert!(!token(&agent.licence.token).holds());
    assert!(token(&renewed.token).holds());
    agent.licence = renewed;
    agent.enrol().await.unwrap();
}

#[tokio::test]
async fn a_licence_is_not_issued_without_the_agreement_of_every_account() {
    let world = World::new().await;
    let agent = AgentId(Uuid::from_u128(1));
    let instance = SecretKey::from_seed(&[1; 32]).public_key();
    world.put_agent(agent, &[SHOP, BAKERY], true).await;
    world.end_agreement(BAKERY, AgreementKind::AgentUse).await;
    let refused = world.agents.issue_licence(agent, world.terms(instance)).await;
    let missing = Unfit::NoAgreement {
        account: BAKERY,
        kind: AgreementKind::AgentUse,
    };
    assert!(matches!(refused, Err(NotIssued::Unfit(unfit)) if unfit == missing));
    world.agree(BAKERY, AgreementKind::AgentUse, &[]).await;
    world
        .agents
        .issue_licence(agent, world.terms(instance))
        .await
        .unwrap();
}

#[tokio::test]
async fn terms_that_make_no_sense_are_refused_by_field() {
    let world = World::new().await;
    let agent = AgentId(Uuid::from_u128(1));
    world.put_agent(agent, &[SHOP], true).await;
    let terms = || world.terms(SecretKey::from_seed(&[1; 32]).public_key());
    let mut without_forms = terms();
    without_forms.forms.clear();
    let mut without_keys = terms();
    without_keys.keys_max = 0;
    let mut backwards = terms();
    backwards.expires = backwards.not_before;
    let mut endless = terms();
    endless.expires += TimeDelta::days(1_200);
    for (terms, field) in [
        (without_forms, "forms"),
        (without_keys, "keys_max"),
        (backwards, "expires"),
        (endless, "expires"),
    ] {
        let refused = world.agents.issue_licence(agent, terms).await.unwrap_err();
        assert!(refused.to_string().starts_with(field), "{refused}");
    }
}

#[tokio::test]
async fn an_agent_that_enrols_in_a_loop_is_told_when_again() {
    let world = World::new().await;
    let mut agent = world.licensed(1).await;
    for _ in 0..10 {
        agent.enrol().await.unwrap();
    }
    let refused = agent.enrol().await.unwrap_err();
    assert_eq!(
        (refused.code, refused.retry_after),
        (ErrorCode::TooManyRequests, Some(60))
    );
    world.clock.advance(Duration::from_secs(60));
    agent.enrol().await.unwrap();
}

#[tokio::test]
async fn the_book_refuses_what_it_cannot_hold() {
    let world = World::new().await;
    let put = |id: u128, name: &str, accounts: usize| Change::PutAgent {
        id: AgentId(Uuid::from_u128(id)),
        name: name.to_owned(),
        accounts: (0..accounts)
            .map(|number| actors::ids::AccountId(Uuid::from_u128(number as u128)))
            .collect(),
        is_active: true,
    };
    world.agents.change(put(1, "first", 1)).await.unwrap().unwrap();
    for (change, unfit) in [
        (put(2, "first", 1), Unfit::NameTaken),
        (
            put(2, " ", 1),
            Unfit::Length {
                field: "name",
                min: 1,
                max: 64,
            },
        ),
        (
            put(2, "second", 0),
            Unfit::Count {
                field: "accounts",
                min: 1,
                max: 256,
            },
        ),
        (
            put(2, "second", 257),
            Unfit::Count {
                field: "accounts",
                min: 1,
                max: 256,
            },
        ),
        (Change::DeleteAgent(AgentId(Uuid::from_u128(9))), Unfit::NotFound),
        (
            Change::EndAgreement {
                account: actors::ids::AccountId(Uuid::from_u128(9)),
                kind: AgreementKind::KeyUse,
            },
            Unfit::NotFound,
        ),
    ] {
        assert_eq!(world.agents.change(change).await.unwrap(), Err(unfit));
    }
    world.agents.change(put(2, "second", 256)).await.unwrap().unwrap();
}
