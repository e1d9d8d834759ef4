//! Chance as an argument: bytes from the operating system, or from a seed in tests.

use crate::clock::Now;
use crate::secret::Otp;
use std::cell::RefCell;
use uuid::{Builder, Uuid};
use zeroize::{Zeroize, Zeroizing};

/// The source of random bytes failed; nothing can be generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system's random generator failed")]
pub struct Fault;

/// Where random bytes come from.
pub trait Randomness: Send + Sync + 'static {
    /// Fills the buffer, wholly or not at all.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Fault>;
}

/// 256 bytes: seven sends' worth of codes and ids, for one system call.
const POOL_BYTES: usize = 256;

/// The operating system's generator, asked for some bytes ahead: one call for each code and id was a fiftieth of a send. What is drawn ahead stays in
/// its thread's memory, and every byte is wiped as it is given out.
pub struct OsRandomness;

/// Bytes that were drawn ahead; those from `given` on are still to be given out.
struct Pool {
    bytes: Zeroizing<[u8; POOL_BYTES]>,
    given: usize,
}

thread_local! {
    static POOL: RefCell<Pool> = RefCell::new(Pool {
        bytes: Zeroizing::new([0; POOL_BYTES]),
        given: POOL_BYTES,
    });
}

impl Randomness for OsRandomness {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Fault> {
        if buffer.len() > POOL_BYTES / 4 {
            return getrandom::fill(buffer).map_err(|_| Fault);
        }
        POOL.with_borrow_mut(|pool| pool.fill(buffer))
    }
}

impl Pool {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Fault> {
        if POOL_BYTES - self.given < buffer.len() {
            // What is left is thrown away; until all of it is new, nothing counts as drawn.
            self.given = POOL_BYTES;
            getrandom::fill(self.bytes.as_mut_slice()).map_err(|_| Fault)?;
            self.given = 0;
        }
        let given = self.given..self.given + buffer.len();
        buffer.copy_from_slice(&self.bytes[given.clone()]);
        self.bytes[given.clone()].zeroize();
        self.given = given.end;
        Ok(())
    }
}

/// Draws `length` decimal digits, each equally likely.
///
/// A byte of 250 or more is drawn again: `byte % 10` over all 256 values would favour 0 to 5.
pub fn draw_code(randomness: &dyn Randomness, length: u8) -> Result<Otp, Fault> {
    let mut digits = Zeroizing::new(String::with_capacity(usize::from(length)));
    let mut bytes = Zeroizing::new([0_u8; 16]);
    while digits.len() < usize::from(length) {
        randomness.fill(bytes.as_mut_slice())?;
        for byte in bytes
            .iter()
            .filter(|byte| **byte < 250)
            .take(usize::from(length) - digits.len())
        {
            digits.push(char::from(b'0' + byte % 10));
        }
    }
    Ok(Otp::drawn(digits))
}

/// A UUIDv7 of this moment: sorts by time, so that rows written together lie together.
pub fn draw_uuid(randomness: &dyn Randomness, now: Now) -> Result<Uuid, Fault> {
    let mut bytes = [0_u8; 10];
    randomness.fill(&mut bytes)?;
    let millis = u64::try_from(now.wall.timestamp_millis()).unwrap_or(0);
    Ok(Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::SeededRandomness;

    #[test]
    fn every_digit_is_equally_likely_and_leading_zeros_stay() {
        let randomness = SeededRandomness::new(7);
        let mut counts = [0_u32; 10];
        let mut leading_zeros = 0;
        for _ in 0..20_000 {
            let code = draw_code(&randomness, 6).unwrap();
            assert_eq!(code.expose().len(), 6);
            leading_zeros += u32::from(code.expose().starts_with('0'));
            code.expose()
                .bytes()
                .for_each(|digit| counts[usize::from(digit - b'0')] += 1);
        }
        // 120,000 digits: 12,000 each expected; chi-squared with 9 degrees of freedom, 99.9 % below 27.9.
        let chi: f64 = counts
            .iter()
            .map(|count| (f64::from(*count) - 12_000.0).powi(2) / 12_000.0)
            .sum();
        assert!(chi < 27.9, "chi-squared {chi} over {counts:?}");
        assert!(
            (1_700..2_300).contains(&leading_zeros),
            "{leading_zeros} leading zeros"
        );
    }

    #[test]
    fn no_byte_that_was_drawn_ahead_is_given_out_twice_or_kept() {
        let mut pool = Pool {
            bytes: Zeroizing::new([0; POOL_BYTES]),
            given: POOL_BYTES,
        };
        let mut seen = std::collections::HashSet::new();
        for round in 0..1_000 {
            let mut drawn = [0; 16];
            pool.fill(&mut drawn).unwrap();
            assert!(seen.insert(drawn), "round {round}");
            assert!(
                pool.bytes[..pool.given].iter().all(|byte| *byte == 0),
                "round {round}"
            );
        }
    }

    #[test]
    fn long_and_short_draws_of_the_operating_system_differ_each_time() {
        for length in [8, 16, POOL_BYTES / 4, POOL_BYTES / 4 + 1, 1_000] {
            let mut drawn = [vec![0; length], vec![0; length]];
            drawn
                .iter_mut()
                .for_each(|drawn| OsRandomness.fill(drawn).unwrap());
            assert_ne!(drawn[0], drawn[1], "{length}");
        }
    }

    #[test]
    fn bytes_that_would_bias_a_digit_are_drawn_again() {
        struct HighThenLow(std::sync::atomic::AtomicU32);
        impl Randomness for HighThenLow {
            fn fill(&self, buffer: &mut [u8]) -> Result<(), Fault> {
                let high = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
                buffer.fill(if high { 255 } else { 249 });
                Ok(())
            }
        }
        assert_eq!(draw_code(&HighThenLow(0.into()), 4).unwrap().expose(), "9999");
    }
}
