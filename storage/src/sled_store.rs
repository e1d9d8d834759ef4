//! The store that is used in production.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::{
    Batch, BoxFuture, Error, Health, Key, Result, Row, Scan, Sequence, SledOptions, Store, Stored,
    checkpoint::Checkpoint,
    committer::Committer,
    crowd::Crowd,
    engine::{Engine, Rows},
    group::{Asker, Operation, Question, Reply},
    layer::Layer,
    mirror::{Mirror, MirrorThread},
    redo::{Log, RedoLog},
    shared::Shared,
    sled_open,
    space::{self, Probe, Reserve, Space},
    tables::Tables,
    teller::Teller,
    versions::Versions,
};

/// Tables in sled 0.34 behind one committer thread and a redo log. The directory belongs to one process at a time.
///
/// Dropping it without [`Store::close`] still writes what is queued, but nobody hears when that is done.
pub struct SledStore {
    shared: Arc<Shared>,
}

/// What a store is made of; its layer holds what a start found in the redo log, and the number of the last batch.
pub(crate) struct Parts<E, L> {
    pub(crate) engine: E,
    pub(crate) log: L,
    pub(crate) layer: Layer,
    pub(crate) mirror: Mirror,
    pub(crate) reserve: Reserve,
}

impl SledStore {
    /// Opens the directory, making it if it is not there. It blocks (a million rows take a third of a second), so an
    /// asynchronous program calls it before it starts serving, or by `spawn_blocking`.
    ///
    /// # Errors
    /// [`Error::Open`], with advice for the administrator: another process has the directory, the database is damaged, or
    /// acknowledged data is missing from it.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "options are for one opening; whoever repeats it clones them"
    )]
    pub fn open(options: SledOptions) -> Result<Arc<SledStore>> {
        SledStore::open_with(&options, Arc::new(space::free_bytes))
    }

    /// With another opinion on how much of the disk is free.
    pub(crate) fn open_with(options: &SledOptions, probe: Probe) -> Result<Arc<SledStore>> {
        let opened = sled_open::open(options, &probe)?;
        let log = RedoLog::new(&options.path, options.checkpoint_bytes as u64, &opened.found);
        let parts = Parts {
            engine: opened.engine,
            log,
            layer: opened.found.layer,
            mirror: opened.mirror,
            reserve: opened.reserve,
        };
        SledStore::start(options, probe, parts)
    }

    /// Starts the threads.
    pub(crate) fn start<E: Engine, L: Log>(
        options: &SledOptions,
        probe: Probe,
        parts: Parts<E, L>,
    ) -> Result<Arc<SledStore>> {
        let sequence = parts.layer.sequence;
        let observer = Arc::clone(&options.observer);
        let space = Space::new(
            options.path.clone(),
            options.free_bytes_min,
            probe,
            Arc::clone(&observer),
        );
        let engine = Arc::new(parts.engine);
        let tree: Arc<dyn Rows + Send + Sync> = engine.clone();
        let shared = Arc::new(Shared::new(options.queue_max, space, observer, tree));
        let no_thread = |error: std::io::Error| Error::Open {
            path: options.path.clone(),
            detail: format!("a thread cannot be started: {error}"),
            advice: "Raise the limit of processes".to_owned(),
        };
        let checkpoint = Checkpoint::start(Arc::clone(&engine), Arc::clone(&shared)).map_err(no_thread)?;
        let mirror = MirrorThread::start(parts.mirror, Arc::clone(&shared)).map_err(no_thread)?;
        // A crash may have come between a batch and its number in the mirror.
        mirror.durable(sequence);
        let mut fresh = parts.layer;
        fresh.set_out(&shared.ways);
        let committer = Committer {
            tables: Tables {
                engine,
                log: parts.log,
                fresh,
                settling: None,
                checkpoint,
                checkpoint_bytes: options.checkpoint_bytes,
            },
            shared: Arc::clone(&shared),
            mirror,
            teller: Teller::new(options.runtime.clone()),
            reserve: parts.reserve,
            versions: Versions::default(),
            sequence,
            group_operations_max: options.group_operations_max,
            group_bytes_max: options.group_bytes_max,
            gather: options.gather,
            crowd: Crowd::default(),
            is_more_left: false,
            last_batches: 0,
            last_operations: 0,
            stall_max: options.stall_max,
        };
        committer.start().map_err(no_thread)?;
        Ok(Arc::new(SledStore { shared }))
    }

    fn ask<T: Send + 'static>(
        &self,
        checked: Result<()>,
        question: Question,
        asker: impl FnOnce(Reply<T>) -> Asker,
    ) -> BoxFuture<'_, Result<T>> {
        if let Err(error) = checked {
            return Box::pin(std::future::ready(Err(error)));
        }
        let (reply, answer) = oneshot::channel();
        let asker = asker(reply);
        self.shared.ask(Operation { question, asker }, answer)
    }
}

impl Store for SledStore {
    fn get(&self, key: Key) -> BoxFuture<'_, Result<Option<Stored>>> {
        let checked = key.check_length();
        if checked.is_ok()
            && let Some(read) = self.shared.read_settled(&key)
        {
            return Box::pin(std::future::ready(read));
        }
        self.ask(checked, Question::Get(key), Asker::Get)
    }

    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Vec<Row>>> {
        self.ask(scan.check_size(), Question::Scan(scan), Asker::Scan)
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Sequence>> {
        let way = self
            .shared
            .ways
            .set_out(batch.operations.iter().map(|operation| &operation.key));
        self.ask(batch.check_size(), Question::Commit(batch, way), Asker::Commit)
    }

    fn health(&self) -> Health {
        self.shared.health()
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        self.shared.queue.stop();
        Box::pin(self.shared.ended_well())
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        self.shared.queue.stop();
    }
}
