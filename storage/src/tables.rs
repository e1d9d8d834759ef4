//! All rows, as the committer sees them: what the redo log made durable lies in layers over the tree, until the checkpoint brings it there.

use std::{sync::Arc, time::Duration};

use crate::{
    Error, Result,
    checkpoint::Checkpoint,
    engine::{Engine, Rows},
    group::Changed,
    layer::{Layer, Over},
    redo::Log,
    space::Space,
    ways::Way,
};

/// 1 s: with little to do, what is durable in the redo log alone is brought into the tree so soon, and a start has little to read.
pub(crate) const AGE_MAX: Duration = Duration::from_secs(1);

/// The layers, the tree below, the log beside them.
pub(crate) struct Tables<E, L> {
    pub(crate) engine: Arc<E>,
    pub(crate) log: L,
    /// What the committer writes now.
    pub(crate) fresh: Layer,
    /// What the checkpoint is bringing into the tree.
    pub(crate) settling: Option<Arc<Layer>>,
    pub(crate) checkpoint: Checkpoint,
    /// From this size on a layer is handed to the checkpoint; at twice this size the committer waits for it.
    pub(crate) checkpoint_bytes: usize,
}

impl<E: Engine, L: Log> Tables<E, L> {
    /// Makes a group durable: batches `first` to `last`.
    pub(crate) fn write(
        &mut self,
        changes: Vec<Changed>,
        ways: Vec<Way>,
        first: u64,
        last: u64,
    ) -> Result<()> {
        if self.fresh.bytes() >= self.checkpoint_bytes.saturating_mul(2) && self.settling.is_some() {
            self.checkpoint.wait()?;
            self.settled()?;
        }
        let rows = &mut changes.iter().map(|(key, row)| (key.as_bytes(), row.as_deref()));
        let begun = self
            .log
            .append(rows, first, last)
            .map_err(|error| failed("writing the redo log", &error))?;
        self.fresh.slots.extend(begun);
        self.fresh.absorb(changes, last);
        self.fresh.ways.extend(ways);
        Ok(())
    }

    /// Between groups: takes note of a checkpoint that is done, and begins the next if it is time. On a full disk nothing is begun.
    pub(crate) fn tend(&mut self, space: &Space) -> Result<()> {
        if self.settling.is_some() && self.checkpoint.is_done()? {
            self.settled()?;
        }
        let is_time = self.fresh.bytes() >= self.checkpoint_bytes || self.fresh.is_older_than(AGE_MAX);
        if is_time && self.settling.is_none() && space.has_room()? {
            self.begin()?;
        }
        let settling = self.settling.as_ref().map_or(0, |layer| layer.bytes());
        space.owe(self.fresh.bytes() + settling);
        Ok(())
    }

    /// Brings everything into the tree and removes the log, unless the disk is full: then the next start finds the rows in the log.
    pub(crate) fn close(mut self, has_room: bool) -> Result<()> {
        if self.settling.is_some() {
            self.checkpoint.wait()?;
            self.settled()?;
        }
        let is_settled = self.fresh.is_empty() || has_room;
        if is_settled && !self.fresh.is_empty() {
            self.begin()?;
            self.checkpoint.wait()?;
        }
        self.settling = None;
        self.checkpoint.finish();
        if is_settled {
            self.log
                .remove()
                .map_err(|error| failed("removing the redo log", &error))?;
        }
        let engine = Arc::into_inner(self.engine).ok_or_else(|| Error::Poisoned {
            reason: "the checkpoint's thread still holds the database".to_owned(),
        })?;
        engine.close()
    }

    /// Ends after a failure: nothing more is written.
    pub(crate) fn abandon(self) {
        self.checkpoint.finish();
    }

    fn begin(&mut self) -> Result<()> {
        self.log.end_file();
        let layer = Arc::new(std::mem::take(&mut self.fresh));
        self.settling = Some(Arc::clone(&layer));
        self.checkpoint.begin(layer)
    }

    fn settled(&mut self) -> Result<()> {
        if let Some(layer) = self.settling.take() {
            self.log
                .release(&layer.slots)
                .map_err(|error| failed("removing a file of the redo log", &error))?;
            self.checkpoint.let_go(layer);
        }
        Ok(())
    }
}

impl<E: Engine, L> Rows for Tables<E, L> {
    fn read(&self, key: &[u8], show: &mut dyn FnMut(Option<&[u8]>)) -> Result<()> {
        self.layered().read(key, show)
    }

    fn visit(&self, start: &[u8], visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<()> {
        self.layered().visit(start, visit)
    }
}

impl<E: Engine, L> Tables<E, L> {
    fn layered(&self) -> Over<'_, Over<'_, &E>> {
        Over {
            layer: Some(&self.fresh),
            below: Over {
                layer: self.settling.as_deref(),
                below: &*self.engine,
            },
        }
    }
}

fn failed(what: &str, error: &std::io::Error) -> Error {
    Error::Poisoned {
        reason: format!("{what} failed: {error}"),
    }
}
