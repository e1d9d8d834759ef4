//! Twilio.
//!
//! `POST /2010-04-01/Accounts/{SID}/Messages.json`, a form with basic authentication; 201 is acceptance, 4xx carries `{code,message}`. Reports
//! are signed: `X-Twilio-Signature` is base64 of HMAC-SHA-1 under the account's token, over the URL and the form's sorted pairs.

use super::{HttpOperator, same};
use crate::{Call, Fate, Method, Named, Received, Report, Submission, Submitted, Unfit};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha1::Sha1;
use uuid::Uuid;
use zeroize::Zeroizing;

/// An account.
pub struct Twilio {
    /// Where its API is, without a slash at the end.
    pub base: String,
    /// The account's SID.
    pub account: String,
    /// Its token.
    pub token: Zeroizing<String>,
    /// The number that messages come from, or a messaging service's SID (`MG…`).
    pub sender: String,
    /// Where reports are to be sent, as Twilio sees it; empty for nowhere. The challenge's id is added.
    pub receipts_url: String,
}

#[derive(Deserialize)]
struct Resource {
    sid: String,
    status: String,
    #[serde(default)]
    error_code: Option<i64>,
    #[serde(default)]
    error_message: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    code: i64,
    #[serde(default)]
    message: String,
}

/// Whether an error blames the message or its recipient.
fn is_permanent(code: i64) -> bool {
    // 21211 no such number, 21610 the recipient has opted out.
    matches!(code, 21211 | 21610)
}

fn fate(status: &str) -> Fate {
    match status {
        "delivered" | "read" => Fate::Delivered,
        "undelivered" | "failed" | "canceled" => Fate::Failed,
        // accepted, scheduled, queued, sending, sent
        _ => Fate::OnItsWay,
    }
}

impl Twilio {
    fn call(&self, method: Method, path: &str, body: Zeroizing<String>) -> Call {
        let pair = Zeroizing::new(format!("{}:{}", self.account, self.token.as_str()));
        let credentials = Zeroizing::new(BASE64_STANDARD.encode(pair.as_bytes()));
        Call {
            method,
            url: Zeroizing::new(format!(
                "{}/2010-04-01/Accounts/{}/{path}",
                self.base, self.account
            )),
            authorization: Some(Zeroizing::new(format!("Basic {}", credentials.as_str()))),
            media_type: if body.is_empty() {
                ""
            } else {
                "application/x-www-form-urlencoded"
            },
            body,
        }
    }

    /// The signature of a report (Twilio's "Validating requests").
    fn signature(&self, url: &str, pairs: &[(String, String)]) -> String {
        let mut sorted: Vec<&(String, String)> = pairs.iter().collect();
        sorted.sort();
        sorted.dedup();
        let mut mac =
            Hmac::<Sha1>::new_from_slice(self.token.as_bytes()).expect("HMAC takes a key of any length");
        mac.update(url.as_bytes());
        for (name, value) in sorted {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        }
        BASE64_STANDARD.encode(mac.finalize().into_bytes())
    }
}

impl HttpOperator for Twilio {
    fn name(&self) -> &'static str {
        "twilio"
    }

    fn submit(&self, submission: &Submission<'_>) -> Call {
        let sender = if self.sender.starts_with("MG") {
            "MessagingServiceSid"
        } else {
            "From"
        };
        // 1 s to 10 h.
        let validity = submission.validity_seconds.clamp(1, 36_000).to_string();
        let callback = format!("{}?challenge={}", self.receipts_url, submission.challenge);
        let mut pairs = vec![
            ("To", submission.to),
            (sender, self.sender.as_str()),
            ("Body", submission.text),
            ("ValidityPeriod", validity.as_str()),
        ];
        if !self.receipts_url.is_empty() {
            pairs.push(("StatusCallback", &callback));
        }
        self.call(Method::Post, "Messages.json", crate::form::encode(&pairs))
    }

    fn submitted(&self, status: u16, body: &[u8]) -> Submitted {
        match status {
            200..=299 => match serde_json::from_slice::<Resource>(body) {
                Ok(resource) if fate(&resource.status) == Fate::Failed => {
                    let code = resource
                        .error_code
                        .map_or(resource.status, |code| code.to_string());
                    let permanent = resource.error_code.is_some_and(is_permanent);
                    Submitted::refused(permanent, code, resource.error_message.unwrap_or_default())
                }
                Ok(resource) => Submitted::accepted(resource.sid),
                Err(_) => Submitted::Unknown,
            },
            400..=499 => match serde_json::from_slice::<Refusal>(body) {
                Ok(Refusal { code, message }) => Submitted::refused(is_permanent(code), code, message),
                Err(_) => Submitted::Unknown,
            },
            _ => Submitted::Unknown,
        }
    }

    fn poll(&self, ids: &[String]) -> Option<Call> {
        let id = ids
            .first()
            .filter(|id| id.bytes().all(|octet| octet.is_ascii_alphanumeric()))?;
        Some(self.call(Method::Get, &format!("Messages/{id}.json"), Zeroizing::default()))
    }

    fn poll_ids_max(&self) -> usize {
        1
    }

    fn polled(&self, status: u16, body: &[u8]) -> Vec<Report> {
        let resource = serde_json::from_slice::<Resource>(body)
            .ok()
            .filter(|_| status == 200);
        let report = resource.map(|resource| Report {
            fate: fate(&resource.status),
            code: resource
                .error_code
                .map_or(resource.status, |code| code.to_string()),
            named: Named::Theirs(resource.sid),
        });
        report.into_iter().collect()
    }

    fn received(&self, received: &Received<'_>) -> Result<Vec<Report>, Unfit> {
        let pairs = crate::form::decode(received.body).ok_or(Unfit::Unreadable)?;
        let signature = received.signature.ok_or(Unfit::Unproved)?;
        if !same(
            self.signature(received.url, &pairs).as_bytes(),
            signature.as_bytes(),
        ) {
            return Err(Unfit::Unproved);
        }
        let value = |name| crate::form::value(&pairs, name);
        let status = value("MessageStatus").ok_or(Unfit::Unreadable)?;
        let query = crate::form::decode(received.query.as_bytes()).unwrap_or_default();
        let ours = crate::form::value(&query, "challenge").and_then(|id| Uuid::parse_str(id).ok());
        // Ours first: it is known also where the answer to the message was lost.
        let named = match ours {
            Some(challenge) => Named::Ours(challenge),
            None => Named::Theirs(value("MessageSid").ok_or(Unfit::Unreadable)?.to_owned()),
        };
        let code = value("ErrorCode")
            .filter(|code| !code.is_empty())
            .unwrap_or(status);
        Ok(vec![Report {
            named,
            fate: fate(status),
            code: code.to_owned(),
        }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operator() -> Twilio {
        Twilio {
            base: "https://api.twilio.com".to_owned(),
            account: "AC0".to_owned(),
            token: Zeroizing::new("12345".to_owned()),
            sender: "+15005550006".to_owned(),
            receipts_url: "https://gateway.test/receipts/twilio".to_owned(),
        }
    }

    #[test]
    fn a_message_is_a_form_with_basic_authentication_and_a_place_for_reports() {
        let submission = Submission {
            message: Uuid::nil(),
            challenge: Uuid::from_u128(7),
            to: "+447700900123",
            text: "Your code\n123456",
            validity_seconds: 300,
        };
        let call = operator().submit(&submission);
        assert_eq!(
            call.url.as_str(),
            "https://api.twilio.com/2010-04-01/Accounts/AC0/Messages.json"
        );
        assert_eq!(
            call.authorization.as_ref().unwrap().as_str(),
            "Basic QUMwOjEyMzQ1"
        );
        let pairs = crate::form::decode(call.body.as_bytes()).unwrap();
        let expected = [
            ("To", "+447700900123"),
            ("From", "+15005550006"),
            ("Body", "Your code\n123456"),
            ("ValidityPeriod", "300"),
            (
                "StatusCallback",
                "https://gateway.test/receipts/twilio?challenge=00000000-0000-0000-0000-000000000007",
            ),
        ];
        assert_eq!(
            pairs,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        let service = Twilio {
            sender: "MG1".to_owned(),
            receipts_url: String::new(),
            ..operator()
        };
        let body = service.submit(&submission).body;
        assert!(body.contains("MessagingServiceSid=MG1") && !body.contains("StatusCallback"));
    }

    #[test]
    fn every_status_of_a_created_message_has_its_meaning() {
        for (status, refused) in [
            ("queued", false),
            ("accepted", false),
            ("scheduled", false),
            ("sending", false),
            ("sent", false),
            ("delivered", false),
            ("undelivered", true),
            ("failed", true),
            ("canceled", true),
        ] {
            let body =
                format!(r#"{{"sid":"SM1","status":"{status}","error_code":null,"error_message":null}}"#);
            let expected = if refused {
                Submitted::refused(false, status, "")
            } else {
                Submitted::accepted("SM1")
            };
            assert_eq!(operator().submitted(201, body.as_bytes()), expected, "{status}");
        }
    }

    #[test]
    fn every_error_has_its_meaning() {
        for (http, code, permanent) in [
            (400, 21211, true),
            (400, 21610, true),
            (400, 30003, false),
            (400, 30007, false),
            (401, 20003, false),
            (404, 20404, false),
            (429, 20429, false),
        ] {
            let body = format!(r#"{{"code":{code},"message":"said","more_info":"x","status":{http}}}"#);
            assert_eq!(
                operator().submitted(http, body.as_bytes()),
                Submitted::refused(permanent, code, "said"),
                "{code}"
            );
        }
    }

    #[test]
    fn half_answers_and_the_servers_own_errors_are_unknown() {
        let whole = r#"{"sid":"SM1","status":"queued"}"#;
        for length in 0..whole.len() {
            assert_eq!(
                operator().submitted(201, &whole.as_bytes()[..length]),
                Submitted::Unknown,
                "{length}"
            );
        }
        for (status, body) in [
            (400, "<html>"),
            (500, r#"{"code":20500,"message":"x"}"#),
            (503, ""),
            (302, ""),
        ] {
            assert_eq!(
                operator().submitted(status, body.as_bytes()),
                Submitted::Unknown,
                "{status}"
            );
        }
    }

    /// The example of Twilio's documentation, "Validating requests": token 12345, this URL, this form.
    #[test]
    fn a_signature_is_the_one_of_the_documentation() {
        let pairs = [
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+14158675309"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
            ("To", "+18005551212"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let signature = operator().signature("https://mycompany.com/myapp.php?foo=1&bar=2", &pairs);
        assert_eq!(signature, "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
    }

    #[test]
    fn a_report_names_our_challenge_and_every_status_has_its_meaning() {
        let url = "https://gateway.test/receipts/twilio?challenge=00000000-0000-0000-0000-000000000007";
        for (status, fate) in [
            ("queued", Fate::OnItsWay),
            ("sent", Fate::OnItsWay),
            ("delivered", Fate::Delivered),
            ("undelivered", Fate::Failed),
            ("failed", Fate::Failed),
        ] {
            let body = format!("MessageSid=SM1&MessageStatus={status}&ErrorCode=30003");
            let pairs = crate::form::decode(body.as_bytes()).unwrap();
            let signature = operator().signature(url, &pairs);
            let received = Received {
                url,
                query: "challenge=00000000-0000-0000-0000-000000000007",
                signature: Some(&signature),
                body: body.as_bytes(),
            };
            let expected = Report {
                named: Named::Ours(Uuid::from_u128(7)),
                fate,
                code: "30003".to_owned(),
            };
            assert_eq!(operator().received(&received), Ok(vec![expected]), "{status}");
            let forged = Received {
                signature: Some("RSOYDt4T1cUTdK1PDd93/VVr8B8="),
                ..received
            };
            assert_eq!(operator().received(&forged), Err(Unfit::Unproved));
            let bare = Received {
                signature: None,
                ..forged
            };
            assert_eq!(operator().received(&bare), Err(Unfit::Unproved));
        }
    }

    #[test]
    fn a_poll_asks_for_one_message_and_reads_its_status() {
        let call = operator().poll(&["SM1".to_owned()]).unwrap();
        assert!(call.url.ends_with("/Accounts/AC0/Messages/SM1.json") && call.body.is_empty());
        assert!(operator().poll(&["../Calls".to_owned()]).is_none());
        let body = br#"{"sid":"SM1","status":"undelivered","error_code":30003}"#;
        let report = &operator().polled(200, body)[0];
        assert_eq!((report.fate, report.code.as_str()), (Fate::Failed, "30003"));
        assert!(operator().polled(404, body).is_empty());
    }
}
