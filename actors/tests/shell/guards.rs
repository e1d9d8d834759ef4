//! What stands before operators: what is refused there is not sent, and what is remembered there survives.

use crate::world::INVOKER;
use actors::guards::{Guarded, Guards, Settings, SpentRecord};
use actors::ids::{ChallengeId, InvokerCode, MessageId};
use actors::metrics::Metrics;
use actors::phone::Phone;
use actors::ports::{Message, Outcome, SmsSender};
use actors::secret::Secret;
use actors::testing::{Act, ManualClock, ScriptedOperator};
use sms::traffic::Rule;
use std::sync::Arc;
use std::time::Duration;
use storage::record::decode;
use storage::{MemoryStore, Store};
use uuid::Uuid;

struct World {
    store: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
    operator: Arc<ScriptedOperator>,
    guarded: Guarded,
}

async fn over(store: Arc<MemoryStore>, clock: Arc<ManualClock>, settings: Settings) -> World {
    let metrics = Metrics::new(&prometheus::Registry::new()).unwrap();
    let dynamic = Arc::<MemoryStore>::clone(&store) as Arc<dyn Store>;
    let guards = Guards::open(settings, dynamic, Arc::<ManualClock>::clone(&clock), metrics);
    let operator = Arc::new(ScriptedOperator::default());
    let guarded = Guarded {
        guards: guards.await.unwrap(),
        inner: Arc::<ScriptedOperator>::clone(&operator),
    };
    World {
        store,
        clock,
        operator,
        guarded,
    }
}

async fn world(settings: Settings) -> World {
    over(Arc::default(), Arc::default(), settings).await
}

impl World {
    async fn send_as(&self, partner: InvokerCode, to: &str, text: &str) -> Outcome {
        let message = Message {
            id: MessageId(Uuid::nil()),
            challenge: ChallengeId(Uuid::nil()),
            partner,
            destination: Phone::mobile(to, phonenumber::country::Id::IR).unwrap(),
            text: Secret::new(text),
            lifetime: Duration::from_secs(300),
            deadline: Duration::from_secs(10),
            trace: None,
        };
        self.guarded.send(message).await
    }

    /// `Ok` where it went (or may have), the guard's code where it did not.
    async fn send(&self, to: &str) -> Result<(), String> {
        refusal(self.send_as(INVOKER, to, "1").await)
    }

    fn sent(&self) -> usize {
        self.operator.messages().len()
    }

    /// The process dies without a word, and another begins over what is durable.
    async fn crash(self, settings: Settings) -> World {
        over(Arc::new(self.store.crash()), self.clock, settings).await
    }
}

fn refusal(outcome: Outcome) -> Result<(), String> {
    match outcome {
        Outcome::Refused { code, .. } => Err(code),
        _ => Ok(()),
    }
}

const PHONE: &str = "09121234567";

fn capped(daily_max: u64, margin: u64) -> Settings {
    Settings {
        daily_max,
        margin,
        ..Settings::default()
    }
}

#[tokio::test]
async fn a_country_that_is_not_allowed_gets_nothing() {
    let world = world(Settings {
        allowed_prefixes: vec!["98".to_owned()],
        ..Settings::default()
    })
    .await;
    assert_eq!(world.send(PHONE).await, Ok(()));
    assert_eq!(world.send("+380501234567").await, Err("guard-country".to_owned()));
    assert_eq!(world.sent(), 1);
}

#[tokio::test]
async fn a_message_of_too_many_parts_is_not_sent() {
    let world = world(Settings::default()).await;
    let persian = |units| "ب".repeat(units);
    assert_eq!(
        refusal(world.send_as(INVOKER, PHONE, &persian(201)).await),
        Ok(())
    );
    let long = world.send_as(INVOKER, PHONE, &persian(202)).await;
    assert_eq!(refusal(long), Err("guard-parts".to_owned()));
    assert_eq!(world.sent(), 1);
}

#[tokio::test]
async fn a_partners_cap_is_its_own_counts_parts_and_ends_with_the_day() {
    let other = InvokerCode(Uuid::from_u128(2));
    let world = world(Settings {
        daily_max_of: [(other, 1)].into(),
        prices: vec![("380".to_owned(), 5), ("98".to_owned(), 2)],
        ..capped(9, 100)
    })
    .await;
    let persian = "ب".repeat(71);
    assert_eq!(
        refusal(world.send_as(INVOKER, PHONE, &persian).await),
        Ok(()),
        "4 of 9"
    );
    assert_eq!(world.send("+380501234567").await, Ok(()), "9 of 9");
    assert_eq!(world.send(PHONE).await, Err("guard-spending".to_owned()));
    assert_eq!(
        refusal(world.send_as(other, PHONE, "1").await),
        Err("guard-spending".to_owned())
    );
    assert_eq!(world.sent(), 2);
    assert_eq!(world.guarded.guards.spent(INVOKER), (9, 9));
    world.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(world.send(PHONE).await, Ok(()), "another day");
}

#[tokio::test]
async fn what_the_operator_refused_is_not_spent_and_what_is_unknown_is() {
    let world = world(capped(2, 0)).await;
    world.operator.will(Act::Refuse("418"));
    assert_eq!(world.send(PHONE).await, Err("418".to_owned()));
    world.operator.will(Act::Shrug);
    assert_eq!(world.send(PHONE).await, Ok(()));
    assert_eq!(world.guarded.guards.spent(INVOKER), (1, 2));
    assert_eq!(world.send(PHONE).await, Ok(()));
    assert_eq!(world.send(PHONE).await, Err("guard-spending".to_owned()));
}

#[tokio::test]
async fn a_cap_survives_crashes_and_is_never_exceeded() {
    for margin in [0, 3, 100] {
        let mut world = world(capped(10, margin)).await;
        let mut gone = 0;
        for n in 0..20 {
            gone += usize::from(world.send(PHONE).await.is_ok());
            if n % 3 == 2 {
                world = world.crash(capped(10, margin)).await;
            }
        }
        assert!(gone <= 10, "margin {margin}: {gone}");
        assert!(gone >= 3, "margin {margin}: {gone}");
        if margin == 0 {
            assert_eq!(gone, 10, "without a margin nothing is lost");
        }
    }
}

#[tokio::test]
async fn many_at_once_do_not_slip_through_the_cap() {
    let world = world(capped(50, 7)).await;
    let sends = futures_util::future::join_all((0..200).map(|_| world.send(PHONE))).await;
    assert_eq!(sends.iter().filter(|sent| sent.is_ok()).count(), 50);
    assert_eq!(world.sent(), 50);
}

/// What is granted on disk to the partner today.
async fn granted(world: &World) -> u64 {
    let scan = storage::Scan::of(storage::Key::table("sms-spent").build());
    let rows = world.store.scan(scan).await.unwrap();
    let record = rows
        .first()
        .map(|row| decode::<SpentRecord>(&row.stored.value).unwrap());
    record.map_or(0, |record| record.granted)
}

#[tokio::test]
async fn a_grant_is_renewed_before_it_is_used_up_and_grows_with_the_pace_to_a_hundredth_of_the_cap() {
    let world = world(capped(100_000, 10)).await;
    let mut waited = 0;
    for sent in 1..=5_000_u64 {
        let before = granted(&world).await;
        assert_eq!(world.send(PHONE).await, Ok(()));
        waited += u32::from(before < sent);
        // What was begun behind the message ends.
        tokio::task::yield_now().await;
        let lost = granted(&world).await - sent;
        assert!(lost <= 1_000, "a restart would cost {lost}");
    }
    assert_eq!(waited, 1, "only the day's first message waits");
    assert!(granted(&world).await >= 5_400, "a margin has grown");
    let world = world.crash(capped(100_000, 10)).await;
    assert_eq!(world.send(PHONE).await, Ok(()));
    let (spent, _) = world.guarded.guards.spent(INVOKER);
    assert!((5_001..=6_001).contains(&spent), "{spent}");
    // Who sends one in ten seconds gets small ones again.
    for _ in 0..3_000 {
        world.clock.advance(Duration::from_secs(10));
        assert_eq!(world.send(PHONE).await, Ok(()));
        tokio::task::yield_now().await;
    }
    let (spent, _) = world.guarded.guards.spent(INVOKER);
    assert!(granted(&world).await - spent <= 20);
}

#[tokio::test]
async fn a_large_cap_grants_no_more_than_a_partner_spends_in_a_few_seconds() {
    let world = world(capped(1_000_000_000, 100)).await;
    for sent in 1..=1_000_u64 {
        assert_eq!(world.send(PHONE).await, Ok(()));
        tokio::task::yield_now().await;
        let lost = granted(&world).await - sent;
        // A hundred a second, and twice that where a margin has just grown.
        assert!(lost <= 200, "{lost} after {sent}");
        world.clock.advance(Duration::from_millis(10));
    }
}

const RULE: Rule = Rule {
    sent_min: 10,
    verified_percent_min: 20,
};

fn watching(refuses_suspicious: bool) -> Settings {
    Settings {
        rule: RULE,
        refuses_suspicious,
        ..Settings::default()
    }
}

#[tokio::test]
async fn pumping_is_recorded_by_default_and_refused_when_told() {
    for refuses in [false, true] {
        let world = world(watching(refuses)).await;
        let mut refused = 0;
        for _ in 0..30 {
            refused += usize::from(world.send(PHONE).await == Err("guard-traffic".to_owned()));
        }
        assert_eq!(refused, if refuses { 20 } else { 0 });
        // Another range of numbers is another matter.
        assert_eq!(world.send("09351234567").await, Ok(()));
        // An hour later it is forgotten.
        world.clock.advance(Duration::from_secs(3_600));
        assert_eq!(world.send(PHONE).await, Ok(()));
    }
}

#[tokio::test]
async fn where_codes_are_verified_nothing_is_suspicious() {
    let world = world(watching(true)).await;
    let phone = Phone::mobile(PHONE, phonenumber::country::Id::IR).unwrap();
    for n in 0..60 {
        assert_eq!(world.send(PHONE).await, Ok(()), "{n}");
        if n % 4 == 0 {
            world.guarded.guards.verified(&phone);
        }
    }
}

#[tokio::test]
async fn messages_that_operators_refuse_do_not_make_a_range_suspicious() {
    let world = world(watching(true)).await;
    for _ in 0..30 {
        world.operator.will(Act::Refuse("411"));
        assert_eq!(world.send(PHONE).await, Err("411".to_owned()));
    }
}

#[tokio::test]
async fn what_was_written_of_traffic_survives_a_crash_and_is_taken_away_when_it_is_over() {
    let world = world(watching(true)).await;
    for _ in 0..10 {
        assert_eq!(world.send(PHONE).await, Ok(()));
    }
    world.guarded.guards.write().await.unwrap();
    let world = world.crash(watching(true)).await;
    assert_eq!(world.send(PHONE).await, Err("guard-traffic".to_owned()));
    world.clock.advance(Duration::from_secs(2 * 3_600));
    world.guarded.guards.write().await.unwrap();
    let rows = world
        .store
        .scan(storage::Scan::of(storage::Key::table("sms-traffic").build()));
    assert!(rows.await.unwrap().is_empty());
}

#[tokio::test]
async fn grants_of_days_that_are_over_are_swept() {
    let world = world(capped(9, 0)).await;
    assert_eq!(world.send(PHONE).await, Ok(()));
    let now_ms = actors::clock::Clock::now(world.clock.as_ref())
        .wall
        .timestamp_millis();
    let day_ms = 86_400_000;
    let store = world.store.as_ref();
    assert_eq!(
        actors::guards::sweep(store, now_ms + 3 * day_ms).await.unwrap(),
        0
    );
    assert_eq!(
        actors::guards::sweep(store, now_ms + 5 * day_ms).await.unwrap(),
        1
    );
}
