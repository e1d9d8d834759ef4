//! The control face, on a listener of its own: faults, and what was accepted. It asks nobody who they are: bind it to loopback.

use super::answer::{self, Plain};
use super::core::Core;
use super::faults::{Control, ControlError, Fault};
use super::kinds::kind_of;
use super::machine::{Book, Entry, Machine};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use serde::Serialize;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// What `GET /control/state` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct State {
    /// All registers that are registered, by number.
    pub registers: Vec<RegisterState>,
}

/// One register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegisterState {
    /// Its fiscal number.
    pub num_fiscal: u64,
    /// Whether a shift is open.
    pub shift_open: bool,
    /// The local number that is due.
    pub next_local_number: u64,
    /// Every accepted document of every shift that stands, by local number.
    pub documents: Vec<DocumentState>,
}

/// One document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DocumentState {
    /// Its local number.
    pub local_number: u64,
    /// Its fiscal number.
    pub fiscal_number: String,
    /// Its identifier.
    pub uid: String,
    /// What it is, see [`kind_of`].
    pub kind: String,
    /// Whether it was made offline.
    pub offline: bool,
    /// What was signed, octet for octet.
    pub xml_base64: String,
}

impl State {
    /// Of a machine.
    pub fn of(machine: &Machine) -> Self {
        let fresh = Book::default();
        let registers = machine.registers().map(|register| {
            let book = machine.book(register).unwrap_or(&fresh);
            RegisterState {
                num_fiscal: register.get(),
                shift_open: book.open_shift().is_some(),
                next_local_number: book.next_local_number().get(),
                documents: book.documents.iter().map(DocumentState::of).collect(),
            }
        });
        Self {
            registers: registers.collect(),
        }
    }
}

impl DocumentState {
    fn of(entry: &Entry) -> Self {
        let accepted = &entry.accepted;
        Self {
            local_number: entry.local_number().get(),
            fiscal_number: accepted.fiscal_number.to_string(),
            uid: accepted.document.head.uid.to_string(),
            kind: kind_of(&accepted.document.kind).to_owned(),
            offline: accepted.is_offline(),
            xml_base64: STANDARD.encode(&accepted.content),
        }
    }
}

/// Until when connections are refused.
pub(super) type Outage = watch::Sender<Option<Instant>>;

/// Arms a fault.
pub(super) fn arm(core: &Core, outage: &Outage, control: Control) -> Result<(), ControlError> {
    let (fault, seconds) = (control.fault, control.seconds);
    core.faults().arm(control)?;
    if fault == Fault::Unreachable {
        let seconds = u64::try_from(seconds).map_err(|_| ControlError::Seconds)?;
        outage.send_replace(Some(Instant::now() + Duration::from_secs(seconds)));
    }
    Ok(())
}

pub(super) fn disarm(core: &Core, outage: &Outage) {
    core.faults().disarm();
    outage.send_replace(None);
}

/// Answers a request to the control face.
pub(super) fn handle(core: &Core, outage: &Outage, method: &Method, path: &str, body: &[u8]) -> Plain {
    match (method, path) {
        (&Method::POST, "/control") => match serde_json::from_slice::<Control>(body) {
            Ok(control) => match arm(core, outage, control) {
                Ok(()) => answer::empty(StatusCode::NO_CONTENT),
                Err(error) => answer::text(StatusCode::BAD_REQUEST, error.to_string()),
            },
            Err(error) => answer::text(StatusCode::BAD_REQUEST, error.to_string()),
        },
        (&Method::DELETE, "/control") => {
            disarm(core, outage);
            answer::empty(StatusCode::NO_CONTENT)
        }
        (&Method::GET, "/control/state") => {
            let state = core.read(State::of);
            answer::json(serde_json::to_vec(&state).expect("texts and numbers become JSON"))
        }
        (&Method::GET, "/control/certificate") => answer::octets(core.seal.certificate().der().to_vec()),
        _ => answer::text(
            StatusCode::NOT_FOUND,
            "POST /control, DELETE /control, GET /control/state, GET /control/certificate\n",
        ),
    }
}
