//! The Java key store (JKS) as PrivatBank fills it: keys under Sun's protector, the plain text being Ukrainian
//! PKCS #8. All numbers are most significant octet first.

use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Error, KeyRing, pkcs8, unsupported};
use crate::algorithm;
use crate::der::{Error as DerError, Reader, oid, tag};

/// How every store begins.
pub(super) const MAGIC: [u8; 4] = [0xFE, 0xED, 0xFE, 0xED];
/// Hashed between password and data; fixed by the format.
pub(super) const WHITENER: &[u8] = b"Mighty Aphrodite";
/// Octets of SHA-1, of the protector's salt and of its check.
pub(super) const DIGEST: usize = 20;
/// Entries of one store: keys, and certificates of authorities.
const ENTRIES_MAX: u32 = 256;

pub(super) fn open(octets: &[u8], password: &str) -> Result<KeyRing, Error> {
    let (data, check) = octets.split_last_chunk::<DIGEST>().ok_or(DerError::Truncated)?;
    let password = utf16(password);
    if !bool::from(store_digest(&password, data).as_slice().ct_eq(check)) {
        return Err(Error::WrongPassword);
    }
    let mut fields = Fields(&data[MAGIC.len()..]);
    let version = fields.number()?;
    if !(1..=2).contains(&version) {
        return Err(Error::Unsupported(format!(
            "version {version} of the Java key store"
        )));
    }
    let mut ring = KeyRing::default();
    let entries = fields.number()?;
    if entries > ENTRIES_MAX {
        return Err(Error::Limit("entries"));
    }
    for _ in 0..entries {
        let kind = fields.number()?;
        let alias = String::from_utf8_lossy(fields.text()?).into_owned();
        fields.take(8)?; // when the entry was made
        match kind {
            1 => {
                let protected = fields.block()?;
                ring.add_key(pkcs8::read(&unprotect(protected, &password)?)?, Some(alias))?;
                for _ in 0..fields.number()? {
                    read_certificate(&mut ring, &mut fields, version)?;
                }
            }
            2 => read_certificate(&mut ring, &mut fields, version)?,
            other => {
                return Err(Error::Unsupported(format!(
                    "entry kind {other} of the Java key store"
                )));
            }
        }
    }
    if fields.0.is_empty() {
        Ok(ring)
    } else {
        Err(DerError::Trailing.into())
    }
}

fn read_certificate(ring: &mut KeyRing, fields: &mut Fields<'_>, version: u32) -> Result<(), Error> {
    let is_x509 = version == 1 || fields.text()? == b"X.509";
    let octets = fields.block()?;
    if is_x509 {
        ring.add_certificate(octets)
    } else {
        Ok(())
    }
}

/// Password characters of two octets each, without a terminator.
pub(super) fn utf16(password: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(password.encode_utf16().flat_map(u16::to_be_bytes).collect())
}

/// The check at the end of the store.
pub(super) fn store_digest(password: &[u8], data: &[u8]) -> [u8; DIGEST] {
    let mut hash = Sha1::new();
    hash.update(password);
    hash.update(WHITENER);
    hash.update(data);
    hash.finalize().into()
}

/// `{ { protector }, salt ‖ encrypted ‖ check }`.
fn unprotect(octets: &[u8], password: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut reader = Reader::single(octets, tag::SEQUENCE)?.reader();
    let algorithm = algorithm::read_identifier(&reader.expect(tag::SEQUENCE)?)?;
    if algorithm != oid::JKS_PROTECTOR {
        return Err(unsupported(algorithm));
    }
    let protected = reader.expect(tag::OCTET_STRING)?.content;
    let (salt, rest) = protected
        .split_first_chunk::<DIGEST>()
        .ok_or(DerError::Truncated)?;
    let (encrypted, check) = rest.split_last_chunk::<DIGEST>().ok_or(DerError::Truncated)?;
    let mut plain = Zeroizing::new(encrypted.to_vec());
    apply_key_stream(&mut plain, salt, password);
    if bool::from(key_digest(password, &plain).as_slice().ct_eq(check)) {
        Ok(plain)
    } else {
        Err(Error::WrongPassword)
    }
}

/// Adds the key stream W₁ ‖ W₂ ‖ …, W₀ being the salt and Wᵢ = SHA-1(password ‖ Wᵢ₋₁).
pub(super) fn apply_key_stream(data: &mut [u8], salt: &[u8; DIGEST], password: &[u8]) {
    let mut word = Zeroizing::new(*salt);
    for block in data.chunks_mut(DIGEST) {
        *word = key_digest(password, word.as_slice());
        for (octet, key) in block.iter_mut().zip(word.iter()) {
            *octet ^= key;
        }
    }
}

/// SHA-1(password ‖ data).
pub(super) fn key_digest(password: &[u8], data: &[u8]) -> [u8; DIGEST] {
    let mut hash = Sha1::new();
    hash.update(password);
    hash.update(data);
    hash.finalize().into()
}

/// Reads fields one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(DerError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u32, Error> {
        let (octets, rest) = self.0.split_first_chunk::<4>().ok_or(DerError::Truncated)?;
        self.0 = rest;
        Ok(u32::from_be_bytes(*octets))
    }

    /// Octets after a length of four.
    fn block(&mut self) -> Result<&'a [u8], Error> {
        let length = self.number()?;
        self.take(usize::try_from(length).map_err(|_| DerError::Truncated)?)
    }

    /// Octets after a length of two.
    fn text(&mut self) -> Result<&'a [u8], Error> {
        let (octets, rest) = self.0.split_first_chunk::<2>().ok_or(DerError::Truncated)?;
        self.0 = rest;
        self.take(usize::from(u16::from_be_bytes(*octets)))
    }
}
