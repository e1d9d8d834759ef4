//! A key on its way into an agent: what an integrator uploads to the gateway, where the gateway relays uploads.

use crate::octets::Octets;
use crate::secret::SecretOctets;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Octets of an upload, container, password and certificate together: what an agent's own `POST /api/v1/key` takes, which is a
/// container of a megabyte and room for a certificate.
pub const LOAD_OCTETS_MAX: usize = (1024 + 128) * 1024;

/// A key container with its password. In memory alone, on both sides, until it is sealed in the agent's store; wiped when it is dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUpload {
    /// The container, as its authority made it.
    pub container: SecretOctets,
    /// Its password, UTF-8.
    pub password: SecretOctets,
    /// The certificate, DER or PEM, where it is not inside. One without octets is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Octets>,
}

impl KeyUpload {
    /// The certificate that came beside the container, if any.
    #[must_use]
    pub fn certificate(&self) -> Option<&[u8]> {
        let octets = self.certificate.as_ref().map(|octets| octets.0.as_slice());
        octets.filter(|octets| !octets.is_empty())
    }

    fn fields(&self) -> [&[u8]; 3] {
        let certificate = self.certificate().unwrap_or_default();
        [self.container.expose(), self.password.expose(), certificate]
    }

    /// Octets of all that it holds.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.fields().iter().map(|field| field.len()).sum()
    }

    /// What the gateway signs of it: SHA-256 over container, password and certificate, each behind its length in eight octets, most
    /// significant first.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for field in self.fields() {
            digest.update((field.len() as u64).to_be_bytes());
            digest.update(field);
        }
        digest.finalize().into()
    }
}
