//! How a customer's book lies in the store, and what its facts write beside it.

use crate::clock::Now;
use crate::deliveries::{self, DeliveryRecord};
use crate::durable::Persistent;
use crate::evidence::rows::owed_row;
use crate::idempotency;
use crate::ids::CustomerId;
use crate::machines::otp::{BookRecord, ChallengeV1, ChallengeV2, EarlierBook, Event, Fate, OtpBook};
use crate::wheel::DueKey;
use storage::record::{Record, decode, decode_payload, encode, encode_behind, unknown_version};
use storage::{Batch, Key};

impl Record for BookRecord<'_> {
    const NAME: &'static str = "customer's one-time passwords";
    const VERSION: u8 = 3;

    fn decode_older(version: u8, payload: &[u8]) -> storage::Result<Self> {
        match version {
            1 => decode_payload::<Self, EarlierBook<ChallengeV1>>(payload).map(Self::from),
            2 => decode_payload::<Self, EarlierBook<ChallengeV2>>(payload).map(Self::from),
            other => Err(unknown_version::<Self>(other)),
        }
    }
}

impl Persistent for OtpBook {
    type Id = CustomerId;

    fn row(id: &CustomerId) -> Key {
        Key::table("otp-book").i64(id.0).build()
    }

    fn restore(id: &CustomerId, stored: Option<&[u8]>, now: Now) -> storage::Result<Self> {
        Ok(match stored {
            Some(bytes) => Self::restored(*id, decode::<BookRecord<'_>>(bytes)?, now),
            None => Self::new(*id),
        })
    }

    fn encode(&self, now: Now, head: Vec<u8>) -> storage::Result<Vec<u8>> {
        encode_behind(head, &self.record(now))
    }

    fn companions(&self, event: &Event, now: Now, batch: &mut Batch) -> storage::Result<()> {
        match event {
            Event::Issued { challenge, .. } => match challenge.claim.as_deref() {
                Some(claim) => idempotency::reserve(batch, *claim, self.customer(), challenge.id, now),
                None => Ok(()),
            },
            Event::Verified {
                answer, claim, owed, ..
            } => {
                if let Some(owed) = owed {
                    batch.put(owed_row(owed.challenge), encode(owed.as_ref())?);
                }
                claim.map_or(Ok(()), |claim| idempotency::settle(batch, claim, answer, now))
            }
            Event::Settled {
                challenge,
                fate,
                answer,
                claim,
                first,
                handed,
            } => {
                if let (Some((partner, message)), Fate::HandedOver(_) | Fate::Unknown(_) | Fate::Lost) =
                    (first, fate)
                {
                    let record =
                        DeliveryRecord::begun(*partner, self.customer(), *message, handed.as_ref(), now);
                    deliveries::begin(batch, *challenge, &record)?;
                }
                claim.map_or(Ok(()), |claim| idempotency::settle(batch, claim, answer, now))
            }
            Event::TryCounted { .. } | Event::LockLifted { .. } => Ok(()),
        }
    }

    fn due_key(id: &CustomerId) -> Option<DueKey> {
        Some(DueKey::Customer(*id))
    }
}
