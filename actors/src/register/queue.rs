//! Documents that were issued offline and are not delivered yet, the packages that they become, and online documents that were revoked.

use super::rows::{Part, part, put_part, registered_row};
use crate::machines::register::{Ask, DocumentFacts, Event, PACKAGE_LIMITS, Package, RegisterBook, Signer};
use fiscal::offline::PackageLimits;
use fiscal::{LocalNumber, RegisterNumber, Uid};
use serde::{Deserialize, Serialize};
use storage::record::{Record, decode, encode};
use storage::{Batch, Key, Scan, Store};

/// Octets of a package for each document besides its own: its length.
const QUEUED_HEAD_OCTETS: usize = 4;
/// Room kept in the last package for the document that ends a session: its XML has under 1,000 octets, its signature with a certificate and a
/// timestamp under 4,400 in every official sample.
const END_OCTETS_MAX: usize = 8 * 1024;

/// A document that was issued offline and is not delivered yet (row `queued/<register>/<local number>`, record version 1). Delivered, the row
/// is gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueuedRecord {
    /// Its identifier, and the key of its rows.
    pub uid: Uid,
    /// Octets of its signed message.
    pub octets: u32,
    /// Whose key signed it: a package is signed by who signed its documents.
    pub signer: Signer,
}

/// An online document that an offline session revoked: it counts as not issued (row `revoked/<register>/<local number>/<uid>`, record
/// version 1). Its XML and its signed octets are kept as those of any other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RevokedRecord {
    /// What is known of it.
    pub facts: DocumentFacts,
}

impl Record for QueuedRecord {
    const NAME: &'static str = "queued document";
    const VERSION: u8 = 1;
}

impl Record for RevokedRecord {
    const NAME: &'static str = "revoked document";
    const VERSION: u8 = 1;
}

fn queued_row(register: RegisterNumber, number: LocalNumber) -> Key {
    Key::table("queued").u64(register.get()).u64(number.get()).build()
}

fn revoked_row(register: RegisterNumber, facts: &DocumentFacts) -> Key {
    Key::table("revoked")
        .u64(register.get())
        .u64(facts.local_number.get())
        .text(facts.uid.as_str())
        .build()
}

/// The lowest local number of a register's documents that are not delivered yet; `None` where all are.
///
/// # Errors
/// The store's.
pub async fn first_queued(
    store: &dyn Store,
    register: RegisterNumber,
) -> storage::Result<Option<LocalNumber>> {
    let scan = Scan {
        limit: 1,
        ..Scan::of(Key::table("queued").u64(register.get()).build())
    };
    let rows = store.scan(scan).await?;
    rows.first().map(|row| queued_number(&row.key)).transpose()
}

fn queued_number(key: &Key) -> storage::Result<LocalNumber> {
    let mut reader = storage::KeyReader::new(key, "queued")?;
    reader.u64()?;
    LocalNumber::new(reader.u64()?).map_err(|fault| storage::Error::Corrupt {
        what: "the number of a queued document".to_owned(),
        detail: fault.to_string(),
    })
}

/// Documents of a register that are not delivered yet, in order from this local number on, at most `limit` and [`storage::SCAN_MAX`].
///
/// # Errors
/// The store's.
pub async fn queued(
    store: &dyn Store,
    register: RegisterNumber,
    first: LocalNumber,
    limit: usize,
) -> storage::Result<Vec<QueuedRecord>> {
    let before = first.get().checked_sub(1).filter(|before| *before > 0);
    let after = before.and_then(|before| LocalNumber::new(before).ok());
    let scan = Scan {
        after: after.map(|number| queued_row(register, number)),
        limit,
        ..Scan::of(Key::table("queued").u64(register.get()).build())
    };
    let rows = store.scan(scan).await?;
    rows.iter().map(|row| decode(&row.stored.value)).collect()
}

/// Online documents of a register that were revoked, in order, at most [`storage::SCAN_MAX`].
///
/// # Errors
/// The store's.
pub async fn revoked(store: &dyn Store, register: RegisterNumber) -> storage::Result<Vec<RevokedRecord>> {
    let rows = store
        .scan(Scan::of(Key::table("revoked").u64(register.get()).build()))
        .await?;
    rows.iter().map(|row| decode(&row.stored.value)).collect()
}

/// What is next of an offline session: as many documents as fit into one package, all signed by one key.
///
/// # Errors
/// The store's.
pub async fn next_package(
    store: &dyn Store,
    register: RegisterNumber,
    first: LocalNumber,
) -> storage::Result<Ask> {
    let queued = queued(store, register, first, PACKAGE_LIMITS.documents_max + 1).await?;
    let key = queued.first().map(|record| record.signer.key);
    let (mut count, mut octets) = (0_usize, 0_usize);
    for record in &queued {
        octets =
            octets.saturating_add(QUEUED_HEAD_OCTETS + usize::try_from(record.octets).unwrap_or(usize::MAX));
        let fits = octets <= PACKAGE_LIMITS.octets_max && count < PACKAGE_LIMITS.documents_max;
        // One that fits into no package goes alone all the same: the tax service's own limit is wider, and its word is final.
        if (count > 0 && !fits) || Some(record.signer.key) != key {
            break;
        }
        count += 1;
    }
    let has_room =
        octets <= PACKAGE_LIMITS.octets_max - END_OCTETS_MAX && count < PACKAGE_LIMITS.documents_max;
    let is_all = count == queued.len() && has_room;
    Ok(Ask::PackageRead {
        first,
        count: u64::try_from(count).unwrap_or(u64::MAX),
        signer: queued.into_iter().next().map(|record| record.signer),
        is_all,
    })
}

/// The content of a package: signed documents, each behind its length.
///
/// # Errors
/// The store's; [`storage::Error::Corrupt`] where a document is missing, which a register's commits do not allow.
pub async fn package(
    store: &dyn Store,
    register: RegisterNumber,
    package: &Package,
) -> storage::Result<Vec<u8>> {
    let damaged = |detail: String| storage::Error::Corrupt {
        what: format!("a package of the register {register}"),
        detail,
    };
    let count = usize::try_from(package.count).unwrap_or(usize::MAX);
    let mut documents = Vec::new();
    for record in queued(store, register, package.first, count).await? {
        let signed = part(store, &record.uid, Part::Signed).await?;
        documents.push(signed.ok_or_else(|| damaged(format!("{} is not there", record.uid)))?);
    }
    if documents.len() != count {
        return Err(damaged(format!("{} documents of {count}", documents.len())));
    }
    let limits = PackageLimits {
        octets_max: usize::MAX,
        ..PACKAGE_LIMITS
    };
    fiscal::offline::pack(&documents, limits).map_err(|error| damaged(error.to_string()))
}

impl RegisterBook {
    /// The rows of what happens offline.
    pub(super) fn put_offline(&self, event: &Event, batch: &mut Batch) -> storage::Result<()> {
        match event {
            Event::Issued {
                cms,
                registered,
                signer,
            } => {
                self.put_registered(registered, batch)?;
                self.put_queued(
                    &registered.facts.uid,
                    registered.facts.local_number,
                    cms,
                    signer,
                    batch,
                )
            }
            Event::BeginMade { uid, xml } => {
                put_part(batch, uid, Part::Xml, xml);
                Ok(())
            }
            Event::BeginSigned {
                uid,
                local_number,
                cms,
                signer,
            } => self.put_queued(uid, *local_number, cms, signer, batch),
            Event::Delivered {
                first,
                count,
                revoked,
            } => self.put_delivered(*first, *count, revoked.as_deref(), batch),
            Event::EndDropped { local_number } => {
                batch.delete(queued_row(self.number(), *local_number));
                batch.delete(registered_row(self.number(), *local_number));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn put_queued(
        &self,
        uid: &Uid,
        number: LocalNumber,
        cms: &[u8],
        signer: &Signer,
        batch: &mut Batch,
    ) -> storage::Result<()> {
        put_part(batch, uid, Part::Signed, cms);
        let record = QueuedRecord {
            uid: uid.clone(),
            octets: u32::try_from(cms.len()).unwrap_or(u32::MAX),
            signer: signer.clone(),
        };
        batch.put(queued_row(self.number(), number), encode(&record)?);
        Ok(())
    }

    fn put_delivered(
        &self,
        first: LocalNumber,
        count: u64,
        revoked: Option<&DocumentFacts>,
        batch: &mut Batch,
    ) -> storage::Result<()> {
        let last = first.get().saturating_add(count);
        let numbers = (first.get()..last).filter_map(|number| LocalNumber::new(number).ok());
        numbers.for_each(|number| batch.delete(queued_row(self.number(), number)));
        if let Some(facts) = revoked {
            let record = RevokedRecord { facts: facts.clone() };
            batch.put(revoked_row(self.number(), facts), encode(&record)?);
        }
        Ok(())
    }
}
