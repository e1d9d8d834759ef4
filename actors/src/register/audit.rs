//! What people did with registers by hand: kept for ever, a row each, before it is done and with what came of it.

use crate::clock::Clock;
use crate::random::{Randomness, draw_uuid};
use fiscal::RegisterNumber;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage::record::{Record, decode, encode};
use storage::{Batch, Key, Scan, Store};
use uuid::Uuid;

/// The longest name of an operator that is kept.
pub const OPERATOR_CHARACTERS_MAX: usize = 64;
/// The longest description that is kept.
const DETAIL_CHARACTERS_MAX: usize = 200;

/// Something that a person did with a register (row `register-audit/<register>/<id>`, record version 1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// Who, as they name themselves: the key is the administrators', and tells nobody apart.
    pub operator: String,
    /// What: the tool's name.
    pub tool: String,
    /// With what: what was found, whose key signs.
    pub detail: String,
    /// What came of it; empty while that is not known, or where the gateway ended before it was.
    pub outcome: String,
}

impl Record for AuditRecord {
    const NAME: &'static str = "register audit";
    const VERSION: u8 = 1;
}

/// The audit of registers.
#[derive(Clone)]
pub struct Audit {
    /// Where it is kept.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub randomness: Arc<dyn Randomness>,
}

/// Something that is about to be done.
pub struct Begun {
    key: Key,
    record: AuditRecord,
}

impl Audit {
    /// Remembers that it is about to be done; durable when this returns.
    ///
    /// # Errors
    /// The store's; then it must not be done.
    pub async fn begin(
        &self,
        register: RegisterNumber,
        operator: &str,
        tool: &str,
        detail: &str,
    ) -> storage::Result<Begun> {
        let now = self.clock.now();
        let record = AuditRecord {
            at_ms: now.wall.timestamp_millis(),
            operator: cut(operator, OPERATOR_CHARACTERS_MAX),
            tool: tool.to_owned(),
            detail: cut(detail, DETAIL_CHARACTERS_MAX),
            outcome: String::new(),
        };
        let moment = || Key::table("register-audit").u64(register.get()).i64(record.at_ms);
        // What was done one after the other within a millisecond is listed in that order; two at once are told apart by chance.
        let before = self.store.scan(Scan::of(moment().build())).await?.len();
        let id = draw_uuid(self.randomness.as_ref(), now).unwrap_or(Uuid::nil());
        let key = moment().u64(before as u64).raw(&id.as_bytes()[8..]).build();
        self.put(key.clone(), &record).await?;
        tracing::info!(
            %register, operator = record.operator, tool, detail = record.detail, "a person uses a tool"
        );
        Ok(Begun { key, record })
    }

    /// Remembers what came of it.
    ///
    /// # Errors
    /// The store's.
    pub async fn end(&self, begun: Begun, outcome: &str) -> storage::Result<()> {
        let record = AuditRecord {
            outcome: cut(outcome, DETAIL_CHARACTERS_MAX),
            ..begun.record
        };
        self.put(begun.key, &record).await
    }

    async fn put(&self, key: Key, record: &AuditRecord) -> storage::Result<()> {
        let mut batch = Batch::default();
        batch.put(key, encode(record)?);
        self.store.commit(batch).await.map(|_| ())
    }

    /// What was done with a register, oldest first, after the moment `after_ms`; at most `limit` and [`storage::SCAN_MAX`].
    ///
    /// # Errors
    /// The store's.
    pub async fn list(
        &self,
        register: RegisterNumber,
        after_ms: Option<i64>,
        limit: usize,
    ) -> storage::Result<Vec<AuditRecord>> {
        let table = || Key::table("register-audit").u64(register.get());
        // Past every row of that millisecond.
        let after = after_ms.map(|at_ms| table().i64(at_ms).raw(&[0xFF; 16]).build());
        let scan = Scan {
            after,
            limit,
            ..Scan::of(table().build())
        };
        let rows = self.store.scan(scan).await?;
        rows.iter().map(|row| decode(&row.stored.value)).collect()
    }
}

fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ManualClock, SeededRandomness};
    use storage::MemoryStore;

    #[tokio::test]
    async fn what_was_done_within_a_millisecond_is_listed_in_the_order_in_which_it_was_done() {
        let audit = Audit {
            store: Arc::new(MemoryStore::new()),
            clock: Arc::new(ManualClock::default()),
            randomness: Arc::new(SeededRandomness::new(1)),
        };
        let register = RegisterNumber::new(4_000_000_001).unwrap();
        let names: Vec<String> = (0..12).map(|turn| format!("tool {turn}")).collect();
        for name in &names {
            let begun = audit.begin(register, "olya", name, "").await.unwrap();
            audit.end(begun, "taken").await.unwrap();
        }
        let listed = audit.list(register, None, 100).await.unwrap();
        let listed: Vec<&str> = listed.iter().map(|row| row.tool.as_str()).collect();
        assert_eq!(listed, names);
    }
}
