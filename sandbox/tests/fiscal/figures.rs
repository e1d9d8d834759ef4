//! Receipts of every shape: accepted when their figures agree, refused with code 9 when they do not, and added up in the Z-report.

use crate::documents::*;
use crate::world::*;
use fiscal::Kind;
use fiscal::document::*;

/// A receipt of one row of 100.00, changed.
fn changed(change: impl FnOnce(&mut Receipt, &mut Total)) -> Kind {
    let mut receipt = receipt();
    let mut total = Total::of(money(10_000));
    change(&mut receipt, &mut total);
    receipt.total = Some(total);
    Kind::sale(receipt)
}

fn discount(kopecks: i64) -> Option<Box<Discount>> {
    Some(Box::new(Discount {
        sum: Some(money(kopecks)),
        ..Discount::default()
    }))
}

/// 10.00 off: on the row, on the receipt, or on both, which count once.
fn discounted(on_row: bool, on_receipt: bool) -> Kind {
    changed(|receipt, total| {
        total.sum = Some(money(9_000));
        total.discount = on_receipt.then(|| money(1_000));
        receipt.rows[0].discount = discount(1_000).filter(|_| on_row);
        receipt.payments = vec![Payment::cash(money(9_000))];
        receipt.taxes = vec![Tax {
            turnover: money(10_000),
            ..vat(9_000, 1_500)
        }];
    })
}

/// 12.57 in cash, rounded up by three kopecks.
fn rounded(rounding: i64) -> Kind {
    changed(|receipt, total| {
        total.sum = Some(money(1_260));
        total.unrounded = Some(money(1_257));
        total.rounding = Some(money(rounding));
        receipt.rows = vec![row(1_257)];
        receipt.payments = vec![Payment::cash_with_change(money(1_260), money(2_000), money(740))];
        receipt.taxes = vec![vat(1_257, 210)];
    })
}

/// 20 % on top of 100.00.
fn on_top(sum: i64) -> Kind {
    changed(|receipt, total| {
        total.sum = Some(money(10_000 + sum));
        receipt.payments = vec![Payment::cash(money(10_000 + sum))];
        receipt.taxes = vec![Tax {
            on_top: Some(true),
            ..vat(10_000, sum)
        }];
    })
}

/// 15.00 now of 100.00.
fn part(paid: i64) -> Kind {
    changed(|receipt, total| {
        total.part_payment = Some(PartPayment::Prepayment);
        total.part_sum = Some(money(1_500));
        receipt.payments = vec![Payment::cash(money(paid))];
        receipt.taxes = vec![vat(1_500, 250)];
    })
}

/// 500.00 against a card.
fn withdrawal(sum: i64, paid: i64) -> Kind {
    let total = Total {
        commission: Some(money(500)),
        ..Total::of(money(sum))
    };
    Kind::Sale {
        service: Service::CashWithdrawal,
        receipt: Receipt {
            total: Some(total),
            payments: vec![Payment::new(PaymentForm::CARD, "КАРТКА", money(paid))],
            rows: vec![row(sum)],
            ..Receipt::default()
        },
    }
}

/// 300.00 received and 1,000.00 paid out.
fn pawnshop(sum: i64, issued: i64) -> Kind {
    let line = |kopecks, received| Row {
        letters: None,
        pawnshop_received: Some(received),
        ..row(kopecks)
    };
    let total = Total {
        pawnshop_issued: Some(money(issued)),
        pawnshop_received: Some(money(30_000)),
        ..Total::of(money(sum))
    };
    Kind::Sale {
        service: Service::Pawnshop,
        receipt: Receipt {
            total: Some(total),
            payments: vec![Payment::cash(money(sum))],
            rows: vec![line(30_000, true), line(100_000, false)],
            ..Receipt::default()
        },
    }
}

/// Its sums would agree, were the row without a way one that is received.
fn directionless() -> Kind {
    let mut kind = pawnshop(-70_000, 100_000);
    if let Kind::Sale { receipt, .. } = &mut kind {
        receipt.rows[0].pawnshop_received = None;
        receipt.total.as_mut().unwrap().pawnshop_received = None;
    }
    kind
}

fn untaxed() -> Kind {
    changed(|receipt, _| {
        receipt.rows[0].letters = None;
        receipt.taxes.clear();
    })
}

#[test]
fn figures_that_agree_are_accepted_and_others_are_not() {
    let table = [
        ("who pays no VAT", untaxed(), true),
        ("a discount on the row", discounted(true, false), true),
        ("a discount on the receipt", discounted(false, true), true),
        ("a discount on both", discounted(true, true), true),
        ("no discount", discounted(false, false), false),
        ("cash rounded up", rounded(-3), true),
        ("the other sign", rounded(3), false),
        ("a tax on top", on_top(2_000), true),
        ("another tax on top", on_top(1_667), false),
        ("a part of the price", part(1_500), true),
        ("more than the part", part(10_000), false),
        ("a withdrawal", withdrawal(50_000, 50_000), true),
        ("a withdrawal paid in part", withdrawal(50_000, 49_999), false),
        ("a withdrawal of nothing", withdrawal(0, 0), false),
        ("a pawnshop", pawnshop(-70_000, 100_000), true),
        ("a pawnshop's other sum", pawnshop(70_000, 100_000), false),
        ("a pawnshop's other issue", pawnshop(-70_000, 99_999), false),
        ("a pawnshop's row without a way", directionless(), false),
    ];
    for (name, kind, accepted) in table {
        let mut world = World::new(settings());
        world.accept(Kind::OpenShift);
        let sent = world.send(&document(2, kind), &cashier());
        match sent {
            Ok(_) => assert!(accepted, "{name}"),
            Err(refused) => {
                assert!(!accepted, "{name}: {}", refused.text);
                assert_eq!(refused.code.code(), 9, "{name}");
            }
        }
    }
}

#[test]
fn a_z_report_of_all_of_them_is_the_totals_that_the_server_tells() {
    let mut world = World::new(settings());
    world.accept(Kind::OpenShift);
    for kind in [
        untaxed(),
        discounted(true, true),
        rounded(-3),
        part(1_500),
        withdrawal(50_000, 50_000),
        pawnshop(-70_000, 100_000),
        goods_return(),
        deposit(10_000),
    ] {
        world.accept(kind);
    }
    let command = fiscal::command::Command::LastShiftTotals(fiscal::command::OfRegister {
        register: number(REGISTER),
    });
    let answer = world
        .machine
        .command(&command, Some(&cashier()), world.now)
        .unwrap();
    let sandbox::fiscal::machine::Answer::Json(json) = answer else {
        panic!("totals are JSON");
    };
    let told: fiscal::command::LastShiftTotals = fiscal::command::from_json(&json).unwrap();
    let report = told.totals.unwrap().to_z_report();
    let sales = report.sales.as_ref().unwrap();
    // 100.00 + 90.00 + 12.60 + 15.00 − 700.00
    assert_eq!((sales.sum, sales.receipts), (money(-48_240), 5));
    assert_eq!(
        (sales.rounding, sales.unrounded),
        (Some(money(-3)), Some(money(-48_243)))
    );
    assert_eq!(sales.pawnshop_issued, Some(money(100_000)));
    assert_eq!(report.cash.as_ref().unwrap().commission, Some(money(500)));
    type Change = fn(&mut ZReport);
    let changes: [(&str, Change); 4] = [
        ("RNDSUM", |z| z.sales.as_mut().unwrap().rounding = None),
        ("PWNSUMISSUED", |z| {
            z.sales.as_mut().unwrap().pawnshop_issued = None;
        }),
        ("PWNSUMRECEIVED", |z| {
            z.sales.as_mut().unwrap().pawnshop_received = None;
        }),
        ("COMMISSION", |z| z.cash.as_mut().unwrap().commission = None),
    ];
    for (field, change) in changes {
        let mut changed = report.clone();
        change(&mut changed);
        let refused = world.send(&document(world.next(), Kind::z_report(changed)), &cashier());
        assert!(refused.unwrap_err().text.contains(field), "{field}");
    }
    world.accept(Kind::z_report(report));
    world.accept(Kind::CloseShift);
}

#[test]
fn currency_is_kept_and_any_of_its_receipts_may_be_undone() {
    let mut world = World::new(settings());
    world.accept(Kind::OpenShift);
    let exchange = |local: u64| {
        let kind = Kind::Sale {
            service: Service::Currency,
            receipt: Receipt {
                rows: vec![Row {
                    currency: Some(Box::new(Currency {
                        code: Some(840),
                        operation: Some(CurrencyOperation::Buy),
                        foreign_sum: Some(money(10_000)),
                        national_sum: Some(money(400_000)),
                        ..Currency::default()
                    })),
                    ..Row::default()
                }],
                ..Receipt::default()
            },
        };
        document(local, kind)
    };
    let first = world.send(&exchange(2), &cashier()).unwrap();
    world.send(&exchange(3), &cashier()).unwrap();
    let undo = |of: &fiscal::FiscalNumber| Kind::Storno {
        service: Service::Currency,
        of: of.clone(),
    };
    world.accept(undo(&first));
    let again = world.send(&document(5, undo(&first)), &cashier()).unwrap_err();
    assert!(again.text.contains("Сторнуватись"), "{}", again.text);
    // Neither a return nor cash brought in for it is among the sums in hryvnias.
    for service in [Service::Currency, Service::Transfer] {
        world.accept(Kind::Return {
            service,
            original: Original::default(),
            receipt: receipt(),
        });
        world.accept(Kind::CashMovement {
            service,
            movement: CashMovement::ServiceDeposit,
            receipt: Receipt {
                total: Some(Total::of(money(100))),
                ..Receipt::default()
            },
        });
    }
    world.accept(z(0));
}
