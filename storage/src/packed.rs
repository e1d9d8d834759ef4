//! Rows over a tree whose entries may be blocks, in those tables that ask for it.

use std::iter::Peekable;

use crate::{
    Result,
    blocks::{self, RowRef},
    engine::{Change, Entries, Rows},
};

/// Tables whose rows share entries, over the tree that keeps them.
pub(crate) struct Packed<T> {
    tree: T,
    /// What the keys of these tables begin with.
    tables: Vec<Vec<u8>>,
}

/// An entry that changes go into.
struct Entry {
    key: Vec<u8>,
    value: Vec<u8>,
}

impl<T: Entries> Packed<T> {
    pub(crate) fn new(tree: T, tables: Vec<Vec<u8>>) -> Packed<T> {
        Packed { tree, tables }
    }

    pub(crate) fn tree(&self) -> &T {
        &self.tree
    }

    fn table_of(&self, key: &[u8]) -> Option<&[u8]> {
        let mut tables = self.tables.iter().map(Vec::as_slice);
        tables.find(|table| key.starts_with(table))
    }

    /// Writes rows or removes them, ascending; gives for how many there was anything to do.
    ///
    /// Until the tree is synced a crash may leave some and not others. No other row is ever missing, whenever it comes.
    pub(crate) fn write<'a>(&self, changes: &mut dyn Iterator<Item = Change<'a>>) -> Result<usize> {
        let (mut changes, mut done) = (changes.peekable(), 0);
        while let Some(change) = changes.next() {
            done += match self.table_of(change.0) {
                None => usize::from(self.tree.put(change)?),
                Some(table) => self.write_near(table, change, &mut changes)?,
            };
        }
        Ok(done)
    }

    /// Writes a change and those behind it that belong into the same entry.
    fn write_near<'a>(
        &self,
        table: &[u8],
        first: Change<'a>,
        others: &mut Peekable<impl Iterator<Item = Change<'a>>>,
    ) -> Result<usize> {
        let entry = self.entry_of(table, first.0)?;
        let end = self.entry_behind(table, first.0)?;
        let mut changes = vec![first];
        while let Some(other) = others.next_if(|(key, _)| {
            key.starts_with(table) && end.as_ref().is_none_or(|end| *key < end.as_slice())
        }) {
            changes.push(other);
        }

        let mut old: Vec<RowRef<'_>> = Vec::new();
        if let Some(Entry { key, value }) = &entry {
            blocks::visit_rows((key, value), &mut |row| {
                old.push(row);
                true
            })?;
        }
        let (rows, done) = blocks::merge(&old, &changes);
        if done > 0 {
            let only_grew = old.last().is_none_or(|(last, _)| *last < first.0);
            self.replace(entry.as_ref(), old.len(), &rows, only_grew)?;
        }
        Ok(done)
    }

    /// Puts rows in the place of an entry that had `old` of them.
    fn replace(&self, entry: Option<&Entry>, old: usize, rows: &[RowRef<'_>], only_grew: bool) -> Result<()> {
        let parts = blocks::part(rows, only_grew);
        // A block of a release with another limit may be too large for one of ours, and its rows move although it only grew.
        let moves_nothing = only_grew && parts.first().is_some_and(|first| first.len() >= old);
        let mut entries = Vec::with_capacity(parts.len());
        for (at, part) in parts.iter().enumerate() {
            // The first keeps the entry's key, which may be before that of any row.
            let start = match entry {
                Some(entry) if at == 0 => &entry.key,
                _ => part[0].0,
            };
            let is_as_before = moves_nothing && at == 0 && entry.is_some() && part.len() == old;
            if !is_as_before {
                entries.push((start, blocks::encode(start, part)?));
            }
        }
        let mut changes = entries
            .iter()
            .map(|(start, value)| (*start, Some(value.as_slice())));
        match (entry, parts.len()) {
            (Some(entry), 0) => self.tree.put((&entry.key, None)).map(drop),
            (None, 0) => Ok(()),
            // No row that was there is missing if a crash comes between two entries.
            _ if moves_nothing || entries.len() == 1 => {
                changes.try_for_each(|change| self.tree.put(change).map(drop))
            }
            _ => self.tree.put_together(&changes.collect::<Vec<_>>()),
        }
    }

    /// The entry that covers a key.
    fn entry_of(&self, table: &[u8], key: &[u8]) -> Result<Option<Entry>> {
        let mut found = None;
        self.tree.floor(key, &mut |entry| {
            found = entry
                .filter(|(key, _)| key.starts_with(table))
                .map(|(key, value)| Entry {
                    key: key.to_vec(),
                    value: value.to_vec(),
                });
        })?;
        Ok(found)
    }

    /// The key of the next entry behind a key.
    fn entry_behind(&self, table: &[u8], key: &[u8]) -> Result<Option<Vec<u8>>> {
        let mut found = None;
        self.tree.visit(key, &mut |behind, _| {
            if behind == key {
                return true;
            }
            found = behind.starts_with(table).then(|| behind.to_vec());
            false
        })?;
        Ok(found)
    }
}

impl<T: Entries> Rows for Packed<T> {
    fn read(&self, key: &[u8], show: &mut dyn FnMut(Option<&[u8]>)) -> Result<()> {
        let Some(table) = self.table_of(key) else {
            return self.tree.read(key, show);
        };
        let mut read = Ok(());
        self.tree.floor(key, &mut |entry| {
            let mut found = None;
            if let Some(entry) = entry.filter(|(start, _)| start.starts_with(table)) {
                let visited = blocks::visit_rows(entry, &mut |(at, row)| {
                    found = (at == key).then_some(row);
                    at < key
                });
                read = visited.map(drop);
            }
            if read.is_ok() {
                show(found);
            }
        })?;
        read
    }

    /// A row that a split moves to the next entry meanwhile is shown once, whichever of the two states is seen of either entry.
    fn visit(&self, start: &[u8], visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<()> {
        let mut shown: Option<Vec<u8>> = None;
        let mut fault = Ok(());
        let mut visit_entry = |entry: RowRef<'_>| {
            if self.table_of(entry.0).is_none() {
                return visit(entry.0, entry.1);
            }
            let mut last = None;
            let visited = blocks::visit_rows(entry, &mut |(key, row)| {
                last = Some(key);
                let is_shown = shown.as_ref().is_some_and(|shown| key <= shown.as_slice());
                key < start || is_shown || visit(key, row)
            });
            if let Some(last) = last {
                shown = Some(last.to_vec()).max(shown.take());
            }
            fault = visited.as_ref().map(drop).map_err(Clone::clone);
            visited.unwrap_or(false)
        };

        let mut goes_on = true;
        if let Some(table) = self.table_of(start) {
            self.tree.floor(start, &mut |entry| {
                let before = entry.filter(|(key, _)| *key < start && key.starts_with(table));
                goes_on = before.is_none_or(&mut visit_entry);
            })?;
        }
        if goes_on {
            self.tree
                .visit(start, &mut |key, value| visit_entry((key, value)))?;
        }
        fault
    }
}
