//! Keys that the gateway relays: stored once for each request, told as they are, written down nowhere but in the sealed store.

use crate::world::{PASSWORD, TestKey, World, soon};
use signing_protocol::*;
use uuid::Uuid;

fn request(world: &World, container: &[u8], password: &str, certificate: Option<&[u8]>) -> SignedRequest {
    let request = Request {
        id: RequestId(Uuid::new_v4()),
        agent: world.agent,
        deadline: soon(),
        task: Task::Load(KeyUpload {
            container: SecretOctets::new(container.to_vec()),
            password: SecretOctets::new(password.as_bytes().to_vec()),
            certificate: certificate.map(|octets| Octets(octets.to_vec())),
        }),
    };
    request.sign(&world.gateway.key)
}

fn of(world: &World, key: &TestKey) -> SignedRequest {
    request(world, &key.container(), PASSWORD, Some(key.certificate.der()))
}

#[tokio::test]
async fn a_key_that_is_relayed_is_stored_and_reported_and_signs_once_it_is_unlocked() {
    let world = World::new().await;
    let running = world.licensed().await;
    let made = TestKey::new(1);
    let id = world.gateway.ask(of(&world, &made));
    let Outcome::Loaded { key: facts } = world.gateway.settled(id).await else {
        panic!("not loaded");
    };
    assert_eq!((facts.key.0, facts.state), (id.0, KeyState::Stored));
    assert_eq!(facts.serial.0, made.certificate.serial());
    let report = world.gateway.reported(|report| !report.keys.is_empty()).await;
    assert_eq!(report.keys, std::slice::from_ref(&facts));
    assert_eq!(report.methods, [METHOD_LOAD]);
    running.activate(facts.key).await;
    let asked = world.gateway.request(world.agent, facts.key, b"x", soon());
    let id = world.gateway.ask(asked);
    assert!(matches!(world.gateway.settled(id).await, Outcome::Signed { .. }));
    running.stop().await;
}

#[tokio::test]
async fn a_repeat_also_after_a_restart_finds_the_key_and_another_request_that_it_exists() {
    let world = World::new().await;
    let running = world.licensed().await;
    let made = TestKey::new(1);
    let id = world.gateway.ask(of(&world, &made));
    let first = world.gateway.settled(id).await;
    running.stop().await;
    let running = world.start().await;
    let before = world.gateway.deliveries(id).len();
    world.gateway.unsettle(id);
    world.gateway.hand_out_again();
    let deliveries = world.gateway.deliveries_of(id, before + 1).await;
    assert!(
        deliveries.iter().all(|outcome| *outcome == first),
        "{deliveries:?}"
    );
    let again = world.gateway.ask(of(&world, &made));
    let serial = HexOctets(made.certificate.serial().to_vec());
    assert_eq!(world.gateway.settled(again).await, Outcome::Exists { serial });
    let keys = running.call("GET", "/api/v1/keys", None).await.1;
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    running.stop().await;
}

#[tokio::test]
async fn what_gives_no_key_is_refused_by_its_reason_and_nothing_is_stored() {
    let world = World::new().await;
    let running = world.licensed().await;
    let (made, other) = (TestKey::new(1), TestKey::new(2));
    let (container, certificate) = (made.container(), made.certificate.der());
    let mut big = container.clone();
    big.resize(LOAD_OCTETS_MAX, 0);
    for (request, expected) in [
        (
            request(&world, &container, "wrong", Some(certificate)),
            RefusalReason::WrongPassword,
        ),
        (
            request(&world, &container, PASSWORD, None),
            RefusalReason::CertificateNotFound,
        ),
        (
            request(&world, &container, PASSWORD, Some(other.certificate.der())),
            RefusalReason::CertificateOfAnotherKey,
        ),
        (
            request(&world, b"no container", PASSWORD, None),
            RefusalReason::InvalidKey,
        ),
        (
            request(&world, &big, PASSWORD, Some(certificate)),
            RefusalReason::TooLarge,
        ),
    ] {
        let id = world.gateway.ask(request);
        let outcome = world.gateway.settled(id).await;
        assert!(
            matches!(&outcome, Outcome::Refused { reason, .. } if *reason == expected),
            "{outcome:?}"
        );
    }
    let mut altered = of(&world, &made);
    if let Task::Load(upload) = &mut altered.request.task {
        upload.password = SecretOctets::new(b"another".to_vec());
    }
    let id = world.gateway.ask(altered);
    let outcome = world.gateway.settled(id).await;
    assert!(
        matches!(
            &outcome,
            Outcome::Refused {
                reason: RefusalReason::NotAuthentic,
                ..
            }
        ),
        "{outcome:?}"
    );
    let keys = running.call("GET", "/api/v1/keys", None).await.1;
    assert!(keys["keys"].as_array().unwrap().is_empty());
    running.stop().await;
}
