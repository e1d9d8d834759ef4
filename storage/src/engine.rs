//! What the committer asks of the tree below it. One engine is real ([`crate::sled_engine`]); the tests have broken ones.

use crate::Result;

/// A row as the engine writes it: its key, and its bytes or `None` to remove it.
pub(crate) type Change = (Vec<u8>, Option<Vec<u8>>);

/// An ordered tree of bytes, used by one thread. Every error is [`crate::Error::Poisoned`]: the committer ends on it.
pub(crate) trait Engine: Send + 'static {
    /// The bytes at a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Shows the rows from `start` on, ascending, until `visit` says `false`.
    fn visit(&self, start: &[u8], visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<()>;

    /// Writes all the changes and the sequence number as one; durable, synced, when it returns `Ok`.
    fn write(&mut self, changes: Vec<Change>, sequence: u64) -> Result<()>;

    /// Lets everything go.
    fn close(self) -> Result<()>;
}
