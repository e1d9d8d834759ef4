//! Time that tests move, chance that tests seed, and an operator that does as it is told.

mod agent;
mod tax;

pub use agent::{AgentAct, ScriptedAgent, SealVerifier, seal, unseal};
pub use tax::{ScriptedTax, TaxAct, TaxModel};

use crate::clock::{Clock, Moment, Now, Process, millis};
use crate::ids::MessageId;
use crate::ports::{DeliveryReport, HandOver, Lookup, Message, Outcome, SmsSender};
use crate::random::{Fault, Randomness};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// A fixed morning: 1 March 2026, 08:00 UTC.
const MORNING_MS: i64 = 1_772_352_000_000;

/// The instant `mono_ms` after the morning at which every test begins.
pub fn now_at(mono_ms: i64) -> Now {
    let wall = DateTime::from_timestamp_millis(MORNING_MS + mono_ms).expect("a moment in this century");
    Now {
        wall,
        mono: Moment(mono_ms),
        process: Process {
            id: 1,
            began_wall_ms: MORNING_MS,
        },
    }
}

/// A clock that stands still until it is moved. Sleepers wake when it has moved far enough.
pub struct ManualClock {
    now: watch::Sender<Now>,
}

impl Default for ManualClock {
    fn default() -> Self {
        Self {
            now: watch::Sender::new(now_at(0)),
        }
    }
}

impl ManualClock {
    /// A clock for a process that begins at this wall time.
    pub fn starting_at(wall: DateTime<Utc>) -> Self {
        static PROCESSES: AtomicU64 = AtomicU64::new(2);
        let id = PROCESSES.fetch_add(1, Ordering::Relaxed);
        let process = Process {
            id,
            began_wall_ms: wall.timestamp_millis(),
        };
        Self {
            now: watch::Sender::new(Now {
                wall,
                mono: Moment(0),
                process,
            }),
        }
    }

    /// Moves both clocks on.
    pub fn advance(&self, length: Duration) {
        self.now.send_modify(|now| {
            now.wall += TimeDelta::milliseconds(millis(length));
            now.mono = now.mono.plus(length);
        });
    }

    /// Sets the wall clock, forwards or back; the monotonic one goes on as it was.
    pub fn jump(&self, by: TimeDelta) {
        self.now.send_modify(|now| now.wall += by);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Now {
        *self.now.borrow()
    }

    fn sleep(&self, length: Duration) -> BoxFuture<'static, ()> {
        let mut changes = self.now.subscribe();
        let until = self.now().mono.plus(length);
        Box::pin(async move {
            if changes.wait_for(|now| now.mono >= until).await.is_err() {
                std::future::pending::<()>().await; // the clock is gone: time stands still for good
            }
        })
    }
}

/// Pseudo-random bytes from a seed (SplitMix64); never for production.
pub struct SeededRandomness(Mutex<u64>);

impl SeededRandomness {
    /// The same seed gives the same bytes.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    /// The next eight bytes as a number.
    pub fn next_u64(&self) -> u64 {
        let mut state = lock(&self.0);
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

impl Randomness for SeededRandomness {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Fault> {
        for chunk in buffer.chunks_mut(8) {
            chunk.copy_from_slice(&self.next_u64().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// A generator that always fails.
pub struct BrokenRandomness;

impl Randomness for BrokenRandomness {
    fn fill(&self, _: &mut [u8]) -> Result<(), Fault> {
        Err(Fault)
    }
}

/// What a scripted operator says where it takes a message.
pub fn accepted() -> Outcome {
    Outcome::Accepted(HandOver {
        operator: "scripted".to_owned(),
        operator_ids: vec!["1".to_owned()],
        parts: 2,
        is_polled: false,
    })
}

/// What a scripted operator does with one message.
pub enum Act {
    /// Takes it.
    Accept,
    /// Refuses it with this code.
    Refuse(&'static str),
    /// Says that it does not know.
    Shrug,
    /// Says nothing until told.
    Hold(oneshot::Receiver<Outcome>),
    /// Says nothing at all.
    Silence,
}

/// An operator in memory: does the next scripted act, or accepts; keeps every message it was handed.
#[derive(Default)]
pub struct ScriptedOperator {
    script: Mutex<VecDeque<Act>>,
    messages: Mutex<Vec<Message>>,
    known: Mutex<Vec<(MessageId, Outcome)>>,
    reports: Mutex<Vec<DeliveryReport>>,
    polls: AtomicU64,
}

impl ScriptedOperator {
    /// Adds an act for a message to come.
    pub fn will(&self, act: Act) {
        lock(&self.script).push_back(act);
    }

    /// Everything it was handed, in order.
    pub fn messages(&self) -> Vec<Message> {
        lock(&self.messages).clone()
    }

    /// Makes it answer a question about a message.
    pub fn knows(&self, message: MessageId, outcome: Outcome) {
        lock(&self.known).push((message, outcome));
    }

    /// Makes it say this, in place of what it said before, when it is asked what became of messages.
    pub fn reports(&self, report: DeliveryReport) {
        *lock(&self.reports) = vec![report];
    }

    /// How often it was asked.
    pub fn polls(&self) -> usize {
        usize::try_from(self.polls.load(Ordering::SeqCst)).unwrap_or(usize::MAX)
    }

    /// The code in the last message it was handed.
    pub fn last_code(&self) -> Option<String> {
        let messages = lock(&self.messages);
        messages
            .last()
            .and_then(|message| message.text.expose().lines().last().map(str::to_owned))
    }
}

impl SmsSender for ScriptedOperator {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn send(&self, message: Message) -> BoxFuture<'_, Outcome> {
        let act = lock(&self.script).pop_front().unwrap_or(Act::Accept);
        lock(&self.messages).push(message);
        Box::pin(async move {
            match act {
                Act::Accept => accepted(),
                Act::Refuse(code) => Outcome::Refused {
                    permanent: true,
                    code: code.to_owned(),
                    text: "refused by script".to_owned(),
                },
                Act::Shrug => Outcome::Unknown,
                Act::Hold(told) => told.await.unwrap_or(Outcome::Unknown),
                Act::Silence => std::future::pending().await,
            }
        })
    }

    fn lookup(&self, message: MessageId, _: Duration) -> BoxFuture<'_, Lookup> {
        let known = lock(&self.known)
            .iter()
            .find(|(id, _)| *id == message)
            .map(|(_, outcome)| outcome.clone());
        Box::pin(async move { known.map_or(Lookup::CannotTell, Lookup::Known) })
    }

    fn poll(&self, _: &str, _: &[String], _: Duration) -> BoxFuture<'_, Vec<DeliveryReport>> {
        self.polls.fetch_add(1, Ordering::SeqCst);
        let reports = lock(&self.reports).clone();
        Box::pin(async move { reports })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
