//! A bounded queue from many tasks to one thread, first come, first served, that can be stopped.
//!
//! A channel of tokio gives places in the order in which its senders are polled; here a caller's place is the place of its
//! call, so that one who submits twice without waiting is served in that order also when the queue is full.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{Mutex as Turnstile, Notify};

/// The queue; `T` is what is waiting.
pub(crate) struct Queue<T> {
    line: Mutex<Line<T>>,
    /// Wakes the thread: something came, or the queue was stopped.
    arrived: Condvar,
    /// Those who found the queue full stand here, one behind another; the first waits for `room`.
    turnstile: Turnstile<()>,
    room: Notify,
    length_max: usize,
}

struct Line<T> {
    waiting: VecDeque<T>,
    /// Callers on their way through the turnstile; while there are any, nobody may overtake them.
    outside: usize,
    is_stopped: bool,
}

/// What [`Queue::take`] found.
pub(crate) enum Taken<T> {
    /// At least one item, and how many are left behind them.
    Items(Vec<T>, usize),
    /// Nothing came in time.
    Nothing,
    /// The queue was stopped, and everything was taken before.
    Stopped,
}

impl<T> Queue<T> {
    pub(crate) fn new(length_max: usize) -> Queue<T> {
        Queue {
            line: Mutex::new(Line {
                waiting: VecDeque::new(),
                outside: 0,
                is_stopped: false,
            }),
            arrived: Condvar::new(),
            turnstile: Turnstile::new(()),
            room: Notify::new(),
            length_max: length_max.max(1),
        }
    }

    /// Puts an item into the queue, waiting for room. Gives the item back if the queue is stopped. The first poll takes the
    /// place in the line.
    pub(crate) async fn push(&self, item: T) -> Result<(), T> {
        let mut item = item;
        {
            let mut line = self.lock();
            if line.is_stopped {
                return Err(item);
            }
            if line.outside == 0 && line.waiting.len() < self.length_max {
                line.waiting.push_back(item);
                drop(line);
                self.arrived.notify_one();
                return Ok(());
            }
            line.outside += 1;
        }
        let _outside = Outside(self);
        let _turn = self.turnstile.lock().await;
        loop {
            match self.try_push(item) {
                Pushed::Done => return Ok(()),
                Pushed::Stopped(item) => return Err(item),
                Pushed::NoRoom(again) => item = again,
            }
            // `Notify` keeps one permit, so room made between the look and this wait is not missed.
            self.room.notified().await;
        }
    }

    /// Waits up to `patience` and takes items from the front while `admit` says that they fit: it sees how many were taken
    /// and the next one. The first is always taken.
    pub(crate) fn take(&self, patience: Duration, mut admit: impl FnMut(usize, &T) -> bool) -> Taken<T> {
        let mut line = self.lock();
        if line.waiting.is_empty() && !line.is_stopped {
            let waited = self
                .arrived
                .wait_timeout_while(line, patience, |line| line.waiting.is_empty() && !line.is_stopped);
            line = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if line.waiting.is_empty() {
            return if line.is_stopped {
                Taken::Stopped
            } else {
                Taken::Nothing
            };
        }
        let mut items = Vec::with_capacity(line.waiting.len().min(1_024));
        while let Some(next) = line.waiting.front() {
            let fits = admit(items.len(), next);
            if !fits && !items.is_empty() {
                break;
            }
            items.extend(line.waiting.pop_front());
        }
        let left = line.waiting.len();
        drop(line);
        self.room.notify_one();
        Taken::Items(items, left)
    }

    /// Takes nothing more; what waits can still be taken.
    pub(crate) fn stop(&self) {
        self.lock().is_stopped = true;
        self.arrived.notify_all();
        self.room.notify_one();
    }

    /// Takes nothing more and drops what waits.
    pub(crate) fn abandon(&self) {
        let mut line = self.lock();
        line.is_stopped = true;
        let waiting = std::mem::take(&mut line.waiting);
        drop(line);
        self.arrived.notify_all();
        self.room.notify_one();
        // Outside the lock: dropping wakes those who wait for an answer.
        drop(waiting);
    }

    fn try_push(&self, item: T) -> Pushed<T> {
        let mut line = self.lock();
        if line.is_stopped {
            // The next at the turnstile finds the same.
            self.room.notify_one();
            return Pushed::Stopped(item);
        }
        if line.waiting.len() >= self.length_max {
            return Pushed::NoRoom(item);
        }
        line.waiting.push_back(item);
        if line.waiting.len() < self.length_max {
            self.room.notify_one();
        }
        drop(line);
        self.arrived.notify_one();
        Pushed::Done
    }

    /// A panic of another thread cannot leave the line half changed: every change is one statement.
    fn lock(&self) -> MutexGuard<'_, Line<T>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Pushed<T> {
    Done,
    Stopped(T),
    NoRoom(T),
}

/// Counts a caller out again, also one who gave up waiting.
struct Outside<'a, T>(&'a Queue<T>);

impl<T> Drop for Outside<'_, T> {
    fn drop(&mut self) {
        self.0.lock().outside -= 1;
        // Whoever gave up may have been the one that was woken.
        self.0.room.notify_one();
    }
}
