//! A gateway's agents, and an agent that speaks to them as `smartsign` does.

use actors::accounts::{AccountFacts, Accounts, Change as AccountChange};
use actors::agents::book::Change;
use actors::agents::records::{AgreementKind, LicenceRecord};
use actors::agents::{
    AgentMetrics, AgentParts, AgentSettings, Agents, DstuVerifier, GatewayKeys, LicenceTerms, Poll, Refused,
};
use actors::clock::Clock;
use actors::directory::keys::Pepper;
use actors::ids::{AccountId, KeyId, SignatureRequestId};
use actors::ports::{AgentPusher, Pushed, SignatureOutcome, SignatureRequest, SigningAgent};
use actors::testing::{ManualClock, SeededRandomness};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use dstu::cms::{Identification, Packaging, Template};
use dstu::issuer::{Authority, Holder, Purpose, Validity};
use dstu::{Certificate, Curve, Entropy, HashAlgorithm, LocalSigner, PrivateKey};
use fiscal::RegisterNumber;
use futures_util::future::BoxFuture;
use prometheus::TextEncoder;
use signing_protocol::{
    AgentId, AgentSecret, ChallengeRequest, Connection, Delivery, DeliveryAnswer, Enrolment, EnrolmentAnswer,
    Form, HexOctets, KeyFacts, KeyState, LicenceToken, METHOD_LOAD, Nonce, Octets, Outcome, PROTOCOL_VERSION,
    PollAnswer, PublicKey, Report, RequestId, SecretKey, SessionId, SignedRequest, Statement, Task,
};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use storage::MemoryStore;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use uuid::Uuid;
use zeroize::Zeroizing;

pub const SHOP: AccountId = AccountId(Uuid::from_u128(0x51));
pub const BAKERY: AccountId = AccountId(Uuid::from_u128(0x52));
/// The shop's cashiers have certificates with this company's code.
pub const SHOP_CODE: &str = "00000017";
pub const BAKERY_CODE: &str = "00000025";
pub const PUSH_URL: &str = "https://agent.example.org";
/// How long a register waits for a signature.
pub const WAIT: Duration = Duration::from_secs(28);

/// Pushes into memory; does the next scripted thing, or takes.
#[derive(Default)]
pub struct ScriptedPusher {
    pub script: Mutex<VecDeque<Pushed>>,
    pub pushed: Mutex<Vec<Arc<SignedRequest>>>,
}

impl AgentPusher for ScriptedPusher {
    fn check(&self, url: &str) -> Result<(), String> {
        (url == PUSH_URL)
            .then_some(())
            .ok_or_else(|| "not there".to_owned())
    }

    fn push<'a>(&'a self, _: &'a str, request: Arc<SignedRequest>, _: Duration) -> BoxFuture<'a, Pushed> {
        let outcome = self.script.lock().unwrap().pop_front();
        self.pushed.lock().unwrap().push(request);
        Box::pin(async move { outcome.unwrap_or(Pushed::Taken) })
    }
}

pub struct World {
    pub agents: Arc<Agents>,
    pub accounts: Accounts,
    pub clock: Arc<ManualClock>,
    pub store: Arc<MemoryStore>,
    pub pusher: Arc<ScriptedPusher>,
    pub registry: prometheus::Registry,
    pub gateway: SecretKey,
}

impl World {
    /// With the shop and the bakery, who have agreed to everything.
    pub async fn new() -> Self {
        let world = Self::over(Arc::new(MemoryStore::new()), Arc::default()).await;
        for (account, code) in [(SHOP, SHOP_CODE), (BAKERY, BAKERY_CODE)] {
            let facts = AccountFacts {
                name: format!("account {code}"),
                email: None,
                password: None,
                is_active: true,
                hold_seconds: None,
                may_relay_keys: false,
            };
            let put = AccountChange::PutAccount { id: account, facts };
            world.accounts.apply(vec![put]).await.unwrap().remove(0).unwrap();
            world.agree(account, AgreementKind::AgentUse, &[]).await;
            world.agree(account, AgreementKind::KeyUse, &[code]).await;
        }
        world
    }

    async fn over(store: Arc<MemoryStore>, clock: Arc<ManualClock>) -> Self {
        let gateway = SecretKey::from_seed(&[41; 32]);
        let registry = prometheus::Registry::new();
        let randomness = Arc::new(SeededRandomness::new(2_026));
        let pusher = Arc::<ScriptedPusher>::default();
        let pepper = Arc::new(Pepper::new(Zeroizing::new(vec![5; 32])).unwrap());
        let accounts = Accounts::open(
            Arc::<MemoryStore>::clone(&store),
            pepper,
            Arc::<ManualClock>::clone(&clock),
            Arc::<SeededRandomness>::clone(&randomness),
        );
        let parts = AgentParts {
            store: Arc::<MemoryStore>::clone(&store),
            clock: Arc::<ManualClock>::clone(&clock),
            randomness,
            keys: GatewayKeys {
                signing: gateway.clone(),
                earlier: Vec::new(),
            },
            pusher: Arc::<ScriptedPusher>::clone(&pusher),
            verifier: Arc::new(DstuVerifier::default()),
            metrics: AgentMetrics::new(&registry).unwrap(),
            tasks: TaskTracker::new(),
            settings: AgentSettings::default(),
        };
        Self {
            accounts: accounts.await.unwrap(),
            agents: Agents::open(parts).await.unwrap(),
            clock,
            store,
            pusher,
            registry,
            gateway,
        }
    }

    /// The same rows in another process.
    pub async fn restarted(&self) -> Self {
        Self::over(Arc::clone(&self.store), Arc::clone(&self.clock)).await
    }

    pub async fn agree(&self, account: AccountId, kind: AgreementKind, codes: &[&str]) {
        let change = Change::PutAgreement {
            account,
            kind,
            signed_on: NaiveDate::from_ymd_opt(2026, 2, 20).unwrap(),
            reference: "contract 17/2026".to_owned(),
            tax_codes: codes.iter().map(|code| (*code).to_owned()).collect(),
        };
        self.agents.change(change).await.unwrap().unwrap();
    }

    pub async fn end_agreement(&self, account: AccountId, kind: AgreementKind) {
        let change = Change::EndAgreement { account, kind };
        self.agents.change(change).await.unwrap().unwrap();
    }

    pub async fn put_agent(&self, id: AgentId, accounts: &[AccountId], is_active: bool) {
        let change = Change::PutAgent {
            id,
            name: format!("agent {}", id.0.as_u128()),
            accounts: accounts.to_vec(),
            is_active,
        };
        self.agents.change(change).await.unwrap().unwrap();
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now().wall
    }

    pub fn terms(&self, instance: PublicKey) -> LicenceTerms {
        LicenceTerms {
            public_key: instance,
            forms: vec![Form::CmsAttached],
            keys_max: 3,
            not_before: self.now() - TimeDelta::days(1),
            expires: self.now() + TimeDelta::days(30),
        }
    }

    /// An agent of the shop, licensed, not enrolled.
    pub async fn licensed(&self, number: u8) -> Agent {
        let id = AgentId(Uuid::from_u128(u128::from(number)));
        self.put_agent(id, &[SHOP], true).await;
        let instance = SecretKey::from_seed(&[number; 32]);
        let terms = self.terms(instance.public_key());
        let licence = self.agents.issue_licence(id, terms).await.unwrap();
        Agent {
            agents: Arc::clone(&self.agents),
            id,
            instance,
            licence,
            session: SessionId(Uuid::from_u128(0x5e00 + u128::from(number))),
            connection: Connection::Pull,
            methods: vec![METHOD_LOAD.to_owned()],
            secret: None,
        }
    }

    /// An agent of the shop that is enrolled and has reported its key.
    pub async fn ready(&self, number: u8) -> (Agent, TestKey) {
        let mut agent = self.licensed(number).await;
        agent.enrol().await.unwrap();
        let key = TestKey::new(number, SHOP_CODE, self.now());
        agent.report(&[&key], self.now()).await.unwrap();
        (agent, key)
    }

    /// Asks for a signature as a register does.
    pub fn ask(&self, key: &TestKey, content: &[u8]) -> Asked {
        self.ask_as(key, content, SignatureRequestId(Uuid::new_v4()))
    }

    pub fn ask_as(&self, key: &TestKey, content: &[u8], id: SignatureRequestId) -> Asked {
        let request = SignatureRequest {
            id,
            register: Some(RegisterNumber::new(4_000_000_001).unwrap()),
            key: key.id,
            content: content.into(),
            deadline: self.now() + TimeDelta::seconds(28),
            wait: WAIT,
        };
        let agents = Arc::clone(&self.agents);
        let task = tokio::spawn(async move { agents.ask(request).await });
        Asked { id, task }
    }

    /// A counter or gauge by its name and the labels it must have.
    pub fn metric(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let text = TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .unwrap();
        let is_meant = |line: &&str| {
            line.split(['{', ' ']).next() == Some(name)
                && labels
                    .iter()
                    .all(|(label, value)| line.contains(&format!("{label}=\"{value}\"")))
        };
        let value = |line: &str| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap();
        text.lines().filter(is_meant).map(value).sum()
    }

    pub fn delivered(&self, agent: &Agent, outcome: &str) -> f64 {
        let name = format!("agent {}", agent.id.0.as_u128());
        let labels = [("agent", name.as_str()), ("outcome", outcome)];
        self.metric("countersign_agent_deliveries_total", &labels)
    }
}

/// A signature that is awaited.
pub struct Asked {
    pub id: SignatureRequestId,
    pub task: JoinHandle<SignatureOutcome>,
}

impl Asked {
    pub fn request(&self) -> RequestId {
        RequestId(self.id.0)
    }

    pub async fn outcome(self) -> SignatureOutcome {
        self.task.await.unwrap()
    }
}

/// Lets every task go on until nothing is left to do at this moment of the clock.
pub async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

pub struct Agent {
    agents: Arc<Agents>,
    pub id: AgentId,
    pub instance: SecretKey,
    pub licence: LicenceRecord,
    pub session: SessionId,
    pub connection: Connection,
    pub methods: Vec<String>,
    pub secret: Option<AgentSecret>,
}

impl Agent {
    /// In another process of the gateway.
    pub fn at(&mut self, world: &World) {
        self.agents = Arc::clone(&world.agents);
    }

    pub fn nonce(&self, purpose: signing_protocol::Purpose) -> Nonce {
        let asked = ChallengeRequest {
            agent: self.id,
            purpose,
        };
        self.agents.challenge(asked).unwrap().nonce
    }

    pub fn statement(&self) -> Statement {
        Statement {
            version: PROTOCOL_VERSION,
            agent: self.id,
            public_key: self.instance.public_key(),
            licence: LicenceToken(self.licence.token.clone()),
            nonce: self.nonce(signing_protocol::Purpose::Enrolment),
            connection: self.connection.clone(),
            program: "smartsign/test".to_owned(),
        }
    }

    pub async fn enrol_with(&self, enrolment: &Enrolment) -> Result<EnrolmentAnswer, Refused> {
        self.agents.enrol(enrolment).await
    }

    pub async fn enrol(&mut self) -> Result<(), Refused> {
        let statement = self.statement();
        let nonce = statement.nonce;
        let answer = self.enrol_with(&statement.sign(&self.instance)).await?;
        let gateway = [self.agents.public_key()];
        self.secret = Some(answer.verify(&gateway, self.id, &nonce).unwrap());
        Ok(())
    }

    /// Who the gateway takes its secret for.
    pub fn known(&self) -> Result<AgentId, Refused> {
        self.agents.authenticate(self.secret.as_ref().unwrap())
    }

    pub async fn report(&self, keys: &[&TestKey], now: DateTime<Utc>) -> Result<(), Refused> {
        let report = Report {
            session: self.session,
            program: "smartsign/test".to_owned(),
            now,
            keys: keys.iter().map(|key| key.facts()).collect(),
            waiting: 2,
            signatures: 17,
            methods: self.methods.clone(),
        };
        self.agents.report(self.id, report).await.map(drop)
    }

    pub async fn poll(&self, wait_seconds: u32) -> Option<PollAnswer> {
        self.poll_as(self.session, wait_seconds).await
    }

    pub async fn poll_as(&self, session: SessionId, wait_seconds: u32) -> Option<PollAnswer> {
        let poll = Poll::new(wait_seconds, None, session).unwrap();
        self.agents.poll(self.id, poll).await
    }

    /// The one request that waits.
    pub async fn taken(&self) -> SignedRequest {
        let mut requests = self.poll(0).await.expect("something waits").requests;
        assert_eq!(requests.len(), 1);
        requests.remove(0)
    }

    pub async fn deliver(&self, id: RequestId, outcome: Outcome) -> Result<DeliveryAnswer, Refused> {
        self.agents.deliver(self.id, Delivery { id, outcome }).await
    }

    /// Signs what a request asks for.
    pub async fn sign(&self, request: &SignedRequest, key: &TestKey) -> Result<DeliveryAnswer, Refused> {
        self.deliver(request.request.id, signed(key, content(request)))
            .await
    }
}

pub fn content(request: &SignedRequest) -> &[u8] {
    let Task::Sign { bytes, .. } = &request.request.task else {
        panic!("asked to sign");
    };
    &bytes.0
}

pub fn signed(key: &TestKey, content: &[u8]) -> Outcome {
    Outcome::Signed {
        cms: Octets(key.sign(content)),
    }
}

/// A key of an invented authority, and its certificate.
pub struct TestKey {
    pub id: KeyId,
    signer: LocalSigner,
    pub certificate: Certificate,
    pub state: KeyState,
}

impl TestKey {
    pub fn new(seed: u8, company_code: &str, now: DateTime<Utc>) -> Self {
        Self::valid(
            seed,
            company_code,
            now - TimeDelta::days(10),
            now + TimeDelta::days(300),
        )
    }

    pub fn valid(seed: u8, company_code: &str, not_before: DateTime<Utc>, not_after: DateTime<Utc>) -> Self {
        let validity = Validity {
            not_before,
            not_after,
        };
        let holder = |name: &str, number: &str| Holder {
            common_name: name.to_owned(),
            surname: "Вигаданенко".to_owned(),
            serial_number: format!("TINUA-{number}"),
            taxpayer_number: number.to_owned(),
            company_code: company_code.to_owned(),
            ..Holder::default()
        };
        let make = |seed: u8| PrivateKey::generate(Curve::M257, &Entropy::new([seed; 32])).unwrap();
        let authority = holder("Вигаданий центр сертифікації", "0000000001");
        let entropy = Entropy::new([200; 32]);
        let hash = HashAlgorithm::Gost34311;
        let authority = Authority::self_signed(make(200), &authority, validity, hash, &entropy).unwrap();
        let key = make(seed);
        let cashier = holder(
            "Вигаданенко Вигадана Вигадівна",
            &format!("{:010}", 1_000 + u32::from(seed)),
        );
        let entropy = Entropy::new([seed; 32]);
        let certificate = authority.issue(key.public_key(), &cashier, Purpose::Signing, validity, &entropy);
        let certificate = certificate.unwrap();
        Self {
            id: KeyId(Uuid::from_u128(0xCE00 + u128::from(seed))),
            signer: LocalSigner::new(key, certificate.clone()).unwrap(),
            certificate,
            state: KeyState::Active,
        }
    }

    /// The key of a seed under a certificate that names another key's identifier: anybody can make one.
    pub fn forged(seed: u8, victim: &Self) -> Self {
        let own = Self::valid(
            seed,
            SHOP_CODE,
            victim.certificate.not_before(),
            victim.certificate.not_after(),
        );
        let mut der = own.certificate.der().to_vec();
        let id = own.certificate.subject_key_id().unwrap();
        let at = der.windows(id.len()).position(|window| window == id).unwrap();
        der[at..at + id.len()].copy_from_slice(victim.certificate.subject_key_id().unwrap());
        let certificate = Certificate::from_der(&der).unwrap();
        let key = PrivateKey::generate(Curve::M257, &Entropy::new([seed; 32])).unwrap();
        Self {
            signer: LocalSigner::new(key, certificate.clone()).unwrap(),
            certificate,
            ..own
        }
    }

    pub fn sign(&self, content: &[u8]) -> Vec<u8> {
        let template = Template::new(&self.signer, Identification::default()).unwrap();
        let entropy = Entropy::new([77; 32]);
        template
            .sign(&self.signer, content, Packaging::Attached, None, &entropy)
            .unwrap()
    }

    pub fn facts(&self) -> KeyFacts {
        let certificate = &self.certificate;
        KeyFacts {
            key: signing_protocol::KeyId(self.id.0),
            state: self.state,
            serial: HexOctets(certificate.serial().to_vec()),
            subject_key_id: HexOctets(certificate.subject_key_id().unwrap().to_vec()),
            taxpayer_number: certificate.taxpayer_number().map(str::to_owned),
            company_code: certificate.company_code().map(str::to_owned),
            holder: certificate.subject().common_name().map(str::to_owned),
            public_key: HexOctets(certificate.public_key().unwrap().to_compressed()),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
        }
    }
}
