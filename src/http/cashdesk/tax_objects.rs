//! `POST /tax_objects`: the registers that the tax service lists for the caller's key, by the pattern of every operation; and one of them.

use super::door::{Door, Replied, json};
use super::fault::Fault;
use super::report::moment;
use actors::accounts::records::TillRecord;
use actors::machines::register::View;
use fiscal::RegisterNumber;
use http::Response;
use serde_json::{Value, json};
use std::time::Duration;

/// Lists: a cashier's key signs the question while the caller waits.
pub async fn list(door: &Door<'_>) -> Result<Response<Vec<u8>>, Fault> {
    let caller = door.caller()?;
    let signer = door.face.accounts.signer(caller, None)?;
    let hold = door.hold()?.max(Duration::from_secs(1));
    let mut numbers = door.face.lists.list(&signer, hold).await?;
    numbers.sort_unstable();
    let mut data = Vec::with_capacity(numbers.len());
    for number in numbers {
        let Some(till) = door.face.accounts.till_of(caller.account, number) else {
            continue;
        };
        let view = door.face.registers.look(number).await;
        let view = view.map_err(|trouble| Fault::trouble(trouble, Some(number)))?;
        data.push(shown(number, &till, &view));
    }
    Ok(json(&json!({ "data": data })))
}

/// One, from memory.
pub async fn one(door: &Door<'_>, number: &str) -> Replied {
    let found = found(door, number);
    let (number, till) = match found {
        Ok(found) => found,
        Err(fault) => return Replied::of(Err(fault)),
    };
    match door.face.registers.look(number).await {
        Ok(view) => {
            let is_open = Some(view.shift.is_some());
            let data = json!({ "data": shown(number, &till, &view) });
            Replied::about(number, is_open, Ok(json(&data)))
        }
        Err(trouble) => Replied::about(number, None, Err(Fault::trouble(trouble, Some(number)))),
    }
}

fn found(door: &Door<'_>, number: &str) -> Result<(RegisterNumber, std::sync::Arc<TillRecord>), Fault> {
    let caller = door.caller()?;
    let parsed = number
        .parse()
        .ok()
        .and_then(|number| RegisterNumber::new(number).ok());
    let number = parsed.ok_or_else(|| Fault::field("num_fiscal", "має бути фіскальним номером каси"))?;
    let till = door.face.accounts.till_of(caller.account, number);
    till.map(|till| (number, till))
        .ok_or_else(|| Fault::unknown_register(number))
}

/// The offline session that goes on, and what is left of its hours: at most one element. The page names no fields; these say what a till
/// needs in order to warn its cashier.
pub(super) fn timeline(view: &View) -> Vec<Value> {
    let session = view.offline.as_ref().filter(|session| session.begun.is_some());
    let shown = session.map(|session| {
        json!({
            "session_id": session.session.to_string(),
            "begin_date": session.begun.map(moment),
            "end_date": null,
            "checks_count": session.documents,
            "undelivered_count": session.undelivered,
            "session_minutes_left": session.session_minutes_left,
            "month_minutes_left": session.month_minutes_left,
        })
    });
    shown.into_iter().collect()
}

fn shown(number: RegisterNumber, till: &TillRecord, view: &View) -> Value {
    let shift = view.shift.as_ref();
    let drawer = shift.map(|shift| super::answer::money(shift.drawer));
    json!({
        "id": number,
        "org_name": till.seller.organisation,
        "address": till.seller.address,
        "is_tas": true,
        "name": till.seller.point,
        "tin": till.seller.tax_number,
        "ipn": till.seller.vat_number,
        "num_fiscal": number,
        "num_local": till.cash_desk,
        "cash_register_name": till.name,
        "is_closed": till.is_closed,
        "is_test": till.is_testing,
        "state": view.link.name(),
        "shift": {
            "id": shift.map_or_else(String::new, |shift| shift.ordinal.to_string()),
            "state": if shift.is_some() { "opened" } else { "closed" },
            "open_date": shift.map(|shift| moment(shift.opened)),
            "offline": view.offline.is_some(),
            "offline_timeline": timeline(view),
            "cash_in_box": drawer,
        },
    })
}
