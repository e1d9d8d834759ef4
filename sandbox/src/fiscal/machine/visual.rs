//! A document as text for people: enough to see what was registered, not the form that the law prescribes.

use super::package::type_name;
use fiscal::{Document, FiscalNumber};
use std::fmt::Write as _;

/// The document as UTF-8 text.
pub(super) fn text(document: &Document, number: &FiscalNumber) -> String {
    let head = &document.head;
    let mut text = String::new();
    let mut line = |content: &str| {
        text.push_str(content);
        text.push('\n');
    };
    line(&head.seller.organisation);
    line(&head.seller.point);
    head.seller.address.iter().for_each(|address| line(address));
    line(&format!("ІД {}", head.seller.tax_number));
    if head.testing {
        line(fiscal::test_shift::TEST_MARK);
    }
    line(type_name(&document.kind));
    if let Some(receipt) = document.kind.receipt() {
        for row in &receipt.rows {
            line(&row_text(row));
        }
        if let Some(sum) = receipt.total.as_ref().and_then(|total| total.sum) {
            line(&format!("СУМА {sum}"));
        }
        for tax in &receipt.taxes {
            line(&format!("{} {}% {}", tax.name, tax.rate, tax.sum));
        }
        for payment in &receipt.payments {
            line(&format!("{} {}", payment.name, payment.sum.unwrap_or_default()));
        }
    }
    line(&format!("ФН {number} ЛН {}", head.local_number));
    line(&format!("ФН ПРРО {}", head.register.number));
    line(&head.issued.to_string());
    text
}

fn row_text(row: &fiscal::document::Row) -> String {
    let mut text = row.name.clone().unwrap_or_default();
    if let (Some(quantity), Some(price)) = (row.quantity, row.price) {
        write!(text, " {quantity} x {price}").expect("a string takes every text");
    }
    if let Some(cost) = row.cost {
        write!(text, " = {cost}").expect("a string takes every text");
    }
    text
}
