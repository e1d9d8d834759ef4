//! A batch: what one commit writes, all of it or nothing.

use smallvec::SmallVec;

use crate::{Error, Key, Result, Sequence, Version};

/// 16 KiB a value. Sled keeps a page of up to nineteen entries together; larger values would push pages into separate files
/// that our sync does not reach. Documents are chunked by those who keep them.
pub const VALUE_MAX: usize = 16 * 1024;
/// 1,000 operations: what one sled batch carries before latency grows and throughput does not.
pub const BATCH_OPERATIONS_MAX: usize = 1_000;
/// 1 MiB: two evidence requests at their largest; a batch is held in memory several times on its way to the disk.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// Writes and deletions that are committed together. Conditions are judged against the rows as they were before the batch;
/// then the operations take effect in their order, so the last one on a key wins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    pub(crate) operations: Vec<Operation>,
    bytes: usize,
}

/// One row's change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) key: Key,
    /// The version that must hold for the whole batch to be written.
    pub(crate) expected: Option<Version>,
    /// The new row; `None` deletes it.
    pub(crate) row: Option<NewRow>,
}

/// A row's bytes. Those of 24 at the most lie in place: a version and an id, as rows of indices have them. Memory for each would be taken by one thread and
/// given back by another, which costs more than the bytes.
pub(crate) type RowBytes = SmallVec<[u8; 24]>;

/// A row as it will lie on disk, the version of its batch in front: room for it is made by whoever brings the value, so that the committer, which alone
/// knows it, copies nothing.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct NewRow(RowBytes);

/// What a row's version takes: eight bytes, most significant first.
const VERSION_BYTES: usize = size_of::<u64>();

impl NewRow {
    fn copied(value: &[u8]) -> NewRow {
        let mut row = RowBytes::with_capacity(VERSION_BYTES + value.len());
        row.resize(VERSION_BYTES, 0);
        row.extend_from_slice(value);
        NewRow(row)
    }

    fn of(mut value: Vec<u8>) -> NewRow {
        let length = value.len();
        value.resize(length + VERSION_BYTES, 0);
        value.copy_within(..length, VERSION_BYTES);
        NewRow(value.into())
    }

    fn value_bytes(&self) -> usize {
        self.0.len() - VERSION_BYTES
    }

    /// The value without its room.
    pub(crate) fn into_value(self) -> Vec<u8> {
        self.0[VERSION_BYTES..].to_vec()
    }

    /// The row, written by this batch.
    pub(crate) fn written(mut self, sequence: Sequence) -> RowBytes {
        self.0[..VERSION_BYTES].copy_from_slice(&sequence.0.to_be_bytes());
        self.0
    }
}

impl std::fmt::Debug for NewRow {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0[VERSION_BYTES..].fmt(formatter)
    }
}

impl Operation {
    fn value_bytes(&self) -> usize {
        self.row.as_ref().map_or(0, NewRow::value_bytes)
    }
}

impl Batch {
    /// An empty one with room for so many operations: more make it grow, which copies them.
    pub fn with_room(operations: usize) -> Batch {
        Batch {
            operations: Vec::with_capacity(operations),
            bytes: 0,
        }
    }

    /// Writes a row, whatever is there.
    pub fn put(&mut self, key: Key, value: Vec<u8>) {
        self.push(Operation {
            key,
            expected: None,
            row: Some(NewRow::of(value)),
        });
    }

    /// Writes a row of a few bytes, whatever is there.
    pub fn put_copy(&mut self, key: Key, value: &[u8]) {
        self.push(Operation {
            key,
            expected: None,
            row: Some(NewRow::copied(value)),
        });
    }

    /// Writes a row if it is at `expected` ([`Version::ABSENT`]: if there is none).
    pub fn put_if(&mut self, key: Key, expected: Version, value: Vec<u8>) {
        self.push(Operation {
            key,
            expected: Some(expected),
            row: Some(NewRow::of(value)),
        });
    }

    /// Deletes a row; none being there is fine.
    pub fn delete(&mut self, key: Key) {
        self.push(Operation {
            key,
            expected: None,
            row: None,
        });
    }

    /// Deletes a row if it is at `expected`. With [`Version::ABSENT`] it only insists that there is none.
    pub fn delete_if(&mut self, key: Key, expected: Version) {
        self.push(Operation {
            key,
            expected: Some(expected),
            row: None,
        });
    }

    /// Moves every operation of `other` behind those of this batch.
    pub fn append(&mut self, other: Batch) {
        self.bytes += other.bytes;
        self.operations.extend(other.operations);
    }

    /// Nothing to write. Committing it waits until everything queued before is durable.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// How many operations it holds.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// The bytes of its keys and values.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Every limit, before anything is queued.
    pub(crate) fn check_size(&self) -> Result<()> {
        let too_large = |what, size, limit| Err(Error::TooLarge { what, size, limit });
        if self.len() > BATCH_OPERATIONS_MAX {
            return too_large("batch operations", self.len(), BATCH_OPERATIONS_MAX);
        }
        for operation in &self.operations {
            operation.key.check_length()?;
            let size = operation.value_bytes();
            if size > VALUE_MAX {
                return too_large("value", size, VALUE_MAX);
            }
        }
        if self.bytes > BATCH_BYTES_MAX {
            return too_large("batch bytes", self.bytes, BATCH_BYTES_MAX);
        }
        Ok(())
    }

    /// The one rule of every backend: each expected version holds now, or the batch is refused whole.
    pub(crate) fn check_versions(&self, version_of: impl Fn(&Key) -> Result<Version>) -> Result<()> {
        for operation in &self.operations {
            if let Some(expected) = operation.expected
                && version_of(&operation.key)? != expected
            {
                return Err(Error::Conflict {
                    key: operation.key.clone(),
                });
            }
        }
        Ok(())
    }

    pub(crate) fn push(&mut self, operation: Operation) {
        self.bytes += operation.key.as_bytes().len() + operation.value_bytes();
        self.operations.push(operation);
    }
}
