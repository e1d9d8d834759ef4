//! Where webhooks of owners and their events lie.

use super::records::{Ending, KeptRecord, Lane, OwedRecord};
use crate::ids::AccountId;
use fiscal::RegisterNumber;
use storage::record::decode;
use storage::{Key, KeyReader, Row, Scan, Store, Version};
use uuid::Uuid;

/// Webhooks, by account.
pub(super) const HOOKS: &str = "owner-hook";
/// What is owed.
pub(super) const OWED: &str = "owner-owed";
/// What was delivered or given up.
const KEPT: &str = "owner-kept";
/// Replays under way, by account.
pub(super) const REPLAYS: &str = "owner-replay";

pub(super) fn hook_row(account: AccountId) -> Key {
    Key::table(HOOKS).raw(account.0.as_bytes()).build()
}

pub(super) fn replay_row(account: AccountId) -> Key {
    Key::table(REPLAYS).raw(account.0.as_bytes()).build()
}

/// The account that a row of [`HOOKS`] or [`REPLAYS`] belongs to.
pub(super) fn account_of(key: &Key, table: &str) -> storage::Result<AccountId> {
    let mut reader = KeyReader::new(key, table)?;
    Ok(AccountId(Uuid::from_bytes(reader.raw()?)))
}

pub(super) fn owed_row(account: AccountId, register: RegisterNumber, ordinal: u64) -> Key {
    let lane = Key::table(OWED).raw(account.0.as_bytes()).u64(register.get());
    lane.u64(ordinal).build()
}

/// What an account is owed; of one register where one is named.
pub(super) fn owed_prefix(account: AccountId, register: Option<RegisterNumber>) -> Key {
    let key = Key::table(OWED).raw(account.0.as_bytes());
    match register {
        Some(register) => key.u64(register.get()).build(),
        None => key.build(),
    }
}

/// Which lane an owed row stands in.
pub(super) fn lane_of(key: &Key) -> storage::Result<Lane> {
    let mut reader = KeyReader::new(key, OWED)?;
    let account = AccountId(Uuid::from_bytes(reader.raw()?));
    let register = RegisterNumber::new(reader.u64()?).map_err(|error| storage::Error::Corrupt {
        what: format!("{key:?}"),
        detail: error.to_string(),
    })?;
    Ok(Lane {
        account,
        register: Some(register),
    })
}

fn ending_code(ending: Ending) -> u8 {
    match ending {
        Ending::Delivered => 1,
        Ending::GivenUp => 2,
    }
}

pub(super) fn kept_row(account: AccountId, ending: Ending, id: Uuid) -> Key {
    let prefix = Key::table(KEPT).raw(account.0.as_bytes()).u8(ending_code(ending));
    prefix.raw(id.as_bytes()).build()
}

/// All that is kept of an account; of one ending where one is named.
pub(super) fn kept_prefix(account: AccountId, ending: Option<Ending>) -> Key {
    let key = Key::table(KEPT).raw(account.0.as_bytes());
    match ending {
        Some(ending) => key.u8(ending_code(ending)).build(),
        None => key.build(),
    }
}

/// Kept events with ids above `after`, in their order, at most `limit`.
pub(super) async fn kept_after(
    store: &dyn Store,
    account: AccountId,
    ending: Ending,
    after: u128,
    limit: usize,
) -> storage::Result<Vec<KeptRecord>> {
    let scan = Scan {
        after: Some(kept_row(account, ending, Uuid::from_u128(after))),
        limit,
        ..Scan::of(kept_prefix(account, Some(ending)))
    };
    let rows = store.scan(scan).await?;
    rows.iter().map(|row| decode(&row.stored.value)).collect()
}

/// The first row that a register still owes.
pub(super) async fn head(
    store: &dyn Store,
    account: AccountId,
    register: RegisterNumber,
) -> storage::Result<Option<(Key, Version, OwedRecord)>> {
    let scan = Scan {
        limit: 1,
        ..Scan::of(owed_prefix(account, Some(register)))
    };
    let Some(row) = store.scan(scan).await?.into_iter().next() else {
        return Ok(None);
    };
    let record = decode(&row.stored.value)?;
    Ok(Some((row.key, row.stored.version, record)))
}

/// Hands every row under a prefix to `take`, page by page.
pub(super) async fn each(
    store: &dyn Store,
    prefix: Key,
    mut take: impl FnMut(Row) -> storage::Result<()>,
) -> storage::Result<()> {
    let mut scan = Scan::of(prefix);
    loop {
        let rows = store.scan(scan.clone()).await?;
        let is_last = rows.len() < storage::SCAN_MAX;
        scan.after = rows.last().map(|row| row.key.clone());
        for row in rows {
            take(row)?;
        }
        if is_last {
            return Ok(());
        }
    }
}
