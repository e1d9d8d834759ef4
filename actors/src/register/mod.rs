//! The actor of one cash register: the shell around [`RegisterBook`].
//!
//! It awaits its own commits and the reading of its own rows, and nothing else. Signatures and the tax service are asked in tasks that tell
//! the outcome back; the deadlines of these outcomes live in the machine, so a lost task leaves nothing stuck.

pub mod audit;
mod effects;
mod list;
mod metrics;
pub mod queue;
pub mod rows;
mod service;
mod waiters;

pub use list::{NoList, RegisterLists};
pub use metrics::RegisterMetrics;
pub use service::{Asked, Ordered, RegisterService};

use crate::clock::Clock;
use crate::durable::Durable;
use crate::idempotency::Held;
use crate::ids::{OperationId, RequestId};
use crate::machines::register::{
    Answer, Ask, Command, Draw, Effect, Finding, OperationState, Order, Phase, RegisterBook, Signature, Tool,
    View, fingerprint,
};
use crate::owners::{Listener, Teller};
use crate::ports::{SignatureVerifier, SigningAgent, TaxService};
use crate::random::{Randomness, draw_uuid};
use crate::registry::{Kind, Observed, Registry, Slot};
use crate::wheel::Wheel;
use fiscal::RegisterNumber;
use metrics::{OfflineGauge, StateGauge};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock, Weak};
use storage::Store;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use waiters::Waiters;

/// What a register's actor is told.
pub enum RegisterMessage {
    /// An operation. What was seen of it before, and the receipt that it returns, the actor looks up itself.
    Order {
        /// What is asked.
        order: Box<Order>,
        /// Who is held.
        reply: RpcReplyPort<Answer>,
        /// The idempotency key that runs until the operation is accepted.
        held: Option<Held>,
    },
    /// Wait until an operation is resolved; `None` for one that was never accepted.
    Await {
        /// Which.
        operation: OperationId,
        /// Who waits.
        reply: RpcReplyPort<Option<OperationState>>,
    },
    /// Show the register's state, the X-report in it. Answered from memory, whatever is under way.
    Look {
        /// Who asks.
        reply: RpcReplyPort<View>,
    },
    /// A person has looked at a register that waits for one.
    Resolve {
        /// What they found of a document in doubt.
        document: Option<Finding>,
        /// Told whether there was anything to resolve.
        reply: RpcReplyPort<bool>,
    },
    /// A person uses a tool.
    Tool {
        /// Which.
        tool: Tool,
        /// Told whether it could be used, as things stand.
        reply: RpcReplyPort<bool>,
    },
    /// An outcome of something that the actor set going.
    Told(Box<Ask>),
    /// A deadline has come.
    Wake,
    /// Leave memory if nothing is waited for.
    LeaveIfIdle,
}

/// What every register's actor shares.
pub struct World {
    /// Where state is kept.
    pub store: Arc<dyn Store>,
    /// Who wakes actors.
    pub wheel: Wheel,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub randomness: Arc<dyn Randomness>,
    /// The signing agents.
    pub agents: Arc<dyn SigningAgent>,
    /// The judge of signatures.
    pub verifier: Arc<dyn SignatureVerifier>,
    /// The tax service.
    pub tax: Arc<dyn TaxService>,
    /// Who is told what registers do.
    pub owners: Arc<dyn Listener>,
    /// Counters.
    pub metrics: RegisterMetrics,
    /// Effects under way, so that a shutdown can wait for them.
    pub tasks: TaskTracker,
    /// The gateway goes down: no signature is waited for any more, the next process asks again under the same id.
    pub going_down: CancellationToken,
    /// Set once, right after the registry was made.
    pub registry: OnceLock<Weak<Registry<Registers>>>,
}

impl World {
    fn tell(&self, register: RegisterNumber, ask: Ask) {
        if let Some(registry) = self.registry.get().and_then(Weak::upgrade) {
            registry.tell(register, RegisterMessage::Told(Box::new(ask)));
        }
    }

    fn draw(&self) -> Result<Draw, ActorProcessingErr> {
        let now = self.clock.now();
        let randomness = self.randomness.as_ref();
        Ok(Draw {
            uid: draw_uuid(randomness, now)?,
            request: draw_uuid(randomness, now)?,
            operation: draw_uuid(randomness, now)?,
            home_uid: draw_uuid(randomness, now)?,
            home_request: draw_uuid(randomness, now)?,
        })
    }
}

/// The kind of actor that registers are.
pub struct Registers(pub Arc<World>);

impl Kind for Registers {
    type Id = RegisterNumber;
    type Message = RegisterMessage;
    type Actor = RegisterActor;

    fn actor(&self) -> RegisterActor {
        RegisterActor(Arc::clone(&self.0))
    }

    fn leave_if_idle() -> RegisterMessage {
        RegisterMessage::LeaveIfIdle
    }

    fn observe(&self, observed: Observed) {
        self.0.metrics.observe(observed);
    }
}

/// The actor; all of its state is in [`State`].
pub struct RegisterActor(Arc<World>);

/// One register in memory.
pub struct State {
    number: RegisterNumber,
    slot: Slot,
    /// Loaded by the first message, so that a store that fails ends the actor where its supervisor sees it.
    book: Option<Durable<RegisterBook>>,
    waiters: Waiters,
    resolving: HashMap<RequestId, RpcReplyPort<bool>>,
    next_request: u64,
    teller: Teller,
    gauge: StateGauge,
    offline_gauge: OfflineGauge,
}

impl State {
    /// A register with an open shift, or whose state asks for somebody, stays: it is counted, and has a deadline anyway.
    fn is_idle(&self) -> bool {
        let stays = self.book.as_ref().is_some_and(|book| {
            let machine = book.machine();
            machine.is_busy() || *machine.phase() != Phase::Closed || !machine.is_online()
        });
        !stays && self.waiters.is_empty() && self.resolving.is_empty()
    }

    fn machine(&self) -> Option<&RegisterBook> {
        self.book.as_ref().map(Durable::machine)
    }
}

impl Actor for RegisterActor {
    type Msg = RegisterMessage;
    type State = State;
    type Arguments = (RegisterNumber, Slot);

    async fn pre_start(
        &self,
        _: ActorRef<Self::Msg>,
        (number, slot): Self::Arguments,
    ) -> Result<State, ActorProcessingErr> {
        Ok(State {
            number,
            slot,
            book: None,
            waiters: Waiters::new(self.0.metrics.held_requests.clone()),
            resolving: HashMap::new(),
            next_request: 0,
            teller: Teller::default(),
            gauge: StateGauge::new(self.0.metrics.registers.clone()),
            offline_gauge: OfflineGauge::new(number, &self.0.metrics),
        })
    }

    /// In a box: the future takes kilobytes, which the loop around it would move several times for each message, and keep room for while it waits.
    fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: RegisterMessage,
        state: &mut State,
    ) -> impl Future<Output = Result<(), ActorProcessingErr>> + Send {
        Box::pin(self.take(myself, message, state))
    }
}

impl RegisterActor {
    async fn take(
        &self,
        myself: ActorRef<RegisterMessage>,
        message: RegisterMessage,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        state.slot.taken();
        if let RegisterMessage::LeaveIfIdle = message {
            Registry::let_go(&self.0.registry, state.number, &myself, state.is_idle());
            return Ok(());
        }
        let outcome = self.told(message, state).await;
        if let Err(error) = &outcome
            && let Some(error) = error.downcast_ref::<storage::Error>()
        {
            log(state.number, error);
        }
        outcome
    }

    /// # Errors
    /// The store's, or that of the generator of random numbers: the actor ends, and the next message loads it from disk.
    async fn told(&self, message: RegisterMessage, state: &mut State) -> Result<(), ActorProcessingErr> {
        if state.book.is_none() {
            self.load(state).await?;
        }
        if let Some(ask) = self.ask(message, state).await? {
            self.step(ask, state).await?;
        }
        Ok(())
    }

    async fn load(&self, state: &mut State) -> Result<(), ActorProcessingErr> {
        let world = &self.0;
        let loaded = Durable::<RegisterBook>::load(
            Arc::clone(&world.store),
            world.wheel.clone(),
            state.number,
            world.clock.now(),
        );
        state.book = Some(loaded.await?);
        self.step(Ask::Resume, state).await
    }

    /// Keeps the reply port, looks up what the machine must know, and gives what it is told.
    async fn ask(
        &self,
        message: RegisterMessage,
        state: &mut State,
    ) -> Result<Option<Ask>, ActorProcessingErr> {
        Ok(match message {
            RegisterMessage::Order {
                mut order,
                reply,
                held,
            } => {
                self.look_up(&mut order, state.number).await?;
                state.waiters.hold(order.operation, reply, held);
                Some(Ask::Order(order))
            }
            RegisterMessage::Await { operation, reply } => {
                if state.machine().is_some_and(|machine| machine.is_live(operation)) {
                    state.waiters.wait(operation, reply);
                } else {
                    let record = rows::operation(self.0.store.as_ref(), operation).await?;
                    let own = record.filter(|record| record.register == state.number);
                    answer(reply, own.map(|record| record.state));
                }
                None
            }
            RegisterMessage::Look { reply } => {
                let view = state.machine().map(|machine| machine.view(self.0.clock.now()));
                if let Some(view) = view {
                    answer(reply, view);
                }
                None
            }
            RegisterMessage::Resolve { document, reply } => {
                state.next_request += 1;
                let request = RequestId(state.next_request);
                state.resolving.insert(request, reply);
                Some(Ask::Resolve { request, document })
            }
            RegisterMessage::Tool { tool, reply } => {
                state.next_request += 1;
                let request = RequestId(state.next_request);
                state.resolving.insert(request, reply);
                Some(Ask::Tool { request, tool })
            }
            RegisterMessage::Told(ask) => Some(*ask),
            RegisterMessage::Wake => Some(Ask::Wake),
            RegisterMessage::LeaveIfIdle => None,
        })
    }

    /// What was seen of an order before, and what is left of the receipt that it returns.
    async fn look_up(&self, order: &mut Order, number: RegisterNumber) -> storage::Result<()> {
        let store = self.0.store.as_ref();
        if order.unit.settings.find_duplicates
            && let Some(fingerprint) = fingerprint(&order.request, order.reference)
        {
            order.earlier = rows::earlier(store, number, &fingerprint).await?;
        }
        if let Some(original) = order.request.original_of(number) {
            order.sold = rows::sold(store, number, original).await?;
        }
        Ok(())
    }

    /// Steps, and begins the effects; what is read for a decision is a step of its own, right behind.
    async fn step(&self, ask: Ask, state: &mut State) -> Result<(), ActorProcessingErr> {
        let mut next = VecDeque::from([ask]);
        while let Some(ask) = next.pop_front() {
            let effects = self.remember(ask, state).await?;
            state.waiters.accepted();
            for effect in effects {
                match effect {
                    Effect::Fetch {
                        operation,
                        body_rows,
                        uid,
                        original,
                    } => {
                        let store = self.0.store.as_ref();
                        let kind = rows::body(store, operation, body_rows > 0, uid.as_ref()).await?;
                        let sold = match &original {
                            Some(original) => rows::sold(store, state.number, original).await?,
                            None => None,
                        };
                        next.push_back(Ask::Fetched {
                            operation,
                            kind: Arc::new(kind),
                            sold,
                        });
                    }
                    Effect::ReadPackage { first } => {
                        let store = self.0.store.as_ref();
                        next.push_back(queue::next_package(store, state.number, first).await?);
                    }
                    Effect::Repeat {
                        operation,
                        of,
                        at_once,
                    } => self.repeat(operation, of, at_once, state).await?,
                    other => self.begin(other, state),
                }
            }
        }
        if let Some(machine) = state.book.as_ref().map(Durable::machine) {
            state.gauge.set(machine.state_name());
            state.offline_gauge.set(machine.away());
        }
        Ok(())
    }

    /// Decides and remembers; what the register's owner is to be told is remembered with it.
    async fn remember(&self, ask: Ask, state: &mut State) -> Result<Vec<Effect>, ActorProcessingErr> {
        let world = &self.0;
        if let Ask::Signature {
            signature: Signature::Signed(_),
            ..
        } = &ask
        {
            state.teller.agent_signed();
        }
        let command = Command {
            ask,
            draw: world.draw()?,
        };
        let now = world.clock.now();
        let book = state.book.as_mut().expect("loaded before any step");
        let Some(account) = world.owners.listener(state.number) else {
            return Ok(book.step(command, now).await?);
        };
        let (teller, randomness, mut owed) = (&mut state.teller, world.randomness.as_ref(), 0);
        let stepping = book.step_with(command, now, |step, batch| {
            owed = teller.owe(account, &step, randomness, now, batch)?;
            Ok(())
        });
        let effects = stepping.await?;
        if owed > 0 {
            world.owners.owed(account, state.number, owed);
        }
        Ok(effects)
    }

    /// Who waits for a repeat waits for the first, or has its answer at once.
    async fn repeat(
        &self,
        operation: OperationId,
        of: OperationId,
        at_once: bool,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        self.0.metrics.repeats.inc();
        let machine = state.machine();
        if !at_once && machine.is_some_and(|machine| machine.is_live(of)) {
            state.waiters.move_to(operation, of);
            return Ok(());
        }
        let record = rows::operation(self.0.store.as_ref(), of).await?;
        let is_shift_open = machine.is_some_and(RegisterBook::is_shift_open);
        let answer = Answer {
            operation: of,
            state: record.map_or(OperationState::Pending, |record| record.state),
            is_shift_open,
        };
        state.waiters.answer(operation, &answer);
        Ok(())
    }
}

/// Once, with the number. That the disk is full or the store closed is said by the store itself; once for each call would fill the disk.
fn log(register: RegisterNumber, error: &storage::Error) {
    if !matches!(error, storage::Error::Full { .. } | storage::Error::Closed) {
        tracing::error!(%register, %error, "a register's actor ends: its state could not be read or made durable");
    }
}

/// Answers whoever may still be waiting; who has gone is no error.
fn answer<T: Send>(reply: RpcReplyPort<T>, given: T) {
    let _ = reply.send(given);
}
