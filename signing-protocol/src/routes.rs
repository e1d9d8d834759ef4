//! Paths, header fields and limits of the two HTTP faces.

/// `POST`, the gateway's: a nonce.
pub const CHALLENGES: &str = "/agent/v1/challenges";
/// `POST`, the gateway's: enrol.
pub const ENROLMENTS: &str = "/agent/v1/enrolments";
/// `GET`, the gateway's: poll. `POST` to `{this}/{id}`: deliver.
pub const SIGNATURE_REQUESTS: &str = "/agent/v1/signature-requests";
/// `POST`, the gateway's: report keys and life.
pub const REPORTS: &str = "/agent/v1/reports";
/// `POST`, the gateway's: register a cashier.
pub const CASHIERS: &str = "/agent/v1/cashiers";

/// `POST`, the agent's: take a request.
pub const PUSH: &str = "/agent/v1/requests";

/// Octets of any body but a poll's answer: a document of 512,000 octets in base64, and room.
pub const BODY_OCTETS_MAX: usize = 1024 * 1024;
/// Octets of a pushed request: a key to load in base64, and room.
pub const PUSH_OCTETS_MAX: usize = 2 * 1024 * 1024;
/// Octets of a poll's answer; the gateway puts in no further request that would pass it.
pub const POLL_ANSWER_OCTETS_MAX: usize = 4 * 1024 * 1024;
/// Seconds that a poll may ask the gateway to wait. Below the 60 after which usual proxies give up.
pub const POLL_WAIT_SECONDS_MAX: u32 = 50;
/// Requests that a poll may ask for.
pub const POLL_REQUESTS_MAX: u32 = 64;
/// Seconds after which a request that was handed out and not answered is handed out again to the same session.
pub const HAND_OUT_AGAIN_SECONDS: u32 = 5;
