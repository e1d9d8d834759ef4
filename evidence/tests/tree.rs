//! The tree against `ct-merkle` as an oracle, tile by tile, and proofs against every change of a byte.

#![allow(clippy::unwrap_used)] // clippy sees a test only inside `#[test]`, and not in what tests share

use ct_merkle::RootHash;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use evidence::tile::{Edge, TILE_WIDTH, TileId, node_in, tile_of, unfinished};
use evidence::tree::{
    Frontier, Hash, Node, Part, consistency_parts, fold, inclusion_parts, is_consistent, is_included,
    leaf_hash,
};
use proptest::prelude::*;
use sha2::Sha256;
use std::collections::HashMap;

fn content(index: u64) -> Vec<u8> {
    format!("leaf {index}").into_bytes()
}

/// A tree as a store keeps it.
struct Log {
    frontier: Frontier,
    edge: Edge,
    tiles: HashMap<TileId, Vec<Hash>>,
    /// The root of each size.
    roots: Vec<Hash>,
    leaves: Vec<Hash>,
}

impl Log {
    fn of(size: u64) -> Self {
        let mut log = Self {
            frontier: Frontier::default(),
            edge: Edge::default(),
            tiles: HashMap::new(),
            roots: vec![Frontier::default().root()],
            leaves: Vec::new(),
        };
        for index in 0..size {
            let leaf = leaf_hash(&content(index));
            assert_eq!(log.frontier.append(leaf), index);
            log.tiles.extend(log.edge.append(index, leaf));
            log.roots.push(log.frontier.root());
            log.leaves.push(leaf);
        }
        log
    }

    fn node(&self, node: Node) -> Hash {
        let id = tile_of(node);
        let hashes = self
            .tiles
            .get(&id)
            .map_or(self.edge.tile(id.level), Vec::as_slice);
        node_in(hashes, node).expect("the tile reaches so far")
    }

    fn path(&self, parts: Option<Vec<Part>>) -> Vec<Hash> {
        let hash = |part: &Part| fold(&part.iter().map(|node| self.node(*node)).collect::<Vec<_>>());
        parts.expect("there is such a proof").iter().map(hash).collect()
    }

    fn inclusion(&self, index: u64, size: u64) -> Vec<Hash> {
        self.path(inclusion_parts(index, size))
    }

    fn consistency(&self, older: u64, newer: u64) -> Vec<Hash> {
        self.path(consistency_parts(older, newer))
    }

    fn root(&self, size: u64) -> &Hash {
        &self.roots[usize::try_from(size).unwrap()]
    }
}

fn oracle(size: u64) -> MemoryBackedTree<Sha256, Vec<u8>> {
    let mut tree = MemoryBackedTree::new();
    (0..size).for_each(|index| tree.push(content(index)));
    tree
}

fn bytes(path: &[Hash]) -> Vec<u8> {
    path.iter().flat_map(|hash| hash.0).collect()
}

#[test]
fn roots_and_proofs_are_those_of_the_oracle() {
    let log = Log::of(600);
    let mut tree = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for size in 0..=600_u64 {
        let root = tree.root();
        assert_eq!(root.as_bytes().as_slice(), log.root(size).0, "size {size}");
        let steps: Vec<u64> = (0..size).step_by(if size < 70 { 1 } else { 37 }).collect();
        for index in steps {
            let theirs = tree.prove_inclusion(usize::try_from(index).unwrap());
            let ours = log.inclusion(index, size);
            assert_eq!(theirs.as_bytes(), bytes(&ours), "leaf {index} of {size}");
            assert!(is_included(
                &log.leaves[usize::try_from(index).unwrap()],
                index,
                size,
                &ours,
                log.root(size)
            ));
            if index > 0 {
                let theirs = tree.prove_consistency(usize::try_from(size - index).unwrap());
                assert_eq!(
                    theirs.as_bytes(),
                    bytes(&log.consistency(index, size)),
                    "{index} to {size}"
                );
            }
        }
        tree.push(content(size));
    }
}

#[test]
fn the_oracle_takes_our_proofs() {
    let log = Log::of(300);
    let root = |size: u64| {
        let digest = sha2::digest::Output::<Sha256>::try_from(log.root(size).0.as_slice()).unwrap();
        RootHash::<Sha256>::new(digest, size)
    };
    for (index, size) in [
        (0, 1),
        (0, 300),
        (255, 256),
        (255, 300),
        (256, 257),
        (299, 300),
        (128, 300),
    ] {
        let proof =
            ct_merkle::InclusionProof::<Sha256>::try_from_bytes(bytes(&log.inclusion(index, size))).unwrap();
        root(size)
            .verify_inclusion(&content(index), index, &proof)
            .unwrap();
    }
    for (older, newer) in [(1, 300), (128, 300), (255, 257), (256, 300), (299, 300)] {
        let proof =
            ct_merkle::ConsistencyProof::<Sha256>::try_from_bytes(bytes(&log.consistency(older, newer)))
                .unwrap();
        root(newer).verify_consistency(&root(older), &proof).unwrap();
    }
}

#[test]
fn a_proof_that_cannot_be_is_not_planned() {
    assert_eq!(inclusion_parts(0, 0), None);
    assert_eq!(inclusion_parts(7, 7), None);
    assert_eq!(consistency_parts(0, 7), None);
    assert_eq!(consistency_parts(8, 7), None);
    assert_eq!(consistency_parts(7, 7), Some(Vec::new()));
    assert_eq!(inclusion_parts(0, 1), Some(Vec::new()));
    assert!(inclusion_parts(u64::MAX - 1, u64::MAX).unwrap().len() <= 64);
    assert!(consistency_parts(u64::MAX / 3, u64::MAX).unwrap().len() <= 65);
}

/// Each byte of a path, changed in one bit that goes round.
fn changed(path: &[Hash]) -> impl Iterator<Item = Vec<Hash>> {
    (0..path.len() * 32).map(|at| {
        let mut other = path.to_vec();
        other[at / 32].0[at % 32] ^= 1 << (at % 8);
        other
    })
}

#[test]
fn an_inclusion_proof_fails_after_any_change_of_a_byte() {
    let size = 1_000;
    let log = Log::of(size);
    let root = log.root(size);
    for index in 0..size {
        let leaf = &log.leaves[usize::try_from(index).unwrap()];
        let path = log.inclusion(index, size);
        assert!(is_included(leaf, index, size, &path, root));
        assert!(
            changed(&path).all(|other| !is_included(leaf, index, size, &other, root)),
            "{index}"
        );
        for place in 0..32 {
            let (mut other_leaf, mut other_root) = (*leaf, *root);
            other_leaf.0[place] ^= 1;
            other_root.0[place] ^= 1;
            assert!(!is_included(&other_leaf, index, size, &path, root));
            assert!(!is_included(leaf, index, size, &path, &other_root));
        }
        assert!(!is_included(leaf, index, size, &path[1..], root));
        assert!(!is_included(
            leaf,
            index,
            size,
            &[&path[..], &path[..1]].concat(),
            root
        ));
        assert!(!is_included(leaf, (index + 1) % size, size, &path, root));
    }
}

#[test]
fn consistency_between_all_pairs_of_fifty_sizes_holds_and_fails_after_any_change_of_a_byte() {
    let log = Log::of(1_050);
    let sizes: Vec<u64> = (1..=50).map(|place| place * place * 2 / 5 + place).collect();
    assert!(sizes.is_sorted() && sizes[49] > 1_000);
    let mut pairs = 0;
    for (place, &older) in sizes.iter().enumerate() {
        for &newer in &sizes[place..] {
            let (from, to) = (older.min(newer), older.max(newer));
            let path = log.consistency(from, to);
            assert!(
                is_consistent(from, log.root(from), to, log.root(to), &path),
                "{from} to {to}"
            );
            assert!(changed(&path).all(|other| !is_consistent(
                from,
                log.root(from),
                to,
                log.root(to),
                &other
            )));
            if from < to {
                let mut other = *log.root(from);
                other.0[0] ^= 1;
                assert!(!is_consistent(from, &other, to, log.root(to), &path));
                assert!(!is_consistent(from, log.root(from), to, &other, &path));
                assert!(!is_consistent(to, log.root(to), from, log.root(from), &path));
            }
            pairs += 1;
        }
    }
    assert_eq!(pairs, 50 * 51 / 2);
}

#[test]
fn the_edge_knows_where_it_stands_at_every_level() {
    let size = 70_000;
    let log = Log::of(size);
    for level in 0..4 {
        let (id, hashes) = unfinished(level, size);
        assert_eq!(u64::try_from(log.edge.tile(level).len()).unwrap(), hashes);
        assert!(!log.tiles.contains_key(&id));
        assert!(
            id.index == 0
                || log.tiles.contains_key(&TileId {
                    level,
                    index: id.index - 1
                })
        );
    }
    assert_eq!(
        log.tiles
            .values()
            .map(Vec::len)
            .collect::<std::collections::HashSet<_>>(),
        [TILE_WIDTH].into()
    );
    assert!(is_included(
        &log.leaves[65_536],
        65_536,
        size,
        &log.inclusion(65_536, size),
        log.root(size)
    ));
    // Level 2 is begun, and is put together again from what a store keeps.
    let mut again = Edge::default();
    for level in 0..3 {
        log.edge
            .tile(level)
            .iter()
            .for_each(|hash| again.restore(level, *hash));
    }
    assert_eq!(again, log.edge);
    assert_eq!(oracle(3).root().as_bytes().as_slice(), log.root(3).0);
}

proptest! {
    #[test]
    fn any_leaf_is_included_in_any_later_tree_and_no_stranger_is(size in 1_u64..2_000, at in any::<prop::sample::Index>(), older in any::<prop::sample::Index>()) {
        let log = Log::of(size);
        let index = u64::try_from(at.index(usize::try_from(size).unwrap())).unwrap();
        let path = log.inclusion(index, size);
        prop_assert!(is_included(&log.leaves[usize::try_from(index).unwrap()], index, size, &path, log.root(size)));
        prop_assert!(!is_included(&leaf_hash(b"a stranger"), index, size, &path, log.root(size)));
        let older = 1 + u64::try_from(older.index(usize::try_from(size).unwrap())).unwrap();
        let path = log.consistency(older, size);
        prop_assert!(is_consistent(older, log.root(older), size, log.root(size), &path));
    }

    #[test]
    fn no_hashes_at_all_make_the_verifiers_panic(index: u64, size: u64, older: u64, path in prop::collection::vec(any::<[u8; 32]>(), 0..70)) {
        let path: Vec<Hash> = path.into_iter().map(Hash).collect();
        let hash = leaf_hash(b"x");
        let _ = is_included(&hash, index, size, &path, &hash);
        let _ = is_consistent(older, &hash, size, &hash, &path);
    }
}
