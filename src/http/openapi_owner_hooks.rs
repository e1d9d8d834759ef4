//! The description of accounts' webhooks: a part of the administrators' description.

use super::admin::owner_hooks::{EventsView, OwnerHookRow, OwnerHookView, ReplayRow};
use super::openapi::{ProblemDetails, admin_route, described};
use utoipa::OpenApi;

admin_route!(
    owner_hook_get,
    get,
    "/admin/v1/accounts/{id}/webhook",
    "getAccountWebhook",
    "Where an account is told what its registers do.",
    [("id" = Uuid, Path)],
    [],
    [(status = 200, body = OwnerHookView)]
);
admin_route!(
    owner_hook_put,
    put,
    "/admin/v1/accounts/{id}/webhook",
    "putAccountWebhook",
    "Tell an account what its registers do (Standard Webhooks); the first time the answer shows the key, later the key stays.",
    [("id" = Uuid, Path)],
    [request_body = OwnerHookRow,],
    [(status = 200, body = OwnerHookView)]
);
admin_route!(
    owner_hook_delete,
    delete,
    "/admin/v1/accounts/{id}/webhook",
    "deleteAccountWebhook",
    "Tell an account nothing more, and forget its events.",
    [("id" = Uuid, Path)],
    [],
    [(status = 204)]
);
admin_route!(
    owner_hook_rotate,
    post,
    "/admin/v1/accounts/{id}/webhook/rotate-secret",
    "rotateAccountWebhookSecret",
    "Give a webhook a new key, shown this once; the one before signs along for a day.",
    [("id" = Uuid, Path)],
    [],
    [(status = 200, body = OwnerHookView)]
);
admin_route!(
    owner_events_get,
    get,
    "/admin/v1/accounts/{id}/webhook/events",
    "listAccountEvents",
    "Events for an account's webhook, the oldest first: what is owed, and what is kept for replays.",
    [
        ("id" = Uuid, Path),
        ("state" = Option<String>, Query, description = "`owed`, `delivered` or `given_up`; all without it"),
        ("register" = Option<u64>, Query, minimum = 1, maximum = 9_223_372_036_854_775_807_i64, description = "Of this register alone"),
        ("since" = Option<String>, Query, description = "That happened at this moment or later (RFC 3339)"),
        ("after" = Option<Uuid>, Query, description = "`next` of the page before"),
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 200)
    ],
    [],
    [(status = 200, body = EventsView)]
);
admin_route!(
    owner_events_replay,
    post,
    "/admin/v1/accounts/{id}/webhook/replay",
    "replayAccountEvents",
    "Post kept events again, under their ids: all since a moment, or one. It goes on by itself, and takes the place of an earlier replay.",
    [("id" = Uuid, Path)],
    [request_body = ReplayRow,],
    [(status = 202, body = OwnerHookView)]
);

/// Merged into the administrators' description.
#[derive(OpenApi)]
#[openapi(paths(
    owner_hook_get,
    owner_hook_put,
    owner_hook_delete,
    owner_hook_rotate,
    owner_events_get,
    owner_events_replay
))]
pub(super) struct OwnerHooksApi;
