//! Sums, and parts of sums that add up to the whole.

use super::Error;
use crate::{AmountError, Money, Percent};
use rust_decimal::Decimal;

/// The sum of many.
///
/// # Errors
/// [`Error::Amount`] beyond the largest amount.
pub(super) fn sum(parts: impl IntoIterator<Item = Money>) -> Result<Money, Error> {
    parts.into_iter().try_fold(Money::ZERO, add)
}

/// # Errors
/// [`Error::Amount`] beyond the largest amount.
pub(super) fn add(left: Money, right: Money) -> Result<Money, Error> {
    left.checked_add(right)
        .ok_or(Error::Amount(AmountError::TooLarge))
}

/// # Errors
/// [`Error::Amount`] beyond the largest amount.
pub(super) fn subtract(left: Money, right: Money) -> Result<Money, Error> {
    left.checked_sub(right)
        .ok_or(Error::Amount(AmountError::TooLarge))
}

/// So many per cent of a sum, half up: a percentage discount, or a tax that is not in the price.
///
/// # Errors
/// [`Error::Amount`] beyond the largest amount.
pub(super) fn percent_of(whole: Money, percent: Percent) -> Result<Money, Error> {
    Ok(Money::rounded(
        whole.decimal() * percent.decimal() / Decimal::ONE_HUNDRED,
    )?)
}

/// The tax inside a sum, `whole · p / (100 + p)`, half up.
///
/// # Errors
/// [`Error::Amount`] beyond the largest amount.
pub(super) fn percent_inside(whole: Money, percent: Percent) -> Result<Money, Error> {
    let percent = percent.decimal();
    Ok(Money::rounded(
        whole.decimal() * percent / (Decimal::ONE_HUNDRED + percent),
    )?)
}

/// Divides `whole` in proportion to `weights`, none of them negative, so that the parts add up to it: each is rounded down, and the
/// kopecks that are left go to the largest remainders, the first of equals first. A part is never above its weight while the whole is
/// not above their sum.
///
/// Weights that are all zero can carry nothing: their parts are zero, and the caller has seen to it that the whole is zero too.
pub(super) fn apportion(whole: Money, weights: &[Money]) -> Vec<Money> {
    let total: i128 = weights.iter().map(|weight| i128::from(weight.units())).sum();
    if total == 0 {
        return vec![Money::ZERO; weights.len()];
    }
    let mut parts = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    let mut left = whole.units();
    for (index, weight) in weights.iter().enumerate() {
        let product = i128::from(whole.units()) * i128::from(weight.units());
        let part = i64::try_from(product / total).expect("a part is not larger than the whole");
        left -= part;
        parts.push(part);
        remainders.push((product % total, index));
    }
    // Fewer kopecks are left than there are parts with a remainder: each remainder is less than one kopeck.
    remainders.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
    let mut remainders = remainders.iter();
    while left > 0 {
        let (_, index) = remainders.next().expect("remainders add up to what is left");
        parts[*index] += 1;
        left -= 1;
    }
    parts.into_iter().map(Money::from_units).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn money(units: &[i64]) -> Vec<Money> {
        units.iter().copied().map(Money::from_units).collect()
    }

    #[test]
    fn kopecks_that_are_left_go_to_the_largest_remainders() {
        for (whole, weights, parts) in [
            (100, &[1, 1, 1][..], &[34, 33, 33][..]),
            (10, &[300, 500, 200], &[3, 5, 2]),
            (1, &[1, 1_000], &[0, 1]),
            (5, &[0, 7, 0], &[0, 5, 0]),
            (0, &[0, 0], &[0, 0]),
        ] {
            assert_eq!(
                apportion(Money::from_units(whole), &money(weights)),
                money(parts),
                "{whole} over {weights:?}"
            );
        }
    }

    #[test]
    fn a_tax_inside_and_outside_is_rounded_half_up() {
        let percent = Percent::from_units;
        let kopecks = Money::from_units;
        assert_eq!(percent_inside(kopecks(25_990), percent(500)), Ok(kopecks(1_238)));
        assert_eq!(percent_inside(kopecks(3), percent(2_000)), Ok(kopecks(1)), "0.5");
        assert_eq!(percent_of(kopecks(250), percent(2_500)), Ok(kopecks(63)), "62.5");
        assert_eq!(percent_of(kopecks(249), percent(0)), Ok(kopecks(0)));
    }

    proptest! {
        #[test]
        fn parts_add_up_to_the_whole_and_none_is_above_its_weight(
            weights in prop::collection::vec(0_i64..=1_000_000_000, 1..40),
            of_whole in 0_u64..=1_000_000,
        ) {
            let total: i64 = weights.iter().sum();
            let whole = i64::try_from(i128::from(total) * i128::from(of_whole) / 1_000_000).expect("less than the total");
            let parts = apportion(Money::from_units(whole), &money(&weights));
            prop_assert_eq!(parts.iter().map(|part| part.units()).sum::<i64>(), whole);
            for (part, weight) in parts.iter().zip(&weights) {
                prop_assert!(part.units() <= *weight && part.units() >= 0);
                let exact = i128::from(whole) * i128::from(*weight);
                let off = (i128::from(part.units()) * i128::from(total) - exact).abs();
                prop_assert!(total == 0 || off < i128::from(total), "within a kopeck of its proportion");
            }
        }
    }
}
