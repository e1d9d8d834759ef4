//! Signing evidence: what a signing service says about a signed contract, kept so that its keeper cannot change it unnoticed.
//!
//! Pure: no clock, no chance, no I/O. A [`Container`] is read from the caller's JSON by [`read_container`], every wrong field named. With
//! who recorded it and when it becomes a [`Leaf`], whose canonical bytes (`docs/evidence-leaf.md`) are what is stored and hashed.
//! Leaves form the tree of RFC 6962 ([`tree`]); its heads are signed as [`checkpoint`]s; a [`Receipt`] ties a leaf to a head, and a
//! [`Bundle`] is checked by anybody with nothing but the log's public key.

pub mod algorithm;
mod bundle;
pub mod checkpoint;
mod container;
mod date;
mod form;
pub mod hex;
mod leaf;
mod receipt;
pub mod tile;
pub mod tree;

pub use bundle::{BUNDLE_FORMAT, Bundle, BundleEntry, Finding, Report};
pub use container::{Container, Field, RESERVED_VERSION_PREFIX, Scalar};
pub use date::show as show_date;
pub use form::{
    CHARACTERS_MAX, DOCUMENTS_MAX, Identity, Read, Wrong, WrongKind, read_container, read_identity,
};
pub use leaf::{LEAF_BYTES_MAX, Leaf, NotALeaf};
pub use receipt::{Receipt, Refuted};
