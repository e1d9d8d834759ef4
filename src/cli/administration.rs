//! Where the administrators' listener of a running gateway is, and the calls to it.

use clap::Args;
use serde_json::Value;
#[cfg(feature = "dev")]
use std::path::PathBuf;
use std::time::Duration;

/// How long a call may take: one that asks an agent waits half a minute for it.
const CALL_MAX: Duration = Duration::from_secs(40);

#[derive(Args)]
pub(super) struct AdminArguments {
    /// Base URL of the administrators' listener.
    #[arg(long, env = "COUNTERSIGN_ADMIN_URL", default_value = "http://127.0.0.1:9090")]
    admin_url: String,
    /// The administrators' key; better given by the variable, which no process list shows.
    #[arg(long, env = "COUNTERSIGN_ADMIN_KEY", hide_env_values = true)]
    admin_key: Option<String>,
    /// Directory of a running `countersign dev`: takes URL and key from its dev.json.
    #[cfg(feature = "dev")]
    #[arg(long, value_name = "DIR")]
    dev: Option<PathBuf>,
    /// Who does it, for the audit of registers: 1 to 64 visible characters.
    #[arg(long, env = "COUNTERSIGN_OPERATOR", value_name = "NAME")]
    operator: Option<String>,
}

impl AdminArguments {
    /// URL and key.
    pub(super) fn target(&self) -> Result<(String, String), String> {
        #[cfg(feature = "dev")]
        if let Some(data) = &self.dev {
            let file = countersign::dev::DevFile::read(data)?;
            return Ok((file.admin, file.admin_key));
        }
        let missing =
            "a key is needed: set COUNTERSIGN_ADMIN_KEY, or name a directory of `countersign dev` with --dev";
        let key = self.admin_key.clone().ok_or(missing)?;
        Ok((self.admin_url.trim_end_matches('/').to_owned(), key))
    }

    /// Calls a route with the key; the answer as JSON, null for none.
    pub(super) async fn call(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, String> {
        self.call_within(CALL_MAX, method, path, body).await
    }

    /// The same, for routes that take longer.
    pub(super) async fn call_within(
        &self,
        deadline: Duration,
        method: reqwest::Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, String> {
        let (url, key) = self.target()?;
        let request = countersign::outbound::client()?
            .request(method, format!("{url}{path}"))
            .timeout(deadline)
            .bearer_auth(key);
        let request = match &self.operator {
            Some(operator) => request.header("countersign-operator", operator),
            None => request,
        };
        let request = match body {
            Some(body) => request
                .header("content-type", "application/json")
                .body(body.to_string()),
            None => request,
        };
        let answer = request
            .send()
            .await
            .map_err(|error| format!("{url}: no answer: {error}"))?;
        let status = answer.status();
        let text = answer
            .text()
            .await
            .map_err(|error| format!("{url}: the answer broke off: {error}"))?;
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        if status.is_success() {
            return Ok(value);
        }
        let detail = value["detail"].as_str().unwrap_or(&text);
        Err(format!("{url}: {status}: {detail}"))
    }
}
