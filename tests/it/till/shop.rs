//! A shop: a gateway, the stand-in fiscal server, an account with its registers and cashier, and an agent that does as it is told.

use crate::client::{Call, Client, Reply};
use crate::office::{Cashier, REGISTER, REGISTERS, SENIOR, StandIn, TAX_NUMBER, seller};
use crate::world::ADMIN_KEY;
use actors::accounts::records::{CashierRecord, TillRecord};
use actors::accounts::{AccountFacts, Change, password::PasswordRecord};
use actors::agents::DstuVerifier;
use actors::clock::{Clock, SystemClock};
use actors::ids::{AccountId, CashierId, KeyId, SignatureRequestId};
use actors::machines::register::Settings;
use actors::ports::{SignatureOutcome, SignatureRefusal, SignatureRequest, SigningAgent};
use actors::random::{OsRandomness, Randomness};
use actors::secret::Secret;
use actors::testing::ScriptedOperator;
use countersign::config::Config;
use countersign::{Environment, Listeners, Signing, start, tax_service};
use fiscal::arithmetic::{Letter, Tax, TaxKind};
use fiscal::{CashDeskNumber, Percent, RegisterNumber};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use storage::{MemoryStore, Store};
use tokio::runtime::Runtime;
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

pub const API_TOKEN: &str = "0123456789abcdef0123456789abcdef";
pub const OTHER_TOKEN: &str = "fedcba9876543210fedcba9876543210";
pub const EMAIL: &str = "shop@example.com";
pub const PASSWORD: &str = "an invented password";
pub const ACCOUNT: AccountId = AccountId(Uuid::from_u128(0xA1));
const OTHER: AccountId = AccountId(Uuid::from_u128(0xA2));
const KEY: KeyId = KeyId(Uuid::from_u128(0xC1));
const SENIOR_KEY: KeyId = KeyId(Uuid::from_u128(0xC2));

/// What the agent does with its next request; without any it signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Signs only when [`Agent::resume`] is called.
    Wait,
    Refuse,
    /// Signs with somebody else's key.
    OtherKey,
    /// Signs other octets.
    OtherOctets,
}

/// An agent in the same process, with the cashier's key.
pub struct Agent {
    cashier: Cashier,
    senior: Cashier,
    stranger: Cashier,
    acts: Mutex<VecDeque<Act>>,
    pub asked: Mutex<Vec<SignatureRequest>>,
    pub withdrawn: Mutex<Vec<SignatureRequestId>>,
    resumed: Notify,
}

impl Agent {
    pub fn will(&self, act: Act) {
        self.acts.lock().unwrap().push_back(act);
    }

    pub fn resume(&self) {
        self.resumed.notify_waiters();
    }

    pub fn asked_times(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn sign(cashier: &Cashier, content: &[u8]) -> SignatureOutcome {
        SignatureOutcome::Signed(cashier.sign(content).to_vec())
    }
}

impl SigningAgent for Agent {
    fn agent_of(&self, key: KeyId) -> Option<String> {
        (key == KEY || key == SENIOR_KEY).then(|| "in-process".to_owned())
    }

    fn ask(&self, request: SignatureRequest) -> BoxFuture<'_, SignatureOutcome> {
        let resumed = self.resumed.notified();
        self.asked.lock().unwrap().push(request.clone());
        let act = self.acts.lock().unwrap().pop_front();
        Box::pin(async move {
            match act {
                Some(Act::Refuse) => {
                    return SignatureOutcome::Refused(SignatureRefusal {
                        reason: "key_not_active".to_owned(),
                        text: "ключ не активовано".to_owned(),
                    });
                }
                Some(Act::OtherKey) => return Self::sign(&self.stranger, &request.content),
                Some(Act::OtherOctets) => return Self::sign(&self.cashier, b"something else"),
                Some(Act::Wait) => resumed.await,
                None => {}
            }
            let own = if request.key == SENIOR_KEY {
                &self.senior
            } else {
                &self.cashier
            };
            Self::sign(own, &request.content)
        })
    }

    fn withdraw(&self, request: SignatureRequestId) {
        self.withdrawn.lock().unwrap().push(request);
    }
}

pub struct Shop {
    pub client: Client,
    pub admin: Client,
    pub stand_in: Option<StandIn>,
    pub agent: Arc<Agent>,
    pub store: Arc<MemoryStore>,
    stop: Option<oneshot::Sender<()>>,
    ended: mpsc::Receiver<Result<(), String>>,
    config: Config,
    // Last: what runs on it is dropped before it.
    runtime: Option<Runtime>,
}

impl Drop for Shop {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// How long a till is held here; a test of a hold that ends waits so long.
pub const HOLD_SECONDS: u64 = 3;

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

type Running = (
    [Client; 2],
    oneshot::Sender<()>,
    mpsc::Receiver<Result<(), String>>,
);

async fn run(config: &Config, store: &Arc<MemoryStore>, agent: &Arc<Agent>, is_first: bool) -> Running {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let tax = tax_service(config, &clock).unwrap();
    let agents: Arc<dyn SigningAgent> = Arc::<Agent>::clone(agent);
    let environment = Environment {
        store: Arc::clone(store) as Arc<dyn Store>,
        sms: countersign::Sending::by(Arc::new(ScriptedOperator::default())),
        clock,
        randomness: Arc::new(OsRandomness),
        tax,
        signing: Some(Signing {
            agents,
            verifier: Arc::new(DstuVerifier::default()),
        }),
        metrics: prometheus::Registry::new(),
    };
    let bind = || tokio::net::TcpListener::bind("127.0.0.1:0");
    let listeners = Listeners {
        public: bind().await.unwrap(),
        agents: None,
        admin: bind().await.unwrap(),
    };
    let client = Client::new(listeners.public.local_addr().unwrap(), None);
    let admin = Client::new(listeners.admin.local_addr().unwrap(), Some(ADMIN_KEY));
    let started = start(config, environment, listeners).await.unwrap();
    if is_first {
        let applied = started.gateway.accounts.apply(directory(agent)).await.unwrap();
        assert!(applied.iter().all(Result::is_ok), "{applied:?}");
    }
    let (stop, stopped) = oneshot::channel::<()>();
    let (tell, ended) = mpsc::channel();
    tokio::spawn(async move {
        let shutdown = async {
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let _ = tell.send(started.run(shutdown).await);
    });
    ([client, admin], stop, ended)
}

impl Shop {
    pub fn open() -> Self {
        Self::open_with(|_| {})
    }

    /// A shop whose gateway differs in something.
    pub fn open_with(change: impl FnOnce(&mut Config)) -> Self {
        let runtime = runtime();
        let stand_in = runtime.block_on(StandIn::start());
        let mut config = crate::world::Setup::default().config;
        config.tax.url = format!("{}/fs", stand_in.url);
        config.cashdesk.hold_seconds = HOLD_SECONDS;
        change(&mut config);
        let agent = Arc::new(Agent {
            cashier: Cashier::new(3, TAX_NUMBER),
            senior: Cashier::new(SENIOR, TAX_NUMBER),
            stranger: Cashier::new(5, TAX_NUMBER),
            acts: Mutex::default(),
            asked: Mutex::default(),
            withdrawn: Mutex::default(),
            resumed: Notify::new(),
        });
        let store = Arc::new(MemoryStore::new());
        let ([client, admin], stop, ended) = runtime.block_on(run(&config, &store, &agent, true));
        Self {
            client,
            admin,
            stand_in: Some(stand_in),
            agent,
            store,
            stop: Some(stop),
            ended,
            config,
            runtime: Some(runtime),
        }
    }

    /// Down in order.
    pub fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.ended.recv_timeout(Duration::from_secs(60)).unwrap().unwrap();
    }

    /// Another process over the same store.
    pub fn start(&mut self) {
        self.store = Arc::new(self.store.crash());
        let runtime = self.runtime.as_ref().unwrap();
        let running = runtime.block_on(run(&self.config, &self.store, &self.agent, false));
        let [client, admin] = running.0;
        self.client = client;
        self.admin = admin;
        self.stop = Some(running.1);
        self.ended = running.2;
    }

    /// Posts as CashDesk's clients do, with the permanent key in the body.
    pub fn post(&self, path: &str, body: &Value) -> Reply {
        let mut body = body.clone();
        body["api_token"] = json!(API_TOKEN);
        self.client.call(till_call(path, &body))
    }

    pub fn get(&self, path: &str) -> Reply {
        let separator = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{separator}api_token={API_TOKEN}");
        self.client
            .call(Call::new("GET", &path).header("developer-id", "demo"))
    }

    pub fn sell(&self, body: &Value) -> Reply {
        self.post("/api/v2/check/sale", body)
    }

    /// Documents that the tax service has of a register, in order.
    pub fn registered(&self, register: u64) -> Vec<(u64, String)> {
        let state = self.stand_in.as_ref().unwrap().server.state();
        let found = state
            .registers
            .iter()
            .find(|found| found.num_fiscal == register)
            .unwrap();
        let facts = found
            .documents
            .iter()
            .map(|document| (document.local_number, document.fiscal_number.to_string()));
        facts.collect()
    }

    pub fn asked(&self, times: usize) {
        eventually("the agent is asked", || self.agent.asked_times() >= times);
    }
}

/// Waits for what another thread does; fails after ten seconds.
pub fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(10), "{what}");
        std::thread::yield_now();
    }
}

pub fn till_call(path: &str, body: &Value) -> Call {
    Call::post(path, body)
        .header("developer-id", "linux,demo")
        .header("Accept", "application/json")
}

/// Numbers where the clients of one family have numbers.
pub fn sale(register: u64) -> Value {
    json!({
        "num_fiscal": register, "action_type": "Z_SALE", "total_sum": 12.5, "open_shift": true,
        "products": [{ "name": "Сир", "amount": 1, "price": 12.5, "cost": 12.5 }],
        "payments": [{ "code": 0, "name": "ГОТІВКА", "sum": 12.5 }],
    })
}

/// Another field or another value.
pub fn but(body: &Value, field: &str, value: Value) -> Value {
    let mut body = body.clone();
    body[field] = value;
    body
}

fn directory(agent: &Agent) -> Vec<Change> {
    let randomness: &dyn Randomness = &OsRandomness;
    let account = |id, email: &str| Change::PutAccount {
        id,
        facts: AccountFacts {
            name: "Крамниця".to_owned(),
            email: Some(email.to_owned()),
            password: Some(PasswordRecord::of(&Secret::new(PASSWORD), randomness).unwrap()),
            is_active: true,
            hold_seconds: None,
            may_relay_keys: false,
        },
    };
    let key = |account, key: &str, id| Change::AddKey {
        account,
        key: Secret::new(key),
        id: Uuid::from_u128(id),
    };
    let cashier = CashierRecord {
        account: ACCOUNT,
        name: "Касир Вигаданий".to_owned(),
        key: KEY,
        subject_key_id: agent.cashier.subject_key_id(),
        serial: "01".to_owned(),
        tax_number: Some(TAX_NUMBER.to_owned()),
        is_senior: false,
        is_active: true,
        registers: None,
        valid_from_ms: 0,
        valid_until_ms: 4_000_000_000_000,
        registered_ms: 0,
    };
    let senior = CashierRecord {
        name: "Старший Вигаданий".to_owned(),
        key: SENIOR_KEY,
        subject_key_id: agent.senior.subject_key_id(),
        is_senior: true,
        registered_ms: 1,
        ..cashier.clone()
    };
    let mut changes = vec![
        account(ACCOUNT, EMAIL),
        account(OTHER, "other@example.com"),
        key(ACCOUNT, API_TOKEN, 1),
        key(OTHER, OTHER_TOKEN, 2),
        Change::PutCashier(CashierId(Uuid::from_u128(0xB1)), Box::new(cashier)),
        Change::PutCashier(CashierId(Uuid::from_u128(0xB2)), Box::new(senior)),
    ];
    // The last is only at the tax service, until the account lists its registers.
    for index in 0..REGISTERS - 1 {
        let number = RegisterNumber::new(REGISTER + index).unwrap();
        let mut till = till(1 + index);
        // The first is patient for longer than its callers; the others go offline at once.
        till.settings.offline_after = Duration::from_secs(if index == 0 { 3_600 } else { 0 });
        changes.push(Change::PutTill(number, Box::new(till)));
    }
    changes
}

fn till(cash_desk: u64) -> TillRecord {
    let tax = |letter, percent| Tax {
        kind: TaxKind::Vat,
        name: "ПДВ".to_owned(),
        letter: Letter::new(letter).unwrap(),
        percent: Percent::from_units(percent),
        excluded: false,
    };
    TillRecord {
        account: ACCOUNT,
        name: format!("Каса {cash_desk}"),
        seller: seller().into(),
        cash_desk: CashDeskNumber::new(cash_desk).unwrap(),
        is_testing: false,
        is_closed: false,
        taxes: vec![tax('А', 2_000), tax('Б', 700)],
        settings: Settings::default(),
        cashier: None,
        synchronised_ms: None,
    }
}
