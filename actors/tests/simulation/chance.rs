//! Choices out of a seed.

use actors::testing::SeededRandomness;

/// A number below `bound`.
pub(crate) fn below(randomness: &SeededRandomness, bound: u64) -> u64 {
    randomness.next_u64() % bound
}

/// True `percent` times in a hundred.
pub(crate) fn chance(randomness: &SeededRandomness, percent: u64) -> bool {
    below(randomness, 100) < percent
}

/// One of several, each as likely as its weight says.
pub(crate) fn weighted<T: Copy>(randomness: &SeededRandomness, choices: &[(u64, T)]) -> T {
    let total: u64 = choices.iter().map(|(weight, _)| weight).sum();
    let mut at = below(randomness, total);
    for (weight, choice) in choices {
        match at.checked_sub(*weight) {
            Some(rest) => at = rest,
            None => return *choice,
        }
    }
    unreachable!("the weights add up to the total")
}
