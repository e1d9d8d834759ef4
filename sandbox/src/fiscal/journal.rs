//! What was accepted, on disk before it is answered: one append-only file, read through once at start.
//!
//! A record is the length of its payload, the CRC-32 of that length and the CRC-32 of the payload, four octets each, the lowest first, and
//! the payload in JSON. A last record that is not whole was never answered, and is cut off; a broken one with others behind it is refused,
//! because those were answered. The length has a sum of its own, so that a broken one is not taken for a record that was cut short. The
//! file is never rewritten: a stand-in is begun anew in an empty folder.

use super::machine::{Accepted, Event, NewOperator, Who};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use fiscal::command::DeviceId;
use fiscal::numbers::OfflineSession;
use fiscal::{Document, FiscalNumber, RegisterNumber};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

/// What the file begins with: its form and version.
const MAGIC: &[u8; 8] = b"CSFISC01";
/// Octets before a payload.
const HEAD_OCTETS: usize = 12;

/// Why the journal cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file or its folder.
    #[error("the journal: {0}")]
    File(#[from] io::Error),
    /// Another process has it.
    #[error("another process uses this folder")]
    InUse,
    /// Not such a file.
    #[error("the journal is of another form or version")]
    Form,
    /// A record is broken, and others stand behind it.
    #[error("the journal is broken at octet {at}: {reason}")]
    Broken {
        /// Where the record begins.
        at: u64,
        /// What is wrong.
        reason: String,
    },
    /// It has the size that the settings allow.
    #[error("the journal has no room: journal_bytes_max is {0}")]
    Full(u64),
    /// A write failed before: nothing is known of the file's end, so that nothing more is written.
    #[error("the journal failed before; restart the stand-in")]
    Failed,
}

/// The open journal. It is this process's alone.
#[derive(Debug)]
pub struct Journal {
    file: File,
    octets: u64,
    octets_max: u64,
    failed: bool,
}

impl Journal {
    /// Opens or begins the journal of a folder, and gives each record to `take`, in their order.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn open(path: &Path, octets_max: u64, mut take: impl FnMut(&Event)) -> Result<Self, JournalError> {
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::InUse),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        let octets = if content.len() < MAGIC.len() && MAGIC.starts_with(&content) {
            begin(&mut file, path)?
        } else {
            let records = content.strip_prefix(MAGIC).ok_or(JournalError::Form)?;
            let whole = replay(records, &mut take)? + MAGIC.len() as u64;
            if whole < content.len() as u64 {
                tracing::warn!(
                    kept = whole,
                    found = content.len(),
                    "cut a record that was never whole off the journal"
                );
                file.set_len(whole)?;
                file.sync_all()?;
            }
            whole
        };
        file.seek(SeekFrom::End(0))?;
        Ok(Self {
            file,
            octets,
            octets_max,
            failed: false,
        })
    }

    /// Writes a record down; on disk when this returns.
    ///
    /// # Errors
    /// [`JournalError::Full`], which leaves the journal as it was; [`JournalError::File`], after which it takes nothing more.
    pub fn append(&mut self, event: &Event) -> Result<(), JournalError> {
        if self.failed {
            return Err(JournalError::Failed);
        }
        let payload = serde_json::to_vec(&Record::of(event)).map_err(io::Error::from)?;
        let length = u32::try_from(payload.len()).map_err(|_| JournalError::Full(self.octets_max))?;
        let octets = self.octets + HEAD_OCTETS as u64 + u64::from(length);
        if octets > self.octets_max {
            return Err(JournalError::Full(self.octets_max));
        }
        let mut record = Vec::with_capacity(HEAD_OCTETS + payload.len());
        record.extend_from_slice(&length.to_le_bytes());
        record.extend_from_slice(&crc32fast::hash(&length.to_le_bytes()).to_le_bytes());
        record.extend_from_slice(&crc32fast::hash(&payload).to_le_bytes());
        record.extend_from_slice(&payload);
        let written = self.file.write_all(&record).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            self.failed = true;
            return Err(error.into());
        }
        self.octets = octets;
        Ok(())
    }
}

fn begin(file: &mut File, path: &Path) -> Result<u64, JournalError> {
    file.set_len(0)?;
    file.write_all(MAGIC)?;
    file.sync_all()?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(MAGIC.len() as u64)
}

/// How many octets are whole records.
fn replay(records: &[u8], take: &mut impl FnMut(&Event)) -> Result<u64, JournalError> {
    let mut rest = records;
    while !rest.is_empty() {
        let at = (records.len() - rest.len()) as u64;
        let Some((payload, after)) = split(rest).map_err(|reason| broken(at, reason))? else {
            return Ok(at);
        };
        let record: Record = serde_json::from_slice(payload).map_err(|error| broken(at, error))?;
        take(&record.into_event().map_err(|error| broken(at, error))?);
        rest = after;
    }
    Ok(records.len() as u64)
}

/// A payload, and what follows its record.
type Split<'a> = (&'a [u8], &'a [u8]);

/// The payload of the first record and what follows it; none when what is left is one that was never whole.
fn split(rest: &[u8]) -> Result<Option<Split<'_>>, &'static str> {
    let Some((head, body)) = rest.split_first_chunk::<HEAD_OCTETS>() else {
        return Ok(None);
    };
    let number = |place: usize| {
        let octets = [head[place], head[place + 1], head[place + 2], head[place + 3]];
        (octets, u32::from_le_bytes(octets))
    };
    let ((length_octets, length), (_, length_sum), (_, sum)) = (number(0), number(4), number(8));
    if crc32fast::hash(&length_octets) != length_sum {
        // A file system that lost power may have the file's new size and not its octets.
        return if rest.iter().all(|octet| *octet == 0) {
            Ok(None)
        } else {
            Err("the sum of its length does not fit")
        };
    }
    let Some((payload, after)) = usize::try_from(length)
        .ok()
        .and_then(|length| body.split_at_checked(length))
    else {
        return Ok(None);
    };
    match (crc32fast::hash(payload) == sum, after.is_empty()) {
        (true, _) => Ok(Some((payload, after))),
        (false, true) => Ok(None),
        (false, false) => Err("its sum does not fit"),
    }
}

fn broken(at: u64, reason: impl ToString) -> JournalError {
    JournalError::Broken {
        at: at + MAGIC.len() as u64,
        reason: reason.to_string(),
    }
}

/// An event as it is written.
#[derive(Serialize, Deserialize)]
struct Record {
    register: RegisterNumber,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    documents: Vec<DocumentRecord>,
    session: Option<OfflineSession>,
    device: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    operators: Vec<NewOperator>,
}

#[derive(Serialize, Deserialize)]
struct DocumentRecord {
    content: String,
    signed: String,
    signer: Who,
    fiscal_number: FiscalNumber,
    at: DateTime<Utc>,
}

impl Record {
    fn of(event: &Event) -> Self {
        match event {
            Event::Documents {
                register,
                documents,
                session,
                operators,
            } => Self {
                register: *register,
                documents: documents.iter().map(DocumentRecord::of).collect(),
                session: session.clone(),
                device: None,
                operators: operators.clone(),
            },
            Event::Device {
                register,
                device,
                operators,
            } => Self {
                register: *register,
                documents: Vec::new(),
                session: None,
                device: Some(device.as_str().to_owned()),
                operators: operators.clone(),
            },
        }
    }

    fn into_event(self) -> Result<Event, String> {
        Ok(match self.device {
            Some(device) => Event::Device {
                register: self.register,
                device: DeviceId::new(device).map_err(|fault| fault.to_string())?,
                operators: self.operators,
            },
            None => Event::Documents {
                register: self.register,
                documents: (self.documents.into_iter())
                    .map(DocumentRecord::into_accepted)
                    .collect::<Result<_, _>>()?,
                session: self.session,
                operators: self.operators,
            },
        })
    }
}

impl DocumentRecord {
    fn of(accepted: &Accepted) -> Self {
        Self {
            content: STANDARD.encode(&accepted.content),
            signed: STANDARD.encode(&accepted.signed),
            signer: (*accepted.signer).clone(),
            fiscal_number: accepted.fiscal_number.clone(),
            at: accepted.at,
        }
    }

    fn into_accepted(self) -> Result<Accepted, String> {
        let octets = |text: &str| STANDARD.decode(text).map_err(|error| error.to_string());
        let content = octets(&self.content)?;
        Ok(Accepted {
            document: Arc::new(Document::from_xml(&content).map_err(|error| error.to_string())?),
            content: content.into(),
            signed: octets(&self.signed)?.into(),
            signer: Arc::new(self.signer),
            fiscal_number: self.fiscal_number,
            at: self.at,
        })
    }
}
