//! What the tasks of a server know of one another: its stage, its connections, and where each of them stands.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::task::AtomicWaker;
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::Instant;

use crate::watch::{Phase, Watch, after};
use crate::{Face, Limits};

/// How far a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// It accepts and serves.
    Running,
    /// It finishes what is in flight.
    Draining,
    /// It ends whatever is left.
    Cut,
}

/// What all connections of a server share.
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) face: Arc<dyn Face>,
    stage: AtomicU8,
    in_flight: AtomicUsize,
    connections: Mutex<HashMap<u64, Arc<Connection>>>,
    next_id: AtomicU64,
    finished: AtomicUsize,
    cut: AtomicUsize,
}

impl Shared {
    pub(crate) fn new(limits: Limits, face: Arc<dyn Face>) -> Self {
        Self {
            limits,
            face,
            stage: AtomicU8::new(Stage::Running as u8),
            in_flight: AtomicUsize::new(0),
            connections: Mutex::default(),
            next_id: AtomicU64::new(0),
            finished: AtomicUsize::new(0),
            cut: AtomicUsize::new(0),
        }
    }

    pub(crate) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Running,
            1 => Stage::Draining,
            _ => Stage::Cut,
        }
    }

    /// Registers a connection that was just accepted.
    pub(crate) fn open(self: &Arc<Self>, address: SocketAddr) -> Arc<Connection> {
        let connection = Arc::new(Connection {
            id: self.next_id.fetch_add(1, Ordering::Relaxed),
            shared: Arc::clone(self),
            address,
            watch: Mutex::new(Watch::new(Instant::now())),
            expired: AtomicBool::new(false),
            continue_owed: AtomicBool::new(false),
            awaited: AtomicBool::new(false),
            leftover: Mutex::new(None),
            waker: AtomicWaker::new(),
        });
        lock(&self.connections).insert(connection.id, Arc::clone(&connection));
        connection
    }

    /// Forgets a connection that ended, and counts it where the drain waited for it.
    pub(crate) fn close(&self, connection: &Connection, was_cut: bool) {
        lock(&self.connections).remove(&connection.id);
        if connection.awaited.load(Ordering::Acquire) {
            let had_request = lock(&connection.watch).has_request();
            let counter = if was_cut && had_request {
                &self.cut
            } else {
                &self.finished
            };
            counter.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Moves to `stage` and tells every connection. On the way into the drain, marks those with a request in hand.
    pub(crate) fn advance(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Release);
        for connection in lock(&self.connections).values() {
            if stage == Stage::Draining && lock(&connection.watch).has_request() {
                connection.awaited.store(true, Ordering::Release);
            }
            connection.waker.wake();
        }
    }

    /// Requests that the drain waited for: those that ended by themselves, and those that it cut.
    pub(crate) fn drained(&self) -> (usize, usize) {
        (
            self.finished.load(Ordering::Acquire),
            self.cut.load(Ordering::Acquire),
        )
    }

    /// Takes a place among the requests in flight, unless all are taken.
    fn enter(&self) -> bool {
        let before = self.in_flight.fetch_add(1, Ordering::AcqRel);
        if before < self.limits.in_flight_max {
            self.face.in_flight(before + 1);
            return true;
        }
        self.in_flight.fetch_sub(1, Ordering::AcqRel);
        false
    }

    fn leave(&self) {
        let before = self.in_flight.fetch_sub(1, Ordering::AcqRel);
        self.face.in_flight(before.saturating_sub(1));
    }
}

/// A place among the requests in flight; dropped, it is free again.
pub(crate) struct Place(Arc<Connection>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.shared.leave();
    }
}

/// One connection, as its task, its handler and the request's body see it.
pub(crate) struct Connection {
    id: u64,
    pub(crate) shared: Arc<Shared>,
    pub(crate) address: SocketAddr,
    watch: Mutex<Watch>,
    /// The handler was held too long and must be dropped.
    expired: AtomicBool,
    /// The client sent `Expect: 100-continue` and nobody has asked for the body yet.
    continue_owed: AtomicBool,
    /// The drain began while this connection had a request in hand.
    awaited: AtomicBool,
    leftover: Mutex<Option<Leftover>>,
    waker: AtomicWaker,
}

/// What its handler left of a request's body.
struct Leftover {
    incoming: Incoming,
    bytes_max: u64,
    /// Set when the answer is there; until then nothing is read.
    deadline: Option<Instant>,
}

impl Connection {
    /// The task that polls this connection is to be woken for what happens elsewhere.
    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    pub(crate) fn phase(&self) -> Phase {
        lock(&self.watch).phase()
    }

    /// When something here has lasted too long.
    pub(crate) fn deadline(&self) -> Instant {
        let watch = lock(&self.watch).deadline(&self.shared.limits);
        let leftover = lock(&self.leftover)
            .as_ref()
            .and_then(|leftover| leftover.deadline);
        leftover.map_or(watch, |leftover| watch.min(leftover))
    }

    /// Whether it is the phase, not a leftover body, that has lasted too long.
    pub(crate) fn is_overdue(&self, now: Instant) -> bool {
        lock(&self.watch).deadline(&self.shared.limits) <= now
    }

    /// Bytes came from the socket: of a head, unless an answered request's body is still being dropped.
    pub(crate) fn bytes_read(&self) {
        if lock(&self.leftover).is_some() {
            return;
        }
        lock(&self.watch).bytes_read(Instant::now());
    }

    pub(crate) fn bytes_written(&self) {
        lock(&self.watch).bytes_written(Instant::now());
    }

    /// All that hyper had to write is with the kernel.
    pub(crate) fn flushed(&self) {
        let mut watch = lock(&self.watch);
        if watch.phase() == Phase::Flushing {
            watch.flushed(Instant::now());
        }
    }

    /// A request is complete up to its body.
    pub(crate) fn request_began(&self, now: Instant, expects_continue: bool) {
        lock(&self.leftover).take();
        self.expired.store(false, Ordering::Release);
        self.continue_owed.store(expects_continue, Ordering::Release);
        lock(&self.watch).request_began(now);
    }

    /// A place among the requests in flight, if there is one.
    pub(crate) fn place(self: &Arc<Self>) -> Option<Place> {
        self.shared.enter().then(|| Place(Arc::clone(self)))
    }

    /// The handler asks for the body, so a `100 Continue` goes out.
    pub(crate) fn body_wanted(&self) {
        self.continue_owed.store(false, Ordering::Release);
    }

    pub(crate) fn body_moved(&self) {
        lock(&self.watch).body_moved(Instant::now(), &self.shared.limits);
    }

    /// The handler is done with a body that has not ended.
    pub(crate) fn keep_leftover(&self, incoming: Incoming) {
        let bytes_max = self.shared.limits.refusal_drain_bytes_max;
        *lock(&self.leftover) = Some(Leftover {
            incoming,
            bytes_max,
            deadline: None,
        });
        self.waker.wake();
    }

    pub(crate) fn expire(&self) {
        self.expired.store(true, Ordering::Release);
    }

    pub(crate) fn is_expired(&self) -> bool {
        self.expired.load(Ordering::Acquire)
    }

    /// The answer's head is there. Tells whether it must announce the connection's end: because the client may never
    /// send the body it announced (RFC 9110, 10.1.1), or because more is left of it than will be read.
    pub(crate) fn answered(&self, now: Instant) -> bool {
        lock(&self.watch).answered(now);
        let leftover = lock(&self.leftover);
        let too_much = leftover
            .as_ref()
            .is_some_and(|leftover| leftover.incoming.size_hint().lower() > leftover.bytes_max);
        too_much || (leftover.is_some() && self.continue_owed.load(Ordering::Acquire))
    }

    pub(crate) fn answer_ended(&self) {
        lock(&self.watch).answer_ended(Instant::now());
    }

    /// Reads and drops what is left of a body, once it is answered. Dropping the body ends the connection in hyper.
    pub(crate) fn poll_leftover(&self, context: &mut Context<'_>) {
        let mut slot = lock(&self.leftover);
        let Some(leftover) = slot.as_mut() else { return };
        if self.phase() == Phase::Busy {
            return;
        }
        let now = Instant::now();
        let deadline = *leftover
            .deadline
            .get_or_insert_with(|| after(now, self.shared.limits.refusal_drain_max));
        let goes_on = now < deadline && leftover.poll(context);
        if !goes_on {
            *slot = None;
        }
    }
}

impl Leftover {
    /// Whether there is, or may be, more to read.
    fn poll(&mut self, context: &mut Context<'_>) -> bool {
        loop {
            match Pin::new(&mut self.incoming).poll_frame(context) {
                Poll::Pending => return true,
                // The end, or the client went away, of which hyper tells the connection.
                Poll::Ready(None | Some(Err(_))) => return false,
                Poll::Ready(Some(Ok(frame))) => {
                    let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                    let Some(rest) = self.bytes_max.checked_sub(length) else {
                        return false;
                    };
                    self.bytes_max = rest;
                }
            }
        }
    }
}

/// These locks guard plain values that are whole between any two statements, so a panic elsewhere spoils nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
