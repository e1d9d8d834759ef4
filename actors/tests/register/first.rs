//! The thinnest slice: open, sell, Z, close.

use crate::receipts::{money, sale};
use crate::till::Till;
use actors::machines::register::{DocumentKind, OperationState, Phase, Request};

#[tokio::test]
async fn a_sale_opens_the_shift_and_a_z_closes_it() {
    let mut till = Till::new().await;
    let OperationState::Done(done) = till.ask(sale("12.50")).await else {
        panic!("{:?}", till.answers);
    };
    assert_eq!(done.document.kind, DocumentKind::Sale);
    assert_eq!(done.document.local_number.get(), 2);
    assert_eq!(done.opening.as_ref().unwrap().local_number.get(), 1);
    assert_eq!(done.drawer, money("12.50"));
    let OperationState::Done(done) = till.ask(Request::CloseShift).await else {
        panic!("{:?}", till.answers);
    };
    assert_eq!(done.document.kind, DocumentKind::ZReport);
    assert_eq!(done.document.local_number.get(), 3);
    assert_eq!(*till.machine().phase(), Phase::Closed);
    assert_eq!(till.tax.documents().len(), 4);
    till.check().await;
}

#[tokio::test]
async fn a_sale_in_an_open_shift_is_three_commits() {
    let mut till = Till::new().await;
    till.ask(Request::OpenShift).await;
    let before = till.commits;
    till.ask(sale("1.00")).await;
    assert_eq!(till.commits - before, 3);
}
