//! The two servers, and what wrk asks of them.

use super::Load;
use actors::clock::{Clock, SystemClock};
use actors::directory::records::{ContactRecord, ContractTypeRecord, CustomerRecord, OtpOverrides};
use actors::directory::{Change, EvidenceChange};
use actors::ids::{ContractTypeId, CustomerId, InvokerCode, MessageId};
use actors::ports::{HandOver, Lookup, Message, Outcome, SmsSender};
use actors::random::OsRandomness;
use actors::secret::Secret;
use countersign::config::{Config, ConfigSecret, SmsSenderKind};
use countersign::{Environment, Listeners, Sending, open_store, sending, start};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use storage::BoxFuture;
use tokio::net::TcpListener;
use uuid::Uuid;
use warp::Filter;

/// The partner's key.
pub(crate) const KEY: &str = "csp_a-key-for-benchmarks";
/// The key of the integration that records containers.
pub(crate) const INTEGRATION_KEY: &str = "csi_a-key-for-benchmarks";
const INVOKER: Uuid = Uuid::from_u128(1);
/// Customers that throttled calls go round.
pub(crate) const THROTTLED_CUSTOMERS: u32 = 100;
/// Customers that first sends go through, each with so many contract types: the most that caps allow.
pub(crate) const CUSTOMERS: u32 = 20_000;
const CONTRACT_TYPES: u8 = 25;
/// Customers beside them, whose sends only warm a gateway up.
const WARMING_CUSTOMERS: u32 = 5_000;

/// A send, as a request.
pub(crate) fn request(customer: u32, contract_type: u8) -> Vec<u8> {
    let body = format!(
        r#"{{"CcmsCode":{customer},"ContactCcmsCode":1,"ContractTypeId":{contract_type},"InvokerCode":"{INVOKER}"}}"#
    );
    format!(
        "POST /api/v1/contract-otp/send HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The n-th send into a window that nobody has asked for yet.
pub(crate) fn first(n: u64) -> Vec<u8> {
    let customer = u32::try_from(n % u64::from(CUSTOMERS)).expect("a remainder is smaller");
    let contract_type = u8::try_from(n / u64::from(CUSTOMERS)).expect("fewer sends than windows");
    assert!(contract_type < CONTRACT_TYPES, "more sends than windows");
    request(customer, contract_type)
}

/// What wrk sends.
pub(crate) fn lua(load: Load) -> String {
    let next = match load {
        Load::Hello => return "wrk.method = \"GET\"\n".to_owned(),
        Load::Throttled => format!("local customer, kind = n % {THROTTLED_CUSTOMERS}, 0"),
        Load::Unknown => "local customer, kind = 900000000 + n % 1000, 0".to_owned(),
        Load::Warming => format!(
            "local customer, kind = {CUSTOMERS} + n % {WARMING_CUSTOMERS}, math.floor(n / {WARMING_CUSTOMERS}) % {CONTRACT_TYPES}"
        ),
        Load::First | Load::FirstOverHttp => {
            format!("local customer, kind = n % {CUSTOMERS}, math.floor(n / {CUSTOMERS})")
        }
    };
    format!(
        "local n = -1\n\
         local headers = {{ [\"Authorization\"] = \"Bearer {KEY}\", [\"Content-Type\"] = \"application/json\" }}\n\
         function request()\n\
           n = n + 1\n\
           {next}\n\
           local body = string.format('{{\"CcmsCode\":%d,\"ContactCcmsCode\":1,\"ContractTypeId\":%d,\"InvokerCode\":\"{INVOKER}\"}}', customer, kind)\n\
           return wrk.format(\"POST\", \"/api/v1/contract-otp/send\", headers, body)\n\
         end\n"
    )
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime starts")
}

pub(crate) async fn listener() -> TcpListener {
    serve::listen(([127, 0, 0, 1], 0).into()).expect("a free port")
}

pub(crate) fn say(listener: &TcpListener) {
    println!(
        "{}",
        listener.local_addr().expect("a bound listener has an address")
    );
}

struct Bare;

impl serve::Face for Bare {
    fn refuse(
        &self,
        _: &serve::Head,
        refusal: serve::Refusal,
    ) -> http::Response<http_body_util::Full<bytes::Bytes>> {
        let mut response = http::Response::new(http_body_util::Full::default());
        *response.status_mut() = refusal.status();
        response
    }
}

/// A bare warp "hello" on the gateway's own accept loop.
pub(crate) fn hello() {
    runtime().block_on(async {
        let listener = listener().await;
        say(&listener);
        say(&listener);
        let service = warp::service(warp::path::end().map(|| "hello"));
        serve::Server::new(listener, service, Arc::new(Bare), serve::Limits::default())
            .run(pending())
            .await;
    });
}

/// An operator that takes everything at once.
struct Instant;

impl SmsSender for Instant {
    fn name(&self) -> &'static str {
        "instant"
    }

    fn send(&self, message: Message) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            Outcome::Accepted(HandOver {
                operator: "scripted".to_owned(),
                operator_ids: vec![message.id.to_string()],
                parts: 2,
                is_polled: false,
            })
        })
    }

    fn lookup(&self, _: MessageId, _: Duration) -> BoxFuture<'_, Lookup> {
        Box::pin(async { Lookup::CannotTell })
    }
}

/// An operator that never answers.
struct Silent;

impl SmsSender for Silent {
    fn name(&self) -> &'static str {
        "silent"
    }

    fn send(&self, _: Message) -> BoxFuture<'_, Outcome> {
        Box::pin(pending())
    }

    fn lookup(&self, _: MessageId, _: Duration) -> BoxFuture<'_, Lookup> {
        Box::pin(async { Lookup::CannotTell })
    }
}

/// Who takes the messages.
pub(crate) enum Operator {
    /// In the process, at once.
    Instant,
    /// In the process, never.
    Silent,
    /// The stand-in in a process of its own, at this address.
    Http(String),
}

impl Operator {
    pub(crate) fn sender(&self, config: &mut Config, clock: &Arc<dyn Clock>) -> Sending {
        match self {
            Self::Instant => Sending::by(Arc::new(Instant)),
            Self::Silent => Sending::by(Arc::new(Silent)),
            Self::Http(address) => {
                config.sms.sender = SmsSenderKind::Sandbox;
                config.sms.sandbox.url = format!("http://{address}");
                sending(config, clock, &Default::default()).expect("the operator has an address")
            }
        }
    }
}

/// The stand-in operator.
pub(crate) fn operator() {
    runtime().block_on(async {
        let listener = listener().await;
        say(&listener);
        say(&listener);
        sandbox::sms::serve(listener, pending()).await;
    });
}

/// What every gateway here is set to.
pub(crate) fn config(directory: &std::path::Path) -> Config {
    let mut config = Config::default();
    config.storage.path = directory.join("store");
    config.admin.key = ConfigSecret::new("a-key-for-benchmarks");
    config.partners.key_pepper = ConfigSecret::new("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    config.otp.hmac_keys = vec![ConfigSecret::new(
        "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    )];
    // What is measured is the machine, not the guard against a stolen key.
    config.sms.spending.daily_max = 1 << 40;
    config
}

/// The whole gateway over the embedded store in a directory of its own.
pub(crate) fn gateway(operator: &Operator) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut config = config(directory.path());
    // Longer than it takes to open the connections of `memory`.
    config.sms.timeout_seconds = 55;
    let metrics = prometheus::Registry::new();
    let runtime = runtime();
    let store = open_store(&config, &metrics, runtime.handle()).expect("the store opens");
    runtime.block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let environment = Environment {
            store,
            sms: operator.sender(&mut config, &clock),
            clock,
            randomness: Arc::new(OsRandomness),
            tax: None,
            signing: None,
            metrics,
        };
        let listeners = Listeners {
            public: listener().await,
            agents: None,
            admin: listener().await,
        };
        let addresses = [&listeners.public, &listeners.admin].map(|l| l.local_addr().expect("an address"));
        let started = start(&config, environment, listeners)
            .await
            .expect("the gateway starts");
        fill(&started.gateway.directory).await;
        addresses.iter().for_each(|address| println!("{address}"));
        started.run(pending()).await.expect("it runs until it is killed");
    });
}

async fn fill(directory: &actors::directory::Directory) {
    let title = |id: u8| ContractTypeRecord {
        title: format!("Sample {id}"),
        otp: OtpOverrides::default(),
    };
    let types = (0..CONTRACT_TYPES).map(|id| Change::PutContractType(ContractTypeId(id), title(id)));
    let partner = Change::PutInvoker {
        code: InvokerCode(INVOKER),
        name: "Sample".to_owned(),
        contract_types: (0..CONTRACT_TYPES).collect(),
        key: Some(Secret::new(KEY)),
    };
    let customers = (0..CUSTOMERS + WARMING_CUSTOMERS).map(|id| {
        let contact = ContactRecord {
            code: 1,
            phone_type: 3,
            number: "09120000001".to_owned(),
            deleted: false,
        };
        let record = CustomerRecord {
            full_name: format!("Sample {id}"),
            contacts: vec![contact],
        };
        Change::PutCustomer(CustomerId(i64::from(id)), record)
    });
    let integration = Change::Evidence(EvidenceChange::PutIntegration {
        name: "bench".to_owned(),
        key: Some((Secret::new(INTEGRATION_KEY), Uuid::from_u128(2))),
    });
    let changes: Vec<Change> = types.chain([partner, integration]).chain(customers).collect();
    for batch in changes.chunks(actors::directory::CHANGES_PER_BATCH_MAX) {
        let applied = directory.apply(batch.to_vec()).await.expect("the store takes it");
        assert!(applied.iter().all(Result::is_ok));
    }
}
