//! What is said: numbers, names and descriptions of reasons, details in words, and what a digest covers.

use super::*;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

#[test]
fn every_reason_has_its_own_number_name_and_description() {
    let numbers: Vec<u8> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 20, 21, 22, 23]);
    let mut texts: Vec<&str> = Reason::ALL
        .iter()
        .flat_map(|reason| [reason.name(), reason.description()])
        .collect();
    for reason in Reason::ALL {
        assert_eq!(
            reason.name(),
            format!("{reason:?}"),
            "the name of the document's table"
        );
        assert!(
            !reason.description().is_ascii(),
            "{reason:?} is described in Persian"
        );
    }
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), 32);
}

#[test]
fn success_names_the_code_that_was_sent() {
    let id = ChallengeId(uuid::Uuid::from_u128(9));
    assert_eq!(Answer::success(id).challenge, Some(id));
}

#[test]
fn an_idempotency_key_keeps_only_answers_after_which_a_message_may_be_out() {
    let refused = Detail::OperatorRefused {
        code: "7".to_owned(),
        text: String::new(),
    };
    let kept = |reason, detail: Option<Detail>| Answer {
        detail,
        ..Answer::of(reason)
    };
    for reason in Reason::ALL {
        assert_eq!(
            kept(reason, None).is_kept(),
            reason == Reason::Success,
            "{reason:?}"
        );
    }
    assert!(kept(Reason::SendSmsFault, Some(Detail::OutcomeUnknown)).is_kept());
    assert!(!kept(Reason::SendSmsFault, Some(refused)).is_kept());
}

#[test]
fn an_operator_without_words_is_quoted_by_its_code_alone() {
    let refused = |text: &str| Detail::OperatorRefused {
        code: "13".to_owned(),
        text: text.to_owned(),
    };
    assert_eq!(refused("").text(), "operator code 13");
    assert_eq!(refused("no credit").text(), "operator code 13: no credit");
}

#[test]
fn debug_of_the_keys_shows_their_ids_alone() {
    assert_eq!(format!("{:?}", *keys(&[3, 4])), "[3, 4]");
}

/// The layout is part of the stored format: were it to change, codes under way would no longer verify.
#[test]
fn the_digest_of_a_code_covers_every_field_with_its_length() {
    let window = window(2001, 7);
    let challenge = ChallengeId(uuid::Uuid::from_u128(9));
    let phone = phone();
    let subject = Subject {
        customer: CustomerId(1001),
        window,
        challenge,
        destination: Some(&phone),
        binding: Binding::default(),
    };
    let made = keys(&[1]).make(&subject, &Otp::typed("123456"));
    let mut mac = Hmac::<Sha256>::new_from_slice(&[1; 32]).unwrap();
    mac.update(b"countersign/otp/code/v1");
    let fields: [&[u8]; 8] = [
        &1001_i64.to_be_bytes(),
        &2001_i64.to_be_bytes(),
        &[7],
        window.invoker.0.as_bytes(),
        challenge.0.as_bytes(),
        phone.expose().as_bytes(),
        &[0; 32],
        b"123456",
    ];
    for field in fields {
        mac.update(&u32::try_from(field.len()).unwrap().to_be_bytes());
        mac.update(field);
    }
    assert_eq!(made.tag[..], mac.finalize().into_bytes()[..]);
}
