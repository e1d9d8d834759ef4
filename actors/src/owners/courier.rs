//! Who posts: a task for each lane that has something to post, and one that starts them.
//!
//! A lane is a register of an account, or an account's replay. Within a lane one post follows the other; lanes do not wait for one another, but
//! for the places that an account and the gateway have for posts at once.

use super::lane::Runner;
use super::{Lane, OwnerEvent, Owners, lock};
use crate::hooks::Poster;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Semaphore;
use tokio::task::{Id, JoinSet};

/// Posts at once to one account: owners' servers are small, and one that is slow must not take everybody's places.
const POSTS_PER_ACCOUNT: usize = 4;
/// Posts at once to all: sixteen receivers that never answer hold them all for a quarter of a minute.
const POSTS: usize = 64;

/// What is counted of one account.
pub(super) struct Desk {
    owed: AtomicU64,
    kept_seen: AtomicU64,
    /// How many rows are kept, once they were counted. Held over what changes them.
    pub(super) kept: tokio::sync::Mutex<Option<u64>>,
    /// Places for posts.
    pub(super) places: Semaphore,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            owed: AtomicU64::new(0),
            kept_seen: AtomicU64::new(0),
            kept: tokio::sync::Mutex::default(),
            places: Semaphore::new(POSTS_PER_ACCOUNT),
        }
    }
}

impl Desk {
    pub(super) fn add_owed(&self, events: u64) {
        self.owed.fetch_add(events, Ordering::Relaxed);
    }

    /// So many less are owed, as far as there are; says how many that was.
    pub(super) fn take_owed(&self, events: u64) -> u64 {
        let before = self
            .owed
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |owed| {
                Some(owed.saturating_sub(events))
            })
            .unwrap_or_default();
        before.min(events)
    }

    pub(super) fn owed(&self) -> u64 {
        self.owed.load(Ordering::Relaxed)
    }

    pub(super) fn see_kept(&self, rows: u64) {
        self.kept_seen.store(rows, Ordering::Relaxed);
    }

    /// How many rows were kept when that was last known; 0 before.
    pub(super) fn kept_seen(&self) -> u64 {
        self.kept_seen.load(Ordering::Relaxed)
    }
}

impl Owners {
    /// Posts for ever. Dropped, it drops every post that is under way: what is owed stays owed.
    pub async fn run(self, poster: Arc<dyn Poster<OwnerEvent>>) {
        let places = Arc::new(Semaphore::new(POSTS));
        let mut tasks = JoinSet::new();
        // Whether there was more for a lane while its task ran, which may have been on its way out.
        let mut running: HashMap<Lane, bool> = HashMap::new();
        let mut lanes: HashMap<Id, Lane> = HashMap::new();
        loop {
            let woken = std::mem::take(&mut *lock(&self.shared.woken));
            for lane in woken {
                if let Some(more) = running.get_mut(&lane) {
                    *more = true;
                } else {
                    let runner = Runner::new(self.clone(), lane, Arc::clone(&poster), Arc::clone(&places));
                    let id = tasks.spawn(runner.run()).id();
                    running.insert(lane, false);
                    lanes.insert(id, lane);
                }
                if let Err(error) = self.trim(lane.account).await {
                    tracing::warn!(account = %lane.account, %error, "events for an owner could not be dropped; it is tried again");
                }
            }
            tokio::select! {
                () = self.shared.notify.notified() => {}
                Some(ended) = tasks.join_next_with_id(), if !tasks.is_empty() => {
                    let (id, is_well) = match ended {
                        Ok((id, ())) => (id, true),
                        Err(error) => (error.id(), false),
                    };
                    let Some(lane) = lanes.remove(&id) else { continue };
                    let more = running.remove(&lane);
                    if !is_well {
                        // Its next event, or the next start, tries again; at once it would only fail again.
                        tracing::error!(account = %lane.account, "a task that posts an owner's events ended by a panic");
                    } else if more == Some(true) {
                        lock(&self.shared.woken).insert(lane);
                    }
                }
            }
        }
    }
}
