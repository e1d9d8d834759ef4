//! Multiples of any point for public scalars: windowed non-adjacent form. Takes a time that depends on the scalar.

use super::point::{Affine, Group, Projective};
use crate::field::{Field, LIMBS, Limbs};

/// Width of the non-adjacent form: digits are odd and below 2^4 in size, so 8 odd multiples are prepared.
const WIDTH: u32 = 5;

/// The digits of k, lowest first: each 0 or odd with |digit| < 2^(WIDTH − 1).
fn non_adjacent_form(k: &Limbs) -> Vec<i8> {
    // One limb more, because a negative digit carries upwards.
    let mut rest = [0; LIMBS + 1];
    rest[..LIMBS].copy_from_slice(k);
    let mut digits = Vec::with_capacity(LIMBS * 64);
    while rest.iter().any(|limb| *limb != 0) {
        let mut digit = 0;
        if rest[0] & 1 == 1 {
            let low = i8::try_from(rest[0] & ((1 << WIDTH) - 1)).expect("five bits fit");
            digit = if low < 1 << (WIDTH - 1) {
                low
            } else {
                low - (1 << WIDTH)
            };
            subtract_small(&mut rest, digit);
        }
        digits.push(digit);
        for i in 0..=LIMBS {
            let above = if i < LIMBS { rest[i + 1] << 63 } else { 0 };
            rest[i] = (rest[i] >> 1) | above;
        }
    }
    digits
}

fn subtract_small(number: &mut [u64; LIMBS + 1], digit: i8) {
    let amount = u64::from(digit.unsigned_abs());
    let mut carry = amount;
    for limb in number {
        let (result, overflow) = if digit > 0 {
            limb.overflowing_sub(carry)
        } else {
            limb.overflowing_add(carry)
        };
        *limb = result;
        carry = u64::from(overflow);
    }
}

impl<F: Field> Group<F> {
    /// k·P for any finite point P.
    #[inline(always)]
    pub(crate) fn multiply_vartime(self, point: &Affine<F::Element>, k: &Limbs) -> Projective<F::Element> {
        let odd = self.odd_multiples(point);
        let mut sum = self.infinity();
        for digit in non_adjacent_form(k).into_iter().rev() {
            sum = self.double(&sum);
            if digit != 0 {
                let multiple = &odd[usize::from(digit.unsigned_abs() / 2)];
                sum = self.add_signed(&sum, multiple, digit < 0);
            }
        }
        sum
    }

    #[inline(always)]
    fn add_signed(
        self,
        sum: &Projective<F::Element>,
        multiple: &Projective<F::Element>,
        negative: bool,
    ) -> Projective<F::Element> {
        // The multiples are normalised: Z is 1, or 0 for a point of small order.
        if multiple.z == self.field.zero() {
            return *sum;
        }
        let affine = Affine {
            x: multiple.x,
            y: multiple.y,
        };
        let signed = if negative { self.negate(&affine) } else { affine };
        self.add_vartime(sum, &signed)
    }

    /// P, 3P, … 15P with Z = 1, or Z = 0 for the point at infinity.
    #[inline(always)]
    fn odd_multiples(self, point: &Affine<F::Element>) -> [Projective<F::Element>; 8] {
        let double = self.double(&self.project(point));
        let mut odd = [self.project(point); 8];
        if double.z == self.field.zero() {
            return odd; // of order two: every odd multiple is the point itself
        }
        let double = self.normalize(&[double])[0];
        for i in 1..odd.len() {
            odd[i] = self.add_vartime(&odd[i - 1], &double);
        }
        let finite: Vec<_> = odd.iter().copied().filter(|p| p.z != self.field.zero()).collect();
        let mut normalised = self.normalize(&finite).into_iter();
        for multiple in odd.iter_mut().filter(|p| p.z != self.field.zero()) {
            let affine = normalised.next().expect("one for every finite multiple");
            *multiple = self.project(&affine);
        }
        odd
    }
}
