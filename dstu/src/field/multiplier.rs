//! Carry-less multiplication of 64-bit polynomials: the one operation that differs between machines.

/// A piece of a computation that is worth a function of its own, as it is used in many places.
pub(crate) trait Routine {
    type Output;
    /// Implementations are `#[inline(always)]`: their code belongs into the function that `Multiplier::call` makes.
    fn run(self) -> Self::Output;
}

/// How to multiply binary polynomials of degree below 64.
///
/// A value of an implementing type is the right to use it: [`Hardware`](super::hardware::Hardware) can only be
/// had on a machine that has the instruction. Every operation takes the same time for all operands.
pub(crate) trait Multiplier: Copy {
    /// A polynomial of degree below 64, placed where products are made.
    type Word: Copy;
    /// A polynomial of degree below 128.
    type Product: Copy;

    fn word(self, limb: u64) -> Self::Word;
    fn add_words(self, left: Self::Word, right: Self::Word) -> Self::Word;
    fn multiply(self, left: Self::Word, right: Self::Word) -> Self::Product;
    fn square(self, limb: u64) -> [u64; 2];
    fn add(self, left: Self::Product, right: Self::Product) -> Self::Product;
    /// `product · x^64`, cut to 128 bits.
    fn shifted_up(self, product: Self::Product) -> Self::Product;
    /// `product / x^64`, rounded down.
    fn shifted_down(self, product: Self::Product) -> Self::Product;
    /// Low limb first.
    fn limbs(self, product: Self::Product) -> [u64; 2];
    /// Runs a routine as a function that may use the multiplier's instructions.
    fn call<R: Routine>(self, routine: R) -> R::Output;
    /// Whether a product of two elements of this many limbs is short enough to be repeated where it is used.
    fn is_short(self, limbs: usize) -> bool;
}

/// Carry-less multiplication by integer multiplication of spread bits; for every machine.
///
/// Each factor is cut into four parts that keep every fourth bit, so that an integer product of two parts keeps
/// in each 4-bit field the *count* of contributions, whose lowest bit is the carry-less sum. A field holds at
/// most 15: of one factor only the low 60 bits are spread (15 bits a part), and its top four are added by masks.
/// Constant-time wherever the 64 × 64 → 128-bit integer multiplication is (all current x86-64 and the
/// ARMv8 application cores).
#[derive(Clone, Copy)]
pub(crate) struct Portable;

/// Every fourth bit of a limb.
const FOURTHS: u64 = 0x1111_1111_1111_1111;
/// Every fourth bit of a product.
const WIDE_FOURTHS: u128 = 0x1111_1111_1111_1111_1111_1111_1111_1111;

impl Multiplier for Portable {
    type Word = u64;
    type Product = u128;

    #[inline(always)]
    fn word(self, limb: u64) -> u64 {
        limb
    }

    #[inline(always)]
    fn add_words(self, left: u64, right: u64) -> u64 {
        left ^ right
    }

    #[inline(always)]
    fn multiply(self, left: u64, right: u64) -> u128 {
        let spread = right & (u64::MAX >> 4);
        let part = |value: u64, offset: u32| value & (FOURTHS << offset);
        let l = [part(left, 0), part(left, 1), part(left, 2), part(left, 3)];
        let r = [part(spread, 0), part(spread, 1), part(spread, 2), part(spread, 3)];
        let wide = |i: usize, j: usize| u128::from(l[i]) * u128::from(r[j]);
        let fields = [
            wide(0, 0) ^ wide(1, 3) ^ wide(2, 2) ^ wide(3, 1),
            wide(0, 1) ^ wide(1, 0) ^ wide(2, 3) ^ wide(3, 2),
            wide(0, 2) ^ wide(1, 1) ^ wide(2, 0) ^ wide(3, 3),
            wide(0, 3) ^ wide(1, 2) ^ wide(2, 1) ^ wide(3, 0),
        ];
        let mut product = 0;
        for (offset, field) in fields.into_iter().enumerate() {
            product |= field & (WIDE_FOURTHS << offset);
        }
        for bit in 60..64 {
            let mask = 0u64.wrapping_sub((right >> bit) & 1);
            product ^= u128::from(left & mask) << bit;
        }
        product
    }

    #[inline(always)]
    fn square(self, limb: u64) -> [u64; 2] {
        [spread_bits(limb & 0xFFFF_FFFF), spread_bits(limb >> 32)]
    }

    #[inline(always)]
    fn add(self, left: u128, right: u128) -> u128 {
        left ^ right
    }

    #[inline(always)]
    fn shifted_up(self, product: u128) -> u128 {
        product << 64
    }

    #[inline(always)]
    fn shifted_down(self, product: u128) -> u128 {
        product >> 64
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "the cut is meant")]
    fn limbs(self, product: u128) -> [u64; 2] {
        [product as u64, (product >> 64) as u64]
    }

    #[inline(never)]
    fn call<R: Routine>(self, routine: R) -> R::Output {
        routine.run()
    }

    #[inline(always)]
    fn is_short(self, _limbs: usize) -> bool {
        false
    }
}

/// Puts a zero between every two bits of a 32-bit value: the square of a binary polynomial.
#[inline(always)]
fn spread_bits(half: u64) -> u64 {
    let mut value = half;
    value = (value | (value << 16)) & 0x0000_FFFF_0000_FFFF;
    value = (value | (value << 8)) & 0x00FF_00FF_00FF_00FF;
    value = (value | (value << 4)) & 0x0F0F_0F0F_0F0F_0F0F;
    value = (value | (value << 2)) & 0x3333_3333_3333_3333;
    (value | (value << 1)) & 0x5555_5555_5555_5555
}
