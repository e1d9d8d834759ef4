//! One deed for one idempotency key, whatever is retried and whatever dies.
//!
//! The reservation is written in the same batch as the intent that it guards, and the answer in the same batch as the outcome, both by the
//! target's actor; so there is no moment at which one exists without the other. While a request runs, its key is held in memory.

use crate::clock::{Clock, Now, millis};
use crate::ids::{ChallengeId, CustomerId, InvokerCode, OperationId};
use crate::machines::otp::Answer;
use crate::maps::SharedMap;
use dashmap::mapref::entry::Entry;
use fiscal::RegisterNumber;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use storage::record::{Record, decode, encode};
use storage::{Batch, Key, Store};
use uuid::Uuid;

/// The table of kept answers and reservations.
const TABLE: &str = "idempotency";
/// The index of the former by the moment from which they may be swept.
pub(crate) const EXPIRY_TABLE: &str = "idempotency-expiry";

/// How long a key is kept (the service's contract: 24 hours).
pub const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// How much longer the row stays on disk, so that the sweeper never meets a row that is still in force.
const SWEEP_GRACE: Duration = Duration::from_secs(60 * 60);

/// An idempotency key bound to partner and route, and the digest of the body it came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Claim {
    key: [u8; 32],
    body: [u8; 32],
}

impl Claim {
    /// Binds a caller's key (up to 255 characters) to partner and route, and digests the body.
    pub fn new(partner: InvokerCode, route: &str, key: &str, body: &[u8]) -> Self {
        Self::of(partner.0, route, key, body)
    }

    /// The same for whoever has an identity of this form: an invoker, or an account of the fiscal side. Identities are random, so that one
    /// of each never meet; and routes differ.
    pub fn of(owner: Uuid, route: &str, key: &str, body: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(owner.as_bytes());
        hash.update([u8::try_from(route.len()).unwrap_or(u8::MAX)]);
        hash.update(route.as_bytes());
        hash.update(key.as_bytes());
        Self {
            key: hash.finalize().into(),
            body: Sha256::digest(body).into(),
        }
    }

    fn row(&self) -> Key {
        Key::table(TABLE).raw(&self.key).build()
    }
}

/// What is stored under a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reservation {
    body: [u8; 32],
    /// Milliseconds since 1970.
    reserved_ms: i64,
    state: ReservationState,
}

/// Whether the answer is there yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ReservationState {
    /// The deed was begun; its outcome is this customer's to settle.
    Begun {
        /// Whose actor settles it.
        customer: CustomerId,
        /// Which code it is about.
        challenge: ChallengeId,
    },
    /// The answer that every repeat gets.
    Answered {
        /// As it was given.
        answer: Answer,
        /// When, in milliseconds since 1970.
        at_ms: i64,
    },
    /// The deed is an operation of a register, whose own record says what became of it.
    Operation {
        /// Whose actor settles it.
        register: RegisterNumber,
        /// Which.
        operation: OperationId,
    },
}

impl Record for Reservation {
    const NAME: &'static str = "idempotency reservation";
    const VERSION: u8 = 1;
}

/// Writes the reservation into the batch of the intent.
pub(crate) fn reserve(
    batch: &mut Batch,
    claim: Claim,
    customer: CustomerId,
    challenge: ChallengeId,
    now: Now,
) -> storage::Result<()> {
    put(batch, claim, ReservationState::Begun { customer, challenge }, now)
}

/// Writes the reservation of a register's operation into the batch that accepts it. Its answer needs no row here: the operation's record
/// is kept.
pub(crate) fn reserve_operation(
    batch: &mut Batch,
    claim: Claim,
    register: RegisterNumber,
    operation: OperationId,
    now: Now,
) -> storage::Result<()> {
    put(
        batch,
        claim,
        ReservationState::Operation { register, operation },
        now,
    )
}

/// Releases the key of a deed that was not done: it may be tried again.
pub(crate) fn release(batch: &mut Batch, claim: Claim) {
    batch.delete(claim.row());
}

/// Writes the answer, or the key's release, into the batch of the outcome.
pub(crate) fn settle(batch: &mut Batch, claim: Claim, answer: &Answer, now: Now) -> storage::Result<()> {
    if answer.is_kept() {
        let at_ms = now.wall.timestamp_millis();
        return put(
            batch,
            claim,
            ReservationState::Answered {
                answer: answer.clone(),
                at_ms,
            },
            now,
        );
    }
    release(batch, claim);
    Ok(())
}

fn put(batch: &mut Batch, claim: Claim, state: ReservationState, now: Now) -> storage::Result<()> {
    let reserved_ms = now.wall.timestamp_millis();
    batch.put(
        claim.row(),
        encode(&Reservation {
            body: claim.body,
            reserved_ms,
            state,
        })?,
    );
    let sweep_at = reserved_ms
        .saturating_add(millis(KEPT_FOR))
        .saturating_add(millis(SWEEP_GRACE));
    batch.put(
        Key::table(EXPIRY_TABLE).i64(sweep_at).raw(&claim.key).build(),
        Vec::new(),
    );
    Ok(())
}

/// The row that an index entry of [`EXPIRY_TABLE`] points to.
pub(crate) fn row_of_expiry(entry: &Key) -> storage::Result<(i64, Key)> {
    let mut reader = storage::KeyReader::new(entry, EXPIRY_TABLE)?;
    let sweep_at = reader.i64()?;
    let key = reader.raw::<32>()?;
    Ok((sweep_at, Key::table(TABLE).raw(&key).build()))
}

/// Whether a stored reservation may be swept at this wall time.
pub(crate) fn may_sweep(value: &[u8], now_ms: i64) -> storage::Result<bool> {
    let reservation: Reservation = decode(value)?;
    Ok(reservation
        .reserved_ms
        .saturating_add(millis(KEPT_FOR))
        .saturating_add(millis(SWEEP_GRACE))
        <= now_ms)
}

/// The keys of requests that run in this process.
#[derive(Clone, Default)]
pub struct Running(Arc<SharedMap<[u8; 32], [u8; 32]>>);

/// Holds a key while its request runs; travels with the request into the actor, and ends with its answer. In a box: most requests have none, and what
/// travels that way would keep room for it.
pub struct Held(Box<Holding>);

struct Holding {
    running: Running,
    claim: Claim,
}

impl Held {
    /// The claim that is held.
    pub fn claim(&self) -> Claim {
        self.0.claim
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.running.0.remove(&self.claim.key);
    }
}

/// What a key means for the request that brings it.
pub enum Standing {
    /// The first: go on, and hold this meanwhile.
    First(Held),
    /// Answered before: give this, with so many seconds left of its Retry-After.
    Answered(Answer),
    /// Begun before a restart: this customer's actor settles it.
    Begun(Held, CustomerId, ChallengeId),
    /// An operation of a register: its record says what became of it, its actor settles it.
    Operation(RegisterNumber, OperationId),
    /// The first still runs.
    StillRunning,
    /// The key came with another body.
    OtherBody,
}

impl Running {
    /// Judges a claim: against what runs, then against what is stored.
    pub async fn judge(
        &self,
        claim: Claim,
        store: &dyn Store,
        clock: &dyn Clock,
    ) -> storage::Result<Standing> {
        match self.0.entry(claim.key) {
            Entry::Occupied(held) if *held.get() == claim.body => return Ok(Standing::StillRunning),
            Entry::Occupied(_) => return Ok(Standing::OtherBody),
            Entry::Vacant(free) => drop(free.insert(claim.body)),
        }
        let held = Held(Box::new(Holding {
            running: self.clone(),
            claim,
        }));
        let Some(stored) = store.get(claim.row()).await? else {
            return Ok(Standing::First(held));
        };
        let reservation: Reservation = decode(&stored.value)?;
        let now_ms = clock.now().wall.timestamp_millis();
        if reservation.reserved_ms.saturating_add(millis(KEPT_FOR)) <= now_ms {
            return Ok(Standing::First(held));
        }
        if reservation.body != claim.body {
            return Ok(Standing::OtherBody);
        }
        Ok(match reservation.state {
            ReservationState::Begun { customer, challenge } => Standing::Begun(held, customer, challenge),
            ReservationState::Answered { answer, at_ms } => Standing::Answered(aged(answer, now_ms - at_ms)),
            ReservationState::Operation { register, operation } => Standing::Operation(register, operation),
        })
    }
}

/// The first answer, with what is left of its Retry-After.
fn aged(answer: Answer, age_ms: i64) -> Answer {
    let age_seconds = u32::try_from(age_ms.max(0) / 1_000).unwrap_or(u32::MAX);
    let left = answer
        .retry_after_seconds
        .map(|seconds| seconds.saturating_sub(age_seconds))
        .filter(|left| *left > 0);
    Answer {
        retry_after_seconds: left,
        ..answer
    }
}
