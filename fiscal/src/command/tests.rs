//! Commands and answers as the description shows them, and as live servers were seen to write them.

use super::*;
use crate::Money;
use crate::document::{DocumentSubtype, DocumentType};
use crate::ids::{FiscalNumber, LocalNumber, OfflineSeed, OfflineSessionId, RegisterNumber};

fn register() -> RegisterNumber {
    RegisterNumber::new(4_000_000_001).expect("a number")
}

fn time(text: &str) -> ServerTime {
    text.parse().expect("a moment")
}

fn fiscal(text: &str) -> FiscalNumber {
    FiscalNumber::new(text).expect("a number")
}

fn local(number: u64) -> LocalNumber {
    LocalNumber::new(number).expect("a number")
}

/// Every command, whether it is signed, and its fields as they are written.
fn table() -> Vec<(Command, bool, &'static str)> {
    let register = register();
    let between = WhichShifts::Between {
        from: time("2026-02-01T00:00:00+02:00"),
        to: time("2026-02-02T00:00:00+02:00"),
    };
    vec![
        (Command::ServerState, false, ""),
        (Command::Schemas, false, ""),
        (Command::Objects, true, ""),
        (Command::Operators, true, ""),
        (
            Command::TransactionsRegistrarState(StateQuery {
                register,
                offline_session_id: Some(OfflineSessionId::new("82563").expect("an id")),
                offline_seed: Some(OfflineSeed::new("179625192271939").expect("a seed")),
                include_tax_object: true,
            }),
            true,
            r#","NumFiscal":4000000001,"OfflineSessionId":"82563","OfflineSeed":"179625192271939","IncludeTaxObject":true"#,
        ),
        (
            Command::Check(DocumentQuery {
                register,
                number: DocumentNumber::Fiscal(fiscal("82563.45.7539")),
                original: true,
                set_timestamp: false,
            }),
            false,
            r#","RegistrarNumFiscal":4000000001,"NumFiscal":"82563.45.7539","Original":true,"SetTimestamp":false"#,
        ),
        (
            Command::CheckExt(DocumentExtQuery {
                register,
                number: DocumentNumber::Local(local(7)),
                form: DocumentForm::Visualization,
                set_timestamp: false,
                acquire_cabinet_url: true,
            }),
            false,
            r#","RegistrarNumFiscal":4000000001,"NumLocal":7,"Type":3,"SetTimestamp":false,"AcquireCabinetUrl":true"#,
        ),
        (
            Command::ZRep(DocumentQuery {
                register,
                number: DocumentNumber::Local(local(8)),
                original: false,
                set_timestamp: true,
            }),
            true,
            r#","RegistrarNumFiscal":4000000001,"NumLocal":8,"Original":false,"SetTimestamp":true"#,
        ),
        (
            Command::ZRepExt(DocumentExtQuery {
                register,
                number: DocumentNumber::Local(local(8)),
                form: DocumentForm::Availability,
                set_timestamp: false,
                acquire_cabinet_url: false,
            }),
            true,
            r#","RegistrarNumFiscal":4000000001,"NumLocal":8,"Type":0,"SetTimestamp":false,"AcquireCabinetUrl":false"#,
        ),
        (
            Command::Shifts(ShiftsQuery {
                register,
                which: between,
            }),
            true,
            r#","NumFiscal":4000000001,"From":"2026-02-01T00:00:00+02:00","To":"2026-02-02T00:00:00+02:00""#,
        ),
        (
            Command::Documents(DocumentsQuery {
                register,
                shift: ShiftNumber::OpenedBy(fiscal("177086")),
            }),
            true,
            r#","NumFiscal":4000000001,"OpenShiftFiscalNum":"177086""#,
        ),
        (
            Command::LastShiftTotals(OfRegister { register }),
            true,
            r#","NumFiscal":4000000001"#,
        ),
        (
            Command::DocumentInfoByLocalNum(LocalNumberQuery {
                register,
                local_number: local(7),
            }),
            true,
            r#","NumFiscal":4000000001,"NumLocal":7"#,
        ),
        (
            Command::SendDocument(SendDocument {
                document: vec![0x30, 0x82, 0xff],
            }),
            false,
            r#","Document":"MIL/""#,
        ),
        (
            Command::SendOflPackage(SendOflPackage {
                documents: vec![SignedDocument(vec![1]), SignedDocument(vec![2])],
            }),
            true,
            r#","Documents":["AQ==","Ag=="]"#,
        ),
        (
            Command::DeviceRegister(DeviceRegister {
                register,
                device: DeviceId::from_hash([0xab; 32]),
                forced: true,
            }),
            true,
            r#","NumFiscal":4000000001,"DeviceId":"abababababababababababababababababababababababababababababababab","Forced":true"#,
        ),
    ]
}

#[test]
fn every_command_is_written_as_described_and_reads_back() {
    for (command, signed, fields) in table() {
        assert_eq!(command.must_be_signed(), signed, "{}", command.name());
        let name = command.name();
        let mut request = Request::new(Uid::new("A1").expect("a UID"), command);
        let json = String::from_utf8(request.to_json().expect("JSON")).expect("UTF-8");
        assert_eq!(json, format!(r#"{{"Command":"{name}","UID":"A1"{fields}}}"#));
        request.deadline = Some(Deadline {
            timestamp: time("2018-10-17T01:23:00+03:00"),
            timeout_milliseconds: 15_000,
        });
        let json = request.to_json().expect("JSON");
        assert_eq!(Request::from_json(&json).expect("a request"), request);
    }
}

#[test]
fn a_request_is_read_as_others_write_it() {
    let state = |fields: &str| {
        let json = format!("\u{feff}{{\"Command\":\"TransactionsRegistrarState\"{fields}}}");
        Request::from_json(json.as_bytes()).map(|request| request.command)
    };
    let expected = Command::TransactionsRegistrarState(StateQuery {
        register: register(),
        offline_session_id: None,
        offline_seed: None,
        include_tax_object: false,
    });
    for fields in [
        r#","NumFiscal":4000000001,"OfflineSessionId":null,"OfflineSeed":null"#,
        r#","NumFiscal":"4000000001","OfflineSessionId":"","New":{"a":[1]}"#,
    ] {
        assert_eq!(state(fields).expect("a request"), expected, "{fields}");
    }
    let shifts = br#"{"Command":"Shifts","NumFiscal":4000000001,"From":"/Date(1539728580000)/","To":"2018-10-17T01:23:00+03:00"}"#;
    assert!(Request::from_json(shifts).is_ok());
}

#[test]
fn a_request_that_lacks_or_doubles_something_is_refused() {
    let table: [(&str, &str); 10] = [
        (
            r#"{"Command":"Nonsense"}"#,
            r#"the command "Nonsense" is not known"#,
        ),
        (r#"{"UID":"A1"}"#, "missing field `Command`"),
        (r#"{"Command":"LastShiftTotals"}"#, "missing field `NumFiscal`"),
        (
            r#"{"Command":"LastShiftTotals","NumFiscal":0}"#,
            "is not a number above zero",
        ),
        (
            r#"{"Command":"LastShiftTotals","NumFiscal":-1}"#,
            "is not a whole number of at most 64 bits",
        ),
        (
            r#"{"Command":"LastShiftTotals","NumFiscal":[1]}"#,
            "is a list or an object, not a single value",
        ),
        (
            r#"{"Command":"Check","RegistrarNumFiscal":1}"#,
            "exactly one is needed: NumFiscal or NumLocal",
        ),
        (
            r#"{"Command":"Check","RegistrarNumFiscal":1,"NumFiscal":2,"NumLocal":3}"#,
            "exactly one is needed: NumFiscal or NumLocal",
        ),
        (
            r#"{"Command":"DeviceRegister","NumFiscal":1,"DeviceId":"ab"}"#,
            "is not 64 hexadecimal digits",
        ),
        (r#"{"Command":"SendDocument","Document":"*"}"#, "is not base64"),
    ];
    for (json, expected) in table {
        let error = Request::from_json(json.as_bytes()).expect_err(json).to_string();
        assert!(error.contains(expected), "{json}: {error}");
    }
    let large = vec![b' '; DOCUMENT_BYTES_MAX + 1];
    assert!(matches!(Request::from_json(&large), Err(Error::TooLarge { .. })));
}

#[test]
fn a_state_is_read_with_numbers_as_texts_nulls_and_what_is_new() {
    let json = br#"{"ShiftState":1,"ShiftId":7364,"OpenShiftFiscalNum":"177086","ZRepPresent":false,"Testing":false,
        "Name":"\u0422\u0435\u0441\u0442","SubjectKeyId":"aa","FirstLocalNum":12,"NextLocalNum":"19","LastFiscalNum":177090,
        "OfflineSupported":true,"ChiefCashier":true,"OfflineSessionId":82563,"OfflineSeed":"179625192271939",
        "OfflineNextLocalNum":20,"OfflineSessionDuration":0,"OfflineSessionsMonthlyDuration":61.5,"OfflineSessionRolledBack":false,
        "OfflineSessionRollbackCmdUID":null,"Closed":false,"TaxObject":null,"New":1,"UID":null,
        "Timestamp":"2026-02-05T09:08:07.1234567+02:00","ErrorCode":0,"ErrorMessage":null}"#;
    let answer = Answered::<RegisterState>::from_json(json).expect("an answer");
    assert_eq!(answer.uid, None);
    let state = answer.result.expect("a state");
    assert_eq!(
        (
            state.shift,
            state.next_local_number,
            state.last_fiscal_number.clone()
        ),
        (ShiftState::Open, local(19), Some(fiscal("177090")))
    );
    let session = state.offline_session().expect("a session");
    assert_eq!(
        (session.id.as_str(), session.seed.as_str()),
        ("82563", "179625192271939")
    );
    assert_eq!(
        (state.offline_session, state.offline_month),
        (Some(Minutes(0)), Some(Minutes(62)))
    );

    let closed = br#"{"ShiftState":0,"NextLocalNum":1,"OfflineSessionId":0,"OfflineSeed":"0"}"#;
    let state = Answered::<RegisterState>::from_json(closed)
        .expect("an answer")
        .result
        .expect("a state");
    assert_eq!((state.shift, state.offline_session()), (ShiftState::Closed, None));
}

#[test]
fn a_refusal_in_json_is_a_refusal() {
    let json = r#"{"UID":"A1","ErrorCode":"2","ErrorMessage":"нема доступу"}"#;
    let answer = Answered::<RegisterState>::from_json(json.as_bytes()).expect("an answer");
    let rejection = answer.result.clone().expect_err("a refusal");
    assert_eq!(
        rejection.code,
        ErrorCode::OperatorAccessToTransactionsRegistrarNotGranted
    );
    assert_eq!(rejection.text, "нема доступу");
    let again = Answered::<RegisterState>::from_json(&answer.to_json().expect("JSON")).expect("an answer");
    assert_eq!(again, answer);
    let nothing = Answered::<Objects>::from_json(br#"{"ErrorCode":13}"#)
        .expect("an answer")
        .result;
    assert_eq!(nothing.expect_err("nothing").code, ErrorCode::NoContent);
    assert!(
        Answered::<RegisterState>::from_json(b"{}").is_err(),
        "neither a state nor a refusal"
    );
}

#[test]
fn classes_and_types_are_read_as_symbols_and_as_numbers() {
    let json = br#"{"Documents":[
        {"NumFiscal":"177086","NumLocal":1,"DocDateTime":"2026-02-05T09:08:07","DocClass":"Check","CheckDocType":"OpenShift",
         "CheckDocSubType":null,"Revoked":false,"Storned":false},
        {"NumFiscal":177087,"NumLocal":2,"DocDateTime":"/Date(1539728580000)/","DocClass":0,"CheckDocType":0,"CheckDocSubType":5,
         "Revoked":true,"Storned":true},
        {"NumFiscal":"177088","NumLocal":3,"DocClass":"ZRep"}]}"#;
    let documents: Documents = from_json(json).expect("documents");
    let seen: Vec<_> = documents
        .documents
        .iter()
        .map(|entry| (entry.class, entry.document_type, entry.subtype, entry.revoked))
        .collect();
    assert_eq!(
        seen,
        [
            (DocumentClass::Check, Some(DocumentType::OpenShift), None, false),
            (
                DocumentClass::Check,
                Some(DocumentType::SaleGoods),
                Some(DocumentSubtype::Storno),
                true
            ),
            (DocumentClass::ZRep, None, None, false),
        ]
    );
    let written = serde_json::to_string(&documents).expect("JSON");
    assert!(
        written.contains(r#""DocClass":"Check","CheckDocType":"SaleGoods","CheckDocSubType":"CheckStorno""#),
        "{written}"
    );
    assert_eq!(
        from_json::<Documents>(written.as_bytes()).expect("documents"),
        documents
    );
    assert_eq!(
        from_json::<Documents>(br#"{"Documents":null}"#).expect("documents"),
        Documents::default()
    );
}

#[test]
fn a_sum_in_json_is_exact_and_never_a_float() {
    let totals = |sum: &str| {
        let json = format!(r#"{{"Real":{{"Sum":{sum},"OrdersCount":1}},"Ret":null}}"#);
        from_json::<Totals>(json.as_bytes()).map(|totals| totals.sales.expect("sales").sum)
    };
    // The first two are the same float.
    for (sum, kopecks) in [
        ("999999999999.98", 99_999_999_999_998),
        ("999999999999.99", 99_999_999_999_999),
        ("0.07", 7),
        ("12.5", 1250),
        ("100", 10_000),
        ("12.500", 1250),
        ("-0.01", -1),
        ("\"12.50\"", 1250),
        ("null", 0),
    ] {
        assert_eq!(totals(sum).expect(sum), Money::from_units(kopecks), "{sum}");
    }
    for sum in [
        "0.005",
        "1e2",
        "1E2",
        "99999999999999999999",
        "\"\"",
        "true",
        "[]",
        "0.1000000000000000055511151231257827",
    ] {
        assert!(totals(sum).is_err(), "{sum}");
    }
}

#[test]
fn totals_make_the_draft_of_a_z_report() {
    let json = r#"{"ShiftState":1,"Totals":{
        "Real":{"Sum":26.00,"PwnSumIssued":null,"RndSum":0.03,"NoRndSum":26.03,"OrdersCount":2,
            "PayForm":[{"PayFormCode":0,"PayFormName":"ГОТІВКА","Sum":26.00}],
            "Tax":[{"Type":0,"Name":"ПДВ","Letter":"А","Prc":20.00,"Sign":false,"Turnover":26.00,"SourceSum":26.00,"Sum":4.33}]},
        "Ret":{"Sum":0.00,"OrdersCount":0,"PayForm":[],"Tax":null},
        "Cash":null,"Currency":{"Rate":41.123456789012345678},"ServiceInput":100.00,"ServiceOutput":0.00}}"#;
    let last: LastShiftTotals = from_json(json.as_bytes()).expect("totals");
    let totals = last.totals.as_ref().expect("totals");
    assert_eq!(
        totals.currency.as_ref().map(RawJson::as_str),
        Some(r#"{"Rate":41.123456789012345678}"#)
    );
    let report = totals.to_z_report();
    let sales = report.sales.as_ref().expect("sales");
    assert_eq!(
        (sales.receipts, sales.sum, sales.rounding),
        (2, Money::from_units(2600), Some(Money::from_units(3)))
    );
    assert_eq!(
        (sales.payments.len(), sales.taxes[0].sum),
        (1, Money::from_units(433))
    );
    assert_eq!((&report.returns, &report.cash), (&None, &None));
    assert_eq!(
        report.body.as_ref().and_then(|body| body.deposits),
        Some(Money::from_units(10_000))
    );
    let again: LastShiftTotals = from_json(&serde_json::to_vec(&last).expect("JSON")).expect("totals");
    assert_eq!(again, last);
}

#[test]
fn a_unit_says_what_documents_must_say_of_the_seller() {
    let json = r#"{"TaxObjects":[{"Entity":1,"TaxObjGuid":"g","TaxObjId":2,"SingleTax":false,"Name":"Крамниця","Address":"Київ",
        "Tin":"34554363","Ipn":"123456789020","OrgName":"ТОВ","ChiefCashier":true,
        "TransactionsRegistrars":[{"NumFiscal":4000000001,"NumLocal":6,"Name":"Каса","Closed":false}]}],"UID":"x"}"#;
    let objects: Objects = from_json(json.as_bytes()).expect("objects");
    let seller = objects.units[0].seller();
    assert_eq!(
        (seller.tax_number.as_str(), seller.point.as_str()),
        ("34554363", "Крамниця")
    );
    assert_eq!(objects.units[0].registers[0].number, register());
    let again: Objects = from_json(&serde_json::to_vec(&objects).expect("JSON")).expect("objects");
    assert_eq!(again, objects);
}

#[test]
fn a_package_is_answered_by_ok_or_by_the_next_session() {
    assert_eq!(
        SentPackage::from_body(b"OK\r\n").expect("an answer"),
        SentPackage::default()
    );
    let next =
        SentPackage::from_body(b"\xef\xbb\xbf{\"OfflineSessionId\":82564,\"OfflineSeed\":293573240985}")
            .expect("an answer");
    assert_eq!(
        next.offline_session()
            .map(|session| session.seed.to_string())
            .as_deref(),
        Some("293573240985")
    );
    assert!(SentPackage::from_body(b"").is_err());
    assert!(SentPackage::from_body(b"<html>").is_err());
}

#[test]
fn the_other_answers_read_back() {
    let schemas = Schemas {
        check: b"<schema/>".to_vec(),
        z_report: Vec::new(),
    };
    let device = RegisteredDevice {
        device: DeviceId::from_hash([1; 32]),
    };
    let sent = SentDocument {
        ticket: vec![0x30, 0x80],
    };
    let info: DocumentInfo =
        from_json(br#"{"NumFiscal":177086,"DocClass":1,"CheckDocType":null}"#).expect("info");
    let answer: DocumentAnswer =
        from_json(br#"{"Data":"PGE+","ShiftId":1,"ResultCode":"Ok","CabinetUrl":"https://x"}"#)
            .expect("a document");
    assert_eq!(answer.data.as_deref(), Some(&b"<a>"[..]));
    let operators: Operators = from_json(
        br#"{"Tin":"34554363","Operators":[{"SubjectKeyId":"aa","RegNum":12,"ChiefCashier":true}]}"#,
    )
    .expect("operators");
    let shifts: Shifts =
        from_json(br#"{"Shifts":[{"ShiftId":1,"Opened":"2026-02-05T09:08:07+02:00","Closed":null}]}"#)
            .expect("shifts");
    fn back<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: T) {
        let answered = Answered {
            uid: Some("A1".to_owned()),
            timestamp: None,
            result: Ok(value),
        };
        assert_eq!(
            Answered::from_json(&answered.to_json().expect("JSON")).expect("an answer"),
            answered
        );
    }
    back(schemas);
    back(device);
    back(sent);
    back(info);
    back(answer);
    back(operators);
    back(shifts);
    back(ServerState::default());
}
