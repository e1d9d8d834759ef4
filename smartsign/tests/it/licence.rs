//! Without a valid licence nothing is signed, and health says why.

use crate::world::{TestKey, World, soon};
use chrono::TimeDelta;
use signing_protocol::*;
use smartsign::clock::{Clock as _, SystemClock};

#[tokio::test]
async fn licences_that_do_not_hold_are_refused_each_in_its_own_words() {
    let world = World::new().await;
    let running = world.start().await;
    running.problem("licence_missing").await;
    let mine = running.identity().await;
    let licence = world.licence(mine);
    let foreign = licence.issue(&SecretKey::from_seed(&[99; 32]));
    let copied = world
        .licence(SecretKey::from_seed(&[98; 32]).public_key())
        .issue(&world.gateway.key);
    let expired = Licence {
        expires: SystemClock.now() - TimeDelta::seconds(1),
        ..licence.clone()
    };
    for (token, words) in [
        (foreign, "not signed by this gateway"),
        (copied, "another instance"),
        (expired.issue(&world.gateway.key), "expired"),
        (LicenceToken("nonsense".to_owned()), "no licence"),
    ] {
        let (status, value) = running.put_licence(&token).await;
        assert_eq!(
            (status, value["code"].as_str()),
            (400, Some("licence")),
            "{value}"
        );
        assert!(value["message"].as_str().unwrap().contains(words), "{value}");
    }
    assert_eq!(world.gateway.enrolments(), 0);
    assert_eq!(
        running.put_licence(&licence.issue(&world.gateway.key)).await.0,
        200
    );
    world.gateway.enrolled(1).await;
    running.stop().await;
}

#[tokio::test]
async fn a_copy_of_the_licence_elsewhere_is_shown_as_foreign() {
    let (world, other) = (World::new().await, World::new().await);
    let (original, copy) = (world.licensed().await, other.start().await);
    original.stop().await;
    copy.stop().await;
    let from = world.directory.path().join("agent/licence");
    std::fs::copy(from, other.directory.path().join("agent/licence")).unwrap();
    let copy = other.start().await;
    let health = copy.problem("licence_other_instance").await;
    assert_eq!(health["licence"]["state"], "other_instance");
    assert_eq!(other.gateway.enrolments(), 0);
    copy.stop().await;
}

#[tokio::test]
async fn nothing_is_signed_once_the_licence_has_expired() {
    let world = World::new().await;
    let (running, key) = world.ready().await;
    world.gateway.enrolled(1).await;
    world.clock.shift(31 * 86_400);
    let deadline = world.clock.now() + TimeDelta::seconds(20);
    let request = world.gateway.request(world.agent, key, b"x", deadline);
    let outcome = world.gateway.settled(world.gateway.ask(request)).await;
    let Outcome::Refused { reason, message } = outcome else {
        panic!("signed");
    };
    assert_eq!(reason, RefusalReason::Licence);
    assert!(message.contains("expired"), "{message}");
    running.problem("licence_expired").await;
    running.stop().await;
}

#[tokio::test]
async fn a_licence_covers_its_forms_and_its_number_of_keys() {
    let world = World::new().await;
    let running = world.start().await;
    let few = Licence {
        keys_max: 1,
        ..world.licence(running.identity().await)
    };
    running.put_licence(&few.issue(&world.gateway.key)).await;
    let (first, second) = (
        running.load(&TestKey::new(1)).await,
        running.load(&TestKey::new(2)).await,
    );
    running.activate(first).await;
    let (status, value) = running
        .call("POST", &format!("/api/v1/keys/{second}/activate"), None)
        .await;
    assert_eq!(
        (status, value["code"].as_str()),
        (409, Some("too_many_keys")),
        "{value}"
    );
    let none = Licence {
        forms: Vec::new(),
        ..few
    };
    running.put_licence(&none.issue(&world.gateway.key)).await;
    let id = world
        .gateway
        .ask(world.gateway.request(world.agent, first, b"x", soon()));
    let outcome = world.gateway.settled(id).await;
    assert!(matches!(
        outcome,
        Outcome::Refused {
            reason: RefusalReason::Licence,
            ..
        }
    ));
    running.stop().await;
}

#[tokio::test]
async fn keys_beyond_a_smaller_licence_sign_no_more() {
    let world = World::new().await;
    let running = world.licensed().await;
    let keys = [
        running.load(&TestKey::new(1)).await,
        running.load(&TestKey::new(2)).await,
    ];
    for key in keys {
        running.activate(key).await;
    }
    let smaller = Licence {
        keys_max: 1,
        ..world.licence(running.identity().await)
    };
    running.put_licence(&smaller.issue(&world.gateway.key)).await;
    let [first, second] = keys.map(|key| {
        world
            .gateway
            .ask(world.gateway.request(world.agent, key, b"x", soon()))
    });
    assert!(matches!(
        world.gateway.settled(first).await,
        Outcome::Signed { .. }
    ));
    let outcome = world.gateway.settled(second).await;
    assert!(matches!(
        outcome,
        Outcome::Refused {
            reason: RefusalReason::TooManyKeys,
            ..
        }
    ));
    running.stop().await;
}
