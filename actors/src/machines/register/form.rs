//! From what a cash desk asks to what a document says: totals, taxes, rounding, payments.

use super::answer::Refusal;
use super::policy::{PAYMENT_FORMS_MAX, PAYMENT_NAME_CHARACTERS_MAX, TAX_NAME_CHARACTERS_MAX, TAXES_MAX};
use super::request::{LineRequest, PaymentRequest, ReceiptRequest, Request, WithdrawalRequest};
use fiscal::arithmetic::{
    self, Discount, Error, Line, PaymentForm as Form, ReceiptTotals, Stated, TaxRow, TaxTable,
};
use fiscal::document::{
    CashMovement, DiscountKind, ExciseLabel, Kind, Original, Payment, PaymentForm, Receipt, Row, Service,
    Tax, TaxType, Total,
};
use fiscal::{Money, RegisterNumber, TaxLetter, TaxLetters};

/// What a difference between the sum of the lines and the total may be where a client says nothing of rounding and pays in cash: less
/// than the largest step, 50 kopecks.
const SILENT_ROUNDING_MAX: i64 = 49;

/// The document without its head; nothing for what has none until its turn (openings, closings, a storno).
///
/// # Errors
/// [`Refusal::Figures`], [`Refusal::Document`], [`Refusal::TooManyForms`].
pub(super) fn form(
    request: &Request,
    taxes: &TaxTable,
    own: RegisterNumber,
) -> Result<Option<Kind>, Refusal> {
    Ok(Some(match request {
        Request::OpenShift | Request::CloseShift | Request::Storno => return Ok(None),
        Request::Sale(receipt) => Kind::sale(form_receipt(receipt, taxes)?),
        Request::Return { receipt, original } => {
            let original = original
                .as_ref()
                .map_or_else(Original::default, |original| Original {
                    fiscal_number: Some(original.number.clone()),
                    register: original.register.filter(|register| *register != own),
                    date: original.date,
                });
            Kind::goods_return(original, form_receipt(receipt, taxes)?)
        }
        Request::ServiceIn(sum) => Kind::cash(CashMovement::ServiceDeposit, positive(*sum)?),
        Request::ServiceOut(sum) => Kind::cash(CashMovement::ServiceIssue, positive(*sum)?),
        Request::CashWithdrawal(withdrawal) => form_withdrawal(withdrawal)?,
    }))
}

fn figures(error: Error) -> Refusal {
    Refusal::Figures(error.to_string())
}

fn positive(sum: Money) -> Result<Money, Refusal> {
    if sum.units() > 0 {
        return Ok(sum);
    }
    Err(Refusal::Figures(format!("{sum} is not a sum of cash")))
}

fn form_receipt(request: &ReceiptRequest, table: &TaxTable) -> Result<Receipt, Refusal> {
    let payments = payments(&request.payments)?;
    let paid = payments
        .iter()
        .try_fold(Money::ZERO, |sum, payment| sum.checked_add(payment.sum));
    let paid = paid.ok_or_else(|| Refusal::Figures("the payments are too large".to_owned()))?;
    let sum = request.total.unwrap_or(paid);
    let has_cash = payments.iter().any(|payment| payment.form.is_cash());
    let (totals, rounding) = totals(request, table, sum, has_cash)?;
    let costs: Vec<Money> = totals.lines.iter().map(|line| line.cost).collect();
    let stated = Stated {
        costs: &costs,
        discount: totals.discount,
        excluded_tax: totals.excluded_tax,
        rounding,
        unrounded: None,
        sum,
        part_payment: None,
        payments: &payments,
    };
    stated.check(request.rounding_rule).map_err(figures)?;
    let is_rounded = !rounding.is_zero();
    let is_discounted = !totals.discount.is_zero();
    Ok(Receipt {
        total: Some(Total {
            sum: Some(sum),
            rounding: is_rounded.then_some(rounding),
            unrounded: is_rounded.then_some(totals.owed),
            discount_kind: is_discounted.then_some(DiscountKind::Sum),
            discount: is_discounted.then_some(totals.discount),
            ..Total::default()
        }),
        payments: payments
            .iter()
            .zip(&kept(&request.payments))
            .map(|(payment, asked)| payment_row(payment, asked))
            .collect(),
        taxes: tax_rows(&totals.taxes)?,
        rows: rows(&request.lines, &totals)?,
        ..Receipt::default()
    })
}

/// What the lines come to, and RNDSUM. Clients give a line's cost before its discount or after it; the receipt's total tells which.
fn totals(
    request: &ReceiptRequest,
    table: &TaxTable,
    sum: Money,
    has_cash: bool,
) -> Result<(ReceiptTotals, Money), Refusal> {
    let gross = receipt(request, Reading::Gross).totals(table).map_err(figures)?;
    let is_doubtful = request
        .lines
        .iter()
        .any(|line| matches!(line.discount, Some(Discount::Sum(_))));
    let net = is_doubtful
        .then(|| receipt(request, Reading::Net).totals(table))
        .and_then(Result::ok);
    let readings = || [Some(&gross), net.as_ref()].into_iter().flatten();
    // `round_sum` is rounded − unrounded, and RNDSUM is the negative of it (the note on the rounding's sign).
    let stated = -request.rounding.unwrap_or(Money::ZERO);
    let exact = readings().find(|totals| totals.owed.checked_sub(stated) == Some(sum));
    if let Some(totals) = exact {
        return Ok((totals.clone(), stated));
    }
    let silent = |totals: &&ReceiptTotals| {
        let difference = totals.owed.checked_sub(sum).map(Money::units);
        difference.is_some_and(|units| units.abs() <= SILENT_ROUNDING_MAX)
    };
    if request.rounding.is_none()
        && has_cash
        && let Some(totals) = readings().find(silent)
    {
        let rounding = totals.owed.checked_sub(sum).unwrap_or(Money::ZERO);
        return Ok((totals.clone(), rounding));
    }
    let expected = gross.owed.checked_sub(stated).unwrap_or(gross.owed);
    Err(figures(Error::SumMismatch { expected, given: sum }))
}

/// How a line's cost is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// Before its discount.
    Gross,
    /// After it.
    Net,
}

fn receipt(request: &ReceiptRequest, reading: Reading) -> arithmetic::Receipt {
    let line = |line: &LineRequest| {
        let cost = match (line.cost, line.discount, reading) {
            (Some(cost), Some(Discount::Sum(discount)), Reading::Net) => cost.checked_add(discount),
            (cost, ..) => cost,
        };
        Line {
            price: line.price,
            quantity: line.quantity,
            cost,
            discount: line.discount,
            letters: line.letters.clone(),
        }
    };
    arithmetic::Receipt {
        lines: request.lines.iter().map(line).collect(),
        discount: request.discount,
    }
}

/// Rows of nothing say nothing where there are others.
fn kept(payments: &[PaymentRequest]) -> Vec<&PaymentRequest> {
    let is_alone = payments.len() == 1;
    payments
        .iter()
        .filter(|payment| is_alone || !payment.sum.is_zero())
        .collect()
}

fn payments(asked: &[PaymentRequest]) -> Result<Vec<arithmetic::Payment>, Refusal> {
    let kept = kept(asked);
    if kept.len() > PAYMENT_FORMS_MAX {
        return Err(Refusal::TooManyForms);
    }
    if kept.is_empty() {
        return Err(Refusal::Figures("there is no payment".to_owned()));
    }
    let mut payments = Vec::with_capacity(kept.len());
    for (index, payment) in kept.into_iter().enumerate() {
        if payment.sum.is_negative() {
            return Err(figures(Error::NotAPayment(index + 1)));
        }
        let provided = payment.provided.filter(|_| payment.code == Form::CASH);
        let change = provided.and_then(|provided| provided.checked_sub(payment.sum));
        let remains = payment.remains.filter(|_| payment.code == Form::CASH).or(change);
        // Since 2025 both are left out where there is no change.
        let is_plain = remains.is_none_or(Money::is_zero) && change.is_none_or(Money::is_zero);
        payments.push(arithmetic::Payment {
            form: Form::new(payment.code, name(payment)?),
            sum: payment.sum,
            provided: provided.filter(|_| !is_plain),
            remains: remains.filter(|_| !is_plain),
        });
    }
    Ok(payments)
}

/// The official name of a means of payment, or the client's own. Names say nothing (`ГОТIВКА` with a Latin I is cash), but a shift
/// adds up by code and name, so that one code should have one.
fn name(payment: &PaymentRequest) -> Result<String, Refusal> {
    if let Some(name) = PaymentForm::new(payment.code.into()).name() {
        return Ok(name.to_owned());
    }
    let name = payment.name.trim();
    if name.is_empty() || name.chars().count() > PAYMENT_NAME_CHARACTERS_MAX {
        let code = payment.code;
        return Err(Refusal::Document(format!(
            "the name of the means of payment {code} has no character, or more than {PAYMENT_NAME_CHARACTERS_MAX}"
        )));
    }
    Ok(name.to_owned())
}

fn payment_row(payment: &arithmetic::Payment, asked: &PaymentRequest) -> Payment {
    Payment {
        form: PaymentForm::new(payment.form.code.into()),
        name: payment.form.name.clone(),
        sum: Some(payment.sum),
        provided: payment.provided,
        change: payment.remains,
        systems: asked.system.iter().map(|system| (**system).clone()).collect(),
    }
}

fn tax_rows(taxes: &[TaxRow]) -> Result<Vec<Tax>, Refusal> {
    if taxes.len() > TAXES_MAX {
        return Err(Refusal::TooManyForms);
    }
    let row = |row: &TaxRow| {
        if row.tax.name.chars().count() > TAX_NAME_CHARACTERS_MAX {
            return Err(Refusal::Document(format!(
                "the name of the tax {} has more than {TAX_NAME_CHARACTERS_MAX} characters",
                row.tax.letter
            )));
        }
        Ok(Tax {
            tax: TaxType::new(row.tax.kind.code().into()),
            name: row.tax.name.clone(),
            letter: Some(
                TaxLetter::new(row.tax.letter.character())
                    .map_err(|fault| Refusal::Document(fault.to_string()))?,
            ),
            rate: Money::from_units(row.tax.percent.units()),
            on_top: row.tax.excluded.then_some(true),
            turnover: row.turnover,
            discounted_turnover: Some(row.turnover_discounted),
            base: Some(row.source),
            sum: row.sum,
        })
    };
    taxes.iter().map(row).collect()
}

fn rows(lines: &[LineRequest], totals: &ReceiptTotals) -> Result<Vec<Row>, Refusal> {
    let row = |(line, totals): (&LineRequest, &arithmetic::LineTotals)| {
        let document = |fault: fiscal::Fault| Refusal::Document(fault.to_string());
        let letters: Result<Vec<TaxLetter>, _> = line
            .letters
            .iter()
            .map(|letter| TaxLetter::new(letter.character()))
            .collect();
        let letters = TaxLetters::new(letters.map_err(document)?).map_err(document)?;
        let price = line.price.map(fiscal::Price::to_money).transpose();
        let discount = (!totals.discount.is_zero()).then(|| {
            Box::new(fiscal::document::Discount {
                kind: Some(DiscountKind::Sum),
                sum: Some(totals.discount),
                ..Default::default()
            })
        });
        Ok(Row {
            code: line.code.clone(),
            barcode: line.barcode.clone(),
            classification: line.classification.clone(),
            name: Some(line.name.clone()),
            unit_code: line.unit_code,
            unit_name: line.unit_name.clone(),
            quantity: Some(line.quantity),
            price: price.map_err(|error| Refusal::Figures(error.to_string()))?,
            letters: (!letters.as_slice().is_empty()).then_some(letters),
            cost: Some(totals.cost),
            discount,
            excise_labels: line
                .excise_labels
                .iter()
                .map(|text| ExciseLabel { text: text.clone() })
                .collect(),
            ..Row::default()
        })
    };
    lines.iter().zip(&totals.lines).map(row).collect()
}

/// As the official sample of a withdrawal has it: SUM, NOTAXSUM and a payment in cash are alike, the commission stands apart.
fn form_withdrawal(request: &WithdrawalRequest) -> Result<Kind, Refusal> {
    let withdrawal = arithmetic::Withdrawal::new(request.sum, request.commission).map_err(figures)?;
    let payment = Payment {
        systems: request.system.iter().map(|system| (**system).clone()).collect(),
        ..Payment::cash(withdrawal.sum())
    };
    let receipt = Receipt {
        total: Some(Total {
            sum: Some(withdrawal.sum()),
            untaxed: Some(withdrawal.sum()),
            commission: Some(withdrawal.commission()),
            ..Total::default()
        }),
        payments: vec![payment],
        rows: vec![Row {
            name: Some("Видача готівки".to_owned()),
            cost: Some(withdrawal.sum()),
            ..Row::default()
        }],
        ..Receipt::default()
    };
    Ok(Kind::Sale {
        service: Service::CashWithdrawal,
        receipt,
    })
}
