//! Cash desks: the gateway, the stand-in fiscal server and the signing agent, each in a process of its own.

use super::{NEIGHBOUR, gateway, variable};
use actors::accounts::records::TillRecord;
use actors::accounts::{AccountFacts, Change};
use actors::agents::book::Change as BookChange;
use actors::agents::records::AgreementKind;
use actors::clock::{Clock, SystemClock};
use actors::ids::AccountId;
use actors::machines::register::{AutoClose, SellerFacts, Settings};
use actors::random::OsRandomness;
use actors::secret::Secret;
use chrono::{NaiveDate, TimeDelta};
use countersign::http::Gateway;
use countersign::{Environment, Listeners, open_store, start, tax_service};
use dstu::container::seal;
use dstu::issuer::{Authority, Holder, Purpose, Validity};
use dstu::{Curve, Entropy, HashAlgorithm, PrivateKey};
use fiscal::{CashDeskNumber, RegisterNumber};
use serde_json::{Value, json};
use signing_protocol::AgentId;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Registers of the shop.
pub(crate) const REGISTERS: u64 = 1_000;
/// The first one's fiscal number.
pub(crate) const FIRST: u64 = 4_000_000_001;
pub(crate) const API_TOKEN: &str = "0123456789abcdef0123456789abcdef";
const ADMIN_KEY: &str = "a-key-for-benchmarks";
const TAX_NUMBER: &str = "0000000017";
const ACCOUNT: AccountId = AccountId(Uuid::from_u128(0xA1));
const AGENT: AgentId = AgentId(Uuid::from_u128(0xB1));
const PASSWORD: &str = "не справжній пароль";
/// Held requests and their margins.
const IN_FLIGHT_MAX: usize = 20_000;

fn seller() -> SellerFacts {
    SellerFacts {
        tax_number: TAX_NUMBER.to_owned(),
        vat_number: None,
        organisation: "ТОВ «Неіснуюча крамниця»".to_owned(),
        point: "Крамниця № 1".to_owned(),
        address: Some("м. Львів, вул. Вигадана, 1".to_owned()),
    }
}

fn numbers() -> impl Iterator<Item = (RegisterNumber, CashDeskNumber)> {
    (0..REGISTERS).map(|index| {
        let number = RegisterNumber::new(FIRST + index).expect("above zero");
        (number, CashDeskNumber::new(1 + index).expect("above zero"))
    })
}

/// The stand-in fiscal server.
pub(crate) fn fiscal() {
    let seller = seller();
    let registers = numbers().map(|(number, cash_desk)| sandbox::fiscal::Register {
        number,
        cash_desk,
        name: String::new(),
    });
    let unit = sandbox::fiscal::Unit {
        id: 1,
        name: seller.point,
        address: seller.address,
        registers: registers.collect(),
    };
    let company = sandbox::fiscal::Company {
        tax_number: TAX_NUMBER.to_owned(),
        vat_number: None,
        name: seller.organisation,
        units: vec![unit],
        operators: Vec::new(),
    };
    let settings = sandbox::fiscal::Settings {
        register_unknown_operators: true,
        companies: vec![company],
        ..sandbox::fiscal::Settings::default()
    };
    let folder = tempfile::tempdir().expect("a temporary directory");
    let server = sandbox::fiscal::Server::open(settings, folder.path()).expect("the stand-in opens");
    gateway::runtime().block_on(async {
        let listener = gateway::listener().await;
        gateway::say(&listener);
        server
            .serve(listener, None, pending())
            .await
            .expect("it serves until it is killed");
    });
}

/// The gateway; its neighbour is the fiscal server.
pub(crate) fn gateway_of_tills() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut config = gateway::config(directory.path());
    config.tax.url = format!(
        "http://{}/fs",
        std::env::var(NEIGHBOUR).expect("the fiscal server listens somewhere")
    );
    config.limits.in_flight_max = IN_FLIGHT_MAX;
    // The held sales' descriptors and the gateway's own come to just less than the 20,000 of a common machine.
    config.limits.connections_max = 19_700;
    config.limits.hold_seconds = 120;
    config.cashdesk.hold_seconds = variable("REGISTERS_HOLD_SECONDS", 28) as u64;
    let metrics = prometheus::Registry::new();
    let runtime = gateway::runtime();
    let store = open_store(&config, &metrics, runtime.handle()).expect("the store opens");
    runtime.block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let environment = Environment {
            store,
            sms: gateway::Operator::Instant.sender(&mut config, &clock),
            tax: tax_service(&config, &clock).expect("the address is one"),
            signing: None,
            clock,
            randomness: Arc::new(OsRandomness),
            metrics,
        };
        let agents = gateway::listener().await;
        let listeners = Listeners {
            public: gateway::listener().await,
            admin: gateway::listener().await,
            agents: Some(agents),
        };
        let said =
            [&listeners.public, &listeners.admin].map(|listener| listener.local_addr().expect("bound"));
        let agents = listeners
            .agents
            .as_ref()
            .expect("just made")
            .local_addr()
            .expect("bound");
        let started = start(&config, environment, listeners)
            .await
            .expect("the gateway starts");
        fill(&started.gateway).await;
        said.iter().for_each(|address| println!("{address}"));
        println!("{agents} {}", started.gateway.agents.public_key());
        let mut terminated =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).expect("a handler");
        let shutdown = async move {
            terminated.recv().await;
        };
        started.run(shutdown).await.expect("it ends in order");
    });
}

async fn fill(gateway: &Gateway) {
    let facts = AccountFacts {
        name: "Крамниця".to_owned(),
        email: None,
        password: None,
        is_active: true,
        hold_seconds: None,
        may_relay_keys: false,
    };
    let mut changes = vec![
        Change::PutAccount { id: ACCOUNT, facts },
        Change::AddKey {
            account: ACCOUNT,
            key: Secret::new(API_TOKEN),
            id: Uuid::from_u128(1),
        },
    ];
    changes.extend(numbers().map(|(number, cash_desk)| Change::PutTill(number, Box::new(till(cash_desk)))));
    let applied = gateway.accounts.apply(changes).await.expect("the store takes it");
    assert!(applied.iter().all(Result::is_ok), "{applied:?}");
    for kind in AgreementKind::ALL {
        let agreement = BookChange::PutAgreement {
            account: ACCOUNT,
            kind,
            signed_on: NaiveDate::from_ymd_opt(2026, 2, 20).expect("a day"),
            reference: "1".to_owned(),
            tax_codes: if kind == AgreementKind::KeyUse {
                vec![TAX_NUMBER.to_owned()]
            } else {
                Vec::new()
            },
        };
        gateway
            .agents
            .change(agreement)
            .await
            .expect("the store takes it")
            .expect("it fits");
    }
    let agent = BookChange::PutAgent {
        id: AGENT,
        name: "bench".to_owned(),
        accounts: vec![ACCOUNT],
        is_active: true,
    };
    gateway
        .agents
        .change(agent)
        .await
        .expect("the store takes it")
        .expect("it fits");
}

fn till(cash_desk: CashDeskNumber) -> TillRecord {
    TillRecord {
        account: ACCOUNT,
        name: String::new(),
        seller: seller(),
        cash_desk,
        is_testing: false,
        is_closed: false,
        taxes: Vec::new(),
        settings: Settings {
            // A bench that runs into midnight measures sales, and no closing.
            auto_close: AutoClose::Off,
            ..Settings::default()
        },
        cashier: None,
        synchronised_ms: None,
    }
}

/// The signing agent; its neighbour is `admin agents public-key` of the gateway.
pub(crate) fn agent() {
    let neighbour = std::env::var(NEIGHBOUR).expect("the gateway listens somewhere");
    let mut neighbour = neighbour.split(' ');
    let mut next = || neighbour.next().expect("three words").to_owned();
    let (admin, agents, public_key) = (next(), next(), next());
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mut config = smartsign::config::Config::default();
    config.storage.path = folder.path().join("agent");
    config.storage.secret = smartsign::config::ConfigSecret::new("container-secret-of-benchmarks-0123456789");
    config.gateway.url = format!("http://{agents}");
    config.gateway.public_keys = vec![public_key];
    config.api.address = ([127, 0, 0, 1], 0).into();
    let clock: Arc<dyn smartsign::clock::Clock> = Arc::new(smartsign::clock::SystemClock);
    let opened = smartsign::run::open(&config, &clock).expect("the key store opens");
    gateway::runtime().block_on(async {
        let listeners = smartsign::run::Listeners::bind(&config)
            .await
            .expect("a free port");
        let api = listeners.api.local_addr().expect("bound");
        let started = smartsign::run::start(&config, opened, clock, listeners).expect("the agent starts");
        let running = tokio::spawn(started.run(pending()));
        enrol(&format!("http://{api}"), &format!("http://{admin}")).await;
        println!("{api}");
        running
            .await
            .expect("it runs until it is killed")
            .expect("in order");
    });
}

async fn enrol(api: &str, admin: &str) {
    let client = countersign::outbound::client().expect("a client");
    let identity = ask(client.get(format!("{api}/api/v1/identity"))).await;
    let now = SystemClock::new().now().wall;
    let terms = json!({ "public_key": identity["public_key"], "keys_max": 10, "expires": (now + TimeDelta::days(30)).to_rfc3339() });
    let licences = client
        .post(format!("{admin}/admin/v1/agents/{AGENT}/licences"))
        .bearer_auth(ADMIN_KEY);
    let licence = ask(licences
        .header("Content-Type", "application/json")
        .body(terms.to_string()))
    .await;
    let token = licence["token"].as_str().expect("a token").to_owned();
    ask(client.put(format!("{api}/api/v1/licence")).body(token)).await;
    let (container, certificate) = key(now);
    let mut form = Vec::new();
    for (head, content) in [
        ("name=\"key\"; filename=\"Key-6.dat\"", container.as_slice()),
        ("name=\"pass\"", PASSWORD.as_bytes()),
        ("name=\"certificate\"; filename=\"c.cer\"", certificate.as_slice()),
    ] {
        form.extend_from_slice(
            format!("--b0und\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes(),
        );
        form.extend_from_slice(content);
        form.extend_from_slice(b"\r\n");
    }
    form.extend_from_slice(b"--b0und--\r\n");
    let load = client
        .post(format!("{api}/api/v1/key"))
        .header("Content-Type", "multipart/form-data; boundary=b0und");
    let key = ask(load.body(form)).await["uuid"]
        .as_str()
        .expect("an id")
        .to_owned();
    ask(client.post(format!("{api}/api/v1/keys/{key}/activate"))).await;
    // The gateway hears of the key with the agent's next report.
    let cashier = json!({ "key": key, "name": "Касир Вигаданий", "registers": [] }).to_string();
    for _ in 0..200 {
        let request = client
            .post(format!("{api}/api/v1/cashiers"))
            .header("Content-Type", "application/json");
        let answer = request
            .body(cashier.clone())
            .send()
            .await
            .expect("the agent answers");
        if answer.status().is_success() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the cashier could not be registered");
}

async fn ask(request: reqwest::RequestBuilder) -> Value {
    let answer = request.send().await.expect("it answers");
    let status = answer.status();
    let text = answer.text().await.expect("in text");
    assert!(status.is_success(), "{status}: {text}");
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

fn key(now: chrono::DateTime<chrono::Utc>) -> (Vec<u8>, Vec<u8>) {
    let holder = |name: &str, number: &str| Holder {
        common_name: name.to_owned(),
        taxpayer_number: number.to_owned(),
        ..Holder::default()
    };
    let validity = Validity {
        not_before: now - TimeDelta::days(1),
        not_after: now + TimeDelta::days(30),
    };
    let entropy = |seed| Entropy::new([seed; 32]);
    let make = |seed| PrivateKey::generate(Curve::M257, &entropy(seed)).expect("a key");
    let hash = HashAlgorithm::Gost34311;
    let authority = holder("Вигаданий центр сертифікації", "");
    let authority =
        Authority::self_signed(make(1), &authority, validity, hash, &entropy(2)).expect("an authority");
    let own = make(3);
    let cashier = holder("Вигаданенко Вигадана", TAX_NUMBER);
    let issued = authority.issue(
        own.public_key(),
        &cashier,
        Purpose::Signing,
        validity,
        &entropy(4),
    );
    (
        seal::iit_key6(&own, PASSWORD),
        issued.expect("a certificate").der().to_vec(),
    )
}

/// A sale of one line in cash.
pub(crate) fn sale(register: u64, number: u64) -> Vec<u8> {
    let body = format!(
        r#"{{"num_fiscal":{register},"action_type":"Z_SALE","local_number":{number},"total_sum":"12.50","open_shift":true,"no_pdf":true,"no_qr":true,"no_text_print":true,"products":[{{"name":"Сир","amount":"1","price":"12.500","cost":"12.50"}}],"payments":[{{"code":0,"name":"ГОТІВКА","sum":"12.50"}}]}}"#
    );
    request("/api/v2/check/sale", &body)
}

/// A call of this face.
pub(crate) fn request(path: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path}?api_token={API_TOKEN} HTTP/1.1\r\nHost: x\r\ndeveloper-id: bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
