//! Keys on their way through the gateway: to the account's one agent, within a time, kept nowhere.

use crate::world::{Agent, BAKERY, PUSH_URL, SHOP, SHOP_CODE, TestKey, World, settle};
use actors::agents::NotRelayed;
use actors::agents::records::AgreementKind;
use signing_protocol::{
    Connection, ErrorCode, HexOctets, KeyFacts, KeyId, KeyUpload, Octets, Outcome, RefusalReason,
    SecretOctets, SignedRequest, Task,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

const WAIT: Duration = Duration::from_secs(28);

fn upload() -> KeyUpload {
    KeyUpload {
        container: SecretOctets::new(b"container".to_vec()),
        password: SecretOctets::new(b"password".to_vec()),
        certificate: Some(Octets(b"certificate".to_vec())),
    }
}

type Relayed = JoinHandle<Result<KeyFacts, NotRelayed>>;

async fn relay(world: &World) -> Relayed {
    let agents = Arc::clone(&world.agents);
    let relayed = tokio::spawn(async move { agents.begin_relay(SHOP)?.load(upload(), WAIT).await });
    settle().await;
    relayed
}

fn refused(world: &World) -> NotRelayed {
    world.agents.begin_relay(SHOP).map(drop).unwrap_err()
}

/// The facts that an agent answers a request with.
fn loaded(request: &SignedRequest) -> Outcome {
    let key = TestKey::new(77, SHOP_CODE, chrono::DateTime::UNIX_EPOCH);
    let id = KeyId(request.request.id.0);
    Outcome::Loaded {
        key: KeyFacts {
            key: id,
            ..key.facts()
        },
    }
}

#[tokio::test]
async fn a_key_is_handed_to_the_agent_whole_and_its_facts_come_back() {
    let world = World::new().await;
    let (agent, _) = world.ready(1).await;
    let relayed = relay(&world).await;
    let request = agent.taken().await;
    assert_eq!(request.request.task, Task::Load(upload()));
    let verified = request.clone().verify(&[world.agents.public_key()], agent.id);
    assert!(verified.is_ok());
    let Outcome::Loaded { key: other } = loaded(&request) else {
        unreachable!("made above");
    };
    let other = KeyFacts {
        key: KeyId(uuid::Uuid::from_u128(5)),
        ..other
    };
    let stray = agent
        .deliver(request.request.id, Outcome::Loaded { key: other })
        .await;
    assert_eq!(
        stray.unwrap_err().code,
        ErrorCode::InvalidBody,
        "the key's id is the request's"
    );
    agent.deliver(request.request.id, loaded(&request)).await.unwrap();
    let facts = relayed.await.unwrap().unwrap();
    assert_eq!(facts.key.0, request.request.id.0);
    assert!(agent.poll(0).await.is_none(), "nothing waits any more");
    assert_eq!(world.delivered(&agent, "stray"), 1.0);
}

#[tokio::test]
async fn a_key_is_pushed_to_an_agent_that_wants_pushes() {
    let world = World::new().await;
    let (mut agent, _) = world.ready(1).await;
    agent.connection = Connection::Push {
        url: PUSH_URL.to_owned(),
    };
    agent.enrol().await.unwrap();
    let relayed = relay(&world).await;
    let request = Arc::clone(&world.pusher.pushed.lock().unwrap()[0]);
    assert_eq!(request.request.task, Task::Load(upload()));
    agent.deliver(request.request.id, loaded(&request)).await.unwrap();
    assert!(relayed.await.unwrap().is_ok());
}

#[tokio::test]
async fn what_the_agent_says_against_it_is_told() {
    let world = World::new().await;
    let (agent, _) = world.ready(1).await;
    for (outcome, expected) in [
        (
            Outcome::Exists {
                serial: HexOctets(vec![0x0a]),
            },
            NotRelayed::Exists("0a".to_owned()),
        ),
        (
            Outcome::Refused {
                reason: RefusalReason::CertificateNotFound,
                message: "none".to_owned(),
            },
            NotRelayed::Refused {
                reason: "certificate_not_found".to_owned(),
                text: "none".to_owned(),
            },
        ),
    ] {
        let relayed = relay(&world).await;
        let request = agent.taken().await;
        agent.deliver(request.request.id, outcome).await.unwrap();
        assert_eq!(relayed.await.unwrap(), Err(expected));
    }
}

#[tokio::test]
async fn what_is_not_answered_in_time_or_given_up_by_its_caller_is_taken_off_at_once() {
    let world = World::new().await;
    let (agent, _) = world.ready(1).await;
    let waiting = || world.agents.view(agent.id).unwrap().waiting;
    let relayed = relay(&world).await;
    let request = agent.taken().await;
    world.clock.advance(WAIT);
    assert_eq!(relayed.await.unwrap(), Err(NotRelayed::Late));
    let late = agent
        .deliver(request.request.id, loaded(&request))
        .await
        .unwrap_err();
    assert_eq!(late.code, ErrorCode::LateAnswer);
    let given_up = relay(&world).await;
    assert_eq!(waiting(), 1);
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
    assert_eq!(waiting(), 0);
}

async fn known(world: &World, number: u8) -> Agent {
    world.ready(number).await.0
}

#[tokio::test]
async fn no_key_is_taken_without_agreements_and_one_agent_that_is_here_and_knows_how() {
    let world = World::new().await;
    assert_eq!(refused(&world), NotRelayed::NoAgent);
    let mut agent = known(&world, 1).await;
    assert!(world.agents.begin_relay(SHOP).is_ok());
    assert_eq!(
        world.agents.begin_relay(BAKERY).map(drop),
        Err(NotRelayed::NoAgent),
        "another account's agent is none"
    );
    world.clock.advance(Duration::from_secs(90));
    assert_eq!(refused(&world), NotRelayed::Away);
    // An older program, which could not even read the request.
    agent.methods.clear();
    agent.report(&[], world.now()).await.unwrap();
    assert_eq!(refused(&world), NotRelayed::Away);
    known(&world, 2).await;
    assert_eq!(refused(&world), NotRelayed::SeveralAgents);
    world.put_agent(agent.id, &[SHOP], false).await;
    assert!(
        world.agents.begin_relay(SHOP).is_ok(),
        "one that is switched off does not count"
    );
    let codes: [&[&str]; 2] = [&[], &[SHOP_CODE]];
    for (kind, codes) in AgreementKind::ALL.into_iter().zip(codes) {
        world.end_agreement(SHOP, kind).await;
        assert_eq!(refused(&world), NotRelayed::NotAgreed, "{kind:?}");
        world.agree(SHOP, kind, codes).await;
    }
}

#[tokio::test]
async fn uploads_are_few_at_once_and_in_a_minute() {
    let world = World::new().await;
    known(&world, 1).await;
    let places: Vec<_> = (0..8).map(|_| world.agents.begin_relay(SHOP).unwrap()).collect();
    assert_eq!(refused(&world), NotRelayed::Busy);
    drop(places);
    for _ in 8..60 {
        drop(world.agents.begin_relay(SHOP).unwrap());
    }
    assert!(matches!(refused(&world), NotRelayed::TooOften(1..=60)));
    world.clock.advance(Duration::from_secs(60));
    assert!(world.agents.begin_relay(SHOP).is_ok());
}
