//! Kavenegar (Iran). The key stands in the URL's path: no URL of it may ever be printed.
//!
//! `POST https://api.kavenegar.com/v1/{key}/sms/send.json`, a form; the answer is `{return:{status,message},entries:[…]}`, the HTTP status
//! repeats `return.status`. `localid` is ours, a number: by it a message is asked for before anything else is believed about it.

use super::HttpOperator;
use crate::{Call, Fate, Method, Named, Report, Submission, Submitted};
use serde::Deserialize;
use uuid::Uuid;
use zeroize::Zeroizing;

/// An account.
pub struct Kavenegar {
    /// Where its API is, without a slash at the end.
    pub base: String,
    /// The key.
    pub key: Zeroizing<String>,
    /// The line that messages come from; empty for the account's default.
    pub sender: String,
}

#[derive(Deserialize)]
struct Envelope {
    r#return: Return,
    #[serde(default)]
    entries: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Return {
    status: i64,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct Entry {
    messageid: i64,
    #[serde(default)]
    status: Option<i64>,
    #[serde(default)]
    statustext: Option<String>,
}

/// `localid`: the random bits of a message's id that a signed 64-bit number has room for (62 of a UUIDv7).
pub fn local_id(message: Uuid) -> u64 {
    u64::try_from(message.as_u128() & ((1 << 62) - 1)).expect("62 bits are fewer than 64")
}

impl Kavenegar {
    fn call(&self, method: &str, pairs: &[(&str, &str)]) -> Call {
        let length = self.base.len() + self.key.len() + method.len() + 16;
        let mut url = Zeroizing::new(String::with_capacity(length));
        for piece in [self.base.as_str(), "/v1/", &self.key, "/sms/", method, ".json"] {
            url.push_str(piece);
        }
        Call {
            method: Method::Post,
            url,
            authorization: None,
            media_type: "application/x-www-form-urlencoded",
            body: crate::form::encode(pairs),
        }
    }
}

/// The number as Kavenegar takes it: local in Iran, with 00 elsewhere.
fn receptor(submission: &Submission<'_>) -> String {
    let digits = submission.digits();
    match digits.strip_prefix("98") {
        Some(local) => format!("0{local}"),
        None => format!("00{digits}"),
    }
}

/// Whether `return.status` blames the message or its recipient: another operator would be asked in vain.
fn is_permanent(status: i64) -> bool {
    // 411 no such receptor, 413 empty or too long, 414 too many receptors, 417 date, 419 sizes, 422 characters, 428 and 431 the token.
    matches!(status, 411 | 413 | 414 | 417 | 419 | 422 | 428 | 431)
}

/// A delivery status that says that the message will not arrive (or was never taken).
fn is_failure(status: i64) -> bool {
    // 6 the operator failed, 11 undelivered, 13 cancelled, 14 blocked by the recipient, 100 no such message.
    matches!(status, 6 | 11 | 13 | 14 | 100)
}

fn entry_outcome(entry: &Entry) -> Submitted {
    match entry.status {
        Some(status) if is_failure(status) => {
            let text = entry.statustext.clone().unwrap_or_default();
            Submitted::refused(status == 14, format!("delivery {status}"), text)
        }
        _ => Submitted::accepted(entry.messageid.to_string()),
    }
}

impl HttpOperator for Kavenegar {
    fn name(&self) -> &'static str {
        "kavenegar"
    }

    fn submit(&self, submission: &Submission<'_>) -> Call {
        let (receptor, local) = (receptor(submission), local_id(submission.message).to_string());
        let mut pairs = vec![
            ("receptor", receptor.as_str()),
            ("message", submission.text),
            ("localid", local.as_str()),
        ];
        if !self.sender.is_empty() {
            pairs.push(("sender", &self.sender));
        }
        self.call("send", &pairs)
    }

    fn submitted(&self, _: u16, body: &[u8]) -> Submitted {
        let Ok(Envelope { r#return, entries }) = serde_json::from_slice(body) else {
            return Submitted::Unknown;
        };
        match r#return.status {
            200 => match entries.unwrap_or_default().first() {
                Some(entry) => entry_outcome(entry),
                None => Submitted::Unknown,
            },
            status @ 400..=499 => Submitted::refused(is_permanent(status), status, r#return.message),
            _ => Submitted::Unknown,
        }
    }

    fn look_up(&self, message: Uuid) -> Option<Call> {
        let local = local_id(message).to_string();
        Some(self.call("statuslocalmessageid", &[("localid", &local)]))
    }

    fn looked_up(&self, _: u16, body: &[u8]) -> Option<Submitted> {
        let envelope: Envelope = serde_json::from_slice(body).ok()?;
        let entries = envelope.entries.filter(|_| envelope.r#return.status == 200)?;
        // 100 says that it does not know the message: it may still be on its way to it.
        let known = entries.iter().find(|entry| entry.status != Some(100))?;
        Some(entry_outcome(known))
    }

    fn poll(&self, ids: &[String]) -> Option<Call> {
        Some(self.call("status", &[("messageid", &ids.join(","))]))
    }

    fn polled(&self, _: u16, body: &[u8]) -> Vec<Report> {
        let Ok(Envelope { r#return, entries }) = serde_json::from_slice(body) else {
            return Vec::new();
        };
        let entries = entries.filter(|_| r#return.status == 200).unwrap_or_default();
        let report = |entry: Entry| {
            let status = entry.status?;
            let fate = match status {
                1 | 2 | 4 | 5 => Fate::OnItsWay,
                10 => Fate::Delivered,
                6 | 11 | 13 | 14 => Fate::Failed,
                // 100: it has forgotten the id, which says nothing of the message; 50 is for messages to us.
                _ => return None,
            };
            Some(Report {
                named: Named::Theirs(entry.messageid.to_string()),
                fate,
                code: status.to_string(),
            })
        };
        entries.into_iter().filter_map(report).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operator() -> Kavenegar {
        Kavenegar {
            base: "https://api.kavenegar.com".to_owned(),
            key: Zeroizing::new("6B65792D63616E617279".to_owned()),
            sender: "10004346".to_owned(),
        }
    }

    fn submission<'a>(to: &'a str, text: &'a str) -> Submission<'a> {
        Submission {
            message: Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_002a),
            challenge: Uuid::from_u128(1),
            to,
            text,
            validity_seconds: 300,
        }
    }

    fn answer(status: i64, entries: &str) -> Submitted {
        let body = format!(r#"{{"return":{{"status":{status},"message":"said"}},"entries":{entries}}}"#);
        operator().submitted(u16::try_from(status).unwrap_or(500), body.as_bytes())
    }

    #[test]
    fn a_message_is_a_form_with_the_key_in_the_path() {
        let call = operator().submit(&submission("+989121234567", "رمز\n123456"));
        assert_eq!(
            call.url.as_str(),
            "https://api.kavenegar.com/v1/6B65792D63616E617279/sms/send.json"
        );
        assert_eq!(
            call.body.as_str(),
            "receptor=09121234567&message=%D8%B1%D9%85%D8%B2%0A123456&localid=42&sender=10004346"
        );
        assert!(!format!("{call:?}").contains("6B65"));
        let abroad = operator().submit(&submission("+380501234567", "x"));
        assert!(
            abroad.body.starts_with("receptor=00380501234567&"),
            "{:?}",
            abroad.body.as_str()
        );
    }

    #[test]
    fn a_local_id_fits_a_signed_number_whatever_the_uuid() {
        for id in [u128::MAX, 0, u128::from(u64::MAX)] {
            assert!(i64::try_from(local_id(Uuid::from_u128(id))).is_ok());
        }
    }

    /// Every code of `return.status`: whether it is refused for good, refused, or unknown.
    #[test]
    fn every_status_of_the_envelope_has_its_meaning() {
        for (status, permanent) in [
            (400, Some(false)),
            (401, Some(false)),
            (402, Some(false)),
            (403, Some(false)),
            (404, Some(false)),
            (405, Some(false)),
            (406, Some(false)),
            (407, Some(false)),
            (409, Some(false)),
            (411, Some(true)),
            (412, Some(false)),
            (413, Some(true)),
            (414, Some(true)),
            (416, Some(false)),
            (417, Some(true)),
            (418, Some(false)),
            (419, Some(true)),
            (422, Some(true)),
            (424, Some(false)),
            (426, Some(false)),
            (428, Some(true)),
            (430, Some(false)),
            (431, Some(true)),
            (432, Some(false)),
            (499, Some(false)),
            (500, None),
            (302, None),
            (0, None),
        ] {
            let expected = match permanent {
                Some(permanent) => Submitted::refused(permanent, status, "said"),
                None => Submitted::Unknown,
            };
            assert_eq!(answer(status, "null"), expected, "{status}");
        }
    }

    #[test]
    fn every_delivery_status_of_a_taken_message_has_its_meaning() {
        for (status, refused, permanent) in [
            (1, false, false),
            (2, false, false),
            (4, false, false),
            (5, false, false),
            (6, true, false),
            (10, false, false),
            (11, true, false),
            (13, true, false),
            (14, true, true),
            (50, false, false),
            (100, true, false),
        ] {
            let entries =
                format!(r#"[{{"messageid":8792343,"status":{status},"statustext":"s","cost":120}}]"#);
            let expected = if refused {
                Submitted::refused(permanent, format!("delivery {status}"), "s")
            } else {
                Submitted::accepted("8792343")
            };
            assert_eq!(answer(200, &entries), expected, "{status}");
        }
        assert_eq!(answer(200, r#"[{"messageid":1}]"#), Submitted::accepted("1"));
    }

    #[test]
    fn half_answers_are_unknown() {
        let whole = r#"{"return":{"status":200,"message":"x"},"entries":[{"messageid":1,"status":5}]}"#;
        for length in 0..whole.len() {
            assert_eq!(
                operator().submitted(200, &whole.as_bytes()[..length]),
                Submitted::Unknown,
                "{length}"
            );
        }
        for body in [
            "",
            "<html>502</html>",
            "{}",
            "[]",
            r#"{"return":{"status":"200"}}"#,
        ] {
            assert_eq!(
                operator().submitted(418, body.as_bytes()),
                Submitted::Unknown,
                "{body}"
            );
        }
        assert_eq!(answer(200, "[]"), Submitted::Unknown, "taken, but which?");
        assert_eq!(answer(200, "null"), Submitted::Unknown);
    }

    #[test]
    fn a_look_up_tells_what_is_known_and_nothing_of_what_is_not() {
        let asked = operator().look_up(Uuid::from_u128(42)).unwrap();
        assert!(asked.url.ends_with("/sms/statuslocalmessageid.json"));
        assert_eq!(asked.body.as_str(), "localid=42");
        let said = |status: i64| {
            let body = format!(
                r#"{{"return":{{"status":200,"message":"x"}},"entries":[{{"messageid":7,"localid":42,"status":{status},"statustext":"s"}}]}}"#
            );
            operator().looked_up(200, body.as_bytes())
        };
        assert_eq!(said(10), Some(Submitted::accepted("7")));
        assert_eq!(said(11), Some(Submitted::refused(false, "delivery 11", "s")));
        assert_eq!(said(100), None, "not known to it is not the same as not sent");
        assert_eq!(operator().looked_up(200, b"{"), None);
        assert_eq!(
            operator().looked_up(403, br#"{"return":{"status":403,"message":"x"},"entries":null}"#),
            None
        );
    }

    #[test]
    fn every_delivery_status_of_a_poll_has_its_meaning() {
        let call = operator().poll(&["1".to_owned(), "2".to_owned()]).unwrap();
        assert_eq!(call.body.as_str(), "messageid=1%2C2");
        for (status, fate) in [
            (1, Some(Fate::OnItsWay)),
            (2, Some(Fate::OnItsWay)),
            (4, Some(Fate::OnItsWay)),
            (5, Some(Fate::OnItsWay)),
            (6, Some(Fate::Failed)),
            (10, Some(Fate::Delivered)),
            (11, Some(Fate::Failed)),
            (13, Some(Fate::Failed)),
            (14, Some(Fate::Failed)),
            (50, None),
            (100, None),
        ] {
            let body =
                format!(r#"{{"return":{{"status":200}},"entries":[{{"messageid":1,"status":{status}}}]}}"#);
            let reports = operator().polled(200, body.as_bytes());
            assert_eq!(reports.first().map(|report| report.fate), fate, "{status}");
        }
        assert!(operator().polled(200, b"{").is_empty());
    }
}
