//! Where deliveries lie: a row per challenge, one for each id by which an operator will name it, and one for each question that is owed.

use super::record::{DeliveryRecord, Status};
use crate::ids::ChallengeId;
use storage::record::encode;
use storage::{Batch, Key, KeyReader};
use uuid::Uuid;

/// By challenge. A challenge's id begins with its time, so that the oldest come first.
pub(crate) const TABLE: &str = "delivery";
/// From an operator's name and id to a challenge.
pub(crate) const NAMES: &str = "delivery-name";
/// Questions that are owed, by the wall time at which they are.
pub(crate) const QUESTIONS: &str = "delivery-question";

/// After the hand-over, in milliseconds: an unknown one matters while its window is closed, a sent one for its partner's records.
pub(super) const ASKED_AFTER_MS: [i64; 8] = [
    5_000, 20_000, 60_000, 180_000, 600_000, 3_600_000, 21_600_000, 86_400_000,
];

pub(super) fn row(challenge: ChallengeId) -> Key {
    Key::table(TABLE).raw(challenge.0.as_bytes()).build()
}

pub(super) fn name_row(operator: &str, id: &str) -> Key {
    Key::table(NAMES).text(operator).text(id).build()
}

pub(super) fn question_row(due_ms: i64, challenge: ChallengeId) -> Key {
    Key::table(QUESTIONS)
        .i64(due_ms)
        .raw(challenge.0.as_bytes())
        .build()
}

/// When a question is due, and about which challenge.
pub(super) fn question_of(key: &Key) -> storage::Result<(i64, ChallengeId)> {
    let mut reader = KeyReader::new(key, QUESTIONS)?;
    let due_ms = reader.i64()?;
    Ok((due_ms, ChallengeId(Uuid::from_bytes(reader.raw::<16>()?))))
}

/// Writes a delivery's names.
pub(super) fn put_names(batch: &mut Batch, challenge: ChallengeId, record: &DeliveryRecord) {
    for part in &record.parts {
        let row = name_row(&record.operator, &part.id);
        batch.put_copy(row, challenge.0.as_bytes());
    }
}

/// Writes the question that is owed after `asked` others; none after the last.
pub(super) fn put_question(batch: &mut Batch, challenge: ChallengeId, record: &DeliveryRecord, asked: u8) {
    let is_asked = !record.status.is_final() && (record.is_polled || record.status == Status::Unknown);
    if let Some(after_ms) = ASKED_AFTER_MS.get(usize::from(asked)).filter(|_| is_asked) {
        let due_ms = record.sent_ms.saturating_add(*after_ms);
        batch.put_copy(question_row(due_ms, challenge), &[asked]);
    }
}

/// Writes a delivery for the first time, into the batch of the outcome that begins it.
pub(crate) fn begin(
    batch: &mut Batch,
    challenge: ChallengeId,
    record: &DeliveryRecord,
) -> storage::Result<()> {
    batch.put(row(challenge), encode(record)?);
    put_names(batch, challenge, record);
    put_question(batch, challenge, record, 0);
    Ok(())
}
