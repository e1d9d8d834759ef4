//! What is on its way to the tree, and who may read there without the committer.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{key, put};
use crate::{
    Error, Health, NoObserver, Result, Stored,
    engine::Rows,
    layer::Layer,
    shared::Shared,
    space::{Probe, Space},
    ways::Ways,
};

/// What a reader of the tree meets.
#[derive(Debug, Clone, Copy)]
enum Tree {
    /// One row: the version, then the value.
    HasOne,
    Damaged,
    Fails,
    Panics,
    /// Until the store is declared dead.
    Hangs,
}

impl Rows for Tree {
    fn read(&self, wanted: &[u8], show: &mut dyn FnMut(Option<&[u8]>)) -> Result<()> {
        match self {
            Tree::HasOne => show((wanted == key(1).as_bytes()).then_some(b"\0\0\0\0\0\0\0\x05five")),
            Tree::Damaged => show(Some(b"\0\0")),
            Tree::Fails => {
                return Err(Error::Poisoned {
                    reason: "no such luck".to_owned(),
                });
            }
            Tree::Panics => panic!("the tree fell over"),
            Tree::Hangs => std::thread::park(),
        }
        Ok(())
    }
    fn visit(&self, _: &[u8], _: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<()> {
        Ok(())
    }
}

fn shared(tree: Tree) -> Shared {
    let probe: Probe = Arc::new(|_: &Path| Ok(u64::MAX));
    let space = Space::new(PathBuf::new(), 0, probe, Arc::new(NoObserver));
    Shared::new(8, space, Arc::new(NoObserver), Arc::new(tree))
}

#[test]
fn a_row_is_on_its_way_from_the_call_until_the_layer_that_has_it_is_gone() {
    let ways = Ways::new();
    assert!(ways.is_free(&key(1)));
    let way = ways.set_out([key(1), key(2), key(1)].iter());
    assert!(!ways.is_free(&key(1)) && !ways.is_free(&key(2)) && ways.is_free(&key(3)));
    let second = ways.set_out([key(2)].iter());
    drop(way);
    assert!(
        ways.is_free(&key(1)) && !ways.is_free(&key(2)),
        "counted, not noted"
    );
    let mut layer = Layer::above(0);
    layer.ways.push(second);
    layer.absorb([(key(2), None)], 1);
    assert!(!ways.is_free(&key(2)));
    drop(layer);
    assert!(ways.is_free(&key(2)));
}

#[test]
fn what_a_start_found_in_the_log_is_on_its_way() {
    let ways = Ways::new();
    let mut layer = Layer::above(0);
    layer.absorb([(key(1), Some([1][..].into())), (key(2), None)], 2);
    layer.set_out(&ways);
    assert!(!ways.is_free(&key(1)) && !ways.is_free(&key(2)) && ways.is_free(&key(3)));
}

#[test]
fn a_reader_is_sent_to_the_committer_where_something_is_on_its_way_or_the_tree_is_gone() {
    let shared = shared(Tree::HasOne);
    let five = Stored {
        version: crate::Sequence(5).into(),
        value: b"five".to_vec(),
    };
    assert_eq!(shared.read_settled(&key(1)), Some(Ok(Some(five.clone()))));
    assert_eq!(shared.read_settled(&key(2)), Some(Ok(None)));
    let batch = put(1, b"six");
    let way = shared
        .ways
        .set_out(batch.operations.iter().map(|operation| &operation.key));
    assert_eq!(shared.read_settled(&key(1)), None);
    assert_eq!(shared.read_settled(&key(2)), Some(Ok(None)));
    drop(way);
    assert_eq!(shared.read_settled(&key(1)), Some(Ok(Some(five))));
    shared.let_tree_go();
    assert_eq!(shared.read_settled(&key(1)), None);
}

#[test]
fn a_damaged_row_harms_its_reader_alone() {
    let shared = shared(Tree::Damaged);
    assert!(matches!(
        shared.read_settled(&key(1)),
        Some(Err(Error::Corrupt { .. }))
    ));
    assert!(shared.is_running());
}

#[test]
fn a_tree_that_fails_or_panics_under_a_reader_poisons() {
    for (tree, reason) in [
        (Tree::Fails, "no such luck"),
        (Tree::Panics, "the tree fell over"),
    ] {
        let shared = shared(tree);
        let Some(Err(Error::Poisoned { reason: told })) = shared.read_settled(&key(1)) else {
            panic!("{tree:?} was read");
        };
        assert!(told.contains(reason), "{told}");
        assert!(
            matches!(shared.health(), Health::Poisoned { reason: told } if told.contains(reason)),
            "{tree:?}"
        );
        assert_eq!(shared.read_settled(&key(1)), None, "nobody reads there again");
    }
}

#[test]
fn a_tree_that_does_not_answer_a_reader_is_declared_dead_and_keeps_nobody_else() {
    let shared = shared(Tree::Hangs);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..20)
            .map(|_| scope.spawn(|| shared.read_settled(&key(1))))
            .collect();
        shared.check_stall(Duration::from_secs(3_600));
        assert!(shared.is_running(), "it may take its time");
        while shared.is_running() {
            shared.check_stall(Duration::ZERO);
            std::thread::yield_now();
        }
        let owner = scope.spawn(|| shared.let_tree_go());
        assert_eq!(
            shared.read_settled(&key(1)),
            None,
            "nobody waits behind those who hang"
        );
        readers.iter().for_each(|reader| reader.thread().unpark());
        owner.join().unwrap();
    });
    assert!(matches!(shared.health(), Health::Poisoned { reason } if reason.contains("did not answer")));
}

#[test]
fn a_read_that_is_over_is_watched_no_longer() {
    let shared = shared(Tree::HasOne);
    for _ in 0..100 {
        assert!(shared.read_settled(&key(1)).is_some());
    }
    std::thread::yield_now();
    shared.check_stall(Duration::ZERO);
    assert!(shared.is_running());
}
