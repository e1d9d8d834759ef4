//! From an uploaded container to a key that can sign. Pure, and slow on purpose (password hashing): not for an event loop's thread.

use crate::config::SignerIdentification;
use chrono::{DateTime, Utc};
use dstu::cms::{self, Identification, Packaging, Template};
use dstu::container::{self, KeyRing, Password};
use dstu::{Certificate, Entropy, LocalSigner};
use signing_protocol::{HexOctets, KeyFacts, KeyId, KeyState};

/// Why a container gives no key that can sign.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The password does not open it.
    #[error("the password is wrong, or the container is damaged")]
    WrongPassword,
    /// No container, or none that can be used.
    #[error("the key container cannot be used: {0}")]
    Container(container::Error),
    /// The certificate that came with it cannot be read.
    #[error("the certificate cannot be used: {0}")]
    Certificate(dstu::certificate::Error),
    /// There is none inside and none came with it.
    #[error("no certificate was found: the container has none, and none came with it")]
    NoCertificate,
    /// The certificate is of another key.
    #[error("the certificate is of another key than the container's")]
    ForeignCertificate,
    /// The certificate is for something else than signing.
    #[error("the certificate does not allow its key to sign")]
    NotForSigning,
    /// The certificate has no subject key identifier, by which the tax service knows cashiers.
    #[error("the certificate has no subject key identifier")]
    NoKeyIdentifier,
    /// Messages cannot be prepared.
    #[error("messages cannot be prepared with this key: {0}")]
    Message(#[from] cms::Error),
}

impl From<container::Error> for Fault {
    fn from(error: container::Error) -> Self {
        match error {
            container::Error::WrongPassword => Self::WrongPassword,
            other => Self::Container(other),
        }
    }
}

/// A key in memory, ready to sign. The private number is zeroised when the last user lets go of it.
pub struct Unlocked {
    signer: LocalSigner,
    template: Template,
}

impl Unlocked {
    /// Opens a container. The certificate is the one given, or the one inside that is for signing; of several, the one that is valid longest.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn open(
        octets: &[u8],
        password: &str,
        certificate: Option<&[u8]>,
        identification: SignerIdentification,
    ) -> Result<Self, Fault> {
        let ring = KeyRing::open(octets, &Password::new(password))?;
        let certificate = match certificate {
            Some(octets) => Certificate::read(octets).map_err(Fault::Certificate)?,
            None => best_inside(&ring)?,
        };
        let key = ring
            .key_of(&certificate)
            .ok_or(Fault::ForeignCertificate)?
            .clone();
        if certificate.subject_key_id().is_none() {
            return Err(Fault::NoKeyIdentifier);
        }
        let signer = LocalSigner::new(key, certificate).map_err(|error| match error {
            dstu::signer::Error::Usage => Fault::NotForSigning,
            other => Fault::Message(cms::Error::Signer(other)),
        })?;
        let identification = match identification {
            SignerIdentification::IssuerAndSerial => Identification::IssuerAndSerial,
            SignerIdentification::KeyId => Identification::KeyId,
        };
        let template = Template::new(&signer, identification)?;
        Ok(Self { signer, template })
    }

    /// Signs content, attached.
    ///
    /// # Errors
    /// A sentence: the system gives no randomness, or the computation failed its own check.
    pub fn sign(&self, content: &[u8]) -> Result<Vec<u8>, String> {
        let entropy = Entropy::from_system().map_err(|error| format!("no randomness: {error}"))?;
        // Without a signing time: the tax service's own samples do without.
        self.template
            .sign(&self.signer, content, Packaging::Attached, None, &entropy)
            .map_err(|error| error.to_string())
    }

    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        use dstu::Signer as _;
        self.signer.certificate()
    }
}

/// Of the certificates inside that are a key's and for signing, the one that is valid longest.
fn best_inside(ring: &KeyRing) -> Result<Certificate, Fault> {
    let signs = |certificate: &&Certificate| {
        ring.key_of(certificate).is_some() && certificate.key_usage().is_none_or(|usage| usage.signs())
    };
    let candidates = ring.certificates().iter().filter(signs);
    candidates
        .max_by_key(|certificate| certificate.not_after())
        .cloned()
        .ok_or(Fault::NoCertificate)
}

/// What everybody may know of a key.
pub fn facts(key: KeyId, certificate: &Certificate) -> KeyFacts {
    let public_key = certificate.public_key();
    KeyFacts {
        key,
        state: KeyState::Stored,
        serial: HexOctets(certificate.serial().to_vec()),
        subject_key_id: HexOctets(certificate.subject_key_id().unwrap_or_default().to_vec()),
        taxpayer_number: certificate.taxpayer_number().map(str::to_owned),
        company_code: certificate.company_code().map(str::to_owned),
        holder: certificate.subject().common_name().map(str::to_owned),
        public_key: HexOctets(public_key.map(dstu::PublicKey::to_compressed).unwrap_or_default()),
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
    }
}

/// What a certificate's validity makes of a key's state at a moment.
pub fn state_at(facts: &KeyFacts, now: DateTime<Utc>) -> KeyState {
    if now < facts.not_before {
        KeyState::NotYetValid
    } else if now > facts.not_after {
        KeyState::Expired
    } else {
        facts.state
    }
}
