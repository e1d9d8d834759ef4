//! The versions of rows that batches made conditions of, as the last batch left them. Whoever writes a row under a condition mostly does so again soon,
//! and by then the row may lie in the tree alone, where a look costs more than all else that a batch is judged by.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::{Key, Sequence, Version, batch::Operation};

/// 65,536 rows, some 5 MB. Beyond it all are forgotten at once, and looked for again.
const ROWS_MAX: usize = 1 << 16;

/// What is known of rows without looking for them.
#[derive(Debug, Default)]
pub(crate) struct Versions(HashMap<Key, Version, RandomState>);

impl Versions {
    /// The version of a row, if it is known.
    pub(crate) fn get(&self, key: &Key) -> Option<Version> {
        self.0.get(key).copied()
    }

    /// Notes what an operation of a batch that is accepted makes of its row: what is known stays true, and a row that a condition was about is known from
    /// now on.
    pub(crate) fn note(&mut self, operation: &Operation, sequence: Sequence) {
        let version = operation
            .row
            .as_ref()
            .map_or(Version::ABSENT, |_| Version::from(sequence));
        if operation.expected.is_none() {
            if let Some(known) = self.0.get_mut(&operation.key) {
                *known = version;
            }
            return;
        }
        if self.0.len() >= ROWS_MAX {
            self.0.clear();
        }
        self.0.insert(operation.key.clone(), version);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Batch;

    fn key(number: u64) -> Key {
        Key::table("row").u64(number).build()
    }

    fn note(versions: &mut Versions, sequence: u64, fill: impl FnOnce(&mut Batch)) {
        let mut batch = Batch::default();
        fill(&mut batch);
        let operations = batch.operations.iter();
        operations.for_each(|operation| versions.note(operation, Sequence(sequence)));
    }

    #[test]
    fn a_row_is_known_from_its_first_condition_on_whoever_writes_it_then() {
        let mut versions = Versions::default();
        note(&mut versions, 1, |batch| batch.put(key(1), vec![1]));
        assert_eq!(versions.get(&key(1)), None, "nobody made a condition of it");
        note(&mut versions, 2, |batch| {
            batch.put_if(key(1), Version(1), vec![2]);
        });
        assert_eq!(versions.get(&key(1)), Some(Version(2)));
        note(&mut versions, 3, |batch| batch.put(key(1), vec![3]));
        assert_eq!(versions.get(&key(1)), Some(Version(3)));
        note(&mut versions, 4, |batch| batch.delete(key(1)));
        assert_eq!(versions.get(&key(1)), Some(Version::ABSENT));
        note(&mut versions, 5, |batch| {
            batch.put_if(key(1), Version::ABSENT, vec![5]);
        });
        note(&mut versions, 6, |batch| batch.delete_if(key(1), Version(5)));
        assert_eq!(versions.get(&key(1)), Some(Version::ABSENT));
    }

    #[test]
    fn no_more_rows_are_known_than_there_is_room_for() {
        let mut versions = Versions::default();
        for number in 0..=ROWS_MAX as u64 {
            note(&mut versions, number + 1, |batch| {
                batch.put_if(key(number), Version::ABSENT, Vec::new());
            });
        }
        assert_eq!(versions.get(&key(0)), None);
        assert_eq!(
            versions.get(&key(ROWS_MAX as u64)),
            Some(Version(ROWS_MAX as u64 + 1))
        );
    }
}
