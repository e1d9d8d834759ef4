//! The demo shop's agent, in this process: its account and registers, agreements, licence, and an invented key made at the first start.

use super::files::DevSecrets;
use super::tax::{REGISTERS, TAX_NUMBER, seller};
use super::{base_url, bind};
use crate::http::Gateway;
use actors::accounts::password::PasswordRecord;
use actors::accounts::records::TillRecord;
use actors::accounts::{AccountFacts, Change};
use actors::agents::LicenceTerms;
use actors::agents::book::Change as BookChange;
use actors::agents::records::AgreementKind;
use actors::ids::AccountId;
use actors::machines::register::Settings;
use actors::random::Randomness;
use actors::secret::Secret;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use dstu::container::seal;
use dstu::issuer::{Authority, Holder, Purpose, Validity};
use dstu::{Curve, Entropy, HashAlgorithm, PrivateKey};
use fiscal::arithmetic::{Letter, Tax, TaxKind};
use fiscal::{CashDeskNumber, Percent, RegisterNumber};
use serde::Deserialize;
use signing_protocol::{AgentId, Form};
use smartsign::config::ConfigSecret;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// The demo shop's account.
pub(super) const ACCOUNT: AccountId = AccountId(Uuid::from_u128(0x0000_0000_0000_4000_8000_0000_0000_00A1));
const AGENT: AgentId = AgentId(Uuid::from_u128(0x0000_0000_0000_4000_8000_0000_0000_00B1));
/// By which the shop authenticates; nobody's, by RFC 2606.
pub(super) const EMAIL: &str = "shop@example.com";
/// The demo key's own password: the container is made, loaded and forgotten within a second.
const KEY_PASSWORD: &str = "не справжній пароль";
const CASHIER: &str = "Вигаданенко Вигадана Вигадівна";
/// The demo licence is renewed at a start within a month of its end.
const LICENCE: TimeDelta = TimeDelta::days(365);
/// How long the agent may take to enrol: its key store hashes a secret, and both are in one process.
const ENROLMENT_MAX: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The agent, as it runs.
pub(super) struct DemoAgent {
    pub(super) url: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), String>>,
}

/// A key, as the agent shows it.
#[derive(Deserialize)]
struct ShownKey {
    /// As an upload's answer has it; a list says `key`.
    #[serde(alias = "key")]
    uuid: Uuid,
}

#[derive(Deserialize)]
struct ShownKeys {
    keys: Vec<ShownKey>,
}

/// Enrols the agent with this gateway, and gives it a key and a cashier where it has none.
pub(super) async fn start(
    data: &Path,
    secrets: &DevSecrets,
    gateway: &Gateway,
    agents_url: &str,
) -> Result<DemoAgent, String> {
    record(gateway, secrets).await?;
    let agent = run(data, secrets, gateway, agents_url).await?;
    let prepared = prepare(&agent, secrets, gateway).await;
    match prepared {
        Ok(()) => Ok(agent),
        Err(error) => {
            agent.stop().await?;
            Err(format!("the demo agent: {error}"))
        }
    }
}

impl DemoAgent {
    pub(super) async fn stop(self) -> Result<(), String> {
        let _ = self.stop.send(()); // gone already is stopped already
        let ended = self.task.await.map_err(|error| error.to_string());
        ended
            .and_then(|ended| ended)
            .map_err(|error| format!("the demo agent ended badly: {error}"))
    }
}

/// What support records first: the account, its registers, both agreements, the agent. What is there stays.
async fn record(gateway: &Gateway, secrets: &DevSecrets) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("demo data: {error}");
    if gateway.accounts.account(ACCOUNT).is_none() {
        let changes = directory(gateway, secrets)?;
        let applied = gateway
            .accounts
            .apply(changes)
            .await
            .map_err(|error| failed(&error))?;
        applied
            .into_iter()
            .collect::<Result<Vec<()>, _>>()
            .map_err(|unfit| failed(&unfit))?;
    }
    let book = gateway.agents.book();
    let mut changes = Vec::new();
    for kind in AgreementKind::ALL {
        if book.agreement(ACCOUNT, kind).is_none() {
            let tax_codes = match kind {
                AgreementKind::KeyUse => vec![TAX_NUMBER.to_owned()],
                AgreementKind::AgentUse => Vec::new(),
            };
            changes.push(BookChange::PutAgreement {
                account: ACCOUNT,
                kind,
                signed_on: NaiveDate::from_ymd_opt(2026, 2, 20).unwrap_or_default(),
                reference: "demo".to_owned(),
                tax_codes,
            });
        }
    }
    if book.agent(AGENT).is_none() {
        changes.push(BookChange::PutAgent {
            id: AGENT,
            name: "demo".to_owned(),
            accounts: vec![ACCOUNT],
            is_active: true,
        });
    }
    for change in changes {
        let applied = gateway
            .agents
            .change(change)
            .await
            .map_err(|error| failed(&error))?;
        applied.map_err(|unfit| failed(&unfit))?;
    }
    Ok(())
}

fn directory(gateway: &Gateway, secrets: &DevSecrets) -> Result<Vec<Change>, String> {
    let password = Secret::new(secrets.shop_password.clone());
    let password =
        PasswordRecord::of(&password, gateway.randomness.as_ref()).map_err(|fault| fault.to_string())?;
    let facts = AccountFacts {
        name: "Неіснуюча крамниця".to_owned(),
        email: Some(EMAIL.to_owned()),
        password: Some(password),
        is_active: true,
        hold_seconds: None,
        may_relay_keys: false,
    };
    let mut changes = vec![
        Change::PutAccount { id: ACCOUNT, facts },
        Change::AddKey {
            account: ACCOUNT,
            key: Secret::new(secrets.shop_api_token.clone()),
            id: Uuid::from_u128(1),
        },
    ];
    for (number, cash_desk) in REGISTERS.into_iter().zip(1..) {
        let number = RegisterNumber::new(number).map_err(|fault| fault.to_string())?;
        changes.push(Change::PutTill(number, Box::new(till(cash_desk)?)));
    }
    Ok(changes)
}

fn till(cash_desk: u64) -> Result<TillRecord, String> {
    let tax = |letter, percent| {
        Ok::<Tax, fiscal::arithmetic::Error>(Tax {
            kind: TaxKind::Vat,
            name: "ПДВ".to_owned(),
            letter: Letter::new(letter)?,
            percent: Percent::from_units(percent),
            excluded: false,
        })
    };
    let taxes = [('А', 2_000), ('Б', 700)]
        .into_iter()
        .map(|(letter, percent)| tax(letter, percent));
    Ok(TillRecord {
        account: ACCOUNT,
        name: format!("Каса {cash_desk}"),
        seller: seller().into(),
        cash_desk: CashDeskNumber::new(cash_desk).map_err(|fault| fault.to_string())?,
        is_testing: false,
        is_closed: false,
        taxes: taxes
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())?,
        settings: Settings::default(),
        cashier: None,
        synchronised_ms: None,
    })
}

/// The agent itself, below `agent` in the data, listening on a free port of the loopback.
async fn run(
    data: &Path,
    secrets: &DevSecrets,
    gateway: &Gateway,
    agents_url: &str,
) -> Result<DemoAgent, String> {
    let mut config = smartsign::config::Config::default();
    config.storage.path = data.join("agent");
    config.storage.secret = ConfigSecret::new(secrets.agent_secret.clone());
    config.gateway.url = agents_url.to_owned();
    config.gateway.public_keys = vec![gateway.agents.public_key().to_string()];
    config.api.address = SocketAddr::from(([127, 0, 0, 1], 0));
    config.api.keys = vec![ConfigSecret::new(secrets.agent_api_key.clone())];
    let clock: Arc<dyn smartsign::clock::Clock> = Arc::new(smartsign::clock::SystemClock);
    let opening = {
        let (config, clock) = (config.clone(), Arc::clone(&clock));
        tokio::task::spawn_blocking(move || smartsign::run::open(&config, &clock))
    };
    let opened = opening
        .await
        .map_err(|error| error.to_string())?
        .map_err(|error| format!("the demo agent: {error}"))?;
    let api = bind(config.api.address)?;
    let url = base_url(&api)?;
    let listeners = smartsign::run::Listeners { api, push: None };
    let started = smartsign::run::start(&config, opened, clock, listeners)?;
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(started.run(async move {
        let _ = stopped.await; // told, or forgotten: both mean stop
    }));
    Ok(DemoAgent { url, stop, task })
}

/// Licence, key, cashier: each where it is missing. Then the gateway must have heard of the key.
async fn prepare(agent: &DemoAgent, secrets: &DevSecrets, gateway: &Gateway) -> Result<(), String> {
    let api = Api {
        client: crate::outbound::client()?,
        url: &agent.url,
        key: &secrets.agent_api_key,
    };
    let now = gateway.clock.now().wall;
    license(&api, gateway, now).await?;
    let listed: ShownKeys = api.ask(api.request("GET", "/api/v1/keys")).await?;
    let key = match listed.keys.into_iter().next() {
        Some(key) => key,
        None => load(&api, gateway, now).await?,
    };
    // Also after a restart: an agent unlocks what was active by itself, and saying so again is harmless.
    let path = format!("/api/v1/keys/{}/activate", key.uuid);
    let _: serde_json::Value = api.ask(api.request("POST", &path)).await?;
    enrolled(gateway, key.uuid).await?;
    if gateway.accounts.cashiers_of(ACCOUNT).is_empty() {
        let body = serde_json::json!({ "key": key.uuid, "name": CASHIER, "registers": [] });
        let request = api
            .request("POST", "/api/v1/cashiers")
            .header("Content-Type", "application/json");
        let _: serde_json::Value = api.ask(request.body(body.to_string())).await?;
    }
    Ok(())
}

async fn license(api: &Api<'_>, gateway: &Gateway, now: DateTime<Utc>) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Identity {
        public_key: String,
    }
    let identity: Identity = api.ask(api.request("GET", "/api/v1/identity")).await?;
    let soon = (now + TimeDelta::days(30)).timestamp_millis();
    let record = gateway.agents.book().agent(AGENT);
    let current = record.as_ref().and_then(|record| record.licences.last());
    let holds = |licence: &&actors::agents::records::LicenceRecord| {
        licence.revoked_ms.is_none() && licence.expires_ms > soon && licence.public_key == identity.public_key
    };
    let token = match current.filter(holds) {
        Some(licence) => licence.token.clone(),
        None => {
            let whole = DateTime::from_timestamp(now.timestamp(), 0).unwrap_or(now);
            let terms = LicenceTerms {
                public_key: identity
                    .public_key
                    .parse()
                    .map_err(|error| format!("its public key: {error}"))?,
                forms: vec![Form::CmsAttached],
                keys_max: 10,
                not_before: whole - TimeDelta::minutes(5),
                expires: whole + LICENCE,
            };
            let issued = gateway.agents.issue_licence(AGENT, terms).await;
            issued.map_err(|error| format!("its licence: {error}"))?.token
        }
    };
    let _: serde_json::Value = api.ask(api.request("PUT", "/api/v1/licence").body(token)).await?;
    Ok(())
}

/// An invented authority and an invented cashier's key of this moment; the authority's own key is forgotten.
async fn load(api: &Api<'_>, gateway: &Gateway, now: DateTime<Utc>) -> Result<ShownKey, String> {
    let (container, certificate) = key(gateway.randomness.as_ref(), now)?;
    let mut form = Vec::new();
    for (head, content) in [
        ("name=\"key\"; filename=\"Key-6.dat\"", container.as_slice()),
        ("name=\"pass\"", KEY_PASSWORD.as_bytes()),
        (
            "name=\"certificate\"; filename=\"demo.cer\"",
            certificate.as_slice(),
        ),
    ] {
        form.extend_from_slice(
            format!("--demo-key\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes(),
        );
        form.extend_from_slice(content);
        form.extend_from_slice(b"\r\n");
    }
    form.extend_from_slice(b"--demo-key--\r\n");
    let request = api.request("POST", "/api/v1/key");
    let request = request.header("Content-Type", "multipart/form-data; boundary=demo-key");
    api.ask(request.body(form)).await
}

fn key(randomness: &dyn Randomness, now: DateTime<Utc>) -> Result<(Vec<u8>, Vec<u8>), String> {
    let entropy = || {
        let mut seed = [0; 32];
        randomness.fill(&mut seed).map_err(|fault| fault.to_string())?;
        Ok::<Entropy, String>(Entropy::new(seed))
    };
    let holder = |name: &str, number: &str| Holder {
        common_name: name.to_owned(),
        taxpayer_number: number.to_owned(),
        ..Holder::default()
    };
    let validity = Validity {
        not_before: now - TimeDelta::days(1),
        not_after: now + TimeDelta::days(2 * 365),
    };
    let make = |entropy: Entropy| {
        PrivateKey::generate(Curve::M257, &entropy).map_err(|error| format!("its key: {error}"))
    };
    let authority = holder("Вигаданий центр сертифікації", "");
    let hash = HashAlgorithm::Gost34311;
    let authority = Authority::self_signed(make(entropy()?)?, &authority, validity, hash, &entropy()?);
    let authority = authority.map_err(|error| format!("its authority: {error}"))?;
    let own = make(entropy()?)?;
    let cashier = holder(CASHIER, TAX_NUMBER);
    let issued = authority.issue(
        own.public_key(),
        &cashier,
        Purpose::Signing,
        validity,
        &entropy()?,
    );
    let certificate = issued.map_err(|error| format!("its certificate: {error}"))?;
    Ok((seal::iit_key6(&own, KEY_PASSWORD), certificate.der().to_vec()))
}

/// Waits until the gateway knows that the agent has the key.
async fn enrolled(gateway: &Gateway, key: Uuid) -> Result<(), String> {
    let known = async {
        while gateway.agents.book().key(actors::ids::KeyId(key)).is_none() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    let waited = tokio::time::timeout(ENROLMENT_MAX, known).await;
    waited.map_err(|_| "it did not enrol in time; its own log lines say why".to_owned())
}

/// The agent's own API.
struct Api<'a> {
    client: reqwest::Client,
    url: &'a str,
    key: &'a str,
}

impl Api<'_> {
    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().unwrap_or(reqwest::Method::GET);
        let request = self.client.request(method, format!("{}{path}", self.url));
        request.bearer_auth(self.key).timeout(ENROLMENT_MAX)
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T, String> {
        let answer = request
            .send()
            .await
            .map_err(|error| error.without_url().to_string())?;
        let status = answer.status();
        let body = answer
            .bytes()
            .await
            .map_err(|error| error.without_url().to_string())?;
        if !status.is_success() {
            return Err(format!(
                "its own API answered {status}: {}",
                String::from_utf8_lossy(&body)
            ));
        }
        serde_json::from_slice(&body).map_err(|error| format!("its own API's answer: {error}"))
    }
}
