//! One agent's queue with those who wait for it: the thin shell around [`Queue`].
//!
//! A lock and no actor: nothing of it is durable, every deed takes microseconds, and a request must be seen by a held poll at once. The lock
//! is never held across an `await`.

use super::health::{Life, Meter};
use super::queue::{Delivered, Digest, Full, Handed, Queue, Session, Settled};
use crate::clock::{Moment, Now};
use signing_protocol::{AgentId, KeyFacts, RequestId, SessionId, SignedRequest};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

/// Enrolments of one agent in a minute: each is a commit, and one is enough.
const ENROLMENTS_PER_MINUTE: u32 = 10;
/// Reports in a minute: one comes every half minute, and one at each change of a key.
const REPORTS_PER_MINUTE: u32 = 240;
/// Registrations of cashiers in a minute: an integrator may bring a hundred shops in one go.
const CASHIERS_PER_MINUTE: u32 = 120;
/// Keys loaded into one agent in a minute: each costs it a tenth of a second of hashing, and a large shop has dozens of cashiers.
const LOADS_PER_MINUTE: u32 = 60;
/// Pushes to one agent at once: it signs a handful at a time, and its listener is somebody's small machine.
const PUSHES_MAX: usize = 16;

/// What ended a request.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// A signed message that holds.
    Signed(Vec<u8>),
    /// The key is unlocked.
    Activated(Box<KeyFacts>),
    /// The key is stored.
    Loaded(Box<KeyFacts>),
    /// The key was there already; its certificate's serial number.
    Exists(String),
    /// Nothing was done, nor will be.
    Refused { reason: String, text: String },
}

/// One agent's desk.
pub(super) struct Desk {
    pub(super) agent: AgentId,
    state: Mutex<State>,
    /// Something was asked, or a newer poll began.
    news: Notify,
    pub(super) pushes: Semaphore,
    /// The agent's program has begun anew: what it had taken before, it may not know any more.
    pub(super) began_anew: Notify,
}

pub(super) struct State {
    pub(super) queue: Queue,
    pub(super) life: Life,
    pub(super) enrolments: Meter,
    pub(super) reports: Meter,
    pub(super) cashiers: Meter,
    pub(super) loads: Meter,
    waiters: HashMap<RequestId, Vec<(u64, oneshot::Sender<Answer>)>>,
    next_waiter: u64,
    polls: u64,
    pushing: HashMap<RequestId, Push>,
    next_push: u64,
}

/// One who waits for an answer; leaves by being dropped.
pub(super) struct Waiter {
    desk: Arc<Desk>,
    id: RequestId,
    number: u64,
    pub(super) answer: oneshot::Receiver<Answer>,
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut state = self.desk.state();
        if let Some(waiters) = state.waiters.get_mut(&self.id) {
            waiters.retain(|(number, _)| *number != self.number);
            if waiters.is_empty() {
                state.waiters.remove(&self.id);
            }
        }
    }
}

/// A request that is being pushed, by this task until it is told that it is over.
#[derive(Clone)]
pub(super) struct Push {
    number: u64,
    pub(super) over: CancellationToken,
}

/// What a poll finds when it looks.
pub(super) enum Look {
    /// A newer poll has taken its place.
    Superseded,
    /// Requests.
    Found(Vec<Arc<SignedRequest>>),
    /// Nothing until something happens, or until then.
    Nothing(Option<Moment>),
}

impl Desk {
    pub(super) fn new(agent: AgentId, waiting_max: usize) -> Self {
        Self {
            agent,
            state: Mutex::new(State {
                queue: Queue::new(waiting_max),
                life: Life::default(),
                enrolments: Meter::new(ENROLMENTS_PER_MINUTE),
                reports: Meter::new(REPORTS_PER_MINUTE),
                cashiers: Meter::new(CASHIERS_PER_MINUTE),
                loads: Meter::new(LOADS_PER_MINUTE),
                waiters: HashMap::new(),
                next_waiter: 0,
                polls: 0,
                pushing: HashMap::new(),
                next_push: 0,
            }),
            news: Notify::new(),
            pushes: Semaphore::new(PUSHES_MAX),
            began_anew: Notify::new(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks, and waits for the answer from now on.
    pub(super) fn ask(
        self: &Arc<Self>,
        request: Arc<SignedRequest>,
        until: Moment,
        now: Now,
    ) -> Result<Waiter, Full> {
        let id = request.request.id;
        let (sender, answer) = oneshot::channel();
        let number = {
            let mut state = self.state();
            state.queue.ask(request, until, now)?;
            let number = state.next_waiter;
            state.next_waiter += 1;
            state.waiters.entry(id).or_default().push((number, sender));
            number
        };
        self.news.notify_waiters();
        Ok(Waiter {
            desk: Arc::clone(self),
            id,
            number,
            answer,
        })
    }

    /// A poll begins: the one before ends. Gives its number.
    pub(super) fn begin_poll(&self, session: SessionId, now: Now) -> (u64, Session) {
        let begun = {
            let mut state = self.state();
            state.polls += 1;
            let seen = state.queue.begin_poll(session);
            if seen == Session::Returned {
                state.life.saw_copies(now);
            }
            (state.polls, seen)
        };
        self.news.notify_waiters();
        begun
    }

    /// To be taken before looking, so that nothing is missed between looking and waiting.
    pub(super) fn news(&self) -> tokio::sync::futures::Notified<'_> {
        self.news.notified()
    }

    pub(super) fn look(&self, poll: u64, session: SessionId, count_max: usize, now: Now) -> Look {
        let mut state = self.state();
        if state.polls != poll {
            return Look::Superseded;
        }
        let Handed { requests, again_at } = state.queue.hand_out(session, count_max, now);
        if requests.is_empty() {
            Look::Nothing(again_at)
        } else {
            Look::Found(requests)
        }
    }

    /// Ends a request with an answer that was judged.
    pub(super) fn settle(
        &self,
        id: RequestId,
        digest: Digest,
        answer: &Answer,
        now: Now,
    ) -> Result<Settled, Delivered> {
        let mut state = self.state();
        let settled = state.queue.settle(id, digest, now)?;
        match answer {
            Answer::Signed(_) => state.life.rate.count(now),
            Answer::Activated(facts) | Answer::Loaded(facts) => state.life.has_key(facts),
            Answer::Exists(_) | Answer::Refused { .. } => {}
        }
        state.tell(id, answer);
        Ok(settled)
    }

    /// Ends a request without an answer of the agent; who waits is told why.
    pub(super) fn give_up(&self, id: RequestId, answer: &Answer, now: Now) {
        let mut state = self.state();
        state.queue.withdraw(id, now);
        state.tell(id, answer);
    }

    /// Counts an unfit signature; gives whether the request was given up for it.
    pub(super) fn unfit(&self, id: RequestId, answer: &Answer, now: Now) -> bool {
        let mut state = self.state();
        let is_over = state.queue.unfit(id, now);
        if is_over {
            state.tell(id, answer);
        }
        is_over
    }

    /// Nobody wants it any more.
    pub(super) fn withdraw(&self, id: RequestId, now: Now) -> bool {
        let mut state = self.state();
        let waited = state.queue.withdraw(id, now);
        // Whoever waits finds the sender gone: nothing came in time.
        state.end(id);
        waited
    }

    /// Begins to push a request; none where that is done already.
    pub(super) fn begin_push(&self, id: RequestId) -> Option<Push> {
        let mut state = self.state();
        if state.pushing.contains_key(&id) {
            return None;
        }
        let push = Push {
            number: state.next_push,
            over: CancellationToken::new(),
        };
        state.next_push += 1;
        state.pushing.insert(id, push.clone());
        Some(push)
    }

    /// A push ended by itself. One that was begun since, because the request was asked once more, goes on.
    pub(super) fn end_push(&self, id: RequestId, push: &Push) {
        let mut state = self.state();
        if state
            .pushing
            .get(&id)
            .is_some_and(|current| current.number == push.number)
        {
            state.pushing.remove(&id);
        }
    }
}

impl State {
    fn tell(&mut self, id: RequestId, answer: &Answer) {
        for (_, waiter) in self.waiters.remove(&id).into_iter().flatten() {
            let _ = waiter.send(answer.clone()); // who has gone asks again, and is answered the same
        }
        self.end(id);
    }

    fn end(&mut self, id: RequestId) {
        self.waiters.remove(&id);
        if let Some(push) = self.pushing.remove(&id) {
            push.over.cancel();
        }
    }
}
