//! What becomes of messages after an operator took them, and what a report does to a send of which nobody knew.

use crate::world::{INVOKER, World, over, until};
use actors::clock::Now;
use actors::deliveries::{Deliveries, EventRecord, Outbox, Status, Taken, sweep};
use actors::hooks::{Hook, Posted, Poster};
use actors::ids::{ChallengeId, InvokerCode};
use actors::machines::otp::{Detail, Reason};
use actors::metrics::Metrics;
use actors::ports::{DeliveryFate, DeliveryReport, HandOver, Named, Outcome};
use actors::testing::{Act, ManualClock, ScriptedOperator, SeededRandomness};
use futures_util::future::BoxFuture;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use storage::{MemoryStore, Store};
use tokio::sync::oneshot;
use uuid::Uuid;
use zeroize::Zeroizing;

async fn worlds() -> (Arc<MemoryStore>, World, Deliveries) {
    begin(Arc::default(), Arc::default()).await
}

async fn begin(store: Arc<MemoryStore>, clock: Arc<ManualClock>) -> (Arc<MemoryStore>, World, Deliveries) {
    let world = over(
        Arc::<MemoryStore>::clone(&store),
        clock,
        Arc::<ScriptedOperator>::default(),
        64,
    )
    .await
    .unwrap();
    world.fill().await;
    let metrics = Metrics::new(&prometheus::Registry::new()).unwrap();
    let service = &world.service;
    let outbox = Outbox::new(
        Arc::clone(&service.store),
        Arc::clone(&service.clock),
        Arc::new(SeededRandomness::new(7)),
        Zeroizing::new(vec![9; 32]),
        metrics.clone(),
    );
    let deliveries = Deliveries {
        store: Arc::clone(&service.store),
        clock: Arc::clone(&service.clock),
        customers: Arc::clone(&service.customers),
        outbox,
        metrics,
    };
    (store, world, deliveries)
}

fn handed(ids: &[&str], is_polled: bool) -> HandOver {
    HandOver {
        operator: "smpp".to_owned(),
        operator_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        parts: u32::try_from(ids.len()).unwrap(),
        is_polled,
    }
}

fn theirs(id: &str, fate: DeliveryFate) -> DeliveryReport {
    DeliveryReport {
        named: Named::Theirs(id.to_owned()),
        fate,
        code: "said".to_owned(),
    }
}

fn ours(challenge: ChallengeId, fate: DeliveryFate) -> DeliveryReport {
    DeliveryReport {
        named: Named::Ours(challenge),
        fate,
        code: "said".to_owned(),
    }
}

/// A send that the operator takes under these ids.
async fn sent(world: &World, ids: &[&str], is_polled: bool) -> ChallengeId {
    let (tell, told) = oneshot::channel();
    world.operator.will(Act::Hold(told));
    tell.send(Outcome::Accepted(handed(ids, is_polled))).unwrap();
    world.send().await.unwrap().challenge.unwrap()
}

/// A send of which nobody knows.
async fn unknown(world: &World) -> ChallengeId {
    world.operator.will(Act::Shrug);
    let answer = world.send().await.unwrap();
    assert_eq!(answer.detail, Some(Detail::OutcomeUnknown));
    answer
        .challenge
        .expect("it names its code, so that it can be asked for")
}

async fn status(deliveries: &Deliveries, challenge: ChallengeId) -> Status {
    deliveries
        .status(INVOKER, challenge)
        .await
        .unwrap()
        .unwrap()
        .status
}

use DeliveryFate::{Delivered, Failed, OnItsWay};

#[tokio::test]
async fn a_delivery_is_visible_to_its_partner_and_to_no_other() {
    let (_store, world, deliveries) = worlds().await;
    let challenge = sent(&world, &["a", "b"], false).await;
    let record = deliveries.status(INVOKER, challenge).await.unwrap().unwrap();
    assert_eq!(
        (record.status, record.part_count, record.operator.as_str()),
        (Status::Sent, 2, "smpp")
    );
    let stranger = InvokerCode(Uuid::from_u128(9));
    assert_eq!(deliveries.status(stranger, challenge).await.unwrap(), None);
}

#[tokio::test]
async fn reports_on_parts_make_a_message_delivered() {
    let (_store, world, deliveries) = worlds().await;
    let challenge = sent(&world, &["a", "b"], false).await;
    let deliveries = &deliveries;
    let taken =
        |id: &'static str, fate| async move { deliveries.take("smpp", &theirs(id, fate)).await.unwrap() };
    assert_eq!(taken("a", OnItsWay).await, Taken::Unchanged);
    assert_eq!(taken("a", Delivered).await, Taken::Changed);
    assert_eq!(status(deliveries, challenge).await, Status::Sent);
    assert_eq!(taken("b", Delivered).await, Taken::Changed);
    assert_eq!(taken("b", Delivered).await, Taken::Unchanged);
    assert_eq!(status(deliveries, challenge).await, Status::Delivered);
    // The same id of another operator is another message.
    assert_eq!(
        deliveries.take("twilio", &theirs("a", Failed)).await.unwrap(),
        Taken::Unmatched
    );
}

#[tokio::test]
async fn a_sent_messages_bad_end_is_told_and_frees_no_window() {
    let (_store, world, deliveries) = worlds().await;
    let challenge = sent(&world, &["a"], false).await;
    assert_eq!(
        deliveries.take("smpp", &theirs("a", Failed)).await.unwrap(),
        Taken::Changed
    );
    assert_eq!(status(&deliveries, challenge).await, Status::Failed);
    assert_eq!(world.reason().await, Reason::InThresholdOtpGenerator);
    assert_eq!(world.operator.messages().len(), 1);
}

#[tokio::test]
async fn a_bad_receipt_frees_the_window_of_an_unknown_send_and_voids_its_code() {
    let (_store, world, deliveries) = worlds().await;
    let challenge = unknown(&world).await;
    let code = world.operator.last_code().unwrap();
    assert_eq!(status(&deliveries, challenge).await, Status::Unknown);
    assert_eq!(
        world.reason().await,
        Reason::InThresholdOtpGenerator,
        "it may have gone"
    );
    assert_eq!(
        deliveries.take("twilio", &ours(challenge, Failed)).await.unwrap(),
        Taken::Changed
    );
    assert_eq!(world.verify(&code).await, Reason::OtpNotFound);
    assert_eq!(world.reason().await, Reason::Success, "another may go");
    assert_eq!(world.operator.messages().len(), 2);
}

#[tokio::test]
async fn a_good_receipt_keeps_the_window_of_an_unknown_send_and_its_code() {
    for fate in [OnItsWay, Delivered] {
        let (_store, world, deliveries) = worlds().await;
        let challenge = unknown(&world).await;
        let code = world.operator.last_code().unwrap();
        assert_eq!(
            deliveries.take("twilio", &ours(challenge, fate)).await.unwrap(),
            Taken::Changed
        );
        assert_eq!(world.reason().await, Reason::InThresholdOtpGenerator, "{fate:?}");
        assert_eq!(world.verify(&code).await, Reason::Success, "{fate:?}");
        assert_eq!(world.operator.messages().len(), 1);
    }
}

#[tokio::test]
async fn a_late_acceptance_gives_an_unknown_message_its_names() {
    let (_store, world, deliveries) = worlds().await;
    let challenge = unknown(&world).await;
    let late = Outcome::Accepted(handed(&["a", "b"], false));
    assert_eq!(deliveries.late(challenge, &late).await.unwrap(), Taken::Changed);
    assert_eq!(deliveries.late(challenge, &late).await.unwrap(), Taken::Unchanged);
    assert_eq!(status(&deliveries, challenge).await, Status::Sent);
    assert_eq!(
        deliveries.take("smpp", &theirs("b", Failed)).await.unwrap(),
        Taken::Changed
    );
    assert_eq!(status(&deliveries, challenge).await, Status::Failed);
}

#[tokio::test]
async fn a_late_refusal_frees_the_window_and_one_of_a_sent_message_is_no_word_on_it() {
    let refused = Outcome::Refused {
        permanent: false,
        code: "0x00000058".to_owned(),
        text: String::new(),
    };
    let (_store, world, deliveries) = worlds().await;
    let challenge = unknown(&world).await;
    assert_eq!(
        deliveries.late(challenge, &refused).await.unwrap(),
        Taken::Changed
    );
    assert_eq!(world.reason().await, Reason::Success);
    let (_store, world, deliveries) = worlds().await;
    let challenge = sent(&world, &["a"], false).await;
    assert_eq!(
        deliveries.late(challenge, &refused).await.unwrap(),
        Taken::Unchanged
    );
    assert_eq!(world.reason().await, Reason::InThresholdOtpGenerator);
}

#[tokio::test]
async fn a_report_of_a_kept_unknown_answer_changes_nothing_of_that_answer() {
    let (_store, world, deliveries) = worlds().await;
    world.operator.will(Act::Shrug);
    let first = world.send_under(Some("k")).await.unwrap();
    let challenge = first.answer.challenge.unwrap();
    deliveries.take("twilio", &ours(challenge, Failed)).await.unwrap();
    let again = world.send_under(Some("k")).await.unwrap();
    assert!(
        again.replayed && again.answer.challenge == Some(challenge),
        "{again:?}"
    );
    assert_eq!(world.operator.messages().len(), 1, "one key, one message");
}

#[tokio::test]
async fn deliveries_survive_a_crash_with_all_that_was_reported() {
    let (store, world, deliveries) = worlds().await;
    let challenge = sent(&world, &["a"], false).await;
    deliveries.take("smpp", &theirs("a", Delivered)).await.unwrap();
    let (_store, _world, deliveries) = begin(Arc::new(store.crash()), Arc::clone(&world.clock)).await;
    assert_eq!(status(&deliveries, challenge).await, Status::Delivered);
}

#[tokio::test]
async fn a_receipt_after_a_crash_finds_the_window_that_it_settles() {
    let (store, world, deliveries) = worlds().await;
    let challenge = unknown(&world).await;
    drop(deliveries);
    let (_store, world, deliveries) = begin(Arc::new(store.crash()), Arc::clone(&world.clock)).await;
    assert_eq!(world.reason().await, Reason::InThresholdOtpGenerator);
    deliveries.take("twilio", &ours(challenge, Failed)).await.unwrap();
    assert_eq!(world.reason().await, Reason::Success);
}

#[tokio::test]
async fn a_report_that_is_faster_than_the_outcomes_commit_waits_for_it() {
    let (_store, world, deliveries) = worlds().await;
    let early = {
        let deliveries = deliveries.clone();
        tokio::spawn(async move { deliveries.take("smpp", &theirs("a", Delivered)).await })
    };
    tokio::task::yield_now().await;
    let challenge = sent(&world, &["a"], false).await;
    assert_eq!(early.await.unwrap().unwrap(), Taken::Changed);
    assert_eq!(status(&deliveries, challenge).await, Status::Delivered);
}

#[tokio::test]
async fn many_reports_at_once_on_one_message_are_all_taken() {
    let (_store, world, deliveries) = worlds().await;
    let ids: Vec<String> = (0..6).map(|n| n.to_string()).collect();
    let challenge = sent(&world, &ids.iter().map(String::as_str).collect::<Vec<_>>(), false).await;
    let reports: Vec<DeliveryReport> = ids.iter().map(|id| theirs(id, Delivered)).collect();
    let taken =
        futures_util::future::join_all(reports.iter().map(|report| deliveries.take("smpp", report))).await;
    assert!(
        taken.iter().all(|taken| matches!(taken, Ok(Taken::Changed))),
        "{taken:?}"
    );
    assert_eq!(status(&deliveries, challenge).await, Status::Delivered);
}

#[tokio::test]
async fn after_a_week_a_delivery_and_its_names_are_swept() {
    let (store, world, deliveries) = worlds().await;
    let challenge = sent(&world, &["a", "b"], false).await;
    let now_ms = world.now().wall.timestamp_millis();
    let day_ms = 86_400_000;
    assert_eq!(sweep(store.as_ref(), now_ms + 6 * day_ms).await.unwrap(), 0);
    assert_eq!(sweep(store.as_ref(), now_ms + 8 * day_ms).await.unwrap(), 1);
    assert_eq!(deliveries.status(INVOKER, challenge).await.unwrap(), None);
    for table in ["delivery", "delivery-name"] {
        let rows = store.scan(storage::Scan::of(storage::Key::table(table).build()));
        assert!(rows.await.unwrap().is_empty(), "{table}");
    }
}

#[tokio::test]
async fn an_operator_is_asked_until_a_messages_fate_is_final() {
    let (store, world, deliveries) = worlds().await;
    let asking = tokio::spawn(actors::deliveries::ask_for_ever(
        deliveries.clone(),
        Arc::clone(&world.operator) as _,
    ));
    let challenge = sent(&world, &["a"], true).await;
    world.operator.reports(theirs("a", OnItsWay));
    let asked = |times: usize| {
        let operator = Arc::clone(&world.operator);
        async move { until("it is asked", || operator.polls() >= times).await }
    };
    // The questions of the plan: after 5 and 20 seconds.
    for times in 1..=2 {
        for _ in 0..10 {
            world.clock.advance(Duration::from_secs(2));
            for _ in 0..200 {
                tokio::task::yield_now().await;
            }
        }
        asked(times).await;
    }
    assert_eq!(status(&deliveries, challenge).await, Status::Sent);
    world.operator.reports(theirs("a", Delivered));
    for _ in 0..40 {
        world.clock.advance(Duration::from_secs(2));
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(status(&deliveries, challenge).await, Status::Delivered);
    let rows = store.scan(storage::Scan::of(
        storage::Key::table("delivery-question").build(),
    ));
    assert!(rows.await.unwrap().is_empty(), "nothing is asked any more");
    asking.abort();
}

#[tokio::test]
async fn an_unknown_send_is_asked_for_by_our_own_id() {
    let (_store, world, deliveries) = worlds().await;
    let asking = tokio::spawn(actors::deliveries::ask_for_ever(
        deliveries.clone(),
        Arc::clone(&world.operator) as _,
    ));
    let challenge = unknown(&world).await;
    let message = world.operator.messages()[0].id;
    let refused = Outcome::Refused {
        permanent: false,
        code: "delivery 11".to_owned(),
        text: String::new(),
    };
    world.operator.knows(message, refused);
    for _ in 0..6 {
        world.clock.advance(Duration::from_secs(2));
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(status(&deliveries, challenge).await, Status::Failed);
    assert_eq!(world.reason().await, Reason::Success, "its window is free");
    asking.abort();
}

/// A partner's server that does as it is told, and keeps what it was posted.
#[derive(Default)]
struct Partner {
    posts: Mutex<Vec<(Uuid, Status)>>,
    script: Mutex<VecDeque<Posted>>,
}

impl Poster<EventRecord> for Partner {
    fn post<'a>(&'a self, hook: &'a Hook, id: Uuid, event: &'a EventRecord, _: Now) -> BoxFuture<'a, Posted> {
        assert_eq!((hook.url.as_str(), hook.key.len()), ("https://partner.test/", 32));
        self.posts.lock().unwrap().push((id, event.status));
        let posted = self.script.lock().unwrap().pop_front().unwrap_or(Posted::Taken);
        Box::pin(async move { posted })
    }
}

fn again(after_seconds: Option<u32>) -> Posted {
    Posted::Again {
        after_seconds,
        status: None,
    }
}

impl Partner {
    fn posts(&self) -> Vec<(Uuid, Status)> {
        self.posts.lock().unwrap().clone()
    }
}

async fn told(script: &[Posted]) -> (World, Deliveries, Arc<Partner>, tokio::task::JoinHandle<()>) {
    let (_store, world, deliveries) = worlds().await;
    let url = Some("https://partner.test/".to_owned());
    deliveries.outbox.put_hook(INVOKER, url).await.unwrap();
    let partner = Arc::new(Partner::default());
    partner.script.lock().unwrap().extend(script);
    let running = tokio::spawn(deliveries.outbox.clone().run(Arc::clone(&partner) as _));
    (world, deliveries, partner, running)
}

async fn wait(world: &World, seconds: u64) {
    for _ in 0..seconds.div_ceil(5) {
        world.clock.advance(Duration::from_secs(5));
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_partner_that_wishes_is_told_each_change_once() {
    let (world, deliveries, partner, running) = told(&[]).await;
    sent(&world, &["a", "b"], false).await;
    deliveries.take("smpp", &theirs("a", Delivered)).await.unwrap();
    deliveries.take("smpp", &theirs("b", Delivered)).await.unwrap();
    until("it is posted", || !partner.posts().is_empty()).await;
    wait(&world, 60).await;
    let statuses: Vec<Status> = partner.posts().into_iter().map(|(_, status)| status).collect();
    assert_eq!(statuses, [Status::Delivered]);
    running.abort();
}

#[tokio::test]
async fn news_that_are_not_taken_come_again_under_the_same_id() {
    let (world, deliveries, partner, running) = told(&[again(None), again(Some(600))]).await;
    sent(&world, &["a"], false).await;
    deliveries.take("smpp", &theirs("a", Failed)).await.unwrap();
    until("the first post", || partner.posts().len() == 1).await;
    wait(&world, 15).await;
    until("the second, after five seconds", || partner.posts().len() == 2).await;
    wait(&world, 570).await;
    assert_eq!(partner.posts().len(), 2, "the partner asked for ten minutes");
    wait(&world, 60).await;
    until("the third", || partner.posts().len() == 3).await;
    let mut ids: Vec<Uuid> = partner.posts().into_iter().map(|(id, _)| id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1);
    wait(&world, 3_600).await;
    assert_eq!(partner.posts().len(), 3, "taken");
    running.abort();
}

#[tokio::test]
async fn a_partner_that_says_gone_is_told_nothing_more() {
    let (world, deliveries, partner, running) = told(&[Posted::Gone]).await;
    sent(&world, &["a"], false).await;
    deliveries.take("smpp", &theirs("a", Failed)).await.unwrap();
    until("it is posted", || !partner.posts().is_empty()).await;
    wait(&world, 30).await;
    assert_eq!(deliveries.outbox.hook(INVOKER).await.unwrap(), None);
    deliveries.take("smpp", &theirs("a", Delivered)).await.unwrap();
    wait(&world, 30).await;
    assert_eq!(partner.posts().len(), 1);
    running.abort();
}

#[tokio::test]
async fn a_new_wish_has_a_new_key() {
    let (_store, _world, deliveries) = worlds().await;
    let put = || {
        deliveries
            .outbox
            .put_hook(INVOKER, Some("https://partner.test/".to_owned()))
    };
    let (first, second) = (put().await.unwrap().unwrap(), put().await.unwrap().unwrap());
    let key = |hook| deliveries.outbox.key_of(INVOKER, hook);
    assert_ne!(key(&first), key(&second));
    assert_ne!(
        key(&first),
        deliveries.outbox.key_of(InvokerCode(Uuid::from_u128(5)), &first)
    );
    assert_eq!(deliveries.outbox.hook(INVOKER).await.unwrap(), Some(second));
}

#[tokio::test]
async fn nothing_is_left_of_a_send_that_the_operator_refused() {
    let (store, world, _deliveries) = worlds().await;
    world.operator.will(Act::Refuse("418"));
    assert_eq!(world.reason().await, Reason::SendSmsFault);
    let rows = store.scan(storage::Scan::of(storage::Key::table("delivery").build()));
    assert!(rows.await.unwrap().is_empty());
}
