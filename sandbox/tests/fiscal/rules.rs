//! One row a rule: a document that breaks it is refused with the right code, and consumes nothing.

use crate::documents::*;
use crate::world::*;
use fiscal::document::*;
use fiscal::{Document, Kind, Money};
use sandbox::fiscal::machine::Who;

/// What the register has seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    Nothing,
    Open,
    TestOpen,
    Sold,
    Stornoed,
    Z,
    Closed,
}

fn world(given: Given) -> World {
    let mut world = World::new(settings());
    if given == Given::Nothing {
        return world;
    }
    let mut open = document(1, Kind::OpenShift);
    open.head.testing = given == Given::TestOpen;
    world.send(&open, &cashier()).unwrap();
    match given {
        Given::Nothing | Given::Open | Given::TestOpen => {}
        Given::Sold => {
            world.accept(sale());
        }
        Given::Stornoed => {
            let sold = world.accept(sale());
            world.accept(storno(&sold));
        }
        Given::Z | Given::Closed => {
            world.accept(sale());
            world.accept(z(1));
            if given == Given::Closed {
                world.accept(Kind::CloseShift);
            }
        }
    }
    world
}

/// A document of the due number, and who signs it.
type Make = fn(&World) -> (Document, Who);

struct Rule {
    name: &'static str,
    given: Given,
    make: Make,
    code: i64,
    text: &'static str,
}

fn due(world: &World, kind: Kind) -> Document {
    document(world.next(), kind)
}

/// The due sale, changed.
fn changed(world: &World, change: impl FnOnce(&mut Receipt)) -> (Document, Who) {
    let mut receipt = receipt();
    change(&mut receipt);
    (due(world, Kind::sale(receipt)), cashier())
}

fn reported(world: &World, change: impl FnOnce(&mut ZReport)) -> (Document, Who) {
    let mut report = z_report(1, 0, 0);
    change(&mut report);
    (due(world, Kind::z_report(report)), cashier())
}

fn headed(world: &World, kind: Kind, change: impl FnOnce(&mut Head)) -> (Document, Who) {
    let mut document = due(world, kind);
    change(&mut document.head);
    (document, cashier())
}

macro_rules! rules {
    ($($given:ident, $name:literal => $code:literal $text:literal: $make:expr;)*) => {
        &[$(Rule { name: $name, given: Given::$given, make: $make, code: $code, text: $text }),*]
    };
}

const RULES: &[Rule] = rules! {
    Nothing, "an unknown register" => 1 "4000000099": |world| (at_register(due(world, Kind::OpenShift), 4_000_000_099, 1), cashier());
    Nothing, "a signer who is not registered" => 2 "dd": |world| (due(world, Kind::OpenShift), stranger());
    Nothing, "a signer of another company" => 3 "сертифікаті": |world| (due(world, Kind::OpenShift), foreigner());
    Nothing, "another company's code in the document" => 3 "TIN":
        |world| headed(world, Kind::OpenShift, |head| head.seller.tax_number = OTHER_TAX_NUMBER.to_owned());
    Nothing, "a local number ahead" => 7 "Номер документа повинен дорівнювати 1": |_| (document(2, Kind::OpenShift), cashier());
    Open, "a local number again" => 7 "Номер документа повинен дорівнювати 2": |_| (document(1, sale()), cashier());
    Open, "the number goes before the shift" => 7 "2": |_| (document(1, Kind::OpenShift), cashier());
    Open, "an open shift opened" => 4 "Вигаданенко aa": |world| (due(world, Kind::OpenShift), cashier());
    Nothing, "a sale without a shift" => 5 "": |world| (due(world, sale()), cashier());
    Nothing, "a Z without a shift" => 5 "": |world| (due(world, z(0)), cashier());
    Nothing, "a closing without a shift" => 5 "": |world| (due(world, Kind::CloseShift), cashier());
    Closed, "a sale in a closed shift" => 5 "": |world| (due(world, sale()), cashier());
    Sold, "a closing without a Z" => 6 "Z-звіт": |world| (due(world, Kind::CloseShift), cashier());
    Z, "a second Z" => 8 "": |world| (due(world, z(1)), cashier());
    Z, "a sale after the Z" => 8 "": |world| (due(world, sale()), cashier());
    Z, "a deposit after the Z" => 8 "": |world| (due(world, deposit(100)), cashier());
    Open, "a sale of another cashier" => 4 "Вигаданенко aa": |world| (due(world, sale()), other_cashier());
    Open, "a sale of a senior cashier" => 4 "aa": |world| (due(world, sale()), chief());
    Sold, "a Z of another cashier" => 4 "aa": |world| (due(world, z(1)), other_cashier());
    Open, "a test in a real shift" => 9 "TESTING": |world| headed(world, sale(), |head| head.testing = true);
    TestOpen, "a real document in a test shift" => 9 "TESTING": |world| (due(world, sale()), cashier());
    Open, "an offline document alone" => 9 "Офлайн": |world| headed(world, sale(), |head| {
        let number = fiscal::FiscalNumber::new("1000001.1.1").unwrap();
        head.mode = Mode::Offline { fiscal_number: number, previous: None };
    });
    Open, "a session's beginning alone" => 9 "Офлайн": |world| headed(world, Kind::OfflineBegin { revoke_last_online: false }, |head| {
        let number = fiscal::FiscalNumber::new("1000001.1.1").unwrap();
        head.mode = Mode::Offline { fiscal_number: number, previous: None };
    });
    Open, "a number that the client gave itself" => 9 "Фіскальний номер": |world| headed(world, sale(), |head| {
        let number = fiscal::FiscalNumber::new("77").unwrap();
        head.mode = Mode::Online { fiscal_number: Some(number) };
    });
    Open, "a mark that is the server's" => 9 "REVOKED": |world| headed(world, sale(), |head| head.marks.revoked = true);
    Sold, "an identifier again" => 9 "UID": |world| headed(world, sale(), |head| {
        head.uid = document(1, Kind::OpenShift).head.uid;
    });
    Sold, "time that runs backwards" => 9 "передують": |world| headed(world, sale(), |head| {
        head.issued = document(1, Kind::OpenShift).head.issued;
    });
    Open, "another name of the seller" => 9 "ORGNM": |world| headed(world, sale(), |head| head.seller.organisation.push('!'));
    Open, "another name of the shop" => 9 "POINTNM": |world| headed(world, sale(), |head| head.seller.point.push('!'));
    Open, "another address" => 9 "POINTADDR": |world| headed(world, sale(), |head| head.seller.address = None);
    Open, "another VAT number" => 9 "IPN": |world| headed(world, sale(), |head| head.seller.vat_number = None);
    Open, "another number of the desk" => 9 "CASHDESKNUM": |world| (at_register(due(world, sale()), REGISTER, 2), cashier());
    Sold, "a storno of what is not the last" => 9 "Сторнуватись може лише останній документ": |world| {
        let opening = fiscal::FiscalNumber::new("1000000001").unwrap();
        (due(world, storno(&opening)), cashier())
    };
    Open, "a storno of an opening" => 9 "Сторнуватись": |world| {
        let opening = fiscal::FiscalNumber::new("1000000001").unwrap();
        (due(world, storno(&opening)), cashier())
    };
    Stornoed, "a storno again" => 9 "Сторнуватись": |world| {
        let sold = fiscal::FiscalNumber::new("1000000002").unwrap();
        (due(world, storno(&sold)), cashier())
    };
    Open, "a sale without a sum" => 9 "загальна сума": |world| changed(world, |receipt| receipt.total = None);
    Open, "a sale without rows" => 9 "позиції": |world| changed(world, |receipt| receipt.rows.clear());
    Open, "a row without a cost" => 9 "рядку 1 відсутня вартість": |world| changed(world, |receipt| receipt.rows[0].cost = None);
    Open, "a sum that is not that of the rows" =>
        9 "Розрахована загальна сума 100.00 (з урахуванням податків і дисконтів) не дорівнює загальній сумі в документі 100.01":
        |world| changed(world, |receipt| receipt.total = Some(Total::of(money(10_001))));
    Open, "payments that are not the sum" => 9 "форм оплати": |world| changed(world, |receipt| receipt.payments = vec![Payment::cash(money(9_999))]);
    Open, "change that is none" => 9 "Решта": |world| changed(world, |receipt| {
        receipt.payments[0].provided = Some(money(20_000));
        receipt.payments[0].change = Some(money(9_999));
    });
    Open, "a discount that is not in the sum" => 9 "Розрахована": |world| changed(world, |receipt| {
        receipt.total.as_mut().unwrap().discount = Some(money(100));
    });
    Open, "a rounding that is not in the sum" => 9 "Розрахована": |world| changed(world, |receipt| {
        receipt.total.as_mut().unwrap().rounding = Some(money(-3));
    });
    Open, "a sum before rounding that is another" => 9 "заокруглення": |world| changed(world, |receipt| {
        receipt.total.as_mut().unwrap().unrounded = Some(money(9_999));
    });
    Open, "a tax that is not computed so" => 9 "податку": |world| changed(world, |receipt| receipt.taxes = vec![vat(10_000, 1_666)]);
    Open, "a turnover that is not that of the rows" => 9 "обсяг": |world| changed(world, |receipt| {
        receipt.taxes[0].turnover = money(9_000);
    });
    Open, "a letter without its tax" => 9 "Податки": |world| changed(world, |receipt| receipt.taxes.clear());
    Open, "a deposit of less than nothing" => 9 "від'ємна": |world| (due(world, deposit(-100)), cashier());
    Sold, "a Z of another sum" => 9 "ZREPREALIZ.SUM": |world| reported(world, |z| z.sales.as_mut().unwrap().sum = money(9_999));
    Sold, "a Z of another count" => 9 "ORDERSCNT": |world| reported(world, |z| z.sales.as_mut().unwrap().receipts = 2);
    Sold, "a Z of other payments" => 9 "PAYFORMS": |world| reported(world, |z| {
        z.sales.as_mut().unwrap().payments[0].form = PaymentForm::CARD;
    });
    Sold, "a Z of other taxes" => 9 "TAXES": |world| reported(world, |z| z.sales.as_mut().unwrap().taxes[0].sum = money(1_666));
    Sold, "a Z without its sales" => 9 "ZREPREALIZ": |world| reported(world, |z| z.sales = None);
    Sold, "a Z of returns that were none" => 9 "ZREPRETURN": |world| reported(world, |z| z.returns = Some(turnover(1)));
    Sold, "a Z of withdrawals that were none" => 9 "ZREPCASH": |world| reported(world, |z| {
        z.cash = Some(CashWithdrawals { sum: money(1), commission: None, receipts: 1 });
    });
    Sold, "a Z of deposits that were none" => 9 "SERVICEINPUT": |world| reported(world, |z| {
        z.body.as_mut().unwrap().deposits = Some(money(1));
    });
    Sold, "a Z of issues that were none" => 9 "SERVICEOUTPUT": |world| reported(world, |z| {
        z.body.as_mut().unwrap().issues = Some(money(1));
    });
    Stornoed, "a Z that counts what was undone" => 9 "ZREPREALIZ": |world| reported(world, |_| {});
};

#[test]
fn each_broken_rule_is_refused_with_its_code_and_consumes_nothing() {
    for rule in RULES {
        let mut world = world(rule.given);
        let next = world.next();
        let (document, signer) = (rule.make)(&world);
        let refused = world.send(&document, &signer).expect_err(rule.name);
        assert_eq!(refused.code.code(), rule.code, "{}: {}", rule.name, refused.text);
        assert!(
            refused.text.contains(rule.text),
            "{}: {}",
            rule.name,
            refused.text
        );
        assert_eq!(world.next(), next, "{}", rule.name);
    }
}

#[test]
fn what_cannot_be_read_is_refused_without_a_ticket() {
    let mut world = world(Given::Open);
    let xml = due(&world, sale()).to_xml().unwrap();
    let broken = [
        ("no signature", xml.clone()),
        ("no XML", sign(&cashier(), b"not a document")),
        ("cut off", sign(&cashier(), &xml[..xml.len() - 9])),
        ("a schema broken", {
            let text = String::from_utf8_lossy(&xml).replace("<SUM>100.00</SUM>", "<SUM>100</SUM>");
            sign(&cashier(), text.as_bytes())
        }),
    ];
    for (name, signed) in broken {
        let refusal = world.machine.document(&signed, &PlainSignatures, world.arrival());
        let refusal = refusal.expect_err(name);
        assert_eq!(refusal.rejection.code.code(), 9, "{name}");
        assert_eq!(refusal.ticket(), None, "{name}");
    }
    assert!(world.send_signed(&sign(&cashier(), &xml)).is_ok());
}

#[test]
fn a_refusal_of_what_could_be_read_names_the_document() {
    let world = world(Given::Nothing);
    let document = due(&world, sale());
    let signed = sign(&cashier(), &document.to_xml().unwrap());
    let refusal = world
        .machine
        .document(&signed, &PlainSignatures, world.arrival())
        .unwrap_err();
    let verdict = refusal
        .ticket()
        .unwrap()
        .check(&document.head.uid, document.head.local_number);
    assert!(
        matches!(verdict, fiscal::Verdict::Rejected { code, .. } if code.code() == 5),
        "{verdict:?}"
    );
}

#[test]
fn a_day_of_every_common_document_adds_up() {
    let mut world = world(Given::Open);
    world.accept(deposit(50_000));
    world.accept(Kind::cash(CashMovement::AdditionalDeposit, money(1_000)));
    let sold = world.accept(sale());
    world.accept(sale());
    world.accept(goods_return());
    let undone = world.accept(sale());
    world.accept(storno(&undone));
    assert_ne!(sold, undone);
    let mut report = z_report(2, 1, 51_000);
    report.body.as_mut().unwrap().issues = Some(Money::ZERO);
    world.accept(Kind::z_report(report));
    world.accept(Kind::CloseShift);
    world.accept(Kind::OpenShift);
    let book = world.machine.book(number(REGISTER)).unwrap();
    assert_eq!(book.shifts.len(), 2);
    assert_eq!(book.documents.len(), 11);
    assert!(book.documents[6].storned && !book.documents[7].storned);
}

#[test]
fn a_senior_cashier_closes_what_another_opened() {
    let mut world = world(Given::Sold);
    let report = due(&world, z(1));
    world.send(&report, &chief()).unwrap();
    let close = due(&world, Kind::CloseShift);
    world.send(&close, &chief()).unwrap();
    let book = world.machine.book(number(REGISTER)).unwrap();
    assert_eq!(book.shifts[0].closed.as_ref().unwrap().closer.key_id, "cc");
}

#[test]
fn an_unknown_signer_becomes_an_operator_where_that_is_set() {
    let mut settings = settings();
    settings.register_unknown_operators = true;
    let mut world = World::new(settings);
    let open = due(&world, Kind::OpenShift);
    assert_eq!(world.send(&open, &foreigner()).unwrap_err().code.code(), 3);
    world.send(&open, &stranger()).unwrap();
    let sold = due(&world, sale());
    world.send(&sold, &stranger()).unwrap();
    assert_eq!(
        world
            .send(&due(&world, sale()), &cashier())
            .unwrap_err()
            .code
            .code(),
        4
    );
}

#[test]
fn an_operator_by_first_use_stays_one_when_that_is_over() {
    let mut lenient = settings();
    lenient.register_unknown_operators = true;
    let first = World::new(lenient);
    let open = sign(&stranger(), &due(&first, Kind::OpenShift).to_xml().unwrap());
    let event = first
        .machine
        .document(&open, &PlainSignatures, first.arrival())
        .unwrap();
    // The same server with strict settings, which replays what was accepted.
    let mut strict = World::new(settings());
    strict.machine.apply(&event);
    strict.send(&due(&strict, sale()), &stranger()).unwrap();
    let unknown = who("ff", TAX_NUMBER);
    let other = strict.send(&due(&strict, sale()), &unknown).unwrap_err();
    assert_eq!(other.code.code(), 2, "only the one who came");
}

#[test]
fn an_offline_session_that_was_not_used_stays_the_registers() {
    let mut world = world(Given::Open);
    let session = world.session();
    world.now += chrono::TimeDelta::hours(1);
    for kind in [sale(), z(1), Kind::CloseShift, Kind::OpenShift, sale()] {
        world.accept(kind);
        assert_eq!(world.session(), session);
    }
}

#[test]
fn the_clock_is_looked_at_only_where_that_is_set() {
    for (minutes_max, accepted) in [(None, true), (Some(5), false), (Some(60), true)] {
        let mut settings = settings();
        settings.document_clock_minutes_max = minutes_max;
        let mut world = World::new(settings);
        world.now += chrono::TimeDelta::minutes(31);
        let open = due(&world, Kind::OpenShift);
        assert_eq!(world.send(&open, &cashier()).is_ok(), accepted, "{minutes_max:?}");
    }
}

#[test]
fn registers_count_each_for_itself() {
    let mut world = world(Given::Sold);
    let open = at_register(document(1, Kind::OpenShift), SECOND_REGISTER, 2);
    world.send(&open, &other_cashier()).unwrap();
    assert_eq!(world.next(), 3);
}

#[test]
fn excise_is_taken_out_before_vat() {
    // 259.90: excise of 5 % is 12.38, VAT of 20 % on 247.52 is 41.25 (the description's example).
    let excise = |base, sum| Tax {
        tax: TaxType::EXCISE,
        name: "Акциз".to_owned(),
        letter: fiscal::TaxLetter::new('Д').ok(),
        rate: money(500),
        ..Tax {
            base: Some(money(base)),
            ..vat(25_990, sum)
        }
    };
    for (vat_sum, accepted) in [(4_125, true), (4_332, false)] {
        let mut world = world(Given::Open);
        let mut receipt = receipt();
        receipt.total = Some(Total::of(money(25_990)));
        receipt.payments = vec![Payment::cash(money(25_990))];
        receipt.rows = vec![Row {
            letters: Some("АД".parse().unwrap()),
            ..row(25_990)
        }];
        receipt.taxes = vec![
            Tax {
                base: Some(money(24_752)),
                ..vat(25_990, vat_sum)
            },
            excise(25_990, 1_238),
        ];
        let sold = due(&world, Kind::sale(receipt));
        let sent = world.send(&sold, &cashier());
        assert_eq!(sent.is_ok(), accepted, "{vat_sum}: {sent:?}");
    }
}
