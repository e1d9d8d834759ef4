//! One of every document that a gateway makes, as it would make it.

use fiscal::document::{
    CashMovement, Classification, CurrencyTotals, Discount, DiscountKind, ExciseLabel, MeasureUnit, Original,
    PartPayment, Payment, PaymentForm, PaymentSystem, PaymentTotal, Receipt, Register, Row, Seller, Service,
    Tax, TaxTotal, TaxType, Total, Turnover, ZBody, ZReport,
};
use fiscal::{
    CashDeskNumber, Document, DocumentHash, ErrorCode, Fault, FiscalNumber, Head, Kind, LocalMoment,
    LocalNumber, Money, OfflineSeed, OfflineSession, OfflineSessionId, Quantity, RegisterNumber, TaxLetter,
    Ticket, Uid,
};
use std::error::Error;

type Named<T> = Vec<(&'static str, T)>;

/// Every document and every ticket, each with a name.
pub fn every_document() -> Result<(Named<Document>, Named<Ticket>), Box<dyn Error>> {
    let number = FiscalNumber::new("3408730318")?;
    let original = Original {
        fiscal_number: Some(number.clone()),
        register: Some(RegisterNumber::new(4_000_365_577)?),
        date: Some(moment()?.get().date()),
    };
    let online = vec![
        ("open-shift", Kind::OpenShift),
        ("sale", Kind::sale(sale()?)),
        ("sale-by-card", Kind::sale(sale_by_card()?)),
        ("prepayment", Kind::sale(prepayment())),
        ("return", Kind::goods_return(original, sale()?)),
        (
            "return-of-unknown",
            Kind::goods_return(Original::default(), sale()?),
        ),
        ("deposit", Kind::cash(CashMovement::ServiceDeposit, money(10_000))),
        (
            "reinforcement",
            Kind::cash(CashMovement::AdditionalDeposit, money(10_000)),
        ),
        ("issue", Kind::cash(CashMovement::ServiceIssue, money(10_000))),
        ("storno", Kind::storno(number.clone())),
        (
            "cash-withdrawal",
            Kind::Sale {
                service: Service::CashWithdrawal,
                receipt: cash_withdrawal(),
            },
        ),
        (
            "pawnshop",
            Kind::Sale {
                service: Service::Pawnshop,
                receipt: pawnshop(),
            },
        ),
        ("z-report", Kind::z_report(z_report()?)),
        ("empty-z-report", Kind::z_report(ZReport::default())),
        ("close-shift", Kind::CloseShift),
    ];
    let mut documents: Named<Document> = Vec::new();
    for (name, kind) in online {
        documents.push((name, Document { head: head()?, kind }));
    }
    let previous = Some(DocumentHash([0x5c; 32]));
    let offline = |n: u32, previous| -> Result<Head, Fault> {
        Ok(head()?.offline(FiscalNumber::new(format!("82563.{n}.7539"))?, previous))
    };
    documents.extend([
        (
            "offline-begin",
            Document {
                head: offline(1, None)?,
                kind: Kind::OfflineBegin {
                    revoke_last_online: true,
                },
            },
        ),
        (
            "offline-sale",
            Document {
                head: offline(2, previous)?,
                kind: Kind::sale(sale()?),
            },
        ),
        (
            "offline-z-report",
            Document {
                head: offline(3, previous)?,
                kind: Kind::z_report(z_report()?),
            },
        ),
        (
            "offline-end",
            Document {
                head: offline(4, previous)?,
                kind: Kind::OfflineEnd,
            },
        ),
        (
            "test-sale",
            Document {
                head: head()?.as_test(),
                kind: Kind::sale(sale()?),
            },
        ),
    ]);
    let session = OfflineSession {
        id: OfflineSessionId::new("82563")?,
        seed: OfflineSeed::new("179625192271939")?,
    };
    let tickets = vec![
        (
            "registered",
            Ticket::registered(
                uid()?,
                moment()?,
                LocalNumber::new(7)?,
                number.clone(),
                Some(session),
            ),
        ),
        (
            "plain",
            Ticket::registered(uid()?, moment()?, LocalNumber::new(7)?, number, None),
        ),
        (
            "rejected",
            Ticket::rejected(
                uid()?,
                moment()?,
                LocalNumber::new(7)?,
                ErrorCode::ShiftNotOpened,
                "Зміну не відкрито",
            ),
        ),
    ];
    Ok((documents, tickets))
}

fn uid() -> Result<Uid, Fault> {
    Uid::new("F32EE0EF-F8EE-46BD-9943-881AF3F982F5")
}

fn moment() -> Result<LocalMoment, Fault> {
    LocalMoment::from_parts("05022026", "090807")
}

fn head() -> Result<Head, Fault> {
    let seller = Seller {
        tax_number: "34554363".to_owned(),
        vat_number: Some("123456789020".to_owned()),
        organisation: "ТОВ \"Приклад & сини\"".to_owned(),
        point: "Крамниця «У Ґалаґана»".to_owned(),
        address: Some("м. Київ, вул. Б'юфорта, 1".to_owned()),
    };
    let register = Register {
        cash_desk: CashDeskNumber::new(6)?,
        number: RegisterNumber::new(4_000_000_202)?,
    };
    Ok(Head::new(uid()?, seller, register, moment()?, LocalNumber::new(1838)?).with_cashier("Мельник О. І."))
}

const fn money(kopecks: i64) -> Money {
    Money::from_units(kopecks)
}

/// 259.90 with excise inside and VAT inside that, one excise label, paid in cash with change.
fn sale() -> Result<Receipt, Fault> {
    Ok(Receipt {
        total: Some(Total::of(money(25_990))),
        payments: vec![Payment::cash_with_change(
            money(25_990),
            money(30_000),
            money(4_010),
        )],
        taxes: vec![
            tax(TaxType::EXCISE, "Акциз", 'Г', 500, 25_990, 1_238)?,
            tax(TaxType::VAT, "ПДВ", 'А', 2_000, 24_752, 4_125)?,
        ],
        rows: vec![Row {
            classification: Some(Classification::Goods("2204".to_owned())),
            letters: Some("АГ".parse()?),
            excise_labels: vec![ExciseLabel {
                text: "AATE508932 0000412167".to_owned(),
            }],
            ..row("1", "Вино <сухе>", 1_000, 25_990)
        }],
        ..Receipt::default()
    })
}

/// 25.53 with a discount, rounded to 25.50, paid by card and in cash.
fn sale_by_card() -> Result<Receipt, Fault> {
    let terminal = PaymentSystem {
        name: Some("Visa".to_owned()),
        acquirer_name: Some("АТ \"Банк\"".to_owned()),
        transaction_id: Some("601412345678".to_owned()),
        transaction_at: Some(moment()?.get()),
        device_id: Some("S1K40ZYH".to_owned()),
        card: Some("000000******1234".to_owned()),
        authorisation: Some("123456".to_owned()),
        sum: Some(money(2_000)),
        ..PaymentSystem::default()
    };
    let discount = Discount {
        kind: Some(DiscountKind::Sum),
        row: Some(1),
        sum: Some(money(47)),
        ..Discount::default()
    };
    Ok(Receipt {
        total: Some(Total {
            rounding: Some(money(3)),
            unrounded: Some(money(2_553)),
            discount_kind: Some(DiscountKind::Sum),
            discount: Some(money(47)),
            ..Total::of(money(2_550))
        }),
        payments: vec![Payment::card(money(2_000), terminal), Payment::cash(money(550))],
        rows: vec![Row {
            discount: Some(Box::new(discount)),
            ..row("2", "Сир", 1_300, 2_600)
        }],
        ..Receipt::default()
    })
}

fn prepayment() -> Receipt {
    Receipt {
        total: Some(Total {
            part_payment: Some(PartPayment::Prepayment),
            part_percent: Some(money(5_000)),
            part_sum: Some(money(5_000)),
            ..Total::of(money(5_000))
        }),
        payments: vec![Payment::new(PaymentForm::CERTIFICATE, "СЕРТИФІКАТ", money(5_000))],
        rows: vec![Row {
            part_sum: Some(money(5_000)),
            ..row("3", "Шафа", 1_000, 10_000)
        }],
        ..Receipt::default()
    }
}

fn cash_withdrawal() -> Receipt {
    Receipt {
        total: Some(Total {
            untaxed: Some(money(50_000)),
            commission: Some(money(0)),
            ..Total::of(money(50_000))
        }),
        payments: vec![Payment::card(money(50_000), PaymentSystem::default())],
        rows: vec![row("4", "Видача готівки", 1_000, 50_000)],
        ..Receipt::default()
    }
}

fn pawnshop() -> Receipt {
    let loan = Row {
        pawnshop_received: Some(false),
        ..row("5", "Кредит", 1_000, 9_999)
    };
    let interest = Row {
        pawnshop_received: Some(true),
        ..row("6", "Користування кредитом", 1_000, 1_000)
    };
    Receipt {
        total: Some(Total {
            pawnshop_issued: Some(money(9_999)),
            pawnshop_received: Some(money(1_000)),
            ..Total::of(money(-8_999))
        }),
        payments: vec![Payment::cash(money(-8_999))],
        rows: vec![loan, interest],
        ..Receipt::default()
    }
}

fn row(code: &str, name: &str, thousandths: i64, kopecks: i64) -> Row {
    Row {
        code: Some(code.to_owned()),
        name: Some(name.to_owned()),
        unit_code: Some(MeasureUnit::PIECE.code),
        unit_name: Some(MeasureUnit::PIECE.name.to_owned()),
        quantity: Some(Quantity::from_units(thousandths)),
        price: Some(money(kopecks * 1000 / thousandths)),
        cost: Some(money(kopecks)),
        ..Row::default()
    }
}

fn tax(tax: TaxType, name: &str, letter: char, rate: i64, base: i64, sum: i64) -> Result<Tax, Fault> {
    Ok(Tax {
        tax,
        name: name.to_owned(),
        letter: Some(TaxLetter::new(letter)?),
        rate: money(rate),
        on_top: Some(false),
        turnover: money(25_990),
        discounted_turnover: None,
        base: Some(money(base)),
        sum: money(sum),
    })
}

fn z_report() -> Result<ZReport, Fault> {
    let vat = TaxTotal {
        tax: TaxType::VAT,
        name: "ПДВ".to_owned(),
        letter: Some(TaxLetter::new('А')?),
        rate: money(2_000),
        on_top: Some(false),
        turnover: money(10_000),
        discounted_turnover: None,
        base: Some(money(10_000)),
        sum: money(1_666),
    };
    let cash = PaymentTotal {
        form: PaymentForm::CASH,
        name: "ГОТІВКА".to_owned(),
        sum: money(10_000),
    };
    let sales = Turnover {
        sum: money(10_000),
        receipts: 2,
        payments: vec![cash],
        taxes: vec![vat],
        ..Turnover::default()
    };
    Ok(ZReport {
        sales: Some(sales),
        currency: Some(Box::new(CurrencyTotals {
            documents: 0,
            ..CurrencyTotals::default()
        })),
        body: Some(ZBody {
            deposits: Some(money(10_000)),
            issues: Some(money(0)),
            vehicle: None,
        }),
        ..ZReport::default()
    })
}
