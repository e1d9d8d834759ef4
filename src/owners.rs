//! Webhooks of owners of registers, as they are configured.

use crate::config::Config;
use actors::accounts::Accounts;
use actors::clock::Clock;
use actors::owners::{OwnerMetrics, Owners, Settings};
use actors::random::Randomness;
use std::sync::Arc;
use std::time::Duration;
use storage::Store;
use zeroize::Zeroizing;

/// What webhooks of owners need of the gateway.
pub(crate) struct Needs {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) randomness: Arc<dyn Randomness>,
    pub(crate) key: Zeroizing<Vec<u8>>,
    pub(crate) accounts: Accounts,
    pub(crate) metrics: prometheus::Registry,
}

/// Opens them, with all that is owed from before.
///
/// # Errors
/// A sentence.
pub(crate) async fn open(config: &Config, needs: Needs) -> Result<Owners, String> {
    let webhooks = &config.webhooks;
    let accounts = needs.accounts;
    let opened = Owners::open(actors::owners::Needs {
        store: needs.store,
        clock: needs.clock,
        randomness: needs.randomness,
        key: needs.key,
        owner_of: Arc::new(move |register| accounts.till(register).map(|till| till.account)),
        settings: Settings {
            first_pause: Duration::from_secs(webhooks.first_pause_seconds),
            pause_max: Duration::from_secs(webhooks.pause_max_seconds),
            give_up_after: Duration::from_secs(webhooks.give_up_hours * 3_600),
            kept_max: webhooks.events_max,
        },
        metrics: OwnerMetrics::new(&needs.metrics).map_err(|error| format!("metrics: {error}"))?,
    });
    opened.await.map_err(|error| error.to_string())
}
