//! The engine that is sled: one tree, some of whose tables lie in blocks, and a sync that really reaches the disk.

use std::{
    fs::{File, TryLockError},
    time::{Duration, Instant},
};

use crate::{
    Error, Key, Result,
    blocks::RowRef,
    engine::{Change, Engine, Entries, Rows},
    key::SEPARATOR,
    packed::Packed,
};

/// Where the database keeps the number of its last batch. No table begins with a zero byte.
const SEQUENCE_KEY: &[u8] = b"\0sequence";

/// Where it keeps the names of the tables that may lie in blocks, a zero byte behind each.
const BLOCKS_KEY: &[u8] = b"\0blocks";

/// 5 s: how long sled's threads may take to let the database go. They take milliseconds, and the process ends soon in any case.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// An open database. The fields are dropped in this order: the lock of the directory last.
pub(crate) struct SledEngine {
    rows: Packed<SledTree>,
    /// Our own handle of sled's file. On Linux sled's flush calls `sync_file_range`, which leaves the disk's cache and the
    /// file's size alone; `fdatasync` on any handle of the file takes care of both.
    file: File,
    _directory_lock: File,
}

/// Sled's one tree, whose entries are rows and blocks.
struct SledTree(sled::Db);

impl SledEngine {
    /// A database whose rows in these tables share blocks from now on, and in those for which this was ever said.
    pub(crate) fn new(
        db: sled::Db,
        file: File,
        directory_lock: File,
        ordered_tables: &[&'static str],
    ) -> Result<SledEngine> {
        let tree = SledTree(db);
        let tables = remembered_tables(&tree, ordered_tables)?;
        Ok(SledEngine {
            rows: Packed::new(tree, tables),
            file,
            _directory_lock: directory_lock,
        })
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
        self.rows.read(key, show)
    }

    fn visit(&self, start: &[u8], visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<()> {
        self.rows.visit(start, visit)
    }
}

impl Rows for SledTree {
    fn read(&self, key: &[u8], show: &mut dyn FnMut(Option<&[u8]>)) -> Result<()> {
        let row = self.0.get(key).map_err(|error| failed("reading", &error))?;
        show(row.as_deref());
        Ok(())
    }

    fn visit(&self, start: &[u8], visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<()> {
        for row in self.0.range(start..) {
            let (key, value) = row.map_err(|error| failed("scanning", &error))?;
            if !visit(&key, &value) {
                break;
            }
        }
        Ok(())
    }
}

impl Entries for SledTree {
    fn floor(&self, key: &[u8], show: &mut dyn FnMut(Option<RowRef<'_>>)) -> Result<()> {
        let last = self.0.range(..=key).next_back().transpose();
        let entry = last.map_err(|error| failed("reading", &error))?;
        show(entry.as_ref().map(|(key, value)| (&**key, &**value)));
        Ok(())
    }

    fn put(&self, (key, row): Change<'_>) -> Result<bool> {
        let written = match row {
            Some(row) => self.0.insert(key, row).map(|_| true),
            None => self.0.remove(key).map(|old| old.is_some()),
        };
        written.map_err(|error| failed("writing", &error))
    }

    fn put_together(&self, changes: &[Change<'_>]) -> Result<()> {
        let mut batch = sled::Batch::default();
        for (key, row) in changes {
            match row {
                Some(row) => batch.insert(*key, *row),
                None => batch.remove(*key),
            }
        }
        self.0
            .apply_batch(batch)
            .map_err(|error| failed("writing", &error))
    }
}

impl Engine for SledEngine {
    /// Row by row, or block by block: a batch of sled's holds off every reader while it is applied, and sends what it has written to the pool of threads
    /// at its end.
    fn write<'a>(&self, changes: &mut dyn Iterator<Item = Change<'a>>) -> Result<usize> {
        self.rows.write(changes)
    }

    /// The number goes behind the rows into sled's log, which comes back after a crash up to a point, and nothing behind that point.
    fn note(&self, sequence: u64) -> Result<()> {
        self.rows
            .tree()
            .put((SEQUENCE_KEY, Some(&sequence.to_be_bytes())))
            .map(drop)
    }

    fn sync(&self) -> Result<()> {
        let SledTree(db) = self.rows.tree();
        db.flush().map_err(|error| failed("flushing", &error))?;
        self.file.sync_data().map_err(|error| Error::Poisoned {
            reason: format!("syncing failed: {error}"),
        })
    }

    /// Everything is synced already; sled flushes once more when it is dropped. Its own threads may keep the database, and with it the lock, a
    /// moment longer, and whoever opens it next would be refused: closed means that the lock is free.
    fn close(self) -> Result<()> {
        let SledEngine {
            rows,
            file,
            _directory_lock: directory_lock,
        } = self;
        drop(rows);
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

/// What the keys of all tables begin with that ever lay in blocks: those that are remembered, and these, which are remembered now.
fn remembered_tables(tree: &SledTree, ordered: &[&'static str]) -> Result<Vec<Vec<u8>>> {
    let mut remembered = Vec::new();
    tree.read(BLOCKS_KEY, &mut |stored| {
        remembered.extend_from_slice(stored.unwrap_or_default());
    })?;
    let before = remembered.len();
    for table in ordered {
        let prefix = Key::table(table).build();
        if !tables_of(&remembered).any(|known| known == prefix.as_bytes()) {
            remembered.extend_from_slice(prefix.as_bytes());
        }
    }
    if remembered.len() > before {
        // Ahead of the first block in sled's log, and so never lost without it.
        tree.put((BLOCKS_KEY, Some(&remembered)))?;
    }
    Ok(tables_of(&remembered).map(<[u8]>::to_vec).collect())
}

fn tables_of(remembered: &[u8]) -> impl Iterator<Item = &[u8]> {
    remembered.split_inclusive(|byte| *byte == SEPARATOR)
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
