//! The Merkle tree of RFC 6962, section 2.1: hashes, an append-only frontier, inclusion and consistency proofs.
//!
//! Proofs are *planned* first, as lists of perfect subtrees ([`Node`]) whose hashes somebody fetches, and then folded; so that a store
//! may be asked in between, and nothing here waits.

use crate::hex;
use sha2::{Digest, Sha256};
use std::fmt;

/// SHA-256, of a leaf or of a subtree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// The hash of a leaf: 0x00 and its bytes.
#[must_use]
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    Hash(
        Sha256::new()
            .chain_update([0])
            .chain_update(bytes)
            .finalize()
            .into(),
    )
}

/// The hash of an inner node: 0x01 and both children.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Hash(
        Sha256::new()
            .chain_update([1])
            .chain_update(left.0)
            .chain_update(right.0)
            .finalize()
            .into(),
    )
}

/// A perfect subtree: the leaves `index << level` up to, without it, `(index + 1) << level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// Its height; 0 is a leaf.
    pub level: u8,
    /// Its place among those of its height.
    pub index: u64,
}

/// The head of a tree while it grows: the perfect subtrees of its size, the largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    roots: Vec<Hash>,
}

impl Frontier {
    /// From what was kept; `None` where the number of hashes is not that of the size.
    #[must_use]
    pub fn new(size: u64, roots: Vec<Hash>) -> Option<Self> {
        let expected = usize::try_from(size.count_ones()).expect("at most 64");
        (roots.len() == expected).then_some(Self { size, roots })
    }

    /// Leaves so far, and the index of the next one.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hashes of the perfect subtrees, the largest first.
    #[must_use]
    pub fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// Adds a leaf; gives its index.
    pub fn append(&mut self, leaf: Hash) -> u64 {
        let index = self.size;
        let mut hash = leaf;
        for _ in 0..index.trailing_ones() {
            let left = self.roots.pop().expect("a subtree for each bit of the size");
            hash = node_hash(&left, &hash);
        }
        self.roots.push(hash);
        self.size += 1;
        index
    }

    /// The hash of the whole tree; that of nothing where there are no leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        fold(&self.roots)
    }
}

/// Perfect subtrees that stand side by side, the largest first, as one hash.
#[must_use]
pub fn fold(subtrees: &[Hash]) -> Hash {
    let mut from_right = subtrees.iter().rev();
    match from_right.next() {
        None => Hash(Sha256::digest([]).into()),
        Some(last) => from_right.fold(*last, |right, left| node_hash(left, &right)),
    }
}

/// The perfect subtrees of the leaves `from` up to, without it, `to`; `from` is a multiple of the largest of them.
fn perfect(from: u64, to: u64) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut at = from;
    while at < to {
        let level = u8::try_from((to - at).ilog2()).expect("at most 63");
        nodes.push(Node {
            level,
            index: at >> level,
        });
        at += 1 << level;
    }
    nodes
}

/// The largest power of two below `count`, which is 2 at the least.
fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

/// One hash of a proof: the subtrees that are to be [`fold`]ed.
pub type Part = Vec<Node>;

/// The inclusion proof of leaf `index` in the tree of `size` leaves, the hash next to the leaf first (RFC 6962, section 2.1.1); `None` where
/// there is no such leaf.
#[must_use]
pub fn inclusion_parts(index: u64, size: u64) -> Option<Vec<Part>> {
    if index >= size {
        return None;
    }
    let (mut from, mut to) = (0, size);
    let mut parts = Vec::new();
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            parts.push(perfect(middle, to));
            to = middle;
        } else {
            parts.push(perfect(from, middle));
            from = middle;
        }
    }
    parts.reverse();
    Some(parts)
}

/// The proof that the tree of `older` leaves is the beginning of that of `newer` (RFC 6962, section 2.1.2); `None` unless 1 <= older <= newer.
#[must_use]
pub fn consistency_parts(older: u64, newer: u64) -> Option<Vec<Part>> {
    if older == 0 || older > newer {
        return None;
    }
    let (mut from, mut to) = (0, newer);
    let mut parts = Vec::new();
    let mut is_whole = true;
    while older != to {
        let middle = from + split(to - from);
        if older <= middle {
            parts.push(perfect(middle, to));
            to = middle;
        } else {
            parts.push(perfect(from, middle));
            from = middle;
            is_whole = false;
        }
    }
    if !is_whole {
        parts.push(perfect(from, to));
    }
    parts.reverse();
    Some(parts)
}

/// Whether `path` leads from a leaf to the root (RFC 9162, section 2.1.3.2).
#[must_use]
pub fn is_included(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut number, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in path {
        if last == 0 {
            return false;
        }
        if number & 1 == 1 || number == last {
            hash = node_hash(sibling, &hash);
            while number & 1 == 0 && number != 0 {
                number >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        number >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether the tree of `older` leaves is the beginning of that of `newer` (RFC 9162, section 2.1.4.2).
#[must_use]
pub fn is_consistent(older: u64, older_root: &Hash, newer: u64, newer_root: &Hash, path: &[Hash]) -> bool {
    if older == newer {
        return path.is_empty() && older_root == newer_root;
    }
    if older == 0 || older > newer {
        return false;
    }
    let mut path = path.iter();
    let first = if older.is_power_of_two() {
        Some(older_root)
    } else {
        path.next()
    };
    let Some(first) = first else { return false };
    let (mut number, mut last) = (older - 1, newer - 1);
    while number & 1 == 1 {
        number >>= 1;
        last >>= 1;
    }
    let (mut of_older, mut of_newer) = (*first, *first);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if number & 1 == 1 || number == last {
            of_older = node_hash(sibling, &of_older);
            of_newer = node_hash(sibling, &of_newer);
            while number & 1 == 0 && number != 0 {
                number >>= 1;
                last >>= 1;
            }
        } else {
            of_newer = node_hash(&of_newer, sibling);
        }
        number >>= 1;
        last >>= 1;
    }
    last == 0 && of_older == *older_root && of_newer == *newer_root
}
