//! Montgomery's ladder on x-coordinates (López and Dahab): scalar multiplication of any point in a fixed number
//! of steps, without a branch or an address that depends on the scalar.

use super::point::{Affine, Group};
use crate::field::{Field, Limbs, Routine, mask};

/// What the ladder leaves: the x-coordinates of k·P and (k + 1)·P as fractions.
pub(crate) struct Rungs<E> {
    x1: E,
    z1: E,
    x2: E,
    z2: E,
}

impl<F: Field> Group<F> {
    /// Climbs `bits` steps for the scalar k < 2^`bits`. The point has x ≠ 0.
    #[inline(always)]
    pub(crate) fn climb(self, x: &F::Element, k: &Limbs, bits: usize) -> Rungs<F::Element> {
        let f = self.field;
        // From (∞, P): the formulas hold for ∞ = (1 : 0) as well, so leading zeros cost nothing and show nothing.
        let mut rungs = Rungs {
            x1: f.one(),
            z1: f.zero(),
            x2: *x,
            z2: f.one(),
        };
        let mut previous = 0;
        for i in (0..bits).rev() {
            let bit = (k[i / 64] >> (i % 64)) & 1;
            self.swap(mask(bit ^ previous), &mut rungs);
            previous = bit;
            rungs = self.field.call(Step {
                group: self,
                x,
                rungs: &rungs,
            });
        }
        self.swap(mask(previous), &mut rungs);
        rungs
    }

    #[inline(always)]
    fn swap(self, mask: u64, rungs: &mut Rungs<F::Element>) {
        let f = self.field;
        let (x1, z1) = (rungs.x1, rungs.z1);
        rungs.x1 = f.select(mask, &x1, &rungs.x2);
        rungs.x2 = f.select(mask, &rungs.x2, &x1);
        rungs.z1 = f.select(mask, &z1, &rungs.z2);
        rungs.z2 = f.select(mask, &rungs.z2, &z1);
    }

    /// Doubles the first rung and makes the second one their sum; their difference has the x-coordinate `x`.
    #[inline(always)]
    fn step(self, x: &F::Element, rungs: &Rungs<F::Element>) -> Rungs<F::Element> {
        let f = self.field;
        let cross1 = f.multiply(&rungs.x1, &rungs.z2);
        let cross2 = f.multiply(&rungs.x2, &rungs.z1);
        let z2 = f.square(&f.add(&cross1, &cross2));
        let x2 = f.add(&f.multiply(x, &z2), &f.multiply(&cross1, &cross2));
        let xx = f.square(&rungs.x1);
        let zz = f.square(&rungs.z1);
        let z1 = f.multiply(&xx, &zz);
        let x1 = f.add(&f.square(&xx), &f.multiply(&self.b, &f.square(&zz)));
        Rungs { x1, z1, x2, z2 }
    }

    /// x(k·P); zero for the point at infinity.
    #[cfg(test)]
    pub(crate) fn ladder_x(self, point: &Affine<F::Element>, k: &Limbs, bits: usize) -> F::Element {
        let rungs = self.climb(&point.x, k, bits);
        self.field.multiply(&rungs.x1, &self.field.invert(&rungs.z1))
    }

    /// k·P for 0 < k < n and a point of order n: the y-coordinate follows from the two rungs and P.
    #[inline(always)]
    pub(crate) fn ladder(self, point: &Affine<F::Element>, k: &Limbs, bits: usize) -> Affine<F::Element> {
        let f = self.field;
        let rungs = self.climb(&point.x, k, bits);
        let x1 = f.multiply(&rungs.x1, &f.invert(&rungs.z1));
        let x2 = f.multiply(&rungs.x2, &f.invert(&rungs.z2));
        let sum1 = f.add(&x1, &point.x);
        let sum2 = f.add(&x2, &point.x);
        let inner = f.add(&f.multiply(&sum1, &sum2), &f.add(&f.square(&point.x), &point.y));
        let quotient = f.multiply(&f.multiply(&sum1, &inner), &f.invert(&point.x));
        let found = Affine {
            x: x1,
            y: f.add(&quotient, &point.y),
        };
        // For k = n − 1 the second rung is infinity and k·P = −P.
        let last = mask(f.is_zero(&rungs.z2));
        let negated = self.negate(point);
        Affine {
            x: f.select(last, &found.x, &negated.x),
            y: f.select(last, &found.y, &negated.y),
        }
    }
}

struct Step<'a, F: Field> {
    group: Group<F>,
    x: &'a F::Element,
    rungs: &'a Rungs<F::Element>,
}

impl<F: Field> Routine for Step<'_, F> {
    type Output = Rungs<F::Element>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        self.group.step(self.x, self.rungs)
    }
}
