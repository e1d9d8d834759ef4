//! What rows a change writes: pure.

use super::super::records::{AgentKeyRecord, AgentRecord, AgreementKind, AgreementRecord, LicenceRecord};
use super::change::{AGENTS_MAX, Change, KEYS_PER_AGENT_MAX, LICENCES_PER_AGENT_MAX, Unfit};
use super::tables::{Row, Tables};
use crate::ids::{AccountId, KeyId};
use signing_protocol::AgentId;
use std::collections::HashMap;
use uuid::Uuid;

/// The rows that a change writes at this moment (milliseconds since 1970).
pub(super) fn stage(tables: &Tables, change: Change, now_ms: i64) -> Result<Vec<Row>, Unfit> {
    match change {
        Change::PutAgreement {
            account,
            kind,
            signed_on,
            reference,
            mut tax_codes,
        } => {
            tax_codes.sort_unstable();
            tax_codes.dedup();
            let record = AgreementRecord {
                signed_day: signed_on.to_epoch_days(),
                reference,
                tax_codes,
                recorded_ms: now_ms,
                ended_ms: None,
            };
            Ok(vec![Row::Agreement(account, kind, record)])
        }
        Change::EndAgreement { account, kind } => {
            let known = tables
                .agreement(account, kind)
                .filter(|agreement| agreement.is_in_force());
            let mut record = AgreementRecord::clone(known.ok_or(Unfit::NotFound)?);
            record.ended_ms = Some(now_ms);
            Ok(vec![Row::Agreement(account, kind, record)])
        }
        Change::PutAgent {
            id,
            name,
            accounts,
            is_active,
        } => put_agent(tables, id, name, accounts, is_active, now_ms),
        Change::DeleteAgent(id) => {
            tables.agent(id).ok_or(Unfit::NotFound)?;
            let keys = tables.keys_of(id).map(|(key, _)| Row::Key(key, None));
            Ok(std::iter::once(Row::Agent(id, None)).chain(keys).collect())
        }
        Change::AddLicence { agent, licence } => add_licence(tables, agent, licence),
        Change::RevokeLicence { agent, id } => revoke_licence(tables, agent, id, now_ms),
        Change::Enrol { agent, enrolled } => {
            changed(tables, agent, |record| record.enrolled = Some(enrolled))
        }
        Change::HoldKeys { agent, keys } => hold_keys(tables, agent, keys),
    }
}

fn changed(
    tables: &Tables,
    agent: AgentId,
    change: impl FnOnce(&mut AgentRecord),
) -> Result<Vec<Row>, Unfit> {
    let mut record = AgentRecord::clone(tables.agent(agent).ok_or(Unfit::NotFound)?);
    change(&mut record);
    Ok(vec![Row::Agent(agent, Some(record))])
}

fn put_agent(
    tables: &Tables,
    id: AgentId,
    name: String,
    mut accounts: Vec<AccountId>,
    is_active: bool,
    now_ms: i64,
) -> Result<Vec<Row>, Unfit> {
    if tables
        .agents()
        .any(|(other, record)| *other != id && record.name == name)
    {
        return Err(Unfit::NameTaken);
    }
    let known = tables.agent(id);
    if known.is_none() && tables.agents().count() >= AGENTS_MAX {
        return Err(Unfit::Count {
            field: "agents",
            min: 0,
            max: AGENTS_MAX,
        });
    }
    accounts.sort_unstable();
    accounts.dedup();
    let added_ms = known.map_or(now_ms, |known| known.added_ms);
    let earlier = known.map(|known| AgentRecord::clone(known)).unwrap_or_default();
    let record = AgentRecord {
        name,
        accounts,
        is_active,
        added_ms,
        ..earlier
    };
    Ok(vec![Row::Agent(id, Some(record))])
}

/// A licence is issued for users who have all agreed to the agent's use.
fn add_licence(tables: &Tables, agent: AgentId, licence: LicenceRecord) -> Result<Vec<Row>, Unfit> {
    let known = tables.agent(agent).ok_or(Unfit::NotFound)?;
    let mut earlier = known.licences.iter();
    if earlier.any(|earlier| earlier.token == licence.token) {
        return Err(Unfit::SameLicence);
    }
    let kind = AgreementKind::AgentUse;
    let mut accounts = known.accounts.iter().copied();
    if let Some(account) = accounts.find(|account| !tables.is_agreed(*account, kind)) {
        return Err(Unfit::NoAgreement { account, kind });
    }
    changed(tables, agent, |record| {
        record.licences.push(licence);
        // The one under which the agent is enrolled stays as long as it is.
        let enrolled = record.enrolled.as_ref().map(|enrolled| enrolled.licence);
        while record.licences.len() > LICENCES_PER_AGENT_MAX {
            let oldest = record
                .licences
                .iter()
                .position(|licence| Some(licence.id) != enrolled);
            record.licences.remove(oldest.unwrap_or(0));
        }
    })
}

fn revoke_licence(tables: &Tables, agent: AgentId, id: Uuid, now_ms: i64) -> Result<Vec<Row>, Unfit> {
    let known = tables.agent(agent).ok_or(Unfit::NotFound)?;
    let is_meant = |licence: &LicenceRecord| licence.id == id && licence.revoked_ms.is_none();
    if !known.licences.iter().any(is_meant) {
        return Err(Unfit::NotFound);
    }
    changed(tables, agent, |record| {
        let meant = record.licences.iter_mut().filter(|licence| licence.id == id);
        meant.for_each(|licence| licence.revoked_ms = Some(now_ms));
    })
}

/// Only what changed is written. A key that is gone stays, as one that is not held: what it signed is still to be explained.
fn hold_keys(tables: &Tables, agent: AgentId, keys: Vec<(KeyId, AgentKeyRecord)>) -> Result<Vec<Row>, Unfit> {
    tables.agent(agent).ok_or(Unfit::NotFound)?;
    let held: HashMap<KeyId, AgentKeyRecord> = keys.into_iter().collect();
    let foreign = held
        .keys()
        .find(|key| tables.key(**key).is_some_and(|known| known.agent() != agent));
    if let Some(key) = foreign {
        return Err(Unfit::KeyTaken(*key));
    }
    let known = tables.keys_of(agent).count();
    let fresh = held.keys().filter(|key| tables.key(**key).is_none()).count();
    if known + fresh > KEYS_PER_AGENT_MAX {
        return Err(Unfit::Count {
            field: "keys",
            min: 0,
            max: KEYS_PER_AGENT_MAX,
        });
    }
    let gone = tables
        .keys_of(agent)
        .filter(|(key, record)| record.is_held && !held.contains_key(key))
        .map(|(key, record)| {
            let record = AgentKeyRecord {
                is_held: false,
                ..AgentKeyRecord::clone(record)
            };
            Row::Key(key, Some(record))
        });
    let changed = held
        .iter()
        .filter(|(key, record)| tables.key(**key).is_none_or(|known| **known != **record))
        .map(|(key, record)| Row::Key(*key, Some(record.clone())));
    Ok(changed.chain(gone).collect())
}
