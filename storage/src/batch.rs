//! A batch: what one commit writes, all of it or nothing.

use crate::{Error, Key, Result, Version};

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
    /// The new value; `None` deletes the row.
    pub(crate) value: Option<Vec<u8>>,
}

impl Batch {
    /// Writes a row, whatever is there.
    pub fn put(&mut self, key: Key, value: Vec<u8>) {
        self.push(Operation {
            key,
            expected: None,
            value: Some(value),
        });
    }

    /// Writes a row if it is at `expected` ([`Version::ABSENT`]: if there is none).
    pub fn put_if(&mut self, key: Key, expected: Version, value: Vec<u8>) {
        self.push(Operation {
            key,
            expected: Some(expected),
            value: Some(value),
        });
    }

    /// Deletes a row; none being there is fine.
    pub fn delete(&mut self, key: Key) {
        self.push(Operation {
            key,
            expected: None,
            value: None,
        });
    }

    /// Deletes a row if it is at `expected`. With [`Version::ABSENT`] it only insists that there is none.
    pub fn delete_if(&mut self, key: Key, expected: Version) {
        self.push(Operation {
            key,
            expected: Some(expected),
            value: None,
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
            let size = operation.value.as_ref().map_or(0, Vec::len);
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

    fn push(&mut self, operation: Operation) {
        self.bytes += operation.key.as_bytes().len() + operation.value.as_ref().map_or(0, Vec::len);
        self.operations.push(operation);
    }
}
