//! How evidence lies in the store.
//!
//! | table | key | value |
//! |---|---|---|
//! | `evidence-container` | contract, company, version, chunk | the canonical bytes of a leaf, in chunks |
//! | `evidence-leaf` | index | the leaf's hash, and where its container is ([`LeafRecord`]) |
//! | `evidence-hash` | leaf hash | its index |
//! | `evidence-tile` | level, index | 256 hashes; written once, when the tile is full |
//! | `evidence-log` | | the tree's head ([`LogRecord`]) |
//! | `evidence-checkpoint` | | the newest kept checkpoint ([`CheckpointRecord`]) |
//! | `evidence-owed`, `evidence-paid` | challenge | a debt of a verified one-time password; the leaf that paid it |

use super::OwedEvidence;
use crate::clock::Now;
use crate::durable::Persistent;
use crate::ids::ChallengeId;
use crate::machines::evidence::{CompanyKey, ContractKey, LogBook, LogEvent, Place};
use crate::wheel::DueKey;
use evidence::tile::{Edge, TILE_WIDTH, TileId, perfect_root, unfinished};
use evidence::tree::{Frontier, Hash};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage::record::{Record, decode, encode, encode_behind};
use storage::{Batch, Error, Key, KeyReader, Scan, Store, Version};

const CONTAINERS: &str = "evidence-container";
const LEAVES: &str = "evidence-leaf";
const HASHES: &str = "evidence-hash";
const TILES: &str = "evidence-tile";
const LOG: &str = "evidence-log";
const CHECKPOINT: &str = "evidence-checkpoint";
const OWED: &str = "evidence-owed";
const PAID: &str = "evidence-paid";

/// Bytes of a leaf in one row: below the store's 16 KiB, with room for nothing else.
pub const CHUNK_BYTES: usize = 15 * 1_024;

/// The leaf at one index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeafRecord {
    /// Its hash.
    pub hash: [u8; 32],
    /// Where its container is.
    pub place: Place,
}

/// The tree's head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRecord {
    /// Leaves.
    pub size: u64,
    /// The perfect subtrees, the largest first.
    pub roots: Vec<[u8; 32]>,
}

/// A checkpoint that was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointRecord {
    /// Leaves.
    pub size: u64,
    /// Their root.
    pub root: [u8; 32],
    /// The signed note.
    pub note: String,
}

impl Record for LeafRecord {
    const NAME: &'static str = "evidence leaf";
    const VERSION: u8 = 1;
}

impl Record for LogRecord {
    const NAME: &'static str = "evidence log";
    const VERSION: u8 = 1;
}

impl Record for CheckpointRecord {
    const NAME: &'static str = "evidence checkpoint";
    const VERSION: u8 = 1;
}

/// Where a chunk of a container lies.
pub fn container_row(place: Place, chunk: u8) -> Key {
    Key::table(CONTAINERS)
        .raw(&place.contract.0)
        .raw(&place.company.0)
        .u64(u64::from(place.version))
        .u8(chunk)
        .build()
}

fn contract_prefix(contract: ContractKey) -> Key {
    Key::table(CONTAINERS).raw(&contract.0).build()
}

fn place_prefix(place: Place) -> Key {
    Key::table(CONTAINERS)
        .raw(&place.contract.0)
        .raw(&place.company.0)
        .u64(u64::from(place.version))
        .build()
}

/// Where the leaf of an index lies.
pub fn leaf_row(index: u64) -> Key {
    Key::table(LEAVES).u64(index).build()
}

/// Where the index of a leaf lies.
pub fn hash_row(leaf: Hash) -> Key {
    Key::table(HASHES).raw(&leaf.0).build()
}

/// Where a full tile lies.
pub fn tile_row(id: TileId) -> Key {
    Key::table(TILES).u8(id.level).u64(id.index).build()
}

/// Where the head lies.
pub fn log_row() -> Key {
    Key::table(LOG).build()
}

pub(super) fn checkpoint_row() -> Key {
    Key::table(CHECKPOINT).build()
}

/// Where a debt lies.
pub(crate) fn owed_row(challenge: ChallengeId) -> Key {
    Key::table(OWED).raw(challenge.0.as_bytes()).build()
}

/// All debts.
pub(super) fn owed_table() -> Key {
    Key::table(OWED).build()
}

/// Where the leaf that paid a debt lies.
pub(super) fn paid_row(challenge: ChallengeId) -> Key {
    Key::table(PAID).raw(challenge.0.as_bytes()).build()
}

fn corrupt(what: &Key, detail: &str) -> Error {
    Error::Corrupt {
        what: format!("{what:?}"),
        detail: detail.to_owned(),
    }
}

/// The index of a leaf, if the log has it.
pub async fn index_of(store: &dyn Store, leaf: Hash) -> storage::Result<Option<u64>> {
    let key = hash_row(leaf);
    let Some(stored) = store.get(key.clone()).await? else {
        return Ok(None);
    };
    let bytes = stored
        .value
        .try_into()
        .map_err(|_| corrupt(&key, "an index has eight bytes"))?;
    Ok(Some(u64::from_be_bytes(bytes)))
}

/// The leaf at an index.
pub async fn leaf_at(store: &dyn Store, index: u64) -> storage::Result<Option<LeafRecord>> {
    let stored = store.get(leaf_row(index)).await?;
    stored.map(|stored| decode(&stored.value)).transpose()
}

/// The leaf that paid a debt.
pub(super) async fn paid(store: &dyn Store, challenge: ChallengeId) -> storage::Result<Option<Hash>> {
    let key = paid_row(challenge);
    let stored = store.get(key.clone()).await?;
    stored
        .map(|stored| {
            stored
                .value
                .try_into()
                .map(Hash)
                .map_err(|_| corrupt(&key, "a hash has 32 bytes"))
        })
        .transpose()
}

/// The canonical bytes kept for a container; empty where there is none.
pub async fn container_at(store: &dyn Store, place: Place) -> storage::Result<Vec<u8>> {
    let rows = store.scan(Scan::of(place_prefix(place))).await?;
    Ok(rows.into_iter().flat_map(|row| row.stored.value).collect())
}

/// Everything kept of a contract, company by company, each in the order of versions, as canonical bytes.
pub async fn containers_of(
    store: &dyn Store,
    contract: ContractKey,
) -> storage::Result<Vec<(Place, Vec<u8>)>> {
    let mut scan = Scan::of(contract_prefix(contract));
    let mut found: Vec<(Place, Vec<u8>)> = Vec::new();
    loop {
        let rows = store.scan(scan.clone()).await?;
        let is_last = rows.len() < storage::SCAN_MAX;
        scan.after = rows.last().map(|row| row.key.clone());
        for row in rows {
            let place = place_of(&row.key)?;
            match found.last_mut().filter(|(last, _)| *last == place) {
                Some((_, bytes)) => bytes.extend_from_slice(&row.stored.value),
                None => found.push((place, row.stored.value)),
            }
        }
        if is_last {
            return Ok(found);
        }
    }
}

fn place_of(key: &Key) -> storage::Result<Place> {
    let mut reader = KeyReader::new(key, CONTAINERS)?;
    let place = Place {
        contract: ContractKey(reader.raw()?),
        company: CompanyKey(reader.raw()?),
        version: u32::try_from(reader.u64()?).map_err(|_| corrupt(key, "a version is out of bounds"))?,
    };
    reader.u8()?;
    reader.finish()?;
    Ok(place)
}

/// A full tile, as it is kept.
pub async fn tile_at(store: &dyn Store, id: TileId) -> storage::Result<Vec<Hash>> {
    let key = tile_row(id);
    let stored = store.get(key.clone()).await?;
    let stored = stored.ok_or_else(|| corrupt(&key, "the tile is missing"))?;
    let hashes: Vec<Hash> = stored
        .value
        .chunks_exact(32)
        .map(|hash| Hash(hash.try_into().expect("chunks of 32")))
        .collect();
    if hashes.len() != TILE_WIDTH || stored.value.len() != 32 * TILE_WIDTH {
        return Err(corrupt(&key, "a tile has 256 hashes"));
    }
    Ok(hashes)
}

/// The head as it is kept; that of an empty log where nothing is.
pub async fn frontier_of(store: &dyn Store) -> storage::Result<Frontier> {
    let Some(stored) = store.get(log_row()).await? else {
        return Ok(Frontier::default());
    };
    frontier(crate::durable::state_of(&stored.value)?)
}

fn frontier(state: &[u8]) -> storage::Result<Frontier> {
    let record: LogRecord = decode(state)?;
    let roots = record.roots.into_iter().map(Hash).collect();
    Frontier::new(record.size, roots)
        .ok_or_else(|| corrupt(&log_row(), "it has not a hash for each bit of its size"))
}

/// Puts the unfinished tiles of a log together again: leaves at level 0, roots of full tiles above.
pub async fn edge_of(store: &dyn Store, size: u64) -> storage::Result<Edge> {
    let mut edge = Edge::default();
    for level in 0_u8.. {
        let (tile, hashes) = unfinished(level, size);
        let first = tile.index << evidence::tile::TILE_HEIGHT;
        match level.checked_sub(1) {
            None => {
                for hash in leaves_between(store, first, first + hashes).await? {
                    edge.restore(level, hash);
                }
            }
            Some(below) => {
                for index in first..first + hashes {
                    let tile = tile_at(store, TileId { level: below, index }).await?;
                    edge.restore(level, perfect_root(&tile));
                }
            }
        }
        if first == 0 && hashes == 0 {
            break;
        }
    }
    Ok(edge)
}

/// The hashes of the leaves from `from` up to, without it, `to`; at most a tile of them.
async fn leaves_between(store: &dyn Store, from: u64, to: u64) -> storage::Result<Vec<Hash>> {
    let scan = Scan {
        prefix: Key::table(LEAVES).build(),
        after: from.checked_sub(1).map(leaf_row),
        until: Some(leaf_row(to)),
        limit: TILE_WIDTH,
    };
    let rows = store.scan(scan).await?;
    let mut hashes = Vec::with_capacity(rows.len());
    for (index, row) in (from..to).zip(&rows) {
        if row.key != leaf_row(index) {
            return Err(corrupt(&leaf_row(index), "the leaf is missing"));
        }
        hashes.push(Hash(decode::<LeafRecord>(&row.stored.value)?.hash));
    }
    if u64::try_from(hashes.len()) != Ok(to - from) {
        return Err(corrupt(&leaf_row(to - 1), "the leaf is missing"));
    }
    Ok(hashes)
}

/// The checkpoint kept last.
pub async fn checkpoint_kept(store: &dyn Store) -> storage::Result<Option<CheckpointRecord>> {
    let stored = store.get(checkpoint_row()).await?;
    stored.map(|stored| decode(&stored.value)).transpose()
}

/// Which log: there is one, and its unfinished tiles are read before its head is.
#[derive(Clone)]
pub struct LogId(pub Arc<Edge>);

impl Persistent for LogBook {
    type Id = LogId;

    fn row(_: &LogId) -> Key {
        log_row()
    }

    fn restore(LogId(edge): &LogId, stored: Option<&[u8]>, _: Now) -> storage::Result<Self> {
        let frontier = stored.map(frontier).transpose()?.unwrap_or_default();
        // Also where an earlier log's last batch came in between the two reads: the next message reads both again.
        Self::restored(frontier, Edge::clone(edge))
            .ok_or_else(|| corrupt(&log_row(), "the head is not that of the leaves and tiles"))
    }

    fn encode(&self, _: Now, head: Vec<u8>) -> storage::Result<Vec<u8>> {
        let roots = self.frontier().roots().iter().map(|root| root.0).collect();
        let size = self.frontier().size();
        encode_behind(head, &LogRecord { size, roots })
    }

    fn companions(&self, event: &LogEvent, _: Now, batch: &mut Batch) -> storage::Result<()> {
        let LogEvent::Appended { index, recording } = event;
        let place = recording.place;
        for (chunk, bytes) in (0_u8..).zip(recording.bytes.chunks(CHUNK_BYTES)) {
            let row = container_row(place, chunk);
            // Nothing is ever overwritten, whatever an actor believes.
            batch.put_if(row, Version::ABSENT, bytes.to_vec());
        }
        let leaf = LeafRecord {
            hash: recording.leaf.0,
            place,
        };
        batch.put(leaf_row(*index), encode(&leaf)?);
        batch.put(hash_row(recording.leaf), index.to_be_bytes().to_vec());
        for (id, hashes) in self.finished() {
            batch.put(tile_row(*id), hashes.iter().flat_map(|hash| hash.0).collect());
        }
        if let Some(challenge) = recording.owed {
            batch.delete(owed_row(challenge));
            batch.put(paid_row(challenge), recording.leaf.0.to_vec());
        }
        Ok(())
    }

    fn due_key(_: &LogId) -> Option<DueKey> {
        None
    }
}

/// Debts that are not paid, after the one of this key; at most so many, each with its key.
pub(super) async fn owed_after(
    store: &dyn Store,
    after: Option<Key>,
    limit: usize,
) -> storage::Result<Vec<(Key, OwedEvidence)>> {
    let scan = Scan {
        prefix: owed_table(),
        after,
        until: None,
        limit,
    };
    let rows = store.scan(scan).await?;
    let owed = rows
        .into_iter()
        .map(|row| Ok((row.key, decode(&row.stored.value)?)));
    owed.collect()
}
