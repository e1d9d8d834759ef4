//! One gateway from start to end.

use crate::agents;
use crate::config::{Config, OUTCOME_GRACE_SECONDS};
use crate::http::{Gateway, HttpMetrics, Parts};
use crate::listeners::{Listeners, Servers};
use crate::outbound;
use crate::outbound::guarded::Guarded as Receivers;
use crate::outbound::owner::OwnerHooks;
use crate::outbound::partner::PartnerHooks;
use crate::outbound::sms::setup::{Sending, check_templates, guard_settings};
use crate::owners;
use crate::registers;
use crate::secrets::Secrets;
use crate::signing_evidence;
use crate::telemetry::{StoreMetrics, register_process};
use crate::wake::{sweep_idle, sweep_idle_registers, waking};
use actors::accounts::Accounts;
use actors::clock::Clock;
use actors::customer::{Customers, World};
use actors::deliveries::{Deliveries, Outbox, ask_for_ever};
use actors::directory::Directory;
use actors::guards::{Guarded, Guards};
use actors::idempotency::Running;
use actors::machines::otp::Policy;
use actors::metrics::Metrics;
use actors::otp::{OtpService, Settings};
use actors::ports::{SignatureVerifier, SigningAgent, SmsSender, TaxService};
use actors::random::Randomness;
use actors::register::{RegisterMetrics, Registers};
use actors::registry::Registry;
use actors::wheel::{self, Wheel};
use actors::windows::ClosedWindows;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use storage::{Health, SledOptions, SledStore, Store};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
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
    /// The tax service; `None`: no registers are served.
    pub tax: Option<Arc<dyn TaxService>>,
    /// Who signs, and who judges it, in place of the gateway's own agents.
    pub signing: Option<Signing>,
    /// All metrics; the store's are there already.
    pub metrics: prometheus::Registry,
}

/// Who signs documents, and who judges their signatures.
pub struct Signing {
    /// The signing agents.
    pub agents: Arc<dyn SigningAgent>,
    /// The judge.
    pub verifier: Arc<dyn SignatureVerifier>,
}

/// A gateway that serves.
pub struct Started {
    /// What handlers need; also for those who start it with data.
    pub gateway: Gateway,
    customers: Arc<Registry<Customers>>,
    registers: Option<Arc<Registry<Registers>>>,
    going_down: CancellationToken,
    tasks: TaskTracker,
    pushes: TaskTracker,
    servers: Servers,
    background: Vec<JoinHandle<()>>,
    guards: Arc<Guards>,
    drain: Duration,
}

/// How often the store's health is looked at: a store that failed must end the process within a second.
const STORE_WATCH: Duration = Duration::from_millis(500);

/// Opens the embedded store with its metrics; it answers in this runtime. Blocks; call it outside the runtime's workers.
///
/// # Errors
/// A sentence with advice.
pub fn open_store(
    config: &Config,
    metrics: &prometheus::Registry,
    runtime: &Handle,
) -> Result<Arc<SledStore>, String> {
    let observer = StoreMetrics::new(metrics).map_err(|error| format!("metrics: {error}"))?;
    let options = SledOptions {
        cache_bytes: config.storage.cache_bytes,
        queue_max: config.storage.queue_max,
        free_bytes_min: config.storage.free_bytes_min,
        reserve_bytes: config.storage.reserve_bytes,
        accept_lost_tail: config.storage.accept_lost_tail,
        ordered_tables: actors::ordered::ORDERED_TABLES.to_vec(),
        runtime: Some(runtime.clone()),
        observer: Arc::new(observer),
        ..SledOptions::new(&config.storage.path)
    };
    SledStore::open(options).map_err(|error| error.to_string())
}

/// The configured tax service, where there is one.
///
/// # Errors
/// A sentence that names the option.
pub fn tax_service(config: &Config, clock: &Arc<dyn Clock>) -> Result<Option<Arc<dyn TaxService>>, String> {
    if config.tax.url.is_empty() {
        return Ok(None);
    }
    let settings = outbound::tax::Settings {
        url: config.tax.url.clone(),
        seals: config.tax.seals.clone(),
    };
    let server = outbound::tax::FiscalServer::new(outbound::client()?, &settings, Arc::clone(clock))?;
    Ok(Some(Arc::new(server)))
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
        tax,
        signing,
        metrics,
    } = environment;
    let counted = |error: prometheus::Error| format!("metrics: {error}");
    register_process(&metrics).map_err(counted)?;
    let actor_metrics = Metrics::new(&metrics).map_err(counted)?;
    let http_metrics = HttpMetrics::new(&metrics).map_err(counted)?;
    let stored = |error: storage::Error| error.to_string();

    let pepper = Arc::new(secrets.pepper);
    let accounts = Accounts::open(
        Arc::clone(&store),
        Arc::clone(&pepper),
        Arc::clone(&clock),
        Arc::clone(&randomness),
    );
    let accounts = accounts.await.map_err(stored)?;
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
    let evidence = signing_evidence::Needs {
        store: Arc::clone(&store),
        clock: Arc::clone(&clock),
        randomness: Arc::clone(&randomness),
        metrics: metrics.clone(),
        tasks: tasks.clone(),
    };
    let evidence = signing_evidence::open(config, evidence).await?;
    let windows = Arc::<ClosedWindows>::default();
    let (wheel, inbox) = Wheel::new();
    let world = Arc::new(World {
        store: Arc::clone(&store),
        wheel: wheel.clone(),
        clock: Arc::clone(&clock),
        sms: Arc::clone(&sms),
        hand_over_max: Duration::from_secs(config.sms.timeout_seconds),
        handed_over: actor_metrics.handed_over_to(sms.name()),
        metrics: actor_metrics.clone(),
        windows: Arc::clone(&windows),
        tasks: tasks.clone(),
        evidence: Some(evidence.clone()),
        registry: OnceLock::new(),
    });
    let kind = Customers(Arc::clone(&world));
    let customers = Registry::start(kind, Arc::clone(&clock), config.customers.queue_max).await;
    let customers = customers.map_err(|error| format!("actors: {error}"))?;
    let _ = world.registry.set(Arc::downgrade(&customers)); // set here and nowhere else
    let going_down = CancellationToken::new();
    let signers = agents::Needs {
        store: Arc::clone(&store),
        clock: Arc::clone(&clock),
        randomness: Arc::clone(&randomness),
        metrics: metrics.clone(),
        tasks: TaskTracker::new(),
    };
    let pushes = signers.tasks.clone();
    let signers = agents::open(config, signers).await?;
    let signing = signing.unwrap_or_else(|| Signing {
        agents: Arc::clone(&signers.agents) as _,
        verifier: signers.verifier,
    });
    let owners = owners::Needs {
        store: Arc::clone(&store),
        clock: Arc::clone(&clock),
        randomness: Arc::clone(&randomness),
        key: secrets.hook_key.clone(),
        accounts: accounts.clone(),
        metrics: metrics.clone(),
    };
    let owners = owners::open(config, owners).await?;
    let receivers = Arc::new(Receivers::new(config.webhooks.private_addresses)?);
    let (registers, cashdesk) = match tax {
        Some(tax) => {
            let needs = registers::Needs {
                store: Arc::clone(&store),
                wheel: wheel.clone(),
                clock: Arc::clone(&clock),
                randomness: Arc::clone(&randomness),
                accounts: accounts.clone(),
                agents: signing.agents,
                verifier: signing.verifier,
                tax,
                owners: Arc::new(owners.clone()),
                metrics: RegisterMetrics::new(&metrics).map_err(counted)?,
                tasks: tasks.clone(),
                going_down: going_down.clone(),
            };
            let (registers, cashdesk) = registers::start(config, needs).await?;
            (Some(registers), Some(cashdesk))
        }
        None => (None, None),
    };
    let owed = wheel.load(store.as_ref(), clock.as_ref()).await.map_err(stored)?;
    if owed > 0 {
        tracing::info!(owed, "deadlines from before the restart are to be settled");
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
        evidence: Some(evidence.clone()),
        evidence_wait: Duration::from_millis(config.evidence.otp_wait_milliseconds),
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
        accounts,
        cashdesk,
        agents: signers.agents,
        owners: owners.clone(),
        receivers: Arc::clone(&receivers),
        evidence,
        has_sink_directory: config.evidence.sink_directory.is_some(),
        store: Arc::clone(&store),
        clock: Arc::clone(&clock),
        randomness,
        admin_key_digest: secrets.admin_key_digest,
        metrics,
        draining: AtomicBool::new(false),
        body_deadline: Duration::from_secs(config.limits.body_seconds),
    });
    let partner_hooks = Arc::new(PartnerHooks::new(Arc::clone(&receivers)));
    let mut background: Vec<_> = events
        .into_iter()
        .map(|events| tokio::spawn(outbound::sms::smpp::pump(events, deliveries.clone())))
        .collect();
    background.extend([
        tokio::spawn(ask_for_ever(deliveries.clone(), sms)),
        tokio::spawn(deliveries.outbox.run(partner_hooks)),
        tokio::spawn(owners.run(Arc::new(OwnerHooks::new(receivers)))),
        tokio::spawn(Arc::clone(&guards).write_for_ever()),
        tokio::spawn(wheel::turn(
            inbox,
            Arc::clone(&clock),
            waking(&customers, registers.as_ref()),
        )),
        tokio::spawn(actors::sweeper::run(store, Arc::clone(&clock), actor_metrics)),
        tokio::spawn(sweep_idle(
            Arc::clone(&customers),
            windows,
            clock,
            Duration::from_secs(config.customers.idle_seconds),
        )),
    ]);
    if registers.is_some() && config.cashdesk.synchronise_hours > 0 {
        let every = Duration::from_secs(config.cashdesk.synchronise_hours * 3_600);
        background.push(tokio::spawn(registers::keep_in_step(Arc::clone(&gateway), every)));
    }
    if let Some(registers) = &registers {
        let idle = Duration::from_secs(config.cashdesk.idle_seconds);
        background.push(tokio::spawn(sweep_idle_registers(
            Arc::clone(registers),
            Arc::clone(&gateway.clock),
            idle,
        )));
    }
    background.push(tokio::spawn(Arc::clone(&gateway.agents).watch()));
    let evidence = signing_evidence::background(config, &gateway.evidence, &gateway.directory);
    background.extend(evidence?);
    let servers = Servers::start(config, &gateway, &http_metrics, listeners)?;
    let drain = Duration::from_secs(config.limits.shutdown_seconds);
    Ok(Started {
        gateway,
        customers,
        registers,
        going_down,
        tasks,
        pushes,
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
            ended = self.servers.failed() => Some(ended),
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
        // Whoever is held is answered "not resolved" now; the operations go on, here or in the next process.
        self.going_down.cancel();
        self.servers.public.stop();
        if orderly && let Some(report) = self.servers.public.ended().await {
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
        self.let_agents_go(orderly).await;
        self.background.iter().for_each(JoinHandle::abort);
        if let Some(router) = self.gateway.router.as_ref().filter(|_| orderly) {
            router.close().await;
        }
        if let Err(error) = self.guards.write().await {
            tracing::warn!(%error, "the last counts of traffic could not be written");
        }
        self.customers.drain(self.drain).await;
        self.gateway.evidence.drain(self.drain).await;
        if let Some(registers) = &self.registers {
            registers.drain(self.drain).await;
        }
        self.gateway.accounts.drain(self.drain).await;
        self.gateway.directory.drain(self.drain).await;
        self.gateway.agents.drain(self.drain).await;
        self.servers.admin.stop();
        if orderly {
            self.servers.admin.ended().await;
        }
    }

    /// Agents last: what was in flight may have waited for a signature.
    async fn let_agents_go(&mut self, orderly: bool) {
        self.gateway.agents.close();
        self.pushes.close();
        if let Some(agents) = &mut self.servers.agents {
            agents.stop();
            if orderly {
                agents.ended().await;
            }
        }
        if orderly {
            self.pushes.wait().await;
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
