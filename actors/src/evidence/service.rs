//! Signing evidence as its callers see it.

use super::checkpoints::Checkpoints;
use super::client::{ClientMessage, Clients};
use super::log::{LogMessage, Logs};
use super::rows::{self, containers_of, index_of};
use super::{EvidenceMetrics, EvidenceWorld, OwedEvidence, Tiles};
use crate::clock::Clock;
use crate::ids::{ChallengeId, RequestId};
use crate::machines::evidence::{AddCommand, Added, ClientKey, CompanyKey, ContractKey, Limits};
use crate::random::Randomness;
use crate::registry::Registry;
use crate::trouble::Trouble;
use evidence::checkpoint::{Signer, Verifier};
use evidence::tree::{Hash, leaf_hash};
use evidence::{Container, Identity, Leaf, Receipt};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use storage::Store;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

/// The service's settings.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// What one contract may come to.
    pub limits: Limits,
    /// Containers that may wait for one client.
    pub queue_max: u32,
    /// Leaves that may wait for the log's commits.
    pub waiting_max: usize,
    /// Contracts of one client that stay in memory.
    pub contracts_max: usize,
    /// Full tiles that stay in memory, 16 KiB each.
    pub tiles_max: usize,
    /// How old a checkpoint may be when the log has grown.
    pub checkpoint_fresh_for: Duration,
}

/// What the service is made of.
pub struct Parts {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub randomness: Arc<dyn Randomness>,
    /// Counters.
    pub metrics: EvidenceMetrics,
    /// Words on their way.
    pub tasks: TaskTracker,
    /// The keys that sign, all of one log.
    pub signers: Vec<Signer>,
    /// Public keys of old checkpoints.
    pub former: Vec<Verifier>,
    /// Settings.
    pub settings: Settings,
}

/// A container that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Itself, with when it was recorded.
    pub leaf: Leaf,
    /// Its canonical bytes.
    pub bytes: Vec<u8>,
    /// Its leaf's hash.
    pub hash: Hash,
    /// Its place in the log.
    pub index: u64,
}

/// The service.
#[derive(Clone)]
pub struct EvidenceService {
    world: Arc<EvidenceWorld>,
    clients: Arc<Registry<Clients>>,
    log: Arc<Registry<Logs>>,
    checkpoints: Arc<Checkpoints>,
    randomness: Arc<dyn Randomness>,
    limits: Limits,
}

impl EvidenceService {
    /// Reads the log and compares it with the checkpoint that was kept last.
    ///
    /// # Errors
    /// A sentence: the store's error, keys of several logs, or a log that is not a continuation of what it has signed.
    pub async fn open(parts: Parts) -> Result<Self, String> {
        let Parts {
            store,
            clock,
            randomness,
            metrics,
            tasks,
            signers,
            former,
            settings,
        } = parts;
        let tiles = Arc::new(Tiles::new(Arc::clone(&store), settings.tiles_max));
        let checkpoints = Checkpoints::new(
            signers,
            former,
            Arc::clone(&tiles),
            Arc::clone(&clock),
            settings.checkpoint_fresh_for,
        );
        let checkpoints = checkpoints.ok_or("the signing keys and former keys must be of one log")?;
        let world = Arc::new(EvidenceWorld {
            store,
            clock: Arc::clone(&clock),
            tiles,
            metrics,
            tasks,
            waiting_max: settings.waiting_max,
            contracts_max: settings.contracts_max,
            clients: OnceLock::new(),
            log: OnceLock::new(),
        });
        let started = |error: ractor::SpawnErr| format!("actors: {error}");
        let clients = Registry::start(
            Clients(Arc::clone(&world)),
            Arc::clone(&clock),
            settings.queue_max,
        );
        let clients = clients.await.map_err(started)?;
        let log = Registry::start(Logs(Arc::clone(&world)), clock, settings.queue_max);
        let log = log.await.map_err(started)?;
        let _ = world.clients.set(Arc::downgrade(&clients)); // set here and nowhere else
        let _ = world.log.set(Arc::downgrade(&log));
        let service = Self {
            world,
            clients,
            log,
            checkpoints: Arc::new(checkpoints),
            randomness,
            limits: settings.limits,
        };
        let store = service.world.store.as_ref();
        // Read here once before the actor reads it, for the sake of the reason: an actor's end tells its caller none.
        let size = rows::frontier_of(store)
            .await
            .map_err(|error| error.to_string())?
            .size();
        rows::edge_of(store, size)
            .await
            .map_err(|error| error.to_string())?;
        let next = service.next_index().await;
        next.map_err(|_| "the evidence log could not be read; the log says why".to_owned())?;
        let compared = service.checkpoints.compare_with_kept(store).await;
        compared.map_err(|error| error.to_string())?;
        Ok(service)
    }

    /// Records a container of an integration; when this says `Recorded`, container and leaf are durable.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn add(&self, integration: &str, container: Container) -> Result<Added, Trouble> {
        self.add_owed(integration, container, None).await
    }

    async fn add_owed(
        &self,
        integration: &str,
        container: Container,
        owed: Option<ChallengeId>,
    ) -> Result<Added, Trouble> {
        let mut salt = [0; 16];
        self.randomness.fill(&mut salt).map_err(|_| Trouble::Unforeseen)?;
        let client = ClientKey::new(integration, &container.client_integration_id);
        let command = Box::new(AddCommand {
            request: RequestId(0),
            integration: integration.into(),
            container,
            salt,
            limits: self.limits,
            owed,
        });
        let began = self.world.clock.now();
        let (reply, answer) = oneshot::channel();
        let message = ClientMessage::Add {
            command,
            reply: reply.into(),
        };
        self.clients.ask(client, message).map_err(Trouble::from)?;
        let added = answer
            .await
            .map_err(|_| Trouble::of_silence(self.world.store.as_ref()))?;
        let metrics = &self.world.metrics;
        let took_ms = u32::try_from(began.mono.elapsed_ms(self.world.clock.now())).unwrap_or(u32::MAX);
        metrics.add_seconds.observe(f64::from(took_ms) / 1_000.0);
        if added == Added::ContractFull {
            metrics.refused.inc();
        }
        Ok(added)
    }

    /// Pays a debt, once, however often it is called; gives the leaf.
    ///
    /// # Errors
    /// [`Trouble`]; the debt stays, and is tried again.
    pub async fn pay(&self, owed: &OwedEvidence) -> Result<Hash, Trouble> {
        let paid = self
            .add_owed(&owed.integration, owed.container(), Some(owed.challenge))
            .await;
        let metrics = &self.world.metrics;
        match paid {
            Ok(Added::Recorded(leaf)) => {
                metrics.owed_paid.inc();
                Ok(leaf)
            }
            Ok(Added::ContractFull) => unreachable!("a debt has no limit"),
            Err(trouble) => {
                metrics.owed_failed.inc();
                Err(trouble)
            }
        }
    }

    /// Pays what verified one-time passwords owe since before a restart, or what could not be paid then. One after the other: they are few, and
    /// callers come first. Gives how many were paid.
    ///
    /// # Errors
    /// The store's.
    pub async fn pay_debts(&self) -> storage::Result<usize> {
        let (mut after, mut paid) = (None, 0);
        loop {
            let debts = rows::owed_after(self.world.store.as_ref(), after, DEBTS_READ_MAX).await?;
            let Some((last, _)) = debts.last() else {
                return Ok(paid);
            };
            after = Some(last.clone());
            for (_, owed) in &debts {
                match self.pay(owed).await {
                    Ok(_) => paid += 1,
                    Err(trouble) => {
                        let challenge = owed.challenge;
                        tracing::warn!(%challenge, ?trouble, "evidence that a verified code owes is not recorded yet");
                    }
                }
            }
        }
    }

    /// The leaf that paid the debt of a verified code, if it is paid.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn paid(&self, challenge: ChallengeId) -> Result<Option<Hash>, Trouble> {
        let paid = rows::paid(self.world.store.as_ref(), challenge).await;
        paid.map_err(|error| Trouble::of_store(&error))
    }

    /// Everything that an integration recorded of a contract, oldest first.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn recorded(&self, integration: &str, identity: &Identity) -> Result<Vec<Recorded>, Trouble> {
        let store = self.world.store.as_ref();
        let read = async {
            let contract = ContractKey::asked(integration, identity);
            let company = identity
                .company_id
                .as_ref()
                .map(|company| CompanyKey::new(Some(company)));
            let mut found = Vec::new();
            for (place, bytes) in containers_of(store, contract).await? {
                if company.is_some_and(|company| company != place.company) {
                    continue;
                }
                let corrupt = |detail: &str| storage::Error::Corrupt {
                    what: "a kept container".to_owned(),
                    detail: detail.to_owned(),
                };
                let leaf = Leaf::from_bytes(&bytes).map_err(|error| corrupt(&error.to_string()))?;
                let hash = leaf_hash(&bytes);
                // A container whose leaf the log does not have was changed: it is not given out as evidence.
                let index = index_of(store, hash).await?;
                let index =
                    index.ok_or_else(|| corrupt("the log has no leaf of it: its bytes were changed"))?;
                found.push(Recorded {
                    leaf,
                    bytes,
                    hash,
                    index,
                });
            }
            found.sort_by_key(|recorded| recorded.index);
            Ok(found)
        };
        read.await
            .map_err(|error: storage::Error| Trouble::of_store(&error))
    }

    /// The receipt of a leaf, under a checkpoint that covers it; `None` where the log has no such leaf.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn receipt(&self, leaf: Hash) -> Result<Option<Receipt>, Trouble> {
        let read = async {
            let Some(index) = index_of(self.world.store.as_ref(), leaf).await? else {
                return Ok(None);
            };
            // It was read, so it is durable, also where the log's own word is still on its way.
            self.world.tiles.made_durable(index + 1);
            let checkpoint = self.checkpoints.current(index + 1).await?;
            let path = self.world.tiles.inclusion(index, checkpoint.size).await?;
            Ok(path.map(|path| Receipt::new(leaf, index, &path, checkpoint.note.to_string())))
        };
        read.await
            .map_err(|error: storage::Error| Trouble::of_store(&error))
    }

    /// The index that the next leaf will have.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn next_index(&self) -> Result<u64, Trouble> {
        let (reply, next) = oneshot::channel();
        self.log.tell((), LogMessage::Next(reply.into()));
        next.await
            .map_err(|_| Trouble::of_silence(self.world.store.as_ref()))
    }

    /// The tree, for proofs.
    pub fn tiles(&self) -> &Tiles {
        &self.world.tiles
    }

    /// The signed heads.
    pub fn checkpoints(&self) -> &Checkpoints {
        &self.checkpoints
    }

    /// The store, for audits.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.world.store
    }

    /// Counters.
    pub fn metrics(&self) -> &EvidenceMetrics {
        &self.world.metrics
    }

    /// Time.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.world.clock
    }

    /// Asks clients that were not asked for `idle` to leave memory.
    pub fn sweep_idle(&self, idle: Duration) {
        self.clients.sweep_idle(idle);
    }

    /// Lets every actor finish what it was told.
    pub async fn drain(&self, deadline: Duration) {
        self.clients.drain(deadline).await;
        self.log.drain(deadline).await;
    }
}

/// Debts read at once: some 12 KB each at the most.
const DEBTS_READ_MAX: usize = 100;
