//! What the gateway and the signing agent say to each other: messages, licences, and the signatures over them. No I/O, no clock.
//!
//! # Trust
//!
//! The gateway has one Ed25519 key, whose public half agents have in their configuration. It signs [`Licence`]s, every [`Request`]
//! to an agent, and the answer to an enrolment. An agent has an Ed25519 key for its *instance*, made at its first start and named
//! by its licence, with which it signs its enrolment; from then on it proves itself with the [`AgentSecret`] that it was given. Signatures
//! are over [`Canonical`] content, each kind of message under its own label; JSON may be written anew without harm.
//!
//! All bodies are JSON in UTF-8. Unknown members are to be passed over, so that either side may be the newer one. HTTP redirects are not followed.
//!
//! # The gateway's side
//!
//! Every route but the first two asks for `Authorization: Bearer <secret>`. Errors are problem+json, see [`ErrorCode`]; 401, 403, 413, 429 and
//! 503 can come from every route, and 400 from every route with a body. Paths and limits are in [`routes`].
//!
//! | route | body | 200 | other answers |
//! |---|---|---|---|
//! | `POST /agent/v1/challenges` | [`ChallengeRequest`] | [`Challenge`] | an unknown agent gets a nonce too: it cannot use it. Purpose `cashier` needs the secret |
//! | `POST /agent/v1/enrolments` | [`Enrolment`] | [`EnrolmentAnswer`]; ends the secret before | 403 `licence-refused`, 409 `challenge-expired` |
//! | `GET /agent/v1/signature-requests?wait=50&max=16&session=UUID` | | [`PollAnswer`], as soon as anything waits | 204: nothing within `wait` seconds |
//! | `POST /agent/v1/signature-requests/{id}` | [`Delivery`] | [`DeliveryAnswer`] | 404 `unknown-request`, 409 `other-answer`, 410 `late-answer`, 422 `unfit-signature` |
//! | `POST /agent/v1/reports` | [`Report`] | [`ReportAnswer`] | |
//! | `POST /agent/v1/cashiers` | [`CashierRegistration`] | [`CashierAnswer`] | 403 `agreement-missing`, 409 `challenge-expired`, 422 `unfit-signature` |
//!
//! - **Enrolment.** [`Enrolment::verify`] judges everything but what the gateway alone knows: that it gave the nonce to this agent for
//!   [`Purpose::Enrolment`], within the last minute, and once; and that the licence is the agent's current one and not revoked.
//! - **Poll.** `wait` is 0 to 50 seconds, `max` 1 to 64 requests (default 16), `session` names the run of the program. Requests are given oldest first.
//!   Handing out settles nothing: a request that was handed out is given again to the same session after 5 seconds without an answer
//!   ([`routes::HAND_OUT_AGAIN_SECONDS`]), and to a new session at once; a second poll of the agent ends the wait of the one before with 204. A
//!   request past its deadline is not given any more.
//!   Two sessions that take turns are two copies of one agent, which could sign one request twice: the gateway tells people.
//! - **Push.** The gateway posts a [`SignedRequest`] to the agent's URL and [`routes::PUSH`], follows no redirect, and waits a few seconds at
//!   most. 202 [`PushAnswer`] means that the outcome will be delivered. 401 means that the request is not the gateway's, 400 that it is no
//!   request, 413 that it is too large, 503 (with `Retry-After`) that the agent is busy or going down. Without a 202 the request is pushed again,
//!   the same in everything, until its deadline; with a 202 and no delivery after 5 seconds, and at once when a report names a new session.
//! - **Delivery.** The gateway verifies the signature before it uses it: the content is the octets sent, the signer the key asked for.
//!   What is delivered again in the same octets is answered 200 `repeated`, also after the deadline. An agent repeats a delivery until it
//!   is answered by 200, 400, 404, 409, 410, 413 or 422. Outcomes `refused` with a reason that [`RefusalReason::is_transient`] do not settle
//!   the request; it may be handed out again.
//! - **Report.** The first comes right after enrolment, further ones every `next_seconds`, and one at every change of the keys. The keys in it
//!   are all keys: one that is missing was removed.
//! - **Activating a key** is a [`Request`] with [`Task::Activate`], and is answered by a [`Delivery`] with [`Outcome::Activated`].
//! - **Loading a key** is a [`Request`] with [`Task::Load`], and is answered by a [`Delivery`] with [`Outcome::Loaded`], [`Outcome::Exists`]
//!   or a refusal. It carries a key container and its password: the gateway has them in memory alone, until the answer or the deadline.
//! - **Methods** that came after `sign` and `activate` ([`METHOD_LOAD`]) are sent only to agents whose last report names them: an older program
//!   could not read the request, nor the poll's answer that it stands in.
//! - **A cashier** is registered with a [`Packet`], signed by the cashier's key, about a challenge of [`Purpose::Cashier`].
//!
//! # The agent's promise
//!
//! One signature per request id, across restarts: the signed message is on the agent's disk before it leaves, and every repeat of the
//! request is answered with the same octets until the deadline and some minutes more. A request under a known id with other
//! content is refused ([`RefusalReason::IdReused`]). Nothing is signed after the deadline.

mod answer;
mod cashier;
mod crypto;
mod enrolment;
mod ids;
mod licence;
mod load;
mod octets;
mod problem;
mod report;
mod request;
pub mod routes;
mod secret;

pub use answer::{Delivery, DeliveryAnswer, DeliveryStatus, Outcome, PollAnswer, PushAnswer, RefusalReason};
pub use cashier::{
    CashierAnswer, CashierRegistration, NAME_CHARACTERS_MAX, PACKET_PURPOSE, Packet, REGISTERS_MAX, UserToken,
};
pub use crypto::{Canonical, NotAPublicKey, PublicKey, SecretKey, Signature, sha_256};
pub use enrolment::{
    AgentSecret, Challenge, ChallengeRequest, Connection, Enrolment, EnrolmentAnswer, EnrolmentFault,
    PROTOCOL_VERSION, Purpose, Statement,
};
pub use ids::{AgentId, CashierId, KeyId, Nonce, RegisterNumber, RequestId, SessionId};
pub use licence::{LICENCE_TOKEN_OCTETS_MAX, Licence, LicenceFault, LicenceToken};
pub use load::{KeyUpload, LOAD_OCTETS_MAX};
pub use octets::{HexOctets, Octets};
pub use problem::{ErrorCode, Problem};
pub use report::{KeyFacts, KeyState, REPORT_SECONDS_DEFAULT, Report, ReportAnswer};
pub use request::{
    CONTENT_OCTETS_MAX, DEADLINE_SECONDS_MAX, Form, METHOD_LOAD, Request, RequestFault, SignedRequest, Task,
};
pub use secret::SecretOctets;
