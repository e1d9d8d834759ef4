//! Whole days in simulated time: two hundred receipts of every kind, an agent and a server with moods; the X is the running total, the Z
//! is the sum, and the shift closes by itself.

use crate::receipts::{
    card, card_sale, cash, discounted, giving_back, line, money, receipt, sale, withdrawal,
};
use crate::till::{Agent, Server, Till, seconds};
use actors::machines::register::{AutoClose, OperationState, Phase, ReceiptRequest, Request};
use actors::testing::SeededRandomness;
use fiscal::Money;
use fiscal::document::{Kind, Service, Turnover, ZReport};
use std::collections::BTreeMap;
use std::time::Duration;

/// What the documents of one shift say, added up by nobody's rules but plus.
#[derive(Debug, Default, PartialEq)]
struct Sums {
    sales: i64,
    returns: i64,
    sale_count: u64,
    return_count: u64,
    input: i64,
    output: i64,
    withdrawn: i64,
    by_form: BTreeMap<u64, i64>,
    taxes: BTreeMap<char, i64>,
}

impl Sums {
    fn add(&mut self, kind: &Kind, sign: i64) {
        let sum = |kind: &Kind| {
            kind.receipt()
                .unwrap()
                .total
                .as_ref()
                .unwrap()
                .sum
                .unwrap()
                .units()
        };
        let one = sign.unsigned_abs();
        match kind {
            Kind::Sale {
                service: Service::CashWithdrawal,
                ..
            } => self.withdrawn += sign * sum(kind),
            Kind::Sale { receipt, .. } => {
                self.sales += sign * sum(kind);
                self.sale_count = if sign > 0 {
                    self.sale_count + one
                } else {
                    self.sale_count - one
                };
                for payment in &receipt.payments {
                    *self.by_form.entry(payment.form.code()).or_default() +=
                        sign * payment.sum.unwrap().units();
                }
                for tax in &receipt.taxes {
                    *self.taxes.entry(tax.letter.unwrap().canonical()).or_default() += sign * tax.sum.units();
                }
            }
            Kind::Return { .. } => {
                self.returns += sign * sum(kind);
                self.return_count = if sign > 0 {
                    self.return_count + one
                } else {
                    self.return_count - one
                };
            }
            Kind::CashMovement { movement, .. } => match movement {
                fiscal::document::CashMovement::ServiceIssue => self.output += sign * sum(kind),
                _ => self.input += sign * sum(kind),
            },
            _ => {}
        }
    }

    fn of(kinds: &[Kind]) -> Self {
        let mut sums = Self::default();
        let mut last: Option<&Kind> = None;
        for kind in kinds {
            if let Kind::Storno { .. } = kind {
                sums.add(last.take().expect("something was undone"), -1);
            } else {
                sums.add(kind, 1);
                last = Some(kind);
            }
        }
        sums
    }

    fn z(report: &ZReport) -> Self {
        let turnover = |side: &Option<Turnover>| {
            side.as_ref()
                .map_or((0, 0), |side| (side.sum.units(), side.receipts))
        };
        let (sales, sale_count) = turnover(&report.sales);
        let (returns, return_count) = turnover(&report.returns);
        let body = report.body.as_ref().unwrap();
        let sales_side = report.sales.as_ref();
        Self {
            sales,
            returns,
            sale_count,
            return_count,
            input: body.deposits.unwrap().units(),
            output: body.issues.unwrap().units(),
            withdrawn: report.cash.as_ref().map_or(0, |cash| cash.sum.units()),
            by_form: sales_side.map_or_else(BTreeMap::new, |side| {
                side.payments
                    .iter()
                    .map(|row| (row.form.code(), row.sum.units()))
                    .collect()
            }),
            taxes: sales_side.map_or_else(BTreeMap::new, |side| {
                side.taxes
                    .iter()
                    .map(|row| (row.letter.unwrap().canonical(), row.sum.units()))
                    .collect()
            }),
        }
    }
}

/// A receipt by chance.
pub(crate) fn request(chance: &SeededRandomness) -> Request {
    let kopecks = 100 + i64::try_from(chance.next_u64() % 50_000).unwrap();
    let tens = Money::from_units(kopecks / 10 * 10).to_string();
    match chance.next_u64() % 12 {
        0 => giving_back(&tens, None),
        1 => Request::ServiceIn(money(&tens)),
        2 => Request::ServiceOut(money("0.50")),
        3 => Request::Storno,
        4 => withdrawal("1.00"),
        5 => card_sale(&Money::from_units(kopecks).to_string()),
        6 => {
            let total = money(&tens);
            let half = Money::from_units(total.units() / 2 / 10 * 10);
            let rest = total.checked_sub(half).unwrap().to_string();
            let payments = vec![cash(&half.to_string()), card(&rest)];
            Request::Sale(Box::new(receipt(vec![line("Набір", &tens, "Б")], payments)))
        }
        7 => {
            let total = Money::from_units(kopecks / 10 * 10 + 100).to_string();
            let lines = vec![discounted("Сир", &total, "1.00")];
            Request::Sale(Box::new(receipt(lines, vec![cash(&tens)])))
        }
        8 => {
            let (exact, rounded) = (kopecks / 10 * 10 + 3, kopecks / 10 * 10);
            let request = ReceiptRequest {
                total: Some(Money::from_units(rounded)),
                rounding: Some(Money::from_units(rounded - exact)),
                ..receipt(
                    vec![line("Сир", &Money::from_units(exact).to_string(), "А")],
                    vec![cash(&Money::from_units(rounded).to_string())],
                )
            };
            Request::Sale(Box::new(request))
        }
        _ => sale(&tens),
    }
}

pub(crate) fn moods(till: &mut Till, chance: &SeededRandomness) {
    let agent = match chance.next_u64() % 25 {
        0 => Agent::Away,
        1 => Agent::Refuses,
        2 => Agent::Signs(seconds(20)),
        _ => Agent::Signs(Duration::from_millis(100 + chance.next_u64() % 900)),
    };
    let server = match chance.next_u64() % 25 {
        0 => Server::DropsAfter,
        1 => Server::DropsBefore,
        2 => Server::NotSent,
        3 => Server::Answers(seconds(45)),
        4 => Server::SilentAfter,
        5 => Server::Refuses(fiscal::ErrorCode::CryptographyError),
        6 => Server::Refuses(fiscal::ErrorCode::DocumentValidationError),
        _ => Server::Answers(Duration::from_millis(200 + chance.next_u64() % 2_000)),
    };
    till.agent_script = [agent].into();
    till.server_script = [server].into();
}

/// The kinds of each shift's documents between its opening and its Z, and the Z.
fn shifts(till: &Till) -> Vec<(Vec<Kind>, ZReport)> {
    let mut shifts = Vec::new();
    let mut kinds = Vec::new();
    for found in till.tax.documents() {
        match found.document.kind {
            Kind::OpenShift => kinds.clear(),
            Kind::CloseShift => {}
            Kind::ZReport(report) => shifts.push((std::mem::take(&mut kinds), *report)),
            kind => kinds.push(kind),
        }
    }
    shifts
}

async fn one_day(day: &str, mode: AutoClose, seed: u64) -> Till {
    println!("{day}, {mode:?}, seed {seed}");
    let chance = SeededRandomness::new(seed);
    let mut till = Till::at(&format!("{day} 01:30:00")).await;
    till.unit.settings.auto_close = mode;
    let mut done = 0;
    // Two hundred receipts, a few minutes apart: over both changes of the clock and up to the evening.
    for _ in 0..200 {
        moods(&mut till, &chance);
        let operation = till.order(request(&chance)).await;
        till.wait(seconds(28)).await;
        assert!(till.last_answer(operation).is_some(), "told within its time");
        done += u32::from(matches!(
            till.last_answer(operation),
            Some(OperationState::Done(_))
        ));
        till.agent_script.clear();
        till.server_script.clear();
        till.wait(seconds(60 + chance.next_u64() % 500)).await;
        // The X is the running total of what is registered in this shift.
        if let Some(shift) = till.view().shift {
            let mut kinds = Vec::new();
            for found in till.tax.documents() {
                match found.document.kind {
                    Kind::OpenShift => kinds.clear(),
                    kind => kinds.push(kind),
                }
            }
            let sums = Sums::of(&kinds);
            let section = |side: Option<fiscal::arithmetic::Section>| side.map_or(0, |side| side.sum.units());
            assert_eq!(
                (section(shift.report.sales), section(shift.report.returns)),
                (sums.sales, sums.returns)
            );
            assert_eq!(shift.report.service_input.units(), sums.input);
        }
    }
    assert!(done > 100, "{done} of 200 were done");
    till.wait_until(&format!("{day} 23:59:59")).await;
    till.wait(seconds(600)).await;
    till
}

#[tokio::test]
async fn a_day_of_two_hundred_receipts_adds_up_and_closes_by_itself() {
    for (seed, day) in ["2026-03-03", "2026-03-29", "2026-10-25"].into_iter().enumerate() {
        for mode in [AutoClose::BeforeMidnight { minutes: 10 }, AutoClose::Automatic] {
            let till = one_day(day, mode, u64::try_from(seed).unwrap() + 1).await;
            till.check().await;
            assert_eq!(*till.machine().phase(), Phase::Closed, "{day} {mode:?}");
            let shifts = shifts(&till);
            assert!(!shifts.is_empty());
            for (kinds, report) in &shifts {
                let mut sums = Sums::of(kinds);
                sums.by_form.retain(|_, sum| *sum != 0);
                sums.taxes.retain(|_, sum| *sum != 0);
                assert_eq!(Sums::z(report), sums, "{day} {mode:?}");
            }
            // One shift a day, but for receipts after the close.
            let evening = kinds_after_close(&shifts);
            assert!(shifts.len() == 1 || evening > 0, "{} shifts", shifts.len());
            assert!(till.is_at_rest());
        }
    }
}

fn kinds_after_close(shifts: &[(Vec<Kind>, ZReport)]) -> usize {
    shifts.iter().skip(1).map(|(kinds, _)| kinds.len()).sum()
}
