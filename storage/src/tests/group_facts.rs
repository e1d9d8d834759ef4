//! A group: who is answered when.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

use super::{key, put};
use crate::{
    Result, Stored,
    engine::Rows,
    group::{Group, Operation},
    ways::Ways,
};

/// Rows that nobody changes.
struct Fixed(BTreeMap<Vec<u8>, Vec<u8>>);

impl Rows for Fixed {
    fn read(&self, key: &[u8], show: &mut dyn FnMut(Option<&[u8]>)) -> Result<()> {
        show(self.0.get(key).map(Vec::as_slice));
        Ok(())
    }
    fn visit(&self, start: &[u8], visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<()> {
        let mut rows = self.0.range(start.to_vec()..);
        rows.by_ref().all(|(key, value)| visit(key, value));
        Ok(())
    }
}

fn read(group: &mut Group<'_, Fixed>, number: u64) -> oneshot::Receiver<Result<Option<Stored>>> {
    let (reply, answer) = oneshot::channel();
    let key = key(number);
    group.judge(Operation::Get { key, reply }, None).unwrap();
    answer
}

fn write(group: &mut Group<'_, Fixed>, number: u64) {
    let batch = put(number, b"new");
    let (reply, _) = oneshot::channel();
    group
        .judge(
            Operation::Commit {
                batch,
                way: Ways::new().set_out(std::iter::empty()),
                reply,
            },
            None,
        )
        .unwrap();
}

#[test]
fn a_read_of_what_no_batch_of_the_group_touches_is_answered_at_once() {
    let engine = Fixed(BTreeMap::from([(
        key(1).as_bytes().to_vec(),
        b"\0\0\0\0\0\0\0\x07old".to_vec(),
    )]));
    let mut group = Group::new(&engine, 7);
    write(&mut group, 2);
    let found = read(&mut group, 1).try_recv().expect("answered already").unwrap();
    assert_eq!(found.unwrap().value, b"old");
    let found = read(&mut group, 3).try_recv().expect("answered already").unwrap();
    assert_eq!(found, None);
}

#[test]
fn a_read_behind_a_batch_of_its_own_group_waits_for_the_disk() {
    let engine = Fixed(BTreeMap::new());
    let mut group = Group::new(&engine, 7);
    write(&mut group, 2);
    let mut waiting = read(&mut group, 2);
    assert!(waiting.try_recv().is_err(), "the row is not durable yet");
    group
        .finish()
        .answers
        .into_iter()
        .for_each(|answer| answer.send());
    let found = waiting.try_recv().expect("answered after the sync").unwrap();
    assert_eq!(found.unwrap().value, b"new");
}
