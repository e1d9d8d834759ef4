//! What a start finds in the redo log's files.

use std::{
    fs::OpenOptions,
    io::{self, Read},
    path::Path,
};

use super::{
    path_of,
    record::{self, Record},
    slots_in,
};
use crate::layer::Layer;

/// What is there, told from what the tree has taken over already.
#[derive(Debug)]
pub(crate) struct Recovered {
    /// What the tree has not; its sequence is that of the last batch that is known.
    pub(crate) layer: Layer,
    /// Where acknowledged batches are missing. What came behind them is not in the layer.
    pub(crate) gap: Option<Gap>,
    /// Files whose content the tree has.
    pub(super) spare: Vec<u32>,
    pub(super) next_slot: u32,
}

/// Batches that are missing although others were written behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    /// The last one that is missing; it was durable before the next was written.
    pub(crate) acknowledged: u64,
    /// The last one behind the gap: its number may have been told.
    pub(crate) newest: u64,
}

/// Reads the files of a directory whose tree has everything up to the batch `applied`.
pub(crate) fn find(directory: &Path, applied: u64) -> io::Result<Recovered> {
    let mut files = Vec::new();
    for slot in slots_in(directory)? {
        files.push((slot, records_of(&read(&path_of(directory, slot))?)));
    }
    let next_slot = files.last().map_or(0, |(slot, _)| slot + 1);
    files.sort_by_key(|(_, records)| records.first().map_or(0, |record| record.first));

    let mut found = Recovered {
        layer: Layer::above(applied),
        gap: None,
        spare: Vec::new(),
        next_slot,
    };
    for (slot, records) in files {
        let is_needed = records.last().is_some_and(|last| last.last > applied);
        if is_needed {
            found.layer.slots.push(slot);
        } else {
            found.spare.push(slot);
        }
        found.take(records);
    }
    Ok(found)
}

/// Reads a file and syncs it: what a killed process wrote may be known to this machine's memory alone, and from now on it counts as durable.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    file.sync_data()?;
    Ok(bytes)
}

impl Recovered {
    fn take(&mut self, records: Vec<Record>) {
        for record in records {
            let known = self.layer.sequence;
            if let Some(gap) = &mut self.gap {
                gap.newest = gap.newest.max(record.last);
            } else if record.first > known + 1 {
                self.gap = Some(Gap {
                    acknowledged: record.first - 1,
                    newest: record.last,
                });
            } else if record.last > known {
                self.layer.absorb(record.changes, record.last);
            }
        }
    }
}

/// The whole records from the beginning of a file on that belong to its present use.
fn records_of(bytes: &[u8]) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    let mut position = 0;
    while let Some(record) = record::decode(&bytes[position..]) {
        let belongs = records
            .last()
            .is_none_or(|before| before.mark == record.mark && before.last + 1 == record.first);
        if !belongs {
            break;
        }
        position += record.bytes;
        records.push(record);
    }
    records
}
