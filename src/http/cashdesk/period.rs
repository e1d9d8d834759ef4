//! `POST /shift/zReport/period`: what the closed shifts of some days add up to.

use super::answer::Widths;
use super::door::{Door, Replied, json};
use super::fault::Fault;
use super::report::{checks, figures, interim, of_shift, shown};
use actors::accounts::records::TillRecord;
use actors::register::rows::{DocumentRecord, ShiftRecord};
use chrono::NaiveDate;
use fiscal::arithmetic::ShiftTotals;
use fiscal::{Money, RegisterNumber};
use http::{Response, StatusCode};
use serde_json::{Value, json};

const DATE_CHARACTERS_MAX: usize = 10;
/// Longer than a year of a register: a report of more is asked for in parts.
const SHIFTS_MAX: usize = 1_000;

pub async fn period(door: &Door<'_>) -> Replied {
    let (number, till) = match door.register() {
        Ok(found) => found,
        Err(fault) => return Replied::of(Err(fault)),
    };
    Replied::about(number, None, answer(door, number, &till).await)
}

async fn answer(
    door: &Door<'_>,
    number: RegisterNumber,
    till: &TillRecord,
) -> Result<Response<Vec<u8>>, Fault> {
    let fields = &door.fields;
    let (from, to) = (date(door, "from")?, date(door, "to")?);
    if from > to {
        return Err(fields.wrong("to", "не раніше за from"));
    }
    let widths = Widths::of(fields)?;
    let shifts = closed(door, number, from, to).await?;
    let mut totals = ShiftTotals::default();
    for (_, shift) in &shifts {
        totals
            .merge(&shift.totals)
            .map_err(|error| Fault::input(error.to_string()))?;
    }
    let last = shifts
        .last()
        .and_then(|(_, shift)| shift.totals.drawer(Money::ZERO).ok());
    let drawer = last.unwrap_or_default();
    let report = totals.report();
    let mut answer = figures(&report, drawer);
    let text = |date: NaiveDate| date.format("%d.%m.%Y").to_string();
    answer.insert("num_fiscal".to_owned(), json!(number));
    answer.insert("from".to_owned(), json!(text(from)));
    answer.insert("to".to_owned(), json!(text(to)));
    answer.insert("shift_state".to_owned(), json!(false));
    answer.insert("shifts_count".to_owned(), json!(shifts.len()));
    answer.insert(
        "is_complete".to_owned(),
        json!(shifts.iter().all(|(_, shift)| shift.is_complete)),
    );
    // The original lists receipts where the range holds one shift or one day; who asks for them gets them for any.
    let asks = fields.flag("include_checks")? == Some(true);
    if shifts.len() == 1 || from == to || asks {
        let first_queued = door.face.registers.first_queued(number).await;
        let first_queued = first_queued.map_err(|trouble| Fault::trouble(trouble, Some(number)))?;
        let mut listed = Vec::new();
        for (ordinal, shift) in &shifts {
            let records = of_shift(door.face, number, *ordinal, shift.first_local).await?;
            let is_queued = |record: &DocumentRecord| {
                first_queued.is_some_and(|first| record.facts.local_number >= first)
            };
            if records.iter().any(is_queued) {
                // The words that clients know.
                return Err(Fault::new(
                    StatusCode::BAD_REQUEST,
                    "checks-not-delivered",
                    "Присутні невигружені чеки за вказаний період",
                ));
            }
            listed.extend(records);
            listed.truncate(super::report::LIST_MAX);
        }
        answer.insert(
            "checks_list".to_owned(),
            Value::Array(checks(door.face, listed).await?),
        );
    }
    let interim = interim(door, number, &till.seller, &report, None)?;
    answer.extend(shown(door.face, interim, drawer, widths.wanted()).await?);
    Ok(json(&answer.into()))
}

fn date(door: &Door<'_>, name: &'static str) -> Result<NaiveDate, Fault> {
    let fields = &door.fields;
    let text = fields.required(name, fields.text(name, DATE_CHARACTERS_MAX)?)?;
    NaiveDate::parse_from_str(&text, "%d.%m.%Y").map_err(|_| fields.wrong(name, "має бути датою ДД.ММ.РРРР"))
}

/// Shifts whose Z-report was issued within these days, Kyiv time, oldest first, with their ordinals.
async fn closed(
    door: &Door<'_>,
    number: RegisterNumber,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<(u64, ShiftRecord)>, Fault> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = door.face.registers.shifts(number, after).await;
        let page = page.map_err(|trouble| Fault::trouble(trouble, Some(number)))?;
        let is_last = page.len() < storage::SCAN_MAX;
        for (ordinal, shift) in page {
            after = Some(ordinal);
            let issued = shift.z_report.issued.date();
            if issued > to {
                return Ok(found);
            }
            if issued >= from {
                found.push((ordinal, shift));
            }
            if found.len() > SHIFTS_MAX {
                return Err(door
                    .fields
                    .wrong("from", "забагато змін у періоді, вкажіть коротший"));
            }
        }
        if is_last {
            return Ok(found);
        }
    }
}
