//! sms.ru (Russia).
//!
//! `POST https://sms.ru/sms/send`, a form with `json=1`; the answer has a code of its own and one for each number. Reports are POSTed as
//! `data[]` of three lines, `sms_status`, id, code; the answer must be `100`. They carry no signature, so the URL carries a token.

use super::{HttpOperator, has_token};
use crate::{Call, Fate, Method, Named, Received, Report, Submission, Submitted, Unfit};
use serde::Deserialize;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// An account.
pub struct SmsRu {
    /// Where its API is, without a slash at the end.
    pub base: String,
    /// `api_id`.
    pub api_id: Zeroizing<String>,
    /// The agreed sender; empty for the account's default.
    pub sender: String,
    /// What the URL of its reports must carry as `token`; empty where no reports are taken.
    pub token: Zeroizing<String>,
}

#[derive(Deserialize)]
struct Answer {
    status_code: i64,
    #[serde(default)]
    status_text: String,
    #[serde(default)]
    sms: BTreeMap<String, Line>,
}

#[derive(Deserialize)]
struct Line {
    status_code: i64,
    #[serde(default)]
    status_text: String,
    #[serde(default)]
    sms_id: Option<String>,
}

impl SmsRu {
    fn call(&self, path: &str, pairs: &[(&str, &str)]) -> Call {
        let all: Vec<(&str, &str)> = [("api_id", self.api_id.as_str()), ("json", "1")]
            .into_iter()
            .chain(pairs.iter().copied())
            .collect();
        Call {
            method: Method::Post,
            url: Zeroizing::new(format!("{}{path}", self.base)),
            authorization: None,
            media_type: "application/x-www-form-urlencoded",
            body: crate::form::encode(&all),
        }
    }
}

/// Whether a code blames the message or its recipient.
fn is_permanent(code: i64) -> bool {
    // 203 no text, 205 too long, 209 the recipient's stop list, 215 the spam stop list, 501 to 508 abuse by the customer's address.
    matches!(code, 203 | 205 | 209 | 215 | 501..=508)
}

fn outcome(code: i64, text: &str, id: Option<String>) -> Submitted {
    match code {
        100..=103 | 110 => match id {
            Some(id) => Submitted::accepted(id),
            None => Submitted::Unknown,
        },
        104..=108 | 150 | 200..=299 | 300..=305 | 501..=508 => {
            Submitted::refused(is_permanent(code), code, text)
        }
        // 500 is the server's own error: it does not say that nothing was sent. Others are not documented.
        _ => Submitted::Unknown,
    }
}

fn fate(code: i64) -> Option<Fate> {
    match code {
        100..=102 => Some(Fate::OnItsWay),
        103 | 110 => Some(Fate::Delivered),
        104..=108 | 150 => Some(Fate::Failed),
        // -1: it does not know the id, which says nothing of the message.
        _ => None,
    }
}

fn report(id: &str, code: i64) -> Option<Report> {
    Some(Report {
        named: Named::Theirs(id.to_owned()),
        fate: fate(code)?,
        code: code.to_string(),
    })
}

impl HttpOperator for SmsRu {
    fn name(&self) -> &'static str {
        "smsru"
    }

    fn submit(&self, submission: &Submission<'_>) -> Call {
        // Minutes, 1 to 1440.
        let minutes = submission
            .validity_seconds
            .div_ceil(60)
            .clamp(1, 1_440)
            .to_string();
        let mut pairs = vec![
            ("to", submission.digits()),
            ("msg", submission.text),
            ("ttl", minutes.as_str()),
        ];
        if !self.sender.is_empty() {
            pairs.push(("from", &self.sender));
        }
        self.call("/sms/send", &pairs)
    }

    fn submitted(&self, _: u16, body: &[u8]) -> Submitted {
        let Ok(answer) = serde_json::from_slice::<Answer>(body) else {
            return Submitted::Unknown;
        };
        if answer.status_code != 100 {
            return outcome(answer.status_code, &answer.status_text, None);
        }
        match answer.sms.into_values().next() {
            Some(line) => outcome(line.status_code, &line.status_text, line.sms_id),
            None => Submitted::Unknown,
        }
    }

    fn poll(&self, ids: &[String]) -> Option<Call> {
        Some(self.call("/sms/status", &[("sms_id", &ids.join(","))]))
    }

    fn polled(&self, _: u16, body: &[u8]) -> Vec<Report> {
        let Ok(answer) = serde_json::from_slice::<Answer>(body) else {
            return Vec::new();
        };
        let lines = answer.sms.iter().filter(|_| answer.status_code == 100);
        lines
            .filter_map(|(id, line)| report(id, line.status_code))
            .collect()
    }

    fn received(&self, received: &Received<'_>) -> Result<Vec<Report>, Unfit> {
        if !has_token(received.query, &self.token) {
            return Err(Unfit::Unproved);
        }
        let pairs = crate::form::decode(received.body).ok_or(Unfit::Unreadable)?;
        let entries = pairs.iter().filter(|(name, _)| name.starts_with("data["));
        let read = |entry: &str| {
            let mut lines = entry.lines().map(str::trim);
            let (kind, id, code) = (lines.next()?, lines.next()?, lines.next()?);
            if kind != "sms_status" {
                return Some(None); // other kinds of news are none of ours, and are taken too
            }
            Some(report(id, code.parse().ok()?))
        };
        let reports: Option<Vec<_>> = entries.map(|(_, entry)| read(entry)).collect();
        Ok(reports.ok_or(Unfit::Unreadable)?.into_iter().flatten().collect())
    }

    fn receipt_answer(&self) -> &'static str {
        "100"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn operator() -> SmsRu {
        SmsRu {
            base: "https://sms.ru".to_owned(),
            api_id: Zeroizing::new("API-ID".to_owned()),
            sender: String::new(),
            token: Zeroizing::new("a token".to_owned()),
        }
    }

    fn of_number(code: i64) -> Submitted {
        let body = format!(
            r#"{{"status":"OK","status_code":100,"sms":{{"79251234567":{{"status":"x","status_code":{code},"status_text":"said","sms_id":"000-1"}}}},"balance":1.5}}"#
        );
        operator().submitted(200, body.as_bytes())
    }

    fn of_all(code: i64) -> Submitted {
        let body = format!(r#"{{"status":"ERROR","status_code":{code},"status_text":"said"}}"#);
        operator().submitted(200, body.as_bytes())
    }

    #[test]
    fn a_message_is_a_form_that_lives_as_long_as_its_code() {
        let call = operator().submit(&Submission {
            message: Uuid::nil(),
            challenge: Uuid::nil(),
            to: "+79251234567",
            text: "код: 1",
            validity_seconds: 300,
        });
        assert_eq!(call.url.as_str(), "https://sms.ru/sms/send");
        assert_eq!(
            call.body.as_str(),
            "api_id=API-ID&json=1&to=79251234567&msg=%D0%BA%D0%BE%D0%B4%3A%201&ttl=5"
        );
    }

    #[test]
    fn every_code_has_its_meaning_for_a_number_and_for_the_whole() {
        let refused = [
            104, 105, 106, 107, 108, 150, 200, 201, 202, 203, 204, 205, 206, 207, 209, 213, 214, 215, 216,
            220, 230, 231, 232, 233, 300, 301, 302, 303, 304, 305, 501, 502, 503, 504, 505, 506, 507, 508,
        ];
        let permanent = [203, 205, 209, 215, 501, 502, 503, 504, 505, 506, 507, 508];
        for code in refused {
            let expected = Submitted::refused(permanent.contains(&code), code, "said");
            assert_eq!(of_number(code), expected, "{code}");
            assert_eq!(of_all(code), expected, "{code} for the whole");
        }
        for code in [100, 101, 102, 103, 110] {
            assert_eq!(of_number(code), Submitted::accepted("000-1"), "{code}");
        }
        for code in [500, -1, 0, 600] {
            assert_eq!(of_number(code), Submitted::Unknown, "{code}");
            assert_eq!(of_all(code), Submitted::Unknown, "{code} for the whole");
        }
    }

    #[test]
    fn half_answers_are_unknown() {
        let whole = r#"{"status":"OK","status_code":100,"sms":{"7":{"status_code":100,"sms_id":"1"}}}"#;
        for length in 0..whole.len() {
            assert_eq!(
                operator().submitted(200, &whole.as_bytes()[..length]),
                Submitted::Unknown,
                "{length}"
            );
        }
        assert_eq!(of_all(100), Submitted::Unknown, "taken, but no number is named");
        let nameless = br#"{"status_code":100,"sms":{"7":{"status_code":100}}}"#;
        assert_eq!(operator().submitted(200, nameless), Submitted::Unknown);
    }

    const FATES: [(i64, Option<Fate>); 12] = [
        (-1, None),
        (100, Some(Fate::OnItsWay)),
        (101, Some(Fate::OnItsWay)),
        (102, Some(Fate::OnItsWay)),
        (103, Some(Fate::Delivered)),
        (104, Some(Fate::Failed)),
        (105, Some(Fate::Failed)),
        (106, Some(Fate::Failed)),
        (107, Some(Fate::Failed)),
        (108, Some(Fate::Failed)),
        (110, Some(Fate::Delivered)),
        (150, Some(Fate::Failed)),
    ];

    #[test]
    fn every_status_has_its_meaning_polled_or_reported() {
        for (code, fate) in FATES {
            let body = format!(r#"{{"status_code":100,"sms":{{"000-1":{{"status_code":{code}}}}}}}"#);
            let polled = operator().polled(200, body.as_bytes());
            assert_eq!(polled.first().map(|report| report.fate), fate, "{code} polled");
            let body = format!("data%5B0%5D=sms_status%0A000-1%0A{code}");
            let received = Received {
                url: "",
                query: "token=a+token",
                signature: None,
                body: body.as_bytes(),
            };
            let reports = operator().received(&received).unwrap();
            assert_eq!(reports.first().map(|report| report.fate), fate, "{code} reported");
            if let Some(report) = reports.first() {
                assert_eq!(report.named, Named::Theirs("000-1".to_owned()));
            }
        }
    }

    #[test]
    fn a_report_without_the_token_is_not_believed() {
        for query in ["", "token=", "token=other", "x=a+token"] {
            let received = Received {
                url: "",
                query,
                signature: None,
                body: b"data[0]=sms_status%0A1%0A103",
            };
            assert_eq!(operator().received(&received), Err(Unfit::Unproved), "{query}");
        }
        let untold = SmsRu {
            token: Zeroizing::default(),
            ..operator()
        };
        let received = Received {
            url: "",
            query: "token=",
            signature: None,
            body: b"",
        };
        assert_eq!(untold.received(&received), Err(Unfit::Unproved));
    }

    #[test]
    fn a_report_that_breaks_off_is_unreadable_and_other_news_are_passed_over() {
        let received = |body: &'static [u8]| {
            operator().received(&Received {
                url: "",
                query: "token=a+token",
                signature: None,
                body,
            })
        };
        assert_eq!(received(b"data[0]=sms_status%0A1"), Err(Unfit::Unreadable));
        assert_eq!(received(b"data[0]=sms_status%0A1%0Ax"), Err(Unfit::Unreadable));
        assert_eq!(received(b"data[0]=callcheck_status%0A1%0A401"), Ok(Vec::new()));
        assert_eq!(operator().receipt_answer(), "100");
    }
}
