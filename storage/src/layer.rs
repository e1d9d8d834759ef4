//! A layer: rows that are durable in the redo log and not yet in the tree below.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    Key, Result,
    batch::RowBytes,
    engine::{Change, Rows},
    group::Changed,
    ways::{Way, Ways},
};

/// What a row costs in memory beside its key and value: two vectors and its part of a tree's node.
const ROW_OVERHEAD_BYTES: usize = 96;

/// Rows by key, each as its last batch left it; `None` is deleted.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    rows: BTreeMap<Key, Option<RowBytes>>,
    /// Memory, about. What is written over still counts: the redo log holds it too.
    bytes: usize,
    /// The number of the last batch in it.
    pub(crate) sequence: u64,
    /// When its first row came.
    since: Option<Instant>,
    /// The files of the redo log that hold it.
    pub(crate) slots: Vec<u32>,
    /// Its rows are on their way until it is dropped, which is when the tree has them.
    pub(crate) ways: Vec<Way>,
}

impl Layer {
    /// An empty one, over a tree that has everything up to this batch.
    pub(crate) fn above(sequence: u64) -> Layer {
        Layer {
            sequence,
            ..Layer::default()
        }
    }

    /// Takes in what a group changed, in the order of the groups.
    pub(crate) fn absorb(&mut self, rows: impl IntoIterator<Item = Changed>, sequence: u64) {
        for (key, row) in rows {
            self.bytes += ROW_OVERHEAD_BYTES + key.as_bytes().len() + row.as_ref().map_or(0, |row| row.len());
            self.rows.insert(key, row);
        }
        self.sequence = sequence;
        self.since.get_or_insert_with(Instant::now);
    }

    /// What a start found in the redo log is on its way.
    pub(crate) fn set_out(&mut self, ways: &Arc<Ways>) {
        self.ways.push(ways.set_out(self.rows.keys()));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether its first row came so long ago.
    pub(crate) fn is_older_than(&self, age: Duration) -> bool {
        self.since.is_some_and(|since| since.elapsed() >= age)
    }

    /// Its rows, ascending.
    pub(crate) fn changes(&self) -> impl Iterator<Item = Change<'_>> {
        self.rows
            .iter()
            .map(|(key, row)| (key.as_bytes(), row.as_deref()))
    }

    /// What the layer says of a row; `None` where it says nothing.
    fn get(&self, key: &[u8]) -> Option<Option<&[u8]>> {
        self.rows.get(key).map(Option::as_deref)
    }
}

/// A layer over other rows.
pub(crate) struct Over<'a, B> {
    pub(crate) layer: Option<&'a Layer>,
    pub(crate) below: B,
}

impl<B: Rows> Rows for Over<'_, B> {
    fn read(&self, key: &[u8], show: &mut dyn FnMut(Option<&[u8]>)) -> Result<()> {
        match self.layer.and_then(|layer| layer.get(key)) {
            Some(row) => {
                show(row);
                Ok(())
            }
            None => self.below.read(key, show),
        }
    }

    /// Merges both, ascending; where both have a row the layer's counts.
    fn visit(&self, start: &[u8], visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<()> {
        let Some(layer) = self.layer else {
            return self.below.visit(start, visit);
        };
        let from = (Bound::Included(start), Bound::Unbounded);
        let mut ours = layer.rows.range::<[u8], _>(from).peekable();
        let mut goes_on = true;
        self.below.visit(start, &mut |key, row| {
            while let Some((earlier, change)) = ours.next_if(|(earlier, _)| earlier.as_bytes() < key) {
                goes_on = visit_row(earlier.as_bytes(), change.as_deref(), visit);
                if !goes_on {
                    return false;
                }
            }
            goes_on = match ours.next_if(|(same, _)| same.as_bytes() == key) {
                Some((_, change)) => visit_row(key, change.as_deref(), visit),
                None => visit(key, row),
            };
            goes_on
        })?;
        while goes_on && let Some((key, change)) = ours.next() {
            goes_on = visit_row(key.as_bytes(), change.as_deref(), visit);
        }
        Ok(())
    }
}

fn visit_row(key: &[u8], row: Option<&[u8]>, visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> bool {
    row.is_none_or(|row| visit(key, row))
}

impl<R: Rows> Rows for &R {
    fn read(&self, key: &[u8], show: &mut dyn FnMut(Option<&[u8]>)) -> Result<()> {
        R::read(self, key, show)
    }
    fn visit(&self, start: &[u8], visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<()> {
        R::visit(self, start, visit)
    }
}
