//! The queue: in the order of the calls, never longer than its limit, nobody forgotten when it stops.

use std::{sync::Arc, time::Duration};

use crate::queue::{Queue, Taken, Ticket};

fn take(queue: &Queue<u32>, items_max: usize) -> Vec<u32> {
    match queue.take(Duration::ZERO, |taken, _| taken < items_max) {
        Taken::Items(items, _) => items,
        Taken::Nothing | Taken::Stopped => Vec::new(),
    }
}

fn push(queue: &Queue<u32>, item: u32) -> Ticket<'_, u32> {
    queue
        .push(item)
        .unwrap_or_else(|item| panic!("{item} was refused"))
}

#[test]
fn a_full_queue_keeps_the_order_of_the_calls() {
    let queue = Queue::new(2);
    let tickets: Vec<_> = (0..10).map(|item| push(&queue, item)).collect();
    let mut taken = Vec::new();
    while taken.len() < 10 {
        let items = take(&queue, 3);
        assert!(
            (1..=2).contains(&items.len()),
            "never more than the limit is inside"
        );
        taken.extend(items);
    }
    assert_eq!(taken, (0..10).collect::<Vec<_>>());
    drop(tickets);
}

#[test]
fn one_who_gives_up_outside_takes_the_item_back_and_leaves_no_gap() {
    let queue = Queue::new(1);
    let inside = push(&queue, 0);
    let (first, second, third) = (push(&queue, 1), push(&queue, 2), push(&queue, 3));
    drop(inside);
    drop(first);
    drop(third);
    assert_eq!(take(&queue, 9), [0], "inside it stays");
    assert_eq!(take(&queue, 9), [2]);
    drop(second);
    drop(push(&queue, 4));
    assert_eq!(take(&queue, 9), [4]);
}

#[test]
fn stopping_drops_what_found_no_room_and_keeps_the_rest() {
    let queue = Queue::new(1);
    let tickets = (push(&queue, 0), push(&queue, 1));
    queue.stop();
    assert!(matches!(queue.push(2), Err(2)));
    assert_eq!(take(&queue, 9), [0]);
    assert!(matches!(
        queue.take(Duration::from_secs(60), |_, _| true),
        Taken::Stopped
    ));
    drop(tickets);
}

#[test]
fn abandoning_drops_everything() {
    let queue = Queue::new(1);
    let tickets = (push(&queue, 0), push(&queue, 1));
    queue.abandon();
    assert!(matches!(
        queue.take(Duration::from_secs(60), |_, _| true),
        Taken::Stopped
    ));
    drop(tickets);
}

#[test]
fn the_first_item_is_taken_even_if_it_does_not_fit() {
    let queue = Queue::new(3);
    (7..10).for_each(|item| drop(push(&queue, item)));
    assert_eq!(take(&queue, 0), [7]);
    assert_eq!(take(&queue, 0), [8]);
}

const AN_HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn gathering_ends_when_nothing_comes_and_when_the_queue_is_stopped() {
    let queue = Queue::<u32>::new(9);
    assert_eq!(queue.gather(usize::MAX, Duration::from_millis(1), AN_HOUR), 0);
    std::thread::scope(|scope| {
        let gathering = scope.spawn(|| queue.gather(usize::MAX, AN_HOUR, AN_HOUR));
        queue.stop();
        gathering.join().unwrap();
    });
}

#[test]
fn gathering_goes_on_while_items_come_and_has_an_end() {
    let queue = Queue::new(usize::MAX);
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                drop(push(&queue, 1));
                std::thread::yield_now();
            }
        });
        // Some come in each lull, so that only the limit ends it.
        queue.gather(usize::MAX, Duration::from_millis(20), Duration::from_millis(50));
        let came = take(&queue, usize::MAX).len();
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(came > 1, "{came}");
    });
}

#[test]
fn gathering_ends_with_as_many_as_are_wanted_or_as_there_is_room_for() {
    let queue = Queue::new(5);
    let tickets: Vec<_> = (0..3).map(|item| push(&queue, item)).collect();
    assert_eq!(queue.gather(3, AN_HOUR, AN_HOUR), 3, "they are there");
    std::thread::scope(|scope| {
        for wanted in [4, 6] {
            let queue = &queue;
            let gathering = scope.spawn(move || queue.gather(wanted, AN_HOUR, AN_HOUR));
            drop(push(queue, 9));
            assert_eq!(gathering.join().unwrap(), wanted.min(5));
        }
    });
    drop(tickets);
}

#[test]
fn nobody_is_forgotten_under_load() {
    let queue = Arc::new(Queue::new(3));
    let (kept, taken) = std::thread::scope(|scope| {
        let pushers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut tickets = Vec::new();
                    for item in 0..5_000 {
                        let ticket = push(&queue, item);
                        // One in five gives up.
                        tickets.extend((item % 5 != 0).then_some(ticket));
                    }
                    tickets
                })
            })
            .collect();
        let taker = scope.spawn(|| {
            let mut taken = 0;
            while let Taken::Items(items, _) = queue.take(Duration::from_secs(60), |taken, _| taken < 2) {
                taken += items.len();
            }
            taken
        });
        let kept: Vec<_> = pushers.into_iter().map(|pusher| pusher.join().unwrap()).collect();
        // The taker ends when the queue is stopped, which it is once all who stay outside have moved up.
        while !matches!(queue.push(0).map(|ticket| ticket.found_room()), Ok(true)) {
            std::thread::yield_now();
        }
        queue.stop();
        (kept.iter().map(Vec::len).sum::<usize>(), taker.join().unwrap())
    });
    assert_eq!(kept, 16_000);
    assert!((kept..=20_001).contains(&taken), "{taken} of at least {kept}");
}
