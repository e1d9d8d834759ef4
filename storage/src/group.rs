//! A group: operations taken from the queue together, judged in order, made durable by one sync, answered after it.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use tokio::sync::oneshot;

use crate::{
    Batch, Error, Key, Result, Row, Scan, Sequence, Stored, Version, batch::RowBytes, engine::Rows as Table,
    versions::Versions, ways::Way,
};

/// Where an answer goes; the asker may have left.
pub(crate) type Reply<T> = oneshot::Sender<Result<T>>;

/// What callers queue.
pub(crate) struct Operation {
    pub(crate) question: Question,
    pub(crate) asker: Asker,
}

/// What is asked of the store.
pub(crate) enum Question {
    Get(Key),
    Scan(Scan),
    Commit(Batch, Way),
}

/// Who waits for the answer; may have left. Dropped, it hears that the store ended.
pub(crate) enum Asker {
    Get(Reply<Option<Stored>>),
    Scan(Reply<Vec<Row>>),
    Commit(Reply<Sequence>),
}

/// What an asker is told.
pub(crate) enum Said {
    Get(Result<Option<Stored>>),
    Scan(Result<Vec<Row>>),
    Commit(Result<Sequence>),
}

/// 128 KiB: what a scan counts for. Answers are held until the group is synced, so only eight scans, with 16 MB each at the
/// very most, share a group of the usual size.
const SCAN_WEIGHT: usize = 128 * 1024;

impl Operation {
    /// What it adds to the size of a group.
    pub(crate) fn bytes(&self) -> usize {
        match &self.question {
            Question::Get(_) => 0,
            Question::Scan(_) => SCAN_WEIGHT,
            Question::Commit(batch, _) => batch.bytes(),
        }
    }
}

/// A row as it is after a group; `None` is deleted.
pub(crate) type Changed = (Key, Option<RowBytes>);

/// Judges operations against the rows that are durable and the batches before them in the same group.
pub(crate) struct Group<'a, T> {
    durable: &'a T,
    versions: &'a mut Versions,
    /// Rows as they will be; `None` is deleted. Most groups are never scanned, so that nobody sorts them.
    overlay: HashMap<Key, Option<RowBytes>, RandomState>,
    /// Of what will be written.
    ways: Vec<Way>,
    tally: Tally,
}

/// What a group amounts to; for the observer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tally {
    /// The last number that was given out.
    pub(crate) sequence: u64,
    pub(crate) batches: usize,
    pub(crate) operations: usize,
    pub(crate) bytes: usize,
    pub(crate) conflicts: usize,
}

/// A group that was judged: what to write.
pub(crate) struct Judged {
    pub(crate) changes: Vec<Changed>,
    pub(crate) ways: Vec<Way>,
    pub(crate) tally: Tally,
}

/// What an operation came to.
pub(crate) struct Judgement {
    pub(crate) said: Said,
    /// Whether it says nothing but what is durable already, and need not wait for the group's sync.
    pub(crate) is_durable: bool,
}

/// An answer and who it is for.
pub(crate) struct Answer {
    pub(crate) asker: Asker,
    pub(crate) said: Said,
}

impl Answer {
    /// An asker that left does not get it, which is its own decision.
    pub(crate) fn send(self) {
        match (self.asker, self.said) {
            (Asker::Get(reply), Said::Get(result)) => drop(reply.send(result)),
            (Asker::Scan(reply), Said::Scan(result)) => drop(reply.send(result)),
            (Asker::Commit(reply), Said::Commit(result)) => drop(reply.send(result)),
            _ => unreachable!("what is said is of the kind that was asked"),
        }
    }
}

impl<'a, T: Table> Group<'a, T> {
    /// A group whose first batch gets the number after `sequence`.
    /// `operations`: for how many there is to be room at once; the group before had as many.
    pub(crate) fn new(
        durable: &'a T,
        versions: &'a mut Versions,
        sequence: u64,
        operations: usize,
    ) -> Group<'a, T> {
        let tally = Tally {
            sequence,
            batches: 0,
            operations: 0,
            bytes: 0,
            conflicts: 0,
        };
        Group {
            durable,
            versions,
            overlay: HashMap::with_capacity_and_hasher(operations, RandomState::default()),
            ways: Vec::new(),
            tally,
        }
    }

    /// Judges the next operation. With `full`, batches that would write are refused. `Err` is a failure of what is below.
    ///
    /// A read that no batch of this group touches sees what is durable already.
    pub(crate) fn judge(&mut self, question: Question, full: Option<u64>) -> Result<Judgement> {
        let mut is_durable = false;
        let said = match question {
            Question::Get(key) => {
                is_durable = !self.overlay.contains_key(&key);
                Said::Get(survivable(self.get(&key))?)
            }
            Question::Scan(scan) => Said::Scan(survivable(self.scan(&scan))?),
            Question::Commit(batch, way) => {
                let judged = survivable(self.commit(batch, full))?;
                self.ways.extend(judged.is_ok().then_some(way));
                Said::Commit(judged)
            }
        };
        Ok(Judgement { said, is_durable })
    }

    pub(crate) fn finish(self) -> Judged {
        Judged {
            changes: self.overlay.into_iter().collect(),
            ways: self.ways,
            tally: self.tally,
        }
    }

    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        self.read(key, |row| unpack(key.as_bytes(), row))
    }

    fn version(&self, key: &Key) -> Result<Version> {
        if let Some(known) = self.versions.get(key) {
            return Ok(known);
        }
        let found = self.read(key, |row| {
            version_and_value(key.as_bytes(), row).map(|(version, _)| version)
        })?;
        Ok(found.unwrap_or(Version::ABSENT))
    }

    /// Reads a row where it lies: in this group, or below.
    fn read<R>(&self, key: &Key, read: impl Fn(&[u8]) -> Result<R>) -> Result<Option<R>> {
        if let Some(row) = self.overlay.get(key) {
            return row.as_deref().map(read).transpose();
        }
        let mut found = None;
        self.durable
            .read(key.as_bytes(), &mut |row| found = row.map(&read))?;
        found.transpose()
    }

    /// Merges the durable rows and the overlay's, both ascending.
    fn scan(&self, scan: &Scan) -> Result<Vec<Row>> {
        let is_in = |key: &Key| key.as_bytes() >= scan.start() && !scan.is_past(key.as_bytes());
        let mut waiting: Vec<_> = self.overlay.iter().filter(|(key, _)| is_in(key)).collect();
        waiting.sort_unstable_by_key(|(key, _)| *key);
        let mut waiting = waiting.into_iter().peekable();
        let mut rows = Rows {
            scan,
            found: Vec::new(),
            damage: None,
        };
        if rows.is_done() {
            return Ok(rows.found);
        }
        self.durable.visit(scan.start(), &mut |key, row| {
            while let Some((earlier, change)) = waiting.next_if(|(earlier, _)| earlier.as_bytes() < key) {
                rows.add(earlier.as_bytes(), change.as_deref());
            }
            match waiting.next_if(|(same, _)| same.as_bytes() == key) {
                Some((same, change)) => rows.add(same.as_bytes(), change.as_deref()),
                None => rows.add(key, Some(row)),
            }
            !rows.is_done() && !scan.is_past(key)
        })?;
        for (key, change) in waiting {
            rows.add(key.as_bytes(), change.as_deref());
        }
        rows.damage.map_or(Ok(rows.found), Err)
    }

    fn commit(&mut self, batch: Batch, full: Option<u64>) -> Result<Sequence> {
        if batch.is_empty() {
            return Ok(Sequence(self.tally.sequence));
        }
        if let Some(free_bytes) = full {
            return Err(Error::Full { free_bytes });
        }
        let judged = batch.check_versions(|key| self.version(key));
        if let Err(error) = judged {
            self.tally.conflicts += usize::from(matches!(error, Error::Conflict { .. }));
            return Err(error);
        }
        self.tally.sequence += 1;
        self.tally.batches += 1;
        self.tally.operations += batch.len();
        self.tally.bytes += batch.bytes();
        let sequence = Sequence(self.tally.sequence);
        for operation in batch.operations {
            self.versions.note(&operation, sequence);
            self.overlay
                .insert(operation.key, operation.row.map(|row| row.written(sequence)));
        }
        Ok(sequence)
    }
}

/// The rows that a scan has found so far.
struct Rows<'a> {
    scan: &'a Scan,
    found: Vec<Row>,
    damage: Option<Error>,
}

impl Rows<'_> {
    fn add(&mut self, key: &[u8], row: Option<&[u8]>) {
        let Some(row) = row else { return };
        if self.is_done() || self.scan.is_past(key) || !self.scan.is_wanted(key) {
            return;
        }
        match unpack(key, row) {
            Ok(stored) => self.found.push(Row {
                key: Key::from_stored(key),
                stored,
            }),
            Err(error) => self.damage = Some(error),
        }
    }

    fn is_done(&self) -> bool {
        self.found.len() >= self.scan.limit() || self.damage.is_some()
    }
}

/// Parts the failure of an engine, which ends the committer, from an answer that only its caller has to live with.
fn survivable<T>(result: Result<T>) -> Result<Result<T>> {
    match result {
        Err(error @ Error::Poisoned { .. }) => Err(error),
        other => Ok(other),
    }
}

pub(crate) fn unpack(key: &[u8], row: &[u8]) -> Result<Stored> {
    let (version, value) = version_and_value(key, row)?;
    Ok(Stored {
        version,
        value: value.to_vec(),
    })
}

fn version_and_value<'a>(key: &[u8], row: &'a [u8]) -> Result<(Version, &'a [u8])> {
    let Some((version, value)) = row.split_first_chunk() else {
        let what = format!("the row at `{}`", key.escape_ascii());
        return Err(Error::Corrupt {
            what,
            detail: "it has no version".to_owned(),
        });
    };
    Ok((Version(u64::from_be_bytes(*version)), value))
}
