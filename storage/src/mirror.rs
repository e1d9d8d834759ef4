//! The sequence number kept once more beside the database, so that a lost tail is found at start.
//!
//! Sled opens silently when the end of its file is missing. The number here is written after the batch is durable, and synced
//! within 100 ms; a database that knows less than this file has lost acknowledged data. (What was lost of the last 100 ms
//! before a crash is therefore not noticed.) Two slots are written in turn, so a torn write leaves the other.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{Builder, JoinHandle},
    time::Duration,
};

use crate::shared::Shared;

/// The file beside the database.
pub(crate) const FILE_NAME: &str = "sequence";
/// A slot: magic, the number in eight bytes and the CRC-32 of both in four, most significant byte first.
const SLOT_BYTES: usize = 20;
/// Slots lie a page apart, so that no single write touches both.
const SLOT_DISTANCE: u64 = 4_096;
const MAGIC: &[u8; 8] = b"ctrsgnS1";
/// 50 ms between writes: with a slow sync on top still within the 100 ms that are promised.
const INTERVAL: Duration = Duration::from_millis(50);

/// The open file.
#[derive(Debug)]
pub(crate) struct Mirror {
    file: File,
    /// The slot that does not hold the newest number.
    next_slot: u64,
    /// The newest number that was found or written.
    pub(crate) sequence: u64,
}

/// What the file said at start.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// No file: a new store, or one that was restored without it.
    Nothing,
    /// The newest whole slot.
    Sequence(u64),
    /// A file without one whole slot.
    Damaged,
}

impl Mirror {
    /// Reads the file without touching it.
    pub(crate) fn read(directory: &Path) -> io::Result<Found> {
        let file = match File::open(directory.join(FILE_NAME)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => return Err(error),
        };
        let newest = slots(&file)?.into_iter().flatten().max();
        Ok(newest.map_or(Found::Damaged, Found::Sequence))
    }

    /// Opens the file for writing, or makes it with `sequence` in both slots, by rename.
    pub(crate) fn open(directory: &Path, sequence: u64) -> io::Result<Mirror> {
        let path = directory.join(FILE_NAME);
        if !matches!(Mirror::read(directory)?, Found::Sequence(_)) {
            create(directory, &path, sequence)?;
        }
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        let [first, second] = slots(&file)?;
        let next_slot = u64::from(first > second);
        Ok(Mirror {
            file,
            next_slot,
            sequence: first.max(second).unwrap_or(0),
        })
    }

    /// Writes the number over the older slot and syncs.
    pub(crate) fn write(&mut self, sequence: u64) -> io::Result<()> {
        self.file
            .write_all_at(&slot_of(sequence), self.next_slot * SLOT_DISTANCE)?;
        self.file.sync_data()?;
        self.next_slot = 1 - self.next_slot;
        self.sequence = sequence;
        Ok(())
    }
}

fn create(directory: &Path, path: &Path, sequence: u64) -> io::Result<()> {
    let unfinished: PathBuf = directory.join(format!("{FILE_NAME}.new"));
    let file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.write_all_at(&slot_of(sequence), 0)?;
    file.write_all_at(&slot_of(sequence), SLOT_DISTANCE)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)?;
    File::open(directory)?.sync_all()
}

fn slots(file: &File) -> io::Result<[Option<u64>; 2]> {
    Ok([read_slot(file, 0)?, read_slot(file, SLOT_DISTANCE)?])
}

fn read_slot(file: &File, offset: u64) -> io::Result<Option<u64>> {
    let mut slot = [0; SLOT_BYTES];
    match file.read_exact_at(&mut slot, offset) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let [_, _, _, _, _, _, _, _, number @ .., _, _, _, _] = slot;
    let sequence = u64::from_be_bytes(number);
    Ok((slot == slot_of(sequence)).then_some(sequence))
}

fn slot_of(sequence: u64) -> [u8; SLOT_BYTES] {
    let mut slot = [0; SLOT_BYTES];
    slot[..8].copy_from_slice(MAGIC);
    slot[8..16].copy_from_slice(&sequence.to_be_bytes());
    let checksum = crc32fast::hash(&slot[..16]);
    slot[16..].copy_from_slice(&checksum.to_be_bytes());
    slot
}

/// Writes the mirror behind the committer's back, so that no acknowledgement waits for it.
pub(crate) struct MirrorThread {
    desk: Arc<Desk>,
    thread: JoinHandle<()>,
}

struct Desk {
    note: Mutex<Note>,
    changed: Condvar,
}

#[derive(Clone, Copy)]
struct Note {
    durable: u64,
    is_ending: bool,
    /// Whether the thread sleeps until there is something to write. Between two writes it sleeps for a time, and nobody wakes it in vain.
    is_awaited: bool,
}

impl MirrorThread {
    pub(crate) fn start(mirror: Mirror, shared: Arc<Shared>) -> io::Result<MirrorThread> {
        let note = Note {
            durable: mirror.sequence,
            is_ending: false,
            is_awaited: false,
        };
        let desk = Arc::new(Desk {
            note: Mutex::new(note),
            changed: Condvar::new(),
        });
        let theirs = Arc::clone(&desk);
        let thread = Builder::new().name("storage-mirror".to_owned()).spawn(move || {
            if let Err(error) = theirs.keep(mirror) {
                shared.poison(&format!("the sequence file could not be written: {error}"));
            }
        })?;
        Ok(MirrorThread { desk, thread })
    }

    /// Notes that everything up to `sequence` is durable.
    pub(crate) fn durable(&self, sequence: u64) {
        let mut note = self.desk.lock();
        note.durable = sequence;
        let is_awaited = std::mem::take(&mut note.is_awaited);
        drop(note);
        if is_awaited {
            self.desk.changed.notify_one();
        }
    }

    /// Writes the last number at once and ends the thread.
    pub(crate) fn finish(self) {
        self.desk.lock().is_ending = true;
        self.desk.changed.notify_one();
        if self.thread.join().is_err() {
            tracing::error!("the thread that mirrors the sequence number panicked");
        }
    }
}

impl Desk {
    fn keep(&self, mut mirror: Mirror) -> io::Result<()> {
        loop {
            let idle = |note: &mut Note| {
                note.is_awaited = note.durable == mirror.sequence && !note.is_ending;
                note.is_awaited
            };
            let waited = self.changed.wait_while(self.lock(), idle);
            let note = *waited.unwrap_or_else(PoisonError::into_inner);
            if note.durable > mirror.sequence {
                mirror.write(note.durable)?;
            }
            if note.is_ending {
                return Ok(());
            }
            let ending = self
                .changed
                .wait_timeout_while(self.lock(), INTERVAL, |note| !note.is_ending);
            drop(ending.unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Note> {
        self.note.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
