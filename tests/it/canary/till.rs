//! Cash desks and agents: tokens, permanent keys, passwords, agents' secrets and key containers, looked for by their values after a day at TRACE.

use super::needle::Needle;
use super::{Answers, files, rows, search};
use crate::agents::world::{CashierKey, SHOP_CODE, form};
use crate::client::{Call, Client};
use crate::process::Dev;
use crate::till::shop::{sale, till_call};
use crate::world::eventually;
use dstu::container::seal;
use rustix::process::Signal;
use serde_json::{Value, json};
use signing_protocol::{
    Connection, EnrolmentAnswer, LicenceToken, Nonce, PROTOCOL_VERSION, SecretKey, Statement, routes,
};
use std::net::TcpListener;
use uuid::Uuid;

/// The demo shop's account.
const ACCOUNT: &str = "00000000-0000-4000-8000-0000000000a1";
const API_TOKEN: &str = "canary-token-Kd8TnV2xRq5WbY7m";
const WRONG_TOKEN: &str = "canary-token-Zp4HsJ9cLf6UgE3a";
const EMAIL: &str = "canary@example.com";
const PASSWORD: &str = "canary-password-Nx5QyB8tDk2";
const WRONG_PASSWORD: &str = "canary-password-Gw7MoC1vSj9";
const KEY_PASSWORD: &str = "canary-container-Fr3ZeX6hTi4";
const WRONG_KEY_PASSWORD: &str = "canary-container-Lu9PaD5nWb1";
const WRONG_AGENT_SECRET: &str = "cas_canary-Qv2KmR8yHs6";
const AGENT: Uuid = Uuid::from_u128(0xCA_A1_17);

/// The demo world, with canaries for its cash desks.
struct Street {
    dev: Dev,
    answers: Answers,
    till: Client,
    admin: Client,
    agents: Client,
}

impl Street {
    fn start() -> Self {
        // A free port, found and let go of: dev.json does not name the agents' listener.
        let probe = TcpListener::bind("127.0.0.1:0").unwrap();
        let agents = probe.local_addr().unwrap();
        drop(probe);
        let agents_address = format!("agents.address={agents}");
        let settings = [
            "log.filter=trace",
            "storage.reserve_bytes=0",
            "agents.relay_keys=true",
            &agents_address,
        ];
        let dev = Dev::start(&settings);
        Self {
            till: dev.partner().without_key(),
            admin: dev.admin(),
            agents: Client::new(agents, None),
            answers: Answers::default(),
            dev,
        }
    }

    fn support(&self, method: &str, path: &str, body: &Value, status: u16) -> Value {
        let call = Call::new(method, &format!("/admin/v1{path}")).json(body);
        let reply = self.admin.call(call);
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.text());
        reply.json()
    }

    fn prepare(&self) {
        let account =
            json!({ "name": "Крамниця", "email": EMAIL, "password": PASSWORD, "may_relay_keys": true });
        let path = format!("/accounts/{ACCOUNT}");
        self.support("PUT", &path, &account, 200);
        self.support("POST", &format!("{path}/keys"), &json!({ "key": API_TOKEN }), 201);
        let agreement = json!({ "signed_on": "2026-02-20", "reference": "1", "tax_codes": [SHOP_CODE] });
        self.support("PUT", &format!("{path}/agreements/key-use"), &agreement, 200);
    }

    fn register(&self) -> u64 {
        self.dev.file["cashdesk"]["registers"][0].as_u64().unwrap()
    }

    /// What an answer that may hold a secret says: it is not kept among the places.
    fn secret(&self, path: &str, body: &Value, field: &str) -> String {
        let reply = self.till.call(till_call(path, body));
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()[field].as_str().unwrap().to_owned()
    }

    /// Every route with a token in every place, right and wrong; bodies in which secrets stand where they do not belong.
    fn knock(&self, token: &str) {
        let number = self.register();
        let about = |action: &str| json!({ "num_fiscal": number, "action_type": action, "sum": 5 });
        let period = json!({ "num_fiscal": number, "from": "01.02.2026", "to": "28.02.2026" });
        let posts = [
            ("/api/v2/tax_objects", json!({})),
            ("/api/v2/check/sale", sale(number)),
            ("/api/v2/check/service", about("SERVICE_INPUT")),
            ("/api/v2/shift/xReport", about("X_REPORT")),
            ("/api/v2/shift/zReport/period", period),
            ("/api/v2/shift/lastCheck", about("")),
            ("/api/v2/shift/ping", about("")),
            ("/api/v2/shift", about("Z_REPORT")),
        ];
        for (path, body) in &posts {
            for given in [token, API_TOKEN, WRONG_TOKEN] {
                self.with_token(path, body, given);
            }
            let misplaced = json!({
                "num_fiscal": WRONG_TOKEN, "action_type": WRONG_PASSWORD, "sum": token, "products": [{ "name": [token] }],
                "payments": API_TOKEN, "api_token": API_TOKEN, "from": token, "local_number": token, "open_shift": token,
            });
            let call = till_call(path, &misplaced).idempotency_key(token);
            self.answers
                .call(&self.till, &format!("{path} with secrets astray"), call);
            for wrong in [
                format!("{{\"api_token\":\"{token}\",{PASSWORD}"),
                json!([token, PASSWORD]).to_string(),
            ] {
                let call = till_call(path, &json!({})).bytes(wrong.as_bytes());
                self.answers
                    .call(&self.till, &format!("{path} with no object"), call);
            }
        }
        for path in [
            "key-heartbeat?drfo=0000001007",
            "tax_objects/4000000001",
            "nowhere",
            "checks/x/text",
        ] {
            for given in [token, API_TOKEN, WRONG_TOKEN] {
                let separator = if path.contains('?') { '&' } else { '?' };
                let path = format!("/api/v2/{path}{separator}api_token={given}");
                let call = Call::new("GET", &path).header("developer-id", WRONG_TOKEN);
                self.answers.call(&self.till, "a view", call);
            }
        }
        for password in [WRONG_PASSWORD, token] {
            let body = json!({ "email": EMAIL, "password": password });
            let call = till_call("/api/v2/authenticate", &body);
            self.answers.call(&self.till, "a wrong password", call);
        }
        let body = json!({ "email": PASSWORD, "password": [PASSWORD] });
        let call = till_call("/api/v2/authenticate", &body);
        self.answers.call(&self.till, "a password astray", call);
    }

    fn with_token(&self, path: &str, body: &Value, token: &str) {
        let call = |path: &str| till_call(path, body);
        let mut in_body = body.clone();
        in_body["api_token"] = json!(token);
        let calls = [
            call(path).bearer(token),
            call(path).header("Authorization", token),
            call(&format!("{path}?api_token={token}")),
            till_call(path, &in_body),
        ];
        for call in calls {
            self.answers.call(&self.till, path, call);
        }
    }

    /// A key on its way to the agent: as it should be, again, and in every wrong way. Gives its id.
    fn upload(&self, key: &CashierKey, container: &[u8]) -> String {
        let certificate = key.certificate.der();
        let whole = || form(container, KEY_PASSWORD, Some(certificate));
        let wrong = form(container, WRONG_KEY_PASSWORD, Some(certificate));
        let cut = (whole().0, whole().1[..whole().1.len() - 9].to_vec());
        let text = json!({ "pass": KEY_PASSWORD, "key": API_TOKEN }).to_string();
        let mut stored = None;
        for (token, form, status) in [
            (API_TOKEN, wrong, 400),
            (API_TOKEN, whole(), 200),
            (API_TOKEN, whole(), 400),
            (WRONG_TOKEN, whole(), 401),
            (API_TOKEN, cut, 400),
            (API_TOKEN, ("application/json", text.into_bytes()), 415),
        ] {
            let call = Call::new("POST", "/api/v1/key")
                .header("Authorization", token)
                .header("Content-Type", form.0)
                .bytes(&form.1);
            let reply = self.answers.call(&self.till, "the upload of a key", call);
            assert_eq!(reply.status, status, "{}", reply.text());
            if status == 200 {
                stored = reply.json()["uuid"].as_str().map(str::to_owned);
            }
        }
        stored.expect("one was stored")
    }

    /// Registers a cashier in the agent with a key of its own; gives the user's token.
    fn cashier(&self, key: &str) -> String {
        let listed = eventually("the key is reported", || {
            let agents = self.admin.get("/admin/v1/agents").json();
            agents.to_string().contains(key).then_some(agents)
        });
        let agent = listed[0]["id"].as_str().unwrap();
        self.support(
            "POST",
            &format!("/agents/{agent}/keys/{key}/activate"),
            &json!({}),
            200,
        );
        let url = self.dev.file["agent"].as_str().unwrap();
        let address = url.strip_prefix("http://").unwrap().parse().unwrap();
        let agent = Client::new(address, self.dev.file["agent_api_key"].as_str());
        let cashier = json!({ "key": key, "name": "Касир Вигаданий", "registers": [] });
        let registered = agent.post("/api/v1/cashiers", &cashier);
        assert_eq!(registered.status, 200, "{}", registered.text());
        registered.json()["token"].as_str().unwrap().to_owned()
    }

    /// Enrols as an agent, speaks as one, and as one that is not known; gives the secret.
    fn enrol(&self) -> String {
        let path = format!("/agents/{AGENT}");
        self.support(
            "PUT",
            &path,
            &json!({ "name": "canary", "accounts": [ACCOUNT] }),
            200,
        );
        let instance = SecretKey::from_seed(&[23; 32]);
        let terms =
            json!({ "public_key": instance.public_key(), "keys_max": 1, "expires": "2027-06-01T00:00:00Z" });
        let licence = self.support("POST", &format!("{path}/licences"), &terms, 201);
        let public_key = self.admin.get("/admin/v1/gateway-key").json()["public_key"].clone();
        let asked = json!({ "agent": AGENT, "purpose": "enrolment" });
        let challenge = self.agents.post(routes::CHALLENGES, &asked).json();
        let nonce: Nonce = serde_json::from_value(challenge["nonce"].clone()).unwrap();
        let agent = signing_protocol::AgentId(AGENT);
        let statement = Statement {
            version: PROTOCOL_VERSION,
            agent,
            public_key: instance.public_key(),
            licence: LicenceToken(licence["token"].as_str().unwrap().to_owned()),
            nonce,
            connection: Connection::Pull,
            program: "canary".to_owned(),
        };
        let enrolment = serde_json::to_value(statement.sign(&instance)).unwrap();
        let answer: EnrolmentAnswer =
            serde_json::from_value(self.agents.post(routes::ENROLMENTS, &enrolment).json()).unwrap();
        let gateway = [public_key.as_str().unwrap().parse().unwrap()];
        let secret = answer.verify(&gateway, agent, &nonce).unwrap();
        let poll = format!("{}?wait=0&session={AGENT}", routes::SIGNATURE_REQUESTS);
        for (secret, status) in [(secret.expose(), 204), (WRONG_AGENT_SECRET, 401)] {
            let reply = self
                .answers
                .call(&self.agents.with_key(secret), "a poll", Call::new("GET", &poll));
            assert_eq!(reply.status, status);
            let astray = json!({ "session": secret, "keys": [secret] });
            let call = Call::post(routes::REPORTS, &astray);
            self.answers
                .call(&self.agents.with_key(secret), "a report astray", call);
        }
        secret.expose().to_owned()
    }
}

#[test]
fn no_secret_of_a_cash_desk_or_an_agent_is_anywhere_after_a_day_at_trace() {
    let mut street = Street::start();
    street.prepare();
    let credentials = json!({ "email": EMAIL, "password": PASSWORD });
    let token = street.secret("/api/v2/authenticate", &credentials, "token");
    let key = CashierKey::new(31);
    let container = seal::iit_key6(&key.key, KEY_PASSWORD);
    let stored = street.upload(&key, &container);
    let cashier_token = street.cashier(&stored);
    street.knock(&cashier_token);
    street.knock(&token);
    let agent_secret = street.enrol();
    let metrics = street.admin.get("/metrics").text();
    street.dev.signal(Signal::TERM);
    assert_eq!(street.dev.ended().code(), Some(0));

    let middle = container.len() / 2;
    let mut needles = vec![
        Needle::octets("a key's container", &container[middle..middle + 48]),
        Needle::octets("a private number", &key.key.to_little_endian()),
    ];
    for (what, text) in [
        ("a permanent key", API_TOKEN),
        ("a wrong token", WRONG_TOKEN),
        ("a password", PASSWORD),
        ("a wrong password", WRONG_PASSWORD),
        ("a token for a password", &token),
        ("a user's token", &cashier_token),
        ("a container's password", KEY_PASSWORD),
        ("a container's wrong password", WRONG_KEY_PASSWORD),
        ("an agent's secret", agent_secret.trim_start_matches("cas_")),
        (
            "a wrong agent's secret",
            WRONG_AGENT_SECRET.trim_start_matches("cas_"),
        ),
    ] {
        needles.push(Needle::text(what, text));
    }
    let [stdout, stderr] = street.dev.logs();
    assert!(stdout.contains("\"TRACE\""), "the run was at TRACE");
    assert!(
        stdout.contains("a key was relayed to its agent"),
        "the key went through"
    );
    let mut places = street.answers.places();
    places.push(("stdout".to_owned(), stdout.into_bytes()));
    places.push(("stderr".to_owned(), stderr.into_bytes()));
    places.push(("the metrics".to_owned(), metrics.into_bytes()));
    // Sealed: the agent has the container and its password, and nobody can read them there.
    let agent = files(&street.dev.data.join("agent"));
    assert!(
        agent.iter().any(|(path, _)| path.contains(&stored)),
        "the key is there"
    );
    places.extend(agent);
    let store = street.dev.data.join("store");
    places.extend(files(&store));
    let kept = rows(&store);
    let as_place = |row: &storage::Row| {
        let bytes = [row.key.as_bytes(), &row.stored.value].concat();
        (format!("{:?}", row.key), bytes)
    };
    places.extend(kept.iter().map(as_place));
    let serial = Needle::octets("a certificate's serial number", key.certificate.serial());
    assert!(
        kept.iter().any(|row| serial.found_in(&as_place(row).1).is_some()),
        "the search finds what is there: the public facts"
    );
    search(&places, &needles);
}
