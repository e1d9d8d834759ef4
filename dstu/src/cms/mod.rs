//! Signed messages: CMS SignedData (RFC 5652) as CAdES-BES (ETSI EN 319 122-1), made and checked.

mod build;
mod parse;
mod timestamp;
mod verify;

pub use build::{Identification, Packaging, Template};
pub use parse::{Attribute, SignedData, SignerIdentifier, SignerInfo};
pub use timestamp::timestamp_time;
pub use verify::{Check, Failure, Verdict};

use crate::algorithm;
use crate::certificate;
use crate::der::Error as DerError;

/// Octets of one message. The tax service takes packages of 200 KB; sixteen megabytes leave room for evidence
/// files and bound the memory that a stranger can take.
pub const MESSAGE_OCTETS_MAX: usize = 16 * 1024 * 1024;

/// Signers of one message. Real ones have one or two.
pub const SIGNERS_MAX: usize = 16;

/// Certificates in one message: each costs a check of its public key.
pub const CERTIFICATES_MAX: usize = 32;

/// Signed or unsigned attributes of one signer.
pub const ATTRIBUTES_MAX: usize = 32;

/// Why octets are no signed message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not the structure of a signed message.
    #[error("not a signed message: {0}")]
    Der(#[from] DerError),
    /// A message of another type.
    #[error("the message is of type {0}, not signed data")]
    Type(String),
    /// Too large, or too many signers, certificates or attributes.
    #[error("the message exceeds a limit: {0}")]
    Limit(&'static str),
    /// A certificate inside cannot be read.
    #[error(transparent)]
    Certificate(#[from] certificate::Error),
    /// The signer's certificate lacks what its identification needs.
    #[error("the signer's certificate has no subject key id")]
    NoKeyId,
    /// The template was made for another signer.
    #[error("the template was made for another signer")]
    OtherSigner,
    /// An algorithm cannot be used.
    #[error(transparent)]
    Algorithm(#[from] algorithm::Error),
    /// The signer refused or failed.
    #[error(transparent)]
    Signer(#[from] crate::signer::Error),
}
