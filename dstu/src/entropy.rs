//! Fresh chance from outside: the package itself draws nothing.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// 32 octets of fresh, unpredictable entropy, for one key or one signature.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Entropy([u8; 32]);

impl Entropy {
    /// Takes octets from the caller's generator.
    pub fn new(octets: [u8; 32]) -> Self {
        Self(octets)
    }

    /// Asks the operating system.
    ///
    /// # Errors
    /// The operating system's own.
    #[cfg(feature = "system-entropy")]
    pub fn from_system() -> Result<Self, getrandom::Error> {
        let mut octets = [0; 32];
        getrandom::fill(&mut octets)?;
        Ok(Self(octets))
    }

    pub(crate) fn octets(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Entropy(…)")
    }
}
