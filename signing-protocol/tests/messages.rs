//! The protocol's promises: what a signature covers, which licence holds, how messages look on the wire.

#![allow(clippy::unwrap_used)] // clippy sees a test only inside `#[test]`, and not in what tests share

use chrono::{DateTime, Duration, Utc};
use serde_json::json;
use signing_protocol::*;
use uuid::Uuid;

fn moment() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 123_000_000).unwrap()
}

fn gateway() -> SecretKey {
    SecretKey::from_seed(&[1; 32])
}

fn instance() -> SecretKey {
    SecretKey::from_seed(&[2; 32])
}

fn agent() -> AgentId {
    AgentId(Uuid::from_u128(10))
}

fn licence() -> Licence {
    Licence {
        agent: agent(),
        name: "Крамниця".to_owned(),
        public_key: instance().public_key(),
        forms: vec![Form::CmsAttached],
        keys_max: 5,
        not_before: moment(),
        expires: moment() + Duration::days(365),
    }
}

fn request() -> Request {
    Request {
        id: RequestId(Uuid::from_u128(20)),
        agent: agent(),
        deadline: moment() + Duration::seconds(20),
        task: Task::Sign {
            register: Some(RegisterNumber(4_000_000_001)),
            key: KeyId(Uuid::from_u128(30)),
            form: Form::CmsAttached,
            bytes: Octets(b"<CHECK/>".to_vec()),
        },
    }
}

#[test]
fn a_request_has_this_form_on_the_wire() {
    let value = serde_json::to_value(request().sign(&gateway())).unwrap();
    assert_eq!(
        value["request"],
        json!({
            "id": "00000000-0000-0000-0000-000000000014",
            "agent": "00000000-0000-0000-0000-00000000000a",
            "deadline": "2026-09-21T14:13:40.123Z",
            "method": "sign",
            "register": 4_000_000_001_u64,
            "key": "00000000-0000-0000-0000-00000000001e",
            "form": "cms_attached",
            "bytes": "PENIRUNLLz4=",
        })
    );
    let back: SignedRequest = serde_json::from_value(value).unwrap();
    assert_eq!(back.verify(&[gateway().public_key()], agent()), Ok(request()));
}

#[test]
fn every_field_of_a_request_is_under_the_signature() {
    let signed = request().sign(&gateway());
    let trusted = [gateway().public_key()];
    type Change<T> = fn(&mut T);
    let in_task: [(&str, Change<Task>); 6] = [
        ("register", |task| {
            if let Task::Sign { register, .. } = task {
                *register = Some(RegisterNumber(1));
            }
        }),
        ("no register", |task| {
            if let Task::Sign { register, .. } = task {
                *register = None;
            }
        }),
        ("key", |task| {
            if let Task::Sign { key, .. } = task {
                *key = KeyId(Uuid::from_u128(1));
            }
        }),
        ("bytes", |task| {
            if let Task::Sign { bytes, .. } = task {
                bytes.0.push(b' ');
            }
        }),
        ("no bytes", |task| {
            if let Task::Sign { bytes, .. } = task {
                bytes.0.clear();
            }
        }),
        ("method", |task| {
            if let Task::Sign { key, .. } = task {
                let key = *key;
                *task = Task::Activate { key };
            }
        }),
    ];
    let others: [(&str, Change<Request>); 2] = [
        ("id", |request| request.id = RequestId(Uuid::from_u128(1))),
        ("deadline", |request| {
            request.deadline += Duration::milliseconds(1);
        }),
    ];
    for (what, change) in in_task {
        let mut altered = signed.clone();
        change(&mut altered.request.task);
        assert_eq!(
            altered.verify(&trusted, agent()),
            Err(RequestFault::Signature),
            "{what}"
        );
    }
    for (what, change) in others {
        let mut altered = signed.clone();
        change(&mut altered.request);
        assert_eq!(
            altered.verify(&trusted, agent()),
            Err(RequestFault::Signature),
            "{what}"
        );
    }
    let stranger = SecretKey::from_seed(&[9; 32]).public_key();
    assert_eq!(
        signed.clone().verify(&[stranger], agent()),
        Err(RequestFault::Signature)
    );
    let other = AgentId(Uuid::from_u128(11));
    assert_eq!(
        signed.clone().verify(&trusted, other),
        Err(RequestFault::OtherAgent)
    );
    assert!(
        signed.verify(&[stranger, trusted[0]], agent()).is_ok(),
        "either of two trusted keys"
    );
}

fn upload() -> KeyUpload {
    KeyUpload {
        container: SecretOctets::new(b"container".to_vec()),
        password: SecretOctets::new(b"hidden".to_vec()),
        certificate: Some(Octets(vec![0x30])),
    }
}

fn load(upload: KeyUpload) -> SignedRequest {
    let request = Request {
        task: Task::Load(upload),
        ..request()
    };
    request.sign(&gateway())
}

#[test]
fn a_key_to_load_has_this_form_on_the_wire_and_is_not_printed() {
    let signed = load(upload());
    let printed = format!("{signed:?}");
    assert!(
        !printed.contains("hidden") && !printed.contains("104"),
        "{printed}"
    );
    let value = serde_json::to_value(&signed).unwrap();
    assert_eq!(
        value["request"],
        json!({
            "id": "00000000-0000-0000-0000-000000000014",
            "agent": "00000000-0000-0000-0000-00000000000a",
            "deadline": "2026-09-21T14:13:40.123Z",
            "method": METHOD_LOAD,
            "container": "Y29udGFpbmVy",
            "password": "aGlkZGVu",
            "certificate": "MA==",
        })
    );
    let text = value.to_string();
    for back in [
        serde_json::from_value::<SignedRequest>(value).unwrap(),
        serde_json::from_str(&text).unwrap(),
    ] {
        assert_eq!(back, signed);
        assert!(back.verify(&[gateway().public_key()], agent()).is_ok());
    }
}

#[test]
fn every_octet_of_a_key_to_load_is_under_the_signature_and_in_its_place() {
    let of = |container: &[u8], password: &[u8], certificate: Option<&[u8]>| KeyUpload {
        container: SecretOctets::new(container.to_vec()),
        password: SecretOctets::new(password.to_vec()),
        certificate: certificate.map(|octets| Octets(octets.to_vec())),
    };
    let trusted = [gateway().public_key()];
    for (what, other) in [
        ("container", of(b"Container", b"hidden", Some(&[0x30]))),
        ("password", of(b"container", b"hiddem", Some(&[0x30]))),
        ("certificate", of(b"container", b"hidden", Some(&[0x31]))),
        ("no certificate", of(b"container", b"hidden", None)),
        ("flowing over", of(b"containerh", b"idden", Some(&[0x30]))),
    ] {
        let mut altered = load(upload());
        altered.request.task = Task::Load(other);
        assert_eq!(
            altered.verify(&trusted, agent()),
            Err(RequestFault::Signature),
            "{what}"
        );
    }
    let without = [of(b"c", b"p", None), of(b"c", b"p", Some(&[]))];
    assert_eq!(
        without[0].digest(),
        without[1].digest(),
        "no octets are no certificate"
    );
    assert_eq!((without[1].certificate(), without[1].octets()), (None, 2));
}

#[test]
fn a_licence_comes_back_from_its_token() {
    let token = licence().issue(&gateway());
    assert!(token.0.starts_with("csl1."));
    assert_eq!(token.verify(&[gateway().public_key()]), Ok(licence()));
    let with_newline = LicenceToken(format!("{token}\n"));
    assert_eq!(with_newline.verify(&[gateway().public_key()]), Ok(licence()));
}

#[test]
fn a_licence_of_another_gateway_or_altered_is_refused() {
    let trusted = [gateway().public_key()];
    let foreign = licence().issue(&SecretKey::from_seed(&[9; 32]));
    assert_eq!(foreign.verify(&trusted), Err(LicenceFault::Foreign));
    let token = licence().issue(&gateway());
    let mut refused = 0;
    for position in 5..token.0.len() {
        let mut altered = token.0.clone().into_bytes();
        altered[position] = if altered[position] == b'A' { b'B' } else { b'A' };
        let altered = LicenceToken(String::from_utf8(altered).unwrap());
        refused += usize::from(altered.verify(&trusted).is_err());
    }
    assert_eq!(refused, token.0.len() - 5, "every octet matters");
    for text in ["", "csl1.", "csl1.a.b", "csl2.a.b"] {
        assert_eq!(
            LicenceToken(text.to_owned()).verify(&trusted),
            Err(LicenceFault::Malformed)
        );
    }
}

#[test]
fn a_licence_holds_for_its_instance_and_its_time() {
    let (licence, mine) = (licence(), instance().public_key());
    assert_eq!(licence.judge(&mine, licence.not_before), Ok(()));
    assert_eq!(licence.judge(&mine, licence.expires), Ok(()));
    let second = Duration::seconds(1);
    assert_eq!(
        licence.judge(&mine, licence.not_before - second),
        Err(LicenceFault::NotYet(licence.not_before))
    );
    assert_eq!(
        licence.judge(&mine, licence.expires + second),
        Err(LicenceFault::Expired(licence.expires))
    );
    let copy = SecretKey::from_seed(&[3; 32]).public_key();
    assert_eq!(
        licence.judge(&copy, moment()),
        Err(LicenceFault::OtherInstance(Box::new(mine)))
    );
}

fn statement() -> Statement {
    Statement {
        version: PROTOCOL_VERSION,
        agent: agent(),
        public_key: instance().public_key(),
        licence: licence().issue(&gateway()),
        nonce: Nonce([4; 32]),
        connection: Connection::Push {
            url: "https://agent.example".to_owned(),
        },
        program: "smartsign/0.1.0".to_owned(),
    }
}

#[test]
fn an_enrolment_is_judged_by_its_licence_and_its_signature() {
    let trusted = [gateway().public_key()];
    let enrolment = statement().sign(&instance());
    assert_eq!(enrolment.verify(&trusted, moment()), Ok(licence()));

    let copied = statement().sign(&SecretKey::from_seed(&[3; 32]));
    assert_eq!(copied.verify(&trusted, moment()), Err(EnrolmentFault::Signature));

    let mut redirected = enrolment.clone();
    redirected.statement.connection = Connection::Pull;
    assert_eq!(
        redirected.verify(&trusted, moment()),
        Err(EnrolmentFault::Signature)
    );

    let mut replayed = enrolment.clone();
    replayed.statement.nonce = Nonce([5; 32]);
    assert_eq!(
        replayed.verify(&trusted, moment()),
        Err(EnrolmentFault::Signature)
    );

    let mut other = statement();
    other.agent = AgentId(Uuid::from_u128(11));
    assert_eq!(
        other.sign(&instance()).verify(&trusted, moment()),
        Err(EnrolmentFault::OtherAgent)
    );

    let mut newer = statement();
    newer.version = 2;
    assert_eq!(
        newer.sign(&instance()).verify(&trusted, moment()),
        Err(EnrolmentFault::Version(2))
    );

    let late = moment() + Duration::days(366);
    assert!(matches!(
        enrolment.verify(&trusted, late),
        Err(EnrolmentFault::Licence(LicenceFault::Expired(_)))
    ));
}

#[test]
fn a_secret_is_taken_from_the_gateway_alone() {
    let secret = AgentSecret::from_random(&[6; 32]);
    let trusted = [gateway().public_key()];
    let answer = EnrolmentAnswer::new(&statement(), secret.clone(), &gateway());
    let nonce = statement().nonce;
    assert_eq!(
        answer.clone().verify(&trusted, agent(), &nonce),
        Some(secret.clone())
    );
    assert_eq!(answer.clone().verify(&trusted, agent(), &Nonce([5; 32])), None);
    assert_eq!(answer.verify(&trusted, AgentId(Uuid::nil()), &nonce), None);
    let impostor = EnrolmentAnswer::new(&statement(), secret, &SecretKey::from_seed(&[9; 32]));
    assert_eq!(impostor.verify(&trusted, agent(), &nonce), None);
}

#[test]
fn secrets_are_masked_where_they_are_printed() {
    let secret = AgentSecret::from_random(&[6; 32]);
    assert!(secret.expose().starts_with("cas_"));
    assert_eq!(format!("{secret:?}"), "AgentSecret(…)");
    let answer = CashierAnswer {
        cashier: CashierId(Uuid::nil()),
        token: UserToken("hidden".to_owned()),
        expires: None,
    };
    assert!(!format!("{answer:?}").contains("hidden"));
}

#[test]
fn outcomes_have_these_forms_on_the_wire() {
    let id = RequestId(Uuid::from_u128(20));
    let outcomes = [
        (
            Outcome::Signed {
                cms: Octets(vec![0x30]),
            },
            json!({"id": id, "status": "signed", "cms": "MA=="}),
        ),
        (
            Outcome::Refused {
                reason: RefusalReason::KeyNotActive,
                message: "m".to_owned(),
            },
            json!({"id": id, "status": "refused", "reason": "key_not_active", "message": "m"}),
        ),
        (
            Outcome::Exists {
                serial: HexOctets(vec![0x0a]),
            },
            json!({"id": id, "status": "exists", "serial": "0a"}),
        ),
    ];
    for (outcome, expected) in outcomes {
        let delivery = Delivery { id, outcome };
        assert_eq!(serde_json::to_value(&delivery).unwrap(), expected);
        assert_eq!(serde_json::from_value::<Delivery>(expected).unwrap(), delivery);
    }
}

#[test]
fn names_are_those_of_the_wire() {
    for reason in [
        RefusalReason::NotAuthentic,
        RefusalReason::DeadlineTooFar,
        RefusalReason::Busy,
        RefusalReason::CertificateNotFound,
        RefusalReason::CertificateOfAnotherKey,
        RefusalReason::NotForSigning,
        RefusalReason::InvalidKey,
    ] {
        assert_eq!(serde_json::to_value(reason).unwrap(), json!(reason.name()));
    }
    for state in [KeyState::NotYetValid, KeyState::WrongPassword, KeyState::Active] {
        assert_eq!(serde_json::to_value(state).unwrap(), json!(state.name()));
    }
    assert_eq!(
        serde_json::to_value(Form::CmsAttached).unwrap(),
        json!(Form::CmsAttached.name())
    );
}

#[test]
fn a_problem_is_recognised_by_its_type() {
    for code in ErrorCode::ALL {
        let problem = Problem::new(code, "title", "detail");
        assert_eq!(ErrorCode::of(&problem), Some(code));
        assert_eq!(problem.status, code.status());
    }
    let foreign = json!({"type": "about:blank", "status": 502});
    assert_eq!(ErrorCode::of(&serde_json::from_value(foreign).unwrap()), None);
}

#[test]
fn members_that_nobody_knows_are_passed_over() {
    let mut value = serde_json::to_value(request().sign(&gateway())).unwrap();
    value["request"]["later"] = json!(1);
    value["later"] = json!(1);
    let back: SignedRequest = serde_json::from_value(value).unwrap();
    assert!(back.verify(&[gateway().public_key()], agent()).is_ok());
}

#[test]
fn a_report_of_a_program_that_knows_no_newer_methods_is_read_and_looks_as_before() {
    let report = json!({
        "session": Uuid::from_u128(1), "program": "smartsign/0.1.0", "now": moment(), "keys": [], "waiting": 0, "signatures": 0,
    });
    let read: Report = serde_json::from_value(report.clone()).unwrap();
    assert!(read.methods.is_empty());
    assert_eq!(serde_json::to_value(read).unwrap(), report);
}
