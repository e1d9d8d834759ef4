//! The journal's promises: a repeat finds its message after a restart, a torn end is cut off, damage is told, nothing is forgotten early.

use super::journal::Journal;
use super::*;
use crate::config::SecretText;
use signing_protocol::KeyId;
use std::path::PathBuf;
use uuid::Uuid;

struct World {
    directory: tempfile::TempDir,
    vault: Vault,
}

fn moment(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
}

fn signed(id: u128, deadline: i64) -> Signed {
    Signed {
        id: RequestId(Uuid::from_u128(id)),
        digest: [u8::try_from(id % 251).unwrap(); 32],
        deadline: moment(deadline),
        cms: format!("message {id}").into_bytes(),
    }
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let vault = Vault::open(directory.path(), &SecretText::new("secret"), 64, 1).unwrap();
        Self { directory, vault }
    }

    fn open(&self) -> Result<Journal, Error> {
        let sealer = self.vault.sealer().clone();
        Journal::open(
            self.directory.path().join("journal"),
            sealer,
            TimeDelta::seconds(600),
        )
    }

    fn segments(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.directory.path().join("journal")).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    }

    fn message(&self, journal: &Journal, id: u128) -> Option<Vec<u8>> {
        let remembered = read(&journal.index()).get(RequestId(Uuid::from_u128(id)))?;
        Some(remembered.read(self.vault.sealer()).unwrap())
    }
}

#[test]
fn messages_are_found_again_after_a_restart() {
    let world = World::new();
    let mut journal = world.open().unwrap();
    journal
        .append(vec![signed(1, 10), signed(2, 10)], moment(0))
        .unwrap();
    journal.append(vec![signed(3, 10)], moment(0)).unwrap();
    drop(journal);
    let journal = world.open().unwrap();
    for id in 1..=3 {
        assert_eq!(
            world.message(&journal, id),
            Some(format!("message {id}").into_bytes())
        );
    }
    assert_eq!(world.message(&journal, 4), None);
}

#[test]
fn no_message_is_readable_on_the_disk() {
    let world = World::new();
    world
        .open()
        .unwrap()
        .append(vec![signed(1, 10)], moment(0))
        .unwrap();
    for path in world.segments() {
        let octets = std::fs::read(path).unwrap();
        assert!(!octets.windows(7).any(|part| part == b"message"));
    }
}

#[test]
fn a_torn_end_is_cut_off_at_start_wherever_it_tore() {
    let whole = {
        let world = World::new();
        let mut journal = world.open().unwrap();
        journal.append(vec![signed(1, 10)], moment(0)).unwrap();
        let before = std::fs::metadata(&world.segments()[0]).unwrap().len();
        journal
            .append(vec![signed(2, 10), signed(3, 10)], moment(0))
            .unwrap();
        before..std::fs::metadata(&world.segments()[0]).unwrap().len()
    };
    for length in whole {
        let world = World::new();
        let mut journal = world.open().unwrap();
        journal.append(vec![signed(1, 10)], moment(0)).unwrap();
        journal
            .append(vec![signed(2, 10), signed(3, 10)], moment(0))
            .unwrap();
        drop(journal);
        let file = std::fs::OpenOptions::new()
            .write(true)
            .open(&world.segments()[0])
            .unwrap();
        file.set_len(length).unwrap();
        let journal = world.open().unwrap();
        assert!(world.message(&journal, 1).is_some(), "cut at {length}");
        assert!(world.message(&journal, 2).is_none() && world.message(&journal, 3).is_none());
        drop(journal);
        assert!(
            world.open().is_ok(),
            "and the start after that finds nothing torn"
        );
    }
}

#[test]
fn damage_in_the_middle_ends_the_start() {
    let world = World::new();
    let mut journal = world.open().unwrap();
    let first = std::fs::metadata(&world.segments()[0]).unwrap().len();
    journal.append(vec![signed(1, 10)], moment(0)).unwrap();
    journal.append(vec![signed(2, 10)], moment(0)).unwrap();
    drop(journal);
    let path = &world.segments()[0];
    let mut octets = std::fs::read(path).unwrap();
    octets[usize::try_from(first).unwrap() + 12] ^= 1;
    std::fs::write(path, &octets).unwrap();
    assert!(matches!(world.open(), Err(Error::File { .. })));
}

#[test]
fn damage_before_the_last_segment_ends_the_start() {
    let world = World::new();
    world
        .open()
        .unwrap()
        .append(vec![signed(1, 10)], moment(0))
        .unwrap();
    drop(world.open().unwrap());
    let path = &world.segments()[0];
    let length = std::fs::metadata(path).unwrap().len();
    std::fs::OpenOptions::new()
        .write(true)
        .open(path)
        .unwrap()
        .set_len(length - 1)
        .unwrap();
    assert!(matches!(world.open(), Err(Error::File { .. })));
}

#[test]
fn requests_are_forgotten_after_their_time_and_the_horizon_remains() {
    let world = World::new();
    let mut journal = world.open().unwrap();
    journal.append(vec![signed(1, 10)], moment(0)).unwrap();
    journal.append(Vec::new(), moment(610)).unwrap();
    assert!(
        world.message(&journal, 1).is_some(),
        "up to its deadline and 600 seconds"
    );
    journal.append(Vec::new(), moment(611)).unwrap();
    assert!(world.message(&journal, 1).is_none());
    assert_eq!(read(&journal.index()).horizon(), moment(10));
    drop(journal);
    let mut journal = world.open().unwrap();
    assert_eq!(
        read(&journal.index()).horizon(),
        moment(10),
        "also after a restart"
    );
    journal.append(vec![signed(2, 700)], moment(612)).unwrap();
    journal.append(vec![signed(3, 700)], moment(612)).unwrap();
    assert!(world.segments().len() <= 2, "{:?}", world.segments());
}

#[test]
fn many_starts_leave_few_segments() {
    let world = World::new();
    for start in 0..10 {
        let mut journal = world.open().unwrap();
        journal.append(Vec::new(), moment(start)).unwrap();
    }
    assert!(world.segments().len() <= 2, "{:?}", world.segments());
}

struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> DateTime<Utc> {
        moment(0)
    }
}

#[tokio::test]
async fn what_was_recorded_together_is_in_journal_and_audit_log() {
    let world = World::new();
    let recorder = Recorder::open(&world.vault, Arc::new(StoppedClock), TimeDelta::seconds(600)).unwrap();
    let event = |id| Event::KeyActivated {
        key: KeyId(Uuid::from_u128(id)),
    };
    let notes = (1..=100).map(|id| recorder.record(event(id), Some(signed(id, 10))));
    for recorded in futures_util::future::join_all(notes).await {
        recorded.unwrap();
    }
    for id in 1..=100 {
        let remembered = recorder.find(RequestId(Uuid::from_u128(id))).unwrap();
        assert_eq!(recorder.message(&remembered).unwrap(), signed(id, 10).cms);
    }
    assert_eq!(recorder.fresh(moment(10)).len(), 100);
    assert_eq!(recorder.fresh(moment(11)).len(), 0);
    let text = std::fs::read_to_string(world.directory.path().join("audit/audit-2026-09.jsonl")).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Line>(line).unwrap().event);
    assert_eq!(
        lines.collect::<Vec<_>>(),
        (1..=100).map(event).collect::<Vec<_>>()
    );
}

#[test]
fn half_a_line_of_the_audit_log_does_not_spoil_the_next_one() {
    let world = World::new();
    let directory = world.directory.path().join("audit");
    let line = Line {
        at: moment(0),
        event: Event::KeyActivated {
            key: KeyId(Uuid::from_u128(1)),
        },
    };
    AuditLog::open(directory.clone())
        .unwrap()
        .append(std::slice::from_ref(&line), moment(0))
        .unwrap();
    let path = directory.join("audit-2026-09.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}{{\"at\":")).unwrap();
    AuditLog::open(directory)
        .unwrap()
        .append(std::slice::from_ref(&line), moment(0))
        .unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 3);
    assert_eq!(
        serde_json::from_str::<Line>(text.lines().last().unwrap()).unwrap(),
        line
    );
}
