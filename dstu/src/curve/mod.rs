//! The standard's curves, points of them, and the encodings of points.

mod comb;
mod definition;
mod encoding;
mod ladder;
mod point;
#[cfg(test)]
mod properties;
mod tasks;
#[cfg(test)]
mod tests;
mod variable;

use std::fmt;
use std::sync::OnceLock;

use zeroize::{Zeroize, ZeroizeOnDrop};

pub(crate) use comb::Comb;
pub(crate) use definition::{DEFINITIONS, Definition};
pub(crate) use encoding::{CompressTask, DecompressTask};
pub(crate) use tasks::{NonceTask, Point, PublicPointTask, ValidateTask, VerifyTask};

use crate::field::{Arithmetic, FieldTask, LIMBS, Limbs, P257, P431, PAny};

/// A polynomial-basis curve of DSTU 4145-2002, annex G, named by the degree m of its field GF(2^m).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Curve(usize);

impl Curve {
    /// m = 163, n of 163 bits.
    pub const M163: Self = Self(0);
    /// m = 167, n of 166 bits.
    pub const M167: Self = Self(1);
    /// m = 173, n of 172 bits.
    pub const M173: Self = Self(2);
    /// m = 179, n of 178 bits.
    pub const M179: Self = Self(3);
    /// m = 191, n of 191 bits.
    pub const M191: Self = Self(4);
    /// m = 233, n of 233 bits.
    pub const M233: Self = Self(5);
    /// m = 257, n of 256 bits: nearly all signing keys.
    pub const M257: Self = Self(6);
    /// m = 307, n of 306 bits.
    pub const M307: Self = Self(7);
    /// m = 367, n of 367 bits.
    pub const M367: Self = Self(8);
    /// m = 431, n of 430 bits: most key-agreement keys.
    pub const M431: Self = Self(9);

    /// All curves, by growing degree.
    pub const ALL: [Self; 10] = [
        Self::M163,
        Self::M167,
        Self::M173,
        Self::M179,
        Self::M191,
        Self::M233,
        Self::M257,
        Self::M307,
        Self::M367,
        Self::M431,
    ];

    /// The curve over GF(2^degree).
    pub fn of(degree: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| curve.degree() == degree)
    }

    /// m, the degree of the field.
    pub fn degree(self) -> usize {
        self.definition().degree
    }

    /// L(n), the bit length of the base point's order.
    pub fn order_bits(self) -> usize {
        self.definition().order_bits
    }

    /// Octets of a field element: ⌈m / 8⌉.
    pub fn field_octets(self) -> usize {
        self.degree().div_ceil(8)
    }

    /// Octets of one signature component: ⌈L(n) / 8⌉.
    pub fn scalar_octets(self) -> usize {
        self.order_bits().div_ceil(8)
    }

    pub(crate) fn index(self) -> usize {
        self.0
    }

    pub(crate) fn definition(self) -> &'static Definition {
        &DEFINITIONS[self.0]
    }

    /// Runs a task in this curve's field.
    #[inline]
    pub(crate) fn run<T: FieldTask>(self, arithmetic: Arithmetic, task: T) -> T::Output {
        match self {
            Self::M257 => arithmetic.run(P257, task),
            Self::M431 => arithmetic.run(P431, task),
            Self(index) => {
                let Definition { degree, taps, .. } = DEFINITIONS[index];
                arithmetic.run(PAny { degree, taps }, task)
            }
        }
    }

    /// The compressed base point.
    pub(crate) fn compressed_generator(self) -> Limbs {
        let [x, y] = self.definition().generator;
        self.run(Arithmetic::Fastest, CompressTask(Point { x, y }))
    }

    /// The table of the base point's multiples, built when first asked for.
    pub(crate) fn comb(self) -> &'static Comb {
        static COMBS: [OnceLock<Comb>; 10] = [const { OnceLock::new() }; 10];
        COMBS[self.0].get_or_init(|| self.run(Arithmetic::Fastest, tasks::BuildCombTask(self.definition())))
    }
}

impl fmt::Debug for Curve {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "M{}", self.degree())
    }
}

/// A secret scalar being read in 5-bit windows.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Digits(Limbs);

impl Digits {
    /// Bits 5i … 5i + 4. The address depends on `i` alone.
    #[inline(always)]
    fn window(&self, i: usize) -> u64 {
        let (index, shift) = (5 * i / 64, 5 * i % 64);
        let mut bits = self.0[index] >> shift;
        if shift > 59 && index + 1 < LIMBS {
            bits |= self.0[index + 1] << (64 - shift);
        }
        bits & 31
    }
}
