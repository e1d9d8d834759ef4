//! One newtype per identity, so that a key's id cannot be taken for a request's.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use uuid::Uuid;

macro_rules! identity {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl std::str::FromStr for $name {
            type Err = <$inner as std::str::FromStr>::Err;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

identity!(
    /// A signing agent, as the gateway's licence names it.
    AgentId(Uuid)
);
identity!(
    /// One request of the gateway to an agent: random, never used twice.
    RequestId(Uuid)
);
identity!(
    /// A key in an agent's store; given by the agent when the key is loaded.
    KeyId(Uuid)
);
identity!(
    /// A cash register: its fiscal number, ten digits.
    RegisterNumber(u64)
);
identity!(
    /// A cashier, as the gateway registered them.
    CashierId(Uuid)
);
identity!(
    /// One run of an agent's program: random, made at its start. A poll under a new one is given everything that waits.
    SessionId(Uuid)
);

/// A challenge of the gateway: 32 random octets, base64url without padding in JSON; good for one use.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nonce(pub [u8; 32]);

impl fmt::Display for Nonce {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for Nonce {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Nonce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let octets = BASE64_URL_SAFE_NO_PAD.decode(text.as_bytes());
        let nonce = octets.ok().and_then(|octets| octets.try_into().ok());
        nonce
            .map(Self)
            .ok_or_else(|| de::Error::custom("not 32 octets in base64url"))
    }
}
