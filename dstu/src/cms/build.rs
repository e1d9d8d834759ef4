//! Making signed messages as Ukrainian receivers expect them: CAdES-BES, one signer, its certificate inside.

use chrono::{DateTime, Utc};

use super::Error;
use crate::der::{oid, tag, writer};
use crate::entropy::Entropy;
use crate::hash::HashAlgorithm;
use crate::signer::Signer;

/// How the message names its signer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Identification {
    /// By issuer and serial number, as most producers do.
    #[default]
    IssuerAndSerial,
    /// By subject key id, in the explicit form that the tax service's own samples have.
    KeyId,
}

/// Whether the content travels inside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Packaging {
    /// The content is inside.
    #[default]
    Attached,
    /// The content travels by itself.
    Detached,
}

/// The parts of a message that depend on the certificate alone, encoded once: the hash of the certificate would
/// otherwise cost as much as that of a small document.
#[derive(Clone, Debug)]
pub struct Template {
    hash: HashAlgorithm,
    identifier: Vec<u8>,
    certificates: Vec<u8>,
    signing_certificate: Vec<u8>,
}

impl Template {
    /// Prepares the messages of a signer, with its certificate and its hash.
    ///
    /// # Errors
    /// [`Error::NoKeyId`] if the key id is asked for and the certificate has none.
    pub fn new(signer: &dyn Signer, identification: Identification) -> Result<Self, Error> {
        let (certificate, hash) = (signer.certificate(), signer.hash());
        let serial = writer::element(tag::INTEGER, &[certificate.serial()]);
        let identifier = match identification {
            Identification::IssuerAndSerial => writer::sequence(&[certificate.issuer().der(), &serial]),
            Identification::KeyId => {
                let id = certificate.subject_key_id().ok_or(Error::NoKeyId)?;
                writer::element(tag::context_constructed(0), &[&writer::octet_string(id)])
            }
        };
        let digest = writer::octet_string(&hash.digest(&[certificate.der()]));
        let issuer = writer::element(tag::context_constructed(4), &[certificate.issuer().der()]);
        let issuer_and_serial = writer::sequence(&[&writer::sequence(&[&issuer]), &serial]);
        let reference = writer::sequence(&[&writer::algorithm(hash.oid()), &digest, &issuer_and_serial]);
        let references = writer::sequence(&[&writer::sequence(&[&reference])]);
        Ok(Self {
            hash,
            identifier,
            certificates: writer::element(tag::context_constructed(0), &[certificate.der()]),
            signing_certificate: attribute(oid::SIGNING_CERTIFICATE_V2, &references),
        })
    }

    /// Signs content. `signing_time` is the signer's own claim; the tax service's samples do without.
    ///
    /// # Errors
    /// [`Error::OtherSigner`] if the template was made for another one; [`Error::Signer`].
    pub fn sign(
        &self,
        signer: &dyn Signer,
        content: &[u8],
        packaging: Packaging,
        signing_time: Option<DateTime<Utc>>,
        entropy: &Entropy,
    ) -> Result<Vec<u8>, Error> {
        if signer.hash() != self.hash || !self.certificates.ends_with(signer.certificate().der()) {
            return Err(Error::OtherSigner);
        }
        let attributes = self.attributes(content, signing_time);
        let signature = signer.sign_digest(&self.hash.digest(&[&attributes]), entropy)?;
        let mut tagged = attributes;
        tagged[0] = tag::context_constructed(0);
        let info = writer::sequence(&[
            &writer::integer(1),
            &self.identifier,
            &writer::algorithm(self.hash.oid()),
            &tagged,
            &writer::algorithm(self.hash.signature_oid()),
            &writer::octet_string(&signature),
        ]);
        let content = match packaging {
            Packaging::Attached => {
                writer::element(tag::context_constructed(0), &[&writer::octet_string(content)])
            }
            Packaging::Detached => Vec::new(),
        };
        let data = writer::sequence(&[
            &writer::integer(1),
            &writer::set_of(vec![writer::algorithm(self.hash.oid())]),
            &writer::sequence(&[&writer::oid(oid::DATA), &content]),
            &self.certificates,
            &writer::set_of(vec![info]),
        ]);
        let wrapped = writer::element(tag::context_constructed(0), &[&data]);
        Ok(writer::sequence(&[&writer::oid(oid::SIGNED_DATA), &wrapped]))
    }

    /// The signed attributes as a SET in DER order.
    fn attributes(&self, content: &[u8], signing_time: Option<DateTime<Utc>>) -> Vec<u8> {
        let digest = writer::octet_string(&self.hash.digest(&[content]));
        let mut attributes = vec![
            attribute(oid::CONTENT_TYPE, &writer::oid(oid::DATA)),
            attribute(oid::MESSAGE_DIGEST, &digest),
            self.signing_certificate.clone(),
        ];
        if let Some(moment) = signing_time {
            attributes.push(attribute(oid::SIGNING_TIME, &crate::der::time::write(moment)));
        }
        writer::set_of(attributes)
    }
}

fn attribute(kind: oid::Oid<'_>, value: &[u8]) -> Vec<u8> {
    writer::sequence(&[&writer::oid(kind), &writer::element(tag::SET, &[value])])
}
