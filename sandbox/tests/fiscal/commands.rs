//! Commands and their answers, read back with the types that a gateway reads them with.

use crate::documents::*;
use crate::keys::Key;
use crate::till::*;
use fiscal::command::*;
use fiscal::document::CashMovement;
use fiscal::{DocumentResult, ErrorCode, FiscalNumber, Kind, LocalNumber, Rejection};
use serde::de::DeserializeOwned;

pub(crate) fn state_query() -> Command {
    Command::TransactionsRegistrarState(StateQuery {
        register: number(REGISTER),
        offline_session_id: None,
        offline_seed: None,
        include_tax_object: true,
    })
}

fn fiscal_number(number: u64) -> FiscalNumber {
    FiscalNumber::new(number.to_string()).unwrap()
}

/// Asks in both modes, and reads the answer as a gateway does.
async fn asked<T: DeserializeOwned>(running: &Running, key: &Key, command: Command) -> Answered<T> {
    let signed = key.sign(&command_json(command.clone()));
    let plain = running.post("/fs/cmd", &[OCTETS], &signed).await;
    let json = running
        .post("/fs/cmd?resultAsJson=true", &[OCTETS], &signed)
        .await;
    assert_eq!(json.status, 200);
    let answered = Answered::from_json(&json.body).unwrap();
    assert_eq!(answered.uid.as_deref(), Some("request-1"));
    assert_eq!(
        answered.timestamp.unwrap().to_string(),
        "2026-02-05T12:00:00+02:00"
    );
    match &answered.result {
        Ok(_) => {
            assert_eq!(plain.status, 200, "{}", command.name());
            let fields = plain.json();
            assert_eq!(fields["UID"], "request-1");
            assert!(fields.get("ErrorCode").is_none(), "only in JSON mode: {fields}");
        }
        Err(Rejection {
            code: ErrorCode::NoContent,
            ..
        }) => assert_eq!((plain.status, plain.body.len()), (204, 0)),
        Err(rejection) => assert_eq!(Rejection::from_body(plain.text()).unwrap().code, rejection.code),
    }
    answered
}

async fn got<T: DeserializeOwned>(running: &Running, key: &Key, command: Command) -> T {
    asked(running, key, command).await.result.unwrap()
}

/// A shift with a deposit, an issue, two sales of which one is undone, and a return.
async fn busy() -> (Running, Key, tempfile::TempDir) {
    let (running, key, folder) = open_shift().await;
    let kinds = [
        deposit(50_000),
        Kind::cash(CashMovement::ServiceIssue, money(1_000)),
        sale(),
        sale(),
        storno(&fiscal_number(1_000_000_005)),
        goods_return(),
    ];
    for (local, kind) in (2..).zip(kinds) {
        running.send(&key, &document(local, kind)).await;
    }
    assert_eq!(running.documents().await.len(), 7);
    (running, key, folder)
}

#[tokio::test]
async fn who_and_what_is_registered_is_told() {
    let (running, key, _folder) = open_shift().await;
    let objects: Objects = got(&running, &key, Command::Objects).await;
    assert_eq!(objects.units.len(), 1, "not those of other companies");
    assert_eq!(objects.units[0].seller(), seller());
    let registers: Vec<u64> = objects.units[0]
        .registers
        .iter()
        .map(|register| register.number.get())
        .collect();
    assert_eq!(registers, [REGISTER, SECOND_REGISTER]);
    let operators: Operators = got(&running, &key, Command::Operators).await;
    assert_eq!(operators.tax_number, TAX_NUMBER);
    let mine = operators
        .operators
        .iter()
        .find(|known| known.subject_key_id == key.who().key_id)
        .unwrap();
    assert!(!mine.chief_cashier);
    assert_eq!(
        operators
            .operators
            .iter()
            .filter(|known| known.chief_cashier)
            .count(),
        1
    );
    let nobody = Key::new(3, "0000000099");
    let none = asked::<Objects>(&running, &nobody, Command::Objects).await.result;
    assert_eq!(none.unwrap_err().code, ErrorCode::NoContent);
    running.stop().await;
}

#[tokio::test]
async fn the_state_of_a_register_is_told_to_who_may_know_it() {
    let (running, key, _folder) = busy().await;
    let state: RegisterState = got(&running, &key, state_query()).await;
    assert_eq!(state.shift, ShiftState::Open);
    assert_eq!(state.next_local_number.get(), 8);
    assert_eq!(state.first_local_number, 1);
    assert_eq!(state.last_fiscal_number, Some(fiscal_number(1_000_000_007)));
    assert_eq!(state.subject_key_id, Some(key.who().key_id));
    assert!(state.offline_supported && state.offline_session().is_some());
    assert_eq!(state.offline_next_local_number, Some(1));
    assert_eq!(state.unit.unwrap().seller(), seller());
    let stranger = Key::new(2, TAX_NUMBER);
    let refused = asked::<RegisterState>(&running, &stranger, state_query())
        .await
        .result;
    assert_eq!(refused.unwrap_err().code.code(), 2);
    let foreigner = Key::new(2, OTHER_TAX_NUMBER);
    let refused = asked::<RegisterState>(&running, &foreigner, state_query())
        .await
        .result;
    assert_eq!(refused.unwrap_err().code.code(), 3);
    let bare = running
        .post("/fs/cmd", &[JSON], &command_json(state_query()))
        .await;
    assert_eq!(
        Rejection::from_body(bare.text()).unwrap().code.code(),
        11,
        "it must be signed"
    );
    running.stop().await;
}

#[tokio::test]
async fn shifts_documents_and_totals_are_told() {
    let (running, key, _folder) = busy().await;
    let register = number(REGISTER);
    let totals: LastShiftTotals =
        got(&running, &key, Command::LastShiftTotals(OfRegister { register })).await;
    let z = totals.totals.unwrap().to_z_report();
    assert_eq!(z.sales.as_ref().unwrap().sum, money(10_000));
    assert_eq!(z.sales.as_ref().unwrap().taxes[0].sum, money(1_667));
    assert_eq!(z.returns.as_ref().unwrap().receipts, 1);
    assert_eq!(z.body.as_ref().unwrap().issues, Some(money(1_000)));
    // The draft is what the server takes.
    running.send(&key, &document(8, Kind::z_report(z))).await;
    running.send(&key, &document(9, Kind::CloseShift)).await;

    let which = WhichShifts::One(1);
    let shifts: Shifts = got(&running, &key, Command::Shifts(ShiftsQuery { register, which })).await;
    let shift = &shifts.shifts[0];
    assert_eq!(shift.opened_by, Some(fiscal_number(1_000_000_001)));
    assert_eq!(shift.z_report, Some(fiscal_number(1_000_000_008)));
    assert_eq!(shift.closed_by, Some(fiscal_number(1_000_000_009)));
    assert_eq!(shift.opened.unwrap().to_string(), "2026-02-05T12:01:00+02:00");
    for (from, to, found) in [
        ("2026-02-05T00:00:00+02:00", "2026-02-06T00:00:00+02:00", true),
        ("2026-02-05T12:10:00+02:00", "2026-02-06T00:00:00+02:00", false),
        ("2026-02-04T00:00:00+02:00", "/Date(1770285600000)/", false),
    ] {
        let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
        let which = WhichShifts::Between { from, to };
        let asked = asked::<Shifts>(&running, &key, Command::Shifts(ShiftsQuery { register, which })).await;
        assert_eq!(asked.result.is_ok(), found, "{from} to {to}");
    }
    let shift = ShiftNumber::OpenedBy(fiscal_number(1_000_000_001));
    let documents: Documents = got(
        &running,
        &key,
        Command::Documents(DocumentsQuery { register, shift }),
    )
    .await;
    let storned: Vec<bool> = documents.documents.iter().map(|entry| entry.storned).collect();
    assert_eq!(
        storned,
        [false, false, false, false, true, false, false, false, false]
    );
    assert_eq!(documents.documents[7].class, DocumentClass::ZRep);
    let local_number = LocalNumber::new(5).unwrap();
    let query = LocalNumberQuery {
        register,
        local_number,
    };
    let info: DocumentInfo = got(&running, &key, Command::DocumentInfoByLocalNum(query)).await;
    assert_eq!(info.fiscal_number, fiscal_number(1_000_000_005));
    assert!(info.storned);
    let closed: LastShiftTotals =
        got(&running, &key, Command::LastShiftTotals(OfRegister { register })).await;
    assert!(closed.totals.is_none() && closed.closer_key_id == Some(key.who().key_id));
    running.stop().await;
}

#[tokio::test]
async fn a_document_is_given_in_every_form() {
    let (running, key, _folder) = busy().await;
    let query = |form, number: DocumentNumber| {
        Command::CheckExt(DocumentExtQuery {
            register: self::number(REGISTER),
            number,
            form,
            set_timestamp: false,
            acquire_cabinet_url: true,
        })
    };
    let xml = document(5, sale()).to_xml().unwrap();
    let by_local = || DocumentNumber::Local(LocalNumber::new(5).unwrap());
    for form in [
        DocumentForm::Availability,
        DocumentForm::OriginalXml,
        DocumentForm::SignedByServerXml,
        DocumentForm::Visualization,
        DocumentForm::SignedBySenderXml,
        DocumentForm::SignedBySenderAndServerXml,
    ] {
        let answer: DocumentAnswer = got(&running, &key, query(form, by_local())).await;
        assert_eq!((answer.result, answer.shift_id), (DocumentResult::Ok, Some(1)));
        assert!(answer.cabinet_url.unwrap().contains("id=1000000005"));
        let data = answer.data.unwrap_or_default();
        match form {
            DocumentForm::Availability => assert!(data.is_empty()),
            DocumentForm::OriginalXml => assert_eq!(data, xml),
            DocumentForm::SignedByServerXml => {
                let document = fiscal::Document::from_xml(&running.opened(&data)).unwrap();
                assert!(document.head.marks.storned);
                assert_eq!(
                    document.head.mode.fiscal_number(),
                    Some(&fiscal_number(1_000_000_005))
                );
            }
            DocumentForm::Visualization => {
                let text = String::from_utf8(data).unwrap();
                assert!(
                    text.contains("СУМА 100.00") && text.contains("ФН 1000000005"),
                    "{text}"
                );
            }
            DocumentForm::SignedBySenderXml => {
                let message = dstu::cms::SignedData::from_der(&data).unwrap();
                assert_eq!(message.content(), Some(&*xml));
            }
            DocumentForm::SignedBySenderAndServerXml => {
                let inner = running.opened(&data);
                assert_eq!(
                    dstu::cms::SignedData::from_der(&inner).unwrap().content(),
                    Some(&*xml)
                );
            }
        }
    }
    let session: RegisterState = got(&running, &key, state_query()).await;
    let session = session.offline_session_id.unwrap();
    for (number, result) in [
        (
            DocumentNumber::Local(LocalNumber::new(99).unwrap()),
            DocumentResult::DocumentAbsent,
        ),
        (
            DocumentNumber::Fiscal(fiscal_number(99)),
            DocumentResult::OnlineDocumentAbsent,
        ),
        (
            DocumentNumber::Fiscal(FiscalNumber::new(format!("{session}.1.1")).unwrap()),
            DocumentResult::OfflineNumberReserved,
        ),
        (
            DocumentNumber::Fiscal(FiscalNumber::new("9.1.1").unwrap()),
            DocumentResult::OfflineNumberNotReserved,
        ),
    ] {
        let answer: DocumentAnswer = got(&running, &key, query(DocumentForm::Availability, number)).await;
        assert_eq!(answer.result, result);
    }
    running.stop().await;
}

#[tokio::test]
async fn check_and_zrep_are_answered_with_a_message_of_the_server() {
    let (running, key, _folder) = open_shift().await;
    running.send(&key, &document(2, z(0))).await;
    let query = |local, original| DocumentQuery {
        register: number(REGISTER),
        number: DocumentNumber::Local(LocalNumber::new(local).unwrap()),
        original,
        set_timestamp: false,
    };
    for (command, status) in [
        (Command::Check(query(1, true)), 200),
        (Command::Check(query(2, true)), 204),
        (Command::ZRep(query(2, false)), 200),
        (Command::ZRep(query(1, false)), 204),
    ] {
        let name = command.name();
        let reply = running
            .post("/fs/cmd", &[OCTETS], &key.sign(&command_json(command)))
            .await;
        assert_eq!(reply.status, status, "{name}");
        if status == 200 {
            assert_eq!(reply.header("content-type"), Some("application/octet-stream"));
            fiscal::Document::from_xml(&running.opened(&reply.body)).unwrap();
        }
    }
    // A Check needs no signature.
    let bare = running
        .post("/fs/cmd", &[JSON], &command_json(Command::Check(query(1, false))))
        .await;
    assert_eq!(bare.status, 200);
    running.stop().await;
}

#[tokio::test]
async fn a_device_keeps_a_register_until_another_takes_it_over() {
    let (running, key, folder) = open_shift().await;
    let device = |octet| DeviceId::from_hash([octet; 32]);
    let command = |octet, forced| {
        Command::DeviceRegister(DeviceRegister {
            register: number(REGISTER),
            device: device(octet),
            forced,
        })
    };
    for (octet, forced, owner) in [(1, false, 1), (2, false, 1), (2, true, 2), (1, false, 2)] {
        let answer: RegisteredDevice = got(&running, &key, command(octet, forced)).await;
        assert_eq!(answer.device, device(owner), "{octet} {forced}");
    }
    running.stop().await;
    let running = Running::start(settings_for(&key), folder.path()).await;
    let answer: RegisteredDevice = got(&running, &key, command(1, false)).await;
    assert_eq!(answer.device, device(2), "it is remembered");
    running.stop().await;
}

#[tokio::test]
async fn a_command_that_is_late_unknown_or_broken_is_refused() {
    let (running, _key, _folder) = open_shift().await;
    let late = |seconds: i64| {
        let since = noon() - chrono::TimeDelta::seconds(seconds);
        format!(
            "{{\"Command\":\"ServerState\",\"UID\":\"u\",\"Timestamp\":\"{}\",\"Timeout\":60000}}",
            since.to_rfc3339()
        )
    };
    for (body, code) in [
        (late(59), None),
        (late(61), Some(11)),
        ("\u{feff}{\"Command\":\"ServerState\"}".to_owned(), None),
        ("{\"Command\":\"Other\"}".to_owned(), Some(11)),
        ("{\"Command\":\"Check\"}".to_owned(), Some(11)),
        ("not even JSON".to_owned(), Some(11)),
        ("{\"Command\":\"Schemas\"}".to_owned(), Some(13)),
    ] {
        let reply = running
            .post("/fs/cmd?resultAsJson=true", &[JSON], body.as_bytes())
            .await
            .json();
        let found = reply["ErrorCode"].as_i64().filter(|code| *code != 0);
        assert_eq!(found, code, "{body}");
    }
    running.stop().await;
}
