//! The whole world in one process: gateway, stand-ins, demo data. For trying out and for tests; nothing leaves the machine.

mod agent;
mod demo;
mod files;
mod sms;
mod tax;

pub use files::{DevCashDesk, DevFile, DevIntegration, DevPartner};
pub use sms::DevSms;

use crate::config::{self, Config, LoadError, Sources};
use crate::listeners::Listeners;
use crate::outbound::sms::setup::sending;
use crate::run::{Environment, Started, open_store, start, tax_service};
use actors::clock::{Clock, SystemClock};
use actors::random::{OsRandomness, Randomness};
use files::DevSecrets;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use storage::Store;
use tokio::net::TcpListener;
use tokio::runtime::Handle;

/// What `countersign dev` is given.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where everything is kept; may exist.
    pub data: PathBuf,
    /// File, environment and flags.
    pub sources: Sources,
    /// By which way messages reach the stand-in operator.
    pub sms: DevSms,
}

/// A world that runs.
pub struct Dev {
    started: Started,
    /// What was written to `dev.json`.
    pub file: DevFile,
    sms: sms::SmsStandIn,
    fiscal: tax::FiscalStandIn,
    agent: agent::DemoAgent,
}

/// Secrets, store, stand-ins, gateway, demo data, `dev.json`: in this order.
///
/// # Errors
/// A sentence that says what could not be started.
pub async fn start_dev(options: &Options) -> Result<Dev, String> {
    let randomness: Arc<dyn Randomness> = Arc::new(OsRandomness);
    std::fs::create_dir_all(&options.data)
        .map_err(|error| format!("{}: cannot be made: {error}", options.data.display()))?;
    let secrets = DevSecrets::load_or_make(&options.data, randomness.as_ref())?;
    let sms = sms::SmsStandIn::start().await?;
    let fiscal = tax::FiscalStandIn::start(&options.data).await?;
    let mut config = configure(options, &secrets, &sms, &fiscal.url).map_err(|error| error.to_string())?;

    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let metrics = prometheus::Registry::new();
    let store: Arc<dyn Store> = {
        let (config, metrics) = (config.clone(), metrics.clone());
        let opened =
            tokio::task::spawn_blocking(move || open_store(&config, &metrics, &Handle::current())).await;
        opened.map_err(|error| format!("the store could not be opened: {error}"))??
    };
    // Only now: who holds the store's lock is the one whom `dev.json` is about.
    files::remove_stale(&options.data)?;
    let sending = sending(&config, &clock, &metrics)?;
    let tax = tax_service(&config, &clock)?;
    let environment = Environment {
        store,
        sms: sending,
        clock,
        randomness,
        tax,
        signing: None,
        metrics,
    };
    let listeners = Listeners {
        public: bind(config.public.address)?,
        agents: Some(bind(config.agents.address)?),
        admin: bind(config.admin.address)?,
    };
    let (public, admin) = (base_url(&listeners.public)?, base_url(&listeners.admin)?);
    let agents = listeners
        .agents
        .as_ref()
        .map(base_url)
        .transpose()?
        .unwrap_or_default();
    if config.cashdesk.receipts_url.is_empty() {
        config.cashdesk.receipts_url.clone_from(&public);
    }
    let started = start(&config, environment, listeners).await?;
    demo::fill(&started.gateway.directory, &secrets).await?;
    let agent = agent::start(&options.data, &secrets, &started.gateway, &agents).await?;
    let urls = demo::Urls {
        public,
        admin,
        sms: sms.url.clone(),
        fiscal: fiscal.url.clone(),
        agent: agent.url.clone(),
    };
    demo::fill_evidence(&started.gateway.directory, &secrets).await?;
    let evidence_key = started.gateway.evidence.checkpoints().keys().next();
    let evidence_key = evidence_key.map(ToString::to_string).unwrap_or_default();
    let file = demo::describe(&secrets, urls, evidence_key);
    file.write(&options.data)?;
    Ok(Dev {
        started,
        file,
        sms,
        fiscal,
        agent,
    })
}

impl Dev {
    /// Runs until `shutdown` completes.
    ///
    /// # Errors
    /// As [`Started::run`].
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), String> {
        let ended = self.started.run(shutdown).await;
        let agent = self.agent.stop().await;
        self.sms.stop().await?;
        self.fiscal.stop().await?;
        agent?;
        ended
    }

    /// The gateway's parts, for whoever runs it inside its own process.
    pub fn gateway(&self) -> &crate::http::Gateway {
        &self.started.gateway
    }
}

/// Where the database of `countersign dev` lies inside its directory.
pub fn database(data: &Path) -> PathBuf {
    data.join("store")
}

fn configure(
    options: &Options,
    secrets: &DevSecrets,
    sms: &sms::SmsStandIn,
    fiscal_url: &str,
) -> Result<Config, LoadError> {
    let mut sources = options.sources.clone();
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let own = [
        (
            "storage.path",
            quoted(&database(&options.data).display().to_string()),
        ),
        ("admin.key", quoted(&secrets.admin_key)),
        ("partners.key_pepper", quoted(&secrets.key_pepper)),
        (
            "otp.hmac_keys",
            format!("[{}]", quoted(&format!("1:{}", secrets.hmac_key))),
        ),
        // Whatever is free: nobody but the demo's own agent looks for it.
        ("agents.address", quoted("127.0.0.1:0")),
        ("agents.push_private_addresses", "true".to_owned()),
        ("webhooks.private_addresses", "true".to_owned()),
        (
            "evidence.signing_keys",
            format!("[{}]", quoted(&secrets.evidence_key)),
        ),
        ("tax.url", quoted(&format!("{fiscal_url}/fs"))),
    ];
    let own = own.into_iter().chain(sms.settings(options.sms));
    let own = own.map(|(name, value)| (name.to_owned(), value));
    // First, so that what the user says wins.
    sources.flags = own.chain(sources.flags).collect();
    config::load(&sources, true)
}

fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    let advice = "is it in use? `--public` and `--admin` take another address, port 0 a free one";
    serve::listen(address).map_err(|error| format!("cannot listen on {address}: {error} ({advice})"))
}

fn base_url(listener: &TcpListener) -> Result<String, String> {
    let address = listener
        .local_addr()
        .map_err(|error| format!("a listener has no address: {error}"))?;
    Ok(format!("http://{address}"))
}
