//! Judging the signatures of a message, each point by itself.
//!
//! A signature without signed attributes does not hold: CAdES asks for them, and allowing both forms lets a stranger
//! pass off the attributes of somebody's signature as signed content.
//!
//! Trust is not judged here: whether a certificate was valid, and who issued it, `verify_chain` answers.

use subtle::ConstantTimeEq;

use super::{SignedData, SignerInfo};
use crate::algorithm::{self, ByteOrder};
use crate::certificate::{self, Certificate};
use crate::der::oid::{self, Oid};
use crate::der::{Error as DerError, Reader, tag};
use crate::signature::{self, Signature};

/// What one point of a judgement found.
pub type Check = Result<(), Failure>;

/// Why a point does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The certificate is neither in the message nor given.
    #[error("the signer's certificate is not known")]
    NoCertificate,
    /// The signature is detached and no content was given.
    #[error("the content is not known")]
    NoContent,
    /// Content is inside and other content was given.
    #[error("the content given is not the content inside")]
    OtherContent,
    /// An attribute is missing, repeated or has several values.
    #[error("the attribute is missing or ambiguous")]
    Attribute,
    /// The attribute is not of its form.
    #[error("the attribute is malformed: {0}")]
    Der(#[from] DerError),
    /// The attribute says something else than what is true.
    #[error("the attribute does not match")]
    Mismatch,
    /// The hash of the content is not the one of the signature algorithm.
    #[error("the hash and the signature algorithm do not fit together")]
    HashMismatch,
    /// An algorithm is not supported.
    #[error(transparent)]
    Algorithm(#[from] algorithm::Error),
    /// The certificate's key cannot be used.
    #[error(transparent)]
    Certificate(#[from] certificate::Error),
    /// The signature does not hold.
    #[error(transparent)]
    Signature(#[from] signature::Error),
}

/// The judgement of one signature.
#[derive(Clone, Debug)]
pub struct Verdict<'a> {
    /// The signature in question.
    pub signer: &'a SignerInfo,
    /// The signer's certificate, where it is known.
    pub certificate: Option<&'a Certificate>,
    /// The signed attribute content-type names the content's type.
    pub content_type: Check,
    /// The signed attribute message-digest is the hash of the content.
    pub message_digest: Check,
    /// The signed attribute signing-certificate, if present, is the hash of the certificate.
    pub signing_certificate: Option<Check>,
    /// The signature is the certificate's key's, over the attributes as received.
    pub signature: Check,
}

impl Verdict<'_> {
    /// Whether every point holds.
    pub fn holds(&self) -> bool {
        self.content_type.is_ok()
            && self.message_digest.is_ok()
            && self.signing_certificate.as_ref().is_none_or(Result::is_ok)
            && self.signature.is_ok()
    }
}

impl SignedData {
    /// Judges every signature. `content` belongs to a detached signature; `known` are certificates beside those
    /// inside. A message without signatures gives no verdicts: that is no acceptance.
    pub fn verify<'a>(&'a self, content: Option<&[u8]>, known: &'a [Certificate]) -> Vec<Verdict<'a>> {
        self.signers()
            .iter()
            .map(|signer| self.judge(signer, content, known))
            .collect()
    }

    fn judge<'a>(
        &'a self,
        signer: &'a SignerInfo,
        given: Option<&[u8]>,
        known: &'a [Certificate],
    ) -> Verdict<'a> {
        let content = match (self.content(), given) {
            (Some(inside), Some(given)) if inside != given => Err(Failure::OtherContent),
            (Some(content), _) | (None, Some(content)) => Ok(content),
            (None, None) => Err(Failure::NoContent),
        };
        let certificate = self
            .certificates()
            .iter()
            .chain(known)
            .find(|candidate| signer.identifier.matches(candidate));
        Verdict {
            signer,
            certificate,
            content_type: self.judge_content_type(signer),
            message_digest: content.and_then(|content| judge_message_digest(signer, content)),
            signing_certificate: judge_signing_certificate(signer, certificate),
            signature: judge_signature(signer, certificate),
        }
    }

    fn judge_content_type(&self, signer: &SignerInfo) -> Check {
        let value = signer.signed_value(oid::CONTENT_TYPE).ok_or(Failure::Attribute)?;
        let claimed = Reader::single(value, tag::OBJECT_IDENTIFIER)?.content;
        matched(Oid(claimed) == self.content_type())
    }
}

fn matched(holds: bool) -> Check {
    if holds { Ok(()) } else { Err(Failure::Mismatch) }
}

fn judge_message_digest(signer: &SignerInfo, content: &[u8]) -> Check {
    let hash = signer.hash()?;
    let value = signer
        .signed_value(oid::MESSAGE_DIGEST)
        .ok_or(Failure::Attribute)?;
    let claimed = Reader::single(value, tag::OCTET_STRING)?.content;
    matched(hash.digest(&[content]).ct_eq(claimed).into())
}

fn judge_signing_certificate(signer: &SignerInfo, certificate: Option<&Certificate>) -> Option<Check> {
    let (kind, default_hash) = if signer.has_signed(oid::SIGNING_CERTIFICATE_V2) {
        (oid::SIGNING_CERTIFICATE_V2, oid::SHA_256)
    } else if signer.has_signed(oid::SIGNING_CERTIFICATE) {
        (oid::SIGNING_CERTIFICATE, oid::SHA_1)
    } else {
        return None;
    };
    Some(check_signing_certificate(signer, certificate, kind, default_hash))
}

/// `{ { { hash algorithm DEFAULT, hash, issuer and serial OPTIONAL } … } … }`: the first is the signer's (RFC 5035).
fn check_signing_certificate(
    signer: &SignerInfo,
    certificate: Option<&Certificate>,
    kind: Oid<'_>,
    default_hash: Oid<'_>,
) -> Check {
    let value = signer.signed_value(kind).ok_or(Failure::Attribute)?;
    let certificate = certificate.ok_or(Failure::NoCertificate)?;
    let mut first = Reader::single(value, tag::SEQUENCE)?
        .reader()
        .sequence()?
        .sequence()?;
    let hash = match first.optional(tag::SEQUENCE)? {
        Some(element) => algorithm::read_identifier(&element)?,
        None => default_hash,
    };
    let claimed = first.expect(tag::OCTET_STRING)?.content;
    let found = algorithm::reference_digest(hash, certificate.der())
        .ok_or_else(|| algorithm::Error::Unknown(hash.to_string()))?;
    matched(found.ct_eq(claimed).into())
}

fn judge_signature(signer: &SignerInfo, certificate: Option<&Certificate>) -> Check {
    let algorithm = signer.algorithm.clone()?;
    if signer.hash()? != algorithm.hash {
        return Err(Failure::HashMismatch);
    }
    let key = certificate.ok_or(Failure::NoCertificate)?.public_key()?;
    let signature = match algorithm.order {
        ByteOrder::Little => Signature::from_little_endian(key.curve(), &signer.signature)?,
        ByteOrder::Big => Signature::from_big_endian(key.curve(), &signer.signature)?,
    };
    // The attributes under the tag SET, in the order in which they came (RFC 5652, section 5.4).
    let attributes = signer.signed_der.as_ref().ok_or(Failure::Attribute)?;
    let digest = algorithm.hash.digest(&[&[tag::SET], &attributes[1..]]);
    Ok(key.verify(&digest, &signature)?)
}
