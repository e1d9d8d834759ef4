//! One history: a process that lives, dies and lives again over one store, and the bystander's model beside it.

use crate::chance::{below, chance, weighted};
use crate::model::{Model, Window};
use actors::clock::Clock;
use actors::durable::Durable;
use actors::idempotency::{Held, Running};
use actors::ids::{ContactId, ContractTypeId, CustomerId, InvokerCode, RequestId};
use actors::machines::otp::{Delivery, MacKeys, OtpBook, Policy, WindowKey};
use actors::testing::{ManualClock, SeededRandomness};
use actors::wheel::Wheel;
use actors::windows::ClosedWindows;
use chrono::TimeDelta;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use storage::fault::{Fault, FaultStore};
use storage::{Key, MemoryStore, Scan, Store};
use uuid::Uuid;
use zeroize::Zeroizing;

/// A request that waits inside the process.
pub(crate) struct Asked {
    pub(crate) key: Option<(u64, bool)>,
    pub(crate) _held: Option<Held>,
}

/// One history.
pub(crate) struct History {
    pub(crate) randomness: SeededRandomness,
    pub(crate) policy: Policy,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) memory: Arc<MemoryStore>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) books: BTreeMap<CustomerId, Durable<OtpBook>>,
    pub(crate) running: Running,
    pub(crate) asked: BTreeMap<RequestId, Asked>,
    pub(crate) next_request: u64,
    pub(crate) operator_knows: bool,
    pub(crate) model: Model,
    pub(crate) keys: Arc<MacKeys>,
    pub(crate) log: Vec<String>,
    pub(crate) seen: BTreeSet<&'static str>,
    pub(crate) fault: Option<Fault>,
    pub(crate) published: ClosedWindows,
    crash_wall_ms: i64,
    /// Nothing dies any more.
    pub(crate) calm: bool,
    anchored: HashMap<CustomerId, Option<storage::Version>>,
    seed: u64,
}

impl Drop for History {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!(
                "seed {} failed; run it alone with SIM_FIRST={} SIM_SEEDS=1. Its last steps:",
                self.seed, self.seed
            );
            self.log
                .iter()
                .rev()
                .take(45)
                .rev()
                .for_each(|line| println!("  {line}"));
        }
    }
}

#[derive(Clone, Copy)]
enum Act {
    Send,
    Verify,
    Operator,
    Pass,
    Jump,
    Crash,
    Leave,
    Receipt,
}

impl History {
    pub(crate) async fn begin(seed: u64) -> Self {
        let randomness = SeededRandomness::new(seed);
        let policy = Policy {
            resend_window: Duration::from_secs([20, 60, 120][index(&randomness, 3)]),
            lifetime: Duration::from_secs([120, 300][index(&randomness, 2)]),
            contact_daily_cap: [12, 30][index(&randomness, 2)].try_into().unwrap(),
            ..Policy::default()
        };
        let memory = Arc::new(MemoryStore::new());
        let mut history = Self {
            policy,
            clock: Arc::default(),
            store: Arc::<MemoryStore>::clone(&memory),
            memory,
            books: BTreeMap::new(),
            running: Running::default(),
            asked: BTreeMap::new(),
            next_request: 0,
            operator_knows: chance(&randomness, 50),
            model: Model::default(),
            keys: Arc::new(MacKeys::new(vec![(1, Zeroizing::new(vec![1; 32]))]).unwrap()),
            log: Vec::new(),
            seen: BTreeSet::new(),
            fault: None,
            published: ClosedWindows::default(),
            crash_wall_ms: 0,
            calm: false,
            anchored: HashMap::new(),
            seed,
            randomness,
        };
        history.arm();
        history
    }

    /// One thing happens, then time is judged.
    pub(crate) async fn step(&mut self) {
        self.model.saw(self.wall_ms());
        let acts = [
            (34, Act::Send),
            (22, Act::Verify),
            (20, Act::Operator),
            (16, Act::Pass),
            (2, Act::Jump),
            (4, Act::Crash),
            (2, Act::Leave),
            (3, Act::Receipt),
        ];
        match weighted(&self.randomness, &acts) {
            Act::Send => self.send().await,
            Act::Verify => self.verify().await,
            Act::Operator => self.operator_speaks().await,
            Act::Pass => self.pass().await,
            Act::Jump => self.jump(),
            Act::Crash => self.crash(None, None).await,
            Act::Leave => self.leave(),
            Act::Receipt => self.receipt().await,
        }
        self.deadlines().await;
    }

    /// What is in flight is settled; then the disk says what the bystander knows.
    pub(crate) async fn end(&mut self) {
        self.calm = true;
        self.crash(None, None).await;
        self.store = Arc::<MemoryStore>::clone(&self.memory);
        self.advance(Duration::from_secs(60)).await;
        self.load_all().await;
        self.advance(Duration::from_secs(60)).await;
        self.deadlines().await;
        let in_flight = self
            .model
            .windows
            .values()
            .filter(|window| matches!(window, Window::InFlight(_)))
            .count();
        assert_eq!(in_flight, 0, "nothing is stuck");
        let due = self
            .store
            .scan(Scan::of(Key::table("due").build()))
            .await
            .unwrap();
        assert!(due.is_empty(), "no deadline is left behind: {due:?}");
    }

    pub(crate) fn note(&mut self, line: impl Into<String>) {
        let now = self.clock.now();
        self.log
            .push(format!("{} {}", now.wall.format("%d %H:%M:%S%.3f"), line.into()));
    }

    pub(crate) fn window(&self) -> (CustomerId, WindowKey) {
        let customer = CustomerId(1 + below(&self.randomness, 2).cast_signed());
        let contract_type = ContractTypeId(weighted(&self.randomness, &[(6, 7), (2, 8)]));
        let invoker = InvokerCode(Uuid::from_u128(1));
        (
            customer,
            WindowKey {
                contact: ContactId(2001),
                contract_type,
                invoker,
            },
        )
    }

    fn wall_ms(&self) -> i64 {
        self.clock.now().wall.timestamp_millis()
    }

    async fn pass(&mut self) {
        let seconds = weighted(&self.randomness, &[(50, 90), (20, 1_200), (3, 90_000)]);
        let ms = 1 + below(&self.randomness, seconds * 1_000);
        self.advance(Duration::from_millis(ms)).await;
    }

    /// In small strides, so that deadlines are met when they come and not long after.
    async fn advance(&mut self, length: Duration) {
        let mut left = length;
        while left > Duration::ZERO {
            let stride = left.min(if length > Duration::from_secs(600) {
                Duration::from_secs(300)
            } else {
                Duration::from_secs(5)
            });
            self.clock.advance(stride);
            self.model.pass(actors::clock::millis(stride));
            left -= stride;
            self.silent_operators().await;
            self.deadlines().await;
        }
    }

    fn jump(&mut self) {
        let by = weighted(&self.randomness, &[(1, -3_600), (1, 3_600), (1, 259_200)]);
        self.seen
            .insert(if by < 0 { "clock back" } else { "clock forward" });
        self.clock.jump(TimeDelta::seconds(by));
        self.model.saw(self.wall_ms());
        self.note(format!("the wall clock jumps by {by} s"));
    }

    fn leave(&mut self) {
        let idle = |book: &Durable<OtpBook>| !book.machine().is_waiting();
        let Some(id) = self.books.iter().find(|(_, book)| idle(book)).map(|(id, _)| *id) else {
            return;
        };
        self.books.remove(&id);
        self.seen.insert("left memory");
        self.note(format!("customer {id} leaves memory"));
    }

    /// The process ends without a word; of what nobody had waited for, `kept` batches reached the disk.
    /// `uncertain` is the customer whose step was cut short: what the bystander cannot know of it, it learns from the disk.
    pub(crate) async fn crash(&mut self, kept: Option<usize>, uncertain: Option<CustomerId>) {
        self.seen.insert("crash");
        self.books.clear();
        self.asked.clear();
        self.running = Running::default();
        self.published = ClosedWindows::default();
        let memory = match kept {
            Some(batches) => self.memory.crash_keeping(batches),
            None => self.memory.crash(),
        };
        self.memory = Arc::new(memory);
        let away = weighted(&self.randomness, &[(6, 1), (3, 30), (1, -3_600), (1, 259_200)]);
        if away < 0 {
            self.seen.insert("restart with the clock back");
        } else if away > 3_600 {
            self.seen.insert("restart with the clock forward");
        }
        self.anchor().await;
        self.crash_wall_ms = self.wall_ms();
        self.model.saw(self.crash_wall_ms);
        let wall = self.clock.now().wall + TimeDelta::seconds(away);
        self.clock = Arc::new(ManualClock::starting_at(wall));
        self.arm();
        self.model.restart(wall.timestamp_millis());
        self.model.saw(wall.timestamp_millis());
        self.note(format!("crash; the next process begins {away} s later"));
        if let Some(customer) = uncertain {
            self.learn(customer).await;
        }
        self.judge_disk().await;
    }

    /// What was written since the last look was written now: a restart counts from there.
    pub(crate) async fn anchor(&mut self) {
        for customer in [CustomerId(1), CustomerId(2)] {
            let stored = self
                .memory
                .get(Key::table("otp-book").i64(customer.0).build())
                .await
                .unwrap();
            let version = stored.map(|stored| stored.version);
            if self.anchored.insert(customer, version) != Some(version) {
                self.model.written(customer, self.wall_ms());
            }
        }
    }

    /// One step more or one step less stands on the disk: at most one window differs from what was known (a deadline may settle several).
    async fn learn(&mut self, customer: CustomerId) {
        let book = self.stored(customer).await;
        let length_ms = actors::clock::millis(self.policy.resend_window.min(self.policy.lifetime));
        let disk: HashMap<WindowKey, Window> = book
            .machine()
            .challenges()
            .filter_map(|(key, challenge)| {
                let known = self.model.windows.get(&(customer, *key)).copied();
                let window = match challenge.delivery {
                    Delivery::InFlight => Window::InFlight(challenge.id),
                    Delivery::HandedOver(_) | Delivery::Unknown(_) if challenge.spent => return None,
                    Delivery::HandedOver(at) | Delivery::Unknown(at) => match known {
                        Some(known @ Window::Over { challenge: id, .. }) if id == challenge.id => known,
                        _ => Window::Over {
                            challenge: challenge.id,
                            // Written in the step that was cut short, by the clock of then.
                            wall_ms: self.crash_wall_ms,
                            elapsed_ms: at.elapsed_ms(self.clock.now()),
                            length_ms,
                            written_elapsed_ms: 0,
                        },
                    },
                };
                Some((*key, window))
            })
            .collect();
        // Verified before the operator spoke, with nobody left to be told: used all the same.
        let spent = book
            .machine()
            .challenges()
            .filter(|(_, challenge)| challenge.spent)
            .map(|(_, challenge)| challenge.id);
        for id in spent {
            self.model.successes.entry(id).or_insert(1);
        }
        let keys: BTreeSet<WindowKey> = self
            .model
            .windows
            .keys()
            .filter(|(owner, _)| *owner == customer)
            .map(|(_, key)| *key)
            .collect();
        let keys: BTreeSet<WindowKey> = keys.into_iter().chain(disk.keys().copied()).collect();
        let mut settled = 0;
        let mut other = 0;
        for key in keys {
            let before = self.model.windows.get(&(customer, key)).copied();
            let after = disk.get(&key).copied();
            if before == after
                || (after.is_some()
                    && !self.model.is_closed(customer, key)
                    && before.is_none()
                    && !matches!(after, Some(Window::InFlight(_))))
            {
                continue;
            }
            if matches!(before, Some(Window::InFlight(_))) {
                settled += 1;
            } else {
                other += 1;
            }
            match after {
                Some(window) => self.model.windows.insert((customer, key), window),
                None => self.model.windows.remove(&(customer, key)),
            };
        }
        assert!(
            other <= 1 && (other == 0 || settled == 0),
            "one step changed {settled} windows in flight and {other} others"
        );
    }

    async fn stored(&self, customer: CustomerId) -> Durable<OtpBook> {
        let store: Arc<dyn Store> = Arc::<MemoryStore>::clone(&self.memory);
        Durable::load(store, Wheel::new().0, customer, self.clock.now())
            .await
            .unwrap()
    }

    /// The store of the process to come: whole, or failing at an operation to come.
    fn arm(&mut self) {
        let memory: Arc<dyn Store> = Arc::<MemoryStore>::clone(&self.memory);
        let faults = [
            (6, None),
            (1, Some(Fault::Fail)),
            (1, Some(Fault::Lose)),
            (2, Some(Fault::Refuse)),
        ];
        self.fault = weighted(&self.randomness, &faults);
        self.store = match self.fault {
            None => memory,
            Some(fault) => {
                let at = 1 + below(&self.randomness, 60);
                self.note(format!("the store will {fault:?} at operation {at}"));
                Arc::new(FaultStore::new(memory, fault, at))
            }
        };
    }

    /// Everything that a bystander is sure of stands on the disk: nothing acknowledged is lost, nothing refused is there.
    async fn judge_disk(&mut self) {
        let due = self
            .memory
            .scan(Scan::of(Key::table("due").build()))
            .await
            .unwrap()
            .len();
        let mut in_flight = 0;
        for customer in [CustomerId(1), CustomerId(2)] {
            let book = self.stored(customer).await;
            in_flight += usize::from(book.machine().is_waiting());
            for (key, challenge) in book.machine().challenges() {
                let known = self.model.windows.get(&(customer, *key)).copied();
                match (challenge.delivery, known) {
                    (Delivery::InFlight, Some(Window::InFlight(id))) => assert_eq!(id, challenge.id),
                    (
                        Delivery::HandedOver(_) | Delivery::Unknown(_),
                        Some(Window::Over { challenge: id, .. }),
                    ) => {
                        assert_eq!(id, challenge.id);
                    }
                    (Delivery::InFlight, other) => {
                        panic!("{key:?} is in flight on disk, and {other:?} to the bystander")
                    }
                    (_, Some(Window::InFlight(id))) => {
                        panic!("{id} is settled on disk and in flight to the bystander")
                    }
                    // Dead codes stay in the book for a while; their windows are free.
                    (_, None) => assert!(
                        challenge.window_left(self.clock.now()).is_none()
                            || !self.model.is_closed(customer, *key)
                    ),
                }
            }
            for ((owner, key), window) in &self.model.windows {
                let found = book.machine().challenges().any(|(kept, _)| kept == key);
                assert!(
                    *owner != customer || found || !self.model.is_closed(customer, *key),
                    "{window:?} is lost"
                );
            }
        }
        assert!(
            due >= in_flight,
            "every book that waits has its deadline in the index: {due} rows, {in_flight} books"
        );
    }

    pub(crate) fn handed_over(
        &mut self,
        customer: CustomerId,
        window: WindowKey,
        challenge: actors::ids::ChallengeId,
    ) {
        let length = self.policy.resend_window.min(self.policy.lifetime);
        let over = Window::Over {
            challenge,
            wall_ms: self.wall_ms(),
            elapsed_ms: 0,
            length_ms: actors::clock::millis(length),
            written_elapsed_ms: 0,
        };
        self.model.windows.insert((customer, window), over);
    }
}

pub(crate) fn index(randomness: &SeededRandomness, bound: u64) -> usize {
    usize::try_from(below(randomness, bound)).unwrap()
}
