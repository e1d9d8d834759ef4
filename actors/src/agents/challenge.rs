//! Challenges without a memory: a nonce says itself to whom, for what and when it was given, under a key that this process drew. Only
//! used ones are remembered, so that strangers who ask for nonces fill nothing.

use crate::clock::{Moment, Now, millis};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use signing_protocol::{AgentId, Nonce, Purpose};
use std::collections::{BTreeSet, HashSet};
use std::time::Duration;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// How long a challenge may be used: the way there and back, and an Argon2 in between.
pub const LIFETIME: Duration = Duration::from_secs(60);
/// Used nonces that are remembered, each until it is out of time anyway. Each cost somebody a valid signature, so that no honest fleet
/// comes near it; above it nothing is taken until some are out of time.
const USED_MAX: usize = 100_000;

/// A nonce that cannot be used: not given for this, used before, or out of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the nonce was not given for this, was used before, or is out of time; ask for another one")]
pub struct Expired;

/// Gives challenges and knows them again.
pub struct Challenges {
    key: Zeroizing<[u8; 32]>,
    used: HashSet<Nonce>,
    by_time: BTreeSet<(Moment, [u8; 32])>,
}

impl Challenges {
    /// Under 32 random octets: after a restart, challenges of before are out of time.
    pub fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self {
            key,
            used: HashSet::new(),
            by_time: BTreeSet::new(),
        }
    }

    /// A challenge; `random` makes two of the same moment differ.
    pub fn give(&self, agent: AgentId, purpose: Purpose, now: Now, random: [u8; 8]) -> Nonce {
        let mut nonce = [0; 32];
        nonce[..8].copy_from_slice(&now.mono.0.to_be_bytes());
        nonce[8..16].copy_from_slice(&random);
        let mac = self.mac(agent, purpose, &nonce[..16]);
        nonce[16..].copy_from_slice(&mac[..16]);
        Nonce(nonce)
    }

    /// Whether it was given to this agent for this purpose, is in time and was not used.
    ///
    /// # Errors
    /// [`Expired`].
    pub fn judge(&self, nonce: &Nonce, agent: AgentId, purpose: Purpose, now: Now) -> Result<(), Expired> {
        let mac = self.mac(agent, purpose, &nonce.0[..16]);
        let is_ours: bool = mac[..16].ct_eq(&nonce.0[16..]).into();
        let in_time = given_at(nonce).left_of(LIFETIME, now).is_some();
        if is_ours && in_time && !self.used.contains(nonce) {
            Ok(())
        } else {
            Err(Expired)
        }
    }

    /// Judges and uses it up.
    ///
    /// # Errors
    /// [`Expired`]; also where as many are remembered as may be.
    pub fn spend(
        &mut self,
        nonce: &Nonce,
        agent: AgentId,
        purpose: Purpose,
        now: Now,
    ) -> Result<(), Expired> {
        self.judge(nonce, agent, purpose, now)?;
        let out_of_time = Moment(now.mono.0.saturating_sub(millis(LIFETIME)));
        while let Some(first) = self.by_time.first().copied()
            && first.0 <= out_of_time
        {
            self.by_time.remove(&first);
            self.used.remove(&Nonce(first.1));
        }
        if self.used.len() >= USED_MAX {
            return Err(Expired);
        }
        self.used.insert(*nonce);
        self.by_time.insert((given_at(nonce), nonce.0));
        Ok(())
    }

    fn mac(&self, agent: AgentId, purpose: Purpose, begin: &[u8]) -> [u8; 32] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.key.as_slice()).expect("HMAC takes a key of any length");
        mac.update(b"countersign/agent-challenge/v1");
        mac.update(agent.0.as_bytes());
        mac.update(&[match purpose {
            Purpose::Enrolment => 1,
            Purpose::Cashier => 2,
        }]);
        mac.update(begin);
        mac.finalize().into_bytes().into()
    }
}

fn given_at(nonce: &Nonce) -> Moment {
    let (time, _) = nonce.0.split_first_chunk::<8>().expect("a nonce has 32 octets");
    Moment(i64::from_be_bytes(*time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::now_at;
    use uuid::Uuid;

    const AGENT: AgentId = AgentId(Uuid::from_u128(1));
    const OTHER: AgentId = AgentId(Uuid::from_u128(2));

    fn challenges() -> Challenges {
        Challenges::new(Zeroizing::new([7; 32]))
    }

    #[test]
    fn a_challenge_is_good_for_its_agent_and_purpose_for_a_minute() {
        let challenges = challenges();
        let nonce = challenges.give(AGENT, Purpose::Enrolment, now_at(1_000), [1; 8]);
        for (agent, purpose, at, good) in [
            (AGENT, Purpose::Enrolment, 1_000, true),
            (AGENT, Purpose::Enrolment, 60_999, true),
            (AGENT, Purpose::Enrolment, 61_000, false),
            (AGENT, Purpose::Cashier, 1_000, false),
            (OTHER, Purpose::Enrolment, 1_000, false),
        ] {
            let judged = challenges.judge(&nonce, agent, purpose, now_at(at));
            assert_eq!(judged.is_ok(), good, "{agent} {purpose:?} {at}");
        }
    }

    #[test]
    fn a_challenge_is_used_once() {
        let mut challenges = challenges();
        let nonce = challenges.give(AGENT, Purpose::Cashier, now_at(0), [1; 8]);
        let spend = |challenges: &mut Challenges, nonce, at| {
            challenges.spend(nonce, AGENT, Purpose::Cashier, now_at(at))
        };
        assert_eq!(spend(&mut challenges, &nonce, 0), Ok(()));
        assert_eq!(spend(&mut challenges, &nonce, 1), Err(Expired));
        let next = challenges.give(AGENT, Purpose::Cashier, now_at(0), [2; 8]);
        assert_eq!(spend(&mut challenges, &next, 1), Ok(()));
    }

    #[test]
    fn what_is_out_of_time_is_forgotten_and_stays_unusable() {
        let mut challenges = challenges();
        let nonce = challenges.give(AGENT, Purpose::Cashier, now_at(0), [1; 8]);
        challenges
            .spend(&nonce, AGENT, Purpose::Cashier, now_at(0))
            .unwrap();
        let later = challenges.give(AGENT, Purpose::Cashier, now_at(70_000), [1; 8]);
        challenges
            .spend(&later, AGENT, Purpose::Cashier, now_at(70_000))
            .unwrap();
        assert_eq!(challenges.used.len(), 1);
        assert_eq!(
            challenges.spend(&nonce, AGENT, Purpose::Cashier, now_at(70_001)),
            Err(Expired)
        );
    }

    #[test]
    fn a_nonce_of_nobody_or_of_another_process_is_none() {
        let mut altered = challenges().give(AGENT, Purpose::Enrolment, now_at(0), [1; 8]);
        altered.0[9] ^= 1;
        let foreign =
            Challenges::new(Zeroizing::new([8; 32])).give(AGENT, Purpose::Enrolment, now_at(0), [1; 8]);
        let future = challenges().give(AGENT, Purpose::Enrolment, now_at(0), [1; 8]);
        for nonce in [altered, foreign, Nonce([0; 32]), Nonce([255; 32])] {
            let judged = challenges().judge(&nonce, AGENT, Purpose::Enrolment, now_at(0));
            assert_eq!(judged, Err(Expired));
        }
        assert_eq!(
            challenges().judge(&future, AGENT, Purpose::Enrolment, now_at(0)),
            Ok(())
        );
    }
}
