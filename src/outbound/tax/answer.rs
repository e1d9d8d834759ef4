//! What an answer of the fiscal server means. Pure.

use super::Reply;
use actors::ports::{Asked, Packed, Posted};
use dstu::cms::SignedData;
use fiscal::command::SentPackage;
use fiscal::ticket::{Ticket, Verdict};
use fiscal::{ErrorCode, LocalNumber, Rejection, Uid};
use http::StatusCode;

pub(super) fn posted(reply: &Reply, uid: &Uid, local_number: LocalNumber, seals: &[Vec<u8>]) -> Posted {
    if reply.status != StatusCode::OK {
        return refusal(reply).map_or_else(|| Posted::Unknown(status_text(reply)), Posted::Rejected);
    }
    let ticket = match sealed_content(&reply.body, seals) {
        Ok(content) => {
            Ticket::from_xml(&content).map_err(|error| format!("the ticket cannot be read: {error}"))
        }
        Err(why) => Err(why),
    };
    match ticket.map(|ticket| ticket.check(uid, local_number)) {
        Ok(Verdict::Registered {
            fiscal_number,
            offline_session,
        }) => Posted::Registered {
            fiscal_number,
            offline_session,
            ticket: reply.body.clone(),
        },
        Ok(Verdict::Rejected { code, text }) => Posted::Rejected(Rejection { code, text }),
        Ok(Verdict::OfAnother) => Posted::Unknown("the ticket is of another document".to_owned()),
        Ok(Verdict::Unclear) => Posted::Unknown("the ticket has neither a number nor an error".to_owned()),
        Err(why) => Posted::Unknown(why),
    }
}

pub(super) fn packed(reply: &Reply) -> Packed {
    if reply.status != StatusCode::OK {
        return refusal(reply).map_or_else(|| Packed::Unknown(status_text(reply)), Packed::Rejected);
    }
    match SentPackage::from_body(&reply.body) {
        Ok(sent) => Packed::Accepted(sent.offline_session()),
        Err(error) => Packed::Unknown(format!("the answer to the package cannot be read: {error}")),
    }
}

pub(super) fn asked(reply: Reply) -> Asked {
    match reply.status {
        StatusCode::OK => Asked::Answer(reply.body),
        StatusCode::NO_CONTENT => Asked::Nothing,
        _ => refusal(&reply).map_or_else(|| Asked::Unreachable(status_text(&reply)), Asked::Rejected),
    }
}

/// The content of a CMS whose every signature holds and, where the seals are known, is one of theirs.
fn sealed_content(der: &[u8], seals: &[Vec<u8>]) -> Result<Vec<u8>, String> {
    let signed = SignedData::from_der(der).map_err(|error| format!("the ticket is no CMS: {error}"))?;
    let verdicts = signed.verify(None, &[]);
    if verdicts.is_empty() || !verdicts.iter().all(|verdict| verdict.holds()) {
        return Err("the ticket's signature does not hold".to_owned());
    }
    let is_seal = |verdict: &dstu::cms::Verdict<'_>| {
        let id = verdict
            .certificate
            .and_then(|certificate| certificate.subject_key_id());
        id.is_some_and(|id| seals.iter().any(|seal| seal == id))
    };
    if !seals.is_empty() && !verdicts.iter().all(is_seal) {
        return Err("the ticket is signed by somebody who is not the server".to_owned());
    }
    let content = signed.content().map(<[u8]>::to_vec);
    content.ok_or_else(|| "the ticket's CMS holds no content".to_owned())
}

/// A refusal after which nothing was registered: in the server's own words, or by a status that it is documented to give before it
/// looks at the document. Any other status may be a proxy's, and proves nothing.
fn refusal(reply: &Reply) -> Option<Rejection> {
    let words = std::str::from_utf8(&reply.body)
        .ok()
        .and_then(Rejection::from_body);
    words.or_else(|| {
        let code = match reply.status {
            StatusCode::UNAUTHORIZED => ErrorCode::OperatorAccessToTransactionsRegistrarNotGranted,
            StatusCode::NOT_FOUND => ErrorCode::TransactionsRegistrarAbsent,
            StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::RANGE_NOT_SATISFIABLE => ErrorCode::DocumentValidationError,
            _ => return None,
        };
        Some(Rejection {
            code,
            text: status_text(reply),
        })
    })
}

fn status_text(reply: &Reply) -> String {
    format!("the fiscal server answered {}", reply.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &[u8]) -> Reply {
        Reply {
            status: StatusCode::from_u16(status).unwrap(),
            body: body.to_vec(),
        }
    }

    fn judged(status: u16, body: &str) -> Posted {
        let uid = Uid::new("11111111-2222-3333-4444-555555555555").unwrap();
        posted(
            &reply(status, body.as_bytes()),
            &uid,
            LocalNumber::new(7).unwrap(),
            &[],
        )
    }

    #[test]
    fn a_refusal_in_words_frees_the_number() {
        let Posted::Rejected(rejection) = judged(400, "Код помилки: 5 ShiftNotOpened\r\nЗміну не відкрито")
        else {
            panic!("it is a refusal");
        };
        assert_eq!(rejection.code, ErrorCode::ShiftNotOpened);
        assert_eq!(rejection.text, "Зміну не відкрито");
    }

    #[test]
    fn only_a_documented_status_is_a_refusal_without_words() {
        for (status, code) in [
            (401, ErrorCode::OperatorAccessToTransactionsRegistrarNotGranted),
            (404, ErrorCode::TransactionsRegistrarAbsent),
            (415, ErrorCode::DocumentValidationError),
            (416, ErrorCode::DocumentValidationError),
        ] {
            let Posted::Rejected(rejection) = judged(status, "") else {
                panic!("{status} is a refusal");
            };
            assert_eq!(rejection.code, code);
        }
        for status in [204, 302, 400, 403, 405, 500, 502, 503, 504] {
            assert!(
                matches!(judged(status, "<html>a proxy</html>"), Posted::Unknown(_)),
                "{status}"
            );
        }
    }

    #[test]
    fn an_answer_that_is_no_signed_ticket_leaves_the_outcome_unknown() {
        for body in ["", "OK", "<TICKET/>", "\u{30}\u{3}"] {
            assert!(matches!(judged(200, body), Posted::Unknown(_)), "{body:?}");
        }
    }

    #[test]
    fn a_package_is_accepted_in_words_or_with_the_next_session() {
        assert_eq!(packed(&reply(200, b"OK")), Packed::Accepted(None));
        let next = packed(&reply(
            200,
            br#"{"OfflineSessionId":12,"OfflineSeed":"179625192271939"}"#,
        ));
        assert!(matches!(next, Packed::Accepted(Some(_))), "{next:?}");
        assert!(matches!(packed(&reply(200, b"{")), Packed::Unknown(_)));
        assert!(matches!(packed(&reply(502, b"")), Packed::Unknown(_)));
    }

    #[test]
    fn a_command_has_an_answer_nothing_a_refusal_or_no_answer() {
        assert_eq!(asked(reply(200, b"{}")), Asked::Answer(b"{}".to_vec()));
        assert_eq!(asked(reply(204, b"")), Asked::Nothing);
        let words = "Код помилки: 11 InvalidQueryParameter\r\n".as_bytes();
        assert!(matches!(asked(reply(400, words)), Asked::Rejected(_)));
        assert!(matches!(asked(reply(503, b"")), Asked::Unreachable(_)));
    }
}
