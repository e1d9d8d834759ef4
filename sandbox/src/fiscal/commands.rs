//! `/fs/cmd`: a command, signed or bare, to its answer; with `resultAsJson=true` refusals too are answered with 200.

use super::answer::{self, Plain};
use super::core::{Core, Failure};
use super::machine::{Answer, Refusal, Signatures, Who};
use super::requests::{not_remembered, refused_ticket, submit_document};
use super::settings::RejectionForm;
use chrono::{TimeDelta, TimeZone};
use fiscal::command::{Command, Deadline, RegisteredDevice, Request, SentDocument, ServerTime};
use fiscal::{ErrorCode, Rejection};
use http::StatusCode;

/// What a command came with.
struct Asked {
    request: Request,
    signer: Option<Who>,
}

pub(super) fn answer(core: &Core, body: &[u8], signed: bool, as_json: bool) -> Plain {
    let asked = match read(core, body, signed) {
        Ok(asked) => asked,
        Err(rejection) => return refuse(core, None, as_json, &rejection),
    };
    let uid = asked.request.uid.as_ref().map(fiscal::Uid::as_str);
    let respond = |body: &[u8]| {
        answer::json(answer::enveloped(
            uid,
            core.now(),
            body,
            as_json.then_some(Ok(())),
        ))
    };
    let outcome = in_time(core, &asked.request)
        .map_err(Failure::Refused)
        .and_then(|()| perform(core, &asked));
    match outcome {
        Ok(Answer::Json(body)) => respond(&body),
        Ok(Answer::Signed(content)) => match core.seal.sign(&content) {
            Ok(message) => answer::octets(message),
            Err(error) => refuse(core, uid, as_json, &unsigned(error)),
        },
        Ok(Answer::SignedData(mut document)) => {
            let signed = document
                .data
                .as_deref()
                .map(|data| core.seal.sign(data))
                .transpose();
            match signed {
                Ok(data) => {
                    document.data = data;
                    respond(&serde_json::to_vec(&document).expect("texts become JSON"))
                }
                Err(error) => refuse(core, uid, as_json, &unsigned(error)),
            }
        }
        Ok(Answer::Nothing) => refuse(core, uid, as_json, &no_content()),
        Err(Failure::Refused(rejection)) => refuse(core, uid, as_json, &rejection),
        Err(Failure::Journal(error)) => not_remembered(&error),
    }
}

/// What a fault asks for instead of an answer.
pub(super) fn rejected(
    core: &Core,
    body: &[u8],
    signed: bool,
    as_json: bool,
    rejection: &Rejection,
) -> Plain {
    let uid = read(core, body, signed).ok().and_then(|asked| asked.request.uid);
    refuse(core, uid.as_ref().map(fiscal::Uid::as_str), as_json, rejection)
}

fn read(core: &Core, body: &[u8], signed: bool) -> Result<Asked, Rejection> {
    let (content, signer) = if signed {
        let opened = core.signatures.open(body, core.now()).map_err(|text| Rejection {
            code: ErrorCode::DocumentValidationError,
            text,
        })?;
        (opened.content, Some(opened.signer))
    } else {
        (body.to_vec(), None)
    };
    let request = Request::from_json(&content).map_err(|error| Rejection {
        code: ErrorCode::InvalidQueryParameter,
        text: format!("Команду неможливо прочитати: {error}"),
    })?;
    Ok(Asked { request, signer })
}

/// A command is dropped when the server's clock is past its end.
fn in_time(core: &Core, request: &Request) -> Result<(), Rejection> {
    let Some(Deadline {
        timestamp,
        timeout_milliseconds,
    }) = request.deadline
    else {
        return Ok(());
    };
    let kyiv = |time: ServerTime| {
        let local = chrono_tz::Europe::Kyiv.from_local_datetime(&time.local);
        local.latest().map(|moment| moment.to_utc())
    };
    let since = timestamp.to_utc().or_else(|| kyiv(timestamp));
    let timeout = i64::try_from(timeout_milliseconds)
        .ok()
        .and_then(TimeDelta::try_milliseconds);
    let end = since
        .zip(timeout)
        .and_then(|(since, timeout)| since.checked_add_signed(timeout));
    // What ends beyond the calendar never ends.
    if end.is_none_or(|end| core.now() <= end) {
        return Ok(());
    }
    Err(Rejection {
        code: ErrorCode::InvalidQueryParameter,
        text: "Команду скасовано: термін її виконання минув".to_owned(),
    })
}

fn perform(core: &Core, asked: &Asked) -> Result<Answer, Failure<Rejection>> {
    match &asked.request.command {
        Command::SendDocument(sent) => {
            let ticket = match submit_document(core, &sent.document) {
                Ok(ticket) => ticket,
                Err(Failure::Journal(error)) => return Err(Failure::Journal(error)),
                Err(Failure::Refused(refusal)) => refused_document(core, refusal)?,
            };
            Ok(json(&SentDocument { ticket }))
        }
        Command::SendOflPackage(package) => {
            let sender = signer(asked)?;
            let documents: Vec<&[u8]> = package.documents.iter().map(|document| &*document.0).collect();
            let arrival = core.arrival();
            let next = core.submit(|machine| {
                let event = machine.package_of(&documents, sender, &core.signatures, arrival)?;
                Ok((event.package_answer(), Some(event)))
            })?;
            Ok(json(&next))
        }
        Command::DeviceRegister(query) => {
            let sender = signer(asked)?;
            let device = core.submit(|machine| machine.device(query, sender))?;
            Ok(json(&RegisteredDevice { device }))
        }
        command => core
            .read(|machine| machine.command(command, asked.signer.as_ref(), core.now()))
            .map_err(Failure::Refused),
    }
}

fn json<T: serde::Serialize>(body: &T) -> Answer {
    Answer::Json(serde_json::to_vec(body).expect("texts and numbers become JSON"))
}

/// The JSON twin of a refused document: a ticket, or the refusal itself.
fn refused_document(core: &Core, refusal: Refusal) -> Result<Vec<u8>, Failure<Rejection>> {
    let as_ticket = core.settings.rejections == RejectionForm::Ticket;
    let ticket = as_ticket.then(|| refused_ticket(core, &refusal)).flatten();
    ticket.ok_or(Failure::Refused(refusal.rejection))
}

fn signer(asked: &Asked) -> Result<&Who, Failure<Rejection>> {
    asked.signer.as_ref().ok_or_else(|| {
        Failure::Refused(Rejection {
            code: ErrorCode::InvalidQueryParameter,
            text: "Команда повинна бути підписана".to_owned(),
        })
    })
}

fn refuse(core: &Core, uid: Option<&str>, as_json: bool, rejection: &Rejection) -> Plain {
    if as_json {
        return answer::json(answer::enveloped(uid, core.now(), b"{}", Some(Err(rejection))));
    }
    match rejection.code {
        ErrorCode::NoContent => answer::empty(StatusCode::NO_CONTENT),
        _ => answer::refusal(rejection),
    }
}

fn no_content() -> Rejection {
    Rejection {
        code: ErrorCode::NoContent,
        text: "Дані відсутні".to_owned(),
    }
}

fn unsigned(error: String) -> Rejection {
    Rejection {
        code: ErrorCode::CryptographyError,
        text: error,
    }
}
