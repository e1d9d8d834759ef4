//! The service CM-S02 as its callers see it: steps 1 to 6 here, the rest in the customer's actor.

use crate::clock::Clock;
use crate::customer::{CustomerMessage, Customers};
use crate::directory::records::ContractTypeRecord;
use crate::directory::{CachedCustomer, Directory};
use crate::evidence::EvidenceService;
use crate::guards::Guards;
use crate::idempotency::{Claim, Held, Running, Standing};
use crate::ids::{ChallengeId, ContactId, ContractTypeId, CustomerId, InvokerCode, MessageId, RequestId};
use crate::machines::otp::{
    Answer, Binding, Draw, EvidenceClaim, MacKeys, Policy, Reason, SendCommand, VerifyCommand, WindowKey,
};
use crate::metrics::Metrics;
use crate::phone::Phone;
use crate::random::{Fault, Randomness, draw_code, draw_uuid};
use crate::registry::Registry;
use crate::secret::Otp;
use crate::trouble::Trouble;
use crate::windows::ClosedWindows;
use evidence::tree::Hash;
use ractor::RpcReplyPort;
use std::sync::Arc;
use std::time::Duration;
use storage::Store;
use tokio::sync::oneshot;

/// The settings of the service; each contract type may override some.
#[derive(Clone, Debug)]
pub struct Settings {
    /// First line of the message.
    pub brand: String,
    /// The phone types that count as mobile; `[3]` by default.
    pub mobile_phone_types: Vec<i32>,
    /// The region that a number without a country code is taken to be in.
    pub default_region: phonenumber::country::Id,
    /// Lengths, lifetimes and limits.
    pub policy: Policy,
}

/// The four inputs, parsed at the door. What cannot be an id at all is `None`: it is judged in the document's order.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// `CcmsCode`.
    pub customer: CustomerId,
    /// `ContactCcmsCode`.
    pub contact: ContactId,
    /// `ContractTypeId`; `None` where the integer is no byte.
    pub contract_type: Option<ContractTypeId>,
    /// `InvokerCode`; `None` where the string is no GUID.
    pub invoker: Option<InvokerCode>,
    /// What the code is bound to.
    pub binding: Binding,
    /// The caller's trace (W3C `traceparent`).
    pub trace: Option<String>,
    /// What the evidence of a verification says of it.
    pub evidence: EvidenceInputs,
}

/// Inputs that matter only where a verification leaves evidence.
#[derive(Clone, Debug, Default)]
pub struct EvidenceInputs {
    /// `ClientIntegrationId` of a send; the customer's code where there is none.
    pub client: Option<String>,
    /// `ContractId` as it came.
    pub contract_id: Option<evidence::Scalar>,
    /// `DocumentsSha256`.
    pub documents_sha256: Vec<[u8; 32]>,
}

/// What a caller gets.
#[derive(Debug, PartialEq)]
pub struct Answered {
    /// The answer.
    pub answer: Answer,
    /// Whether it was given before, for the same idempotency key.
    pub replayed: bool,
    /// The leaf of the evidence that a verification has left, where there is one and it was durable in time.
    pub evidence: Option<Hash>,
}

/// CM-S02.
#[derive(Clone)]
pub struct OtpService {
    /// Who may call for what, and customers.
    pub directory: Directory,
    /// The customers' actors.
    pub customers: Arc<Registry<Customers>>,
    /// For kept answers.
    pub store: Arc<dyn Store>,
    /// Windows that are known to be closed.
    pub windows: Arc<ClosedWindows>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub randomness: Arc<dyn Randomness>,
    /// The server's keys.
    pub keys: Arc<MacKeys>,
    /// Settings.
    pub settings: Arc<Settings>,
    /// Idempotency keys that run.
    pub running: Running,
    /// Who watches how many codes are verified.
    pub guards: Arc<Guards>,
    /// Counters.
    pub metrics: Metrics,
    /// Where verified codes leave their evidence, if the log is served.
    pub evidence: Option<EvidenceService>,
    /// How long an answer waits for that.
    pub evidence_wait: Duration,
}

/// What steps 2 to 5 found.
struct Found {
    window: WindowKey,
    contract_type: Arc<ContractTypeRecord>,
    customer: Arc<CachedCustomer>,
}

impl OtpService {
    /// Sends a code. `partner` is whose key the request carried.
    ///
    /// # Errors
    /// [`Trouble`], for what is no business answer.
    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` keeps its arguments twice, and thousands of these wait"
    )]
    pub fn send(
        &self,
        partner: InvokerCode,
        inputs: Inputs,
        claim: Option<Claim>,
    ) -> impl Future<Output = Result<Answered, Trouble>> + Send {
        async move {
            let held = match self.first_of(claim).await? {
                Ok(held) => held,
                Err(replayed) => return Ok(replayed),
            };
            let customer = inputs.customer;
            let answer = match self.find(partner, &inputs).await? {
                Err(reason) => Answer::of(reason),
                Ok(found) => match self.send_command(found, inputs, held.as_ref().map(Held::claim)) {
                    Err(refusal) => refusal,
                    Ok(command) => {
                        let message = |reply| CustomerMessage::Send { command, reply, held };
                        self.ask(customer, message).await?
                    }
                },
            };
            self.metrics.sends.count(answer.reason);
            Ok(Answered {
                answer,
                replayed: false,
                evidence: None,
            })
        }
    }

    /// What a customer's actor is asked, or why it is not.
    fn send_command(
        &self,
        found: Found,
        inputs: Inputs,
        claim: Option<Claim>,
    ) -> Result<Box<SendCommand>, Answer> {
        let destination = self
            .destination(&found.customer, inputs.contact)
            .map_err(Answer::of)?;
        // The first thing that step 7 asks, answered without the actor where the answer is published.
        if let Some(left) = self.windows.left(inputs.customer, found.window, self.clock.now()) {
            return Err(Answer::of(Reason::InThresholdOtpGenerator).retry_after(left));
        }
        let policy = self.policy(&found.contract_type);
        Ok(Box::new(SendCommand {
            request: RequestId(0),
            window: found.window,
            destination,
            brand: self.settings.brand.clone(),
            full_name: found.customer.record.full_name.clone(),
            title: found.contract_type.title.clone(),
            binding: inputs.binding,
            draw: self.draw(policy.code_length).ok(),
            policy,
            keys: Arc::clone(&self.keys),
            claim,
            trace: inputs.trace,
            client: inputs.evidence.client,
        }))
    }

    /// Verifies a code.
    ///
    /// # Errors
    /// [`Trouble`], for what is no business answer.
    pub async fn verify(
        &self,
        partner: InvokerCode,
        inputs: Inputs,
        code: Otp,
        claim: Option<Claim>,
    ) -> Result<Answered, Trouble> {
        let held = match self.first_of(claim).await? {
            Ok(held) => held,
            Err(replayed) => {
                let evidence = self.evidence_of(partner, &replayed.answer).await?;
                return Ok(Answered { evidence, ..replayed });
            }
        };
        let (answer, evidence) = self.verify_first(partner, inputs, code, held).await?;
        self.metrics.verifications.count(answer.reason);
        Ok(Answered {
            answer,
            replayed: false,
            evidence,
        })
    }

    async fn verify_first(
        &self,
        partner: InvokerCode,
        inputs: Inputs,
        code: Otp,
        held: Option<Held>,
    ) -> Result<(Answer, Option<Hash>), Trouble> {
        let found = match self.find(partner, &inputs).await? {
            Ok(found) => found,
            Err(reason) => return Ok((Answer::of(reason), None)),
        };
        let destination = match self.destination(&found.customer, inputs.contact) {
            Err(Reason::ContactNotFound) => return Ok((Answer::of(Reason::ContactNotFound), None)),
            other => other.ok(),
        };
        let phone = destination.clone();
        let command = Box::new(VerifyCommand {
            request: RequestId(0),
            window: found.window,
            destination,
            binding: inputs.binding,
            code,
            policy: self.policy(&found.contract_type),
            keys: Arc::clone(&self.keys),
            claim: held.as_ref().map(Held::claim),
            evidence: self.evidence_claim(partner, inputs.evidence),
        });
        let (receipt, leaf) = match command.evidence.is_some() {
            true => Some(oneshot::channel()).unzip(),
            false => (None, None),
        };
        let answered = self.ask(inputs.customer, |reply| CustomerMessage::Verify {
            command,
            reply,
            held,
            receipt: receipt.map(Into::into),
        });
        let answer = answered.await?;
        if let Some(phone) = phone.filter(|_| answer.reason == Reason::Success) {
            self.guards.verified(&phone);
        }
        let leaf = match leaf {
            Some(leaf) if answer.reason == Reason::Success => tokio::select! {
                leaf = leaf => leaf.ok(),
                () = self.clock.sleep(self.evidence_wait) => None,
            },
            _ => None,
        };
        Ok((answer, leaf))
    }

    /// What success would owe: something only where the log is served, the partner is bound to an integration, and the contract is named.
    fn evidence_claim(&self, partner: InvokerCode, inputs: EvidenceInputs) -> Option<Box<EvidenceClaim>> {
        self.evidence.as_ref()?;
        Some(Box::new(EvidenceClaim {
            integration: self.directory.snapshot().link(partner)?.to_string(),
            contract_id: inputs.contract_id?.into(),
            documents_sha256: inputs.documents_sha256,
            key_transport: String::new(), // the customer's actor knows the operator
        }))
    }

    /// The evidence behind an answer that is given again; the debt may have been paid meanwhile.
    async fn evidence_of(&self, partner: InvokerCode, answer: &Answer) -> Result<Option<Hash>, Trouble> {
        let is_linked = self.directory.snapshot().link(partner).is_some();
        match (&self.evidence, answer.challenge) {
            (Some(evidence), Some(challenge)) if is_linked => evidence.paid(challenge).await,
            _ => Ok(None),
        }
    }

    /// Lifts the lock that wrong tries put on a contact.
    ///
    /// # Errors
    /// [`Trouble`]; `Ok` also where there was none.
    pub async fn lift_lock(&self, customer: CustomerId, contact: ContactId) -> Result<(), Trouble> {
        self.ask(customer, |reply| CustomerMessage::LiftLock { contact, reply })
            .await
    }

    /// Steps 2 to 5 in the document's order; the first that fails decides.
    async fn find(&self, partner: InvokerCode, inputs: &Inputs) -> Result<Result<Found, Reason>, Trouble> {
        let (invoker, contract_type, record) = {
            let snapshot = self.directory.snapshot();
            let known = inputs
                .invoker
                .filter(|code| *code == partner)
                .and_then(|c| Some((c, snapshot.invoker(c)?)));
            let Some((code, invoker)) = known else {
                return Ok(Err(Reason::InvalidInvoker));
            };
            let known = inputs
                .contract_type
                .and_then(|id| Some((id, snapshot.contract_type(id)?)));
            let Some((id, record)) = known else {
                return Ok(Err(Reason::InvalidContractType));
            };
            if !invoker.contract_types.contains(&id.0) {
                return Ok(Err(Reason::NoPermissionToContract));
            }
            (code, id, Arc::clone(record))
        };
        let customer = self
            .directory
            .customer(inputs.customer)
            .await
            .map_err(|error| Trouble::of_store(&error))?;
        let Some(customer) = customer else {
            return Ok(Err(Reason::CustomerNotFound));
        };
        let window = WindowKey {
            contact: inputs.contact,
            contract_type,
            invoker,
        };
        Ok(Ok(Found {
            window,
            contract_type: record,
            customer,
        }))
    }

    /// Step 6: the contact exists and is not deleted (5), is a mobile (6), has a valid number (7).
    fn destination(&self, customer: &CachedCustomer, contact: ContactId) -> Result<Phone, Reason> {
        let (index, record) = customer.contact(contact.0).ok_or(Reason::ContactNotFound)?;
        if !self.settings.mobile_phone_types.contains(&record.phone_type) {
            return Err(Reason::InvalidPhoneType);
        }
        customer
            .phone(index, self.settings.default_region)
            .map_err(|_| Reason::InvalidPhone)
    }

    fn policy(&self, contract_type: &ContractTypeRecord) -> Policy {
        let overrides = &contract_type.otp;
        let seconds =
            |own: Option<u32>, default| own.map_or(default, |own| Duration::from_secs(u64::from(own)));
        let policy = &self.settings.policy;
        Policy {
            code_length: overrides.code_length.unwrap_or(policy.code_length),
            lifetime: seconds(overrides.lifetime_seconds, policy.lifetime),
            resend_window: seconds(overrides.resend_window_seconds, policy.resend_window),
            ..policy.clone()
        }
    }

    fn draw(&self, length: u8) -> Result<Draw, Fault> {
        let (randomness, now) = (self.randomness.as_ref(), self.clock.now());
        Ok(Draw {
            code: draw_code(randomness, length)?,
            challenge: ChallengeId(draw_uuid(randomness, now)?),
            message: MessageId(draw_uuid(randomness, now)?),
        })
    }

    /// What an idempotency key says: go on (holding it), or give this answer again.
    async fn first_of(&self, claim: Option<Claim>) -> Result<Result<Option<Held>, Answered>, Trouble> {
        match claim {
            None => Ok(Ok(None)),
            // In a box: most calls have no key, and would keep room for this all the same.
            Some(claim) => Box::pin(self.first_under(claim)).await,
        }
    }

    async fn first_under(&self, claim: Claim) -> Result<Result<Option<Held>, Answered>, Trouble> {
        // A second look is needed where a target settled its debt between the look and the question.
        for _ in 0..2 {
            let judged = self
                .running
                .judge(claim, self.store.as_ref(), self.clock.as_ref())
                .await;
            let answer = match judged.map_err(|error| Trouble::of_store(&error))? {
                Standing::First(held) => return Ok(Ok(Some(held))),
                Standing::StillRunning => return Err(Trouble::StillRunning),
                Standing::OtherBody => return Err(Trouble::OtherBody),
                Standing::Answered(answer) => answer,
                // The claim binds the route, and no register's operation has one of ours.
                Standing::Operation(..) => return Err(Trouble::OtherBody),
                Standing::Begun(_held, customer, challenge) => match self.settled(customer, challenge).await?
                {
                    Some(answer) if answer.is_kept() => answer,
                    _ => continue,
                },
            };
            self.metrics.replays.inc();
            return Ok(Err(Answered {
                answer,
                replayed: true,
                evidence: None,
            }));
        }
        Err(Trouble::StillRunning)
    }

    /// Has the target settle what it owes since before a restart.
    async fn settled(&self, customer: CustomerId, challenge: ChallengeId) -> Result<Option<Answer>, Trouble> {
        self.ask(customer, |reply| CustomerMessage::Await { challenge, reply })
            .await
    }

    /// Asks a customer's actor, and awaits its answer.
    async fn ask<T>(
        &self,
        customer: CustomerId,
        message: impl FnOnce(RpcReplyPort<T>) -> CustomerMessage,
    ) -> Result<T, Trouble> {
        let (reply, answer) = oneshot::channel();
        self.customers
            .ask(customer, message(reply.into()))
            .map_err(Trouble::from)?;
        answer.await.map_err(|_| Trouble::of_silence(self.store.as_ref()))
    }
}
