//! Space on the disk: refusing before it is full, and a reserve that lets a full disk still be opened.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{Error, Observer, Result};

/// 50 ms between two looks: a fast disk takes about 25 MB in that time, well below the 64 MiB that are kept free.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// 256 KiB taken from callers: sled writes several times that, so a burst may not wait for the clock.
const LOOK_BYTES: usize = 256 * 1024;
/// Four times what it is given: what sled's file may grow by, because it writes whole pages again.
const OWED_FACTOR: usize = 4;
/// 1 s between two attempts to make the reserve again.
const RESERVE_INTERVAL: Duration = Duration::from_secs(1);
const RESERVE_NAME: &str = "reserve";

/// Says how many bytes a process like ours may still write below a path.
pub(crate) type Probe = Arc<dyn Fn(&Path) -> io::Result<u64> + Send + Sync>;

/// The file system's answer.
pub(crate) fn free_bytes(path: &Path) -> io::Result<u64> {
    let statistics = rustix::fs::statvfs(path)?;
    Ok(statistics.f_bavail.saturating_mul(statistics.f_frsize))
}

/// Knows whether the disk is nearly full, and does not ask too often.
pub(crate) struct Space {
    directory: PathBuf,
    free_bytes_min: u64,
    probe: Probe,
    observer: Arc<dyn Observer>,
    look: Mutex<Option<Look>>,
    /// Bytes that were committed and go into the tree later; they will need room there.
    owed_bytes: AtomicUsize,
    was_full: AtomicBool,
}

#[derive(Clone, Copy)]
struct Look {
    at: Instant,
    free_bytes: u64,
    /// What was written since.
    written_bytes: usize,
}

impl Space {
    pub(crate) fn new(
        directory: PathBuf,
        free_bytes_min: u64,
        probe: Probe,
        observer: Arc<dyn Observer>,
    ) -> Space {
        Space {
            directory,
            free_bytes_min,
            probe,
            observer,
            look: Mutex::new(None),
            owed_bytes: AtomicUsize::new(0),
            was_full: AtomicBool::new(false),
        }
    }

    /// What is free, if that is too little to commit anything. `Err` poisons: a directory that cannot be asked is gone.
    pub(crate) fn full(&self) -> Result<Option<u64>> {
        let free_bytes = self.free_bytes()?;
        // As little as a look can miss is not counted, so that a quiet store says what the file system says.
        let owed = self
            .owed_bytes
            .load(Ordering::Relaxed)
            .saturating_mul(OWED_FACTOR);
        let owed = owed.saturating_sub(LOOK_BYTES);
        let is_full = free_bytes.saturating_sub(owed as u64) < self.free_bytes_min;
        if self.was_full.swap(is_full, Ordering::Relaxed) != is_full {
            self.tell(is_full, free_bytes);
        }
        Ok(is_full.then_some(free_bytes))
    }

    /// Whether there is room to bring into the tree what was committed before.
    pub(crate) fn has_room(&self) -> Result<bool> {
        Ok(self.free_bytes()? >= self.free_bytes_min)
    }

    /// Notes what was committed and is not in the tree yet.
    pub(crate) fn owe(&self, bytes: usize) {
        self.owed_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Notes what the committer wrote, so that a burst is noticed before the next look is due.
    pub(crate) fn wrote(&self, bytes: usize) {
        if let Some(last) = &mut *self.look.lock().unwrap_or_else(PoisonError::into_inner) {
            last.written_bytes = last.written_bytes.saturating_add(bytes);
        }
    }

    fn free_bytes(&self) -> Result<u64> {
        let mut look = self.look.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = *look
            && last.at.elapsed() < LOOK_INTERVAL
            && last.written_bytes < LOOK_BYTES
        {
            return Ok(last.free_bytes);
        }
        let free_bytes = (self.probe)(&self.directory).map_err(|error| Error::Poisoned {
            reason: format!("cannot see how much of the disk is free: {error}"),
        })?;
        *look = Some(Look {
            at: Instant::now(),
            free_bytes,
            written_bytes: 0,
        });
        Ok(free_bytes)
    }

    fn tell(&self, is_full: bool, free_bytes: u64) {
        self.observer.full(is_full, free_bytes);
        if is_full {
            tracing::warn!(free_bytes, "the disk is nearly full: nothing more is written");
        } else {
            tracing::info!(free_bytes, "the disk has space again");
        }
    }
}

/// A file that only takes space, to be given back when the disk is full.
pub(crate) struct Reserve {
    path: PathBuf,
    bytes: u64,
    free_bytes_min: u64,
    is_there: bool,
    tried: Option<Instant>,
}

impl Reserve {
    /// Before sled is opened: gives the reserve up if less than its size is free.
    pub(crate) fn open(
        directory: &Path,
        bytes: u64,
        free_bytes_min: u64,
        probe: &Probe,
    ) -> io::Result<Reserve> {
        let path = directory.join(RESERVE_NAME);
        let mut is_there = std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() == bytes);
        if path.exists() && (!is_there || probe(directory)? < bytes) {
            std::fs::remove_file(&path)?;
            is_there = false;
            tracing::warn!(
                bytes,
                "the reserve file was given up, so that the store can be opened"
            );
        }
        Ok(Reserve {
            path,
            bytes,
            free_bytes_min,
            is_there,
            tried: None,
        })
    }

    /// Between groups: makes the file again once there is room for it twice, so that making it does not fill the disk.
    pub(crate) fn keep(&mut self, space: &Space) -> Result<()> {
        if self.is_there || self.bytes == 0 {
            return Ok(());
        }
        if self.tried.is_some_and(|tried| tried.elapsed() < RESERVE_INTERVAL) {
            return Ok(());
        }
        self.tried = Some(Instant::now());
        let needed = self.bytes.saturating_mul(2).saturating_add(self.free_bytes_min);
        if space.free_bytes()? < needed {
            return Ok(());
        }
        match allocate(&self.path, self.bytes) {
            Ok(()) => self.is_there = true,
            // Somebody else took the space in between; half a reserve would only be in the way.
            Err(error) => {
                tracing::warn!(%error, "the reserve file could not be made; trying again");
                remove_if_there(&self.path).map_err(|error| Error::Poisoned {
                    reason: format!("cannot remove an unfinished reserve file: {error}"),
                })?;
            }
        }
        Ok(())
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Really takes the blocks: by the file system where it can, else by writing zeros.
fn allocate(path: &Path, bytes: u64) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    match rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
        Ok(()) => {}
        Err(rustix::io::Errno::OPNOTSUPP) => write_zeros(&mut file, bytes)?,
        Err(error) => return Err(error.into()),
    }
    file.sync_all()
}

fn write_zeros(file: &mut File, bytes: u64) -> io::Result<()> {
    let written = io::copy(&mut io::Read::take(io::repeat(0), bytes), file)?;
    debug_assert_eq!(written, bytes, "repeat never ends");
    file.flush()
}
