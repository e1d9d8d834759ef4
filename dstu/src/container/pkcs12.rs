//! PKCS #12 (RFC 7292) with the Ukrainian algorithms: several keys, a message authentication code over them all.

use subtle::ConstantTimeEq;

use super::{Error, KeyRing, limited, pkcs8, unsupported};
use crate::algorithm;
use crate::der::oid::Oid;
use crate::der::{Element, Error as DerError, Reader, oid, tag};
use crate::kdf::{self, Hmac};

/// Opens `{ version, authSafe, macData OPTIONAL }`, the version being read already.
pub(super) fn open(mut reader: Reader<'_>, password: &str) -> Result<KeyRing, Error> {
    let safe = data_content(&mut reader.sequence()?)?;
    let authenticated = match reader.optional(tag::SEQUENCE)? {
        Some(mac) => {
            check_mac(mac.reader(), safe, password)?;
            true
        }
        None => false,
    };
    reader.finish()?;

    let mut ring = KeyRing::default();
    let mut parts = Reader::new(safe).sequence()?;
    while !parts.is_empty() {
        read_part(&mut ring, parts.sequence()?, password, authenticated)?;
    }
    Ok(ring)
}

/// The octets in `{ data, [0] { OCTET STRING } }`.
fn data_content<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Error> {
    let kind = Oid(reader.expect(tag::OBJECT_IDENTIFIER)?.content);
    if kind != oid::DATA {
        return Err(unsupported(kind));
    }
    let wrapper = reader.expect(tag::context_constructed(0))?;
    Ok(Reader::single(wrapper.content, tag::OCTET_STRING)?.content)
}

/// `{ { digest algorithm, digest }, salt, iterations DEFAULT 1 }`.
fn check_mac(mut reader: Reader<'_>, safe: &[u8], password: &str) -> Result<(), Error> {
    let mut info = reader.sequence()?;
    let hash = algorithm::read_identifier(&info.expect(tag::SEQUENCE)?)?;
    if hash != oid::GOST_34311 {
        return Err(unsupported(hash));
    }
    let expected = info.expect(tag::OCTET_STRING)?.content;
    let salt = reader.expect(tag::OCTET_STRING)?.content;
    let iterations = match reader.optional(tag::INTEGER)? {
        Some(count) => limited(count.to_u64()?)?,
        None => 1,
    };
    let key = kdf::pkcs12_mac_key(password, salt, iterations);
    let code = Hmac::new(key.as_slice()).code(&[safe]);
    if bool::from(code.as_slice().ct_eq(expected)) {
        Ok(())
    } else {
        Err(Error::WrongPassword)
    }
}

/// One ContentInfo of the safe: bags in the clear, or encrypted as a whole.
fn read_part(
    ring: &mut KeyRing,
    mut reader: Reader<'_>,
    password: &str,
    authenticated: bool,
) -> Result<(), Error> {
    let kind = Oid(reader.clone().expect(tag::OBJECT_IDENTIFIER)?.content);
    if kind != oid::ENCRYPTED_DATA {
        return read_bags(ring, data_content(&mut reader)?, password, authenticated);
    }
    reader.read()?;
    let mut data = reader.expect(tag::context_constructed(0))?.reader().sequence()?;
    data.expect(tag::INTEGER)?;
    let mut info = data.sequence()?;
    info.expect(tag::OBJECT_IDENTIFIER)?;
    let algorithm = info.expect(tag::SEQUENCE)?;
    let encrypted = info.expect(tag::context(0))?.content;
    let plain = pkcs8::decrypt(&algorithm, encrypted, password)?;
    match read_bags(ring, &plain, password, authenticated) {
        Err(Error::Der(_)) if !authenticated => Err(Error::WrongPassword),
        other => other,
    }
}

fn read_bags(ring: &mut KeyRing, octets: &[u8], password: &str, authenticated: bool) -> Result<(), Error> {
    let mut bags = Reader::single(octets, tag::SEQUENCE)?.reader();
    while !bags.is_empty() {
        let mut bag = bags.sequence()?;
        let kind = Oid(bag.expect(tag::OBJECT_IDENTIFIER)?.content);
        let value = bag.expect(tag::context_constructed(0))?.content;
        let name = match bag.optional(tag::SET)? {
            Some(attributes) => friendly_name(&attributes)?,
            None => None,
        };
        match kind {
            oid::KEY_BAG => ring.add_key(pkcs8::read(value)?, name)?,
            oid::SHROUDED_KEY_BAG => {
                let key = match pkcs8::open(value, password) {
                    // The code over the whole says that the password is right.
                    Err(Error::WrongPassword) if authenticated => Err(DerError::Value.into()),
                    other => other,
                }?;
                ring.add_key(key, name)?;
            }
            oid::CERTIFICATE_BAG => {
                let mut certificate = Reader::single(value, tag::SEQUENCE)?.reader();
                if Oid(certificate.expect(tag::OBJECT_IDENTIFIER)?.content) == oid::X509_CERTIFICATE {
                    let wrapper = certificate.expect(tag::context_constructed(0))?;
                    ring.add_certificate(Reader::single(wrapper.content, tag::OCTET_STRING)?.content)?;
                }
            }
            // Revocation lists, secrets and nested safes: nothing to sign with.
            _ => {}
        }
    }
    Ok(())
}

fn friendly_name(attributes: &Element<'_>) -> Result<Option<String>, Error> {
    let mut reader = attributes.reader();
    while !reader.is_empty() {
        let mut attribute = reader.sequence()?;
        if Oid(attribute.expect(tag::OBJECT_IDENTIFIER)?.content) != oid::FRIENDLY_NAME {
            continue;
        }
        let value = attribute
            .expect(tag::SET)?
            .reader()
            .expect(tag::BMP_STRING)?
            .content;
        let units: Vec<u16> = value
            .as_chunks::<2>()
            .0
            .iter()
            .copied()
            .map(u16::from_be_bytes)
            .collect();
        return Ok(Some(String::from_utf16_lossy(&units)));
    }
    Ok(None)
}

#[cfg(all(test, feature = "issuer"))]
mod tests {
    use zeroize::Zeroizing;

    use super::super::{Password, seal};
    use super::*;
    use crate::der::writer::{element, integer, oid as write_oid, sequence};
    use crate::{Curve, Entropy, PrivateKey};

    const PASSWORD: &str = "вигаданий";

    fn key() -> PrivateKey {
        PrivateKey::generate(Curve::M257, &Entropy::new([90; 32])).expect("a key")
    }

    /// A safe of these parts, without a message authentication code.
    fn container(parts: &[Vec<u8>]) -> Vec<u8> {
        let safe = sequence(&[&parts.concat()]);
        sequence(&[&integer(3), &seal::data(&safe)])
    }

    /// Bags encrypted as a whole.
    fn encrypted_part(bags: &[u8]) -> Vec<u8> {
        let (algorithm, data) = seal::encrypt(Zeroizing::new(bags.to_vec()), PASSWORD, &[5; 64]);
        let content = element(tag::context(0), &[&data]);
        let info = sequence(&[&write_oid(oid::DATA), &algorithm, &content]);
        let data = sequence(&[&integer(0), &info]);
        sequence(&[
            &write_oid(oid::ENCRYPTED_DATA),
            &element(tag::context_constructed(0), &[&data]),
        ])
    }

    fn open(octets: &[u8], password: &str) -> Result<KeyRing, Error> {
        KeyRing::open(octets, &Password::new(password))
    }

    #[test]
    fn bare_keys_and_parts_that_are_encrypted_as_a_whole_are_read_without_a_code() {
        let key = key();
        let name = element(tag::BMP_STRING, &[&[0x04, 0x1A, 0x00, 0x31]]);
        let attribute = sequence(&[&write_oid(oid::FRIENDLY_NAME), &element(tag::SET, &[&name])]);
        let bag = seal::bag(
            oid::KEY_BAG,
            &seal::pkcs8(&key),
            &element(tag::SET, &[&attribute]),
        );
        let bags = sequence(&[&bag]);
        let octets = container(&[seal::data(&bags), encrypted_part(&bags)]);
        let ring = open(&octets, PASSWORD).expect("opens");
        assert_eq!(ring.keys().len(), 2);
        for stored in ring.keys() {
            assert_eq!(stored.key.public_key(), key.public_key());
            assert_eq!(stored.name.as_deref(), Some("К1"));
        }
        assert_eq!(open(&octets, "інший").unwrap_err(), Error::WrongPassword);
    }

    #[test]
    fn a_wrong_password_is_told_without_a_code_too() {
        let key = seal::pbes2(&key(), PASSWORD, &Entropy::new([1; 32]));
        let octets = container(&[seal::data(&sequence(&[&seal::bag(
            oid::SHROUDED_KEY_BAG,
            &key,
            &[],
        )]))]);
        assert_eq!(open(&octets, PASSWORD).expect("opens").keys().len(), 1);
        assert_eq!(open(&octets, "інший").unwrap_err(), Error::WrongPassword);
    }
}
