//! What every webhook of ours shares, whoever it is for: where to, the key of the signature, and what came of a post (Standard Webhooks 1.0.0).

use crate::clock::Now;
use futures_util::future::BoxFuture;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Where to post, and with which keys.
#[derive(Clone)]
pub struct Hook {
    /// Where to.
    pub url: String,
    /// The key of the signature: 32 bytes.
    pub key: Zeroizing<Vec<u8>>,
    /// The key before it, while receivers may still go by that: it signs too.
    pub former_key: Option<Zeroizing<Vec<u8>>>,
}

/// What came of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// Taken.
    Taken,
    /// To be posted again.
    Again {
        /// Not before so many seconds, where the receiver says so.
        after_seconds: Option<u32>,
        /// The status of its answer; none where there was no answer.
        status: Option<u16>,
    },
    /// The receiver wants to hear nothing more (410).
    Gone,
}

/// Who posts news of the kind `E`.
pub trait Poster<E>: Send + Sync + 'static {
    /// Posts news under their id; the same news always in the same words.
    fn post<'a>(&'a self, hook: &'a Hook, id: Uuid, event: &'a E, now: Now) -> BoxFuture<'a, Posted>;
}

/// A receiver's key, derived from the server's own: nothing that is stored gives it away. `label` says what for, `salt` is drawn anew for each
/// new key.
pub fn derive_key(server_key: &[u8], label: &str, whose: Uuid, salt: &[u8; 16]) -> Zeroizing<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(server_key).expect("HMAC takes a key of any length");
    mac.update(label.as_bytes());
    mac.update(whose.as_bytes());
    mac.update(salt);
    Zeroizing::new(mac.finalize().into_bytes().to_vec())
}
