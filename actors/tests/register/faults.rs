//! A table of faults. After each: numbers without gap or repeat, every acknowledged receipt once at the server, nothing stuck past its
//! deadline and a second.

use crate::offline::{come_back, go_away};
use crate::receipts::{money, sale};
use crate::shifts::{done, refused};
use crate::till::{Agent, Server, Till, is_cancelled, seconds};
use actors::machines::register::{Cancelled, Finding, Link, ManualReason, OperationState, Refusal, Request};
use actors::ports::Unfit;
use fiscal::ErrorCode;
use std::time::Duration;

/// What a sale comes to within its 28 seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    Done,
    Late,
    SignatureRefused,
    Unreachable,
    Rejected(i64),
    /// Accepted, not yet resolved.
    Pending,
}

struct Row {
    fault: &'static str,
    agent: Vec<Agent>,
    server: Vec<Server>,
    questions: Vec<Server>,
    within: Within,
    /// Whether the receipt is at the server in the end.
    is_registered: bool,
}

fn row(fault: &'static str, within: Within, is_registered: bool) -> Row {
    Row {
        fault,
        agent: Vec::new(),
        server: Vec::new(),
        questions: Vec::new(),
        within,
        is_registered,
    }
}

const SLOW: Duration = Duration::from_secs(27);

fn rows() -> Vec<Row> {
    use Server::{Answers, DropsAfter, DropsBefore, NotSent, Refuses, SilentAfter};
    vec![
        row("no fault", Within::Done, true),
        Row {
            agent: vec![Agent::Signs(seconds(26))],
            ..row("a slow agent", Within::Done, true)
        },
        Row {
            agent: vec![Agent::Signs(seconds(29))],
            ..row("an agent that is too late", Within::Late, false)
        },
        Row {
            agent: vec![Agent::Away],
            ..row("an agent that is away", Within::Late, false)
        },
        Row {
            agent: vec![Agent::Refuses],
            ..row("an agent that refuses", Within::SignatureRefused, false)
        },
        Row {
            agent: vec![Agent::Unfit(Unfit::OtherKey)],
            ..row("the wrong key", Within::SignatureRefused, false)
        },
        Row {
            agent: vec![Agent::Unfit(Unfit::OtherContent)],
            ..row("altered octets", Within::SignatureRefused, false)
        },
        Row {
            server: vec![Answers(SLOW)],
            ..row("a slow server", Within::Done, true)
        },
        Row {
            server: vec![Answers(seconds(40))],
            ..row("a server slower than the caller", Within::Pending, true)
        },
        Row {
            server: vec![Answers(seconds(70))],
            ..row("a server slower than the limit", Within::Pending, true)
        },
        Row {
            server: vec![SilentAfter],
            ..row("a lost task", Within::Pending, true)
        },
        Row {
            server: vec![NotSent, NotSent],
            ..row("no connection, twice", Within::Done, true)
        },
        Row {
            server: vec![NotSent; 40],
            ..row("no connection at all", Within::Unreachable, false)
        },
        Row {
            server: vec![DropsBefore],
            ..row("a connection that breaks before", Within::Done, true)
        },
        Row {
            server: vec![DropsAfter],
            ..row("a connection that breaks after", Within::Done, true)
        },
        Row {
            server: vec![DropsBefore, DropsAfter],
            ..row("a connection that breaks before, then after", Within::Done, true)
        },
        Row {
            server: vec![DropsAfter],
            questions: vec![DropsBefore; 3],
            ..row(
                "a doubt whose questions are not answered at first",
                Within::Done,
                true,
            )
        },
        Row {
            server: vec![DropsAfter],
            questions: vec![SilentAfter, Refuses(ErrorCode::CryptographyError)],
            ..row(
                "a doubt whose questions are lost or refused at first",
                Within::Done,
                true,
            )
        },
        Row {
            server: vec![DropsAfter],
            agent: vec![Agent::Signs(seconds(1)), Agent::Away],
            ..row("a doubt without an agent at first", Within::Pending, true)
        },
        Row {
            server: vec![Refuses(ErrorCode::DocumentValidationError)],
            ..row("refused in words", Within::Rejected(9), false)
        },
        Row {
            server: vec![Refuses(ErrorCode::InvalidTin)],
            ..row("refused by the taxpayer's code", Within::Rejected(3), false)
        },
        Row {
            server: vec![Refuses(ErrorCode::Other(77))],
            ..row("refused by a code that nobody knows", Within::Rejected(77), false)
        },
        Row {
            server: vec![
                Refuses(ErrorCode::CryptographyError),
                Refuses(ErrorCode::CryptographyError),
            ],
            ..row("the issuer is down for a moment", Within::Done, true)
        },
        Row {
            server: vec![Refuses(ErrorCode::CryptographyError); 40],
            ..row("the issuer is down for long", Within::Unreachable, false)
        },
        Row {
            server: vec![Refuses(ErrorCode::CheckLocalNumberInvalid)],
            ..row("a number refused though it was due", Within::Done, true)
        },
        Row {
            server: vec![Refuses(ErrorCode::ShiftNotOpened)],
            ..row("a shift that is open said to be closed", Within::Done, true)
        },
    ]
}

fn fits(within: Within, state: Option<&OperationState>) -> bool {
    match (within, state) {
        (Within::Done, Some(OperationState::Done(_)))
        | (Within::Pending, Some(OperationState::Pending))
        | (Within::SignatureRefused, Some(OperationState::Cancelled(Cancelled::SignatureRefused { .. }))) => {
            true
        }
        (Within::Late, Some(state)) => is_cancelled(state, &Cancelled::SignatureLate),
        (Within::Unreachable, Some(state)) => is_cancelled(state, &Cancelled::TaxServiceUnreachable),
        (Within::Rejected(expected), Some(OperationState::Refused(Refusal::Rejected { code, .. }))) => {
            *code == expected
        }
        _ => false,
    }
}

#[tokio::test]
async fn every_fault_ends_well() {
    for row in rows() {
        let mut till = Till::new().await;
        done(till.ask(Request::OpenShift).await);
        till.agent_script = row.agent.into();
        till.server_script = row.server.into();
        till.question_script = row.questions.into();
        let operation = till.order(sale("12.50")).await;
        till.wait(seconds(29)).await;
        let answer = till.last_answer(operation);
        assert!(fits(row.within, answer.as_ref()), "{}: {answer:?}", row.fault);
        // The world is well again.
        till.agent_script.clear();
        till.server_script.clear();
        till.question_script.clear();
        till.wait(seconds(300)).await;
        assert!(till.is_at_rest(), "{}: {:?}", row.fault, till.view());
        assert_eq!(till.view().link, Link::Online, "{}", row.fault);
        let kept = till.kept(operation).await.unwrap();
        assert!(kept.is_final(), "{}", row.fault);
        assert_eq!(
            matches!(kept, OperationState::Done(_)),
            row.is_registered,
            "{}: {kept:?}",
            row.fault
        );
        till.check().await;
        assert_eq!(
            till.tax.documents().len(),
            1 + usize::from(row.is_registered),
            "{}",
            row.fault
        );
        // And it sells.
        assert!(
            matches!(till.ask(sale("1.00")).await, OperationState::Done(_)),
            "{}",
            row.fault
        );
        till.check().await;
    }
}

#[tokio::test]
async fn the_same_faults_at_the_opening_never_make_a_second_shift() {
    for row in rows() {
        let mut till = Till::new().await;
        // The first signature and the first question are the state's.
        till.agent_script = std::iter::once(Agent::Signs(seconds(1)))
            .chain(row.agent)
            .collect();
        till.question_script = std::iter::once(Server::Answers(seconds(1)))
            .chain(row.questions)
            .collect();
        till.server_script = row.server.into();
        let operation = till.order(sale("12.50")).await;
        till.wait(seconds(29)).await;
        assert!(
            till.last_answer(operation).is_some(),
            "{}: nobody answered in time",
            row.fault
        );
        till.agent_script.clear();
        till.server_script.clear();
        till.question_script.clear();
        till.wait(seconds(300)).await;
        assert!(till.is_at_rest(), "{}: {:?}", row.fault, till.view());
        assert!(till.kept(operation).await.unwrap().is_final(), "{}", row.fault);
        till.check().await;
        done(till.ask(sale("1.00")).await);
        let openings = till.tax.documents();
        let openings = openings
            .iter()
            .filter(|found| found.document.kind == fiscal::Kind::OpenShift);
        assert_eq!(openings.count(), 1, "{}", row.fault);
        till.check().await;
    }
}

#[tokio::test]
async fn the_same_faults_at_the_z_and_the_close_still_close_the_shift() {
    for row in rows() {
        for before in [0, 1] {
            let mut till = Till::new().await;
            done(till.ask(sale("10.00")).await);
            let well = |count| std::iter::repeat_n(Agent::Signs(seconds(1)), count);
            till.agent_script = well(before).chain(row.agent.clone()).collect();
            let answers = std::iter::repeat_n(Server::Answers(seconds(1)), before);
            till.server_script = answers.chain(row.server.clone()).collect();
            till.question_script = row.questions.clone().into();
            let operation = till.order(Request::CloseShift).await;
            till.wait(seconds(29)).await;
            let answer = till.last_answer(operation);
            assert!(
                answer.is_some(),
                "{} {before}: nobody answered in time",
                row.fault
            );
            till.agent_script.clear();
            till.server_script.clear();
            till.question_script.clear();
            till.wait(seconds(600)).await;
            assert!(till.is_at_rest(), "{} {before}: {:?}", row.fault, till.view());
            assert!(
                till.kept(operation).await.unwrap().is_final(),
                "{} {before}",
                row.fault
            );
            if till.machine().is_shift_open() {
                done(till.ask(Request::CloseShift).await);
            }
            assert!(till.view().shift.is_none(), "{} {before}", row.fault);
            till.check().await;
            let documents = till.tax.documents();
            let reports = documents
                .iter()
                .filter(|found| matches!(found.document.kind, fiscal::Kind::ZReport(_)));
            assert_eq!(reports.count(), 1, "{} {before}", row.fault);
        }
    }
}

#[tokio::test]
async fn an_opening_whose_ticket_was_lost_still_lets_the_register_go_offline() {
    let mut till = Till::new().await;
    till.unit.settings.offline = true;
    till.server_script = [Server::DropsAfter].into();
    done(till.ask(Request::OpenShift).await);
    assert_eq!(
        till.view().no_offline,
        None,
        "its session was asked for with its fate"
    );
    go_away(&mut till);
    assert!(done(till.ask(sale("10.00")).await).document.is_offline);
    come_back(&mut till);
    till.wait(seconds(300)).await;
    assert_eq!(till.view().link, Link::Online);
    till.check().await;
    assert_eq!(till.tax.documents().len(), 4, "opening, begin, sale, end");
}

#[tokio::test]
async fn a_document_of_another_device_stops_the_register_until_a_person_has_looked() {
    let mut till = Till::new().await;
    done(till.ask(sale("10.00")).await);
    // Another device with the same key sells under our number.
    let mut other = Till::another().await;
    other.see(&till).await;
    done(other.ask(sale("99.00")).await);
    till.wait(seconds(60)).await;
    till.see(&other).await;
    let operation = till.order(sale("20.00")).await;
    till.wait(seconds(29)).await;
    assert_eq!(till.view().link, Link::Manual(ManualReason::ForeignDocument));
    assert_eq!(
        till.last_answer(operation),
        Some(OperationState::Pending),
        "never a plain failure"
    );
    assert_eq!(
        refused(till.ask(sale("1.00")).await),
        Refusal::Manual(ManualReason::ForeignDocument)
    );
    till.wait(seconds(3_600)).await;
    // A finding is needed, for there is a document in doubt.
    till.resolve(None).await;
    assert_eq!(till.resolved, [false]);
    till.resolve(Some(Finding::NotIssued)).await;
    assert_eq!(till.resolved, [false, true]);
    assert!(is_cancelled(
        &till.kept(operation).await.unwrap(),
        &Cancelled::ByPerson
    ));
    // What the tax service has is followed: the next number, and its totals for the Z.
    assert_eq!(done(till.ask(sale("30.00")).await).document.local_number.get(), 4);
    assert!(!till.view().shift.unwrap().is_complete);
    done(till.ask(Request::CloseShift).await);
    assert!(till.questions.contains(&"LastShiftTotals"));
    assert!(till.view().shift.is_none());
}

#[tokio::test]
async fn a_person_may_find_the_document_issued() {
    let mut till = Till::new().await;
    done(till.ask(sale("10.00")).await);
    till.server_script = [Server::DropsAfter].into();
    // The document under our number cannot be shown to be ours: the server's next number is beyond it.
    let mut other = Till::another().await;
    let operation = till.order(sale("20.00")).await;
    till.wait(Duration::from_millis(350)).await;
    other.see(&till).await;
    done(other.ask(sale("99.00")).await);
    till.tax = other.tax;
    till.wait(seconds(29)).await;
    assert_eq!(till.view().link, Link::Manual(ManualReason::AnotherDevice));
    let ours = till.tax.documents()[2].number.clone();
    till.resolve(Some(Finding::Issued(ours.clone()))).await;
    let issued = done(till.kept(operation).await.unwrap());
    assert_eq!(issued.document.fiscal_number, Some(ours));
    till.wait(seconds(60)).await;
    assert_eq!(done(till.ask(sale("1.00")).await).document.local_number.get(), 5);
}

#[tokio::test]
async fn a_shift_that_the_same_key_opened_elsewhere_is_continued_and_of_another_key_refused() {
    let mut other = Till::another().await;
    done(other.ask(sale("99.00")).await);
    let mut till = Till::new().await;
    till.see(&other).await;
    let sold = done(till.ask(sale("10.00")).await);
    assert_eq!((sold.document.local_number.get(), sold.opening), (3, None));
    assert!(
        !till.view().shift.unwrap().is_complete,
        "we have not seen the first sale"
    );
    let mut till = Till::new().await;
    till.see(&other).await;
    let operation = till
        .order_with(sale("10.00"), |order| {
            order.signer = crate::till::signer("cc03", false);
        })
        .await;
    till.wait(seconds(10)).await;
    assert!(matches!(
        refused(till.last_answer(operation).unwrap()),
        Refusal::ShiftOfAnother { name: Some(_) }
    ));
    assert_eq!(till.posts, 0);
}

#[tokio::test]
async fn a_shift_that_was_opened_elsewhere_can_be_closed_by_the_first_thing_that_is_asked() {
    let mut other = Till::another().await;
    done(other.ask(sale("99.00")).await);
    let mut till = Till::new().await;
    till.see(&other).await;
    done(till.ask(Request::CloseShift).await);
    assert_eq!(till.questions, ["TransactionsRegistrarState", "LastShiftTotals"]);
    assert_eq!(till.tax.documents().len(), 4);
    assert_eq!(refused(till.ask(Request::CloseShift).await), Refusal::ShiftClosed);
    assert_eq!(till.questions.len(), 2, "not asked again");
}

#[tokio::test]
async fn a_late_ticket_settles_a_doubt() {
    let mut till = Till::new().await;
    done(till.ask(Request::OpenShift).await);
    till.server_script = [Server::Answers(seconds(20))].into();
    till.question_default = Server::DropsBefore;
    let operation = till.order(sale("10.00")).await;
    till.wait(seconds(2)).await;
    // The task's word is "unknown" for some other reason; the ticket comes all the same.
    let uid = till.machine().flight().unwrap().uid.clone();
    let unknown = actors::ports::Posted::Unknown("the proxy gave up".to_owned());
    till.tell(actors::machines::register::Ask::Posted { uid, posted: unknown })
        .await;
    assert_eq!(till.view().link, Link::InDoubt);
    till.wait(seconds(20)).await;
    assert_eq!(done(till.kept(operation).await.unwrap()).drawer, money("10.00"));
    assert_eq!(till.view().link, Link::Online);
    till.check().await;
}

#[tokio::test]
async fn what_comes_twice_or_for_nobody_changes_nothing() {
    let mut till = Till::new().await;
    done(till.ask(Request::OpenShift).await);
    till.order(sale("10.00")).await;
    let request = till.machine().flight().unwrap().request;
    till.wait(seconds(5)).await;
    let commits = till.commits;
    use actors::machines::register::{Ask, Note, Signature};
    for signature in [Signature::Signed(vec![1]), Signature::Late] {
        till.tell(Ask::Signature { request, signature }).await;
    }
    let strays = till.notes.iter().filter(|note| **note == Note::Stray).count();
    assert_eq!((till.commits, strays), (commits, 2));
}

#[tokio::test]
async fn a_shift_said_to_be_another_than_we_think_is_asked_for_and_followed_but_not_for_ever() {
    use ErrorCode::{LastDocumentMustBeZRep, ShiftAlreadyOpened, ShiftNotOpened, ZRepAlreadyRegistered};
    let well = Server::Answers(seconds(1));
    for (code, request, before) in [
        (ShiftAlreadyOpened, Request::OpenShift, 0),
        (ShiftNotOpened, sale("1.00"), 1),
        (ZRepAlreadyRegistered, Request::CloseShift, 2),
        (LastDocumentMustBeZRep, Request::CloseShift, 3),
    ] {
        for times in [1, 3, 4] {
            let mut till = Till::new().await;
            if before > 0 {
                done(till.ask(Request::OpenShift).await);
            }
            let script = std::iter::repeat_n(well.clone(), usize::from(before == 3));
            till.server_script = script
                .chain(std::iter::repeat_n(Server::Refuses(code), times))
                .collect();
            let operation = till.order(request.clone()).await;
            till.wait(seconds(29)).await;
            let state = till.last_answer(operation).unwrap();
            let how = format!("{code} {times} times: {state:?}");
            if times < 4 {
                assert!(matches!(state, OperationState::Done(_)), "{how}");
                assert_eq!(till.view().link, Link::Online, "{how}");
            } else {
                assert_eq!(till.view().link, Link::Manual(ManualReason::NoRemedy), "{how}");
                till.resolve(None).await;
                assert_eq!(till.resolved, [true], "{how}");
            }
            till.wait(seconds(120)).await;
            let last = if till.machine().is_shift_open() {
                Request::CloseShift
            } else {
                Request::OpenShift
            };
            done(till.ask(last).await);
            till.check().await;
        }
    }
}
