//! Key containers of Ukrainian certification authorities: password in, keys out.
//!
//! All kinds are recognised by their octets: `Key-6.dat` of IIT, PKCS #8 (bare or under PBES2), PKCS #12, and the
//! Java key store of PrivatBank. Opening takes some ten milliseconds of computing: not for an event loop's thread.

mod iit;
mod jks;
mod pkcs12;
mod pkcs8;
#[cfg(feature = "issuer")]
pub mod seal;

use std::fmt;

use crate::algorithm;
use crate::certificate::{self, Certificate};
use crate::der::oid::Oid;
use crate::der::{Error as DerError, Reader, oid, tag};
use crate::key::{self, PrivateKey};
use crate::pem;

/// Octets of one container. Real ones have a few kilobytes.
pub const CONTAINER_OCTETS_MAX: usize = 1024 * 1024;

/// Private keys in one container. Real ones have two: signing and key agreement.
pub const KEYS_MAX: usize = 16;

/// Certificates in one container.
pub const CERTIFICATES_MAX: usize = 64;

/// Iterations of one key derivation: ten times what authorities use, a tenth of a second of computing.
pub const ITERATIONS_MAX: u32 = 100_000;

/// Octets of a password: nobody types more, and each is repeated in memory.
pub const PASSWORD_OCTETS_MAX: usize = 1024;

/// Why a container does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The container is of a known kind, and the password does not open it.
    #[error("the password is wrong, or the container is damaged")]
    WrongPassword,
    /// None of the known kinds.
    #[error("not a key container of a known kind")]
    Unknown,
    /// A known kind that uses an algorithm which is not supported.
    #[error("the container uses {0}, which is not supported")]
    Unsupported(String),
    /// Larger, or more laborious, than is reasonable.
    #[error("the container exceeds a limit: {0}")]
    Limit(&'static str),
    /// Damaged structure.
    #[error("the container is damaged: {0}")]
    Der(#[from] DerError),
    /// The algorithm of a key.
    #[error(transparent)]
    Algorithm(#[from] algorithm::Error),
    /// A key is not valid.
    #[error(transparent)]
    Key(#[from] key::Error),
    /// A certificate inside cannot be read.
    #[error(transparent)]
    Certificate(#[from] certificate::Error),
}

/// What a container holds.
#[derive(Debug, Default)]
pub struct KeyRing {
    keys: Vec<StoredKey>,
    certificates: Vec<Certificate>,
}

/// A private key with the name under which it was kept.
#[derive(Debug)]
pub struct StoredKey {
    /// The key.
    pub key: PrivateKey,
    /// The alias or friendly name, where the container has one.
    pub name: Option<String>,
}

impl KeyRing {
    /// Opens a container of any kind, DER or PEM. A bare key needs no password, and its password is not looked at.
    ///
    /// # Errors
    /// [`Error`].
    pub fn open(octets: &[u8], password: &Password<'_>) -> Result<Self, Error> {
        if octets.len() > CONTAINER_OCTETS_MAX {
            return Err(Error::Limit("octets"));
        }
        if password.0.len() > PASSWORD_OCTETS_MAX {
            return Err(Error::Limit("password"));
        }
        if octets.starts_with(b"-----BEGIN") {
            let der = pem::decode(octets, &["ENCRYPTED PRIVATE KEY", "PRIVATE KEY"]).ok_or(Error::Unknown)?;
            return Self::open_der(&der, password.0);
        }
        if octets.starts_with(&jks::MAGIC) {
            return jks::open(octets, password.0);
        }
        // Some programs put six octets, the first 0x51, before a Key-6.dat.
        let octets = if octets.first() == Some(&0x51) {
            octets.get(6..).unwrap_or(&[])
        } else {
            octets
        };
        Self::open_der(octets, password.0)
    }

    fn open_der(octets: &[u8], password: &str) -> Result<Self, Error> {
        if octets.first() != Some(&tag::SEQUENCE) {
            return Err(Error::Unknown);
        }
        let outer = Reader::single(octets, tag::SEQUENCE)?;
        let mut reader = outer.reader();
        let first = reader.read()?;
        match (first.tag, reader.peek()) {
            (tag::INTEGER, Some(tag::SEQUENCE)) if first.content == [3] => pkcs12::open(reader, password),
            (tag::INTEGER, Some(tag::SEQUENCE)) => Ok(Self::of_key(pkcs8::read(octets)?)),
            (tag::SEQUENCE, Some(tag::OCTET_STRING)) => match algorithm::read_identifier(&first)? {
                oid::IIT_KEY => Ok(Self::of_key(iit::open(octets, password)?)),
                oid::PBES2 => Ok(Self::of_key(pkcs8::open(octets, password)?)),
                other => Err(unsupported(other)),
            },
            _ => Err(Error::Unknown),
        }
    }

    fn of_key(key: PrivateKey) -> Self {
        Self {
            keys: vec![StoredKey { key, name: None }],
            certificates: Vec::new(),
        }
    }

    /// The keys, in the container's order.
    pub fn keys(&self) -> &[StoredKey] {
        &self.keys
    }

    /// The certificates inside; usually there are none, and they come in files of their own.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The key that a certificate is for.
    pub fn key_of(&self, certificate: &Certificate) -> Option<&PrivateKey> {
        let public = certificate.public_key().ok()?;
        self.keys
            .iter()
            .map(|stored| &stored.key)
            .find(|key| key.public_key() == public)
    }

    fn add_key(&mut self, key: PrivateKey, name: Option<String>) -> Result<(), Error> {
        if self.keys.len() == KEYS_MAX {
            return Err(Error::Limit("keys"));
        }
        self.keys.push(StoredKey { key, name });
        Ok(())
    }

    fn add_certificate(&mut self, der: &[u8]) -> Result<(), Error> {
        if self.certificates.len() == CERTIFICATES_MAX {
            return Err(Error::Limit("certificates"));
        }
        self.certificates.push(Certificate::from_der(der)?);
        Ok(())
    }
}

/// A password as typed. Borrowed, never printed; zeroising the text is its owner's business.
#[derive(Clone, Copy)]
pub struct Password<'a>(&'a str);

impl<'a> Password<'a> {
    /// Of a text.
    pub fn new(text: &'a str) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Password<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(…)")
    }
}

fn unsupported(identifier: Oid<'_>) -> Error {
    Error::Unsupported(identifier.to_string())
}

/// Checks a number of iterations against [`ITERATIONS_MAX`].
fn limited(iterations: u64) -> Result<u32, Error> {
    match u32::try_from(iterations) {
        Ok(count @ 1..=ITERATIONS_MAX) => Ok(count),
        _ => Err(Error::Limit("iterations")),
    }
}
