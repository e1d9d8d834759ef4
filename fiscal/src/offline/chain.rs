//! The documents of one offline session, each bound to the one before it.

use crate::Money;
use crate::numbers::{
    ControlSource, DeskNumber, DocumentHash, LocalNumber, OfflineNumber, OfflineSession, RegisterNumber,
};
use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

/// What a document is, as far as its number depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OfflineDocument {
    /// The session begins (DOCTYPE 102).
    Begin,
    /// A shift opens (100).
    OpenShift,
    /// A receipt or a service document, with CHECKTOTAL/SUM where it has one (a storno has none).
    Receipt {
        /// SUM.
        sum: Option<Money>,
    },
    /// A Z. It has a sum, which takes no part.
    ZReport,
    /// A shift closes (101).
    CloseShift,
    /// The session ends (103).
    End,
}

impl OfflineDocument {
    /// Whether the duration of the session is measured to it: a receipt or a Z.
    #[must_use]
    pub const fn is_financial(self) -> bool {
        matches!(self, Self::Receipt { .. } | Self::ZReport)
    }

    const fn sum(self) -> Option<Money> {
        match self {
            Self::Receipt { sum } => sum,
            _ => None,
        }
    }
}

/// The numbers of a document that is about to be built and signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// What it is.
    pub document: OfflineDocument,
    /// ORDERDATE and ORDERTIME, in Kyiv.
    pub moment: NaiveDateTime,
    /// ORDERNUM.
    pub local_number: LocalNumber,
    /// ORDERTAXNUM.
    pub number: OfflineNumber,
    /// PREVDOCHASH: none in the document that begins the session and in the first after it, always after that, in the one that ends it
    /// too. (The description says that both ends take no part; the official package shows that the end does, and is followed.)
    pub previous_hash: Option<DocumentHash>,
}

/// Why a document cannot be the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The session has not begun, and this does not begin it.
    #[error("the session has not begun")]
    NotBegun,
    /// The session has begun already.
    #[error("the session has begun")]
    Begun,
    /// The session has ended.
    #[error("the session has ended")]
    Ended,
    /// Earlier than the document before it.
    #[error("{given} is before {previous}, the moment of the document before")]
    TimeGoesBack {
        /// Of the document before.
        previous: NaiveDateTime,
        /// Of this one.
        given: NaiveDateTime,
    },
    /// Planned before another document was recorded: its number is taken.
    #[error("the document was not planned as the next one")]
    NotNext,
    /// No octets: an unsigned document is not in the chain.
    #[error("the document is not signed")]
    NotSigned,
}

/// The chain of one session: what was signed, and so what the next document must say. Plain data, to be stored after every document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfflineChain {
    session: OfflineSession,
    register: RegisterNumber,
    desk: DeskNumber,
    next_local: LocalNumber,
    /// Documents recorded.
    length: u64,
    /// Of the last document, but for the one that begins the session: that may be made again to revoke a duplicate.
    previous_hash: Option<DocumentHash>,
    begun: Option<NaiveDateTime>,
    last: Option<NaiveDateTime>,
    last_financial: Option<NaiveDateTime>,
    ended: bool,
}

impl OfflineChain {
    /// A session that has not begun: the document that begins it takes the next local number.
    #[must_use]
    pub const fn new(
        session: OfflineSession,
        register: RegisterNumber,
        desk: DeskNumber,
        next_local: LocalNumber,
    ) -> Self {
        Self {
            session,
            register,
            desk,
            next_local,
            length: 0,
            previous_hash: None,
            begun: None,
            last: None,
            last_financial: None,
            ended: false,
        }
    }

    /// Plans the next document; the chain stays as it is until [`Self::record`].
    ///
    /// # Errors
    /// [`ChainError`], but not `NotNext` and `NotSigned`.
    pub fn plan(&self, document: OfflineDocument, moment: NaiveDateTime) -> Result<Planned, ChainError> {
        match (self.begun, document) {
            _ if self.ended => return Err(ChainError::Ended),
            (None, OfflineDocument::Begin) => {}
            (None, _) => return Err(ChainError::NotBegun),
            (Some(_), OfflineDocument::Begin) => return Err(ChainError::Begun),
            (Some(_), _) => {}
        }
        if let Some(previous) = self.last.filter(|previous| moment < *previous) {
            return Err(ChainError::TimeGoesBack {
                previous,
                given: moment,
            });
        }
        let source = ControlSource {
            seed: &self.session.seed,
            moment,
            local_number: self.next_local,
            register: self.register,
            desk: self.desk,
            sum: document.sum(),
            previous_hash: self.previous_hash,
        };
        Ok(Planned {
            document,
            moment,
            local_number: self.next_local,
            number: OfflineNumber {
                session: self.session.id,
                place: self.length + 1,
                control: source.control(),
            },
            previous_hash: self.previous_hash,
        })
    }

    /// Records the signed octets of a planned document, which the next one will carry the hash of.
    ///
    /// # Errors
    /// [`ChainError::NotNext`] when another was recorded since it was planned, [`ChainError::NotSigned`] without octets.
    pub fn record(&mut self, planned: &Planned, signed: &[u8]) -> Result<(), ChainError> {
        if self.plan(planned.document, planned.moment).as_ref() != Ok(planned) {
            return Err(ChainError::NotNext);
        }
        if signed.is_empty() {
            return Err(ChainError::NotSigned);
        }
        match planned.document {
            OfflineDocument::Begin => self.begun = Some(planned.moment),
            OfflineDocument::End => self.ended = true,
            _ => {}
        }
        if planned.document != OfflineDocument::Begin {
            self.previous_hash = Some(DocumentHash::of(signed));
        }
        if planned.document.is_financial() {
            self.last_financial = Some(planned.moment);
        }
        self.last = Some(planned.moment);
        self.length += 1;
        self.next_local = self.next_local.next();
        Ok(())
    }

    /// Records a document that someone else made, if it is what the chain says that it must be.
    ///
    /// # Errors
    /// [`Fault`]; the chain stays as it was.
    pub fn follow(&mut self, link: &Link<'_>) -> Result<(), Fault> {
        let planned = self.plan(link.document, link.moment)?;
        if planned.local_number != link.local_number {
            return Err(Fault::LocalNumber {
                expected: planned.local_number,
                given: link.local_number,
            });
        }
        if planned.previous_hash != link.previous_hash {
            return Err(Fault::PreviousHash {
                expected: planned.previous_hash,
                given: link.previous_hash,
            });
        }
        // Last, so that a fault of its parts is named first: the control is computed from them.
        if planned.number != link.number {
            return Err(Fault::Number {
                expected: planned.number,
                given: link.number,
            });
        }
        Ok(self.record(&planned, link.signed)?)
    }

    /// The session.
    #[must_use]
    pub const fn session(&self) -> &OfflineSession {
        &self.session
    }

    /// ORDERNUM of the next document.
    #[must_use]
    pub const fn next_local_number(&self) -> LocalNumber {
        self.next_local
    }

    /// How many documents the session has.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// When the session began.
    #[must_use]
    pub const fn begun(&self) -> Option<NaiveDateTime> {
        self.begun
    }

    /// The moment of the last receipt or Z, to which the session's duration is measured.
    #[must_use]
    pub const fn last_financial(&self) -> Option<NaiveDateTime> {
        self.last_financial
    }

    /// Whether the session has ended.
    #[must_use]
    pub const fn ended(&self) -> bool {
        self.ended
    }

    /// A moment that the chain accepts: `now`, or that of the last document when the clock is behind it, as it is for an hour in October.
    #[must_use]
    pub fn moment(&self, now: NaiveDateTime) -> NaiveDateTime {
        self.last.map_or(now, |last| last.max(now))
    }
}

/// What an offline document says of itself, as it was read, and its signed octets.
#[derive(Clone, Copy, Debug)]
pub struct Link<'a> {
    /// What it is.
    pub document: OfflineDocument,
    /// ORDERDATE and ORDERTIME.
    pub moment: NaiveDateTime,
    /// ORDERNUM.
    pub local_number: LocalNumber,
    /// ORDERTAXNUM.
    pub number: OfflineNumber,
    /// PREVDOCHASH.
    pub previous_hash: Option<DocumentHash>,
    /// The CMS in DER.
    pub signed: &'a [u8],
}

/// What is wrong with a document of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It cannot stand where it stands.
    #[error(transparent)]
    Order(#[from] ChainError),
    /// Its local number leaves a gap or repeats.
    #[error("the local number is {given}, not {expected}")]
    LocalNumber {
        /// The next one.
        expected: LocalNumber,
        /// Its own.
        given: LocalNumber,
    },
    /// The document before it is not the one that it was made after.
    #[error("the hash of the document before is not the one that is stated")]
    PreviousHash {
        /// Of the document before.
        expected: Option<DocumentHash>,
        /// PREVDOCHASH.
        given: Option<DocumentHash>,
    },
    /// Its session, its place in it or its control number is another: whoever made it did not know the secret, or something that takes
    /// part in the control was changed.
    #[error("the fiscal number is {given}, not {expected}")]
    Number {
        /// What it must be.
        expected: OfflineNumber,
        /// ORDERTAXNUM.
        given: OfflineNumber,
    },
}

/// Where a chain is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("document {index} of the chain: {fault}")]
pub struct Broken {
    /// The document, from 0, in the order given.
    pub index: usize,
    /// What is wrong with it.
    pub fault: Fault,
}

/// Follows documents one after another, a whole session or what follows an earlier package of it.
///
/// A change of any octet of a document is found at the one after it, which carries its hash. Two documents have nobody who carries theirs:
/// the one that begins the session, because it may be made again, and the last one. Their own signatures guard them.
///
/// # Errors
/// [`Broken`]; the chain holds the documents before the one at fault.
pub fn verify<'a>(chain: &mut OfflineChain, links: impl IntoIterator<Item = Link<'a>>) -> Result<(), Broken> {
    for (index, link) in links.into_iter().enumerate() {
        chain.follow(&link).map_err(|fault| Broken { index, fault })?;
    }
    Ok(())
}
