//! The registers of a user, as the tax service lists them: asked with a cashier's signature while the caller waits, and kept in step.
//!
//! Nothing here must complete: a list that its caller no longer waits for is asked again by whoever needs it.

use crate::accounts::records::TillRecord;
use crate::accounts::{Accounts, Change};
use crate::clock::{Clock, millis};
use crate::ids::{AccountId, SignatureRequestId};
use crate::machines::register::{Settings, Signer};
use crate::ports::{
    Asked, SignatureOutcome, SignatureRequest, SignatureVerifier, SigningAgent, TaxCommand, TaxService, Unfit,
};
use crate::random::{Randomness, draw_uuid};
use chrono::TimeDelta;
use fiscal::command::{Answered, Command, Objects, Request, TaxObject, UnitRegister};
use fiscal::{ErrorCode, RegisterNumber, Rejection, Uid};
use std::sync::Arc;
use std::time::Duration;

/// Asks for lists.
#[derive(Clone)]
pub struct RegisterLists {
    /// Where what is listed is kept.
    pub accounts: Accounts,
    /// The signing agents.
    pub agents: Arc<dyn SigningAgent>,
    /// The judge of signatures.
    pub verifier: Arc<dyn SignatureVerifier>,
    /// The tax service.
    pub tax: Arc<dyn TaxService>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub randomness: Arc<dyn Randomness>,
}

/// Why there is no list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoList {
    /// The signature did not come in time.
    #[error("the signature did not come in time")]
    SignatureLate,
    /// The agent refuses to sign.
    #[error("the agent refused to sign: {0}")]
    SignatureRefused(String),
    /// What was signed is unfit.
    #[error("what was signed is unfit: {0}")]
    SignatureUnfit(#[from] Unfit),
    /// The tax service refuses.
    #[error("the tax service refused: {}", .0.text)]
    Rejected(Rejection),
    /// The tax service gave no answer, or none that can be read.
    #[error("the tax service gave no answer")]
    Unreachable,
    /// What was listed could not be kept.
    #[error("the list could not be kept")]
    Store,
}

/// Withdraws the request for a signature when nobody waits for it any more.
struct Withdrawing<'a>(&'a dyn SigningAgent, SignatureRequestId);

impl Drop for Withdrawing<'_> {
    fn drop(&mut self) {
        self.0.withdraw(self.1);
    }
}

impl RegisterLists {
    /// Lists the registers that this signer may use, within `wait`; new ones of the account are kept with the default settings, known ones are
    /// brought in step. Registers that belong to other accounts are passed over.
    ///
    /// # Errors
    /// [`NoList`].
    pub async fn list(&self, signer: &Signer, wait: Duration) -> Result<Vec<RegisterNumber>, NoList> {
        let asked = async {
            let listed = self.ask(signer, wait).await?;
            self.keep(signer.account, listed).await
        };
        tokio::select! {
            listed = asked => listed,
            () = self.clock.sleep(wait) => Err(NoList::Unreachable),
        }
    }

    async fn ask(&self, signer: &Signer, wait: Duration) -> Result<Objects, NoList> {
        let draw = || draw_uuid(self.randomness.as_ref(), self.clock.now()).map_err(|_| NoList::Store);
        let uid = Uid::new(draw()?.hyphenated().to_string()).expect("a UUID is a UID");
        let json = Request::new(uid, Command::Objects).to_json();
        let json: Arc<[u8]> = json.expect("a command without parameters becomes JSON").into();
        let request = SignatureRequest {
            id: SignatureRequestId(draw()?),
            register: None,
            key: signer.key,
            content: Arc::clone(&json),
            deadline: self.clock.now().wall + TimeDelta::milliseconds(millis(wait)),
            wait,
        };
        let agents = self.agents.as_ref();
        let withdrawing = Withdrawing(agents, request.id);
        let cms = match agents.ask(request).await {
            SignatureOutcome::Signed(cms) => cms,
            SignatureOutcome::Refused(refusal) => return Err(NoList::SignatureRefused(refusal.text)),
            SignatureOutcome::Late => return Err(NoList::SignatureLate),
        };
        drop(withdrawing); // it is answered: nothing is left to withdraw, and saying so is harmless
        self.verifier.verify(&cms, &json, &signer.subject_key_id)?;
        let command = TaxCommand {
            name: Command::Objects.name(),
            register: None,
            body: cms.into(),
            is_signed: true,
            deadline: wait,
        };
        match self.tax.ask(command).await {
            Asked::Answer(json) => {
                let answered = Answered::<Objects>::from_json(&json).map_err(|error| {
                    tracing::warn!(%error, "the tax service's list of registers cannot be read");
                    NoList::Unreachable
                })?;
                match answered.result {
                    Ok(objects) => Ok(objects),
                    Err(rejection) if rejection.code == ErrorCode::NoContent => Ok(Objects::default()),
                    Err(rejection) => Err(NoList::Rejected(rejection)),
                }
            }
            Asked::Nothing => Ok(Objects::default()),
            Asked::Rejected(rejection) => Err(NoList::Rejected(rejection)),
            Asked::Unreachable(reason) => {
                tracing::warn!(reason, "the tax service gave no list of registers");
                Err(NoList::Unreachable)
            }
        }
    }

    async fn keep(&self, account: AccountId, listed: Objects) -> Result<Vec<RegisterNumber>, NoList> {
        let now_ms = self.clock.now().wall.timestamp_millis();
        let mut numbers = Vec::new();
        let mut changes = Vec::new();
        for unit in &listed.units {
            for register in &unit.registers {
                let record = till(account, unit, register, now_ms);
                numbers.push(register.number);
                changes.push(Change::SynchroniseTill(register.number, Box::new(record)));
            }
        }
        let applied = self.accounts.apply(changes).await.map_err(|_| NoList::Store)?;
        for (result, register) in applied.iter().zip(&numbers) {
            if let Err(unfit) = result {
                tracing::warn!(%register, %unfit, "a register of the tax service's list is not kept");
            }
        }
        numbers.retain(|number| self.accounts.till_of(account, *number).is_some());
        Ok(numbers)
    }
}

fn till(account: AccountId, unit: &TaxObject, register: &UnitRegister, now_ms: i64) -> TillRecord {
    TillRecord {
        account,
        name: register.name.clone(),
        seller: unit.seller().into(),
        cash_desk: register.cash_desk,
        is_testing: false,
        is_closed: register.closed,
        taxes: Vec::new(),
        settings: Settings::default(),
        cashier: None,
        synchronised_ms: Some(now_ms),
    }
}
