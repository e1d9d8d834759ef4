//! The audit log: one JSON object a line for every signature and every change of the keys, appended, made durable, never removed by the agent.
//! It says what was done and never holds content, passwords or tokens.

use crate::vault::Error;
use crate::vault::files;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use signing_protocol::{Form, HexOctets, KeyId, RegisterNumber, RequestId};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Content was signed. Two lines with one request id: the first signature was lost in a crash before it left.
    Signed {
        /// The request.
        request: RequestId,
        /// The register, where it was for one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        register: Option<RegisterNumber>,
        /// The key.
        key: KeyId,
        /// The certificate's serial number.
        serial: HexOctets,
        /// The form.
        form: Form,
        /// SHA-256 of the content.
        sha256: HexOctets,
    },
    /// A cashier's registration packet was signed.
    PacketSigned {
        /// The key.
        key: KeyId,
        /// The certificate's serial number.
        serial: HexOctets,
        /// SHA-256 of the packet.
        sha256: HexOctets,
    },
    /// A key was stored.
    KeyAdded {
        /// The key.
        key: KeyId,
        /// The certificate's serial number.
        serial: HexOctets,
    },
    /// A key was unlocked.
    KeyActivated {
        /// The key.
        key: KeyId,
    },
    /// A key was locked.
    KeyDeactivated {
        /// The key.
        key: KeyId,
    },
    /// A key was removed.
    KeyRemoved {
        /// The key.
        key: KeyId,
        /// The certificate's serial number.
        serial: HexOctets,
    },
}

/// The open log. A file for each month, `audit-2026-11.jsonl`.
pub struct AuditLog {
    directory: PathBuf,
    month: String,
    file: Option<File>,
}

impl AuditLog {
    /// The log in a directory, which is made if it is not there.
    ///
    /// # Errors
    /// [`Error::Disk`].
    pub fn open(directory: PathBuf) -> Result<Self, Error> {
        files::make_directory(&directory).map_err(|error| disk(&directory, error))?;
        Ok(Self {
            directory,
            month: String::new(),
            file: None,
        })
    }

    /// Appends lines, and makes them durable.
    ///
    /// # Errors
    /// [`Error::Disk`].
    pub fn append(&mut self, lines: &[Line], now: DateTime<Utc>) -> Result<(), Error> {
        if lines.is_empty() {
            return Ok(());
        }
        let mut octets = Vec::with_capacity(lines.len() * 384);
        for line in lines {
            serde_json::to_writer(&mut octets, line).expect("ids, texts and dates become JSON");
            octets.push(b'\n');
        }
        let month = now.format("%Y-%m").to_string();
        let path = self.directory.join(format!("audit-{month}.jsonl"));
        if self.month != month {
            self.file = None;
        }
        let written = match &mut self.file {
            Some(file) => Ok(file),
            none => open_month(&path, &self.directory).map(|file| none.insert(file)),
        };
        self.month = month;
        written
            .and_then(|file| file.write_all(&octets).and_then(|()| file.sync_data()))
            .map_err(|error| disk(&path, error))
    }
}

/// Opens a month's file; half a line that a crash left gets its end, so that the next one is whole.
fn open_month(path: &Path, directory: &Path) -> std::io::Result<File> {
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    files::sync_directory(directory)?;
    if file.metadata()?.len() > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}

fn disk(path: &Path, error: std::io::Error) -> Error {
    Error::Disk {
        path: path.to_owned(),
        error,
    }
}
