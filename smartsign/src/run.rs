//! One agent from start to end: what is opened in which order, and closed in which.

use crate::clock::Clock;
use crate::config::{Config, ConfigSecret};
use crate::gateway::client::Client;
use crate::gateway::{self, Link, Settings};
use crate::http::{AgentFace, App, Shape, api_service, push_service};
use crate::keys::KeyStore;
use crate::licence::Licences;
use crate::metrics::Metrics;
use crate::recorder::{Failed, Recorder};
use crate::signing::{self, Desk};
use crate::vault::Vault;
use crate::{PROGRAM, instance};
use chrono::TimeDelta;
use signing_protocol::{Connection, PublicKey, SecretKey, sha_256};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How often the disk's health is looked at; a failed disk refuses every signature from the first on.
const DISK_WATCH: Duration = Duration::from_secs(1);

/// Where the agent listens.
pub struct Listeners {
    /// The integrator's.
    pub api: TcpListener,
    /// The gateway's, where it pushes.
    pub push: Option<TcpListener>,
}

impl Listeners {
    /// Binds what the configuration asks for.
    ///
    /// # Errors
    /// A sentence that names the address.
    pub async fn bind(config: &Config) -> Result<Self, String> {
        let push = match config.push.url.is_empty() {
            true => None,
            false => Some(bind(config.push.address)?),
        };
        Ok(Self {
            api: bind(config.api.address)?,
            push,
        })
    }
}

fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    serve::listen(address).map_err(|error| format!("cannot listen on {address}: {error}"))
}

/// What is on disk, open.
pub struct Opened {
    vault: Arc<Vault>,
    instance: SecretKey,
    keys: Arc<KeyStore>,
    recorder: Arc<Recorder>,
    licences: Arc<Licences>,
    gateway: Vec<PublicKey>,
}

/// Opens the store, and unlocks the keys that were active. Takes as long as the passwords' hashing: before the runtime, or on a thread of its own.
///
/// # Errors
/// A sentence: the secret is wrong, the store is in use or damaged, the disk.
pub fn open(config: &Config, clock: &Arc<dyn Clock>) -> Result<Opened, String> {
    let vault = Arc::new(open_vault(config)?);
    let instance = instance::open(&vault).map_err(|error| error.to_string())?;
    let gateway = config.gateway.public_keys.iter().map(|key| key.parse());
    let gateway: Vec<PublicKey> = gateway
        .collect::<Result<_, _>>()
        .map_err(|error| format!("gateway.public_keys: {error}"))?;
    let keys = KeyStore::open(
        Arc::clone(&vault),
        Arc::clone(clock),
        config.signing.signer_identification,
    );
    let remember_for = TimeDelta::seconds(i64::from(config.signing.remember_seconds));
    let recorder = Recorder::open(&vault, Arc::clone(clock), remember_for);
    let path = licence_path(config);
    let licences = Licences::open(
        path.clone(),
        gateway.clone(),
        instance.public_key(),
        Arc::clone(clock),
    );
    Ok(Opened {
        keys: Arc::new(keys.map_err(|error| error.to_string())?),
        recorder: Arc::new(recorder.map_err(|error| error.to_string())?),
        licences: Arc::new(licences.map_err(|error| format!("{}: {error}", path.display()))?),
        vault,
        instance,
        gateway,
    })
}

/// Opens the store alone.
///
/// # Errors
/// As [`open`].
pub fn open_vault(config: &Config) -> Result<Vault, String> {
    let storage = &config.storage;
    let secret = storage.secret.resolve();
    let secret = secret.map_err(|error| format!("storage.secret: {error}"))?;
    Vault::open(
        &storage.path,
        &secret,
        storage.argon2_memory_kib,
        storage.argon2_passes,
    )
    .map_err(|error| error.to_string())
}

fn licence_path(config: &Config) -> PathBuf {
    let file = config.licence.file.clone();
    file.unwrap_or_else(|| config.storage.path.join("licence"))
}

/// A started agent.
pub struct Started {
    app: Arc<App>,
    recorder: Arc<Recorder>,
    link: Arc<Link>,
    desk: Arc<Desk>,
    background: Vec<JoinHandle<()>>,
    servers: Vec<JoinHandle<serve::DrainReport>>,
    stop: watch::Sender<bool>,
    drain: Duration,
}

/// Starts everything.
///
/// # Errors
/// A sentence.
pub fn start(
    config: &Config,
    opened: Opened,
    clock: Arc<dyn Clock>,
    listeners: Listeners,
) -> Result<Started, String> {
    let metrics = Metrics::new().map_err(|error| format!("metrics: {error}"))?;
    let desk = Desk::new(signing::Parts {
        gateway: opened.gateway.clone(),
        licences: Arc::clone(&opened.licences),
        keys: Arc::clone(&opened.keys),
        recorder: Arc::clone(&opened.recorder),
        clock: Arc::clone(&clock),
        metrics: metrics.clone(),
        threads: threads(config),
        queue_max: size(config.signing.queue_max),
        remembered_max: size(config.signing.remembered_max),
    });
    let link = link(config, &opened, &desk, &clock, &metrics)?;
    let app = Arc::new(App {
        licences: opened.licences,
        keys: opened.keys,
        desk: Arc::clone(&desk),
        link: Arc::clone(&link),
        recorder: Arc::clone(&opened.recorder),
        clock,
        metrics,
        instance: opened.instance.public_key(),
        api_key_digests: api_key_digests(&config.api.keys)?,
        body_deadline: seconds(config.limits.body_seconds),
        draining: AtomicBool::new(false),
        uploading: tokio::sync::Mutex::default(),
    });
    let (stop, stopped) = watch::channel(false);
    let mut servers = Vec::new();
    let api = serve::Server::new(
        listeners.api,
        api_service(&app),
        Arc::new(AgentFace(Shape::CashDesk)),
        limits(config),
    );
    let api = with_tls(api, &config.api.tls_certificate_file, &config.api.tls_key_file)?;
    servers.push(tokio::spawn(api.run(told(stopped.clone()))));
    link.deliver_owed();
    let mut background = vec![tokio::spawn(gateway::report(Arc::clone(&link)))];
    match listeners.push {
        Some(listener) => {
            let face = Arc::new(AgentFace(Shape::Problem));
            let push = serve::Server::new(listener, push_service(&app), face, limits(config));
            let push = with_tls(push, &config.push.tls_certificate_file, &config.push.tls_key_file)?;
            servers.push(tokio::spawn(push.run(told(stopped))));
        }
        None => background.push(tokio::spawn(gateway::pull(Arc::clone(&link)))),
    }
    tracing::info!(program = PROGRAM, instance = %app.instance, "started");
    Ok(Started {
        app,
        recorder: opened.recorder,
        link,
        desk,
        background,
        servers,
        stop,
        drain: seconds(config.limits.shutdown_seconds),
    })
}

fn link(
    config: &Config,
    opened: &Opened,
    desk: &Arc<Desk>,
    clock: &Arc<dyn Clock>,
    metrics: &Metrics,
) -> Result<Arc<Link>, String> {
    let gateway = &config.gateway;
    let deliveries_max = size(gateway.deliveries_max);
    let client = Client::new(&gateway.url, seconds(gateway.timeout_seconds), deliveries_max)?;
    let connection = match config.push.url.as_str() {
        "" => Connection::Pull,
        url => Connection::Push {
            url: url.trim_end_matches('/').to_owned(),
        },
    };
    let parts = gateway::Parts {
        client,
        vault: Arc::clone(&opened.vault),
        gateway: opened.gateway.clone(),
        instance: opened.instance.clone(),
        licences: Arc::clone(&opened.licences),
        keys: Arc::clone(&opened.keys),
        recorder: Arc::clone(&opened.recorder),
        desk: Arc::clone(desk),
        clock: Arc::clone(clock),
        metrics: metrics.clone(),
        connection,
        settings: Settings {
            poll_wait_seconds: gateway.poll_wait_seconds,
            poll_requests_max: gateway.poll_requests_max,
            backoff_min: Duration::from_millis(u64::from(gateway.backoff_min_milliseconds)),
            backoff_max: seconds(gateway.backoff_max_seconds),
            deliveries_max,
            queue_max: size(config.signing.queue_max),
        },
    };
    Link::open(parts).map_err(|error| error.to_string())
}

fn threads(config: &Config) -> usize {
    match config.signing.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => size(threads),
    }
}

fn size(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

fn seconds(value: u32) -> Duration {
    Duration::from_secs(u64::from(value))
}

fn api_key_digests(keys: &[ConfigSecret]) -> Result<Vec<[u8; 32]>, String> {
    let digest = |key: &ConfigSecret| {
        let key = key.resolve().map_err(|error| format!("api.keys: {error}"))?;
        Ok(sha_256(key.expose().as_bytes()))
    };
    keys.iter().map(digest).collect()
}

fn with_tls<S, B>(
    server: serve::Server<S>,
    certificate: &Option<PathBuf>,
    key: &Option<PathBuf>,
) -> Result<serve::Server<S>, String>
where
    S: tower_service::Service<
            http::Request<serve::Body>,
            Response = http::Response<B>,
            Error = std::convert::Infallible,
        > + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: http_body_util::BodyExt<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (Some(certificate), Some(key)) = (certificate, key) else {
        return Ok(server);
    };
    let tls = serve::Tls::from_pem_files(certificate, key, None, false);
    Ok(server.tls(tls.map_err(|error| format!("TLS: {error}"))?))
}

fn limits(config: &Config) -> serve::Limits {
    let limits = &config.limits;
    serve::Limits {
        connections_max: size(limits.connections_max),
        in_flight_max: size(limits.in_flight_max),
        hold_max: seconds(limits.hold_seconds),
        drain_deadline: seconds(limits.shutdown_seconds),
        ..serve::Limits::default()
    }
}

async fn told(mut stopped: watch::Receiver<bool>) {
    // An error means that nobody can tell any more, which is as good as being told.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

impl Started {
    /// Serves until `shutdown` completes, then goes down in order: no more is taken, what was taken is signed and delivered, within the deadline.
    ///
    /// # Errors
    /// A sentence, where the disk failed; the process should exit with an error.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), String> {
        let failed = tokio::select! {
            () = shutdown => None,
            failed = disk_failure(&self.recorder) => Some(failed),
        };
        tracing::info!("going down");
        self.app.draining.store(true, Ordering::Relaxed);
        for task in self.background {
            task.abort();
            let _ = task.await; // it was told to end; nothing else may come of it
        }
        self.stop.send_replace(true);
        let went = tokio::time::timeout(self.drain, async {
            for server in self.servers {
                let _ = server.await; // its report says nothing that anybody waits for
            }
            self.desk.drain().await;
            self.link.drain().await;
        });
        if went.await.is_err() {
            tracing::warn!("the deadline for going down has passed; what was signed is remembered");
            self.link.cut().await;
        }
        match failed {
            Some(failed) => Err(failed.to_string()),
            None => {
                tracing::info!("down");
                Ok(())
            }
        }
    }
}

async fn disk_failure(recorder: &Recorder) -> Failed {
    loop {
        if let Some(failed) = recorder.failure() {
            return failed;
        }
        tokio::time::sleep(DISK_WATCH).await;
    }
}
