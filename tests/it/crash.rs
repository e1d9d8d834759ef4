//! kill -9 of the real process under load: what was acknowledged stays, and every rule on crashes holds after each restart.
//!
//! `CRASH_CYCLES` kills (5 by default), `CRASH_SEED` to choose what is sent and when it is killed; which request is where in that
//! moment is up to the machine.

mod cell;

use crate::process::Dev;
use crate::receiver::{Manner, Receiver};
use crate::world::wait_until;
use cell::{Caller, Cell, Tally};
use rustix::process::Signal;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Two contract types each. In a longer run one for each kill: what kills cut counts as wrong tries, and many of those lock a contact.
const CUSTOMERS_LEAST: i64 = 200;
/// Requests at once, twice as many while a send is doubled; enough that a kill always meets some.
const WORKERS: usize = 8;
/// The contract types that `countersign dev` makes, by the titles that messages name.
const TYPES: [(u8, &str); 2] = [(7, "سبدگردانی"), (8, "کارگزاری برخط")];

/// Some messages are refused, and each takes as long as an operator nearby.
fn under_load() -> Manner {
    Manner {
        refused_percent: 5,
        delay_max: Duration::from_millis(20),
        refusal: "no credit".to_owned(),
    }
}

fn number_from_environment(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

fn number(customer: i64) -> String {
    format!("912{:07}", 3_000_000 + customer)
}

fn import_customers(dev: &Dev, customers: i64) {
    let rows = (0..customers).map(|customer| {
        let contact = json!({ "contact_ccms_code": 2001, "phone_type": 3, "number": format!("0{}", number(customer)) });
        let row = json!({ "type": "customer", "ccms_code": 50_000 + customer, "full_name": "نام", "contacts": [contact] });
        format!("{row}\n")
    });
    let reply = dev.admin().import(rows.collect::<String>().as_bytes());
    assert_eq!(reply.json()["imported"], customers, "{}", reply.text());
}

fn cells(customers: i64) -> Vec<Cell> {
    (0..customers)
        .flat_map(|customer| {
            TYPES.map(|(id, title)| {
                Cell::new(50_000 + customer, id, title, format!("+98{}", number(customer)))
            })
        })
        .collect()
}

/// Lets every worker do `deed` with cells of its own, each with a chance of its own, and adds up what they saw.
fn in_parallel(
    cells: &mut [Cell],
    random: &mut fastrand::Rng,
    tally: &mut Tally,
    deed: impl Fn(&mut [Cell], &mut fastrand::Rng, &mut Tally) + Sync,
    meanwhile: impl FnOnce(&dyn Fn() -> bool),
) {
    let share = cells.len().div_ceil(WORKERS);
    std::thread::scope(|scope| {
        let deed = &deed;
        let workers: Vec<_> = cells
            .chunks_mut(share)
            .map(|own| {
                let mut random = random.fork();
                scope.spawn(move || {
                    let mut tally = Tally::default();
                    deed(own, &mut random, &mut tally);
                    tally
                })
            })
            .collect();
        // A worker that has found a fault has ended, and nobody should wait for its work.
        meanwhile(&|| workers.iter().any(|worker| worker.is_finished()));
        for worker in workers {
            match worker.join() {
                Ok(seen) => tally.add(&seen),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
}

/// Load until some moment, and then the kill.
fn load_and_kill(
    dev: &Dev,
    caller: &Caller<'_>,
    cells: &mut [Cell],
    random: &mut fastrand::Rng,
    tally: &mut Tally,
) {
    let done = AtomicU64::new(0);
    let enough = random.u64(40..250);
    let work = |own: &mut [Cell], random: &mut fastrand::Rng, tally: &mut Tally| {
        loop {
            let index = random.usize(0..own.len());
            if !own[index].act(caller, random, tally) {
                return; // the gateway is gone
            }
            done.fetch_add(1, Ordering::Relaxed);
        }
    };
    in_parallel(cells, random, tally, work, |somebody_ended| {
        wait_until("the load has run", || {
            done.load(Ordering::Relaxed) >= enough || somebody_ended()
        });
        dev.signal(Signal::KILL);
    });
}

/// What the receiver saw in the whole run.
fn judge_messages(receiver: &Receiver, cells: &[Cell]) {
    let messages = receiver.messages();
    let ids: BTreeSet<&str> = messages.iter().map(|message| message.id.as_str()).collect();
    assert_eq!(ids.len(), messages.len(), "no message was posted twice");
    let windows: usize = cells.iter().map(|cell| cell.judge_windows(receiver)).sum();
    assert_eq!(windows, messages.len(), "every message belongs to a cell");
}

#[test]
fn kill_9_under_load_loses_nothing_acknowledged_and_sends_nothing_twice() {
    let cycles = number_from_environment("CRASH_CYCLES").unwrap_or(5);
    let seed = number_from_environment("CRASH_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("CRASH_SEED={seed} CRASH_CYCLES={cycles}");
    let mut random = fastrand::Rng::with_seed(seed);
    let receiver = Receiver::start(seed);
    let mut settings = receiver.settings();
    // Codes lost in crashes count for the caps, which are no theme here.
    settings.extend(["short_cap", "daily_cap", "contact_daily_cap"].map(|cap| format!("otp.{cap}=36")));
    settings.push("storage.reserve_bytes=0".to_owned());
    // Nor is what each kill costs of what a partner may spend in a day.
    settings.push("sms.spending.daily_max=10000000".to_owned());
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();

    let mut dev = Dev::start(&settings);
    let customers = CUSTOMERS_LEAST.max(i64::try_from(cycles).expect("fewer kills"));
    import_customers(&dev, customers);
    let mut cells = cells(customers);
    let mut tally = Tally::default();
    for _ in 0..cycles {
        receiver.behave(under_load());
        let caller = Caller::new(&dev, &receiver);
        load_and_kill(&dev, &caller, &mut cells, &mut random, &mut tally);
        dev.ended();
        receiver.wait_until_all_is_read();
        receiver.behave(Manner::default());
        dev = dev.start_again(&settings);
        let caller = Caller::new(&dev, &receiver);
        let check = |own: &mut [Cell], random: &mut fastrand::Rng, tally: &mut Tally| {
            own.iter_mut()
                .for_each(|cell| cell.judge_after_restart(&caller, random, tally));
        };
        in_parallel(&mut cells, &mut random, &mut tally, check, |_| ());
    }
    println!("{tally}");
    judge_messages(&receiver, &cells);
    let seen = |what| tally.of(what);
    assert!(
        seen("sends cut by a kill") + seen("verifications cut by a kill") >= cycles,
        "kills met requests in flight"
    );
    assert!(
        seen("sends cut by a kill after their message") > 0,
        "kills met messages that were with the operator and not recorded"
    );
    for outcome in [
        "sends",
        "verifications",
        "windows found closed",
        "answers replayed",
    ] {
        assert!(seen(outcome) > 0, "{outcome}");
    }
}
