//! Documents written and read a second on one core: median, and range over the rounds. `cargo bench -p fiscal
//! [filter]`.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a measurement stops where something is wrong"
)]

#[path = "../examples/documents/mod.rs"]
mod documents;

use documents::every_document;
use fiscal::command::{Answered, LastShiftTotals, RegisterState};
use fiscal::{Document, Kind, Ticket};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Rounds of a measurement; the median of nine is calm on a shared machine.
const ROUNDS: usize = 9;
/// Length of a round.
const ROUND: Duration = Duration::from_millis(200);

fn measure(name: &str, mut run: impl FnMut()) {
    let filter = std::env::args()
        .nth(1)
        .filter(|argument| !argument.starts_with('-'));
    if filter.is_some_and(|filter| !name.contains(&filter)) {
        return;
    }
    let mut rates: Vec<f64> = (0..=ROUNDS)
        .map(|_| {
            let (start, mut runs) = (Instant::now(), 0_u32);
            while start.elapsed() < ROUND {
                run();
                runs += 1;
            }
            f64::from(runs) / start.elapsed().as_secs_f64()
        })
        .skip(1) // the first round warms caches
        .collect();
    rates.sort_by(f64::total_cmp);
    println!(
        "{name:44} {:>9.0} /s  ({:.0} to {:.0})",
        rates[ROUNDS / 2],
        rates[0],
        rates[ROUNDS - 1]
    );
}

fn document(name: &str, document: &Document) {
    let xml = document.to_xml().expect("a document");
    measure(&format!("write {name} ({} bytes)", xml.len()), || {
        black_box(document.to_xml().expect("a document"));
    });
    measure(&format!("read {name} ({} bytes)", xml.len()), || {
        black_box(Document::from_xml(&xml).expect("a document"));
    });
}

fn main() {
    let (documents, tickets) = every_document().expect("documents");
    let named = |name: &str| {
        documents
            .iter()
            .find(|(other, _)| *other == name)
            .expect("a document")
            .1
            .clone()
    };
    document("a sale of one row", &named("sale"));
    let mut long = named("sale");
    if let Kind::Sale { receipt, .. } = &mut long.kind {
        receipt.rows = std::iter::repeat_n(receipt.rows[0].clone(), 100).collect();
    }
    document("a sale of 100 rows", &long);
    document("a Z-report", &named("z-report"));

    let ticket = tickets[0].1.to_xml().expect("a ticket");
    measure(&format!("read a ticket ({} bytes)", ticket.len()), || {
        black_box(Ticket::from_xml(&ticket).expect("a ticket"));
    });
    let state = br#"{"ShiftState":1,"ShiftId":7364,"OpenShiftFiscalNum":"177086","ZRepPresent":false,"Testing":false,"Name":"x",
        "SubjectKeyId":"aa","FirstLocalNum":12,"NextLocalNum":19,"LastFiscalNum":"177090","OfflineSupported":true,"ChiefCashier":true,
        "OfflineSessionId":"82563","OfflineSeed":"179625192271939","OfflineNextLocalNum":20,"OfflineSessionDuration":0,
        "OfflineSessionsMonthlyDuration":61,"OfflineSessionRolledBack":false,"Closed":false,"UID":"A1","ErrorCode":0}"#;
    measure(&format!("read a state ({} bytes)", state.len()), || {
        black_box(Answered::<RegisterState>::from_json(state).expect("a state"));
    });
    let totals = br#"{"ShiftState":1,"Totals":{"Real":{"Sum":26.00,"OrdersCount":2,"PayForm":[{"PayFormCode":0,"PayFormName":"x",
        "Sum":26.00}],"Tax":[{"Type":0,"Name":"x","Letter":"A","Prc":20.00,"Sign":false,"Turnover":26.00,"Sum":4.33}]}}}"#;
    measure(&format!("read totals ({} bytes)", totals.len()), || {
        black_box(Answered::<LastShiftTotals>::from_json(totals).expect("totals"));
    });
}
