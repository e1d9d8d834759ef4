//! Offline sessions: what is taken, and what is refused, by the document at fault.

use crate::documents::*;
use crate::keys::Key;
use crate::world::*;
use chrono::{NaiveDateTime, TimeDelta};
use fiscal::numbers::{self, OfflineSession};
use fiscal::offline::{OfflineChain, OfflineDocument};
use fiscal::{DocumentHash, FiscalNumber, Kind, LocalMoment};
use sandbox::fiscal::machine::{Answer, Arrival, Event, Machine, Signatures, Who};
use sandbox::fiscal::{DstuSignatures, Operator};

type Sign<'a> = dyn Fn(&[u8]) -> Vec<u8> + 'a;

/// A register that works offline.
pub(crate) struct Till<'a> {
    chain: OfflineChain,
    sign: Box<Sign<'a>>,
    pub(crate) signed: Vec<Vec<u8>>,
}

impl<'a> Till<'a> {
    pub(crate) fn new(session: OfflineSession, next: u64, sign: impl Fn(&[u8]) -> Vec<u8> + 'a) -> Self {
        let chain = OfflineChain::new(
            session,
            numbers::RegisterNumber::new(REGISTER).unwrap(),
            numbers::DeskNumber::new(1).unwrap(),
            numbers::LocalNumber::new(next).unwrap(),
        );
        Self {
            chain,
            sign: Box::new(sign),
            signed: Vec::new(),
        }
    }

    fn plain(session: OfflineSession, next: u64) -> Self {
        Self::new(session, next, |xml| sign(&cashier(), xml))
    }

    /// The next document, at the minute of its local number.
    pub(crate) fn add(&mut self, kind: Kind) -> &mut Self {
        let minute = self.chain.next_local_number().get();
        self.add_at(kind, moment(i64::try_from(minute).unwrap()))
    }

    fn add_at(&mut self, kind: Kind, at: NaiveDateTime) -> &mut Self {
        let next = self.chain.next_local_number().get();
        let mut document = document(next, kind);
        let what = match &document.kind {
            Kind::OfflineBegin { .. } => OfflineDocument::Begin,
            Kind::OfflineEnd => OfflineDocument::End,
            Kind::OpenShift => OfflineDocument::OpenShift,
            Kind::CloseShift => OfflineDocument::CloseShift,
            Kind::ZReport(_) => OfflineDocument::ZReport,
            kind => OfflineDocument::Receipt {
                sum: kind.receipt().and_then(|receipt| receipt.total.as_ref()?.sum),
            },
        };
        let planned = self.chain.plan(what, at).unwrap();
        let number = FiscalNumber::new(planned.number.to_string()).unwrap();
        let previous = planned.previous_hash.map(|hash| DocumentHash(*hash.octets()));
        document.head = document.head.offline(number, previous);
        document.head.issued = LocalMoment::new(at).unwrap();
        // An offline document of the same number as a revoked one is another document.
        let uid = document
            .head
            .uid
            .as_str()
            .replace("00000000-0000", "00000000-0ff1");
        document.head.uid = fiscal::Uid::new(uid).unwrap();
        let signed = (self.sign)(&document.to_xml().unwrap());
        self.chain.record(&planned, &signed).unwrap();
        self.signed.push(signed);
        self
    }

    /// Begin, opening, two sales, Z, closing, end: as the official package has them.
    pub(crate) fn seven(&mut self) -> &mut Self {
        self.add(begin())
            .add(Kind::OpenShift)
            .add(sale())
            .add(sale())
            .add(z(2))
            .add(Kind::CloseShift)
            .add(Kind::OfflineEnd)
    }
}

pub(crate) fn begin() -> Kind {
    Kind::OfflineBegin {
        revoke_last_online: false,
    }
}

fn revoking() -> Kind {
    Kind::OfflineBegin {
        revoke_last_online: true,
    }
}

/// A world whose register has been open and closed once: it has a session, and is due to number 5.
fn closed_once() -> World {
    let mut world = World::new(settings());
    world.accept(Kind::OpenShift);
    world.accept(sale());
    world.accept(z(1));
    world.accept(Kind::CloseShift);
    world
}

/// A world with a shift open and something sold: due to number 3.
fn sold() -> World {
    let mut world = World::new(settings());
    world.accept(Kind::OpenShift);
    world.accept(sale());
    world
}

#[track_caller]
fn refused(world: &mut World, documents: &[Vec<u8>], index: usize, text: &str) {
    let next = world.next();
    let refused = world.package(documents, &cashier()).unwrap_err();
    assert_eq!(refused.code.code(), 10, "{}", refused.text);
    let place = format!("з індексом {index}:");
    assert!(refused.text.contains(&place), "{index}: {}", refused.text);
    assert!(refused.text.contains(text), "{}", refused.text);
    assert_eq!(world.next(), next, "a refused package consumes nothing");
}

#[test]
fn a_session_of_seven_documents_is_taken_and_makes_room_for_the_next() {
    let mut world = closed_once();
    let session = world.session();
    let mut till = Till::plain(session.clone(), 5);
    let event = world.package(&till.seven().signed, &cashier()).unwrap();
    let Event::Documents {
        session: Some(next), ..
    } = event
    else {
        panic!("a session that ended makes room for another");
    };
    assert_eq!(next.id, session.id + 1);
    assert_eq!(world.session(), next);
    let book = world.machine.book(number(REGISTER)).unwrap();
    assert_eq!((book.documents.len(), book.shifts.len()), (11, 2));
    assert!(
        book.documents[4..]
            .iter()
            .all(|entry| entry.accepted.is_offline())
    );
    world.accept(Kind::OpenShift);
}

#[test]
fn a_session_comes_in_as_many_packages_as_it_needs() {
    let mut world = closed_once();
    let mut till = Till::plain(world.session(), 5);
    till.seven();
    for (index, package) in till.signed.chunks(2).enumerate() {
        let Event::Documents { session, .. } = world.package(package, &cashier()).unwrap() else {
            panic!("a package is no other event");
        };
        assert_eq!(session.is_some(), index == 3);
        if index == 1 {
            let online = document(9, sale());
            let refused = world.send(&online, &cashier()).unwrap_err();
            assert!(
                refused.text.contains("Офлайн сесію не завершено"),
                "{}",
                refused.text
            );
        }
    }
}

#[test]
fn what_is_wrong_with_a_session_is_found_at_its_document() {
    let session = closed_once().session();
    let till = || Till::plain(session.clone(), 5);
    let other_seed = OfflineSession {
        seed: "123456789012345".parse().unwrap(),
        ..session.clone()
    };
    let other_id = OfflineSession {
        id: session.id + 1,
        ..session.clone()
    };
    let mut swapped = till();
    swapped.seven().signed.swap(2, 3);
    let mut missing = till();
    missing.seven().signed.remove(3);
    let mut repeated = till();
    let again = repeated.seven().signed[2].clone();
    repeated.signed.insert(3, again);
    let mut online = till();
    online
        .add(begin())
        .signed
        .push(sign(&cashier(), &document(6, Kind::OpenShift).to_xml().unwrap()));
    let table: Vec<(&str, Vec<Vec<u8>>, usize, &str)> = vec![
        (
            "no beginning",
            till().seven().signed[1..].to_vec(),
            0,
            "Номер документа",
        ),
        (
            "another seed",
            Till::plain(other_seed, 5).seven().signed.clone(),
            0,
            "Фіскальний номер",
        ),
        (
            "another session",
            Till::plain(other_id, 5).seven().signed.clone(),
            0,
            "Фіскальний номер",
        ),
        (
            "a gap before",
            Till::plain(session.clone(), 6).seven().signed.clone(),
            0,
            "повинен дорівнювати 5",
        ),
        ("two swapped", swapped.signed, 2, "повинен дорівнювати 7"),
        ("one missing", missing.signed, 3, "повинен дорівнювати 8"),
        ("one again", repeated.signed, 3, "повинен дорівнювати 8"),
        ("an online document", online.signed, 1, "не є офлайн документом"),
        (
            "a sale without a shift",
            till().add(begin()).add(sale()).signed.clone(),
            1,
            "5 ShiftNotOpened",
        ),
        (
            "a closing without a Z",
            till()
                .add(begin())
                .add(Kind::OpenShift)
                .add(Kind::CloseShift)
                .signed
                .clone(),
            2,
            "6 LastDocumentMustBeZRep",
        ),
        (
            "a Z that does not add up",
            till()
                .add(begin())
                .add(Kind::OpenShift)
                .add(sale())
                .add(z(2))
                .signed
                .clone(),
            3,
            "ZREPREALIZ",
        ),
    ];
    for (name, documents, index, text) in table {
        println!("{name}");
        refused(&mut closed_once(), &documents, index, text);
    }
}

#[test]
fn a_session_without_an_id_or_before_the_last_ended_is_refused() {
    let session = closed_once().session();
    let mut fresh = World::new(settings());
    let mut till = Till::plain(session.clone(), 1);
    refused(&mut fresh, &till.seven().signed, 0, "не має ідентифікатора");
    let mut world = closed_once();
    world
        .package(&Till::plain(session.clone(), 5).add(begin()).signed, &cashier())
        .unwrap();
    refused(
        &mut world,
        &Till::plain(session, 6).add(begin()).signed,
        0,
        "не завершено",
    );
}

#[test]
fn a_package_is_of_one_register_and_of_so_many_documents() {
    let mut world = closed_once();
    let session = world.session();
    let mut till = Till::plain(session, 5);
    till.add(begin());
    let foreign = at_register(document(1, Kind::OpenShift), SECOND_REGISTER, 2);
    till.signed.push(sign(&cashier(), &foreign.to_xml().unwrap()));
    refused(&mut world, &till.signed, 1, "одному ПРРО");
    let too_many = vec![till.signed[0].clone(); 101];
    let refused = world.package(&too_many, &cashier()).unwrap_err();
    assert_eq!(refused.code.code(), 10);
    assert_eq!(world.package(&[], &cashier()).unwrap_err().code.code(), 10);
}

#[test]
fn a_package_is_signed_by_its_cashier_or_a_senior() {
    let senders: [(Who, Option<i64>); 5] = [
        (cashier(), None),
        (chief(), None),
        (other_cashier(), Some(10)),
        (stranger(), Some(2)),
        (foreigner(), Some(3)),
    ];
    for (sender, code) in senders {
        let mut world = closed_once();
        let mut till = Till::plain(world.session(), 5);
        let sent = world.package(&till.seven().signed, &sender);
        assert_eq!(
            sent.err().map(|refused| refused.code.code()),
            code,
            "{}",
            sender.key_id
        );
    }
}

#[test]
fn a_session_is_no_longer_than_36_hours_to_its_last_receipt() {
    let session = sold().session();
    let from = moment(10);
    for (minutes, taken) in [(36 * 60, true), (36 * 60 + 1, false)] {
        let until = from + TimeDelta::minutes(minutes);
        let mut world = sold();
        let mut till = Till::plain(session.clone(), 3);
        till.add_at(begin(), from).add_at(sale(), until);
        if taken {
            world.package(&till.signed, &cashier()).unwrap();
            // Only receipts and Z-reports count: the end may come later.
            let end = until + TimeDelta::hours(5);
            let documents = till.add_at(Kind::OfflineEnd, end).signed.clone();
            world.package(&documents[2..], &cashier()).unwrap();
        } else {
            refused(&mut world, &till.signed, 1, "36 годин");
        }
    }
}

#[test]
fn a_month_has_no_more_than_168_hours() {
    let mut world = sold();
    let mut from = moment(10);
    // Four sessions of 36 hours leave 24 of the month; a fifth of 24 is taken, and of one minute more is not.
    for _ in 0..4 {
        let mut till = Till::plain(world.session(), world.next());
        let until = from + TimeDelta::hours(36);
        till.add_at(begin(), from)
            .add_at(sale(), until)
            .add_at(Kind::OfflineEnd, until);
        world.package(&till.signed, &cashier()).unwrap();
        from = until;
    }
    let session = world.session();
    let next = world.next();
    let fifth = |minutes| {
        let mut till = Till::plain(session.clone(), next);
        till.add_at(begin(), from)
            .add_at(sale(), from + TimeDelta::minutes(minutes));
        till.signed
    };
    refused(&mut world, &fifth(24 * 60 + 1), 1, "168 годин");
    assert!(may_go_offline(&world));
    world.package(&fifth(24 * 60), &cashier()).unwrap();
    let mut till = Till::plain(session.clone(), next);
    let end = from + TimeDelta::hours(24);
    till.add_at(begin(), from)
        .add_at(sale(), end)
        .add_at(Kind::OfflineEnd, end);
    world.package(&till.signed[2..], &cashier()).unwrap();
    assert!(!may_go_offline(&world), "until the month ends");
    world.now += TimeDelta::days(28);
    assert!(may_go_offline(&world));
}

#[test]
fn the_minutes_of_the_session_and_of_the_month_are_told() {
    let mut world = sold();
    let (from, hour) = (moment(10), TimeDelta::hours(1));
    let mut till = Till::plain(world.session(), 3);
    till.add_at(begin(), from)
        .add_at(sale(), from + hour)
        .add_at(Kind::OfflineEnd, from + hour * 2);
    world.package(&till.signed, &cashier()).unwrap();
    let told = |world: &World| {
        let state = state(world);
        let minutes = |minutes: Option<fiscal::command::Minutes>| minutes.unwrap().0;
        (
            minutes(state.offline_session),
            minutes(state.offline_month),
            state.offline_next_local_number,
        )
    };
    assert_eq!(told(&world), (0, 60, Some(1)));
    let again = from + hour * 3;
    let mut till = Till::plain(world.session(), 6);
    till.add_at(begin(), again)
        .add_at(sale(), again + TimeDelta::seconds(90 * 60 + 1));
    world.package(&till.signed, &cashier()).unwrap();
    assert_eq!(
        told(&world),
        (91, 151, Some(3)),
        "a part of a minute counts as one"
    );
}

/// Whether the register is told what it needs in order to go offline.
fn may_go_offline(world: &World) -> bool {
    let state = state(world);
    assert_eq!(state.offline_supported, state.offline_session().is_some());
    state.offline_supported
}

fn state(world: &World) -> fiscal::command::RegisterState {
    let command = crate::commands::state_query();
    let answer = world
        .machine
        .command(&command, Some(&cashier()), world.now)
        .unwrap();
    let Answer::Json(json) = answer else {
        panic!("a state is JSON");
    };
    fiscal::command::from_json(&json).unwrap()
}

#[test]
fn a_duplicated_document_is_revoked_and_its_number_used_again() {
    let mut world = sold();
    let revoked = world.machine.book(number(REGISTER)).unwrap().documents[1]
        .accepted
        .fiscal_number
        .clone();
    let mut till = Till::plain(world.session(), 2);
    till.add(revoking())
        .add(sale())
        .add(z(1))
        .add(Kind::CloseShift)
        .add(Kind::OfflineEnd);
    world.package(&till.signed, &cashier()).unwrap();
    let book = world.machine.book(number(REGISTER)).unwrap();
    assert_eq!(book.revoked[0].accepted.fiscal_number, revoked);
    let numbers: Vec<u64> = book
        .documents
        .iter()
        .map(|entry| entry.local_number().get())
        .collect();
    assert_eq!(
        numbers,
        [1, 2, 3, 4, 5, 6],
        "the number of the revoked one is not missing"
    );
}

#[test]
fn a_revoked_storno_and_a_revoked_z_leave_what_was_before() {
    let mut world = sold();
    let sold = world.machine.book(number(REGISTER)).unwrap().documents[1]
        .accepted
        .fiscal_number
        .clone();
    world.accept(storno(&sold));
    let mut till = Till::plain(world.session(), 3);
    till.add(revoking())
        .add(z(1))
        .add(Kind::CloseShift)
        .add(Kind::OfflineEnd);
    world.package(&till.signed, &cashier()).unwrap();

    let mut world = self::sold();
    world.accept(z(1));
    let mut till = Till::plain(world.session(), 3);
    till.add(revoking())
        .add(sale())
        .add(z(2))
        .add(Kind::CloseShift)
        .add(Kind::OfflineEnd);
    world.package(&till.signed, &cashier()).unwrap();
}

#[test]
fn an_opening_a_closing_and_an_offline_document_cannot_be_revoked() {
    let mut opened = World::new(settings());
    opened.accept(Kind::OpenShift);
    let session = opened.session();
    let mut till = Till::plain(session.clone(), 1);
    refused(
        &mut opened,
        &till.add(revoking()).signed,
        0,
        "має тип 'OpenShift' і не може бути відкликаний",
    );
    let mut till = Till::plain(session.clone(), 4);
    refused(
        &mut closed_once(),
        &till.add(revoking()).signed,
        0,
        "'CloseShift'",
    );
    let mut world = sold();
    world
        .package(
            &Till::plain(session, 3)
                .add(begin())
                .add(sale())
                .add(Kind::OfflineEnd)
                .signed,
            &cashier(),
        )
        .unwrap();
    let mut till = Till::plain(world.session(), 5);
    refused(&mut world, &till.add(revoking()).signed, 0, "'OfflineEnd'");
}

#[test]
fn a_revocation_of_what_the_server_does_not_have_is_refused() {
    let mut world = sold();
    // The client says that number 3 is to be revoked; the server's last is 2.
    let mut till = Till::plain(world.session(), 3);
    refused(
        &mut world,
        &till.add(revoking()).add(sale()).signed,
        0,
        "повинен дорівнювати 2",
    );
}

/// A machine with real signatures whose register is closed and due to number 5.
fn signed_world(key: &Key) -> (Machine, Arrival) {
    let mut settings = settings();
    settings.companies[0].operators.push(Operator {
        subject_key_id: key.who().key_id,
        chief: false,
    });
    let world = World::new(settings.clone());
    let arrival = world.arrival();
    let mut machine = Machine::new(settings).unwrap();
    for (local, kind) in (1..).zip([Kind::OpenShift, sale(), z(1), Kind::CloseShift]) {
        let signed = key.sign(&document(local, kind).to_xml().unwrap());
        let event = machine.document(&signed, &DstuSignatures, arrival).unwrap();
        machine.apply(&event);
    }
    (machine, arrival)
}

/// The index in the text of a refusal, or what else it says.
fn index(text: &str) -> Option<usize> {
    let (_, rest) = text.split_once("з індексом ")?;
    rest.split_once(':')?.0.parse().ok()
}

#[test]
fn after_any_change_the_package_is_refused_at_the_changed_document() {
    let key = Key::new(1, TAX_NUMBER);
    let (machine, arrival) = signed_world(&key);
    let session = machine.book(number(REGISTER)).unwrap().session.clone().unwrap();
    let mut till = Till::new(session, 5, |xml| key.sign(xml));
    let documents = till.seven().signed.clone();
    let send = |documents: &[Vec<u8>]| {
        let documents: Vec<&[u8]> = documents.iter().map(Vec::as_slice).collect();
        machine.package_of(&documents, &key.who(), &DstuSignatures, arrival)
    };
    send(&documents).unwrap();
    let (mut outside, mut refusals) = (0, 0);
    for (at, document) in documents.iter().enumerate() {
        // Every eleventh octet: each part of the message is longer than that, and no two documents are hit at the same places.
        for octet in (at..document.len()).step_by(11) {
            let mut changed = documents.clone();
            changed[at][octet] ^= 0x01;
            let holds = DstuSignatures.open(&changed[at], arrival.at).is_ok();
            let expected = match (holds, at) {
                (false, _) => Some(at),
                // A few octets of the message's frame are under no signature; the next document carries the hash of all. Nobody
                // carries that of the first and of the last.
                (true, 0 | 6) => None,
                (true, _) => Some(at + 1),
            };
            outside += usize::from(holds);
            let refused = send(&changed).err();
            refusals += usize::from(refused.is_some());
            let found = refused
                .as_ref()
                .map(|refused| index(&refused.text).unwrap_or_else(|| panic!("{}", refused.text)));
            assert_eq!(found, expected, "octet {octet} of document {at}");
        }
    }
    println!("{refusals} changes refused, {outside} outside of signatures");
    assert!(refusals > 1_000, "{refusals} refusals");
    assert!(outside < refusals / 50, "{outside} octets are under no signature");
}
