//! Documents of an invented shop.

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use fiscal::document::*;
use fiscal::{
    CashDeskNumber, Document, FiscalNumber, Head, Kind, LocalMoment, LocalNumber, Money, RegisterNumber,
    TaxLetter, Uid,
};

pub(crate) const TAX_NUMBER: &str = "0000000017";
pub(crate) const OTHER_TAX_NUMBER: &str = "0000000025";
pub(crate) const REGISTER: u64 = 4_000_000_001;
/// Of the same shop.
pub(crate) const SECOND_REGISTER: u64 = 4_000_000_002;
/// Of another company.
pub(crate) const FOREIGN_REGISTER: u64 = 4_000_000_003;

pub(crate) fn number(number: u64) -> RegisterNumber {
    RegisterNumber::new(number).unwrap()
}

pub(crate) fn money(kopecks: i64) -> Money {
    Money::from_units(kopecks)
}

/// Minute zero is noon of a day in February.
pub(crate) fn moment(minute: i64) -> NaiveDateTime {
    let noon = NaiveDate::from_ymd_opt(2026, 2, 5)
        .unwrap()
        .and_hms_opt(12, 0, 0)
        .unwrap();
    noon + TimeDelta::minutes(minute)
}

pub(crate) fn seller() -> Seller {
    Seller {
        tax_number: TAX_NUMBER.to_owned(),
        vat_number: Some("000000000017".to_owned()),
        organisation: "ТОВ «Неіснуюча крамниця»".to_owned(),
        point: "Крамниця № 1".to_owned(),
        address: Some("м. Львів, вул. Вигадана, 1".to_owned()),
    }
}

/// A document of minute `local`, with an identifier of its own.
pub(crate) fn document(local: u64, kind: Kind) -> Document {
    let uid = Uid::new(format!("00000000-0000-4000-8000-{local:012}")).unwrap();
    let register = Register {
        cash_desk: CashDeskNumber::new(1).unwrap(),
        number: number(REGISTER),
    };
    let issued = LocalMoment::new(moment(i64::try_from(local).unwrap())).unwrap();
    Document {
        head: Head::new(uid, seller(), register, issued, LocalNumber::new(local).unwrap()),
        kind,
    }
}

/// The same at another register.
pub(crate) fn at_register(mut document: Document, register: u64, desk: u64) -> Document {
    document.head.register = Register {
        cash_desk: CashDeskNumber::new(desk).unwrap(),
        number: number(register),
    };
    document
}

pub(crate) fn letter() -> TaxLetter {
    TaxLetter::new('А').unwrap()
}

pub(crate) fn row(kopecks: i64) -> Row {
    Row {
        code: Some("1".to_owned()),
        name: Some("Хліб".to_owned()),
        quantity: Some("1".parse().unwrap()),
        price: Some(money(kopecks)),
        letters: Some("А".parse().unwrap()),
        cost: Some(money(kopecks)),
        ..Row::default()
    }
}

pub(crate) fn vat(turnover: i64, sum: i64) -> Tax {
    Tax {
        tax: TaxType::VAT,
        name: "ПДВ".to_owned(),
        letter: Some(letter()),
        rate: money(2_000),
        on_top: Some(false),
        turnover: money(turnover),
        discounted_turnover: Some(money(turnover)),
        base: Some(money(turnover)),
        sum: money(sum),
    }
}

/// 100.00 in cash, of which 16.67 is VAT.
pub(crate) fn receipt() -> Receipt {
    Receipt {
        total: Some(Total::of(money(10_000))),
        payments: vec![Payment::cash(money(10_000))],
        taxes: vec![vat(10_000, 1_667)],
        rows: vec![row(10_000)],
        ..Receipt::default()
    }
}

pub(crate) fn sale() -> Kind {
    Kind::sale(receipt())
}

pub(crate) fn goods_return() -> Kind {
    Kind::goods_return(Original::default(), receipt())
}

pub(crate) fn storno(of: &FiscalNumber) -> Kind {
    Kind::storno(of.clone())
}

pub(crate) fn deposit(kopecks: i64) -> Kind {
    Kind::cash(CashMovement::ServiceDeposit, money(kopecks))
}

/// One side of a Z-report: so many receipts as [`receipt`].
pub(crate) fn turnover(receipts: u64) -> Turnover {
    let count = i64::try_from(receipts).unwrap();
    Turnover {
        sum: money(10_000 * count),
        receipts,
        payments: vec![PaymentTotal {
            form: PaymentForm::CASH,
            name: "ГОТІВКА".to_owned(),
            sum: money(10_000 * count),
        }],
        taxes: vec![TaxTotal {
            tax: TaxType::VAT,
            name: "ПДВ".to_owned(),
            letter: Some(letter()),
            rate: money(2_000),
            on_top: Some(false),
            turnover: money(10_000 * count),
            discounted_turnover: Some(money(10_000 * count)),
            base: Some(money(10_000 * count)),
            sum: money(1_667 * count),
        }],
        ..Turnover::default()
    }
}

/// The report of a shift of so many sales and returns as [`receipt`], and deposits of so much.
pub(crate) fn z_report(sales: u64, returns: u64, deposits: i64) -> ZReport {
    ZReport {
        sales: (sales > 0).then(|| turnover(sales)),
        returns: (returns > 0).then(|| turnover(returns)),
        body: Some(ZBody {
            deposits: Some(money(deposits)),
            issues: Some(money(0)),
            vehicle: None,
        }),
        ..ZReport::default()
    }
}

pub(crate) fn z(sales: u64) -> Kind {
    Kind::z_report(z_report(sales, 0, 0))
}
