//! What a receipt says: every figure and word that a client gives stands in its document, and what does not add up is refused.

use crate::receipts::{card, cash, giving_back, line, money, receipt, sale, withdrawal};
use crate::shifts::{done, refused};
use crate::till::{Till, register, seconds};
use actors::machines::register::{
    COMMENT_CHARACTERS_MAX, DocumentKind, LineRequest, OperationState, OriginalReceipt,
    PAYMENT_NAME_CHARACTERS_MAX, PaymentRequest, ReceiptRequest, Refusal, Request, WithdrawalRequest,
    fingerprint,
};
use actors::register::rows;
use chrono::NaiveDate;
use fiscal::arithmetic::{Discount, Letter};
use fiscal::document::{
    Classification, DiscountKind, ExciseLabel, Kind, Payment, PaymentSystem, Receipt, Row, Total,
};
use fiscal::{FiscalNumber, Quantity, RegisterNumber, TaxLetter, TaxLetters};

/// A line that says everything that a line may say.
fn full_line() -> LineRequest {
    LineRequest {
        name: "Вино".to_owned(),
        code: Some("17".to_owned()),
        barcode: Some("4820000000017".to_owned()),
        classification: Some(Classification::Goods("2204".to_owned())),
        unit_code: Some(2009),
        unit_name: Some("пляшка".to_owned()),
        quantity: Quantity::from_units(2_000),
        price: Some("50.00".parse().unwrap()),
        cost: Some(money("100.00")),
        discount: Some(Discount::Sum(money("10.00"))),
        letters: Letter::all("АД").unwrap(),
        excise_labels: vec!["АВАК123456".to_owned(), "АВАК123457".to_owned()],
    }
}

fn terminal() -> PaymentSystem {
    PaymentSystem {
        name: Some("ПРОСТІР".to_owned()),
        acquirer_name: Some("Банк".to_owned()),
        transaction_id: Some("123456".to_owned()),
        device_id: Some("S1".to_owned()),
        card: Some("****1234".to_owned()),
        authorisation: Some("77".to_owned()),
        ..PaymentSystem::default()
    }
}

/// The receipt that the tax service has of this sale, in a shift that is open.
async fn registered(till: &mut Till, request: Request) -> Receipt {
    done(till.ask(request).await);
    let documents = till.tax.documents();
    documents.last().unwrap().document.kind.receipt().unwrap().clone()
}

async fn shop() -> Till {
    let mut till = Till::new().await;
    done(till.ask(Request::OpenShift).await);
    till
}

fn paid(payments: Vec<PaymentRequest>) -> Request {
    Request::Sale(Box::new(receipt(vec![line("Сир", "12.50", "А")], payments)))
}

#[tokio::test]
async fn a_sale_with_everything_that_may_be_said_says_all_of_it_in_its_document() {
    let mut till = shop().await;
    let by_card = PaymentRequest {
        system: Some(Box::new(terminal())),
        ..card("90.00")
    };
    let request = Request::Sale(Box::new(receipt(vec![full_line()], vec![by_card])));
    let receipt = registered(&mut till, request).await;
    let letters = ['А', 'Д'].map(|letter| TaxLetter::new(letter).unwrap());
    let row = Row {
        code: Some("17".to_owned()),
        barcode: Some("4820000000017".to_owned()),
        classification: Some(Classification::Goods("2204".to_owned())),
        name: Some("Вино".to_owned()),
        unit_code: Some(2009),
        unit_name: Some("пляшка".to_owned()),
        quantity: Some(Quantity::from_units(2_000)),
        price: Some(money("50.00")),
        letters: Some(TaxLetters::new(letters.to_vec()).unwrap()),
        cost: Some(money("100.00")),
        discount: Some(Box::new(fiscal::document::Discount {
            kind: Some(DiscountKind::Sum),
            sum: Some(money("10.00")),
            ..Default::default()
        })),
        excise_labels: ["АВАК123456", "АВАК123457"]
            .map(|text| ExciseLabel {
                text: text.to_owned(),
            })
            .to_vec(),
        ..Row::default()
    };
    assert_eq!(receipt.rows, [row]);
    let total = Total {
        sum: Some(money("90.00")),
        discount_kind: Some(DiscountKind::Sum),
        discount: Some(money("10.00")),
        ..Total::default()
    };
    assert_eq!(receipt.total, Some(total));
    assert_eq!(receipt.payments, [Payment::card(money("90.00"), terminal())]);
    let taxes: Vec<_> = receipt.taxes.iter().map(|tax| tax.name.as_str()).collect();
    assert_eq!(taxes, ["ПДВ", "Акциз"]);
}

#[tokio::test]
async fn a_sale_of_the_least_says_nothing_more() {
    let mut till = shop().await;
    let bare = LineRequest {
        code: None,
        unit_code: None,
        unit_name: None,
        ..line("Порада", "12.50", "")
    };
    let request = Request::Sale(Box::new(receipt(vec![bare], vec![cash("12.50")])));
    let receipt = registered(&mut till, request).await;
    let row = Row {
        name: Some("Порада".to_owned()),
        quantity: Some(Quantity::from_units(1_000)),
        price: Some(money("12.50")),
        cost: Some(money("12.50")),
        ..Row::default()
    };
    assert_eq!(receipt.rows, [row]);
    assert_eq!(receipt.total, Some(Total::of(money("12.50"))));
    assert_eq!(receipt.payments, [Payment::cash(money("12.50"))]);
    assert!(receipt.taxes.is_empty());
}

#[tokio::test]
async fn cash_says_what_was_handed_over_only_where_there_is_change() {
    let mut till = shop().await;
    let with = |payment: PaymentRequest, provided: Option<&str>, remains: Option<&str>| PaymentRequest {
        provided: provided.map(money),
        remains: remains.map(money),
        ..payment
    };
    for (payment, change) in [
        (with(cash("12.50"), Some("20.00"), None), true),
        (with(cash("12.50"), Some("20.00"), Some("7.50")), true),
        (with(cash("12.50"), Some("12.50"), Some("0.00")), false),
        (with(cash("12.50"), None, Some("0.00")), false),
        (with(cash("12.50"), None, None), false),
        (with(card("12.50"), Some("20.00"), Some("7.50")), false),
    ] {
        let receipt = registered(&mut till, paid(vec![payment.clone()])).await;
        let [row] = &receipt.payments[..] else {
            panic!("{receipt:?}");
        };
        let expected = change.then(|| (money("20.00"), money("7.50"))).unzip();
        assert_eq!((row.provided, row.change), expected, "{payment:?}");
    }
    for wrong in [
        with(cash("12.50"), Some("20.00"), Some("0.00")),
        with(cash("12.50"), Some("20.00"), Some("7.00")),
        with(cash("12.50"), Some("12.50"), Some("7.50")),
    ] {
        let state = till.ask(paid(vec![wrong.clone()])).await;
        assert!(matches!(refused(state), Refusal::Figures(_)), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_means_by_which_nothing_is_paid_is_left_out_where_there_are_others() {
    let mut till = shop().await;
    for payments in [
        vec![cash("12.50"), card("0.00")],
        vec![card("0.00"), cash("12.50")],
    ] {
        let receipt = registered(&mut till, paid(payments)).await;
        assert_eq!(receipt.payments, [Payment::cash(money("12.50"))]);
    }
    let nothing = vec![card("0.00"), cash("0.00")];
    let free = LineRequest {
        discount: Some(Discount::Sum(money("12.50"))),
        ..line("Сир", "12.50", "А")
    };
    let request = |payments| Request::Sale(Box::new(receipt(vec![free.clone()], payments)));
    assert!(matches!(
        refused(till.ask(request(nothing)).await),
        Refusal::Figures(_)
    ));
    let receipt = registered(&mut till, request(vec![cash("0.00")])).await;
    assert_eq!(receipt.payments, [Payment::cash(money("0.00"))]);
}

#[tokio::test]
async fn a_payment_that_is_none_is_named_by_its_place() {
    let mut till = shop().await;
    let payments = vec![cash("10.00"), card("3.50"), card("-1.00")];
    let Refusal::Figures(text) = refused(till.ask(paid(payments)).await) else {
        panic!("a negative payment is not one");
    };
    assert_eq!(text, "payment 3 is not one");
}

#[tokio::test]
async fn a_means_of_payment_has_a_name_that_is_neither_empty_nor_too_long() {
    let mut till = shop().await;
    let named = |name: &str| PaymentRequest {
        code: 1_000_000,
        name: name.to_owned(),
        ..card("12.50")
    };
    let longest = "Щ".repeat(PAYMENT_NAME_CHARACTERS_MAX);
    for (name, written) in [("  Бонуси ", "Бонуси"), (&longest, &longest)] {
        let receipt = registered(&mut till, paid(vec![named(name)])).await;
        assert_eq!(receipt.payments[0].name, written);
    }
    for name in ["", "  ", &format!("{longest}Щ")] {
        let state = till.ask(paid(vec![named(name)])).await;
        assert!(matches!(refused(state), Refusal::Document(_)), "{name}");
    }
    let receipt = registered(&mut till, paid(vec![cash("12.50")])).await;
    assert_eq!(
        receipt.payments[0].name, "ГОТІВКА",
        "cash has its official name, however a client writes it"
    );
}

#[tokio::test]
async fn a_comment_is_trimmed_and_cut_and_no_reason_not_to_sell() {
    let mut till = shop().await;
    let long = "щ".repeat(COMMENT_CHARACTERS_MAX + 1);
    for (given, expected) in [
        (None, None),
        (Some("  "), None),
        (Some(" Дякуємо! "), Some("Дякуємо!")),
        (Some(long.as_str()), long.get(..2 * COMMENT_CHARACTERS_MAX)),
    ] {
        let commented = |sum| ReceiptRequest {
            comment: given.map(str::to_owned),
            ..receipt(vec![line("Сир", sum, "А")], vec![cash(sum)])
        };
        // Straight into its document, and out of the queue.
        let sold = Request::Sale(Box::new(commented("12.50")));
        let returned = Request::Return {
            receipt: Box::new(commented("1.50")),
            original: None,
        };
        let operations = [till.order(sold).await, till.order(returned).await];
        till.wait(seconds(10)).await;
        for (operation, found) in operations
            .iter()
            .zip(till.tax.documents().iter().rev().take(2).rev())
        {
            done(till.last_answer(*operation).unwrap());
            assert_eq!(found.document.head.notes.comment.as_deref(), expected);
        }
    }
}

#[tokio::test]
async fn a_return_names_the_receipt_and_the_register_where_it_is_another() {
    let other = RegisterNumber::new(4_000_000_303).unwrap();
    let date = NaiveDate::from_ymd_opt(2026, 3, 1);
    for (from, named, is_checked) in [
        (None, None, true),
        (Some(register()), None, true),
        (Some(other), Some(other), false),
    ] {
        let mut till = shop().await;
        let sold = done(till.ask(sale("10.00")).await)
            .document
            .fiscal_number
            .unwrap();
        done(till.ask(sale("50.00")).await);
        let give_back = |sum: &str| {
            let Request::Return { receipt, .. } = giving_back(sum, None) else {
                unreachable!("it is one");
            };
            let original = OriginalReceipt {
                number: sold.clone(),
                register: from,
                date,
            };
            Request::Return {
                receipt,
                original: Some(original),
            }
        };
        done(till.ask(give_back("4.00")).await);
        let documents = till.tax.documents();
        let Kind::Return { original, .. } = &documents[3].document.kind else {
            panic!("{:?}", documents[3].document.kind);
        };
        assert_eq!(
            (original.fiscal_number.as_ref(), original.register, original.date),
            (Some(&sold), named, date)
        );
        // What another register sold, this one cannot know.
        let state = till.ask(give_back("7.00")).await;
        let left = Refusal::ReturnTooLarge { left: money("6.00") };
        match state {
            OperationState::Refused(refusal) => assert!(is_checked && refusal == left, "{refusal:?}"),
            state => assert!(
                !is_checked && matches!(state, OperationState::Done(_)),
                "{state:?}"
            ),
        }
    }
}

#[tokio::test]
async fn a_withdrawal_says_its_sum_thrice_and_its_commission_apart() {
    let mut till = shop().await;
    done(till.ask(Request::ServiceIn(money("500.00"))).await);
    let request = Request::CashWithdrawal(Box::new(WithdrawalRequest {
        sum: money("200.00"),
        commission: money("1.50"),
        system: Some(Box::new(terminal())),
    }));
    let receipt = registered(&mut till, request).await;
    let total = Total {
        sum: Some(money("200.00")),
        untaxed: Some(money("200.00")),
        commission: Some(money("1.50")),
        ..Total::default()
    };
    assert_eq!(receipt.total, Some(total));
    let payment = Payment {
        systems: vec![terminal()],
        ..Payment::cash(money("200.00"))
    };
    assert_eq!(receipt.payments, [payment]);
    let row = Row {
        name: Some("Видача готівки".to_owned()),
        cost: Some(money("200.00")),
        ..Row::default()
    };
    assert_eq!(receipt.rows, [row]);
}

#[tokio::test]
async fn whatever_is_asked_for_is_called_by_what_it_is() {
    let mut till = shop().await;
    for (request, kind) in [
        (Request::ServiceIn(money("500.00")), DocumentKind::ServiceIn),
        (sale("10.00"), DocumentKind::Sale),
        (giving_back("5.00", None), DocumentKind::Return),
        (Request::ServiceOut(money("1.00")), DocumentKind::ServiceOut),
        (withdrawal("100.00"), DocumentKind::CashWithdrawal),
        (Request::Storno, DocumentKind::Storno),
    ] {
        let document = done(till.ask(request).await).document;
        assert_eq!(document.kind, kind);
        let sold = rows::sold(till.store(), register(), &document.fiscal_number.unwrap()).await;
        assert_eq!(
            sold.unwrap().is_some(),
            kind == DocumentKind::Sale,
            "only a sale has something left to return: {kind:?}"
        );
    }
    till.check().await;
}

/// Fingerprints lie on disk: a repeat must be known after an upgrade, too.
#[test]
fn a_fingerprint_is_the_same_in_every_version() {
    let hex = |request: &Request| -> String {
        let fingerprint = fingerprint(request, Some(17)).unwrap();
        fingerprint.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let full = ReceiptRequest {
        total: Some(money("90.00")),
        rounding: Some(money("0.00")),
        ..receipt(vec![full_line()], vec![card("90.00")])
    };
    assert_eq!(
        hex(&Request::Sale(Box::new(full))),
        "c3c336fb03e5959f1768fbfb4ac72e056adc291dd969d478cb211d03d1656545"
    );
    assert_eq!(
        hex(&giving_back("5.00", None)),
        "184efac3f1942a2c8e54969f58680cde9fc8d96afcb3931fb66c4b9dd0ca89f5"
    );
    let number = FiscalNumber::new("1").unwrap();
    assert_eq!(
        fingerprint(&giving_back("5.00", Some(&number)), Some(17)),
        fingerprint(&giving_back("5.00", None), Some(17)),
    );
    assert_eq!(fingerprint(&sale("5.00"), None), None, "two alike may be two");
    assert_eq!(fingerprint(&Request::Storno, Some(17)), None);
}
