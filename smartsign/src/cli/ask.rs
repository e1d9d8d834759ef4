//! Commands that ask a running agent by its API.

use clap::Args;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;
use uuid::Uuid;

/// Longer than the agent's own calls to the gateway.
const DEADLINE: Duration = Duration::from_secs(45);
/// Well under the interval at which orchestrators ask.
const PROBE_DEADLINE: Duration = Duration::from_secs(3);

/// Which agent, and with which key.
#[derive(Args)]
struct Agent {
    /// The agent's API.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8090")]
    url: String,
    /// One of its `api.keys`, where it has any.
    #[arg(long, value_name = "KEY", env = "SMARTSIGN_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
}

#[derive(Args)]
pub(super) struct Probe {
    /// The probe's URL: /readyz says whether it can sign, /livez whether it runs.
    #[arg(default_value = "http://127.0.0.1:8090/livez")]
    url: String,
}

#[derive(Args)]
pub(super) struct InstallLicence {
    #[command(flatten)]
    agent: Agent,
    /// The file with the licence.
    file: PathBuf,
}

#[derive(Args)]
pub(super) struct RegisterCashier {
    #[command(flatten)]
    agent: Agent,
    /// The key that the cashier signs with; it must be active.
    #[arg(long, value_name = "UUID")]
    key: Uuid,
    /// The cashier's name on receipts [default: the certificate's holder].
    #[arg(long)]
    name: Option<String>,
    /// A register's fiscal number; may be given several times [default: all that the tax service allows].
    #[arg(long = "register", value_name = "NUMBER")]
    registers: Vec<u64>,
}

impl Probe {
    /// Fails where the answer is no 200.
    pub fn ask(&self) -> Result<(), String> {
        super::runtime()?.block_on(async {
            let answer = client()?.get(&self.url).timeout(PROBE_DEADLINE).send().await;
            let status = answer.map_err(|error| format!("no answer: {error}"))?.status();
            if status.is_success() {
                Ok(())
            } else {
                Err(format!("the agent answered {status}"))
            }
        })
    }
}

impl InstallLicence {
    /// Sends the file's content.
    pub fn ask(&self) -> Result<(), String> {
        let text = std::fs::read_to_string(&self.file)
            .map_err(|error| format!("{}: cannot be read: {error}", self.file.display()))?;
        super::runtime()?.block_on(async {
            let url = self.agent.at("/api/v1/licence");
            let licence = self.agent.send(client()?.put(url).body(text)).await?;
            println!("in force until {}", licence["expires"].as_str().unwrap_or("?"));
            Ok(())
        })
    }
}

impl RegisterCashier {
    /// Registers, and prints the token to stdout, all else to stderr.
    pub fn ask(&self) -> Result<(), String> {
        super::runtime()?.block_on(async {
            let body = json!({ "key": self.key, "name": self.name, "registers": self.registers });
            let url = self.agent.at("/api/v1/cashiers");
            let request = client()?
                .post(url)
                .header("content-type", "application/json")
                .body(body.to_string());
            let answer = self.agent.send(request).await?;
            let cashier = answer["cashier"].as_str().unwrap_or("?");
            eprintln!("cashier {cashier}; the token is shown this once:");
            println!(
                "{}",
                answer["token"]
                    .as_str()
                    .ok_or("the agent's answer has no token")?
            );
            Ok(())
        })
    }
}

impl Agent {
    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url.trim_end_matches('/'))
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Value, String> {
        let request = match &self.api_key {
            Some(key) => request.bearer_auth(key),
            None => request,
        };
        let answer = request.timeout(DEADLINE).send().await;
        let answer = answer.map_err(|error| format!("no answer: {error}"))?;
        let status = answer.status();
        let text = answer.text().await;
        let text = text.map_err(|error| format!("the answer broke off: {error}"))?;
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        if status.is_success() {
            Ok(value)
        } else {
            let message = value["message"].as_str().unwrap_or("no reason was given");
            Err(format!("the agent answered {status}: {message}"))
        }
    }
}

fn client() -> Result<reqwest::Client, String> {
    // The provider is chosen once for the process; a second choice of the same is no error.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(smartsign::PROGRAM)
        .build()
        .map_err(|error| format!("the HTTP client could not be made: {error}"))
}
