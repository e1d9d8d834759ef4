//! The line to the gateway: enrolment, polls, deliveries, reports, cashiers.

pub mod backoff;
pub mod cashier;
pub mod client;
mod deliver;
mod enrol;
mod pull;
mod report;
mod state;

pub use deliver::PushRefusal;
pub use pull::pull;
pub use report::report;
pub use state::{LinkState, LinkWord};

use crate::clock::Clock;
use crate::keys::KeyStore;
use crate::licence::Licences;
use crate::lock::{lock, read, write};
use crate::metrics::Metrics;
use crate::recorder::Recorder;
use crate::signing::Desk;
use crate::vault::Vault;
use backoff::Backoff;
use chrono::{DateTime, Utc};
use client::{CallError, Client};
use serde::Serialize;
use serde::de::DeserializeOwned;
use signing_protocol::{AgentSecret, Connection, ErrorCode, PublicKey, RequestId, SecretKey, SessionId};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Milliseconds between the clocks from which on it is worth a warning: deadlines are some ten seconds long.
const CLOCK_DIFFERENCE_MS_MAX: i64 = 5_000;

/// What the line works with.
pub struct Parts {
    /// The calls.
    pub client: Client,
    /// Where the secret is kept.
    pub vault: Arc<Vault>,
    /// The gateway's keys.
    pub gateway: Vec<PublicKey>,
    /// This instance's key.
    pub instance: SecretKey,
    /// The licence.
    pub licences: Arc<Licences>,
    /// The keys.
    pub keys: Arc<KeyStore>,
    /// Journal and audit log.
    pub recorder: Arc<Recorder>,
    /// Who signs.
    pub desk: Arc<Desk>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub metrics: Metrics,
    /// How requests come.
    pub connection: Connection,
    /// Settings.
    pub settings: Settings,
}

/// Settings of the line.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Seconds that a poll is held.
    pub poll_wait_seconds: u32,
    /// Requests in one poll.
    pub poll_requests_max: u32,
    /// The first wait after a failure.
    pub backoff_min: Duration,
    /// The longest.
    pub backoff_max: Duration,
    /// Deliveries at once.
    pub deliveries_max: usize,
    /// Requests taken and not delivered yet.
    pub queue_max: usize,
}

/// The line.
pub struct Link {
    parts: Parts,
    session: SessionId,
    secret: RwLock<Option<Arc<AgentSecret>>>,
    enrolling: tokio::sync::Mutex<()>,
    state: RwLock<LinkState>,
    deliveries: Semaphore,
    undelivered: Mutex<HashSet<RequestId>>,
    delivered: Notify,
    keys_changed: Notify,
    licence_changed: Notify,
    tasks: TaskTracker,
    /// No delivery is begun again.
    closing: CancellationToken,
    /// No delivery goes on.
    cut: CancellationToken,
}

impl Link {
    /// A line that asked nothing yet.
    ///
    /// # Errors
    /// [`crate::vault::Error`]: the secret cannot be read.
    pub fn open(parts: Parts) -> Result<Arc<Self>, crate::vault::Error> {
        let secret = enrol::stored_secret(&parts.vault)?.map(Arc::new);
        Ok(Arc::new(Self {
            session: SessionId(uuid::Uuid::new_v4()),
            secret: RwLock::new(secret),
            enrolling: tokio::sync::Mutex::default(),
            state: RwLock::new(LinkState::new(parts.clock.now())),
            deliveries: Semaphore::new(parts.settings.deliveries_max),
            undelivered: Mutex::default(),
            delivered: Notify::new(),
            keys_changed: Notify::new(),
            licence_changed: Notify::new(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            cut: CancellationToken::new(),
            parts,
        }))
    }

    /// How the gateway stands.
    pub fn state(&self) -> LinkState {
        read(&self.state).clone()
    }

    /// Requests taken and not delivered yet.
    pub fn undelivered(&self) -> usize {
        lock(&self.undelivered).len()
    }

    /// The keys changed: the gateway is to be told.
    pub fn keys_changed(&self) {
        self.keys_changed.notify_one();
    }

    /// The licence changed: whoever waits for one tries again.
    pub fn licence_changed(&self) {
        self.licence_changed.notify_waiters();
        self.keys_changed.notify_one();
    }

    /// Lets deliveries under way end, and begins none again: what was signed is remembered, and delivered after the next start.
    pub async fn drain(&self) {
        self.tasks.close();
        self.closing.cancel();
        self.tasks.wait().await;
    }

    /// Ends deliveries under way.
    pub async fn cut(&self) {
        self.cut.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Posts with the secret; enrols before it where there is none, and once more where it is not known any more.
    async fn post<B: Serialize + Sync, A: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<A, CallError> {
        let client = &self.parts.client;
        let called = async {
            let secret = self.secret().await?;
            match client.post(path, Some(&secret), body).await {
                Err(error) if error.is(ErrorCode::Unauthorized) => {
                    let secret = self.renewed(&secret).await?;
                    client.post(path, Some(&secret), body).await
                }
                called => called,
            }
        };
        let called = called.await;
        self.note(&called);
        called
    }

    /// Another secret than this one, which the gateway does not know any more.
    async fn renewed(&self, secret: &Arc<AgentSecret>) -> Result<Arc<AgentSecret>, CallError> {
        self.forget(secret);
        self.secret().await
    }

    fn forget(&self, secret: &Arc<AgentSecret>) {
        let mut current = write(&self.secret);
        // Another task may have enrolled meanwhile.
        if current
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, secret))
        {
            *current = None;
        }
    }

    fn note<A>(&self, call: &Result<A, CallError>) {
        let now = self.parts.clock.now();
        let (changed, is_connected) = {
            let mut state = write(&self.state);
            (state.after(call, now), state.state == LinkWord::Connected)
        };
        self.parts.metrics.gateway_up.set(i64::from(is_connected));
        if let Err(error) = call {
            self.parts.metrics.calls_failed.inc();
            if changed && !is_connected {
                tracing::warn!(%error, "the gateway is not connected");
            }
        }
        if changed && is_connected {
            tracing::info!("the gateway is connected");
        }
    }

    /// Compares the clocks.
    fn saw_clock(&self, gateway: DateTime<Utc>) {
        let ahead = (self.parts.clock.now() - gateway).num_milliseconds();
        let before = write(&self.state).clock_ahead_ms.replace(ahead);
        let is_off = |ahead: i64| ahead.abs() > CLOCK_DIFFERENCE_MS_MAX;
        if is_off(ahead) && !before.is_some_and(is_off) {
            tracing::warn!(
                ahead_ms = ahead,
                "this machine's clock differs from the gateway's; deadlines are judged by it"
            );
        }
    }

    fn backoff(&self) -> Backoff {
        Backoff::new(self.parts.settings.backoff_min, self.parts.settings.backoff_max)
    }

    /// Waits as the series of failures asks for, or until a licence is installed, or the agent goes down.
    async fn pause(&self, backoff: &mut Backoff) {
        tokio::select! {
            () = tokio::time::sleep(backoff.next(fastrand::f64())) => {}
            () = self.licence_changed.notified() => {}
            () = self.closing.cancelled() => {}
        }
    }
}
