//! The part of the directory that evidence needs: integrations and their keys, their hash algorithms, which invoker is bound to which, and where
//! checkpoints go.

use super::Snapshot;
use super::change::{KEYS_PER_INVOKER_MAX, Unfit};
pub use super::evidence_records::{
    AlgorithmRecord, AlgorithmsRecord, IntegrationRecord, LinkRecord, SinkTarget,
};
use super::keys::{KeyDigest, Pepper, check_key};
use super::records::KeyRecord;
use crate::ids::InvokerCode;
use crate::secret::Secret;
use evidence::RESERVED_VERSION_PREFIX;
use evidence::algorithm::Algorithm;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use storage::record::encode;
use storage::{Batch, Key};
use uuid::Uuid;

pub(super) const INTEGRATIONS: &str = "integration";
pub(super) const ALGORITHMS: &str = "hash-algorithm";
pub(super) const LINKS: &str = "evidence-link";
pub(super) const SINKS: &str = "checkpoint-sink";

/// Names the algorithms for containers that have no ContractVersion.
pub const WITHOUT_VERSION: &str = "-";
/// Characters of an integration's or a sink's name: it stands in URLs and in every leaf.
const NAME_CHARACTERS_MAX: usize = 64;
/// Characters of a version, as of every string of a container.
const VERSION_BYTES_MAX: usize = 200;
/// Algorithms that follow one another for containers without a version: more than anybody changes them.
const SUCCESSIONS_MAX: usize = 64;
/// Sinks: each is a push every round.
const SINKS_MAX: usize = 16;
/// Characters of a URL.
const URL_CHARACTERS_MAX: usize = 2_048;

/// A change to this part.
#[derive(Clone, Debug)]
pub enum EvidenceChange {
    /// An integration; its keys stay, and `key` is added to them.
    PutIntegration {
        /// Its name.
        name: String,
        /// A key to accept from now on, with its id.
        key: Option<(Secret, Uuid)>,
    },
    /// A key to accept from now on.
    AddKey {
        /// Whose.
        integration: String,
        /// The key.
        key: Secret,
        /// Its id.
        id: Uuid,
    },
    /// A key to accept no longer.
    RevokeKey {
        /// Whose.
        integration: String,
        /// Which.
        id: Uuid,
    },
    /// An algorithm; that of a version is never changed, those without one follow one another.
    PutAlgorithm {
        /// Whose.
        integration: String,
        /// ContractVersion, or [`WITHOUT_VERSION`].
        version: String,
        /// Itself.
        algorithm: Algorithm,
        /// The first leaf that it is in force for.
        from_index: u64,
    },
    /// Binds an invoker's verified codes to an integration, or to none.
    Link {
        /// Whose codes.
        invoker: InvokerCode,
        /// Where their evidence goes.
        integration: Option<String>,
    },
    /// A place where checkpoints go, or none of that name.
    Sink {
        /// Its name.
        name: String,
        /// Where to; `None` forgets it.
        target: Option<SinkTarget>,
    },
}

/// This part of the snapshot.
#[derive(Clone, Default)]
pub(super) struct EvidenceSnapshot {
    integrations: BTreeMap<String, Arc<IntegrationRecord>>,
    keys: HashMap<KeyDigest, Arc<str>>,
    algorithms: BTreeMap<(String, String), Arc<AlgorithmsRecord>>,
    links: HashMap<InvokerCode, Arc<str>>,
    sinks: BTreeMap<String, SinkTarget>,
}

impl EvidenceSnapshot {
    pub(super) fn put_integration(&mut self, name: String, record: IntegrationRecord) {
        self.keys.retain(|_, owner| **owner != *name);
        let owner: Arc<str> = name.as_str().into();
        let keys = record.keys.iter();
        self.keys
            .extend(keys.map(|key| (KeyDigest(key.digest), Arc::clone(&owner))));
        self.integrations.insert(name, Arc::new(record));
    }

    pub(super) fn put_algorithms(&mut self, integration: String, version: String, record: AlgorithmsRecord) {
        self.algorithms.insert((integration, version), Arc::new(record));
    }

    pub(super) fn put_link(&mut self, invoker: InvokerCode, integration: &str) {
        self.links.insert(invoker, integration.into());
    }

    pub(super) fn put_sink(&mut self, name: String, target: SinkTarget) {
        self.sinks.insert(name, target);
    }
}

impl Snapshot {
    /// Whose key this is.
    pub fn integration_of_key(&self, digest: &KeyDigest) -> Option<Arc<str>> {
        let (kept, integration) = self.evidence.keys.get_key_value(digest)?;
        kept.equals(digest).then(|| Arc::clone(integration))
    }

    /// An integration by its name.
    pub fn integration(&self, name: &str) -> Option<&Arc<IntegrationRecord>> {
        self.evidence.integrations.get(name)
    }

    /// All integrations, by name.
    pub fn integrations(&self) -> impl Iterator<Item = (&String, &Arc<IntegrationRecord>)> {
        self.evidence.integrations.iter()
    }

    /// The algorithms of a version.
    pub fn algorithms(&self, integration: &str, version: &str) -> Option<&Arc<AlgorithmsRecord>> {
        self.evidence
            .algorithms
            .get(&(integration.to_owned(), version.to_owned()))
    }

    /// All versions of an integration with their algorithms.
    pub fn algorithms_of<'a>(
        &'a self,
        integration: &'a str,
    ) -> impl Iterator<Item = (&'a String, &'a Arc<AlgorithmsRecord>)> {
        let all = self.evidence.algorithms.iter();
        all.filter(move |((owner, _), _)| owner == integration)
            .map(|((_, version), record)| (version, record))
    }

    /// Where the evidence of an invoker's verified codes goes.
    pub fn link(&self, invoker: InvokerCode) -> Option<&Arc<str>> {
        self.evidence.links.get(&invoker)
    }

    /// Where checkpoints go.
    pub fn sinks(&self) -> impl Iterator<Item = (&String, &SinkTarget)> {
        self.evidence.sinks.iter()
    }
}

fn integration_row(name: &str) -> Key {
    Key::table(INTEGRATIONS).text(name).build()
}

fn algorithms_row(integration: &str, version: &str) -> Key {
    // Both are short: see the bounds above.
    Key::table(ALGORITHMS).text(integration).text(version).build()
}

fn link_row(invoker: InvokerCode) -> Key {
    Key::table(LINKS).raw(invoker.0.as_bytes()).build()
}

fn sink_row(name: &str) -> Key {
    Key::table(SINKS).text(name).build()
}

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=NAME_CHARACTERS_MAX).contains(&name.len()) && name.bytes().all(fits) && !name.starts_with('.')
}

fn named(field: &'static str, name: &str) -> Result<(), Unfit> {
    if is_name(name) {
        Ok(())
    } else {
        Err(Unfit::Name(field))
    }
}

impl EvidenceChange {
    pub(super) fn check(&self) -> Result<(), Unfit> {
        match self {
            Self::PutIntegration { name, key } => {
                named("name", name)?;
                key.as_ref().map_or(Ok(()), |(key, _)| Ok(check_key(key)?))
            }
            Self::AddKey { key, .. } => Ok(check_key(key)?),
            Self::PutAlgorithm {
                version, algorithm, ..
            } => {
                if version.is_empty() || version.len() > VERSION_BYTES_MAX || version.contains('\0') {
                    return Err(Unfit::Length {
                        field: "version",
                        min: 1,
                        max: VERSION_BYTES_MAX,
                    });
                }
                if version.starts_with(RESERVED_VERSION_PREFIX) {
                    return Err(Unfit::Reserved);
                }
                Ok(algorithm.check()?)
            }
            Self::Sink {
                name,
                target: Some(target),
            } => {
                named("name", name)?;
                match target {
                    SinkTarget::File(file) => named("file", file),
                    SinkTarget::Webhook(url) => {
                        let is_url = url.starts_with("https://") || url.starts_with("http://");
                        if is_url && url.len() <= URL_CHARACTERS_MAX {
                            Ok(())
                        } else {
                            Err(Unfit::Url)
                        }
                    }
                }
            }
            Self::RevokeKey { .. } | Self::Link { .. } | Self::Sink { target: None, .. } => Ok(()),
        }
    }

    /// Puts the change into the batch and into the snapshot to come; one that cannot be made leaves both as they were.
    pub(super) fn stage(
        self,
        pepper: &Pepper,
        now_ms: i64,
        next: &mut Snapshot,
        batch: &mut Batch,
    ) -> storage::Result<Result<(), Unfit>> {
        match self {
            Self::PutIntegration { name, key } => {
                let known = next
                    .integration(&name)
                    .map(|record| IntegrationRecord::clone(record));
                put_keys(name, known.unwrap_or_default(), key, pepper, now_ms, next, batch)
            }
            Self::AddKey { integration, key, id } => {
                match next
                    .integration(&integration)
                    .map(|record| IntegrationRecord::clone(record))
                {
                    None => Ok(Err(Unfit::NotFound)),
                    Some(known) => put_keys(integration, known, Some((key, id)), pepper, now_ms, next, batch),
                }
            }
            Self::RevokeKey { integration, id } => {
                let known = next
                    .integration(&integration)
                    .map(|record| IntegrationRecord::clone(record));
                let Some(mut record) = known.filter(|record| record.keys.iter().any(|key| key.id == id))
                else {
                    return Ok(Err(Unfit::NotFound));
                };
                record.keys.retain(|key| key.id != id);
                put_keys(integration, record, None, pepper, now_ms, next, batch)
            }
            Self::PutAlgorithm {
                integration,
                version,
                algorithm,
                from_index,
            } => {
                let record = AlgorithmRecord::new(&algorithm, from_index, now_ms);
                put_algorithm(integration, version, record, &algorithm, next, batch)
            }
            Self::Link {
                invoker,
                integration: None,
            } => {
                if next.evidence.links.remove(&invoker).is_none() {
                    return Ok(Err(Unfit::NotFound));
                }
                batch.delete(link_row(invoker));
                Ok(Ok(()))
            }
            Self::Link {
                invoker,
                integration: Some(integration),
            } => {
                if next.invoker(invoker).is_none() || next.integration(&integration).is_none() {
                    return Ok(Err(Unfit::NotFound));
                }
                next.evidence.put_link(invoker, &integration);
                batch.put(link_row(invoker), encode(&LinkRecord { integration })?);
                Ok(Ok(()))
            }
            Self::Sink { name, target: None } => {
                if next.evidence.sinks.remove(&name).is_none() {
                    return Ok(Err(Unfit::NotFound));
                }
                batch.delete(sink_row(&name));
                Ok(Ok(()))
            }
            Self::Sink {
                name,
                target: Some(target),
            } => {
                if next.evidence.sinks.len() >= SINKS_MAX && !next.evidence.sinks.contains_key(&name) {
                    return Ok(Err(Unfit::TooMany {
                        field: "checkpoint sinks",
                        max: SINKS_MAX,
                    }));
                }
                batch.put(sink_row(&name), encode(&target)?);
                next.evidence.put_sink(name, target);
                Ok(Ok(()))
            }
        }
    }
}

fn put_keys(
    name: String,
    mut record: IntegrationRecord,
    key: Option<(Secret, Uuid)>,
    pepper: &Pepper,
    now_ms: i64,
    next: &mut Snapshot,
    batch: &mut Batch,
) -> storage::Result<Result<(), Unfit>> {
    if let Some((key, id)) = key {
        let digest = pepper.digest(&key);
        match next.integration_of_key(&digest) {
            Some(owner) if *owner != *name => return Ok(Err(Unfit::KeyTaken)),
            Some(_) => {}
            None if record.keys.len() >= KEYS_PER_INVOKER_MAX => {
                return Ok(Err(Unfit::TooMany {
                    field: "keys",
                    max: KEYS_PER_INVOKER_MAX,
                }));
            }
            None => record.keys.push(KeyRecord {
                id,
                digest: digest.0,
                added_ms: now_ms,
            }),
        }
    }
    batch.put(integration_row(&name), encode(&record)?);
    next.evidence.put_integration(name, record);
    Ok(Ok(()))
}

fn put_algorithm(
    integration: String,
    version: String,
    record: AlgorithmRecord,
    algorithm: &Algorithm,
    next: &mut Snapshot,
    batch: &mut Batch,
) -> storage::Result<Result<(), Unfit>> {
    if next.integration(&integration).is_none() {
        return Ok(Err(Unfit::NotFound));
    }
    let known = next.algorithms(&integration, &version);
    let mut known = known
        .map(|known| AlgorithmsRecord::clone(known))
        .unwrap_or_default();
    if let Some(last) = known.successive.last() {
        if last.algorithm().as_ref() == Some(algorithm) {
            return Ok(Ok(()));
        }
        if version != WITHOUT_VERSION {
            return Ok(Err(Unfit::Immutable));
        }
        if known.successive.len() >= SUCCESSIONS_MAX {
            return Ok(Err(Unfit::TooMany {
                field: "algorithms",
                max: SUCCESSIONS_MAX,
            }));
        }
    }
    known.successive.push(record);
    batch.put(algorithms_row(&integration, &version), encode(&known)?);
    next.evidence.put_algorithms(integration, version, known);
    Ok(Ok(()))
}
