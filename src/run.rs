//! One gateway from start to end.

use crate::config::{Config, OUTCOME_GRACE_SECONDS};
use crate::http::{self, Gateway, GatewayFace, HttpMetrics, Parts};
use crate::outbound;
use crate::outbound::sms::setup::{Sending, guard_settings};
use crate::secrets::Secrets;
use crate::telemetry::{StoreMetrics, register_process};
use actors::clock::Clock;
use actors::customer::{CustomerMessage, Customers, World};
use actors::deliveries::{Deliveries, Outbox, ask_for_ever};
use actors::directory::Directory;
use actors::guards::{Guarded, Guards};
use actors::idempotency::Running;
use actors::machines::otp::{Policy, signing_text};
use actors::metrics::Metrics;
use actors::otp::{OtpService, Settings};
use actors::ports::SmsSender;
use actors::random::Randomness;
use actors::registry::Registry;
use actors::secret::Otp;
use actors::wheel::{self, DueKey, Wheel};
use actors::windows::ClosedWindows;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use storage::{Health, SledOptions, SledStore, Store};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// What a gateway needs of the world; tests bring their own.
pub struct Environment {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Who sends messages.
    pub sms: Sending,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub randomness: Arc<dyn Randomness>,
    /// All metrics; the store's are there already.
    pub metrics: prometheus::Registry,
}

/// Where it listens; bound already, so that port 0 is known.
pub struct Listeners {
    /// For partners.
    pub public: TcpListener,
    /// For administrators, metrics and probes.
    pub admin: TcpListener,
}

/// A gateway that serves.
pub struct Started {
    /// What handlers need; also for those who start it with data.
    pub gateway: Gateway,
    customers: Arc<Registry<Customers>>,
    tasks: TaskTracker,
    servers: Servers,
    background: Vec<JoinHandle<()>>,
    guards: Arc<Guards>,
    drain: Duration,
}

struct Servers {
    stop_public: watch::Sender<bool>,
    stop_admin: watch::Sender<bool>,
    public: JoinHandle<serve::DrainReport>,
    admin: JoinHandle<serve::DrainReport>,
}

/// How often the store's health is looked at: a store that failed must end the process within a second.
const STORE_WATCH: Duration = Duration::from_millis(500);
/// How often idle customers are looked for.
const IDLE_SWEEP: Duration = Duration::from_secs(30);

/// Opens the embedded store with its metrics. Blocks; call it outside the runtime's workers.
///
/// # Errors
/// A sentence with advice.
pub fn open_store(config: &Config, metrics: &prometheus::Registry) -> Result<Arc<SledStore>, String> {
    let observer = StoreMetrics::new(metrics).map_err(|error| format!("metrics: {error}"))?;
    let options = SledOptions {
        cache_bytes: config.storage.cache_bytes,
        queue_max: config.storage.queue_max,
        free_bytes_min: config.storage.free_bytes_min,
        reserve_bytes: config.storage.reserve_bytes,
        accept_lost_tail: config.storage.accept_lost_tail,
        observer: Arc::new(observer),
        ..SledOptions::new(&config.storage.path)
    };
    SledStore::open(options).map_err(|error| error.to_string())
}

/// Starts everything; requests are served when this returns.
///
/// # Errors
/// A sentence that says what could not be started.
pub async fn start(
    config: &Config,
    environment: Environment,
    listeners: Listeners,
) -> Result<Started, String> {
    let secrets = Secrets::read(config)?;
    let Environment {
        store,
        sms,
        clock,
        randomness,
        metrics,
    } = environment;
    let counted = |error: prometheus::Error| format!("metrics: {error}");
    register_process(&metrics).map_err(counted)?;
    let actor_metrics = Metrics::new(&metrics).map_err(counted)?;
    let http_metrics = HttpMetrics::new(&metrics).map_err(counted)?;
    let stored = |error: storage::Error| error.to_string();

    let pepper = Arc::new(secrets.pepper);
    let directory = Directory::open(
        Arc::clone(&store),
        pepper,
        Arc::clone(&clock),
        Arc::clone(&randomness),
    )
    .await;
    let directory = directory.map_err(stored)?;
    check_templates(config, &directory)?;
    let guards = Guards::open(
        guard_settings(config),
        Arc::clone(&store),
        Arc::clone(&clock),
        actor_metrics.clone(),
    );
    let guards = guards.await.map_err(stored)?;
    let Sending {
        sender,
        router,
        events,
    } = sms;
    let sms: Arc<dyn SmsSender> = Arc::new(Guarded {
        guards: Arc::clone(&guards),
        inner: sender,
    });
    let tasks = TaskTracker::new();
    let windows = Arc::<ClosedWindows>::default();
    let (wheel, inbox) = Wheel::new();
    let world = Arc::new(World {
        store: Arc::clone(&store),
        wheel: wheel.clone(),
        clock: Arc::clone(&clock),
        sms: Arc::clone(&sms),
        hand_over_max: Duration::from_secs(config.sms.timeout_seconds),
        metrics: actor_metrics.clone(),
        windows: Arc::clone(&windows),
        tasks: tasks.clone(),
        registry: OnceLock::new(),
    });
    let kind = Customers(Arc::clone(&world));
    let customers = Registry::start(kind, Arc::clone(&clock), config.customers.queue_max).await;
    let customers = customers.map_err(|error| format!("actors: {error}"))?;
    let _ = world.registry.set(Arc::downgrade(&customers)); // set here and nowhere else
    let owed = wheel.load(store.as_ref(), clock.as_ref()).await.map_err(stored)?;
    if owed > 0 {
        tracing::info!(owed, "messages from before the restart are to be settled");
    }

    let otp = OtpService {
        directory: directory.clone(),
        customers: Arc::clone(&customers),
        windows: Arc::clone(&windows),
        store: Arc::clone(&store),
        clock: Arc::clone(&clock),
        randomness: Arc::clone(&randomness),
        keys: Arc::new(secrets.hmac_keys),
        settings: Arc::new(settings(config)?),
        running: Running::default(),
        guards: Arc::clone(&guards),
        metrics: actor_metrics.clone(),
    };
    let deliveries = Deliveries {
        store: Arc::clone(&store),
        clock: Arc::clone(&clock),
        customers: Arc::clone(&customers),
        outbox: Outbox::new(
            Arc::clone(&store),
            Arc::clone(&clock),
            Arc::clone(&randomness),
            secrets.hook_key,
            actor_metrics.clone(),
        ),
        metrics: actor_metrics.clone(),
    };
    let gateway = Arc::new(Parts {
        otp,
        deliveries: deliveries.clone(),
        router: router.clone(),
        receipts_url: config.sms.receipts_url.trim_end_matches('/').to_owned(),
        directory,
        store: Arc::clone(&store),
        clock: Arc::clone(&clock),
        randomness,
        admin_key_digest: secrets.admin_key_digest,
        metrics,
        draining: AtomicBool::new(false),
        body_deadline: Duration::from_secs(config.limits.body_seconds),
    });
    let waking = Arc::downgrade(&customers);
    let poster = Arc::new(outbound::partner::Partners::new(outbound::client()?));
    let mut background: Vec<_> = events
        .into_iter()
        .map(|events| tokio::spawn(outbound::sms::smpp::pump(events, deliveries.clone())))
        .collect();
    background.extend([
        tokio::spawn(ask_for_ever(deliveries.clone(), sms)),
        tokio::spawn(deliveries.outbox.run(poster)),
        tokio::spawn(Arc::clone(&guards).write_for_ever()),
        tokio::spawn(wheel::turn(inbox, Arc::clone(&clock), move |due| match due {
            DueKey::Customer(id) => waking
                .upgrade()
                .into_iter()
                .for_each(|customers| customers.tell(id, CustomerMessage::Wake)),
            // No route of this gateway reaches a register, so that none has a deadline.
            DueKey::Register(register) => {
                tracing::error!(%register, "a register has a deadline, and no registers are served");
            }
        })),
        tokio::spawn(actors::sweeper::run(store, Arc::clone(&clock), actor_metrics)),
        tokio::spawn(sweep_idle(
            Arc::clone(&customers),
            windows,
            clock,
            Duration::from_secs(config.customers.idle_seconds),
        )),
    ]);
    let servers = serve_all(config, &gateway, &http_metrics, listeners)?;
    let drain = Duration::from_secs(config.limits.shutdown_seconds);
    Ok(Started {
        gateway,
        customers,
        tasks,
        servers,
        background,
        guards,
        drain,
    })
}

fn settings(config: &Config) -> Result<Settings, String> {
    let otp = &config.otp;
    let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds));
    let policy = Policy {
        code_length: otp.code_length,
        lifetime: seconds(otp.lifetime_seconds),
        resend_window: seconds(otp.resend_window_seconds),
        outcome_deadline: Duration::from_secs(config.sms.timeout_seconds + OUTCOME_GRACE_SECONDS),
        tries_max: otp.tries_max,
        lock_after_tries: otp.lock_after_tries,
        short_cap: otp.short_cap,
        short_period: seconds(otp.short_cap_seconds),
        daily_cap: otp.daily_cap,
        contact_daily_cap: otp.contact_daily_cap,
    };
    Ok(Settings {
        brand: otp.brand.clone(),
        mobile_phone_types: otp.mobile_phone_types.clone(),
        default_region: otp
            .default_region
            .parse()
            .map_err(|_| "otp.default_region: is no region".to_owned())?,
        policy,
    })
}

/// Characters of a name that a template is measured with: longer ones are rare, and their messages may have as many parts as are allowed.
const NAME_CHARACTERS: usize = 40;

/// Every contract type's message must fit into the parts that are allowed, whoever of an ordinary name it goes to.
fn check_templates(config: &Config, directory: &Directory) -> Result<(), String> {
    let (snapshot, name) = (directory.snapshot(), "\u{628}".repeat(NAME_CHARACTERS));
    let allowed = config.sms.parts_max;
    for (id, record) in snapshot.contract_types() {
        let digits = record.otp.code_length.unwrap_or(config.otp.code_length);
        let code = Otp::typed(&"0".repeat(usize::from(digits)));
        let text = signing_text(&config.otp.brand, &name, &record.title, &code);
        let parts = sms::segment::count(text.expose());
        if parts > allowed {
            return Err(format!(
                "contract type {id}: its message would need {parts} parts, and sms.parts_max allows {allowed}; shorten its title or otp.brand"
            ));
        }
    }
    Ok(())
}

async fn sweep_idle(
    customers: Arc<Registry<Customers>>,
    windows: Arc<ClosedWindows>,
    clock: Arc<dyn Clock>,
    idle: Duration,
) {
    loop {
        clock.sleep(IDLE_SWEEP.min(idle)).await;
        customers.sweep_idle(idle);
        windows.sweep(clock.now());
    }
}

fn serve_all(
    config: &Config,
    gateway: &Gateway,
    metrics: &HttpMetrics,
    listeners: Listeners,
) -> Result<Servers, String> {
    let limits = limits(config);
    let face = |name| Arc::new(GatewayFace::new(name, metrics.clone()));
    let mut public = serve::Server::new(
        listeners.public,
        http::service(http::public(gateway)),
        face("public"),
        limits.clone(),
    );
    if let (Some(certificate), Some(key)) = (&config.public.tls_certificate_file, &config.public.tls_key_file)
    {
        let ca = config.public.tls_client_ca_file.as_deref();
        let required = config.public.tls_client_certificate_required;
        let tls = serve::Tls::from_pem_files(certificate, key, ca, required)
            .map_err(|error| format!("TLS: {error}"))?;
        public = public.tls(tls);
    }
    let admin = serve::Server::new(
        listeners.admin,
        http::service(http::admin(gateway)),
        face("admin"),
        limits,
    );
    let (stop_public, public_stopped) = watch::channel(false);
    let (stop_admin, admin_stopped) = watch::channel(false);
    Ok(Servers {
        stop_public,
        stop_admin,
        public: tokio::spawn(public.run(told(public_stopped))),
        admin: tokio::spawn(admin.run(told(admin_stopped))),
    })
}

async fn told(mut stopped: watch::Receiver<bool>) {
    // An error means that nobody can tell any more, which is as good as being told.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

fn limits(config: &Config) -> serve::Limits {
    let limits = &config.limits;
    let defaults = serve::Limits::default();
    serve::Limits {
        connections_max: if limits.connections_max == 0 {
            defaults.connections_max
        } else {
            limits.connections_max
        },
        in_flight_max: limits.in_flight_max,
        header_timeout: Duration::from_secs(limits.header_seconds),
        hold_max: Duration::from_secs(limits.hold_seconds),
        upload_max: Duration::from_secs(limits.upload_seconds),
        keep_alive_idle: Duration::from_secs(limits.keep_alive_seconds),
        drain_deadline: Duration::from_secs(limits.shutdown_seconds),
        ..defaults
    }
}

impl Started {
    /// Serves until `shutdown` completes, then goes down in order: readiness falls, accepting stops, what is in flight ends, what actors were
    /// told is made durable, the store is closed.
    ///
    /// # Errors
    /// A sentence, where the store failed or a listener ended by itself; the process should exit with an error.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) -> Result<(), String> {
        let failure = tokio::select! {
            () = shutdown => None,
            reason = store_failure(Arc::clone(&self.gateway.store)) => Some(format!("the store failed: {reason}")),
            _ = &mut self.servers.public => Some("the public listener ended".to_owned()),
            _ = &mut self.servers.admin => Some("the administrators' listener ended".to_owned()),
        };
        tracing::info!("going down");
        self.gateway.draining.store(true, Ordering::Relaxed);
        let ended = tokio::time::timeout(self.drain, self.go_down(failure.is_none())).await;
        let closed = self.gateway.store.close().await;
        match (failure, ended, closed) {
            (Some(failure), ..) => Err(failure),
            (None, _, Err(error)) => Err(format!("the store could not be closed: {error}")),
            (None, Err(_), Ok(())) => {
                tracing::warn!("the deadline for going down has passed; what was acknowledged is durable");
                Ok(())
            }
            (None, Ok(()), Ok(())) => {
                tracing::info!("down");
                Ok(())
            }
        }
    }

    async fn go_down(&mut self, orderly: bool) {
        self.servers.stop_public.send_replace(true);
        if orderly && let Ok(report) = (&mut self.servers.public).await {
            tracing::info!(
                finished = report.finished,
                cut = report.cut,
                "the public listener is closed"
            );
        }
        self.tasks.close();
        if orderly {
            self.tasks.wait().await;
        }
        self.background.iter().for_each(JoinHandle::abort);
        if let Some(router) = self.gateway.router.as_ref().filter(|_| orderly) {
            router.close().await;
        }
        if let Err(error) = self.guards.write().await {
            tracing::warn!(%error, "the last counts of traffic could not be written");
        }
        self.customers.drain(self.drain).await;
        self.gateway.directory.drain(self.drain).await;
        self.servers.stop_admin.send_replace(true);
        if orderly {
            let _ = (&mut self.servers.admin).await; // its report says nothing that anybody waits for
        }
    }
}

async fn store_failure(store: Arc<dyn Store>) -> String {
    loop {
        if let Health::Poisoned { reason } = store.health() {
            return reason;
        }
        tokio::time::sleep(STORE_WATCH).await;
    }
}
