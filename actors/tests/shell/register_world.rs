//! A gateway's registers without HTTP: service, actors and wheel over any store, a scripted agent and a scripted tax service.

use crate::world::until;
use actors::clock::Clock;
use actors::idempotency::{Claim, Running};
use actors::ids::{AccountId, CashierId, KeyId};
use actors::machines::register::{
    LineRequest, OperationState, PaymentRequest, ReceiptRequest, Request, SellerFacts, Settings, Signer, Unit,
};
use actors::owners::{Listener, Nobody};
use actors::register::{Asked, Ordered, RegisterMessage, RegisterMetrics, RegisterService, Registers, World};
use actors::registry::Registry;
use actors::testing::{ManualClock, ScriptedAgent, ScriptedTax, SealVerifier, SeededRandomness};
use actors::trouble::Trouble;
use actors::wheel::{self, DueKey, Wheel};
use fiscal::arithmetic::TaxTable;
use fiscal::{CashDeskNumber, Quantity, RegisterNumber};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use storage::{MemoryStore, Store};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub(crate) const KEY: KeyId = KeyId(Uuid::from_u128(7));
const SUBJECT_KEY_ID: &str = "aa01";

pub(crate) fn register() -> RegisterNumber {
    RegisterNumber::new(4_000_000_202).unwrap()
}

pub(crate) struct Shop {
    pub(crate) service: RegisterService,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) agent: Arc<ScriptedAgent>,
    pub(crate) tax: Arc<ScriptedTax>,
    pub(crate) metrics: RegisterMetrics,
    background: Vec<JoinHandle<()>>,
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.background.iter().for_each(JoinHandle::abort);
    }
}

pub(crate) async fn shop() -> Shop {
    over(Arc::new(MemoryStore::new()), Arc::default(), Arc::default())
        .await
        .unwrap()
}

pub(crate) async fn over(
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    tax: Arc<ScriptedTax>,
) -> storage::Result<Shop> {
    over_with(store, clock, tax, Arc::new(Nobody)).await
}

/// Registers that tell somebody what they do.
pub(crate) async fn over_with(
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    tax: Arc<ScriptedTax>,
    owners: Arc<dyn Listener>,
) -> storage::Result<Shop> {
    let metrics = RegisterMetrics::new(&prometheus::Registry::new()).unwrap();
    let dynamic: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
    let seed = u64::try_from(clock.now().wall.timestamp_millis()).unwrap();
    let randomness = Arc::new(SeededRandomness::new(seed));
    let (wheel, inbox) = Wheel::new();
    let agent = Arc::new(ScriptedAgent::default());
    agent.hold(KEY, SUBJECT_KEY_ID);
    let shared = Arc::new(World {
        store: Arc::clone(&store),
        wheel: wheel.clone(),
        clock: Arc::clone(&dynamic),
        randomness: Arc::<SeededRandomness>::clone(&randomness),
        agents: Arc::<ScriptedAgent>::clone(&agent),
        verifier: Arc::new(SealVerifier),
        tax: Arc::<ScriptedTax>::clone(&tax),
        owners,
        metrics: metrics.clone(),
        tasks: TaskTracker::new(),
        going_down: CancellationToken::new(),
        registry: OnceLock::new(),
    });
    let registers = Registry::start(Registers(Arc::clone(&shared)), Arc::clone(&dynamic), 1_024)
        .await
        .unwrap();
    shared.registry.set(Arc::downgrade(&registers)).unwrap();
    wheel.load(store.as_ref(), dynamic.as_ref()).await?;
    let waking = Arc::downgrade(&registers);
    let background = vec![tokio::spawn(wheel::turn(
        inbox,
        Arc::clone(&dynamic),
        move |due| match due {
            DueKey::Register(number) => waking
                .upgrade()
                .into_iter()
                .for_each(|registers| registers.tell(number, RegisterMessage::Wake)),
            DueKey::Customer(id) => panic!("no customer is asked for anything here: {id}"),
        },
    ))];
    let service = RegisterService {
        registers,
        store,
        clock: dynamic,
        randomness,
        running: Running::default(),
        going_down: CancellationToken::new(),
    };
    Ok(Shop {
        service,
        clock,
        agent,
        tax,
        metrics,
        background,
    })
}

pub(crate) fn sale(sum: &str) -> Request {
    let line = LineRequest {
        name: "Сир".to_owned(),
        code: None,
        barcode: None,
        classification: None,
        unit_code: None,
        unit_name: None,
        quantity: Quantity::from_units(1_000),
        price: None,
        cost: Some(sum.parse().unwrap()),
        discount: None,
        letters: Vec::new(),
        excise_labels: Vec::new(),
    };
    let payment = PaymentRequest {
        code: 0,
        name: String::new(),
        sum: sum.parse().unwrap(),
        provided: None,
        remains: None,
        system: None,
    };
    Request::Sale(Box::new(ReceiptRequest {
        lines: vec![line],
        payments: vec![payment],
        ..ReceiptRequest::default()
    }))
}

impl Shop {
    pub(crate) fn ordered(request: Request) -> Ordered {
        Ordered {
            register: register(),
            request,
            signer: Signer {
                account: AccountId(Uuid::from_u128(1)),
                cashier: CashierId(Uuid::from_u128(2)),
                key: KEY,
                subject_key_id: SUBJECT_KEY_ID.to_owned(),
                name: "Касир".to_owned(),
                is_senior: false,
            },
            unit: Arc::new(Unit {
                seller: SellerFacts {
                    tax_number: "34554363".to_owned(),
                    vat_number: None,
                    organisation: "ТОВ".to_owned(),
                    point: "Крамниця".to_owned(),
                    address: None,
                },
                cash_desk: CashDeskNumber::new(6).unwrap(),
                is_testing: false,
                taxes: Arc::new(TaxTable::default()),
                settings: Settings::default(),
            }),
            open_shift: None,
            hold: Duration::from_secs(28),
            lifetime: Duration::from_secs(28),
            claim: None,
            reference: None,
        }
    }

    pub(crate) async fn order(&self, request: Request) -> OperationState {
        self.service
            .order(Self::ordered(request))
            .await
            .unwrap()
            .answer
            .state
    }

    pub(crate) async fn order_under(&self, key: &str, sum: &str) -> Result<Asked, Trouble> {
        let claim = Claim::of(Uuid::from_u128(1), "sale", key, sum.as_bytes());
        let ordered = Ordered {
            claim: Some(claim),
            ..Self::ordered(sale(sum))
        };
        self.service.order(ordered).await
    }

    /// Orders in a task of its own.
    pub(crate) fn begin(&self, ordered: Ordered) -> JoinHandle<Result<Asked, Trouble>> {
        let service = self.service.clone();
        tokio::spawn(async move { service.order(ordered).await })
    }

    /// Lets tasks run until the agent was asked so often.
    pub(crate) async fn asked(&self, times: usize) {
        until("the agent is asked", || self.agent.requests().len() >= times).await;
    }

    /// Lets tasks run until so many documents were posted.
    pub(crate) async fn posted(&self, times: usize) {
        until("a document is posted", || self.tax.posts().len() >= times).await;
    }

    pub(crate) fn documents(&self) -> usize {
        self.tax.model().register(register()).documents.len()
    }
}
