//! DSTU 4145-2002 signatures (in progress).

mod curve;
mod entropy;
mod field;
mod gost28147;
mod gost34311;
mod hash;
pub mod key;
mod nonce;
mod scalar;
pub mod signature;

pub use curve::Curve;
pub use entropy::Entropy;
pub use field::Arithmetic;
pub use hash::HashAlgorithm;
pub use key::{PrivateKey, PublicKey};
pub use signature::Signature;
