//! What waits for one agent, and what came of it lately: pure, in memory alone.
//!
//! Nothing here need outlive the process: who asked for a signature asks again after a restart, under the same id and in the same
//! octets, and the agent signs once.

use crate::clock::{Moment, Now};
use chrono::{DateTime, Utc};
use signing_protocol::{RequestId, SessionId, SignedRequest, Task, routes};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// How long the digest of an answer is remembered after the request's end: as long as agents repeat deliveries, and longer than a deadline
/// may be away.
pub const REMEMBER: Duration = Duration::from_secs(20 * 60);
/// Ends that are remembered; at a hundred signatures a second, twenty minutes of them. The oldest go first.
const REMEMBERED_MAX: usize = 120_000;
/// Unfit signatures of one request before it counts as refused: an agent that goes on so will not do better.
pub const UNFIT_MAX: u8 = 3;
/// Octets of a request in JSON beside its content.
const REQUEST_OCTETS: usize = 1_024;

/// Which answer came, told by its SHA-256.
pub type Digest = [u8; 32];

/// Requests of one agent.
pub struct Queue {
    requests: HashMap<RequestId, Waiting>,
    /// In the order in which they came.
    order: BTreeMap<u64, RequestId>,
    /// By the moments at which they are out of time.
    deadlines: BTreeSet<(Moment, RequestId)>,
    next: u64,
    ended: HashMap<RequestId, Ended>,
    ended_order: VecDeque<(Moment, RequestId)>,
    sessions: Sessions,
    waiting_max: usize,
}

struct Waiting {
    place: u64,
    request: Arc<SignedRequest>,
    asked: Moment,
    until: Moment,
    handed: Option<(SessionId, Moment)>,
    unfit: u8,
}

/// How a request ended: with this answer, or none.
struct Ended {
    at: Moment,
    answer: Option<Digest>,
}

#[derive(Default)]
struct Sessions {
    current: Option<SessionId>,
    before: Option<SessionId>,
}

/// Nothing more may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Requests for one poll.
#[derive(Debug, Default)]
pub struct Handed {
    /// Oldest first.
    pub requests: Vec<Arc<SignedRequest>>,
    /// Where there are none: when one that was handed out may be handed out again.
    pub again_at: Option<Moment>,
}

/// Whether a poll's session is a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// The one of the poll before.
    Same,
    /// One that was not seen before: the program started again.
    New,
    /// The one before this one, again: two copies of the agent take turns.
    Returned,
}

/// What is to be done with a delivery.
#[derive(Debug)]
pub enum Delivered {
    /// It is judged against this request.
    Judge(Arc<SignedRequest>),
    /// The same was taken before.
    Repeated,
    /// Another answer was taken before.
    Other,
    /// The request ended without an answer.
    Late,
    /// There is no such request.
    Unknown,
}

/// A request that an answer ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Settled {
    /// From its first asking, in milliseconds.
    pub took_ms: i64,
}

impl Queue {
    /// An empty one, for at most so many requests.
    pub fn new(waiting_max: usize) -> Self {
        Self {
            requests: HashMap::new(),
            order: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            next: 0,
            ended: HashMap::new(),
            ended_order: VecDeque::new(),
            sessions: Sessions::default(),
            waiting_max,
        }
    }

    /// How many requests wait.
    pub fn waiting(&self) -> usize {
        self.requests.len()
    }

    /// The ids of all that wait, in order.
    pub fn ids(&self) -> Vec<RequestId> {
        self.order.values().copied().collect()
    }

    /// A request that waits.
    pub fn get(&self, id: RequestId) -> Option<&Arc<SignedRequest>> {
        self.requests.get(&id).map(|waiting| &waiting.request)
    }

    /// Asks, until a moment; asking again while it waits changes nothing, and asking for one that has ended asks once more: the agent
    /// answers the same.
    ///
    /// # Errors
    /// [`Full`].
    pub fn ask(&mut self, request: Arc<SignedRequest>, until: Moment, now: Now) -> Result<(), Full> {
        self.expire(now);
        let id = request.request.id;
        if self.requests.contains_key(&id) {
            return Ok(());
        }
        if self.requests.len() >= self.waiting_max {
            return Err(Full);
        }
        let place = self.next;
        self.next += 1;
        self.order.insert(place, id);
        self.deadlines.insert((until, id));
        let waiting = Waiting {
            place,
            request,
            asked: Moment::at(now),
            until,
            handed: None,
            unfit: 0,
        };
        self.requests.insert(id, waiting);
        Ok(())
    }

    /// The session of a poll that begins.
    pub fn begin_poll(&mut self, session: SessionId) -> Session {
        let sessions = &mut self.sessions;
        if sessions.current == Some(session) {
            return Session::Same;
        }
        let seen = if sessions.before == Some(session) {
            Session::Returned
        } else {
            Session::New
        };
        sessions.before = sessions.current.replace(session);
        seen
    }

    /// What a poll is given: what was not handed out to this session within the last seconds, oldest first, as much as one answer holds.
    pub fn hand_out(&mut self, session: SessionId, count_max: usize, now: Now) -> Handed {
        self.expire(now);
        let mut handed = Handed::default();
        let mut octets = 0;
        for id in self.order.values() {
            let waiting = self.requests.get_mut(id).expect("what stands in order waits");
            if let Some(again_at) = waiting.again_at(session)
                && again_at > now.mono
            {
                handed.again_at = Some(
                    handed
                        .again_at
                        .map_or(again_at, |earlier: Moment| earlier.min(again_at)),
                );
                continue;
            }
            octets += encoded_octets(&waiting.request);
            let is_first = handed.requests.is_empty();
            if handed.requests.len() >= count_max || (octets > routes::POLL_ANSWER_OCTETS_MAX && !is_first) {
                break;
            }
            waiting.handed = Some((session, now.mono));
            handed.requests.push(Arc::clone(&waiting.request));
        }
        handed
    }

    /// What a delivery is, before it is judged.
    pub fn delivered(&mut self, id: RequestId, answer: &Digest, now: Now) -> Delivered {
        self.expire(now);
        let ended = self.ended.get(&id);
        let earlier = ended.and_then(|ended| ended.answer);
        if earlier.is_some_and(|earlier| earlier != *answer) {
            return Delivered::Other;
        }
        // One that was asked once more is judged once more, for whoever waits now.
        if let Some(waiting) = self.requests.get(&id) {
            return Delivered::Judge(Arc::clone(&waiting.request));
        }
        match ended {
            None => Delivered::Unknown,
            Some(_) if earlier.is_some() => Delivered::Repeated,
            Some(_) => Delivered::Late,
        }
    }

    /// An answer that was judged and fits ends its request.
    ///
    /// # Errors
    /// What became of the request meanwhile.
    pub fn settle(&mut self, id: RequestId, answer: Digest, now: Now) -> Result<Settled, Delivered> {
        match self.delivered(id, &answer, now) {
            Delivered::Judge(_) => {}
            meanwhile => return Err(meanwhile),
        }
        let waiting = self.remove(id).expect("it waits, or it were not to be judged");
        self.remember(id, Some(answer), now);
        Ok(Settled {
            took_ms: waiting.asked.elapsed_ms(now),
        })
    }

    /// An answer that was judged and does not fit. Gives whether the request is given up for it.
    pub fn unfit(&mut self, id: RequestId, now: Now) -> bool {
        let Some(waiting) = self.requests.get_mut(&id) else {
            return false;
        };
        waiting.unfit += 1;
        let is_over = waiting.unfit >= UNFIT_MAX;
        if is_over {
            self.remove(id);
            self.remember(id, None, now);
        }
        is_over
    }

    /// The request is of no use any more. Gives whether it waited.
    pub fn withdraw(&mut self, id: RequestId, now: Now) -> bool {
        let waited = self.remove(id).is_some();
        if waited {
            self.remember(id, None, now);
        }
        waited
    }

    /// Ends what is out of time, and forgets what ended long ago.
    pub fn expire(&mut self, now: Now) {
        while let Some((until, id)) = self.deadlines.first().copied()
            && until <= now.mono
        {
            self.withdraw(id, now);
        }
        while let Some((at, id)) = self.ended_order.front().copied()
            && (at.left_of(REMEMBER, now).is_none() || self.ended_order.len() > REMEMBERED_MAX)
        {
            self.ended_order.pop_front();
            // One that ended again since stands further back.
            if self.ended.get(&id).is_some_and(|ended| ended.at == at) {
                self.ended.remove(&id);
            }
        }
    }

    fn remove(&mut self, id: RequestId) -> Option<Waiting> {
        let waiting = self.requests.remove(&id)?;
        self.order.remove(&waiting.place);
        self.deadlines.remove(&(waiting.until, id));
        Some(waiting)
    }

    fn remember(&mut self, id: RequestId, answer: Option<Digest>, now: Now) {
        // The answer of an earlier asking stays the answer.
        let earlier = self.ended.get(&id).and_then(|ended| ended.answer);
        let ended = Ended {
            at: now.mono,
            answer: earlier.or(answer),
        };
        self.ended.insert(id, ended);
        self.ended_order.push_back((now.mono, id));
    }
}

impl Waiting {
    /// When it may be handed out to a session; none: at once.
    fn again_at(&self, session: SessionId) -> Option<Moment> {
        let (to, at) = self.handed?;
        let pause = Duration::from_secs(u64::from(routes::HAND_OUT_AGAIN_SECONDS));
        (to == session).then(|| at.plus(pause))
    }
}

/// About so many octets of a poll's answer; content is in base64.
fn encoded_octets(request: &SignedRequest) -> usize {
    match &request.request.task {
        Task::Sign { bytes, .. } => bytes.0.len().div_ceil(3) * 4 + REQUEST_OCTETS,
        Task::Load(upload) => upload.octets().div_ceil(3) * 4 + REQUEST_OCTETS,
        Task::Activate { .. } => REQUEST_OCTETS,
    }
}

/// A deadline in whole milliseconds, as it goes over the wire.
pub fn whole_milliseconds(moment: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(moment.timestamp_millis()).unwrap_or(moment)
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
