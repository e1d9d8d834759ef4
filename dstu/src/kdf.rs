//! Keys from passwords: HMAC and PBKDF2 with GOST 34.311, PKCS #12's own derivation, and that of `Key-6.dat`.

use zeroize::Zeroizing;

use crate::gost34311::{BLOCK, Gost34311};

/// A derived key or a code: 32 octets.
pub(crate) type Derived = Zeroizing<[u8; BLOCK]>;

/// HMAC (RFC 2104) with GOST 34.311; the block is 32 octets. The states after the padded key are kept.
#[derive(Clone)]
pub(crate) struct Hmac {
    inner: Gost34311,
    outer: Gost34311,
}

impl Hmac {
    pub(crate) fn new(key: &[u8]) -> Self {
        let mut block = Zeroizing::new([0; BLOCK]);
        if key.len() > BLOCK {
            *block = Gost34311::hash(key);
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        let state = |pad: u8| {
            let padded = Zeroizing::new(block.map(|octet| octet ^ pad));
            let mut hash = Gost34311::new();
            hash.update(padded.as_slice());
            hash
        };
        Self {
            inner: state(0x36),
            outer: state(0x5C),
        }
    }

    pub(crate) fn code(&self, parts: &[&[u8]]) -> Derived {
        let mut inner = self.inner.clone();
        for part in parts {
            inner.update(part);
        }
        let mut outer = self.outer.clone();
        outer.update(&inner.finalize());
        Zeroizing::new(outer.finalize())
    }
}

/// PBKDF2 (RFC 8018, section 5.2), one block of 32 octets.
pub(crate) fn pbkdf2(password: &[u8], salt: &[u8], iterations: u32) -> Derived {
    let hmac = Hmac::new(password);
    let mut block = hmac.code(&[salt, &1u32.to_be_bytes()]);
    let mut key = block.clone();
    for _ in 1..iterations {
        block = hmac.code(&[block.as_slice()]);
        for (octet, added) in key.iter_mut().zip(block.iter()) {
            *octet ^= added;
        }
    }
    key
}

/// The key of PKCS #12's message authentication code (RFC 7292, appendix B, purpose 3), the hash's block and
/// output both being 32 octets. The password is in UTF-16, most significant octet first, with a final zero.
pub(crate) fn pkcs12_mac_key(password: &str, salt: &[u8], iterations: u32) -> Derived {
    let units = password.encode_utf16().chain([0]);
    let password: Zeroizing<Vec<u8>> = Zeroizing::new(units.flat_map(u16::to_be_bytes).collect());
    let repeated = |octets: &[u8]| {
        let length = octets.len().next_multiple_of(BLOCK);
        Zeroizing::new(octets.iter().copied().cycle().take(length).collect::<Vec<u8>>())
    };
    let mut hash = Gost34311::new();
    hash.update(&[3; BLOCK]);
    hash.update(&repeated(salt));
    hash.update(&repeated(&password));
    repeat_hash(Zeroizing::new(hash.finalize()), iterations)
}

/// The key of `Key-6.dat`: the password hashed `iterations` times.
pub(crate) fn iit_key(password: &[u8], iterations: u32) -> Derived {
    repeat_hash(Zeroizing::new(Gost34311::hash(password)), iterations)
}

fn repeat_hash(mut digest: Derived, iterations: u32) -> Derived {
    for _ in 1..iterations {
        *digest = Gost34311::hash(digest.as_slice());
    }
    digest
}

#[cfg(test)]
mod tests {
    use gost94::Gost94UA;
    use hmac::{KeyInit, Mac};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn hmac_is_the_public_crates(
            key in proptest::collection::vec(any::<u8>(), 0..80),
            message in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            let mut expected = hmac::Hmac::<Gost94UA>::new_from_slice(&key).unwrap();
            expected.update(&message);
            let expected: [u8; 32] = expected.finalize().into_bytes().into();
            prop_assert_eq!(*Hmac::new(&key).code(&[&message]), expected);
        }
    }
}
