//! What a register's machine sets going: answers at once, signatures and the tax service in tasks.

use super::{RegisterActor, State, World, answer, metrics, queue, rows};
use crate::clock::{Moment, Now};
use crate::ids::{KeyId, SignatureRequestId};
use crate::machines::register::{Ask, Content, Effect, Note, Purpose, Reply, Signature};
use crate::ports::{
    Asked, Packed, Posted, SignatureOutcome, SignatureRequest, TaxCommand, TaxDocument, TaxPackage,
};
use chrono::DateTime;
use fiscal::command::Answered;
use fiscal::{ErrorCode, LocalNumber, RegisterNumber, Uid};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

/// Unfit signatures that are refused before the request counts as refused: an agent that goes on so will not do better.
const UNFIT_MAX: u32 = 3;

/// A request for a signature, as the machine gave it.
struct Signing {
    register: RegisterNumber,
    request: SignatureRequestId,
    key: KeyId,
    subject_key_id: String,
    content: Content,
    deadline_ms: i64,
    until: Moment,
}

impl RegisterActor {
    pub(super) fn begin(&self, effect: Effect, state: &mut State) {
        let register = state.number;
        match effect {
            Effect::Answer(given) => {
                let state_name = given.state.name();
                tracing::info!(%register, operation = %given.operation, state = state_name, "an operation is answered");
                self.0.metrics.count_answer(&given.state);
                state.waiters.answer(given.operation, &given);
            }
            Effect::Resolved { request, taken } => {
                let reply = state.resolving.remove(&request);
                reply.into_iter().for_each(|reply| answer(reply, taken));
            }
            Effect::Sign {
                request,
                key,
                subject_key_id,
                content,
                deadline_ms,
                until,
            } => self.sign(Signing {
                register,
                request,
                key,
                subject_key_id,
                content,
                deadline_ms,
                until,
            }),
            Effect::Withdraw(request) => self.0.agents.withdraw(request),
            Effect::Post {
                uid,
                local_number,
                within,
            } => self.post(register, uid, local_number, within),
            Effect::PostPackage { package, cms, within } => self.post_package(register, package, cms, within),
            Effect::AskService {
                uid,
                purpose,
                name,
                body,
                is_signed,
                within,
            } => {
                let command = TaxCommand {
                    name,
                    register: Some(register),
                    body: body.into(),
                    is_signed,
                    deadline: within,
                };
                self.ask_service(register, uid, purpose, command);
            }
            Effect::Note(note) => self.note(register, note),
            Effect::Fetch { .. } | Effect::ReadPackage { .. } | Effect::Repeat { .. } => {
                unreachable!("read by `step`")
            }
        }
    }

    fn note(&self, register: RegisterNumber, note: Note) {
        self.0.metrics.count(note);
        match note {
            Note::CloseFailed => {
                tracing::error!(%register, "a shift could not be closed by itself; it is tried again");
            }
            Note::ShiftTooLong => {
                tracing::error!(%register, "a shift is within an hour of 24 hours, past which nothing is sold");
            }
            Note::OfflineBegun => tracing::warn!(%register, "a register works offline"),
            Note::OfflineEnded(documents) => {
                tracing::info!(%register, documents, "a register is online again, and its documents are delivered");
            }
            Note::OfflineLimit(state) => {
                tracing::error!(%register, ?state, "a register comes to the limits of its offline time");
            }
            Note::PackageRejected => {
                tracing::error!(%register, "the tax service refused a package of offline documents");
            }
            Note::Manual(reason) => {
                tracing::error!(%register, reason = reason.name(), "a register waits for a person");
            }
            Note::Document { .. }
            | Note::Delivered(_)
            | Note::SignedAfter(_)
            | Note::RegisteredAfter(_)
            | Note::Stray => {}
        }
    }

    fn sign(&self, signing: Signing) {
        let world = Arc::clone(&self.0);
        self.0.tasks.spawn(async move {
            let agent = world
                .agents
                .agent_of(signing.key)
                .unwrap_or_else(|| "none".to_owned());
            let _pending = world.metrics.pending_signature(&agent);
            let now = world.clock.now();
            let left = left(signing.until, now);
            let signature = tokio::select! {
                signature = world.signature(&signing, left) => signature,
                () = world.clock.sleep(left) => Signature::Late,
                () = world.going_down.cancelled() => return,
            };
            let (register, request) = (signing.register, signing.request);
            world.metrics.count_signature(&agent, &signature);
            world.tell(register, Ask::Signature { request, signature });
        });
    }

    fn post(&self, register: RegisterNumber, uid: Uid, local_number: LocalNumber, within: Duration) {
        let world = Arc::clone(&self.0);
        self.0.tasks.spawn(async move {
            let posted = match rows::part(world.store.as_ref(), &uid, rows::Part::Signed).await {
                Ok(Some(cms)) => {
                    let document = TaxDocument {
                        register,
                        uid: uid.clone(),
                        local_number,
                        cms: cms.into(),
                        deadline: within,
                    };
                    world.posted(document).await
                }
                // Nothing was sent: the machine may post again, and finds the store no better or well again.
                Ok(None) => Posted::NotSent("the signed document is not there".to_owned()),
                Err(error) => Posted::NotSent(error.to_string()),
            };
            world.metrics.count_post(&posted);
            if let Posted::NotSent(reason) | Posted::Unknown(reason) = &posted {
                tracing::warn!(%register, %uid, reason, "a document was not answered by the tax service");
            }
            world.tell(register, Ask::Posted { uid, posted });
        });
    }

    fn post_package(
        &self,
        register: RegisterNumber,
        package: SignatureRequestId,
        cms: Vec<u8>,
        within: Duration,
    ) {
        let world = Arc::clone(&self.0);
        self.0.tasks.spawn(async move {
            let posted = TaxPackage {
                register,
                cms: cms.into(),
                deadline: within,
            };
            let packed = tokio::select! {
                packed = world.tax.package(posted) => packed,
                () = world.clock.sleep(within) => Packed::Unknown("no answer in time".to_owned()),
            };
            world.metrics.count_package(&packed);
            match &packed {
                Packed::Accepted(_) => {}
                Packed::Rejected(rejection) => {
                    tracing::error!(
                        %register, code = %rejection.code, text = rejection.text, "a package was refused"
                    );
                }
                Packed::NotSent(reason) | Packed::Unknown(reason) => {
                    tracing::warn!(%register, reason, "a package was not answered by the tax service");
                }
            }
            world.tell(register, Ask::Packed { package, packed });
        });
    }

    fn ask_service(&self, register: RegisterNumber, uid: Uid, purpose: Purpose, command: TaxCommand) {
        let world = Arc::clone(&self.0);
        self.0.tasks.spawn(async move {
            let (name, within) = (command.name, command.deadline);
            let asked = tokio::select! {
                asked = world.tax.ask(command) => asked,
                () = world.clock.sleep(within) => Asked::Unreachable("no answer in time".to_owned()),
            };
            let reply = reply(&purpose, asked, register, name);
            world.metrics.count_query(name, &reply);
            world.tell(register, Ask::Asked { uid, reply });
        });
    }
}

impl World {
    /// Asks the agent until it gives a fit signature, refuses, or has given too many unfit ones.
    async fn signature(&self, signing: &Signing, wait: Duration) -> Signature {
        let content: Arc<[u8]> = match &signing.content {
            Content::Query(json) => json.as_slice().into(),
            Content::Document(uid) => match rows::part(self.store.as_ref(), uid, rows::Part::Xml).await {
                Ok(Some(xml)) => xml.into(),
                // The deadline, or the next process, asks again.
                Ok(None) | Err(_) => return Signature::Late,
            },
            Content::Package(package) => {
                match queue::package(self.store.as_ref(), signing.register, package).await {
                    Ok(content) => content.into(),
                    Err(error) => {
                        tracing::error!(register = %signing.register, %error, "a package cannot be read");
                        return Signature::Late;
                    }
                }
            }
        };
        // One that no calendar holds is none that an agent would keep.
        let Some(deadline) = DateTime::from_timestamp_millis(signing.deadline_ms) else {
            return Signature::Late;
        };
        let request = SignatureRequest {
            id: signing.request,
            register: Some(signing.register),
            key: signing.key,
            content: Arc::clone(&content),
            deadline,
            wait,
        };
        let mut unfit = 0;
        loop {
            let cms = match self.agents.ask(request.clone()).await {
                SignatureOutcome::Signed(cms) => cms,
                SignatureOutcome::Refused(refusal) => {
                    return Signature::Refused {
                        reason: refusal.reason,
                        text: refusal.text,
                    };
                }
                SignatureOutcome::Late => return Signature::Late,
            };
            let Err(reason) = self.verifier.verify(&cms, &content, &signing.subject_key_id) else {
                return Signature::Signed(cms);
            };
            self.metrics
                .unfit_signatures
                .with_label_values(&[reason.name()])
                .inc();
            tracing::warn!(
                register = %signing.register, key = %signing.key, request = %signing.request, %reason,
                "a signature is refused"
            );
            unfit += 1;
            if unfit == UNFIT_MAX {
                return Signature::Unfit(reason);
            }
        }
    }

    async fn posted(&self, document: TaxDocument) -> Posted {
        let within = document.deadline;
        let began = self.clock.now().mono;
        let posted = tokio::select! {
            posted = self.tax.post(document) => posted,
            () = self.clock.sleep(within) => Posted::Unknown("no answer in time".to_owned()),
        };
        let took_ms = self.clock.now().mono.0 - began.0;
        self.metrics.post_seconds.observe(metrics::in_seconds(took_ms));
        posted
    }
}

/// What is left until a moment.
fn left(until: Moment, now: Now) -> Duration {
    Duration::from_millis(u64::try_from(until.0 - now.mono.0).unwrap_or(0))
}

/// What the tax service said, read as the answer to this question.
fn reply(purpose: &Purpose, asked: Asked, register: RegisterNumber, name: &'static str) -> Reply {
    match asked {
        Asked::Answer(_) | Asked::Nothing if *purpose == Purpose::Probe => Reply::Reached,
        Asked::Nothing => Reply::Nothing,
        Asked::Rejected(rejection) => Reply::Rejected(rejection),
        Asked::Unreachable(reason) => {
            tracing::warn!(%register, name, reason, "the tax service gave no answer to a question");
            Reply::Unreachable
        }
        Asked::Answer(json) => {
            let read = match purpose {
                Purpose::Synchronise | Purpose::Doubt | Purpose::Return => read(&json, Reply::State),
                Purpose::DoubtNumber | Purpose::ReturnNumber { .. } => read(&json, Reply::Number),
                Purpose::DoubtDocument(_) | Purpose::ReturnDocument(_) => read(&json, Reply::Document),
                Purpose::Probe => Ok(Reply::Reached),
                Purpose::Totals => read(&json, Reply::Totals),
            };
            read.unwrap_or_else(|error| {
                tracing::warn!(%register, name, %error, "the tax service's answer cannot be read");
                Reply::Unreachable
            })
        }
    }
}

fn read<T: DeserializeOwned>(
    json: &[u8],
    reply: impl FnOnce(Box<T>) -> Reply,
) -> Result<Reply, fiscal::command::Error> {
    let answered = Answered::<T>::from_json(json)?;
    Ok(match answered.result {
        Ok(answer) => reply(Box::new(answer)),
        Err(rejection) if rejection.code == ErrorCode::NoContent => Reply::Nothing,
        Err(rejection) => Reply::Rejected(rejection),
    })
}
