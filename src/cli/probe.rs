//! `countersign probe`: for health checks of images that have no curl.

use clap::Args;
use std::time::Duration;

#[derive(Args)]
pub(super) struct Arguments {
    /// The readiness probe's URL.
    #[arg(default_value = "http://127.0.0.1:9090/readyz")]
    url: String,
}

/// Well under the interval at which orchestrators ask.
const DEADLINE: Duration = Duration::from_secs(3);

/// Fails where the gateway is not ready.
pub(super) fn probe(arguments: &Arguments) -> Result<(), String> {
    super::runtime()?.block_on(async {
        let client = countersign::outbound::client()?;
        let answer = client.get(&arguments.url).timeout(DEADLINE).send().await;
        let status = answer.map_err(|error| format!("no answer: {error}"))?.status();
        if status.is_success() {
            Ok(())
        } else {
            Err(format!("not ready: {status}"))
        }
    })
}
