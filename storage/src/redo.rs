//! The redo log: what makes a group durable. A group is one record at the end of a file, and one sync.
//!
//! The tree below takes the rows later, many groups at once ([`crate::checkpoint`]); a start reads back what it had not yet taken.
//! The files are used in turn and written over from their beginning, which spares the file system's own bookkeeping at each sync. Each use of a
//! file draws a mark that stands in its records, so that what is left of an earlier use is never taken for a part of the present one.
//!
//! Each record is synced before the next is written. So at most the last one can be torn by a crash, and nobody was told of that; a gap
//! anywhere else means that acknowledged data is missing.

mod found;
mod record;

#[cfg(test)]
pub(crate) use found::Gap;
pub(crate) use found::{Recovered, find};

use std::{
    fs::{File, OpenOptions},
    hash::{BuildHasher, RandomState},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use crate::engine::Change;

/// What the files' names begin with; a slot's number follows.
const NAME: &str = "redo-";

/// Files that are kept for use again: one is written, one is being taken over by the tree. More come to be only through crashes one upon the other.
const SPARE_MAX: usize = 2;

/// What the committer asks of the log. The tests have broken ones.
pub(crate) trait Log: Send + 'static {
    /// Writes a group of batches `first` to `last`; durable when it returns `Ok`. Gives the slot of the file if it is a new one.
    fn append(
        &mut self,
        changes: &mut dyn Iterator<Item = Change<'_>>,
        first: u64,
        last: u64,
    ) -> io::Result<Option<u32>>;

    /// The next group begins another file.
    fn end_file(&mut self);

    /// The tree holds durably what these files do.
    fn release(&mut self, slots: &[u32]) -> io::Result<()>;

    /// Removes the files; the tree holds everything.
    fn remove(self) -> io::Result<()>;
}

/// 16 MiB: what a new file takes on the disk at once, at the most. A longer one grows as it is written.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The log, open for writing. A start never goes on with an old file.
#[derive(Debug)]
pub(crate) struct RedoLog {
    directory: PathBuf,
    /// What a new file takes on the disk at once.
    file_bytes: u64,
    current: Option<Current>,
    spare: Vec<u32>,
    /// Of the next file that is made.
    next_slot: u32,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Current {
    file: File,
    mark: u64,
    position: u64,
}

impl RedoLog {
    /// A log that goes on behind what was found.
    pub(crate) fn new(directory: &Path, file_bytes: u64, found: &Recovered) -> RedoLog {
        RedoLog {
            directory: directory.to_owned(),
            file_bytes: file_bytes.clamp(1, FILE_BYTES_MAX),
            current: None,
            spare: found.spare.clone(),
            next_slot: found.next_slot,
            buffer: Vec::new(),
        }
    }

    fn begin_file(&mut self) -> io::Result<u32> {
        let (slot, file) = match self.spare.pop() {
            Some(slot) => {
                let file = OpenOptions::new()
                    .write(true)
                    .open(path_of(&self.directory, slot))?;
                (slot, file)
            }
            None => (self.next_slot, self.new_file(self.next_slot)?),
        };
        self.next_slot = self.next_slot.max(slot + 1);
        self.current = Some(Current {
            file,
            // Random, and nobody outside can know it: no value that somebody has stored can pass for a record.
            mark: RandomState::new().hash_one(slot),
            position: 0,
        });
        Ok(slot)
    }

    /// Its name is durable before anything is written into it.
    fn new_file(&self, slot: u32) -> io::Result<File> {
        let file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(path_of(&self.directory, slot))?;
        match rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, self.file_bytes) {
            // Without it each sync notes the file's new size, too: slower, and as durable. Where there is no room, writing will say so.
            Ok(()) | Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSPC) => {}
            Err(error) => return Err(error.into()),
        }
        file.sync_all()?;
        File::open(&self.directory)?.sync_all()?;
        Ok(file)
    }
}

impl Log for RedoLog {
    fn append(
        &mut self,
        changes: &mut dyn Iterator<Item = Change<'_>>,
        first: u64,
        last: u64,
    ) -> io::Result<Option<u32>> {
        let begun = match &self.current {
            Some(_) => None,
            None => Some(self.begin_file()?),
        };
        let current = self
            .current
            .as_mut()
            .ok_or_else(|| io::Error::other("a file that was begun is gone"))?;
        record::encode(&mut self.buffer, current.mark, first, last, changes)?;
        current.file.write_all_at(&self.buffer, current.position)?;
        current.file.sync_data()?;
        current.position += self.buffer.len() as u64;
        Ok(begun)
    }

    fn end_file(&mut self) {
        self.current = None;
    }

    fn release(&mut self, slots: &[u32]) -> io::Result<()> {
        self.spare.extend_from_slice(slots);
        while self.spare.len() > SPARE_MAX
            && let Some(slot) = self.spare.pop()
        {
            std::fs::remove_file(path_of(&self.directory, slot))?;
        }
        Ok(())
    }

    fn remove(mut self) -> io::Result<()> {
        self.current = None;
        remove(&self.directory)
    }
}

/// Removes every file of a directory's log.
pub(crate) fn remove(directory: &Path) -> io::Result<()> {
    let slots = slots_in(directory)?;
    for slot in &slots {
        std::fs::remove_file(path_of(directory, *slot))?;
    }
    if slots.is_empty() {
        return Ok(());
    }
    File::open(directory)?.sync_all()
}

fn path_of(directory: &Path, slot: u32) -> PathBuf {
    directory.join(format!("{NAME}{slot}"))
}

fn slots_in(directory: &Path) -> io::Result<Vec<u32>> {
    let mut slots = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let name = entry?.file_name();
        let slot = name.to_str().and_then(|name| name.strip_prefix(NAME));
        slots.extend(slot.and_then(|slot| slot.parse::<u32>().ok()));
    }
    slots.sort_unstable();
    Ok(slots)
}
