//! The official offline package: every number, control and hash of it recomputed.

use crate::fixtures;
use chrono::NaiveDateTime;
use dstu::cms::SignedData;
use fiscal::Money;
use fiscal::numbers::*;
use fiscal::offline::*;

const NAME: &str = "fiscal/signed/offline_packet.bin";

/// The package's own seed is not published. All seven controls fit one state of the sum after the seed; this text leads to it.
const EQUIVALENT_SEED: &str = "2162937555";

/// A document of the package, as its XML says it.
struct Read {
    document: OfflineDocument,
    moment: NaiveDateTime,
    local_number: LocalNumber,
    number: OfflineNumber,
    previous_hash: Option<DocumentHash>,
    signed: Vec<u8>,
}

impl Read {
    fn link(&self) -> Link<'_> {
        Link {
            document: self.document,
            moment: self.moment,
            local_number: self.local_number,
            number: self.number,
            previous_hash: self.previous_hash,
            signed: &self.signed,
        }
    }
}

/// The text of the first such element; the head's own come before any other's.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = xml.split_once(&format!("<{name}>"))?;
    Some(
        after
            .split_once(&format!("</{name}>"))
            .expect("an end tag")
            .0
            .trim(),
    )
}

fn read(signed: &[u8]) -> Read {
    let message = SignedData::from_der(signed).expect("a signed message");
    let content = message.content().expect("its content");
    // The tags and figures are ASCII in windows-1251, and nothing else is looked at.
    let xml = String::from_utf8_lossy(content);
    let text = |name: &str| element(&xml, name).unwrap_or_else(|| panic!("{name} in {xml}"));
    let total = element(&xml, "CHECKTOTAL")
        .map(|total| element(total, "SUM").expect("a sum").parse().expect("a sum"));
    let document = match element(&xml, "DOCTYPE") {
        Some("102") => OfflineDocument::Begin,
        Some("100") => OfflineDocument::OpenShift,
        Some("0") => OfflineDocument::Receipt { sum: total },
        Some("101") => OfflineDocument::CloseShift,
        Some("103") => OfflineDocument::End,
        None => OfflineDocument::ZReport,
        Some(other) => panic!("a document of type {other}"),
    };
    let moment = format!("{} {}", text("ORDERDATE"), text("ORDERTIME"));
    Read {
        document,
        moment: NaiveDateTime::parse_from_str(&moment, "%d%m%Y %H%M%S").expect("a moment"),
        local_number: text("ORDERNUM").parse().expect("a number"),
        number: text("ORDERTAXNUM").parse().expect("a number"),
        previous_hash: element(&xml, "PREVDOCHASH").map(|hash| hash.parse().expect("a hash")),
        signed: signed.to_vec(),
    }
}

fn packet() -> Option<Vec<Read>> {
    let octets = fixtures::read(NAME)?;
    let documents = parse(&octets, PackageLimits::default()).expect("a package");
    assert_eq!(
        pack(&documents, PackageLimits::default()),
        Ok(octets.clone()),
        "it packs to the same octets"
    );
    Some(documents.into_iter().map(read).collect())
}

fn chain(first: LocalNumber) -> OfflineChain {
    let session = OfflineSession {
        id: 21_182,
        seed: EQUIVALENT_SEED.parse().expect("a seed"),
    };
    let register = RegisterNumber::new(4_000_000_202).expect("a number");
    OfflineChain::new(session, register, DeskNumber::new(6).expect("a number"), first)
}

#[test]
fn the_official_package_is_recomputed_exactly() {
    let Some(documents) = packet() else { return };
    let receipt = OfflineDocument::Receipt {
        sum: Some(Money::from_units(5_000)),
    };
    use OfflineDocument::{Begin, CloseShift, End, OpenShift, ZReport};
    let kinds: Vec<_> = documents.iter().map(|read| read.document).collect();
    assert_eq!(
        kinds,
        [Begin, OpenShift, receipt, receipt, ZReport, CloseShift, End]
    );

    // As a register would make them: planned from what came before, never looking at the package's own numbers.
    let mut ours = chain(documents[0].local_number);
    for (read, expected) in (documents.iter()).zip(["9536", "7773", "5807", "7473", "8814", "1734", "44"]) {
        let planned = ours.plan(read.document, read.moment).expect("planned");
        assert_eq!(planned.number, read.number);
        assert_eq!(planned.number.control.to_string(), expected);
        assert_eq!(planned.local_number, read.local_number);
        assert_eq!(planned.previous_hash, read.previous_hash);
        ours.record(&planned, &read.signed).expect("recorded");
    }
    assert!(ours.ended());
    assert_eq!((ours.length(), ours.next_local_number().get()), (7, 1843));
    let counted = session_time(ours.begun().expect("begun"), ours.last_financial());
    assert_eq!(counted.num_seconds(), 53, "to the Z, not to the end");

    // And as a service would check it, in two packages.
    let mut theirs = chain(documents[0].local_number);
    verify(&mut theirs, documents[..3].iter().map(Read::link)).expect("the first package");
    verify(&mut theirs, documents[3..].iter().map(Read::link)).expect("the second");
    assert_eq!(theirs, ours);
}

#[test]
fn a_change_of_any_octet_breaks_the_package_at_the_next_document() {
    let Some(mut documents) = packet() else { return };
    let first = documents[0].local_number;
    let mut found = 0;
    for changed in 0..documents.len() {
        // Every eleventh octet, and the last: each is one hash of the whole document.
        let length = documents[changed].signed.len();
        for place in (0..length).step_by(11).chain([length - 1]) {
            documents[changed].signed[place] ^= 0x10;
            let result = verify(&mut chain(first), documents.iter().map(Read::link));
            documents[changed].signed[place] ^= 0x10;
            if (1..6).contains(&changed) {
                let broken = result.expect_err("broken");
                assert_eq!(broken.index, changed + 1);
                assert!(matches!(broken.fault, Fault::PreviousHash { .. }), "{broken}");
                found += 1;
            } else {
                assert_eq!(
                    result,
                    Ok(()),
                    "the first and the last have nobody who carries their hash"
                );
            }
        }
    }
    assert!(found > 1_000, "{found} changes found");
}

#[test]
fn a_change_of_what_a_document_says_breaks_the_package_at_it() {
    let Some(documents) = packet() else { return };
    let first = documents[0].local_number;
    type Change = fn(&mut Link<'_>);
    let changes: [(&str, Change); 6] = [
        ("a second later", |link| {
            link.moment += chrono::TimeDelta::seconds(1);
        }),
        ("another local number", |link| {
            link.local_number = link.local_number.next();
        }),
        ("another session", |link| link.number.session += 1),
        ("another place", |link| link.number.place += 1),
        ("another control", |link| {
            link.number.control = Control::try_from(link.number.control.get() ^ 1).expect("a control");
        }),
        ("another hash", |link| {
            link.previous_hash = Some(DocumentHash::of(b"another"));
        }),
    ];
    for (name, change) in changes {
        for index in 0..documents.len() {
            let mut links: Vec<_> = documents.iter().map(Read::link).collect();
            change(&mut links[index]);
            let broken = verify(&mut chain(first), links).expect_err("broken");
            assert_eq!(broken.index, index, "{name}: {broken}");
        }
    }
    let mut links: Vec<_> = documents.iter().map(Read::link).collect();
    links[3].document = OfflineDocument::Receipt {
        sum: Some(Money::from_units(4_999)),
    };
    let broken = verify(&mut chain(first), links).expect_err("broken");
    assert_eq!(broken.index, 3);
    assert!(
        matches!(broken.fault, Fault::Number { .. }),
        "a kopeck less: {broken}"
    );

    let mut links: Vec<_> = documents.iter().map(Read::link).collect();
    links.remove(3);
    let broken = verify(&mut chain(first), links).expect_err("broken");
    assert!(
        broken.index == 3 && matches!(broken.fault, Fault::LocalNumber { .. }),
        "one is missing: {broken}"
    );
}
