//! Field arithmetic against a slow, obvious reference: lists of bits, long multiplication, long division.

use proptest::prelude::*;

use super::*;
use crate::curve::Curve;
use crate::scalar;

fn bits_of(limbs: &Limbs, degree: usize) -> Vec<bool> {
    (0..degree)
        .map(|i| (limbs[i / 64] >> (i % 64)) & 1 == 1)
        .collect()
}

fn limbs_of(bits: &[bool]) -> Limbs {
    let mut limbs = [0; LIMBS];
    for (i, bit) in bits.iter().enumerate() {
        limbs[i / 64] |= u64::from(*bit) << (i % 64);
    }
    limbs
}

/// The product by school rules.
fn reference_product(curve: Curve, left: &Limbs, right: &Limbs) -> Limbs {
    let definition = curve.definition();
    let degree = definition.degree;
    let mut wide = vec![false; 2 * degree];
    for (i, l) in bits_of(left, degree).iter().enumerate() {
        for (j, r) in bits_of(right, degree).iter().enumerate() {
            wide[i + j] ^= l & r;
        }
    }
    for i in (degree..2 * degree).rev() {
        if wide[i] {
            wide[i] = false;
            wide[i - degree] ^= true;
            for tap in definition.taps {
                wide[i - degree + tap] ^= true;
            }
        }
    }
    limbs_of(&wide[..degree])
}

/// What a field computes of two elements.
struct Computed {
    product: Limbs,
    square: Limbs,
    inverse: Limbs,
    root: Limbs,
    trace: u64,
    half_trace: Limbs,
}

struct Compute(Limbs, Limbs);

impl FieldTask for Compute {
    type Output = Computed;

    #[inline(always)]
    fn run<F: Field>(self, field: F) -> Computed {
        let (left, right) = (field.element(&self.0), field.element(&self.1));
        Computed {
            product: field.limbs(&field.multiply(&left, &right)),
            square: field.limbs(&field.square(&left)),
            inverse: field.limbs(&field.invert(&left)),
            root: field.limbs(&field.square_root(&left)),
            trace: field.trace(&left),
            half_trace: field.limbs(&field.half_trace(&left)),
        }
    }
}

fn xor(left: &Limbs, right: &Limbs) -> Limbs {
    core::array::from_fn(|i| left[i] ^ right[i])
}

fn check(curve: Curve, left: Limbs, right: Limbs) {
    let left = scalar::truncate(left, curve.degree());
    let right = scalar::truncate(right, curve.degree());
    let one = limbs_of(&[true]);
    for arithmetic in [Arithmetic::Fastest, Arithmetic::Portable] {
        let computed = curve.run(arithmetic, Compute(left, right));
        assert_eq!(
            computed.product,
            reference_product(curve, &left, &right),
            "{curve:?} product"
        );
        assert_eq!(
            computed.square,
            reference_product(curve, &left, &left),
            "{curve:?} square"
        );
        assert_eq!(
            reference_product(curve, &computed.root, &computed.root),
            left,
            "{curve:?} root"
        );
        if left == [0; LIMBS] {
            assert_eq!(computed.inverse, left, "the inverse of zero is zero");
        } else {
            assert_eq!(
                reference_product(curve, &computed.inverse, &left),
                one,
                "{curve:?} inverse"
            );
        }
        // z² + z is the element itself, or the element plus one if its trace is one.
        let square = reference_product(curve, &computed.half_trace, &computed.half_trace);
        let expected = if computed.trace == 0 {
            left
        } else {
            xor(&left, &one)
        };
        assert_eq!(
            xor(&square, &computed.half_trace),
            expected,
            "{curve:?} half-trace"
        );
    }
}

#[test]
fn the_hardware_path_is_what_the_processor_says() {
    println!("accelerated: {}", Arithmetic::Fastest.is_accelerated());
    assert!(!Arithmetic::Portable.is_accelerated());
}

#[test]
fn extreme_elements_multiply_as_the_reference_does() {
    for curve in Curve::ALL {
        let ones = [u64::MAX; LIMBS];
        let top = {
            let mut limbs = [0; LIMBS];
            limbs[(curve.degree() - 1) / 64] = 1 << ((curve.degree() - 1) % 64);
            limbs
        };
        for left in [[0; LIMBS], limbs_of(&[true]), ones, top] {
            for right in [[0; LIMBS], limbs_of(&[true]), ones, top] {
                check(curve, left, right);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn random_elements_of_every_field_agree_with_the_reference(left: [u64; 7], right: [u64; 7]) {
        for curve in Curve::ALL {
            check(curve, left, right);
        }
    }
}

proptest! {
    #[test]
    fn the_portable_product_of_two_limbs_is_exact(left: u64, right: u64) {
        let mut expected = 0u128;
        for bit in 0..64 {
            if (right >> bit) & 1 == 1 {
                expected ^= u128::from(left) << bit;
            }
        }
        prop_assert_eq!(Portable.multiply(left, right), expected);
        prop_assert_eq!(Portable.multiply(u64::MAX, right), Portable.multiply(right, u64::MAX));
    }
}
