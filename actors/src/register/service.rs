//! Registers as their callers see them: operations with their idempotency keys, what became of them, and what a register shows.

use super::queue::{self, RevokedRecord};
use super::rows::{self, DocumentRecord, Part, ShiftRecord};
use super::{RegisterMessage, Registers};
use crate::clock::Clock;
use crate::idempotency::{Claim, Held, Running, Standing};
use crate::ids::OperationId;
use crate::machines::register::{
    Answer, Finding, OperationRecord, OperationState, Order, Request, Signer, Tool, Unit, View,
};
use crate::random::{Randomness, draw_uuid};
use crate::registry::Registry;
use crate::trouble::Trouble;
use fiscal::{LocalNumber, RegisterNumber, Uid};
use ractor::RpcReplyPort;
use std::sync::Arc;
use std::time::Duration;
use storage::Store;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// How much longer than its hold a caller waits for the actor's own word before it is told "not resolved" here.
const HOLD_GRACE: Duration = Duration::from_secs(1);

/// An operation that a caller asks for.
#[derive(Debug)]
pub struct Ordered {
    /// Of which register.
    pub register: RegisterNumber,
    /// What.
    pub request: Request,
    /// Who asks, and whose key signs.
    pub signer: Signer,
    /// What the directory knows of the register.
    pub unit: Arc<Unit>,
    /// What the caller says of opening a closed shift.
    pub open_shift: Option<bool>,
    /// How long the caller is held: 28 s by default, because clients give up at 30. Nothing: answered "pending" at once.
    pub hold: Duration,
    /// How long the operation may wait before its document is sent; at least `hold`.
    pub lifetime: Duration,
    /// The idempotency key it came under.
    pub claim: Option<Claim>,
    /// The client's own number.
    pub reference: Option<u64>,
}

/// What a caller gets.
#[derive(Debug, PartialEq)]
pub struct Asked {
    /// The answer.
    pub answer: Answer,
    /// Whether the operation was asked for before, under the same idempotency key.
    pub replayed: bool,
}

/// The registers.
#[derive(Clone)]
pub struct RegisterService {
    /// Their actors.
    pub registers: Arc<Registry<Registers>>,
    /// For what is kept.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub randomness: Arc<dyn Randomness>,
    /// Idempotency keys that are being accepted.
    pub running: Running,
    /// The gateway goes down: whoever is held is told that it is not resolved, and may ask the next process.
    pub going_down: CancellationToken,
}

impl RegisterService {
    /// Orders an operation, and is held until it is resolved or its hold is over.
    ///
    /// # Errors
    /// [`Trouble`], for what is no answer.
    pub async fn order(&self, ordered: Ordered) -> Result<Asked, Trouble> {
        let hold = ordered.hold;
        let held = match self.first_of(ordered.claim, hold).await? {
            Ok(held) => held,
            Err(replayed) => return Ok(replayed),
        };
        let operation =
            draw_uuid(self.randomness.as_ref(), self.clock.now()).map_err(|_| Trouble::Unforeseen)?;
        let operation = OperationId(operation);
        let register = ordered.register;
        let order = Box::new(Order {
            operation,
            request: ordered.request,
            signer: ordered.signer,
            unit: ordered.unit,
            open_shift: ordered.open_shift,
            hold,
            lifetime: ordered.lifetime,
            claim: ordered.claim,
            reference: ordered.reference,
            earlier: None,
            sold: None,
        });
        let answered = self.ask(register, |reply| RegisterMessage::Order { order, reply, held });
        let answer = tokio::select! {
            biased;
            answer = answered => answer?,
            // The actor's own word comes first; this is for one that is slow with its store.
            () = self.clock.sleep(hold + HOLD_GRACE) => self.pending(register, operation).await?,
            () = self.going_down.cancelled() => self.pending(register, operation).await?,
        };
        Ok(Asked {
            answer,
            replayed: false,
        })
    }

    /// What became of an operation, waited for at most so long; `None` for one that was never accepted. Works without the register's
    /// actor where it is resolved.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn operation(
        &self,
        operation: OperationId,
        wait: Duration,
    ) -> Result<Option<OperationRecord>, Trouble> {
        let record = self.record(operation).await?;
        let Some(record) = record.filter(|record| !record.state.is_final()) else {
            return self.record(operation).await;
        };
        let register = record.register;
        let settled = self.ask(register, |reply| RegisterMessage::Await { operation, reply });
        let state = tokio::select! {
            biased;
            state = settled => state?,
            () = self.clock.sleep(wait) => None,
            () = self.going_down.cancelled() => None,
        };
        Ok(Some(OperationRecord {
            state: state.unwrap_or(OperationState::Pending),
            ..record
        }))
    }

    /// What a register shows: shift, X-report, last document, link. Never queues behind a document.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn look(&self, register: RegisterNumber) -> Result<View, Trouble> {
        self.ask(register, |reply| RegisterMessage::Look { reply }).await
    }

    /// Takes a person's word on a register that waits for one; `false` where there was nothing to resolve, or the word does not fit.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn resolve(
        &self,
        register: RegisterNumber,
        document: Option<Finding>,
    ) -> Result<bool, Trouble> {
        self.ask(register, |reply| RegisterMessage::Resolve { document, reply })
            .await
    }

    /// A person uses a tool; `false` where it cannot be used, as things stand.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn tool(&self, register: RegisterNumber, tool: Tool) -> Result<bool, Trouble> {
        self.ask(register, |reply| RegisterMessage::Tool { tool, reply })
            .await
    }

    /// The lowest local number of a register's documents that are not delivered yet; `None` where all are.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn first_queued(&self, register: RegisterNumber) -> Result<Option<LocalNumber>, Trouble> {
        let read = queue::first_queued(self.store.as_ref(), register).await;
        read.map_err(|error| Trouble::of_store(&error))
    }

    /// Online documents that an offline session revoked: they count as not issued.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn revoked(&self, register: RegisterNumber) -> Result<Vec<RevokedRecord>, Trouble> {
        let read = queue::revoked(self.store.as_ref(), register).await;
        read.map_err(|error| Trouble::of_store(&error))
    }

    /// A document's octets; `None` where there are none.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn part(&self, uid: &Uid, part: Part) -> Result<Option<Vec<u8>>, Trouble> {
        let read = rows::part(self.store.as_ref(), uid, part).await;
        read.map_err(|error| Trouble::of_store(&error))
    }

    /// The registered document of this local number.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn document(
        &self,
        register: RegisterNumber,
        number: LocalNumber,
    ) -> Result<Option<DocumentRecord>, Trouble> {
        let read = rows::document(self.store.as_ref(), register, number).await;
        read.map_err(|error| Trouble::of_store(&error))
    }

    /// Registered documents above a local number, in order, at most [`storage::SCAN_MAX`].
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn registered(
        &self,
        register: RegisterNumber,
        after: Option<LocalNumber>,
    ) -> Result<Vec<DocumentRecord>, Trouble> {
        let read = rows::registered(self.store.as_ref(), register, after).await;
        read.map_err(|error| Trouble::of_store(&error))
    }

    /// Shifts above an ordinal, with their ordinals, at most [`storage::SCAN_MAX`].
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn shifts(
        &self,
        register: RegisterNumber,
        after: Option<u64>,
    ) -> Result<Vec<(u64, ShiftRecord)>, Trouble> {
        let read = rows::shifts(self.store.as_ref(), register, after).await;
        read.map_err(|error| Trouble::of_store(&error))
    }

    async fn record(&self, operation: OperationId) -> Result<Option<OperationRecord>, Trouble> {
        let read = rows::operation(self.store.as_ref(), operation).await;
        read.map_err(|error| Trouble::of_store(&error))
    }

    /// What an idempotency key says: go on (holding it), or what became of the first.
    async fn first_of(
        &self,
        claim: Option<Claim>,
        hold: Duration,
    ) -> Result<Result<Option<Held>, Asked>, Trouble> {
        let Some(claim) = claim else { return Ok(Ok(None)) };
        let judged = self
            .running
            .judge(claim, self.store.as_ref(), self.clock.as_ref())
            .await;
        match judged.map_err(|error| Trouble::of_store(&error))? {
            Standing::First(held) => Ok(Ok(Some(held))),
            Standing::StillRunning => Err(Trouble::StillRunning),
            Standing::Operation(register, operation) => {
                let record = self.operation(operation, hold).await?;
                let state = record.map_or(OperationState::Pending, |record| record.state);
                let is_shift_open = self.look(register).await?.shift.is_some();
                let answer = Answer {
                    operation,
                    state,
                    is_shift_open,
                };
                Ok(Err(Asked {
                    answer,
                    replayed: true,
                }))
            }
            // The claim binds the route, and no customer's code has one of ours.
            Standing::OtherBody | Standing::Answered(_) | Standing::Begun(..) => Err(Trouble::OtherBody),
        }
    }

    async fn pending(&self, register: RegisterNumber, operation: OperationId) -> Result<Answer, Trouble> {
        let is_shift_open = self.look(register).await?.shift.is_some();
        Ok(Answer {
            operation,
            state: OperationState::Pending,
            is_shift_open,
        })
    }

    async fn ask<T>(
        &self,
        register: RegisterNumber,
        message: impl FnOnce(RpcReplyPort<T>) -> RegisterMessage,
    ) -> Result<T, Trouble> {
        let (reply, answer) = oneshot::channel();
        self.registers
            .ask(register, message(reply.into()))
            .map_err(Trouble::from)?;
        answer.await.map_err(|_| Trouble::of_silence(self.store.as_ref()))
    }
}
