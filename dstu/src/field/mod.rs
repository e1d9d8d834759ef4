//! Arithmetic in GF(2^m), polynomial basis (DSTU 4145-2002, section 5).
//!
//! An element is an array of 64-bit limbs, lowest first, always fully reduced. All operations take the same time
//! for all values, except where a name says `vartime`.

mod hardware;
mod multiplier;
mod polynomial;
#[cfg(test)]
mod tests;

use core::hint::black_box;

pub(crate) use hardware::Hardware;
use multiplier::Multiplier;
pub(crate) use multiplier::{Portable, Routine};
pub(crate) use polynomial::{P257, P431, PAny, Polynomial};

/// The limbs of the widest field, m = 431: how elements and scalars are stored outside of computations.
pub(crate) const LIMBS: usize = 7;

/// An element or a scalar at rest: 448 bits, lowest limb first.
pub(crate) type Limbs = [u64; LIMBS];

/// A computation that is written once for all fields and all machines.
pub(crate) trait FieldTask {
    type Output;
    /// Implementations are `#[inline(always)]`; see [`Routine`].
    fn run<F: Field>(self, field: F) -> Self::Output;
}

/// Which multiplication to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arithmetic {
    /// The carry-less multiply instruction where the processor has it, else as `Portable`.
    #[default]
    Fastest,
    /// Integer arithmetic only.
    Portable,
}

impl Arithmetic {
    /// Whether computations would use the carry-less multiply instruction of this processor.
    pub fn is_accelerated(self) -> bool {
        self == Self::Fastest && Hardware::detect().is_some()
    }

    #[inline]
    pub(crate) fn run<P: Polynomial, T: FieldTask>(self, polynomial: P, task: T) -> T::Output {
        match (self, Hardware::detect()) {
            (Self::Fastest, Some(hardware)) => start(Gf::new(polynomial, hardware), task),
            _ => start(Gf::new(polynomial, Portable), task),
        }
    }
}

fn start<F: Field, T: FieldTask>(field: F, task: T) -> T::Output {
    field.call(Whole { field, task })
}

struct Whole<F, T> {
    field: F,
    task: T,
}

impl<F: Field, T: FieldTask> Routine for Whole<F, T> {
    type Output = T::Output;

    #[inline(always)]
    fn run(self) -> T::Output {
        self.task.run(self.field)
    }
}

/// A field with its way of multiplying. The methods take elements by reference and give reduced elements.
pub(crate) trait Field: Copy {
    type Element: Copy + Default + PartialEq + AsRef<[u64]> + AsMut<[u64]>;

    fn degree(self) -> usize;
    fn multiply(self, left: &Self::Element, right: &Self::Element) -> Self::Element;
    fn square(self, value: &Self::Element) -> Self::Element;
    /// Runs a routine as a function of its own.
    fn call<R: Routine>(self, routine: R) -> R::Output;

    #[inline(always)]
    fn zero(self) -> Self::Element {
        Self::Element::default()
    }

    #[inline(always)]
    fn one(self) -> Self::Element {
        let mut one = Self::Element::default();
        one.as_mut()[0] = 1;
        one
    }

    #[inline(always)]
    fn add(self, left: &Self::Element, right: &Self::Element) -> Self::Element {
        let mut sum = *left;
        for (limb, other) in sum.as_mut().iter_mut().zip(right.as_ref()) {
            *limb ^= other;
        }
        sum
    }

    /// `value^(2^count)`.
    #[inline(always)]
    fn square_times(self, value: &Self::Element, count: usize) -> Self::Element {
        self.call(SquareTimes {
            field: self,
            value,
            count,
        })
    }

    /// `value^(2^m − 2)`: the inverse, and zero for zero (Itoh and Tsujii's addition chain).
    #[inline(always)]
    fn invert(self, value: &Self::Element) -> Self::Element {
        self.call(Invert { field: self, value })
    }

    /// The square root: `value^(2^(m − 1))`.
    #[inline(always)]
    fn square_root(self, value: &Self::Element) -> Self::Element {
        self.square_times(value, self.degree() - 1)
    }

    /// The trace, 0 or 1: Σ `value^(2^i)`, i < m.
    #[inline(always)]
    fn trace(self, value: &Self::Element) -> u64 {
        let mut power = *value;
        let mut sum = *value;
        for _ in 1..self.degree() {
            power = self.square(&power);
            sum = self.add(&sum, &power);
        }
        sum.as_ref()[0] & 1
    }

    /// A root z of z² + z = `value`, if the trace of `value` is zero; m is odd for all curves.
    #[inline(always)]
    fn half_trace(self, value: &Self::Element) -> Self::Element {
        let mut power = *value;
        let mut sum = *value;
        for _ in 0..(self.degree() - 1) / 2 {
            power = self.square_times(&power, 2);
            sum = self.add(&sum, &power);
        }
        sum
    }

    /// 1 if `value` is zero, else 0, without a branch.
    #[inline(always)]
    fn is_zero(self, value: &Self::Element) -> u64 {
        let any = value.as_ref().iter().fold(0, |any, limb| any | limb);
        1 ^ ((any | any.wrapping_neg()) >> 63)
    }

    /// `right` where `mask` is all ones, `left` where it is zero.
    #[inline(always)]
    fn select(self, mask: u64, left: &Self::Element, right: &Self::Element) -> Self::Element {
        let mut chosen = *left;
        for (limb, other) in chosen.as_mut().iter_mut().zip(right.as_ref()) {
            *limb ^= mask & (*limb ^ other);
        }
        chosen
    }

    /// From limbs at rest; bits at m and above must be zero.
    #[inline(always)]
    fn element(self, limbs: &Limbs) -> Self::Element {
        let mut element = Self::Element::default();
        for (limb, stored) in element.as_mut().iter_mut().zip(limbs) {
            *limb = *stored;
        }
        element
    }

    #[inline(always)]
    fn limbs(self, element: &Self::Element) -> Limbs {
        let mut limbs = [0; LIMBS];
        for (stored, limb) in limbs.iter_mut().zip(element.as_ref()) {
            *stored = *limb;
        }
        limbs
    }
}

struct SquareTimes<'a, F: Field> {
    field: F,
    value: &'a F::Element,
    count: usize,
}

impl<F: Field> Routine for SquareTimes<'_, F> {
    type Output = F::Element;

    #[inline(always)]
    fn run(self) -> F::Element {
        let mut result = *self.value;
        for _ in 0..self.count {
            result = self.field.square(&result);
        }
        result
    }
}

struct Invert<'a, F: Field> {
    field: F,
    value: &'a F::Element,
}

impl<F: Field> Routine for Invert<'_, F> {
    type Output = F::Element;

    #[inline(always)]
    fn run(self) -> F::Element {
        let Self { field, value } = self;
        let exponent = field.degree() - 1;
        let mut ones = *value; // value^(2^length − 1)
        let mut length = 1;
        for bit in (0..exponent.ilog2()).rev() {
            ones = field.multiply(&field.square_times(&ones, length), &ones);
            length *= 2;
            if (exponent >> bit) & 1 == 1 {
                ones = field.multiply(&field.square(&ones), value);
                length += 1;
            }
        }
        field.square(&ones)
    }
}

/// All ones for 1, zero for 0; the optimiser may not know which, so it cannot make a branch of it.
#[inline(always)]
pub(crate) fn mask(bit: u64) -> u64 {
    black_box(0u64.wrapping_sub(bit & 1))
}

/// GF(2^m) of a polynomial with a multiplier.
#[derive(Clone, Copy)]
pub(crate) struct Gf<P, M> {
    polynomial: P,
    by: M,
}

impl<P, M> Gf<P, M> {
    #[inline(always)]
    fn new(polynomial: P, by: M) -> Self {
        Self { polynomial, by }
    }
}

impl<P: Polynomial, M: Multiplier> Field for Gf<P, M> {
    type Element = P::Element;

    #[inline(always)]
    fn degree(self) -> usize {
        self.polynomial.degree()
    }

    #[inline(always)]
    fn multiply(self, left: &P::Element, right: &P::Element) -> P::Element {
        let product = Product {
            field: self,
            left,
            right,
        };
        if self.by.is_short(left.as_ref().len()) {
            product.run()
        } else {
            self.call(product)
        }
    }

    #[inline(always)]
    fn square(self, value: &P::Element) -> P::Element {
        let square = Square { field: self, value };
        if self.by.is_short(value.as_ref().len()) {
            square.run()
        } else {
            self.call(square)
        }
    }

    #[inline(always)]
    fn call<R: Routine>(self, routine: R) -> R::Output {
        self.by.call(routine)
    }
}

struct Product<'a, P: Polynomial, M> {
    field: Gf<P, M>,
    left: &'a P::Element,
    right: &'a P::Element,
}

impl<P: Polynomial, M: Multiplier> Routine for Product<'_, P, M> {
    type Output = P::Element;

    #[inline(always)]
    fn run(self) -> P::Element {
        self.field
            .polynomial
            .multiply(self.field.by, self.left, self.right)
    }
}

struct Square<'a, P: Polynomial, M> {
    field: Gf<P, M>,
    value: &'a P::Element,
}

impl<P: Polynomial, M: Multiplier> Routine for Square<'_, P, M> {
    type Output = P::Element;

    #[inline(always)]
    fn run(self) -> P::Element {
        self.field.polynomial.square(self.field.by, self.value)
    }
}
