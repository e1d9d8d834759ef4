//! Seeded histories: operations by chance, an agent and a server with moods, kills at any commit, restarts, clocks that are set. The same seed
//! is the same history. `SIM_SEEDS` says how many (60 by default), `SIM_FIRST` where they begin; a failure prints its seed.

use crate::days::{moods, request};
use crate::till::{Agent, Kill, Server, Till, seconds};
use actors::ids::OperationId;
use actors::machines::register::{Link, OperationState, Request};
use actors::testing::SeededRandomness;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

fn variable(name: &str, default: u64) -> u64 {
    let value = std::env::var(name).ok();
    value.and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// Names of what was seen.
type Seen = BTreeSet<&'static str>;

async fn history(seed: u64, seen: &mut Seen) {
    let chance = SeededRandomness::new(seed);
    let below = |bound: u64| chance.next_u64() % bound;
    let mut till = Till::at("2026-10-24 21:00:00").await;
    let mut operations: BTreeMap<OperationId, Option<OperationState>> = BTreeMap::new();
    for _ in 0..40 {
        if below(3) == 0 {
            till.kill = Some(Kill {
                commit: till.commits + 1 + below(8),
                is_durable: below(2) == 0,
            });
        }
        if below(4) > 0 {
            moods(&mut till, &chance);
        }
        for _ in 0..below(3) {
            let asked = if below(8) == 0 {
                Request::CloseShift
            } else {
                request(&chance)
            };
            let operation = till.order(asked).await;
            operations.insert(operation, None);
        }
        till.wait(Duration::from_millis(below(40_000))).await;
        if below(10) == 0 {
            till.kill = None;
            till.restart(seconds(below(7_200))).await;
            seen.insert("restart");
        }
        if below(20) == 0 {
            let minutes = i64::try_from(below(120)).unwrap() - 60;
            till.set_clock(chrono::TimeDelta::minutes(minutes)).await;
            seen.insert("clock set");
        }
    }
    (till.kill, till.then_kill) = (None, None);
    till.agent_script.clear();
    till.server_script.clear();
    till.agent_default = Agent::Signs(seconds(1));
    till.server_default = Server::Answers(seconds(1));
    till.wait(seconds(400)).await;
    judge(&till, operations, seed, seen).await;
    if till.kills > 0 {
        seen.insert("kill");
    }
}

async fn judge(
    till: &Till,
    operations: BTreeMap<OperationId, Option<OperationState>>,
    seed: u64,
    seen: &mut Seen,
) {
    assert!(till.is_at_rest(), "seed {seed}: {:?}", till.view());
    assert_eq!(till.view().link, Link::Online, "seed {seed}");
    till.check().await;
    let documents = till.tax.documents();
    for operation in operations.into_keys() {
        let kept = till.kept(operation).await;
        let told: Vec<_> = till
            .answers
            .iter()
            .filter(|(_, answer)| answer.operation == operation)
            .collect();
        if let Some(state) = &kept {
            assert!(state.is_final(), "seed {seed}: {state:?}");
            seen.insert(state.name());
        }
        if let Some(OperationState::Done(done)) = &kept {
            let own = documents
                .iter()
                .filter(|found| found.document.head.uid == done.document.uid);
            assert_eq!(
                own.count(),
                1,
                "seed {seed}: a receipt is at the server exactly once"
            );
        }
        for (_, answer) in told {
            match &answer.state {
                OperationState::Pending => seen.insert("pending"),
                // What is told is on disk, or was refused before anything was remembered.
                state => {
                    let is_kept = kept.as_ref() == Some(state);
                    let is_bare = kept.is_none() && matches!(state, OperationState::Refused(_));
                    assert!(is_kept || is_bare, "seed {seed}: told {state:?}, kept {kept:?}");
                    true
                }
            };
        }
    }
}

#[tokio::test]
async fn no_history_loses_or_repeats_a_receipt() {
    let (first, count) = (variable("SIM_FIRST", 1), variable("SIM_SEEDS", 60));
    println!("seeds {first} to {}", first + count - 1);
    let mut seen = Seen::new();
    for seed in first..first + count {
        history(seed, &mut seen).await;
    }
    let all = Seen::from([
        "cancelled",
        "clock set",
        "done",
        "kill",
        "pending",
        "refused",
        "restart",
    ]);
    assert_eq!(
        seen, all,
        "histories that do not show everything show less than they say"
    );
}
