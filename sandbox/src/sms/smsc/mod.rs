//! A stand-in SMSC: takes binds, puts parts together, sends receipts, and misbehaves when told. Speaks SMPP 3.4 by code of its own, so that
//! a client's misreading of the standard is not shared by what it is tried against.

mod session;
mod state;
mod wire;

pub use state::{Fault, Seen, Settings};

use super::operator::Operator;
use session::serve_session;
use state::State;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Binds that it takes at once; a stand-in meets one gateway.
const SESSIONS_MAX: usize = 64;

/// A stand-in SMSC that runs; cheap to clone.
#[derive(Clone)]
pub struct Smsc {
    state: Arc<Mutex<State>>,
    /// Counted up to cut every connection that there is.
    cut: watch::Sender<u64>,
}

impl Smsc {
    /// One that keeps what arrives in `messages`, beside what arrives otherwise.
    pub fn new(settings: Settings, messages: Arc<Mutex<Operator>>) -> Self {
        Self {
            state: Arc::new(Mutex::new(State::new(settings, messages))),
            cut: watch::Sender::new(0),
        }
    }

    /// One by itself.
    pub fn alone(settings: Settings) -> Self {
        Self::new(settings, Arc::default())
    }

    /// Serves until `shutdown` completes.
    pub async fn serve(&self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let accept = async {
            let places = Arc::new(tokio::sync::Semaphore::new(SESSIONS_MAX));
            loop {
                let place = Arc::clone(&places).acquire_owned().await;
                let Ok((stream, _)) = listener.accept().await else {
                    continue;
                };
                let (state, cut) = (Arc::clone(&self.state), self.cut.subscribe());
                tokio::spawn(async move {
                    // A session ends as its peer likes; that is no error of a stand-in.
                    let _ = serve_session(stream, state, cut).await;
                    drop(place);
                });
            }
        };
        tokio::select! {
            () = accept => {}
            () = shutdown => self.cut(),
        }
    }

    /// Cuts every connection that there is, without a word.
    pub fn cut(&self) {
        self.cut.send_modify(|times| *times += 1);
    }

    /// The next submissions of parts go so.
    pub fn will(&self, fault: Fault) {
        self.lock().faults.push_back(fault);
    }

    /// Whole messages: number and text, in the order in which they became whole.
    pub fn messages(&self) -> Vec<(String, String)> {
        let messages = Arc::clone(&self.lock().messages);
        let operator = messages.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs = operator.messages(None).into_iter();
        pairs
            .map(|message| (message.to.clone(), message.text.clone()))
            .collect()
    }

    /// Every part that was submitted, as it came.
    pub fn seen(&self) -> Vec<Seen> {
        self.lock().seen.iter().cloned().collect()
    }

    /// How many parts were submitted.
    pub fn submitted(&self) -> u64 {
        self.lock().submitted
    }

    /// The version that the last bind said.
    pub fn interface_version(&self) -> Option<u8> {
        self.lock().interface_version
    }

    /// Receipts that were acknowledged, by the status of the acknowledgement.
    pub fn acknowledged(&self) -> Vec<u32> {
        self.lock().acknowledged.clone()
    }

    /// Sends a receipt with this state, again or for the first time, for a part by its id.
    pub fn receipt(&self, id: &str, stat: &'static str) {
        self.lock().owe_receipt(id, stat);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
