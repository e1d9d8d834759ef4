//! Signed tree heads in the form of C2SP `tlog-checkpoint` and `signed-note`, with Ed25519 (signature type 0x01).

use crate::hex;
use crate::tree::Hash;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

/// Begins the key of an Ed25519 signature.
const ED25519: u8 = 1;
/// Signatures that a note is searched for; C2SP lets a reader stop somewhere.
const SIGNATURES_MAX: usize = 16;
/// Longer than any note with as many signatures.
pub const NOTE_BYTES_MAX: usize = 16 * 1_024;

/// What a head says: so many leaves, and their root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Names the log; by the rules of C2SP a name like a URL without its scheme.
    pub origin: String,
    /// How many leaves.
    pub size: u64,
    /// Their root.
    pub root: Hash,
}

/// Why something is no checkpoint of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// It is no signed note with a tree head in it.
    #[error("it is no checkpoint: {0}")]
    Malformed(&'static str),
    /// It names another log.
    #[error("it is the checkpoint of another log")]
    OtherOrigin,
    /// None of the keys has signed it.
    #[error("none of the given keys has signed it")]
    Unsigned,
    /// A signature that claims to be a key's is not.
    #[error("a signature on it is false")]
    FalseSignature,
}

/// A text that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no key in the form of a C2SP signed note: {0}")]
pub struct NotAKey(&'static str);

/// A key that signs heads. Never printed; wiped when dropped.
#[derive(Clone)]
pub struct Signer {
    key: SigningKey,
    public: Verifier,
}

/// The public key of a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

/// A name: not empty, no spaces, no plus.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains('+') && !name.chars().any(|c| c.is_whitespace() || c.is_control())
}

fn key_id(name: &str, key: &[u8; 32]) -> [u8; 4] {
    let digest = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', ED25519])
        .chain_update(key)
        .finalize();
    [digest[0], digest[1], digest[2], digest[3]]
}

impl Signer {
    /// The key that 32 random octets are, under the log's name; `None` for a text that is no name.
    #[must_use]
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Option<Self> {
        let key = SigningKey::from_bytes(seed);
        let public = Verifier::new(name, key.verifying_key())?;
        Some(Self { key, public })
    }

    /// What verifies.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.public
    }

    /// The text that is kept: `PRIVATE+KEY+name+id+base64`, the form of Go's `sumdb/note`.
    #[must_use]
    pub fn secret_text(&self) -> String {
        let mut octets = vec![ED25519];
        octets.extend_from_slice(self.key.as_bytes());
        let Verifier { name, id, .. } = &self.public;
        format!(
            "PRIVATE+KEY+{name}+{}+{}",
            hex::encode(id),
            BASE64_STANDARD.encode(octets)
        )
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Signer(of {})", self.public)
    }
}

impl FromStr for Signer {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let text = text.trim().strip_prefix("PRIVATE+KEY+");
        let (name, id, seed) = key_parts(text.ok_or(NotAKey("a secret key begins with PRIVATE+KEY+"))?)?;
        let signer = Self::from_seed(name, &seed).ok_or(NotAKey("its name is none"))?;
        if signer.public.id == id {
            Ok(signer)
        } else {
            Err(NotAKey("its id is another's"))
        }
    }
}

fn key_parts(text: &str) -> Result<(&str, [u8; 4], [u8; 32]), NotAKey> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(NotAKey("it has three parts"));
    };
    let id = hex::decode::<4>(id).ok_or(NotAKey("its id has eight hexadecimal digits"))?;
    let octets = BASE64_STANDARD
        .decode(key)
        .map_err(|_| NotAKey("its last part is base64"))?;
    match octets.split_first() {
        Some((&ED25519, key)) => Ok((name, id, key.try_into().map_err(|_| NotAKey("it has 32 octets"))?)),
        _ => Err(NotAKey("it is for another algorithm than Ed25519")),
    }
}

impl Verifier {
    fn new(name: &str, key: VerifyingKey) -> Option<Self> {
        is_name(name).then(|| Self {
            name: name.to_owned(),
            id: key_id(name, key.as_bytes()),
            key,
        })
    }

    /// The log's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// `name+id+base64`, the form of C2SP.
impl fmt::Display for Verifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut octets = vec![ED25519];
        octets.extend_from_slice(self.key.as_bytes());
        write!(
            formatter,
            "{}+{}+{}",
            self.name,
            hex::encode(&self.id),
            BASE64_STANDARD.encode(octets)
        )
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Verifier {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let (name, id, key) = key_parts(text.trim())?;
        let key =
            VerifyingKey::from_bytes(&key).map_err(|_| NotAKey("its octets are no point of the curve"))?;
        let verifier = Self::new(name, key).ok_or(NotAKey("its name is none"))?;
        if verifier.id == id {
            Ok(verifier)
        } else {
            Err(NotAKey("its id is another's"))
        }
    }
}

impl Head {
    /// The text that is signed.
    #[must_use]
    pub fn text(&self) -> String {
        format!(
            "{}\n{}\n{}\n",
            self.origin,
            self.size,
            BASE64_STANDARD.encode(self.root.0)
        )
    }

    /// The head as a note, signed by each of these keys.
    #[must_use]
    pub fn sign(&self, signers: &[Signer]) -> String {
        let text = self.text();
        let mut note = format!("{text}\n");
        for signer in signers {
            let mut octets = signer.public.id.to_vec();
            octets.extend_from_slice(&signer.key.sign(text.as_bytes()).to_bytes());
            let (name, signature) = (&signer.public.name, BASE64_STANDARD.encode(octets));
            note.push_str(&format!("\u{2014} {name} {signature}\n"));
        }
        note
    }

    /// Reads a note that at least one of these keys has signed. Signatures of unknown keys are passed over, a false one of a known key is not.
    ///
    /// # Errors
    /// [`Untrusted`].
    pub fn verified(note: &str, keys: &[Verifier]) -> Result<Self, Untrusted> {
        let (head, signatures) = Self::unverified(note)?;
        let text = &note[..note.len() - signatures.len() - 1];
        let mut is_signed = false;
        for line in signatures.lines().take(SIGNATURES_MAX) {
            let (name, id, signature) = signature_of(line)?;
            let Some(key) = keys.iter().find(|key| key.name == name && key.id == id) else {
                continue;
            };
            let signature: [u8; 64] = signature.try_into().map_err(|_| Untrusted::FalseSignature)?;
            let signature = ed25519_dalek::Signature::from_bytes(&signature);
            if key.key.verify_strict(text.as_bytes(), &signature).is_err() {
                return Err(Untrusted::FalseSignature);
            }
            is_signed = true;
        }
        if !is_signed {
            return Err(Untrusted::Unsigned);
        }
        // C2SP: the name of a log's key is its origin.
        if keys.iter().all(|key| key.name != head.origin) {
            return Err(Untrusted::OtherOrigin);
        }
        Ok(head)
    }

    /// What a note says, and its lines of signatures; nothing of it is judged.
    fn unverified(note: &str) -> Result<(Self, &str), Untrusted> {
        let malformed = |what| Err(Untrusted::Malformed(what));
        if note.len() > NOTE_BYTES_MAX {
            return malformed("it is too long");
        }
        if note.chars().any(|c| c < ' ' && c != '\n') {
            return malformed("it has control characters");
        }
        let Some(at) = note.rfind("\n\n") else {
            return malformed("it has no blank line before its signatures");
        };
        let (text, signatures) = (&note[..=at], &note[at + 2..]);
        if signatures.is_empty() || !signatures.ends_with('\n') {
            return malformed("it has no line of a signature");
        }
        let mut lines = text.lines();
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return malformed("it has fewer than three lines");
        };
        // Lines behind the third are extensions (tlog-checkpoint), signed and passed over.
        if origin.is_empty() || lines.any(str::is_empty) {
            return malformed("a line is empty");
        }
        let is_decimal = !size.is_empty() && size.bytes().all(|digit| digit.is_ascii_digit());
        if !is_decimal || (size.len() > 1 && size.starts_with('0')) {
            return malformed("its size is no number");
        }
        let Ok(size) = size.parse() else {
            return malformed("its size is no number");
        };
        let root = BASE64_STANDARD
            .decode(root)
            .ok()
            .and_then(|root| root.try_into().ok());
        let Some(root) = root else {
            return malformed("its root is no hash");
        };
        let head = Self {
            origin: origin.to_owned(),
            size,
            root: Hash(root),
        };
        Ok((head, signatures))
    }
}

/// `— name base64(id, signature)`.
fn signature_of(line: &str) -> Result<(&str, [u8; 4], Vec<u8>), Untrusted> {
    let malformed = Untrusted::Malformed("a line of a signature is none");
    let rest = line.strip_prefix("\u{2014} ").ok_or(malformed)?;
    let (name, octets) = rest
        .split_once(' ')
        .filter(|(name, _)| is_name(name))
        .ok_or(malformed)?;
    let octets = BASE64_STANDARD.decode(octets).map_err(|_| malformed)?;
    let (id, signature) = octets.split_first_chunk::<4>().ok_or(malformed)?;
    Ok((name, *id, signature.to_vec()))
}
