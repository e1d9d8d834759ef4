//! What was signed, by request id, for as long as a repeat may come: segments of sealed frames, each removed as a whole.

use super::frame::{self, Frame, Place, Record, Signed};
use crate::lock::{read, write};
use crate::vault::files;
use crate::vault::{Error, Sealer};
use chrono::{DateTime, TimeDelta, Utc};
use signing_protocol::RequestId;
use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

/// Octets after which a new segment begins: some thousand signatures, removed at once when the last of them is out of time.
const SEGMENT_OCTETS_MAX: u64 = 8 * 1024 * 1024;

/// Where the message of a request is.
#[derive(Clone)]
pub struct Remembered {
    /// SHA-256 of the request's canonical content.
    pub digest: [u8; 32],
    /// The request's deadline.
    pub deadline: DateTime<Utc>,
    place: Place,
    octets: usize,
    position: usize,
    file: Arc<File>,
}

struct Segment {
    path: PathBuf,
    file: Arc<File>,
    octets: u64,
    /// The latest deadline in it.
    latest: Option<DateTime<Utc>>,
    ids: Vec<RequestId>,
}

/// The journal. One writer; readers get places, and read by themselves.
pub struct Journal {
    directory: PathBuf,
    sealer: Sealer,
    remember_for: TimeDelta,
    segments: BTreeMap<u64, Segment>,
    index: Arc<RwLock<Index>>,
}

/// What readers see: only what is durable.
pub struct Index {
    requests: HashMap<RequestId, Remembered>,
    horizon: DateTime<Utc>,
}

impl Journal {
    /// Reads the segments. A torn end of the last one is cut off: it was never acknowledged. Anything else that is wrong is an error, because
    /// a request that was forgotten would be signed twice.
    ///
    /// # Errors
    /// [`Error::Disk`], [`Error::File`].
    pub fn open(directory: PathBuf, sealer: Sealer, remember_for: TimeDelta) -> Result<Self, Error> {
        files::make_directory(&directory).map_err(|error| disk(&directory, error))?;
        let mut journal = Self {
            directory,
            sealer,
            remember_for,
            segments: BTreeMap::new(),
            index: Arc::new(RwLock::new(Index {
                requests: HashMap::new(),
                horizon: DateTime::UNIX_EPOCH,
            })),
        };
        let numbers = journal.numbers()?;
        for number in &numbers {
            journal.read_segment(*number, numbers.last() == Some(number))?;
        }
        // A new one for every start: nothing is ever written behind what a crash left.
        journal.begin_segment(numbers.last().map_or(1, |last| last + 1))?;
        Ok(journal)
    }

    fn numbers(&self) -> Result<Vec<u64>, Error> {
        let on_disk = |error| disk(&self.directory, error);
        let mut numbers = Vec::new();
        for entry in std::fs::read_dir(&self.directory).map_err(on_disk)? {
            let name = entry.map_err(on_disk)?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".journal"));
            numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn read_segment(&mut self, number: u64, is_last: bool) -> Result<(), Error> {
        let path = self.path(number);
        let octets = std::fs::read(&path).map_err(|error| disk(&path, error))?;
        let file = OpenOptions::new().read(true).write(true).open(&path);
        let file = file.map_err(|error| disk(&path, error))?;
        let mut segment = Segment {
            path: path.clone(),
            file: Arc::new(file),
            octets: 0,
            latest: None,
            ids: Vec::new(),
        };
        let mut offset = 0;
        loop {
            let place = Place {
                segment: number,
                offset: offset as u64,
            };
            match frame::read(&octets[offset..], &self.sealer, place) {
                Frame::End => break,
                Frame::Whole(record, length) => {
                    match record {
                        Record::Horizon(moment) => self.raise_horizon(moment),
                        Record::Signed(all) => self.remember(&mut segment, &all, place, length),
                    }
                    offset += length;
                }
                Frame::Torn if is_last && !frame::any_later(&octets[offset..]) => {
                    tracing::warn!(
                        segment = number,
                        at = offset,
                        "the journal's end was torn by a crash; what was never acknowledged is cut off"
                    );
                    let cut = segment
                        .file
                        .set_len(offset as u64)
                        .and_then(|()| segment.file.sync_all());
                    cut.map_err(|error| disk(&path, error))?;
                    break;
                }
                Frame::Torn | Frame::Damaged => {
                    return Err(Error::File {
                        path,
                        message: format!(
                            "no record at octet {offset}: the disk lost or changed what was written"
                        ),
                    });
                }
            }
        }
        segment.octets = offset as u64;
        self.segments.insert(number, segment);
        Ok(())
    }

    fn remember(&mut self, segment: &mut Segment, all: &[Signed], place: Place, octets: usize) {
        let mut index = write(&self.index);
        for (position, signed) in all.iter().enumerate() {
            segment.ids.push(signed.id);
            segment.latest = segment.latest.max(Some(signed.deadline));
            let remembered = Remembered {
                digest: signed.digest,
                deadline: signed.deadline,
                place,
                octets,
                position,
                file: Arc::clone(&segment.file),
            };
            index.requests.insert(signed.id, remembered);
        }
    }

    /// Writes records in one piece, and makes them durable. Nothing is remembered before that.
    ///
    /// # Errors
    /// [`Error::Disk`], [`Error::Randomness`]; what is on disk is then not known, and the journal must not be written any more.
    pub fn append(&mut self, records: Vec<Signed>, now: DateTime<Utc>) -> Result<(), Error> {
        self.forget(now)?;
        if records.is_empty() {
            return Ok(());
        }
        if self.current().1.octets >= SEGMENT_OCTETS_MAX {
            self.begin_segment(self.current().0 + 1)?;
        }
        let (number, mut segment) = self.segments.pop_last().expect("a segment is always open");
        let written = self.write(number, &mut segment, records);
        self.segments.insert(number, segment);
        written
    }

    fn write(&mut self, number: u64, segment: &mut Segment, records: Vec<Signed>) -> Result<(), Error> {
        let place = Place {
            segment: number,
            offset: segment.octets,
        };
        let record = Record::Signed(records);
        let frame = record.seal(&self.sealer, place)?;
        segment
            .file
            .write_all_at(&frame, segment.octets)
            .and_then(|()| segment.file.sync_data())
            .map_err(|error| disk(&segment.path, error))?;
        segment.octets += frame.len() as u64;
        if let Record::Signed(records) = record {
            self.remember(segment, &records, place, frame.len());
        }
        Ok(())
    }

    /// Removes the segments at the beginning whose records are all out of time. First it is made durable up to which deadline requests were forgotten:
    /// if the clock is set back, they must not seem new.
    fn forget(&mut self, now: DateTime<Utc>) -> Result<(), Error> {
        let current = self.current().0;
        let is_over = |number: u64, segment: &Segment| match segment.latest {
            Some(latest) => latest + self.remember_for < now,
            None => number != current,
        };
        let over = self
            .segments
            .iter()
            .take_while(|(number, segment)| is_over(**number, segment));
        let over: Vec<(u64, Option<DateTime<Utc>>)> =
            over.map(|(number, segment)| (*number, segment.latest)).collect();
        if let Some(latest) = over.iter().filter_map(|(_, latest)| *latest).max() {
            self.raise_horizon(latest);
            self.begin_segment(current + 1)?;
        }
        for (number, _) in over {
            let segment = self.segments.remove(&number).expect("it was just found");
            files::remove(&segment.path).map_err(|error| disk(&segment.path, error))?;
            let mut index = write(&self.index);
            for id in segment.ids {
                index.requests.remove(&id);
            }
        }
        Ok(())
    }

    fn begin_segment(&mut self, number: u64) -> Result<(), Error> {
        let path = self.path(number);
        let place = Place {
            segment: number,
            offset: 0,
        };
        let frame = Record::Horizon(read(&self.index).horizon).seal(&self.sealer, place)?;
        let made = || {
            let mut options = OpenOptions::new();
            let file = options
                .read(true)
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)?;
            file.write_all_at(&frame, 0)?;
            file.sync_all()?;
            files::sync_directory(&self.directory)?;
            Ok(file)
        };
        let file = made().map_err(|error| disk(&path, error))?;
        let segment = Segment {
            path,
            file: Arc::new(file),
            octets: frame.len() as u64,
            latest: None,
            ids: Vec::new(),
        };
        self.segments.insert(number, segment);
        Ok(())
    }

    fn current(&self) -> (u64, &Segment) {
        let (number, segment) = self.segments.last_key_value().expect("a segment is always open");
        (*number, segment)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.directory.join(format!("{number:012}.journal"))
    }

    fn raise_horizon(&self, moment: DateTime<Utc>) {
        let mut index = write(&self.index);
        index.horizon = index.horizon.max(moment);
    }

    /// What readers see.
    pub fn index(&self) -> Arc<RwLock<Index>> {
        Arc::clone(&self.index)
    }
}

impl Index {
    /// What is remembered of a request.
    pub fn get(&self, id: RequestId) -> Option<Remembered> {
        self.requests.get(&id).cloned()
    }

    /// Requests with this deadline or an earlier one may have been forgotten.
    pub fn horizon(&self) -> DateTime<Utc> {
        self.horizon
    }

    /// Requests remembered.
    pub fn len(&self) -> usize {
        self.requests.len()
    }

    /// The requests whose deadlines have not passed.
    pub fn fresh(&self, now: DateTime<Utc>) -> Vec<(RequestId, Remembered)> {
        let fresh = self
            .requests
            .iter()
            .filter(|(_, remembered)| remembered.deadline >= now);
        fresh.map(|(id, remembered)| (*id, remembered.clone())).collect()
    }
}

impl Remembered {
    /// The signed message, from the disk.
    ///
    /// # Errors
    /// [`Error::Disk`], [`Error::Damaged`].
    pub fn read(&self, sealer: &Sealer) -> Result<Vec<u8>, Error> {
        let mut octets = vec![0; self.octets];
        self.file
            .read_exact_at(&mut octets, self.place.offset)
            .map_err(|error| disk(Path::new("journal"), error))?;
        match frame::read(&octets, sealer, self.place) {
            Frame::Whole(Record::Signed(mut all), _) if self.position < all.len() => {
                Ok(all.swap_remove(self.position).cms)
            }
            _ => Err(Error::Damaged),
        }
    }
}

fn disk(path: &Path, error: std::io::Error) -> Error {
    Error::Disk {
        path: path.to_owned(),
        error,
    }
}
