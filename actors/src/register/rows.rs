//! Where a register's facts lie: its own row, what waits, operations, documents, and what is looked up by number.

use crate::clock::Now;
use crate::durable::Persistent;
use crate::idempotency;
use crate::ids::OperationId;
use crate::machines::register::{
    DocumentFacts, DocumentKind, Event, FingerprintRecord, Operation, OperationRecord, OperationState, Phase,
    ROW_OCTETS_MAX, RegisterBook, RegisterRecord, Registered, SoldRecord, WaitingRecord,
};
use crate::wheel::DueKey;
use chrono::NaiveDateTime;
use fiscal::arithmetic::ShiftTotals;
use fiscal::document::{Document, Kind};
use fiscal::{FiscalNumber, LocalNumber, RegisterNumber, Uid};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use storage::record::{Record, decode, encode, encode_behind};
use storage::{Batch, Key, Scan, Store};

/// The index of fingerprints by the moment from which they may be swept.
pub(crate) const FINGERPRINT_EXPIRY_TABLE: &str = "fingerprint-expiry";
/// How long a fingerprint is kept: no shift is longer than a day, and a day more is for clocks.
const FINGERPRINT_KEPT_FOR: Duration = Duration::from_secs(48 * 60 * 60);

/// The octets of a document that are kept, each in rows of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What was signed: XML in windows-1251.
    Xml,
    /// The signed message that was posted, DER.
    Signed,
    /// The tax service's ticket in its signed message, DER; a document that was adopted has none.
    Ticket,
}

impl Part {
    fn code(self) -> u8 {
        match self {
            Self::Xml => 1,
            Self::Signed => 2,
            Self::Ticket => 3,
        }
    }
}

/// A registered document in its register's sequence (row `registered/<register>/<local number>`, record version 1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DocumentRecord {
    /// What is known of it.
    pub facts: DocumentFacts,
    /// For which operation.
    pub operation: OperationId,
    /// In which shift of the register.
    pub shift: u64,
    /// The client's own number.
    pub reference: Option<u64>,
}

/// A shift whose Z-report is registered (row `shift/<register>/<ordinal>`, record version 1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShiftRecord {
    /// When it was opened, Kyiv time.
    pub opened: NaiveDateTime,
    /// Its Z-report.
    pub z_report: DocumentFacts,
    /// The local number of its opening.
    pub first_local: Option<LocalNumber>,
    /// What its documents added up to.
    pub totals: ShiftTotals,
    /// Whether these hold every document: false where another device issued some, and the Z-report says more.
    pub is_complete: bool,
}

macro_rules! record {
    ($type:ty, $name:literal) => {
        impl Record for $type {
            const NAME: &'static str = $name;
            const VERSION: u8 = 1;
        }
    };
}
record!(RegisterRecord, "register");
record!(WaitingRecord, "waiting operation");
record!(OperationRecord, "operation");
record!(DocumentRecord, "registered document");
record!(ShiftRecord, "shift");
record!(SoldRecord, "sold receipt");
record!(FingerprintRecord, "fingerprint");

fn operation_row(operation: OperationId) -> Key {
    Key::table("operation").raw(operation.0.as_bytes()).build()
}

fn waiting_row(register: RegisterNumber, sequence: u64) -> Key {
    Key::table("register-waiting")
        .u64(register.get())
        .u64(sequence)
        .build()
}

fn body_row(operation: OperationId, index: u16) -> Key {
    Key::table("operation-body")
        .raw(operation.0.as_bytes())
        .u64(index.into())
        .build()
}

fn part_rows(uid: &Uid, part: Part) -> storage::KeyBuilder {
    Key::table("document").text(uid.as_str()).u8(part.code())
}

fn sold_row(register: RegisterNumber, number: &FiscalNumber) -> Key {
    Key::table("sold")
        .u64(register.get())
        .text(number.as_str())
        .build()
}

fn fingerprint_row(register: RegisterNumber, fingerprint: &[u8; 32]) -> Key {
    Key::table("fingerprint")
        .u64(register.get())
        .raw(fingerprint)
        .build()
}

/// The row that an index entry of [`FINGERPRINT_EXPIRY_TABLE`] points to.
pub(crate) fn fingerprint_of_expiry(entry: &Key) -> storage::Result<Key> {
    let mut reader = storage::KeyReader::new(entry, FINGERPRINT_EXPIRY_TABLE)?;
    reader.i64()?;
    let register = reader.u64()?;
    let fingerprint = reader.raw::<32>()?;
    Ok(Key::table("fingerprint").u64(register).raw(&fingerprint).build())
}

/// Whether a stored fingerprint may be swept at this wall time; one that was seen again since may not.
pub(crate) fn may_sweep_fingerprint(value: &[u8], now_ms: i64) -> storage::Result<bool> {
    let record: FingerprintRecord = decode(value)?;
    let until = record
        .written_ms
        .saturating_add(crate::clock::millis(FINGERPRINT_KEPT_FOR));
    Ok(until <= now_ms)
}

fn put_chunks(batch: &mut Batch, octets: &[u8], row: impl Fn(u16) -> Key) {
    for (index, chunk) in (0..).zip(octets.chunks(ROW_OCTETS_MAX)) {
        batch.put(row(index), chunk.to_vec());
    }
}

/// Octets that were put in chunks; `None` where there are none.
async fn get_chunks(store: &dyn Store, prefix: Key) -> storage::Result<Option<Vec<u8>>> {
    let rows = store.scan(Scan::of(prefix)).await?;
    let octets: Vec<u8> = rows.into_iter().flat_map(|row| row.stored.value).collect();
    Ok((!octets.is_empty()).then_some(octets))
}

async fn get<R: Record>(store: &dyn Store, row: Key) -> storage::Result<Option<R>> {
    let stored = store.get(row).await?;
    stored.map(|stored| decode(&stored.value)).transpose()
}

/// What became of an operation; `None` for one that was never accepted.
///
/// # Errors
/// The store's.
pub async fn operation(store: &dyn Store, id: OperationId) -> storage::Result<Option<OperationRecord>> {
    get(store, operation_row(id)).await
}

/// A document's octets; `None` where there are none.
///
/// # Errors
/// The store's.
pub async fn part(store: &dyn Store, uid: &Uid, part: Part) -> storage::Result<Option<Vec<u8>>> {
    get_chunks(store, part_rows(uid, part).build()).await
}

/// Registered documents of a register above `after`, in the order of their local numbers, at most [`storage::SCAN_MAX`].
///
/// # Errors
/// The store's.
pub async fn registered(
    store: &dyn Store,
    register: RegisterNumber,
    after: Option<LocalNumber>,
) -> storage::Result<Vec<DocumentRecord>> {
    let row = |number: LocalNumber| registered_row(register, number);
    let scan = Scan {
        after: after.map(row),
        ..Scan::of(Key::table("registered").u64(register.get()).build())
    };
    let rows = store.scan(scan).await?;
    rows.iter().map(|row| decode(&row.stored.value)).collect()
}

/// The registered document of this local number.
///
/// # Errors
/// The store's.
pub async fn document(
    store: &dyn Store,
    register: RegisterNumber,
    number: LocalNumber,
) -> storage::Result<Option<DocumentRecord>> {
    get(store, registered_row(register, number)).await
}

pub(super) fn registered_row(register: RegisterNumber, number: LocalNumber) -> Key {
    Key::table("registered")
        .u64(register.get())
        .u64(number.get())
        .build()
}

/// Shifts of a register above the ordinal `after`, with their ordinals, at most [`storage::SCAN_MAX`].
///
/// # Errors
/// The store's.
pub async fn shifts(
    store: &dyn Store,
    register: RegisterNumber,
    after: Option<u64>,
) -> storage::Result<Vec<(u64, ShiftRecord)>> {
    let row = |ordinal: u64| Key::table("shift").u64(register.get()).u64(ordinal).build();
    let scan = Scan {
        after: after.map(row),
        ..Scan::of(Key::table("shift").u64(register.get()).build())
    };
    let rows = store.scan(scan).await?;
    let read = |row: &storage::Row| {
        let mut reader = storage::KeyReader::new(&row.key, "shift")?;
        reader.u64()?;
        Ok((reader.u64()?, decode(&row.stored.value)?))
    };
    rows.iter().map(read).collect()
}

/// Under which operation a fingerprint was seen.
///
/// # Errors
/// The store's.
pub async fn earlier(
    store: &dyn Store,
    register: RegisterNumber,
    fingerprint: &[u8; 32],
) -> storage::Result<Option<FingerprintRecord>> {
    get(store, fingerprint_row(register, fingerprint)).await
}

/// What is left of a sale for returns.
///
/// # Errors
/// The store's.
pub async fn sold(
    store: &dyn Store,
    register: RegisterNumber,
    number: &FiscalNumber,
) -> storage::Result<Option<SoldRecord>> {
    get(store, sold_row(register, number)).await
}

/// The body of an operation: from its own rows, or from the document that last carried it.
///
/// # Errors
/// The store's; [`storage::Error::Corrupt`] where it is nowhere, which a register's commits do not allow.
pub async fn body(
    store: &dyn Store,
    id: OperationId,
    has_rows: bool,
    uid: Option<&Uid>,
) -> storage::Result<Kind> {
    let prefix = if has_rows {
        Key::table("operation-body").raw(id.0.as_bytes()).build()
    } else {
        let uid = uid.ok_or_else(|| corrupt(id, "no document carried it"))?;
        part_rows(uid, Part::Xml).build()
    };
    let xml = get_chunks(store, prefix).await?;
    let xml = xml.ok_or_else(|| corrupt(id, "its rows are missing"))?;
    let document = Document::from_xml(&xml).map_err(|error| corrupt(id, &error.to_string()))?;
    Ok(document.kind)
}

fn corrupt(id: OperationId, detail: &str) -> storage::Error {
    storage::Error::Corrupt {
        what: format!("body of the operation {id}"),
        detail: detail.to_owned(),
    }
}

impl Persistent for RegisterBook {
    type Id = RegisterNumber;

    fn row(id: &RegisterNumber) -> Key {
        Key::table("register").u64(id.get()).build()
    }

    fn restore(id: &RegisterNumber, stored: Option<&[u8]>, now: Now) -> storage::Result<Self> {
        Ok(match stored {
            Some(bytes) => Self::restored(*id, decode::<RegisterRecord>(bytes)?, now),
            None => Self::new(*id),
        })
    }

    fn further_rows(id: &RegisterNumber) -> Option<Key> {
        Some(Key::table("register-waiting").u64(id.get()).build())
    }

    fn take_row(&mut self, value: &[u8], now: Now) -> storage::Result<()> {
        self.restore_waiting(decode(value)?, now);
        Ok(())
    }

    fn encode(&self, now: Now, head: Vec<u8>) -> storage::Result<Vec<u8>> {
        encode_behind(head, &self.record(now))
    }

    fn companions(&self, event: &Event, now: Now, batch: &mut Batch) -> storage::Result<()> {
        match event {
            Event::Accepted { operation, body } => self.put_accepted(operation, body.as_deref(), now, batch),
            Event::CloseBegun(operation) => put_operation(self.number(), operation, batch),
            Event::Taken => {
                let taken = self
                    .current()
                    .map(|operation| waiting_row(self.number(), operation.sequence));
                taken.into_iter().for_each(|row| batch.delete(row));
                Ok(())
            }
            Event::Planned { flight, xml } => {
                put_part(batch, &flight.uid, Part::Xml, xml);
                Ok(())
            }
            Event::Signed { cms, .. } => {
                if let Some(flight) = self.flight() {
                    put_part(batch, &flight.uid, Part::Signed, cms);
                }
                Ok(())
            }
            Event::Registered(registered) => self.put_registered(registered, batch),
            Event::Ended {
                operation,
                record,
                shift,
            } => self.put_ended(operation, record, *shift, now, batch),
            event => self.put_offline(event, batch),
        }
    }

    fn due_key(id: &RegisterNumber) -> Option<DueKey> {
        Some(DueKey::Register(*id))
    }
}

pub(super) fn put_part(batch: &mut Batch, uid: &Uid, part: Part, octets: &[u8]) {
    put_chunks(batch, octets, |index| {
        part_rows(uid, part).u64(index.into()).build()
    });
}

fn put_operation(register: RegisterNumber, operation: &Operation, batch: &mut Batch) -> storage::Result<()> {
    let record = OperationRecord {
        register,
        kind: operation.kind,
        accepted_ms: operation.accepted_ms,
        reference: operation.reference,
        state: OperationState::Pending,
    };
    batch.put(operation_row(operation.id), encode(&record)?);
    Ok(())
}

impl RegisterBook {
    fn put_accepted(
        &self,
        operation: &Operation,
        body: Option<&[u8]>,
        now: Now,
        batch: &mut Batch,
    ) -> storage::Result<()> {
        let waiting = Self::waiting_record(operation, now);
        batch.put(waiting_row(self.number(), operation.sequence), encode(&waiting)?);
        put_operation(self.number(), operation, batch)?;
        put_chunks(batch, body.unwrap_or_default(), |index| {
            body_row(operation.id, index)
        });
        if let Some(claim) = operation.claim {
            idempotency::reserve_operation(batch, claim, self.number(), operation.id, now)?;
        }
        if let Some(fingerprint) = &operation.fingerprint {
            self.put_fingerprint(fingerprint, operation.id, None, now, batch)?;
            let sweep_at = now.wall.timestamp_millis() + crate::clock::millis(FINGERPRINT_KEPT_FOR);
            let entry = Key::table(FINGERPRINT_EXPIRY_TABLE)
                .i64(sweep_at)
                .u64(self.number().get());
            batch.put(entry.raw(fingerprint).build(), Vec::new());
        }
        Ok(())
    }

    fn put_fingerprint(
        &self,
        fingerprint: &[u8; 32],
        operation: OperationId,
        shift: Option<u64>,
        now: Now,
        batch: &mut Batch,
    ) -> storage::Result<()> {
        let record = FingerprintRecord {
            operation,
            shift,
            written_ms: now.wall.timestamp_millis(),
        };
        batch.put(fingerprint_row(self.number(), fingerprint), encode(&record)?);
        Ok(())
    }

    pub(super) fn put_registered(&self, registered: &Registered, batch: &mut Batch) -> storage::Result<()> {
        let facts = &registered.facts;
        if let Some(ticket) = &registered.ticket {
            put_part(batch, &facts.uid, Part::Ticket, ticket);
        }
        let record = DocumentRecord {
            facts: facts.clone(),
            operation: registered.operation,
            shift: registered.shift,
            reference: registered.reference,
        };
        batch.put(
            registered_row(self.number(), facts.local_number),
            encode(&record)?,
        );
        if let Some((number, sold)) = &registered.sold {
            batch.put(sold_row(self.number(), number), encode(sold)?);
        }
        if let (DocumentKind::ZReport, Phase::Reported(shift)) = (facts.kind, self.phase()) {
            let record = ShiftRecord {
                opened: shift.opened,
                z_report: facts.clone(),
                first_local: shift.first_local,
                totals: shift.totals.clone(),
                is_complete: shift.is_complete,
            };
            let row = Key::table("shift")
                .u64(self.number().get())
                .u64(shift.ordinal)
                .build();
            batch.put(row, encode(&record)?);
        }
        Ok(())
    }

    fn put_ended(
        &self,
        operation: &Operation,
        record: &OperationRecord,
        shift: Option<u64>,
        now: Now,
        batch: &mut Batch,
    ) -> storage::Result<()> {
        batch.delete(waiting_row(self.number(), operation.sequence));
        batch.put(operation_row(operation.id), encode(record)?);
        (0..operation.body_rows).for_each(|index| batch.delete(body_row(operation.id, index)));
        let is_done = matches!(record.state, OperationState::Done(_));
        if let Some(claim) = operation.claim.filter(|_| !is_done) {
            idempotency::release(batch, claim);
        }
        if let Some(fingerprint) = &operation.fingerprint {
            if is_done {
                self.put_fingerprint(fingerprint, operation.id, shift, now, batch)?;
            } else {
                batch.delete(fingerprint_row(self.number(), fingerprint));
            }
        }
        Ok(())
    }
}
