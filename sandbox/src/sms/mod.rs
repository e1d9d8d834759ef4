//! A stand-in SMS operator: messages in memory only, with an HTTP API to read them and to make it misbehave.
//!
//! - `POST /operator/messages` `{"id","to","text"}` and `GET /operator/messages/{id}`: what the gateway speaks;
//! - `GET /messages?to=<E.164>`: `[{"to","text","at"}]`, oldest first; without `to` all of them;
//! - `POST /control` `{"next":3,"do":"refuse"|"time_out"|"slow","code":"…","seconds":5,"deliver":true}`: how the next sends go;
//! - `DELETE /messages`: forget everything.

//!
//! The same messages also arrive by other operators' APIs (`faces.rs`) and by SMPP ([`smsc`]).

mod faces;
mod operator;
mod routes;
pub mod smsc;

pub use operator::{Control, Misbehaviour, Operator, Received, Reply};
pub use routes::{serve, serve_over};
