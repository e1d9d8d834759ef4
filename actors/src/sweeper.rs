//! Takes away rows whose time is over, a little at a time.

use crate::clock::Clock;
use crate::idempotency::{EXPIRY_TABLE, may_sweep, row_of_expiry};
use crate::metrics::Metrics;
use crate::register::rows::{FINGERPRINT_EXPIRY_TABLE, fingerprint_of_expiry, may_sweep_fingerprint};
use std::sync::Arc;
use std::time::Duration;
use storage::{Batch, Error, Key, Scan, Store};

/// How often the sweeper looks. Rows are kept an hour past their time, so that a minute is often enough.
const EVERY: Duration = Duration::from_secs(60);
/// Rows taken away in one commit, so that requests never wait long behind it.
const ROWS_PER_SWEEP_MAX: usize = 200;

/// Sweeps for ever; an error of the store is logged and tried again at the next look.
pub async fn run(store: Arc<dyn Store>, clock: Arc<dyn Clock>, metrics: Metrics) {
    loop {
        clock.sleep(EVERY).await;
        loop {
            match sweep(store.as_ref(), clock.now().wall.timestamp_millis()).await {
                Ok(swept) => {
                    metrics
                        .swept_rows
                        .inc_by(u64::try_from(swept).unwrap_or(u64::MAX));
                    if swept < ROWS_PER_SWEEP_MAX {
                        break;
                    }
                }
                Err(Error::Closed) => return,
                Err(error) => {
                    tracing::warn!(%error, "rows whose time is over could not be swept; the next look tries again");
                    break;
                }
            }
        }
    }
}

/// A kind of row whose time is over one day, with its index by that day.
struct Sweeping {
    /// The table of the index; its keys begin with the moment, an `i64`.
    index: &'static str,
    /// The row that an entry points to.
    row: fn(&Key) -> storage::Result<Key>,
    /// Whether that row may go: it may have been written again since.
    may_go: fn(&[u8], i64) -> storage::Result<bool>,
}

const SWEEPINGS: [Sweeping; 2] = [
    Sweeping {
        index: EXPIRY_TABLE,
        row: |entry| row_of_expiry(entry).map(|(_, row)| row),
        may_go: may_sweep,
    },
    Sweeping {
        index: FINGERPRINT_EXPIRY_TABLE,
        row: fingerprint_of_expiry,
        may_go: may_sweep_fingerprint,
    },
];

/// Takes away what is over at this wall time; says how many rows it dealt with, at most 200 of a kind.
pub async fn sweep(store: &dyn Store, now_ms: i64) -> storage::Result<usize> {
    let mut swept = 0;
    for sweeping in &SWEEPINGS {
        swept += sweep_one(store, sweeping, now_ms).await?;
    }
    swept += crate::deliveries::sweep(store, now_ms).await?;
    swept += crate::guards::sweep(store, now_ms).await?;
    Ok(swept)
}

async fn sweep_one(store: &dyn Store, sweeping: &Sweeping, now_ms: i64) -> storage::Result<usize> {
    let until = Some(Key::table(sweeping.index).i64(now_ms).build());
    let scan = Scan {
        prefix: Key::table(sweeping.index).build(),
        after: None,
        until,
        limit: ROWS_PER_SWEEP_MAX,
    };
    let entries = store.scan(scan).await?;
    let mut batch = Batch::default();
    for entry in &entries {
        let row = (sweeping.row)(&entry.key)?;
        // A key that was used again since has a newer row and a newer entry: only this entry goes.
        if let Some(stored) = store.get(row.clone()).await?
            && (sweeping.may_go)(&stored.value, now_ms)?
        {
            batch.delete_if(row, stored.version);
        }
        batch.delete(entry.key.clone());
    }
    if !batch.is_empty() {
        match store.commit(batch).await {
            // Somebody was faster; the next look sees it.
            Ok(_) | Err(Error::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(entries.len())
}
