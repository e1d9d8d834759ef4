//! Operators, a file each: pure mappings from a message to a call, and from an answer to what it means.
//!
//! Common to all: what cannot be read is [`Submitted::Unknown`], because the message may have gone; a refusal is `permanent` where the message
//! or its recipient is at fault, so that another operator would be asked for the same in vain (or against the recipient's will), and not
//! permanent where it is the account, the route or the operator.

pub mod kavenegar;
pub mod smpp;
pub mod smsru;
pub mod turbosms;
pub mod twilio;

pub use kavenegar::Kavenegar;
pub use smsru::SmsRu;
pub use turbosms::TurboSms;
pub use twilio::Twilio;

use crate::{Call, Received, Report, Submission, Submitted, Unfit};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// An operator that is spoken to by HTTP.
pub trait HttpOperator: Send + Sync + 'static {
    /// A short name for logs, metrics, routes and the URL of its reports.
    fn name(&self) -> &'static str;

    /// The call that hands a message over.
    fn submit(&self, submission: &Submission<'_>) -> Call;

    /// What its answer means.
    fn submitted(&self, status: u16, body: &[u8]) -> Submitted;

    /// The call that asks for a message by our own id; `None` where the operator knows no ids of ours.
    fn look_up(&self, _message: Uuid) -> Option<Call> {
        None
    }

    /// What its answer means; `None` where it does not know the message or cannot tell.
    fn looked_up(&self, _status: u16, _body: &[u8]) -> Option<Submitted> {
        None
    }

    /// The call that asks what became of messages, by the operator's ids; `None` where it cannot be asked.
    fn poll(&self, _ids: &[String]) -> Option<Call> {
        None
    }

    /// Ids that one such call may ask for.
    fn poll_ids_max(&self) -> usize {
        100
    }

    /// What its answer says; nothing where it cannot be read.
    fn polled(&self, _status: u16, _body: &[u8]) -> Vec<Report> {
        Vec::new()
    }

    /// Reads a report that the operator has called us with.
    ///
    /// # Errors
    /// [`Unfit`]; nothing of it is to be believed.
    fn received(&self, _received: &Received<'_>) -> Result<Vec<Report>, Unfit> {
        Err(Unfit::Unproved)
    }

    /// What the operator wants to read once a report is taken.
    fn receipt_answer(&self) -> &'static str {
        ""
    }
}

/// Whether two texts are the same, in a time that does not say where they differ.
fn same(one: &[u8], other: &[u8]) -> bool {
    bool::from(one.ct_eq(other))
}

/// Whether the query carries this token; an empty token admits nobody.
fn has_token(query: &str, token: &str) -> bool {
    let pairs = crate::form::decode(query.as_bytes()).unwrap_or_default();
    let given = crate::form::value(&pairs, "token").unwrap_or_default();
    !token.is_empty() && same(given.as_bytes(), token.as_bytes())
}
