//! The client of the fiscal server against the stand-in: what came of a document, whatever goes wrong.

use actors::clock::SystemClock;
use actors::ports::{Asked, Packed, Posted, TaxCommand, TaxDocument, TaxService};
use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use countersign::outbound::tax::{FiscalServer, Settings};
use dstu::cms::{Identification, Packaging, Template};
use dstu::issuer::{Authority, Holder, Purpose, Validity};
use dstu::{Curve, Entropy, HashAlgorithm, LocalSigner, PrivateKey};
use fiscal::command::{Answered, Command, Request, ServerState};
use fiscal::document::{Register, Seller};
use fiscal::{
    CashDeskNumber, Document, ErrorCode, Head, Kind, LocalMoment, LocalNumber, RegisterNumber, Uid,
};
use sandbox::fiscal::{Company, Control, Fault, RejectionForm, Server, Unit};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const TAX_NUMBER: &str = "0000000017";
const REGISTER: u64 = 4_000_000_001;
const DEADLINE: Duration = Duration::from_secs(20);

/// A cashier's invented key, which the stand-in takes for an operator's.
struct Cashier {
    signer: LocalSigner,
    template: Template,
}

impl Cashier {
    fn new() -> Self {
        let entropy = Entropy::new([1; 32]);
        let year = |year| Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).unwrap();
        let validity = Validity {
            not_before: year(2020),
            not_after: year(2099),
        };
        let holder = |common_name: &str, number: &str| Holder {
            common_name: common_name.to_owned(),
            taxpayer_number: number.to_owned(),
            ..Holder::default()
        };
        let key = |seed| PrivateKey::generate(Curve::M257, &Entropy::new([seed; 32])).unwrap();
        let hash = HashAlgorithm::Gost34311;
        let authority = holder("Вигаданий центр сертифікації", "");
        let authority = Authority::self_signed(key(255), &authority, validity, hash, &entropy).unwrap();
        let (own, person) = (key(3), holder("Вигаданенко Вигадана", TAX_NUMBER));
        let certificate = authority
            .issue(own.public_key(), &person, Purpose::Signing, validity, &entropy)
            .unwrap();
        let signer = LocalSigner::new(own, certificate).unwrap();
        let template = Template::new(&signer, Identification::KeyId).unwrap();
        Self { signer, template }
    }

    fn sign(&self, content: &[u8]) -> Arc<[u8]> {
        let signed = self.template.sign(
            &self.signer,
            content,
            Packaging::Attached,
            None,
            &Entropy::new([7; 32]),
        );
        signed.unwrap().into()
    }
}

/// The stand-in as it runs, a client of it, and a cashier.
struct Office {
    server: Arc<Server>,
    client: FiscalServer,
    cashier: Cashier,
    url: String,
    task: JoinHandle<std::io::Result<()>>,
    stop: oneshot::Sender<()>,
    _folder: tempfile::TempDir,
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
        let register = sandbox::fiscal::Register {
            number: RegisterNumber::new(REGISTER).unwrap(),
            cash_desk: CashDeskNumber::new(1).unwrap(),
            name: String::new(),
        };
        let seller = seller();
        let unit = Unit {
            id: 1,
            name: seller.point,
            address: seller.address,
            registers: vec![register],
        };
        let company = Company {
            tax_number: TAX_NUMBER.to_owned(),
            vat_number: None,
            name: seller.organisation,
            units: vec![unit],
            operators: Vec::new(),
        };
        let settings = sandbox::fiscal::Settings {
            register_unknown_operators: true,
            companies: vec![company],
            ..sandbox::fiscal::Settings::default()
        };
        let folder = tempfile::tempdir().unwrap();
        let server = Arc::new(Server::open(settings, folder.path()).unwrap());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let running = Arc::clone(&server);
        let task = tokio::spawn(async move {
            let stopped = async move {
                let _ = stopped.await;
            };
            running.serve(listener, None, stopped).await
        });
        let seal = hex(server.certificate().subject_key_id().unwrap());
        Self {
            client: client(&url, vec![seal]),
            cashier: Cashier::new(),
            server,
            url,
            task,
            stop,
            _folder: folder,
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
        self.server.arm(control).unwrap();
    }

    fn accepted(&self) -> usize {
        self.server.state().registers[0].documents.len()
    }

    async fn close(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn seller() -> Seller {
    Seller {
        tax_number: TAX_NUMBER.to_owned(),
        vat_number: None,
        organisation: "ТОВ «Неіснуюча крамниця»".to_owned(),
        point: "Крамниця № 1".to_owned(),
        address: Some("м. Львів, вул. Вигадана, 1".to_owned()),
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
    office.task.abort();
}

#[tokio::test]
async fn where_nobody_listens_nothing_was_sent() {
    let office = Office::open().await;
    let document = office.outgoing(Kind::OpenShift, 1, DEADLINE);
    let url = office.url.clone();
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
    let stranger = client(&office.url, vec!["00".repeat(32)]);
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
