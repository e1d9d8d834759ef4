//! One customer and contract type, as the caller remembers them. Only one worker speaks for a cell, so that everything in it has an order.

use crate::client::{Call, Client, Reply};
use crate::process::Dev;
use crate::receiver::{Attempt, Receiver, Taken, attempt, try_begin, try_call};
use crate::world::{SEND, VERIFY, eventually, other_than, with};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

/// The window lasts 120 s from the hand-over, which the test does not see exactly. Below this it is certainly closed...
const CERTAINLY_CLOSED: Duration = Duration::from_secs(105);
/// ...and above this certainly open.
const CERTAINLY_OPEN: Duration = Duration::from_secs(135);
/// Two messages that are nearer to one another need a reason. The clock of a restart is the wall's.
const WINDOW_LEAST: Duration = Duration::from_secs(118);
/// Tries of a cell that count as wrong: wrong codes, dead ones, and right ones that a kill cut between the try and its comparison. A contact has
/// two cells, a kill may cut two tries at once, and 15 lock it.
const COUNTED_TRIES_MAX: u32 = 5;

/// What a run saw, by name.
#[derive(Default)]
pub struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    fn saw(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    pub fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }

    pub fn add(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|(what, count)| writeln!(formatter, "{count:>7} {what}"))
    }
}

/// How the gateway of this cycle is reached.
pub struct Caller<'a> {
    client: Client,
    invoker: Value,
    receiver: &'a Receiver,
}

impl<'a> Caller<'a> {
    pub fn new(dev: &Dev, receiver: &'a Receiver) -> Self {
        Self {
            client: dev.partner(),
            invoker: dev.file["partners"][0]["invoker_code"].clone(),
            receiver,
        }
    }
}

/// What the caller knows of the last code.
#[derive(Clone, Debug)]
enum State {
    /// None is valid, as far as is known; a send must succeed.
    Free,
    /// A send was answered with success.
    Sent { code: String, at: Instant },
    /// A verification was answered with success.
    Verified { code: String },
    /// A send was cut; so many messages had been accepted before it.
    SendCut {
        key: Option<String>,
        accepted_before: usize,
    },
    /// A verification of the right code was cut.
    VerificationCut { code: String, key: Option<String> },
}

/// A key and the answer that belongs to it from now on.
struct Kept {
    key: String,
    body: Vec<u8>,
}

pub struct Cell {
    customer: i64,
    contract_type: u8,
    title: &'static str,
    to: String,
    state: State,
    kept: Vec<Kept>,
    keys: u32,
    counted_tries: u32,
    tried_wrongly: bool,
    /// Moments from which on the window may have been free: a verification began, or a send that was cut by a kill is being settled
    /// (only then is its message certainly counted: the operator may read it after the caller has seen the cut).
    freed: Vec<Instant>,
    /// Something happened since the last restart.
    is_touched: bool,
}

impl Cell {
    pub fn new(customer: i64, contract_type: u8, title: &'static str, to: String) -> Self {
        Self {
            customer,
            contract_type,
            title,
            to,
            state: State::Free,
            kept: Vec::new(),
            keys: 0,
            counted_tries: 0,
            tried_wrongly: false,
            freed: Vec::new(),
            is_touched: false,
        }
    }

    /// Does something that suits the state; `false` once the gateway is gone.
    pub fn act(&mut self, caller: &Caller<'_>, random: &mut fastrand::Rng, tally: &mut Tally) -> bool {
        self.is_touched = true;
        match self.state.clone() {
            State::Free => self.send(caller, random, tally),
            State::Sent { at, .. } if at.elapsed() > CERTAINLY_OPEN => {
                self.state = State::Free;
                true
            }
            State::Sent { at, .. } if at.elapsed() > CERTAINLY_CLOSED => true,
            State::Sent { code, .. } => match random.u32(0..10) {
                0..=4 if self.may_try() => self.verify(caller, &code, random, tally),
                5 if self.may_try() && !self.tried_wrongly => self.verify_wrongly(caller, &code, tally),
                6 => self.replay(caller, tally),
                _ => self.send_inside_window(caller, tally),
            },
            State::Verified { .. } if random.u32(0..10) < 7 => self.send(caller, random, tally),
            State::Verified { code } => match try_call(&caller.client, self.verification(caller, &code)) {
                Attempt::Answered(reply) => {
                    assert_eq!(reply.reason(), 20, "{self}: a used code: {}", reply.text());
                    true
                }
                Attempt::Cut | Attempt::NotSent => false,
            },
            State::SendCut { .. } | State::VerificationCut { .. } => {
                unreachable!("{self}: is settled before it is used again")
            }
        }
    }

    /// Whether a try that counts as wrong would be one too many.
    fn may_try(&self) -> bool {
        self.counted_tries < COUNTED_TRIES_MAX
    }

    /// What every restart must leave: judged for each cell that was used, and for some others.
    pub fn judge_after_restart(
        &mut self,
        caller: &Caller<'_>,
        random: &mut fastrand::Rng,
        tally: &mut Tally,
    ) {
        if !std::mem::take(&mut self.is_touched) && random.u32(0..20) > 0 {
            return;
        }
        match self.state.clone() {
            State::Free => {}
            State::SendCut {
                key: Some(key),
                accepted_before,
            } => self.settle_keyed_send(caller, &key, accepted_before, tally),
            State::SendCut {
                key: None,
                accepted_before,
            } => self.settle_send(caller, accepted_before, tally),
            State::VerificationCut { code, key } => self.settle_verification(caller, &code, key, tally),
            State::Sent { at, .. } if at.elapsed() > CERTAINLY_CLOSED => {}
            State::Sent { code, .. } if random.bool() => {
                self.freed.push(Instant::now());
                let reply = caller.client.call(self.verification(caller, &code));
                assert_eq!(
                    reply.reason(),
                    11,
                    "{self}: an acknowledged code: {}",
                    reply.text()
                );
                self.state = State::Verified { code };
                tally.saw("codes verified after a restart");
            }
            State::Sent { .. } => {
                assert!(self.send_inside_window(caller, tally));
            }
            State::Verified { .. } => {}
        }
        if let State::Verified { code } = &self.state {
            let reply = caller.client.call(self.verification(caller, code));
            assert_eq!(reply.reason(), 20, "{self}: a used code: {}", reply.text());
        }
        assert!(self.replay(caller, tally));
    }

    /// Judges all messages of this cell, and gives their number.
    pub fn judge_windows(&self, receiver: &Receiver) -> usize {
        let messages = receiver.messages_to(&self.to, self.title);
        let accepted: Vec<&Taken> = messages.iter().filter(|message| message.accepted).collect();
        for pair in accepted.windows(2) {
            let (first, second) = (pair[0].at, pair[1].at);
            let freed = self.freed.iter().any(|freed| (first..=second).contains(freed));
            assert!(
                freed || second - first > WINDOW_LEAST,
                "{self}: two messages within {:?}, and nothing freed the window",
                second - first
            );
        }
        messages.len()
    }

    fn inputs(&self, caller: &Caller<'_>) -> Value {
        json!({ "CcmsCode": self.customer, "ContactCcmsCode": 2001, "ContractTypeId": self.contract_type, "InvokerCode": caller.invoker })
    }

    fn sending(&self, caller: &Caller<'_>, key: Option<&str>) -> Call {
        let call = Call::post(SEND, &self.inputs(caller));
        match key {
            Some(key) => call.idempotency_key(key),
            None => call,
        }
    }

    fn verification(&self, caller: &Caller<'_>, code: &str) -> Call {
        Call::post(VERIFY, &with(&self.inputs(caller), &json!({ "Otp": code })))
    }

    fn accepted(&self, caller: &Caller<'_>) -> Vec<Taken> {
        let mut messages = caller.receiver.messages_to(&self.to, self.title);
        messages.retain(|message| message.accepted);
        messages
    }

    /// A key of its own in every second case.
    fn draw_key(&mut self, random: &mut fastrand::Rng) -> Option<String> {
        self.keys += 1;
        let key = format!("{}-{}-{}", self.customer, self.contract_type, self.keys);
        random.bool().then_some(key)
    }

    /// A send where the window is free; some go out twice at once.
    fn send(&mut self, caller: &Caller<'_>, random: &mut fastrand::Rng, tally: &mut Tally) -> bool {
        let key = self.draw_key(random);
        let accepted_before = self.accepted(caller).len();
        let copies = if random.u32(0..5) == 0 { 2 } else { 1 };
        let begun: Vec<_> = (0..copies)
            .map(|_| try_begin(&caller.client, self.sending(caller, key.as_deref())))
            .collect();
        let attempts: Vec<Attempt> = begun
            .into_iter()
            .map(|begun| begun.map_or_else(|failed| failed, |mut connection| attempt(&mut connection)))
            .collect();
        if matches!(attempts[0], Attempt::NotSent) {
            return false;
        }
        let replies: Vec<&Reply> = attempts
            .iter()
            .filter_map(|attempt| match attempt {
                Attempt::Answered(reply) => Some(reply),
                Attempt::Cut | Attempt::NotSent => None,
            })
            .collect();
        let is_alive = replies.len() == copies;
        self.judge_send(caller, &replies, key, accepted_before, is_alive, tally);
        is_alive
    }

    fn judge_send(
        &mut self,
        caller: &Caller<'_>,
        replies: &[&Reply],
        key: Option<String>,
        accepted_before: usize,
        is_alive: bool,
        tally: &mut Tally,
    ) {
        let is_success = |reply: &&&Reply| reply.status == 200 && reply.reason() == 11;
        let first = replies
            .iter()
            .find(|reply| is_success(reply) && !reply.is_replayed());
        for reply in replies {
            let other = match (reply.status, &key) {
                (409, Some(_)) => true,
                (200, _) => match reply.reason() {
                    11 => first.is_none_or(|first| first.body == reply.body),
                    9 => replies.len() > 1 || !is_alive,
                    8 => reply.error_messages().contains("operator code 418"),
                    _ => false,
                },
                _ => false,
            };
            assert!(other, "{self}: {} {}", reply.status, reply.text());
        }
        let accepted = self.accepted(caller);
        if let Some(first) = first {
            assert_eq!(
                accepted.len(),
                accepted_before + 1,
                "{self}: one message for a success"
            );
            self.sent(&accepted);
            self.keep(key, first);
            tally.saw("sends");
        } else if !is_alive {
            self.state = State::SendCut { key, accepted_before };
            tally.saw("sends cut by a kill");
            if accepted.len() > accepted_before {
                tally.saw("sends cut by a kill after their message");
            }
        } else {
            assert_eq!(accepted.len(), accepted_before, "{self}: nothing but refusals");
            self.state = State::Free;
            tally.saw("sends refused by the operator");
        }
    }

    fn sent(&mut self, accepted: &[Taken]) {
        let last = accepted.last().expect("a message was accepted");
        self.state = State::Sent {
            code: last.code().to_owned(),
            at: last.at,
        };
        self.tried_wrongly = false;
    }

    fn keep(&mut self, key: Option<String>, reply: &Reply) {
        let body = reply.body.clone();
        self.kept.extend(key.map(|key| Kept { key, body }));
    }

    fn send_inside_window(&self, caller: &Caller<'_>, tally: &mut Tally) -> bool {
        match try_call(&caller.client, self.sending(caller, None)) {
            Attempt::Answered(reply) => {
                assert_eq!(reply.reason(), 9, "{self}: inside the window: {}", reply.text());
                assert!(
                    reply
                        .retry_after()
                        .is_some_and(|seconds| (1..=120).contains(&seconds))
                );
                tally.saw("windows found closed");
                true
            }
            Attempt::Cut | Attempt::NotSent => false,
        }
    }

    /// The latest keys answer what they answered.
    fn replay(&self, caller: &Caller<'_>, tally: &mut Tally) -> bool {
        for kept in self.kept.iter().rev().take(3) {
            match try_call(&caller.client, self.sending(caller, Some(&kept.key))) {
                Attempt::Answered(reply) => {
                    assert!(reply.is_replayed(), "{self}: {}", reply.text());
                    assert_eq!(reply.body, kept.body, "{self}: {}", reply.text());
                    tally.saw("answers replayed");
                }
                Attempt::Cut | Attempt::NotSent => return false,
            }
        }
        true
    }

    /// The right code; some go out twice at once, and one of them succeeds.
    fn verify(
        &mut self,
        caller: &Caller<'_>,
        code: &str,
        random: &mut fastrand::Rng,
        tally: &mut Tally,
    ) -> bool {
        let key = self.draw_key(random);
        let copies: u32 = if key.is_none() && random.u32(0..4) == 0 {
            2
        } else {
            1
        };
        let mut call = self.verification(caller, code);
        if let Some(key) = &key {
            call = call.idempotency_key(key);
        }
        self.freed.push(Instant::now());
        let begun: Vec<_> = (0..copies)
            .map(|_| try_begin(&caller.client, call.clone()))
            .collect();
        let mut reasons = Vec::new();
        let mut is_sent = false;
        for begun in begun {
            match begun.map_or_else(|failed| failed, |mut connection| attempt(&mut connection)) {
                Attempt::Answered(reply) => reasons.push(reply.reason()),
                Attempt::Cut => is_sent = true,
                Attempt::NotSent => {}
            }
        }
        let successes = reasons.iter().filter(|reason| **reason == 11).count();
        let is_alive = reasons.len() == copies as usize;
        let others_are_used = reasons.iter().all(|reason| [11, 20].contains(reason));
        assert!(others_are_used && successes <= 1, "{self}: {reasons:?}");
        if successes == 1 {
            tally.saw("verifications");
            self.state = State::Verified {
                code: code.to_owned(),
            };
        } else if is_sent || !reasons.is_empty() {
            assert!(!is_alive, "{self}: one of {reasons:?} succeeds");
            tally.saw("verifications cut by a kill");
            self.counted_tries += copies;
            self.state = State::VerificationCut {
                code: code.to_owned(),
                key,
            };
        }
        is_alive
    }

    fn verify_wrongly(&mut self, caller: &Caller<'_>, code: &str, tally: &mut Tally) -> bool {
        self.counted_tries += 1;
        self.tried_wrongly = true;
        match try_call(&caller.client, self.verification(caller, &other_than(code))) {
            Attempt::Answered(reply) => {
                assert_eq!(reply.reason(), 22, "{self}: {}", reply.text());
                tally.saw("wrong tries");
                true
            }
            Attempt::Cut | Attempt::NotSent => false,
        }
    }

    /// A key that was cut: one message at most, one answer for ever, no 409 for ever.
    fn settle_keyed_send(
        &mut self,
        caller: &Caller<'_>,
        key: &str,
        accepted_before: usize,
        tally: &mut Tally,
    ) {
        self.freed.push(Instant::now());
        let reply = eventually("the key is no longer answered 409", || {
            let reply = caller.client.call(self.sending(caller, Some(key)));
            (reply.status != 409).then_some(reply)
        });
        let accepted = self.accepted(caller);
        let messages = accepted.len() - accepted_before;
        match (reply.status, reply.reason(), reply.is_replayed()) {
            (200, 11, replayed) => {
                assert_eq!(messages, 1, "{self}: one message for {key}");
                tally.saw(if replayed {
                    "cut keys that replay their success"
                } else {
                    "cut keys under which nothing had gone"
                });
                self.sent(&accepted);
                self.keep(Some(key.to_owned()), &reply);
                let code = accepted[accepted_before].code().to_owned();
                self.freed.push(Instant::now());
                let verified = caller.client.call(self.verification(caller, &code));
                assert_eq!(verified.reason(), 11, "{self}: {}", verified.text());
                self.state = State::Verified { code };
            }
            (200, 8, true) => {
                assert!(messages <= 1, "{self}: {messages} messages for {key}");
                assert!(reply.error_messages().contains("unknown"), "{}", reply.text());
                tally.saw("cut keys of unknown outcome");
                self.keep(Some(key.to_owned()), &reply);
                assert!(self.replay(caller, tally));
                if messages == 1 && self.may_try() {
                    self.counted_tries += 1;
                    let lost = caller
                        .client
                        .call(self.verification(caller, accepted[accepted_before].code()));
                    assert_ne!(lost.reason(), 11, "{self}: the code is dead");
                }
                let fresh = caller.client.call(self.sending(caller, None));
                assert_eq!(fresh.reason(), 11, "{self}: the window is free: {}", fresh.text());
                self.sent(&self.accepted(caller));
            }
            _ => panic!("{self}: {} {}", reply.status, reply.text()),
        }
    }

    /// A send without a key that was cut: it holds its window and its code is good, or the window is free.
    fn settle_send(&mut self, caller: &Caller<'_>, accepted_before: usize, tally: &mut Tally) {
        self.freed.push(Instant::now());
        let state = eventually("the window is free, or the code is good", || {
            let reply = caller.client.call(self.sending(caller, None));
            assert_eq!(reply.status, 200, "{self}: {}", reply.text());
            let accepted = self.accepted(caller);
            if reply.reason() == 11 {
                assert!(accepted.len() - accepted_before <= 2, "{self}: {accepted:?}");
                tally.saw("cut sends that left the window free");
                let last = accepted.last().expect("a message for a success");
                let (code, at) = (last.code().to_owned(), last.at);
                return Some(State::Sent { code, at });
            }
            assert_eq!(reply.reason(), 9, "{self}: {}", reply.text());
            let message = accepted.get(accepted_before)?;
            self.freed.push(Instant::now());
            let verified = caller.client.call(self.verification(caller, message.code()));
            (verified.reason() == 11).then(|| {
                tally.saw("cut sends that were complete");
                let code = message.code().to_owned();
                State::Verified { code }
            })
        });
        self.tried_wrongly = false;
        self.state = state;
    }

    fn settle_verification(
        &mut self,
        caller: &Caller<'_>,
        code: &str,
        key: Option<String>,
        tally: &mut Tally,
    ) {
        let call = self.verification(caller, code);
        let reply = match &key {
            Some(key) => caller.client.call(call.idempotency_key(key)),
            None => caller.client.call(call),
        };
        match (reply.status, reply.reason(), key) {
            (200, 11, _) => tally.saw("cut verifications that succeed"),
            (200, 20, None) => tally.saw("cut verifications that had succeeded"),
            _ => panic!("{self}: {} {}", reply.status, reply.text()),
        }
        self.state = State::Verified {
            code: code.to_owned(),
        };
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            customer,
            contract_type,
            state,
            ..
        } = self;
        write!(formatter, "customer {customer}, type {contract_type}, {state:?}")
    }
}
