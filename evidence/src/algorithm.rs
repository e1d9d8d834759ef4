//! Hash algorithms that integrations register, so that UserSignHash can be recomputed for them. A convenience: what guarantees something to
//! a caller is its own recomputation (the document, second note).

use crate::container::{Container, Field};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::Digest as _;
use std::borrow::Cow;

/// Fields of one algorithm: all that there are, and some twice.
pub const FIELDS_MAX: usize = 16;
/// Bytes of a separator.
pub const SEPARATOR_BYTES_MAX: usize = 16;

/// A digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestKind {
    /// RFC 1321; the document's own example. Broken for signatures, and opaque to the keeper all the same.
    Md5,
    /// FIPS 180-4.
    Sha1,
    /// FIPS 180-4.
    Sha256,
    /// FIPS 180-4.
    Sha512,
}

/// How a digest is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Hexadecimal, compared without case.
    Hex,
    /// Base64 of RFC 4648, section 4, with its padding.
    Base64,
}

/// One algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Algorithm {
    /// The digest.
    pub digest: DigestKind,
    /// What is hashed, in this order; an absent field is the empty string.
    pub fields: Vec<Field>,
    /// Between fields.
    pub separator: String,
    /// How the digest is written.
    pub encoding: Encoding,
}

/// What a comparison came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The hash is that of the container.
    Match,
    /// It is not.
    Mismatch,
    /// Nobody has registered how this container is hashed.
    NoAlgorithm,
    /// The container came without a hash.
    NoHash,
}

impl Outcome {
    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Match => "Match",
            Self::Mismatch => "Mismatch",
            Self::NoAlgorithm => "NoAlgorithm",
            Self::NoHash => "NoHash",
        }
    }
}

/// Why something is no algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// No fields, or too many.
    #[error("fields: must have 1 to {FIELDS_MAX} names")]
    Fields,
    /// The hash cannot be one of its own fields.
    #[error("fields: UserSignHash cannot be hashed into itself")]
    Itself,
    /// Too long.
    #[error("separator: may have {SEPARATOR_BYTES_MAX} bytes at most")]
    Separator,
}

impl Algorithm {
    /// Judges it.
    ///
    /// # Errors
    /// [`Unfit`].
    pub fn check(&self) -> Result<(), Unfit> {
        if self.fields.is_empty() || self.fields.len() > FIELDS_MAX {
            return Err(Unfit::Fields);
        }
        if self.fields.contains(&Field::UserSignHash) {
            return Err(Unfit::Itself);
        }
        if self.separator.len() > SEPARATOR_BYTES_MAX {
            return Err(Unfit::Separator);
        }
        Ok(())
    }

    /// The hash of a container.
    #[must_use]
    pub fn hash(&self, container: &Container) -> String {
        let texts: Vec<Cow<'_, str>> = self.fields.iter().map(|field| container.text(*field)).collect();
        let text = texts.join(&self.separator);
        let digest = match self.digest {
            DigestKind::Md5 => md5::Md5::digest(text).to_vec(),
            DigestKind::Sha1 => sha1::Sha1::digest(text).to_vec(),
            DigestKind::Sha256 => sha2::Sha256::digest(text).to_vec(),
            DigestKind::Sha512 => sha2::Sha512::digest(text).to_vec(),
        };
        match self.encoding {
            Encoding::Hex => crate::hex::encode(&digest),
            Encoding::Base64 => BASE64_STANDARD.encode(digest),
        }
    }
}

/// Compares a container's own hash with what its algorithm gives.
#[must_use]
pub fn judge(container: &Container, algorithm: Option<&Algorithm>) -> Outcome {
    let Some(given) = &container.user_sign_hash else {
        return Outcome::NoHash;
    };
    let Some(algorithm) = algorithm else {
        return Outcome::NoAlgorithm;
    };
    let expected = algorithm.hash(container);
    let is_same = match algorithm.encoding {
        Encoding::Hex => given.eq_ignore_ascii_case(&expected),
        Encoding::Base64 => *given == expected,
    };
    if is_same {
        Outcome::Match
    } else {
        Outcome::Mismatch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MD5(ContractId+SignDate) of the document's example, computed by `printf 31352701.01.2024 | md5sum`, and the like.
    #[test]
    fn the_documents_simplest_case_is_what_md5sum_says() {
        let algorithm = |digest, encoding| Algorithm {
            digest,
            fields: vec![Field::ContractId, Field::SignDate],
            separator: String::new(),
            encoding,
        };
        let example = crate::form::tests::example();
        for (digest, expected) in [
            (DigestKind::Md5, "7e3ce5c81d50b6d49ea8b59432e1c5a4"),
            (DigestKind::Sha1, "8268313556869ad370f1b87258cb629b6667164e"),
            (
                DigestKind::Sha256,
                "b676088eee358b3caca5929cd5a917a59140632c82eca1b2033a1f74537e18cd",
            ),
        ] {
            assert_eq!(algorithm(digest, Encoding::Hex).hash(&example), expected);
        }
        assert_eq!(
            algorithm(DigestKind::Sha512, Encoding::Base64).hash(&example),
            "36N6D945FxlQCd92qEytZyMcIPb9MCU1aQeabyrzvbQwnrFj2++Wy3X+xLXqczag7iMLCKo0/WJIy28ETH6aBg=="
        );
    }

    #[test]
    fn hexadecimal_is_compared_without_case_and_base64_with_it() {
        let mut container = crate::form::tests::example();
        let mut algorithm = Algorithm {
            digest: DigestKind::Sha256,
            fields: vec![Field::Documents, Field::KeyTransport],
            separator: "|".to_owned(),
            encoding: Encoding::Hex,
        };
        container.user_sign_hash = Some(algorithm.hash(&container).to_uppercase());
        assert_eq!(judge(&container, Some(&algorithm)), Outcome::Match);
        algorithm.encoding = Encoding::Base64;
        container.user_sign_hash = Some(algorithm.hash(&container).to_lowercase());
        assert_eq!(judge(&container, Some(&algorithm)), Outcome::Mismatch);
        container.user_sign_hash = Some(algorithm.hash(&container));
        assert_eq!(judge(&container, Some(&algorithm)), Outcome::Match);
        container.key_transport = None;
        assert_eq!(judge(&container, Some(&algorithm)), Outcome::Mismatch);
        assert_eq!(judge(&container, None), Outcome::NoAlgorithm);
        container.user_sign_hash = None;
        assert_eq!(judge(&container, Some(&algorithm)), Outcome::NoHash);
    }

    #[test]
    fn what_is_no_algorithm_is_refused() {
        let algorithm = |fields: &[Field], separator: &str| Algorithm {
            digest: DigestKind::Md5,
            fields: fields.to_vec(),
            separator: separator.to_owned(),
            encoding: Encoding::Hex,
        };
        assert_eq!(algorithm(&[Field::ContractId], "").check(), Ok(()));
        assert_eq!(algorithm(&[], "").check(), Err(Unfit::Fields));
        assert_eq!(
            algorithm(&[Field::ContractId; 17], "").check(),
            Err(Unfit::Fields)
        );
        assert_eq!(algorithm(&[Field::UserSignHash], "").check(), Err(Unfit::Itself));
        let long = "x".repeat(17);
        assert_eq!(
            algorithm(&[Field::ContractId], &long).check(),
            Err(Unfit::Separator)
        );
    }
}
