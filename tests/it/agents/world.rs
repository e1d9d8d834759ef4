//! A gateway in this process by the machine's clock, as the agent's is, and the agent beside it.

use crate::office::hex;
use actors::accounts::{AccountFacts, Change};
use actors::clock::{Clock, SystemClock};
use actors::ids::AccountId;
use actors::random::OsRandomness;
use actors::testing::ScriptedOperator;
use chrono::{DateTime, TimeDelta, Utc};
use countersign::config::{Config, ConfigSecret};
use countersign::http::Gateway;
use countersign::{Environment, Listeners, start, tax_service};
use dstu::container::seal;
use dstu::issuer::{Authority, Holder, Purpose, Validity};
use dstu::{Certificate, Curve, Entropy, HashAlgorithm, PrivateKey};
use serde_json::{Value, json};
use signing_protocol::AgentId;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use storage::MemoryStore;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

pub const ADMIN_KEY: &str = "administrators-key-of-the-tests";
pub const SHOP: Uuid = Uuid::from_u128(0x51);
pub const AGENT: AgentId = AgentId(Uuid::from_u128(0xA6E17));
/// The shop's code, in its agreement and in its cashiers' certificates.
pub const SHOP_CODE: &str = crate::office::TAX_NUMBER;
pub const PASSWORD: &str = "не справжній пароль";
pub const AGENT_API_KEY: &str = "an-api-key-of-the-tests-0001";

/// A running gateway.
pub struct World {
    pub gateway: Gateway,
    pub public: String,
    pub agents: String,
    pub admin: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), String>>,
}

impl World {
    pub async fn start() -> Self {
        Self::with_tax("").await
    }

    /// With a tax service at this URL, so that registers are served.
    pub async fn with_tax(url: &str) -> Self {
        Self::with(|config| config.tax.url = url.to_owned()).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        config.admin.key = ConfigSecret::new(ADMIN_KEY);
        config.partners.key_pepper = ConfigSecret::new("cGVwcGVyIG9mIHRoZSB0ZXN0cywgMzIgYnl0ZXMgbG9uZyE=");
        config.otp.hmac_keys = vec![ConfigSecret::new(
            "1:a2V5IG9mIHRoZSB0ZXN0cywgYXQgbGVhc3QgMzIgYnl0ZXM=",
        )];
        config.limits.shutdown_seconds = 5;
        config.agents.key = ConfigSecret::new("KioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKio=");
        config.agents.push_private_addresses = true;
        // Its own file would lie beside the store, which here is in memory alone: all tests would make it in one place.
        config.evidence.signing_keys = vec![ConfigSecret::new(crate::world::EVIDENCE_KEY)];
        change(&mut config);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let environment = Environment {
            store: Arc::new(MemoryStore::new()),
            sms: countersign::Sending::by(Arc::new(ScriptedOperator::default())),
            tax: tax_service(&config, &clock).unwrap(),
            clock,
            randomness: Arc::new(OsRandomness),
            signing: None,
            metrics: Default::default(),
        };
        let bind = || async { TcpListener::bind("127.0.0.1:0").await.unwrap() };
        let (public, agents, admin) = (bind().await, bind().await, bind().await);
        let url = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
        let urls = [&public, &agents, &admin].map(url);
        let agents = Some(agents);
        let listeners = Listeners {
            public,
            agents,
            admin,
        };
        let started = start(&config, environment, listeners).await.unwrap();
        let gateway = Arc::clone(&started.gateway);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(started.run(async {
            let _ = stopped.await;
        }));
        let [public, agents, admin] = urls;
        Self {
            gateway,
            public,
            agents,
            admin,
            stop,
            task,
        }
    }

    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }

    /// The shop's account, as whoever runs the fiscal side records it.
    pub async fn put_shop(&self) {
        let facts = AccountFacts {
            name: "Крамниця".to_owned(),
            email: None,
            password: None,
            is_active: true,
            hold_seconds: None,
            may_relay_keys: false,
        };
        let id = AccountId(SHOP);
        let put = Change::PutAccount { id, facts };
        self.gateway
            .accounts
            .apply(vec![put])
            .await
            .unwrap()
            .remove(0)
            .unwrap();
    }

    /// Support's call; the status must be this one.
    pub async fn support(&self, method: &str, path: &str, body: Option<Value>, status: u16) -> Value {
        let url = format!("{}/admin/v1{path}", self.admin);
        let answer = call(method, &url, Some(ADMIN_KEY), body).await;
        assert_eq!(answer.0, status, "{method} {path}: {}", answer.1);
        answer.1
    }

    /// What support does first: both agreements, and the agent.
    pub async fn prepare(&self) {
        self.put_shop().await;
        let agreement = json!({ "signed_on": "2026-02-20", "reference": "17/2026" });
        let of_keys = json!({ "signed_on": "2026-02-20", "reference": "18/2026", "tax_codes": [SHOP_CODE] });
        let path = |kind: &str| format!("/accounts/{SHOP}/agreements/{kind}");
        self.support("PUT", &path("agent-use"), Some(agreement), 200)
            .await;
        self.support("PUT", &path("key-use"), Some(of_keys), 200).await;
        let agent = json!({ "name": "shop's agent", "accounts": [SHOP] });
        self.support("PUT", &format!("/agents/{AGENT}"), Some(agent), 200)
            .await;
    }

    /// Issues a licence; gives its token.
    pub async fn licence(&self, public_key: &str) -> Value {
        let expires = (now() + TimeDelta::days(30)).to_rfc3339();
        let terms = json!({ "public_key": public_key, "keys_max": 3, "expires": expires });
        self.support("POST", &format!("/agents/{AGENT}/licences"), Some(terms), 201)
            .await
    }

    /// What is shown of the agent, once it is so.
    /// Waits until so many requests of agents are with their handlers.
    pub async fn until_held(&self, requests: u32) {
        let series = format!("countersign_http_in_flight{{listener=\"agents\"}} {requests}");
        for _ in 0..1_000 {
            let (_, metrics) = call("GET", &format!("{}/metrics", self.admin), None, None).await;
            if metrics.as_str().unwrap().lines().any(|line| line == series) {
                return;
            }
            pause().await;
        }
        panic!("waited in vain for {requests} requests");
    }

    pub async fn agent_when(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..1_000 {
            let shown = self.support("GET", &format!("/agents/{AGENT}"), None, 200).await;
            if is_so(&shown) {
                return shown;
            }
            pause().await;
        }
        panic!("waited in vain: {what}");
    }
}

/// The one place where these tests wait for what goes on elsewhere.
pub async fn pause() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

pub fn now() -> DateTime<Utc> {
    SystemClock::new().now().wall
}

pub async fn call(method: &str, url: &str, key: Option<&str>, body: Option<Value>) -> (u16, Value) {
    let mut request = client().request(method.parse().unwrap(), url);
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    if let Some(body) = body {
        request = request
            .header("content-type", "application/json")
            .body(body.to_string());
    }
    answered(request).await
}

pub async fn answered(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// The real agent, in this process.
pub struct Smartsign {
    pub api: String,
    _folder: tempfile::TempDir,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), String>>,
}

impl Smartsign {
    /// Of this gateway, with a licence; it enrols by itself.
    pub async fn start(world: &World, pushes: bool) -> Self {
        use smartsign::config::ConfigSecret;
        let folder = tempfile::tempdir().unwrap();
        let mut config = smartsign::config::Config::default();
        config.storage.path = folder.path().join("agent");
        config.storage.secret = ConfigSecret::new("container-secret-of-the-tests-0123456789");
        // Cheap on purpose: what is tested is not how long guessing takes.
        config.storage.argon2_memory_kib = 64;
        config.storage.argon2_passes = 1;
        config.gateway.url = world.agents.clone();
        let key = world.support("GET", "/gateway-key", None, 200).await;
        config.gateway.public_keys = vec![key["public_key"].as_str().unwrap().to_owned()];
        config.gateway.backoff_min_milliseconds = 10;
        config.gateway.backoff_max_seconds = 1;
        config.api.address = SocketAddr::from(([127, 0, 0, 1], 0));
        config.api.keys = vec![ConfigSecret::new(AGENT_API_KEY)];
        config.limits.shutdown_seconds = 5;
        if pushes {
            // A free port, found and let go of: the URL must be known before the agent listens.
            let probe = TcpListener::bind("127.0.0.1:0").await.unwrap();
            config.push.address = probe.local_addr().unwrap();
            config.push.url = format!("http://{}", config.push.address);
        }
        let clock: Arc<dyn smartsign::clock::Clock> = Arc::new(smartsign::clock::SystemClock);
        let opened = smartsign::run::open(&config, &clock).unwrap();
        let listeners = smartsign::run::Listeners::bind(&config).await.unwrap();
        let api = format!("http://{}", listeners.api.local_addr().unwrap());
        let started = smartsign::run::start(&config, opened, clock, listeners).unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(started.run(async {
            let _ = stopped.await;
        }));
        let agent = Self {
            api,
            _folder: folder,
            stop,
            task,
        };
        let identity = agent.call("GET", "/api/v1/identity", None).await.1;
        let licence = world.licence(identity["public_key"].as_str().unwrap()).await;
        let url = format!("{}/api/v1/licence", agent.api);
        let token = licence["token"].as_str().unwrap().to_owned();
        let installed = answered(client().put(url).bearer_auth(AGENT_API_KEY).body(token)).await;
        assert_eq!(installed.0, 200, "{}", installed.1);
        agent
    }

    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        call(method, &format!("{}{path}", self.api), Some(AGENT_API_KEY), body).await
    }

    /// Loads a key, which stays sealed until somebody has it unlocked.
    pub async fn load(&self, key: &CashierKey) -> Uuid {
        let (content_type, body) = form(&key.container(), PASSWORD, Some(key.certificate.der()));
        let url = format!("{}/api/v1/key", self.api);
        let request = client().post(url).bearer_auth(AGENT_API_KEY);
        let loaded = answered(request.header("content-type", content_type).body(body)).await;
        assert_eq!(loaded.0, 200, "{}", loaded.1);
        serde_json::from_value(loaded.1["uuid"].clone()).unwrap()
    }

    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }
}

/// A form as CashDesk's clients send it.
pub fn form(container: &[u8], password: &str, certificate: Option<&[u8]>) -> (&'static str, Vec<u8>) {
    let mut body = Vec::new();
    let fields = [
        ("name=\"key\"; filename=\"Key-6.dat\"", Some(container)),
        ("name=\"pass\"", Some(password.as_bytes())),
        ("name=\"certificate\"; filename=\"c.cer\"", certificate),
    ];
    for (head, content) in fields {
        let Some(content) = content else { continue };
        body.extend_from_slice(
            format!("--b0und\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--b0und--\r\n");
    ("multipart/form-data; boundary=b0und", body)
}

/// A cashier's invented key with the shop's code in its certificate.
pub struct CashierKey {
    pub key: PrivateKey,
    pub certificate: Certificate,
}

impl CashierKey {
    pub fn new(seed: u8) -> Self {
        let validity = Validity {
            not_before: now() - TimeDelta::days(10),
            not_after: now() + TimeDelta::days(300),
        };
        let holder = |name: &str, number: &str| Holder {
            common_name: name.to_owned(),
            surname: "Вигаданенко".to_owned(),
            serial_number: format!("TINUA-{number}"),
            taxpayer_number: number.to_owned(),
            company_code: SHOP_CODE.to_owned(),
            ..Holder::default()
        };
        let make = |seed: u8| PrivateKey::generate(Curve::M257, &Entropy::new([seed; 32])).unwrap();
        let authority = holder("Вигаданий центр сертифікації", "0000000001");
        let hash = HashAlgorithm::Gost34311;
        let entropy = Entropy::new([200; 32]);
        let authority = Authority::self_signed(make(200), &authority, validity, hash, &entropy).unwrap();
        let key = make(seed);
        let cashier = holder("Вигаданенко Вигадана Вигадівна", "0000001007");
        let entropy = Entropy::new([seed; 32]);
        let issued = authority.issue(key.public_key(), &cashier, Purpose::Signing, validity, &entropy);
        Self {
            key,
            certificate: issued.unwrap(),
        }
    }

    pub fn container(&self) -> Vec<u8> {
        seal::iit_key6(&self.key, PASSWORD)
    }

    pub fn subject_key_id(&self) -> String {
        hex(self.certificate.subject_key_id().unwrap())
    }
}
