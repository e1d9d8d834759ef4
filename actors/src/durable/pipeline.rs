//! The other way to be durable: apply at once, share commits, answer each when its batch is on disk.
//!
//! Right for one actor that serves everybody (the evidence log): its throughput then follows the group commit. A read that
//! depends on an operation not yet durable must wait for it, which [`Pipeline::barrier`] does.

use super::{Persistent, header};
use crate::clock::Now;
use std::sync::Arc;
use storage::{BATCH_BYTES_MAX, BATCH_OPERATIONS_MAX, Batch, Store, Version};
use tokio::sync::{mpsc, oneshot};

/// Operations that are taken from the queue at once; more never fit into one batch.
const TAKEN_MAX: usize = 512;
/// Kept free in each shared batch for the state's own row: its key and 16 KiB.
const STATE_BYTES_MAX: usize = storage::VALUE_MAX + storage::KEY_MAX;

/// A machine with its commits in a pipeline.
pub struct Pipeline<M: Persistent> {
    id: M::Id,
    machine: M,
    queue: mpsc::Sender<Operation>,
}

/// Room for a state; the evidence log's has a root for each power of two.
const STATE_BYTES: usize = 512;

struct Operation {
    rows: Batch,
    /// The state after this operation; the last one of a batch is written.
    state: Vec<u8>,
    durable: oneshot::Sender<storage::Result<()>>,
}

/// The effects of a submitted command, to be had once they may be acted on.
pub struct Submitted<Effect> {
    effects: Vec<Effect>,
    durable: oneshot::Receiver<storage::Result<()>>,
}

impl<Effect> Submitted<Effect> {
    /// Waits until the command's facts are durable, then gives its effects.
    ///
    /// # Errors
    /// The store's; nothing may be acted on.
    pub async fn durable(self) -> storage::Result<Vec<Effect>> {
        self.durable.await.unwrap_or(Err(storage::Error::Closed))?;
        Ok(self.effects)
    }
}

impl<M: Persistent + Send + 'static> Pipeline<M>
where
    M::Id: Send + 'static,
{
    /// Reads the state of `id` and starts its pipeline. `failed` is called once if a commit fails: the state in memory is
    /// then ahead of the disk, and the process must end.
    pub async fn load(
        store: Arc<dyn Store>,
        id: M::Id,
        now: Now,
        waiting_max: usize,
        failed: impl FnOnce(storage::Error) + Send + 'static,
    ) -> storage::Result<Self> {
        let stored = store.get(M::row(&id)).await?;
        let version = stored.as_ref().map_or(Version::ABSENT, |stored| stored.version);
        let state = stored
            .as_ref()
            .map(|stored| header::take(&stored.value))
            .transpose()?
            .map(|(_, state)| state);
        let machine = M::restore(&id, state, now)?;
        let (queue, inbox) = mpsc::channel(waiting_max);
        let row = M::row(&id);
        tokio::spawn(async move {
            if let Err(error) = run(inbox, store, row, version).await {
                failed(error);
            }
        });
        Ok(Self { id, machine, queue })
    }

    /// The machine, including what is not durable yet.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// Whose state this is.
    pub fn id(&self) -> &M::Id {
        &self.id
    }

    /// Decides and applies at once; waits only for a place in the pipeline. The effects come out of [`Submitted::durable`].
    ///
    /// # Errors
    /// The store's, when the pipeline has failed before.
    pub async fn submit(&mut self, command: M::Command, now: Now) -> storage::Result<Submitted<M::Effect>> {
        let place = self.queue.reserve().await.map_err(|_| storage::Error::Closed)?;
        let decision = self.machine.decide(command, now);
        let mut rows = Batch::default();
        for event in &decision.events {
            self.machine.apply(event);
            self.machine.companions(event, now, &mut rows)?;
        }
        let (sender, durable) = oneshot::channel();
        place.send(Operation {
            rows,
            state: self.machine.encode(now, header::begin(None, STATE_BYTES))?,
            durable: sender,
        });
        Ok(Submitted {
            effects: decision.effects,
            durable,
        })
    }

    /// Waits until everything submitted so far is durable.
    pub async fn barrier(&self) -> storage::Result<()> {
        let (sender, durable) = oneshot::channel();
        let place = self.queue.reserve().await.map_err(|_| storage::Error::Closed)?;
        place.send(Operation {
            rows: Batch::default(),
            state: Vec::new(),
            durable: sender,
        });
        durable.await.unwrap_or(Err(storage::Error::Closed))
    }
}

async fn run(
    mut inbox: mpsc::Receiver<Operation>,
    store: Arc<dyn Store>,
    row: storage::Key,
    mut version: Version,
) -> storage::Result<()> {
    let mut taken = Vec::new();
    while inbox.recv_many(&mut taken, TAKEN_MAX).await > 0 {
        let mut waiting = std::mem::take(&mut taken).into_iter().peekable();
        while waiting.peek().is_some() {
            let Shared {
                mut rows,
                state,
                told,
            } = share(&mut waiting);
            let outcome = match state {
                None => Ok(version),
                Some(state) => {
                    rows.put_if(row.clone(), version, state);
                    store.commit(rows).await.map(Version::from)
                }
            };
            for durable in told {
                // Nobody may be waiting any more; the fact is durable all the same.
                let _ = durable.send(outcome.clone().map(|_| ()));
            }
            version = outcome?;
        }
    }
    Ok(())
}

/// Operations that share a commit.
struct Shared {
    rows: Batch,
    /// The state after the last of them; `None` where nothing is to be written.
    state: Option<Vec<u8>>,
    told: Vec<oneshot::Sender<storage::Result<()>>>,
}

/// Takes as many operations as one batch of the store may hold, in their order; the first goes alone if it must.
fn share(waiting: &mut std::iter::Peekable<impl Iterator<Item = Operation>>) -> Shared {
    let mut shared = Shared {
        rows: Batch::default(),
        state: None,
        told: Vec::new(),
    };
    while let Some(operation) = waiting.next_if(|next| {
        let fits = shared.rows.len() + next.rows.len() < BATCH_OPERATIONS_MAX
            && shared.rows.bytes() + next.rows.bytes() + STATE_BYTES_MAX <= BATCH_BYTES_MAX;
        shared.told.is_empty() || fits
    }) {
        shared.rows.append(operation.rows);
        if !operation.state.is_empty() {
            shared.state = Some(operation.state);
        }
        shared.told.push(operation.durable);
    }
    shared
}
