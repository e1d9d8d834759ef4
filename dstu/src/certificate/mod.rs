//! Certificates of Ukrainian authorities (X.509, RFC 5280, with the national fields).

mod chain;
mod extensions;
mod name;

use chrono::{DateTime, Utc};

pub use chain::{CHAIN_MAX, ChainError, verify_chain};
pub use extensions::KeyUsage;
pub use name::Name;

use crate::algorithm::{self, ByteOrder, SignatureAlgorithm};
use crate::der::oid;
use crate::der::{Element, Error as DerError, Reader, tag, time};
use crate::key::{self, PublicKey};
use crate::pem;
use crate::signature::{self, Signature};
use extensions::Extensions;

/// Octets of one certificate; real ones have about 1.5 KB.
pub const CERTIFICATE_OCTETS_MAX: usize = 64 * 1024;

/// Why octets are no certificate of this kind, or a certificate is not its issuer's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not the structure of a certificate.
    #[error("not a certificate: {0}")]
    Der(#[from] DerError),
    /// Neither DER nor PEM.
    #[error("the PEM armour or its base64 is broken")]
    Pem,
    /// More octets than [`CERTIFICATE_OCTETS_MAX`].
    #[error("the certificate is too large")]
    Size,
    /// The key or the signature is of another algorithm.
    #[error(transparent)]
    Algorithm(#[from] algorithm::Error),
    /// The public key is not valid.
    #[error("the certificate's key: {0}")]
    Key(#[from] key::Error),
    /// The signature is not the issuer's.
    #[error("the certificate's signature: {0}")]
    Signature(#[from] signature::Error),
}

/// A certificate. What its octets say is kept as received.
#[derive(Clone, Debug)]
pub struct Certificate {
    der: Vec<u8>,
    tbs: std::ops::Range<usize>,
    serial: Vec<u8>,
    issuer: Name,
    subject: Name,
    not_before: DateTime<Utc>,
    not_after: DateTime<Utc>,
    public_key: Result<PublicKey, Error>,
    extensions: Extensions,
    signature_algorithm: Result<SignatureAlgorithm, algorithm::Error>,
    signature: Vec<u8>,
}

impl Certificate {
    /// Reads DER, or PEM with one certificate.
    ///
    /// # Errors
    /// As [`Certificate::from_der`], and [`Error::Pem`].
    pub fn read(octets: &[u8]) -> Result<Self, Error> {
        if octets.first() == Some(&tag::SEQUENCE) {
            Self::from_der(octets)
        } else {
            Self::from_der(&from_pem(octets)?)
        }
    }

    /// Reads DER. A key or signature of another algorithm is reported only when it is asked for, so that
    /// foreign certificates inside a message do not spoil it.
    ///
    /// # Errors
    /// [`Error::Der`], [`Error::Size`].
    pub fn from_der(octets: &[u8]) -> Result<Self, Error> {
        if octets.len() > CERTIFICATE_OCTETS_MAX {
            return Err(Error::Size);
        }
        let mut outer = Reader::single(octets, tag::SEQUENCE)?.reader();
        let tbs = outer.expect(tag::SEQUENCE)?;
        let signature_algorithm = SignatureAlgorithm::read(&outer.expect(tag::SEQUENCE)?);
        let signature = bit_string(&outer.expect(tag::BIT_STRING)?)?.to_vec();
        outer.finish()?;

        let mut reader = tbs.reader();
        reader.optional(tag::context_constructed(0))?;
        let serial = reader.expect(tag::INTEGER)?.content.to_vec();
        reader.expect(tag::SEQUENCE)?;
        let issuer = Name::read(&reader.expect(tag::SEQUENCE)?)?;
        let mut validity = reader.sequence()?;
        let not_before = time::read(&validity.read()?)?;
        let not_after = time::read(&validity.read()?)?;
        let subject = Name::read(&reader.expect(tag::SEQUENCE)?)?;
        let public_key = read_public_key(&reader.expect(tag::SEQUENCE)?);
        let mut extensions = Extensions::default();
        while !reader.is_empty() {
            let element = reader.read()?;
            if element.tag == tag::context_constructed(3) {
                extensions = Extensions::read(element.reader().sequence()?)?;
            }
        }
        let start = tbs.raw.as_ptr().addr() - octets.as_ptr().addr();
        let tbs = start..start + tbs.raw.len();
        Ok(Self {
            der: octets.to_vec(),
            tbs,
            serial,
            issuer,
            subject,
            not_before,
            not_after,
            public_key,
            extensions,
            signature_algorithm,
            signature,
        })
    }

    /// The encoding as received.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The serial number: the content octets of its INTEGER, most significant first.
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// Who issued it.
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// Whose it is.
    pub fn subject(&self) -> &Name {
        &self.subject
    }

    /// Valid from (inclusive).
    pub fn not_before(&self) -> DateTime<Utc> {
        self.not_before
    }

    /// Valid until (inclusive).
    pub fn not_after(&self) -> DateTime<Utc> {
        self.not_after
    }

    /// Whether the moment lies within the validity.
    pub fn is_valid_at(&self, moment: DateTime<Utc>) -> bool {
        (self.not_before..=self.not_after).contains(&moment)
    }

    /// The public key.
    ///
    /// # Errors
    /// [`Error::Algorithm`] for a key of another kind, [`Error::Key`] for an invalid point.
    pub fn public_key(&self) -> Result<&PublicKey, Error> {
        self.public_key.as_ref().map_err(Clone::clone)
    }

    /// The subject key identifier.
    pub fn subject_key_id(&self) -> Option<&[u8]> {
        self.extensions.subject_key_id.as_deref()
    }

    /// The identifier of the issuer's key.
    pub fn authority_key_id(&self) -> Option<&[u8]> {
        self.extensions.authority_key_id.as_deref()
    }

    /// What the key may be used for, if the certificate says.
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.extensions.key_usage
    }

    /// Whether its holder may issue certificates: basic constraints and key usage say so.
    pub fn is_authority(&self) -> bool {
        self.extensions.is_authority && self.key_usage().is_none_or(KeyUsage::signs_certificates)
    }

    /// The holder's taxpayer number (DRFO), from the subject directory attributes, or from a serial number
    /// `TINUA-…` in the subject.
    pub fn taxpayer_number(&self) -> Option<&str> {
        let in_name = || self.subject.get(oid::SERIAL_NUMBER)?.strip_prefix("TINUA-");
        self.extensions.taxpayer_number.as_deref().or_else(in_name)
    }

    /// The code of the holder's company (EDRPOU), from the subject directory attributes, or from an organisation
    /// identifier `NTRUA-…` in the subject.
    pub fn company_code(&self) -> Option<&str> {
        let in_name = || {
            self.subject
                .get(oid::ORGANIZATION_IDENTIFIER)?
                .strip_prefix("NTRUA-")
        };
        self.extensions.company_code.as_deref().or_else(in_name)
    }

    /// The algorithm of the issuer's signature.
    ///
    /// # Errors
    /// [`Error::Algorithm`].
    pub fn signature_algorithm(&self) -> Result<SignatureAlgorithm, Error> {
        self.signature_algorithm.clone().map_err(Error::from)
    }

    /// Checks the signature with the issuer's key; names, dates and usages are `verify_chain`'s business.
    ///
    /// # Errors
    /// [`Error::Algorithm`], [`Error::Signature`], [`Error::Der`].
    pub fn verify_signature(&self, issuer: &PublicKey) -> Result<(), Error> {
        let algorithm = self.signature_algorithm()?;
        let octets = Reader::single(&self.signature, tag::OCTET_STRING)?.content;
        let signature = match algorithm.order {
            ByteOrder::Little => Signature::from_little_endian(issuer.curve(), octets)?,
            ByteOrder::Big => Signature::from_big_endian(issuer.curve(), octets)?,
        };
        let digest = algorithm.hash.digest(&[&self.der[self.tbs.clone()]]);
        Ok(issuer.verify(&digest, &signature)?)
    }
}

/// The content of a BIT STRING of whole octets.
fn bit_string<'a>(element: &Element<'a>) -> Result<&'a [u8], DerError> {
    match element.content.split_first() {
        Some((0, octets)) => Ok(octets),
        _ => Err(DerError::Value),
    }
}

fn read_public_key(element: &Element<'_>) -> Result<PublicKey, Error> {
    let mut reader = element.reader();
    let (curve, order) = algorithm::read_key_algorithm(&reader.expect(tag::SEQUENCE)?)?;
    let octets = algorithm::read_point(bit_string(&reader.expect(tag::BIT_STRING)?)?)?;
    Ok(match order {
        ByteOrder::Little => PublicKey::from_compressed(curve, octets)?,
        ByteOrder::Big => PublicKey::from_compressed_big_endian(curve, octets)?,
    })
}

/// The first certificate of a PEM file.
fn from_pem(octets: &[u8]) -> Result<Vec<u8>, Error> {
    if octets.len() > 2 * CERTIFICATE_OCTETS_MAX {
        return Err(Error::Size);
    }
    let der = pem::decode(octets, &["CERTIFICATE"]).ok_or(Error::Pem)?;
    Ok(der.to_vec())
}
