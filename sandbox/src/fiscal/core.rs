//! The machine with its journal: what is accepted is on disk before anybody hears of it.

use super::clock::Clock;
use super::faults::Faults;
use super::journal::{Journal, JournalError};
use super::machine::{Arrival, Event, Machine};
use super::seal::{Seal, SealError};
use super::settings::{Settings, SettingsError};
use super::signatures::DstuSignatures;
use chrono::{DateTime, TimeDelta, Utc};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// The journal in a server's folder.
const JOURNAL_FILE: &str = "journal.bin";

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The server's key.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The folder.
    #[error("the folder cannot be made: {0}")]
    Folder(#[from] std::io::Error),
}

/// All that requests share.
pub(super) struct Core {
    pub(super) seal: Seal,
    pub(super) signatures: DstuSignatures,
    pub(super) settings: Settings,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    faults: Mutex<Faults>,
}

struct State {
    machine: Machine,
    journal: Journal,
}

/// Why nothing was accepted: refused, or not remembered.
pub(super) enum Failure<R> {
    Refused(R),
    Journal(JournalError),
}

impl Core {
    pub(super) fn open(settings: Settings, folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let mut machine = Machine::new(settings.clone())?;
        std::fs::create_dir_all(folder)?;
        let journal = Journal::open(&folder.join(JOURNAL_FILE), settings.journal_bytes_max, |event| {
            machine.apply(event);
        })?;
        Ok(Self {
            seal: Seal::open(folder)?,
            signatures: DstuSignatures,
            settings,
            clock,
            state: Mutex::new(State { machine, journal }),
            faults: Mutex::default(),
        })
    }

    /// The server's time, wrong by as much as was armed.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now() + TimeDelta::seconds(self.faults().skew_seconds())
    }

    pub(super) fn arrival(&self) -> Arrival {
        Arrival {
            at: self.now(),
            chance: Uuid::new_v4().as_u64_pair().1,
        }
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        // What is armed is whole between any two statements, so that a panic elsewhere spoils nothing.
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the state.
    pub(super) fn read<T>(&self, look: impl FnOnce(&Machine) -> T) -> T {
        look(&self.state().machine)
    }

    /// Decides, remembers, applies, in this order, and one at a time. `decide` gives what to answer with, and the event if there is one.
    pub(super) fn submit<T, R>(
        &self,
        decide: impl FnOnce(&Machine) -> Result<(T, Option<Event>), R>,
    ) -> Result<T, Failure<R>> {
        let mut state = self.state();
        let (answer, event) = decide(&state.machine).map_err(Failure::Refused)?;
        if let Some(event) = event {
            state.journal.append(&event).map_err(Failure::Journal)?;
            state.machine.apply(&event);
        }
        Ok(answer)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("a panic in the machine ends the stand-in: its state is not to be trusted")
    }
}
