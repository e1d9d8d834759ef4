//! A gateway in this process whose time, chance, operator and disk are the test's. Each runs in a runtime of its own, so that a crash
//! takes every task with it.

use crate::client::{Call, Client, Connection, Reply};
use crate::gate::Gate;
use actors::clock::Clock;
use actors::random::{Fault, Randomness};
use actors::testing::{ManualClock, ScriptedOperator, SeededRandomness};
use countersign::config::{Config, ConfigSecret};
use countersign::{Environment, Listeners, start, tax_service};
use serde_json::{Value, json};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use storage::{MemoryStore, SledOptions, SledStore, Store};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

pub const SEND: &str = "/api/v1/contract-otp/send";
pub const VERIFY: &str = "/api/v1/contract-otp/verify";

/// May have all contract types signed but [`FORBIDDEN_TYPE`].
pub const ORAGH: &str = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
pub const ORAGH_KEY: &str = "oragh-key-of-the-tests";
/// May have type 7, 8 and 9 signed.
pub const AGAH: &str = "c0ffee00-1111-4222-8333-444455556666";
pub const AGAH_KEY: &str = "agah-key-of-the-tests";
pub const ADMIN_KEY: &str = "administrators-key-of-the-tests";

/// Signs the checkpoints of the tests' log.
pub const EVIDENCE_KEY: &str =
    "PRIVATE+KEY+countersign.test/evidence+8f51937d+AcxHkHaffvoTMoW/osOzXUzDJbKvLdV+UKIt0CaokgmI";
/// Verifies them.
pub const EVIDENCE_PUBLIC_KEY: &str =
    "countersign.test/evidence+8f51937d+AYKuMJJkZo1AuDXiPGaKwVDuWJ7cKdrraQQJDDBolLRV";
/// Records evidence, under the name `lombard`.
pub const LOMBARD_KEY: &str = "lombard-key-of-the-tests";

/// Its window lasts one second, so that caps can be reached.
pub const QUICK_TYPE: u8 = 9;
/// Its codes live 60 seconds, its window lasts 120.
pub const SHORT_LIVED_TYPE: u8 = 10;
/// Nobody may have it signed.
pub const FORBIDDEN_TYPE: u8 = 20;

/// Of the seed that chance grows from; every run has the same codes.
const SEED: u64 = 2_026;

/// Waits, in the one place where tests wait, until something that goes on elsewhere has happened.
pub fn eventually<T>(what: &str, mut happened: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(40);
    loop {
        if let Some(seen) = happened() {
            return seen;
        }
        assert!(Instant::now() < until, "waited in vain: {what}");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// [`eventually`], for what is only true or false.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    eventually(what, || is_so().then_some(()));
}

/// The four inputs that succeed.
pub fn inputs() -> Value {
    json!({ "CcmsCode": 1001, "ContactCcmsCode": 2001, "ContractTypeId": 7, "InvokerCode": ORAGH })
}

/// A body with some fields in place of its own.
pub fn with(body: &Value, changes: &Value) -> Value {
    let mut changed = body.clone();
    for (name, value) in changes.as_object().unwrap() {
        changed[name] = value.clone();
    }
    changed
}

/// A body without a field.
pub fn without(body: &Value, field: &str) -> Value {
    let mut changed = body.clone();
    changed.as_object_mut().unwrap().remove(field);
    changed
}

/// A code of the same length that is not `code`.
pub fn other_than(code: &str) -> String {
    let digits = code
        .bytes()
        .map(|digit| char::from(b'0' + (digit - b'0' + 1) % 10));
    digits.collect()
}

/// Everything that the tests' directory holds, as it is imported.
fn directory() -> String {
    let contact = |code: i64, phone_type: i32, number: &str| json!({ "contact_ccms_code": code, "phone_type": phone_type, "number": number });
    let deleted = |code: i64, phone_type: i32| json!({ "contact_ccms_code": code, "phone_type": phone_type, "number": "09121234567", "deleted": true });
    let rows = [
        json!({ "type": "contract_type", "id": 7, "title": "سبدگردانی" }),
        json!({ "type": "contract_type", "id": 8, "title": "کارگزاری برخط" }),
        json!({ "type": "contract_type", "id": QUICK_TYPE, "title": "نه", "otp": { "resend_window_seconds": 1 } }),
        json!({ "type": "contract_type", "id": SHORT_LIVED_TYPE, "title": "ده", "otp": { "lifetime_seconds": 60 } }),
        json!({ "type": "contract_type", "id": 11, "title": "یازده", "otp": { "code_length": 4 } }),
        json!({ "type": "contract_type", "id": 12, "title": "دوازده", "otp": { "code_length": 10 } }),
        json!({ "type": "contract_type", "id": FORBIDDEN_TYPE, "title": "بیست" }),
        json!({ "type": "invoker", "code": ORAGH, "name": "Online Oragh", "contract_types": [7, 8, 9, 10, 11, 12, 99], "key": ORAGH_KEY }),
        json!({ "type": "invoker", "code": AGAH, "name": "Agah Invest", "contract_types": [7, 8, 9], "key": AGAH_KEY }),
        json!({ "type": "customer", "ccms_code": 1001, "full_name": "مریم رضایی", "contacts": [
            contact(2001, 3, "09121234567"), contact(2002, 1, "02188776655"), contact(2003, 3, "0912"),
            deleted(2004, 3), contact(2005, 6, "09121234568"), contact(2006, 3, "02188776655"), contact(2007, 3, ""),
            contact(2008, 4, "09121234567"), contact(2009, 5, "09121234567"), contact(2010, 7, "09121234567"),
            contact(2011, 2, "09121234567"), contact(2012, 0, "09121234567"), contact(2013, -3, "09121234567"),
            contact(2014, 1, "0912"), deleted(2015, 1),
        ] }),
        json!({ "type": "customer", "ccms_code": 1002, "full_name": "علی احمدی", "contacts": [
            contact(2001, 3, "09351112233"), contact(2021, 3, "09351112234"),
        ] }),
    ];
    rows.iter().map(|row| format!("{row}\n")).collect()
}

/// Chance from a seed, that a test can break.
pub struct Chance {
    seeded: SeededRandomness,
    mood: AtomicU8,
}

const BROKEN: u8 = 1;
const PANICKING: u8 = 2;

impl Chance {
    fn new() -> Self {
        Self {
            seeded: SeededRandomness::new(SEED),
            mood: AtomicU8::new(0),
        }
    }

    pub fn breaks(&self) {
        self.mood.store(BROKEN, Ordering::SeqCst);
    }

    pub fn panics(&self) {
        self.mood.store(PANICKING, Ordering::SeqCst);
    }

    pub fn recovers(&self) {
        self.mood.store(0, Ordering::SeqCst);
    }
}

impl Randomness for Chance {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Fault> {
        match self.mood.load(Ordering::SeqCst) {
            BROKEN => Err(Fault),
            PANICKING => panic!("a programmer's error, made on purpose"),
            _ => self.seeded.fill(buffer),
        }
    }
}

/// Where a world keeps what it remembers.
enum Shelf {
    Memory(Arc<MemoryStore>),
    Sled(Arc<tempfile::TempDir>),
}

/// What a world is made of.
pub struct Setup {
    pub config: Config,
    shelf: Shelf,
    populated: bool,
    /// Whether messages go as the configuration says, and not to the scripted operator.
    configured: bool,
}

impl Default for Setup {
    fn default() -> Self {
        let mut config = Config::default();
        config.admin.key = ConfigSecret::new(ADMIN_KEY);
        config.partners.key_pepper = ConfigSecret::new("cGVwcGVyIG9mIHRoZSB0ZXN0cywgMzIgYnl0ZXMgbG9uZyE=");
        config.otp.hmac_keys = vec![ConfigSecret::new(
            "1:a2V5IG9mIHRoZSB0ZXN0cywgYXQgbGVhc3QgMzIgYnl0ZXM=",
        )];
        config.limits.shutdown_seconds = 5;
        config.evidence.signing_keys = vec![ConfigSecret::new(EVIDENCE_KEY)];
        config.agents.key = ConfigSecret::new("a2V5IG9mIHRoZSBhZ2VudHMsIDMyIG9jdGV0cyAuLi4=");
        // Registers are served; nobody answers for the tax service.
        config.tax.url = "http://127.0.0.1:1/fs".to_owned();
        Self {
            config,
            shelf: Shelf::Memory(Arc::new(MemoryStore::new())),
            populated: true,
            configured: false,
        }
    }
}

impl Setup {
    pub fn config(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    pub fn on_disk(mut self) -> Self {
        let directory = tempfile::tempdir().unwrap();
        self.shelf = Shelf::Sled(Arc::new(directory));
        self
    }

    pub fn empty(mut self) -> Self {
        self.populated = false;
        self
    }

    /// Messages go to the operators of the configuration.
    pub fn with_operators(mut self) -> Self {
        self.configured = true;
        self
    }

    pub fn start(self) -> World {
        let Setup {
            config,
            shelf,
            populated,
            configured,
        } = self;
        let clock = Arc::new(ManualClock::default());
        let operator = Arc::new(ScriptedOperator::default());
        let chance = Arc::new(Chance::new());
        let gate = Gate::new();
        let scripted = (!configured).then_some(&operator);
        let running = Running::start(&config, &shelf, &gate, &clock, scripted, &chance);
        let world = World {
            configured,
            partner: Client::new(running.public, Some(ORAGH_KEY)),
            admin: Client::new(running.admin, Some(ADMIN_KEY)),
            clock,
            operator,
            chance,
            gate,
            config,
            shelf,
            running,
        };
        if populated {
            let reply = world.admin.import(directory().as_bytes());
            assert_eq!(reply.json(), json!({ "imported": 11, "rejected": [] }));
        }
        world
    }
}

/// The part of a world that a restart replaces.
struct Running {
    runtime: Option<Runtime>,
    stop: Option<oneshot::Sender<()>>,
    ended: mpsc::Receiver<Result<(), String>>,
    store: Arc<dyn Store>,
    public: std::net::SocketAddr,
    admin: std::net::SocketAddr,
}

impl Running {
    fn start(
        config: &Config,
        shelf: &Shelf,
        gate: &Gate,
        clock: &Arc<ManualClock>,
        scripted: Option<&Arc<ScriptedOperator>>,
        chance: &Arc<Chance>,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let store: Arc<dyn Store> = match shelf {
            Shelf::Memory(memory) => Arc::clone(memory) as Arc<dyn Store>,
            Shelf::Sled(directory) => {
                let options = SledOptions {
                    cache_bytes: 16 << 20,
                    reserve_bytes: 0,
                    runtime: Some(runtime.handle().clone()),
                    ..SledOptions::new(directory.path())
                };
                SledStore::open(options).expect("the store opens")
            }
        };
        let store = gate.before(store);
        let metrics = Default::default();
        let environment = Environment {
            store: Arc::clone(&store),
            sms: match scripted {
                Some(operator) => countersign::Sending::by(Arc::clone(operator) as _),
                None => runtime.block_on(async {
                    let clock = Arc::clone(clock) as Arc<dyn Clock>;
                    countersign::sending(config, &clock, &metrics).expect("operators are configured")
                }),
            },
            clock: Arc::clone(clock) as _,
            randomness: Arc::clone(chance) as _,
            tax: tax_service(config, &(Arc::clone(clock) as Arc<dyn Clock>)).expect("a tax service"),
            signing: None,
            metrics,
        };
        let (public, admin, started) = runtime.block_on(async {
            let public = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let admin = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let addresses = (public.local_addr().unwrap(), admin.local_addr().unwrap());
            let started = start(
                config,
                environment,
                Listeners {
                    public,
                    agents: None,
                    admin,
                },
            )
            .await;
            (addresses.0, addresses.1, started.expect("the gateway starts"))
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, ended) = mpsc::channel();
        runtime.spawn(async move {
            let shutdown = async {
                if stopped.await.is_err() {
                    std::future::pending::<()>().await; // nobody asks for an orderly end any more
                }
            };
            let _ = tell.send(started.run(shutdown).await);
        });
        Self {
            runtime: Some(runtime),
            stop: Some(stop),
            ended,
            store,
            public,
            admin,
        }
    }

    fn stop(&mut self) -> Result<(), String> {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let ended = self.ended.recv_timeout(Duration::from_secs(60));
        ended.expect("the gateway ends")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A running gateway and all that surrounds it.
pub struct World {
    pub partner: Client,
    pub admin: Client,
    pub clock: Arc<ManualClock>,
    pub operator: Arc<ScriptedOperator>,
    pub chance: Arc<Chance>,
    /// Before the store.
    pub gate: Gate,
    config: Config,
    configured: bool,
    shelf: Shelf,
    running: Running,
}

impl World {
    pub fn start() -> Self {
        Setup::default().start()
    }

    pub fn agah(&self) -> Client {
        self.partner.with_key(AGAH_KEY)
    }

    pub fn advance_seconds(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub fn store(&self) -> &Arc<dyn Store> {
        &self.running.store
    }

    /// Does something with the store behind the gateway's back.
    pub fn with_store<T>(&self, deed: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(deed)
    }

    /// Sends as the partner whose code is in the body.
    pub fn send(&self, body: &Value) -> Reply {
        self.caller(body).post(SEND, body)
    }

    pub fn verify(&self, body: &Value, code: &str) -> Reply {
        let body = with(body, &json!({ "Otp": code }));
        self.caller(&body).post(VERIFY, &body)
    }

    fn caller(&self, body: &Value) -> Client {
        if body["InvokerCode"] == AGAH {
            self.agah()
        } else {
            self.partner.clone()
        }
    }

    /// A send that must succeed; gives the code that the customer reads.
    pub fn sent(&self, body: &Value) -> String {
        let reply = self.send(body);
        assert_eq!(reply.reason(), 11, "{}", reply.text());
        self.operator.last_code().expect("a message with a code")
    }

    pub fn messages(&self) -> usize {
        self.operator.messages().len()
    }

    /// Sends under an idempotency key.
    pub fn keyed(&self, body: &Value, key: &str) -> Reply {
        self.caller(body)
            .call(Call::post(SEND, body).idempotency_key(key))
    }

    /// Begins a send that the operator holds, and waits until the operator has its message.
    pub fn begin_held(&self, call: Call) -> Connection<TcpStream> {
        let before = self.messages();
        let connection = self.partner.begin(call);
        wait_until("the operator has the message", || self.messages() > before);
        connection
    }

    /// Ends in order and starts again, over what is kept. The clock goes on, or jumps by `wall_seconds`.
    pub fn restart_with_clock_moved(&mut self, wall_seconds: i64) {
        assert_eq!(self.running.stop(), Ok(()));
        if let Shelf::Memory(memory) = &self.shelf {
            assert_eq!(memory.unsynced(), 0, "an orderly end leaves nothing unsynced");
        }
        self.start_again(wall_seconds);
    }

    pub fn restart(&mut self) {
        self.restart_with_clock_moved(0);
    }

    /// Ends at once, as by a loss of power, and starts again over what was durable.
    pub fn crash(&mut self) {
        self.start_again(0);
    }

    /// An orderly restart with a change of the configuration in between.
    pub fn restart_and(&mut self, change: impl FnOnce(&mut Config)) {
        assert_eq!(self.running.stop(), Ok(()));
        change(&mut self.config);
        self.start_again(0);
    }

    fn start_again(&mut self, wall_seconds: i64) {
        if let Shelf::Memory(memory) = &mut self.shelf {
            *memory = Arc::new(memory.crash());
        }
        if let Some(runtime) = self.running.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(10)); // every task is dropped when this returns
        }
        self.running.store = Arc::new(MemoryStore::new()); // lets go of the files, which are locked
        let wall = self.clock.now().wall + chrono::TimeDelta::seconds(wall_seconds);
        self.clock = Arc::new(ManualClock::starting_at(wall));
        self.gate = Gate::new();
        self.running = Running::start(
            &self.config,
            &self.shelf,
            &self.gate,
            &self.clock,
            (!self.configured).then_some(&self.operator),
            &self.chance,
        );
        self.partner.address = self.running.public;
        self.admin.address = self.running.admin;
    }
}
