//! The signing agents' face: `signing-protocol` over HTTP. What is judged is judged in `actors::agents`; here are methods, sizes and words.

use super::Gateway;
use super::exchange::{Answer, Exchange};
use super::problem::{Code, Problem};
use actors::agents::{Poll, Refused};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use signing_protocol::{
    AgentId, AgentSecret, CashierRegistration, ChallengeRequest, Delivery, Enrolment, ErrorCode, Purpose,
    Report, RequestId, SessionId, routes,
};

/// Octets of a challenge's, enrolment's or cashier's body: a licence of 16 KiB at most, or a packet that names a thousand registers.
const SMALL_OCTETS_MAX: usize = 64 * 1_024;
/// Seconds after which to try again, where nothing says so.
const RETRY_SECONDS: u32 = 1;

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let code = match refused.code {
            ErrorCode::InvalidBody => Code::InvalidBody,
            ErrorCode::Unauthorized => return Self::unauthorized(),
            ErrorCode::LicenceRefused => Code::LicenceRefused,
            ErrorCode::AgreementMissing => Code::AgreementMissing,
            ErrorCode::UnknownRequest => Code::UnknownRequest,
            ErrorCode::ChallengeExpired => Code::ChallengeExpired,
            ErrorCode::OtherAnswer => Code::OtherAnswer,
            ErrorCode::LateAnswer => Code::LateAnswer,
            ErrorCode::BodyTooLarge => Code::BodyTooLarge,
            ErrorCode::UnfitSignature => Code::UnfitSignature,
            ErrorCode::TooManyRequests => Code::TooManyRequests,
            ErrorCode::Unavailable => Code::Unavailable,
        };
        let problem = Self::new(code, refused.detail);
        match refused.code {
            ErrorCode::TooManyRequests | ErrorCode::Unavailable => {
                problem.retry_after(refused.retry_after.unwrap_or(RETRY_SECONDS))
            }
            _ => problem,
        }
    }
}

/// A nonce. One for cashiers needs the secret of the agent that asks.
pub async fn challenges(gateway: Gateway, mut exchange: Exchange) -> Answer {
    exchange.allow(&[Method::POST])?;
    let asked: ChallengeRequest = read(&gateway, &mut exchange, SMALL_OCTETS_MAX).await?;
    if asked.purpose == Purpose::Cashier && authenticate(&gateway, &exchange)? != asked.agent {
        return Err(Problem::unauthorized());
    }
    json(&gateway.agents.challenge(asked)?)
}

/// An enrolment; the secret before it ends.
pub async fn enrolments(gateway: Gateway, mut exchange: Exchange) -> Answer {
    exchange.allow(&[Method::POST])?;
    let enrolment: Enrolment = read(&gateway, &mut exchange, SMALL_OCTETS_MAX).await?;
    json(&gateway.agents.enrol(&enrolment).await?)
}

/// A held poll.
pub async fn poll(gateway: Gateway, exchange: Exchange) -> Answer {
    exchange.allow(&[Method::GET])?;
    let agent = authenticate(&gateway, &exchange)?;
    let poll = parameters(&exchange.query)?;
    match gateway.agents.poll(agent, poll).await {
        Some(answer) => json(&answer),
        None => {
            let mut response = Response::new(Vec::new());
            *response.status_mut() = StatusCode::NO_CONTENT;
            Ok(response)
        }
    }
}

/// What came of a request.
pub async fn deliver(gateway: Gateway, id: String, mut exchange: Exchange) -> Answer {
    exchange.allow(&[Method::POST])?;
    let agent = authenticate(&gateway, &exchange)?;
    let id: RequestId = id
        .parse()
        .map_err(|_| Problem::new(Code::UnknownRequest, "the id in the path is no UUID"))?;
    let delivery: Delivery = read(&gateway, &mut exchange, routes::BODY_OCTETS_MAX).await?;
    if delivery.id != id {
        return Err(Problem::new(
            Code::InvalidBody,
            "the id in the body is not the one in the path",
        ));
    }
    json(&gateway.agents.deliver(agent, delivery).await?)
}

/// A sign of life, and all keys.
pub async fn reports(gateway: Gateway, mut exchange: Exchange) -> Answer {
    exchange.allow(&[Method::POST])?;
    let agent = authenticate(&gateway, &exchange)?;
    let report: Report = read(&gateway, &mut exchange, routes::BODY_OCTETS_MAX).await?;
    json(&gateway.agents.report(agent, report).await?)
}

/// A cashier who has signed for themselves; the answer has the user's token.
pub async fn cashiers(gateway: Gateway, mut exchange: Exchange) -> Answer {
    exchange.allow(&[Method::POST])?;
    let agent = authenticate(&gateway, &exchange)?;
    let registration: CashierRegistration = read(&gateway, &mut exchange, SMALL_OCTETS_MAX).await?;
    let registered = gateway
        .agents
        .register_cashier(&gateway.accounts, agent, registration);
    json(&registered.await?)
}

fn authenticate(gateway: &Gateway, exchange: &Exchange) -> Result<AgentId, Problem> {
    let secret = exchange.bearer().ok_or_else(Problem::unauthorized)?;
    Ok(gateway.agents.authenticate(&AgentSecret::from_text(secret))?)
}

async fn read<T: DeserializeOwned>(
    gateway: &Gateway,
    exchange: &mut Exchange,
    octets_max: usize,
) -> Result<T, Problem> {
    exchange.expect_type(&["application/json"])?;
    let body = exchange.read_body(octets_max, gateway.body_deadline).await?;
    serde_json::from_slice(&body).map_err(|error| {
        // The category and the place alone: the error itself may quote what was there.
        let (category, line, column) = (error.classify(), error.line(), error.column());
        let detail = format!(
            "the body is not what this route takes: {category:?} error in line {line}, column {column}"
        );
        Problem::new(Code::InvalidBody, detail)
    })
}

fn parameters(query: &str) -> Result<Poll, Problem> {
    let value = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .filter(|(known, _)| *known == name)
            .map(|(_, value)| value)
            .next()
    };
    let unfit = |detail| Problem::new(Code::InvalidBody, detail);
    let number = |name, detail| {
        value(name)
            .map(|text| text.parse::<u32>().map_err(|_| unfit(detail)))
            .transpose()
    };
    let wait = number("wait", "wait: must be a number of seconds, 0 to 50")?.unwrap_or(0);
    let requests_max = number("max", "max: must be a number of requests, 1 to 64")?;
    let session = value("session").and_then(|text| text.parse::<SessionId>().ok());
    let session = session.ok_or_else(|| unfit("session: is needed, a UUID drawn at the program's start"))?;
    Ok(Poll::new(wait, requests_max, session)?)
}

fn json<T: Serialize>(value: &T) -> Answer {
    let body = serde_json::to_vec(value).expect("messages of the protocol become JSON");
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // Secrets, tokens and receipts are nobody's to keep.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_polls_parameters_are_read_and_judged() {
        let session = "session=00000000-0000-4000-8000-000000000001";
        let poll = parameters(&format!("wait=50&max=64&{session}&later=x")).unwrap();
        assert_eq!((poll.wait, poll.requests_max), (Duration::from_secs(50), 64));
        let poll = parameters(session).unwrap();
        assert_eq!((poll.wait, poll.requests_max), (Duration::ZERO, 16));
        for wrong in ["", "wait=51", "wait=-1", "wait=x", "max=0", "max=65", "session=x"] {
            let query = if wrong.contains("session") || wrong.is_empty() {
                wrong.to_owned()
            } else {
                format!("{wrong}&{session}")
            };
            let problem = parameters(&query).unwrap_err();
            assert!(
                problem.to_string().starts_with("invalid-body"),
                "{query}: {problem}"
            );
        }
    }

    #[test]
    fn every_refusal_is_answered_with_the_protocols_own_name_and_status() {
        for code in ErrorCode::ALL {
            let refused = Refused {
                code,
                detail: "why".to_owned(),
                retry_after: None,
            };
            let name = Problem::from(refused).to_string();
            assert!(name.starts_with(&format!("{}: ", code.slug())), "{name}");
            let known = Code::ALL.into_iter().find(|known| known.slug() == code.slug());
            assert_eq!(known.unwrap().status().as_u16(), code.status(), "{}", code.slug());
        }
    }
}
