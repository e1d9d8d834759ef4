//! `POST /shift/xReport`: the figures of the open shift, from memory and at once; zeros where none is open. It never closes anything.

use super::CashDesk;
use super::answer::{Widths, facts_of, money, type_of};
use super::door::{Door, Replied, json};
use super::fault::Fault;
use super::render::{Wanted, drawn};
use actors::machines::register::{DocumentKind, SellerFacts, View as RegisterView, kyiv};
use actors::register::rows::DocumentRecord;
use chrono::NaiveDateTime;
use fiscal::arithmetic::{Report, Section};
use fiscal::document::Register;
use fiscal::shift::z_report;
use fiscal::view::{Appearance, Interim, Subject, View};
use fiscal::{LinkTime, LocalMoment, LocalNumber, Money, RegisterNumber};
use futures_util::future::try_join_all;
use http::Response;
use serde_json::{Map, Value, json};

/// Receipts that are read at once for a list: the store answers them in one group.
const READ_AT_ONCE: usize = 32;
/// The most receipts that one list shows; a till of four a minute has as many in a day.
pub const LIST_MAX: usize = 5_000;

pub async fn x(door: &Door<'_>) -> Replied {
    let (number, till) = match door.register() {
        Ok(found) => found,
        Err(fault) => return Replied::of(Err(fault)),
    };
    let view = match door.face.registers.look(number).await {
        Ok(view) => view,
        Err(trouble) => return Replied::about(number, None, Err(Fault::trouble(trouble, Some(number)))),
    };
    let is_open = Some(view.shift.is_some());
    Replied::about(number, is_open, answer(door, number, &till.seller, &view).await)
}

async fn answer(
    door: &Door<'_>,
    number: RegisterNumber,
    seller: &SellerFacts,
    view: &RegisterView,
) -> Result<Response<Vec<u8>>, Fault> {
    let widths = Widths::of(&door.fields)?;
    let report = view.shift.as_ref().map(|shift| &shift.report);
    let empty = Report {
        sales: None,
        returns: None,
        withdrawals: None,
        service_input: Money::ZERO,
        service_output: Money::ZERO,
    };
    let report = report.unwrap_or(&empty);
    let shift = view.shift.as_ref();
    let drawer = shift.map_or(Money::ZERO, |shift| shift.drawer);
    let mut fields = figures(report, drawer);
    let opened = shift.map(|shift| moment(shift.opened));
    fields.insert("shift_state".to_owned(), json!(shift.is_some()));
    fields.insert("OPEN_SESSION_TIME".to_owned(), json!(opened));
    fields.insert("from_date".to_owned(), json!(opened));
    fields.insert(
        "shift_duration".to_owned(),
        json!(shift.map_or(0, |shift| shift.minutes)),
    );
    fields.insert("num_fiscal".to_owned(), json!(number));
    fields.insert(
        "is_complete".to_owned(),
        json!(shift.is_none_or(|shift| shift.is_complete)),
    );
    if door.fields.flag("include_checks")? == Some(true) {
        let checks = match shift {
            Some(shift) => {
                let listed = of_shift(door.face, number, shift.ordinal, shift.first_local).await?;
                checks(door.face, listed).await?
            }
            None => Vec::new(),
        };
        fields.insert("checks_list".to_owned(), Value::Array(checks));
    }
    let cashier = shift.map(|shift| shift.opener.name.clone());
    let is_offline = view.offline.is_some();
    fields.insert("is_offline".to_owned(), json!(is_offline));
    fields.insert(
        "offline_timeline".to_owned(),
        json!(super::tax_objects::timeline(view)),
    );
    let interim = Interim {
        is_offline,
        ..interim(door, number, seller, report, cashier)?
    };
    fields.extend(shown(door.face, interim, drawer, widths.wanted()).await?);
    Ok(json(&fields.into()))
}

/// An X-report as people see it.
pub fn interim(
    door: &Door<'_>,
    number: RegisterNumber,
    seller: &SellerFacts,
    report: &Report,
    cashier: Option<String>,
) -> Result<Interim, Fault> {
    let till = door.face.accounts.till(number).ok_or_else(Fault::internal)?;
    let taken =
        LocalMoment::new(kyiv::local(door.gateway.clock.now().wall)).map_err(|_| Fault::internal())?;
    Ok(Interim {
        seller: seller.seller(),
        register: Register {
            cash_desk: till.cash_desk,
            number,
        },
        taken,
        cashier,
        is_offline: false,
        testing: till.is_testing,
        totals: z_report(report),
    })
}

/// The views of an X-report.
pub async fn shown(
    face: &CashDesk,
    interim: Interim,
    drawer: Money,
    wanted: Wanted,
) -> Result<Map<String, Value>, Fault> {
    let software = face.renderer.software();
    let drawn = face.renderer.aside(move || {
        let appearance = Appearance {
            software: &software,
            footer: "",
            drawer: Some(drawer),
            link_time: LinkTime::default(),
        };
        drawn(&View::new(Subject::Interim(&interim), &appearance), wanted)
    });
    drawn.await.ok_or_else(Fault::internal)
}

/// The figures that X, Z and the period's report share.
pub fn figures(report: &Report, drawer: Money) -> Map<String, Value> {
    let fields = json!({
        "cash_in_box": money(drawer),
        "cash_in_box_start": money(Money::ZERO),
        "service_input": money(report.service_input),
        "service_output": money(report.service_output),
        "real": section(report.sales.as_ref()),
        "ret": section(report.returns.as_ref()),
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn section(section: Option<&Section>) -> Value {
    let none = Section::default();
    let section = section.unwrap_or(&none);
    let payments = section
        .payments
        .iter()
        .map(|total| json!({ "code": total.form.code, "name": total.form.name, "sum": money(total.sum) }));
    let taxes = section.taxes.iter().map(|total| {
        let row = &total.row;
        json!({
            "letter": row.tax.letter.to_string(), "name": row.tax.name, "prc": decimal(&row.tax.percent.to_string()),
            "turnover": money(row.turnover), "sum": money(row.sum),
        })
    });
    json!({
        "orders_count": section.orders_count,
        "sum": money(section.sum),
        "payments": payments.collect::<Vec<_>>(),
        "tax": taxes.collect::<Vec<_>>(),
    })
}

fn decimal(text: &str) -> Value {
    text.parse::<serde_json::Number>()
        .map_or(Value::Null, Value::Number)
}

/// `DD.MM.YYYY HH:MM:SS`, Kyiv time.
pub fn moment(at: NaiveDateTime) -> String {
    at.format("%d.%m.%Y %H:%M:%S").to_string()
}

/// The receipts and movements of cash of a shift, in the order of their registration.
pub async fn of_shift(
    face: &CashDesk,
    number: RegisterNumber,
    ordinal: u64,
    first_local: Option<LocalNumber>,
) -> Result<Vec<DocumentRecord>, Fault> {
    let mut after = first_local;
    let mut found = Vec::new();
    loop {
        let page = face.registers.registered(number, after).await;
        let page = page.map_err(|trouble| Fault::trouble(trouble, Some(number)))?;
        let is_last = page.len() < storage::SCAN_MAX;
        after = page.last().map(|record| record.facts.local_number);
        for record in page {
            if record.shift > ordinal || found.len() >= LIST_MAX {
                return Ok(found);
            }
            if record.shift == ordinal && is_check(record.facts.kind) {
                found.push(record);
            }
        }
        if is_last {
            return Ok(found);
        }
    }
}

fn is_check(kind: DocumentKind) -> bool {
    !matches!(
        kind,
        DocumentKind::OpenShift
            | DocumentKind::CloseShift
            | DocumentKind::ZReport
            | DocumentKind::OfflineBegin
            | DocumentKind::OfflineEnd
    )
}

/// Elements of `checks_list`.
pub async fn checks(face: &CashDesk, records: Vec<DocumentRecord>) -> Result<Vec<Value>, Fault> {
    let mut shown = Vec::with_capacity(records.len());
    for some in records.chunks(READ_AT_ONCE) {
        shown.extend(try_join_all(some.iter().map(|record| check(face, record))).await?);
    }
    Ok(shown)
}

async fn check(face: &CashDesk, record: &DocumentRecord) -> Result<Value, Fault> {
    let facts = &record.facts;
    let document = super::render::document(&face.registers, facts).await?;
    let receipt = document.kind.receipt();
    let payments = receipt.into_iter().flat_map(|receipt| &receipt.payments).map(
        |payment| json!({ "code": payment.form.code(), "name": payment.name, "sum": payment.sum.map(money) }),
    );
    let taxes = receipt.into_iter().flat_map(|receipt| &receipt.taxes).map(|tax| {
        json!({ "letter": tax.letter.map(|letter| letter.canonical().to_string()), "name": tax.name,
            "prc": money(tax.rate), "sum": money(tax.sum) })
    });
    Ok(json!({
        "uuid": facts.uid,
        "datetime": moment(facts.issued),
        // Service operations have the register's own counter for a number, as the original has it.
        "local_number": record.reference.unwrap_or(facts.local_number.get()).to_string(),
        "order_num": facts.fiscal_number,
        "payments": payments.collect::<Vec<_>>(),
        "tax": taxes.collect::<Vec<_>>(),
        "sum": facts.sum.map(money),
        "type_": type_of(facts.kind),
        "type": type_of(facts.kind),
        "is_offline": facts.is_offline,
        "link": facts_of(face, document.head.register.number, facts).remove("link"),
    }))
}
