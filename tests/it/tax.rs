//! The client of the fiscal server against the stand-in: what came of a document, whatever goes wrong.

use crate::office::{Cashier, REGISTER, StandIn, TAX_NUMBER, hex, seller};
use actors::clock::SystemClock;
use actors::ports::{Asked, Packed, Posted, TaxCommand, TaxDocument, TaxService};
use chrono::{DateTime, NaiveDate, Utc};
use countersign::outbound::tax::{FiscalServer, Settings};
use fiscal::command::{Answered, Command, Request, ServerState};
use fiscal::document::Register;
use fiscal::{
    CashDeskNumber, Document, ErrorCode, Head, Kind, LocalMoment, LocalNumber, RegisterNumber, Uid,
};
use sandbox::fiscal::{Control, Fault, RejectionForm};
use std::sync::Arc;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(20);

/// The stand-in as it runs, a client of it, and a cashier.
struct Office {
    stand_in: StandIn,
    client: FiscalServer,
    cashier: Cashier,
}

fn client(url: &str, seals: Vec<String>) -> FiscalServer {
    let settings = Settings {
        url: format!("{url}/fs"),
        seals,
    };
    let client = countersign::outbound::client().unwrap();
    FiscalServer::new(client, &settings, Arc::new(SystemClock::new())).unwrap()
}

impl Office {
    async fn open() -> Self {
        let stand_in = StandIn::start().await;
        let seal = hex(stand_in.server.certificate().subject_key_id().unwrap());
        Self {
            client: client(&stand_in.url, vec![seal]),
            cashier: Cashier::new(3, TAX_NUMBER),
            stand_in,
        }
    }

    async fn post(&self, kind: Kind, local_number: u64) -> Posted {
        self.post_within(kind, local_number, DEADLINE).await
    }

    async fn post_within(&self, kind: Kind, local_number: u64, deadline: Duration) -> Posted {
        self.client
            .post(self.outgoing(kind, local_number, deadline))
            .await
    }

    fn outgoing(&self, kind: Kind, local_number: u64, deadline: Duration) -> TaxDocument {
        let document = document(kind, local_number);
        TaxDocument {
            register: document.head.register.number,
            cms: self.cashier.sign(&document.to_xml().unwrap()),
            uid: document.head.uid,
            local_number: document.head.local_number,
            deadline,
        }
    }

    fn arm(&self, control: Control) {
        self.stand_in.server.arm(control).unwrap();
    }

    fn accepted(&self) -> usize {
        self.stand_in.server.state().registers[0].documents.len()
    }

    async fn close(self) {
        self.stand_in.close().await;
    }
}

fn document(kind: Kind, local_number: u64) -> Document {
    let uid = Uid::new(format!("00000000-0000-4000-8000-{local_number:012}")).unwrap();
    let register = Register {
        cash_desk: CashDeskNumber::new(1).unwrap(),
        number: RegisterNumber::new(REGISTER).unwrap(),
    };
    let minute = u32::try_from(local_number).unwrap();
    let issued = NaiveDate::from_ymd_opt(2026, 2, 5)
        .unwrap()
        .and_hms_opt(12, minute, 0)
        .unwrap();
    let issued = LocalMoment::new(issued).unwrap();
    let local_number = LocalNumber::new(local_number).unwrap();
    Document {
        head: Head::new(uid, seller(), register, issued, local_number),
        kind,
    }
}

#[tokio::test]
async fn an_opened_shift_gives_a_fiscal_number_and_what_it_takes_to_go_offline() {
    let office = Office::open().await;
    let Posted::Registered {
        fiscal_number,
        offline_session,
        ticket,
    } = office.post(Kind::OpenShift, 1).await
    else {
        panic!("it is registered");
    };
    assert!(offline_session.is_some());
    let kept = dstu::cms::SignedData::from_der(&ticket).unwrap();
    let ticket = fiscal::Ticket::from_xml(kept.content().unwrap()).unwrap();
    assert_eq!(ticket.fiscal_number, Some(fiscal_number));
    office.close().await;
}

#[tokio::test]
async fn a_refusal_is_read_in_both_its_forms() {
    let office = Office::open().await;
    for form in [RejectionForm::Text, RejectionForm::Ticket] {
        office.arm(Control {
            form: Some(form),
            code: 12,
            text: "OCSP не відповідає".to_owned(),
            ..Control::once(Fault::Reject)
        });
        let Posted::Rejected(rejection) = office.post(Kind::OpenShift, 1).await else {
            panic!("{form:?} is a refusal");
        };
        assert_eq!(rejection.code, ErrorCode::CryptographyError);
        assert_eq!(rejection.text, "OCSP не відповідає");
    }
    let Posted::Rejected(rejection) = office.post(Kind::OpenShift, 5).await else {
        panic!("1 is due");
    };
    assert_eq!(
        rejection.expected_local_number(),
        Some(LocalNumber::new(1).unwrap())
    );
    assert_eq!(office.accepted(), 0);
    office.close().await;
}

#[tokio::test]
async fn an_answer_that_is_lost_leaves_the_outcome_unknown_whether_or_not_it_was_registered() {
    let office = Office::open().await;
    office.arm(Control::once(Fault::DropBefore));
    assert!(matches!(
        office.post(Kind::OpenShift, 1).await,
        Posted::Unknown(_)
    ));
    assert_eq!(office.accepted(), 0);
    office.arm(Control::once(Fault::Status));
    assert!(matches!(
        office.post(Kind::OpenShift, 1).await,
        Posted::Unknown(_)
    ));
    assert_eq!(office.accepted(), 0);
    office.arm(Control::once(Fault::DropAfter));
    assert!(matches!(
        office.post(Kind::OpenShift, 1).await,
        Posted::Unknown(_)
    ));
    assert_eq!(office.accepted(), 1, "and nothing was sent twice");
    office.close().await;
}

#[tokio::test]
async fn an_answer_that_is_late_leaves_the_outcome_unknown() {
    let office = Office::open().await;
    office.arm(Control {
        seconds: 5,
        ..Control::once(Fault::Delay)
    });
    let posted = office
        .post_within(Kind::OpenShift, 1, Duration::from_millis(700))
        .await;
    assert!(matches!(posted, Posted::Unknown(_)), "{posted:?}");
    assert_eq!(office.accepted(), 1);
    office.stand_in.abort();
}

#[tokio::test]
async fn where_nobody_listens_nothing_was_sent() {
    let office = Office::open().await;
    let document = office.outgoing(Kind::OpenShift, 1, DEADLINE);
    let url = office.stand_in.url.clone();
    office.close().await;
    let client = client(&url, Vec::new());
    assert!(matches!(client.post(document).await, Posted::NotSent(_)));
    assert!(matches!(
        client.post_package(b"a package", DEADLINE).await,
        Packed::NotSent(_)
    ));
}

#[tokio::test]
async fn a_ticket_of_somebody_else_is_not_believed() {
    let office = Office::open().await;
    let stranger = client(&office.stand_in.url, vec!["00".repeat(32)]);
    let document = office.outgoing(Kind::OpenShift, 1, DEADLINE);
    assert!(matches!(stranger.post(document).await, Posted::Unknown(_)));
    // A ticket of another document: the server registered what was signed, and the register asked for something else.
    let mut other = office.outgoing(Kind::OpenShift, 1, DEADLINE);
    other.uid = Uid::new("ffffffff-0000-4000-8000-000000000000").unwrap();
    assert!(!matches!(
        office.client.post(other).await,
        Posted::Registered { .. }
    ));
    office.close().await;
}

#[tokio::test]
async fn a_broken_package_is_refused_with_its_index() {
    let office = Office::open().await;
    let package = office.cashier.sign(&[0; 16]);
    let packed = office.client.post_package(&package, DEADLINE).await;
    let Packed::Rejected(rejection) = packed else {
        panic!("{packed:?}");
    };
    assert_eq!(
        rejection.code,
        ErrorCode::PackageValidationError,
        "{}",
        rejection.text
    );
    office.close().await;
}

#[tokio::test]
async fn commands_are_answered_and_the_servers_clock_is_watched() {
    let office = Office::open().await;
    let uid = Uid::new("00000000-0000-4000-8000-000000000099").unwrap();
    let body = Request::new(uid, Command::ServerState).to_json().unwrap();
    let command = TaxCommand {
        name: "ServerState",
        register: None,
        body: body.into(),
        is_signed: false,
        deadline: DEADLINE,
    };
    let Asked::Answer(json) = office.client.ask(command.clone()).await else {
        panic!("it answers");
    };
    let answered = Answered::<ServerState>::from_json(&json).unwrap();
    assert!(answered.result.is_ok());
    let near = |seconds: i64| {
        office
            .client
            .skew()
            .seconds()
            .is_some_and(|skew| (skew - seconds).abs() <= 5)
    };
    assert!(near(0), "{:?}", office.client.skew());
    office.arm(Control {
        seconds: -600,
        ..Control::once(Fault::ClockSkew)
    });
    office.client.ask(command).await;
    assert!(near(-600), "{:?}", office.client.skew());
    let _: DateTime<Utc> = answered.timestamp.unwrap().to_utc().unwrap();
    office.close().await;
}
