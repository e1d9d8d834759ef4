//! Loading keys as CashDesk's clients do, and what becomes of them.

use crate::world::{PASSWORD, TestKey, World, soon};
use chrono::TimeDelta;
use dstu::Entropy;
use dstu::container::seal;
use signing_protocol::*;
use smartsign::clock::{Clock as _, SystemClock};
use std::path::PathBuf;

#[tokio::test]
async fn an_upload_is_answered_in_cashdesks_words() {
    let world = World::new().await;
    let running = world.start().await;
    let key = TestKey::new(7);
    let (status, value) = running
        .upload(&key.container(), PASSWORD, Some(key.certificate.der()))
        .await;
    assert_eq!(status, 200, "{value}");
    assert_eq!(value["drfo"], "0000001007");
    assert_eq!(
        value["serial"],
        HexOctets(key.certificate.serial().to_vec()).to_string()
    );
    let point = key.key.public_key().to_compressed();
    assert_eq!(value["public_key"], HexOctets(point).to_string());
    assert!(value["uuid"].as_str().unwrap().parse::<KeyId>().is_ok());
    let (status, again) = running
        .upload(&key.container(), PASSWORD, Some(key.certificate.der()))
        .await;
    assert_eq!(status, 400);
    assert_eq!(again["message"], "Key already exist");
    assert_eq!(again["serial"], value["serial"]);
    running.stop().await;
}

#[tokio::test]
async fn every_kind_of_container_is_taken() {
    let world = World::new().await;
    let running = world.licensed().await;
    let keys: Vec<TestKey> = (11..=15).map(TestKey::new).collect();
    let entropy = Entropy::new([9; 32]);
    let containers = [
        (seal::iit_key6(&keys[0].key, PASSWORD), true),
        (seal::pbes2(&keys[1].key, PASSWORD, &entropy), true),
        (seal::pkcs8(&keys[2].key).to_vec(), true),
        (
            seal::pkcs12(&[&keys[3].key], &[&keys[3].certificate], PASSWORD, &entropy),
            false,
        ),
        (
            seal::jks(
                &[("key", &keys[4].key, &[&keys[4].certificate])],
                PASSWORD,
                &entropy,
            ),
            false,
        ),
    ];
    for ((container, needs_certificate), key) in containers.iter().zip(&keys) {
        let certificate = needs_certificate.then(|| key.certificate.der());
        let (status, value) = running.upload(container, PASSWORD, certificate).await;
        assert_eq!(status, 200, "{value}");
    }
    running.stop().await;
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_each_in_its_own_words() {
    let world = World::new().await;
    let running = world.start().await;
    let (key, other) = (TestKey::new(1), TestKey::new(2));
    let container = key.container();
    let der = key.certificate.der();
    for (container, password, certificate, code) in [
        (container.as_slice(), "wrong", Some(der), "wrong_password"),
        (&container, PASSWORD, None, "certificate_not_found"),
        (
            &container,
            PASSWORD,
            Some(other.certificate.der()),
            "certificate_of_another_key",
        ),
        (&container, PASSWORD, Some(&b"0nonsense"[..]), "invalid_key"),
        (b"nonsense", PASSWORD, Some(der), "invalid_key"),
    ] {
        let (status, value) = running.upload(container, password, certificate).await;
        assert_eq!((status, value["code"].as_str()), (400, Some(code)), "{value}");
        assert!(
            value["message"]
                .as_str()
                .is_some_and(|message| !message.contains(PASSWORD))
        );
        assert_eq!(value["type"], "ERROR");
    }
    assert_eq!(
        running.call("GET", "/api/v1/keys", None).await.1["keys"],
        serde_json::json!([])
    );
    running.stop().await;
}

#[tokio::test]
async fn an_expired_certificate_is_shown_and_signs_nothing() {
    let world = World::new().await;
    let (running, good) = world.ready().await;
    let now = SystemClock.now();
    let key = TestKey::valid(5, now - TimeDelta::days(800), now - TimeDelta::days(70));
    let id = running.load(&key).await;
    let (status, value) = running
        .call("POST", &format!("/api/v1/keys/{id}/activate"), None)
        .await;
    assert_eq!(
        (status, value["code"].as_str()),
        (409, Some("certificate_out_of_time")),
        "{value}"
    );
    running.problem("key_expired").await;
    // One that expires while it is active.
    world.clock.shift(400 * 86_400);
    let licence = Licence {
        expires: now + TimeDelta::days(1_000),
        ..world.licence(running.identity().await)
    };
    running.put_licence(&licence.issue(&world.gateway.key)).await;
    let deadline = world.clock.now() + TimeDelta::seconds(20);
    let request = world.gateway.request(world.agent, good, b"x", deadline);
    let outcome = world.gateway.settled(world.gateway.ask(request)).await;
    let is_refused = matches!(
        &outcome,
        Outcome::Refused {
            reason: RefusalReason::Certificate,
            ..
        }
    );
    assert!(is_refused, "{outcome:?}");
    running.stop().await;
}

#[tokio::test]
async fn a_removed_key_is_gone_from_memory_and_disk() {
    let world = World::new().await;
    let (running, key) = world.ready().await;
    let file = world.directory.path().join(format!("agent/keys/{key}.sealed"));
    assert!(file.exists());
    let (status, _) = running.call("DELETE", &format!("/api/v1/keys/{key}"), None).await;
    assert_eq!(status, 200);
    assert!(!file.exists());
    let id = world
        .gateway
        .ask(world.gateway.request(world.agent, key, b"x", soon()));
    let outcome = world.gateway.settled(id).await;
    assert!(matches!(
        outcome,
        Outcome::Refused {
            reason: RefusalReason::UnknownKey,
            ..
        }
    ));
    let (status, _) = running.call("DELETE", &format!("/api/v1/keys/{key}"), None).await;
    assert_eq!(status, 404);
    running.stop().await;
}

#[tokio::test]
async fn a_locked_key_signs_nothing_and_stays_locked_after_a_restart() {
    let world = World::new().await;
    let (running, key) = world.ready().await;
    let (status, value) = running
        .call("POST", &format!("/api/v1/keys/{key}/deactivate"), None)
        .await;
    assert_eq!((status, value["state"].as_str()), (200, Some("stored")));
    running.stop().await;
    let running = world.start().await;
    let (_, value) = running.call("GET", &format!("/api/v1/keys/{key}"), None).await;
    assert_eq!(value["state"], "stored");
    running.stop().await;
}

#[tokio::test]
async fn a_heartbeat_says_whether_a_taxpayer_can_sign() {
    let world = World::new().await;
    let (running, _) = world.ready().await;
    let (status, value) = running
        .call("GET", "/api/v2/key-heartbeat?drfo=0000001001", None)
        .await;
    assert_eq!((status, &value["active"]), (200, &serde_json::json!(true)));
    assert_eq!(value["keys"].as_array().unwrap().len(), 1);
    let (_, value) = running
        .call("GET", "/api/v2/key-heartbeat?drfo=0000000000", None)
        .await;
    assert_eq!(value, serde_json::json!({"active": false, "keys": []}));
    assert_eq!(running.call("GET", "/api/v2/key-heartbeat", None).await.0, 400);
    running.stop().await;
}

#[tokio::test]
async fn a_real_authoritys_test_key_is_loaded() {
    let fixtures = std::env::var_os("COUNTERSIGN_FIXTURES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures"),
        PathBuf::from,
    );
    let read = |name: &str| std::fs::read(fixtures.join("keys").join(name)).ok();
    let (Some(container), Some(certificate)) = (read("test-diia.p12"), read("diia-test-sign-7775603.cer"))
    else {
        println!("skipped: no fixtures at {}", fixtures.display());
        return;
    };
    let world = World::new().await;
    let running = world.start().await;
    let (status, value) = running
        .upload(&container, "testpassword", Some(&certificate))
        .await;
    assert_eq!(status, 200, "{value}");
    // A company's: it has no person's number.
    assert_eq!(
        (&value["edrpou"], value["drfo"].is_null()),
        (&serde_json::json!("43395033"), true)
    );
    let (_, value) = running
        .call("GET", "/api/v2/key-heartbeat?drfo=43395033", None)
        .await;
    assert_eq!(value["keys"].as_array().unwrap().len(), 1);
    running.stop().await;
}
