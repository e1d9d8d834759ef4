//! Packages: signed documents on their way to the tax service after an offline session, each behind its length.

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Octets of a length: an unsigned number of four octets, the lowest first (read off the official package).
const LENGTH_OCTETS: usize = 4;

/// How much goes into one package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageLimits {
    /// 100 documents (API description, offline mode).
    pub documents_max: usize,
    /// 190,000 octets. The service takes 200 KB of the signed package, read as 200,000 to be safe. The rest is for the signature around it,
    /// which with its certificate and its timestamp has under 4,400 octets in every official sample.
    pub octets_max: usize,
}

impl Default for PackageLimits {
    fn default() -> Self {
        Self {
            documents_max: 100,
            octets_max: 190_000,
        }
    }
}

/// Why documents are no package, or octets are none. Documents count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// Nothing in it.
    #[error("the package is empty")]
    Empty,
    /// A document of no octets.
    #[error("document {0} is empty")]
    EmptyDocument(usize),
    /// A document that fits into no package.
    #[error("document {index} has {octets} octets, and a package takes {octets_max}")]
    DocumentTooLarge {
        /// The document.
        index: usize,
        /// With its length before it.
        octets: usize,
        /// The limit.
        octets_max: usize,
    },
    /// More octets than the limit.
    #[error("the package has {octets} octets, more than {octets_max}")]
    TooLarge {
        /// Of the package.
        octets: usize,
        /// The limit.
        octets_max: usize,
    },
    /// More documents than the limit.
    #[error("the package has more than {0} documents")]
    TooManyDocuments(usize),
    /// The octets end inside a document or its length.
    #[error("the package ends inside document {0}")]
    Torn(usize),
}

/// Divides documents into packages, in their order: the next package is sent only when the one before it was taken. Gives the range of
/// documents of each, to be [packed](pack) when its turn comes; no document, no package.
///
/// # Errors
/// [`PackageError::EmptyDocument`], [`PackageError::DocumentTooLarge`].
pub fn split<D: AsRef<[u8]>>(
    documents: &[D],
    limits: PackageLimits,
) -> Result<Vec<Range<usize>>, PackageError> {
    let mut packages: Vec<Range<usize>> = Vec::new();
    let mut size = 0;
    for (index, document) in documents.iter().enumerate() {
        let octets = framed_length(index, document.as_ref(), limits.octets_max)?;
        match packages.last_mut() {
            Some(package) if package.len() < limits.documents_max && size + octets <= limits.octets_max => {
                package.end += 1;
                size += octets;
            }
            _ => {
                packages.push(index..index + 1);
                size = octets;
            }
        }
    }
    Ok(packages)
}

/// The octets of one package, to be signed as a whole.
///
/// # Errors
/// [`PackageError`], but not `Torn`.
pub fn pack<D: AsRef<[u8]>>(documents: &[D], limits: PackageLimits) -> Result<Vec<u8>, PackageError> {
    if documents.is_empty() {
        return Err(PackageError::Empty);
    }
    if documents.len() > limits.documents_max {
        return Err(PackageError::TooManyDocuments(limits.documents_max));
    }
    let mut size = 0;
    for (index, document) in documents.iter().enumerate() {
        size += framed_length(index, document.as_ref(), limits.octets_max)?;
    }
    check_size(size, limits)?;
    let mut octets = Vec::with_capacity(size);
    for (index, document) in documents.iter().map(AsRef::as_ref).enumerate() {
        let length =
            u32::try_from(document.len()).map_err(|_| too_large(index, document, limits.octets_max))?;
        octets.extend_from_slice(&length.to_le_bytes());
        octets.extend_from_slice(document);
    }
    Ok(octets)
}

/// The documents of a package, in their order.
///
/// # Errors
/// [`PackageError`], but not `DocumentTooLarge`: a length beyond the octets is a torn package.
pub fn parse(octets: &[u8], limits: PackageLimits) -> Result<Vec<&[u8]>, PackageError> {
    check_size(octets.len(), limits)?;
    let mut documents = Vec::new();
    let mut rest = octets;
    while !rest.is_empty() {
        let index = documents.len();
        if index == limits.documents_max {
            return Err(PackageError::TooManyDocuments(limits.documents_max));
        }
        let (length, after) = rest
            .split_first_chunk::<LENGTH_OCTETS>()
            .ok_or(PackageError::Torn(index))?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| PackageError::Torn(index))?;
        if length == 0 {
            return Err(PackageError::EmptyDocument(index));
        }
        let (document, after) = after.split_at_checked(length).ok_or(PackageError::Torn(index))?;
        documents.push(document);
        rest = after;
    }
    if documents.is_empty() {
        return Err(PackageError::Empty);
    }
    Ok(documents)
}

fn check_size(octets: usize, limits: PackageLimits) -> Result<(), PackageError> {
    if octets > limits.octets_max {
        return Err(PackageError::TooLarge {
            octets,
            octets_max: limits.octets_max,
        });
    }
    Ok(())
}

fn framed_length(index: usize, document: &[u8], octets_max: usize) -> Result<usize, PackageError> {
    if document.is_empty() {
        return Err(PackageError::EmptyDocument(index));
    }
    if document.len() + LENGTH_OCTETS > octets_max {
        return Err(too_large(index, document, octets_max));
    }
    Ok(document.len() + LENGTH_OCTETS)
}

const fn too_large(index: usize, document: &[u8], octets_max: usize) -> PackageError {
    PackageError::DocumentTooLarge {
        index,
        octets: document.len() + LENGTH_OCTETS,
        octets_max,
    }
}
