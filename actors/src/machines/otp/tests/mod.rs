//! Facts about a customer's one-time passwords, on a clock that is moved by hand.

mod caps;
mod memory;
mod restart;
mod sending;
mod verifying;
mod words;

use super::*;
use crate::random::{draw_code, draw_uuid};
use crate::testing::{SeededRandomness, now_at};
use phonenumber::country::Id::IR;
use zeroize::Zeroizing;

/// A book, a clock and chance; carries out decisions as the shell does, without a disk.
pub(super) struct Desk {
    pub(super) book: OtpBook,
    pub(super) now: Now,
    pub(super) policy: Policy,
    pub(super) sent: Vec<Sent>,
    keys: Arc<MacKeys>,
    randomness: SeededRandomness,
    requests: u64,
}

/// A message that went out.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) code: String,
}

pub(super) fn keys(ids: &[u32]) -> Arc<MacKeys> {
    let key = |id: &u32| (*id, Zeroizing::new(vec![u8::try_from(*id).unwrap(); 32]));
    Arc::new(MacKeys::new(ids.iter().map(key).collect()).unwrap())
}

pub(super) fn window(contact: i64, contract_type: u8) -> WindowKey {
    let invoker = crate::ids::InvokerCode(uuid::Uuid::from_u128(1));
    WindowKey {
        contact: ContactId(contact),
        contract_type: crate::ids::ContractTypeId(contract_type),
        invoker,
    }
}

pub(super) const W: fn() -> WindowKey = || window(2001, 7);

impl Desk {
    pub(super) fn new() -> Self {
        Self {
            book: OtpBook::new(CustomerId(1001)),
            now: now_at(0),
            policy: Policy::default(),
            sent: Vec::new(),
            keys: keys(&[1]),
            randomness: SeededRandomness::new(1),
            requests: 0,
        }
    }

    pub(super) fn wait(&mut self, seconds: f64) {
        #[allow(clippy::cast_possible_truncation)]
        let ms = (seconds * 1_000.0) as i64;
        self.now.wall += chrono::TimeDelta::milliseconds(ms);
        self.now.mono = Moment(self.now.mono.0 + ms);
    }

    pub(super) fn with_keys(&mut self, ids: &[u32]) {
        self.keys = keys(ids);
    }

    fn request(&mut self) -> RequestId {
        self.requests += 1;
        RequestId(self.requests)
    }

    /// Decides, applies, and gives the effects.
    pub(super) fn step(&mut self, command: Command) -> Vec<Effect> {
        let decision = self.book.decide(command, self.now);
        decision.events.iter().for_each(|event| self.book.apply(event));
        decision.effects
    }

    /// A send up to the hand-over: either its refusal, or the code that is now in flight.
    pub(super) fn begin(&mut self, window: WindowKey) -> Result<ChallengeId, Answer> {
        self.begin_bound(window, Binding::default(), true)
    }

    pub(super) fn begin_bound(
        &mut self,
        window: WindowKey,
        binding: Binding,
        generator: bool,
    ) -> Result<ChallengeId, Answer> {
        let draw = generator.then(|| Draw {
            code: draw_code(&self.randomness, self.policy.code_length).unwrap(),
            challenge: ChallengeId(draw_uuid(&self.randomness, self.now).unwrap()),
            message: MessageId(draw_uuid(&self.randomness, self.now).unwrap()),
        });
        let request = self.request();
        let effects = self.step(Command::Send(Box::new(SendCommand {
            request,
            window,
            destination: phone(),
            brand: "کارگزاری آگاه".to_owned(),
            full_name: "نمونه یکم آزمایشی".to_owned(),
            title: "سبدگردانی".to_owned(),
            binding,
            policy: self.policy.clone(),
            draw,
            keys: Arc::clone(&self.keys),
            claim: None,
            trace: None,
            client: None,
        })));
        match effects.into_iter().next() {
            Some(Effect::SendSms { challenge, text, .. }) => {
                let code = text.expose().lines().last().unwrap().to_owned();
                self.sent.push(Sent { code });
                Ok(challenge)
            }
            Some(Effect::Answer { answer, .. }) => Err(answer),
            other => panic!("a send gives {other:?}"),
        }
    }

    pub(super) fn settle(&mut self, challenge: ChallengeId, settlement: Settlement) -> Option<Answer> {
        answer_of(self.step(Command::Settle {
            challenge,
            settlement,
            handed: None,
        }))
    }

    /// A send that the operator takes at once.
    pub(super) fn send(&mut self, window: WindowKey) -> Answer {
        match self.begin(window) {
            Ok(challenge) => self.settle(challenge, Settlement::Accepted).unwrap(),
            Err(refusal) => refusal,
        }
    }

    pub(super) fn verify(&mut self, window: WindowKey, code: &str) -> Answer {
        self.verify_bound(window, code, Binding::default(), Some(phone()))
    }

    pub(super) fn verify_bound(
        &mut self,
        window: WindowKey,
        code: &str,
        binding: Binding,
        destination: Option<Phone>,
    ) -> Answer {
        let command = VerifyCommand {
            request: self.request(),
            window,
            destination,
            binding,
            code: Otp::typed(code),
            policy: self.policy.clone(),
            keys: Arc::clone(&self.keys),
            claim: None,
            evidence: None,
        };
        let mut effects = self.step(Command::Verify(Box::new(command)));
        if let Some(Effect::Compare(_)) = effects.first() {
            let Some(Effect::Compare(compare)) = effects.pop() else {
                unreachable!()
            };
            effects = self.step(Command::Compare(compare));
        }
        answer_of(effects).unwrap()
    }

    /// The code of the last message.
    pub(super) fn code(&self) -> String {
        self.sent.last().unwrap().code.clone()
    }

    /// A code that is not the last one.
    pub(super) fn wrong(&self) -> String {
        let last = self.code();
        let flipped = if last.starts_with('0') { '1' } else { '0' };
        format!("{flipped}{}", &last[1..])
    }

    /// The process ends and begins again, this much later on the wall clock.
    pub(super) fn restart(&mut self, wall_seconds: i64) {
        let bytes = storage::record::encode(&self.book.record(self.now)).unwrap();
        let wall = self.now.wall + chrono::TimeDelta::seconds(wall_seconds);
        self.now = Now {
            wall,
            mono: Moment(0),
            process: Process {
                id: self.now.process.id + 1,
                began_wall_ms: wall.timestamp_millis(),
            },
        };
        self.book = OtpBook::restored(
            CustomerId(1001),
            storage::record::decode(&bytes).unwrap(),
            self.now,
        );
    }
}

pub(super) fn phone() -> Phone {
    Phone::mobile("09120000001", IR).unwrap()
}

pub(super) fn answer_of(effects: Vec<Effect>) -> Option<Answer> {
    effects.into_iter().find_map(|effect| match effect {
        Effect::Answer { answer, .. } => Some(answer),
        _ => None,
    })
}
