//! `POST /check/sale` and `/check/service`: what a till sells, takes back, puts into its drawer and takes out of it.

use super::door::{Door, Replied};
use super::fault::Fault;
use super::fields::Fields;
use super::order::{Ask, order};
use actors::machines::register::{LineRequest, OriginalReceipt, PaymentRequest, ReceiptRequest, Request};
use chrono::NaiveDate;
use fiscal::arithmetic::{CashRounding, Discount, LINES_MAX, Letter, Tax, TaxKind};
use fiscal::document::PaymentSystem;
use fiscal::{FiscalNumber, Money, Percent, Quantity, RegisterNumber};

/// More means of payment than a receipt ever had.
const PAYMENTS_MAX: usize = 50;
/// The longest text of a line; documents carry more, tills print less.
const TEXT_CHARACTERS_MAX: usize = 512;
/// The longest name of a means of payment that is read; the actor's own bound is less.
const NAME_CHARACTERS_MAX: usize = 128;

/// Sale and return.
pub async fn sale(door: &Door<'_>) -> Replied {
    let (number, till) = match door.register() {
        Ok(found) => found,
        Err(fault) => return Replied::of(Err(fault)),
    };
    let fields = &door.fields;
    let request = match parse(fields, &till.taxes) {
        Ok(request) => request,
        Err(fault) => return Replied::about(number, None, Err(fault)),
    };
    order(
        door,
        number,
        &till,
        Ask {
            route: "sale",
            request,
        },
    )
    .await
}

/// Cash in and out.
pub async fn service(door: &Door<'_>) -> Replied {
    let (number, till) = match door.register() {
        Ok(found) => found,
        Err(fault) => return Replied::of(Err(fault)),
    };
    let request = match parse_service(&door.fields) {
        Ok(request) => request,
        Err(fault) => return Replied::about(number, None, Err(fault)),
    };
    order(
        door,
        number,
        &till,
        Ask {
            route: "service",
            request,
        },
    )
    .await
}

/// Cash in or out.
pub(super) fn parse_service(fields: &Fields) -> Result<Request, Fault> {
    let action = fields.required("action_type", fields.text("action_type", NAME_CHARACTERS_MAX)?)?;
    let sum: Money = fields.required("sum", fields.amount("sum")?)?;
    match action.as_str() {
        "SERVICE_INPUT" => Ok(Request::ServiceIn(sum)),
        "SERVICE_OUTPUT" => Ok(Request::ServiceOut(sum)),
        _ => Err(fields.wrong("action_type", "має бути SERVICE_INPUT або SERVICE_OUTPUT")),
    }
}

/// A sale or a return at a register that is registered with these taxes.
pub(super) fn parse(fields: &Fields, taxes: &[Tax]) -> Result<Request, Fault> {
    let action = fields.required("action_type", fields.text("action_type", NAME_CHARACTERS_MAX)?)?;
    let receipt = Box::new(receipt(fields, taxes)?);
    match action.as_str() {
        "Z_SALE" => Ok(Request::Sale(receipt)),
        "Z_RETURN" => Ok(Request::Return {
            receipt,
            original: original(fields)?,
        }),
        _ => Err(fields.wrong("action_type", "має бути Z_SALE або Z_RETURN")),
    }
}

/// Which receipt is returned, by the names of the document's own elements; no client of today sends them.
fn original(fields: &Fields) -> Result<Option<OriginalReceipt>, Fault> {
    let Some(number) = fields.text("ORDERRETNUM", NAME_CHARACTERS_MAX)? else {
        return Ok(None);
    };
    let number = FiscalNumber::new(number)
        .map_err(|_| fields.wrong("ORDERRETNUM", "має бути фіскальним номером чека"))?;
    let register = fields
        .natural("CASHREGRETNUM")?
        .map(RegisterNumber::new)
        .transpose();
    let register = register.map_err(|_| fields.wrong("CASHREGRETNUM", "має бути фіскальним номером каси"))?;
    let date = fields.text("ORDERRETDATE", NAME_CHARACTERS_MAX)?;
    let date = date
        .map(|date| NaiveDate::parse_from_str(&date, "%d.%m.%Y"))
        .transpose();
    let date = date.map_err(|_| fields.wrong("ORDERRETDATE", "має бути датою ДД.ММ.РРРР"))?;
    Ok(Some(OriginalReceipt {
        number,
        register,
        date,
    }))
}

fn receipt(fields: &Fields, taxes: &[Tax]) -> Result<ReceiptRequest, Fault> {
    let lines = fields.list("products", LINES_MAX)?;
    if lines.is_empty() {
        return Err(fields.wrong("products", "обов'язкове, має містити товари"));
    }
    let payments = fields.list("payments", PAYMENTS_MAX)?;
    if payments.is_empty() {
        return Err(fields.wrong("payments", "обов'язкове, має містити оплати"));
    }
    let rule: Option<Money> = match fields.natural("round_rule")? {
        None | Some(0) => None,
        Some(kopecks) => Some(Money::from_units(i64::try_from(kopecks).unwrap_or(i64::MAX))),
    };
    let rounding_rule = match rule {
        None => None,
        Some(step) if step == CashRounding::TO_TEN_KOPECKS.step() => Some(CashRounding::TO_TEN_KOPECKS),
        Some(step) if step == CashRounding::TO_FIFTY_KOPECKS.step() => Some(CashRounding::TO_FIFTY_KOPECKS),
        Some(step) => {
            let rule = CashRounding::new(step, Money::ZERO);
            Some(rule.map_err(|_| fields.wrong("round_rule", "має бути кроком у копійках"))?)
        }
    };
    Ok(ReceiptRequest {
        lines: lines
            .iter()
            .map(|line| self::line(line, taxes))
            .collect::<Result<_, _>>()?,
        payments: payments.iter().map(payment).collect::<Result<_, _>>()?,
        total: fields.amount("total_sum")?,
        rounding: fields.amount("round_sum")?,
        rounding_rule,
        discount: None,
        comment: fields.text("footer", TEXT_CHARACTERS_MAX)?,
    })
}

fn line(fields: &Fields, taxes: &[Tax]) -> Result<LineRequest, Fault> {
    let discount: Option<Money> = fields.amount("sum_discount")?;
    let discount = discount.map(|sum| if sum.is_negative() { -sum } else { sum });
    let unit_code = fields.natural("unit_code")?.map(u32::try_from).transpose();
    let unit_code = unit_code.map_err(|_| fields.wrong("unit_code", "має бути кодом одиниці виміру"))?;
    Ok(LineRequest {
        name: fields.required("name", fields.text("name", TEXT_CHARACTERS_MAX)?)?,
        code: fields.text("code", NAME_CHARACTERS_MAX)?,
        barcode: fields.text("bar_code", NAME_CHARACTERS_MAX)?,
        classification: None,
        unit_code: unit_code.filter(|code| *code > 0),
        unit_name: fields.text("unit_name", NAME_CHARACTERS_MAX)?,
        quantity: fields.amount("amount")?.unwrap_or(Quantity::from_units(1_000)),
        price: fields.amount("price")?,
        cost: fields.amount("cost")?,
        discount: discount.filter(|sum| !sum.is_zero()).map(Discount::Sum),
        letters: letters(fields, taxes)?,
        excise_labels: Vec::new(),
    })
}

/// The taxes of a line, as the register is registered: by letter, or by the rate alone; neither is «без ПДВ».
fn letters(fields: &Fields, taxes: &[Tax]) -> Result<Vec<Letter>, Fault> {
    let rate: Option<Percent> = fields.amount("tax_prc")?;
    let vat_of = |rate: Percent| {
        let mut taxes = taxes.iter();
        taxes.find(|tax| tax.kind == TaxKind::Vat && tax.percent == rate)
    };
    let Some(text) = fields.text("letters", NAME_CHARACTERS_MAX)? else {
        return match rate.filter(|rate| !rate.is_zero()) {
            None => Ok(Vec::new()),
            Some(rate) => match vat_of(rate) {
                Some(tax) => Ok(vec![tax.letter]),
                // The words that clients know.
                None => Err(Fault::new(
                    http::StatusCode::BAD_REQUEST,
                    "tax-rate",
                    "Податок \"БЕЗ ПДВ\" має бути 0%",
                )),
            },
        };
    };
    let letters: String = text
        .chars()
        .filter(|letter| !letter.is_whitespace() && *letter != ',')
        .collect();
    let letters = Letter::all(&letters).map_err(|_| fields.wrong("letters", "invalid (letters)"))?;
    let find = |letter: &Letter| taxes.iter().find(|tax| tax.letter == *letter);
    if let Some(unknown) = letters.iter().find(|letter| find(letter).is_none()) {
        let expected = format!("літери {unknown} немає серед податків цієї каси: invalid (letters)");
        return Err(fields.wrong("letters", &expected));
    }
    let vat = letters
        .iter()
        .filter_map(find)
        .find(|tax| tax.kind == TaxKind::Vat);
    if let (Some(rate), Some(vat)) = (rate, vat)
        && vat.percent != rate
    {
        let expected = format!("ставка літери {} — {}%", vat.letter, vat.percent);
        return Err(fields.wrong("tax_prc", &expected));
    }
    Ok(letters)
}

fn payment(fields: &Fields) -> Result<PaymentRequest, Fault> {
    let code = fields.natural("code")?.map(u32::try_from).transpose();
    let code = code.map_err(|_| fields.wrong("code", "має бути кодом форми оплати"))?;
    Ok(PaymentRequest {
        code: fields.required("code", code)?,
        name: fields.text("name", NAME_CHARACTERS_MAX)?.unwrap_or_default(),
        sum: fields.required("sum", fields.amount("sum")?)?,
        provided: fields.amount("sum_provided")?,
        remains: fields.amount("sum_remains")?,
        system: system(fields)?,
    })
}

/// What a terminal says of a card, by the names of the document's own elements; no client of today sends them.
fn system(fields: &Fields) -> Result<Option<Box<PaymentSystem>>, Fault> {
    let text = |name| fields.text(name, NAME_CHARACTERS_MAX);
    let system = PaymentSystem {
        name: text("pay_sys_name")?,
        acquirer_id: text("acquire_id")?,
        acquirer_name: text("acquire_name")?,
        transaction_id: text("rrn")?,
        device_id: text("terminal_id")?,
        card: text("card")?,
        authorisation: text("auth_code")?,
        ..PaymentSystem::default()
    };
    Ok((system != PaymentSystem::default()).then(|| Box::new(system)))
}
