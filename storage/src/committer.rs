//! The committer: one thread that owns the tables. It takes what waits, judges it in order, writes once, syncs once, and only
//! then answers. Any failure ends it: nothing is acknowledged on a guess.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::{Builder, JoinHandle},
    time::{Duration, Instant},
};

use crate::{
    Error, Result,
    crowd::Crowd,
    engine::Engine,
    group::{Group, Judgement, Operation},
    mirror::MirrorThread,
    queue::Taken,
    redo::Log,
    shared::{Shared, Worker},
    space::Reserve,
    tables::Tables,
    teller::Teller,
    versions::Versions,
};

/// 1 s: how long the committer waits for work before it looks after the reserve file.
const IDLE_PATIENCE: Duration = Duration::from_secs(1);

/// 200 µs without a batch: whoever could bring one waits for us, or has nothing to bring. Each look whether one came takes a processor from somebody who is
/// about to bring it.
const LULL: Duration = Duration::from_micros(200);

/// The committer and what it owns.
pub(crate) struct Committer<E, L> {
    pub(crate) tables: Tables<E, L>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) mirror: MirrorThread,
    pub(crate) teller: Teller,
    pub(crate) reserve: Reserve,
    pub(crate) versions: Versions,
    /// The number of the last batch that is durable.
    pub(crate) sequence: u64,
    pub(crate) group_operations_max: usize,
    pub(crate) group_bytes_max: usize,
    pub(crate) gather: Duration,
    pub(crate) crowd: Crowd,
    /// Whether the last group left some behind that found no room in it.
    pub(crate) is_more_left: bool,
    /// How many batches the last group had.
    pub(crate) last_batches: usize,
    /// And how many operations.
    pub(crate) last_operations: usize,
    pub(crate) stall_max: Duration,
}

impl<E: Engine, L: Log> Committer<E, L> {
    /// Starts the thread, and the watchdog beside it.
    pub(crate) fn start(self) -> std::io::Result<()> {
        let watchdog = start_watchdog(Arc::clone(&self.shared), self.stall_max)?;
        let run = move || {
            self.run_and_release();
            watchdog.thread().unpark();
        };
        Builder::new().name("storage-commit".to_owned()).spawn(run)?;
        Ok(())
    }

    /// Callers hear of a failure before anything is let go, for letting go of a broken disk may take for ever.
    fn run_and_release(mut self) {
        let shared = Arc::clone(&self.shared);
        let ended = match catch_unwind(AssertUnwindSafe(|| self.run())) {
            Ok(ended) => ended,
            Err(panic) => Err(Error::Poisoned {
                reason: format!("the committer panicked: {}", panic_text(&*panic)),
            }),
        };
        let has_failed = ended.is_err();
        if let Err(error) = ended {
            shared.poison(&error.into_reason());
        }
        match catch_unwind(AssertUnwindSafe(|| self.release(has_failed))) {
            Ok(Ok(())) => shared.closed(),
            Ok(Err(error)) => shared.poison(&error.into_reason()),
            Err(panic) => shared.poison(&format!("closing panicked: {}", panic_text(&*panic))),
        }
    }

    fn run(&mut self) -> Result<()> {
        loop {
            self.tables.tend(&self.shared.space)?;
            match self.take() {
                Taken::Items(operations, left) => {
                    self.shared.observer.queue_depth(left);
                    self.is_more_left = left > 0;
                    self.shared.set_busy(Worker::Committer, Some(Instant::now()));
                    self.settle(operations)?;
                    self.shared.set_busy(Worker::Committer, None);
                }
                Taken::Nothing => {}
                Taken::Stopped => return Ok(()),
            }
            self.reserve.keep(&self.shared.space)?;
        }
    }

    /// What is queued was written; what failed is let go as it is.
    fn release(self, has_failed: bool) -> Result<()> {
        self.shared.set_busy(Worker::Committer, Some(Instant::now()));
        self.mirror.finish();
        self.shared.let_tree_go();
        if has_failed || self.shared.is_poisoned() {
            self.tables.abandon();
            return Ok(());
        }
        let has_room = self.shared.space.has_room()?;
        self.tables.close(has_room)
    }

    fn take(&mut self) -> Taken<Operation> {
        // Where the last group was full, the next is there.
        if !self.is_more_left
            && let Some(wanted) = self.crowd.wanted(self.last_batches)
        {
            let came = self.shared.queue.gather(wanted, LULL, self.gather);
            self.crowd.gathered(wanted, came);
        }
        let mut bytes = 0;
        self.shared.queue.take(IDLE_PATIENCE, |taken, next| {
            bytes += next.bytes();
            taken < self.group_operations_max && bytes <= self.group_bytes_max
        })
    }

    /// Judges a group, makes it durable and answers.
    fn settle(&mut self, operations: Vec<Operation>) -> Result<()> {
        let (askers, questions): (Vec<_>, Vec<_>) = operations
            .into_iter()
            .map(|operation| (operation.asker, operation.question))
            .unzip();
        self.shared.take_in_hand(askers);
        let full = self.shared.space.full()?;
        let mut group = Group::new(
            &self.tables,
            &mut self.versions,
            self.sequence,
            self.last_operations,
        );
        let (mut at_once, mut behind) = (Vec::new(), Vec::with_capacity(questions.len()));
        for (place, question) in questions.into_iter().enumerate() {
            let Judgement { said, is_durable } = group.judge(question, full)?;
            match is_durable {
                true => at_once.push((place, said)),
                false => behind.push((place, said)),
            }
        }
        let judged = group.finish();
        self.teller.tell(self.shared.answers(at_once));
        let tally = judged.tally;
        self.last_batches = tally.batches;
        self.last_operations = tally.operations;
        if tally.batches > 0 {
            let begun = Instant::now();
            self.tables
                .write(judged.changes, judged.ways, self.sequence + 1, tally.sequence)?;
            self.sequence = tally.sequence;
            self.shared.space.wrote(tally.bytes);
            self.mirror.durable(tally.sequence);
            self.shared
                .observer
                .committed(tally.batches, tally.operations, tally.bytes, begun.elapsed());
        }
        (0..tally.conflicts).for_each(|_| self.shared.observer.conflicted());
        // Whoever was told meanwhile that the store is dead is not in hand any more, and hears nothing else.
        self.teller.tell(self.shared.answers(behind));
        Ok(())
    }
}

/// Looks four times in `stall_max` whether a group hangs, until the store has ended.
fn start_watchdog(shared: Arc<Shared>, stall_max: Duration) -> std::io::Result<JoinHandle<()>> {
    Builder::new().name("storage-watch".to_owned()).spawn(move || {
        while shared.is_running() {
            shared.check_stall(stall_max);
            std::thread::park_timeout(stall_max / 4);
        }
    })
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a word".to_owned())
}
