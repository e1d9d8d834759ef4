//! What the tax service says, at once or late, and what a register makes of it.

use crate::offline::{come_back, go_away, is_offline, settle, shop, sold};
use crate::receipts::{money, sale};
use crate::script::wait_for;
use crate::shifts::{done, refused};
use crate::till::{Server, Till, is_cancelled, seconds};
use actors::machines::Machine;
use actors::machines::register::{
    Ask, Cancelled, DocumentKind, Finding, Link, ManualReason, Note, OperationState, Refusal, Request, Tool,
};
use actors::ports::Posted;
use fiscal::ErrorCode;
use std::time::Duration;

fn rejected(code: i64, text: &str) -> Refusal {
    Refusal::Rejected {
        code,
        text: text.to_owned(),
    }
}

const BY_SCRIPT: &str = "refused by script";

#[tokio::test]
async fn a_word_about_the_shift_that_does_not_fit_the_document_is_a_plain_refusal() {
    for code in [
        ErrorCode::LastDocumentMustBeZRep,
        ErrorCode::ZRepAlreadyRegistered,
    ] {
        let mut till = Till::new().await;
        done(till.ask(sale("1.00")).await);
        let questions = till.questions.len();
        till.server_script = [Server::Refuses(code)].into();
        assert_eq!(
            refused(till.ask(sale("10.00")).await),
            rejected(code.code(), BY_SCRIPT)
        );
        assert!(till.machine().is_shift_open(), "{code}");
        assert_eq!(done(till.ask(sale("20.00")).await).shift, 1, "{code}");
        assert_eq!(till.questions.len(), questions, "{code}: nothing is asked anew");
        till.check().await;
    }
}

#[tokio::test]
async fn what_a_refusal_says_of_the_z_report_is_believed_before_the_state_is_known() {
    let well = Server::Answers(seconds(1));
    for (script, is_reported) in [
        (vec![Server::Refuses(ErrorCode::ZRepAlreadyRegistered)], true),
        (
            vec![well, Server::Refuses(ErrorCode::LastDocumentMustBeZRep)],
            false,
        ),
    ] {
        let mut till = Till::new().await;
        done(till.ask(sale("1.00")).await);
        till.server_script = script.into();
        till.question_default = Server::NotSent;
        till.order(Request::CloseShift).await;
        till.wait(seconds(10)).await;
        assert_eq!(till.view().shift.unwrap().is_reported, is_reported);
        come_back(&mut till);
        till.wait(seconds(60)).await;
        assert!(till.is_at_rest());
        till.check().await;
    }
}

#[tokio::test]
async fn the_words_of_a_refusal_are_kept_up_to_three_hundred_characters() {
    let mut till = Till::new().await;
    done(till.ask(Request::OpenShift).await);
    till.server_script = [Server::SilentAfter].into();
    till.tax = Till::new().await.tax;
    let operation = till.order(sale("10.00")).await;
    till.wait(seconds(1)).await;
    let uid = till.machine().flight().unwrap().uid.clone();
    let mut rejection = crate::server::refusal(ErrorCode::DocumentValidationError);
    rejection.text = "щ".repeat(1_000);
    let posted = Posted::Rejected(rejection);
    till.tell(Ask::Posted { uid, posted }).await;
    assert_eq!(
        refused(till.last_answer(operation).unwrap()),
        rejected(9, &"щ".repeat(300))
    );
}

#[tokio::test]
async fn a_question_that_is_refused_refuses_what_it_was_put_for() {
    for (code, refusal) in [
        // Nothing is known there of this register (204, or code 13).
        (ErrorCode::NoContent, rejected(1, "")),
        (ErrorCode::TransactionsRegistrarAbsent, rejected(1, BY_SCRIPT)),
        (ErrorCode::InvalidTin, rejected(3, BY_SCRIPT)),
    ] {
        let mut till = Till::new().await;
        till.question_script = [Server::Refuses(code)].into();
        assert_eq!(refused(till.ask(sale("10.00")).await), refusal, "{code}");
        assert_eq!((till.posts, till.questions.len()), (0, 1), "{code}");
        done(till.ask(sale("10.00")).await);
        till.check().await;
    }
}

/// A register in whose shift another device has issued something that adds up to nothing.
async fn not_wholly_seen() -> Till {
    let mut other = Till::another().await;
    done(other.ask(sale("99.00")).await);
    done(other.ask(Request::Storno).await);
    let mut till = Till::new().await;
    till.unit.settings.offline = true;
    till.see(&other).await;
    done(till.ask(sale("10.00")).await);
    assert!(!till.view().shift.unwrap().is_complete);
    till
}

#[tokio::test]
async fn totals_that_the_tax_service_has_not_are_ours_and_those_that_it_refuses_refuse_the_close() {
    let mut till = not_wholly_seen().await;
    till.question_script = [Server::Refuses(ErrorCode::NoContent)].into();
    let closed = done(till.ask(Request::CloseShift).await);
    assert_eq!(closed.document.kind, DocumentKind::ZReport);
    assert_eq!(
        till.questions
            .iter()
            .filter(|name| **name == "LastShiftTotals")
            .count(),
        1
    );
    let mut till = not_wholly_seen().await;
    till.question_script = [Server::Refuses(ErrorCode::InvalidTin)].into();
    assert_eq!(
        refused(till.ask(Request::CloseShift).await),
        rejected(3, BY_SCRIPT)
    );
    assert!(till.machine().is_shift_open());
    done(till.ask(Request::CloseShift).await);
}

#[tokio::test]
async fn a_shift_that_was_not_wholly_seen_is_not_closed_offline() {
    let mut till = not_wholly_seen().await;
    assert_eq!(till.view().no_offline, None);
    go_away(&mut till);
    assert!(is_cancelled(
        &till.ask(Request::CloseShift).await,
        &Cancelled::TaxServiceUnreachable
    ));
    assert_eq!(
        till.view().link,
        Link::Online,
        "only the tax service knows its totals"
    );
    assert!(is_offline(&done(till.ask(sale("1.00")).await)), "it sells on");
    assert!(is_cancelled(
        &till.ask(Request::CloseShift).await,
        &Cancelled::TaxServiceUnreachable
    ));
    come_back(&mut till);
    till.wait(seconds(300)).await;
    assert_eq!(till.view().link, Link::Online);
    done(till.ask(Request::CloseShift).await);
}

#[tokio::test]
async fn a_shift_in_which_nothing_was_issued_elsewhere_is_wholly_seen() {
    let mut other = Till::another().await;
    done(other.ask(Request::OpenShift).await);
    let mut till = Till::new().await;
    till.see(&other).await;
    done(till.ask(sale("10.00")).await);
    assert!(
        till.view().shift.unwrap().is_complete,
        "the other device only opened it"
    );
    assert!(till.tool(Tool::Resynchronise).await);
    till.wait(seconds(2)).await;
    assert!(till.view().shift.unwrap().is_complete, "what it has is ours");
    // The other device sells, and then we are asked to look.
    other.wait(seconds(120)).await;
    other.see(&till).await;
    other.tool(Tool::Resynchronise).await;
    other.wait(seconds(2)).await;
    done(other.ask(sale("5.00")).await);
    till.wait(seconds(600)).await;
    till.see(&other).await;
    till.tool(Tool::Resynchronise).await;
    till.wait(seconds(2)).await;
    assert!(!till.view().shift.unwrap().is_complete);
    done(till.ask(Request::CloseShift).await);
    assert_eq!(
        till.questions
            .iter()
            .filter(|name| **name == "LastShiftTotals")
            .count(),
        1
    );
}

#[tokio::test]
async fn who_refuses_is_there_and_only_code_12_counts_as_silence() {
    for (code, leaves) in [
        (ErrorCode::CryptographyError, true),
        (ErrorCode::InvalidTin, false),
    ] {
        let mut till = shop().await;
        till.server_script = [Server::DropsAfter].into();
        till.question_default = Server::Refuses(code);
        let operation = till.order(sale("10.00")).await;
        till.wait(seconds(60)).await;
        let link = till.view().link;
        assert_eq!(link == Link::Offline, leaves, "{code}: {link:?}");
        settle(&mut till).await;
        assert_eq!(is_offline(&done(till.kept(operation).await.unwrap())), leaves);
    }
}

#[tokio::test]
async fn a_document_that_is_refused_shows_that_the_tax_service_is_there() {
    let mut till = shop().await;
    till.server_script = [Server::Refuses(ErrorCode::InvalidTin)].into();
    refused(till.ask(sale("10.00")).await);
    till.wait(seconds(60)).await;
    till.server_script = [Server::NotSent].into();
    assert!(!is_offline(&sold(&mut till, "10.00").await), "a blip of a moment");
}

#[tokio::test]
async fn silence_counts_from_when_something_was_sent_and_not_from_when_it_was_given_up() {
    for hangs in [Server::Answers(seconds(70)), Server::SilentAfter] {
        let mut till = shop().await;
        till.server_script = [hangs.clone()].into();
        till.question_default = Server::NotSent;
        till.order(sale("10.00")).await;
        till.wait(seconds(59)).await;
        assert_eq!(till.view().link, Link::Online);
        till.wait(seconds(3)).await;
        assert_eq!(till.view().link, Link::Offline, "a minute of silence: {hangs:?}");
        settle(&mut till).await;
    }
    // The same of a question.
    let mut till = shop().await;
    done(till.ask(Request::CloseShift).await);
    till.question_default = Server::SilentAfter;
    let operation = till.order(sale("10.00")).await;
    till.wait(seconds(22)).await;
    assert_eq!(till.view().link, Link::Offline, "twenty seconds of silence");
    settle(&mut till).await;
    assert!(is_offline(&done(till.kept(operation).await.unwrap())));
}

#[tokio::test]
async fn a_storno_is_for_the_last_document_online_and_waits_for_the_tax_service() {
    let mut till = shop().await;
    sold(&mut till, "10.00").await;
    go_away(&mut till);
    assert!(is_cancelled(
        &till.ask(Request::Storno).await,
        &Cancelled::TaxServiceUnreachable
    ));
    assert_eq!(till.view().link, Link::Online, "though nothing answers for long");
    come_back(&mut till);
    done(till.ask(Request::Storno).await);
    till.check().await;
}

#[tokio::test]
async fn a_late_word_settles_a_doubt_only_where_it_is_a_ticket() {
    let late = |posted: &str| match posted {
        "refused" => Posted::Rejected(crate::server::refusal(ErrorCode::InvalidTin)),
        "not sent" => Posted::NotSent("no connection".to_owned()),
        _ => Posted::Unknown("the proxy gave up".to_owned()),
    };
    for word in ["refused", "not sent", "unknown"] {
        let mut till = Till::new().await;
        done(till.ask(Request::OpenShift).await);
        till.server_script = [Server::DropsAfter].into();
        till.question_default = Server::NotSent;
        let operation = till.order(sale("10.00")).await;
        till.wait(seconds(10)).await;
        assert_eq!(till.view().link, Link::InDoubt);
        let flight = till.machine().flight().cloned().unwrap();
        let due = till.machine().next_deadline();
        till.notes.clear();
        let posted = late(word);
        let uid = flight.uid.clone();
        till.tell(Ask::Posted { uid, posted }).await;
        assert_eq!(till.machine().flight(), Some(&flight), "{word}");
        assert_eq!(till.machine().next_deadline(), due, "{word}");
        assert_eq!(till.notes, [Note::Stray], "{word}");
        come_back(&mut till);
        till.wait(seconds(100)).await;
        assert_eq!(done(till.kept(operation).await.unwrap()).drawer, money("10.00"));
        till.check().await;
    }
}

#[tokio::test]
async fn an_opening_whose_first_post_was_faster_than_its_answer_is_found_to_be_ours() {
    let mut till = Till::new().await;
    // In doubt; not there yet when it is asked for; then both posts arrive, and the second is refused by its number.
    till.server_script = [Server::DropsBefore, Server::SilentAfter].into();
    let operation = till.order(Request::OpenShift).await;
    wait_for(&mut till, Duration::from_millis(100), |till| till.posts == 2).await;
    let uid = till.machine().flight().unwrap().uid.clone();
    let posted = Posted::Rejected(crate::server::refusal(ErrorCode::CheckLocalNumberInvalid));
    till.tell(Ask::Posted { uid, posted }).await;
    till.wait(seconds(10)).await;
    done(till.last_answer(operation).unwrap());
    assert_eq!(till.tax.documents().len(), 1);
    till.check().await;
}

#[tokio::test]
async fn a_number_that_runs_back_stops_the_register_until_a_person_says_follow_it() {
    let mut till = shop().await;
    done(till.ask(Request::CloseShift).await);
    let before = till.tax.clone();
    sold(&mut till, "10.00").await;
    done(till.ask(Request::CloseShift).await);
    // The tax service has less than it told us.
    till.tax = before;
    let manual = ManualReason::AnotherDevice;
    assert_eq!(refused(till.ask(sale("20.00")).await), Refusal::Manual(manual));
    assert_eq!(till.view().link, Link::Manual(manual));
    for tool in [Tool::GoOffline, Tool::GoOnline, Tool::Resynchronise] {
        assert!(!till.tool(tool).await, "a person must look first: {tool:?}");
    }
    till.resolve(Some(Finding::NotIssued)).await;
    till.resolve(None).await;
    till.resolve(None).await;
    assert_eq!(
        till.resolved,
        [false, true, false],
        "there is no document to find anything of, and it waits once"
    );
    assert_eq!(sold(&mut till, "20.00").await.document.local_number.get(), 5);
    assert_eq!(till.posts, 3 + 4 + 2);
}

#[tokio::test]
async fn what_another_device_spent_offline_is_taken_from_the_month() {
    let mut other = Till::another().await;
    other.unit.settings.offline = true;
    assert!(matches!(
        other.ask(Request::OpenShift).await,
        OperationState::Done(_)
    ));
    go_away(&mut other);
    other.ask(sale("10.00")).await;
    other.wait(seconds(5 * 3_600)).await;
    other.ask(sale("10.00")).await;
    settle(&mut other).await;
    done(other.ask(Request::CloseShift).await);
    let mut till = Till::new().await;
    till.unit.settings.offline = true;
    till.wait(seconds(6 * 3_600)).await;
    till.see(&other).await;
    sold(&mut till, "10.00").await;
    assert!(till.tool(Tool::GoOffline).await);
    sold(&mut till, "10.00").await;
    let left = till.view().offline.unwrap().month_minutes_left;
    assert!((162 * 60 + 58..=163 * 60).contains(&left), "{left}");
}
