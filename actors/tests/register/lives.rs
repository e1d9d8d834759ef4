//! Seeded lives of a register that may go offline: operations by chance, an agent and a tax service that come and go, kills at any commit,
//! restarts, clocks that are set, a person with tools. Register, agent and the stand-in server's machine together; nothing else is real. The
//! same seed is the same life. `SIM_SEEDS` says how many (200 by default, 10,000 in `make nightly`), `SIM_FIRST` where they begin;
//! a failure prints its seed.

use crate::days::request;
use crate::till::{Agent, Kill, OTHER_KEY, Server, Till, seconds, signer};
use actors::ids::OperationId;
use actors::machines::register::{
    DocumentOutcome, Link, Note, OperationState, Phase, RegisterBook, Request, Stage, Tool,
};
use actors::testing::SeededRandomness;
use fiscal::ErrorCode;
use fiscal::document::Kind;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

fn variable(name: &str, default: u64) -> u64 {
    let value = std::env::var(name).ok();
    value.and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// Names of what was seen.
type Seen = BTreeSet<&'static str>;

/// Everything that lives must show between them: states, stages, outcomes, faults. A life that shows less says less than it seems to.
const ALL: &[&str] = &[
    "a person resolved it",
    "agent away",
    "cancelled",
    "clock set",
    "document adopted",
    "document cancelled",
    "document doubtful",
    "document issued offline",
    "document registered",
    "document rejected",
    "done",
    "doubtful document revoked",
    "end taken back",
    "kill",
    "limit near",
    "limit reached",
    "link blocked",
    "link in_doubt",
    "link manual",
    "link offline",
    "link online",
    "link syncing",
    "package in doubt",
    "pending",
    "phase closed",
    "phase open",
    "phase reported",
    "refused",
    "restart",
    "session ended",
    "shift closed by a senior cashier",
    "stage in doubt",
    "stage sending",
    "stage signed",
    "stage signing",
    "tool taken",
];

fn look(machine: &RegisterBook, seen: &mut Seen) {
    seen.insert(match machine.phase() {
        Phase::Closed => "phase closed",
        Phase::Open(_) => "phase open",
        Phase::Reported(_) => "phase reported",
    });
    if let Some(flight) = machine.flight() {
        seen.insert(match flight.stage {
            Stage::Signing { .. } => "stage signing",
            Stage::Signed { .. } => "stage signed",
            Stage::Sending { .. } => "stage sending",
            Stage::InDoubt { .. } => "stage in doubt",
        });
    }
}

fn look_at_link(till: &Till, seen: &mut Seen) {
    seen.insert(match till.view().link {
        Link::Online => "link online",
        Link::Offline => "link offline",
        Link::Syncing => "link syncing",
        Link::Blocked(_) => "link blocked",
        Link::InDoubt => "link in_doubt",
        Link::Manual(_) => "link manual",
    });
}

fn take_notes(till: &mut Till, seen: &mut Seen) {
    use fiscal::offline::State;
    for note in till.notes.drain(..) {
        let name = match note {
            Note::Document { outcome, .. } => match outcome {
                DocumentOutcome::Registered => "document registered",
                DocumentOutcome::Adopted => "document adopted",
                DocumentOutcome::Rejected => "document rejected",
                DocumentOutcome::Cancelled => "document cancelled",
                DocumentOutcome::Doubtful => "document doubtful",
                DocumentOutcome::Issued => "document issued offline",
            },
            Note::OfflineEnded(_) => "session ended",
            Note::OfflineLimit(State::Free | State::Warning) => "limit near",
            Note::OfflineLimit(_) => "limit reached",
            _ => continue,
        };
        seen.insert(name);
    }
}

/// The tax service comes, goes, or does a few things badly.
fn weather(till: &mut Till, chance: &SeededRandomness, seen: &mut Seen) {
    let below = |bound: u64| chance.next_u64() % bound;
    let soon = Duration::from_millis(100 + below(3_000));
    let fault = |number: u64| match number {
        0 => Server::NotSent,
        1 => Server::DropsBefore,
        2 | 3 => Server::DropsAfter,
        4 => Server::SilentAfter,
        5 => Server::Answers(seconds(70)),
        6 => Server::Refuses(ErrorCode::CryptographyError),
        _ => Server::Answers(soon),
    };
    match below(7) {
        0..=2 => {
            till.server_default = Server::NotSent;
            till.question_default = Server::NotSent;
        }
        3 => {
            till.server_default = Server::Refuses(ErrorCode::CryptographyError);
            till.question_default = Server::Answers(soon);
        }
        _ => {
            till.server_default = Server::Answers(soon);
            till.question_default = Server::Answers(soon);
        }
    }
    for _ in 0..below(3) {
        let act = match below(12) {
            8 => Server::Refuses(ErrorCode::DocumentValidationError),
            number => fault(number),
        };
        till.server_script.push_back(act);
    }
    if below(16) == 0 {
        till.package_script
            .push_back(Server::Refuses(ErrorCode::PackageValidationError));
    }
    for _ in 0..below(3) {
        till.package_script.push_back(fault(below(8)));
        till.question_script.push_back(fault(below(8)));
    }
    till.agent_default = if below(6) == 0 {
        seen.insert("agent away");
        Agent::Away
    } else {
        Agent::Signs(Duration::from_millis(50 + below(2_000)))
    };
    for _ in 0..below(2) {
        till.agent_script.push_back(match below(3) {
            0 => Agent::Away,
            1 => Agent::Refuses,
            _ => Agent::Signs(soon),
        });
    }
}

fn clear(till: &mut Till) {
    (till.kill, till.then_kill) = (None, None);
    till.agent_script.clear();
    till.server_script.clear();
    till.package_script.clear();
    till.question_script.clear();
    till.agent_default = Agent::Signs(seconds(1));
    till.server_default = Server::Answers(seconds(1));
    till.question_default = Server::Answers(seconds(1));
}

async fn live(seed: u64, seen: &mut Seen) {
    let chance = SeededRandomness::new(seed);
    let below = |bound: u64| chance.next_u64() % bound;
    // Every third over the night in which October's clocks run back.
    let mut till = if below(3) == 0 {
        Till::at("2026-10-24 18:00:00").await
    } else {
        Till::at("2026-03-30 09:00:00").await
    };
    till.unit.settings.offline = true;
    till.unit.settings.offline_after = seconds(below(8));
    // Every fourth is a life of long absences.
    let is_long = below(4) == 0;
    let mut operations: BTreeMap<OperationId, bool> = BTreeMap::new();
    for _ in 0..30 {
        if below(3) == 0 {
            till.kill = Some(Kill {
                commit: till.commits + 1 + below(8),
                is_durable: below(2) == 0,
            });
        }
        // A long absence is one that little happens in.
        if below(if is_long { 8 } else { 3 }) > 0 && (!is_long || below(8) == 0) {
            weather(&mut till, &chance, seen);
        }
        for _ in 0..below(4) {
            let closes = below(8) == 0;
            let asked = if closes {
                Request::CloseShift
            } else {
                request(&chance)
            };
            let by_senior = closes && below(2) == 0;
            let operation = till
                .order_with(asked, |order| {
                    if by_senior {
                        order.signer = signer(OTHER_KEY, true);
                    }
                })
                .await;
            operations.insert(operation, by_senior);
            look(till.machine(), seen);
        }
        // Mostly seconds, sometimes hours: sessions come to their limits.
        let length = match below(12) {
            0 => below(9 * 3_600_000),
            _ if is_long => below(4 * 3_600_000),
            1..=3 => below(300_000),
            _ => below(40_000),
        };
        till.wait(Duration::from_millis(length)).await;
        look(till.machine(), seen);
        look_at_link(&till, seen);
        if matches!(till.view().link, Link::Manual(_)) && below(2) == 0 {
            till.kill = None;
            till.resolve(None).await;
            seen.insert("a person resolved it");
        }
        if below(10) == 0 {
            till.kill = None;
            till.restart(seconds(below(7_200))).await;
            seen.insert("restart");
        }
        if below(25) == 0 {
            let minutes = i64::try_from(below(40)).unwrap() - 20;
            till.set_clock(chrono::TimeDelta::minutes(minutes)).await;
            seen.insert("clock set");
        }
        if below(20) == 0 {
            let tool =
                [Tool::GoOffline, Tool::GoOnline, Tool::Resynchronise][usize::try_from(below(3)).unwrap()];
            till.kill = None;
            if till.tool(tool).await {
                seen.insert("tool taken");
            }
        }
    }
    clear(&mut till);
    if till.view().offline.is_some_and(|offline| offline.stays) {
        till.tool(Tool::GoOnline).await;
    }
    // What was on its way when the weather cleared may still be refused, and what was refused before a person kept the register offline waits for a
    // person once it is back.
    for _ in 0..2 {
        if matches!(till.view().link, Link::Manual(_)) {
            till.resolve(None).await;
        }
        till.wait(seconds(300)).await;
    }
    if matches!(till.view().link, Link::Manual(_)) {
        till.resolve(None).await;
    }
    till.wait(seconds(900)).await;
    judge(&mut till, operations, seed, seen).await;
}

async fn judge(till: &mut Till, operations: BTreeMap<OperationId, bool>, seed: u64, seen: &mut Seen) {
    assert!(till.is_at_rest(), "seed {seed}: {:?}", till.view());
    assert_eq!(till.view().link, Link::Online, "seed {seed}: {:?}", till.view());
    assert_eq!(till.queued().await, 0, "seed {seed}");
    // I5, and that the server's documents and ours agree; I4 is the server's own refusal of anything else.
    till.check().await;
    look_at_link(till, seen);
    if till.kills > 0 {
        seen.insert("kill");
    }
    take_notes(till, seen);
    let revoked = till.tax.revoked();
    let ours = actors::register::queue::revoked(till.store(), crate::till::register())
        .await
        .unwrap();
    let names = |uid: &fiscal::Uid| uid.as_str().to_owned();
    let theirs: BTreeSet<_> = revoked.iter().map(|document| names(&document.head.uid)).collect();
    let known: BTreeSet<_> = ours.iter().map(|record| names(&record.facts.uid)).collect();
    assert_eq!(known, theirs, "seed {seed}: what was revoked");
    if !revoked.is_empty() {
        seen.insert("doubtful document revoked");
    }
    let documents = till.tax.documents();
    for (operation, by_senior) in operations {
        let kept = till.kept(operation).await;
        if let Some(state) = &kept {
            assert!(state.is_final(), "seed {seed}: {state:?}");
            seen.insert(state.name());
        }
        if let Some(OperationState::Done(done)) = &kept {
            let own: Vec<_> = documents
                .iter()
                .filter(|found| found.document.head.uid == done.document.uid)
                .collect();
            assert_eq!(
                own.len(),
                1,
                "seed {seed}: a receipt is at the server exactly once"
            );
            // I6: the number that the buyer was given is the one that the server knows it by.
            assert_eq!(
                Some(&own[0].number),
                done.document.fiscal_number.as_ref(),
                "seed {seed}"
            );
            if by_senior && matches!(own[0].document.kind, Kind::ZReport(_) | Kind::CloseShift) {
                seen.insert("shift closed by a senior cashier");
            }
        }
        // I1, I2: whatever was told is on disk; what is final was told but once, unless it was refused before anything was remembered.
        let told = till
            .answers
            .iter()
            .filter(|(_, answer)| answer.operation == operation);
        for (_, answer) in told {
            match &answer.state {
                OperationState::Pending => {
                    seen.insert("pending");
                }
                state => {
                    let is_kept = kept.as_ref() == Some(state);
                    let is_bare = kept.is_none() && matches!(state, OperationState::Refused(_));
                    assert!(is_kept || is_bare, "seed {seed}: told {state:?}, kept {kept:?}");
                }
            }
        }
    }
    for state in &till.homes {
        seen.insert(state);
    }
}

/// Lives are divided among so many threads: each is one thread's affair, and no two share anything.
const THREADS: u64 = 4;

#[test]
fn no_life_loses_or_repeats_a_document_online_or_offline() {
    let (first, count) = (variable("SIM_FIRST", 1), variable("SIM_SEEDS", 200));
    println!("seeds {first} to {}", first + count - 1);
    let lives = |thread: u64| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let mut seen = Seen::new();
        for seed in (first..first + count).filter(|seed| seed % THREADS == thread) {
            // Printed before it is lived: whatever panics in it leaves its seed behind.
            println!("seed {seed}");
            runtime.block_on(live(seed, &mut seen));
        }
        seen
    };
    let seen: Seen = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || lives(thread)))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    let missing: Vec<_> = ALL.iter().filter(|name| !seen.contains(*name)).collect();
    assert!(missing.is_empty(), "never seen: {missing:?}");
}
