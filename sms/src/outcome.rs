//! What goes to an operator, and what comes back, in words that all operators share.

use std::fmt;
use uuid::Uuid;
use zeroize::Zeroizing;

/// One message for one phone.
pub struct Submission<'a> {
    /// Ours, stable.
    pub message: Uuid,
    /// What the partner knows it by; stands in URLs that operators call.
    pub challenge: Uuid,
    /// E.164, with the plus sign.
    pub to: &'a str,
    /// The whole text.
    pub text: &'a str,
    /// How long it is worth delivering, in seconds: as long as its code lives.
    pub validity_seconds: u32,
}

impl Submission<'_> {
    /// The number without its plus sign, as most operators want it.
    pub fn digits(&self) -> &str {
        self.to.strip_prefix('+').unwrap_or(self.to)
    }
}

/// How a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
}

/// One HTTP call. All of it is secret: keys stand in URLs and headers, codes in bodies.
pub struct Call {
    /// How.
    pub method: Method,
    /// Where to.
    pub url: Zeroizing<String>,
    /// `Authorization`, where it needs one.
    pub authorization: Option<Zeroizing<String>>,
    /// The media type of the body; empty where there is none.
    pub media_type: &'static str,
    /// What.
    pub body: Zeroizing<String>,
}

impl fmt::Debug for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Call({:?} ***)", self.method)
    }
}

/// What an operator said of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// It has it.
    Accepted {
        /// Its own ids, one for each part that it names.
        ids: Vec<String>,
    },
    /// It does not, and will not.
    Refused {
        /// It is the message that is at fault, or its recipient: no other operator is to be tried.
        permanent: bool,
        /// Its code.
        code: String,
        /// Its words.
        text: String,
    },
    /// Nobody knows: no answer that can be read, or one that says neither.
    Unknown,
}

impl Submitted {
    /// Taken under one id.
    pub fn accepted(id: impl Into<String>) -> Self {
        Self::Accepted { ids: vec![id.into()] }
    }

    /// Refused with a code.
    pub fn refused(permanent: bool, code: impl fmt::Display, text: impl Into<String>) -> Self {
        Self::Refused {
            permanent,
            code: code.to_string(),
            text: text.into(),
        }
    }
}

/// What became of a message that an operator has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Queued, sent on, waiting for the phone.
    OnItsWay,
    /// On the phone.
    Delivered,
    /// It will not arrive.
    Failed,
}

/// Which message a report is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// By the operator's id.
    Theirs(String),
    /// By the challenge's id that we gave with the message.
    Ours(Uuid),
}

/// One line of a delivery report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// About which message (or part).
    pub named: Named,
    /// What.
    pub fate: Fate,
    /// The operator's code for it.
    pub code: String,
}

/// A delivery report as an operator's call brings it.
pub struct Received<'a> {
    /// The URL that the operator was given, with its query; signatures may cover it.
    pub url: &'a str,
    /// The query alone.
    pub query: &'a str,
    /// The header `X-Twilio-Signature`, where there is one.
    pub signature: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// Why a report is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Nothing proves that it comes from the operator.
    Unproved,
    /// It cannot be read.
    Unreadable,
}
