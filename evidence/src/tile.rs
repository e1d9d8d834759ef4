//! How the tree lies in a store: tiles of 256 hashes. A tile of level 0 holds hashes of leaves, one of level 1 roots of tiles of level 0, and
//! so on; a full tile never changes, so that it is written once, when its last hash comes.

use crate::tree::{Hash, Node, node_hash};

/// The height of a tile.
pub const TILE_HEIGHT: u8 = 8;
/// Hashes of a full tile; 8 KiB.
pub const TILE_WIDTH: usize = 1 << TILE_HEIGHT;

/// A tile's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// 0 holds hashes of leaves.
    pub level: u8,
    /// Its place among those of its level.
    pub index: u64,
}

/// The tile that holds what is needed for a node.
#[must_use]
pub fn tile_of(node: Node) -> TileId {
    let level = node.level / TILE_HEIGHT;
    let height = node.level % TILE_HEIGHT;
    TileId {
        level,
        index: node.index >> (TILE_HEIGHT - height),
    }
}

/// The hash of a node, out of its tile's hashes; `None` where the tile does not reach so far.
#[must_use]
pub fn node_in(hashes: &[Hash], node: Node) -> Option<Hash> {
    let width = 1_usize << (node.level % TILE_HEIGHT);
    let place = usize::try_from(node.index).ok()? & (TILE_WIDTH / width - 1);
    let range = hashes.get(place * width..(place + 1) * width)?;
    Some(perfect_root(range))
}

/// The root over a power of two of hashes.
#[must_use]
pub fn perfect_root(hashes: &[Hash]) -> Hash {
    debug_assert!(hashes.len().is_power_of_two());
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row
            .chunks_exact(2)
            .map(|pair| node_hash(&pair[0], &pair[1]))
            .collect();
    }
    row[0]
}

/// The unfinished tiles at the tree's right edge, the lowest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    tiles: Vec<Vec<Hash>>,
}

impl Edge {
    /// The hashes of the unfinished tile of a level; none where nothing is begun there.
    #[must_use]
    pub fn tile(&self, level: u8) -> &[Hash] {
        self.tiles.get(usize::from(level)).map_or(&[], Vec::as_slice)
    }

    /// Adds a leaf that has this index; gives the tiles that it finishes, each with its place and its hashes.
    pub fn append(&mut self, index: u64, leaf: Hash) -> Vec<(TileId, Vec<Hash>)> {
        let mut finished = Vec::new();
        let (mut level, mut place, mut hash) = (0_u8, index, leaf);
        loop {
            let at = usize::from(level);
            if self.tiles.len() <= at {
                self.tiles.push(Vec::new());
            }
            self.tiles[at].push(hash);
            if self.tiles[at].len() < TILE_WIDTH {
                return finished;
            }
            let tile = std::mem::take(&mut self.tiles[at]);
            hash = perfect_root(&tile);
            place >>= TILE_HEIGHT;
            finished.push((TileId { level, index: place }, tile));
            level += 1;
        }
    }

    /// Adds what a store kept, at a level, in the order of places.
    pub fn restore(&mut self, level: u8, hash: Hash) {
        let at = usize::from(level);
        if self.tiles.len() <= at {
            self.tiles.resize_with(at + 1, Vec::new);
        }
        self.tiles[at].push(hash);
    }
}

/// How many hashes the unfinished tile of a level has in a tree of `size` leaves, and which place that tile has.
#[must_use]
pub fn unfinished(level: u8, size: u64) -> (TileId, u64) {
    let hashes = size
        .checked_shr(u32::from(level) * u32::from(TILE_HEIGHT))
        .unwrap_or(0);
    let width = u64::try_from(TILE_WIDTH).expect("256");
    (
        TileId {
            level,
            index: hashes / width,
        },
        hashes % width,
    )
}
