//! One write of the journal: `length ‖ CRC-32 ‖ sealed`, the first two little-endian and four octets each.
//!
//! What is written together is one frame, so that a crash leaves at most one torn frame, and nothing behind it.

use crate::vault::Sealer;
use chrono::{DateTime, Utc};
use signing_protocol::RequestId;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Octets before the sealed part.
const HEAD_OCTETS: usize = 8;
/// Octets of a sealed part: what is written together, and room for the largest message.
const SEALED_OCTETS_MAX: usize = 8 * 1024 * 1024;
/// Octets of a signed request before its message: length of the message, id, digest, deadline.
const FIXED_OCTETS: usize = 4 + 16 + 32 + 8;

/// What a frame says.
#[derive(Debug, PartialEq, Eq)]
pub enum Record {
    /// The first of a segment: requests with this deadline or an earlier one may have been forgotten.
    Horizon(DateTime<Utc>),
    /// Requests were signed.
    Signed(Vec<Signed>),
}

/// A request that was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Its id.
    pub id: RequestId,
    /// SHA-256 of its canonical content.
    pub digest: [u8; 32],
    /// Its deadline.
    pub deadline: DateTime<Utc>,
    /// The signed message.
    pub cms: Vec<u8>,
}

impl Record {
    fn write(&self) -> Vec<u8> {
        match self {
            Self::Horizon(moment) => [&[0], moment.timestamp_millis().to_be_bytes().as_slice()].concat(),
            Self::Signed(all) => {
                let length = all
                    .iter()
                    .map(|signed| FIXED_OCTETS + signed.cms.len())
                    .sum::<usize>();
                let mut octets = Vec::with_capacity(1 + length);
                octets.push(1);
                for signed in all {
                    let length = u32::try_from(signed.cms.len()).expect("a message is below 4 GiB");
                    octets.extend_from_slice(&length.to_be_bytes());
                    octets.extend_from_slice(signed.id.0.as_bytes());
                    octets.extend_from_slice(&signed.digest);
                    octets.extend_from_slice(&signed.deadline.timestamp_millis().to_be_bytes());
                    octets.extend_from_slice(&signed.cms);
                }
                octets
            }
        }
    }

    fn read(octets: &[u8]) -> Option<Self> {
        match octets.split_first()? {
            (0, rest) => Some(Self::Horizon(moment(rest)?)),
            (1, mut rest) => {
                let mut all = Vec::new();
                while !rest.is_empty() {
                    let (fixed, after) = rest.split_at_checked(FIXED_OCTETS)?;
                    let length = u32::from_be_bytes(fixed[..4].try_into().ok()?);
                    let (cms, after) = after.split_at_checked(usize::try_from(length).ok()?)?;
                    rest = after;
                    all.push(Signed {
                        id: RequestId(Uuid::from_slice(&fixed[4..20]).ok()?),
                        digest: fixed[20..52].try_into().ok()?,
                        deadline: moment(&fixed[52..])?,
                        cms: cms.to_vec(),
                    });
                }
                Some(Self::Signed(all))
            }
            _ => None,
        }
    }

    /// The frame of this record, at its place: a frame that was moved does not open.
    ///
    /// # Errors
    /// [`crate::vault::Error::Randomness`].
    pub fn seal(&self, sealer: &Sealer, place: Place) -> Result<Vec<u8>, crate::vault::Error> {
        let sealed = sealer.seal(&place.name(), &Zeroizing::new(self.write()))?;
        let length = u32::try_from(sealed.len()).expect("what is written together is below 4 GiB");
        let mut frame = Vec::with_capacity(HEAD_OCTETS + sealed.len());
        frame.extend_from_slice(&length.to_le_bytes());
        frame.extend_from_slice(&crc32fast::hash(&sealed).to_le_bytes());
        frame.extend_from_slice(&sealed);
        Ok(frame)
    }
}

fn moment(octets: &[u8]) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(i64::from_be_bytes(octets.try_into().ok()?))
}

/// Where a frame stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number of the segment.
    pub segment: u64,
    /// Octets before the frame.
    pub offset: u64,
}

impl Place {
    fn name(self) -> Vec<u8> {
        format!("smartsign journal {}/{}", self.segment, self.offset).into_bytes()
    }
}

/// What octets hold at a place.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// A record, and the octets of its frame.
    Whole(Record, usize),
    /// Nothing further.
    End,
    /// Less than a frame, or one whose check does not hold: what a crash leaves of an unfinished write.
    Torn,
    /// A frame whose check holds and that does not open, or makes no sense: not what was written here.
    Damaged,
}

/// Reads the frame that begins with `octets`.
pub fn read(octets: &[u8], sealer: &Sealer, place: Place) -> Frame {
    if octets.is_empty() {
        return Frame::End;
    }
    let Some(sealed) = checked(octets) else {
        return Frame::Torn;
    };
    let record = sealer.open(&place.name(), sealed);
    match record.ok().and_then(|record| Record::read(&record)) {
        Some(record) => Frame::Whole(record, HEAD_OCTETS + sealed.len()),
        None => Frame::Damaged,
    }
}

/// The sealed part, where it is complete and its check holds.
fn checked(octets: &[u8]) -> Option<&[u8]> {
    let (length, rest) = octets.split_first_chunk::<4>()?;
    let (check, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    // An empty one would pass where a disk gives back zeros.
    let is_possible = (1..=SEALED_OCTETS_MAX).contains(&length);
    let sealed = rest.get(..length).filter(|_| is_possible)?;
    (crc32fast::hash(sealed) == u32::from_le_bytes(*check)).then_some(sealed)
}

/// Whether a whole frame begins anywhere behind the first octet: then what comes before it was not torn by a crash.
pub fn any_later(octets: &[u8]) -> bool {
    (1..octets.len()).any(|start| checked(&octets[start..]).is_some())
}
