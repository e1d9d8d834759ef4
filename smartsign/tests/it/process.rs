//! The program as a process of its own: configuration by variables, SIGTERM, SIGKILL.

use crate::world::{API_KEY, CONTAINER_SECRET, Running, TestKey, World, answer, client, soon};
use signing_protocol::*;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

pub(crate) struct Process {
    child: Child,
    pub running: Running,
    logs: Arc<Mutex<Vec<u8>>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

fn command(world: &World) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smartsign"));
    command
        .env_clear()
        .env("SMARTSIGN__STORAGE__PATH", &world.config.storage.path)
        .env("SMARTSIGN__STORAGE__SECRET", CONTAINER_SECRET)
        .env("SMARTSIGN__STORAGE__ARGON2_MEMORY_KIB", "19456")
        .env("SMARTSIGN__STORAGE__ARGON2_PASSES", "1")
        .env("SMARTSIGN__GATEWAY__URL", world.gateway.url())
        .env(
            "SMARTSIGN__GATEWAY__PUBLIC_KEYS",
            format!("[\"{}\"]", world.gateway.key.public_key()),
        )
        .env("SMARTSIGN__GATEWAY__POLL_WAIT_SECONDS", "1")
        .env("SMARTSIGN__GATEWAY__BACKOFF_MIN_MILLISECONDS", "10")
        .env("SMARTSIGN__API__ADDRESS", "127.0.0.1:0")
        .env("SMARTSIGN__API__KEYS", format!("[\"{API_KEY}\"]"))
        .env("SMARTSIGN__LOG__FORMAT", "json");
    command
}

impl Process {
    pub async fn start(world: &World, filter: &str) -> Self {
        let mut child = command(world)
            .arg("serve")
            .env("SMARTSIGN__LOG__FILTER", filter)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let logs = Arc::<Mutex<Vec<u8>>>::default();
        let mut api = None;
        while api.is_none() {
            let mut line = Vec::new();
            assert!(lines.read_until(b'\n', &mut line).unwrap() > 0, "the agent ended");
            let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
            api = (value["message"] == "listening").then(|| value["api"].as_str().unwrap().to_owned());
            logs.lock().unwrap().extend(line);
        }
        let kept = Arc::clone(&logs);
        let reader = std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(read @ 1..) = lines.read(&mut piece) {
                kept.lock().unwrap().extend_from_slice(&piece[..read]);
            }
        });
        Self {
            child,
            running: Running::at(format!("http://{}", api.unwrap())),
            logs,
            reader: Some(reader),
        }
    }

    /// SIGTERM; the logs.
    pub fn stop(mut self) -> Vec<u8> {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
        assert!(
            self.child.wait().unwrap().success(),
            "the agent ends in good order"
        );
        self.reader.take().unwrap().join().unwrap();
        std::mem::take(&mut self.logs.lock().unwrap())
    }

    /// SIGKILL.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nothing is left behind where a test failed; an error means that it ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_killed_agent_gives_the_same_signature_after_its_restart() {
    let world = World::new().await;
    let process = Process::start(&world, "info").await;
    let licence = world.licence(process.running.identity().await);
    process
        .running
        .put_licence(&licence.issue(&world.gateway.key))
        .await;
    let key = process.running.load(&TestKey::new(1)).await;
    process.running.activate(key).await;
    // Ten rounds: signed, not accepted by the gateway, killed.
    let mut process = Some(process);
    for round in 0..10 {
        world.gateway.fail_deliveries(1_000_000);
        let content = format!("document {round}");
        let request = world
            .gateway
            .request(world.agent, key, content.as_bytes(), soon());
        let id = world.gateway.ask(request);
        world.gateway.deliveries_of(id, 1).await;
        process.take().unwrap().kill();
        world.gateway.fail_deliveries(0);
        process = Some(Process::start(&world, "info").await);
        let settled = world.gateway.settled(id).await;
        let all = world.gateway.deliveries(id);
        assert!(
            all.len() >= 2 && all.iter().all(|outcome| *outcome == settled),
            "round {round}"
        );
        assert!(matches!(settled, Outcome::Signed { .. }));
    }
    process.unwrap().stop();
}

#[tokio::test]
async fn a_wrong_container_secret_ends_the_start_with_a_sentence() {
    let world = World::new().await;
    Process::start(&world, "info").await.stop();
    let output = command(&world)
        .arg("serve")
        .env(
            "SMARTSIGN__STORAGE__SECRET",
            "another-secret-of-the-tests-0123456789",
        )
        .output()
        .unwrap();
    assert!(!output.status.success());
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("storage.secret is not the secret"), "{words}");
}

#[tokio::test]
async fn identity_and_check_config_answer_on_the_command_line() {
    let world = World::new().await;
    let run = |argument: &str| {
        let output = command(&world).arg(argument).output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let identity: PublicKey = run("identity").trim().parse().unwrap();
    assert_eq!(run("identity").trim(), identity.to_string(), "made once");
    let printed = run("check-config");
    assert!(
        printed.contains("secret = \"***\"") && !printed.contains(CONTAINER_SECRET),
        "{printed}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_licence_and_a_cashier_on_the_command_line() {
    let world = World::new().await;
    let process = Process::start(&world, "info").await;
    let api = &process.running.api;
    let file = world.directory.path().join("licence.txt");
    let licence = world.licence(process.running.identity().await);
    std::fs::write(&file, licence.issue(&world.gateway.key).0 + "\n").unwrap();
    let run = |arguments: &[&str]| {
        let mut command = command(&world);
        command
            .args(arguments)
            .args(["--url", api])
            .env("SMARTSIGN_API_KEY", API_KEY);
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let said = run(&["install-licence", file.to_str().unwrap()]);
    assert!(said.starts_with("in force until "), "{said}");
    let key = process.running.load(&TestKey::new(1)).await;
    process.running.activate(key).await;
    let key = key.to_string();
    // The gateway answers on another thread meanwhile.
    let token = run(&[
        "register-cashier",
        "--key",
        &key,
        "--name",
        "Касир",
        "--register",
        "4000000001",
    ]);
    assert!(
        world
            .gateway
            .given_out()
            .iter()
            .any(|given| given == token.trim()),
        "{token}"
    );
    let (status, _) = answer(client().get(format!("{api}/livez"))).await;
    assert_eq!(status, 200);
    process.stop();
}
