//! A record of the redo log: one group of batches as bytes. Numbers are in fixed widths, the least significant byte first.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | CRC-32 of everything behind |
//! | 4 | length of the changes |
//! | 8 | mark of the file's present use |
//! | 8, 8 | numbers of the first and the last batch |
//!
//! Then each change: the key's length (2) and bytes, the row's length (4, [`REMOVED`] for none) and bytes.

use std::io;

use crate::{Key, engine::Change, group::Changed};

const HEADER_BYTES: usize = 32;
/// In the place of a row's length: the row is removed.
const REMOVED: u32 = u32::MAX;

/// A record that was read.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) mark: u64,
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) changes: Vec<Changed>,
    /// How long it is in its file.
    pub(super) bytes: usize,
}

/// Makes the bytes of a record in `buffer`.
pub(super) fn encode(
    buffer: &mut Vec<u8>,
    mark: u64,
    first: u64,
    last: u64,
    changes: &mut dyn Iterator<Item = Change<'_>>,
) -> io::Result<()> {
    buffer.clear();
    buffer.resize(HEADER_BYTES, 0);
    for (key, row) in changes {
        let key_length = u16::try_from(key.len()).map_err(io::Error::other)?;
        let row_length = match row {
            None => REMOVED,
            Some(row) => u32::try_from(row.len()).map_err(io::Error::other)?,
        };
        buffer.extend_from_slice(&key_length.to_le_bytes());
        buffer.extend_from_slice(key);
        buffer.extend_from_slice(&row_length.to_le_bytes());
        buffer.extend_from_slice(row.unwrap_or_default());
    }
    let length = u32::try_from(buffer.len() - HEADER_BYTES).map_err(io::Error::other)?;
    buffer[4..8].copy_from_slice(&length.to_le_bytes());
    buffer[8..16].copy_from_slice(&mark.to_le_bytes());
    buffer[16..24].copy_from_slice(&first.to_le_bytes());
    buffer[24..32].copy_from_slice(&last.to_le_bytes());
    let checksum = crc32fast::hash(&buffer[4..]);
    buffer[..4].copy_from_slice(&checksum.to_le_bytes());
    Ok(())
}

/// The record at the beginning of `bytes`; `None` where there is no whole one.
pub(super) fn decode(bytes: &[u8]) -> Option<Record> {
    let mut head = Reader(bytes);
    let checksum = head.u32()?;
    let length = usize::try_from(head.u32()?).ok()?;
    let (mark, first, last) = (head.u64()?, head.u64()?, head.u64()?);
    let mut body = Reader(head.take(length)?);
    let end = HEADER_BYTES + length;
    if crc32fast::hash(&bytes[4..end]) != checksum || first > last {
        return None;
    }
    let mut changes = Vec::new();
    while !body.0.is_empty() {
        let key_length = usize::from(body.u16()?);
        let key = Key::from_stored(body.take(key_length)?.to_vec());
        let row = match body.u32()? {
            REMOVED => None,
            row_length => Some(body.take(usize::try_from(row_length).ok()?)?.to_vec()),
        };
        changes.push((key, row));
    }
    Some(Record {
        mark,
        first,
        last,
        changes,
        bytes: end,
    })
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const LENGTH: usize>(&mut self) -> Option<[u8; LENGTH]> {
        self.take(LENGTH)?.try_into().ok()
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}
