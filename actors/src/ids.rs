//! One newtype per identity, so that a contact's code cannot be taken for a customer's.

use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

macro_rules! identity {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    };
}

identity!(
    /// A customer's code, `CcmsCode` of CM-S02 (Int64, any value).
    CustomerId(i64)
);
identity!(
    /// A contact's code, `ContactCcmsCode` of CM-S02; unique within its customer only.
    ContactId(i64)
);
identity!(
    /// A kind of contract, `ContractTypeId` of CM-S02 (a byte).
    ContractTypeId(u8)
);
identity!(
    /// A calling system, `InvokerCode` of CM-S02 (a GUID, compared by value).
    InvokerCode(Uuid)
);
identity!(
    /// One generated code and its fate; given to the partner as `ChallengeId`. UUIDv7.
    ChallengeId(Uuid)
);
identity!(
    /// One message handed to an SMS operator; stable, so that its outcome can be asked for. UUIDv7.
    MessageId(Uuid)
);
identity!(
    /// A request that waits for an answer inside one actor; means nothing after the actor's end.
    RequestId(u64)
);
identity!(
    /// A user of the fiscal side: an integrator's customer, whose cashiers hold keys.
    AccountId(Uuid)
);
identity!(
    /// A cashier, as the gateway registered them.
    CashierId(Uuid)
);
identity!(
    /// A key in a signing agent's store; given by the agent when the key is loaded.
    KeyId(Uuid)
);
identity!(
    /// What a cash desk asked of a register, and its fate; given to the caller, who may ask for it for years. UUIDv7.
    OperationId(Uuid)
);
identity!(
    /// One request for a signature: random, never used for two contents, so that repeating it is harmless.
    SignatureRequestId(Uuid)
);
