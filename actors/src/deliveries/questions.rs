//! Questions to operators that tell nobody by themselves: what became of these messages?
//!
//! A question is a row, written with the outcome that makes it owed. One turn asks all that are due, in few calls, and owes the next ones.

use super::rows::{self, QUESTIONS};
use super::{Deliveries, DeliveryRecord, Status};
use crate::ids::ChallengeId;
use crate::ports::{Lookup, SmsSender};
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use storage::{Batch, Key, Scan};

/// How often due questions are looked for: the shortest is due after five seconds.
const LOOK: Duration = Duration::from_secs(2);
/// Questions of one turn.
const QUESTIONS_MAX: usize = 500;
/// Ids in one call: the smallest that operators allow is 100.
const IDS_MAX: usize = 100;
/// Messages that are asked for at once by our own ids.
const AT_ONCE: usize = 16;
/// How long an operator may take for an answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Asks for ever; an error of the store is logged, and the next turn tries again.
pub async fn ask_for_ever(deliveries: Deliveries, sms: Arc<dyn SmsSender>) {
    loop {
        deliveries.clock.sleep(LOOK).await;
        match turn(&deliveries, sms.as_ref()).await {
            Ok(()) => {}
            Err(storage::Error::Closed) => return,
            Err(error) => {
                tracing::warn!(%error, "what became of messages could not be asked for; the next turn tries again");
            }
        }
    }
}

async fn turn(deliveries: &Deliveries, sms: &dyn SmsSender) -> storage::Result<()> {
    let now_ms = deliveries.clock.now().wall.timestamp_millis();
    let due = deliveries
        .store
        .scan(Scan {
            prefix: Key::table(QUESTIONS).build(),
            after: None,
            until: Some(Key::table(QUESTIONS).i64(now_ms.saturating_add(1)).build()),
            limit: QUESTIONS_MAX,
        })
        .await?;
    let mut asked: Vec<(Key, ChallengeId, u8)> = Vec::new();
    let mut by_operator: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut unknown = Vec::new();
    for question in due {
        let (_, challenge) = rows::question_of(&question.key)?;
        let times = question.stored.value.first().copied().unwrap_or(u8::MAX);
        if let Some((record, _)) = deliveries.load(challenge).await? {
            if record.status == Status::Unknown {
                unknown.push((challenge, record));
            } else {
                let ids = by_operator.entry(record.operator).or_default();
                ids.extend(record.parts.into_iter().map(|part| part.id));
            }
        }
        asked.push((question.key, challenge, times));
    }
    // Several at once: an operator that is away takes its time for each.
    for unknown in unknown.chunks(AT_ONCE) {
        let asked = unknown
            .iter()
            .map(|(challenge, record)| ask_by_message(deliveries, sms, *challenge, record));
        for asked in join_all(asked).await {
            asked?;
        }
    }
    for (operator, ids) in &by_operator {
        for ids in ids.chunks(IDS_MAX) {
            for report in sms.poll(operator, ids, ANSWER_MAX).await {
                deliveries.take(operator, &report).await?;
            }
        }
    }
    owe_next(deliveries, asked).await
}

/// A message whose operator nobody knows is asked for by our own id.
async fn ask_by_message(
    deliveries: &Deliveries,
    sms: &dyn SmsSender,
    challenge: ChallengeId,
    record: &DeliveryRecord,
) -> storage::Result<()> {
    if let Lookup::Known(outcome) = sms.lookup(record.message, ANSWER_MAX).await {
        deliveries.late(challenge, &outcome).await?;
    }
    Ok(())
}

/// Puts the next question in each one's place.
async fn owe_next(deliveries: &Deliveries, asked: Vec<(Key, ChallengeId, u8)>) -> storage::Result<()> {
    for (key, challenge, times) in asked {
        let mut batch = Batch::default();
        batch.delete(key);
        if let Some((record, _)) = deliveries.load(challenge).await? {
            rows::put_question(&mut batch, challenge, &record, times.saturating_add(1));
        }
        deliveries.store.commit(batch).await?;
    }
    Ok(())
}
