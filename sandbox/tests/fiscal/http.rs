//! The server over HTTP: transport, tickets, both forms of refusals, packages, signatures.

use crate::documents::*;
use crate::keys::Key;
use crate::offline::Till;
use crate::till::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fiscal::command::{Command, SendDocument, SendOflPackage, SentPackage, SignedDocument};
use fiscal::offline::{PackageLimits, pack};
use fiscal::{Kind, Rejection, Verdict};
use flate2::read::{GzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};
use sandbox::fiscal::RejectionForm;
use std::io::{Read, Write};

#[tokio::test]
async fn a_shift_is_opened_sold_in_reported_and_closed() {
    let (running, key, _folder) = open_shift().await;
    let mut sent = vec![document(1, Kind::OpenShift)];
    for (local, kind) in (2..).zip([sale(), z(1), Kind::CloseShift]) {
        let document = document(local, kind);
        let verdict = running.send(&key, &document).await;
        let expected = format!("{}", 1_000_000_000 + local);
        match verdict {
            Verdict::Registered {
                fiscal_number,
                offline_session: None,
            } => assert_eq!(fiscal_number.as_str(), expected),
            other => panic!("{other:?}"),
        }
        sent.push(document);
    }
    let state = running.control("GET", "/control/state", "").await.json();
    let register = &state["registers"][0];
    assert_eq!(register["num_fiscal"], REGISTER);
    assert_eq!(register["shift_open"], false);
    assert_eq!(register["next_local_number"], 5);
    let kinds = ["open_shift", "sale", "z_report", "close_shift"];
    let documents = register["documents"].as_array().unwrap();
    assert_eq!(documents.len(), 4);
    for ((entry, document), kind) in documents.iter().zip(&sent).zip(kinds) {
        assert_eq!(entry["local_number"], document.head.local_number.get());
        assert_eq!(entry["uid"], document.head.uid.as_str());
        assert_eq!(entry["kind"], kind);
        assert_eq!(entry["offline"], false);
        let xml = STANDARD.decode(entry["xml_base64"].as_str().unwrap()).unwrap();
        assert_eq!(xml, document.to_xml().unwrap(), "octet for octet");
    }
    let fields = documents[0].as_object().unwrap().keys().collect::<Vec<_>>();
    assert_eq!(
        fields,
        [
            "fiscal_number",
            "kind",
            "local_number",
            "offline",
            "uid",
            "xml_base64"
        ]
    );
    running.stop().await;
}

/// What is sent, as name, method, path, headers and body, and the status that comes.
type Row<'a> = (&'a str, &'a str, &'a str, &'a [(&'a str, &'a str)], &'a [u8], u16);

#[tokio::test]
async fn http_itself_says_what_is_wrong_with_a_request() {
    let (running, key, _folder) = open_shift().await;
    let signed = key.sign(&document(2, sale()).to_xml().unwrap());
    let large = vec![0; 512_001];
    let package = vec![0; 204_801];
    let empty = GzEncoder::new(Vec::new(), flate2::Compression::fast())
        .finish()
        .unwrap();
    let gzip = ("content-encoding", "gzip");
    let table: [Row<'_>; 12] = [
        ("another path", "POST", "/fs/other", &[OCTETS], &signed, 403),
        ("another method", "GET", "/fs/doc", &[OCTETS], &signed, 405),
        ("no type", "POST", "/fs/doc", &[], &signed, 415),
        (
            "JSON where it is not taken",
            "POST",
            "/fs/doc",
            &[JSON],
            &signed,
            415,
        ),
        ("JSON as a package", "POST", "/fs/pck", &[JSON], &signed, 415),
        (
            "an unknown coding",
            "POST",
            "/fs/doc",
            &[OCTETS, ("content-encoding", "br")],
            &signed,
            415,
        ),
        (
            "a broken coding",
            "POST",
            "/fs/doc",
            &[OCTETS, gzip],
            &[0x1f, 0x8b, 1, 2, 3, 4, 5, 6, 7, 8, 9],
            400,
        ),
        ("too little", "POST", "/fs/doc", &[OCTETS], &signed[..9], 416),
        (
            "too little, unpacked",
            "POST",
            "/fs/doc",
            &[OCTETS, gzip],
            &empty,
            416,
        ),
        ("too much", "POST", "/fs/doc", &[OCTETS], &large, 416),
        ("too large a package", "POST", "/fs/pck", &[OCTETS], &package, 416),
        ("right", "POST", "/fs/doc", &[OCTETS], &signed, 200),
    ];
    for (name, method, path, headers, body, status) in table {
        let answer = exchange(running.address, &request(method, path, headers, body))
            .await
            .unwrap();
        assert_eq!(parse(&answer).status, status, "{name}");
    }
    running.stop().await;
}

#[tokio::test]
async fn bodies_are_compressed_both_ways_and_dated_by_the_given_clock() {
    let (running, key, _folder) = open_shift().await;
    let signed = |local| key.sign(&document(local, sale()).to_xml().unwrap());
    let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&signed(2)).unwrap();
    let mut zlib = ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    zlib.write_all(&signed(3)).unwrap();
    let bodies = [
        ("gzip", gzip.finish().unwrap()),
        ("deflate", zlib.finish().unwrap()),
    ];
    for (local, (coding, body)) in (2..).zip(bodies) {
        let headers = [OCTETS, ("content-encoding", coding), ("accept-encoding", coding)];
        let reply = running.post("/fs/doc", &headers, &body).await;
        assert_eq!(reply.status, 200, "{coding}");
        assert_eq!(reply.header("content-encoding"), Some(coding));
        assert_eq!(reply.header("date"), Some("Thu, 05 Feb 2026 10:00:00 GMT"));
        assert_eq!(reply.header("content-type"), Some("application/octet-stream"));
        let mut ticket = Vec::new();
        match coding {
            "gzip" => GzDecoder::new(&*reply.body).read_to_end(&mut ticket).unwrap(),
            _ => ZlibDecoder::new(&*reply.body).read_to_end(&mut ticket).unwrap(),
        };
        assert_eq!(running.ticket(&ticket).local_number.get(), local);
    }
    running.stop().await;
}

#[tokio::test]
async fn a_refusal_is_a_text_with_its_status_or_a_signed_ticket() {
    let key = Key::new(1, TAX_NUMBER);
    let stranger = Key::new(2, TAX_NUMBER);
    for form in [RejectionForm::Text, RejectionForm::Ticket] {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings_for(&key);
        settings.rejections = form;
        let running = Running::start(settings, folder.path()).await;
        let unknown = at_register(document(1, Kind::OpenShift), 4_000_000_099, 1);
        let table = [
            (&key, document(2, Kind::OpenShift), 7, 400),
            (&key, document(1, sale()), 5, 400),
            (&key, unknown, 1, 404),
            (&stranger, document(1, Kind::OpenShift), 2, 401),
        ];
        for (key, document, code, status) in table {
            let reply = running
                .post("/fs/doc", &[OCTETS], &key.sign(&document.to_xml().unwrap()))
                .await;
            let found = match form {
                RejectionForm::Text => {
                    assert_eq!(reply.status, status);
                    Rejection::from_body(reply.text()).unwrap().code.code()
                }
                RejectionForm::Ticket => {
                    assert_eq!(reply.status, 200);
                    let ticket = running.ticket(&reply.body);
                    match ticket.check(&document.head.uid, document.head.local_number) {
                        Verdict::Rejected { code, text } if !text.is_empty() => code.code(),
                        other => panic!("{other:?}"),
                    }
                }
            };
            assert_eq!(found, code);
        }
        // What could not be read has no ticket.
        let reply = running
            .post("/fs/doc", &[OCTETS], &key.sign(b"not a document"))
            .await;
        assert_eq!(reply.status, 400);
        assert_eq!(Rejection::from_body(reply.text()).unwrap().code.code(), 9);
        running.stop().await;
    }
}

#[tokio::test]
async fn a_signature_that_does_not_hold_is_refused() {
    let (running, key, _folder) = open_shift().await;
    let xml = document(2, sale()).to_xml().unwrap();
    let signed = key.sign(&xml);
    let place = signed.windows(6).position(|window| window == b"100.00").unwrap();
    let mut tampered = signed.clone();
    tampered[place] = b'9';
    let mut cut = signed.clone();
    cut.truncate(signed.len() - 1);
    let expired = Key::valid(1, TAX_NUMBER, 2020, 2025).sign(&xml);
    let early = Key::valid(1, TAX_NUMBER, 2027, 2029).sign(&xml);
    let table = [
        ("not signed", xml),
        ("content changed", tampered),
        ("cut off", cut),
        ("an expired certificate", expired),
        ("a certificate of later", early),
    ];
    for (name, body) in table {
        let reply = running.post("/fs/doc", &[OCTETS], &body).await;
        assert_eq!(reply.status, 400, "{name}");
        assert_eq!(
            Rejection::from_body(reply.text()).unwrap().code.code(),
            9,
            "{name}"
        );
    }
    assert_eq!(running.documents().await.len(), 1);
    running.stop().await;
}

#[tokio::test]
async fn a_package_is_answered_ok_or_with_the_next_session() {
    let (running, key, _folder) = open_shift().await;
    let session = running.server.state();
    assert!(session.registers[0].shift_open);
    let session = next_session(&running, &key).await;
    let mut till = Till::new(session.clone(), 2, |xml| key.sign(xml));
    till.add(crate::offline::begin())
        .add(sale())
        .add(z(1))
        .add(Kind::CloseShift)
        .add(Kind::OfflineEnd);
    let limits = PackageLimits::default();
    let first = key.sign(&pack(&till.signed[..2], limits).unwrap());
    let reply = running.post("/fs/pck", &[OCTETS], &first).await;
    assert_eq!((reply.status, reply.text()), (200, "OK"));
    let repeated = running.post("/fs/pck", &[OCTETS], &first).await;
    assert_eq!(repeated.status, 400);
    assert_eq!(Rejection::from_body(repeated.text()).unwrap().code.code(), 10);
    // The rest as its JSON twin.
    let documents = till.signed[2..].iter().cloned().map(SignedDocument).collect();
    let json = running
        .ask(&key, Command::SendOflPackage(SendOflPackage { documents }))
        .await;
    assert_eq!(json["ErrorCode"], 0, "{json}");
    assert_eq!(json["OfflineSessionId"], (session.id + 1).to_string(), "{json}");
    let documents = running.documents().await;
    assert_eq!(documents.len(), 6);
    assert_eq!(documents[2]["offline"], true);
    // A session that ends in a package sent to /pck is answered with JSON.
    let mut till = Till::new(next_session(&running, &key).await, 7, |xml| key.sign(xml));
    till.seven();
    let package = key.sign(&pack(&till.signed, limits).unwrap());
    let reply = running.post("/fs/pck", &[OCTETS], &package).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(
        SentPackage::from_body(&reply.body)
            .unwrap()
            .offline_session()
            .is_some()
    );
    running.stop().await;
}

/// What the register may go offline with, as it is told.
async fn next_session(running: &Running, key: &Key) -> fiscal::numbers::OfflineSession {
    let state = running.ask(key, crate::commands::state_query()).await;
    fiscal::numbers::OfflineSession {
        id: state["OfflineSessionId"].as_str().unwrap().parse().unwrap(),
        seed: state["OfflineSeed"].as_str().unwrap().parse().unwrap(),
    }
}

#[tokio::test]
async fn a_document_may_come_in_json() {
    let (running, key, _folder) = open_shift().await;
    let document = document(2, sale());
    let signed = key.sign(&document.to_xml().unwrap());
    let command = command_json(Command::SendDocument(SendDocument { document: signed }));
    let reply = running.post("/fs/cmd", &[JSON], &command).await;
    let ticket = STANDARD.decode(reply.json()["Ticket"].as_str().unwrap()).unwrap();
    let verdict = running
        .ticket(&ticket)
        .check(&document.head.uid, document.head.local_number);
    assert!(matches!(verdict, Verdict::Registered { .. }));
    // Again: the number is taken.
    let reply = running
        .post("/fs/cmd?resultAsJson=true", &[JSON], &command)
        .await
        .json();
    assert_eq!(reply["ErrorCode"], 7);
    assert_eq!(reply["UID"], "request-1");
    running.stop().await;
}
