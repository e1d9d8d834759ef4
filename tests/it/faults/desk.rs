//! A careful cash desk: it asks under a key, and whatever breaks, it asks again under the same key, or by the operation's id, until it is told how
//! it ended. And what must be true of its register in the end.

use super::papers::text;
use super::shop::Shop;
use crate::client::{Call, Connection, Reply};
use crate::receiver::{Attempt, try_call};
use crate::till::shop::{sale, till_call};
use crate::world::eventually;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpStream;
use std::time::{Duration, Instant};

pub const SALE: &str = "/api/v2/check/sale";
pub const SHIFT: &str = "/api/v2/shift";
/// How long anything may take to end well, restarts included; a doubt's pauses grow to a minute, and no test here lets them grow.
const ENDS_WITHIN: Duration = Duration::from_secs(45);
/// Between two looks that a register is told to take: one takes a signature and two questions.
const TELL_AGAIN: Duration = Duration::from_millis(300);

pub struct Desk<'a> {
    shop: &'a Shop,
    pub register: u64,
    /// The desk's own number of its next receipt.
    next: Cell<u64>,
    /// Fiscal numbers of what it was given.
    receipts: RefCell<Vec<String>>,
    keys: Cell<u32>,
}

/// How an operation ended.
#[derive(Debug)]
pub enum Ended {
    Done(Value),
    /// Refused or cancelled, with these words.
    Not(Value),
}

impl<'a> Desk<'a> {
    /// At another register, with these settings.
    pub fn at(shop: &'a Shop, settings: &Value) -> Self {
        Self {
            shop,
            register: shop.register(settings),
            next: Cell::new(1),
            receipts: RefCell::default(),
            keys: Cell::new(0),
        }
    }

    fn call(&self, path: &str, body: &Value) -> Call {
        till_call(path, body).bearer(&self.shop.token)
    }

    /// The body of another sale.
    pub fn sale(&self) -> Value {
        let mut body = sale(self.register);
        body["local_number"] = json!(self.next.replace(self.next.get() + 1));
        body["no_pdf"] = json!(true);
        body
    }

    pub fn return_of_nothing(&self) -> Value {
        let mut body = self.sale();
        body["action_type"] = json!("Z_RETURN");
        body
    }

    pub fn shift(&self, action: &str) -> Value {
        json!({ "num_fiscal": self.register, "action_type": action, "no_pdf": true })
    }

    /// Asks once, on a connection of its own, and is held for so long at most.
    pub fn try_within(&self, seconds: u64, path: &str, body: &Value) -> Reply {
        let call = self.call(path, body).header("Prefer", &format!("wait={seconds}"));
        let reply = self.shop.gateway.desk().call(call);
        self.keep(&reply);
        reply
    }

    /// Asks, and does not wait for the answer.
    pub fn begin(&self, seconds: u64, path: &str, body: &Value) -> Connection<TcpStream> {
        let call = self.call(path, body).header("Prefer", &format!("wait={seconds}"));
        self.shop.gateway.desk().begin(call)
    }

    /// What was asked so and held is given the receipt.
    #[track_caller]
    pub fn held_is_done(held: &mut Connection<TcpStream>) {
        let reply = held.read().unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    /// What became of an operation that was answered with "pending".
    #[track_caller]
    pub fn settled(&self, pending: &Reply) -> Value {
        assert_eq!(pending.status, 202, "{}", pending.text());
        match self.ends_by_id(&text(&pending.json(), "operation_id"), Instant::now()) {
            Ended::Done(done) => done,
            Ended::Not(words) => panic!("it ended so: {words}"),
        }
    }

    /// Asks, and is given the receipt.
    #[track_caller]
    pub fn sold(&self) -> Value {
        self.done(SALE, &self.sale())
    }

    /// Asks once, and is done.
    #[track_caller]
    pub fn done(&self, path: &str, body: &Value) -> Value {
        let reply = self.try_within(20, path, body);
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// Asks for a sale that nobody can make within the hold: status and code.
    #[track_caller]
    pub fn not_sold(&self) -> (u16, String) {
        self.not_sold_within(1)
    }

    /// The same, where the answer comes by itself or what goes before it must have its time.
    #[track_caller]
    pub fn not_sold_within(&self, seconds: u64) -> (u16, String) {
        let reply = self.try_within(seconds, SALE, &self.sale());
        (reply.status, text(&reply.json(), "code"))
    }

    fn keep(&self, reply: &Reply) {
        if reply.status == 200 {
            self.keep_receipt(&reply.json());
        }
    }

    fn keep_receipt(&self, done: &Value) {
        if let Some(number) = done["ORDERNUM"].as_str() {
            let mut receipts = self.receipts.borrow_mut();
            // A repeat is given the same receipt.
            if !receipts.iter().any(|known| known == number) {
                receipts.push(number.to_owned());
            }
        }
    }

    /// Asks until it is told how it ended, through every kill; starts the gateway again where it is dead.
    #[track_caller]
    pub fn ends(&self, path: &str, body: &Value) -> Ended {
        let key = format!("{}-{}", self.register, self.keys.replace(self.keys.get() + 1));
        // Every other one does not want to be held.
        let prefer = if self.keys.get().is_multiple_of(2) {
            "respond-async"
        } else {
            "wait=20"
        };
        let began = Instant::now();
        let asked = self
            .call(path, body)
            .idempotency_key(&key)
            .header("Prefer", prefer);
        loop {
            assert!(
                began.elapsed() < ENDS_WITHIN,
                "{path} {key} does not end: {}",
                self.state()
            );
            let Some(reply) = self.through(asked.clone()) else {
                continue;
            };
            let answer = reply.json();
            match (reply.status, answer["code"].as_str()) {
                (200, _) => {
                    self.keep_receipt(&answer);
                    return Ended::Done(answer);
                }
                (202, _) => return self.ends_by_id(&text(&answer, "operation_id"), began),
                (409, Some("idempotency-key-running")) => {}
                _ => return Ended::Not(answer),
            }
        }
    }

    fn ends_by_id(&self, id: &str, began: Instant) -> Ended {
        loop {
            assert!(
                began.elapsed() < ENDS_WITHIN,
                "{id} does not end: {}",
                self.state()
            );
            let call = Call::new("GET", &format!("/api/v1/operations/{id}"));
            let Some(reply) = self.through(call.bearer(&self.shop.token).header("Prefer", "wait=5")) else {
                continue;
            };
            assert_eq!(reply.status, 200, "{}", reply.text());
            let shown = reply.json();
            match shown["state"].as_str() {
                Some("pending") => {}
                Some("done") => {
                    self.keep_receipt(&shown["result"]);
                    return Ended::Done(shown["result"].clone());
                }
                _ => return Ended::Not(shown["error"].clone()),
            }
        }
    }

    /// None where the gateway died meanwhile, and runs again.
    fn through(&self, call: Call) -> Option<Reply> {
        match try_call(&self.shop.gateway.desk(), call) {
            Attempt::Answered(reply) => Some(reply),
            Attempt::Cut | Attempt::NotSent => {
                self.shop.gateway.start_again();
                None
            }
        }
    }

    /// The same, and it must end as it was asked for.
    #[track_caller]
    pub fn ends_done(&self, path: &str, body: &Value) -> Value {
        match self.ends(path, body) {
            Ended::Done(done) => done,
            Ended::Not(words) => panic!("{body} ended so: {words}"),
        }
    }

    /// How the register stands.
    pub fn state(&self) -> Value {
        let path = format!("/admin/v1/registers/{}/state", self.register);
        eventually("the register can be looked at", || {
            match try_call(&self.shop.gateway.support(), self.signed(Call::new("GET", &path))) {
                Attempt::Answered(reply) if reply.status == 200 => Some(reply.json()),
                // Another moment of the list has come.
                Attempt::Cut | Attempt::NotSent => {
                    self.shop.gateway.start_again();
                    None
                }
                Attempt::Answered(_) => None,
            }
        })
    }

    fn signed(&self, call: Call) -> Call {
        call.bearer(super::gateway::ADMIN_KEY)
    }

    pub fn link(&self) -> String {
        text(&self.state(), "link")
    }

    /// Uses a tool of the operators; gives the status.
    pub fn tool(&self, tool: &str, body: Option<&Value>) -> u16 {
        let call = Call::new("POST", &format!("/admin/v1/registers/{}/{tool}", self.register));
        let call = match body {
            Some(body) => call.json(body),
            None => call,
        };
        match try_call(&self.shop.gateway.support(), self.signed(call)) {
            Attempt::Answered(reply) => reply.status,
            Attempt::Cut | Attempt::NotSent => {
                self.shop.gateway.start_again();
                0
            }
        }
    }

    /// Waits until the register stands so.
    pub fn until(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        eventually(what, || Some(self.state()).filter(|state| is_so(state)))
    }

    /// Waits until it is online with nothing on its way. One that is offline is told to look whether the tax service is back, for its own pauses
    /// are made for outages of hours.
    #[track_caller]
    pub fn comes_home(&self) {
        let mut told: Option<Instant> = None;
        let state = eventually("the register is home", || {
            let state = self.state();
            let is_home = state["link"] == "online" && state["operations"] == 0 && state["flight"].is_null();
            let is_away = matches!(state["link"].as_str(), Some("offline" | "syncing" | "blocked"));
            if is_away && told.is_none_or(|told| told.elapsed() > TELL_AGAIN) {
                self.tool("resync", None);
                told = Some(Instant::now());
            }
            is_home.then_some(state)
        });
        assert!(state["offline"].is_null(), "{state}");
    }

    /// The register is at rest, and the tax service and the gateway agree: as many documents, numbers without a gap, none twice, every receipt that
    /// was given there once, chains unbroken, and the shift's receipts the same ones in the same order.
    #[track_caller]
    pub fn agrees(&self) {
        self.comes_home();
        let (state, there) = (self.state(), self.shop.registered(self.register));
        let numbers: Vec<u64> = there
            .documents
            .iter()
            .map(|document| document.local_number)
            .collect();
        let due = there.next_local_number;
        assert!(numbers.iter().copied().eq(1..due), "{numbers:?}, then {due}");
        // A register that has asked nothing yet in this process knows no number.
        if let Some(own) = state["next_local_number"].as_u64() {
            assert_eq!(own, due, "{state}");
        }
        assert_eq!(state["shift_open"], there.shift_open, "{state}");
        let of = |field: fn(&sandbox::fiscal::DocumentState) -> &String| -> BTreeSet<&String> {
            there.documents.iter().map(field).collect()
        };
        let fiscal = of(|document| &document.fiscal_number);
        assert_eq!(fiscal.len(), numbers.len(), "no fiscal number twice");
        assert_eq!(
            of(|document| &document.uid).len(),
            numbers.len(),
            "no document twice"
        );
        for receipt in self.receipts.borrow().iter() {
            assert!(fiscal.contains(receipt), "{receipt} is not there: {fiscal:?}");
        }
        check_chains(&there.documents);
        let signed_twice = self.shop.signatures.signed_twice();
        assert_eq!(signed_twice, Vec::<String>::new(), "under one id it signs once");
        if there.shift_open {
            self.check_shift(&there.documents);
        }
    }

    /// What the gateway has of the open shift is what the tax service has.
    fn check_shift(&self, documents: &[sandbox::fiscal::DocumentState]) {
        let ask = json!({ "num_fiscal": self.register, "include_checks": true, "no_pdf": true, "no_text_print": true });
        // The last kill may come a moment after its paper, in the middle of this.
        let report = eventually("the X-report is shown", || {
            let call = self.call("/api/v2/shift/xReport", &ask);
            self.through(call.header("Prefer", "wait=20"))
        });
        let report = report.json();
        let own = report["checks_list"].as_array().unwrap().iter();
        let own: Vec<String> = own.map(|check| text(check, "order_num")).collect();
        let opened = documents
            .iter()
            .rposition(|document| document.kind == "open_shift");
        let since = documents
            .iter()
            .skip(opened.expect("an open shift was opened") + 1);
        let there: Vec<String> = since
            .filter(|document| matches!(document.kind.as_str(), "sale" | "return" | "deposit" | "issue"))
            .map(|document| document.fiscal_number.clone())
            .collect();
        assert_eq!(own, there);
    }

    /// How many documents of a kind the tax service has.
    pub fn count(&self, kind: &str) -> usize {
        let documents = self.shop.registered(self.register).documents;
        documents.iter().filter(|document| document.kind == kind).count()
    }
}

/// Each offline session counts its documents without a gap and names the hash of the one before, as the server has checked against the signed
/// octets when it took the package.
fn check_chains(documents: &[sandbox::fiscal::DocumentState]) {
    let mut sessions: BTreeMap<String, u64> = BTreeMap::new();
    for document in documents.iter().filter(|document| document.offline) {
        let parts: Vec<&str> = document.fiscal_number.split('.').collect();
        let [session, place, _control] = parts[..] else {
            panic!("{} is no number of an offline document", document.fiscal_number)
        };
        let last = sessions.entry(session.to_owned()).or_default();
        *last += 1;
        assert_eq!(place, last.to_string(), "{}", document.fiscal_number);
        let xml = BASE64_STANDARD.decode(&document.xml_base64).unwrap();
        let names_another = String::from_utf8_lossy(&xml).contains("<PREVDOCHASH>");
        assert_eq!(names_another, *last > 2, "{}", document.fiscal_number);
    }
}
