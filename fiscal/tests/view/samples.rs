//! One invented document of each kind, for the tests and for the example that draws them all.

use fiscal::document::*;
use fiscal::view::{Appearance, Interim, Subject, View};
use fiscal::{
    CashDeskNumber, DocumentHash, FiscalNumber, Head, LinkTime, LocalMoment, LocalNumber, Money, Quantity,
    RegisterNumber, TaxLetter, Uid,
};

/// What is drawn: a document with its number, or an X-report.
pub enum Sample {
    Document(Box<Document>, Option<FiscalNumber>),
    Interim(Box<Interim>),
}

impl Sample {
    pub fn view(&self) -> View {
        let drawer = match self {
            Self::Document(document, _) if !matches!(document.kind, Kind::ZReport(_)) => None,
            _ => Some(money("2150.00")),
        };
        let appearance = Appearance {
            software: "Countersign",
            footer: "Дякуємо за покупку!\nОбмін і повернення 14 днів",
            drawer,
            link_time: LinkTime::Seconds,
        };
        View::new(self.subject(), &appearance)
    }

    pub fn subject(&self) -> Subject<'_> {
        match self {
            Self::Document(document, number) => Subject::Registered {
                document,
                fiscal_number: number.as_ref(),
            },
            Self::Interim(report) => Subject::Interim(report),
        }
    }
}

/// All of them, by name.
pub fn all() -> Vec<(&'static str, Sample)> {
    vec![
        ("sale", online(sale())),
        ("sale-offline", offline_sale()),
        ("sale-test", test_sale()),
        (
            "sale-unregistered",
            Sample::Document(document(sale()).into(), None),
        ),
        ("sale-discount", online(discounted())),
        ("return", online(goods_return())),
        ("prepayment", online(prepayment())),
        (
            "deposit",
            online(Kind::cash(CashMovement::ServiceDeposit, money("500.00"))),
        ),
        (
            "reinforcement",
            online(Kind::cash(CashMovement::AdditionalDeposit, money("1000.00"))),
        ),
        (
            "issue",
            online(Kind::cash(CashMovement::ServiceIssue, money("4200.50"))),
        ),
        ("storno", online(Kind::storno(number("3408730317")))),
        ("withdrawal", online(withdrawal())),
        ("pawnshop", online(pawnshop())),
        ("currency", online(currency())),
        ("fuel", online(fuel())),
        ("shift-open", online(Kind::OpenShift)),
        ("shift-close", online(Kind::CloseShift)),
        (
            "offline-begin",
            offline(
                Kind::OfflineBegin {
                    revoke_last_online: false,
                },
                None,
            ),
        ),
        ("x-report", Sample::Interim(interim(totals()).into())),
        (
            "x-report-empty",
            Sample::Interim(interim(ZReport::default()).into()),
        ),
        ("z-report", online(Kind::z_report(totals()))),
    ]
}

pub fn money(text: &str) -> Money {
    text.parse().expect("a sum")
}

pub fn number(text: &str) -> FiscalNumber {
    FiscalNumber::new(text).expect("a number")
}

pub fn seller() -> Seller {
    Seller {
        tax_number: "34554363".into(),
        vat_number: Some("345543612340".into()),
        organisation: "ТОВ «Крамниця на розі»".into(),
        point: "Магазин «Смачна хата»".into(),
        address: Some("м. Київ, Подільський р-н, вул. Вигадана, буд. 12/5".into()),
    }
}

pub fn head() -> Head {
    let register = Register {
        cash_desk: CashDeskNumber::new(1).expect("a desk"),
        number: RegisterNumber::new(4_000_365_577).expect("a register"),
    };
    Head::new(
        Uid::new("F32EE0EF-F8EE-46BD-9943-881AF3F982F5").expect("a UID"),
        seller(),
        register,
        moment(),
        LocalNumber::new(1842).expect("a number"),
    )
    .with_cashier("Коваленко О. П.")
}

fn moment() -> LocalMoment {
    LocalMoment::from_parts("05022026", "090807").expect("a moment")
}

pub fn document(kind: Kind) -> Document {
    Document { head: head(), kind }
}

fn online(kind: Kind) -> Sample {
    Sample::Document(document(kind).into(), Some(number("3408730318")))
}

fn offline(kind: Kind, previous: Option<DocumentHash>) -> Sample {
    let head = head().offline(number("21182.3.5807"), previous);
    Sample::Document(Document { head, kind }.into(), None)
}

fn offline_sale() -> Sample {
    let mut receipt = Receipt {
        rows: vec![row("Кава мелена «Ранок» 250 г", "1", "189.90", "А")],
        payments: vec![Payment::card(money("189.90"), terminal())],
        taxes: vec![tax(TaxType::VAT, "ПДВ", 'А', "20.00", "189.90", "31.65")],
        ..Receipt::default()
    };
    receipt.total = Some(Total::of(money("189.90")));
    offline(Kind::sale(receipt), Some(DocumentHash([0xab; 32])))
}

fn test_sale() -> Sample {
    let document = Document {
        head: head().as_test(),
        kind: sale(),
    };
    Sample::Document(document.into(), Some(number("3408730318")))
}

fn row(name: &str, quantity: &str, price: &str, letters: &str) -> Row {
    let (quantity, price): (Quantity, Money) = (quantity.parse().expect("a quantity"), money(price));
    let cost = Money::rounded(quantity.decimal() * price.decimal()).expect("a sum");
    Row {
        name: Some(name.into()),
        unit_code: Some(MeasureUnit::PIECE.code),
        unit_name: Some(MeasureUnit::PIECE.name.into()),
        quantity: Some(quantity),
        price: Some(price),
        letters: (!letters.is_empty()).then(|| letters.parse().expect("letters")),
        cost: Some(cost),
        ..Row::default()
    }
}

fn tax(kind: TaxType, name: &str, letter: char, rate: &str, turnover: &str, sum: &str) -> Tax {
    Tax {
        tax: kind,
        name: name.into(),
        letter: Some(TaxLetter::new(letter).expect("a letter")),
        rate: money(rate),
        on_top: None,
        turnover: money(turnover),
        discounted_turnover: None,
        base: None,
        sum: money(sum),
    }
}

fn terminal() -> PaymentSystem {
    PaymentSystem {
        name: Some("Mastercard".into()),
        acquirer_name: Some("АТ «Вигаданий банк»".into()),
        transaction_id: Some("603612345678".into()),
        device_id: Some("S1AB0C2D".into()),
        card: Some("516875******4242".into()),
        authorisation: Some("A1B2C3".into()),
        ..PaymentSystem::default()
    }
}

/// Two taxes on one row, a discount, cash with change and its rounding.
pub fn sale() -> Kind {
    let wine = Row {
        code: Some("1047".into()),
        barcode: Some("4820000000017".into()),
        classification: Some(Classification::Goods("2204219300".into())),
        excise_labels: vec![ExciseLabel {
            text: "AAAB 123456".into(),
        }],
        ..row(
            "Вино столове напівсолодке червоне «Вигаданий виноградник» 0,75 л",
            "1",
            "259.90",
            "АГ",
        )
    };
    let bread = Row {
        discount: Some(Box::new(Discount {
            kind: Some(DiscountKind::Percent),
            percent: Some(money("10.00")),
            sum: Some(money("5.65")),
            ..Discount::default()
        })),
        ..row("Хліб житній", "2", "28.25", "Б")
    };
    let cheese = Row {
        unit_name: Some("кг".into()),
        ..row("Сир твердий ваговий", "0.346", "412.00", "А")
    };
    Kind::sale(Receipt {
        rows: vec![wine, bread, cheese],
        total: Some(Total {
            sum: Some(money("453.50")),
            unrounded: Some(money("453.30")),
            rounding: Some(money("-0.20")),
            discount: Some(money("5.65")),
            ..Total::default()
        }),
        taxes: vec![
            tax(TaxType::EXCISE, "Акциз", 'Г', "5.00", "259.90", "12.38"),
            tax(TaxType::VAT, "ПДВ", 'А', "20.00", "402.45", "65.01"),
            tax(TaxType::VAT, "ПДВ", 'Б', "7.00", "56.50", "3.33"),
        ],
        payments: vec![Payment::cash_with_change(
            money("453.50"),
            money("500.00"),
            money("46.50"),
        )],
        ..Receipt::default()
    })
}

/// Ten per cent off the whole, on no row.
fn discounted() -> Kind {
    let total = Total {
        discount_kind: Some(DiscountKind::Percent),
        discount_percent: Some(money("10.00")),
        discount: Some(money("6.00")),
        ..Total::of(money("54.00"))
    };
    Kind::sale(Receipt {
        rows: vec![row("Зошит у клітинку", "4", "15.00", "")],
        total: Some(total),
        payments: vec![Payment::cash(money("54.00"))],
        ..Receipt::default()
    })
}

fn goods_return() -> Kind {
    let original = Original {
        fiscal_number: Some(number("3408730301")),
        register: None,
        date: chrono::NaiveDate::from_ymd_opt(2026, 2, 4),
    };
    let receipt = Receipt {
        rows: vec![row("Хліб житній", "1", "28.25", "Б")],
        total: Some(Total::of(money("28.25"))),
        taxes: vec![tax(TaxType::VAT, "ПДВ", 'Б', "7.00", "28.25", "1.85")],
        payments: vec![Payment::new(
            PaymentForm::TRANSFER,
            PaymentForm::TRANSFER.name().expect("a transfer has a name"),
            money("28.25"),
        )],
        ..Receipt::default()
    };
    Kind::goods_return(original, receipt)
}

fn prepayment() -> Kind {
    let table = Row {
        part_sum: Some(money("3000.00")),
        comment: Some("Колір горіх".into()),
        ..row("Стіл дубовий розкладний", "1", "15000.00", "")
    };
    Kind::sale(Receipt {
        rows: vec![table],
        total: Some(Total {
            part_payment: Some(PartPayment::Prepayment),
            part_percent: Some(money("20.00")),
            part_sum: Some(money("3000.00")),
            ..Total::of(money("3000.00"))
        }),
        payments: vec![Payment::card(money("3000.00"), terminal())],
        ..Receipt::default()
    })
}

fn withdrawal() -> Kind {
    Kind::Sale {
        service: Service::CashWithdrawal,
        receipt: Receipt {
            rows: vec![Row {
                name: Some("Видача готівки держателю картки".into()),
                cost: Some(money("1000.00")),
                ..Row::default()
            }],
            total: Some(Total {
                untaxed: Some(money("1000.00")),
                commission: Some(money("5.00")),
                ..Total::of(money("1000.00"))
            }),
            payments: vec![Payment::card(money("1000.00"), terminal())],
            ..Receipt::default()
        },
    }
}

fn pawnshop() -> Kind {
    let pawn = |name: &str, sum: &str, is_received: bool| Row {
        name: Some(name.into()),
        cost: Some(money(sum)),
        pawnshop_received: Some(is_received),
        ..Row::default()
    };
    Kind::Sale {
        service: Service::Pawnshop,
        receipt: Receipt {
            rows: vec![
                pawn("Фінансовий кредит за договором № 17-В", "5000.00", false),
                pawn("Проценти за користування кредитом", "312.40", true),
            ],
            total: Some(Total {
                pawnshop_issued: Some(money("5000.00")),
                pawnshop_received: Some(money("312.40")),
                ..Total::of(money("-4687.60"))
            }),
            payments: vec![Payment::cash(money("-4687.60"))],
            ..Receipt::default()
        },
    }
}

fn currency() -> Kind {
    let currency = Currency {
        code: Some(978),
        letters: Some("EUR".into()),
        name: Some("Євро".into()),
        operation: Some(CurrencyOperation::Sell),
        course: Some("48.95".parse().expect("a rate")),
        foreign_sum: Some(money("100.00")),
        national_sum: Some(money("4895.00")),
        ..Currency::default()
    };
    Kind::Sale {
        service: Service::Currency,
        receipt: Receipt {
            rows: vec![Row {
                currency: Some(Box::new(currency)),
                ..Row::default()
            }],
            total: Some(Total::of(money("4895.00"))),
            payments: vec![Payment::cash(money("4895.00"))],
            ..Receipt::default()
        },
    }
}

fn fuel() -> Kind {
    let petrol = Row {
        unit_name: Some("л".into()),
        classification: Some(Classification::Goods("2710124194".into())),
        fuel: Some(Box::new(Fuel {
            dispenser: Some("3".into()),
            nozzle: Some("2".into()),
            tank: Some("1".into()),
            ..Fuel::default()
        })),
        ..row("Бензин А-95", "20.5", "58.99", "А")
    };
    Kind::sale(Receipt {
        rows: vec![petrol],
        total: Some(Total::of(money("1209.30"))),
        taxes: vec![tax(TaxType::VAT, "ПДВ", 'А', "20.00", "1209.30", "201.55")],
        payments: vec![Payment::card(money("1209.30"), terminal())],
        ..Receipt::default()
    })
}

pub fn interim(totals: ZReport) -> Interim {
    let head = head();
    Interim {
        seller: head.seller,
        register: head.register,
        taken: head.issued,
        cashier: head.cashier,
        is_offline: false,
        testing: false,
        totals,
    }
}

pub fn totals() -> ZReport {
    let payment = |form: PaymentForm, sum: &str| PaymentTotal {
        form,
        name: form.name().expect("a name").into(),
        sum: money(sum),
    };
    let tax = |letter, rate: &str, turnover: &str, sum: &str| TaxTotal {
        tax: TaxType::VAT,
        name: "ПДВ".into(),
        letter: Some(TaxLetter::new(letter).expect("a letter")),
        rate: money(rate),
        on_top: None,
        turnover: money(turnover),
        discounted_turnover: None,
        base: None,
        sum: money(sum),
    };
    ZReport {
        sales: Some(Turnover {
            sum: money("12453.70"),
            rounding: Some(money("-0.40")),
            unrounded: Some(money("12453.30")),
            receipts: 38,
            payments: vec![
                payment(PaymentForm::CASH, "5878.50"),
                payment(PaymentForm::CARD, "6575.20"),
            ],
            taxes: vec![
                tax('А', "20.00", "10200.00", "1700.00"),
                tax('Б', "7.00", "2253.30", "147.41"),
            ],
            ..Turnover::default()
        }),
        returns: Some(Turnover {
            sum: money("28.25"),
            receipts: 1,
            payments: vec![payment(PaymentForm::TRANSFER, "28.25")],
            taxes: vec![tax('Б', "7.00", "28.25", "1.85")],
            ..Turnover::default()
        }),
        cash: Some(CashWithdrawals {
            sum: money("1000.00"),
            commission: Some(money("5.00")),
            receipts: 1,
        }),
        body: Some(ZBody {
            deposits: Some(money("1500.00")),
            issues: Some(money("4200.50")),
            vehicle: None,
        }),
        ..ZReport::default()
    }
}
