//! The signing agent as a process of its own: the program `smartsign`, with a cashier's key.

use super::gateway::Gateway;
use super::hours::{self, WallClock};
use super::own_address;
use crate::agents::world::{AGENT, AGENT_API_KEY, CashierKey, PASSWORD, SHOP, SHOP_CODE, form, now};
use crate::client::{Call, Client};
use crate::world::{eventually, wait_until};
use chrono::TimeDelta;
use dstu::container::seal;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tempfile::TempDir;

/// The program. `cargo test --workspace` builds it beside `countersign`; where only this package was built, it is built now.
fn smartsign() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let beside = PathBuf::from(env!("CARGO_BIN_EXE_countersign")).with_file_name("smartsign");
        if !beside.exists() {
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args([
                "build",
                "--locked",
                "--package",
                "smartsign",
                "--bin",
                "smartsign",
            ]);
            let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status();
            assert!(built.expect("cargo runs").success(), "smartsign is built");
        }
        assert!(beside.exists(), "{} is the agent", beside.display());
        beside
    })
}

/// How an agent and its gateway reach each other.
pub struct Lines {
    pub to_gateway: String,
    /// Where the gateway pushes to, and where the agent listens for it; none: the agent pulls.
    pub to_agent: Option<(String, SocketAddr)>,
}

pub struct Agent {
    home: TempDir,
    lines: Lines,
    gateway_key: String,
    address: SocketAddr,
    /// The machine's, if none.
    clock: Option<Arc<WallClock>>,
    child: Mutex<Option<Child>>,
    key: String,
}

impl Agent {
    /// Of this gateway: licensed, enrolled, with a key unlocked, and its cashier registered. Gives the cashier's token.
    pub fn start(gateway: &Gateway, lines: Lines, clock: Option<&Arc<WallClock>>) -> (Self, String) {
        prepare(gateway);
        let key = gateway.supported("GET", "/gateway-key", None, 200);
        let mut agent = Self {
            home: tempfile::tempdir().unwrap(),
            lines,
            gateway_key: key["public_key"].as_str().unwrap().to_owned(),
            address: own_address(),
            clock: clock.cloned(),
            child: Mutex::new(None),
            key: String::new(),
        };
        agent.start_again();
        agent.key = agent.begin_work(gateway);
        agent.unlock(gateway);
        let cashier = json!({ "key": agent.key, "name": "Касир Вигаданий", "registers": [] });
        let registered = agent.api("POST", "/api/v1/cashiers", Some(&cashier));
        let token = registered["token"].as_str().unwrap().to_owned();
        (agent, token)
    }

    /// With a licence and a key, which is sealed.
    fn begin_work(&self, gateway: &Gateway) -> String {
        let identity = self.api("GET", "/api/v1/identity", None);
        // Beyond what a test lets pass.
        let expires = (now() + TimeDelta::days(200)).to_rfc3339();
        let terms = json!({ "public_key": identity["public_key"], "keys_max": 3, "expires": expires });
        let licence = gateway.supported("POST", &format!("/agents/{AGENT}/licences"), Some(&terms), 201);
        let token = licence["token"].as_str().unwrap();
        let put = self
            .client()
            .call(Call::new("PUT", "/api/v1/licence").bytes(token.as_bytes()));
        assert_eq!(put.status, 200, "{}", put.text());

        let cashier = CashierKey::new(7);
        let container = seal::iit_key6(&cashier.key, PASSWORD);
        let (content_type, body) = form(&container, PASSWORD, Some(cashier.certificate.der()));
        let call = Call::new("POST", "/api/v1/key").header("Content-Type", content_type);
        let loaded = self.client().call(call.bytes(&body));
        assert_eq!(loaded.status, 200, "{}", loaded.text());
        let key = loaded.json()["uuid"].clone();
        wait_until("the key is reported", || {
            let shown = gateway.supported("GET", &format!("/agents/{AGENT}"), None, 200);
            let keys = shown["keys"].as_array().unwrap();
            keys.iter()
                .any(|shown| shown["id"] == key && shown["state"] == "stored")
        });
        key.as_str().unwrap().to_owned()
    }

    /// Has its key unlocked by the gateway.
    pub fn unlock(&self, gateway: &Gateway) {
        let path = format!("/agents/{AGENT}/keys/{}/activate", self.key);
        gateway.supported("POST", &path, None, 200);
    }

    /// Its key signs nothing until it is unlocked.
    pub fn lock(&self) {
        let path = format!("/api/v1/keys/{}/deactivate", self.key);
        let reply = self.client().call(Call::new("POST", &path));
        assert!(reply.status < 300, "{}", reply.text());
    }

    /// The same program on the same data, unless it runs.
    pub fn start_again(&self) {
        let mut child = self.child.lock().unwrap();
        if child.is_some() {
            return;
        }
        let log = |name: &str| super::log_in(self.home.path(), name);
        let mut command = Command::new(smartsign());
        let settings = [
            (
                "STORAGE__PATH",
                self.home.path().join("agent").display().to_string(),
            ),
            (
                "STORAGE__SECRET",
                "container-secret-of-the-tests-0123456789".to_owned(),
            ),
            // As cheap as is allowed: what is tested is not how long guessing takes.
            ("STORAGE__ARGON2_MEMORY_KIB", "19456".to_owned()),
            ("STORAGE__ARGON2_PASSES", "1".to_owned()),
            ("GATEWAY__URL", self.lines.to_gateway.clone()),
            ("GATEWAY__PUBLIC_KEYS", format!("[\"{}\"]", self.gateway_key)),
            ("GATEWAY__BACKOFF_MIN_MILLISECONDS", "10".to_owned()),
            ("GATEWAY__BACKOFF_MAX_SECONDS", "1".to_owned()),
            ("API__ADDRESS", self.address.to_string()),
            ("API__KEYS", format!("[\"{AGENT_API_KEY}\"]")),
            ("LOG__FORMAT", "json".to_owned()),
        ];
        let pushed = self.lines.to_agent.iter();
        let pushed =
            pushed.flat_map(|(url, own)| [("PUSH__URL", url.clone()), ("PUSH__ADDRESS", own.to_string())]);
        let settings = settings.into_iter().chain(pushed);
        command.arg("serve").env_clear();
        command.envs(settings.map(|(name, value)| (format!("SMARTSIGN__{name}"), value)));
        command.current_dir(self.home.path()).stdin(Stdio::null());
        if let Some(clock) = &self.clock {
            clock.give(&mut command);
        }
        let started = command.stdout(log("stdout")).stderr(log("stderr")).spawn();
        let mut running = started.expect("the program starts");
        eventually("the agent listens", || {
            assert!(running.try_wait().unwrap().is_none(), "it ended: {}", self.log());
            TcpStream::connect(self.address).ok()
        });
        *child = Some(running);
    }

    fn client(&self) -> Client {
        Client::new(self.address, Some(AGENT_API_KEY))
    }

    #[track_caller]
    fn api(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let call = Call::new(method, path);
        let reply = self.client().call(match body {
            Some(body) => call.json(body),
            None => call,
        });
        assert_eq!(reply.status, 200, "{method} {path}: {}", reply.text());
        reply.json()
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.lock().unwrap();
        let id = Pid::from_child(child.as_ref().expect("it runs"));
        kill_process(id, signal).unwrap();
    }

    /// It stands still, and keeps its connections.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// SIGKILL; gone when it returns.
    pub fn kill(&self) {
        if let Some(mut child) = self.child.lock().unwrap().take() {
            child.kill().unwrap();
            child.wait().unwrap();
            hours::tidy_after(&child);
        }
    }

    /// The ids of all requests that it has signed, from its audit log.
    pub fn audited(&self) -> Vec<String> {
        let folder = self.home.path().join("agent/audit");
        let files = std::fs::read_dir(folder).unwrap();
        let lines: String = files
            .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
            .collect();
        let requests = lines.lines().filter_map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            line["request"].as_str().map(str::to_owned)
        });
        requests.collect()
    }

    fn log(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.home.path().join(name)).unwrap_or_default();
        ["stdout", "stderr"].map(read).concat()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // This process only, by its handle; a lock that a failed test poisoned is no reason to leave it behind.
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(child) = child {
            // SIGKILL ends a paused one, too.
            let _ = child.kill();
            let _ = child.wait();
            hours::tidy_after(child);
        }
    }
}

/// What support does first: the account, both agreements, the agent.
fn prepare(gateway: &Gateway) {
    let put = |path: String, body: Value| {
        gateway.supported("PUT", &path, Some(&body), 200);
    };
    put(format!("/accounts/{SHOP}"), json!({ "name": "Крамниця" }));
    let agreement = json!({ "signed_on": "2026-02-20", "reference": "17/2026" });
    put(format!("/accounts/{SHOP}/agreements/agent-use"), agreement);
    let of_keys = json!({ "signed_on": "2026-02-20", "reference": "18/2026", "tax_codes": [SHOP_CODE] });
    put(format!("/accounts/{SHOP}/agreements/key-use"), of_keys);
    let agent = json!({ "name": "shop's agent", "accounts": [SHOP] });
    put(format!("/agents/{AGENT}"), agent);
}
