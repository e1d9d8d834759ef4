//! kill -9 of the gateway at every step of every paper's way, online and offline: whatever was asked for ends well, and nothing is lost or made
//! twice.
//!
//! A round is a day of one register, with one kill on the way of each paper. `FAULT_ROUNDS` rounds (six by default): in the first six each
//! step of each paper has its turn; in later ones the steps are drawn by `FAULT_SEED`, the kills come up to some commits later, and some come
//! twice for one paper.

#![allow(clippy::print_stdout)] // what is printed replays a failure; clippy sees a test only inside `#[test]`

use super::desk::{Desk, SALE, SHIFT};
use super::papers::{Paper, Step, Tally};
use super::shop::{Kills, REGISTERS, Shop};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// In so many rounds each step has had its turn.
const EACH_STEP: u64 = Step::ALL.len() as u64;

fn number_from_environment(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

/// The rounds, and chance for those in which steps are drawn.
fn rounds() -> (u64, fastrand::Rng) {
    let rounds = number_from_environment("FAULT_ROUNDS").unwrap_or(EACH_STEP);
    let seed = number_from_environment("FAULT_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("FAULT_SEED={seed} FAULT_ROUNDS={rounds}");
    (rounds, fastrand::Rng::with_seed(seed))
}

/// Kills the gateway once, or some more times, on the way of each of these papers.
fn kill(shop: &Shop, round: u64, random: &mut fastrand::Rng, papers: &[(Paper, &[Step])]) -> Arc<Kills> {
    if round < EACH_STEP {
        let step = |steps: &[Step]| steps[usize::try_from(round).unwrap() % steps.len()];
        return shop.kill_at(papers.iter().map(|(paper, steps)| (*paper, step(steps))));
    }
    let mut moments = Vec::new();
    for (paper, steps) in papers {
        let mut first = 0;
        if random.bool() {
            // What the gateway had no signature of is asked for again, so that this step and all behind it are still to come; not those before
            // it: an agent that has signed brings the signature again without being asked.
            first = random.usize(..2);
            moments.push((*paper, steps[first]));
        }
        moments.push((*paper, steps[random.usize(first..steps.len())]));
    }
    shop.kill_soon_after(moments, random)
}

/// Drawn moments need not all come: the second of a pair may be of a step that the first has spared the gateway.
fn all_came(kills: &Kills, round: u64) {
    let left = kills.left();
    assert!(
        round >= EACH_STEP || left.is_empty(),
        "round {round}: {left:?} did not come"
    );
}

/// What the tax service has, in order.
fn kinds(shop: &Shop, desk: &Desk<'_>) -> Vec<String> {
    let documents = shop.registered(desk.register).documents.into_iter();
    documents.map(|document| document.kind).collect()
}

/// A shop for so many rounds as its registers suffice for.
struct Days {
    shop: Shop,
    left: u64,
}

impl Days {
    fn begin() -> Self {
        Self {
            shop: Shop::open(),
            left: REGISTERS,
        }
    }

    fn next(&mut self) -> &Shop {
        if self.left == 0 {
            *self = Self::begin();
        }
        self.left -= 1;
        &self.shop
    }
}

fn judge(made: &Tally, rounds: u64, wanted: &[(Paper, &[Step])], took: Duration) {
    let kills: u64 = made.values().sum();
    println!("{kills} kills in {took:?}");
    for (moment, count) in made {
        println!("{count:>5} {moment:?}");
    }
    if rounds < EACH_STEP {
        return;
    }
    for (paper, steps) in wanted {
        for step in *steps {
            assert!(
                made.contains_key(&(*paper, *step)),
                "a kill of {paper:?} at {step:?}"
            );
        }
    }
}

fn add(all: &mut Tally, kills: &Kills) {
    for (moment, count) in kills.made() {
        *all.entry(moment).or_default() += count;
    }
}

#[test]
fn no_kill_at_any_step_of_an_online_day_loses_or_repeats_a_document() {
    let papers = [
        Paper::State,
        Paper::Open,
        Paper::Sale,
        Paper::Return,
        Paper::ZReport,
        Paper::Close,
    ];
    let papers = papers.map(|paper| (paper, &Step::ALL[..]));
    let (rounds, mut random) = rounds();
    let (mut days, mut all, began) = (Days::begin(), Tally::new(), Instant::now());
    for round in 0..rounds {
        let shop = days.next();
        let desk = Desk::at(shop, &json!({ "offline": false }));
        let kills = kill(shop, round, &mut random, &papers);
        let opened = desk.ends_done(SHIFT, &desk.shift("OPEN_SHIFT"));
        assert!(opened["uuid"].is_string(), "{opened}");
        let sold = desk.ends_done(SALE, &desk.sale());
        let mut back = desk.return_of_nothing();
        back["ORDERRETNUM"] = sold["ORDERNUM"].clone();
        desk.ends_done(SALE, &back);
        desk.agrees();
        desk.ends_done(SHIFT, &desk.shift("Z_REPORT"));
        // The last answer may have come before its kill.
        desk.agrees();
        shop.leave();
        desk.agrees();
        all_came(&kills, round);
        let expected = ["open_shift", "sale", "return", "z_report", "close_shift"];
        assert_eq!(kinds(shop, &desk), expected, "round {round}");
        add(&mut all, &kills);
    }
    judge(&all, rounds, &papers, began.elapsed());
}

#[test]
fn no_kill_at_any_step_of_an_offline_session_loses_or_repeats_a_document() {
    let signed = [Paper::OfflineBegin, Paper::Sale, Paper::Return];
    let signed = signed.map(|paper| (paper, &Step::OF_SIGNING[..]));
    let home = [
        (Paper::State, &Step::ALL[..]),
        (Paper::OfflineEnd, &Step::OF_SIGNING[..]),
        (Paper::Package, &Step::ALL[..]),
    ];
    let (rounds, mut random) = rounds();
    let (mut days, mut all, began) = (Days::begin(), Tally::new(), Instant::now());
    for round in 0..rounds {
        let shop = days.next();
        let desk = Desk::at(shop, &json!({}));
        let online = desk.ends_done(SALE, &desk.sale());
        assert_eq!(online["is_offline"], false, "{online}");
        shop.tax.cut();
        let leaving = kill(shop, round, &mut random, &signed);
        for body in [desk.sale(), desk.return_of_nothing(), desk.sale()] {
            let issued = desk.ends_done(SALE, &body);
            assert_eq!(issued["is_offline"], true, "round {round}: {issued}");
        }
        all_came(&leaving, round);
        let coming = kill(shop, round, &mut random, &home);
        shop.tax.mend();
        desk.comes_home();
        shop.leave();
        desk.agrees();
        all_came(&coming, round);
        let after = desk.ends_done(SALE, &desk.sale());
        assert_eq!(after["is_offline"], false, "{after}");
        desk.agrees();
        let expected = [
            "open_shift",
            "sale",
            "offline_begin",
            "sale",
            "return",
            "sale",
            "offline_end",
            "sale",
        ];
        assert_eq!(kinds(shop, &desk), expected, "round {round}");
        add(&mut all, &leaving);
        add(&mut all, &coming);
    }
    let wanted: Vec<_> = signed.into_iter().chain(home).collect();
    judge(&all, rounds, &wanted, began.elapsed());
}

/// The agent dies alone, or with the gateway, as at a power cut.
#[test]
fn no_kill_of_the_agent_alone_or_with_the_gateway_loses_or_repeats_a_document() {
    let shop = Shop::open();
    let mut all = Tally::new();
    for with_gateway in [false, true] {
        for step in [
            Step::SignatureAsked,
            Step::SignatureOnItsWay,
            Step::SignatureTaken,
            Step::Taken,
        ] {
            let desk = Desk::at(&shop, &json!({}));
            let online = [Paper::State, Paper::Open, Paper::Sale].map(|paper| (paper, step));
            let kills = shop.kill_agent_at(online, with_gateway);
            desk.ends_done(SALE, &desk.sale());
            assert_eq!(kills.left(), [], "did not come");
            add(&mut all, &kills);
            shop.leave();
            shop.tax.cut();
            assert_eq!(desk.ends_done(SALE, &desk.sale())["is_offline"], true);
            let kills = shop.kill_agent_at([(Paper::State, step), (Paper::Package, step)], with_gateway);
            shop.tax.mend();
            desk.comes_home();
            add(&mut all, &kills);
            shop.leave();
            desk.agrees();
            assert_eq!(
                (desk.count("sale"), desk.count("offline_end")),
                (2, 1),
                "{step:?}"
            );
        }
    }
    println!("{} kills of the agent", all.values().sum::<u64>());
}
