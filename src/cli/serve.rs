//! `countersign serve`.

use super::ConfigArguments;
use super::signals::{notify, terminated};
use actors::clock::{Clock, SystemClock};
use actors::random::OsRandomness;
use countersign::config;
use countersign::secrets::Secrets;
use countersign::telemetry::start_logging;
use countersign::{Environment, Listeners, open_store, sending, start, tax_service};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Runs the gateway until it is told to stop.
pub(super) fn serve(arguments: &ConfigArguments) -> Result<(), String> {
    let config = config::load(&arguments.sources(true), false).map_err(|error| error.to_string())?;
    // Before anything is made on disk: a secret that cannot be used is a fault of the configuration.
    Secrets::read(&config)?;
    start_logging(&config.log)?;
    let metrics = prometheus::Registry::new();
    let runtime = super::runtime()?;
    let store = open_store(&config, &metrics, runtime.handle())?;
    runtime.block_on(async {
        let terminated = terminated();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let sms = sending(&config, &clock, &metrics)?;
        let tax = tax_service(&config, &clock)?;
        let environment = Environment {
            store,
            sms,
            clock,
            randomness: Arc::new(OsRandomness),
            tax,
            signing: None,
            metrics,
        };
        // Without registers there is nothing that an agent could sign.
        let agents = match config.tax.url.as_str() {
            "" => None,
            _ => Some(bind(config.agents.address)?),
        };
        let listeners = Listeners {
            public: bind(config.public.address)?,
            agents,
            admin: bind(config.admin.address)?,
        };
        tracing::info!(public = %config.public.address, admin = %config.admin.address, "listening");
        let started = start(&config, environment, listeners).await?;
        notify(&[sd_notify::NotifyState::Ready]);
        started.run(terminated).await
    })
}

fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    ::serve::listen(address).map_err(|error| format!("cannot listen on {address}: {error}"))
}
