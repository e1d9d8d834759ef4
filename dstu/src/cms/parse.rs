//! Reading signed messages, the bytes of signed attributes kept as they were received.

use chrono::{DateTime, Utc};

use super::{ATTRIBUTES_MAX, CERTIFICATES_MAX, Error, MESSAGE_OCTETS_MAX, SIGNERS_MAX};
use crate::algorithm::{self, SignatureAlgorithm};
use crate::certificate::Certificate;
use crate::der::oid::{self, Oid};
use crate::der::{Element, Error as DerError, Reader, tag, time};
use crate::hash::HashAlgorithm;

/// A signed message.
#[derive(Clone, Debug)]
pub struct SignedData {
    content_type: Vec<u8>,
    content: Option<Vec<u8>>,
    certificates: Vec<Certificate>,
    signers: Vec<SignerInfo>,
}

/// How a message names its signer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignerIdentifier {
    /// By the issuer's name (DER) and the serial number (content octets of the INTEGER).
    IssuerAndSerial {
        /// The issuer's name, DER.
        issuer: Vec<u8>,
        /// The content octets of the serial number.
        serial: Vec<u8>,
    },
    /// By the subject key identifier.
    KeyId(Vec<u8>),
}

/// One attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    kind: Vec<u8>,
    values: Vec<Vec<u8>>,
}

impl Attribute {
    /// The attribute's type.
    pub fn kind(&self) -> Oid<'_> {
        Oid(&self.kind)
    }

    /// The values, DER as received.
    pub fn values(&self) -> &[Vec<u8>] {
        &self.values
    }
}

/// One signature of a message.
#[derive(Clone, Debug)]
pub struct SignerInfo {
    pub(super) identifier: SignerIdentifier,
    pub(super) hash: Result<HashAlgorithm, algorithm::Error>,
    pub(super) algorithm: Result<SignatureAlgorithm, algorithm::Error>,
    /// The encoding of the attributes as received, under the tag `[0]`.
    pub(super) signed_der: Option<Vec<u8>>,
    signed: Vec<Attribute>,
    unsigned: Vec<Attribute>,
    pub(super) signature: Vec<u8>,
}

impl SignedData {
    /// Reads a message of definite lengths (DER, or BER of that kind).
    ///
    /// # Errors
    /// [`Error::Der`], [`Error::Type`], [`Error::Limit`], [`Error::Certificate`].
    pub fn from_der(octets: &[u8]) -> Result<Self, Error> {
        if octets.len() > MESSAGE_OCTETS_MAX {
            return Err(Error::Limit("octets"));
        }
        let mut outer = Reader::single(octets, tag::SEQUENCE)?.reader();
        let kind = Oid(outer.expect(tag::OBJECT_IDENTIFIER)?.content);
        if kind != oid::SIGNED_DATA {
            return Err(Error::Type(kind.to_string()));
        }
        let mut wrapper = outer.expect(tag::context_constructed(0))?.reader();
        outer.finish()?;
        let mut reader = wrapper.sequence()?;
        wrapper.finish()?;
        reader.expect(tag::INTEGER)?;
        reader.expect(tag::SET)?;

        let mut encapsulated = reader.sequence()?;
        let content_type = encapsulated.expect(tag::OBJECT_IDENTIFIER)?.content.to_vec();
        let content = match encapsulated.optional(tag::context_constructed(0))? {
            Some(wrapper) => Some(
                Reader::single(wrapper.content, tag::OCTET_STRING)?
                    .content
                    .to_vec(),
            ),
            None => None,
        };
        encapsulated.finish()?;

        let certificates = match reader.optional(tag::context_constructed(0))? {
            Some(element) => read_certificates(element.reader())?,
            None => Vec::new(),
        };
        reader.optional(tag::context_constructed(1))?; // revocation lists
        let mut signer_infos = reader.expect(tag::SET)?.reader();
        reader.finish()?;
        let mut signers = Vec::new();
        while !signer_infos.is_empty() {
            if signers.len() == SIGNERS_MAX {
                return Err(Error::Limit("signers"));
            }
            signers.push(SignerInfo::read(signer_infos.sequence()?)?);
        }
        Ok(Self {
            content_type,
            content,
            certificates,
            signers,
        })
    }

    /// The type of the content, `1.2.840.113549.1.7.1` for documents.
    pub fn content_type(&self) -> Oid<'_> {
        Oid(&self.content_type)
    }

    /// The content, absent in a detached signature.
    pub fn content(&self) -> Option<&[u8]> {
        self.content.as_deref()
    }

    /// The certificates inside; other kinds than X.509 are left out.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The signatures, in the order of the message.
    pub fn signers(&self) -> &[SignerInfo] {
        &self.signers
    }
}

fn read_certificates(mut reader: Reader<'_>) -> Result<Vec<Certificate>, Error> {
    let mut certificates = Vec::new();
    while !reader.is_empty() {
        let element = reader.read()?;
        if element.tag != tag::SEQUENCE {
            continue;
        }
        if certificates.len() == CERTIFICATES_MAX {
            return Err(Error::Limit("certificates"));
        }
        certificates.push(Certificate::from_der(element.raw)?);
    }
    Ok(certificates)
}

impl SignerInfo {
    fn read(mut reader: Reader<'_>) -> Result<Self, Error> {
        reader.expect(tag::INTEGER)?;
        let identifier = SignerIdentifier::read(&reader.read()?)?;
        let hash = HashAlgorithm::read(&reader.expect(tag::SEQUENCE)?);
        let signed = reader.optional(tag::context_constructed(0))?;
        let algorithm = SignatureAlgorithm::read(&reader.expect(tag::SEQUENCE)?);
        let signature = reader.expect(tag::OCTET_STRING)?.content.to_vec();
        let unsigned = reader.optional(tag::context_constructed(1))?;
        reader.finish()?;
        let read =
            |element: Option<Element<'_>>| element.map_or(Ok(Vec::new()), |e| read_attributes(e.reader()));
        Ok(Self {
            identifier,
            hash,
            algorithm,
            signed_der: signed.map(|element| element.raw.to_vec()),
            signed: read(signed)?,
            unsigned: read(unsigned)?,
            signature,
        })
    }

    /// Whose signature it is.
    pub fn identifier(&self) -> &SignerIdentifier {
        &self.identifier
    }

    /// The hash of the content.
    ///
    /// # Errors
    /// The identifier, if it is not supported.
    pub fn hash(&self) -> Result<HashAlgorithm, algorithm::Error> {
        self.hash.clone()
    }

    /// The octets of the signature as received.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The attributes under the signature.
    pub fn signed_attributes(&self) -> &[Attribute] {
        &self.signed
    }

    /// The attributes beside the signature.
    pub fn unsigned_attributes(&self) -> &[Attribute] {
        &self.unsigned
    }

    /// The signer's own claim of when it signed.
    pub fn signing_time(&self) -> Option<DateTime<Utc>> {
        let value = single(&self.signed, oid::SIGNING_TIME)?;
        time::read(&Reader::new(value).read().ok()?).ok()
    }

    /// The timestamp of the signature (CAdES-T): a CMS message, DER as received.
    pub fn signature_timestamp(&self) -> Option<&[u8]> {
        single(&self.unsigned, oid::SIGNATURE_TIMESTAMP)
    }

    /// The timestamp of the content: a CMS message, DER as received.
    pub fn content_timestamp(&self) -> Option<&[u8]> {
        single(&self.signed, oid::CONTENT_TIMESTAMP)
    }

    /// The only value of the only signed attribute of a kind (RFC 5652, section 11, allows no other number).
    pub(super) fn signed_value(&self, kind: Oid<'_>) -> Option<&[u8]> {
        single(&self.signed, kind)
    }

    /// Whether a signed attribute of a kind is there, well-formed or not.
    pub(super) fn has_signed(&self, kind: Oid<'_>) -> bool {
        self.signed.iter().any(|attribute| attribute.kind() == kind)
    }
}

fn single<'a>(attributes: &'a [Attribute], kind: Oid<'_>) -> Option<&'a [u8]> {
    let mut found = attributes.iter().filter(|attribute| attribute.kind() == kind);
    match (found.next()?.values.as_slice(), found.next()) {
        ([value], None) => Some(value),
        _ => None,
    }
}

fn read_attributes(mut reader: Reader<'_>) -> Result<Vec<Attribute>, Error> {
    let mut attributes = Vec::new();
    while !reader.is_empty() {
        if attributes.len() == ATTRIBUTES_MAX {
            return Err(Error::Limit("attributes"));
        }
        let mut attribute = reader.sequence()?;
        let kind = attribute.expect(tag::OBJECT_IDENTIFIER)?.content.to_vec();
        let mut set = attribute.expect(tag::SET)?.reader();
        let mut values = Vec::new();
        while !set.is_empty() {
            values.push(set.read()?.raw.to_vec());
        }
        attributes.push(Attribute { kind, values });
    }
    Ok(attributes)
}

impl SignerIdentifier {
    /// Beside RFC 5652's implicit `[0]` the explicit form is read, which the tax service's own signer writes.
    fn read(element: &Element<'_>) -> Result<Self, DerError> {
        const IMPLICIT: u8 = tag::context(0);
        const EXPLICIT: u8 = tag::context_constructed(0);
        match element.tag {
            tag::SEQUENCE => {
                let mut reader = element.reader();
                let issuer = reader.expect(tag::SEQUENCE)?.raw.to_vec();
                let serial = reader.expect(tag::INTEGER)?.content.to_vec();
                reader.finish()?;
                Ok(Self::IssuerAndSerial { issuer, serial })
            }
            IMPLICIT => Ok(Self::KeyId(element.content.to_vec())),
            EXPLICIT => Ok(Self::KeyId(
                Reader::single(element.content, tag::OCTET_STRING)?
                    .content
                    .to_vec(),
            )),
            found => Err(DerError::Tag {
                expected: tag::SEQUENCE,
                found,
            }),
        }
    }

    /// Whether this names the holder of a certificate.
    pub fn matches(&self, certificate: &Certificate) -> bool {
        match self {
            Self::IssuerAndSerial { issuer, serial } => {
                issuer == certificate.issuer().der() && serial == certificate.serial()
            }
            Self::KeyId(id) => certificate.subject_key_id() == Some(id),
        }
    }
}
