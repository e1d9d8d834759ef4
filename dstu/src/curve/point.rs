//! Points: affine, and projective in López and Dahab's form (x = X/Z, y = Y/Z²).

use super::Definition;
use crate::field::{Field, Routine};

/// A finite point.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) struct Affine<E> {
    pub(crate) x: E,
    pub(crate) y: E,
}

/// A point; the point at infinity has Z = 0.
#[derive(Clone, Copy)]
pub(crate) struct Projective<E> {
    pub(crate) x: E,
    pub(crate) y: E,
    pub(crate) z: E,
}

/// A curve over a field: the group law.
#[derive(Clone, Copy)]
pub(crate) struct Group<F: Field> {
    pub(crate) field: F,
    /// The coefficient of x², 0 or 1.
    a: u64,
    pub(crate) b: F::Element,
}

impl<F: Field> Group<F> {
    #[inline(always)]
    pub(crate) fn new(field: F, definition: &Definition) -> Self {
        Self {
            field,
            a: definition.a,
            b: field.element(&definition.b),
        }
    }

    #[inline(always)]
    pub(crate) fn infinity(self) -> Projective<F::Element> {
        Projective {
            x: self.field.one(),
            y: self.field.zero(),
            z: self.field.zero(),
        }
    }

    #[inline(always)]
    pub(crate) fn project(self, point: &Affine<F::Element>) -> Projective<F::Element> {
        Projective {
            x: point.x,
            y: point.y,
            z: self.field.one(),
        }
    }

    /// `a · value`.
    #[inline(always)]
    fn times_a(self, value: &F::Element) -> F::Element {
        let nothing = self.field.zero();
        if self.a == 1 { *value } else { nothing }
    }

    /// −(x, y) = (x, x + y).
    #[inline(always)]
    pub(crate) fn negate(self, point: &Affine<F::Element>) -> Affine<F::Element> {
        Affine {
            x: point.x,
            y: self.field.add(&point.x, &point.y),
        }
    }

    /// y² + xy = x³ + ax² + b.
    #[inline(always)]
    pub(crate) fn contains(self, point: &Affine<F::Element>) -> bool {
        self.contains_projective(&self.project(point))
    }

    /// Y² + XYZ = X³Z + aX²Z² + bZ⁴; true for the point at infinity, too, if Y = 0.
    #[inline(always)]
    pub(crate) fn contains_projective(self, point: &Projective<F::Element>) -> bool {
        let f = self.field;
        let xz = f.multiply(&point.x, &point.z);
        let z2 = f.square(&point.z);
        let left = f.multiply(&point.y, &f.add(&point.y, &xz));
        let x2_plus_az = f.add(&f.square(&point.x), &self.times_a(&xz));
        let right = f.add(
            &f.multiply(&xz, &x2_plus_az),
            &f.multiply(&self.b, &f.square(&z2)),
        );
        left == right
    }

    /// 2·(X : Y : Z), 4 multiplications. Complete: infinity and the point of order two give infinity.
    #[inline(always)]
    pub(crate) fn double(self, point: &Projective<F::Element>) -> Projective<F::Element> {
        self.field.call(Double { group: self, point })
    }

    #[inline(always)]
    fn double_inline(self, point: &Projective<F::Element>) -> Projective<F::Element> {
        let f = self.field;
        let x2 = f.square(&point.x);
        let z2 = f.square(&point.z);
        let bz4 = f.multiply(&self.b, &f.square(&z2));
        let z = f.multiply(&x2, &z2);
        let x = f.add(&f.square(&x2), &bz4);
        let inner = f.add(&f.add(&self.times_a(&z), &f.square(&point.y)), &bz4);
        let y = f.add(&f.multiply(&bz4, &z), &f.multiply(&x, &inner));
        Projective { x, y, z }
    }

    /// `left + right`, 8 multiplications, for `left` ≠ ±`right` and `left` ≠ ∞: those give Z = 0, and the
    /// wrong point for `left` = `right` and for `left` = ∞.
    #[inline(always)]
    pub(crate) fn add(
        self,
        left: &Projective<F::Element>,
        right: &Affine<F::Element>,
    ) -> Projective<F::Element> {
        self.field.call(Add {
            group: self,
            left,
            right,
        })
    }

    #[inline(always)]
    fn add_inline(self, left: &Projective<F::Element>, right: &Affine<F::Element>) -> Projective<F::Element> {
        let f = self.field;
        let numerator = f.add(&left.y, &f.multiply(&right.y, &f.square(&left.z)));
        let difference = f.add(&left.x, &f.multiply(&right.x, &left.z));
        let c = f.multiply(&left.z, &difference);
        let z = f.square(&c);
        let d = f.multiply(&right.x, &z);
        let inner = f.add(&f.add(&numerator, &f.square(&difference)), &self.times_a(&c));
        let x = f.add(&f.square(&numerator), &f.multiply(&c, &inner));
        let first = f.multiply(&f.add(&d, &x), &f.add(&f.multiply(&numerator, &c), &z));
        let second = f.multiply(&f.add(&right.y, &right.x), &f.square(&z));
        Projective {
            x,
            y: f.add(&first, &second),
            z,
        }
    }

    /// `left + right` for all points; takes a time that depends on them.
    #[inline(always)]
    pub(crate) fn add_vartime(
        self,
        left: &Projective<F::Element>,
        right: &Affine<F::Element>,
    ) -> Projective<F::Element> {
        let f = self.field;
        let zero = f.zero();
        if left.z == zero {
            return self.project(right);
        }
        let sum = self.add(left, right);
        if sum.z != zero {
            return sum;
        }
        // The x-coordinates are the same: the points are equal or opposite.
        let numerator = f.add(&left.y, &f.multiply(&right.y, &f.square(&left.z)));
        if numerator == zero {
            self.double(left)
        } else {
            self.infinity()
        }
    }

    /// The affine forms of finite points, with one inversion for all.
    #[inline(always)]
    pub(crate) fn normalize(self, points: &[Projective<F::Element>]) -> Vec<Affine<F::Element>> {
        self.field.call(Normalize {
            field: self.field,
            points,
        })
    }
}

struct Double<'a, F: Field> {
    group: Group<F>,
    point: &'a Projective<F::Element>,
}

impl<F: Field> Routine for Double<'_, F> {
    type Output = Projective<F::Element>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        self.group.double_inline(self.point)
    }
}

struct Add<'a, F: Field> {
    group: Group<F>,
    left: &'a Projective<F::Element>,
    right: &'a Affine<F::Element>,
}

impl<F: Field> Routine for Add<'_, F> {
    type Output = Projective<F::Element>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        self.group.add_inline(self.left, self.right)
    }
}

struct Normalize<'a, F: Field> {
    field: F,
    points: &'a [Projective<F::Element>],
}

impl<F: Field> Routine for Normalize<'_, F> {
    type Output = Vec<Affine<F::Element>>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let (f, points) = (self.field, self.points);
        let mut products = Vec::with_capacity(points.len());
        let mut product = f.one();
        for point in points {
            products.push(product);
            product = f.multiply(&product, &point.z);
        }
        let mut inverse = f.invert(&product);
        let mut affine = vec![Affine::default(); points.len()];
        for (i, point) in points.iter().enumerate().rev() {
            let z = f.multiply(&inverse, &products[i]);
            inverse = f.multiply(&inverse, &point.z);
            affine[i] = Affine {
                x: f.multiply(&point.x, &z),
                y: f.multiply(&point.y, &f.square(&z)),
            };
        }
        affine
    }
}
