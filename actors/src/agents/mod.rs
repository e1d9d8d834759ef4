//! Signing agents: who they are, what waits for them, and what they bring.
//!
//! [`Agents`] is the gateway's side of `signing-protocol`. [`book`] says who may sign for whom and is durable; `queue` is what waits for
//! one agent, a pure machine in memory; [`verifier`] judges every signed message before anybody uses it.
//!
//! # How it is built and wired
//!
//! ```text
//! let verifier = Arc::new(DstuVerifier::default());
//! let agents = Agents::open(AgentParts { store, clock, randomness, keys, pusher, verifier: verifier.clone(), metrics, tasks, settings }).await?;
//! let signing: Arc<dyn SigningAgent> = Arc::clone(&agents) as _;   // for the registers' `World`
//! let judging: Arc<dyn SignatureVerifier> = verifier;              // the same one: what a delivery judged is not judged twice
//! tokio::spawn(Arc::clone(&agents).watch());                       // ends what is out of time, keeps gauges true
//! ```
//!
//! Going down: [`Agents::close`] ends held polls and pushes once nothing more is to be signed; then [`Agents::drain`].

pub mod book;
mod challenge;
mod delivery;
mod desk;
mod enrolment;
pub mod health;
mod licensing;
mod metrics;
mod poll;
mod port;
mod push;
mod queue;
pub mod records;
mod refused;
mod registration;
mod relay;
mod report;
pub mod verifier;
mod view;

pub use book::Book;
pub use challenge::LIFETIME as CHALLENGE_LIFETIME;
pub use licensing::{LICENCE_DAYS_MAX, LicenceTerms, NotIssued, Verified};
pub use metrics::AgentMetrics;
pub use poll::Poll;
pub use port::NotActivated;
pub use push::PUSH_MAX;
pub use refused::Refused;
pub use registration::VerifiedRegistration;
pub use relay::{NotRelayed, Relay};
pub use verifier::DstuVerifier;
pub use view::{AgentView, KeyView};

use crate::clock::{Clock, Now};
use crate::ports::{AgentPusher, SignatureVerifier};
use crate::random::{Fault, Randomness};
use challenge::Challenges;
use dashmap::DashMap;
use desk::Desk;
use signing_protocol::{AgentId, KeyState, PublicKey, SecretKey};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use storage::Store;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use verifier::Judges;
use zeroize::Zeroizing;

/// How often what is out of time is ended and gauges are set anew; a second poll or delivery does the former too.
const WATCH: Duration = Duration::from_secs(5);

/// All states of a key.
const KEY_STATES: [KeyState; 5] = [
    KeyState::Stored,
    KeyState::Active,
    KeyState::NotYetValid,
    KeyState::Expired,
    KeyState::WrongPassword,
];

/// The gateway's Ed25519 keys.
#[derive(Clone)]
pub struct GatewayKeys {
    /// Signs licences, requests and answers to enrolments.
    pub signing: SecretKey,
    /// Keys of before, whose licences still hold.
    pub earlier: Vec<PublicKey>,
}

impl GatewayKeys {
    /// All that licences may be signed with.
    pub fn trusted(&self) -> Vec<PublicKey> {
        let own = std::iter::once(self.signing.public_key());
        own.chain(self.earlier.iter().copied()).collect()
    }
}

/// What may be set.
#[derive(Clone, Copy, Debug)]
pub struct AgentSettings {
    /// Requests that may wait for one agent; above it the agent counts as busy.
    pub waiting_max: usize,
    /// Signatures judged at once.
    pub judges: usize,
    /// Seconds between two reports.
    pub report_seconds: u32,
}

impl Default for AgentSettings {
    fn default() -> Self {
        Self {
            waiting_max: 4_096,
            judges: std::thread::available_parallelism().map_or(1, usize::from),
            report_seconds: signing_protocol::REPORT_SECONDS_DEFAULT,
        }
    }
}

/// What [`Agents`] is made of.
pub struct AgentParts {
    /// Where the book is.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub randomness: Arc<dyn Randomness>,
    /// The gateway's keys.
    pub keys: GatewayKeys,
    /// How requests are pushed.
    pub pusher: Arc<dyn AgentPusher>,
    /// Who judges signatures; the registers' should be the same.
    pub verifier: Arc<dyn SignatureVerifier>,
    /// What is counted.
    pub metrics: AgentMetrics,
    /// Where pushes run.
    pub tasks: TaskTracker,
    /// What may be set.
    pub settings: AgentSettings,
}

/// The gateway's side of the signing agents.
pub struct Agents {
    /// For tasks of its own, which outlive the call that began them.
    me: Weak<Self>,
    book: Book,
    desks: DashMap<AgentId, Arc<Desk>>,
    challenges: Mutex<Challenges>,
    judges: Judges,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    keys: GatewayKeys,
    pusher: Arc<dyn AgentPusher>,
    metrics: AgentMetrics,
    tasks: TaskTracker,
    settings: AgentSettings,
    relays: Semaphore,
    closing: CancellationToken,
}

impl Agents {
    /// Reads the book.
    ///
    /// # Errors
    /// The store's; no random numbers count as a closed store.
    pub async fn open(parts: AgentParts) -> storage::Result<Arc<Self>> {
        let mut key = Zeroizing::new([0; 32]);
        let filled = parts.randomness.fill(key.as_mut_slice());
        filled.map_err(|_| storage::Error::Closed)?;
        let book = Book::open(parts.store, Arc::clone(&parts.clock)).await?;
        Ok(Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            book,
            desks: DashMap::new(),
            challenges: Mutex::new(Challenges::new(key)),
            judges: Judges::new(parts.settings.judges, parts.verifier),
            clock: parts.clock,
            randomness: parts.randomness,
            keys: parts.keys,
            pusher: parts.pusher,
            metrics: parts.metrics,
            tasks: parts.tasks,
            settings: parts.settings,
            relays: Semaphore::new(relay::RELAYS_MAX),
            closing: CancellationToken::new(),
        }))
    }

    /// Who may sign for whom.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// The gateway's public key: agents have it in their configuration.
    pub fn public_key(&self) -> PublicKey {
        self.keys.signing.public_key()
    }

    /// Ends what is out of time and keeps the gauges true, until it is dropped.
    pub async fn watch(self: Arc<Self>) {
        loop {
            self.clock.sleep(WATCH).await;
            self.look_after();
        }
    }

    /// Ends held polls and pushes. What waits goes on waiting for its deadline.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// Lets the book's writer finish.
    pub async fn drain(&self, deadline: Duration) {
        self.book.drain(deadline).await;
    }

    fn now(&self) -> Now {
        self.clock.now()
    }

    /// The desk of an agent in the book; made when it is first needed, so that strangers' ids make none.
    fn desk(&self, agent: AgentId) -> Arc<Desk> {
        let waiting_max = self.settings.waiting_max;
        let desk = self
            .desks
            .entry(agent)
            .or_insert_with(|| Arc::new(Desk::new(agent, waiting_max)));
        Arc::clone(&desk)
    }

    fn challenges(&self) -> MutexGuard<'_, Challenges> {
        self.challenges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn random<const N: usize>(&self) -> Result<[u8; N], Fault> {
        let mut octets = [0; N];
        self.randomness.fill(&mut octets)?;
        Ok(octets)
    }
}
