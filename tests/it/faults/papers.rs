//! What is on a line, told from its octets: which document, question or package, at which step of its way.

use super::wire::{Seen, Stage};
use flate2::read::GzDecoder;
use serde_json::Value;
use signing_protocol::{Delivery, Outcome, PollAnswer, SignedRequest, Task, routes};
use std::collections::HashMap;
use std::io::Read;
use std::sync::Mutex;

/// What is signed and sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Paper {
    /// The question for the register's state.
    State,
    Open,
    Sale,
    Return,
    ZReport,
    Close,
    OfflineBegin,
    OfflineEnd,
    Package,
    /// Another document, or another question.
    Other,
}

/// A step of a paper on its way; each is a moment at which the gateway can be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The agent is asked to sign it, and has not heard of it.
    SignatureAsked,
    /// The agent, which is pushed to, has taken the request, and the gateway has not heard that it has.
    SignatureAccepted,
    /// The agent has signed it, and the gateway has not heard of it.
    SignatureOnItsWay,
    /// The gateway has the signature.
    SignatureTaken,
    /// It was sent, and the tax service has not seen it.
    Sent,
    /// The tax service has taken it, and the gateway does not know.
    Taken,
    /// The gateway has the tax service's answer, and who asked does not have theirs.
    Answered,
}

impl Step {
    /// Where the agent asks for requests.
    pub const ALL: [Self; 6] = [
        Self::SignatureAsked,
        Self::SignatureOnItsWay,
        Self::SignatureTaken,
        Self::Sent,
        Self::Taken,
        Self::Answered,
    ];
    /// Where the agent is pushed to.
    pub const OF_PUSHING: [Self; 7] = [
        Self::SignatureAsked,
        Self::SignatureAccepted,
        Self::SignatureOnItsWay,
        Self::SignatureTaken,
        Self::Sent,
        Self::Taken,
        Self::Answered,
    ];
    /// Those of what waits for its package, where the agent is pushed to.
    pub const OF_PUSHED_SIGNING: [Self; 4] = [
        Self::SignatureAsked,
        Self::SignatureAccepted,
        Self::SignatureOnItsWay,
        Self::SignatureTaken,
    ];
    /// Those of a document that waits for its package.
    pub const OF_SIGNING: [Self; 3] = [
        Self::SignatureAsked,
        Self::SignatureOnItsWay,
        Self::SignatureTaken,
    ];
}

/// Knows what each request for a signature was about, to tell what its answer is about; and what each was answered.
#[derive(Default)]
pub struct Signatures {
    asked: Mutex<HashMap<String, Asked>>,
    answers: Mutex<HashMap<String, Vec<u8>>>,
    contradictions: Mutex<Vec<String>>,
}

/// A request for a signature.
#[derive(Clone)]
pub struct Asked {
    pub paper: Paper,
    pub register: Option<u64>,
    pub content: Vec<u8>,
}

impl Signatures {
    /// What is on the line between agent and gateway, or on the one on which the agent is pushed to.
    pub fn of(&self, seen: &Seen<'_>) -> Vec<(Paper, Step)> {
        let path = seen.request.path();
        if path == routes::SIGNATURE_REQUESTS {
            return self.polled(seen);
        }
        if path == routes::PUSH {
            return self.pushed(seen).into_iter().collect();
        }
        let Some(asked) = self.answered(seen) else {
            return Vec::new();
        };
        let step = match seen.stage {
            Stage::Asked => Step::SignatureOnItsWay,
            Stage::Answered => Step::SignatureTaken,
            Stage::Told => return Vec::new(),
        };
        vec![(asked.paper, step)]
    }

    fn polled(&self, seen: &Seen<'_>) -> Vec<(Paper, Step)> {
        let answered = seen
            .answer
            .filter(|answer| seen.stage == Stage::Answered && !answer.body.is_empty());
        let Some(answer) = answered else {
            return Vec::new();
        };
        let Ok(polled) = serde_json::from_slice::<PollAnswer>(&answer.body) else {
            return Vec::new(); // an error of the protocol
        };
        let asked = polled.requests.into_iter().filter_map(|signed| self.ask(signed));
        asked.map(|paper| (paper, Step::SignatureAsked)).collect()
    }

    fn pushed(&self, seen: &Seen<'_>) -> Option<(Paper, Step)> {
        let paper = self.ask(serde_json::from_slice(&seen.request.body).ok()?)?;
        match seen.stage {
            Stage::Asked => Some((paper, Step::SignatureAsked)),
            Stage::Answered => (seen.answer?.status() == 202).then_some((paper, Step::SignatureAccepted)),
            Stage::Told => None,
        }
    }

    /// A request that the agent is given; which paper it is, where it is for a signature.
    fn ask(&self, signed: SignedRequest) -> Option<Paper> {
        let Task::Sign { register, bytes, .. } = signed.request.task else {
            return None;
        };
        let asked = Asked {
            paper: paper_to_sign(&bytes.0),
            register: register.map(|register| register.0),
            content: bytes.0,
        };
        let paper = asked.paper;
        self.asked
            .lock()
            .unwrap()
            .insert(signed.request.id.to_string(), asked);
        Some(paper)
    }

    /// What the agent answers here; none where it answers nothing.
    pub fn answered(&self, seen: &Seen<'_>) -> Option<Asked> {
        let rest = seen.request.path().strip_prefix(routes::SIGNATURE_REQUESTS)?;
        let id = rest.strip_prefix('/')?;
        let asked = self.asked.lock().unwrap().get(id).cloned()?;
        if seen.stage == Stage::Asked {
            self.keep(id, &seen.request.body);
        }
        Some(asked)
    }

    /// A signature has chance in it, so that a second one under the same id is another.
    fn keep(&self, id: &str, delivery: &[u8]) {
        let Ok(delivery) = serde_json::from_slice::<Delivery>(delivery) else {
            return; // an error of the protocol
        };
        let Outcome::Signed { cms } = delivery.outcome else {
            return;
        };
        let mut answers = self.answers.lock().unwrap();
        let first = answers.entry(id.to_owned()).or_insert_with(|| cms.0.clone());
        if *first != cms.0 {
            self.contradictions.lock().unwrap().push(id.to_owned());
        }
    }

    /// Requests that were signed more than once, as far as anybody looked at the line.
    pub fn signed_twice(&self) -> Vec<String> {
        self.contradictions.lock().unwrap().clone()
    }
}

/// What is on the line between gateway and tax service.
pub fn sent(seen: &Seen<'_>) -> (Paper, Step) {
    let step = match seen.stage {
        Stage::Asked => Step::Sent,
        Stage::Answered => Step::Taken,
        Stage::Told => Step::Answered,
    };
    let body = plain(seen);
    let paper = match seen.request.path() {
        "/fs/doc" => document(&body),
        "/fs/pck" => Paper::Package,
        _ => question(&body),
    };
    (paper, step)
}

/// The body that a delivery of the agent would have with another signed message in it; none where it is no signature.
pub fn with_signature(body: &[u8], change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Option<Vec<u8>> {
    let mut delivery: Delivery = serde_json::from_slice(body).ok()?;
    let Outcome::Signed { cms } = &mut delivery.outcome else {
        return None;
    };
    cms.0 = change(std::mem::take(&mut cms.0));
    Some(serde_json::to_vec(&delivery).unwrap())
}

fn plain(seen: &Seen<'_>) -> Vec<u8> {
    let body = &seen.request.body;
    if seen.request.header("content-encoding") != Some("gzip") {
        return body.clone();
    }
    let mut plain = Vec::new();
    GzDecoder::new(&body[..])
        .read_to_end(&mut plain)
        .expect("what the gateway packs unpacks");
    plain
}

fn paper_to_sign(octets: &[u8]) -> Paper {
    match octets.first() {
        Some(b'<') => document(octets),
        Some(b'{') => question(octets),
        // Lengths and signed documents, in turn.
        _ => Paper::Package,
    }
}

fn contains(octets: &[u8], what: &str) -> bool {
    octets.windows(what.len()).any(|part| part == what.as_bytes())
}

/// Signed or not: the document stands whole in its signed form.
fn document(octets: &[u8]) -> Paper {
    let is_type = |number: &str| contains(octets, &format!("<DOCTYPE>{number}</DOCTYPE>"));
    let is_subtype = |number: &str| contains(octets, &format!("<DOCSUBTYPE>{number}</DOCSUBTYPE>"));
    match () {
        () if contains(octets, "<ZREPHEAD>") => Paper::ZReport,
        () if is_type("100") => Paper::Open,
        () if is_type("101") => Paper::Close,
        () if is_type("102") => Paper::OfflineBegin,
        () if is_type("103") => Paper::OfflineEnd,
        () if is_type("0") && is_subtype("0") => Paper::Sale,
        () if is_type("0") && is_subtype("1") => Paper::Return,
        () => Paper::Other,
    }
}

/// Signed or not, as documents are.
fn question(octets: &[u8]) -> Paper {
    if contains(octets, "\"TransactionsRegistrarState\"") {
        Paper::State
    } else {
        Paper::Other
    }
}

/// A count of what was seen, to say that all of it was.
pub type Tally = std::collections::BTreeMap<(Paper, Step), u64>;

/// What a JSON answer says in a field.
#[track_caller]
pub fn text(value: &Value, field: &str) -> String {
    let text = value[field].as_str();
    text.unwrap_or_else(|| panic!("no {field} in {value}")).to_owned()
}
