//! Requests, in few words.

use actors::machines::register::{
    LineRequest, OriginalReceipt, PaymentRequest, ReceiptRequest, Request, WithdrawalRequest,
};
use fiscal::arithmetic::{Discount, Letter};
use fiscal::{FiscalNumber, Money, Quantity};

pub(crate) fn money(text: &str) -> Money {
    text.parse().unwrap()
}

pub(crate) fn line(name: &str, cost: &str, letters: &str) -> LineRequest {
    LineRequest {
        name: name.to_owned(),
        code: Some("1".to_owned()),
        barcode: None,
        classification: None,
        unit_code: Some(2009),
        unit_name: Some("шт".to_owned()),
        quantity: Quantity::from_units(1_000),
        price: Some(cost.parse().unwrap()),
        cost: Some(money(cost)),
        discount: None,
        letters: Letter::all(letters).unwrap(),
        excise_labels: Vec::new(),
    }
}

pub(crate) fn discounted(name: &str, cost: &str, discount: &str) -> LineRequest {
    LineRequest {
        discount: Some(Discount::Sum(money(discount))),
        ..line(name, cost, "А")
    }
}

pub(crate) fn cash(sum: &str) -> PaymentRequest {
    PaymentRequest {
        code: 0,
        name: "ГОТIВКА".to_owned(),
        sum: money(sum),
        provided: None,
        remains: None,
        system: None,
    }
}

pub(crate) fn card(sum: &str) -> PaymentRequest {
    PaymentRequest {
        code: 1,
        name: "КАРТКА".to_owned(),
        provided: Some(money(sum)),
        remains: Some(Money::ZERO),
        ..cash(sum)
    }
}

pub(crate) fn receipt(lines: Vec<LineRequest>, payments: Vec<PaymentRequest>) -> ReceiptRequest {
    ReceiptRequest {
        lines,
        payments,
        ..ReceiptRequest::default()
    }
}

pub(crate) fn sale(sum: &str) -> Request {
    Request::Sale(Box::new(receipt(vec![line("Сир", sum, "А")], vec![cash(sum)])))
}

pub(crate) fn card_sale(sum: &str) -> Request {
    Request::Sale(Box::new(receipt(vec![line("Вино", sum, "АД")], vec![card(sum)])))
}

pub(crate) fn giving_back(sum: &str, original: Option<&FiscalNumber>) -> Request {
    Request::Return {
        receipt: Box::new(receipt(vec![line("Сир", sum, "А")], vec![cash(sum)])),
        original: original.map(|number| OriginalReceipt {
            number: number.clone(),
            register: None,
            date: None,
        }),
    }
}

pub(crate) fn withdrawal(sum: &str) -> Request {
    Request::CashWithdrawal(Box::new(WithdrawalRequest {
        sum: money(sum),
        commission: money("1.00"),
        system: None,
    }))
}
