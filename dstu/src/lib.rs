//! Signatures as Ukrainian law knows them: DSTU 4145-2002 over GOST 34.311-95 or Kupyna, the key containers of the
//! certification authorities, their certificates, and CAdES-BES messages.
//!
//! There is no I/O here and no clock: octets, moments and entropy come in as arguments. (Feature `system-entropy`,
//! on by default, adds [`Entropy::from_system`], which asks the operating system.) `unsafe` stands in one small
//! file, the carry-less multiplication.
//!
//! # From a key file to a signed document
//!
//! ```no_run
//! use dstu::cms::{Identification, Packaging, SignedData, Template};
//! use dstu::container::{KeyRing, Password};
//! use dstu::{Certificate, Entropy, LocalSigner};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let ring = KeyRing::open(&std::fs::read("Key-6.dat")?, &Password::new("password"))?;
//! let certificate = Certificate::read(&std::fs::read("cashier.cer")?)?;
//! let key = ring.key_of(&certificate).ok_or("the certificate is of another key")?;
//! let signer = LocalSigner::new(key.clone(), certificate)?;
//!
//! // The template is made once for each certificate.
//! let template = Template::new(&signer, Identification::IssuerAndSerial)?;
//! let document = b"<CHECK/>";
//! let signed = template.sign(&signer, document, Packaging::Attached, None, &Entropy::from_system()?)?;
//!
//! let message = SignedData::from_der(&signed)?;
//! assert!(message.verify(None, &[]).iter().all(|verdict| verdict.holds()));
//! # Ok(())
//! # }
//! ```
//!
//! # Octet orders
//!
//! Ukrainian keys and signatures are little-endian: the first octet is the least significant. Functions say so in
//! their names or their first line. Digests are given as the octets that the hash emits, never reversed.
//!
//! # Side channels
//!
//! Signing takes no branch and no address from a secret: nonces multiply the base point by a table whose rows are
//! read as a whole, under masks; other secret multiplications climb a ladder of fixed length. Nonces are hedged: a
//! generator that fails gives repeated signatures, not the key. Opening containers and hashing passwords use table
//! look-ups: a local operation, once for each key load. Verification computes with public values and takes a time
//! that depends on them. Keys, nonces and decrypted containers are overwritten when they are dropped.

#![deny(unsafe_code)]

#[cfg(not(target_pointer_width = "64"))]
compile_error!("limbs are of 64 bits here, as are the words of `crypto-bigint` on 64-bit machines only");

pub mod algorithm;
pub mod certificate;
pub mod cms;
pub mod container;
mod curve;
pub mod der;
mod entropy;
mod field;
mod gost28147;
mod gost34311;
mod hash;
#[cfg(feature = "issuer")]
pub mod issuer;
mod kdf;
pub mod key;
mod nonce;
mod pem;
mod scalar;
pub mod signature;
pub mod signer;

pub use certificate::Certificate;
pub use curve::Curve;
pub use entropy::Entropy;
pub use field::Arithmetic;
pub use hash::HashAlgorithm;
pub use key::{PrivateKey, PublicKey};
pub use signature::Signature;
pub use signer::{LocalSigner, Signer};
