//! A small gateway in this process, as the rustdoc of `signing-protocol` describes it: enough to judge an agent, and to misbehave.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use dstu::cms::SignedData;
use http::{HeaderMap, Method, Response};
use serde::Serialize;
use signing_protocol::*;
use smartsign::clock::{Clock, SystemClock};
use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use uuid::Uuid;
use warp::Filter as _;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Default)]
struct State {
    nonces: HashSet<Nonce>,
    secret: Option<[u8; 32]>,
    connection: Option<Connection>,
    waiting: VecDeque<SignedRequest>,
    asked: HashMap<RequestId, SignedRequest>,
    /// To whom requests were handed out last, and which.
    session: Option<SessionId>,
    handed_out: VecDeque<RequestId>,
    /// Every delivery that came, in order, whether it was accepted or not.
    deliveries: Vec<Delivery>,
    settled: HashMap<RequestId, Outcome>,
    reports: Vec<Report>,
    enrolments: usize,
    revoked: bool,
    deliveries_to_fail: usize,
    packets: Vec<Packet>,
    /// The secrets and tokens that were given out, for the canary.
    given_out: Vec<String>,
}

impl State {
    /// Puts what was handed out and is not settled before what waits.
    fn hand_out_again(&mut self) {
        while let Some(id) = self.handed_out.pop_back() {
            if !self.settled.contains_key(&id) {
                self.waiting.push_front(self.asked[&id].clone());
            }
        }
    }
}

pub(crate) struct Gateway {
    pub key: SecretKey,
    pub address: SocketAddr,
    state: Mutex<State>,
    /// Something was asked: whoever polls looks again.
    asked: Notify,
    /// Something happened: whoever waits in a test looks again.
    changed: Notify,
    stop: tokio_util::sync::CancellationToken,
    server: Mutex<Option<tokio::task::JoinHandle<serve::DrainReport>>>,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

type Answer = Result<Response<Vec<u8>>, ErrorCode>;

impl Gateway {
    pub async fn start() -> Arc<Self> {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    pub async fn start_at(address: SocketAddr) -> Arc<Self> {
        let listener = TcpListener::bind(address).await.unwrap();
        let gateway = Arc::new(Self {
            key: SecretKey::from_seed(&[41; 32]),
            address: listener.local_addr().unwrap(),
            state: Mutex::default(),
            asked: Notify::new(),
            changed: Notify::new(),
            stop: tokio_util::sync::CancellationToken::new(),
            server: Mutex::default(),
        });
        let weak = Arc::downgrade(&gateway);
        let query = warp::query::raw().or(warp::any().map(String::new)).unify();
        let routes = warp::method()
            .and(warp::path::full())
            .and(query)
            .and(warp::header::headers_cloned())
            .and(warp::body::bytes())
            .then(
                move |method, path: warp::path::FullPath, query: String, headers, body| {
                    let gateway = weak.upgrade();
                    async move {
                        let gone = Err(ErrorCode::Unavailable);
                        let answer = match gateway {
                            Some(gateway) => {
                                gateway
                                    .answer(&method, path.as_str(), &query, &headers, &body)
                                    .await
                            }
                            None => gone,
                        };
                        answer.unwrap_or_else(problem)
                    }
                },
            )
            .map(warp::Reply::into_response);
        let face = Arc::new(smartsign::http::AgentFace(smartsign::http::Shape::Problem));
        let limits = serve::Limits {
            drain_deadline: Duration::ZERO,
            ..serve::Limits::default()
        };
        let server = serve::Server::new(listener, warp::service(routes), face, limits);
        let server = tokio::spawn(server.run(gateway.stop.clone().cancelled_owned()));
        *gateway.server.lock().unwrap() = Some(server);
        gateway
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    async fn answer(
        &self,
        method: &Method,
        path: &str,
        query: &str,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Answer {
        match (method, path) {
            (&Method::POST, routes::CHALLENGES) => {
                let asked: ChallengeRequest = parse(body)?;
                if asked.purpose == Purpose::Cashier {
                    self.authorise(headers)?;
                }
                let nonce = Nonce(rand32());
                self.state.lock().unwrap().nonces.insert(nonce);
                let expires = SystemClock.now() + TimeDelta::seconds(60);
                ok(&Challenge { nonce, expires })
            }
            (&Method::POST, routes::ENROLMENTS) => self.enrol(&parse(body)?),
            (&Method::GET, routes::SIGNATURE_REQUESTS) => {
                self.authorise(headers)?;
                self.poll(query).await
            }
            (&Method::POST, routes::REPORTS) => {
                self.authorise(headers)?;
                self.state.lock().unwrap().reports.push(parse(body)?);
                self.changed.notify_waiters();
                let now = SystemClock.now();
                ok(&ReportAnswer { now, next_seconds: 5 })
            }
            (&Method::POST, routes::CASHIERS) => {
                self.authorise(headers)?;
                self.cashier(&parse(body)?)
            }
            (&Method::POST, path) if path.starts_with(routes::SIGNATURE_REQUESTS) => {
                self.authorise(headers)?;
                let delivery: Delivery = parse(body)?;
                assert!(
                    path.ends_with(&format!("/{}", delivery.id)),
                    "path and body agree"
                );
                self.delivered(delivery)
            }
            _ => panic!("the agent called {method} {path}"),
        }
    }

    fn authorise(&self, headers: &HeaderMap) -> Result<(), ErrorCode> {
        let given = headers.get("authorization").and_then(|value| value.to_str().ok());
        let given = given.and_then(|value| value.strip_prefix("Bearer "));
        let digest = given.map(|text| AgentSecret::from_text(text).digest());
        let state = self.state.lock().unwrap();
        if state.revoked {
            return Err(ErrorCode::LicenceRefused);
        }
        match digest {
            Some(digest) if state.secret == Some(digest) => Ok(()),
            _ => Err(ErrorCode::Unauthorized),
        }
    }

    fn enrol(&self, enrolment: &Enrolment) -> Answer {
        let mut state = self.state.lock().unwrap();
        if !state.nonces.remove(&enrolment.statement.nonce) {
            return Err(ErrorCode::ChallengeExpired);
        }
        let judged = enrolment.verify(&[self.key.public_key()], SystemClock.now());
        if judged.is_err() || state.revoked {
            return Err(ErrorCode::LicenceRefused);
        }
        let secret = AgentSecret::from_random(&rand32());
        state.secret = Some(secret.digest());
        state.given_out.push(secret.expose().to_owned());
        state.connection = Some(enrolment.statement.connection.clone());
        state.enrolments += 1;
        self.changed.notify_waiters();
        ok(&EnrolmentAnswer::new(&enrolment.statement, secret, &self.key))
    }

    async fn poll(&self, query: &str) -> Answer {
        let parameters: HashMap<&str, &str> =
            query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let wait = Duration::from_secs(parameters["wait"].parse().unwrap());
        let max: usize = parameters["max"].parse().unwrap();
        let session = SessionId(parameters["session"].parse().unwrap());
        let waited = tokio::time::timeout(wait, async {
            loop {
                let asked = self.asked.notified();
                let found = self.hand_out(max, session);
                if !found.is_empty() {
                    return found;
                }
                asked.await;
            }
        });
        match waited.await {
            Ok(requests) => ok(&PollAnswer {
                now: SystemClock.now(),
                requests,
            }),
            Err(_) => {
                let mut response = Response::new(Vec::new());
                *response.status_mut() = http::StatusCode::NO_CONTENT;
                Ok(response)
            }
        }
    }

    /// What was not handed out to this session yet; a new one gets everything that is not settled.
    fn hand_out(&self, max: usize, session: SessionId) -> Vec<SignedRequest> {
        let mut state = self.state.lock().unwrap();
        if state.session.replace(session) != Some(session) {
            state.hand_out_again();
        }
        let count = max.min(state.waiting.len());
        let fresh: Vec<SignedRequest> = state.waiting.drain(..count).collect();
        state
            .handed_out
            .extend(fresh.iter().map(|request| request.request.id));
        fresh
    }

    fn delivered(&self, delivery: Delivery) -> Answer {
        let mut state = self.state.lock().unwrap();
        state.deliveries.push(delivery.clone());
        self.changed.notify_waiters();
        if state.deliveries_to_fail > 0 {
            state.deliveries_to_fail -= 1;
            return Err(ErrorCode::Unavailable);
        }
        let Some(asked) = state.asked.get(&delivery.id) else {
            return Err(ErrorCode::UnknownRequest);
        };
        if let Some(before) = state.settled.get(&delivery.id) {
            if *before != delivery.outcome {
                return Err(ErrorCode::OtherAnswer);
            }
            let status = DeliveryStatus::Repeated;
            return ok(&DeliveryAnswer { status });
        }
        if let (Outcome::Signed { cms }, Task::Sign { bytes, .. }) = (&delivery.outcome, &asked.request.task)
        {
            let message = SignedData::from_der(&cms.0).map_err(|_| ErrorCode::UnfitSignature)?;
            let verdicts = message.verify(None, &[]);
            let holds = !verdicts.is_empty() && verdicts.iter().all(|verdict| verdict.holds());
            if !holds || message.content() != Some(bytes.0.as_slice()) {
                return Err(ErrorCode::UnfitSignature);
            }
        }
        state.settled.insert(delivery.id, delivery.outcome);
        self.changed.notify_waiters();
        let status = DeliveryStatus::Accepted;
        ok(&DeliveryAnswer { status })
    }

    fn cashier(&self, registration: &CashierRegistration) -> Answer {
        let message = SignedData::from_der(&registration.cms.0).map_err(|_| ErrorCode::UnfitSignature)?;
        let verdicts = message.verify(None, &[]);
        let packet: Packet = parse(message.content().unwrap())?;
        let certificate = verdicts[0].certificate.unwrap();
        let fits = verdicts.len() == 1
            && verdicts[0].holds()
            && packet.purpose == PACKET_PURPOSE
            && packet.taxpayer_number.as_deref() == certificate.taxpayer_number();
        let mut state = self.state.lock().unwrap();
        if !state.nonces.remove(&packet.nonce) {
            return Err(ErrorCode::ChallengeExpired);
        }
        if !fits {
            return Err(ErrorCode::UnfitSignature);
        }
        state.packets.push(packet);
        let token = format!("token-{}", Uuid::new_v4());
        state.given_out.push(token.clone());
        ok(&CashierAnswer {
            cashier: CashierId(Uuid::new_v4()),
            token: UserToken(token),
            expires: None,
        })
    }

    // What tests do and see.

    /// A request, signed, not asked yet.
    pub fn request(
        &self,
        agent: AgentId,
        key: KeyId,
        content: &[u8],
        deadline: DateTime<Utc>,
    ) -> SignedRequest {
        Request {
            id: RequestId(Uuid::new_v4()),
            agent,
            deadline,
            task: Task::Sign {
                register: Some(RegisterNumber(4_000_000_001)),
                key,
                form: Form::CmsAttached,
                bytes: Octets(content.to_vec()),
            },
        }
        .sign(&self.key)
    }

    /// Remembers that it was asked; for pushes.
    pub fn expect(&self, request: &SignedRequest) {
        let mut state = self.state.lock().unwrap();
        state.asked.insert(request.request.id, request.clone());
    }

    /// Asks by the next poll.
    pub fn ask(&self, request: SignedRequest) -> RequestId {
        let id = request.request.id;
        self.expect(&request);
        self.state.lock().unwrap().waiting.push_back(request);
        self.asked.notify_waiters();
        id
    }

    /// The request as it was asked.
    pub fn asked(&self, id: RequestId) -> SignedRequest {
        self.state.lock().unwrap().asked[&id].clone()
    }

    /// Waits for the same outcome once more.
    pub fn unsettle(&self, id: RequestId) {
        let mut state = self.state.lock().unwrap();
        state.settled.remove(&id);
        state.handed_out.push_back(id);
    }

    /// Closes its listener and all connections.
    pub async fn leave(&self) {
        self.stop.cancel();
        let server = self.server.lock().unwrap().take();
        server.unwrap().await.unwrap();
    }

    pub fn hand_out_again(&self) {
        self.state.lock().unwrap().hand_out_again();
        self.asked.notify_waiters();
    }

    pub fn forget_secret(&self) {
        self.state.lock().unwrap().secret = None;
    }

    pub fn revoke(&self, revoked: bool) {
        self.state.lock().unwrap().revoked = revoked;
    }

    pub fn fail_deliveries(&self, count: usize) {
        self.state.lock().unwrap().deliveries_to_fail = count;
    }

    pub fn enrolments(&self) -> usize {
        self.state.lock().unwrap().enrolments
    }

    pub fn connection(&self) -> Option<Connection> {
        self.state.lock().unwrap().connection.clone()
    }

    pub fn packets(&self) -> Vec<Packet> {
        self.state.lock().unwrap().packets.clone()
    }

    pub fn given_out(&self) -> Vec<String> {
        self.state.lock().unwrap().given_out.clone()
    }

    /// All deliveries of a request, in the order in which they came.
    pub fn deliveries(&self, id: RequestId) -> Vec<Outcome> {
        let state = self.state.lock().unwrap();
        let of_request = state.deliveries.iter().filter(|delivery| delivery.id == id);
        of_request.map(|delivery| delivery.outcome.clone()).collect()
    }

    async fn until<T>(&self, what: &str, found: impl Fn(&State) -> Option<T>) -> T {
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                let changed = self.changed.notified();
                if let Some(value) = found(&self.state.lock().unwrap()) {
                    return value;
                }
                changed.await;
            }
        });
        waited
            .await
            .unwrap_or_else(|_| panic!("waited in vain for {what}"))
    }

    /// The outcome that settled a request.
    pub async fn settled(&self, id: RequestId) -> Outcome {
        self.until("an outcome", |state| state.settled.get(&id).cloned())
            .await
    }

    /// The deliveries of a request, once there are so many.
    pub async fn deliveries_of(&self, id: RequestId, count: usize) -> Vec<Outcome> {
        self.until("deliveries", |state| {
            let of_request = state.deliveries.iter().filter(|delivery| delivery.id == id);
            let of_request: Vec<Outcome> = of_request.map(|delivery| delivery.outcome.clone()).collect();
            (of_request.len() >= count).then_some(of_request)
        })
        .await
    }

    pub async fn settled_count(&self, count: usize) {
        self.until("outcomes", |state| (state.settled.len() >= count).then_some(()))
            .await;
    }

    pub async fn enrolled(&self, count: usize) {
        self.until("an enrolment", |state| (state.enrolments >= count).then_some(()))
            .await;
    }

    /// A report in which the keys are so.
    pub async fn reported(&self, is_so: impl Fn(&Report) -> bool) -> Report {
        self.until("a report", |state| {
            state.reports.iter().rev().find(|report| is_so(report)).cloned()
        })
        .await
    }
}

fn rand32() -> [u8; 32] {
    let mut octets = [0; 32];
    octets[..16].copy_from_slice(Uuid::new_v4().as_bytes());
    octets[16..].copy_from_slice(Uuid::new_v4().as_bytes());
    octets
}

fn parse<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, ErrorCode> {
    serde_json::from_slice(body).map_err(|_| ErrorCode::InvalidBody)
}

fn ok<T: Serialize>(value: &T) -> Answer {
    Ok(Response::new(serde_json::to_vec(value).unwrap()))
}

fn problem(code: ErrorCode) -> Response<Vec<u8>> {
    let body = Problem::new(code, code.slug(), "told by the test");
    let mut response = Response::new(serde_json::to_vec(&body).unwrap());
    *response.status_mut() = http::StatusCode::from_u16(code.status()).unwrap();
    response
}
