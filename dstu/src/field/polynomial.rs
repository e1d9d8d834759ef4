//! The reduction polynomials and the products of whole field elements, in 64-bit limbs, lowest first.

use super::multiplier::Multiplier;

/// A field's modulus x^m + Σ x^t + 1 and the shape of its elements.
pub(crate) trait Polynomial: Copy {
    /// `[u64; N]` with 64·N ≥ m.
    type Element: Copy + Default + PartialEq + AsRef<[u64]> + AsMut<[u64]>;

    /// m.
    fn degree(self) -> usize;
    /// The exponents t between 0 and m, at most m − 128 (so that a folded limb never reaches itself).
    fn taps(self) -> &'static [usize];
    fn multiply<M: Multiplier>(self, by: M, left: &Self::Element, right: &Self::Element) -> Self::Element;
    fn square<M: Multiplier>(self, by: M, value: &Self::Element) -> Self::Element;
}

/// GF(2^257), x^257 + x^12 + 1: the curve of nearly all signing keys.
#[derive(Clone, Copy)]
pub(crate) struct P257;

/// GF(2^431), x^431 + x^5 + x^3 + x + 1.
#[derive(Clone, Copy)]
pub(crate) struct P431;

/// Any field of degree at most 383, its polynomial known only at run time: correct rather than fast.
#[derive(Clone, Copy)]
pub(crate) struct PAny {
    pub(crate) degree: usize,
    pub(crate) taps: &'static [usize],
}

impl Polynomial for P257 {
    type Element = [u64; 5];

    #[inline(always)]
    fn degree(self) -> usize {
        257
    }

    #[inline(always)]
    fn taps(self) -> &'static [usize] {
        &[12]
    }

    /// Four limbs by Karatsuba; the 257th bits are added under masks.
    #[inline(always)]
    fn multiply<M: Multiplier>(self, by: M, left: &[u64; 5], right: &[u64; 5]) -> [u64; 5] {
        let mut wide = [0; 10];
        let products = multiply4(by, words(by, left, 0), words(by, right, 0));
        assemble(by, &products, &mut wide);
        let (left_mask, right_mask) = (0u64.wrapping_sub(left[4]), 0u64.wrapping_sub(right[4]));
        for i in 0..4 {
            wide[i + 4] ^= (right[i] & left_mask) ^ (left[i] & right_mask);
        }
        wide[8] = left[4] & right[4];
        reduce::<10, 5>(wide, self.degree(), self.taps())
    }

    #[inline(always)]
    fn square<M: Multiplier>(self, by: M, value: &[u64; 5]) -> [u64; 5] {
        let mut wide = [0; 10];
        for i in 0..4 {
            [wide[2 * i], wide[2 * i + 1]] = by.square(value[i]);
        }
        wide[8] = value[4];
        reduce::<10, 5>(wide, self.degree(), self.taps())
    }
}

impl Polynomial for P431 {
    type Element = [u64; 7];

    #[inline(always)]
    fn degree(self) -> usize {
        431
    }

    #[inline(always)]
    fn taps(self) -> &'static [usize] {
        &[5, 3, 1]
    }

    #[inline(always)]
    fn multiply<M: Multiplier>(self, by: M, left: &[u64; 7], right: &[u64; 7]) -> [u64; 7] {
        let mut wide = [0; 16];
        assemble(by, &multiply8(by, left, right), &mut wide);
        reduce::<16, 7>(wide, self.degree(), self.taps())
    }

    #[inline(always)]
    fn square<M: Multiplier>(self, by: M, value: &[u64; 7]) -> [u64; 7] {
        reduce::<14, 7>(squared(by, value), self.degree(), self.taps())
    }
}

impl Polynomial for PAny {
    type Element = [u64; 6];

    #[inline(always)]
    fn degree(self) -> usize {
        self.degree
    }

    #[inline(always)]
    fn taps(self) -> &'static [usize] {
        self.taps
    }

    #[inline(always)]
    fn multiply<M: Multiplier>(self, by: M, left: &[u64; 6], right: &[u64; 6]) -> [u64; 6] {
        let mut wide = [0; 16];
        assemble(by, &multiply8(by, left, right), &mut wide);
        reduce::<16, 6>(wide, self.degree, self.taps)
    }

    #[inline(always)]
    fn square<M: Multiplier>(self, by: M, value: &[u64; 6]) -> [u64; 6] {
        reduce::<12, 6>(squared(by, value), self.degree, self.taps)
    }
}

#[inline(always)]
fn squared<M: Multiplier, const WIDE: usize, const N: usize>(by: M, value: &[u64; N]) -> [u64; WIDE] {
    let mut wide = [0; WIDE];
    for i in 0..N {
        [wide[2 * i], wide[2 * i + 1]] = by.square(value[i]);
    }
    wide
}

/// Four limbs from `offset` on; limbs beyond the end are zero.
#[inline(always)]
fn words<M: Multiplier>(by: M, limbs: &[u64], offset: usize) -> [M::Word; 4] {
    let limb = |i: usize| by.word(limbs.get(offset + i).copied().unwrap_or(0));
    [limb(0), limb(1), limb(2), limb(3)]
}

/// Two limbs by two: the three products that stand at limbs 0, 1 and 2.
#[inline(always)]
fn multiply2<M: Multiplier>(by: M, left: [M::Word; 2], right: [M::Word; 2]) -> [M::Product; 3] {
    let low = by.multiply(left[0], right[0]);
    let high = by.multiply(left[1], right[1]);
    let sums = by.multiply(by.add_words(left[0], left[1]), by.add_words(right[0], right[1]));
    [low, by.add(sums, by.add(low, high)), high]
}

/// Four limbs by four (Karatsuba, 9 multiplications): the products that stand at limbs 0 to 6.
#[inline(always)]
fn multiply4<M: Multiplier>(by: M, left: [M::Word; 4], right: [M::Word; 4]) -> [M::Product; 7] {
    let low = multiply2(by, [left[0], left[1]], [right[0], right[1]]);
    let high = multiply2(by, [left[2], left[3]], [right[2], right[3]]);
    let sum = |w: [M::Word; 4]| [by.add_words(w[0], w[2]), by.add_words(w[1], w[3])];
    let sums = multiply2(by, sum(left), sum(right));
    let middle = |i: usize| by.add(sums[i], by.add(low[i], high[i]));
    [
        low[0],
        low[1],
        by.add(low[2], middle(0)),
        middle(1),
        by.add(high[0], middle(2)),
        high[1],
        high[2],
    ]
}

/// Up to eight limbs by eight (Karatsuba, 27 multiplications): the products that stand at limbs 0 to 14.
#[inline(always)]
fn multiply8<M: Multiplier>(by: M, left: &[u64], right: &[u64]) -> [M::Product; 15] {
    let (left_low, left_high) = (words(by, left, 0), words(by, left, 4));
    let (right_low, right_high) = (words(by, right, 0), words(by, right, 4));
    let low = multiply4(by, left_low, right_low);
    let high = multiply4(by, left_high, right_high);
    let mut left_sum = left_low;
    let mut right_sum = right_low;
    for i in 0..4 {
        left_sum[i] = by.add_words(left_low[i], left_high[i]);
        right_sum[i] = by.add_words(right_low[i], right_high[i]);
    }
    let sums = multiply4(by, left_sum, right_sum);
    let nothing = by.add(low[0], low[0]);
    let mut products = [nothing; 15];
    for i in 0..7 {
        products[i] = by.add(products[i], low[i]);
        products[i + 8] = by.add(products[i + 8], high[i]);
        products[i + 4] = by.add(products[i + 4], by.add(sums[i], by.add(low[i], high[i])));
    }
    products
}

/// Adds 128-bit products, the i-th standing at limb i, into limbs. Their number is odd.
#[inline(always)]
fn assemble<M: Multiplier, const COUNT: usize>(by: M, products: &[M::Product; COUNT], wide: &mut [u64]) {
    for i in (0..COUNT).step_by(2) {
        let mut block = products[i];
        if i + 1 < COUNT {
            block = by.add(block, by.shifted_up(products[i + 1]));
        }
        if i > 0 {
            block = by.add(block, by.shifted_down(products[i - 1]));
        }
        [wide[i], wide[i + 1]] = by.limbs(block);
    }
}

/// The remainder of a product of two reduced elements by x^degree + Σ x^tap + 1.
#[inline(always)]
fn reduce<const WIDE: usize, const N: usize>(
    mut wide: [u64; WIDE],
    degree: usize,
    taps: &[usize],
) -> [u64; N] {
    let (last, bits) = (degree / 64, degree % 64);
    for i in (last + 1..WIDE).rev() {
        let limb = wide[i];
        add_at(&mut wide, limb, i * 64 - degree);
        for tap in taps {
            add_at(&mut wide, limb, i * 64 - degree + tap);
        }
    }
    // No degree here is a multiple of 64, so the shift is below 64.
    let limb = wide[last] >> bits;
    wide[last] &= (1 << bits) - 1;
    wide[0] ^= limb;
    for tap in taps {
        add_at(&mut wide, limb, *tap);
    }
    let mut reduced = [0; N];
    let limbs = N.min(last + 1);
    reduced[..limbs].copy_from_slice(&wide[..limbs]);
    reduced
}

/// Adds `limb · x^position`.
#[inline(always)]
fn add_at<const WIDE: usize>(wide: &mut [u64; WIDE], limb: u64, position: usize) {
    let (index, shift) = (position / 64, position % 64);
    wide[index] ^= limb << shift;
    if shift > 0 {
        wide[index + 1] ^= limb >> (64 - shift);
    }
}
