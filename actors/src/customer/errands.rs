//! Messages and debts: what a customer's actor sets going outside, and what comes back of it.

use super::{CustomerActor, CustomerMessage, World, answer};
use crate::clock::Now;
use crate::evidence::OwedEvidence;
use crate::ids::{ChallengeId, CustomerId, MessageId};
use crate::machines::otp::{Command, Settlement};
use crate::ports::{HandOver, Lookup, Message, Outcome};
use crate::words::Quotable;
use evidence::tree::Hash;
use futures_util::FutureExt;
use ractor::RpcReplyPort;
use std::sync::Arc;

impl CustomerActor {
    /// Begins to hand a message over. An operator's word that comes at once is the next command; for any other a task waits.
    pub(super) fn send(&self, customer: CustomerId, message: Message) -> Option<Command> {
        let (world, challenge) = (Arc::clone(&self.0), message.challenge);
        let mut handing = Box::pin(hand_over(Arc::clone(&world), message));
        if let Some((settlement, handed)) = handing.as_mut().now_or_never() {
            return Some(Command::Settle {
                challenge,
                settlement,
                handed,
            });
        }
        self.0.tasks.spawn(async move {
            let settled = handing.await;
            world.settle(customer, challenge, settled);
        });
        None
    }

    /// Pays a debt that is durable already; if it cannot be paid now, it is tried again later by whoever looks after debts.
    pub(super) fn pay(&self, owed: OwedEvidence, receipt: Option<RpcReplyPort<Hash>>) {
        let Some(evidence) = self.0.evidence.clone() else {
            tracing::warn!(challenge = %owed.challenge, "evidence is owed, and the log is not served: it is paid when it is");
            return;
        };
        self.0.tasks.spawn(async move {
            // An error is counted by the service.
            if let Ok(leaf) = evidence.pay(&owed).await
                && let Some(receipt) = receipt
            {
                answer(receipt, leaf);
            }
        });
    }

    pub(super) fn ask(&self, customer: CustomerId, challenge: ChallengeId, message: MessageId) {
        let world = Arc::clone(&self.0);
        self.0.tasks.spawn(async move {
            let found = tokio::select! {
                biased;
                found = world.sms.lookup(message, world.hand_over_max) => found,
                () = world.clock.sleep(world.hand_over_max) => Lookup::CannotTell,
            };
            let settled = match found {
                Lookup::Known(Outcome::Unknown) | Lookup::CannotTell => (Settlement::Lost, None),
                Lookup::Known(outcome) => settlement(outcome, &Quotable::nothing()),
            };
            let settlement = &settled.0;
            tracing::info!(%customer, %challenge, ?settlement, "the outcome of a message from before the restart is settled");
            world.settle(customer, challenge, settled);
        });
    }
}

#[expect(
    clippy::manual_async_fn,
    reason = "an `async fn` keeps its arguments twice, and every message would"
)]
fn hand_over(
    world: Arc<World>,
    message: Message,
) -> impl Future<Output = (Settlement, Option<HandOver>)> + Send {
    async move {
        let began = world.clock.now();
        let quotable = Quotable::of(&message);
        // In this order, and the timer made only when it is waited for, so that an operator who answers at once costs none.
        let late = async { world.clock.sleep(world.hand_over_max).await };
        let outcome = tokio::select! {
            biased;
            outcome = world.sms.send(message) => outcome,
            () = late => Outcome::Unknown,
        };
        world.count_message(&outcome, began);
        settlement(outcome, &quotable)
    }
}

fn settlement(outcome: Outcome, quotable: &Quotable) -> (Settlement, Option<HandOver>) {
    match outcome {
        Outcome::Accepted(handed) => (Settlement::Accepted, Some(handed)),
        Outcome::Refused { code, text, .. } => {
            let (code, text) = (quotable.code(&code), quotable.words(&text));
            (Settlement::Refused { code, text }, None)
        }
        Outcome::Unknown => (Settlement::Unknown, None),
    }
}

impl World {
    fn settle(
        &self,
        customer: CustomerId,
        challenge: ChallengeId,
        (settlement, handed): (Settlement, Option<HandOver>),
    ) {
        let reply = None;
        self.tell(
            customer,
            CustomerMessage::Outcome {
                challenge,
                settlement,
                handed,
                reply,
            },
        );
    }

    fn count_message(&self, outcome: &Outcome, began: Now) {
        let took_ms = u32::try_from(self.clock.now().mono.0 - began.mono.0).unwrap_or(0);
        self.handed_over.count(outcome, f64::from(took_ms) / 1_000.0);
    }
}
