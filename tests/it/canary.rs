//! Secrets, looked for by their values: a run at TRACE over every route, then a search through all that the process wrote.

mod needle;
mod till;

use crate::client::{Call, Client, Reply};
use crate::openapi::{Route, routes_of_admin, routes_of_public};
use crate::process::Dev;
use crate::receiver::{Manner, Receiver, WEBHOOK_SECRET};
use crate::world::{SEND, VERIFY, other_than, with};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use needle::Needle;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::cell::RefCell;
use storage::{Key, Row, Scan, SledOptions, SledStore, Store};

const ADMIN_KEY: &str = "csa_canary-Vq3TzR8mWx1KpL6d";
const PARTNER_KEY: &str = "csk_canary-Hd5YbN2sQe9UaC4f";
const WRONG_KEY: &str = "csk_canary-Jm7GfX3vPo0ZiT8w";
const BASIC: &str = "canary-user:canary-Rk6BnE1yLs5D";
const IDEMPOTENCY_KEY: &str = "canary-Uw4HcM9jOq2V";
const INVOKER: &str = "0c0ffee0-2222-4333-8444-555566667777";
const CUSTOMER: i64 = 770_042;
const CONTACT: i64 = 770_043;
const CONTRACT_TYPE: u8 = 77;
/// Name and number of a customer; the number without its leading zero or country code.
const NAME: &str = "کاناری زردپر";
const NUMBER: &str = "9137246580";
/// Of a body that is refused, and so in no row at all.
const REFUSED_NAME: &str = "Canaryname Refusedson";
const REFUSED_NUMBER: &str = "9358164207";
/// A code that was never drawn; ten digits, as those that are.
const TYPED_CODE: &str = "8350274196";

/// Everything that was answered, and to what.
#[derive(Default)]
struct Answers(RefCell<Vec<(String, Reply)>>);

impl Answers {
    fn call(&self, client: &Client, what: &str, call: Call) -> Reply {
        let reply = client.call(call);
        self.0.borrow_mut().push((what.to_owned(), reply.clone()));
        reply
    }

    fn places(&self) -> Vec<(String, Vec<u8>)> {
        let answers = self.0.borrow();
        let places = answers.iter().map(|(what, reply)| {
            let mut bytes = reply.body.clone();
            for (name, value) in &reply.headers {
                bytes.extend_from_slice(format!("\n{name}: {value}").as_bytes());
            }
            (format!("the answer to {what}"), bytes)
        });
        places.collect()
    }
}

/// A gateway at TRACE with a canary in every place that takes a secret.
struct Aviary {
    dev: Dev,
    receiver: Receiver,
    answers: Answers,
    partner: Client,
    admin: Client,
}

impl Aviary {
    fn start() -> Self {
        let receiver = Receiver::start(7);
        let mut settings = receiver.settings();
        settings.push("log.filter=trace".to_owned());
        settings.push("storage.reserve_bytes=0".to_owned());
        settings.push(format!("admin.key={ADMIN_KEY}"));
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let dev = Dev::start(&settings);
        Self {
            partner: dev.partner().with_key(PARTNER_KEY),
            admin: dev.admin().with_key(ADMIN_KEY),
            answers: Answers::default(),
            dev,
            receiver,
        }
    }

    fn fill_directory(&self) {
        let contact =
            json!({ "contact_ccms_code": CONTACT, "phone_type": 3, "number": format!("0{NUMBER}") });
        let rows = [
            json!({ "type": "contract_type", "id": CONTRACT_TYPE, "title": "سبدگردانی", "otp": { "code_length": 10 } }),
            json!({ "type": "invoker", "code": INVOKER, "name": "x", "contract_types": [CONTRACT_TYPE], "key": PARTNER_KEY }),
            json!({ "type": "customer", "ccms_code": CUSTOMER, "full_name": NAME, "contacts": [contact] }),
        ];
        let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
        assert_eq!(self.admin.import(lines.as_bytes()).json()["imported"], 3);
        let again = json!({ "full_name": NAME, "contacts": [contact] });
        let put = Call::new("PUT", &format!("/admin/v1/customers/{CUSTOMER}")).json(&again);
        assert_eq!(self.admin.call(put).status, 200);
    }

    fn inputs(&self) -> Value {
        json!({ "CcmsCode": CUSTOMER, "ContactCcmsCode": CONTACT, "ContractTypeId": CONTRACT_TYPE, "InvokerCode": INVOKER })
    }

    fn send(&self, what: &str, key: Option<&str>) -> u64 {
        let call = Call::post(SEND, &self.inputs());
        let call = match key {
            Some(key) => call.idempotency_key(key),
            None => call,
        };
        self.answers.call(&self.partner, what, call).reason()
    }

    fn verify(&self, what: &str, code: &str) -> u64 {
        let body = with(&self.inputs(), &json!({ "Otp": code }));
        let call = Call::post(VERIFY, &body).idempotency_key(IDEMPOTENCY_KEY);
        self.answers.call(&self.partner, what, call).reason()
    }

    /// Everything that CM-S02 does; gives the codes that were drawn.
    fn sign(&self) -> Vec<String> {
        self.receiver.behave(Manner {
            refused_percent: 100,
            refusal: "{to} cannot receive: {text}".to_owned(),
            ..Manner::default()
        });
        assert_eq!(
            self.send("a send that the operator refuses", Some(IDEMPOTENCY_KEY)),
            8
        );
        self.receiver.behave(Manner::default());
        assert_eq!(self.send("a send", Some(IDEMPOTENCY_KEY)), 11);
        assert_eq!(self.send("its repeat", Some(IDEMPOTENCY_KEY)), 11);
        assert_eq!(self.send("another inside the window", None), 9);
        let code = self.receiver.messages()[1].code().to_owned();
        assert_eq!(self.verify("a wrong code", &other_than(&code)), 22);
        assert_eq!(self.verify("a typed code", TYPED_CODE), 22);
        assert_eq!(self.verify("the code", &code), 11);
        assert_eq!(self.verify("its repeat", &code), 11);
        assert_eq!(self.send("a second send", None), 11);
        let messages = self.receiver.messages();
        let codes: Vec<String> = messages.iter().map(|message| message.code().to_owned()).collect();
        let all_are_long = codes.iter().all(|code| code.len() == 10);
        assert!(all_are_long, "a number of the log cannot happen to be a code");
        codes
    }

    /// Bodies that cannot be taken, with canaries in them.
    fn wrong_bodies(code: &str) -> Vec<(&'static str, Vec<u8>)> {
        let number = format!("0{REFUSED_NUMBER}");
        let wrong = [
            ("no JSON", format!("{{\"Otp\":\"{code}\",\"{number}\":{REFUSED_NAME}")),
            ("text alone", format!("\"{REFUSED_NAME} {number} {code} {PARTNER_KEY}\"")),
            ("a list", json!([code, number, REFUSED_NAME, WRONG_KEY]).to_string()),
            (
                "wrong types",
                json!({
                    "CcmsCode": number, "ContactCcmsCode": REFUSED_NAME, "ContractTypeId": code, "InvokerCode": WRONG_KEY,
                    "Otp": [code], "ContractId": { number.clone(): code }, "DocumentsSha256": [code, WRONG_KEY, 5],
                })
                .to_string(),
            ),
            (
                "an unknown field",
                json!({ REFUSED_NAME: number, WRONG_KEY: code, "full_name": REFUSED_NAME, "title": number, "name": REFUSED_NAME })
                    .to_string(),
            ),
            (
                "a wrong row",
                json!({ "full_name": REFUSED_NAME, "contacts": [{ "contact_ccms_code": number, "phone_type": code, "number": number }] })
                    .to_string(),
            ),
            (
                "a wrong key",
                json!({ "key": format!("{WRONG_KEY} {REFUSED_NAME}"), "name": 7, "contract_types": [WRONG_KEY, 300] }).to_string(),
            ),
            ("no UTF-8", format!("{{\"Otp\":\"{code}\",\"number\":\"{number}\u{fffd}")),
        ];
        let mut bodies: Vec<_> = wrong
            .into_iter()
            .map(|(what, body)| (what, body.into_bytes()))
            .collect();
        let last = bodies.last_mut().expect("there are some");
        last.1.extend_from_slice(&[0xff, 0xfe]);
        bodies
    }

    /// Every described route with every kind of wrong request.
    fn knock_everywhere(&self, code: &str) {
        let technical = [
            "/livez",
            "/readyz",
            "/metrics",
            "/openapi.json",
            "/docs/index.html",
            "/nowhere",
        ];
        let technical = technical.map(|path| Route {
            method: "GET".to_owned(),
            path: path.to_owned(),
            template: path.to_owned(),
            has_body: false,
        });
        let mut described = 0;
        for (client, routes) in [
            (&self.partner, routes_of_public()),
            (&self.admin, routes_of_admin()),
        ] {
            described += routes.len();
            for route in routes.iter().chain(&technical) {
                self.knock(client, route, code);
            }
        }
        assert!(described > 10, "the description has routes");
    }

    fn knock(&self, client: &Client, route: &Route, code: &str) {
        let named = |what: &str| format!("{} {} with {what}", route.method, route.template);
        let call = || Call::new(&route.method, &route.path);
        let strangers = [
            ("another's key", format!("Bearer {WRONG_KEY}")),
            (
                "a name and a password",
                format!("Basic {}", BASE64_STANDARD.encode(BASIC)),
            ),
            ("an unknown scheme", format!("Canary {WRONG_KEY}")),
        ];
        for (what, authorization) in strangers {
            let body = json!({ "Otp": code, "number": REFUSED_NUMBER, "full_name": REFUSED_NAME });
            let call = call().header("Authorization", &authorization).json(&body);
            self.answers.call(client, &named(what), call);
        }
        let queried = call().to(
            &route.method,
            &format!("{}?key={WRONG_KEY}&otp={code}", route.path),
        );
        self.answers
            .call(&client.without_key(), &named("secrets in its query"), queried);
        let headers = call()
            .idempotency_key(&format!("{IDEMPOTENCY_KEY}\u{e9}"))
            .header("Cookie", &format!("session={WRONG_KEY}"))
            .header("X-Api-Key", WRONG_KEY);
        self.answers
            .call(client, &named("secrets in other fields"), headers);
        if !route.has_body {
            return;
        }
        for (what, body) in Self::wrong_bodies(code) {
            for media_type in ["application/json", "application/x-ndjson", "text/plain"] {
                let call = call().header("Content-Type", media_type).bytes(&body);
                let call = call.idempotency_key(IDEMPOTENCY_KEY);
                self.answers
                    .call(client, &named(&format!("{what} as {media_type}")), call);
            }
        }
    }

    /// A key that the gateway makes: shown once, and nowhere else.
    fn make_a_key(&self) -> String {
        let path = format!("/admin/v1/invokers/{INVOKER}/keys");
        let made = self.admin.post(&path, &json!({})).json();
        let key = made["key"].as_str().unwrap().to_owned();
        assert_eq!(self.partner.with_key(&key).post(SEND, &self.inputs()).reason(), 9);
        let one = self.admin.get(&format!("/admin/v1/invokers/{INVOKER}"));
        self.answers
            .0
            .borrow_mut()
            .push(("a look at the partner".to_owned(), one));
        let path = format!("{path}/{}", made["id"].as_str().unwrap());
        assert_eq!(self.admin.delete(&path).status, 204);
        key
    }
}

/// All rows of a store that nobody has open.
fn rows(path: &std::path::Path) -> Vec<Row> {
    let options = SledOptions {
        cache_bytes: 16 << 20,
        reserve_bytes: 0,
        free_bytes_min: 0,
        ..SledOptions::new(path)
    };
    let store = SledStore::open(options).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut rows = Vec::new();
        // The first byte of a table's name is not zero.
        for first in 1..=u8::MAX {
            let mut scan = Scan::of(Key::from_bytes(&[first]).unwrap());
            loop {
                let page = store.scan(scan.clone()).await.unwrap();
                let Some(last) = page.last() else { break };
                scan.after = Some(last.key.clone());
                rows.extend(page);
            }
        }
        store.close().await.unwrap();
        rows
    })
}

fn files(directory: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

/// Names every place where something is that should not be.
fn search(places: &[(String, Vec<u8>)], needles: &[Needle]) {
    let mut found = Vec::new();
    for (place, bytes) in places {
        for needle in needles {
            found.extend(
                needle
                    .found_in(bytes)
                    .map(|form| format!("{}, {form}, in {place}", needle.what)),
            );
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_secret_is_anywhere_and_no_person_outside_the_directory_after_a_run_at_trace() {
    let mut aviary = Aviary::start();
    aviary.fill_directory();
    let codes = aviary.sign();
    aviary.knock_everywhere(&codes[2]);
    let made_key = aviary.make_a_key();
    let metrics = aviary.admin.get("/metrics").text();
    aviary.dev.signal(Signal::TERM);
    assert_eq!(aviary.dev.ended().code(), Some(0));

    let mut secrets: Vec<Needle> = codes.iter().map(|code| Needle::number("a code", code)).collect();
    secrets.push(Needle::number("a typed code", TYPED_CODE));
    secrets.push(Needle::number("a mistyped code", &other_than(&codes[1])));
    for (what, text) in [
        ("a partner's key", PARTNER_KEY),
        ("a key that was made", &made_key),
        ("a wrong key", WRONG_KEY),
        ("a password", BASIC),
        ("an idempotency key", IDEMPOTENCY_KEY),
        (
            "the webhook's secret",
            WEBHOOK_SECRET.trim_start_matches("whsec_"),
        ),
    ] {
        secrets.push(Needle::text(what, text));
    }
    let people = [
        Needle::text("a name", NAME),
        Needle::number("a number", NUMBER),
        Needle::text("a refused name", REFUSED_NAME),
        Needle::number("a refused number", REFUSED_NUMBER),
    ];
    let [stdout, stderr] = aviary.dev.logs();
    assert!(stdout.contains("\"TRACE\""), "the run was at TRACE");
    let admin_key = Needle::text("the administrators' key", ADMIN_KEY);
    // stderr greets whoever started the demonstration with that key.
    search(
        &[("stdout".to_owned(), stdout.clone().into_bytes())],
        std::slice::from_ref(&admin_key),
    );
    let mut written = aviary.answers.places();
    written.push(("stdout".to_owned(), stdout.into_bytes()));
    written.push(("stderr".to_owned(), stderr.into_bytes()));
    written.push(("the metrics".to_owned(), metrics.into_bytes()));
    search(&written, &secrets);
    search(&written, &people);

    let store = aviary.dev.data.join("store");
    let kept = files(&store);
    assert!(kept.len() >= 3, "the store has files");
    search(&kept, &secrets);
    search(&kept, &[admin_key]);
    let rows = rows(&store);
    let (directory, others): (Vec<Row>, Vec<Row>) = rows
        .into_iter()
        .partition(|row| row.key.as_bytes().starts_with(b"customer\0"));
    let as_place = |row: &Row| {
        let bytes = [row.key.as_bytes(), &row.stored.value].concat();
        (format!("{:?}", row.key), bytes)
    };
    assert!(
        directory
            .iter()
            .any(|row| people[1].found_in(&as_place(row).1).is_some()),
        "the search finds what is there"
    );
    let tables = ["otp-book\0", "idempotency\0", "invoker\0"];
    for table in tables {
        assert!(
            others
                .iter()
                .any(|row| row.key.as_bytes().starts_with(table.as_bytes())),
            "{table}"
        );
    }
    search(&others.iter().map(as_place).collect::<Vec<_>>(), &people);
    search(&directory.iter().map(as_place).collect::<Vec<_>>(), &people[2..]);
}
