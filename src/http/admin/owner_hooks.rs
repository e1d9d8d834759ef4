//! Where an account is told what its registers do: its webhook, the events for it, and their replay.

use super::super::exchange::{Answer, Exchange};
use super::super::problem::{Code, Problem};
use super::super::routing::{first_of, route1};
use super::super::{Gateway, Routes};
use super::accounts::known;
use super::{admit, json, moment, no_content, read_row, store_problem, unknown};
use crate::outbound::owner::Payload;
use actors::ids::AccountId;
use actors::owners::{Ending, Listed, OwnerHookRecord, Place, Put, Replay, Replayed, Wanted};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::DateTime;
use fiscal::RegisterNumber;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;
use warp::path;

/// The most that one page of events holds, and what it holds unless the caller says less.
const PAGE_MAX: usize = 200;

/// The routes of this file.
pub fn routes(gateway: &Gateway) -> Routes {
    let g = gateway;
    first_of([
        route1(path!("admin" / "v1" / "accounts" / String / "webhook"), g, one),
        route1(
            path!("admin" / "v1" / "accounts" / String / "webhook" / "rotate-secret"),
            g,
            rotate,
        ),
        route1(
            path!("admin" / "v1" / "accounts" / String / "webhook" / "events"),
            g,
            events,
        ),
        route1(
            path!("admin" / "v1" / "accounts" / String / "webhook" / "replay"),
            g,
            replay,
        ),
    ])
}

/// A webhook, as it is put.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnerHookRow {
    /// Where events are POSTed: https://, or http:// on a private network where `webhooks.private_addresses` allows that.
    #[schema(max_length = 2000, pattern = "^https?://")]
    url: String,
}

/// A webhook, as it is shown.
#[derive(Serialize, utoipa::ToSchema)]
pub struct OwnerHookView {
    /// Where events are POSTed.
    url: String,
    /// The key of their signatures (Standard Webhooks). Shown once, in the answer to the request that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// Until when the key before it signs along (RFC 3339, UTC); null where none does.
    former_secret_until: Option<String>,
    /// When it was put last (RFC 3339, UTC).
    put_at: String,
    /// When the receiver answered 410, after which nothing is owed or posted until the webhook is put again; null where it did not.
    gone_at: Option<String>,
    /// Whether a replay is under way.
    is_replaying: bool,
}

/// What is posted again: either of the two.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayRow {
    /// All kept events since this moment (RFC 3339).
    #[serde(default)]
    since: Option<String>,
    /// The kept event with this `webhook-id`.
    #[serde(default)]
    id: Option<Uuid>,
}

/// A page of events.
#[derive(Serialize, utoipa::ToSchema)]
pub struct EventsView {
    /// By their ids, the oldest first.
    events: Vec<EventView>,
    /// `after` of the next page; null where there is none.
    next: Option<Uuid>,
}

/// An event, and where it stands.
#[derive(Serialize, utoipa::ToSchema)]
pub struct EventView {
    /// Its `webhook-id`.
    id: Uuid,
    /// `owed`, `delivered` or `given_up`.
    state: &'static str,
    /// How often it was posted; of one that is owed, in vain.
    tries: u32,
    /// The status of the last answer that did not take it; null where there was none.
    last_status: Option<u16>,
    /// Of one that is owed: not before then is it posted again (RFC 3339, UTC); null before its first post.
    due_at: Option<String>,
    /// When it was delivered or given up (RFC 3339, UTC).
    ended_at: Option<String>,
    /// What is posted.
    event: Payload,
}

/// The webhook of an account.
pub async fn one(gateway: Gateway, id: String, mut exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET, Method::PUT, Method::DELETE])?;
    let row = match exchange.method {
        Method::PUT => Some(read_row::<OwnerHookRow>(&gateway, &mut exchange).await?),
        _ => None,
    };
    let account = known(&gateway, &id)?;
    let failed = |error| store_problem(&error);
    match (&exchange.method, row) {
        (_, Some(row)) => {
            let unfit = |why| Problem::new(Code::UnfitObject, format!("url: {why}"));
            gateway.receivers.check(&row.url).map_err(unfit)?;
            let put = gateway.owners.put_hook(account, row.url).await.map_err(failed)?;
            shown(&gateway, account, put).await
        }
        (&Method::DELETE, None) => {
            gateway.owners.delete_hook(account).await.map_err(failed)?;
            Ok(no_content())
        }
        (_, None) => {
            let hook = gateway.owners.hook(account).ok_or_else(unknown)?;
            shown(&gateway, account, Put { hook, key: None }).await
        }
    }
}

/// Gives a webhook a new key.
pub async fn rotate(gateway: Gateway, id: String, exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::POST])?;
    let account = known(&gateway, &id)?;
    let rotated = gateway.owners.rotate_key(account).await;
    let put = rotated
        .map_err(|error| store_problem(&error))?
        .ok_or_else(unknown)?;
    shown(&gateway, account, put).await
}

/// A page of an account's events.
pub async fn events(gateway: Gateway, id: String, exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET])?;
    let account = known(&gateway, &id)?;
    let wanted = wanted(&exchange.query)?;
    let listed = gateway.owners.events(account, &wanted).await;
    let listed = listed.map_err(|error| store_problem(&error))?;
    let last = listed.last().map(|listed| listed.event.id);
    let view = EventsView {
        next: last.filter(|_| listed.len() == wanted.limit),
        events: listed.iter().map(event_view).collect(),
    };
    Ok(json(StatusCode::OK, &view))
}

/// Posts events again.
pub async fn replay(gateway: Gateway, id: String, mut exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::POST])?;
    let row: ReplayRow = read_row(&gateway, &mut exchange).await?;
    let account = known(&gateway, &id)?;
    let replay = match (row.since, row.id) {
        (Some(since), None) => Replay::Since(parse_moment("since", &since)?),
        (None, Some(id)) => Replay::One(id),
        _ => {
            let detail = "give either `since` or `id`";
            return Err(Problem::new(Code::InvalidField, detail));
        }
    };
    let hook = gateway.owners.hook(account).ok_or_else(unknown)?;
    let begun = gateway.owners.replay(account, replay).await;
    match begun.map_err(|error| store_problem(&error))? {
        Replayed::Begun => {
            let view = view(&gateway, account, Put { hook, key: None }).await?;
            Ok(json(StatusCode::ACCEPTED, &view))
        }
        Replayed::NoHook => {
            let detail =
                "the receiver answered 410 and wants to hear nothing more: put the webhook again first";
            Err(Problem::new(Code::UnfitObject, detail))
        }
        Replayed::NoEvent => Err(unknown()),
    }
}

async fn shown(gateway: &Gateway, account: AccountId, put: Put) -> Answer {
    Ok(json(StatusCode::OK, &view(gateway, account, put).await?))
}

async fn view(gateway: &Gateway, account: AccountId, put: Put) -> Result<OwnerHookView, Problem> {
    let is_replaying = gateway.owners.is_replaying(account).await;
    let hook: Arc<OwnerHookRecord> = put.hook;
    let now_ms = gateway.clock.now().wall.timestamp_millis();
    let former = hook.former.filter(|former| now_ms < former.until_ms);
    Ok(OwnerHookView {
        url: hook.url.clone(),
        secret: put
            .key
            .map(|key| format!("whsec_{}", BASE64_STANDARD.encode(key.as_slice()))),
        former_secret_until: former.map(|former| moment(former.until_ms)),
        put_at: moment(hook.put_ms),
        gone_at: hook.gone_ms.map(moment),
        is_replaying: is_replaying.map_err(|error| store_problem(&error))?,
    })
}

fn event_view(listed: &Listed) -> EventView {
    let (state, due_ms, ended_ms) = match listed.place {
        Place::Owed { due_ms } => ("owed", Some(due_ms).filter(|due_ms| *due_ms > 0), None),
        Place::Ended(ending, ended_ms) => (ending.name(), None, Some(ended_ms)),
    };
    EventView {
        id: listed.event.id,
        state,
        tries: listed.tries,
        last_status: listed.status,
        due_at: due_ms.map(moment),
        ended_at: ended_ms.map(moment),
        event: Payload::from(&listed.event),
    }
}

/// `state`, `register`, `since`, `after`, `limit`, and no other.
fn wanted(query: &str) -> Result<Wanted, Problem> {
    let invalid = |detail: String| Problem::new(Code::InvalidField, detail);
    let mut wanted = Wanted {
        owed: true,
        delivered: true,
        given_up: true,
        limit: PAGE_MAX,
        ..Wanted::default()
    };
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "state" => {
                wanted.owed = value == "owed";
                wanted.delivered = value == Ending::Delivered.name();
                wanted.given_up = value == Ending::GivenUp.name();
                if !(wanted.owed || wanted.delivered || wanted.given_up) {
                    return Err(invalid("state: must be owed, delivered or given_up".to_owned()));
                }
            }
            "register" => {
                let number = value
                    .parse()
                    .ok()
                    .filter(|number| i64::try_from(*number).is_ok())
                    .and_then(|number| RegisterNumber::new(number).ok());
                let wrong = || invalid("register: must be a fiscal number".to_owned());
                wanted.register = Some(number.ok_or_else(wrong)?);
            }
            "since" => wanted.since_ms = Some(parse_moment("since", &value)?),
            "after" => {
                let after = Uuid::parse_str(&value);
                let wrong = |_| invalid("after: must be the `next` of the page before".to_owned());
                wanted.after = Some(after.map_err(wrong)?);
            }
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit));
                let wrong = || invalid(format!("limit: must be 1 to {PAGE_MAX}"));
                wanted.limit = limit.ok_or_else(wrong)?;
            }
            _ => {
                let detail = "the query may have state, register, since, after and limit";
                return Err(invalid(detail.to_owned()));
            }
        }
    }
    Ok(wanted)
}

fn parse_moment(field: &'static str, text: &str) -> Result<i64, Problem> {
    let parsed = DateTime::parse_from_rfc3339(text);
    let wrong = |_| {
        let detail = format!("{field}: must be a moment of RFC 3339, say 2026-03-03T09:00:00Z");
        Problem::new(Code::InvalidField, detail)
    };
    Ok(parsed.map_err(wrong)?.timestamp_millis())
}
