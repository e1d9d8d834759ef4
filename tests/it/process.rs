//! The real program: started, spoken to, signalled, watched.

use crate::client::{Call, Client};
use crate::world::eventually;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use tempfile::TempDir;

/// The program, deaf to this machine's own configuration.
pub fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("COUNTERSIGN")) {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::null());
    command
}

/// Runs it to its end; exit code, stdout and stderr.
pub fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    output(program(arguments))
}

pub fn output(mut command: Command) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (status.code(), text(stdout), text(stderr))
}

/// `countersign dev` in a directory of its own.
pub struct Dev {
    child: Child,
    /// What dev.json says.
    pub file: Value,
    pub data: PathBuf,
    /// Removes the directory at the end.
    home: Arc<TempDir>,
}

impl Dev {
    pub fn start(settings: &[&str]) -> Self {
        Self::start_in(Arc::new(tempfile::tempdir().unwrap()), settings, &[])
    }

    /// With more arguments than settings.
    pub fn start_with(arguments: &[&str]) -> Self {
        Self::start_in(Arc::new(tempfile::tempdir().unwrap()), &[], arguments)
    }

    fn start_in(home: Arc<TempDir>, settings: &[&str], more: &[&str]) -> Self {
        let data = home.path().join("data");
        let log = |name: &str| {
            std::fs::File::options()
                .create(true)
                .append(true)
                .open(home.path().join(name))
                .unwrap()
        };
        let mut command = program(&[
            "dev",
            "--public",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
            "--data",
        ]);
        command.arg(&data).args(["--set", "storage.cache_bytes=16777216"]);
        command.args(settings.iter().flat_map(|setting| ["--set", setting]));
        command.args(more);
        let mut child = command
            .stdout(log("stdout"))
            .stderr(log("stderr"))
            .spawn()
            .expect("the program starts");
        let path = data.join("dev.json");
        let file: Value = eventually("dev.json", || {
            let ended = child.try_wait().unwrap();
            assert!(
                ended.is_none(),
                "it ended: {}",
                std::fs::read_to_string(home.path().join("stderr")).unwrap()
            );
            // By rename: where it is, it is whole.
            std::fs::read(&path)
                .ok()
                .map(|bytes| serde_json::from_slice(&bytes).unwrap())
        });
        Self {
            child,
            file,
            data,
            home,
        }
    }

    /// Again on the same data, once it has ended.
    pub fn start_again(self, settings: &[&str]) -> Self {
        let home = Arc::clone(&self.home);
        drop(self);
        // What the next start writes must not be taken for what the last one wrote.
        std::fs::remove_file(home.path().join("data/dev.json")).unwrap();
        Self::start_in(home, settings, &[])
    }

    pub fn log(&self) -> String {
        self.logs().concat()
    }

    /// stdout and stderr, of all starts.
    pub fn logs(&self) -> [String; 2] {
        ["stdout", "stderr"].map(|name| std::fs::read_to_string(self.home.path().join(name)).unwrap())
    }

    fn client(&self, listener: &str, key: Option<&str>) -> Client {
        let url = self.file[listener].as_str().unwrap();
        let address: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
        Client::new(address, key)
    }

    pub fn partner(&self) -> Client {
        self.client("public", self.file["partners"][0]["key"].as_str())
    }

    pub fn admin(&self) -> Client {
        self.client("admin", self.file["admin_key"].as_str())
    }

    pub fn sms(&self) -> Client {
        self.client("sms", None)
    }

    /// The four inputs of the first demo partner and customer.
    pub fn inputs(&self) -> Value {
        json!({ "CcmsCode": 1001, "ContactCcmsCode": 2001, "ContractTypeId": 7, "InvokerCode": self.file["partners"][0]["invoker_code"] })
    }

    pub fn messages(&self) -> Vec<Value> {
        self.sms().get("/messages").json().as_array().unwrap().clone()
    }

    /// The code in the last message.
    pub fn code(&self) -> String {
        let text = self.messages().pop().unwrap()["text"]
            .as_str()
            .unwrap()
            .to_owned();
        text.lines().last().unwrap().to_owned()
    }

    /// How the operator treats the sends to come.
    pub fn control(&self, control: &Value) {
        let reply = self.sms().call(Call::post("/control", control));
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    pub fn ended(&mut self) -> ExitStatus {
        eventually("the program ends", || self.child.try_wait().unwrap())
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // Where a test failed, or was about killing: this process only, by its handle.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
