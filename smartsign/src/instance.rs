//! This instance of the agent: an Ed25519 key made at the first start, which the licence names, so that a copy elsewhere is refused.

use crate::vault::{Error, Vault};
use signing_protocol::SecretKey;
use zeroize::Zeroizing;

const KIND: &str = "instance";
const NAME: &str = "key";

/// The instance's key; made where there is none.
///
/// # Errors
/// [`Error`].
pub fn open(vault: &Vault) -> Result<SecretKey, Error> {
    if let Some(seed) = vault.get(KIND, NAME)? {
        let seed = Zeroizing::new(<[u8; 32]>::try_from(seed.as_slice()).map_err(|_| Error::Damaged)?);
        return Ok(SecretKey::from_seed(&seed));
    }
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut_slice()).map_err(|_| Error::Randomness)?;
    vault.put(KIND, NAME, seed.as_slice())?;
    Ok(SecretKey::from_seed(&seed))
}
