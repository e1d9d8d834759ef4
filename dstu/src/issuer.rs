//! A small certification authority, for sandboxes and tests: what it issues has the fields of real Ukrainian
//! certificates and no claim to be qualified.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha512};

use crate::algorithm::write_key_algorithm;
use crate::certificate::{self, Certificate, KeyUsage};
use crate::der::oid::{self, Oid};
use crate::der::{tag, time, writer};
use crate::entropy::Entropy;
use crate::hash::HashAlgorithm;
use crate::key::{PrivateKey, PublicKey};
use crate::signature;

/// Why nothing was issued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The signature was not made.
    #[error(transparent)]
    Signature(#[from] signature::Error),
    /// What was written cannot be read back: a field holds what no certificate may hold.
    #[error(transparent)]
    Certificate(#[from] certificate::Error),
}

/// Who a certificate is for. Empty fields are left out.
#[derive(Clone, Debug, Default)]
pub struct Holder {
    /// Common name: of a person in full, or of an organisation.
    pub common_name: String,
    /// Surname.
    pub surname: String,
    /// Given name and patronymic.
    pub given_name: String,
    /// Organisation.
    pub organization: String,
    /// Position in the organisation.
    pub title: String,
    /// Town.
    pub locality: String,
    /// Number in the authority's registry, such as `TINUA-1234567890`.
    pub serial_number: String,
    /// DRFO, ten digits: the taxpayer number of a person.
    pub taxpayer_number: String,
    /// EDRPOU, eight digits: the code of a company.
    pub company_code: String,
}

/// From when until when, both inclusive, to the second.
#[derive(Clone, Copy, Debug)]
pub struct Validity {
    /// The first moment.
    pub not_before: DateTime<Utc>,
    /// The last moment.
    pub not_after: DateTime<Utc>,
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Signing documents: digitalSignature and nonRepudiation.
    Signing,
    /// Key agreement, as the second key of most containers.
    KeyAgreement,
    /// Issuing certificates.
    Authority,
}

impl Purpose {
    fn usage(self) -> KeyUsage {
        KeyUsage::from_bits(match self {
            Self::Signing => 0xC0,
            Self::KeyAgreement => 0x08,
            Self::Authority => 0x06,
        })
    }
}

/// An authority with its own certificate.
#[derive(Debug)]
pub struct Authority {
    key: PrivateKey,
    certificate: Certificate,
    hash: HashAlgorithm,
}

impl Authority {
    /// An authority that vouches for itself. `hash` is what it signs with: GOST 34.311 before 2026, Kupyna since.
    ///
    /// # Errors
    /// [`Error`].
    pub fn self_signed(
        key: PrivateKey,
        holder: &Holder,
        validity: Validity,
        hash: HashAlgorithm,
        entropy: &Entropy,
    ) -> Result<Self, Error> {
        let name = write_name(holder);
        let own_id = key_id(key.public_key());
        let body = Body {
            issuer: &name,
            issuer_id: &own_id,
            key: key.public_key(),
            holder,
            validity,
            purpose: Purpose::Authority,
        };
        let certificate = body.sign(&key, hash, entropy)?;
        Ok(Self {
            key,
            certificate,
            hash,
        })
    }

    /// Issues a certificate.
    ///
    /// # Errors
    /// [`Error`].
    pub fn issue(
        &self,
        key: &PublicKey,
        holder: &Holder,
        purpose: Purpose,
        validity: Validity,
        entropy: &Entropy,
    ) -> Result<Certificate, Error> {
        let issuer_id = key_id(self.key.public_key());
        let issuer = self.certificate.subject().der();
        Body {
            issuer,
            issuer_id: &issuer_id,
            key,
            holder,
            validity,
            purpose,
        }
        .sign(&self.key, self.hash, entropy)
    }

    /// An authority below this one.
    ///
    /// # Errors
    /// [`Error`].
    pub fn subordinate(
        &self,
        key: PrivateKey,
        holder: &Holder,
        validity: Validity,
        entropy: &Entropy,
    ) -> Result<Self, Error> {
        let certificate = self.issue(key.public_key(), holder, Purpose::Authority, validity, entropy)?;
        Ok(Self {
            key,
            certificate,
            hash: self.hash,
        })
    }

    /// The authority's certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }
}

/// The identifier that authorities give to keys.
fn key_id(key: &PublicKey) -> Vec<u8> {
    key.key_id(HashAlgorithm::Gost34311)
}

/// What is to be signed.
struct Body<'a> {
    issuer: &'a [u8],
    issuer_id: &'a [u8],
    key: &'a PublicKey,
    holder: &'a Holder,
    validity: Validity,
    purpose: Purpose,
}

impl Body<'_> {
    fn sign(&self, key: &PrivateKey, hash: HashAlgorithm, entropy: &Entropy) -> Result<Certificate, Error> {
        let algorithm = writer::algorithm(hash.signature_oid());
        let tbs = self.write(&algorithm);
        let signature = key.sign(&hash.digest(&[&tbs]), entropy)?;
        let packed = writer::octet_string(&signature.to_little_endian());
        let der = writer::sequence(&[&tbs, &algorithm, &writer::bit_string(&packed)]);
        Ok(Certificate::from_der(&der)?)
    }

    fn write(&self, algorithm: &[u8]) -> Vec<u8> {
        let version = writer::element(tag::context_constructed(0), &[&writer::integer(2)]);
        let validity = writer::sequence(&[
            &time::write(self.validity.not_before),
            &time::write(self.validity.not_after),
        ]);
        let subject = write_name(self.holder);
        let point = writer::octet_string(&self.key.to_compressed());
        let key = writer::sequence(&[
            &write_key_algorithm(self.key.curve()),
            &writer::bit_string(&point),
        ]);
        let extensions = writer::element(tag::context_constructed(3), &[&self.extensions()]);
        let serial = writer::unsigned(&self.serial(&subject));
        writer::sequence(&[
            &version,
            &serial,
            algorithm,
            self.issuer,
            &validity,
            &subject,
            &key,
            &extensions,
        ])
    }

    /// Twenty octets, the first below 0x80 and not zero, different for different certificates.
    fn serial(&self, subject: &[u8]) -> [u8; 20] {
        let mut hash = Sha512::new();
        hash.update(subject);
        hash.update(self.key.to_compressed());
        hash.update([self.purpose.usage().bits()]);
        hash.update(self.validity.not_before.timestamp().to_le_bytes());
        hash.update(self.validity.not_after.timestamp().to_le_bytes());
        let digest: [u8; 64] = hash.finalize().into();
        let mut serial = [0; 20];
        serial.copy_from_slice(&digest[..20]);
        serial[0] = (serial[0] & 0x3F) | 0x40;
        serial
    }

    fn extensions(&self) -> Vec<u8> {
        let own_id = writer::octet_string(&key_id(self.key));
        let issuer_id = writer::sequence(&[&writer::element(tag::context(0), &[self.issuer_id])]);
        let bits = self.purpose.usage().bits();
        let unused = u8::try_from(bits.trailing_zeros()).expect("at most eight");
        let usage = writer::element(tag::BIT_STRING, &[&[unused, bits]]);
        let mut extensions = vec![
            extension(oid::SUBJECT_KEY_ID, false, &own_id),
            extension(oid::AUTHORITY_KEY_ID, false, &issuer_id),
            extension(oid::KEY_USAGE, true, &usage),
        ];
        if self.purpose == Purpose::Authority {
            let flag = writer::sequence(&[&writer::element(tag::BOOLEAN, &[&[0xFF]])]);
            extensions.push(extension(oid::BASIC_CONSTRAINTS, true, &flag));
        }
        let numbers: Vec<Vec<u8>> = [
            (oid::DRFO, &self.holder.taxpayer_number),
            (oid::EDRPOU, &self.holder.company_code),
        ]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(kind, value)| {
            let text = writer::element(tag::PRINTABLE_STRING, &[value.as_bytes()]);
            writer::sequence(&[&writer::oid(kind), &writer::element(tag::SET, &[&text])])
        })
        .collect();
        if !numbers.is_empty() {
            let parts: Vec<&[u8]> = numbers.iter().map(Vec::as_slice).collect();
            extensions.push(extension(
                oid::SUBJECT_DIRECTORY_ATTRIBUTES,
                false,
                &writer::sequence(&parts),
            ));
        }
        let parts: Vec<&[u8]> = extensions.iter().map(Vec::as_slice).collect();
        writer::sequence(&parts)
    }
}

fn extension(kind: Oid<'_>, critical: bool, value: &[u8]) -> Vec<u8> {
    let flag = if critical {
        writer::element(tag::BOOLEAN, &[&[0xFF]])
    } else {
        Vec::new()
    };
    writer::sequence(&[&writer::oid(kind), &flag, &writer::octet_string(value)])
}

fn write_name(holder: &Holder) -> Vec<u8> {
    let country = "UA".to_owned();
    let attributes = [
        (oid::ORGANIZATION, &holder.organization),
        (oid::TITLE, &holder.title),
        (oid::COMMON_NAME, &holder.common_name),
        (oid::SURNAME, &holder.surname),
        (oid::GIVEN_NAME, &holder.given_name),
        (oid::SERIAL_NUMBER, &holder.serial_number),
        (oid::COUNTRY, &country),
        (oid::LOCALITY, &holder.locality),
    ];
    let names: Vec<Vec<u8>> = attributes
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(kind, value)| {
            let text = writer::element(tag::UTF8_STRING, &[value.as_bytes()]);
            let pair = writer::sequence(&[&writer::oid(kind), &text]);
            writer::element(tag::SET, &[&pair])
        })
        .collect();
    let parts: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    writer::sequence(&parts)
}
