//! Signed heads: of durable leaves alone, so that no restart can take one back.

use super::Tiles;
use super::rows::{CheckpointRecord, checkpoint_kept, checkpoint_row};
use crate::clock::{Clock, Moment, millis};
use evidence::checkpoint::{Head, Signer, Verifier};
use evidence::tree::Hash;
use std::sync::Arc;
use std::time::Duration;
use storage::record::encode;
use storage::{Batch, Store};
use tokio::sync::Mutex;

/// A signed head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Leaves.
    pub size: u64,
    /// Their root.
    pub root: Hash,
    /// The signed note (C2SP).
    pub note: Arc<str>,
}

/// Signs heads, each once.
pub struct Checkpoints {
    origin: String,
    signers: Vec<Signer>,
    former: Vec<Verifier>,
    tiles: Arc<Tiles>,
    clock: Arc<dyn Clock>,
    fresh_for: Duration,
    latest: Mutex<Option<(Checkpoint, Moment)>>,
}

impl Checkpoints {
    /// Signs for the log of the first key's name, with every key; `former` are public keys of old checkpoints. A head is signed anew
    /// when it is older than `fresh_for` and the log has grown. `None` without a key, or with keys of several logs.
    pub fn new(
        signers: Vec<Signer>,
        former: Vec<Verifier>,
        tiles: Arc<Tiles>,
        clock: Arc<dyn Clock>,
        fresh_for: Duration,
    ) -> Option<Self> {
        let origin = signers.first()?.verifier().name().to_owned();
        let is_ours = |key: &Verifier| key.name() == origin;
        let all_ours = signers.iter().map(Signer::verifier).chain(&former).all(is_ours);
        all_ours.then_some(Self {
            origin,
            signers,
            former,
            tiles,
            clock,
            fresh_for,
            latest: Mutex::default(),
        })
    }

    /// The public keys: those that sign now, then those of old checkpoints.
    pub fn keys(&self) -> impl Iterator<Item = &Verifier> {
        self.signers.iter().map(Signer::verifier).chain(&self.former)
    }

    /// A head of at least `size` durable leaves, no older than it may be.
    ///
    /// # Errors
    /// The store's.
    pub async fn current(&self, size: u64) -> storage::Result<Checkpoint> {
        // Held while the next one is made: who comes meanwhile takes that.
        let mut latest = self.latest.lock().await;
        let (now, durable) = (self.clock.now(), self.tiles.durable());
        if let Some((checkpoint, signed)) = &*latest {
            let is_fresh = signed.elapsed_ms(now) < millis(self.fresh_for);
            if checkpoint.size == durable || (is_fresh && checkpoint.size >= size) {
                return Ok(checkpoint.clone());
            }
        }
        let head = Head {
            origin: self.origin.clone(),
            size: durable,
            root: self.tiles.root(durable).await?,
        };
        let checkpoint = Checkpoint {
            size: durable,
            root: head.root,
            note: head.sign(&self.signers).into(),
        };
        *latest = Some((checkpoint.clone(), now.mono));
        Ok(checkpoint)
    }

    /// Compares the log, as it was read at start, with the checkpoint that was kept last.
    ///
    /// # Errors
    /// The store's; [`storage::Error::Corrupt`] where the log is not a continuation of what it has signed.
    pub async fn compare_with_kept(&self, store: &dyn Store) -> storage::Result<()> {
        let Some(kept) = checkpoint_kept(store).await? else {
            return Ok(());
        };
        let durable = self.tiles.durable();
        let forked = |detail: String| storage::Error::Corrupt {
            what: "the evidence log".to_owned(),
            detail,
        };
        if kept.size > durable {
            let behind = format!(
                "it has {durable} leaves, and a checkpoint over {} was signed",
                kept.size
            );
            return Err(forked(behind));
        }
        if self.tiles.root(kept.size).await?.0 != kept.root {
            return Err(forked(format!(
                "its first {} leaves are not those that were signed",
                kept.size
            )));
        }
        Ok(())
    }

    /// Keeps the present head, unless it is kept already; gives it where it is new.
    ///
    /// # Errors
    /// The store's.
    pub async fn keep(
        &self,
        store: &dyn Store,
        kept: &mut Option<u64>,
    ) -> storage::Result<Option<Checkpoint>> {
        if *kept == Some(self.tiles.durable()) {
            return Ok(None);
        }
        let checkpoint = self.current(0).await?;
        if *kept == Some(checkpoint.size) {
            return Ok(None);
        }
        let record = CheckpointRecord {
            size: checkpoint.size,
            root: checkpoint.root.0,
            note: checkpoint.note.to_string(),
        };
        let mut batch = Batch::default();
        batch.put(checkpoint_row(), encode(&record)?);
        store.commit(batch).await?;
        *kept = Some(checkpoint.size);
        Ok(Some(checkpoint))
    }
}
