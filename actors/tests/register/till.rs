//! A register over a store, with an agent and a tax service that do as they are told, on a clock that is moved by hand: the machine and
//! `Durable` alone, in one thread, without actors. The process may be killed before or after any commit.

use crate::news::Told;
pub(crate) use crate::people::{seconds, signer, unit};
use crate::script::reply;
pub(crate) use crate::script::{Agent, Server};
use crate::server::{StandIn, refusal};
use actors::clock::{Moment, Now, Process, millis};
use actors::durable::Durable;
use actors::ids::{OperationId, SignatureRequestId};
pub(crate) use actors::machines::register::Unit;
use actors::machines::register::{
    Answer, Ask, Cancelled, Command, Content, Draw, Effect, Event, Finding, Note, OperationState, Order,
    Purpose, RegisterBook, Reply, Request, Signature, Tool, View, fingerprint,
};
use actors::ports::{Packed, Posted, SignatureVerifier};
use actors::register::queue;
use actors::register::rows::{self, DocumentRecord, Part};
use actors::testing::{SealVerifier, SeededRandomness, seal};
use actors::wheel::Wheel;
use chrono::{DateTime, TimeDelta, Utc};
use fiscal::RegisterNumber;
use fiscal::arithmetic::CashRounding;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use storage::MemoryStore;
use uuid::Uuid;

pub(crate) const KEY: &str = "aa01";
pub(crate) const OTHER_KEY: &str = "bb02";

pub(crate) fn register() -> RegisterNumber {
    RegisterNumber::new(4_000_000_202).unwrap()
}

/// Where the process is killed: at the n-th commit (from 1), before it reached the disk or after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kill {
    pub(crate) commit: u64,
    pub(crate) is_durable: bool,
}

pub(crate) struct Till {
    pub(crate) now: Now,
    pub(crate) tax: StandIn,
    pub(crate) unit: Unit,
    pub(crate) agent_script: VecDeque<Agent>,
    pub(crate) agent_default: Agent,
    pub(crate) server_script: VecDeque<Server>,
    pub(crate) server_default: Server,
    pub(crate) package_script: VecDeque<Server>,
    pub(crate) packages: u32,
    /// What was seen of the way back.
    pub(crate) homes: Vec<&'static str>,
    pub(crate) question_script: VecDeque<Server>,
    pub(crate) question_default: Server,
    pub(crate) answers: Vec<(Moment, Answer)>,
    pub(crate) notes: Vec<Note>,
    pub(crate) repeats: Vec<(OperationId, OperationId)>,
    pub(crate) resolved: Vec<bool>,
    /// Requests that the agent need not answer any more.
    pub(crate) withdrawn: Vec<SignatureRequestId>,
    pub(crate) kill: Option<Kill>,
    pub(crate) then_kill: Option<Kill>,
    pub(crate) kills: u32,
    pub(crate) commits: u64,
    pub(crate) posts: u32,
    pub(crate) questions: Vec<&'static str>,
    /// What its owner is told.
    pub(crate) told: Told,
    store: Arc<MemoryStore>,
    book: Option<Durable<RegisterBook>>,
    /// What is on its way to the register, by when it comes.
    coming: BTreeMap<(Moment, u64), Ask>,
    /// What the agent signed, by request: a repeat gets the same.
    pub(crate) signed: HashMap<Uuid, Vec<u8>>,
    /// The deadlines of requests, which are part of them.
    deadlines: HashMap<Uuid, i64>,
    chance: SeededRandomness,
    orders: u64,
}

/// A local time in Kyiv as a moment of the wall clock, the first of two in October.
pub(crate) fn kyiv(text: &str) -> DateTime<Utc> {
    use chrono::TimeZone;
    let local = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap();
    chrono_tz::Europe::Kyiv
        .from_local_datetime(&local)
        .earliest()
        .unwrap()
        .to_utc()
}

impl Till {
    /// A register that nobody has used yet, on a Tuesday morning.
    pub(crate) async fn new() -> Self {
        Self::at("2026-03-03 09:00:00").await
    }

    /// What another device registered, and the time that it took.
    pub(crate) async fn see(&mut self, other: &Self) {
        self.wait(seconds(60)).await;
        assert!(self.now.wall > other.now.wall);
        self.tax = other.tax.clone();
    }

    /// Another device of the same register: whatever it draws is drawn by it alone.
    pub(crate) async fn another() -> Self {
        let mut till = Self::new().await;
        till.chance = SeededRandomness::new(8);
        till
    }

    pub(crate) async fn at(local: &str) -> Self {
        let wall = kyiv(local);
        let now = Now {
            wall,
            mono: Moment(0),
            process: Process {
                id: 1,
                began_wall_ms: wall.timestamp_millis(),
            },
        };
        let mut till = Self {
            now,
            tax: StandIn::of(&unit()),
            unit: unit(),
            agent_script: VecDeque::new(),
            agent_default: Agent::Signs(Duration::from_millis(300)),
            server_script: VecDeque::new(),
            server_default: Server::Answers(Duration::from_millis(700)),
            package_script: VecDeque::new(),
            packages: 0,
            homes: Vec::new(),
            question_script: VecDeque::new(),
            question_default: Server::Answers(Duration::from_millis(200)),
            answers: Vec::new(),
            notes: Vec::new(),
            repeats: Vec::new(),
            resolved: Vec::new(),
            withdrawn: Vec::new(),
            kill: None,
            then_kill: None,
            kills: 0,
            commits: 0,
            posts: 0,
            questions: Vec::new(),
            told: Told::default(),
            store: Arc::new(MemoryStore::new()),
            book: None,
            coming: BTreeMap::new(),
            signed: HashMap::new(),
            deadlines: HashMap::new(),
            chance: SeededRandomness::new(7),
            orders: 0,
        };
        till.load().await;
        till
    }

    fn uuid(&self) -> Uuid {
        Uuid::from_u64_pair(self.chance.next_u64(), self.chance.next_u64())
    }

    async fn load(&mut self) {
        let (wheel, _) = Wheel::new();
        let book = Durable::load(
            Arc::<MemoryStore>::clone(&self.store),
            wheel,
            register(),
            self.now,
        )
        .await;
        self.book = Some(book.unwrap());
        Box::pin(self.tell(Ask::Resume)).await;
    }

    /// The process ends and begins again, this much later.
    pub(crate) async fn restart(&mut self, later: Duration) {
        self.store = Arc::new(self.store.crash());
        // Everything on its way to the old process is lost; what was posted may be registered.
        self.coming.clear();
        self.told.restart();
        let wall = self.now.wall + TimeDelta::milliseconds(millis(later));
        self.now = Now {
            wall,
            mono: Moment(0),
            process: Process {
                id: self.now.process.id + 1,
                began_wall_ms: wall.timestamp_millis(),
            },
        };
        self.load().await;
    }

    pub(crate) fn machine(&self) -> &RegisterBook {
        self.book.as_ref().unwrap().machine()
    }

    pub(crate) fn view(&self) -> View {
        self.machine().view(self.now)
    }

    pub(crate) fn store(&self) -> &MemoryStore {
        &self.store
    }

    pub(crate) fn shared_store(&self) -> Arc<MemoryStore> {
        Arc::clone(&self.store)
    }

    /// Tells the machine, and does what it wants.
    pub(crate) async fn tell(&mut self, ask: Ask) {
        let mut next = VecDeque::from([ask]);
        while let Some(ask) = next.pop_front() {
            let draw = Draw {
                uid: self.uuid(),
                request: self.uuid(),
                operation: self.uuid(),
                home_uid: self.uuid(),
                home_request: self.uuid(),
            };
            let events = self.would_write(&ask, draw);
            let is_write = !events.is_empty();
            self.commits += u64::from(is_write);
            let kill = self.kill.filter(|kill| is_write && kill.commit == self.commits);
            if let Some(Kill {
                is_durable: false, ..
            }) = kill
            {
                return self.die().await;
            }
            if matches!(
                &ask,
                Ask::Packed {
                    packed: Packed::Unknown(_),
                    ..
                }
            ) {
                self.homes.push("package in doubt");
            }
            if events
                .iter()
                .any(|event| matches!(event, Event::EndDropped { .. }))
            {
                self.homes.push("end taken back");
            }
            let book = self.book.as_mut().unwrap();
            let effects = self.told.step(book, Command { ask, draw }, self.now).await;
            if kill.is_some() {
                return self.die().await;
            }
            for effect in effects {
                next.extend(self.act(effect).await);
            }
        }
    }

    fn would_write(&self, ask: &Ask, draw: Draw) -> Vec<Event> {
        use actors::machines::Machine;
        let command = Command {
            ask: ask.clone(),
            draw,
        };
        self.machine().decide(command, self.now).events
    }

    async fn die(&mut self) {
        self.kill = self.then_kill.take();
        self.kills += 1;
        Box::pin(self.restart(seconds(2))).await;
    }

    async fn act(&mut self, effect: Effect) -> Option<Ask> {
        match effect {
            Effect::Answer(answer) => self.answers.push((self.now.mono, answer)),
            Effect::Repeat { operation, of, .. } => self.repeats.push((operation, of)),
            Effect::Fetch {
                operation,
                body_rows,
                uid,
                original,
            } => {
                let store = self.store.as_ref();
                let kind = rows::body(store, operation, body_rows > 0, uid.as_ref())
                    .await
                    .unwrap();
                let sold = match original {
                    Some(original) => rows::sold(store, register(), &original).await.unwrap(),
                    None => None,
                };
                return Some(Ask::Fetched {
                    operation,
                    kind: Arc::new(kind),
                    sold,
                });
            }
            Effect::Sign {
                request,
                subject_key_id,
                content,
                deadline_ms,
                ..
            } => {
                let first = *self.deadlines.entry(request.0).or_insert(deadline_ms);
                assert_eq!(
                    first, deadline_ms,
                    "a request is the same in everything when it is repeated"
                );
                self.sign(request, &subject_key_id, content).await;
            }
            Effect::Post { uid, within, .. } => {
                let cms = rows::part(self.store.as_ref(), &uid, Part::Signed)
                    .await
                    .unwrap()
                    .unwrap();
                self.post(uid, &cms, within);
            }
            Effect::ReadPackage { first } => {
                let read = queue::next_package(self.store.as_ref(), register(), first).await;
                return Some(read.unwrap());
            }
            Effect::PostPackage { package, cms, within } => self.send_package(package, &cms, within),
            Effect::AskService {
                uid,
                purpose,
                name,
                body,
                is_signed,
                within,
            } => {
                self.questions.push(name);
                self.question(uid, &purpose, &body, is_signed, within);
            }
            Effect::Resolved { taken, .. } => self.resolved.push(taken),
            Effect::Note(note) => self.notes.push(note),
            Effect::Withdraw(request) => self.withdrawn.push(request),
        }
        None
    }

    fn comes(&mut self, after: Duration, ask: Ask) {
        let sequence = self.chance.next_u64();
        self.coming.insert((self.now.mono.plus(after), sequence), ask);
    }

    async fn sign(&mut self, request: SignatureRequestId, key: &str, content: Content) {
        let content = match content {
            Content::Query(json) => json,
            Content::Document(uid) => rows::part(self.store.as_ref(), &uid, Part::Xml)
                .await
                .unwrap()
                .unwrap(),
            Content::Package(package) => queue::package(self.store.as_ref(), register(), &package)
                .await
                .unwrap(),
        };
        let act = self
            .agent_script
            .pop_front()
            .unwrap_or_else(|| self.agent_default.clone());
        let (after, signature) = match act {
            Agent::Signs(after) => {
                let fresh = seal(key, &content);
                let cms = self.signed.entry(request.0).or_insert(fresh).clone();
                SealVerifier
                    .verify(&cms, &content, key)
                    .expect("a request is the same in everything when it is repeated");
                (after, Signature::Signed(cms))
            }
            Agent::Refuses => {
                let refused = Signature::Refused {
                    reason: "key_not_active".to_owned(),
                    text: "the key is not active".to_owned(),
                };
                (Duration::from_millis(50), refused)
            }
            Agent::Unfit(unfit) => (Duration::from_millis(50), Signature::Unfit(unfit)),
            Agent::Away => return,
        };
        self.comes(after, Ask::Signature { request, signature });
    }

    fn registered(&mut self, cms: &[u8]) -> Posted {
        let chance = self.chance.next_u64();
        match self.tax.post(cms, self.now.wall, chance) {
            Ok((fiscal_number, offline_session, ticket)) => Posted::Registered {
                fiscal_number,
                offline_session,
                ticket,
            },
            Err(rejection) => Posted::Rejected(rejection),
        }
    }

    fn post(&mut self, uid: fiscal::Uid, cms: &[u8], within: Duration) {
        self.posts += 1;
        let broken = || Posted::Unknown("the connection broke".to_owned());
        let soon = Duration::from_millis(100);
        let act = self
            .server_script
            .pop_front()
            .unwrap_or_else(|| self.server_default.clone());
        let (after, posted) = match act {
            Server::Answers(after) => (after, self.registered(cms)),
            Server::NotSent => (soon, Posted::NotSent("no connection".to_owned())),
            Server::DropsBefore => (soon, broken()),
            Server::DropsAfter => {
                self.registered(cms);
                (soon, broken())
            }
            Server::Refuses(code) => (soon, Posted::Rejected(refusal(code))),
            Server::SilentAfter => {
                self.registered(cms);
                return;
            }
        };
        let (after, posted) = if after > within {
            (within, broken())
        } else {
            (after, posted)
        };
        self.comes(after, Ask::Posted { uid, posted });
    }

    fn pack(&mut self, cms: &[u8]) -> Packed {
        let chance = self.chance.next_u64();
        match self.tax.package(cms, self.now.wall, chance) {
            Ok(session) => Packed::Accepted(session),
            Err(rejection) => Packed::Rejected(rejection),
        }
    }

    fn send_package(&mut self, package: SignatureRequestId, cms: &[u8], within: Duration) {
        self.packages += 1;
        let broken = || Packed::Unknown("the connection broke".to_owned());
        let soon = Duration::from_millis(100);
        let act = self
            .package_script
            .pop_front()
            .unwrap_or_else(|| self.server_default.clone());
        let (after, packed) = match act {
            Server::Answers(after) => (after, self.pack(cms)),
            Server::NotSent => (soon, Packed::NotSent("no connection".to_owned())),
            Server::DropsBefore => (soon, broken()),
            Server::DropsAfter => {
                self.pack(cms);
                (soon, broken())
            }
            Server::Refuses(code) => (soon, Packed::Rejected(refusal(code))),
            Server::SilentAfter => {
                self.pack(cms);
                return;
            }
        };
        let (after, packed) = if after > within {
            (within, broken())
        } else {
            (after, packed)
        };
        self.comes(after, Ask::Packed { package, packed });
    }

    fn question(
        &mut self,
        uid: fiscal::Uid,
        purpose: &Purpose,
        body: &[u8],
        is_signed: bool,
        within: Duration,
    ) {
        let act = self
            .question_script
            .pop_front()
            .unwrap_or_else(|| self.question_default.clone());
        let (after, reply) = match act {
            Server::Answers(after) => (
                after,
                reply(purpose, self.tax.ask(body, is_signed, self.now.wall)),
            ),
            Server::Refuses(code) => (Duration::from_millis(50), Reply::Rejected(refusal(code))),
            Server::SilentAfter => return,
            _ => (Duration::from_millis(50), Reply::Unreachable),
        };
        let (after, reply) = if after > within {
            (within, Reply::Unreachable)
        } else {
            (after, reply)
        };
        self.comes(after, Ask::Asked { uid, reply });
    }

    /// Moves time, and everything that falls due in it, in its order.
    pub(crate) async fn wait(&mut self, length: Duration) {
        let process = self.now.process.id;
        let mut until = self.now.mono.plus(length);
        let end = self.now.wall + TimeDelta::milliseconds(millis(length));
        loop {
            if self.now.process.id != process {
                // A process that began anew counts from zero.
                until = self
                    .now
                    .mono
                    .plus((end - self.now.wall).to_std().unwrap_or_default());
            }
            let coming = self.coming.first_key_value().map(|((at, _), _)| *at);
            let deadline = self.next_deadline();
            let Some(next) = [coming, deadline]
                .into_iter()
                .flatten()
                .min()
                .filter(|next| *next <= until)
            else {
                break;
            };
            self.move_to(next);
            if coming.is_some_and(|coming| coming <= next) {
                let (_, ask) = self.coming.pop_first().unwrap();
                self.tell(ask).await;
            } else {
                let before = self.next_deadline();
                self.tell(Ask::Wake).await;
                assert!(
                    self.next_deadline() != before || self.now.process.id != process,
                    "a deadline was reached and nothing came of it: {:?}",
                    self.view()
                );
            }
            if self.now.process.id != process {
                return Box::pin(self.wait((end - self.now.wall).to_std().unwrap_or_default())).await;
            }
        }
        self.move_to(until);
    }

    fn next_deadline(&self) -> Option<Moment> {
        use actors::machines::Machine;
        self.machine().next_deadline()
    }

    fn move_to(&mut self, moment: Moment) {
        let by = (moment.0 - self.now.mono.0).max(0);
        self.now.wall += TimeDelta::milliseconds(by);
        self.now.mono = Moment(self.now.mono.0 + by);
    }

    /// The wall clock is set, and nobody has noticed yet.
    pub(crate) fn jump(&mut self, by: TimeDelta) {
        self.now.wall += by;
    }

    /// The wall clock is set, and the wheel notices.
    pub(crate) async fn set_clock(&mut self, by: TimeDelta) {
        self.jump(by);
        self.tell(Ask::Wake).await;
    }

    pub(crate) async fn wait_until(&mut self, local: &str) {
        let left = (kyiv(local) - self.now.wall)
            .to_std()
            .expect("a time that is to come");
        self.wait(left).await;
    }

    /// An order, held for 28 seconds; gives its id.
    pub(crate) async fn order(&mut self, request: Request) -> OperationId {
        self.order_with(request, |_| {}).await
    }

    pub(crate) async fn order_with(
        &mut self,
        request: Request,
        change: impl FnOnce(&mut Order),
    ) -> OperationId {
        self.orders += 1;
        let operation = OperationId(self.uuid());
        let mut order = Order {
            operation,
            request,
            signer: signer(KEY, false),
            unit: Arc::new(self.unit.clone()),
            open_shift: None,
            hold: seconds(28),
            lifetime: seconds(28),
            claim: None,
            reference: None,
            earlier: None,
            sold: None,
        };
        change(&mut order);
        if let Some(fingerprint) = fingerprint(&order.request, order.reference) {
            order.earlier = rows::earlier(self.store.as_ref(), register(), &fingerprint)
                .await
                .unwrap();
        }
        if let Some(original) = order.request.original_of(register()) {
            order.sold = rows::sold(self.store.as_ref(), register(), original)
                .await
                .unwrap();
        }
        self.tell(Ask::Order(Box::new(order))).await;
        operation
    }

    /// An order, and what became of it within half a minute.
    pub(crate) async fn ask(&mut self, request: Request) -> OperationState {
        let operation = self.order(request).await;
        for _ in 0..60 {
            if let Some(state) = self.last_answer(operation) {
                return state;
            }
            self.wait(Duration::from_millis(500)).await;
        }
        panic!("nobody answered within half a minute: {:?}", self.view());
    }

    pub(crate) fn last_answer(&self, operation: OperationId) -> Option<OperationState> {
        let answers = self.answers.iter().rev();
        let mut own = answers.filter(|(_, answer)| answer.operation == operation);
        own.next().map(|(_, answer)| answer.state.clone())
    }

    /// What is kept of an operation.
    pub(crate) async fn kept(&self, operation: OperationId) -> Option<OperationState> {
        let record = rows::operation(self.store.as_ref(), operation).await.unwrap();
        record.map(|record| record.state)
    }

    pub(crate) async fn registered_rows(&self) -> Vec<DocumentRecord> {
        rows::registered(self.store.as_ref(), register(), None)
            .await
            .unwrap()
    }

    pub(crate) async fn tool(&mut self, tool: Tool) -> bool {
        let request = actors::ids::RequestId(2);
        self.tell(Ask::Tool { request, tool }).await;
        self.resolved.pop().unwrap()
    }

    /// Documents that are not delivered yet.
    pub(crate) async fn queued(&self) -> usize {
        let first = fiscal::LocalNumber::new(1).unwrap();
        let queued = queue::queued(self.store.as_ref(), register(), first, usize::MAX).await;
        queued.unwrap().len()
    }

    pub(crate) async fn resolve(&mut self, document: Option<Finding>) {
        let request = actors::ids::RequestId(1);
        self.tell(Ask::Resolve { request, document }).await;
    }

    /// Local numbers without a gap or a repeat, and what the server has is what we have, once.
    pub(crate) async fn check(&self) {
        let ours = self.registered_rows().await;
        let theirs = self.tax.documents();
        let own: Vec<_> = ours
            .iter()
            .map(|record| {
                (
                    record.facts.local_number.get(),
                    record.facts.uid.as_str().to_owned(),
                )
            })
            .collect();
        let server: Vec<_> = theirs
            .iter()
            .map(|found| {
                (
                    found.document.head.local_number.get(),
                    found.document.head.uid.as_str().to_owned(),
                )
            })
            .collect();
        let numbers: Vec<u64> = server.iter().map(|(number, _)| *number).collect();
        assert!(
            numbers.iter().copied().eq(1..=numbers.len() as u64),
            "a gap or a repeat: {numbers:?}"
        );
        assert_eq!(own, server, "what we hold registered, and what the server has");
        let moments: Vec<_> = theirs.iter().map(|found| found.document.head.issued).collect();
        assert!(moments.is_sorted(), "time ran back: {moments:?}");
        crate::news::check(self, &ours).await;
    }

    /// Nothing waits, nothing is under way.
    pub(crate) fn is_at_rest(&self) -> bool {
        !self.machine().is_busy()
    }
}

pub(crate) fn is_cancelled(state: &OperationState, why: &Cancelled) -> bool {
    matches!(state, OperationState::Cancelled(cancelled) if cancelled == why)
}

pub(crate) fn rounding() -> CashRounding {
    CashRounding::TO_TEN_KOPECKS
}
