//! What keys and signatures ask of a curve, written once for all fields.

use super::point::{Affine, Group};
use super::{Comb, Definition};
use crate::field::{Field, FieldTask, Limbs};

/// A finite point at rest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) x: Limbs,
    pub(crate) y: Limbs,
}

impl Point {
    #[inline(always)]
    pub(super) fn store<F: Field>(field: F, point: &Affine<F::Element>) -> Self {
        Self {
            x: field.limbs(&point.x),
            y: field.limbs(&point.y),
        }
    }

    #[inline(always)]
    pub(super) fn load<F: Field>(&self, field: F) -> Affine<F::Element> {
        Affine {
            x: field.element(&self.x),
            y: field.element(&self.y),
        }
    }
}

pub(super) struct BuildCombTask(pub(super) &'static Definition);

impl FieldTask for BuildCombTask {
    type Output = Comb;

    #[inline(always)]
    fn run<F: Field>(self, field: F) -> Comb {
        Comb::build(Group::new(field, self.0), self.0)
    }
}

/// `h · x(e·P)` as an element (sections 11 and 12), or nothing where the nonce must be drawn again.
pub(crate) struct NonceTask<'a> {
    pub(crate) definition: &'static Definition,
    pub(crate) comb: &'a Comb,
    pub(crate) nonce: &'a Limbs,
    pub(crate) hash: Limbs,
}

/// The nonce gave a point that is not on the curve: the machine computed wrongly.
pub(crate) struct Fault;

impl FieldTask for NonceTask<'_> {
    type Output = Result<Option<Limbs>, Fault>;

    #[inline(always)]
    fn run<F: Field>(self, field: F) -> Self::Output {
        let group = Group::new(field, self.definition);
        let point = self.comb.multiply(group, self.definition, self.nonce);
        if !group.contains_projective(&point) {
            return Err(Fault);
        }
        let x = field.multiply(&point.x, &field.invert(&point.z));
        let product = field.multiply(&field.element(&self.hash), &x);
        Ok((product != field.zero()).then(|| field.limbs(&product)))
    }
}

/// Q = −d·P (section 9), by the ladder: right for every 0 < d < n.
pub(crate) struct PublicPointTask<'a> {
    pub(crate) definition: &'static Definition,
    pub(crate) base: Point,
    pub(crate) secret: &'a Limbs,
}

impl FieldTask for PublicPointTask<'_> {
    type Output = Point;

    #[inline(always)]
    fn run<F: Field>(self, field: F) -> Point {
        let group = Group::new(field, self.definition);
        let multiple = group.ladder(&self.base.load(field), self.secret, self.definition.order_bits);
        Point::store(field, &group.negate(&multiple))
    }
}

/// Whether a point is on the curve and of order n (section 10.1).
pub(crate) struct ValidateTask {
    pub(crate) definition: &'static Definition,
    pub(crate) point: Point,
}

impl FieldTask for ValidateTask {
    type Output = bool;

    #[inline(always)]
    fn run<F: Field>(self, field: F) -> bool {
        let group = Group::new(field, self.definition);
        let point = self.point.load(field);
        // A point with x = 0 has order two.
        group.contains(&point)
            && point.x != field.zero()
            && group.multiply_vartime(&point, &self.definition.order).z == field.zero()
    }
}

/// `h · x(s·P + r·Q)` (section 13), or nothing for the point at infinity.
pub(crate) struct VerifyTask<'a> {
    pub(crate) definition: &'static Definition,
    pub(crate) comb: &'a Comb,
    pub(crate) public: Point,
    pub(crate) hash: Limbs,
    pub(crate) r: Limbs,
    pub(crate) s: Limbs,
}

impl FieldTask for VerifyTask<'_> {
    type Output = Option<Limbs>;

    #[inline(always)]
    fn run<F: Field>(self, field: F) -> Option<Limbs> {
        let group = Group::new(field, self.definition);
        let sum = group.multiply_vartime(&self.public.load(field), &self.r);
        let sum = self
            .comb
            .add_multiple_vartime(group, self.definition, &self.s, sum);
        if sum.z == field.zero() {
            return None;
        }
        let x = field.multiply(&sum.x, &field.invert(&sum.z));
        Some(field.limbs(&field.multiply(&field.element(&self.hash), &x)))
    }
}
