//! `Key-6.dat` of IIT: `{ { 1.3.6.1.4.1.19398.1.1.1.2, { mac, pad } }, body }`.
//!
//! GOST 28147 in simple substitution over `body ‖ pad`, checked by its message authentication code; the key is the
//! password hashed 10,000 times.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Error, pkcs8};
use crate::der::{Reader, tag};
use crate::gost28147::{Cipher, DKE1_SBOX};
use crate::kdf;
use crate::key::PrivateKey;

/// Fixed by the format.
pub(super) const ITERATIONS: u32 = 10_000;

pub(super) fn open(octets: &[u8], password: &str) -> Result<PrivateKey, Error> {
    let mut outer = Reader::single(octets, tag::SEQUENCE)?.reader();
    let mut algorithm = outer.sequence()?;
    algorithm.expect(tag::OBJECT_IDENTIFIER)?;
    let mut parameters = algorithm.sequence()?;
    let code = parameters.expect(tag::OCTET_STRING)?.content;
    let padding = parameters.expect(tag::OCTET_STRING)?.content;
    let body = outer.expect(tag::OCTET_STRING)?.content;
    outer.finish()?;

    let key = kdf::iit_key(password.as_bytes(), ITERATIONS);
    let cipher = Cipher::new(&key, &DKE1_SBOX);
    let mut plain = Zeroizing::new([body, padding].concat());
    cipher.decrypt_blocks(&mut plain);
    plain.truncate(body.len());
    if !bool::from(cipher.authenticate(&plain).as_slice().ct_eq(code)) {
        return Err(Error::WrongPassword);
    }
    pkcs8::read(&plain)
}
