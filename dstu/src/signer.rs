//! Who signs: a key in memory today, a vendor's library or a token tomorrow.

use crate::certificate::{self, Certificate};
use crate::entropy::Entropy;
use crate::hash::HashAlgorithm;
use crate::key::PrivateKey;
use crate::signature;

/// Why nothing was signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The certificate is another key's.
    #[error("the certificate does not belong to the key")]
    ForeignCertificate,
    /// The certificate does not allow its key to sign.
    #[error("the certificate's key is not for signing")]
    Usage,
    /// The certificate cannot be used.
    #[error(transparent)]
    Certificate(#[from] certificate::Error),
    /// The computation failed.
    #[error(transparent)]
    Signature(#[from] signature::Error),
    /// A library or a device failed, in its own words (which must hold no secret).
    #[error("the signing device failed: {0}")]
    Device(String),
}

/// Signs digests for the holder of a certificate.
pub trait Signer: Send + Sync {
    /// The signer's certificate.
    fn certificate(&self) -> &Certificate;

    /// The hash that this signer's signatures use.
    fn hash(&self) -> HashAlgorithm;

    /// Signs a digest (octets as the hash emits them) and gives `r ‖ s`, least significant octets first, of full
    /// width. A device with a generator of its own may leave the entropy aside. It may take long: not for an
    /// event loop's thread.
    ///
    /// # Errors
    /// [`Error::Signature`], [`Error::Device`].
    fn sign_digest(&self, digest: &[u8], entropy: &Entropy) -> Result<Vec<u8>, Error>;
}

/// A key in memory with its certificate.
#[derive(Clone, Debug)]
pub struct LocalSigner {
    key: PrivateKey,
    certificate: Certificate,
    hash: HashAlgorithm,
    self_check: bool,
}

impl LocalSigner {
    /// Joins a key with its certificate. The hash is the one that the authority signed the certificate with:
    /// authorities changed from GOST 34.311 to Kupyna with the keys that they issue since 2026. Dates are not
    /// judged here.
    ///
    /// # Errors
    /// [`Error::ForeignCertificate`], [`Error::Usage`], [`Error::Certificate`].
    pub fn new(key: PrivateKey, certificate: Certificate) -> Result<Self, Error> {
        if certificate.public_key()? != key.public_key() {
            return Err(Error::ForeignCertificate);
        }
        if certificate.key_usage().is_some_and(|usage| !usage.signs()) {
            return Err(Error::Usage);
        }
        let hash = certificate.signature_algorithm()?.hash;
        Ok(Self {
            key,
            certificate,
            hash,
            self_check: true,
        })
    }

    /// Uses another hash.
    #[must_use]
    pub fn with_hash(mut self, hash: HashAlgorithm) -> Self {
        self.hash = hash;
        self
    }

    /// Whether every signature is verified before it is given out, against faults of the machine. On by default.
    #[must_use]
    pub fn with_self_check(mut self, self_check: bool) -> Self {
        self.self_check = self_check;
        self
    }

    /// The key.
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }
}

impl Signer for LocalSigner {
    fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    fn hash(&self) -> HashAlgorithm {
        self.hash
    }

    fn sign_digest(&self, digest: &[u8], entropy: &Entropy) -> Result<Vec<u8>, Error> {
        let signature = self.key.sign(digest, entropy)?;
        if self.self_check {
            self.key
                .public_key()
                .verify(digest, &signature)
                .map_err(|_| signature::Error::Fault)?;
        }
        Ok(signature.to_little_endian())
    }
}
