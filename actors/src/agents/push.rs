//! Pushing a request until the agent has it and its outcome is there.

use super::Agents;
use super::desk::{Answer, Desk};
use crate::ports::Pushed;
use signing_protocol::{RequestId, routes};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// How long one push may take: an agent takes a request in milliseconds, and a document of half a megabyte needs a slow line a few seconds.
pub const PUSH_MAX: Duration = Duration::from_secs(5);
/// The pause after the first failed push; each next is twice as long, up to that between repeats of what was taken.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
/// What was taken and not answered is pushed again: the agent may have been restarted in between. One that reports after its start is pushed
/// to at once, as a new session is that polls.
const PAUSE_MAX: Duration = Duration::from_secs(routes::HAND_OUT_AGAIN_SECONDS as u64);

impl Agents {
    /// Begins to push a request, where the agent wants pushes.
    pub(super) fn push_if_wanted(&self, desk: &Arc<Desk>, id: RequestId) {
        if self.push_url(desk).is_none() {
            return;
        }
        let Some(agents) = self.me.upgrade() else {
            return;
        };
        if let Some(push) = desk.begin_push(id) {
            let desk = Arc::clone(desk);
            self.tasks.spawn(async move {
                tokio::select! {
                    () = agents.push(&desk, id) => {}
                    () = push.over.cancelled() => {}
                    () = agents.closing.cancelled() => {}
                }
                desk.end_push(id, &push);
            });
        }
    }

    /// Begins to push all that waits: the agent has just said that it wants pushes.
    pub(super) fn push_all(&self, desk: &Arc<Desk>) {
        let ids = desk.state().queue.ids();
        for id in ids {
            self.push_if_wanted(desk, id);
        }
    }

    async fn push(&self, desk: &Desk, id: RequestId) {
        let mut pause = PAUSE_FIRST;
        loop {
            let Ok(place) = desk.pushes.acquire().await else {
                return;
            };
            // Looked up each time: the request may have ended, the agent may pull by now.
            let Some(request) = self.request_of(desk, id) else {
                return;
            };
            let Some((name, url)) = self.push_url(desk) else {
                return;
            };
            // From here on: the program that takes the request may be another when it would sign it.
            let mut began_anew = pin!(desk.began_anew.notified());
            began_anew.as_mut().enable();
            let pushed = tokio::select! {
                pushed = self.pusher.push(&url, request, PUSH_MAX) => pushed,
                () = self.clock.sleep(PUSH_MAX) => Pushed::NotNow {
                    retry_after: None,
                    why: "no answer in time".to_owned(),
                },
            };
            drop(place);
            let count = |outcome: &str| {
                self.metrics
                    .pushes
                    .with_label_values(&[name.as_str(), outcome])
                    .inc();
            };
            let nap = match pushed {
                Pushed::Taken => {
                    count("taken");
                    desk.state().life.saw(self.now());
                    PAUSE_MAX
                }
                Pushed::NotNow { retry_after, why } => {
                    count("not_now");
                    tracing::warn!(agent = %desk.agent, request = %id, why, "a request could not be pushed; it is pushed again");
                    let nap = retry_after.unwrap_or(pause).clamp(PAUSE_FIRST, PAUSE_MAX);
                    pause = (pause * 2).min(PAUSE_MAX);
                    nap
                }
                Pushed::Refused { reason, text } => {
                    count("refused");
                    tracing::warn!(agent = %desk.agent, request = %id, reason, text, "an agent does not take a request");
                    let answer = Answer::Refused {
                        reason: reason.to_owned(),
                        text,
                    };
                    desk.give_up(id, &answer, self.now());
                    return;
                }
            };
            tokio::select! {
                () = self.clock.sleep(nap) => {}
                () = began_anew => pause = PAUSE_FIRST,
            }
        }
    }

    /// The agent's name and where it wants requests pushed; none where it pulls.
    fn push_url(&self, desk: &Desk) -> Option<(String, String)> {
        let record = self.book.agent(desk.agent)?;
        let url = record.enrolled.as_ref()?.push_url.clone()?;
        Some((record.name.clone(), url))
    }
}
