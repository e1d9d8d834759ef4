//! Secrets that we make, and how those in the configuration are read.

use crate::config::{Config, ConfigSecret};
use actors::directory::keys::Pepper;
use actors::machines::otp::MacKeys;
use actors::random::{Fault, Randomness};
use actors::secret::Secret;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use evidence::checkpoint::Signer;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// A partner's key: 256 random bits.
pub fn partner_key(randomness: &dyn Randomness) -> Result<String, Fault> {
    token(randomness, "csp_")
}

/// An account's permanent key: 128 random bits in hexadecimal, the form that clients' settings have room for.
pub fn api_token(randomness: &dyn Randomness) -> Result<String, Fault> {
    let mut bytes = Zeroizing::new([0; 16]);
    randomness.fill(bytes.as_mut_slice())?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// An integration's key: 256 random bits.
pub fn integration_key(randomness: &dyn Randomness) -> Result<String, Fault> {
    token(randomness, "csi_")
}

/// A key for an evidence log: the secret text that signs, and the public one that verifies.
///
/// # Errors
/// A sentence: a name that is none, or no random numbers.
pub fn evidence_key(origin: &str, randomness: &dyn Randomness) -> Result<(Secret, String), String> {
    let mut seed = Zeroizing::new([0; 32]);
    randomness
        .fill(seed.as_mut_slice())
        .map_err(|fault| fault.to_string())?;
    let signer = Signer::from_seed(origin, &seed).ok_or("the log's name must have no spaces and no `+`")?;
    Ok((Secret::new(signer.secret_text()), signer.verifier().to_string()))
}

/// An administrators' key: 256 random bits.
pub fn admin_key(randomness: &dyn Randomness) -> Result<String, Fault> {
    token(randomness, "csa_")
}

/// A secret in base64: 256 random bits.
pub fn base64_secret(randomness: &dyn Randomness) -> Result<String, Fault> {
    let mut bytes = Zeroizing::new([0; 32]);
    randomness.fill(bytes.as_mut_slice())?;
    Ok(BASE64_STANDARD.encode(bytes.as_slice()))
}

fn token(randomness: &dyn Randomness, prefix: &str) -> Result<String, Fault> {
    let mut bytes = Zeroizing::new([0; 32]);
    randomness.fill(bytes.as_mut_slice())?;
    Ok(format!(
        "{prefix}{}",
        BASE64_URL_SAFE_NO_PAD.encode(bytes.as_slice())
    ))
}

/// The configured secrets, ready for use.
pub struct Secrets {
    /// SHA-256 of the administrators' key.
    pub admin_key_digest: [u8; 32],
    /// Over partners' keys.
    pub pepper: Pepper,
    /// What the keys of partners' hooks are derived from.
    pub hook_key: Zeroizing<Vec<u8>>,
    /// Over codes.
    pub hmac_keys: MacKeys,
}

impl Secrets {
    /// Reads them, from the configuration or the files that it names.
    ///
    /// # Errors
    /// A sentence that names the option and never the secret.
    pub fn read(config: &Config) -> Result<Self, String> {
        let admin_key = config
            .admin
            .key
            .resolve()
            .map_err(|error| format!("admin.key: {error}"))?;
        if admin_key.expose().len() < 16 {
            return Err("admin.key: must have at least 16 characters".to_owned());
        }
        let pepper = decode("partners.key_pepper", &config.partners.key_pepper)?;
        let hook_key = pepper.clone(); // under another label
        let pepper = Pepper::new(pepper).ok_or("partners.key_pepper: must be base64 of at least 32 bytes")?;
        let keys = config
            .otp
            .hmac_keys
            .iter()
            .map(hmac_key)
            .collect::<Result<Vec<_>, _>>()?;
        let unfit = "otp.hmac_keys: every key must have at least 32 bytes and an id of its own";
        Ok(Self {
            admin_key_digest: Sha256::digest(admin_key.expose().as_bytes()).into(),
            pepper,
            hook_key,
            hmac_keys: MacKeys::new(keys).ok_or(unfit)?,
        })
    }
}

fn hmac_key(secret: &ConfigSecret) -> Result<(u32, Zeroizing<Vec<u8>>), String> {
    let secret = secret
        .resolve()
        .map_err(|error| format!("otp.hmac_keys: {error}"))?;
    let parts = secret
        .expose()
        .split_once(':')
        .and_then(|(id, key)| Some((id.parse().ok()?, key)));
    let (id, key) = parts.ok_or("otp.hmac_keys: each must be `id:base64`, the id a number")?;
    let key = BASE64_STANDARD
        .decode(key)
        .map_err(|_| "otp.hmac_keys: the part behind the id is no base64")?;
    Ok((id, Zeroizing::new(key)))
}

fn decode(option: &str, secret: &ConfigSecret) -> Result<Zeroizing<Vec<u8>>, String> {
    let secret = secret.resolve().map_err(|error| format!("{option}: {error}"))?;
    BASE64_STANDARD
        .decode(secret.expose())
        .map(Zeroizing::new)
        .map_err(|_| format!("{option}: is no base64"))
}
