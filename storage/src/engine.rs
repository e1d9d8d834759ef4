//! What stands below the store: an ordered tree. One is real ([`crate::sled_engine`]); the tests have broken ones.

use crate::{Result, blocks::RowRef};

/// A row as it is written: its key, and its bytes or `None` to remove it.
pub(crate) type Change<'a> = (&'a [u8], Option<&'a [u8]>);

/// Rows to be read, whatever keeps them. Every error is [`crate::Error::Poisoned`]: the committer ends on it.
pub(crate) trait Rows {
    /// Shows the bytes at a key where they lie, once; `None` where there is no row.
    fn read(&self, key: &[u8], show: &mut dyn FnMut(Option<&[u8]>)) -> Result<()>;

    /// Shows the rows from `start` on, ascending, until `visit` says `false`.
    fn visit(&self, start: &[u8], visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<()>;
}

/// What keeps the entries that rows lie in: a tree of bytes. Errors as for [`Rows`].
pub(crate) trait Entries: Rows {
    /// Shows the last entry at a key or before it, once; `None` where there is none.
    fn floor(&self, key: &[u8], show: &mut dyn FnMut(Option<RowRef<'_>>)) -> Result<()>;

    /// Writes an entry or removes it, and says whether there was anything to do.
    fn put(&self, change: Change<'_>) -> Result<bool>;

    /// Writes all of these or none, also for readers and in a crash.
    fn put_together(&self, changes: &[Change<'_>]) -> Result<()>;
}

/// Ordered rows on a disk: read by the committer and by callers, written by the checkpoint's thread. Errors as for [`Rows`].
pub(crate) trait Engine: Rows + Send + Sync + 'static {
    /// Writes rows or removes them, ascending, and gives for how many there was anything to do. Until [`Engine::sync`] a crash may leave some and not
    /// others.
    fn write<'a>(&self, changes: &mut dyn Iterator<Item = Change<'a>>) -> Result<usize>;

    /// Notes that everything up to this batch stands in the tree. No crash leaves the number there without the rows that were written before it.
    fn note(&self, sequence: u64) -> Result<()>;

    /// Everything written before is on the disk when it returns `Ok`.
    fn sync(&self) -> Result<()>;

    /// Lets everything go.
    fn close(self) -> Result<()>;
}
