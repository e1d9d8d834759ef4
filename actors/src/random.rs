//! Chance as an argument: bytes from the operating system, or from a seed in tests.

use crate::clock::Now;
use crate::secret::Otp;
use uuid::{Builder, Uuid};
use zeroize::Zeroizing;

/// The source of random bytes failed; nothing can be generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system's random generator failed")]
pub struct Fault;

/// Where random bytes come from.
pub trait Randomness: Send + Sync + 'static {
    /// Fills the buffer, wholly or not at all.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Fault>;
}

/// The operating system's generator.
pub struct OsRandomness;

impl Randomness for OsRandomness {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Fault> {
        getrandom::fill(buffer).map_err(|_| Fault)
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
