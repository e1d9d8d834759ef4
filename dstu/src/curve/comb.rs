//! Multiples of the base point from a table: no doublings, one addition for every five bits of the scalar.
//!
//! An odd scalar k is written with odd digits only: with W = 5 and T windows,
//! k = Σ (2·u_i − 31) · 2^(5·i), where u_i are the 5-bit windows of (k − 1)/2 + 2^(5·T − 1). No digit is zero, so
//! every window adds exactly one point, which a scan over the window's whole row selects under masks.

use super::point::{Affine, Group, Projective};
use super::{Definition, Digits};
use crate::field::{Field, LIMBS, Limbs, mask};

/// Bits of a window. Five: with four there are a quarter more additions, with six the rows to scan double.
const WINDOW: usize = 5;
/// Odd multiples in a row: 1, 3, … 31.
const ROW: usize = 1 << (WINDOW - 1);

/// The odd multiples `(2j + 1) · 2^(5i) · P`, row after row.
pub(crate) struct Comb {
    /// x then y of every point, only the field's own limbs.
    limbs: Box<[u64]>,
    windows: usize,
}

impl Comb {
    /// About 66 KB for m = 257 and 154 KB for m = 431.
    pub(crate) fn build<F: Field>(group: Group<F>, definition: &Definition) -> Self {
        let field = group.field;
        // One bit of reserve: the recoded scalar is (k − 1)/2 + 2^(5T − 1).
        let windows = (definition.order_bits + 1).div_ceil(WINDOW);
        let [x, y] = &definition.generator;
        let mut base = Affine {
            x: field.element(x),
            y: field.element(y),
        };
        let mut points = Vec::with_capacity(windows * ROW);
        for _ in 0..windows {
            let double = group.normalize(&[group.double(&group.project(&base))])[0];
            let mut multiple = group.project(&base);
            for _ in 0..ROW {
                points.push(multiple);
                multiple = group.add_vartime(&multiple, &double);
            }
            let mut next = group.project(&base);
            for _ in 0..WINDOW {
                next = group.double(&next);
            }
            base = group.normalize(&[next])[0];
        }
        let mut limbs = Vec::new();
        for point in group.normalize(&points) {
            limbs.extend_from_slice(point.x.as_ref());
            limbs.extend_from_slice(point.y.as_ref());
        }
        Self {
            limbs: limbs.into_boxed_slice(),
            windows,
        }
    }

    /// k·P or −k·P (that is (n − k)·P, when k is even), for 0 < k < n. Constant-time.
    ///
    /// The additions are not complete: for a share of about 2^−(L(n) − 6) of all scalars a partial sum meets its
    /// addend, and the result has Z = 0. The caller draws another nonce then, as for x = 0.
    #[inline(always)]
    pub(crate) fn multiply<F: Field>(
        &self,
        group: Group<F>,
        definition: &Definition,
        k: &Limbs,
    ) -> Projective<F::Element> {
        let digits = self.recode(&make_odd(k, &definition.order));
        let mut sum = group.project(&self.select(group, 0, digits.window(0)));
        for i in 1..self.windows {
            let point = self.select(group, i, digits.window(i));
            sum = group.add(&sum, &point);
        }
        sum
    }

    /// `(k − 1)/2 + 2^(5T − 1)` of an odd k.
    #[inline(always)]
    fn recode(&self, k: &Limbs) -> Digits {
        let mut halved = Digits::default();
        for i in 0..LIMBS {
            let above = if i + 1 < LIMBS { k[i + 1] << 63 } else { 0 };
            halved.0[i] = (k[i] >> 1) | above;
        }
        // k < 2^L(n) ≤ 2^(5T − 1), so this bit is free.
        let top = WINDOW * self.windows - 1;
        halved.0[top / 64] |= 1 << (top % 64);
        halved
    }

    /// The point `(2·window − 31) · 2^(5·row) · P`, every point of the row being read.
    #[inline(always)]
    fn select<F: Field>(&self, group: Group<F>, row: usize, window: u64) -> Affine<F::Element> {
        let field = group.field;
        let width = field.zero().as_ref().len();
        let half = ROW as u64;
        // A window of 16 and more is the positive digit 2·(window − 16) + 1, one below the negative 31 − 2·window.
        let negative = mask(1 ^ (window >> (WINDOW - 1)));
        let index = (window ^ negative) & (half - 1);
        let entries = self.limbs[row * ROW * 2 * width..][..ROW * 2 * width].chunks_exact(2 * width);
        let mut point = Affine {
            x: field.zero(),
            y: field.zero(),
        };
        for (i, entry) in entries.enumerate() {
            let chosen = mask(((i as u64 ^ index).wrapping_sub(1)) >> 63);
            let (x, y) = entry.split_at(width);
            for j in 0..width {
                point.x.as_mut()[j] |= x[j] & chosen;
                point.y.as_mut()[j] |= y[j] & chosen;
            }
        }
        let negated = group.negate(&point);
        Affine {
            x: point.x,
            y: field.select(negative, &point.y, &negated.y),
        }
    }

    /// Adds k·P to `sum`; takes a time that depends on k, which is less than n.
    #[inline(always)]
    pub(crate) fn add_multiple_vartime<F: Field>(
        &self,
        group: Group<F>,
        definition: &Definition,
        k: &Limbs,
        mut sum: Projective<F::Element>,
    ) -> Projective<F::Element> {
        let field = group.field;
        let width = field.zero().as_ref().len();
        if k.iter().all(|limb| *limb == 0) {
            return sum;
        }
        let even = k[0] & 1 == 0;
        let digits = self.recode(&make_odd(k, &definition.order));
        for i in 0..self.windows {
            let window = digits.window(i);
            let positive = window >= ROW as u64;
            let index = if positive {
                window - ROW as u64
            } else {
                ROW as u64 - 1 - window
            };
            let index = usize::try_from(index).expect("a window's index is below 16");
            let entry = &self.limbs[(i * ROW + index) * 2 * width..][..2 * width];
            let mut point = Affine {
                x: field.zero(),
                y: field.zero(),
            };
            point.x.as_mut().copy_from_slice(&entry[..width]);
            point.y.as_mut().copy_from_slice(&entry[width..]);
            if positive == even {
                point = group.negate(&point);
            }
            sum = group.add_vartime(&sum, &point);
        }
        sum
    }
}

/// k if it is odd, n − k if it is even, without a branch.
#[inline(always)]
fn make_odd(k: &Limbs, order: &Limbs) -> Limbs {
    let even = mask(1 ^ k[0]);
    let mut odd = *k;
    let mut borrow = false;
    for i in 0..LIMBS {
        let (difference, first) = order[i].overflowing_sub(k[i]);
        let (difference, second) = difference.overflowing_sub(u64::from(borrow));
        borrow = first | second;
        odd[i] ^= even & (odd[i] ^ difference);
    }
    odd
}
