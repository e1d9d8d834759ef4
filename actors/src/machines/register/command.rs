//! Commands, facts and deeds of a register.

use super::answer::{Answer, DocumentFacts, OperationRecord};
use super::away::{Away, Package};
use super::note::Note;
use super::request::{Request, Signer, Unit};
use super::state::{
    CloseAlarm, Flight, Link, Operation, Phase, Profile, Purpose, Query, QueryStage, SoldRecord, Stage,
};
use crate::clock::Moment;
use crate::idempotency::Claim;
use crate::ids::{KeyId, OperationId, RequestId, SignatureRequestId};
use crate::ports::{Packed, Posted, Unfit};
use chrono::NaiveDateTime;
use fiscal::command::{DocumentAnswer, DocumentInfo, LastShiftTotals, RegisterState};
use fiscal::document::Kind;
use fiscal::offline::Month;
use fiscal::{FiscalNumber, LocalNumber, OfflineSession, Rejection, Uid};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// What a register is told, with all the chance that its decision may need.
#[derive(Clone, Debug)]
pub struct Command {
    /// What.
    pub ask: Ask,
    /// Drawn for this command alone.
    pub draw: Draw,
}

/// Chance: a decision plans at most one document or question, takes at most one step on the way back from offline, and begins at most one
/// operation of its own.
#[derive(Clone, Copy, Debug)]
pub struct Draw {
    /// For a document's or question's UID.
    pub uid: Uuid,
    /// For a request for a signature.
    pub request: Uuid,
    /// For an operation.
    pub operation: Uuid,
    /// For the UID of a question on the way back from offline.
    pub home_uid: Uuid,
    /// For a request for a signature on the way back.
    pub home_request: Uuid,
}

/// What a register is told.
#[derive(Clone, Debug)]
pub enum Ask {
    /// An operation.
    Order(Box<Order>),
    /// What was read for the operation in work.
    Fetched {
        /// Which.
        operation: OperationId,
        /// The document that carries its body; its head means nothing.
        kind: Arc<Kind>,
        /// The receipt that it returns.
        sold: Option<SoldRecord>,
    },
    /// What came of a request for a signature.
    Signature {
        /// Which.
        request: SignatureRequestId,
        /// What.
        signature: Signature,
    },
    /// What the tax service said of a document.
    Posted {
        /// Which.
        uid: Uid,
        /// What.
        posted: Posted,
    },
    /// What the tax service said to a question.
    Asked {
        /// Which.
        uid: Uid,
        /// What.
        reply: Reply,
    },
    /// What is next of an offline session, as it was read.
    PackageRead {
        /// The local number of the first document that was asked for.
        first: LocalNumber,
        /// How many documents fit into one package, or are signed by one key.
        count: u64,
        /// Whose key signed them; none where there are none.
        signer: Option<Signer>,
        /// Whether these are all, with room for one more.
        is_all: bool,
    },
    /// What the tax service said of a package.
    Packed {
        /// Which: the request for its signature.
        package: SignatureRequestId,
        /// What.
        packed: Packed,
    },
    /// A person uses a tool.
    Tool {
        /// Who is told.
        request: RequestId,
        /// Which.
        tool: Tool,
    },
    /// A deadline has come.
    Wake,
    /// The state was read from disk: what is owed?
    Resume,
    /// A person has looked at a register that waits for one.
    Resolve {
        /// Who is told.
        request: RequestId,
        /// What the person found of a document whose fate was not known.
        document: Option<Finding>,
    },
}

/// What a person may do with a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Ask the tax service where the register stands, and follow it; of one that is offline: look now whether it is back.
    Resynchronise,
    /// Go offline, and stay so.
    GoOffline,
    /// Go online again as soon as the tax service can be reached.
    GoOnline,
}

/// What a person found of a document in doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The tax service has it, under this number.
    Issued(FiscalNumber),
    /// The tax service does not have it.
    NotIssued,
}

/// An operation that is asked for.
#[derive(Clone, Debug)]
pub struct Order {
    /// Its id, drawn by the door.
    pub operation: OperationId,
    /// What.
    pub request: Request,
    /// Who asks, and whose key signs.
    pub signer: Signer,
    /// What the directory knows of the register.
    pub unit: Arc<Unit>,
    /// Whether a closed shift is opened for it; `None`: as the register is set.
    pub open_shift: Option<bool>,
    /// How long the caller is held. Nothing: it is answered "pending" at once.
    pub hold: Duration,
    /// How long it may wait before its document is sent; at least `hold`.
    pub lifetime: Duration,
    /// The idempotency key it came under.
    pub claim: Option<Claim>,
    /// The client's own number (`local_number`).
    pub reference: Option<u64>,
    /// The earlier operation with the same fingerprint ([`super::fingerprint`]), as the shell found it.
    pub earlier: Option<FingerprintRecord>,
    /// The receipt that it returns, as the shell found it.
    pub sold: Option<SoldRecord>,
}

/// Under which operation a fingerprint was seen (row `fingerprint/<register>/<fingerprint>`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FingerprintRecord {
    /// The operation.
    pub operation: OperationId,
    /// In which shift; `None` until it is done.
    pub shift: Option<u64>,
    /// When it was written, milliseconds since 1970: for its sweeping.
    pub written_ms: i64,
}

/// What came of a request for a signature, judged by the shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    /// A fit signature of exactly the content, by the key.
    Signed(Vec<u8>),
    /// The agent refuses.
    Refused {
        /// For programs.
        reason: String,
        /// For people.
        text: String,
    },
    /// What came was unfit, again and again.
    Unfit(Unfit),
    /// Nothing came in time.
    Late,
}

/// What the tax service said to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// To [`Purpose::Synchronise`], [`Purpose::Doubt`] and [`Purpose::Return`].
    State(Box<RegisterState>),
    /// To [`Purpose::DoubtNumber`] and [`Purpose::ReturnNumber`].
    Number(Box<DocumentInfo>),
    /// To [`Purpose::DoubtDocument`] and [`Purpose::ReturnDocument`].
    Document(Box<DocumentAnswer>),
    /// To [`Purpose::Totals`].
    Totals(Box<LastShiftTotals>),
    /// To [`Purpose::Probe`]: it is there.
    Reached,
    /// There is nothing (204, code 13).
    Nothing,
    /// A refusal.
    Rejected(Rejection),
    /// No answer, or none that can be read.
    Unreachable,
}

/// A fact about a register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The directory's facts changed.
    Told(Box<Profile>),
    /// An operation was accepted.
    Accepted {
        /// It.
        operation: Box<Operation>,
        /// Its body as a document's XML, where that must outlive the moment.
        body: Option<Vec<u8>>,
    },
    /// The first that waits came into work.
    Taken,
    /// The gateway began to close the shift by itself.
    CloseBegun(Box<Operation>),
    /// What the operation in work is to issue is in memory. Not remembered on disk.
    Fetched(super::state::Body),
    /// The tax service told the session with which the register may go offline.
    SessionTold(OfflineSession),
    /// The operation in work pauses, or goes on.
    Paused(Option<Moment>),
    /// A document was made, and is to be signed.
    Planned {
        /// It.
        flight: Box<Flight>,
        /// The octets to be signed.
        xml: Vec<u8>,
    },
    /// A document was signed, and is about to be sent.
    Signed {
        /// The signed octets.
        cms: Vec<u8>,
        /// Until when its answer is awaited.
        until: Moment,
    },
    /// The document on its way came to this stage.
    Moved(Stage),
    /// The document on its way is given up; its number is free.
    Freed,
    /// The document on its way is registered.
    Registered(Box<Registered>),
    /// A question was made, and is to be signed (or asked at once).
    QueryPlanned(Box<Query>),
    /// The question came to this stage.
    QueryMoved(QueryStage),
    /// The question is answered or given up.
    QueryEnded,
    /// The register's state was followed.
    Synchronised {
        /// The number that is due.
        next: LocalNumber,
        /// Where it stands now.
        phase: Box<Phase>,
        /// What it needs in order to go offline.
        offline: Option<OfflineSession>,
        /// Minutes of this month in which it was offline, where the tax service says.
        used: Option<(Month, i64)>,
    },
    /// The state must be asked anew before anything else: a refusal showed that it is another, or a person said so.
    Unsettled,
    /// The tax service has a Z-report of the shift that we did not know of, or none where we thought one.
    Reported(bool),
    /// Who was held was told that it is not resolved yet.
    Released(OperationId),
    /// Somebody else is held for an operation, at least until then.
    HeldAgain {
        /// Which.
        operation: OperationId,
        /// Until when.
        until: Moment,
    },
    /// An operation came to its end.
    Ended {
        /// Which.
        operation: Box<Operation>,
        /// What is kept of it.
        record: Box<OperationRecord>,
        /// In which shift it was done.
        shift: Option<u64>,
    },
    /// When the shift's close is to be looked at again, and attempts that failed.
    CloseSet(CloseAlarm),
    /// How the register stands to the tax service.
    Linked(Link),
    /// Since when the tax service does not answer; `None`: it does.
    Unreached(Option<Moment>),
    /// It went offline; a document whose fate is not known goes with it.
    Left(Box<Away>),
    /// What is remembered of it while it is offline, changed.
    AwaySet(Box<Away>),
    /// The document on its way is issued offline.
    Issued {
        /// The signed octets.
        cms: Vec<u8>,
        /// What is known of it.
        registered: Box<Registered>,
        /// Whose key signed it.
        signer: Box<Signer>,
    },
    /// The first document of the session is made again, to be signed.
    BeginMade {
        /// Its identifier.
        uid: Uid,
        /// The octets to be signed.
        xml: Vec<u8>,
    },
    /// The first document of the session is signed again.
    BeginSigned {
        /// Its identifier.
        uid: Uid,
        /// Its local number.
        local_number: LocalNumber,
        /// The signed octets.
        cms: Vec<u8>,
        /// Whose key signed it.
        signer: Box<Signer>,
    },
    /// The tax service has these documents.
    Delivered {
        /// The local number of the first.
        first: LocalNumber,
        /// How many.
        count: u64,
        /// The online document that the first of them revoked.
        revoked: Option<Box<DocumentFacts>>,
    },
    /// The end of the session, which was never sent, is taken back.
    EndDropped {
        /// Its local number, which is free again.
        local_number: LocalNumber,
    },
    /// It is online again.
    Returned {
        /// What it needs in order to go offline again.
        offline: Option<OfflineSession>,
        /// Minutes of this month in which it was offline.
        used: Option<(Month, i64)>,
    },
}

/// A registered document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// What is known of it.
    pub facts: DocumentFacts,
    /// What the register needs in order to go offline, where the ticket brought it.
    pub offline: Option<OfflineSession>,
    /// The ticket's CMS, where one came: an adopted document has none.
    pub ticket: Option<Vec<u8>>,
    /// When, on both clocks; for a shift that it opens.
    pub at: RegisteredAt,
    /// For which shift of the register.
    pub shift: u64,
    /// The client's own number, for lists.
    pub reference: Option<u64>,
    /// For an opening: when the shift closes by itself.
    pub close: Option<CloseAlarm>,
    /// For which operation.
    pub operation: OperationId,
    /// What is left for returns: of this sale, or of the one that this returns.
    pub sold: Option<(FiscalNumber, SoldRecord)>,
}

/// When a document was registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisteredAt {
    /// Milliseconds since 1970.
    pub wall_ms: i64,
    /// On the monotonic clock.
    pub moment: Moment,
    /// In Kyiv.
    pub local: NaiveDateTime,
}

/// A deed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Tell whoever waits for this operation. The answer may be "pending"; then nobody is held any more.
    Answer(Answer),
    /// The order is a repeat: who waits for the one is told what the other came to.
    Repeat {
        /// The order.
        operation: OperationId,
        /// The first.
        of: OperationId,
        /// The first is not resolved, and who asked again does not want to wait.
        at_once: bool,
    },
    /// Read the body of the operation in work, and what is known of the receipt that it returns. Repeatable.
    Fetch {
        /// Which.
        operation: OperationId,
        /// In how many rows the body lies; none: it is in the document `uid`.
        body_rows: u16,
        /// The document that last carried it.
        uid: Option<Uid>,
        /// The receipt that it returns.
        original: Option<FiscalNumber>,
    },
    /// Ask for a signature. Repeatable under its id.
    Sign {
        /// The request.
        request: SignatureRequestId,
        /// With which key.
        key: KeyId,
        /// The key's identifier.
        subject_key_id: String,
        /// Of what.
        content: Content,
        /// Until when, on the wall clock: part of the request, milliseconds since 1970.
        deadline_ms: i64,
        /// The same on the monotonic clock.
        until: Moment,
    },
    /// A signature is of no use any more.
    Withdraw(SignatureRequestId),
    /// Post a signed document. Ask-only: after a crash its outcome is asked for, it is never posted blindly again.
    Post {
        /// Which.
        uid: Uid,
        /// Its number.
        local_number: LocalNumber,
        /// How long the server may take.
        within: Duration,
    },
    /// Read what is next of an offline session. Repeatable.
    ReadPackage {
        /// The local number of the first document.
        first: LocalNumber,
    },
    /// Send a package. Ask-only: its outcome is asked for before it is sent again.
    PostPackage {
        /// Which: the request for its signature.
        package: SignatureRequestId,
        /// The signed package.
        cms: Vec<u8>,
        /// How long the server may take.
        within: Duration,
    },
    /// Put a question. Repeatable.
    AskService {
        /// Which.
        uid: Uid,
        /// What for.
        purpose: Purpose,
        /// Its name.
        name: &'static str,
        /// The signed question, or the bare one.
        body: Vec<u8>,
        /// Whether it is signed.
        is_signed: bool,
        /// How long the server may take.
        within: Duration,
    },
    /// A person's word was taken, or there was nothing to resolve.
    Resolved {
        /// Who is told.
        request: RequestId,
        /// Whether it was taken.
        taken: bool,
    },
    /// For counting only: nothing is done.
    Note(Note),
}

/// What is to be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The document's XML, as it lies on disk.
    Document(Uid),
    /// A question's JSON.
    Query(Vec<u8>),
    /// The signed documents of a package, each behind its length.
    Package(Package),
}
