//! Whether a certificate goes back to an authority that the caller trusts.

use chrono::{DateTime, Utc};

use super::{Certificate, Error};

/// Certificates between the holder's and the trusted one. The national chain has one or two.
pub const CHAIN_MAX: usize = 8;

/// Why a certificate is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// None of the given authorities issued it.
    #[error("no given authority issued the certificate")]
    UnknownIssuer,
    /// More certificates than [`CHAIN_MAX`].
    #[error("the chain is too long")]
    Length,
    /// A certificate of the chain is not valid at the moment in question.
    #[error("a certificate of the chain is not valid at this moment")]
    Validity,
    /// A signature of the chain does not hold.
    #[error(transparent)]
    Certificate(#[from] Error),
}

/// Climbs from a certificate over `intermediates` to one of `anchors`, and gives the authorities met, the anchor
/// last. Every certificate, the anchor's too, must be valid at `moment`; every issuer must be an authority.
///
/// # Errors
/// [`ChainError`].
pub fn verify_chain<'a>(
    certificate: &'a Certificate,
    intermediates: &'a [Certificate],
    anchors: &'a [Certificate],
    moment: DateTime<Utc>,
) -> Result<Vec<&'a Certificate>, ChainError> {
    let mut chain = Vec::new();
    let mut current = certificate;
    if !current.is_valid_at(moment) {
        return Err(ChainError::Validity);
    }
    while chain.len() < CHAIN_MAX {
        let trusted = find_issuer(current, anchors, moment)?;
        if let Some(anchor) = trusted {
            chain.push(anchor);
            return Ok(chain);
        }
        let issuer = find_issuer(current, intermediates, moment)?.ok_or(ChainError::UnknownIssuer)?;
        // A self-signed intermediate would be met for ever.
        if issuer.der() == current.der() {
            return Err(ChainError::UnknownIssuer);
        }
        chain.push(issuer);
        current = issuer;
    }
    Err(ChainError::Length)
}

/// The authority whose name, key identifier and signature fit; an authority may have several keys under one name.
fn find_issuer<'a>(
    certificate: &Certificate,
    authorities: &'a [Certificate],
    moment: DateTime<Utc>,
) -> Result<Option<&'a Certificate>, ChainError> {
    let mut failure = None;
    for authority in authorities {
        let fits = authority.is_authority()
            && authority.subject().der() == certificate.issuer().der()
            && match (certificate.authority_key_id(), authority.subject_key_id()) {
                (Some(wanted), Some(found)) => wanted == found,
                _ => true,
            };
        if !fits {
            continue;
        }
        match authority
            .public_key()
            .and_then(|key| certificate.verify_signature(key))
        {
            Err(error) => failure = Some(ChainError::from(error)),
            Ok(()) if !authority.is_valid_at(moment) => failure = Some(ChainError::Validity),
            Ok(()) => return Ok(Some(authority)),
        }
    }
    failure.map_or(Ok(None), Err)
}
