//! Rows in blocks: whatever is written, and wherever a crash or a reader comes between, they are the rows that a plain tree would have.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use proptest::prelude::*;

use crate::{
    Error, Key, Result,
    blocks::{self, BLOCK_BYTES, RowRef},
    engine::{Change, Entries, Rows},
    packed::Packed,
};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// Entries in memory that others may change between any two of a visit, as in sled.
#[derive(Default)]
struct Tree {
    entries: RefCell<Map>,
    /// So many writes, and then the crash.
    writes_left: Cell<Option<usize>>,
    writes: Cell<usize>,
}

impl Tree {
    fn write(&self, changes: &[Change<'_>]) -> Result<bool> {
        match self.writes_left.get() {
            Some(0) => {
                return Err(Error::Poisoned {
                    reason: "the crash".to_owned(),
                });
            }
            left => self.writes_left.set(left.map(|left| left - 1)),
        }
        self.writes.set(self.writes.get() + 1);
        let mut entries = self.entries.borrow_mut();
        let mut was_there = false;
        for (key, row) in changes {
            was_there |= match row {
                Some(row) => entries.insert(key.to_vec(), row.to_vec()),
                None => entries.remove(*key),
            }
            .is_some();
        }
        Ok(was_there)
    }

    fn next(&self, from: Bound<&[u8]>) -> Option<(Vec<u8>, Vec<u8>)> {
        let entries = self.entries.borrow();
        let next = entries.range::<[u8], _>((from, Bound::Unbounded)).next();
        next.map(|(key, value)| (key.clone(), value.clone()))
    }
}

impl Rows for Tree {
    fn read(&self, key: &[u8], show: &mut dyn FnMut(Option<&[u8]>)) -> Result<()> {
        show(self.entries.borrow().get(key).map(Vec::as_slice));
        Ok(())
    }
    fn visit(&self, start: &[u8], visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<()> {
        let mut next = self.next(Bound::Included(start));
        while let Some((key, value)) = next
            && visit(&key, &value)
        {
            next = self.next(Bound::Excluded(&key));
        }
        Ok(())
    }
}

impl Entries for Tree {
    fn floor(&self, key: &[u8], show: &mut dyn FnMut(Option<RowRef<'_>>)) -> Result<()> {
        let to = (Bound::Unbounded, Bound::Included(key));
        let last = self
            .entries
            .borrow()
            .range::<[u8], _>(to)
            .next_back()
            .map(|(key, value)| (key.clone(), value.clone()));
        show(
            last.as_ref()
                .map(|(key, value)| (key.as_slice(), value.as_slice())),
        );
        Ok(())
    }
    fn put(&self, change: Change<'_>) -> Result<bool> {
        let was_there = self.write(&[change])?;
        Ok(was_there || change.1.is_some())
    }
    fn put_together(&self, changes: &[Change<'_>]) -> Result<()> {
        self.write(changes).map(drop)
    }
}

/// A row of one of three tables; the one in the middle lies in blocks.
fn row_key(table: u8, number: u16) -> Vec<u8> {
    let table = ["before", "blocks", "cows"][usize::from(table % 3)];
    let key = Key::table(table).u64(u64::from(number)).build();
    key.as_bytes().to_vec()
}

fn packed() -> Packed<Tree> {
    Packed::new(
        Tree::default(),
        vec![Key::table("blocks").build().as_bytes().to_vec()],
    )
}

/// As the store makes rows: their version first.
fn row(version: u64, length: usize) -> Vec<u8> {
    [version.to_be_bytes().as_slice(), &vec![7; length]].concat()
}

type Layer = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

fn write(packed: &Packed<Tree>, layer: &Layer) -> Result<usize> {
    packed.write(&mut layer.iter().map(|(key, row)| (key.as_slice(), row.as_deref())))
}

fn apply(model: &mut Map, layer: &Layer) -> usize {
    let mut done = 0;
    for (key, row) in layer {
        done += usize::from(match row {
            Some(row) => {
                model.insert(key.clone(), row.clone());
                true
            }
            None => model.remove(key).is_some(),
        });
    }
    done
}

fn read(packed: &Packed<Tree>, key: &[u8]) -> Option<Vec<u8>> {
    let mut found = Vec::new();
    packed
        .read(key, &mut |row| found.push(row.map(<[u8]>::to_vec)))
        .unwrap();
    assert_eq!(found.len(), 1, "a row is shown once");
    found.remove(0)
}

fn rows_from(packed: &Packed<Tree>, start: &[u8], limit: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows = Vec::new();
    packed
        .visit(start, &mut |key, row| {
            rows.push((key.to_vec(), row.to_vec()));
            rows.len() < limit
        })
        .unwrap();
    rows
}

/// What is there is the model, but for the rows of `unsure`.
fn check(packed: &Packed<Tree>, model: &Map, unsure: &Layer) {
    let expected: Vec<_> = model
        .iter()
        .filter(|(key, _)| !unsure.contains_key(*key))
        .collect();
    let mut found = rows_from(packed, b"", usize::MAX);
    assert!(found.is_sorted_by(|one, other| one.0 < other.0), "each row once");
    found.retain(|(key, _)| !unsure.contains_key(key));
    assert!(
        found
            .iter()
            .map(|(key, row)| (key, row))
            .eq(expected.iter().copied())
    );
    for (key, row) in expected {
        assert_eq!(read(packed, key).as_ref(), Some(row));
    }
}

fn layers() -> impl Strategy<Value = Vec<Layer>> {
    let length = prop_oneof![6 => 0_usize..200, 2 => 200_usize..700, 1 => 1_900_usize..6_000];
    let change = (
        0_u8..6,
        0_u16..300,
        prop::option::weighted(0.7, length),
        any::<u64>(),
    );
    let scattered = prop::collection::vec(change, 0..40).prop_map(|changes| {
        let row_of = |(table, number, length, version): (u8, u16, Option<usize>, u64)| {
            // Half of all in blocks; versions that begin as a block does have not come yet.
            let table = if table > 2 { 1 } else { table };
            (
                row_key(table, number),
                length.map(|length| row(version >> 8, length)),
            )
        };
        changes.into_iter().map(row_of).collect::<Layer>()
    });
    let run = (0_u16..300, 0_u16..60, 0_usize..300).prop_map(|(from, count, length)| {
        (from..from + count)
            .map(|number| (row_key(1, number), Some(row(1, length))))
            .collect::<Layer>()
    });
    prop::collection::vec(prop_oneof![scattered, run], 1..12)
}

proptest! {
    #[test]
    fn they_are_the_rows_of_a_plain_tree(layers in layers(), starts in prop::collection::vec((0_u8..3, 0_u16..310, 1_usize..50), 10)) {
        let (packed, mut model) = (packed(), Map::new());
        for layer in &layers {
            prop_assert_eq!(write(&packed, layer).unwrap(), apply(&mut model, layer), "what there was to do");
            check(&packed, &model, &Layer::new());
        }
        for (table, number, limit) in starts {
            let key = row_key(table, number);
            prop_assert_eq!(read(&packed, &key), model.get(&key).cloned());
            let expected: Vec<_> = model.range(key.clone()..).take(limit).map(|(key, row)| (key.clone(), row.clone())).collect();
            prop_assert_eq!(rows_from(&packed, &key, limit), expected);
        }
        for value in packed.tree().entries.borrow().values() {
            prop_assert!(value.len() <= BLOCK_BYTES + 8_000);
        }
    }

    /// Rows that were there before and are not written now stay where they are, wherever it ends; and the same changes once more make all as it should be.
    #[test]
    fn a_crash_between_two_entries_loses_nothing(layers in layers(), crash in 0_usize..12) {
        let (packed, mut model) = (packed(), Map::new());
        for layer in &layers {
            packed.tree().writes_left.set(Some(crash));
            let is_whole = write(&packed, layer).is_ok();
            packed.tree().writes_left.set(None);
            check(&packed, &model, layer);
            apply(&mut model, layer);
            if !is_whole {
                write(&packed, layer).unwrap();
            }
            check(&packed, &model, &Layer::new());
        }
    }

    /// A reader that is under way while others are written misses none and sees none twice.
    #[test]
    fn a_visit_that_blocks_are_split_under_shows_each_row_once(layers in layers(), pause in 0_usize..200, start in 0_u16..300) {
        let (last, before) = layers.split_last().unwrap();
        let (packed, mut model) = (packed(), Map::new());
        for layer in before {
            write(&packed, layer).unwrap();
            apply(&mut model, layer);
        }
        let (start, mut shown) = (row_key(1, start), Vec::new());
        packed.visit(&start, &mut |key, row| {
            if shown.len() == pause {
                write(&packed, last).unwrap();
            }
            shown.push((key.to_vec(), row.to_vec()));
            true
        }).unwrap();
        prop_assert!(shown.is_sorted_by(|one, other| one.0 < other.0));
        shown.retain(|(key, _)| !last.contains_key(key));
        let expected: Vec<_> = model.range(start..).filter(|(key, _)| !last.contains_key(*key)).map(|(key, row)| (key.clone(), row.clone())).collect();
        prop_assert_eq!(shown, expected);
    }
}

#[test]
fn rows_that_come_in_order_share_entries_that_are_full_and_written_once_or_twice() {
    let packed = packed();
    for from in (0..2_000).step_by(70) {
        let layer = (from..from + 70)
            .map(|number| (row_key(1, number), Some(row(1, 100))))
            .collect();
        assert_eq!(write(&packed, &layer).unwrap(), 70);
    }
    let entries = packed.tree().entries.borrow();
    let rows_of_an_entry = 2_030 / entries.len();
    assert!(rows_of_an_entry >= 13, "{rows_of_an_entry} rows in an entry");
    let writes = packed.tree().writes.get();
    assert!(
        writes < entries.len() + 30,
        "{writes} writes of {} entries",
        entries.len()
    );
}

#[test]
fn rows_that_were_kept_alone_are_taken_into_blocks_as_they_are_met() {
    let plain: BTreeSet<Vec<u8>> = (0..40).step_by(2).map(|number| row_key(1, number)).collect();
    let packed = packed();
    for key in &plain {
        packed.tree().put((key, Some(&row(1, 20)))).unwrap();
    }
    assert_eq!(rows_from(&packed, b"", usize::MAX).len(), 20);
    assert_eq!(read(&packed, &row_key(1, 4)), Some(row(1, 20)));
    assert_eq!(read(&packed, &row_key(1, 5)), None);
    let odd: Layer = (1..40)
        .step_by(2)
        .map(|number| (row_key(1, number), Some(row(2, 20))))
        .collect();
    write(&packed, &odd).unwrap();
    assert_eq!(rows_from(&packed, b"", usize::MAX).len(), 40);
    assert_eq!(read(&packed, &row_key(1, 4)), Some(row(1, 20)));
    assert_eq!(read(&packed, &row_key(1, 5)), Some(row(2, 20)));
    assert_eq!(
        packed.tree().entries.borrow().len(),
        20,
        "each lies with its neighbour"
    );
}

#[test]
fn a_block_that_is_larger_than_any_of_ours_is_parted_without_a_loss() {
    let keys: Vec<Vec<u8>> = (0..60).map(|number| row_key(1, number)).collect();
    let one = row(1, 80);
    let rows: Vec<RowRef<'_>> = keys.iter().map(|key| (key.as_slice(), one.as_slice())).collect();
    let block = blocks::encode(&keys[0], &rows).unwrap();
    assert!(block.len() > 2 * BLOCK_BYTES);
    let mut model: Map = keys.iter().map(|key| (key.clone(), one.clone())).collect();
    let layer = Layer::from([(row_key(1, 60), Some(one.clone()))]);
    for crash in 0.. {
        let packed = packed();
        packed.tree().put((&keys[0], Some(&block))).unwrap();
        packed.tree().writes_left.set(Some(crash));
        let is_whole = write(&packed, &layer).is_ok();
        packed.tree().writes_left.set(None);
        check(&packed, &model, &layer);
        if is_whole {
            apply(&mut model, &layer);
            check(&packed, &model, &Layer::new());
            return;
        }
    }
}

#[test]
fn a_damaged_block_is_an_error_and_no_row() {
    let packed = packed();
    let key = row_key(1, 1);
    for damaged in [&b"\xFF\x01\x05"[..], b"\xFF\x01\x01\0k\xFF\xFF\xFF\xFF"] {
        packed.tree().put((&key, Some(damaged))).unwrap();
        let is_poisoned = |result: Result<()>| matches!(result, Err(Error::Poisoned { .. }));
        assert!(is_poisoned(
            packed.read(&key, &mut |_| panic!("nothing is shown"))
        ));
        assert!(is_poisoned(
            packed.visit(&key, &mut |_, _| panic!("nothing is shown"))
        ));
        assert!(is_poisoned(packed.visit(&row_key(1, 2), &mut |_, _| true)));
        let layer = Layer::from([(row_key(1, 2), None)]);
        assert!(is_poisoned(write(&packed, &layer).map(drop)));
    }
}
