//! What guards remember across restarts: grants by day and partner, and traffic by range of numbers.

use super::DAY_MS;
use crate::ids::InvokerCode;
use serde::{Deserialize, Serialize};
use sms::traffic::Traffic;
use std::collections::BTreeMap;
use storage::record::{Record, decode, encode};
use storage::{Batch, Key, KeyReader, Scan, Store};

/// Grants, by day since 1970 and partner.
const SPENT: &str = "sms-spent";
/// Traffic, by range.
const TRAFFIC: &str = "sms-traffic";
/// Days that grants are kept for, beside the one that runs: a clock that is set back finds them.
const DAYS_KEPT: i64 = 3;
/// Rows of one write.
const ROWS_MAX: usize = 500;

/// What a partner was granted for a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpentRecord {
    /// In units of price; all of it may have been spent.
    pub granted: u64,
}

impl Record for SpentRecord {
    const NAME: &'static str = "grant of a day";
    const VERSION: u8 = 1;
}

#[derive(Serialize, Deserialize)]
struct TrafficRecord(Traffic);

impl Record for TrafficRecord {
    const NAME: &'static str = "traffic of a range";
    const VERSION: u8 = 1;
}

fn spent_row(day: i64, partner: InvokerCode) -> Key {
    Key::table(SPENT).i64(day).raw(partner.0.as_bytes()).build()
}

fn traffic_row(range: &str) -> Key {
    Key::table(TRAFFIC).text(range).build()
}

pub(super) async fn granted(store: &dyn Store, day: i64, partner: InvokerCode) -> storage::Result<u64> {
    match store.get(spent_row(day, partner)).await? {
        Some(stored) => Ok(decode::<SpentRecord>(&stored.value)?.granted),
        None => Ok(0),
    }
}

pub(super) async fn grant(
    store: &dyn Store,
    day: i64,
    partner: InvokerCode,
    granted: u64,
) -> storage::Result<()> {
    let mut batch = Batch::default();
    batch.put(spent_row(day, partner), encode(&SpentRecord { granted })?);
    store.commit(batch).await.map(drop)
}

pub(super) async fn load_traffic(
    store: &dyn Store,
    now_ms: i64,
) -> storage::Result<BTreeMap<String, Traffic>> {
    let mut found = BTreeMap::new();
    let mut scan = Scan::of(Key::table(TRAFFIC).build());
    loop {
        let rows = store.scan(scan.clone()).await?;
        for row in &rows {
            let TrafficRecord(traffic) = decode(&row.stored.value)?;
            if !traffic.is_over(now_ms) {
                found.insert(KeyReader::new(&row.key, TRAFFIC)?.text()?, traffic);
            }
        }
        if rows.len() < storage::SCAN_MAX {
            return Ok(found);
        }
        scan.after = rows.into_iter().last().map(|row| row.key);
    }
}

pub(super) async fn write_traffic(
    store: &dyn Store,
    changed: &[(String, Traffic)],
    now_ms: i64,
) -> storage::Result<()> {
    for changed in changed.chunks(ROWS_MAX) {
        let mut batch = Batch::default();
        for (range, traffic) in changed {
            if traffic.is_over(now_ms) {
                batch.delete(traffic_row(range));
            } else {
                batch.put(traffic_row(range), encode(&TrafficRecord(traffic.clone()))?);
            }
        }
        store.commit(batch).await?;
    }
    Ok(())
}

/// Takes away grants of days that are over; says how many.
///
/// # Errors
/// The store's.
pub async fn sweep(store: &dyn Store, now_ms: i64) -> storage::Result<usize> {
    let until = Key::table(SPENT)
        .i64(now_ms.div_euclid(DAY_MS) - DAYS_KEPT)
        .build();
    let over = store
        .scan(Scan {
            prefix: Key::table(SPENT).build(),
            after: None,
            until: Some(until),
            limit: 200,
        })
        .await?;
    let mut batch = Batch::default();
    over.iter().for_each(|row| batch.delete(row.key.clone()));
    if !batch.is_empty() {
        store.commit(batch).await?;
    }
    Ok(over.len())
}
