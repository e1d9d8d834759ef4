//! `POST /shift`: open a shift, or make its Z-report and close it.

use super::door::{Door, Replied};
use super::order::{Ask, order};
use actors::machines::register::Request;

const ACTION_CHARACTERS_MAX: usize = 64;

pub async fn shift(door: &Door<'_>) -> Replied {
    let (number, till) = match door.register() {
        Ok(found) => found,
        Err(fault) => return Replied::of(Err(fault)),
    };
    let fields = &door.fields;
    let request = match fields.text("action_type", ACTION_CHARACTERS_MAX) {
        Ok(action) => match action.as_deref() {
            Some("OPEN_SHIFT") => Ok(Request::OpenShift),
            Some("Z_REPORT" | "CLOSE_SHIFT") => Ok(Request::CloseShift),
            // Some clients send here what was meant for the X-report, without any word: a shift is never closed by a guess.
            _ => Err(fields.wrong("action_type", "має бути OPEN_SHIFT або Z_REPORT")),
        },
        Err(fault) => Err(fault),
    };
    match request {
        Ok(request) => {
            order(
                door,
                number,
                &till,
                Ask {
                    route: "shift",
                    request,
                },
            )
            .await
        }
        Err(fault) => Replied::about(number, None, Err(fault)),
    }
}
