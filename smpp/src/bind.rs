//! One bind: made, kept, lost and made again. It alone reads and writes its connection, and so knows what was written.

use crate::pdu::{self, Incoming};
use crate::{Acknowledgement, Event, Observer, Settings};
use bytes::BytesMut;
use sms::Submitted;
use sms::operators::smpp::{name, submitted};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use zeroize::{Zeroize, Zeroizing};

/// How often timers are looked at; a fraction of the shortest that anybody sets.
const LOOK: Duration = Duration::from_millis(250);
/// Sequence numbers go from 1 to this (SMPP 3.4, 5.1.4).
const SEQUENCE_MAX: u32 = 0x7fff_ffff;
/// A part without an answer gives its place in the window back after so many times the longest wait for any answer.
const FORGOTTEN_AFTER: u32 = 12;
/// Room for what has arrived; receipts have 200 octets.
const INBOX_BYTES: usize = 16 * 1_024;

const QUEUED: u8 = 0;
const WRITTEN: u8 = 1;
const TAKEN_BACK: u8 = 2;

/// Whether a part was written: decided once, by the one who writes or the one who gives up. Dropping it gives up.
#[derive(Clone)]
pub(crate) struct State(Arc<AtomicU8>);

impl State {
    pub(crate) fn queued() -> Waiting {
        Waiting(Self(Arc::new(AtomicU8::new(QUEUED))))
    }

    fn decide(&self, outcome: u8) -> bool {
        let decided = self
            .0
            .compare_exchange(QUEUED, outcome, Ordering::AcqRel, Ordering::Acquire);
        decided.is_ok()
    }
}

/// The waiting side of a [`State`].
pub(crate) struct Waiting(State);

impl Waiting {
    pub(crate) fn clone(&self) -> State {
        self.0.clone()
    }

    /// Whether it was not written, and now never will be.
    pub(crate) fn take_back(&self) -> bool {
        self.0.decide(TAKEN_BACK)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.decide(TAKEN_BACK);
    }
}

/// Which part a late answer is about.
#[derive(Clone, Copy)]
pub(crate) struct Late {
    pub(crate) challenge: Uuid,
    pub(crate) number: u8,
    pub(crate) total: u8,
}

/// A part to be written.
pub(crate) struct Request {
    pub(crate) body: Zeroizing<Vec<u8>>,
    pub(crate) state: State,
    pub(crate) reply: oneshot::Sender<Reply>,
    pub(crate) late: Late,
    pub(crate) permit: OwnedSemaphorePermit,
}

/// What became of it.
pub(crate) enum Reply {
    /// The operator answered.
    Answered { status: u32, id: String },
    /// The bind was lost before it was written.
    Unwritten,
    /// It was written, and there will be no answer.
    Lost,
}

/// A part that was written.
struct Pending {
    reply: oneshot::Sender<Reply>,
    late: Late,
    since: Instant,
    _permit: OwnedSemaphorePermit,
}

/// What a bind needs.
pub(crate) struct Context {
    pub(crate) number: usize,
    pub(crate) role: pdu::Role,
    pub(crate) settings: Arc<Settings>,
    pub(crate) events: mpsc::Sender<Event>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) changed: Arc<Notify>,
    pub(crate) bound: watch::Sender<bool>,
    pub(crate) count: Arc<AtomicUsize>,
    pub(crate) closing: CancellationToken,
}

/// Keeps a bind up until it is told to stop.
pub(crate) async fn keep(context: Context, mut inbox: mpsc::Receiver<Request>) {
    let settings = Arc::clone(&context.settings);
    let (operator, bind) = (settings.name.as_str(), context.number);
    let mut pause = settings.reconnect_min;
    while !context.closing.is_cancelled() {
        let began = Instant::now();
        let ended = match connect(&context).await {
            Ok(connection) => {
                tracing::info!(operator, bind, role = ?context.role, "bound");
                context.set_bound(true);
                let ended = connection.serve(&context, &mut inbox).await;
                context.set_bound(false);
                ended
            }
            Err(error) => Err(error),
        };
        // What was not written goes back to its sender, who may have another way.
        while let Ok(request) = inbox.try_recv() {
            give_back(request);
        }
        let Err(error) = ended else { break };
        context.observer.lost();
        if began.elapsed() > settings.reconnect_max {
            pause = settings.reconnect_min;
        }
        let wait = pause.mul_f64(0.5 + fastrand::f64() / 2.0);
        tracing::warn!(operator, bind, %error, again_in_ms = wait.as_millis(), "not bound");
        pause = (pause * 2).min(settings.reconnect_max);
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = context.closing.cancelled() => {}
        }
    }
    inbox.close();
    while let Ok(request) = inbox.try_recv() {
        give_back(request);
    }
}

fn give_back(request: Request) {
    if request.state.decide(TAKEN_BACK) {
        let _ = request.reply.send(Reply::Unwritten); // who has gone needs no word
    }
}

impl Context {
    fn set_bound(&self, bound: bool) {
        let before = if bound {
            self.count.fetch_add(1, Ordering::AcqRel) + 1
        } else {
            self.count.fetch_sub(1, Ordering::AcqRel) - 1
        };
        self.observer.bound(before);
        self.bound.send_replace(bound);
        self.changed.notify_waiters();
    }
}

fn other(text: impl Into<String>) -> io::Error {
    io::Error::other(text.into())
}

/// Connects and binds.
async fn connect(context: &Context) -> io::Result<Connection> {
    let settings = &context.settings;
    let late = |_| other("the operator did not answer in time");
    let address = (settings.host.as_str(), settings.port);
    let stream = timeout(settings.response, TcpStream::connect(address))
        .await
        .map_err(late)??;
    stream.set_nodelay(true)?;
    let (read, write) = stream.into_split();
    let mut connection = Connection::new(read, write);
    let who = pdu::Bind {
        role: context.role,
        system_id: &settings.system_id,
        password: &settings.password,
        system_type: &settings.system_type,
    };
    let sequence = connection.next_sequence();
    pdu::bind(&mut connection.out, sequence, &who);
    let bound = async {
        connection.flush(settings.response).await?;
        loop {
            match connection.next().await? {
                Incoming::Bound { status: 0 } => return Ok(()),
                Incoming::Bound { status } | Incoming::Nack { status, .. } => {
                    let words = name(status).unwrap_or("a status of its own");
                    return Err(other(format!("the bind was refused: {words} (0x{status:08X})")));
                }
                Incoming::EnquireLink { sequence } => {
                    pdu::enquire_link_resp(&mut connection.out, sequence);
                    connection.flush(settings.response).await?;
                }
                _ => {}
            }
        }
    };
    timeout(settings.response, bound).await.map_err(late)??;
    Ok(connection)
}

/// A connection, its window and what is to be written.
struct Connection {
    read: OwnedReadHalf,
    write: OwnedWriteHalf,
    inbox: BytesMut,
    out: Vec<u8>,
    sequence: u32,
    pending: HashMap<u32, Pending>,
    heard: Instant,
    asked: Option<Instant>,
}

impl Connection {
    fn new(read: OwnedReadHalf, write: OwnedWriteHalf) -> Self {
        Self {
            read,
            write,
            inbox: BytesMut::with_capacity(INBOX_BYTES),
            // As much as a full window takes; it is wiped after each write, and so must not grow by much.
            out: Vec::with_capacity(INBOX_BYTES),
            sequence: 0,
            pending: HashMap::new(),
            heard: Instant::now(),
            asked: None,
        }
    }

    fn next_sequence(&mut self) -> u32 {
        self.sequence = if self.sequence >= SEQUENCE_MAX {
            1
        } else {
            self.sequence + 1
        };
        self.sequence
    }

    /// Reads more. Cancelled, it has read nothing.
    async fn more(&mut self) -> io::Result<()> {
        self.inbox.reserve(INBOX_BYTES / 2);
        if self.read.read_buf(&mut self.inbox).await? == 0 {
            return Err(other("the operator closed the connection"));
        }
        self.heard = Instant::now();
        Ok(())
    }

    fn take(&mut self) -> io::Result<Option<Incoming>> {
        pdu::take(&mut self.inbox).map_err(|_| other("the operator sent what is no PDU"))
    }

    async fn next(&mut self) -> io::Result<Incoming> {
        loop {
            if let Some(incoming) = self.take()? {
                return Ok(incoming);
            }
            self.more().await?;
        }
    }

    /// Writes what is to be written, and wipes it.
    async fn flush(&mut self, max: Duration) -> io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        let written = timeout(max, self.write.write_all(&self.out)).await;
        self.out.zeroize(); // also empties it
        written.map_err(|_| other("the operator does not read"))?
    }

    /// Serves until the bind is lost (an error) or told to end.
    async fn serve(mut self, context: &Context, inbox: &mut mpsc::Receiver<Request>) -> io::Result<()> {
        let (acknowledge, mut acknowledged) = mpsc::unbounded_channel();
        let ended = loop {
            let turned = tokio::select! {
                read = self.more() => read.and_then(|()| self.handle_all(context, &acknowledge)),
                Some(request) = inbox.recv() => {
                    self.begin(request);
                    while let Ok(request) = inbox.try_recv() {
                        self.begin(request);
                    }
                    Ok(())
                }
                Some((sequence, status)) = acknowledged.recv() => {
                    pdu::deliver_resp(&mut self.out, sequence, status);
                    Ok(())
                }
                () = tokio::time::sleep(LOOK.min(context.settings.enquire_link / 2)) => self.look(context),
                () = context.closing.cancelled() => break self.unbind(context).await,
            };
            let turned = match turned {
                Ok(()) => self.flush(context.settings.response).await,
                Err(error) => {
                    // An unbind is answered even though it ends the bind.
                    let _ = self.flush(context.settings.response).await;
                    Err(error)
                }
            };
            if let Err(error) = turned {
                break Err(error);
            }
        };
        for (_, pending) in self.pending.drain() {
            let _ = pending.reply.send(Reply::Lost); // who has gone needs no word
        }
        ended
    }

    /// Writes a part, unless whoever wanted it has given up.
    fn begin(&mut self, request: Request) {
        let Request {
            body,
            state,
            reply,
            late,
            permit,
        } = request;
        if !state.decide(WRITTEN) {
            return;
        }
        let sequence = self.next_sequence();
        pdu::submit(&mut self.out, sequence, &body);
        let since = Instant::now();
        self.pending.insert(
            sequence,
            Pending {
                reply,
                late,
                since,
                _permit: permit,
            },
        );
    }

    fn handle_all(
        &mut self,
        context: &Context,
        acknowledge: &mpsc::UnboundedSender<(u32, u32)>,
    ) -> io::Result<()> {
        while let Some(incoming) = self.take()? {
            self.handle(incoming, context, acknowledge)?;
        }
        Ok(())
    }

    fn handle(
        &mut self,
        incoming: Incoming,
        context: &Context,
        acknowledge: &mpsc::UnboundedSender<(u32, u32)>,
    ) -> io::Result<()> {
        match incoming {
            Incoming::Submitted { sequence, status, id } => self.answered(sequence, status, id, context),
            // Nothing that was not understood was taken.
            Incoming::Nack { sequence, status } => {
                self.answered(sequence, status.max(1), String::new(), context);
            }
            Incoming::Deliver { sequence, deliver } => {
                context.observer.delivered();
                let acknowledgement = Acknowledgement {
                    sequence,
                    status: crate::TRY_AGAIN,
                    way: acknowledge.clone(),
                };
                self.delivered(deliver, acknowledgement, context);
            }
            Incoming::EnquireLink { sequence } => pdu::enquire_link_resp(&mut self.out, sequence),
            Incoming::EnquireLinkResp => self.asked = None,
            Incoming::Unbind { sequence } => {
                pdu::unbind_resp(&mut self.out, sequence);
                return Err(other("the operator ended the bind"));
            }
            Incoming::Strange { sequence } => pdu::nack(&mut self.out, sequence),
            Incoming::Bound { .. } | Incoming::UnbindResp | Incoming::Idle => {}
        }
        Ok(())
    }

    fn answered(&mut self, sequence: u32, status: u32, id: String, context: &Context) {
        let Some(Pending { reply, late, .. }) = self.pending.remove(&sequence) else {
            return;
        };
        context.changed.notify_one(); // there is room again
        let unheard = reply.send(Reply::Answered { status, id }).err();
        let Some(Reply::Answered { status, id }) = unheard else {
            return;
        };
        // Only the first part's refusal says that nothing went, and only the last part's acceptance that all of it did.
        let named = decimal(&id)
            .filter(|_| context.settings.hexadecimal_ids)
            .unwrap_or(id);
        let submitted: Submitted = match (status, late.number) {
            (0, number) if number == late.total => submitted(0, &named),
            (1.., 1) => submitted(status, ""),
            _ => return,
        };
        let event = Event::Late {
            challenge: late.challenge,
            submitted,
        };
        if context.events.try_send(event).is_err() {
            tracing::warn!(
                operator = context.settings.name,
                "a late answer was dropped: too much waits"
            );
        }
    }

    fn delivered(
        &mut self,
        deliver: Option<pdu::Deliver>,
        acknowledgement: Acknowledgement,
        context: &Context,
    ) {
        let settings = &context.settings;
        let receipt = deliver.filter(|deliver| deliver.is_receipt).and_then(|deliver| {
            sms::receipt::read(&deliver.text, deliver.receipted_id.as_deref(), deliver.state)
        });
        let Some(report) = receipt else {
            // Messages from phones are nobody's here, and a receipt that says nothing now will say nothing when it comes again.
            acknowledgement.kept();
            return;
        };
        let event = Event::Receipt {
            report,
            acknowledgement,
        };
        if context.events.try_send(event).is_err() {
            tracing::warn!(
                operator = settings.name,
                "a receipt is asked for again: too much waits"
            );
        }
    }

    /// Timers: whether the operator is there, and what was forgotten.
    fn look(&mut self, context: &Context) -> io::Result<()> {
        let settings = &context.settings;
        if self
            .asked
            .is_some_and(|asked| self.heard < asked && asked.elapsed() > settings.response)
        {
            return Err(other("the operator does not answer"));
        }
        if self.asked.is_none_or(|asked| self.heard >= asked) && self.heard.elapsed() >= settings.enquire_link
        {
            let sequence = self.next_sequence();
            pdu::enquire_link(&mut self.out, sequence);
            self.asked = Some(Instant::now());
        }
        let before = self.pending.len();
        let max = settings.response * FORGOTTEN_AFTER;
        self.pending.retain(|_, pending| pending.since.elapsed() < max);
        if self.pending.len() < before {
            context.changed.notify_waiters();
        }
        Ok(())
    }

    /// Ends in order.
    async fn unbind(&mut self, context: &Context) -> io::Result<()> {
        let sequence = self.next_sequence();
        pdu::unbind(&mut self.out, sequence);
        let max = context.settings.response.min(Duration::from_secs(1));
        let ended = async {
            self.flush(max).await?;
            while self.next().await? != Incoming::UnbindResp {}
            Ok::<_, io::Error>(())
        };
        // An operator that says no goodbye is left all the same.
        let _ = timeout(max, ended).await;
        Ok(())
    }
}

/// A hexadecimal id in decimal, as some operators' receipts have it.
pub(crate) fn decimal(id: &str) -> Option<String> {
    u128::from_str_radix(id, 16).ok().map(|number| number.to_string())
}
