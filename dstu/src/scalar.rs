//! Integers modulo the order n of the base point, in constant time (Montgomery's form, from `crypto-bigint`).

use std::sync::OnceLock;

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{NonZero, Odd, Uint};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroize;

use crate::curve::Curve;
use crate::field::{LIMBS, Limbs};

fn modulus(curve: Curve) -> &'static FixedMontyParams<LIMBS> {
    static PARAMETERS: [OnceLock<FixedMontyParams<LIMBS>>; 10] = [const { OnceLock::new() }; 10];
    PARAMETERS[curve.index()].get_or_init(|| {
        let order =
            Odd::new(Uint::from_words(curve.definition().order)).expect("every order is an odd prime");
        FixedMontyParams::new_vartime(order)
    })
}

/// `e + d·r mod n`; all three are less than n.
pub(crate) fn multiply_add(curve: Curve, e: &Limbs, d: &Limbs, r: &Limbs) -> Limbs {
    let parameters = modulus(curve);
    let mut d = FixedMontyForm::new(&Uint::from_words(*d), parameters);
    let r = FixedMontyForm::new(&Uint::from_words(*r), parameters);
    let mut product = (d * r).retrieve();
    let order = NonZero::new(Uint::from_words(curve.definition().order)).expect("no order is zero");
    let sum = product.add_mod(&Uint::from_words(*e), &order);
    d.zeroize();
    product.zeroize();
    sum.to_words()
}

/// 0 < number < n, in constant time.
pub(crate) fn is_in_range(curve: Curve, number: &Limbs) -> Choice {
    !is_zero(number) & is_less(number, &curve.definition().order)
}

/// In constant time.
pub(crate) fn is_zero(number: &Limbs) -> Choice {
    number.iter().fold(0, |any, limb| any | limb).ct_eq(&0)
}

/// left < right, in constant time: whether a subtraction borrows.
fn is_less(left: &Limbs, right: &Limbs) -> Choice {
    let mut borrow = 0u8;
    for (l, r) in left.iter().zip(right) {
        let (difference, first) = l.overflowing_sub(*r);
        let (_, second) = difference.overflowing_sub(u64::from(borrow));
        borrow = u8::conditional_select(&u8::from(first), &1, Choice::from(u8::from(second)));
    }
    Choice::from(borrow)
}

/// Keeps the low `bits` bits.
pub(crate) fn truncate(mut number: Limbs, bits: usize) -> Limbs {
    for (i, limb) in number.iter_mut().enumerate() {
        let kept = bits.saturating_sub(64 * i);
        if kept < 64 {
            *limb &= (1 << kept) - 1;
        }
    }
    number
}

/// Reads octets, least significant first; those beyond 56 are ignored unless `None` is due because they are not zero.
pub(crate) fn from_little_endian(octets: &[u8]) -> Option<Limbs> {
    let mut number = [0; LIMBS];
    let mut excess = 0;
    for (i, octet) in octets.iter().enumerate() {
        match number.get_mut(i / 8) {
            Some(limb) => *limb |= u64::from(*octet) << (8 * (i % 8)),
            None => excess |= octet,
        }
    }
    (excess == 0).then_some(number)
}

/// Writes the low octets, least significant first.
pub(crate) fn to_little_endian(number: &Limbs, octets: &mut [u8]) {
    for (i, octet) in octets.iter_mut().enumerate() {
        *octet = number[i / 8].to_le_bytes()[i % 8];
    }
}
