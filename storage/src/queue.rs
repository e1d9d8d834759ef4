//! A bounded queue from many tasks to one thread, first come, first served, that can be stopped.
//!
//! An item's place is the place of the call, also when the queue is full, and no caller has to be polled for it: items that
//! found no room stand in a second line and move up when there is some. What distinguishes them is their owner: who drops
//! the [`Ticket`] of an item that still stands outside takes it back, so there are never more of them than waiting callers.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The queue; `T` is what is waiting.
pub(crate) struct Queue<T> {
    line: Mutex<Line<T>>,
    /// Wakes the thread: something came, or the queue was stopped.
    arrived: Condvar,
    length_max: usize,
}

struct Line<T> {
    /// At most `length_max`.
    inside: VecDeque<T>,
    /// Empty unless `inside` is full. Numbers ascend.
    outside: VecDeque<(u64, T)>,
    next_number: u64,
    is_stopped: bool,
    /// The thread sleeps until so many are inside. A wake-up is a system call, so nobody makes one in vain.
    awaited: Option<usize>,
}

impl<T> Line<T> {
    /// Grows with each item that comes, as long as none is taken: what stands outside has its number, also when it is taken back.
    fn came(&self) -> u64 {
        self.inside.len() as u64 + self.next_number
    }
}

/// What [`Queue::take`] found.
pub(crate) enum Taken<T> {
    /// At least one item, and how many are left inside behind them.
    Items(Vec<T>, usize),
    /// Nothing came in time.
    Nothing,
    /// The queue was stopped, and everything was taken before.
    Stopped,
}

/// The place of an item. Dropping it takes an item back that still stands outside.
pub(crate) struct Ticket<'a, T> {
    queue: &'a Queue<T>,
    /// `None` for one that found room at once.
    number: Option<u64>,
}

impl<T> Queue<T> {
    pub(crate) fn new(length_max: usize) -> Queue<T> {
        let line = Line {
            inside: VecDeque::new(),
            outside: VecDeque::new(),
            next_number: 0,
            is_stopped: false,
            awaited: None,
        };
        Queue {
            line: Mutex::new(line),
            arrived: Condvar::new(),
            length_max: length_max.max(1),
        }
    }

    /// Gives an item its place; gives it back if the queue is stopped.
    pub(crate) fn push(&self, item: T) -> Result<Ticket<'_, T>, T> {
        let mut line = self.lock();
        if line.is_stopped {
            return Err(item);
        }
        if line.inside.len() < self.length_max {
            line.inside.push_back(item);
            let inside = line.inside.len();
            let is_awaited = line.awaited.take_if(|awaited| inside >= *awaited).is_some();
            drop(line);
            if is_awaited {
                self.arrived.notify_one();
            }
            return Ok(Ticket {
                queue: self,
                number: None,
            });
        }
        let number = line.next_number;
        line.next_number += 1;
        line.outside.push_back((number, item));
        Ok(Ticket {
            queue: self,
            number: Some(number),
        })
    }

    /// Lets items come until so many are inside, until none came for `lull`, at most for `time`, or until the queue is stopped; says how many are inside.
    pub(crate) fn gather(&self, wanted: usize, lull: Duration, time: Duration) -> usize {
        let begun = Instant::now();
        let wanted = wanted.min(self.length_max);
        let mut line = self.lock();
        while line.inside.len() < wanted && !line.is_stopped && begun.elapsed() < time {
            line.awaited = Some(wanted);
            let before = line.came();
            let waited = self
                .arrived
                .wait_timeout_while(line, lull, |line| !line.is_stopped && line.awaited.is_some());
            line = waited.unwrap_or_else(PoisonError::into_inner).0;
            line.awaited = None;
            if line.came() == before {
                break;
            }
        }
        line.inside.len()
    }

    /// Waits up to `patience` and takes items from the front while `admit` says that they fit: it sees how many were taken
    /// and the next one. The first is always taken.
    pub(crate) fn take(&self, patience: Duration, mut admit: impl FnMut(usize, &T) -> bool) -> Taken<T> {
        let mut line = self.lock();
        if line.inside.is_empty() && !line.is_stopped {
            line.awaited = Some(1);
            let idle = |line: &mut Line<T>| line.inside.is_empty() && !line.is_stopped;
            let waited = self.arrived.wait_timeout_while(line, patience, idle);
            line = waited.unwrap_or_else(PoisonError::into_inner).0;
            line.awaited = None;
        }
        if line.inside.is_empty() {
            return if line.is_stopped {
                Taken::Stopped
            } else {
                Taken::Nothing
            };
        }
        let mut items = Vec::with_capacity(line.inside.len().min(1_024));
        while let Some(next) = line.inside.front() {
            let fits = admit(items.len(), next);
            if !fits && !items.is_empty() {
                break;
            }
            items.extend(line.inside.pop_front());
        }
        let room = self.length_max - line.inside.len();
        let moving = room.min(line.outside.len());
        let Line { inside, outside, .. } = &mut *line;
        inside.extend(outside.drain(..moving).map(|(_, item)| item));
        Taken::Items(items, line.inside.len())
    }

    /// Takes nothing more. What is inside can still be taken; what stands outside is dropped.
    pub(crate) fn stop(&self) {
        let mut line = self.lock();
        line.is_stopped = true;
        let outside = std::mem::take(&mut line.outside);
        drop(line);
        self.arrived.notify_all();
        // Dropped only here, because that wakes those who wait for an answer.
        drop(outside);
    }

    /// Takes nothing more and drops everything.
    pub(crate) fn abandon(&self) {
        self.stop();
        let inside = std::mem::take(&mut self.lock().inside);
        drop(inside);
    }

    /// A panic of another thread cannot leave the line half changed: nothing in its changes panics.
    fn lock(&self) -> MutexGuard<'_, Line<T>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
impl<T> Ticket<'_, T> {
    pub(crate) fn found_room(&self) -> bool {
        self.number.is_none()
    }
}

impl<T> Drop for Ticket<'_, T> {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let mut line = self.queue.lock();
        if let Ok(place) = line.outside.binary_search_by_key(&number, |(number, _)| *number) {
            let withdrawn = line.outside.remove(place);
            drop(line);
            drop(withdrawn);
        }
    }
}
