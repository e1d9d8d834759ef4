//! PKCS #8 in its Ukrainian form (the private number is a bare OCTET STRING, least significant octet first), bare
//! and under PBES2 (PBKDF2 with HMAC-GOST 34.311, GOST 28147 in CFB).

use zeroize::Zeroizing;

use super::{Error, limited, unsupported};
use crate::algorithm::{self, ByteOrder};
use crate::der::oid::Oid;
use crate::der::{Element, Reader, oid, tag};
use crate::gost28147::{Cipher, Sbox};
use crate::kdf;
use crate::key::PrivateKey;

/// Reads `{ version, algorithm, key, … }`; attributes that follow are left aside.
pub(super) fn read(octets: &[u8]) -> Result<PrivateKey, Error> {
    let mut reader = Reader::single(octets, tag::SEQUENCE)?.reader();
    reader.expect(tag::INTEGER)?;
    let (curve, order) = algorithm::read_key_algorithm(&reader.expect(tag::SEQUENCE)?)?;
    let number = reader.expect(tag::OCTET_STRING)?.content;
    Ok(match order {
        ByteOrder::Little => PrivateKey::from_little_endian(curve, number)?,
        ByteOrder::Big => {
            let reversed: Zeroizing<Vec<u8>> = Zeroizing::new(number.iter().rev().copied().collect());
            PrivateKey::from_little_endian(curve, &reversed)?
        }
    })
}

/// Opens `{ PBES2 …, encrypted }`. The encryption has no check of its own: with a wrong password the plain text is
/// noise, which is no key.
pub(super) fn open(octets: &[u8], password: &str) -> Result<PrivateKey, Error> {
    let mut reader = Reader::single(octets, tag::SEQUENCE)?.reader();
    let algorithm = reader.expect(tag::SEQUENCE)?;
    let encrypted = reader.expect(tag::OCTET_STRING)?.content;
    reader.finish()?;
    let plain = decrypt(&algorithm, encrypted, password)?;
    match read(&plain) {
        Err(Error::Der(_)) => Err(Error::WrongPassword),
        other => other,
    }
}

/// Decrypts what PBES2 with the Ukrainian algorithms encrypted.
pub(super) fn decrypt(
    algorithm: &Element<'_>,
    encrypted: &[u8],
    password: &str,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut reader = algorithm.reader();
    let scheme = Oid(reader.expect(tag::OBJECT_IDENTIFIER)?.content);
    if scheme != oid::PBES2 {
        return Err(unsupported(scheme));
    }
    let mut parameters = reader.sequence()?;
    let key = derive(&parameters.expect(tag::SEQUENCE)?, password)?;
    let mut encryption = parameters.sequence()?;
    let cipher = Oid(encryption.expect(tag::OBJECT_IDENTIFIER)?.content);
    if cipher != oid::GOST_28147_CFB {
        return Err(unsupported(cipher));
    }
    let mut encryption = encryption.sequence()?;
    let value = |_| Error::Der(crate::der::Error::Value);
    let start: [u8; 8] = encryption
        .expect(tag::OCTET_STRING)?
        .content
        .try_into()
        .map_err(value)?;
    let packed: &[u8; 64] = encryption
        .expect(tag::OCTET_STRING)?
        .content
        .try_into()
        .map_err(value)?;
    let sbox = Sbox::unpack(packed);
    let mut plain = Zeroizing::new(encrypted.to_vec());
    Cipher::new(&key, &sbox).decrypt_feedback(start, &mut plain);
    Ok(plain)
}

/// `{ PBKDF2, { salt, iterations, length OPTIONAL, prf } }`.
fn derive(algorithm: &Element<'_>, password: &str) -> Result<kdf::Derived, Error> {
    let mut reader = algorithm.reader();
    let derivation = Oid(reader.expect(tag::OBJECT_IDENTIFIER)?.content);
    if derivation != oid::PBKDF2 {
        return Err(unsupported(derivation));
    }
    let mut parameters = reader.sequence()?;
    let salt = parameters.expect(tag::OCTET_STRING)?.content;
    let iterations = limited(parameters.expect(tag::INTEGER)?.to_u64()?)?;
    if let Some(length) = parameters.optional(tag::INTEGER)?
        && length.to_u64()? != 32
    {
        return Err(Error::Unsupported("a key that is not of 32 octets".to_owned()));
    }
    // Without a name the function is HMAC-SHA-1, which no Ukrainian container uses.
    let function = match parameters.optional(tag::SEQUENCE)? {
        Some(element) => algorithm::read_identifier(&element)?,
        None => return Err(Error::Unsupported("HMAC-SHA-1".to_owned())),
    };
    if function != oid::HMAC_GOST_34311 {
        return Err(unsupported(function));
    }
    Ok(kdf::pbkdf2(password.as_bytes(), salt, iterations))
}
