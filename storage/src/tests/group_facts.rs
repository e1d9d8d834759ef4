//! A group: who is answered when.

use std::collections::BTreeMap;

use super::{key, put};
use crate::{
    Result,
    engine::Rows,
    group::{Group, Judgement, Question, Said},
    versions::Versions,
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

fn read(group: &mut Group<'_, Fixed>, number: u64) -> (Option<Vec<u8>>, bool) {
    let Judgement { said, is_durable } = group.judge(Question::Get(key(number)), None).unwrap();
    let Said::Get(found) = said else {
        panic!("it was read");
    };
    (found.unwrap().map(|stored| stored.value), is_durable)
}

fn write(group: &mut Group<'_, Fixed>, number: u64) {
    let way = Ways::new().set_out(std::iter::empty());
    let judged = group
        .judge(Question::Commit(put(number, b"new"), way), None)
        .unwrap();
    assert!(!judged.is_durable);
}

#[test]
fn a_read_of_what_no_batch_of_the_group_touches_does_not_wait_for_the_disk() {
    let engine = Fixed(BTreeMap::from([(
        key(1).as_bytes().to_vec(),
        b"\0\0\0\0\0\0\0\x07old".to_vec(),
    )]));
    let mut versions = Versions::default();
    let mut group = Group::new(&engine, &mut versions, 7, 0);
    write(&mut group, 2);
    assert_eq!(read(&mut group, 1), (Some(b"old".to_vec()), true));
    assert_eq!(read(&mut group, 3), (None, true));
}

#[test]
fn a_read_behind_a_batch_of_its_own_group_waits_for_the_disk() {
    let engine = Fixed(BTreeMap::new());
    let mut versions = Versions::default();
    let mut group = Group::new(&engine, &mut versions, 7, 0);
    write(&mut group, 2);
    assert_eq!(read(&mut group, 2), (Some(b"new".to_vec()), false));
}
