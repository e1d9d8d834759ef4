//! Held polls: an agent asks what there is to sign, and is answered as soon as there is something.

use super::desk::Look;
use super::queue::Session;
use super::{Agents, Refused};
use signing_protocol::{AgentId, ErrorCode, PollAnswer, SessionId, SignedRequest, routes};
use std::sync::Arc;
use std::time::Duration;

/// Requests that a poll is given where it does not say how many.
const REQUESTS_DEFAULT: u32 = 16;

/// What a poll asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Poll {
    /// How long it may be held.
    pub wait: Duration,
    /// How many requests it takes.
    pub requests_max: usize,
    /// The run of the agent's program.
    pub session: SessionId,
}

impl Poll {
    /// As the parameters say.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidBody`].
    pub fn new(wait_seconds: u32, requests_max: Option<u32>, session: SessionId) -> Result<Self, Refused> {
        let requests_max = requests_max.unwrap_or(REQUESTS_DEFAULT);
        if wait_seconds > routes::POLL_WAIT_SECONDS_MAX {
            let detail = format!("wait: 0 to {} seconds", routes::POLL_WAIT_SECONDS_MAX);
            return Err(Refused::new(ErrorCode::InvalidBody, detail));
        }
        if !(1..=routes::POLL_REQUESTS_MAX).contains(&requests_max) {
            let detail = format!("max: 1 to {} requests", routes::POLL_REQUESTS_MAX);
            return Err(Refused::new(ErrorCode::InvalidBody, detail));
        }
        Ok(Self {
            wait: Duration::from_secs(u64::from(wait_seconds)),
            requests_max: usize::try_from(requests_max).unwrap_or(1),
            session,
        })
    }
}

impl Agents {
    /// Waits until there is something for the agent to do; none where nothing came in time, a newer poll took this one's place, or the
    /// gateway goes down. May be dropped at any moment: what it would have been given is given again.
    pub async fn poll(&self, agent: AgentId, poll: Poll) -> Option<PollAnswer> {
        let desk = self.desk(agent);
        let (number, session) = desk.begin_poll(poll.session, self.now());
        if session == Session::Returned {
            tracing::error!(
                %agent, session = %poll.session,
                "two sessions of one agent take turns: it runs twice, and one request could be signed twice; stop one"
            );
        }
        let until = self.now().mono.plus(poll.wait);
        loop {
            let news = desk.news();
            tokio::pin!(news);
            news.as_mut().enable();
            let now = self.now();
            let nap_until = match desk.look(number, poll.session, poll.requests_max, now) {
                Look::Superseded => return None,
                Look::Found(requests) => {
                    let requests = requests.iter().map(|request| SignedRequest::clone(request));
                    return Some(PollAnswer {
                        now: now.wall,
                        requests: requests.collect(),
                    });
                }
                Look::Nothing(again_at) => again_at.map_or(until, |again_at| again_at.min(until)),
            };
            if now.mono >= until || self.closing.is_cancelled() {
                return None;
            }
            let nap = u64::try_from(nap_until.0 - now.mono.0).unwrap_or(0);
            tokio::select! {
                () = &mut news => {}
                () = self.clock.sleep(Duration::from_millis(nap)) => {}
                () = self.closing.cancelled() => {}
            }
            // Whoever holds a poll is there.
            desk.state().life.saw(self.now());
        }
    }

    pub(super) fn request_of(
        &self,
        desk: &super::desk::Desk,
        id: signing_protocol::RequestId,
    ) -> Option<Arc<SignedRequest>> {
        let mut state = desk.state();
        state.queue.expire(self.now());
        state.queue.get(id).cloned()
    }
}
