//! Compressed points (DSTU 4145-2002, sections 6.9 and 6.10): x, its lowest bit replaced by the trace of y / x.

use super::point::{Affine, Group};
use super::{Definition, Point};
use crate::field::{Field, FieldTask, Limbs};

/// Compresses a finite point.
pub(crate) struct CompressTask(pub(crate) Point);

impl FieldTask for CompressTask {
    type Output = Limbs;

    #[inline(always)]
    fn run<F: Field>(self, field: F) -> Limbs {
        let point = self.0.load(field);
        let quotient = field.multiply(&point.y, &field.invert(&point.x));
        let mut compressed = self.0.x;
        compressed[0] = (compressed[0] & !1) | field.trace(&quotient);
        compressed
    }
}

/// Gives back the point, or nothing where no point of the curve is compressed so. Public data: not constant-time.
pub(crate) struct DecompressTask {
    pub(crate) definition: &'static Definition,
    /// Bits at m and above are zero.
    pub(crate) compressed: Limbs,
}

impl FieldTask for DecompressTask {
    type Output = Option<Point>;

    #[inline(always)]
    fn run<F: Field>(self, field: F) -> Option<Point> {
        let group = Group::new(field, self.definition);
        let zero = field.zero();
        let mut limbs = self.compressed;
        let trace = limbs[0] & 1;
        limbs[0] &= !1;
        let mut x = field.element(&limbs);
        if x == zero && trace == 0 {
            return Some(Point::store(
                field,
                &Affine {
                    x,
                    y: field.square_root(&group.b),
                },
            ));
        }
        // The points of order n have Tr(x) = a; Tr(1) = 1, since m is odd.
        if field.trace(&x) != self.definition.a {
            x = field.add(&x, &field.one());
        }
        if x == zero {
            return None;
        }
        let inverse = field.square(&field.invert(&x));
        let mut sum = field.add(&x, &field.multiply(&group.b, &inverse));
        if self.definition.a == 1 {
            sum = field.add(&sum, &field.one());
        }
        let mut quotient = field.half_trace(&sum);
        if field.trace(&quotient) != trace {
            quotient = field.add(&quotient, &field.one());
        }
        let point = Affine {
            x,
            y: field.multiply(&quotient, &x),
        };
        group.contains(&point).then(|| Point::store(field, &point))
    }
}
