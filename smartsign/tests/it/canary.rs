//! The program itself, with everything logged: no password, secret, token or content is in its logs, nor readable on its disk.

use crate::process::Process;
use crate::world::{API_KEY, CONTAINER_SECRET, PASSWORD, TestKey, World, soon};
use serde_json::json;
use signing_protocol::*;
use std::path::Path;

const RELAYED_PASSWORD: &str = "a relayed password that opens nothing";
const CONTENT: &[u8] = b"a receipt that nobody else may read";

fn read_all(directory: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, found);
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

fn holds(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|part| part == needle)
}

#[tokio::test]
async fn nothing_secret_is_in_logs_or_readable_on_disk() {
    let world = World::new().await;
    let process = Process::start(&world, "trace").await;
    let running = &process.running;
    let licence = world.licence(running.identity().await);
    running.put_licence(&licence.issue(&world.gateway.key)).await;
    let made = TestKey::new(1);
    running
        .upload(
            &made.container(),
            "a wrong password that is secret too",
            Some(made.certificate.der()),
        )
        .await;
    let key = running.load(&made).await;
    running.activate(key).await;
    running
        .call("POST", "/api/v1/cashiers", Some(json!({ "key": key })))
        .await;
    let good = world.gateway.request(world.agent, key, CONTENT, soon());
    let mut forged = world.gateway.request(world.agent, key, CONTENT, soon());
    forged.signature.0[0] ^= 1;
    for request in [good, forged] {
        let id = world.gateway.ask(request);
        world.gateway.settled(id).await;
    }
    // A key on its way through the gateway, and one that does not open.
    let relayed = TestKey::new(2);
    for password in [PASSWORD, RELAYED_PASSWORD] {
        let upload = KeyUpload {
            container: SecretOctets::new(relayed.container()),
            password: SecretOctets::new(password.as_bytes().to_vec()),
            certificate: Some(Octets(relayed.certificate.der().to_vec())),
        };
        let request = Request {
            id: RequestId(uuid::Uuid::new_v4()),
            agent: world.agent,
            deadline: soon(),
            task: Task::Load(upload),
        };
        let id = world.gateway.ask(request.sign(&world.gateway.key));
        world.gateway.settled(id).await;
    }
    let logs = process.stop();
    assert!(holds(&logs, b"enrolled with the gateway"), "the logs were kept");

    let mut needles: Vec<(&str, Vec<u8>)> = vec![
        ("password", PASSWORD.into()),
        ("wrong password", b"a wrong password that is secret too".to_vec()),
        ("container's secret", CONTAINER_SECRET.into()),
        ("API key", API_KEY.into()),
        ("content", CONTENT.to_vec()),
        ("private number", made.key.to_little_endian().to_vec()),
        ("container", made.container()[..64].to_vec()),
        ("relayed password", RELAYED_PASSWORD.into()),
        ("relayed private number", relayed.key.to_little_endian().to_vec()),
        ("relayed container", relayed.container()[..64].to_vec()),
    ];
    let given_out = world.gateway.given_out();
    assert!(given_out.len() >= 2, "a secret and a token");
    needles.extend(
        given_out
            .iter()
            .map(|text| ("secret or token", text.clone().into_bytes())),
    );
    // Base64 of the content as it stands in JSON, without the last digits, which depend on what follows.
    let encoded = serde_json::to_string(&Octets(CONTENT.to_vec())).unwrap();
    needles.push(("encoded content", encoded.as_bytes()[1..40].to_vec()));
    let passwords = [PASSWORD, RELAYED_PASSWORD].map(|text| SecretOctets::new(text.into()));
    for password in passwords {
        let encoded = serde_json::to_string(&password).unwrap();
        needles.push(("encoded password", encoded.as_bytes()[1..20].to_vec()));
    }
    let mut places = vec![("the logs".to_owned(), logs)];
    read_all(&world.config.storage.path, &mut places);
    assert!(places.len() > 5, "logs and files were looked at");
    for (place, text) in &places {
        for (what, needle) in &needles {
            assert!(!holds(text, needle), "{what} in {place}");
        }
    }
}
