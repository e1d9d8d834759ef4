//! The tree as everybody reads it: the log's actor adds to it, proofs are made from it without asking the actor.
//!
//! Nothing of it is shown before it is durable: every proof is of a size that [`Tiles::durable`] has reached. What the actor has added
//! beyond that lies at the right of it and changes nothing to its left.

use super::rows::tile_at;
use evidence::tile::{Edge, TILE_HEIGHT, TileId, node_in, tile_of, unfinished};
use evidence::tree::{Hash, Node, Part, consistency_parts, fold, inclusion_parts, node_hash};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use storage::Store;

/// The tree, to be read.
pub struct Tiles {
    store: Arc<dyn Store>,
    edge: Mutex<(Edge, u64)>,
    full: Mutex<Full>,
    durable: AtomicU64,
}

/// Full tiles that were needed lately, each with all nodes inside it.
struct Full {
    tiles: HashMap<TileId, Arc<Vec<Vec<Hash>>>>,
    order: VecDeque<TileId>,
    tiles_max: usize,
}

impl Full {
    fn keep(&mut self, id: TileId, nodes: Arc<Vec<Vec<Hash>>>) {
        if self.tiles.insert(id, nodes).is_none() {
            self.order.push_back(id);
        }
        while self.order.len() > self.tiles_max {
            let oldest = self.order.pop_front().expect("longer than its bound");
            self.tiles.remove(&oldest);
        }
    }
}

/// All nodes of a full tile, level by level.
fn nodes_of(hashes: Vec<Hash>) -> Arc<Vec<Vec<Hash>>> {
    let mut levels = vec![hashes];
    for _ in 1..TILE_HEIGHT {
        let below = levels.last().expect("begun with one");
        let level = below.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1]));
        let level = level.collect();
        levels.push(level);
    }
    Arc::new(levels)
}

impl Tiles {
    /// A tree that nothing is known of yet. `tiles_max` full tiles are kept in memory, 16 KiB each.
    pub fn new(store: Arc<dyn Store>, tiles_max: usize) -> Self {
        let full = Full {
            tiles: HashMap::new(),
            order: VecDeque::new(),
            tiles_max: tiles_max.max(8),
        };
        Self {
            store,
            edge: Mutex::default(),
            full: Mutex::new(full),
            durable: AtomicU64::new(0),
        }
    }

    /// How many leaves are durable.
    pub fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// The log was read from the store: forget what an earlier one had added beyond it.
    pub(super) fn reset(&self, edge: Edge, size: u64) {
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        *self.edge.lock().unwrap_or_else(PoisonError::into_inner) = (edge, size);
        full.tiles.clear();
        full.order.clear();
        self.made_durable(size);
    }

    /// The log has given a leaf its index.
    pub(super) fn append(&self, index: u64, leaf: Hash) {
        let mut edge = self.edge.lock().unwrap_or_else(PoisonError::into_inner);
        let finished = edge.0.append(index, leaf);
        edge.1 = index + 1;
        drop(edge);
        for (id, hashes) in finished {
            let nodes = nodes_of(hashes);
            self.full
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .keep(id, nodes);
        }
    }

    /// So many leaves are durable. A number below one that was told before changes nothing.
    pub(super) fn made_durable(&self, size: u64) {
        self.durable.fetch_max(size, Ordering::AcqRel);
    }

    /// The root of the first `size` leaves.
    ///
    /// # Errors
    /// The store's.
    pub async fn root(&self, size: u64) -> storage::Result<Hash> {
        let nodes = perfect(size);
        self.folded(&nodes).await
    }

    /// The inclusion proof of a leaf in the tree of `size` leaves; `None` where there is none, or the size is not durable.
    ///
    /// # Errors
    /// The store's.
    pub async fn inclusion(&self, index: u64, size: u64) -> storage::Result<Option<Vec<Hash>>> {
        self.path(inclusion_parts(index, size).filter(|_| size <= self.durable()))
            .await
    }

    /// The proof that the tree of `older` leaves is the beginning of that of `newer`; `None` where there is none.
    ///
    /// # Errors
    /// The store's.
    pub async fn consistency(&self, older: u64, newer: u64) -> storage::Result<Option<Vec<Hash>>> {
        self.path(consistency_parts(older, newer).filter(|_| newer <= self.durable()))
            .await
    }

    async fn path(&self, parts: Option<Vec<Part>>) -> storage::Result<Option<Vec<Hash>>> {
        let Some(parts) = parts else { return Ok(None) };
        let mut path = Vec::with_capacity(parts.len());
        for part in &parts {
            path.push(self.folded(part).await?);
        }
        Ok(Some(path))
    }

    async fn folded(&self, nodes: &[Node]) -> storage::Result<Hash> {
        let mut hashes = Vec::with_capacity(nodes.len());
        for node in nodes {
            hashes.push(self.node(*node).await?);
        }
        Ok(fold(&hashes))
    }

    async fn node(&self, node: Node) -> storage::Result<Hash> {
        let id = tile_of(node);
        if let Some(hash) = self.at_edge(id, node) {
            return Ok(hash);
        }
        let known = self
            .full
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .tiles
            .get(&id)
            .cloned();
        let nodes = match known {
            Some(nodes) => nodes,
            None => {
                let nodes = nodes_of(tile_at(self.store.as_ref(), id).await?);
                let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
                full.keep(id, Arc::clone(&nodes));
                nodes
            }
        };
        let level = &nodes[usize::from(node.level % TILE_HEIGHT)];
        let place = usize::try_from(node.index).unwrap_or(usize::MAX) & (level.len() - 1);
        Ok(level[place])
    }

    fn at_edge(&self, id: TileId, node: Node) -> Option<Hash> {
        let edge = self.edge.lock().unwrap_or_else(PoisonError::into_inner);
        let (unfinished, _) = unfinished(id.level, edge.1);
        (id == unfinished)
            .then(|| node_in(edge.0.tile(id.level), node))
            .flatten()
    }
}

/// The perfect subtrees of a whole tree, the largest first.
fn perfect(size: u64) -> Vec<Node> {
    let levels = (0..64_u8).rev().filter(|level| size & (1 << level) != 0);
    levels
        .map(|level| Node {
            level,
            index: (size >> level) - 1,
        })
        .collect()
}
