//! Records: a version byte and bincode. The only file that names bincode.
//!
//! Stored types are plain: no untagged enums, no flattening, no JSON values; bincode cannot read those back. New fields make
//! a new version. A golden file for each version keeps old bytes readable.

use std::io;

use bincode::Options;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, Result, VALUE_MAX};

/// A type that is kept in rows.
pub trait Record: Serialize + DeserializeOwned {
    /// Names the type in errors.
    const NAME: &'static str;
    /// The version that [`encode`] writes.
    const VERSION: u8;

    /// Reads bytes of a version other than [`Record::VERSION`]: a match on `version` that gives the older type to
    /// [`decode_payload`] and converts it. Without one, every other version is refused.
    fn decode_older(version: u8, payload: &[u8]) -> Result<Self> {
        let _ = payload;
        Err(unknown_version::<Self>(version))
    }
}

/// The bytes of a record: its version, then bincode with variable-length integers. [`Error::TooLarge`] above [`VALUE_MAX`].
pub fn encode<T: Record>(record: &T) -> Result<Vec<u8>> {
    // Most records are a few hundred bytes; growing to that byte by byte would take seven allocations.
    encode_behind(Vec::with_capacity(512), record)
}

/// The bytes of a record, as [`encode`] makes them, behind others that are no part of it.
pub fn encode_behind<T: Record>(head: Vec<u8>, record: &T) -> Result<Vec<u8>> {
    let mut written = Written(head);
    written.0.push(T::VERSION);
    // Without a limit, which would have bincode measure the record before it writes it; what is too large is found behind.
    bincode::DefaultOptions::new()
        .serialize_into(&mut written, record)
        .map_err(|error| corrupt::<T>(&error.to_string()))?;
    let Written(bytes) = written;
    if bytes.len() > VALUE_MAX {
        return Err(Error::TooLarge {
            what: "record",
            size: bytes.len(),
            limit: VALUE_MAX,
        });
    }
    Ok(bytes)
}

/// Takes what bincode writes: digests and numbers byte by byte, each of which would be a copy of its own.
struct Written(Vec<u8>);

impl io::Write for Written {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match bytes {
            [byte] => self.0.push(*byte),
            more => self.0.extend_from_slice(more),
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes a record back. [`Error::Corrupt`] for an unknown version, for bytes that do not make a `T`, and for bytes left over.
pub fn decode<T: Record>(bytes: &[u8]) -> Result<T> {
    let Some((&version, payload)) = bytes.split_first() else {
        return Err(corrupt::<T>("it is empty"));
    };
    if bytes.len() > VALUE_MAX {
        return Err(corrupt::<T>("it is longer than any value"));
    }
    if version == T::VERSION {
        return payload_of(payload).map_err(|detail| corrupt::<T>(&detail));
    }
    T::decode_older(version, payload)
}

/// Reads the bytes behind the version byte as a `P`, for [`Record::decode_older`] of `T`.
pub fn decode_payload<T: Record, P: DeserializeOwned>(payload: &[u8]) -> Result<P> {
    payload_of(payload).map_err(|detail| corrupt::<T>(&detail))
}

/// The error for a version that nobody here can read, most likely written by a newer release.
pub fn unknown_version<T: Record>(version: u8) -> Error {
    corrupt::<T>(&format!(
        "it has version {version}, and this release reads up to {}; was it written by a newer release?",
        T::VERSION
    ))
}

fn payload_of<P: DeserializeOwned>(payload: &[u8]) -> std::result::Result<P, String> {
    options().deserialize(payload).map_err(|error| match *error {
        // The slice ended: bincode shows an empty text for it.
        bincode::ErrorKind::Io(_) => "it ends inside a field".to_owned(),
        other => other.to_string(),
    })
}

/// For reading: `DefaultOptions` refuse trailing bytes, and nothing claims to be longer than any record. Every length is checked against what is left of
/// the slice, too, before memory is taken for it.
fn options() -> impl Options {
    let payload_max = VALUE_MAX as u64 - 1;
    bincode::DefaultOptions::new().with_limit(payload_max)
}

fn corrupt<T: Record>(detail: &str) -> Error {
    Error::Corrupt {
        what: format!("record {}", T::NAME),
        detail: detail.to_owned(),
    }
}
