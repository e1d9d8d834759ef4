//! The gateway as a process of its own, that can be killed at any moment and started again on the same data.

use super::hours::{self, WallClock};
use super::own_address;
use crate::client::{Call, Client};
use crate::process::program;
use crate::world::eventually;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tempfile::TempDir;

pub const ADMIN_KEY: &str = "administrators-own-key-5f2c";

pub struct Gateway {
    home: TempDir,
    pub public: SocketAddr,
    pub agents: SocketAddr,
    pub admin: SocketAddr,
    /// The machine's, if none.
    clock: Option<Arc<WallClock>>,
    child: Mutex<Option<Child>>,
    kills: AtomicU64,
}

/// What differs between tests.
pub struct Place<'a> {
    pub tax_url: &'a str,
    /// Where the database lies; none: at home.
    pub data: Option<&'a Path>,
    /// More lines of the section `[storage]`.
    pub storage: &'a str,
    /// Its wall clock; none: the machine's.
    pub clock: Option<&'a Arc<WallClock>>,
}

impl Gateway {
    pub fn start(place: &Place<'_>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let gateway = Self {
            public: own_address(),
            agents: own_address(),
            admin: own_address(),
            clock: place.clock.cloned(),
            child: Mutex::new(None),
            kills: AtomicU64::new(0),
            home,
        };
        std::fs::write(gateway.file(), gateway.configuration(place)).unwrap();
        gateway.start_again();
        gateway
    }

    fn file(&self) -> PathBuf {
        self.home.path().join("countersign.toml")
    }

    fn configuration(&self, place: &Place<'_>) -> String {
        let home = self.home.path().join("data");
        let Self {
            public,
            agents,
            admin,
            ..
        } = self;
        let (data, storage, tax_url) = (
            place.data.unwrap_or(&home).display(),
            place.storage,
            place.tax_url,
        );
        format!(
            "[public]\naddress = \"{public}\"\n[agents]\naddress = \"{agents}\"\npush_private_addresses = true\n\
             [admin]\naddress = \"{admin}\"\nkey = \"{ADMIN_KEY}\"\n\
             [storage]\npath = \"{data}\"\ncache_bytes = 16777216\n{storage}\n\
             [limits]\nshutdown_seconds = 5\n\
             [partners]\nkey_pepper = \"cGVwcGVyIG9mIHRoZSB0ZXN0cywgMzIgYnl0ZXMgbG9uZyE=\"\n\
             [otp]\nhmac_keys = [\"1:a2V5IG9mIHRoZSB0ZXN0cywgYXQgbGVhc3QgMzIgYnl0ZXM=\"]\n\
             [sms.webhook]\nurl = \"https://sms.invalid/\"\nsecret = \"whsec_d2ViaG9vayBrZXkgb2YgdGhlIHRlc3RzISE=\"\n\
             [tax]\nurl = \"{tax_url}/fs\"\n[cashdesk]\nsynchronise_hours = 0\n[log]\nformat = \"json\"\n"
        )
    }

    /// The same program on the same data, unless it runs.
    pub fn start_again(&self) {
        let mut child = self.child.lock().unwrap();
        if child.is_some() {
            return;
        }
        let log = |name: &str| super::log_in(self.home.path(), name);
        let mut command: Command = program(&["serve", "--config", self.file().to_str().unwrap()]);
        command.current_dir(self.home.path());
        if let Some(clock) = &self.clock {
            clock.give(&mut command);
        }
        let started = command.stdout(log("stdout")).stderr(log("stderr")).spawn();
        let mut running = started.expect("the program starts");
        eventually("the gateway listens", || {
            let ended = running.try_wait().unwrap();
            assert!(ended.is_none(), "it ended: {}", self.log());
            // It binds this one last.
            TcpStream::connect(self.admin).ok()
        });
        *child = Some(running);
    }

    /// SIGKILL; gone when it returns. Does nothing to a gateway that does not run.
    pub fn kill(&self) {
        if let Some(mut child) = self.child.lock().unwrap().take() {
            child.kill().unwrap();
            child.wait().unwrap();
            hours::tidy_after(&child);
            self.kills.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// How often it was killed.
    pub fn kills(&self) -> u64 {
        self.kills.load(Ordering::SeqCst)
    }

    /// SIGTERM, and it ends in good order.
    pub fn stop(&self) {
        let mut child = self.child.lock().unwrap().take().expect("it runs");
        let id = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        let ended = eventually("the gateway ends", || child.try_wait().unwrap());
        assert!(ended.success(), "{ended}: {}", self.log());
    }

    pub fn desk(&self) -> Client {
        Client::new(self.public, None)
    }

    pub fn support(&self) -> Client {
        Client::new(self.admin, Some(ADMIN_KEY))
    }

    /// Support's call; gives what was answered.
    #[track_caller]
    pub fn supported(
        &self,
        method: &str,
        path: &str,
        body: Option<&serde_json::Value>,
        status: u16,
    ) -> serde_json::Value {
        let call = Call::new(method, &format!("/admin/v1{path}"));
        let call = match body {
            Some(body) => call.json(body),
            None => call,
        };
        let reply = self.support().call(call);
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.text());
        if reply.body.is_empty() {
            return serde_json::Value::Null;
        }
        reply.json()
    }

    /// One of its figures, over all its labels that contain `label`.
    pub fn figure(&self, name: &str, label: &str) -> f64 {
        let text = self.support().get("/metrics").text();
        let lines = text
            .lines()
            .filter(|line| line.starts_with(name) && line.contains(label));
        lines
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
            .sum()
    }

    /// Everything that it has said.
    pub fn log(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.home.path().join(name)).unwrap_or_default();
        ["stdout", "stderr"].map(read).concat()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // This process only, by its handle; a lock that a failed test poisoned is no reason to leave it behind.
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut child) = child.take() {
            let _ = child.kill();
            let _ = child.wait();
            hours::tidy_after(&child);
        }
    }
}
