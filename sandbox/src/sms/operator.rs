//! The operator's rules, pure.

use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;
use uuid::Uuid;

/// Messages kept; beyond them the oldest go.
const MESSAGES_MAX: usize = 10_000;
/// Sends that can be armed at once.
const ARMED_MAX: u32 = 10_000;

/// A message that arrived.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Received {
    /// E.164.
    pub to: String,
    /// The whole text, code included: this is a stand-in.
    pub text: String,
    /// When, in RFC 3339.
    pub at: String,
}

/// How sends to come are to go.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// How many.
    #[serde(default = "one")]
    pub next: u32,
    /// What happens to them.
    pub r#do: Misbehaviour,
    /// The code of a refusal.
    #[serde(default = "refusal_code")]
    pub code: String,
    /// How slow, in seconds.
    #[serde(default = "one")]
    pub seconds: u32,
    /// Whether a send that times out arrives all the same.
    #[serde(default = "yes")]
    pub deliver: bool,
}

fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}

fn refusal_code() -> String {
    "411".to_owned()
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Misbehaviour {
    /// The operator says no.
    Refuse,
    /// The operator says nothing.
    TimeOut,
    /// The operator takes its time, then says yes.
    Slow,
}

/// What the operator says of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Verdict {
    /// It has it.
    Accepted {
        /// Its own id.
        operator_id: String,
        /// How many parts.
        parts: u32,
    },
    /// It does not want it.
    Refused {
        /// For good.
        permanent: bool,
        /// Its code.
        code: String,
        /// Its words.
        text: String,
    },
}

/// How the operator replies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// After so long.
    Say(Verdict, Duration),
    /// Never.
    SayNothing,
}

/// All it remembers.
#[derive(Default)]
pub struct Operator {
    messages: VecDeque<Received>,
    verdicts: HashMap<Uuid, Verdict>,
    order: VecDeque<Uuid>,
    armed: VecDeque<Control>,
}

impl Operator {
    /// Takes a message. The same id again is the same message: it is not sent a second time.
    pub fn receive(&mut self, id: Uuid, received: Received) -> Reply {
        if let Some(known) = self.verdicts.get(&id) {
            return Reply::Say(known.clone(), Duration::ZERO);
        }
        let accepted = Verdict::Accepted {
            operator_id: format!("sandbox-{id}"),
            parts: parts(&received.text),
        };
        let Some(control) = self.armed.pop_front() else {
            self.keep(id, accepted.clone(), Some(received));
            return Reply::Say(accepted, Duration::ZERO);
        };
        match control.r#do {
            Misbehaviour::Refuse => {
                let text = "refused as told".to_owned();
                let refused = Verdict::Refused {
                    permanent: true,
                    code: control.code,
                    text,
                };
                self.keep(id, refused.clone(), None);
                Reply::Say(refused, Duration::ZERO)
            }
            Misbehaviour::TimeOut => {
                if control.deliver {
                    self.keep(id, accepted, Some(received));
                }
                Reply::SayNothing
            }
            Misbehaviour::Slow => {
                self.keep(id, accepted.clone(), Some(received));
                Reply::Say(accepted, Duration::from_secs(u64::from(control.seconds)))
            }
        }
    }

    /// Keeps a message that came another way, where its own verdict was given.
    pub fn deliver(&mut self, received: Received) {
        self.messages.push_back(received);
        while self.messages.len() > MESSAGES_MAX {
            self.messages.pop_front();
        }
    }

    fn keep(&mut self, id: Uuid, verdict: Verdict, received: Option<Received>) {
        self.messages.extend(received);
        self.verdicts.insert(id, verdict);
        self.order.push_back(id);
        while self.messages.len() > MESSAGES_MAX {
            self.messages.pop_front();
        }
        while self.order.len() > MESSAGES_MAX {
            let oldest = self.order.pop_front();
            oldest.iter().for_each(|id| drop(self.verdicts.remove(id)));
        }
    }

    /// What became of a message.
    pub fn verdict(&self, id: Uuid) -> Option<&Verdict> {
        self.verdicts.get(&id)
    }

    /// Messages, oldest first; to one number, or all.
    pub fn messages(&self, to: Option<&str>) -> Vec<&Received> {
        self.messages
            .iter()
            .filter(|message| to.is_none_or(|to| message.to == to))
            .collect()
    }

    /// Arms the sends to come.
    pub fn arm(&mut self, control: &Control) {
        let room = usize::try_from(ARMED_MAX)
            .unwrap_or(usize::MAX)
            .saturating_sub(self.armed.len());
        let count = usize::try_from(control.next).unwrap_or(usize::MAX).min(room);
        self.armed.extend(std::iter::repeat_n(control.clone(), count));
    }

    /// Forgets messages, verdicts and what was armed.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

/// How many parts a text takes: UCS-2 has 70 units in one message and 67 in each of several; plain ASCII (near enough to GSM 7-bit for
/// a stand-in) 160 and 153.
fn parts(text: &str) -> u32 {
    let (units, single, each) = if text.is_ascii() {
        (text.len(), 160, 153)
    } else {
        (text.encode_utf16().count(), 70, 67)
    };
    let count = if units <= single { 1 } else { units.div_ceil(each) };
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Received {
        Received {
            to: "+989120000001".to_owned(),
            text: text.to_owned(),
            at: String::new(),
        }
    }

    #[test]
    fn the_same_id_again_is_the_same_message() {
        let mut operator = Operator::default();
        let id = Uuid::from_u128(1);
        let first = operator.receive(id, message("one"));
        assert_eq!(operator.receive(id, message("one")), first);
        assert_eq!(operator.messages(Some("+989120000001")).len(), 1);
    }

    #[test]
    fn what_is_armed_happens_in_order_and_then_ends() {
        let mut operator = Operator::default();
        let control = |r#do| Control {
            next: 1,
            r#do,
            code: "418".to_owned(),
            seconds: 2,
            deliver: false,
        };
        operator.arm(&control(Misbehaviour::Refuse));
        operator.arm(&control(Misbehaviour::TimeOut));
        operator.arm(&control(Misbehaviour::Slow));
        let replies: Vec<Reply> = (1..=4)
            .map(|n| operator.receive(Uuid::from_u128(n), message("x")))
            .collect();
        assert!(matches!(&replies[0], Reply::Say(Verdict::Refused { code, .. }, _) if code == "418"));
        assert_eq!(replies[1], Reply::SayNothing);
        assert!(matches!(&replies[2], Reply::Say(Verdict::Accepted { .. }, wait) if wait.as_secs() == 2));
        assert!(matches!(
            &replies[3],
            Reply::Say(Verdict::Accepted { .. }, Duration::ZERO)
        ));
        assert_eq!(
            operator.messages(None).len(),
            2,
            "neither the refused nor the lost one arrived"
        );
        assert_eq!(operator.verdict(Uuid::from_u128(2)), None);
    }

    #[test]
    fn the_signing_text_takes_two_parts() {
        assert_eq!(parts(&"ب".repeat(70)), 1);
        assert_eq!(parts(&"ب".repeat(71)), 2);
        assert_eq!(parts(&"a".repeat(161)), 2);
    }
}
