//! What must be on disk before anything leaves: one thread that writes audit log and journal for everybody who waits, together.

pub mod audit;
mod frame;
mod journal;
#[cfg(test)]
mod tests;

pub use frame::Signed;
pub use journal::Remembered;

use crate::clock::Clock;
use crate::lock::{lock, read};
use crate::vault::{Error, Sealer, Vault};
use audit::{AuditLog, Event, Line};
use chrono::{DateTime, TimeDelta, Utc};
use journal::{Index, Journal};
use signing_protocol::RequestId;
use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// Notes that wait for the disk; who brings more waits. A disk that syncs in 3 ms takes some thousand a second.
const QUEUE_MAX: usize = 1_024;
/// Notes written together.
const GROUP_MAX: usize = 256;
/// Octets written together: below what a frame may have, by more than one message.
const GROUP_OCTETS_MAX: usize = 4 * 1024 * 1024;

/// The disk failed, now or before: nothing may be signed any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the disk failed: {0}")]
pub struct Failed(pub String);

/// What is to be remembered together.
struct Note {
    event: Event,
    signed: Option<Signed>,
    done: oneshot::Sender<Result<(), Failed>>,
}

/// The handle of the thread; it ends when this is dropped.
pub struct Recorder {
    queue: Option<mpsc::Sender<Note>>,
    index: Arc<RwLock<Index>>,
    failed: Arc<Mutex<Option<Failed>>>,
    sealer: Sealer,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Reads the journal, and starts the thread.
    ///
    /// # Errors
    /// [`Error`].
    pub fn open(vault: &Vault, clock: Arc<dyn Clock>, remember_for: TimeDelta) -> Result<Self, Error> {
        let sealer = vault.sealer().clone();
        let journal = Journal::open(vault.path().join("journal"), sealer.clone(), remember_for)?;
        let audit = AuditLog::open(vault.path().join("audit"))?;
        let index = journal.index();
        let failed = Arc::<Mutex<Option<Failed>>>::default();
        let (queue, notes) = mpsc::channel(QUEUE_MAX);
        let writer = Writer {
            notes,
            audit,
            journal,
            failed: Arc::clone(&failed),
            clock,
        };
        let thread = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| Error::Disk {
                path: Path::new("recorder").to_owned(),
                error,
            })?;
        Ok(Self {
            queue: Some(queue),
            index,
            failed,
            sealer,
            thread: Some(thread),
        })
    }

    /// Remembers that something was done; on disk when this returns.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn record(&self, event: Event, signed: Option<Signed>) -> Result<(), Failed> {
        let (done, is_done) = oneshot::channel();
        let note = Note { event, signed, done };
        let queue = self.queue.as_ref().expect("the queue is open until the drop");
        if queue.send(note).await.is_err() {
            return Err(self.failure().unwrap_or_else(ended));
        }
        is_done
            .await
            .unwrap_or_else(|_| Err(self.failure().unwrap_or_else(ended)))
    }

    /// What is remembered of a request.
    pub fn find(&self, id: RequestId) -> Option<Remembered> {
        read(&self.index).get(id)
    }

    /// The message of a request that is remembered. Reads the disk.
    ///
    /// # Errors
    /// [`Error`].
    pub fn message(&self, remembered: &Remembered) -> Result<Vec<u8>, Error> {
        remembered.read(&self.sealer)
    }

    /// Requests remembered, and the deadline up to which some were forgotten.
    pub fn extent(&self) -> (usize, DateTime<Utc>) {
        let index = read(&self.index);
        (index.len(), index.horizon())
    }

    /// The requests whose deadlines have not passed.
    pub fn fresh(&self, now: DateTime<Utc>) -> Vec<(RequestId, Remembered)> {
        read(&self.index).fresh(now)
    }

    /// Why nothing can be remembered any more.
    pub fn failure(&self) -> Option<Failed> {
        lock(&self.failed).clone()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the recorder's thread had panicked");
        }
    }
}

fn ended() -> Failed {
    Failed("the recorder's thread has ended".to_owned())
}

struct Writer {
    notes: mpsc::Receiver<Note>,
    audit: AuditLog,
    journal: Journal,
    failed: Arc<Mutex<Option<Failed>>>,
    clock: Arc<dyn Clock>,
}

impl Writer {
    fn run(mut self) {
        while let Some(first) = self.notes.blocking_recv() {
            let mut group = vec![first];
            let mut octets = 0;
            while group.len() < GROUP_MAX && octets < GROUP_OCTETS_MAX {
                let Ok(note) = self.notes.try_recv() else { break };
                octets += note.signed.as_ref().map_or(0, |signed| signed.cms.len());
                group.push(note);
            }
            let written = self.write(&mut group);
            if let Err(failed) = &written {
                tracing::error!(%failed, "nothing is signed any more");
                *lock(&self.failed) = Some(failed.clone());
            }
            for note in group {
                // Who stopped waiting finds it in the journal.
                let _ = note.done.send(written.clone());
            }
            if written.is_err() {
                return;
            }
        }
    }

    /// The audit log first: a signature that left is always in it.
    fn write(&mut self, group: &mut [Note]) -> Result<(), Failed> {
        let now = self.clock.now();
        let line = |note: &Note| Line {
            at: now,
            event: note.event.clone(),
        };
        let lines: Vec<Line> = group.iter().map(line).collect();
        let signed = group.iter_mut().filter_map(|note| note.signed.take()).collect();
        let failed = |error: Error| Failed(error.to_string());
        self.audit.append(&lines, now).map_err(failed)?;
        self.journal.append(signed, now).map_err(failed)
    }
}
