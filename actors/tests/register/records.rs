//! Records: what was written once can be read for ever, and none is larger than a row.

use crate::receipts::{card, line, receipt, sale};
use crate::till::{Agent, Server, Till, seconds};
use actors::machines::register::{
    AutoClose, OperationRecord, PAYMENT_FORMS_MAX, PAYMENT_NAME_CHARACTERS_MAX, PaymentRequest,
    RegisterRecord, Request, SoldRecord, TAX_NAME_CHARACTERS_MAX, TAXES_MAX, WaitingRecord,
};
use actors::register::queue::{QueuedRecord, RevokedRecord};
use actors::register::rows::{DocumentRecord, ShiftRecord};
use fiscal::Percent;
use fiscal::arithmetic::{Letter, Tax, TaxKind, TaxTable};
use std::fmt::Debug;
use std::sync::Arc;
use storage::record::{Record, decode, encode};
use storage::{Key, Scan, Store};

/// Compares with the file; with `GOLDEN=write` in the environment writes one that is not there yet, and never changes one that is.
fn check<R: Record + PartialEq + Debug>(name: &str, bytes: &[u8]) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(format!("{name}-{}.hex", R::VERSION));
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    if !path.exists() && std::env::var_os("GOLDEN").is_some_and(|value| value == "write") {
        std::fs::write(&path, format!("{hex}\n")).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(
        hex,
        golden.trim(),
        "{name}: the bytes have changed; a new form is a new version"
    );
    let record: R = decode(bytes).unwrap();
    assert_eq!(encode(&record).unwrap(), bytes, "{name}");
}

/// The values of a table, in order.
async fn values(till: &Till, table: &'static str) -> Vec<Vec<u8>> {
    let rows = till
        .store()
        .scan(Scan::of(Key::table(table).build()))
        .await
        .unwrap();
    rows.into_iter().map(|row| row.stored.value).collect()
}

#[tokio::test]
async fn a_registers_records_are_the_golden_ones() {
    let mut till = Till::new().await;
    till.order_with(sale("12.50"), |order| order.reference = Some(17))
        .await;
    till.wait(seconds(10)).await;
    till.ask(Request::CloseShift).await;
    till.ask(sale("10.00")).await;
    till.order_with(sale("20.00"), |order| order.reference = Some(18))
        .await;
    till.order(sale("30.00")).await;
    check::<RegisterRecord>("register", &values(&till, "register").await[0][9..]);
    check::<WaitingRecord>("register-waiting", &values(&till, "register-waiting").await[0]);
    for (index, record) in values(&till, "registered").await.iter().take(2).enumerate() {
        check::<DocumentRecord>(&format!("registered-{index}"), record);
    }
    check::<ShiftRecord>("shift", &values(&till, "shift").await[0]);
    check::<SoldRecord>("sold", &values(&till, "sold").await[0]);
    check::<actors::machines::register::FingerprintRecord>(
        "fingerprint",
        &values(&till, "fingerprint").await[0],
    );
    let operations = values(&till, "operation").await;
    let kinds: Vec<OperationRecord> = operations.iter().map(|bytes| decode(bytes).unwrap()).collect();
    for name in ["done", "pending"] {
        let place = kinds
            .iter()
            .position(|record| record.state.name() == name)
            .unwrap();
        check::<OperationRecord>(&format!("operation-{name}"), &operations[place]);
    }
}

#[tokio::test]
async fn an_offline_registers_records_are_the_golden_ones() {
    let mut till = Till::new().await;
    till.unit.settings.offline = true;
    till.ask(Request::OpenShift).await;
    till.server_script = [Server::DropsAfter].into();
    crate::offline::go_away(&mut till);
    till.order(sale("12.50")).await;
    till.wait(seconds(20)).await;
    check::<RegisterRecord>("register-offline", &values(&till, "register").await[0][9..]);
    check::<QueuedRecord>("queued", &values(&till, "queued").await[1]);
    crate::offline::come_back(&mut till);
    till.wait(seconds(100)).await;
    check::<RevokedRecord>("revoked", &values(&till, "revoked").await[0]);
    assert!(
        values(&till, "queued").await.is_empty(),
        "what is delivered waits no more"
    );
}

/// Every name as long as it may be, every table as full.
#[tokio::test]
async fn the_fullest_register_fits_a_row() {
    let mut till = Till::new().await;
    till.unit.settings.auto_close = AutoClose::Off;
    till.unit.settings.check_drawer = false;
    till.unit.settings.offline = true;
    till.unit.seller.organisation = "Щ".repeat(256);
    till.unit.seller.point = "Щ".repeat(256);
    till.unit.seller.address = Some("Щ".repeat(256));
    till.tax = crate::server::StandIn::of(&till.unit);
    let letters: Vec<char> = "АБВГДЕЖЗИКЛМ".chars().take(TAXES_MAX).collect();
    let taxes = letters.iter().map(|letter| Tax {
        kind: TaxKind::Vat,
        name: "Щ".repeat(TAX_NAME_CHARACTERS_MAX),
        letter: Letter::new(*letter).unwrap(),
        percent: Percent::from_units(2_000),
        excluded: false,
    });
    till.unit.taxes = Arc::new(TaxTable::new(taxes.collect()).unwrap());
    let payments = |from: u32| -> Vec<PaymentRequest> {
        (0..u32::try_from(PAYMENT_FORMS_MAX).unwrap())
            .map(|index| PaymentRequest {
                code: 1_000_000 + from + index,
                name: "Щ".repeat(PAYMENT_NAME_CHARACTERS_MAX),
                ..card("50000000.00")
            })
            .collect()
    };
    let cost = |index: usize| if index < 8 { "41666666.67" } else { "41666666.66" };
    let lines = || {
        letters
            .iter()
            .enumerate()
            .map(|(index, letter)| line("Щ", cost(index), &letter.to_string()))
            .collect()
    };
    for request in [
        Request::Sale(Box::new(receipt(lines(), payments(0)))),
        Request::Return {
            receipt: Box::new(receipt(lines(), payments(0))),
            original: None,
        },
    ] {
        let state = till.ask(request).await;
        assert!(
            matches!(state, actors::machines::register::OperationState::Done(_)),
            "{state:?}"
        );
    }
    // One more, on its way and in doubt; and a queue behind it.
    till.server_default = Server::DropsBefore;
    till.question_default = Server::DropsBefore;
    till.order(Request::Return {
        receipt: Box::new(receipt(lines(), payments(0))),
        original: None,
    })
    .await;
    till.wait(seconds(5)).await;
    till.agent_default = Agent::Away;
    for _ in 0..actors::machines::register::WAITING_MAX {
        till.order(sale("1.00")).await;
    }
    let largest = values(&till, "register").await[0].len();
    println!("the fullest register has {largest} octets");
    assert!(largest <= storage::VALUE_MAX, "{largest}");
    assert_eq!(values(&till, "register-waiting").await.len(), 64);
}

#[tokio::test]
async fn a_shift_keeps_no_more_means_of_payment_apart_than_fit() {
    let mut till = Till::new().await;
    till.unit.settings.auto_close = AutoClose::Off;
    for index in 0..=PAYMENT_FORMS_MAX {
        let payment = PaymentRequest {
            code: 1_000_000 + u32::try_from(index).unwrap(),
            name: format!("Форма {index}"),
            ..card("1.00")
        };
        let state = till
            .ask(Request::Sale(Box::new(receipt(
                vec![line("Сир", "1.00", "А")],
                vec![payment],
            ))))
            .await;
        let is_done = matches!(state, actors::machines::register::OperationState::Done(_));
        assert_eq!(is_done, index < PAYMENT_FORMS_MAX, "{index}: {state:?}");
    }
}

#[tokio::test]
async fn documents_of_any_size_are_kept_whole() {
    let mut till = Till::new().await;
    let lines: Vec<_> = (0..400)
        .map(|index| line(&format!("Товар {index} {}", "щ".repeat(100)), "1.00", "А"))
        .collect();
    let state = till
        .ask(Request::Sale(Box::new(receipt(lines, vec![card("400.00")]))))
        .await;
    let actors::machines::register::OperationState::Done(done) = state else {
        panic!("{state:?}");
    };
    use actors::register::rows::{Part, part};
    let xml = part(till.store(), &done.document.uid, Part::Xml)
        .await
        .unwrap()
        .unwrap();
    assert!(xml.len() > 100_000, "{}", xml.len());
    assert_eq!(xml, till.tax.documents()[1].xml);
    assert!(
        part(till.store(), &done.document.uid, Part::Ticket)
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        values(&till, "operation-body").await.is_empty(),
        "the body's own rows are gone"
    );
    assert!(values(&till, "register-waiting").await.is_empty());
}
