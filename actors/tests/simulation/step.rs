//! What happens in one step, and how the bystander judges it.

use crate::chance::{below, chance, weighted};
use crate::history::{Asked, History};
use crate::model::{Message, Window};
use actors::clock::{Clock, millis};
use actors::durable::Durable;
use actors::idempotency::{Claim, Held, KEPT_FOR, Running, Standing};
use actors::ids::{ChallengeId, CustomerId, MessageId, RequestId};
use actors::machines::otp::{
    Answer, Binding, Command, Delivery, Detail, Draw, Effect, OtpBook, Reason, SendCommand, Settlement,
    VerifyCommand, WindowKey,
};
use actors::phone::Phone;
use actors::random::{draw_code, draw_uuid};
use actors::secret::Otp;
use actors::wheel::Wheel;
use std::future::Future;
use std::sync::Arc;
use std::task::Poll;
use storage::Error;

/// How long the shell awaits an operator.
const HAND_OVER_MS: i64 = 10_000;

fn phone() -> Phone {
    Phone::mobile("09120000001", phonenumber::country::Id::IR).unwrap()
}

impl History {
    pub(crate) async fn send(&mut self) {
        let (customer, window) = self.window();
        // A key is for one window, as a partner's key is for one body; now and then it comes with another body.
        let key =
            chance(&self.randomness, 40).then(|| (below(&self.randomness, 6), window.contract_type.0 == 7));
        let held = match key {
            Some(key) => match self.under_key(customer, window, key).await {
                Some(held) => Some(held),
                None => return,
            },
            None => None,
        };
        // Loading settles what is owed, which may free the window.
        if !self.load(customer).await {
            return;
        }
        let closed = self.model.is_closed(customer, window);
        if self.published.left(customer, window, self.clock.now()).is_some() {
            self.seen.insert("published as closed");
            assert!(closed, "what is published is closed for the bystander too");
        }
        let request = self.request();
        let generator = !chance(&self.randomness, 2);
        let now = self.clock.now();
        let claim = held.as_ref().map(Held::claim);
        let command = Command::Send(Box::new(SendCommand {
            request,
            window,
            destination: phone(),
            brand: "b".to_owned(),
            full_name: "n".to_owned(),
            title: "t".to_owned(),
            binding: Binding::default(),
            policy: self.policy.clone(),
            draw: generator.then(|| Draw {
                code: draw_code(&self.randomness, 6).unwrap(),
                challenge: ChallengeId(draw_uuid(&self.randomness, now).unwrap()),
                message: MessageId(draw_uuid(&self.randomness, now).unwrap()),
            }),
            keys: Arc::clone(&self.keys),
            claim,
            trace: None,
            client: None,
        }));
        self.asked.insert(request, Asked { key, _held: held });
        self.note(format!(
            "send to customer {customer}, type {}, key {key:?}",
            window.contract_type
        ));
        let Some(effects) = self.perform(customer, command).await else {
            return;
        };
        if let Some(Effect::SendSms { challenge, .. }) = effects.first() {
            assert!(!closed, "I3: a second code inside one window");
            self.model
                .windows
                .insert((customer, window), Window::InFlight(*challenge));
        } else if let Some(Effect::Answer { answer, .. }) = effects.first() {
            let refused = answer.reason == Reason::InThresholdOtpGenerator;
            assert_eq!(
                refused, closed,
                "a window is closed for the one and open for the other: {answer:?}"
            );
        }
        self.carry_out(customer, Some(window), effects, claim).await;
    }

    /// What an idempotency key says. `Some` goes on.
    async fn under_key(&mut self, customer: CustomerId, window: WindowKey, key: (u64, bool)) -> Option<Held> {
        let other_body = chance(&self.randomness, 5);
        let name = format!("{customer}-{key:?}");
        let body: &[u8] = if other_body { b"other" } else { b"body" };
        let claim = Claim::new(window.invoker, "send", &name, body);
        let wall_ms = self.clock.now().wall.timestamp_millis();
        let judged = self
            .running
            .judge(claim, self.store.as_ref(), self.clock.as_ref())
            .await;
        let kept = self
            .model
            .kept
            .get(&(key.0 * 100 + customer.0.cast_unsigned(), key.1))
            .cloned();
        match judged {
            Err(error) => {
                self.store_said(&error, None).await;
                None
            }
            Ok(Standing::First(held)) => {
                self.seen.insert("key first");
                if let Some((_, at_ms)) = kept {
                    assert!(
                        wall_ms - at_ms >= millis(KEPT_FOR) - 60_000 || wall_ms < at_ms,
                        "a kept answer is forgotten"
                    );
                    self.model
                        .kept
                        .remove(&(key.0 * 100 + customer.0.cast_unsigned(), key.1));
                }
                Some(held)
            }
            Ok(Standing::Answered(answer)) => {
                self.seen.insert("key answered");
                if let Some((first, _)) = kept {
                    assert_eq!(
                        (answer.reason, answer.challenge),
                        (first.reason, first.challenge),
                        "another answer"
                    );
                }
                assert!(answer.is_kept());
                None
            }
            Ok(Standing::Operation(..)) => panic!("no register was ever asked under this key"),
            Ok(Standing::Begun(..)) => {
                self.seen.insert("key begun");
                self.load(customer).await;
                None
            }
            Ok(Standing::StillRunning) => {
                self.seen.insert("key running");
                None
            }
            Ok(Standing::OtherBody) => {
                self.seen.insert("key other body");
                None
            }
        }
    }

    pub(crate) async fn verify(&mut self) {
        let (customer, window) = self.window();
        let own = |message: &&Message| message.customer == customer && message.window == window;
        let codes: Vec<&Message> = self.model.messages.iter().filter(own).collect();
        let typed = match codes.last() {
            Some(last) if chance(&self.randomness, 35) => last.code.clone(),
            Some(_) if chance(&self.randomness, 20) => codes[0].code.clone(),
            _ => "no code".to_owned(),
        };
        let command = VerifyCommand {
            request: self.request(),
            window,
            destination: Some(phone()),
            binding: Binding::default(),
            code: Otp::typed(&typed),
            policy: self.policy.clone(),
            keys: Arc::clone(&self.keys),
            claim: None,
            evidence: None,
        };
        self.asked.insert(
            command.request,
            Asked {
                key: None,
                _held: None,
            },
        );
        self.note(format!(
            "verify for customer {customer}, type {}, {}",
            window.contract_type,
            typed != "no code"
        ));
        let Some(mut effects) = self.perform(customer, Command::Verify(Box::new(command))).await else {
            return;
        };
        if matches!(effects.first(), Some(Effect::Compare(_))) {
            let Some(Effect::Compare(compare)) = effects.pop() else {
                unreachable!()
            };
            let book = self.books[&customer].machine();
            let challenge = book
                .challenges()
                .find(|(key, _)| **key == window)
                .map(|(_, c)| (c.id, c.delivery))
                .unwrap();
            let comparisons = self.model.comparisons.entry(challenge.0).or_default();
            *comparisons += 1;
            assert!(
                *comparisons <= u32::from(self.policy.tries_max),
                "a sixth try, whatever died in between"
            );
            let in_flight = challenge.1 == Delivery::InFlight;
            let Some(compared) = self.perform(customer, Command::Compare(compare)).await else {
                return;
            };
            effects = compared;
            if effects.iter().any(
                |effect| matches!(effect, Effect::Answer { answer, .. } if answer.reason == Reason::Success),
            ) {
                self.verified(challenge.0, &typed, in_flight);
            }
        }
        self.carry_out(customer, None, effects, None).await;
    }

    fn verified(&mut self, id: ChallengeId, typed: &str, in_flight: bool) {
        let successes = self.model.successes.entry(id).or_default();
        *successes += 1;
        assert_eq!(*successes, 1, "one success a code");
        let message = self.model.messages.iter().find(|message| message.challenge == id);
        assert_eq!(
            message.map(|message| message.code.as_str()),
            Some(typed),
            "only the code that was sent"
        );
        if in_flight {
            self.seen.insert("verified in flight");
        } else {
            self.model.free(id);
        }
    }

    /// An operator answers one of the messages that wait for it.
    pub(crate) async fn operator_speaks(&mut self) {
        let waiting: Vec<usize> = (0..self.model.messages.len())
            .filter(|i| self.model.messages[*i].pending_until.is_some())
            .collect();
        if waiting.is_empty() {
            return;
        }
        let at = waiting[crate::history::index(&self.randomness, waiting.len().try_into().unwrap())];
        let takes = weighted(&self.randomness, &[(8, true), (2, false)]);
        let message = &mut self.model.messages[at];
        message.pending_until = None;
        let takes = *message.taken.get_or_insert(takes);
        let (customer, window, challenge) = (message.customer, message.window, message.challenge);
        let refused = Settlement::Refused {
            code: "411".to_owned(),
            text: String::new(),
        };
        let settlement = if takes { Settlement::Accepted } else { refused };
        self.settle(customer, window, challenge, settlement).await;
    }

    /// The shell gives silent operators up.
    pub(crate) async fn silent_operators(&mut self) {
        let now = self.clock.now().mono.0;
        let late: Vec<usize> = (0..self.model.messages.len())
            .filter(|i| {
                self.model.messages[*i]
                    .pending_until
                    .is_some_and(|until| until <= now)
            })
            .collect();
        for at in late {
            let message = &mut self.model.messages[at];
            message.pending_until = None;
            let (customer, window, challenge) = (message.customer, message.window, message.challenge);
            self.seen.insert("operator silent");
            self.settle(customer, window, challenge, Settlement::Unknown)
                .await;
        }
    }

    pub(crate) async fn settle(
        &mut self,
        customer: CustomerId,
        window: WindowKey,
        challenge: ChallengeId,
        settlement: Settlement,
    ) {
        self.note(format!("customer {customer}: {settlement:?}"));
        if !self.books.contains_key(&customer) && !self.load(customer).await {
            return;
        }
        let waits = self.books[&customer].machine().is_in_flight(challenge);
        let frees = matches!(settlement, Settlement::Refused { .. }) && self.is_unknown(customer, challenge);
        let command = Command::Settle {
            challenge,
            settlement: settlement.clone(),
            handed: None,
        };
        let Some(effects) = self.perform(customer, command).await else {
            return;
        };
        if waits {
            self.settled(customer, window, challenge, &settlement);
        } else if frees {
            self.model.free(challenge);
        }
        self.carry_out(customer, None, effects, None).await;
    }

    fn is_unknown(&self, customer: CustomerId, challenge: ChallengeId) -> bool {
        let mut challenges = self.books[&customer].machine().challenges();
        challenges.any(|(_, kept)| kept.id == challenge && matches!(kept.delivery, Delivery::Unknown(_)))
    }

    fn settled(
        &mut self,
        customer: CustomerId,
        window: WindowKey,
        challenge: ChallengeId,
        settlement: &Settlement,
    ) {
        match settlement {
            Settlement::Accepted | Settlement::Unknown => {
                self.handed_over(customer, window, challenge);
                if self.model.successes.contains_key(&challenge) {
                    self.model.free(challenge);
                }
            }
            Settlement::Refused { .. } | Settlement::Lost => self.model.free(challenge),
        }
    }

    /// The wheel: whoever's deadline has come is woken.
    pub(crate) async fn deadlines(&mut self) {
        let now = self.clock.now().mono;
        let due = |book: &Durable<OtpBook>| {
            use actors::machines::Machine;
            book.machine()
                .next_deadline()
                .is_some_and(|deadline| deadline <= now)
        };
        let due: Vec<CustomerId> = self
            .books
            .iter()
            .filter(|(_, book)| due(book))
            .map(|(id, _)| *id)
            .collect();
        for customer in due {
            let before: Vec<_> = self.books[&customer]
                .machine()
                .challenges()
                .map(|(k, c)| (*k, c.clone()))
                .collect();
            self.note(format!("customer {customer} is woken"));
            let Some(effects) = self.perform(customer, Command::Wake).await else {
                return;
            };
            for (window, challenge) in before {
                let past = challenge.settle_by.is_some_and(|deadline| deadline <= now);
                if past && challenge.delivery == Delivery::InFlight {
                    let settlement = if challenge.orphaned {
                        Settlement::Lost
                    } else {
                        Settlement::Unknown
                    };
                    self.settled(customer, window, challenge.id, &settlement);
                }
            }
            self.carry_out(customer, None, effects, None).await;
        }
    }

    pub(crate) async fn load_all(&mut self) {
        for customer in [CustomerId(1), CustomerId(2)] {
            self.load(customer).await;
        }
    }

    /// Loads a customer, and asks operators what is owed.
    async fn load(&mut self, customer: CustomerId) -> bool {
        if self.books.contains_key(&customer) {
            return true;
        }
        let loaded = Durable::<OtpBook>::load(
            Arc::clone(&self.store),
            Wheel::new().0,
            customer,
            self.clock.now(),
        )
        .await;
        let book = match loaded {
            Ok(book) => book,
            Err(error) => {
                self.store_said(&error, None).await;
                return false;
            }
        };
        let owed = book.machine().owed();
        self.books.insert(customer, book);
        for effect in owed {
            let Effect::AskOperator { challenge, message } = effect else {
                panic!("owed: {effect:?}")
            };
            let known = self
                .model
                .messages
                .iter()
                .find(|m| m.id == message)
                .map(|m| (m.window, m.taken));
            let settlement = match known {
                Some((_, Some(taken))) if self.operator_knows => {
                    self.seen.insert("operator lookup knows");
                    if taken {
                        Settlement::Accepted
                    } else {
                        Settlement::Refused {
                            code: "1".to_owned(),
                            text: String::new(),
                        }
                    }
                }
                _ => {
                    self.seen.insert("operator lookup cannot tell");
                    Settlement::Lost
                }
            };
            let book = self.books[&customer].machine();
            let window = book
                .challenges()
                .find(|(_, c)| c.id == challenge)
                .map(|(key, _)| *key)
                .unwrap();
            Box::pin(self.settle(customer, window, challenge, settlement)).await;
            if !self.books.contains_key(&customer) {
                return false;
            }
        }
        true
    }

    fn request(&mut self) -> RequestId {
        self.next_request += 1;
        RequestId(self.next_request)
    }

    /// One durable step, in which the process may die. `None` where it did, or where the store said no.
    async fn perform(&mut self, customer: CustomerId, command: Command) -> Option<Vec<Effect>> {
        if !self.load(customer).await {
            return None;
        }
        let now = self.clock.now();
        let dies = chance(&self.randomness, 3) && !self.calm;
        let turns = below(&self.randomness, 3);
        let book = self.books.get_mut(&customer).unwrap();
        let mut step = Box::pin(book.step(command, now));
        if !dies {
            let stepped = step.await;
            self.anchor().await;
            return match stepped {
                Ok(effects) => Some(effects),
                Err(error) => {
                    self.store_said(&error, Some(customer)).await;
                    None
                }
            };
        }
        for _ in 0..turns {
            if std::future::poll_fn(|context| Poll::Ready(step.as_mut().poll(context).is_ready())).await {
                break;
            }
        }
        drop(step);
        let unsynced = self.memory.unsynced();
        let kept = crate::history::index(&self.randomness, 2).min(unsynced);
        if unsynced > 0 {
            self.seen.insert(if kept > 0 {
                "crash in a commit, kept"
            } else {
                "crash in a commit, lost"
            });
        }
        self.note(format!("killed in a step, {kept} of {unsynced} batches kept"));
        self.crash(Some(kept), Some(customer)).await;
        None
    }

    /// What the store said, and what the process does about it: a full disk ends actors, a failed store the process.
    async fn store_said(&mut self, error: &Error, writing: Option<CustomerId>) {
        self.note(format!("the store says: {error}"));
        match error {
            Error::Full { .. } => {
                self.seen.insert("store full");
                // Actors end before anything is written; whoever asked is told that nothing was done.
                self.books.clear();
                self.asked.clear();
                self.running = Running::default();
                self.model
                    .messages
                    .iter_mut()
                    .for_each(|message| message.pending_until = None);
            }
            Error::Poisoned { .. } => {
                let lost = self.fault == Some(storage::fault::Fault::Lose);
                self.seen.insert(if lost {
                    "store lost its answer"
                } else {
                    "store failed"
                });
                self.crash(None, writing).await;
            }
            other => panic!("the store says {other}"),
        }
    }

    /// Carries effects out; the process may die before it does.
    async fn carry_out(
        &mut self,
        customer: CustomerId,
        window: Option<WindowKey>,
        effects: Vec<Effect>,
        claim: Option<Claim>,
    ) {
        for effect in effects {
            if chance(&self.randomness, 2) && !self.calm {
                self.seen.insert("crash before an effect");
                self.note("killed before an effect");
                self.crash(None, None).await;
                return;
            }
            match effect {
                Effect::Answer { request, answer } => self.answered(customer, request, answer),
                Effect::SendSms {
                    challenge,
                    message,
                    text,
                    ..
                } => {
                    let code = text.expose().lines().last().unwrap().to_owned();
                    let window = window.expect("a message belongs to a window");
                    self.hand_over(Message {
                        id: message,
                        customer,
                        window,
                        challenge,
                        code,
                        claim,
                        taken: chance(&self.randomness, 30).then(|| chance(&self.randomness, 80)),
                        pending_until: Some(self.clock.now().mono.0 + HAND_OVER_MS),
                    });
                }
                Effect::WindowClosed { window, until } => self.published.close(customer, window, until),
                Effect::WindowOpened { window } => self.published.open(customer, window),
                Effect::Settled { .. } => {}
                other => panic!("unexpected effect {other:?}"),
            }
        }
    }

    fn hand_over(&mut self, message: Message) {
        let is_second = self
            .model
            .messages
            .iter()
            .any(|known| known.challenge == message.challenge);
        assert!(!is_second, "a second message for one challenge");
        let copies = self.offered();
        assert!(copies <= 1, "two operators have the same message");
        if let Some(claim) = message.claim {
            let earlier = self
                .model
                .messages
                .iter()
                .filter(|m| m.claim == Some(claim) && m.taken != Some(false));
            let is_live = |m: &&Message| {
                let born = |id: ChallengeId| id.0.get_timestamp().map_or(0, |t| t.to_unix().0.cast_signed());
                let latest = self.model.latest.get(&m.challenge).map_or(0, |ms| ms / 1_000);
                latest.max(born(message.challenge)) - born(m.challenge) < 23 * 3_600
            };
            let live: Vec<_> = earlier.filter(is_live).map(|m| m.challenge).collect();
            assert!(live.is_empty(), "a second message for one key, after {live:?}");
        }
        self.model.messages.push(message);
    }

    fn answered(&mut self, customer: CustomerId, request: RequestId, answer: Answer) {
        let asked = self
            .asked
            .remove(&request)
            .expect("I1: one answer to each request, and to none twice");
        self.seen.insert(name(&answer));
        if let Some(key) = asked.key
            && answer.is_kept()
        {
            let wall_ms = self.clock.now().wall.timestamp_millis();
            self.model.kept.insert(
                (key.0 * 100 + customer.0.cast_unsigned(), key.1),
                (answer.clone(), wall_ms),
            );
        }
        self.note(format!("answer {answer:?}"));
    }
}

fn name(answer: &Answer) -> &'static str {
    match (answer.reason, &answer.detail) {
        (Reason::Success, _) => "answer Success",
        (Reason::InThresholdOtpGenerator, _) => "answer InThresholdOtpGenerator",
        (Reason::SendSmsFault, Some(Detail::OutcomeUnknown)) => "answer SendSmsFault unknown",
        (Reason::SendSmsFault, _) => "answer SendSmsFault refused",
        (Reason::OtpGeneratorFault, Some(Detail::ContactLocked { .. })) => "answer OtpGeneratorFault lock",
        (
            Reason::OtpGeneratorFault,
            Some(Detail::Capped {
                of_contract_type: true,
                ..
            }),
        ) => "answer OtpGeneratorFault cap type",
        (Reason::OtpGeneratorFault, Some(Detail::Capped { .. })) => "answer OtpGeneratorFault cap contact",
        (Reason::OtpGeneratorFault, _) => "answer OtpGeneratorFault generator",
        (Reason::OtpNotFound, _) => "answer OtpNotFound",
        (Reason::OtpExpired, _) => "answer OtpExpired",
        (Reason::OtpMismatch, _) => "answer OtpMismatch",
        (Reason::OtpLocked, _) => "answer OtpLocked",
        (other, _) => other.name(),
    }
}
