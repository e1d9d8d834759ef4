//! A gateway without HTTP: service, actors, wheel and directory over any store.

use actors::clock::{Clock, Now};
use actors::customer::{CustomerMessage, Customers, World as Shared};
use actors::directory::keys::Pepper;
use actors::directory::records::{ContactRecord, ContractTypeRecord, CustomerRecord, OtpOverrides};
use actors::directory::{Change, Directory};
use actors::guards::Guards;
use actors::idempotency::{Claim, Running};
use actors::ids::{ContactId, ContractTypeId, CustomerId, InvokerCode};
use actors::machines::otp::{Answer, Binding, MacKeys, Policy, Reason};
use actors::metrics::Metrics;
use actors::otp::{Answered, Inputs, OtpService, Settings};
use actors::registry::Registry;
use actors::secret::{Otp, Secret};
use actors::testing::{ManualClock, ScriptedOperator, SeededRandomness};
use actors::trouble::Trouble;
use actors::wheel::{self, DueKey, Wheel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use storage::{MemoryStore, Store};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use uuid::Uuid;
use zeroize::Zeroizing;

pub(crate) const INVOKER: InvokerCode = InvokerCode(Uuid::from_u128(1));
pub(crate) const CUSTOMER: i64 = 1001;
pub(crate) const CONTACT: i64 = 2001;

pub(crate) struct World {
    pub(crate) service: OtpService,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) operator: Arc<ScriptedOperator>,
    pub(crate) metrics: Metrics,
    pub(crate) tasks: TaskTracker,
    background: Vec<JoinHandle<()>>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.background.iter().for_each(JoinHandle::abort);
    }
}

/// A world over a store of its own.
pub(crate) async fn world() -> World {
    let world = over(
        Arc::new(MemoryStore::new()),
        Arc::default(),
        Arc::default(),
        4_096,
    )
    .await
    .unwrap();
    world.fill().await;
    world
}

/// A world over what there is.
pub(crate) async fn over(
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    operator: Arc<ScriptedOperator>,
    depth_max: u32,
) -> storage::Result<World> {
    let metrics = Metrics::new(&prometheus::Registry::new()).unwrap();
    let dynamic: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
    let randomness = Arc::new(SeededRandomness::new(
        u64::try_from(clock.now().wall.timestamp_millis()).unwrap(),
    ));
    let pepper = Arc::new(Pepper::new(Zeroizing::new(vec![3; 32])).unwrap());
    let (wheel, inbox) = Wheel::new();
    let tasks = TaskTracker::new();
    let guards = Guards::open(
        Default::default(),
        Arc::clone(&store),
        Arc::clone(&dynamic),
        metrics.clone(),
    )
    .await?;
    let shared = Arc::new(Shared {
        evidence: None,
        store: Arc::clone(&store),
        wheel: wheel.clone(),
        clock: Arc::clone(&dynamic),
        sms: Arc::<ScriptedOperator>::clone(&operator),
        hand_over_max: Duration::from_secs(10),
        handed_over: metrics.handed_over_to(actors::ports::SmsSender::name(&*operator)),
        metrics: metrics.clone(),
        windows: Arc::default(),
        tasks: tasks.clone(),
        registry: OnceLock::new(),
    });
    let windows = Arc::clone(&shared.windows);
    let customers = Registry::start(Customers(Arc::clone(&shared)), Arc::clone(&dynamic), depth_max)
        .await
        .unwrap();
    shared.registry.set(Arc::downgrade(&customers)).unwrap();
    let directory = Directory::open(
        Arc::clone(&store),
        pepper,
        Arc::clone(&dynamic),
        Arc::<SeededRandomness>::clone(&randomness),
    )
    .await?;
    wheel.load(store.as_ref(), dynamic.as_ref()).await?;
    let waking = Arc::downgrade(&customers);
    let background = vec![tokio::spawn(wheel::turn(
        inbox,
        Arc::clone(&dynamic),
        move |due| match due {
            DueKey::Customer(id) => waking
                .upgrade()
                .into_iter()
                .for_each(|customers| customers.tell(id, CustomerMessage::Wake)),
            DueKey::Register(number) => panic!("no register is asked for anything here: {number}"),
        },
    ))];
    let settings = Settings {
        brand: "کارگزاری آگاه".to_owned(),
        mobile_phone_types: vec![3],
        default_region: phonenumber::country::Id::IR,
        policy: Policy::default(),
    };
    let service = OtpService {
        directory,
        customers,
        windows,
        store,
        clock: dynamic,
        randomness,
        keys: Arc::new(MacKeys::new(vec![(1, Zeroizing::new(vec![1; 32]))]).unwrap()),
        settings: Arc::new(settings),
        running: Running::default(),
        guards,
        metrics: metrics.clone(),
        evidence: None,
        evidence_wait: Duration::ZERO,
    };
    Ok(World {
        service,
        clock,
        operator,
        metrics,
        tasks,
        background,
    })
}

pub(crate) fn customer(number: &str) -> CustomerRecord {
    let contact = ContactRecord {
        code: CONTACT,
        phone_type: 3,
        number: number.to_owned(),
        deleted: false,
    };
    CustomerRecord {
        full_name: "نمونه یکم آزمایشی".to_owned(),
        contacts: vec![contact],
    }
}

impl World {
    pub(crate) async fn fill(&self) {
        let record = ContractTypeRecord {
            title: "سبدگردانی".to_owned(),
            otp: OtpOverrides::default(),
        };
        let key = Some(Secret::new("a-partners-key"));
        let mut changes = vec![
            Change::PutContractType(ContractTypeId(7), record),
            Change::PutInvoker {
                code: INVOKER,
                name: "Sample".to_owned(),
                contract_types: vec![7],
                key,
            },
        ];
        changes
            .extend((0..20).map(|n| Change::PutCustomer(CustomerId(CUSTOMER + n), customer("09120000001"))));
        let applied = self.service.directory.apply(changes).await.unwrap();
        assert!(applied.iter().all(Result::is_ok), "{applied:?}");
    }

    pub(crate) fn inputs(customer: i64) -> Inputs {
        Inputs {
            customer: CustomerId(customer),
            contact: ContactId(CONTACT),
            contract_type: Some(ContractTypeId(7)),
            invoker: Some(INVOKER),
            binding: Binding::default(),
            trace: None,
            evidence: Default::default(),
        }
    }

    pub(crate) async fn send(&self) -> Result<Answer, Trouble> {
        self.send_under(None).await.map(|answered| answered.answer)
    }

    pub(crate) async fn send_under(&self, key: Option<&str>) -> Result<Answered, Trouble> {
        let claim = key.map(|key| Claim::new(INVOKER, "send", key, b"body"));
        self.service.send(INVOKER, Self::inputs(CUSTOMER), claim).await
    }

    pub(crate) async fn reason(&self) -> Reason {
        self.send().await.unwrap().reason
    }

    pub(crate) async fn verify(&self, code: &str) -> Reason {
        let verified = self
            .service
            .verify(INVOKER, Self::inputs(CUSTOMER), Otp::typed(code), None)
            .await;
        verified.unwrap().answer.reason
    }

    pub(crate) fn now(&self) -> Now {
        self.clock.now()
    }
}

/// Lets other tasks run until a condition holds; fails rather than hang.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..100_000 {
        if condition() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it never came to pass that {what}");
}
