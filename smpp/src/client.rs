//! Several binds to one operator as one way out.

use crate::bind::{self, Late, Reply, Request, State};
use crate::pdu::Role;
use crate::{Event, Mode, Settings, pdu};
use sms::operators::smpp::{is_congestion, submitted};
use sms::segment::{self, Alphabet};
use sms::{Submission, Submitted};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use zeroize::Zeroizing;

/// Of a message's time, the part that its first answer of "later" may be waited through: the rest is for another operator.
const PATIENCE_OF_FIRST: u32 = 2;
/// The pause before a part that met congestion is tried again; doubled each time. A throttle of ten messages a second passes in one.
const CONGESTION_PAUSE: Duration = Duration::from_millis(100);
/// How long an orderly end waits for answers that are on their way.
const CLOSE_MAX: Duration = Duration::from_secs(2);

/// Who counts what happens to binds.
pub trait Observer: Send + Sync + 'static {
    /// So many are bound now.
    fn bound(&self, _binds: usize) {}
    /// One was lost, or could not be made.
    fn lost(&self) {}
    /// A receipt, or a message from a phone, came in.
    fn delivered(&self) {}
}

/// Counts nothing.
pub struct Silent;

impl Observer for Silent {}

/// Messages go out through this. Dropping it ends its binds.
pub struct Client {
    settings: Arc<Settings>,
    binds: Vec<Bind>,
    next: AtomicUsize,
    reference: AtomicU8,
    changed: Arc<Notify>,
    closing: CancellationToken,
    tasks: TaskTracker,
}

struct Bind {
    queue: mpsc::Sender<Request>,
    window: Arc<Semaphore>,
    bound: watch::Receiver<bool>,
}

/// What became of one part.
enum Part {
    Taken(String),
    Status(u32),
    /// It was not written.
    NotSent(&'static str),
    Unknown,
}

impl Client {
    /// Begins to bind, and goes on for as long as the client lives. `events` gets receipts and late answers; while it is full the operator is
    /// told to send receipts again.
    pub fn start(settings: Settings, events: mpsc::Sender<Event>, observer: Arc<dyn Observer>) -> Self {
        let (settings, changed, closing) = (
            Arc::new(settings),
            Arc::new(Notify::new()),
            CancellationToken::new(),
        );
        let count = Arc::new(AtomicUsize::new(0));
        let tasks = TaskTracker::new();
        let keep = |number, role, inbox| {
            let (tell, bound) = watch::channel(false);
            let context = bind::Context {
                number,
                role,
                settings: Arc::clone(&settings),
                events: events.clone(),
                observer: Arc::clone(&observer),
                changed: Arc::clone(&changed),
                bound: tell,
                count: Arc::clone(&count),
                closing: closing.clone(),
            };
            tasks.spawn(bind::keep(context, inbox));
            bound
        };
        let mut binds = Vec::new();
        let role = match settings.mode {
            Mode::Transceiver => Role::Transceiver,
            Mode::TransmitterAndReceiver => Role::Transmitter,
        };
        let window_max = settings.window.max(1);
        for number in 1..=settings.binds.max(1) {
            let (queue, inbox) = mpsc::channel(window_max);
            let bound = keep(number, role, inbox);
            let window = Arc::new(Semaphore::new(window_max));
            binds.push(Bind { queue, window, bound });
        }
        if role == Role::Transmitter {
            let (_, nothing) = mpsc::channel(1);
            keep(binds.len() + 1, Role::Receiver, nothing);
        }
        Self {
            settings,
            binds,
            next: AtomicUsize::new(0),
            reference: AtomicU8::new(fastrand::u8(..)),
            changed,
            closing,
            tasks,
        }
    }

    /// How many binds stand that messages can go out by.
    pub fn bound(&self) -> usize {
        self.binds.iter().filter(|bind| *bind.bound.borrow()).count()
    }

    /// Waits until a bind stands.
    pub async fn wait_until_bound(&self) {
        loop {
            let changed = self.changed.notified();
            if self.bound() > 0 {
                return;
            }
            changed.await;
        }
    }

    /// Hands a message over: part by part, for a first part that is refused takes the others with it, and nobody gets half a message.
    ///
    /// Refused only where no part was taken; unknown where a part was written and not answered, or only some were taken.
    pub async fn submit(&self, submission: &Submission<'_>, deadline: Duration) -> Submitted {
        let (began, alphabet) = (Instant::now(), Alphabet::of(submission.text));
        let until = began + deadline;
        let parts = segment::cut(submission.text);
        let Ok(total) = u8::try_from(parts.len()) else {
            return Submitted::refused(true, "too-long", "more parts than a message can have");
        };
        let reference = self.reference.fetch_add(1, Ordering::Relaxed);
        let mut ids = Vec::with_capacity(parts.len());
        for (number, text) in (1..=total).zip(&parts) {
            let body = pdu::submit_body(&pdu::Part {
                source: (
                    &self.settings.source,
                    self.settings.source_ton,
                    self.settings.source_npi,
                ),
                destination: submission.digits(),
                validity_seconds: submission.validity_seconds,
                alphabet,
                header: (total > 1).then(|| segment::header(reference, total, number)),
                text,
            });
            let late = Late {
                challenge: submission.challenge,
                number,
                total,
            };
            let patience = if number == 1 {
                began + deadline / PATIENCE_OF_FIRST
            } else {
                until
            };
            match self.part(&body, late, patience, until).await {
                Part::Taken(id) => ids.push(id),
                Part::Status(status) if number == 1 => return submitted(status, ""),
                Part::NotSent(why) if number == 1 => return Submitted::refused(false, "not-sent", why),
                Part::Status(_) | Part::NotSent(_) | Part::Unknown => return Submitted::Unknown,
            }
        }
        Submitted::Accepted { ids }
    }

    /// One part, again where it was refused for congestion or came back unwritten, until `patience` ends.
    async fn part(&self, body: &Zeroizing<Vec<u8>>, late: Late, patience: Instant, until: Instant) -> Part {
        let mut pause = CONGESTION_PAUSE;
        loop {
            let outcome = match self.place(patience).await {
                None => return Part::NotSent("no bind stands, or none has room"),
                Some((bind, permit)) => self.once(bind, permit, body, late, until).await,
            };
            match outcome {
                Some(Part::Status(status)) if is_congestion(status) && Instant::now() + pause < patience => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Some(outcome) => return outcome,
                None => {} // it came back unwritten, because its bind was lost: another may stand
            }
        }
    }

    /// A bind with room, and the room.
    async fn place(&self, until: Instant) -> Option<(&Bind, OwnedSemaphorePermit)> {
        loop {
            let changed = self.changed.notified();
            let first = self.next.fetch_add(1, Ordering::Relaxed);
            for offset in 0..self.binds.len() {
                let bind = &self.binds[first.wrapping_add(offset) % self.binds.len()];
                if *bind.bound.borrow()
                    && let Ok(permit) = Arc::clone(&bind.window).try_acquire_owned()
                {
                    return Some((bind, permit));
                }
            }
            tokio::select! {
                () = changed => {}
                () = sleep_until(until) => return None,
            }
        }
    }

    /// Queues one part and waits for its answer; `None` where it came back unwritten.
    async fn once(
        &self,
        bind: &Bind,
        permit: OwnedSemaphorePermit,
        body: &Zeroizing<Vec<u8>>,
        late: Late,
        until: Instant,
    ) -> Option<Part> {
        let (reply, answer) = oneshot::channel();
        // Whoever gives up waiting takes the part back if it was not written, however the wait ends.
        let state = State::queued();
        let request = Request {
            body: body.clone(),
            state: state.clone(),
            reply,
            late,
            permit,
        };
        if bind.queue.try_send(request).is_err() {
            return Some(Part::NotSent("the client is closing"));
        }
        match timeout_at(until, answer).await {
            Ok(Ok(Reply::Answered { status: 0, id })) => Some(Part::Taken(self.named(id))),
            Ok(Ok(Reply::Answered { status, .. })) => Some(Part::Status(status)),
            Ok(Ok(Reply::Unwritten)) => None,
            Ok(Ok(Reply::Lost)) => Some(Part::Unknown),
            Ok(Err(_)) | Err(_) if state.take_back() => Some(Part::NotSent("no room in the window in time")),
            Ok(Err(_)) | Err(_) => Some(Part::Unknown),
        }
    }

    /// The id by which receipts will name the part.
    fn named(&self, id: String) -> String {
        bind::decimal(&id)
            .filter(|_| self.settings.hexadecimal_ids)
            .unwrap_or(id)
    }

    /// Ends in order: what is written is waited for, then the binds are ended.
    pub async fn close(&self) {
        let until = Instant::now() + CLOSE_MAX;
        let window = self.settings.window.max(1);
        for bind in &self.binds {
            let all = u32::try_from(window).unwrap_or(u32::MAX);
            // Not in time: they stay unknown.
            let _ = timeout_at(until, bind.window.acquire_many(all)).await;
        }
        self.closing.cancel();
        self.tasks.close();
        let _ = timeout_at(until + CLOSE_MAX, self.tasks.wait()).await; // a bind holds nothing that must be kept
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}
