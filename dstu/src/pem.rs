//! PEM armour (RFC 7468).

use base64::Engine;
use zeroize::Zeroizing;

/// The octets of the first block with one of the labels.
pub(crate) fn decode(octets: &[u8], labels: &[&str]) -> Option<Zeroizing<Vec<u8>>> {
    let text = std::str::from_utf8(octets).ok()?;
    labels.iter().find_map(|label| {
        let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
        let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
        let base64: Zeroizing<String> = Zeroizing::new(
            body.chars()
                .filter(|character| !character.is_ascii_whitespace())
                .collect(),
        );
        base64::engine::general_purpose::STANDARD
            .decode(base64.as_bytes())
            .ok()
            .map(Zeroizing::new)
    })
}
