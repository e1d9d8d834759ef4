//! The description of what a person may do with a register by hand: a part of the administrators' description.

use super::admin::register_tools::{Closing, Resolution, Used};
use super::admin::registers::RegisterState;
use super::openapi::{ProblemDetails, admin_route, described};
use utoipa::OpenApi;

admin_route!(
    register_resync,
    post,
    "/admin/v1/registers/{num_fiscal}/resync",
    "resyncRegister",
    "Ask the tax service where a register stands, and follow it; of one that is offline: look now.",
    [
        ("num_fiscal" = u64, Path, minimum = 1),
        ("Countersign-Operator" = Option<String>, Header, description = "Who does it, for the audit: 1 to 64 visible characters")
    ],
    [],
    [(status = 200, body = RegisterState)]
);
admin_route!(
    register_offline,
    post,
    "/admin/v1/registers/{num_fiscal}/offline",
    "takeRegisterOffline",
    "Take a register offline, where it stays until it is taken online.",
    [
        ("num_fiscal" = u64, Path, minimum = 1),
        ("Countersign-Operator" = Option<String>, Header, description = "Who does it, for the audit: 1 to 64 visible characters")
    ],
    [],
    [(status = 200, body = RegisterState)]
);
admin_route!(
    register_online,
    post,
    "/admin/v1/registers/{num_fiscal}/online",
    "takeRegisterOnline",
    "Let a register come back online as soon as the tax service can be reached.",
    [
        ("num_fiscal" = u64, Path, minimum = 1),
        ("Countersign-Operator" = Option<String>, Header, description = "Who does it, for the audit: 1 to 64 visible characters")
    ],
    [],
    [(status = 200, body = RegisterState)]
);
admin_route!(
    register_resolve,
    post,
    "/admin/v1/registers/{num_fiscal}/resolve",
    "resolveRegister",
    "Unblock a register that waits for a person.",
    [
        ("num_fiscal" = u64, Path, minimum = 1),
        ("Countersign-Operator" = Option<String>, Header, description = "Who does it, for the audit: 1 to 64 visible characters")
    ],
    [request_body = Resolution,],
    [(status = 200, body = RegisterState)]
);
admin_route!(
    register_close_shift,
    post,
    "/admin/v1/registers/{num_fiscal}/close-shift",
    "closeRegisterShift",
    "Close the shift, with the key of its cashier or of a senior one.",
    [
        ("num_fiscal" = u64, Path, minimum = 1),
        ("Countersign-Operator" = Option<String>, Header, description = "Who does it, for the audit: 1 to 64 visible characters")
    ],
    [request_body = Closing,],
    [(status = 200, body = RegisterState)]
);
admin_route!(
    register_audit,
    get,
    "/admin/v1/registers/{num_fiscal}/audit",
    "listRegisterAudit",
    "What was done with a register by hand, oldest first, at most 200.",
    [
        ("num_fiscal" = u64, Path, minimum = 1),
        ("after_ms" = Option<i64>, Query, description = "Only what was done after this moment, milliseconds since 1970")
    ],
    [],
    [(status = 200, body = Vec<Used>)]
);

/// Merged into the administrators' description.
#[derive(OpenApi)]
#[openapi(paths(
    register_resync,
    register_offline,
    register_online,
    register_resolve,
    register_close_shift,
    register_audit
))]
pub(super) struct RegisterToolsApi;
