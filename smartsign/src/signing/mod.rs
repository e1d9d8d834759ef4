//! The desk: takes requests that the gateway signed, and gives each one outcome; the same again for a repeat.

mod load;
pub mod rules;

use crate::clock::Clock;
use crate::keys::container::{Fault, Unlocked};
use crate::keys::{self, Found, KeyStore};
use crate::licence::{Licences, Unlicensed};
use crate::lock::lock;
use crate::metrics::Metrics;
use crate::recorder::audit::Event;
use crate::recorder::{Recorder, Remembered, Signed};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use rules::{Circumstances, Refusal, judge, unfit_key};
use signing_protocol::{
    Form, HexOctets, KeyFacts, KeyId, Licence, Octets, Outcome, PublicKey, RefusalReason, RegisterNumber,
    Request, RequestFault, RequestId, SignedRequest, Task, sha_256,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

/// An outcome that will come.
pub type Pending = Shared<BoxFuture<'static, Outcome>>;

/// A request that was taken.
pub struct Taken {
    /// Its outcome.
    pub pending: Pending,
    /// Whether the same is being worked on already.
    pub is_repeat: bool,
}

/// Why a request was not taken at all.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// Nobody here knows which gateway and agent it is for.
    #[error(transparent)]
    Unlicensed(#[from] Unlicensed),
    /// Not the gateway's, or another agent's.
    #[error(transparent)]
    NotAuthentic(#[from] RequestFault),
    /// As many are being worked on as may be.
    #[error("as many requests wait as signing.queue_max allows")]
    Busy,
}

/// What the desk works with.
pub struct Parts {
    /// The gateway's keys.
    pub gateway: Vec<PublicKey>,
    /// The licence.
    pub licences: Arc<Licences>,
    /// The keys.
    pub keys: Arc<KeyStore>,
    /// Journal and audit log.
    pub recorder: Arc<Recorder>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub metrics: Metrics,
    /// Signatures made at once.
    pub threads: usize,
    /// Requests in work at once.
    pub queue_max: usize,
    /// Requests remembered at most.
    pub remembered_max: usize,
}

/// The desk.
pub struct Desk {
    parts: Parts,
    threads: Semaphore,
    in_work: Mutex<HashMap<RequestId, ([u8; 32], Pending)>>,
    tasks: TaskTracker,
}

impl Desk {
    /// A desk with nothing on it.
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            threads: Semaphore::new(parts.threads),
            parts,
            in_work: Mutex::default(),
            tasks: TaskTracker::new(),
        })
    }

    /// Requests in work.
    pub fn in_work(&self) -> usize {
        lock(&self.in_work).len()
    }

    /// Does something that must be finished also where nobody waits for it any more; going down waits for it.
    ///
    /// # Errors
    /// It panicked.
    pub async fn complete<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, tokio::task::JoinError> {
        self.tasks.spawn(work).await
    }

    /// Waits for what is in work.
    pub async fn drain(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Takes a request that the gateway signed for this agent. Work goes on whether anybody waits for it or not.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn take(self: &Arc<Self>, signed: SignedRequest) -> Result<Taken, NotTaken> {
        let agent = self.parts.licences.agent();
        let Some(agent) = agent else {
            return Err(self
                .parts
                .licences
                .valid()
                .err()
                .unwrap_or(Unlicensed::Missing)
                .into());
        };
        let request = signed.verify(&self.parts.gateway, agent).inspect_err(|_| {
            self.parts.metrics.refused(RefusalReason::NotAuthentic);
        })?;
        let (id, digest) = (request.id, request.canonical().digest());
        let mut in_work = lock(&self.in_work);
        if let Some((known, pending)) = in_work.get(&id) {
            self.parts.metrics.repeats.inc();
            let pending = if *known == digest {
                pending.clone()
            } else {
                futures_util::future::ready(self.refuse(reused()))
                    .boxed()
                    .shared()
            };
            return Ok(Taken {
                pending,
                is_repeat: true,
            });
        }
        if in_work.len() >= self.parts.queue_max {
            self.parts.metrics.refused(RefusalReason::Busy);
            return Err(NotTaken::Busy);
        }
        let desk = Arc::clone(self);
        let work = self.tasks.spawn(async move {
            // Taken off the desk even where the work panics.
            let _off = OffTheDesk(Arc::clone(&desk), id);
            desk.work(request, digest).await
        });
        let pending = work
            .map(|done| done.unwrap_or_else(|_| failed("a fault of the agent").into()))
            .boxed()
            .shared();
        in_work.insert(id, (digest, pending.clone()));
        Ok(Taken {
            pending,
            is_repeat: false,
        })
    }

    async fn work(&self, request: Request, digest: [u8; 32]) -> Outcome {
        let id = request.id;
        let began = Instant::now();
        let done = self.outcome(request, digest).await;
        match &done {
            Ok(_) => tracing::debug!(request = %id, elapsed_ms = began.elapsed().as_millis(), "done"),
            Err(refusal) => {
                tracing::warn!(request = %id, reason = refusal.reason.name(), message = refusal.message, "refused");
            }
        }
        done.unwrap_or_else(|refusal| self.refuse(refusal))
    }

    fn refuse(&self, refusal: Refusal) -> Outcome {
        self.parts.metrics.refused(refusal.reason);
        refusal.into()
    }

    async fn outcome(&self, request: Request, digest: [u8; 32]) -> Result<Outcome, Refusal> {
        if let Some(remembered) = self.parts.recorder.find(request.id) {
            self.parts.metrics.repeats.inc();
            if remembered.digest != digest {
                return Err(reused());
            }
            let cms = self.remembered(remembered).await.map_err(failed)?;
            return Ok(Outcome::Signed { cms: Octets(cms) });
        }
        self.judge(&request)?;
        let waiting = Instant::now();
        let thread = self
            .threads
            .acquire()
            .await
            .expect("the semaphore is never closed");
        self.parts.metrics.waited.observe(waiting.elapsed().as_secs_f64());
        // Waiting took its time: what holds now decides.
        let licence = self.judge(&request)?;
        match request.task {
            Task::Activate { key } => self.activate(key, &licence).await,
            Task::Load(upload) => self.load(KeyId(request.id.0), upload).await,
            Task::Sign {
                register,
                key,
                form,
                bytes,
            } => {
                let unlocked = self.key(key, &licence)?;
                let (event, cms) = self
                    .sign(unlocked, request.id, register, key, form, bytes)
                    .await?;
                // Free before the disk is waited for, so that signatures are made durable together.
                drop(thread);
                let signed = Signed {
                    id: request.id,
                    digest,
                    deadline: request.deadline,
                    cms: cms.clone(),
                };
                let recorded = self.parts.recorder.record(event, Some(signed)).await;
                recorded.map_err(|error| failed(error.to_string()))?;
                self.parts.metrics.signatures.inc();
                Ok(Outcome::Signed { cms: Octets(cms) })
            }
        }
    }

    fn judge(&self, request: &Request) -> Result<Licence, Refusal> {
        let (remembered, horizon) = self.parts.recorder.extent();
        let circumstances = Circumstances {
            now: self.parts.clock.now(),
            licence: &self.parts.licences.valid(),
            horizon,
            can_remember: remembered < self.parts.remembered_max,
        };
        judge(request, &circumstances)
    }

    /// A key that may sign now: active, in its time, and among those that the licence allows.
    ///
    /// # Errors
    /// A refusal.
    pub fn key(&self, key: KeyId, licence: &Licence) -> Result<Arc<Unlocked>, Refusal> {
        match self.parts.keys.find(key) {
            Found::Nothing => Err(unknown(key)),
            Found::Unfit(state) => Err(unfit_key(state)),
            Found::Ready(_, rank) if rank >= licence.keys_max => Err(Refusal::new(
                RefusalReason::TooManyKeys,
                format!(
                    "the licence allows {} active keys, and this one is beyond them",
                    licence.keys_max
                ),
            )),
            Found::Ready(unlocked, _) => Ok(unlocked),
        }
    }

    async fn sign(
        &self,
        unlocked: Arc<Unlocked>,
        request: RequestId,
        register: Option<RegisterNumber>,
        key: KeyId,
        form: Form,
        bytes: Octets,
    ) -> Result<(Event, Vec<u8>), Refusal> {
        let event = Event::Signed {
            request,
            register,
            key,
            serial: HexOctets(unlocked.certificate().serial().to_vec()),
            form,
            sha256: HexOctets(sha_256(&bytes.0).to_vec()),
        };
        let began = Instant::now();
        let signed = tokio::task::spawn_blocking(move || unlocked.sign(&bytes.0)).await;
        self.parts.metrics.signed.observe(began.elapsed().as_secs_f64());
        match signed {
            Ok(Ok(cms)) => Ok((event, cms)),
            Ok(Err(message)) => Err(failed(message)),
            Err(_) => Err(failed("the computation of the signature panicked")),
        }
    }

    async fn remembered(&self, remembered: Remembered) -> Result<Vec<u8>, String> {
        let recorder = Arc::clone(&self.parts.recorder);
        let read = tokio::task::spawn_blocking(move || recorder.message(&remembered)).await;
        match read {
            Ok(message) => message.map_err(|error| error.to_string()),
            Err(_) => Err("reading the journal panicked".to_owned()),
        }
    }

    /// What was signed for a request that is remembered, as an outcome.
    pub fn outcome_of(self: &Arc<Self>, remembered: Remembered) -> Pending {
        let desk = Arc::clone(self);
        let read = async move {
            match desk.remembered(remembered).await {
                Ok(cms) => Outcome::Signed { cms: Octets(cms) },
                Err(message) => failed(message).into(),
            }
        };
        read.boxed().shared()
    }

    async fn activate(&self, key: KeyId, licence: &Licence) -> Result<Outcome, Refusal> {
        let facts = self.activate_key(key, licence.keys_max).await;
        match facts {
            Ok(key) => Ok(Outcome::Activated { key }),
            Err(error) => Err(Refusal::new(reason_of(&error), error.to_string())),
        }
    }

    /// Activates a key, and writes it into the audit log.
    ///
    /// # Errors
    /// [`keys::Error`].
    pub async fn activate_key(&self, key: KeyId, keys_max: u32) -> Result<KeyFacts, keys::Error> {
        let store = Arc::clone(&self.parts.keys);
        let activated = tokio::task::spawn_blocking(move || store.activate(key, keys_max)).await;
        let facts = activated.unwrap_or(Err(keys::Error::Vault(crate::vault::Error::Damaged)))?;
        self.note(Event::KeyActivated { key }).await;
        Ok(facts)
    }

    /// Writes into the audit log what was done already. A failure ends the process, as every failure of the recorder does.
    pub async fn note(&self, event: Event) {
        if let Err(error) = self.parts.recorder.record(event, None).await {
            tracing::error!(%error, "a change of the keys is not in the audit log");
        }
    }
}

struct OffTheDesk(Arc<Desk>, RequestId);

impl Drop for OffTheDesk {
    fn drop(&mut self) {
        lock(&self.0.in_work).remove(&self.1);
    }
}

fn reused() -> Refusal {
    Refusal::new(
        RefusalReason::IdReused,
        "the id was used before, for something else",
    )
}

fn unknown(key: KeyId) -> Refusal {
    Refusal::new(RefusalReason::UnknownKey, format!("there is no key {key}"))
}

fn failed(message: impl Into<String>) -> Refusal {
    Refusal::new(RefusalReason::Failed, message)
}

fn reason_of(error: &keys::Error) -> RefusalReason {
    match error {
        keys::Error::Unknown(_) => RefusalReason::UnknownKey,
        keys::Error::TooManyActive(_) => RefusalReason::TooManyKeys,
        keys::Error::OutOfTime(..) => RefusalReason::Certificate,
        keys::Error::Fault(Fault::WrongPassword) => RefusalReason::WrongPassword,
        // Of what only a key that is loaded meets, its loader speaks itself.
        keys::Error::Exists(_)
        | keys::Error::IdTaken(_)
        | keys::Error::TooManyStored
        | keys::Error::Fault(_)
        | keys::Error::Vault(_) => RefusalReason::Failed,
    }
}
