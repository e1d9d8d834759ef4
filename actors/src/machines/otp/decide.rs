//! The decisions: step 7 in its order (window, lock, caps, generator), the hand-over's outcomes, verification.

use super::policy::{LEDGERS_MAX, LIVE_CODES_MAX};
use super::{
    Answer, Challenge, Command, DAY, Delivery, Detail, Effect, Event, Fate, Ledger, OtpBook, Policy, Reason,
    SendCommand, Settlement, Subject, VerifyCommand, signing_text,
};
use crate::clock::{Moment, Now};
use crate::evidence::OwedEvidence;
use crate::ids::{ChallengeId, ContactId, RequestId};
use crate::machines::Decision;
use crate::ports::HandOver;

type OtpDecision = Decision<Event, Effect>;

pub(super) fn decide(book: &OtpBook, command: Command, now: Now) -> OtpDecision {
    match command {
        Command::Send(send) => decide_send(book, send, now),
        Command::Verify(verify) => decide_verify(book, verify, now),
        Command::Compare(verify) => decide_compare(book, &verify, now),
        Command::Settle {
            challenge,
            settlement,
            handed,
        } => decide_settle(book, challenge, settlement, handed, now),
        Command::Wake => decide_wake(book, now),
        Command::LiftLock { contact, request } => decide_lift(book, contact, request),
    }
}

fn decide_send(book: &OtpBook, send: Box<SendCommand>, now: Now) -> OtpDecision {
    if let Some(refusal) = refusal(book, &send, now) {
        return Decision::only(Effect::Answer {
            request: send.request,
            answer: refusal,
        });
    }
    let Some(draw) = send.draw else {
        let answer = Answer::of(Reason::OtpGeneratorFault).because(Detail::GeneratorFailed);
        return Decision::only(Effect::Answer {
            request: send.request,
            answer,
        });
    };
    let subject = Subject {
        customer: book.customer,
        window: send.window,
        challenge: draw.challenge,
        destination: Some(&send.destination),
        binding: send.binding,
    };
    let challenge = Box::new(Challenge {
        id: draw.challenge,
        message: draw.message,
        delivery: Delivery::InFlight,
        issued: Moment::at(now),
        window: send.policy.resend_window,
        lifetime: send.policy.lifetime,
        outcome_deadline: send.policy.outcome_deadline,
        tries: 0,
        spent: false,
        mac: send.keys.make(&subject, &draw.code),
        binding: send.binding,
        claim: send.claim.map(Box::new),
        client: send.client,
        settle_by: Some(Moment::at(now).plus(send.policy.outcome_deadline)),
        request: Some(send.request),
        orphaned: false,
    });
    let text = signing_text(&send.brand, &send.full_name, &send.title, &draw.code);
    Decision {
        events: vec![Event::Issued {
            window: send.window,
            challenge,
        }],
        effects: vec![Effect::SendSms {
            challenge: draw.challenge,
            message: draw.message,
            partner: send.window.invoker,
            lifetime: send.policy.lifetime,
            destination: send.destination,
            text,
            trace: send.trace,
        }],
    }
}

/// Why no code is generated, in the settled order: window (9), lock, caps (10).
fn refusal(book: &OtpBook, send: &SendCommand, now: Now) -> Option<Answer> {
    if let Some(left) = book
        .challenges
        .get(&send.window)
        .and_then(|challenge| challenge.window_left(now))
    {
        return Some(Answer::of(Reason::InThresholdOtpGenerator).retry_after(left));
    }
    if let Some(ledger) = book.ledgers.get(&send.window.contact) {
        let lock_after = send.policy.lock_after_tries;
        if let Some(left) = ledger.lock_left(lock_after, now) {
            let detail = Detail::ContactLocked { tries: lock_after };
            return Some(
                Answer::of(Reason::OtpGeneratorFault)
                    .because(detail)
                    .retry_after(left),
            );
        }
        if let Some(capped) = cap_refusal(ledger, send, now) {
            return Some(capped);
        }
    }
    let live = book
        .challenges
        .iter()
        .filter(|(key, c)| **key != send.window && c.is_live(now))
        .count();
    let ledgers = book
        .ledgers
        .iter()
        .filter(|(key, l)| **key != send.window.contact && !l.is_idle(now))
        .count();
    let bounded = |count: usize, max: usize| (count >= max).then(|| u32::try_from(max).unwrap_or(u32::MAX));
    if let Some(allowed) = bounded(live, LIVE_CODES_MAX) {
        let answer = Answer::of(Reason::OtpGeneratorFault).because(Detail::TooManyLiveCodes { allowed });
        return Some(answer.retry_after(send.policy.lifetime));
    }
    if let Some(allowed) = bounded(ledgers, LEDGERS_MAX) {
        let answer = Answer::of(Reason::OtpGeneratorFault).because(Detail::TooManyContacts { allowed });
        return Some(answer.retry_after(DAY));
    }
    None
}

fn cap_refusal(ledger: &Ledger, send: &SendCommand, now: Now) -> Option<Answer> {
    let Policy {
        short_cap,
        short_period,
        daily_cap,
        contact_daily_cap,
        ..
    } = send.policy;
    let same_type = |note: &super::SendNote| note.contract_type == send.window.contract_type;
    let caps = [
        (
            short_cap,
            short_period,
            true,
            ledger.cap_left(short_cap, short_period, now, same_type),
        ),
        (
            daily_cap,
            DAY,
            true,
            ledger.cap_left(daily_cap, DAY, now, same_type),
        ),
        (
            contact_daily_cap,
            DAY,
            false,
            ledger.cap_left(contact_daily_cap, DAY, now, |_| true),
        ),
    ];
    // Of several caps reached the longest wait is the honest one.
    let reached = caps
        .into_iter()
        .filter_map(|(cap, period, typed, left)| Some((left?, cap, period, typed)));
    let (left, allowed, period, of_contract_type) = reached.max_by_key(|(left, ..)| *left)?;
    let seconds = u32::try_from(period.as_secs()).unwrap_or(u32::MAX);
    let detail = Detail::Capped {
        allowed,
        seconds,
        of_contract_type,
    };
    Some(
        Answer::of(Reason::OtpGeneratorFault)
            .because(detail)
            .retry_after(left),
    )
}

fn decide_settle(
    book: &OtpBook,
    id: ChallengeId,
    settlement: Settlement,
    handed: Option<HandOver>,
    now: Now,
) -> OtpDecision {
    let Some((window, challenge)) = book.challenges.iter().find(|(_, challenge)| challenge.id == id) else {
        return Decision::nothing();
    };
    let in_flight = challenge.delivery == Delivery::InFlight;
    let at = Moment::at(now);
    // Names the code, so that the partner can ask what became of its message.
    let unknown = || {
        Answer::of(Reason::SendSmsFault)
            .because(Detail::OutcomeUnknown)
            .about(id)
    };
    let (fate, answer) = match settlement {
        Settlement::Accepted if in_flight => (Fate::HandedOver(at), Answer::success(id)),
        Settlement::Refused { code, text }
            if in_flight || matches!(challenge.delivery, Delivery::Unknown(_)) =>
        {
            let text = text.chars().take(200).collect();
            (
                Fate::Voided,
                Answer::of(Reason::SendSmsFault).because(Detail::OperatorRefused { code, text }),
            )
        }
        Settlement::Unknown if in_flight => (
            Fate::Unknown(at),
            unknown().retry_after(challenge.window.min(challenge.lifetime)),
        ),
        Settlement::Lost if in_flight => (Fate::Lost, unknown()),
        // A late word that changes nothing: the outcome is settled, and what was answered stays answered.
        Settlement::Accepted | Settlement::Refused { .. } | Settlement::Unknown | Settlement::Lost => {
            return Decision::nothing();
        }
    };
    let published = match fate {
        Fate::HandedOver(at) | Fate::Unknown(at) if !challenge.spent => Effect::WindowClosed {
            window: *window,
            until: at.plus(challenge.window.min(challenge.lifetime)),
        },
        Fate::HandedOver(_) | Fate::Unknown(_) | Fate::Voided | Fate::Lost => {
            Effect::WindowOpened { window: *window }
        }
    };
    // Published before anybody is told: see `crate::windows`.
    let settled = Effect::Settled {
        challenge: id,
        answer: answer.clone(),
    };
    let answered = challenge.request.map(|request| Effect::Answer {
        request,
        answer: answer.clone(),
    });
    // Room for all of them from the start, which an iterator that may end early would not give.
    let mut effects = Vec::with_capacity(3);
    effects.extend([published, settled]);
    effects.extend(answered);
    let claim = challenge.claim.as_deref().copied().filter(|_| in_flight);
    Decision {
        events: vec![Event::Settled {
            challenge: id,
            fate,
            answer,
            claim,
            first: in_flight.then_some((window.invoker, challenge.message)),
            handed,
        }],
        effects,
    }
}

fn decide_wake(book: &OtpBook, now: Now) -> OtpDecision {
    let mut decision = Decision::nothing();
    for challenge in book
        .challenges
        .values()
        .filter(|challenge| challenge.delivery == Delivery::InFlight)
    {
        let due = challenge.settle_by.is_none_or(|deadline| deadline <= now.mono);
        if due {
            let settlement = if challenge.orphaned {
                Settlement::Lost
            } else {
                Settlement::Unknown
            };
            let settled = decide_settle(book, challenge.id, settlement, None, now);
            decision.events.extend(settled.events);
            decision.effects.extend(settled.effects);
        }
    }
    decision
}

fn decide_verify(book: &OtpBook, verify: Box<VerifyCommand>, now: Now) -> OtpDecision {
    let answer = |answer| {
        Decision::only(Effect::Answer {
            request: verify.request,
            answer,
        })
    };
    let lock_after = verify.policy.lock_after_tries;
    let lock = book
        .ledgers
        .get(&verify.window.contact)
        .and_then(|ledger| ledger.lock_left(lock_after, now));
    if let Some(left) = lock {
        let detail = Detail::ContactLocked { tries: lock_after };
        return answer(Answer::of(Reason::OtpLocked).because(detail).retry_after(left));
    }
    let Some(challenge) = book
        .challenges
        .get(&verify.window)
        .filter(|challenge| !challenge.spent)
    else {
        return answer(Answer::of(Reason::OtpNotFound));
    };
    if challenge.is_expired(now) {
        return answer(Answer::of(Reason::OtpExpired));
    }
    if challenge.tries >= verify.policy.tries_max {
        return answer(Answer::of(Reason::OtpLocked));
    }
    Decision {
        events: vec![Event::TryCounted {
            window: verify.window,
            at: Moment::at(now),
        }],
        effects: vec![Effect::Compare(verify)],
    }
}

fn decide_compare(book: &OtpBook, verify: &VerifyCommand, now: Now) -> OtpDecision {
    let Some(challenge) = book.challenges.get(&verify.window) else {
        return Decision::only(Effect::Answer {
            request: verify.request,
            answer: Answer::of(Reason::OtpNotFound),
        });
    };
    let subject = Subject {
        customer: book.customer,
        window: verify.window,
        challenge: challenge.id,
        destination: verify.destination.as_ref(),
        binding: verify.binding,
    };
    let right = verify.keys.check(&subject, &verify.code, &challenge.mac);
    if !right || challenge.spent {
        return Decision::only(Effect::Answer {
            request: verify.request,
            answer: Answer::of(Reason::OtpMismatch),
        });
    }
    let answer = Answer::success(challenge.id);
    let owed = verify
        .evidence
        .as_deref()
        .map(|claim| owed(book, challenge, claim, now));
    let record = owed.clone().map(|owed| Effect::RecordEvidence {
        request: verify.request,
        owed,
    });
    let mut effects = vec![Effect::WindowOpened {
        window: verify.window,
    }];
    effects.extend(record);
    effects.push(Effect::Answer {
        request: verify.request,
        answer: answer.clone(),
    });
    Decision {
        events: vec![Event::Verified {
            window: verify.window,
            answer,
            claim: verify.claim,
            owed,
        }],
        effects,
    }
}

/// What a right code owes to the evidence log.
fn owed(book: &OtpBook, challenge: &Challenge, claim: &super::EvidenceClaim, now: Now) -> Box<OwedEvidence> {
    let client = challenge.client.clone();
    Box::new(OwedEvidence {
        challenge: challenge.id,
        integration: claim.integration.clone(),
        client_integration_id: client.unwrap_or_else(|| book.customer.to_string()),
        contract_id: claim.contract_id.clone(),
        verified_seconds: now.wall.timestamp(),
        key_transport: claim.key_transport.clone(),
        documents_sha256: claim.documents_sha256.clone(),
    })
}

fn decide_lift(book: &OtpBook, contact: ContactId, request: RequestId) -> OtpDecision {
    let tries = book
        .ledgers
        .get(&contact)
        .is_some_and(|ledger| !ledger.wrong_tries.is_empty());
    Decision {
        events: if tries {
            vec![Event::LockLifted { contact }]
        } else {
            Vec::new()
        },
        effects: vec![Effect::LockLifted { request }],
    }
}
