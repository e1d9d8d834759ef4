//! Blocks: rows that lie side by side in one entry of the tree.
//!
//! A row of its own costs the tree some twenty thousand instructions, and a block of thirty no more. An entry covers every key from its own up to the
//! next entry's. It is a row as it was always kept, with its version first, or a block: [`MARK`], then its rows ([`crate::changes`]). Where a row lies alone
//! under its own key it is kept as ever, so a table that was begun without blocks needs no other treatment.

use crate::{
    Error, Result,
    changes::{self, OVERHEAD_BYTES, Reader},
    engine::Change,
};

/// What a block begins with, and the version of its form. A row begins with the eight bytes of its version, which has not come so far.
const MARK: [u8; 2] = [0xFF, 1];

/// 2 KiB: ten deliveries of messages, or twenty-five of their names. Twice as much saves little more, and each change costs a whole block.
pub(crate) const BLOCK_BYTES: usize = 2 * 1024;

/// A row: its key and its bytes.
pub(crate) type RowRef<'a> = (&'a [u8], &'a [u8]);

/// Shows an entry's rows, ascending, until `visit` says `false`; gives what it said last.
pub(crate) fn visit_rows<'a>(
    (key, value): RowRef<'a>,
    visit: &mut dyn FnMut(RowRef<'a>) -> bool,
) -> Result<bool> {
    let Some(rows) = value.strip_prefix(&MARK) else {
        return Ok(visit((key, value)));
    };
    let damaged = || Error::Poisoned {
        reason: format!("the block at `{}` is damaged", key.escape_ascii()),
    };
    let mut reader = Reader(rows);
    while !reader.is_at_end() {
        let (key, row) = reader.change().ok_or_else(damaged)?;
        if !visit((key, row.ok_or_else(damaged)?)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The rows after some changes (both ascending), and how many of these there was anything to do for.
pub(crate) fn merge<'a>(rows: &[RowRef<'a>], changes: &[Change<'a>]) -> (Vec<RowRef<'a>>, usize) {
    let mut merged = Vec::with_capacity(rows.len() + changes.len());
    let (mut rows, mut done) = (rows.iter().copied().peekable(), 0);
    for (key, row) in changes {
        while let Some(earlier) = rows.next_if(|(earlier, _)| earlier < key) {
            merged.push(earlier);
        }
        let was_there = rows.next_if(|(same, _)| same == key).is_some();
        done += usize::from(was_there || row.is_some());
        merged.extend(row.map(|row| (*key, row)));
    }
    merged.extend(rows);
    (merged, done)
}

/// Parts rows for entries: filled one after the other where they only grew at their end, and evenly otherwise.
pub(crate) fn part<'r, 'a>(rows: &'r [RowRef<'a>], only_grew: bool) -> Vec<&'r [RowRef<'a>]> {
    let total: usize = rows.iter().map(bytes_of).sum();
    let limit = if only_grew {
        BLOCK_BYTES
    } else {
        total.div_ceil(total.div_ceil(BLOCK_BYTES).max(1))
    };
    let (mut parts, mut begin, mut bytes) = (Vec::new(), 0, 0);
    for (at, row) in rows.iter().enumerate() {
        if bytes + bytes_of(row) > limit && at > begin {
            parts.push(&rows[begin..at]);
            (begin, bytes) = (at, 0);
        }
        bytes += bytes_of(row);
    }
    if begin < rows.len() {
        parts.push(&rows[begin..]);
    }
    parts
}

fn bytes_of((key, row): &RowRef<'_>) -> usize {
    OVERHEAD_BYTES + key.len() + row.len()
}

/// The value of the entry at `start` with these rows.
pub(crate) fn encode(start: &[u8], rows: &[RowRef<'_>]) -> Result<Vec<u8>> {
    if let [(key, row)] = rows
        && *key == start
    {
        return Ok(row.to_vec());
    }
    let mut block = Vec::with_capacity(MARK.len() + rows.iter().map(bytes_of).sum::<usize>());
    block.extend_from_slice(&MARK);
    for (key, row) in rows {
        changes::put(&mut block, (key, Some(row))).map_err(|error| Error::Poisoned {
            reason: format!("a block cannot be written: {error}"),
        })?;
    }
    Ok(block)
}
