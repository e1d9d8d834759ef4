//! Wall clocks that a test moves while real programs run by them: each program is given libfaketime, which asks a file how far this
//! machine's clock is to be moved, whenever the program asks for the time. The programs' monotonic clocks go on as they are.
//!
//! The library is not part of every machine: where it is absent, tests print that they skip, and pass.

#![allow(clippy::print_stdout)] // that tests skip; clippy sees a test only inside `#[test]`

use crate::agents::world::now;
use actors::machines::register::kyiv;
use chrono::{DateTime, Days, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use fiscal::offline::Month;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// Names the library where it is in none of the usual places.
const LIBRARY: &str = "FAKETIME_LIBRARY";
const FILE: &str = "libfaketimeMT.so.1";

/// The library for programs with several threads: where the environment says, or where Debian, Fedora and Arch install it.
fn library() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(LIBRARY) {
        let named = PathBuf::from(named);
        assert!(named.exists(), "{LIBRARY}: {} is not there", named.display());
        return Some(named);
    }
    let of_architectures = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let multiarch = of_architectures.map(|entry| entry.path().join("faketime"));
    let others = [
        "/usr/lib64/faketime",
        "/usr/lib/faketime",
        "/usr/local/lib/faketime",
    ]
    .map(PathBuf::from);
    let mut found = multiarch.chain(others).map(|folder| folder.join(FILE));
    found.find(|path| path.exists())
}

/// The clocks of a world.
pub struct Hours {
    pub gateway: Arc<WallClock>,
    pub agent: Arc<WallClock>,
    pub tax_service: Arc<WallClock>,
}

impl Hours {
    /// Eight o'clock in Kyiv on the second day of the next month, on all of them: no midnight, month or change of the clocks comes before it is
    /// made to. None, and it is said, where this machine lacks the library.
    pub fn at_morning() -> Option<Self> {
        let Some(library) = library() else {
            println!(
                "skipped: libfaketime is not here (Debian: apt install faketime; elsewhere {LIBRARY}=…/{FILE})"
            );
            return None;
        };
        let second = Month::of(kyiv::local(now())).next().start() + Days::new(1);
        let ahead = until(now(), second + TimeDelta::hours(8));
        let clock = || Arc::new(WallClock::new(library.clone(), ahead));
        Some(Self {
            gateway: clock(),
            agent: clock(),
            tax_service: clock(),
        })
    }

    /// Time passes for everybody.
    pub fn pass(&self, length: TimeDelta) {
        for clock in [&self.tax_service, &self.agent, &self.gateway] {
            clock.jump(length);
        }
    }

    /// It becomes this time of the day in Kyiv, of today or of so many days later.
    pub fn pass_until(&self, days_later: u64, hour: u32, minute: u32) {
        let now = self.gateway.now();
        let day = kyiv::local(now).date() + Days::new(days_later);
        let time = NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
        self.pass(until(now, day.and_time(time)));
    }
}

/// How long it is from a moment until Kyiv's clocks show this.
fn until(from: DateTime<Utc>, local: NaiveDateTime) -> TimeDelta {
    let about = local - kyiv::local(from);
    // The clocks may have been changed on the way there.
    about + (local - kyiv::local(from + about))
}

/// One machine's wall clock.
pub struct WallClock {
    library: PathBuf,
    folder: TempDir,
    ahead: Mutex<TimeDelta>,
}

impl WallClock {
    fn new(library: PathBuf, ahead: TimeDelta) -> Self {
        let clock = Self {
            library,
            folder: tempfile::tempdir().unwrap(),
            ahead: Mutex::new(ahead),
        };
        clock.write(ahead);
        clock
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ahead")
    }

    /// Whole at any moment, for a program may be reading it.
    fn write(&self, ahead: TimeDelta) {
        let written = self.folder.path().join("ahead.new");
        std::fs::write(&written, format!("{:+.3}\n", seconds(ahead))).unwrap();
        std::fs::rename(written, self.file()).unwrap();
    }

    /// Forwards or back.
    pub fn jump(&self, by: TimeDelta) {
        let mut ahead = self.ahead.lock().unwrap();
        *ahead += by;
        self.write(*ahead);
    }

    pub fn now(&self) -> DateTime<Utc> {
        now() + *self.ahead.lock().unwrap()
    }

    /// A program that is started so goes by it.
    pub fn give(&self, command: &mut Command) {
        command.env("LD_PRELOAD", &self.library);
        command.env("FAKETIME_TIMESTAMP_FILE", self.file());
        let set = [
            // Otherwise a jump would be seen up to ten seconds later.
            "FAKETIME_NO_CACHE",
            "FAKETIME_DONT_FAKE_MONOTONIC",
            "NO_FAKE_STAT",
        ];
        command.envs(set.map(|name| (name, OsStr::new("1"))));
    }
}

impl sandbox::fiscal::Clock for WallClock {
    fn now(&self) -> DateTime<Utc> {
        self.now()
    }
}

#[allow(clippy::cast_precision_loss)] // some thousand years of milliseconds are exact
fn seconds(length: TimeDelta) -> f64 {
    length.num_milliseconds() as f64 / 1_000.0
}

/// A program that was killed leaves behind what the library shared with its children.
pub fn tidy_after(ended: &Child) {
    for name in ["faketime_shm", "sem.faketime_sem"] {
        // Another program, that had no moved clock, left nothing.
        let _ = std::fs::remove_file(Path::new("/dev/shm").join(format!("{name}_{}", ended.id())));
    }
}
