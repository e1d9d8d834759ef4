//! What a register's owner is told: owed in the commit of what it tells, one to one with the facts, under every kill.

use crate::offline::{come_back, go_away};
use crate::receipts::sale;
use crate::shifts::{done, refused};
use crate::till::{Agent, Kill, Server, Till, seconds};
use actors::clock::Now;
use actors::durable::Durable;
use actors::ids::AccountId;
use actors::machines::register::{
    Ask, AutoClose, Command, DocumentKind, DocumentOutcome, Effect, Limit, Link, Nearness, News, Note,
    OfflineCause, OperationState, Refusal, RegisterBook, Request, Settled, Signature,
};
use actors::owners::{Needs, OwnerEvent, OwnerMetrics, Owners, Settings, Teller, Wanted};
use actors::register::rows::DocumentRecord;
use actors::testing::{ManualClock, SeededRandomness};
use fiscal::ErrorCode;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use storage::{Key, Scan, Store};
use uuid::Uuid;
use zeroize::Zeroizing;

const OWNER: AccountId = AccountId(Uuid::from_u128(1));

/// What a till's owner is told.
pub(crate) struct Told {
    /// Nobody, where there is none.
    owner: Option<AccountId>,
    teller: Teller,
    /// For ids, so that nothing else is drawn differently where nobody is told.
    chance: SeededRandomness,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            owner: Some(OWNER),
            teller: Teller::default(),
            chance: SeededRandomness::new(9),
        }
    }
}

impl Told {
    /// As a register's actor steps.
    pub(crate) async fn step(
        &mut self,
        book: &mut Durable<RegisterBook>,
        command: Command,
        now: Now,
    ) -> Vec<Effect> {
        if let Ask::Signature {
            signature: Signature::Signed(_),
            ..
        } = &command.ask
        {
            self.teller.agent_signed();
        }
        let (teller, chance, owner) = (&mut self.teller, &self.chance, self.owner);
        let stepping = book.step_with(command, now, |step, batch| match owner {
            Some(owner) => teller.owe(owner, &step, chance, now, batch).map(drop),
            None => Ok(()),
        });
        stepping.await.unwrap()
    }

    pub(crate) fn restart(&mut self) {
        self.teller = Teller::default();
    }
}

/// All that is owed, in the order of its ids, read as whoever posts it reads it.
async fn owed(till: &Till) -> Vec<OwnerEvent> {
    let owners = Owners::open(Needs {
        store: till.shared_store(),
        clock: Arc::<ManualClock>::default(),
        randomness: Arc::new(SeededRandomness::new(1)),
        key: Zeroizing::new(vec![7; 32]),
        owner_of: Arc::new(|_| Some(OWNER)),
        settings: Settings {
            first_pause: seconds(5),
            pause_max: seconds(60),
            give_up_after: seconds(3_600),
            kept_max: 10_000,
        },
        metrics: OwnerMetrics::new(&prometheus::Registry::new()).unwrap(),
    });
    let wanted = Wanted {
        owed: true,
        limit: usize::MAX,
        ..Wanted::default()
    };
    let listed = owners.await.unwrap().events(OWNER, &wanted).await.unwrap();
    listed.into_iter().map(|listed| listed.event).collect()
}

pub(crate) async fn told(till: &Till) -> Vec<News> {
    owed(till).await.into_iter().map(|event| event.news).collect()
}

pub(crate) async fn topics(till: &Till) -> Vec<&'static str> {
    told(till).await.iter().map(News::topic).collect()
}

async fn rows(till: &Till) -> usize {
    let scan = Scan::of(Key::table("owner-owed").build());
    till.store().scan(scan).await.unwrap().len()
}

/// Each registered document was told once, in order; what was in doubt was settled once; ids are no two events' own.
pub(crate) async fn check(till: &Till, ours: &[DocumentRecord]) {
    if till.told.owner.is_none() {
        return;
    }
    let events = owed(till).await;
    let ids: BTreeSet<Uuid> = events.iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), events.len(), "an id was given twice");
    let is_told = |kind| !matches!(kind, DocumentKind::OfflineBegin | DocumentKind::OfflineEnd);
    let registered: Vec<_> = ours
        .iter()
        .filter(|record| is_told(record.facts.kind))
        .map(|record| (&record.facts, record.operation))
        .collect();
    let (mut documents, mut doubted, mut settled) = (Vec::new(), Vec::new(), Vec::new());
    for event in &events {
        match &event.news {
            News::Registered { document, operation } => documents.push((document, *operation)),
            News::InDoubt { document, .. } => doubted.push(document.uid.as_str().to_owned()),
            News::Settled { document, .. } => settled.push(document.uid.as_str().to_owned()),
            _ => {}
        }
    }
    documents.sort_by_key(|(document, _)| document.local_number);
    assert_eq!(documents, registered, "what was told, and what is registered");
    doubted.sort();
    settled.sort();
    let once = |uids: &[String]| uids.windows(2).all(|pair| pair[0] != pair[1]);
    assert!(
        once(&doubted) && once(&settled),
        "told twice: {doubted:?} {settled:?}"
    );
    assert!(
        settled.iter().all(|uid| doubted.contains(uid)),
        "settled without a doubt"
    );
    if till.is_at_rest() && till.view().link == Link::Online {
        assert_eq!(doubted, settled, "nothing is left in doubt");
    }
}

async fn shop() -> Till {
    let mut till = Till::new().await;
    till.unit.settings.offline = true;
    till.unit.settings.auto_close = AutoClose::Off;
    done(till.ask(Request::OpenShift).await);
    till
}

#[tokio::test]
async fn a_day_is_told_in_its_order() {
    let mut till = shop().await;
    let sold = done(till.ask(sale("10.00")).await);
    done(till.ask(Request::CloseShift).await);
    let events = owed(&till).await;
    let names: Vec<_> = events
        .iter()
        .map(|event| {
            (
                event.news.topic(),
                event.news.document().map(|facts| facts.kind.name()),
            )
        })
        .collect();
    assert_eq!(
        names,
        [
            ("document.registered", Some("open_shift")),
            ("shift.opened", Some("open_shift")),
            ("document.registered", Some("sale")),
            ("document.registered", Some("z_report")),
            ("document.registered", Some("close_shift")),
            ("shift.closed", Some("close_shift")),
        ]
    );
    assert_eq!(events[2].news.document(), Some(&sold.document));
    assert_eq!(events[2].register, crate::till::register());
    assert!(
        events.is_sorted_by_key(|event| event.id),
        "ids are in the order of what happened"
    );
    assert!(events.is_sorted_by_key(|event| event.at_ms));
    assert_eq!(rows(&till).await, 4, "one row for each commit that has news");
}

#[tokio::test]
async fn a_refusal_is_told_with_its_code_and_never_its_words() {
    let mut till = shop().await;
    let before = owed(&till).await.len();
    till.server_script = [Server::Refuses(ErrorCode::InvalidTin)].into();
    let state = till.ask(sale("10.00")).await;
    assert!(matches!(refused(state), Refusal::Rejected { code: 3, .. }));
    let news = told(&till).await.split_off(before);
    assert!(
        matches!(&news[..], [News::Rejected { document, code: Some(3), .. }]
            if document.fiscal_number.is_none() && document.kind == DocumentKind::Sale),
        "{news:?}"
    );
}

#[tokio::test]
async fn a_refusal_that_only_says_that_the_shift_is_another_is_no_news() {
    let mut till = shop().await;
    till.server_script = [Server::Refuses(ErrorCode::ShiftNotOpened)].into();
    till.ask(sale("10.00")).await;
    till.wait(seconds(30)).await;
    assert!(!topics(&till).await.contains(&"document.rejected"));
}

#[tokio::test]
async fn a_doubt_is_told_once_and_so_is_what_became_of_it() {
    for (faults, posts) in [
        (vec![Server::DropsAfter], 2),
        (vec![Server::DropsBefore], 3),
        (vec![Server::DropsBefore, Server::DropsBefore], 4),
    ] {
        let mut till = shop().await;
        let before = owed(&till).await.len();
        till.notes.clear();
        till.server_script = faults.into();
        till.server_script.push_back(Server::Answers(seconds(1)));
        done(till.ask(sale("10.00")).await);
        assert_eq!(till.posts, posts);
        let doubtful = till.notes.iter().filter(
            |note| matches!(note, Note::Document { outcome, .. } if *outcome == DocumentOutcome::Doubtful),
        );
        assert_eq!(doubtful.count(), 1, "counted once, however often it is in doubt");
        let news = told(&till).await.split_off(before);
        let topics: Vec<_> = news.iter().map(News::topic).collect();
        assert_eq!(
            topics,
            ["document.in_doubt", "document.registered", "document.settled"]
        );
        assert!(matches!(
            news[2],
            News::Settled {
                outcome: Settled::Registered,
                ..
            }
        ));
        till.check().await;
    }
}

#[tokio::test]
async fn a_doubt_that_ends_in_a_refusal_or_by_a_person_is_settled_so() {
    let mut till = shop().await;
    till.server_script = [Server::DropsBefore, Server::Refuses(ErrorCode::InvalidTin)].into();
    refused(till.ask(sale("10.00")).await);
    let outcomes = settled(&till).await;
    assert_eq!(outcomes, [Settled::Rejected]);
    assert!(
        topics(&till)
            .await
            .ends_with(&["document.settled", "document.rejected"])
    );
}

async fn settled(till: &Till) -> Vec<Settled> {
    let news = told(till).await.into_iter();
    news.filter_map(|news| match news {
        News::Settled { outcome, .. } => Some(outcome),
        _ => None,
    })
    .collect()
}

#[tokio::test]
async fn an_offline_session_is_told_with_its_documents() {
    let mut till = shop().await;
    let before = owed(&till).await.len();
    go_away(&mut till);
    till.order(sale("20.00")).await;
    till.wait(seconds(10)).await;
    come_back(&mut till);
    till.wait(seconds(300)).await;
    let news = told(&till).await.split_off(before);
    let [begun, sold, ended] = &news[..] else {
        panic!("{news:?}");
    };
    let News::OfflineBegun { document, cause } = begun else {
        panic!("{begun:?}");
    };
    assert_eq!(*cause, OfflineCause::Unreachable);
    assert_eq!(document.kind, DocumentKind::OfflineBegin);
    assert!(matches!(sold, News::Registered { document, .. } if document.is_offline));
    assert_eq!(*ended, News::OfflineEnded { documents: 3 });
    till.check().await;
}

#[tokio::test]
async fn a_doubt_that_went_offline_is_settled_when_the_session_is_delivered() {
    for (server, outcome) in [
        (Server::DropsAfter, Settled::Revoked),
        (Server::DropsBefore, Settled::NotRegistered),
    ] {
        let mut till = shop().await;
        till.server_script = [server].into();
        go_away(&mut till);
        till.order(sale("20.00")).await;
        till.wait(seconds(25)).await;
        assert!(topics(&till).await.contains(&"document.in_doubt"));
        assert_eq!(settled(&till).await, []);
        come_back(&mut till);
        till.wait(seconds(300)).await;
        assert_eq!(settled(&till).await, [outcome]);
        till.check().await;
    }
}

#[tokio::test]
async fn an_agent_that_is_away_is_told_once_until_it_signs_again() {
    let mut till = shop().await;
    till.agent_default = Agent::Away;
    for _ in 0..3 {
        till.order(sale("10.00")).await;
        till.wait(seconds(30)).await;
    }
    let away = |topics: &[&str]| topics.iter().filter(|topic| **topic == "agent.away").count();
    assert_eq!(away(&topics(&till).await), 1);
    let news = told(&till).await;
    let Some(News::AgentAway { operation: Some(_) }) = news.last() else {
        panic!("{news:?}");
    };
    till.agent_default = Agent::Signs(Duration::from_millis(300));
    done(till.ask(sale("10.00")).await);
    till.agent_default = Agent::Away;
    till.order(sale("10.00")).await;
    till.wait(seconds(30)).await;
    assert_eq!(away(&topics(&till).await), 2);
}

#[tokio::test]
async fn an_agent_that_is_away_on_the_way_back_is_told() {
    let mut till = shop().await;
    go_away(&mut till);
    till.order(sale("10.00")).await;
    till.wait(seconds(10)).await;
    till.agent_default = Agent::Away;
    come_back(&mut till);
    till.wait(seconds(120)).await;
    let news = told(&till).await;
    assert_eq!(
        news.last(),
        Some(&News::AgentAway { operation: None }),
        "{news:?}"
    );
}

#[tokio::test]
async fn limits_are_told_as_they_come_near() {
    let mut till = shop().await;
    go_away(&mut till);
    till.order(sale("10.00")).await;
    till.wait(seconds(20 * 3_600)).await;
    done(till.ask(Request::CloseShift).await);
    till.ask(sale("20.00")).await;
    till.wait(seconds(60 * 3_600)).await;
    let seen = limits(&till).await;
    let near: Vec<_> = seen
        .iter()
        .map(|(limit, nearness, _)| (*limit, *nearness))
        .collect();
    assert_eq!(
        near,
        [
            (Limit::OfflineSession, Nearness::Near),
            (Limit::OfflineSession, Nearness::ClosingOnly),
            (Limit::OfflineSession, Nearness::Reached),
        ]
    );
    assert!((355..=360).contains(&seen[0].2), "{seen:?}");
    assert!((1..=15).contains(&seen[1].2) && seen[2].2 == 0, "{seen:?}");
}

pub(crate) async fn limits(till: &Till) -> Vec<(Limit, Nearness, i64)> {
    let news = told(till).await.into_iter();
    news.filter_map(|news| match news {
        News::LimitNear {
            limit,
            nearness,
            minutes_left,
        } => Some((limit, nearness, minutes_left)),
        _ => None,
    })
    .collect()
}

#[tokio::test]
async fn a_shift_of_nearly_a_day_is_told() {
    let mut till = shop().await;
    till.ask(sale("1.00")).await;
    till.wait(seconds(24 * 3_600)).await;
    let seen = limits(&till).await;
    assert!(
        matches!(seen[..], [(Limit::Shift, Nearness::Near, 55..=60)]),
        "{seen:?}"
    );
}

/// Everything that can be told happens.
async fn eventful(till: &mut Till) {
    till.unit.settings.offline = true;
    till.unit.settings.auto_close = AutoClose::Off;
    till.order(Request::OpenShift).await;
    till.wait(seconds(20)).await;
    till.server_script = [Server::Refuses(ErrorCode::InvalidTin), Server::DropsAfter].into();
    till.order(sale("1.00")).await;
    till.order(sale("2.00")).await;
    till.wait(seconds(40)).await;
    till.agent_script = [Agent::Away].into();
    till.order(sale("3.00")).await;
    till.wait(seconds(40)).await;
    go_away(till);
    till.order(sale("4.00")).await;
    till.wait(seconds(40)).await;
    come_back(till);
    till.wait(seconds(300)).await;
    till.wait(seconds(24 * 3_600)).await;
    till.order(Request::CloseShift).await;
    till.wait(seconds(60)).await;
}

const TOPICS: [&str; 10] = [
    "agent.away",
    "document.in_doubt",
    "document.registered",
    "document.rejected",
    "document.settled",
    "limit.near",
    "offline.begun",
    "offline.ended",
    "shift.closed",
    "shift.opened",
];

#[tokio::test]
async fn every_kind_of_news_is_seen_and_none_is_lost_by_a_kill_at_any_commit() {
    let mut whole = Till::new().await;
    eventful(&mut whole).await;
    whole.check().await;
    let seen: BTreeSet<&str> = topics(&whole).await.into_iter().collect();
    assert_eq!(seen, TOPICS.into());
    let commits = whole.commits;
    for commit in 1..=commits {
        for is_durable in [false, true] {
            let mut till = Till::new().await;
            till.kill = Some(Kill { commit, is_durable });
            eventful(&mut till).await;
            let how = format!("commit {commit}, durable {is_durable}");
            assert_eq!(till.kills, 1, "{how}");
            till.kill = None;
            come_back(&mut till);
            till.wait(seconds(400)).await;
            till.check().await;
            let news = told(&till).await;
            let count = |topic| news.iter().filter(|news| news.topic() == topic).count();
            assert_eq!(count("offline.begun"), count("offline.ended"), "{how}: {news:?}");
            assert!(count("shift.opened") >= 1, "{how}");
        }
    }
}

#[tokio::test]
async fn an_owner_costs_a_register_no_commit_and_nobody_costs_it_no_row() {
    let mut told = Till::new().await;
    eventful(&mut told).await;
    let mut untold = Till::new().await;
    untold.told.owner = None;
    eventful(&mut untold).await;
    assert_eq!(told.commits, untold.commits);
    assert_eq!(rows(&untold).await, 0);
    let (with, without) = (all_rows(&told).await, all_rows(&untold).await);
    assert_eq!(
        with - without,
        rows(&told).await,
        "nothing is written but what is owed"
    );
    println!(
        "{} commits, {} rows of news with {} events",
        told.commits,
        rows(&told).await,
        owed(&told).await.len()
    );
}

/// Rows of everything that registers write.
async fn all_rows(till: &Till) -> usize {
    let tables = [
        "register",
        "register-waiting",
        "operation",
        "operation-body",
        "document",
        "registered",
        "sold",
        "shift",
        "fingerprint",
        "fingerprint-expiry",
        "owner-owed",
        "owner-kept",
        "owner-replay",
    ];
    let mut count = 0;
    for table in tables {
        let scan = Scan::of(Key::table(table).build());
        count += till.store().scan(scan).await.unwrap().len();
    }
    count
}

#[tokio::test]
async fn who_cancels_nothing_is_told_nothing() {
    let mut till = shop().await;
    let before = owed(&till).await.len();
    till.server_default = Server::NotSent;
    till.unit.settings.offline = false;
    let state = till.ask(sale("10.00")).await;
    assert!(matches!(state, OperationState::Cancelled(_)), "{state:?}");
    assert_eq!(
        owed(&till).await.len(),
        before,
        "the number is free, and the caller knows"
    );
}
