//! One request to `/fs/doc`, `/fs/cmd` or `/fs/pck`, from its octets to its answer. It blocks on the disk: not for an event loop's thread.

use super::answer::{self, Plain};
use super::coding::{self, CodingError};
use super::core::{Core, Failure};
use super::faults::{Control, Fault, Target};
use super::kinds::kind_of;
use super::machine::{Refusal, Signatures, TicketHead};
use super::settings::RejectionForm;
use fiscal::command::{Command, Request};
use fiscal::{Document, ErrorCode, RegisterNumber, Rejection, Ticket};
use http::{HeaderMap, Method, StatusCode, header};
use std::time::Duration;

/// A body smaller than this is answered with 416, as the tax service was measured to do.
const BODY_BYTES_MIN: usize = 10;
/// Of too large and too small a body.
const WRONG_SIZE: StatusCode = StatusCode::RANGE_NOT_SATISFIABLE;

/// A request as it came.
pub(super) struct Incoming {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    /// None when it was cut off, being larger than anything that is taken.
    pub(super) body: Option<Vec<u8>>,
}

/// What a request ends with.
pub(super) enum Outcome {
    /// This, after so long.
    Answer(Plain, Duration),
    /// The connection is closed without an answer, after so long.
    Close(Duration),
}

/// A request that could be read.
struct Ready {
    door: Door,
    path: String,
    body: Vec<u8>,
    signed: bool,
    as_json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    Document,
    Command,
    Package,
}

impl Incoming {
    fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The checks of HTTP itself: 403, 405, 415, 416.
    fn ready(&self, core: &Core) -> Result<Ready, StatusCode> {
        let door = match self.path.as_str() {
            "/fs/doc" => Door::Document,
            "/fs/cmd" => Door::Command,
            "/fs/pck" => Door::Package,
            _ => return Err(StatusCode::FORBIDDEN),
        };
        if self.method != Method::POST {
            return Err(StatusCode::METHOD_NOT_ALLOWED);
        }
        let kind = self.header(header::CONTENT_TYPE).unwrap_or_default();
        let kind = kind
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        let signed = match kind.as_str() {
            "application/octet-stream" => true,
            "application/json" if door == Door::Command => false,
            _ => return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        };
        let max = match door {
            Door::Document | Door::Command => core.settings.document_bytes_max,
            Door::Package => core.settings.package_bytes_max,
        };
        let packed = self.body.as_deref().ok_or(WRONG_SIZE)?;
        let coding = self.header(header::CONTENT_ENCODING);
        let body = coding::decode(coding, packed, max).map_err(|error| match error {
            CodingError::TooLarge => WRONG_SIZE,
            CodingError::Unknown => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            CodingError::Broken => StatusCode::BAD_REQUEST,
        })?;
        if body.len() < BODY_BYTES_MIN {
            return Err(WRONG_SIZE);
        }
        Ok(Ready {
            door,
            path: self.path.clone(),
            body,
            signed,
            as_json: self
                .query
                .split('&')
                .any(|pair| pair.eq_ignore_ascii_case("resultAsJson=true")),
        })
    }
}

/// Answers a request, faults included.
pub(super) fn handle(core: &Core, incoming: &Incoming) -> Outcome {
    let accept = incoming.header(header::ACCEPT_ENCODING);
    let finish = |response| answer::finish(response, accept, core.now());
    let ready = match incoming.ready(core) {
        Ok(ready) => ready,
        Err(status) => return Outcome::Answer(finish(answer::empty(status)), Duration::ZERO),
    };
    let Some(control) = ready.fault(core) else {
        return Outcome::Answer(finish(ready.answer(core)), Duration::ZERO);
    };
    let wait = control.wait();
    match control.fault {
        Fault::DropBefore => Outcome::Close(wait),
        Fault::DropAfter => {
            // The answer is made, and lost on the way.
            drop(ready.answer(core));
            Outcome::Close(wait)
        }
        Fault::Delay => Outcome::Answer(finish(ready.answer(core)), wait),
        Fault::Status => {
            let status = StatusCode::from_u16(control.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Outcome::Answer(finish(answer::empty(status)), wait)
        }
        Fault::Reject => Outcome::Answer(finish(ready.rejected(core, &control)), wait),
        // Neither is armed for requests.
        Fault::ClockSkew | Fault::Unreachable => Outcome::Answer(finish(ready.answer(core)), wait),
    }
}

impl Ready {
    fn answer(&self, core: &Core) -> Plain {
        match self.door {
            Door::Document => self.document(core),
            Door::Package => self.package(core),
            Door::Command => super::commands::answer(core, &self.body, self.signed, self.as_json),
        }
    }

    fn document(&self, core: &Core) -> Plain {
        match submit_document(core, &self.body) {
            Ok(ticket) => answer::octets(ticket),
            Err(Failure::Journal(error)) => not_remembered(&error),
            Err(Failure::Refused(refusal)) => refused(core, &refusal, core.settings.rejections),
        }
    }

    fn package(&self, core: &Core) -> Plain {
        let arrival = core.arrival();
        let submitted = core.submit(|machine| {
            let event = machine.package(&self.body, &core.signatures, arrival)?;
            Ok((event.package_answer(), Some(event)))
        });
        match submitted {
            Ok(next) if next.offline_session().is_none() => answer::text(StatusCode::OK, "OK"),
            Ok(next) => answer::json(serde_json::to_vec(&next).expect("digits become JSON")),
            Err(Failure::Journal(error)) => not_remembered(&error),
            Err(Failure::Refused(rejection)) => answer::refusal(&rejection),
        }
    }

    /// What a fault asks for instead of an answer.
    fn rejected(&self, core: &Core, control: &Control) -> Plain {
        let rejection = Rejection {
            code: ErrorCode::from_code(control.code),
            text: control.text.clone(),
        };
        if self.door == Door::Command {
            return super::commands::rejected(core, &self.body, self.signed, self.as_json, &rejection);
        }
        let form = control.form.unwrap_or(core.settings.rejections);
        let document = self.content(core).and_then(|xml| Document::from_xml(&xml).ok());
        let document = document.filter(|_| self.door == Door::Document);
        let document = document.as_ref().map(TicketHead::of);
        refused(core, &Refusal { rejection, document }, form)
    }

    /// What was signed, whoever signed it; nothing when it cannot be had.
    fn content(&self, core: &Core) -> Option<Vec<u8>> {
        if !self.signed {
            return Some(self.body.clone());
        }
        Some(core.signatures.open(&self.body, core.now()).ok()?.content)
    }

    /// The fault that is armed for this request.
    fn fault(&self, core: &Core) -> Option<Control> {
        let (register, kind) = self.about(core);
        core.faults().take(Target {
            path: &self.path,
            register,
            kind: kind.as_deref(),
        })
    }

    fn about(&self, core: &Core) -> (Option<RegisterNumber>, Option<String>) {
        let Some(content) = self.content(core) else {
            return (None, None);
        };
        match self.door {
            Door::Document => {
                let document = Document::from_xml(&content).ok();
                let register = document.as_ref().map(|document| document.head.register.number);
                (
                    register,
                    document.map(|document| kind_of(&document.kind).to_owned()),
                )
            }
            Door::Package => {
                let limits = fiscal::offline::PackageLimits {
                    documents_max: core.settings.package_documents_max,
                    octets_max: core.settings.package_bytes_max,
                };
                let first = fiscal::offline::parse(&content, limits)
                    .ok()
                    .and_then(|documents| core.signatures.open(documents.first()?, core.now()).ok())
                    .and_then(|opened| Document::from_xml(&opened.content).ok());
                let register = first.map(|document| document.head.register.number);
                (register, Some("package".to_owned()))
            }
            Door::Command => {
                let request = Request::from_json(&content).ok();
                let register = request.as_ref().and_then(|request| register_of(&request.command));
                (register, request.map(|request| request.command.name().to_owned()))
            }
        }
    }
}

/// A document: the message around its ticket.
pub(super) fn submit_document(core: &Core, signed: &[u8]) -> Result<Vec<u8>, Failure<Refusal>> {
    let arrival = core.arrival();
    core.submit(|machine| {
        let event = machine.document(signed, &core.signatures, arrival)?;
        // Made before anything is remembered: a ticket that cannot be signed must not leave a document behind.
        let ticket = event
            .ticket()
            .ok_or_else(|| "no document was accepted".to_owned());
        let message = ticket.and_then(|ticket| sealed(core, &ticket)).map_err(|error| {
            Refusal::from(Rejection {
                code: ErrorCode::CryptographyError,
                text: error,
            })
        })?;
        Ok((message, Some(event)))
    })
}

/// A refused document in the form that is asked for; a ticket needs a document that could be read.
fn refused(core: &Core, refusal: &Refusal, form: RejectionForm) -> Plain {
    let rejection = &refusal.rejection;
    match (form, refused_ticket(core, refusal)) {
        (RejectionForm::Ticket, Some(ticket)) => answer::octets(ticket),
        _ => answer::refusal(rejection),
    }
}

/// The message around a ticket that refuses; none when the document could not be read.
pub(super) fn refused_ticket(core: &Core, refusal: &Refusal) -> Option<Vec<u8>> {
    let message = sealed(core, &refusal.ticket()?);
    message
        .inspect_err(|error| tracing::error!(%error, "a ticket could not be made"))
        .ok()
}

fn sealed(core: &Core, ticket: &Ticket) -> Result<Vec<u8>, String> {
    let xml = ticket.to_xml().map_err(|error| error.to_string())?;
    core.seal.sign(&xml)
}

/// Nothing is known of what was not remembered: 503, and the log says why.
pub(super) fn not_remembered(error: &super::journal::JournalError) -> Plain {
    tracing::error!(%error, "a request was not accepted");
    answer::empty(StatusCode::SERVICE_UNAVAILABLE)
}

fn register_of(command: &Command) -> Option<RegisterNumber> {
    Some(match command {
        Command::TransactionsRegistrarState(query) => query.register,
        Command::Check(query) | Command::ZRep(query) => query.register,
        Command::CheckExt(query) | Command::ZRepExt(query) => query.register,
        Command::Shifts(query) => query.register,
        Command::Documents(query) => query.register,
        Command::LastShiftTotals(query) => query.register,
        Command::DocumentInfoByLocalNum(query) => query.register,
        Command::DeviceRegister(query) => query.register,
        _ => return None,
    })
}
