//! The checkpoint: a thread that brings the rows of the redo log into the tree, many groups at once, while the committer goes on.
//!
//! A row that was written several times meanwhile goes into the tree once, and one that came and went not at all. Nobody waits for it, unless
//! the committer is so far ahead that the redo log would outgrow its limit.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc},
    thread::{Builder, JoinHandle},
    time::Instant,
};

use crate::{
    Error, Result,
    committer::panic_text,
    engine::Engine,
    layer::Layer,
    shared::{Shared, Worker},
};

/// 5: a third of the share of a busy thread. Much less, and the redo log would reach its limit, where commits wait for this thread after all.
const NICENESS: i32 = 5;

/// What is to be done with a layer.
enum Work {
    /// Bring it into the tree.
    Settle(Arc<Layer>),
    /// Let it go: the memory of thousands of rows, for which nobody should wait.
    Drop(Arc<Layer>),
}

/// The thread, and the two ends of what goes there and comes back.
pub(crate) struct Checkpoint {
    work: mpsc::SyncSender<Work>,
    done: mpsc::Receiver<()>,
    thread: JoinHandle<()>,
}

impl Checkpoint {
    pub(crate) fn start<E: Engine>(engine: Arc<E>, shared: Arc<Shared>) -> io::Result<Checkpoint> {
        // One layer at a time: the committer hands over the next when this one is done, and before it the one to be let go.
        let (work, layers) = mpsc::sync_channel(2);
        let (finished, done) = mpsc::sync_channel(1);
        let thread = Builder::new().name("storage-settle".to_owned()).spawn(move || {
            give_way();
            let run = || settle_all(&*engine, &shared, &layers, &finished);
            match catch_unwind(AssertUnwindSafe(run)) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => shared.poison(&error.into_reason()),
                Err(panic) => shared.poison(&format!("the checkpoint panicked: {}", panic_text(&*panic))),
            }
        })?;
        Ok(Checkpoint { work, done, thread })
    }

    /// Hands a layer over; the one before must be done.
    pub(crate) fn begin(&self, layer: Arc<Layer>) -> Result<()> {
        self.work.send(Work::Settle(layer)).map_err(|_| gone())
    }

    /// Lets a layer go that is done.
    pub(crate) fn let_go(&self, layer: Arc<Layer>) {
        // Where the thread has ended, it goes with the channel.
        drop(self.work.send(Work::Drop(layer)));
    }

    /// Whether the layer is in the tree, durably.
    pub(crate) fn is_done(&self) -> Result<bool> {
        match self.done.try_recv() {
            Ok(()) => Ok(true),
            Err(mpsc::TryRecvError::Empty) => Ok(false),
            Err(mpsc::TryRecvError::Disconnected) => Err(gone()),
        }
    }

    /// Waits until it is.
    pub(crate) fn wait(&self) -> Result<()> {
        self.done.recv().map_err(|_| gone())
    }

    /// Ends the thread, and with it its hold of the engine.
    pub(crate) fn finish(self) {
        drop(self.work);
        if self.thread.join().is_err() {
            tracing::error!("the thread that settles rows in the tree panicked");
        }
    }
}

/// The thread has said why before it left.
fn gone() -> Error {
    Error::Poisoned {
        reason: "the checkpoint's thread has ended".to_owned(),
    }
}

/// Callers wait for the committer and nobody for this thread, whose work comes in bursts of tens of milliseconds: it takes what the others leave. On Linux
/// the niceness is the calling thread's own.
fn give_way() {
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "the checkpoint runs as urgently as everything else");
    }
}

fn settle_all<E: Engine>(
    engine: &E,
    shared: &Shared,
    layers: &mpsc::Receiver<Work>,
    finished: &mpsc::SyncSender<()>,
) -> Result<()> {
    while let Ok(work) = layers.recv() {
        let layer = match work {
            Work::Settle(layer) => layer,
            Work::Drop(layer) => {
                drop(layer);
                continue;
            }
        };
        let begun = Instant::now();
        shared.set_busy(Worker::Checkpoint, Some(begun));
        let rows = settle(engine, &layer)?;
        shared.set_busy(Worker::Checkpoint, None);
        shared.space.wrote(layer.bytes());
        shared.observer.checkpointed(rows, begun.elapsed());
        if finished.send(()).is_err() {
            break;
        }
    }
    Ok(())
}

/// Brings a layer into the tree, durably; gives the number of rows. The sequence number comes last: until it is there, a start reads the redo log again,
/// whose rows say what these said. What came and went between two checkpoints was never in the tree, and is no row.
pub(crate) fn settle<E: Engine>(engine: &E, layer: &Layer) -> Result<usize> {
    let rows = engine.write(&mut layer.changes())?;
    engine.note(layer.sequence)?;
    engine.sync()?;
    Ok(rows)
}
