//! An agent with its gateway, its keys and its disk.

use super::gateway::Gateway;
use chrono::{DateTime, TimeDelta, Utc};
use dstu::container::seal;
use dstu::issuer::{Authority, Holder, Purpose, Validity};
use dstu::{Certificate, Curve, Entropy, HashAlgorithm, PrivateKey};
use serde_json::Value;
use signing_protocol::*;
use smartsign::clock::{Clock, SystemClock};
use smartsign::config::{Config, ConfigSecret};
use smartsign::run::{Listeners, open, start};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

pub(crate) const PASSWORD: &str = "не справжній пароль";
pub(crate) const API_KEY: &str = "an-api-key-of-the-tests-0001";
pub(crate) const CONTAINER_SECRET: &str = "container-secret-of-the-tests-0123456789";

/// The machine's clock, moved.
#[derive(Default)]
pub(crate) struct MovedClock(AtomicI64);

impl MovedClock {
    pub fn shift(&self, seconds: i64) {
        self.0.store(seconds, Ordering::Relaxed);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + TimeDelta::seconds(self.0.load(Ordering::Relaxed))
    }
}

pub(crate) fn soon() -> DateTime<Utc> {
    SystemClock.now() + TimeDelta::seconds(20)
}

pub(crate) struct World {
    pub gateway: Arc<Gateway>,
    pub directory: tempfile::TempDir,
    pub clock: Arc<MovedClock>,
    pub config: Config,
    pub agent: AgentId,
}

pub(crate) struct Running {
    pub api: String,
    pub push: Option<String>,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<Result<(), String>>>,
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let gateway = Gateway::start().await;
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.storage.path = directory.path().join("agent");
        config.storage.secret = ConfigSecret::new(CONTAINER_SECRET);
        // Cheap on purpose: what is tested is not how long guessing takes.
        config.storage.argon2_memory_kib = 64;
        config.storage.argon2_passes = 1;
        config.gateway.url = gateway.url();
        config.gateway.public_keys = vec![gateway.key.public_key().to_string()];
        config.gateway.poll_wait_seconds = 1;
        config.gateway.backoff_min_milliseconds = 10;
        config.gateway.backoff_max_seconds = 1;
        config.api.address = SocketAddr::from(([127, 0, 0, 1], 0));
        config.api.keys = vec![ConfigSecret::new(API_KEY)];
        config.push.address = SocketAddr::from(([127, 0, 0, 1], 0));
        config.limits.shutdown_seconds = 5;
        change(&mut config);
        Self {
            gateway,
            directory,
            clock: Arc::default(),
            config,
            agent: AgentId(Uuid::new_v4()),
        }
    }

    pub async fn start(&self) -> Running {
        self.try_start().await.unwrap()
    }

    pub async fn try_start(&self) -> Result<Running, String> {
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as _;
        let opened = open(&self.config, &clock)?;
        let listeners = Listeners::bind(&self.config).await?;
        let local = |listener: &tokio::net::TcpListener| format!("http://{}", listener.local_addr().unwrap());
        let api = local(&listeners.api);
        let push = listeners.push.as_ref().map(local);
        let started = start(&self.config, opened, clock, listeners)?;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(started.run(async {
            let _ = stopped.await;
        }));
        Ok(Running {
            api,
            push,
            stop: Some(stop),
            task: Some(task),
        })
    }

    pub fn licence(&self, instance: PublicKey) -> Licence {
        let now = SystemClock.now();
        Licence {
            agent: self.agent,
            name: "Крамниця".to_owned(),
            public_key: instance,
            forms: vec![Form::CmsAttached],
            keys_max: 3,
            not_before: now - TimeDelta::days(1),
            expires: now + TimeDelta::days(30),
        }
    }

    /// A running agent with a licence.
    pub async fn licensed(&self) -> Running {
        let running = self.start().await;
        let licence = self.licence(running.identity().await);
        let answer = running.put_licence(&licence.issue(&self.gateway.key)).await;
        assert_eq!(answer.0, 200, "{}", answer.1);
        running
    }

    /// A running agent with a licence and an active key.
    pub async fn ready(&self) -> (Running, KeyId) {
        let running = self.licensed().await;
        let key = running.load(&TestKey::new(1)).await;
        running.activate(key).await;
        (running, key)
    }
}

impl Running {
    /// One that another process runs.
    pub fn at(api: String) -> Self {
        Self {
            api,
            push: None,
            stop: None,
            task: None,
        }
    }

    pub async fn stop(mut self) {
        drop(self.stop.take());
        self.task.take().unwrap().await.unwrap().unwrap();
    }

    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let method = method.parse().unwrap();
        let mut request = client()
            .request(method, format!("{}{path}", self.api))
            .bearer_auth(API_KEY);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        answer(request).await
    }

    pub async fn identity(&self) -> PublicKey {
        let (status, value) = self.call("GET", "/api/v1/identity", None).await;
        assert_eq!(status, 200, "{value}");
        value["public_key"].as_str().unwrap().parse().unwrap()
    }

    pub async fn put_licence(&self, token: &LicenceToken) -> (u16, Value) {
        let url = format!("{}/api/v1/licence", self.api);
        answer(client().put(url).bearer_auth(API_KEY).body(token.0.clone())).await
    }

    pub async fn upload(&self, container: &[u8], password: &str, certificate: Option<&[u8]>) -> (u16, Value) {
        let url = format!("{}/api/v1/key", self.api);
        let (content_type, body) = form(container, password, certificate);
        let request = client().post(url).bearer_auth(API_KEY);
        answer(request.header("content-type", content_type).body(body)).await
    }

    pub async fn load(&self, key: &TestKey) -> KeyId {
        let (status, value) = self
            .upload(&key.container(), PASSWORD, Some(key.certificate.der()))
            .await;
        assert_eq!(status, 200, "{value}");
        serde_json::from_value(value["uuid"].clone()).unwrap()
    }

    pub async fn activate(&self, key: KeyId) {
        let (status, value) = self
            .call("POST", &format!("/api/v1/keys/{key}/activate"), None)
            .await;
        assert_eq!(
            (status, value["state"].as_str()),
            (200, Some("active")),
            "{value}"
        );
    }

    pub async fn health(&self) -> Value {
        self.call("GET", "/api/v1/health", None).await.1
    }

    /// Health, once it shows this problem.
    pub async fn problem(&self, code: &str) -> Value {
        for _ in 0..200 {
            let health = self.health().await;
            let problems = health["problems"].as_array().unwrap();
            if problems.iter().any(|problem| problem["code"] == code) {
                return health;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("health never showed {code}: {}", self.health().await);
    }
}

pub(crate) fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

pub(crate) async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// A form as browsers and CashDesk's clients send it.
pub(crate) fn form(container: &[u8], password: &str, certificate: Option<&[u8]>) -> (&'static str, Vec<u8>) {
    let mut body = Vec::new();
    let mut part = |head: &str, content: &[u8]| {
        body.extend_from_slice(
            format!("--b0und\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    };
    part("name=\"key\"; filename=\"Key-6.dat\"", container);
    part("name=\"pass\"", password.as_bytes());
    if let Some(certificate) = certificate {
        part("name=\"certificate\"; filename=\"c.cer\"", certificate);
    }
    body.extend_from_slice(b"--b0und--\r\n");
    ("multipart/form-data; boundary=b0und", body)
}

/// A key of an invented authority.
pub(crate) struct TestKey {
    pub key: PrivateKey,
    pub certificate: Certificate,
}

impl TestKey {
    pub fn new(seed: u8) -> Self {
        let now = SystemClock.now();
        Self::valid(seed, now - TimeDelta::days(10), now + TimeDelta::days(300))
    }

    pub fn valid(seed: u8, not_before: DateTime<Utc>, not_after: DateTime<Utc>) -> Self {
        let validity = Validity {
            not_before,
            not_after,
        };
        let holder = |name: &str, number: &str| Holder {
            common_name: name.to_owned(),
            surname: "Вигаданенко".to_owned(),
            serial_number: format!("TINUA-{number}"),
            taxpayer_number: number.to_owned(),
            ..Holder::default()
        };
        let make = |seed: u8| PrivateKey::generate(Curve::M257, &Entropy::new([seed; 32])).unwrap();
        let authority = holder("Вигаданий центр сертифікації", "0000000001");
        let entropy = Entropy::new([200; 32]);
        let authority = Authority::self_signed(
            make(200),
            &authority,
            validity,
            HashAlgorithm::Gost34311,
            &entropy,
        )
        .unwrap();
        let key = make(seed);
        let cashier = holder(
            "Вигаданенко Вигадана Вигадівна",
            &format!("{:010}", 1_000 + u32::from(seed)),
        );
        let certificate = authority
            .issue(
                key.public_key(),
                &cashier,
                Purpose::Signing,
                validity,
                &Entropy::new([seed; 32]),
            )
            .unwrap();
        Self { key, certificate }
    }

    /// As `Key-6.dat`, without its certificate.
    pub fn container(&self) -> Vec<u8> {
        seal::iit_key6(&self.key, PASSWORD)
    }
}
