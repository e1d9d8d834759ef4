//! This face's bodies for the target in `fuzz/`, parsed as the routes parse them.

use super::fields::Fields;
use super::{key_form, receipt};
use actors::machines::register::{ReceiptRequest, Request};
use bytes::Bytes;
use fiscal::Percent;
use fiscal::arithmetic::{Letter, Tax, TaxKind};
use futures_util::FutureExt as _;

fn fields(body: &[u8], is_form: bool) -> Option<Fields> {
    if is_form {
        Some(Fields::of_form(body))
    } else {
        Fields::of_json(body).ok()
    }
}

fn taxes() -> [Tax; 2] {
    [('А', 2_000), ('Б', 700)].map(|(letter, percent)| Tax {
        kind: TaxKind::Vat,
        name: "ПДВ".to_owned(),
        letter: Letter::new(letter).expect("a letter of the alphabet"),
        percent: Percent::from_units(percent),
        excluded: false,
    })
}

/// A sale's body, as JSON or as a form; whether it was taken. What is taken must be within its bounds and read the same a second time.
pub fn sale(body: &[u8], is_form: bool) -> bool {
    let read = || receipt::parse(&fields(body, is_form)?, &taxes()).ok();
    let Some(request) = read() else { return false };
    let (Request::Sale(taken) | Request::Return { receipt: taken, .. }) = &request else {
        panic!("a sale's body asks for {request:?}");
    };
    check(taken);
    assert_eq!(read().as_ref(), Some(&request), "the same body says the same");
    true
}

fn check(receipt: &ReceiptRequest) {
    let known = taxes().map(|tax| tax.letter);
    assert!(!receipt.lines.is_empty() && !receipt.payments.is_empty());
    for line in &receipt.lines {
        assert!(!line.name.trim().is_empty() && line.name.chars().count() <= 512);
        assert!(line.letters.iter().all(|letter| known.contains(letter)));
    }
}

/// A body of cash in or out; whether it was taken.
pub fn service(body: &[u8], is_form: bool) -> bool {
    let request = fields(body, is_form).and_then(|fields| receipt::parse_service(&fields).ok());
    assert!(
        request
            .as_ref()
            .is_none_or(|request| matches!(request, Request::ServiceIn(_) | Request::ServiceOut(_)))
    );
    request.is_some()
}

/// An uploaded key's form with the boundary `b`; whether it was taken.
pub fn key(body: &[u8]) -> bool {
    let parsed = key_form::parse(Bytes::copy_from_slice(body), "b".to_owned());
    let parsed = parsed.now_or_never().expect("everything is there: nothing waits");
    let Ok(upload) = parsed else { return false };
    assert!(upload.octets() <= body.len());
    true
}
