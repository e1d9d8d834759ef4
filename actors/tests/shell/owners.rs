//! Webhooks of owners: what registers owe is delivered in order, tried again, given up, kept, replayed, bounded; through restarts.

use crate::owners_world::{
    ACCOUNT, OTHER, World, again, opened, others_register, register, second_register, settings, world,
};
use crate::register_world::sale;
use actors::hooks::Posted;
use actors::machines::register::{OperationState, Request};
use actors::owners::{Ending, Listener, Place, Replay, Replayed, Settings, Wanted};
use std::collections::BTreeSet;
use std::time::Duration;
use storage::{Key, Scan, Store};
use uuid::Uuid;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

async fn count(world: &World, table: &'static str) -> usize {
    let scan = Scan::of(Key::table(table).build());
    world.store.scan(scan).await.unwrap().len()
}

#[tokio::test]
async fn what_is_owed_is_delivered_once_in_order_and_kept() {
    let world = world().await;
    for _ in 0..3 {
        world.sell(register()).await;
    }
    world.posted(5).await;
    assert_eq!(
        world.receiver.topics(),
        [
            "document.registered",
            "shift.opened",
            "document.registered",
            "document.registered",
            "document.registered"
        ]
    );
    let ids = world.receiver.ids();
    assert!(ids.is_sorted());
    world.wait(seconds(7_200)).await;
    assert_eq!(world.receiver.ids(), ids, "each once");
    let kept = world
        .listed(Wanted {
            delivered: true,
            ..all()
        })
        .await;
    assert_eq!(kept.iter().map(|listed| listed.event.id).collect::<Vec<_>>(), ids);
    assert!(kept.iter().all(|listed| listed.tries == 1));
    assert_eq!(world.listed(Wanted { owed: true, ..all() }).await, []);
    assert_eq!(world.ended("delivered"), 5);
    assert_eq!(world.metrics.pending.get(), 0);
}

fn all() -> Wanted {
    Wanted {
        limit: 1_000,
        ..Wanted::default()
    }
}

#[tokio::test]
async fn what_is_not_taken_comes_again_after_growing_pauses_under_its_id_and_nothing_overtakes_it() {
    let world = world().await;
    world.receiver.will(&[again(None); 4]);
    world.sell(register()).await;
    world.sell(register()).await;
    let began = world.now();
    for (tries, pause) in [(1, 5), (2, 10), (3, 20), (4, 40)] {
        world.posted(tries).await;
        let owed = world.listed(Wanted { owed: true, ..all() }).await;
        assert_eq!((owed.len(), owed[0].tries), (4, u32::try_from(tries).unwrap()));
        assert_eq!(owed[0].status, Some(503));
        world.wait(seconds(pause - 1)).await;
        assert_eq!(world.receiver.count(), tries, "not before {pause} s");
        world.wait(seconds(1)).await;
    }
    world.posted(8).await;
    assert_eq!((world.now() - began).as_secs(), 75);
    let mut ids = world.receiver.ids();
    ids.dedup();
    assert_eq!(ids.len(), 4, "the first came again and again, then the others");
    assert!(ids.is_sorted());
}

#[tokio::test]
async fn a_receiver_may_ask_for_more_time() {
    let world = world().await;
    world.receiver.will(&[again(Some(600))]);
    world.sell(register()).await;
    world.posted(1).await;
    world.wait(seconds(599)).await;
    assert_eq!(world.receiver.count(), 1);
    world.wait(seconds(1)).await;
    world.posted(4).await;
}

#[tokio::test]
async fn what_is_too_old_is_given_up_and_can_be_replayed() {
    let world = world().await;
    world.receiver.set_default(again(None));
    world.sell(register()).await;
    world.wait(seconds(3_700)).await;
    world
        .until("all is given up", || world.metrics.pending.get() == 0)
        .await;
    let given_up = world
        .listed(Wanted {
            given_up: true,
            ..all()
        })
        .await;
    assert_eq!(given_up.len(), 3);
    assert!(matches!(given_up[0].place, Place::Ended(Ending::GivenUp, _)));
    assert_eq!(world.ended("given_up"), 3);
    let posts = world.receiver.count();
    world.wait(seconds(7_200)).await;
    assert_eq!(world.receiver.count(), posts, "nothing is tried any more");
    // The receiver is mended: new events come, and what was given up comes when it is asked for.
    world.receiver.set_default(Posted::Taken);
    world.sell(register()).await;
    world.posted(posts + 1).await;
    let replayed = world.owners.replay(ACCOUNT, Replay::Since(0)).await.unwrap();
    assert_eq!(replayed, Replayed::Begun);
    world.posted(posts + 5).await;
    let again: Vec<Uuid> = world.receiver.ids().split_off(posts + 1);
    assert!(again.is_sorted());
    assert_eq!(
        again[..3],
        given_up.iter().map(|listed| listed.event.id).collect::<Vec<_>>()
    );
    world.until_replayed().await;
    assert_eq!(
        world
            .listed(Wanted {
                given_up: true,
                ..all()
            })
            .await,
        []
    );
    assert_eq!(
        world
            .listed(Wanted {
                delivered: true,
                ..all()
            })
            .await
            .len(),
        4
    );
}

#[tokio::test]
async fn a_younger_event_is_tried_before_it_is_given_up_with_an_old_one() {
    let world = world().await;
    world.receiver.set_default(again(None));
    world.sell(register()).await;
    world.wait(seconds(3_000)).await;
    world.sell(register()).await;
    world.wait(seconds(700)).await;
    let given_up = world
        .listed(Wanted {
            given_up: true,
            ..all()
        })
        .await;
    let owed = world.listed(Wanted { owed: true, ..all() }).await;
    assert_eq!((given_up.len(), owed.len()), (3, 1), "only what is an hour old");
    world.receiver.set_default(Posted::Taken);
    world.wait(seconds(60)).await;
    world
        .until("it is taken", || world.metrics.pending.get() == 0)
        .await;
}

#[tokio::test]
async fn a_register_in_trouble_holds_up_no_other() {
    let world = world().await;
    world.receiver.refuse(register());
    world.sell(register()).await;
    world.sell(second_register()).await;
    world
        .until("the second register's events are taken", || {
            world.receiver.taken(second_register()) == 3
        })
        .await;
    assert_eq!(world.receiver.taken(register()), 0);
}

#[tokio::test]
async fn a_receiver_that_never_answers_holds_up_neither_sales_nor_other_accounts() {
    let world = world().await;
    world
        .owners
        .put_hook(OTHER, "https://other.test/".to_owned())
        .await
        .unwrap();
    world.receiver.hold(register());
    world.sell(register()).await;
    world.posted(1).await;
    // Sales go on; so does another account's delivery.
    world.sell(register()).await;
    world.sell(others_register()).await;
    world
        .until("the other account's events are taken", || {
            world.receiver.taken(others_register()) == 3
        })
        .await;
    assert_eq!(world.receiver.taken(register()), 0);
    world.receiver.release();
    world
        .until("the rest is taken", || world.receiver.taken(register()) == 4)
        .await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_owed_nothing_until_its_webhook_is_put_again() {
    let world = world().await;
    world.receiver.will(&[Posted::Gone]);
    world.sell(register()).await;
    world
        .until("it is known to be gone", || {
            world.owners.hook(ACCOUNT).unwrap().gone_ms.is_some()
        })
        .await;
    world.sell(register()).await;
    world.wait(seconds(7_200)).await;
    assert_eq!(world.receiver.count(), 1);
    let owed = world.listed(Wanted { owed: true, ..all() }).await;
    assert!(
        (1..=3).contains(&owed.len()),
        "what was owed before stays: {}",
        owed.len()
    );
    assert_eq!(
        world.owners.replay(ACCOUNT, Replay::Since(0)).await.unwrap(),
        Replayed::NoHook
    );
    world
        .owners
        .put_hook(ACCOUNT, "https://owner.test/".to_owned())
        .await
        .unwrap();
    world
        .until("it is taken", || world.metrics.pending.get() == 0)
        .await;
    assert_eq!(
        world.receiver.ids()[0],
        world.receiver.ids()[1],
        "the first comes again"
    );
}

#[tokio::test]
async fn another_url_is_tried_at_once() {
    let world = world().await;
    world.receiver.will(&[again(Some(80_000))]);
    world.sell(register()).await;
    world.posted(1).await;
    world.wait(seconds(60)).await;
    assert_eq!(world.receiver.count(), 1);
    let put = world
        .owners
        .put_hook(ACCOUNT, "https://mended.test/".to_owned())
        .await
        .unwrap();
    assert!(put.key.is_none(), "the key stays, and is not shown again");
    world.posted(4).await;
    assert_eq!(world.receiver.urls().split_off(1), ["https://mended.test/"; 3]);
}

#[tokio::test]
async fn a_kill_between_commit_and_delivery_loses_nothing() {
    let mut world = world().await;
    world.stop_courier();
    for _ in 0..3 {
        world.sell(register()).await;
    }
    assert_eq!(world.receiver.count(), 0);
    world.restart().await;
    world.posted(5).await;
    assert_eq!(
        world.receiver.topics()[..2],
        ["document.registered", "shift.opened"]
    );
    assert!(world.receiver.ids().is_sorted());
    world
        .until("all is delivered", || world.metrics.pending.get() == 0)
        .await;
}

#[tokio::test]
async fn a_kill_between_delivery_and_its_commit_delivers_again_under_the_same_id() {
    let mut world = world().await;
    world.receiver.hold(register());
    world.sell(register()).await;
    world.posted(1).await;
    world.restart().await;
    world.receiver.release();
    world
        .until("all is delivered", || world.receiver.taken(register()) >= 3)
        .await;
    let ids = world.receiver.ids();
    assert_eq!(ids[0], ids[1], "at least once, by the same id");
}

#[tokio::test]
async fn pauses_go_on_where_they_were_after_a_restart() {
    let mut world = world().await;
    world.receiver.will(&[again(None), again(None), again(None)]);
    world.sell(register()).await;
    world.posted(1).await;
    world.wait(seconds(5)).await;
    world.posted(2).await;
    world.wait(seconds(10)).await;
    world.posted(3).await;
    world.until_owed_tries(3).await;
    world.restart().await;
    world.wait(seconds(19)).await;
    assert_eq!(world.receiver.count(), 3, "twenty seconds after the third");
    world.wait(seconds(1)).await;
    world.posted(6).await;
}

#[tokio::test]
async fn the_oldest_delivered_are_dropped_first_then_the_given_up_then_the_owed() {
    let bound = Settings {
        kept_max: 6,
        ..settings()
    };
    let world = opened(bound).await;
    for _ in 0..6 {
        world.sell(register()).await;
    }
    world
        .until("all is delivered", || world.ended("delivered") == 8)
        .await;
    let kept = world
        .listed(Wanted {
            delivered: true,
            ..all()
        })
        .await;
    let ids = world.receiver.ids();
    let kept_ids: Vec<Uuid> = kept.iter().map(|listed| listed.event.id).collect();
    assert_eq!(kept_ids, ids[2..], "the oldest two are gone");
    // The receiver dies: what is owed takes the place of what was delivered, and then of the oldest owed.
    world.receiver.set_default(again(None));
    for _ in 0..10 {
        world.sell(register()).await;
    }
    world
        .until("the bound holds", || world.metrics.pending.get() == 6)
        .await;
    assert_eq!(
        world
            .listed(Wanted {
                delivered: true,
                ..all()
            })
            .await,
        []
    );
    assert_eq!(world.ended("dropped"), 4);
    world.receiver.set_default(Posted::Taken);
    world.wait(seconds(60)).await;
    world
        .until("what is left is delivered", || world.metrics.pending.get() == 0)
        .await;
    let kept = world
        .listed(Wanted {
            delivered: true,
            ..all()
        })
        .await;
    assert_eq!(kept.len(), 6);
    let last: Vec<u64> = kept
        .iter()
        .filter_map(|listed| Some(listed.event.news.document()?.local_number.get()))
        .collect();
    assert_eq!(last, [12, 13, 14, 15, 16, 17], "the newest stay");
}

#[tokio::test]
async fn without_a_webhook_nothing_is_owed_and_without_one_any_more_nothing_is_kept() {
    let world = world().await;
    world.owners.delete_hook(ACCOUNT).await.unwrap();
    world.sell(register()).await;
    assert_eq!(world.owners.listener(register()), None);
    assert_eq!(count(&world, "owner-owed").await, 0);
    world
        .owners
        .put_hook(ACCOUNT, "https://owner.test/".to_owned())
        .await
        .unwrap();
    world.sell(register()).await;
    world.posted(1).await;
    world.receiver.set_default(again(None));
    world.sell(register()).await;
    world.posted(2).await;
    world.owners.delete_hook(ACCOUNT).await.unwrap();
    for table in ["owner-hook", "owner-owed", "owner-kept", "owner-replay"] {
        assert_eq!(count(&world, table).await, 0, "{table}");
    }
    assert_eq!(world.metrics.pending.get(), 0);
    assert!(world.owners.rotate_key(ACCOUNT).await.unwrap().is_none());
}

#[tokio::test]
async fn a_new_key_signs_at_once_and_the_one_before_it_for_a_day() {
    let world = world().await;
    world.sell(register()).await;
    world.posted(3).await;
    let first = world.receiver.keys().pop().unwrap();
    assert_eq!((first.0.len(), first.1.is_none()), (32, true));
    let rotated = world.owners.rotate_key(ACCOUNT).await.unwrap().unwrap();
    let shown = rotated.key.expect("a new key is shown").to_vec();
    assert_ne!(shown, first.0);
    world.sell(register()).await;
    world.posted(4).await;
    assert_eq!(
        world.receiver.keys().pop().unwrap(),
        (shown.clone(), Some(first.0))
    );
    world.wait(seconds(24 * 3_600)).await;
    world.sell(register()).await;
    world.until("it is posted", || world.receiver.count() >= 5).await;
    assert_eq!(world.receiver.keys().pop().unwrap(), (shown, None));
}

#[tokio::test]
async fn one_event_or_all_since_a_moment_are_posted_again_and_new_ones_do_not_wait() {
    let mut world = world().await;
    world.sell(register()).await;
    world.posted(3).await;
    world.wait(seconds(100)).await;
    let since = world.wall_ms();
    world.sell(register()).await;
    world.sell(second_register()).await;
    world.posted(7).await;
    let ids = world.receiver.ids();
    world
        .until("all is delivered", || world.metrics.pending.get() == 0)
        .await;
    let replay = |replay| world.owners.replay(ACCOUNT, replay);
    assert_eq!(
        replay(Replay::One(Uuid::from_u128(5))).await.unwrap(),
        Replayed::NoEvent
    );
    assert_eq!(replay(Replay::One(ids[1])).await.unwrap(), Replayed::Begun);
    world.posted(8).await;
    assert_eq!(world.receiver.ids()[7], ids[1]);
    world.until_replayed().await;
    // Since: in the order of what happened; in vain at first, while new events go on.
    world.receiver.will(&[again(None)]);
    assert_eq!(
        world.owners.replay(ACCOUNT, Replay::Since(since)).await.unwrap(),
        Replayed::Begun
    );
    world.posted(9).await;
    world.wait(seconds(1)).await;
    world.sell(register()).await;
    world.posted(10).await;
    // And through a restart.
    world.restart().await;
    world.wait(seconds(5)).await;
    world.posted(14).await;
    let again = world.receiver.ids().split_off(10);
    let mut wanted = ids[3..].to_vec();
    wanted.sort();
    assert_eq!(again, wanted);
    world.until_replayed().await;
    assert_eq!(
        world.owners.replay(OTHER, Replay::Since(0)).await.unwrap(),
        Replayed::NoHook
    );
}

#[tokio::test]
async fn lists_are_by_state_register_and_moment_and_go_on_behind_a_page() {
    let world = world().await;
    world.sell(register()).await;
    world.wait(seconds(50)).await;
    let since = world.wall_ms();
    world.sell(second_register()).await;
    world.posted(6).await;
    world
        .until("all is delivered", || world.metrics.pending.get() == 0)
        .await;
    world.receiver.set_default(again(None));
    world.sell(register()).await;
    world.posted(7).await;
    let every = Wanted {
        owed: true,
        delivered: true,
        given_up: true,
        ..all()
    };
    assert_eq!(world.listed(every).await.len(), 7);
    let listing = &world;
    let of = |wanted| async move { listing.listed(wanted).await.len() };
    assert_eq!(
        of(Wanted {
            register: Some(register()),
            ..every
        })
        .await,
        4
    );
    assert_eq!(
        of(Wanted {
            since_ms: Some(since),
            ..every
        })
        .await,
        4
    );
    assert_eq!(of(Wanted { owed: true, ..all() }).await, 1);
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = world
            .listed(Wanted {
                after,
                limit: 3,
                ..every
            })
            .await;
        after = page.last().map(|listed| listed.event.id);
        if page.is_empty() {
            break;
        }
        pages.extend(page);
    }
    assert_eq!(pages, world.listed(every).await);
}

#[tokio::test]
async fn a_store_that_fails_for_a_moment_loses_nothing() {
    let world = world().await;
    world.receiver.hold(register());
    world.sell(register()).await;
    world.posted(1).await;
    world.fail_commits(2);
    world.receiver.release();
    world.wait(seconds(30)).await;
    world
        .until("all is delivered", || world.metrics.pending.get() == 0)
        .await;
    let ids = world.receiver.ids();
    let each: BTreeSet<&Uuid> = ids.iter().collect();
    assert_eq!(each.len(), 3);
    assert_eq!(
        ids.len(),
        2 * 3 + 1,
        "the first row's two again after each failure"
    );
    let firsts: Vec<&Uuid> = ids[4..].iter().collect();
    assert!(firsts.is_sorted(), "in order");
}

#[tokio::test]
async fn sales_do_not_fail_where_their_owner_cannot_be_told() {
    let world = world().await;
    world.receiver.set_default(again(None));
    assert!(matches!(world.sell(register()).await, OperationState::Done(_)));
    assert!(matches!(
        world.order(register(), Request::CloseShift).await,
        OperationState::Done(_)
    ));
    assert!(matches!(
        world.order(register(), sale("1.00")).await,
        OperationState::Done(_)
    ));
}

#[tokio::test]
async fn what_is_owed_is_counted_when_a_process_begins() {
    let world = world().await;
    world.receiver.set_default(again(None));
    world.sell(register()).await;
    world.posted(1).await;
    world.until_owed_tries(1).await;
    let other = world.another().await;
    assert_eq!(other.metrics.pending.get(), 3);
}
