//! The engine that is sled: one tree, and a sync that really reaches the disk.

use std::{
    fs::{File, TryLockError},
    time::{Duration, Instant},
};

use crate::{
    Error, Result,
    engine::{Change, Engine, Rows},
};

/// Where the database keeps the number of its last batch. No table begins with a zero byte.
const SEQUENCE_KEY: &[u8] = b"\0sequence";

/// 5 s: how long sled's threads may take to let the database go. They take milliseconds, and the process ends soon in any case.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// An open database. The fields are dropped in this order: the lock of the directory last.
pub(crate) struct SledEngine {
    db: sled::Db,
    /// Our own handle of sled's file. On Linux sled's flush calls `sync_file_range`, which leaves the disk's cache and the
    /// file's size alone; `fdatasync` on any handle of the file takes care of both.
    file: File,
    _directory_lock: File,
}

impl SledEngine {
    pub(crate) fn new(db: sled::Db, file: File, directory_lock: File) -> SledEngine {
        SledEngine {
            db,
            file,
            _directory_lock: directory_lock,
        }
    }

    /// The number of the last batch that the database knows; 0 for a new one.
    pub(crate) fn sequence(&self) -> Result<u64> {
        let mut found = Ok(0);
        self.read(SEQUENCE_KEY, &mut |bytes| {
            if let Some(bytes) = bytes {
                found = sequence_of(bytes);
            }
        })?;
        found
    }
}

impl Rows for SledEngine {
    fn read(&self, key: &[u8], show: &mut dyn FnMut(Option<&[u8]>)) -> Result<()> {
        let row = self.db.get(key).map_err(|error| failed("reading", &error))?;
        show(row.as_deref());
        Ok(())
    }

    fn visit(&self, start: &[u8], visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<()> {
        for row in self.db.range(start..) {
            let (key, value) = row.map_err(|error| failed("scanning", &error))?;
            if !visit(&key, &value) {
                break;
            }
        }
        Ok(())
    }
}

impl Engine for SledEngine {
    /// Row by row: a batch of sled's holds off every reader while it is applied, and sends what it has written to the pool of threads at its end.
    fn write(&self, (key, row): Change<'_>) -> Result<bool> {
        let written = match row {
            Some(row) => self.db.insert(key, row).map(|_| true),
            None => self.db.remove(key).map(|old| old.is_some()),
        };
        written.map_err(|error| failed("writing", &error))
    }

    /// The number goes behind the rows into sled's log, which comes back after a crash up to a point, and nothing behind that point.
    fn note(&self, sequence: u64) -> Result<()> {
        self.write((SEQUENCE_KEY, Some(&sequence.to_be_bytes())))
            .map(drop)
    }

    fn sync(&self) -> Result<()> {
        self.db.flush().map_err(|error| failed("flushing", &error))?;
        self.file.sync_data().map_err(|error| Error::Poisoned {
            reason: format!("syncing failed: {error}"),
        })
    }

    /// Everything is synced already; sled flushes once more when it is dropped. Its own threads may keep the database, and with it the lock, a
    /// moment longer, and whoever opens it next would be refused: closed means that the lock is free.
    fn close(self) -> Result<()> {
        let SledEngine {
            db,
            file,
            _directory_lock: directory_lock,
        } = self;
        drop(db);
        let begun = Instant::now();
        while let Err(TryLockError::WouldBlock) = file.try_lock() {
            if begun.elapsed() > LOCK_PATIENCE {
                tracing::warn!("the database is closed, but its own threads still hold its lock");
                break;
            }
            std::thread::park_timeout(Duration::from_millis(1));
        }
        drop((file, directory_lock));
        Ok(())
    }
}

fn sequence_of(bytes: &[u8]) -> Result<u64> {
    let bytes = bytes.try_into().map_err(|_| Error::Corrupt {
        what: "the sequence number of the database".to_owned(),
        detail: format!("it has {} bytes, not 8", bytes.len()),
    })?;
    Ok(u64::from_be_bytes(bytes))
}

fn failed(what: &str, error: &sled::Error) -> Error {
    Error::Poisoned {
        reason: format!("{what} failed: {error}"),
    }
}
