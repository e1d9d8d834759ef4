//! An operation of a register, from its caller's request to its answer.

use super::answer::{Widths, done};
use super::door::{Door, Replied, json};
use super::fault::Fault;
use super::fields::Fields;
use actors::accounts::records::TillRecord;
use actors::idempotency::Claim;
use actors::machines::register::{Answer, OperationState, Request, Unit};
use actors::register::Ordered;
use fiscal::RegisterNumber;
use http::{HeaderName, HeaderValue, Response};
use std::sync::Arc;

const IDEMPOTENT_REPLAYED: HeaderName = super::super::otp::IDEMPOTENT_REPLAYED;

/// What is asked, and by which route, to which an idempotency key is bound.
pub struct Ask {
    pub route: &'static str,
    pub request: Request,
}

/// Orders, is held, and answers.
pub async fn order(door: &Door<'_>, register: RegisterNumber, till: &TillRecord, ask: Ask) -> Replied {
    match ordered(door, register, till, ask).await {
        Ok((answer, replayed)) => {
            let is_open = Some(answer.is_shift_open);
            let mut result = answered(door, register, &answer).await;
            if let (Ok(response), true) = (&mut result, replayed) {
                let replayed = HeaderValue::from_static("true");
                response.headers_mut().insert(IDEMPOTENT_REPLAYED, replayed);
            }
            Replied::about(register, is_open, result)
        }
        Err(fault) => Replied::about(register, None, Err(fault)),
    }
}

async fn ordered(
    door: &Door<'_>,
    register: RegisterNumber,
    till: &TillRecord,
    ask: Ask,
) -> Result<(Answer, bool), Fault> {
    let caller = door.caller()?;
    let fields = &door.fields;
    Widths::of(fields)?; // a wrong width is told before anything is done
    let hold = door.hold()?;
    let lifetime = if hold.is_zero() {
        door.face.unheld_lifetime
    } else {
        hold
    };
    let claim = door
        .idempotency_key()
        .map(|key| Claim::of(caller.account.0, ask.route, key, &door.body));
    let ordered = Ordered {
        register,
        request: ask.request,
        signer: door.face.accounts.signer(caller, Some(register))?,
        unit: Arc::new(unit(till)?),
        open_shift: fields.flag("open_shift")?,
        hold,
        lifetime,
        claim,
        reference: reference(fields),
    };
    let asked = door.face.registers.order(ordered).await;
    let asked = asked.map_err(|trouble| Fault::trouble(trouble, Some(register)))?;
    Ok((asked.answer, asked.replayed))
}

/// The client's own number. One of letters is no number of the original's either: such a client does without recognition of repeats.
fn reference(fields: &Fields) -> Option<u64> {
    fields.natural("local_number").ok().flatten()
}

fn unit(till: &TillRecord) -> Result<Unit, Fault> {
    till.unit().map_err(|error| {
        tracing::error!(%error, "a register's stored taxes contradict one another");
        Fault::internal()
    })
}

async fn answered(
    door: &Door<'_>,
    register: RegisterNumber,
    answer: &Answer,
) -> Result<Response<Vec<u8>>, Fault> {
    match &answer.state {
        OperationState::Done(facts) => {
            let widths = Widths::of(&door.fields)?;
            let reference = reference(&door.fields);
            let answered = done(
                door.face,
                register,
                answer.operation,
                reference,
                facts,
                Some(widths),
            );
            let fields = answered.await?;
            Ok(json(&fields.into()))
        }
        OperationState::Pending => Err(Fault::pending(answer.operation)),
        OperationState::Refused(refusal) => Err(Fault::refused(refusal, register).of(answer.operation)),
        OperationState::Cancelled(cancelled) => Err(Fault::cancelled(cancelled).of(answer.operation)),
    }
}
