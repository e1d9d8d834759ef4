//! The audit: every stored value of the log is hashed again and compared with what hangs on it, up to the newest checkpoint.
//!
//! It goes page by page, so that a page can be paced, shown on a progress bar, and asked for over HTTP; it reads the store and no cache.

use super::rows::{
    checkpoint_kept, container_at, container_row, edge_of, frontier_of, hash_row, index_of, leaf_at,
    leaf_row, log_row, owed_after, tile_at, tile_row,
};
use super::tiles::Tiles;
use crate::machines::evidence::{LogBook, Place};
use evidence::Leaf;
use evidence::checkpoint::{Head, Verifier};
use evidence::tile::{TILE_HEIGHT, TILE_WIDTH, TileId, perfect_root};
use evidence::tree::{Hash, leaf_hash};
use serde::Serialize;
use std::sync::Arc;
use storage::{Error, Key, Store};

/// Leaves of one page at most: four tiles, a fraction of a second.
pub const AUDIT_LEAVES_MAX: u64 = 1_024;

/// Something that is not as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditFinding {
    /// Which stored value: its place in the store.
    pub what: String,
    /// What is wrong with it.
    pub detail: String,
}

/// What a page came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditPage {
    /// The first leaf of the next page.
    pub next: u64,
    /// Leaves of the log when the page was begun.
    pub size: u64,
    /// What was found.
    pub findings: Vec<AuditFinding>,
}

struct Audit<'a> {
    store: &'a dyn Store,
    findings: Vec<AuditFinding>,
}

/// A value that cannot even be read is a finding; a store that cannot be asked is an error.
fn is_finding(error: &Error) -> bool {
    matches!(error, Error::Corrupt { .. })
}

impl Audit<'_> {
    fn find(&mut self, what: &Key, detail: impl Into<String>) {
        self.findings.push(AuditFinding {
            what: format!("{what:?}"),
            detail: detail.into(),
        });
    }

    /// The value, or a finding in its stead.
    fn read<T>(&mut self, what: &Key, read: storage::Result<T>) -> storage::Result<Option<T>> {
        match read {
            Ok(value) => Ok(Some(value)),
            Err(error) if is_finding(&error) => {
                self.find(what, error.to_string());
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn leaf(&mut self, index: u64, is_full: bool) -> storage::Result<Option<Hash>> {
        let row = leaf_row(index);
        let read = leaf_at(self.store, index).await;
        let Some(record) = self.read(&row, read)? else {
            return Ok(None);
        };
        let Some(record) = record else {
            self.find(&row, "the leaf is missing");
            return Ok(None);
        };
        let hash = Hash(record.hash);
        let read = index_of(self.store, hash).await;
        match self.read(&hash_row(hash), read)? {
            Some(Some(found)) if found != index => {
                self.find(
                    &hash_row(hash),
                    format!("it says that leaf {index} is leaf {found}"),
                );
            }
            Some(None) => self.find(
                &hash_row(hash),
                format!("the index of leaf {index} is missing, or the leaf's own row was changed"),
            ),
            Some(Some(_)) | None => {}
        }
        if is_full {
            self.container(index, hash, record.place).await?;
        }
        Ok(Some(hash))
    }

    async fn container(&mut self, index: u64, hash: Hash, place: Place) -> storage::Result<()> {
        let bytes = container_at(self.store, place).await?;
        let row = container_row(place, 0);
        if bytes.is_empty() {
            self.find(
                &row,
                format!("the container of leaf {index} is missing, or the leaf's own row was changed"),
            );
        } else if leaf_hash(&bytes) != hash {
            self.find(&row, format!("the container of leaf {index} is not the one that was recorded, or the leaf's own row was changed"));
        } else if Leaf::from_bytes(&bytes).map(|leaf| Place::of(&leaf)) != Ok(place) {
            self.find(
                &row,
                format!("the container of leaf {index} does not belong where it lies"),
            );
        }
        Ok(())
    }

    /// A full tile of level 0 against its leaves, and every tile above that it finishes against those below.
    async fn tiles(&mut self, index: u64, hashes: &[Option<Hash>]) -> storage::Result<()> {
        let id = TileId { level: 0, index };
        let read = tile_at(self.store, id).await;
        let Some(kept) = self.read(&tile_row(id), read)? else {
            return Ok(());
        };
        for (place, (kept, leaf)) in (0_u64..).zip(kept.iter().zip(hashes)) {
            if leaf.is_some_and(|leaf| leaf != *kept) {
                let leaf = (index << TILE_HEIGHT) + place;
                self.find(
                    &tile_row(id),
                    format!("it has another hash for leaf {leaf} than the leaf's own row"),
                );
            }
        }
        let mut below = id;
        // The last tile of 256 finishes one above.
        while below.index & 0xff == 0xff {
            let above = TileId {
                level: below.level + 1,
                index: below.index >> TILE_HEIGHT,
            };
            let read = tile_at(self.store, above).await;
            let Some(kept) = self.read(&tile_row(above), read)? else {
                break;
            };
            for (child, root) in (above.index << TILE_HEIGHT..).zip(kept) {
                let child = TileId {
                    level: below.level,
                    index: child,
                };
                // A child that cannot be read was named when its own leaves were looked at.
                let Ok(hashes) = tile_at(self.store, child).await else {
                    continue;
                };
                if perfect_root(&hashes) != root {
                    self.find(
                        &tile_row(above),
                        format!("it has another root for {:?} than that tile", tile_row(child)),
                    );
                }
            }
            below = above;
        }
        Ok(())
    }
}

/// Looks at the leaves from `from` on, in whole tiles, [`AUDIT_LEAVES_MAX`] at the most; with `is_full` at their containers too.
///
/// # Errors
/// The store's, where it cannot be asked.
pub async fn audit_leaves(
    store: &dyn Store,
    from: u64,
    count: u64,
    is_full: bool,
) -> storage::Result<AuditPage> {
    let mut audit = Audit {
        store,
        findings: Vec::new(),
    };
    let size = frontier_of(store).await;
    // A head that cannot be read is named by `audit_head`; here it says nothing to go by.
    let size = audit
        .read(&log_row(), size)?
        .map_or(0, |frontier| frontier.size());
    let width = u64::try_from(TILE_WIDTH).expect("256");
    let mut at = from - from % width;
    let until = from.saturating_add(count.clamp(1, AUDIT_LEAVES_MAX)).min(size);
    while at < until {
        let end = (at + width).min(size);
        let mut hashes = Vec::with_capacity(TILE_WIDTH);
        for index in at..end {
            hashes.push(audit.leaf(index, is_full).await?);
        }
        if end - at == width {
            audit.tiles(at / width, &hashes).await?;
        }
        at = end;
    }
    Ok(AuditPage {
        next: at,
        size,
        findings: audit.findings,
    })
}

/// Looks at one leaf, its index and its container, and at nothing that hangs on it.
///
/// # Errors
/// The store's, where it cannot be asked.
pub async fn audit_leaf(store: &dyn Store, index: u64) -> storage::Result<Vec<AuditFinding>> {
    let mut audit = Audit {
        store,
        findings: Vec::new(),
    };
    audit.leaf(index, true).await?;
    Ok(audit.findings)
}

/// Compares the head with leaves and tiles, and the kept checkpoint with all of them and with the keys.
///
/// # Errors
/// The store's, where it cannot be asked.
pub async fn audit_head(store: &Arc<dyn Store>, keys: &[Verifier]) -> storage::Result<Vec<AuditFinding>> {
    let mut audit = Audit {
        store: store.as_ref(),
        findings: Vec::new(),
    };
    let read = frontier_of(store.as_ref()).await;
    let Some(frontier) = audit.read(&log_row(), read)? else {
        return Ok(audit.findings);
    };
    let size = frontier.size();
    let read = edge_of(store.as_ref(), size).await;
    let Some(edge) = audit.read(&log_row(), read)? else {
        return Ok(audit.findings);
    };
    // A tree of its own, which nothing is cached in.
    let tiles = Tiles::new(Arc::clone(store), 8);
    tiles.reset(edge.clone(), size);
    if LogBook::restored(frontier, edge).is_none() {
        audit.find(&log_row(), "the head is not that of the leaves and tiles");
    }
    let checkpoint_row = super::rows::checkpoint_row();
    let read = checkpoint_kept(store.as_ref()).await;
    let Some(Some(kept)) = audit.read(&checkpoint_row, read)? else {
        return Ok(audit.findings);
    };
    match Head::verified(&kept.note, keys) {
        Err(untrusted) => audit.find(&checkpoint_row, untrusted.to_string()),
        Ok(head) if (head.size, head.root.0) != (kept.size, kept.root) => {
            audit.find(
                &checkpoint_row,
                "the note and what stands beside it are of two heads",
            );
        }
        Ok(head) if head.size > size => {
            let (signed, size) = (head.size, size);
            audit.find(
                &checkpoint_row,
                format!("{signed} leaves were signed, and the log has {size}"),
            );
        }
        Ok(head) => {
            let read = tiles.root(head.size).await;
            if audit
                .read(&checkpoint_row, read)?
                .is_some_and(|root| root != head.root)
            {
                audit.find(
                    &checkpoint_row,
                    "the leaves that were signed are not those of the log",
                );
            }
        }
    }
    Ok(audit.findings)
}

/// Reads every debt of verified one-time passwords; those that cannot be read could not be paid.
///
/// # Errors
/// The store's, where it cannot be asked.
pub async fn audit_owed(store: &dyn Store) -> storage::Result<Vec<AuditFinding>> {
    let mut audit = Audit {
        store,
        findings: Vec::new(),
    };
    let mut after = None;
    loop {
        let read = owed_after(store, after, AUDIT_OWED_PAGE).await;
        let Some(page) = audit.read(&super::rows::owed_table(), read)? else {
            break;
        };
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
    }
    Ok(audit.findings)
}

/// Debts read at once.
const AUDIT_OWED_PAGE: usize = 100;
