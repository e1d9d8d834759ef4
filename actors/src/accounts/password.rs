//! Passwords at rest: Argon2id (RFC 9106), each with a salt of its own.

use crate::random::{Fault, Randomness};
use crate::secret::Secret;
use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use std::fmt;
use subtle::ConstantTimeEq;

/// The longest password: what is longer costs more to read than it guards.
pub const PASSWORD_BYTES_MAX: usize = 256;
/// The shortest that is taken for a new account.
pub const PASSWORD_CHARACTERS_MIN: usize = 10;
/// 19 MiB, two passes, one lane: the least that OWASP's guidance has for Argon2id; about 20 ms of one core.
const COST: Cost = Cost {
    memory_kib: 19_456,
    passes: 2,
    lanes: 1,
};

/// What one guess costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// A password's salted hash and what it cost.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordRecord {
    cost: Cost,
    salt: [u8; 16],
    hash: [u8; 32],
}

impl fmt::Debug for PasswordRecord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordRecord(***)")
    }
}

impl PasswordRecord {
    /// Hashes a password. Slow on purpose: call it outside the runtime's workers.
    ///
    /// # Errors
    /// No random numbers.
    pub fn of(password: &Secret, randomness: &dyn Randomness) -> Result<Self, Fault> {
        let mut salt = [0; 16];
        randomness.fill(&mut salt)?;
        let hash = COST.hash(password, &salt).ok_or(Fault)?;
        Ok(Self {
            cost: COST,
            salt,
            hash,
        })
    }

    /// Whether this is the password, in a time that says nothing of it. Slow on purpose, as [`PasswordRecord::of`].
    pub fn matches(&self, password: &Secret) -> bool {
        let hash = self.cost.hash(password, &self.salt);
        hash.is_some_and(|hash| hash.ct_eq(&self.hash).into())
    }

    /// As long as [`PasswordRecord::matches`] takes, for an account that there is not: so that time does not tell which there are.
    pub fn match_nothing(password: &Secret) {
        let _ = COST.hash(password, &[0; 16]); // only its time is of use
    }
}

impl Cost {
    fn hash(self, password: &Secret, salt: &[u8; 16]) -> Option<[u8; 32]> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).ok()?;
        let mut hash = [0; 32];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2
            .hash_password_into(password.expose().as_bytes(), salt, &mut hash)
            .ok()?;
        Some(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::SeededRandomness;

    #[test]
    fn a_password_is_known_by_itself_alone_and_two_of_the_same_look_different() {
        let randomness = SeededRandomness::new(7);
        let password = Secret::new("invented password");
        let record = PasswordRecord::of(&password, &randomness).unwrap();
        let other = PasswordRecord::of(&password, &randomness).unwrap();
        assert!(record.matches(&password) && other.matches(&password));
        assert!(!record.matches(&Secret::new("invented passwore")));
        assert!(!record.matches(&Secret::new("")));
        assert_ne!(record, other);
        assert_eq!(format!("{record:?}"), "PasswordRecord(***)");
    }
}
