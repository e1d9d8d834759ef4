//! Rows as bytes, one behind the other: records of the redo log and blocks of the tree hold them so.
//!
//! Each is the key's length (2) and bytes, the row's length (4, [`REMOVED`] for none) and bytes, numbers with the least significant byte first.

use std::io;

use crate::engine::Change;

/// In the place of a row's length: the row is removed.
const REMOVED: u32 = u32::MAX;

/// What a change takes beside its key and row.
pub(crate) const OVERHEAD_BYTES: usize = 6;

/// Adds a change.
pub(crate) fn put(buffer: &mut Vec<u8>, (key, row): Change<'_>) -> io::Result<()> {
    let key_length = u16::try_from(key.len()).map_err(io::Error::other)?;
    let row_length = match row {
        None => REMOVED,
        Some(row) => u32::try_from(row.len()).map_err(io::Error::other)?,
    };
    buffer.extend_from_slice(&key_length.to_le_bytes());
    buffer.extend_from_slice(key);
    buffer.extend_from_slice(&row_length.to_le_bytes());
    buffer.extend_from_slice(row.unwrap_or_default());
    Ok(())
}

/// Takes them back; `None` where the bytes end inside something.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    /// The next change.
    pub(crate) fn change(&mut self) -> Option<Change<'a>> {
        let key_length = usize::from(self.u16()?);
        let key = self.take(key_length)?;
        let row = match self.u32()? {
            REMOVED => None,
            row_length => Some(self.take(usize::try_from(row_length).ok()?)?),
        };
        Some((key, row))
    }

    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
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

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}
