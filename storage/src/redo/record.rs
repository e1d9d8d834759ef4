//! A record of the redo log: one group of batches as bytes. Numbers are in fixed widths, the least significant byte first.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | CRC-32 of everything behind |
//! | 4 | length of the changes |
//! | 8 | mark of the file's present use |
//! | 8, 8 | numbers of the first and the last batch |
//!
//! Then the changes ([`crate::changes`]).

use std::io;

use crate::{
    Key,
    batch::RowBytes,
    changes::{self, Reader},
    engine::Change,
    group::Changed,
};

const HEADER_BYTES: usize = 32;

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
    for change in changes {
        changes::put(buffer, change)?;
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
    while !body.is_at_end() {
        let (key, row) = body.change()?;
        changes.push((Key::from_stored(key), row.map(RowBytes::from_slice)));
    }
    Some(Record {
        mark,
        first,
        last,
        changes,
        bytes: end,
    })
}
