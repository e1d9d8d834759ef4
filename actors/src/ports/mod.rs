//! What actors ask of the world. The gateway's `outbound` implements it; tests script it.

mod agent;
mod signing;
mod tax;

pub use agent::{AgentPusher, Pushed};
pub use signing::{
    SignatureOutcome, SignatureRefusal, SignatureRequest, SignatureVerifier, SigningAgent, Unfit,
};
pub use tax::{Asked, Packed, Posted, TaxCommand, TaxDocument, TaxPackage, TaxService};

use crate::ids::{ChallengeId, InvokerCode, MessageId};
use crate::phone::Phone;
use crate::secret::Secret;
use futures_util::future::BoxFuture;
use std::time::Duration;

/// One message for one phone.
#[derive(Clone, Debug)]
pub struct Message {
    /// Ours, stable: the operator is asked by it, and recognises a repeat by it.
    pub id: MessageId,
    /// The code that it carries, as its partner knows it; operators that report by a URL are given it there.
    pub challenge: ChallengeId,
    /// Whose message it is, and who pays for it.
    pub partner: InvokerCode,
    /// Where to.
    pub destination: Phone,
    /// What; masked, because it holds a code.
    pub text: Secret,
    /// How long it is worth delivering: as long as its code lives.
    pub lifetime: Duration,
    /// How long the operator may take.
    pub deadline: Duration,
    /// The caller's trace (W3C `traceparent`), where there is one.
    pub trace: Option<String>,
}

/// What an operator said of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has the message.
    Accepted(HandOver),
    /// It will not send the message. Only this frees the window.
    Refused {
        /// Whether a repeat can never succeed.
        permanent: bool,
        /// Its code.
        code: String,
        /// Its words.
        text: String,
    },
    /// No answer in time, or none that can be read: the message may have gone.
    Unknown,
}

/// How an operator has a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandOver {
    /// Its name.
    pub operator: String,
    /// Its own ids, of the message or of its parts; none where it names none.
    pub operator_ids: Vec<String>,
    /// How many parts the message has.
    pub parts: u32,
    /// Whether it can be asked what became of them.
    pub is_polled: bool,
}

/// What became of a message that an operator has, in an operator's own code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryReport {
    /// Which message, or part.
    pub named: Named,
    /// What.
    pub fate: DeliveryFate,
    /// The operator's code for it.
    pub code: String,
}

/// Which message a report is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// By the operator's id of it, or of one of its parts.
    Theirs(String),
    /// By the challenge that we named with it.
    Ours(ChallengeId),
}

/// What a report says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryFate {
    /// The operator has it.
    OnItsWay,
    /// It is on the phone.
    Delivered,
    /// It will not arrive.
    Failed,
}

/// What an operator says when it is asked for a message's fate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// It has, or had, the message.
    Known(Outcome),
    /// It cannot be asked, does not know the message, or gave no answer. The message may still have gone.
    CannotTell,
}

/// An SMS operator, or a choice of several.
pub trait SmsSender: Send + Sync + 'static {
    /// A short name for logs and metrics (`sandbox`, `webhook`).
    fn name(&self) -> &'static str;
    /// Hands a message over. Never retries by itself after an unknown outcome.
    fn send(&self, message: Message) -> BoxFuture<'_, Outcome>;
    /// Asks what became of a message, within `deadline`.
    fn lookup(&self, message: MessageId, deadline: Duration) -> BoxFuture<'_, Lookup>;
    /// Asks an operator, by its name and its own ids, what became of messages. Nothing where it cannot be asked, or says nothing.
    fn poll(
        &self,
        _operator: &str,
        _ids: &[String],
        _deadline: Duration,
    ) -> BoxFuture<'_, Vec<DeliveryReport>> {
        Box::pin(async { Vec::new() })
    }
}
