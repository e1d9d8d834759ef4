//! The rules of one agent's queue, each a row or a story.

use super::*;
use crate::testing::now_at;
use signing_protocol::{AgentId, Form, KeyId, Octets, Request, SecretKey};
use uuid::Uuid;

const FIRST: SessionId = SessionId(Uuid::from_u128(101));
const SECOND: SessionId = SessionId(Uuid::from_u128(102));
const ANSWER: Digest = [1; 32];
const OTHER: Digest = [2; 32];

fn id(number: u128) -> RequestId {
    RequestId(Uuid::from_u128(number))
}

fn request(number: u128, octets: usize) -> Arc<SignedRequest> {
    let request = Request {
        id: id(number),
        agent: AgentId(Uuid::from_u128(1)),
        deadline: now_at(30_000).wall,
        task: Task::Sign {
            register: None,
            key: KeyId(Uuid::from_u128(2)),
            form: Form::CmsAttached,
            bytes: Octets(vec![0; octets]),
        },
    };
    Arc::new(request.sign(&SecretKey::from_seed(&[3; 32])))
}

/// A queue with requests 1 to `count`, all asked at 0 for 30 seconds.
fn asked(count: u128) -> Queue {
    let mut queue = Queue::new(100);
    for number in 1..=count {
        queue.ask(request(number, 10), Moment(30_000), now_at(0)).unwrap();
    }
    queue
}

fn handed(queue: &mut Queue, session: SessionId, max: usize, at_ms: i64) -> Vec<u128> {
    let handed = queue.hand_out(session, max, now_at(at_ms));
    let number = |request: &Arc<SignedRequest>| request.request.id.0.as_u128();
    handed.requests.iter().map(number).collect()
}

#[test]
fn requests_are_handed_out_oldest_first_and_as_many_as_asked_for() {
    let mut queue = asked(5);
    assert_eq!(handed(&mut queue, FIRST, 2, 0), [1, 2]);
    assert_eq!(handed(&mut queue, FIRST, 64, 0), [3, 4, 5]);
    assert!(handed(&mut queue, FIRST, 64, 0).is_empty());
}

#[test]
fn what_was_handed_out_comes_again_after_five_seconds_and_to_a_new_session_at_once() {
    let mut queue = asked(2);
    assert_eq!(handed(&mut queue, FIRST, 64, 0), [1, 2]);
    let pause = queue.hand_out(FIRST, 64, now_at(1_000));
    assert_eq!(pause.again_at, Some(Moment(5_000)));
    assert!(handed(&mut queue, FIRST, 64, 4_999).is_empty());
    assert_eq!(handed(&mut queue, FIRST, 64, 5_000), [1, 2]);
    assert_eq!(handed(&mut queue, SECOND, 64, 5_001), [1, 2]);
}

#[test]
fn a_request_past_its_deadline_is_not_given_any_more() {
    let mut queue = asked(1);
    assert!(handed(&mut queue, FIRST, 64, 30_000).is_empty());
    assert_eq!(queue.waiting(), 0);
}

#[test]
fn one_answer_of_a_poll_stays_below_its_octets_but_holds_at_least_one_request() {
    let mut queue = Queue::new(100);
    for number in 1..=9 {
        queue
            .ask(request(number, 500_000), Moment(30_000), now_at(0))
            .unwrap();
    }
    // Six of 668,000 octets fit into four mebioctets.
    assert_eq!(handed(&mut queue, FIRST, 64, 0).len(), 6);
    assert_eq!(handed(&mut queue, FIRST, 64, 0), [7, 8, 9]);
}

#[test]
fn asking_again_under_the_same_id_changes_nothing() {
    let mut queue = asked(1);
    assert_eq!(handed(&mut queue, FIRST, 64, 0), [1]);
    queue.ask(request(1, 10), Moment(99_000), now_at(10)).unwrap();
    assert_eq!(queue.waiting(), 1);
    assert!(
        handed(&mut queue, FIRST, 64, 20).is_empty(),
        "it is with the agent"
    );
}

#[test]
fn a_full_queue_takes_no_more_until_something_ends() {
    let mut queue = Queue::new(1);
    queue.ask(request(1, 1), Moment(10), now_at(0)).unwrap();
    assert_eq!(queue.ask(request(2, 1), Moment(99), now_at(0)), Err(Full));
    assert_eq!(
        queue.ask(request(2, 1), Moment(99), now_at(10)),
        Ok(()),
        "the first is out of time"
    );
}

/// What a delivery of `answer` is, as a word.
fn word(queue: &mut Queue, number: u128, answer: &Digest, at_ms: i64) -> &'static str {
    match queue.delivered(id(number), answer, now_at(at_ms)) {
        Delivered::Judge(_) => "judge",
        Delivered::Repeated => "repeated",
        Delivered::Other => "other",
        Delivered::Late => "late",
        Delivered::Unknown => "unknown",
    }
}

#[test]
fn each_delivery_is_told_for_what_it_is() {
    let mut queue = asked(3);
    assert_eq!(word(&mut queue, 1, &ANSWER, 1), "judge", "handed out or not");
    assert_eq!(
        queue.settle(id(1), ANSWER, now_at(1_500)).map_err(drop),
        Ok(Settled { took_ms: 1_500 })
    );
    queue.withdraw(id(2), now_at(2_000));
    for (number, answer, at_ms, expected) in [
        (1, ANSWER, 2_000, "repeated"),
        (1, OTHER, 2_000, "other"),
        (2, ANSWER, 2_000, "late"),
        (3, ANSWER, 29_999, "judge"),
        (3, ANSWER, 30_000, "late"),
        (4, ANSWER, 2_000, "unknown"),
        (1, ANSWER, 60_000, "repeated"),
        (1, ANSWER, 1_500 + 20 * 60_000, "unknown"),
    ] {
        assert_eq!(
            word(&mut queue, number, &answer, at_ms),
            expected,
            "{number} at {at_ms}"
        );
    }
}

#[test]
fn an_answer_that_was_judged_too_long_is_late() {
    let mut queue = asked(1);
    assert_eq!(word(&mut queue, 1, &ANSWER, 29_000), "judge");
    let settled = queue.settle(id(1), ANSWER, now_at(30_001));
    assert!(matches!(settled, Err(Delivered::Late)), "{settled:?}");
}

#[test]
fn of_two_answers_judged_at_once_the_first_settles() {
    let mut queue = asked(1);
    assert_eq!(word(&mut queue, 1, &ANSWER, 1), "judge");
    assert_eq!(word(&mut queue, 1, &OTHER, 1), "judge");
    queue.settle(id(1), ANSWER, now_at(2)).unwrap();
    let second = queue.settle(id(1), OTHER, now_at(2));
    assert!(matches!(second, Err(Delivered::Other)), "{second:?}");
}

#[test]
fn what_is_asked_once_more_takes_the_same_answer_and_no_other() {
    let mut queue = asked(1);
    queue.settle(id(1), ANSWER, now_at(1)).unwrap();
    queue.ask(request(1, 10), Moment(30_000), now_at(2)).unwrap();
    assert_eq!(handed(&mut queue, FIRST, 64, 2), [1], "it is handed out again");
    assert_eq!(word(&mut queue, 1, &OTHER, 3), "other");
    assert_eq!(word(&mut queue, 1, &ANSWER, 3), "judge");
    queue.settle(id(1), ANSWER, now_at(3)).unwrap();
    assert_eq!(word(&mut queue, 1, &ANSWER, 4), "repeated");
}

#[test]
fn the_third_unfit_signature_gives_a_request_up() {
    let mut queue = asked(1);
    assert!(!queue.unfit(id(1), now_at(1)));
    assert!(!queue.unfit(id(1), now_at(2)));
    assert!(queue.unfit(id(1), now_at(3)));
    assert_eq!(word(&mut queue, 1, &ANSWER, 4), "late");
    assert!(!queue.unfit(id(1), now_at(5)), "it is over already");
}

#[test]
fn sessions_that_take_turns_are_seen() {
    let mut queue = Queue::new(1);
    for (session, seen) in [
        (FIRST, Session::New),
        (FIRST, Session::Same),
        (SECOND, Session::New),
        (SECOND, Session::Same),
        (FIRST, Session::Returned),
        (SECOND, Session::Returned),
    ] {
        assert_eq!(queue.begin_poll(session), seen);
    }
}

#[test]
fn the_digest_of_a_repeated_end_is_remembered_from_its_last_end() {
    let mut queue = asked(1);
    queue.settle(id(1), ANSWER, now_at(0)).unwrap();
    let later = 19 * 60_000;
    queue
        .ask(request(1, 10), Moment(later + 1_000), now_at(later))
        .unwrap();
    queue.settle(id(1), ANSWER, now_at(later)).unwrap();
    assert_eq!(word(&mut queue, 1, &ANSWER, 21 * 60_000), "repeated");
    assert_eq!(word(&mut queue, 1, &ANSWER, later + 20 * 60_000), "unknown");
}
