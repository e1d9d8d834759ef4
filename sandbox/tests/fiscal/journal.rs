//! What was answered is there after a restart, whatever ended the server.

use crate::documents::*;
use crate::keys::Key;
use crate::till::*;
use crate::world::{World, cashier, settings};
use fiscal::Kind;
use sandbox::fiscal::machine::Machine;
use sandbox::fiscal::{Journal, JournalError, OpenError, Server};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_restart_keeps_documents_numbers_sessions_and_the_key() {
    let (running, key, folder) = open_shift().await;
    running.send(&key, &document(2, sale())).await;
    let (state, certificate) = (
        running.server.state(),
        running.server.certificate().der().to_vec(),
    );
    let told = running.ask(&key, crate::commands::state_query()).await;
    running.stop().await;
    let running = Running::start(settings_for(&key), folder.path()).await;
    assert_eq!(running.server.state(), state);
    assert_eq!(running.server.certificate().der(), certificate);
    assert_eq!(running.ask(&key, crate::commands::state_query()).await, told);
    running.send(&key, &document(3, z(1))).await;
    assert_eq!(running.documents().await[2]["fiscal_number"], "1000000003");
    running.stop().await;
}

#[tokio::test]
async fn settings_may_change_under_what_was_accepted() {
    let (running, key, folder) = open_shift().await;
    running.stop().await;
    let mut settings = settings_for(&key);
    settings.companies[0].name.push('!');
    let running = Running::start(settings, folder.path()).await;
    assert_eq!(running.documents().await.len(), 1);
    running.stop().await;
}

/// A journal of three records, and its file.
fn three_records(folder: &Path) -> (std::path::PathBuf, Vec<u64>) {
    let path = folder.join("journal.bin");
    let mut world = World::new(settings());
    let mut journal = Journal::open(&path, u64::MAX, |_| panic!("nothing was written")).unwrap();
    let mut ends = Vec::new();
    for (local, kind) in (1..).zip([Kind::OpenShift, sale(), sale()]) {
        let xml = document(local, kind).to_xml().unwrap();
        let signed = crate::world::sign(&cashier(), &xml);
        let event = world
            .machine
            .document(&signed, &crate::world::PlainSignatures, world.arrival())
            .unwrap();
        journal.append(&event).unwrap();
        world.machine.apply(&event);
        ends.push(std::fs::metadata(&path).unwrap().len());
    }
    (path, ends)
}

fn replayed(path: &Path) -> Result<usize, JournalError> {
    let mut machine = Machine::new(settings()).unwrap();
    Journal::open(path, u64::MAX, |event| machine.apply(event))?;
    Ok(machine
        .book(number(REGISTER))
        .map_or(0, |book| book.documents.len()))
}

#[test]
fn a_torn_tail_is_cut_off_and_nothing_before_it_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (path, ends) = three_records(folder.path());
    let whole = std::fs::read(&path).unwrap();
    let first = usize::try_from(ends[0]).unwrap();
    let second = usize::try_from(ends[1]).unwrap();
    for length in [
        0,
        5,
        8,
        9,
        20,
        first - 1,
        first,
        first + 1,
        second - 1,
        second,
        second + 7,
        whole.len() - 1,
        whole.len(),
    ] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let expected = ends.iter().filter(|end| **end <= length as u64).count();
        assert_eq!(replayed(&path).unwrap(), expected, "{length} octets");
        assert_eq!(replayed(&path).unwrap(), expected, "{length} octets, again");
    }
}

#[test]
fn a_broken_record_before_others_is_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let (path, ends) = three_records(folder.path());
    let whole = std::fs::read(&path).unwrap();
    let change = |place: u64| {
        let mut changed = whole.clone();
        changed[usize::try_from(place).unwrap()] ^= 1;
        std::fs::write(&path, changed).unwrap();
    };
    change(ends[0] + 20);
    assert!(matches!(replayed(&path), Err(JournalError::Broken { at, .. }) if at == ends[0]));
    for head in 0..12 {
        change(ends[0] + head);
        assert!(
            matches!(replayed(&path), Err(JournalError::Broken { at, .. }) if at == ends[0]),
            "{head}"
        );
    }
    let zeros = [&whole[..], &[0; 100]].concat();
    std::fs::write(&path, zeros).unwrap();
    assert_eq!(replayed(&path).unwrap(), 3, "octets that never came to the disk");
    change(0);
    assert!(matches!(replayed(&path), Err(JournalError::Form)));
    change(ends[2] - 1);
    assert_eq!(
        replayed(&path).unwrap(),
        2,
        "a last record that is not whole was never answered"
    );
}

#[test]
fn a_folder_is_one_servers() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Server::open(settings(), folder.path()).unwrap();
    let second = Server::open(settings(), folder.path());
    assert!(matches!(second, Err(OpenError::Journal(JournalError::InUse))));
}

#[tokio::test]
async fn a_journal_without_room_answers_503_and_accepts_nothing() {
    let (folder, key) = (tempfile::tempdir().unwrap(), Key::new(1, TAX_NUMBER));
    let mut settings = settings_for(&key);
    settings.journal_bytes_max = 100;
    let running = Running::start(settings, folder.path()).await;
    let signed = key.sign(&document(1, Kind::OpenShift).to_xml().unwrap());
    for _ in 0..2 {
        assert_eq!(running.post("/fs/doc", &[OCTETS], &signed).await.status, 503);
    }
    assert!(running.documents().await.is_empty());
    running.stop().await;
}

/// The program itself, killed when it is dropped.
struct Program {
    child: Child,
    address: std::net::SocketAddr,
    control: std::net::SocketAddr,
}

impl Program {
    fn start(folder: &Path) -> Self {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_sandbox-fiscal"))
            .args(["--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--folder"])
            .arg(folder.join("server"))
            .arg("--settings")
            .arg(folder.join("settings.toml"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut address = |prefix: &str, suffix: &str| {
            let line = lines.next().unwrap().unwrap();
            line.strip_prefix(prefix)
                .unwrap()
                .strip_suffix(suffix)
                .unwrap()
                .parse()
                .unwrap()
        };
        let fiscal = address("fiscal http://", "/fs");
        let control = address("control http://", "/control");
        Self {
            child,
            address: fiscal,
            control,
        }
    }

    async fn count(&self) -> usize {
        let answer = exchange(self.control, &request("GET", "/control/state", &[], b""))
            .await
            .unwrap();
        let state = parse(&answer).json();
        let register = state["registers"].as_array().unwrap().first();
        register.map_or(0, |register| register["documents"].as_array().unwrap().len())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Killed already, where a test did it.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[tokio::test]
async fn a_kill_between_journal_and_answer_loses_nothing() {
    let (folder, key) = (tempfile::tempdir().unwrap(), Key::new(1, TAX_NUMBER));
    let settings = toml::to_string(&settings_for(&key)).unwrap();
    std::fs::write(folder.path().join("settings.toml"), settings).unwrap();
    for (local, kind) in (1..).zip([Kind::OpenShift, sale(), sale()]) {
        let mut program = Program::start(folder.path());
        assert_eq!(program.count().await, usize::try_from(local).unwrap() - 1);
        let arm = request("POST", "/control", &[], b"{\"fault\":\"delay\",\"seconds\":3600}");
        let armed = exchange(program.control, &arm).await.unwrap();
        assert_eq!(parse(&armed).status, 204);
        let signed = key.sign(&document(local, kind).to_xml().unwrap());
        let (address, body) = (program.address, request("POST", "/fs/doc", &[OCTETS], &signed));
        let waiting = tokio::spawn(async move { exchange(address, &body).await });
        let asked = Instant::now();
        while program.count().await < usize::try_from(local).unwrap() {
            assert!(asked.elapsed() < Duration::from_secs(20), "not registered");
        }
        program.child.kill().unwrap();
        program.child.wait().unwrap();
        // Nothing came, or the line broke: the client does not know.
        assert_eq!(waiting.await.unwrap().unwrap_or_default(), b"");
    }
    let program = Program::start(folder.path());
    assert_eq!(program.count().await, 3, "all that was accepted is there");
}
