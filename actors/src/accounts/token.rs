//! User tokens: JWT in form, because clients read `exp` out of them; found by their digest, so that one can be revoked.

use crate::directory::keys::{KeyDigest, Pepper};
use crate::random::{Fault, Randomness};
use crate::secret::Secret;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use std::time::Duration;

/// How long a token is taken (seen of the service that clients know: 365 days).
pub const LIFETIME: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// The longest token that is looked up; ours have about 190 characters.
pub const TOKEN_CHARACTERS_MAX: usize = 512;

/// Draws a token that ends at `expires_ms`.
///
/// Its signature is HMAC-SHA-256 under a key derived from the pepper, its payload holds 128 random bits and no name: whoever finds one learns
/// until when it would be taken.
///
/// # Errors
/// No random numbers.
pub fn draw(
    pepper: &Pepper,
    randomness: &dyn Randomness,
    issued_ms: i64,
    expires_ms: i64,
) -> Result<Secret, Fault> {
    let mut nonce = [0; 16];
    randomness.fill(&mut nonce)?;
    let header = BASE64.encode(br#"{"alg":"HS256","typ":"JWT"}"#);
    let payload = format!(
        r#"{{"exp":{},"iat":{},"jti":"{}"}}"#,
        expires_ms.div_euclid(1_000),
        issued_ms.div_euclid(1_000),
        BASE64.encode(nonce),
    );
    let signed = format!("{header}.{}", BASE64.encode(payload));
    let signature = pepper.sign_token(signed.as_bytes());
    Ok(Secret::new(format!("{signed}.{}", BASE64.encode(signature))))
}

/// Under which digest a token is stored and found; `None` for what is too long to be one.
pub fn digest(pepper: &Pepper, token: &Secret) -> Option<KeyDigest> {
    (token.expose().len() <= TOKEN_CHARACTERS_MAX).then(|| pepper.digest(token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::SeededRandomness;
    use zeroize::Zeroizing;

    #[test]
    fn a_token_looks_like_a_jwt_whose_end_can_be_read_and_no_two_are_alike() {
        let pepper = Pepper::new(Zeroizing::new(vec![7; 32])).unwrap();
        let randomness = SeededRandomness::new(1);
        let token = draw(&pepper, &randomness, 1_772_352_000_000, 1_803_888_000_000).unwrap();
        let parts: Vec<&str> = token.expose().split('.').collect();
        assert_eq!(parts.len(), 3);
        let payload = String::from_utf8(BASE64.decode(parts[1]).unwrap()).unwrap();
        assert!(
            payload.starts_with(r#"{"exp":1803888000,"iat":1772352000,"jti":""#),
            "{payload}"
        );
        assert_eq!(
            BASE64.decode(parts[2]).unwrap(),
            pepper.sign_token(format!("{}.{}", parts[0], parts[1]).as_bytes())
        );
        let other = draw(&pepper, &randomness, 1_772_352_000_000, 1_803_888_000_000).unwrap();
        assert!(token != other);
        assert!(digest(&pepper, &token).is_some());
        assert!(digest(&pepper, &Secret::new("x".repeat(513))).is_none());
    }
}
