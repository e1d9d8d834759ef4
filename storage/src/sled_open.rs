//! Opening the database: one process, a damaged snapshot moved aside, a lost tail found, every other trouble in plain words.

use std::{
    fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use crate::{
    Error, Result, SledOptions, checkpoint,
    committer::panic_text,
    engine::Engine,
    mirror::{Found, Mirror},
    redo::{self, Recovered},
    sled_engine::SledEngine,
    space::{Probe, Reserve},
};

/// 2 MiB a segment. Sled puts a page larger than a quarter of it into a file of its own, which our sync would not reach; a
/// page holds at most nineteen entries (sixteen, and what a merge brings), with keys and values at our limits 317 KiB, and 5 KiB more as blocks.
const SEGMENT_BYTES: usize = 2 * 1024 * 1024;
const DATABASE_NAME: &str = "db";
const LOCK_NAME: &str = "lock";

const RESTORE: &str = "Restore the directory from a backup";

/// An open database and what stands beside it.
pub(crate) struct Opened {
    pub(crate) engine: SledEngine,
    pub(crate) mirror: Mirror,
    pub(crate) reserve: Reserve,
    /// What the redo log has beyond the database.
    pub(crate) found: Recovered,
}

/// Opens or makes the database. Blocks.
pub(crate) fn open(options: &SledOptions, probe: &Probe) -> Result<Opened> {
    let opening = Opening {
        options,
        directory: &options.path,
    };
    let lock = opening.prepare_directory()?;
    let reserve = Reserve::open(
        &options.path,
        options.reserve_bytes,
        options.free_bytes_min,
        probe,
    )
    .map_err(|error| opening.io("the reserve file", &error))?;
    let mirrored = opening.mirrored()?;
    let db = opening.database()?;
    let file =
        File::open(options.path.join(DATABASE_NAME)).map_err(|error| opening.io("the database", &error))?;
    let engine = SledEngine::new(db, file, lock, &options.ordered_tables)
        .map_err(|error| opening.error(&error.to_string(), RESTORE))?;
    let found = opening.reconcile(&engine, mirrored)?;
    let mirror = Mirror::open(&options.path, found.layer.sequence)
        .map_err(|error| opening.io("the sequence file", &error))?;
    opening
        .tighten()
        .map_err(|error| opening.io("a file's mode", &error))?;
    Ok(Opened {
        engine,
        mirror,
        reserve,
        found,
    })
}

struct Opening<'a> {
    options: &'a SledOptions,
    directory: &'a Path,
}

impl Opening<'_> {
    /// Makes the directory and takes its lock, which is ours alone until the process ends.
    fn prepare_directory(&self) -> Result<File> {
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(self.directory);
        made.map_err(|error| self.io("the directory", &error))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.directory.join(LOCK_NAME))
            .map_err(|error| self.io("the lock file", &error))?;
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(TryLockError::WouldBlock) => Err(self.error(
                "another process has it open",
                "Stop that process first, or give this one a directory of its own",
            )),
            Err(TryLockError::Error(error)) => Err(self.io("the lock file", &error)),
        }
    }

    /// The mirrored number, or 0 where there is none. Refuses to make a new database where one has gone missing.
    fn mirrored(&self) -> Result<u64> {
        let found = Mirror::read(self.directory).map_err(|error| self.io("the sequence file", &error))?;
        let has_database = self.directory.join(DATABASE_NAME).exists();
        let accepts = self.options.accept_lost_tail;
        match found {
            Found::Sequence(sequence) if sequence > 0 && !has_database && !accepts => {
                Err(self.lost(0, sequence))
            }
            Found::Sequence(sequence) => Ok(sequence),
            Found::Damaged if !accepts => Err(self.error(
                "the sequence file is damaged, so nobody can tell whether acknowledged data is missing",
                "Compare with a backup; if nothing is missing, start once with `accept_lost_tail`",
            )),
            Found::Nothing if has_database => {
                tracing::warn!(
                    "the database has no sequence file: whether its tail is whole was not checked"
                );
                Ok(0)
            }
            Found::Damaged | Found::Nothing => Ok(0),
        }
    }

    /// Opens sled; a damaged snapshot is moved aside once, for the log alone has everything.
    fn database(&self) -> Result<sled::Db> {
        let first = match self.try_database()? {
            Ok(db) => return Ok(db),
            Err(error) => error,
        };
        if !matches!(first, sled::Error::Corruption { .. }) {
            return Err(self.error(
                &first.to_string(),
                "Look at the disk and the rights of the directory",
            ));
        }
        let moved = self
            .move_snapshots_aside()
            .map_err(|error| self.io("a damaged snapshot", &error))?;
        let Some(aside) = moved else {
            return Err(self.error(&format!("the database is damaged: {first}"), RESTORE));
        };
        match self.try_database()? {
            Ok(db) => {
                tracing::warn!(
                    moved_to = %aside.display(),
                    "a damaged snapshot was moved aside, and the database opened without it; nothing is missing"
                );
                self.options.observer.snapshot_recovered();
                Ok(db)
            }
            Err(error) => Err(self.error(
                &format!(
                    "the database is damaged, also without its snapshot (now in {}): {error}",
                    aside.display()
                ),
                RESTORE,
            )),
        }
    }

    /// Sled panics on some kinds of damage; that becomes an error here, and nothing else of it is used afterwards.
    fn try_database(&self) -> Result<std::result::Result<sled::Db, sled::Error>> {
        let config = sled::Config::new()
            .path(self.directory)
            .segment_size(SEGMENT_BYTES)
            .cache_capacity(self.options.cache_bytes)
            .flush_every_ms(None);
        catch_unwind(AssertUnwindSafe(|| config.open())).map_err(|panic| {
            let detail = format!("the database is damaged: {}", panic_text(&*panic));
            self.error(&detail, RESTORE)
        })
    }

    /// Gives the directory that they were moved to; `None` if there was no snapshot to blame.
    fn move_snapshots_aside(&self) -> io::Result<Option<PathBuf>> {
        let mut snapshots = Vec::new();
        for entry in std::fs::read_dir(self.directory)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("snap.") {
                snapshots.push(entry);
            }
        }
        if snapshots.is_empty() {
            return Ok(None);
        }
        let aside = self.new_directory_for_damage()?;
        for snapshot in snapshots {
            std::fs::rename(snapshot.path(), aside.join(snapshot.file_name()))?;
        }
        File::open(self.directory)?.sync_all()?;
        Ok(Some(aside))
    }

    fn new_directory_for_damage(&self) -> io::Result<PathBuf> {
        let mut number = 1_u32;
        loop {
            let aside = self.directory.join(format!("damaged-{number}"));
            match DirBuilder::new().mode(0o700).create(&aside) {
                Ok(()) => return Ok(aside),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads what the redo log has beyond the database, and compares the number of the last batch with the mirrored one.
    fn reconcile(&self, engine: &SledEngine, mirrored: u64) -> Result<Recovered> {
        // What a killed process wrote last may be known to this machine's memory alone; only what is on the disk lets the redo log be written over.
        let applied = engine
            .sync()
            .and_then(|()| engine.sequence())
            .map_err(|error| self.error(&error.to_string(), RESTORE))?;
        let found = redo::find(self.directory, applied).map_err(|error| self.io("the redo log", &error))?;
        let sequence = found.layer.sequence;
        let acknowledged = found.gap.map_or(mirrored, |gap| gap.acknowledged.max(mirrored));
        if sequence >= acknowledged {
            return Ok(found);
        }
        if !self.options.accept_lost_tail {
            return Err(self.lost(sequence, acknowledged));
        }
        tracing::warn!(
            sequence,
            acknowledged,
            "acknowledged batches are missing, and the administrator accepts it"
        );
        let newest = found.gap.map_or(acknowledged, |gap| gap.newest.max(acknowledged));
        self.accept(engine, found, newest)
    }

    /// Brings what is left into the database, notes the number and removes the log: the next start needs no acceptance, and no version is
    /// ever given out twice.
    fn accept(&self, engine: &SledEngine, mut found: Recovered, newest: u64) -> Result<Recovered> {
        found.layer.sequence = newest;
        checkpoint::settle(engine, &found.layer).map_err(|error| self.error(&error.to_string(), RESTORE))?;
        redo::remove(self.directory).map_err(|error| self.io("the redo log", &error))?;
        redo::find(self.directory, newest).map_err(|error| self.io("the redo log", &error))
    }

    /// Only the owner reads what is here, whatever the umask was when sled made its files.
    fn tighten(&self) -> io::Result<()> {
        std::fs::set_permissions(self.directory, Permissions::from_mode(0o700))?;
        for entry in std::fs::read_dir(self.directory)? {
            let entry = entry?;
            let mode = if entry.file_type()?.is_dir() { 0o700 } else { 0o600 };
            std::fs::set_permissions(entry.path(), Permissions::from_mode(mode))?;
        }
        // The names of new files are as durable as their contents from here on.
        File::open(self.directory)?.sync_all()?;
        match self.directory.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
            _ => Ok(()),
        }
    }

    fn lost(&self, sequence: u64, mirrored: u64) -> Error {
        self.error(
            &format!(
                "acknowledged data is missing: the database ends at batch {sequence}, and batch {mirrored} was acknowledged"
            ),
            "Restore the directory from a backup, or start once with `accept_lost_tail` to go on without the missing batches",
        )
    }

    fn io(&self, what: &str, error: &io::Error) -> Error {
        self.error(
            &format!("{what}: {error}"),
            "Look at the disk and the rights of the directory",
        )
    }

    fn error(&self, detail: &str, advice: &str) -> Error {
        Error::Open {
            path: self.directory.to_owned(),
            detail: detail.to_owned(),
            advice: advice.to_owned(),
        }
    }
}
