//! What actors ask of the world. The gateway's `outbound` implements it; tests script it.

mod agent;
mod signing;
mod tax;

pub use agent::{AgentPusher, Pushed};
pub use signing::{
    SignatureOutcome, SignatureRefusal, SignatureRequest, SignatureVerifier, SigningAgent, Unfit,
};
pub use tax::{Asked, Packed, Posted, TaxCommand, TaxDocument, TaxPackage, TaxService};

use crate::ids::MessageId;
use crate::phone::Phone;
use crate::secret::Secret;
use futures_util::future::BoxFuture;
use std::time::Duration;

/// One message for one phone.
#[derive(Clone, Debug)]
pub struct Message {
    /// Ours, stable: the operator is asked by it, and recognises a repeat by it.
    pub id: MessageId,
    /// Where to.
    pub destination: Phone,
    /// What; masked, because it holds a code.
    pub text: Secret,
    /// How long the operator may take.
    pub deadline: Duration,
    /// The caller's trace (W3C `traceparent`), where there is one.
    pub trace: Option<String>,
}

/// What an operator said of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has the message.
    Accepted {
        /// Its own id of the message.
        operator_id: String,
        /// How many parts it counts.
        parts: u32,
    },
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
}
