//! The actor of one customer: the shell around [`OtpBook`].
//!
//! It awaits its own commits and nothing else. A message to an operator is handed over at once if the operator takes it at once; otherwise that runs in
//! a task that tells the outcome back. The deadline of that outcome lives in the machine, so a lost task leaves nothing stuck.

mod errands;

use crate::clock::Clock;
use crate::durable::Durable;
use crate::evidence::EvidenceService;
use crate::idempotency::Held;
use crate::ids::{ChallengeId, ContactId, CustomerId, RequestId};
use crate::machines::otp::{Answer, Command, Effect, OtpBook, SendCommand, Settlement, VerifyCommand};
use crate::metrics::{HandedOver, Metrics};
use crate::ports::{HandOver, Message, SmsSender};
use crate::registry::{Kind, Observed, Registry, Slot};
use crate::wheel::Wheel;
use crate::windows::ClosedWindows;
use evidence::tree::Hash;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use smallvec::SmallVec;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;
use storage::Store;
use tokio_util::task::TaskTracker;

/// What a customer's actor is told.
pub enum CustomerMessage {
    /// Send a code. The actor gives the command its request id.
    Send {
        /// What is asked.
        command: Box<SendCommand>,
        /// Who waits.
        reply: RpcReplyPort<Answer>,
        /// The idempotency key that runs meanwhile.
        held: Option<Held>,
    },
    /// Verify a code. The actor gives the command its request id.
    Verify {
        /// What is asked.
        command: Box<VerifyCommand>,
        /// Who waits.
        reply: RpcReplyPort<Answer>,
        /// The idempotency key that runs meanwhile.
        held: Option<Held>,
        /// Told the leaf of the evidence that success owes, once it is durable.
        receipt: Option<RpcReplyPort<Hash>>,
    },
    /// Wait until a code's outcome is settled; `None` if it was settled before.
    Await {
        /// Which code.
        challenge: ChallengeId,
        /// Who waits.
        reply: RpcReplyPort<Option<Answer>>,
    },
    /// Lift a contact's lock.
    LiftLock {
        /// Which contact's.
        contact: ContactId,
        /// Told when it is durable.
        reply: RpcReplyPort<()>,
    },
    /// An operator's word.
    Outcome {
        /// On which code's message.
        challenge: ChallengeId,
        /// What became of it.
        settlement: Settlement,
        /// Who has it.
        handed: Option<HandOver>,
        /// Told when it is durable.
        reply: Option<RpcReplyPort<()>>,
    },
    /// A deadline has come.
    Wake,
    /// Leave memory if nothing is waited for.
    LeaveIfIdle,
}

/// What every customer's actor shares.
pub struct World {
    /// Where state is kept.
    pub store: Arc<dyn Store>,
    /// Who wakes actors.
    pub wheel: Wheel,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The operator.
    pub sms: Arc<dyn SmsSender>,
    /// How long an operator may take: shorter than the machine's own deadline for the outcome
    /// ([`crate::machines::otp::Policy`]), so that the task's word comes first and that deadline is for lost tasks only.
    pub hand_over_max: Duration,
    /// Counters.
    pub metrics: Metrics,
    /// Those of what the operator is handed.
    pub handed_over: HandedOver,
    /// Windows that are known to be closed.
    pub windows: Arc<ClosedWindows>,
    /// Effects under way, so that a shutdown can wait for them.
    pub tasks: TaskTracker,
    /// Where verified codes leave their evidence, if the log is served.
    pub evidence: Option<EvidenceService>,
    /// Set once, right after the registry was made.
    pub registry: OnceLock<Weak<Registry<Customers>>>,
}

impl World {
    fn tell(&self, customer: CustomerId, message: CustomerMessage) {
        if let Some(registry) = self.registry.get().and_then(Weak::upgrade) {
            registry.tell(customer, message);
        }
    }
}

/// The kind of actor that customers are.
pub struct Customers(pub Arc<World>);

impl Kind for Customers {
    type Id = CustomerId;
    type Message = CustomerMessage;
    type Actor = CustomerActor;

    fn actor(&self) -> CustomerActor {
        CustomerActor(Arc::clone(&self.0))
    }

    fn leave_if_idle() -> CustomerMessage {
        CustomerMessage::LeaveIfIdle
    }

    fn observe(&self, observed: Observed) {
        let metrics = &self.0.metrics;
        match observed {
            Observed::Started => {
                metrics.customers_started.inc();
                metrics.customers_live.inc();
            }
            Observed::Passivated => {
                metrics.customers_passivated.inc();
                metrics.customers_live.dec();
            }
            Observed::Failed => {
                metrics.customers_failed.inc();
                metrics.customers_live.dec();
            }
            Observed::Busy => metrics.customers_busy.inc(),
            Observed::Queued(waiting) => metrics.customer_depth.observe(f64::from(waiting)),
        }
    }
}

/// The actor; all of its state is in [`State`].
pub struct CustomerActor(Arc<World>);

/// One customer in memory.
pub struct State {
    id: CustomerId,
    slot: Slot,
    /// Loaded by the first message, so that a store that fails ends the actor where its supervisor sees it.
    book: Option<Durable<OtpBook>>,
    next_request: u64,
    /// Those who asked for a code or its verification: one, or few.
    waiting: SmallVec<[Asked; 1]>,
    lifting: Vec<(RequestId, RpcReplyPort<()>)>,
    awaiting: Vec<(ChallengeId, RpcReplyPort<Option<Answer>>)>,
}

/// Who waits for an answer.
struct Asked {
    request: RequestId,
    reply: RpcReplyPort<Answer>,
    held: Option<Held>,
    receipt: Option<RpcReplyPort<Hash>>,
}

impl State {
    fn request(&mut self) -> RequestId {
        self.next_request += 1;
        RequestId(self.next_request)
    }

    fn asked(&self, request: RequestId) -> Option<usize> {
        self.waiting.iter().position(|asked| asked.request == request)
    }

    fn is_idle(&self) -> bool {
        let waits = self.book.as_ref().is_some_and(|book| book.machine().is_waiting());
        !waits && self.waiting.is_empty() && self.lifting.is_empty() && self.awaiting.is_empty()
    }
}

impl Actor for CustomerActor {
    type Msg = CustomerMessage;
    type State = State;
    type Arguments = (CustomerId, Slot);

    async fn pre_start(
        &self,
        _: ActorRef<Self::Msg>,
        (id, slot): Self::Arguments,
    ) -> Result<State, ActorProcessingErr> {
        Ok(State {
            id,
            slot,
            book: None,
            next_request: 0,
            waiting: SmallVec::new(),
            lifting: Vec::new(),
            awaiting: Vec::new(),
        })
    }

    /// In a box: the future takes kilobytes, which the loop around it would move several times for each message, and keep room for while it waits.
    fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: CustomerMessage,
        state: &mut State,
    ) -> impl Future<Output = Result<(), ActorProcessingErr>> + Send {
        Box::pin(self.told(myself, message, state))
    }
}

impl CustomerActor {
    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` keeps its arguments twice, and this goes into a box for each message"
    )]
    fn told(
        &self,
        myself: ActorRef<CustomerMessage>,
        mut message: CustomerMessage,
        state: &mut State,
    ) -> impl Future<Output = Result<(), ActorProcessingErr>> + Send {
        async move {
            state.slot.taken();
            if let CustomerMessage::LeaveIfIdle = message {
                Registry::let_go(&self.0.registry, state.id, &myself, state.is_idle());
                return Ok(());
            }
            if state.book.is_none() {
                Box::pin(self.load(state)).await?; // once in its life; every message would keep room for it
            }
            let told = match &mut message {
                CustomerMessage::Outcome { reply, .. } => reply.take(),
                _ => None,
            };
            let mut next = self.command(message, state);
            while let Some(command) = next.take() {
                let book = state.book.as_mut().expect("loaded before any step");
                let effects = book
                    .step(command, self.0.clock.now())
                    .await
                    .inspect_err(|error| log(state.id, error))?;
                next = self.begin_all(effects, state);
            }
            told.into_iter().for_each(|reply| answer(reply, ()));
            Ok(())
        }
    }

    async fn load(&self, state: &mut State) -> Result<(), ActorProcessingErr> {
        let world = &self.0;
        let book = Durable::<OtpBook>::load(
            Arc::clone(&world.store),
            world.wheel.clone(),
            state.id,
            world.clock.now(),
        )
        .await
        .inspect_err(|error| log(state.id, error))?;
        for effect in book.machine().owed() {
            self.begin(effect, state);
        }
        state.book = Some(book);
        Ok(())
    }

    /// Keeps the reply port and gives the command.
    fn command(&self, message: CustomerMessage, state: &mut State) -> Option<Command> {
        match message {
            CustomerMessage::Send {
                mut command,
                reply,
                held,
            } => {
                if reply.is_closed() && held.is_none() {
                    return None; // the caller has gone before anything happened, and will not repeat under a key
                }
                let request = state.request();
                command.request = request;
                let receipt = None;
                state.waiting.push(Asked {
                    request,
                    reply,
                    held,
                    receipt,
                });
                Some(Command::Send(command))
            }
            CustomerMessage::Verify {
                mut command,
                reply,
                held,
                receipt,
            } => {
                let request = state.request();
                command.request = request;
                state.waiting.push(Asked {
                    request,
                    reply,
                    held,
                    receipt,
                });
                if let Some(evidence) = &mut command.evidence {
                    self.0.sms.name().clone_into(&mut evidence.key_transport);
                }
                Some(Command::Verify(command))
            }
            CustomerMessage::Await { challenge, reply } => {
                let in_flight = state
                    .book
                    .as_ref()
                    .is_some_and(|book| book.machine().is_in_flight(challenge));
                if in_flight {
                    state.awaiting.push((challenge, reply));
                } else {
                    answer(reply, None);
                }
                None
            }
            CustomerMessage::LiftLock { contact, reply } => {
                let request = state.request();
                state.lifting.push((request, reply));
                Some(Command::LiftLock { contact, request })
            }
            CustomerMessage::Outcome {
                challenge,
                settlement,
                handed,
                ..
            } => Some(Command::Settle {
                challenge,
                settlement,
                handed,
            }),
            CustomerMessage::Wake => Some(Command::Wake),
            CustomerMessage::LeaveIfIdle => None,
        }
    }

    /// Begins a step's effects. A comparison is a step of its own, right behind the try that it belongs to; so is the word of an operator that came at
    /// once.
    fn begin_all(&self, effects: Vec<Effect>, state: &mut State) -> Option<Command> {
        let mut next = None;
        for effect in effects {
            match effect {
                Effect::Compare(verify) => next = Some(Command::Compare(verify)),
                Effect::SendSms {
                    challenge,
                    message,
                    partner,
                    lifetime,
                    destination,
                    text,
                    trace,
                } => {
                    let message = Message {
                        id: message,
                        challenge,
                        partner,
                        destination,
                        text,
                        lifetime,
                        deadline: self.0.hand_over_max,
                        trace,
                    };
                    next = self.send(state.id, message);
                }
                other => self.begin(other, state),
            }
        }
        next
    }

    fn begin(&self, effect: Effect, state: &mut State) {
        match effect {
            Effect::Answer {
                request,
                answer: given,
            } => {
                if let Some(at) = state.asked(request) {
                    let asked = state.waiting.swap_remove(at);
                    drop(asked.receipt); // nobody waits for evidence that is not owed
                    drop(asked.held); // before the answer: who has it may repeat at once
                    answer(asked.reply, given);
                }
            }
            Effect::Settled {
                challenge,
                answer: given,
            } => {
                let ended = |(awaited, _): &mut (ChallengeId, _)| *awaited == challenge;
                for (_, reply) in state.awaiting.extract_if(.., ended) {
                    answer(reply, Some(given.clone()));
                }
            }
            Effect::LockLifted { request } => {
                let lifted = |(lifting, _): &mut (RequestId, _)| *lifting == request;
                for (_, reply) in state.lifting.extract_if(.., lifted) {
                    answer(reply, ());
                }
            }
            Effect::RecordEvidence { request, owed } => {
                let receipt = state
                    .asked(request)
                    .and_then(|at| state.waiting[at].receipt.take());
                self.pay(*owed, receipt);
            }
            Effect::AskOperator { challenge, message } => self.ask(state.id, challenge, message),
            Effect::WindowClosed { window, until } => self.0.windows.close(state.id, window, until),
            Effect::WindowOpened { window } => self.0.windows.open(state.id, window),
            Effect::Compare(_) | Effect::SendSms { .. } => {
                unreachable!("what may be a step is begun in `begin_all`")
            }
        }
    }
}

/// Once, with the id. That the disk is full or the store closed is said by the store itself; once for each call would fill the disk.
fn log(customer: CustomerId, error: &storage::Error) {
    if !matches!(error, storage::Error::Full { .. } | storage::Error::Closed) {
        tracing::error!(%customer, %error, "a customer's actor ends: its state could not be read or made durable");
    }
}

/// Answers whoever may still be waiting; who has gone is no error.
fn answer<T: Send>(reply: RpcReplyPort<T>, given: T) {
    let _ = reply.send(given);
}
