//! The official signed files: what is in them, byte for byte.

use crate::fixtures::folder;
use dstu::cms::SignedData;
use fiscal::command::{Command, Request};
use fiscal::document::Mode;
use fiscal::{Kind, Received};

fn file(name: &str) -> Option<Vec<u8>> {
    Some(std::fs::read(folder("signed")?.join(name)).expect("a signed file"))
}

fn content(cms: &[u8]) -> Vec<u8> {
    SignedData::from_der(cms)
        .expect("a CMS")
        .content()
        .expect("attached content")
        .to_vec()
}

#[test]
fn the_signed_receipt_and_report_are_read_and_keep_their_bytes() {
    let Some(check) = file("check.xml.signed") else {
        return;
    };
    let xml = content(&check);
    let received = Received::new(xml.clone()).expect("a receipt");
    assert_eq!(received.xml(), xml);
    assert!(matches!(received.document().kind, Kind::Sale { .. }));
    assert_eq!(received.document().head.local_number.get(), 244);

    let report =
        Received::new(content(&file("z-report.xml.signed").expect("a signed file"))).expect("a Z-report");
    assert!(matches!(report.document().kind, Kind::ZReport(_)));
}

#[test]
fn the_signed_query_is_a_request_for_a_state() {
    let Some(query) = file("state-query.json.signed") else {
        return;
    };
    let request = Request::from_json(&content(&query)).expect("a request");
    assert_eq!((&request.uid, &request.deadline), (&None, &None));
    assert!(request.command.must_be_signed());
    let Command::TransactionsRegistrarState(query) = request.command else {
        panic!("{:?}", request.command)
    };
    assert_eq!(query.register.get(), 4_000_000_001);
    assert_eq!((query.offline_session_id, query.offline_seed), (None, None));
}

/// The seven documents of the offline package: little-endian lengths and a CMS each, inside one CMS or bare.
#[test]
fn the_offline_package_is_a_session_of_chained_documents() {
    let Some(package) = file("offline_packet.bin") else {
        return;
    };
    let mut rest = package.as_slice();
    let mut seen = Vec::new();
    while let Some((length, tail)) = rest.split_first_chunk::<4>() {
        let (cms, tail) = tail.split_at(usize::try_from(u32::from_le_bytes(*length)).expect("a length"));
        rest = tail;
        let document = Received::new(content(cms)).expect("a document").into_parts().0;
        let Mode::Offline {
            fiscal_number,
            previous,
        } = &document.head.mode
        else {
            panic!("an online document")
        };
        let number = fiscal_number
            .as_str()
            .split('.')
            .next_back()
            .expect("a control number")
            .to_owned();
        seen.push((
            document.head.local_number.get(),
            document.kind.name(),
            number,
            previous.is_some(),
        ));
    }
    let expected = [
        (1836, "the beginning of an offline session", "9536", false),
        (1837, "an opening of a shift", "7773", false),
        (1838, "a sale", "5807", true),
        (1839, "a sale", "7473", true),
        (1840, "a Z-report", "8814", true),
        (1841, "a closing of a shift", "1734", true),
        (1842, "the end of an offline session", "44", true),
    ];
    assert_eq!(
        seen,
        expected.map(|(number, kind, control, chained)| (number, kind, control.to_owned(), chained))
    );
}
