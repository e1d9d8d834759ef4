//! The description of the administration of signing agents: a part of the administrators' description.

use super::admin::agents::{AgentRow, AgentShown, KeyShown};
use super::admin::agreements::{AgreementRow, AgreementView};
use super::admin::licences::{GatewayKeyView, LicenceRow, LicenceView, TokenRow, TokenVerdict};
use super::openapi::{ProblemDetails, admin_route, described};
use utoipa::OpenApi;

admin_route!(agents_list, get, "/admin/v1/agents", "listAgents", "All signing agents, and how they are.", [], [],
    [(status = 200, body = Vec<AgentShown>)]);
admin_route!(
    agent_get,
    get,
    "/admin/v1/agents/{id}",
    "getAgent",
    "A signing agent, and how it is.",
    [("id" = Uuid, Path)],
    [],
    [(status = 200, body = AgentShown)]
);
admin_route!(
    agent_put,
    put,
    "/admin/v1/agents/{id}",
    "putAgent",
    "Put a signing agent; licences, enrolment and keys stay.",
    [("id" = Uuid, Path)],
    [request_body = AgentRow,],
    [(status = 200, body = AgentShown)]
);
admin_route!(
    agent_delete,
    delete,
    "/admin/v1/agents/{id}",
    "deleteAgent",
    "Forget a signing agent, its licences and keys.",
    [("id" = Uuid, Path)],
    [],
    [(status = 204)]
);
admin_route!(licences_list, get, "/admin/v1/agents/{id}/licences", "listLicences", "An agent's licences, oldest first.",
    [("id" = Uuid, Path)], [], [(status = 200, body = Vec<LicenceView>)]);
admin_route!(
    licences_post,
    post,
    "/admin/v1/agents/{id}/licences",
    "issueLicence",
    "Issue a licence, the agent's current one from now on.",
    [("id" = Uuid, Path)],
    [request_body = LicenceRow,],
    [
        (status = 201, body = LicenceView),
        (
            status = 403,
            body = ProblemDetails,
            content_type = "application/problem+json",
            description = "An account has not agreed to the agent's use"
        )
    ]
);
admin_route!(
    licence_delete,
    delete,
    "/admin/v1/agents/{id}/licences/{licence}",
    "revokeLicence",
    "Revoke a licence.",
    [("id" = Uuid, Path), ("licence" = Uuid, Path)],
    [],
    [(status = 204)]
);
admin_route!(
    licence_verify,
    post,
    "/admin/v1/licences/verify",
    "verifyLicence",
    "What a licence's token is worth.",
    [],
    [request_body = TokenRow,],
    [(status = 200, body = TokenVerdict)]
);
admin_route!(
    gateway_key,
    get,
    "/admin/v1/gateway-key",
    "getGatewayKey",
    "The public key that agents know the gateway by.",
    [],
    [],
    [(status = 200, body = GatewayKeyView)]
);
admin_route!(
    key_activate,
    post,
    "/admin/v1/agents/{id}/keys/{key}/activate",
    "activateKey",
    "Have a key unlocked in its agent; answered when it is.",
    [("id" = Uuid, Path), ("key" = Uuid, Path)],
    [],
    [
        (status = 200, body = KeyShown),
        (
            status = 403,
            body = ProblemDetails,
            content_type = "application/problem+json",
            description = "No agreement on the key, or no licence"
        ),
        (
            status = 502,
            body = ProblemDetails,
            content_type = "application/problem+json",
            description = "The agent refused, or did not answer"
        )
    ]
);
admin_route!(agreements_list, get, "/admin/v1/accounts/{id}/agreements", "listAgreements", "An account's agreements, ended ones too.",
    [("id" = Uuid, Path)], [], [(status = 200, body = Vec<AgreementView>)]);
admin_route!(
    agreement_get,
    get,
    "/admin/v1/accounts/{id}/agreements/{kind}",
    "getAgreement",
    "An agreement.",
    [
        ("id" = Uuid, Path),
        ("kind" = String, Path, description = "`agent-use` or `key-use`")
    ],
    [],
    [(status = 200, body = AgreementView)]
);
admin_route!(
    agreement_put,
    put,
    "/admin/v1/accounts/{id}/agreements/{kind}",
    "putAgreement",
    "Record an agreement.",
    [
        ("id" = Uuid, Path),
        ("kind" = String, Path, description = "`agent-use` or `key-use`")
    ],
    [request_body = AgreementRow,],
    [(status = 200, body = AgreementView)]
);
admin_route!(
    agreement_delete,
    delete,
    "/admin/v1/accounts/{id}/agreements/{kind}",
    "endAgreement",
    "End an agreement: what it allowed is no longer allowed.",
    [
        ("id" = Uuid, Path),
        ("kind" = String, Path, description = "`agent-use` or `key-use`")
    ],
    [],
    [(status = 204)]
);

/// Merged into the administrators' description.
#[derive(OpenApi)]
#[openapi(paths(
    agents_list,
    agent_get,
    agent_put,
    agent_delete,
    licences_list,
    licences_post,
    licence_delete,
    licence_verify,
    gateway_key,
    key_activate,
    agreements_list,
    agreement_get,
    agreement_put,
    agreement_delete
))]
pub(super) struct AgentsAdminApi;
