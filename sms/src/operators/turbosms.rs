//! TurboSMS (Ukraine).
//!
//! `POST https://api.turbosms.ua/message/send.json`, JSON with a bearer token. HTTP is 200 also for failures; `response_code` says what
//! happened, and 800 to 803 all mean that the message is gone: to take one of them for a failure would send twice. 427 says that the same
//! message went less than 90 seconds ago, and 507 repeats an earlier answer.

use super::{HttpOperator, has_token, same};
use crate::{Call, Fate, Method, Named, Received, Report, Submission, Submitted, Unfit};
use serde::Deserialize;
use serde_json::Value;
use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

/// An account.
pub struct TurboSms {
    /// Where its API is, without a slash at the end.
    pub base: String,
    /// The bearer token.
    pub token: Zeroizing<String>,
    /// The agreed sender.
    pub sender: String,
    /// The key that reports are signed with; empty where they are told by a token in their URL, or not taken.
    pub receipt_key: Zeroizing<String>,
    /// What the URL of its reports must carry as `token` where they are not signed.
    pub receipt_token: Zeroizing<String>,
}

#[derive(Deserialize)]
struct Answer {
    response_code: i64,
    #[serde(default)]
    response_status: String,
    #[serde(default)]
    response_result: Option<Vec<Line>>,
}

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    response_code: Option<i64>,
    #[serde(default)]
    response_status: Option<String>,
    #[serde(default)]
    message_id: Option<String>,
}

/// Whether a code blames the message or its recipient.
fn is_permanent(code: i64) -> bool {
    // 201 no text, 202 no recipient, 305 no such phone, 404 the recipient's stop list, 407 the same recipient twice.
    matches!(code, 201 | 202 | 305 | 404 | 407)
}

/// What a refusing code says; `None` where it refuses nothing.
fn refusal(code: i64, status: &str) -> Option<Submitted> {
    let refuses = matches!(code, 103..=106 | 200..=203 | 300..=399 | 400..=426 | 428..=499 | 500..=506);
    refuses.then(|| Submitted::refused(is_permanent(code), code, status))
}

impl HttpOperator for TurboSms {
    fn name(&self) -> &'static str {
        "turbosms"
    }

    fn submit(&self, submission: &Submission<'_>) -> Call {
        let body = serde_json::json!({
            "recipients": [submission.digits()],
            "sms": { "sender": self.sender, "text": submission.text },
        });
        Call {
            method: Method::Post,
            url: Zeroizing::new(format!("{}/message/send.json", self.base)),
            authorization: Some(Zeroizing::new(format!("Bearer {}", self.token.as_str()))),
            media_type: "application/json",
            body: Zeroizing::new(body.to_string()),
        }
    }

    fn submitted(&self, _: u16, body: &[u8]) -> Submitted {
        let Ok(answer) = serde_json::from_slice::<Answer>(body) else {
            return Submitted::Unknown;
        };
        let lines = answer.response_result.unwrap_or_default();
        let ids: Vec<String> = lines.iter().filter_map(|line| line.message_id.clone()).collect();
        match answer.response_code {
            // Gone, whatever is said of lines; 427: the same message went before, which can only be this one.
            800..=803 | 427 => Submitted::Accepted { ids },
            // The whole is in order, or an earlier answer is repeated: what counts is said of the one recipient.
            0 | 507 => match lines.first() {
                Some(Line {
                    response_code: Some(427),
                    ..
                }) => Submitted::Accepted { ids },
                Some(line) if line.message_id.is_some() => Submitted::Accepted { ids },
                Some(line) => {
                    let status = line.response_status.as_deref().unwrap_or_default();
                    line.response_code
                        .and_then(|code| refusal(code, status))
                        .unwrap_or(Submitted::Unknown)
                }
                None => Submitted::Unknown,
            },
            // 1 answers a ping, 999 is fatal and says nothing of the message; others are not documented.
            code => refusal(code, &answer.response_status).unwrap_or(Submitted::Unknown),
        }
    }

    fn received(&self, received: &Received<'_>) -> Result<Vec<Report>, Unfit> {
        let fields = fields(received.body).ok_or(Unfit::Unreadable)?;
        let field = |names: &[&str]| {
            let named = |name: &&str| fields.iter().find(|(known, _)| known == *name);
            names.iter().find_map(named).map(|(_, value)| value.as_str())
        };
        let id = field(&["message_id", "id"]).ok_or(Unfit::Unreadable)?;
        let proved = match field(&["signature", "sign", "hash"]) {
            Some(signature) => self.is_signed(id, signature),
            None => has_token(received.query, &self.receipt_token),
        };
        if !proved {
            return Err(Unfit::Unproved);
        }
        let status = field(&["status"]).ok_or(Unfit::Unreadable)?;
        let fate = match status.to_ascii_uppercase().as_str() {
            "DELIVRD" | "DELIVERED" | "READ" => Fate::Delivered,
            "UNDELIV" | "REJECTD" | "EXPIRED" | "DELETED" => Fate::Failed,
            _ => Fate::OnItsWay,
        };
        Ok(vec![Report {
            named: Named::Theirs(id.to_owned()),
            fate,
            code: status.to_owned(),
        }])
    }
}

impl TurboSms {
    /// SHA-1 of the key and the id; the documentation does not say in which order, so that both are right.
    fn is_signed(&self, id: &str, signature: &str) -> bool {
        let digest = |first: &[u8], second: &[u8]| {
            let mut hash = Sha1::new();
            hash.update(first);
            hash.update(second);
            hash.finalize()
                .iter()
                .map(|octet| format!("{octet:02x}"))
                .collect::<String>()
        };
        let (key, id, given) = (
            self.receipt_key.as_bytes(),
            id.as_bytes(),
            signature.to_ascii_lowercase(),
        );
        let one = same(digest(key, id).as_bytes(), given.as_bytes());
        let other = same(digest(id, key).as_bytes(), given.as_bytes());
        !key.is_empty() && (one | other)
    }
}

/// The fields of a JSON object or a form, texts and numbers alike.
fn fields(body: &[u8]) -> Option<Vec<(String, String)>> {
    if let Ok(Value::Object(object)) = serde_json::from_slice(body) {
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        return Some(
            object
                .into_iter()
                .map(|(name, value)| (name, text(value)))
                .collect(),
        );
    }
    crate::form::decode(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn operator() -> TurboSms {
        TurboSms {
            base: "https://api.turbosms.ua".to_owned(),
            token: Zeroizing::new("a-token".to_owned()),
            sender: "Brand".to_owned(),
            receipt_key: Zeroizing::new("key".to_owned()),
            receipt_token: Zeroizing::default(),
        }
    }

    fn answer(code: i64, result: &str) -> Submitted {
        let body =
            format!(r#"{{"response_code":{code},"response_status":"SAID","response_result":{result}}}"#);
        operator().submitted(200, body.as_bytes())
    }

    #[test]
    fn a_message_is_json_with_a_bearer_token() {
        let call = operator().submit(&Submission {
            message: Uuid::nil(),
            challenge: Uuid::nil(),
            to: "+380501234567",
            text: "код\n1",
            validity_seconds: 300,
        });
        assert_eq!(call.url.as_str(), "https://api.turbosms.ua/message/send.json");
        assert_eq!(call.authorization.as_ref().unwrap().as_str(), "Bearer a-token");
        let body: Value = serde_json::from_str(&call.body).unwrap();
        assert_eq!(
            body,
            serde_json::json!({"recipients":["380501234567"],"sms":{"sender":"Brand","text":"код\n1"}})
        );
        assert!(!format!("{call:?}").contains("a-token"));
    }

    #[test]
    fn every_code_has_its_meaning_for_the_whole_and_for_the_recipient() {
        let permanent = [201, 202, 305, 404, 407];
        for code in [
            103, 104, 105, 106, 200, 201, 202, 203, 300, 301, 302, 303, 304, 305, 306, 400, 401, 404, 405,
            406, 407, 409, 415, 416, 500, 501, 502, 503, 504, 505, 506,
        ] {
            let expected = Submitted::refused(permanent.contains(&code), code, "SAID");
            assert_eq!(answer(code, "null"), expected, "{code}");
            let line = format!(
                r#"[{{"phone":"380","response_code":{code},"message_id":null,"response_status":"SAID"}}]"#
            );
            assert_eq!(answer(0, &line), expected, "{code} for the recipient");
        }
        for code in [1, 999, 2, 700, -5] {
            assert_eq!(answer(code, "null"), Submitted::Unknown, "{code}");
        }
    }

    #[test]
    fn eight_hundred_to_eight_hundred_and_three_all_mean_gone() {
        let line = r#"[{"phone":"380","response_code":0,"message_id":"f83f8868-5e46-c6cf-e4fb-615e5a293754","response_status":"OK"}]"#;
        for code in [0, 507, 800, 801, 802, 803] {
            assert_eq!(
                answer(code, line),
                Submitted::accepted("f83f8868-5e46-c6cf-e4fb-615e5a293754"),
                "{code}"
            );
        }
        for code in [800, 801, 802, 803] {
            assert_eq!(
                answer(code, "null"),
                Submitted::Accepted { ids: Vec::new() },
                "{code} without a name"
            );
        }
    }

    #[test]
    fn the_same_message_again_within_ninety_seconds_is_taken_already() {
        assert_eq!(answer(427, "null"), Submitted::Accepted { ids: Vec::new() });
        let line = r#"[{"phone":"380","response_code":427,"message_id":null,"response_status":"DUPLICATE"}]"#;
        assert_eq!(answer(0, line), Submitted::Accepted { ids: Vec::new() });
    }

    #[test]
    fn half_answers_are_unknown() {
        let whole = r#"{"response_code":800,"response_status":"x","response_result":[]}"#;
        for length in 0..whole.len() {
            assert_eq!(
                operator().submitted(200, &whole.as_bytes()[..length]),
                Submitted::Unknown,
                "{length}"
            );
        }
        assert_eq!(answer(0, "null"), Submitted::Unknown);
        assert_eq!(answer(0, "[]"), Submitted::Unknown);
        assert_eq!(
            answer(0, r#"[{"response_code":0}]"#),
            Submitted::Unknown,
            "in order, but which?"
        );
        assert_eq!(operator().submitted(502, b"Bad Gateway"), Submitted::Unknown);
    }

    fn sha1(text: &str) -> String {
        Sha1::digest(text.as_bytes())
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect()
    }

    fn received(operator: &TurboSms, query: &str, body: &str) -> Result<Vec<Report>, Unfit> {
        operator.received(&Received {
            url: "",
            query,
            signature: None,
            body: body.as_bytes(),
        })
    }

    #[test]
    fn a_signature_is_right_in_either_order_of_key_and_id() {
        for signature in [sha1("keym-1"), sha1("m-1key"), sha1("keym-1").to_uppercase()] {
            for body in [
                format!(r#"{{"message_id":"m-1","status":"DELIVRD","signature":"{signature}"}}"#),
                format!("id=m-1&status=DELIVRD&sign={signature}"),
            ] {
                let reports = received(&operator(), "", &body).unwrap();
                assert_eq!(reports[0].named, Named::Theirs("m-1".to_owned()));
                assert_eq!(reports[0].fate, Fate::Delivered);
            }
        }
        for signature in ["", "x", &sha1("m-1"), &sha1("keym-2")] {
            let body = format!("id=m-1&status=DELIVRD&sign={signature}");
            assert_eq!(
                received(&operator(), "", &body),
                Err(Unfit::Unproved),
                "{signature}"
            );
        }
    }

    #[test]
    fn without_a_key_nothing_is_signed_and_a_token_may_stand_in() {
        let keyless = TurboSms {
            receipt_key: Zeroizing::default(),
            ..operator()
        };
        let body = format!("id=m-1&status=READ&sign={}", sha1("m-1"));
        assert_eq!(received(&keyless, "", &body), Err(Unfit::Unproved));
        assert_eq!(
            received(&keyless, "token=", "id=m-1&status=READ"),
            Err(Unfit::Unproved)
        );
        let told = TurboSms {
            receipt_token: Zeroizing::new("t".to_owned()),
            ..keyless
        };
        assert_eq!(
            received(&told, "token=t", "id=m-1&status=READ").unwrap()[0].fate,
            Fate::Delivered
        );
    }

    #[test]
    fn every_status_has_its_meaning() {
        for (status, fate) in [
            ("DELIVRD", Fate::Delivered),
            ("READ", Fate::Delivered),
            ("UNDELIV", Fate::Failed),
            ("REJECTD", Fate::Failed),
            ("EXPIRED", Fate::Failed),
            ("ACCEPTD", Fate::OnItsWay),
        ] {
            let body = format!("id=m-1&status={status}&sign={}", sha1("keym-1"));
            assert_eq!(
                received(&operator(), "", &body).unwrap()[0].fate,
                fate,
                "{status}"
            );
        }
        assert_eq!(received(&operator(), "", "status=READ"), Err(Unfit::Unreadable));
    }
}
