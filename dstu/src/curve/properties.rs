//! The fast group law against a slow, obvious one: affine formulas of the textbook, double and add.

use proptest::prelude::*;

use super::definition::DEFINITIONS;
use super::point::{Affine, Group, Projective};
use super::tests::number;
use super::{Curve, Definition, Point};
use crate::field::{Arithmetic, Field, FieldTask, LIMBS, Limbs};
use crate::key::{Error, PublicKey};
use crate::scalar;

/// A point or infinity, by the affine formulas.
type Slow<E> = Option<Affine<E>>;

fn slow_add<F: Field>(
    field: F,
    definition: &Definition,
    left: &Slow<F::Element>,
    right: &Slow<F::Element>,
) -> Slow<F::Element> {
    let (Some(p), Some(q)) = (left, right) else {
        return if left.is_none() { *right } else { *left };
    };
    let a = if definition.a == 1 {
        field.one()
    } else {
        field.zero()
    };
    if p.x == q.x && (p.y != q.y || p.x == field.zero()) {
        return None;
    }
    let slope = if p.x == q.x {
        field.add(&p.x, &field.multiply(&p.y, &field.invert(&p.x)))
    } else {
        field.multiply(&field.add(&p.y, &q.y), &field.invert(&field.add(&p.x, &q.x)))
    };
    let mut x = field.add(&field.add(&field.square(&slope), &slope), &a);
    x = field.add(&x, &field.add(&p.x, &q.x));
    let y = field.add(
        &field.multiply(&slope, &field.add(&p.x, &x)),
        &field.add(&x, &p.y),
    );
    Some(Affine { x, y })
}

fn slow_multiply<F: Field>(
    field: F,
    definition: &Definition,
    point: &Affine<F::Element>,
    k: &Limbs,
) -> Slow<F::Element> {
    let mut sum = None;
    for i in (0..LIMBS * 64).rev() {
        sum = slow_add(field, definition, &sum, &sum);
        if (k[i / 64] >> (i % 64)) & 1 == 1 {
            sum = slow_add(field, definition, &sum, &Some(*point));
        }
    }
    sum
}

fn affine<F: Field>(group: Group<F>, point: &Projective<F::Element>) -> Slow<F::Element> {
    (point.z != group.field.zero()).then(|| group.normalize(&[*point])[0])
}

/// Multiplies in every way and compares.
struct Compare {
    curve: Curve,
    k: Limbs,
    l: Limbs,
}

impl FieldTask for Compare {
    type Output = ();

    #[inline(always)]
    fn run<F: Field>(self, field: F) {
        let definition = self.curve.definition();
        let group = Group::new(field, definition);
        let [x, y] = definition.generator;
        let base = Point { x, y }.load(field);
        let expected = slow_multiply(field, definition, &base, &self.k);
        let name = format!("{:?} k = {:x?}", self.curve, self.k);

        assert!(
            affine(group, &group.multiply_vartime(&base, &self.k)) == expected,
            "signed digits {name}"
        );
        if let Some(expected) = &expected {
            let bits = definition.order_bits;
            assert!(group.ladder(&base, &self.k, bits) == *expected, "ladder {name}");
            assert!(
                group.ladder_x(&base, &self.k, bits) == expected.x,
                "ladder on x {name}"
            );
            let comb = affine(group, &self.curve.comb().multiply(group, definition, &self.k)).unwrap();
            assert!(comb.x == expected.x && group.contains(&comb), "comb {name}");
        }

        // l·P + k·P and l·P + (−l)·P, from points and from the table.
        let other = slow_multiply(field, definition, &base, &self.l);
        let sum = slow_add(field, definition, &expected, &other);
        let start = group.multiply_vartime(&base, &self.k);
        let both = self
            .curve
            .comb()
            .add_multiple_vartime(group, definition, &self.l, start);
        assert!(affine(group, &both) == sum, "two multiples {name}");
        if let Some(point) = expected {
            let projective = group.double(&group.project(&point));
            let double = slow_add(field, definition, &expected, &expected);
            assert!(affine(group, &projective) == double, "doubling {name}");
            let twice = group.add_vartime(&group.project(&point), &point);
            assert!(affine(group, &twice) == double, "adding a point to itself {name}");
            let nothing = group.add_vartime(&group.project(&point), &group.negate(&point));
            assert!(
                affine(group, &nothing).is_none(),
                "adding the opposite point {name}"
            );
        }
    }
}

fn reduced(curve: Curve, number: Limbs) -> Limbs {
    scalar::truncate(number, curve.order_bits() - 1)
}

/// n + difference, for small differences.
fn near_order(curve: Curve, difference: i64) -> Limbs {
    let mut order = curve.definition().order;
    order[0] = order[0].wrapping_add_signed(difference);
    order
}

#[test]
fn extreme_multiples_agree_with_the_reference() {
    for curve in Curve::ALL {
        let small = |value| {
            let mut limbs = [0; LIMBS];
            limbs[0] = value;
            limbs
        };
        let mut scalars: Vec<Limbs> = (0..4).map(small).collect();
        scalars.extend([
            small(31),
            small(32),
            near_order(curve, -1),
            near_order(curve, -2),
            near_order(curve, 0),
        ]);
        for k in scalars {
            let task = Compare {
                curve,
                k,
                l: near_order(curve, -1),
            };
            curve.run(Arithmetic::Fastest, task);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn random_multiples_on_every_curve_agree_with_the_reference(k: [u64; 7], l: [u64; 7]) {
        for curve in Curve::ALL {
            for arithmetic in [Arithmetic::Fastest, Arithmetic::Portable] {
                curve.run(arithmetic, Compare { curve, k: reduced(curve, k), l: reduced(curve, l) });
            }
        }
    }

    #[test]
    fn scalars_agree_with_double_and_add(e: [u64; 7], d: [u64; 7], r: [u64; 7]) {
        for curve in Curve::ALL {
            let (e, d, r) = (reduced(curve, e), reduced(curve, d), reduced(curve, r));
            let mut expected = [0; LIMBS];
            for i in (0..LIMBS * 64).rev() {
                expected = slow_sum(curve, &expected, &expected);
                if (r[i / 64] >> (i % 64)) & 1 == 1 {
                    expected = slow_sum(curve, &expected, &d);
                }
            }
            expected = slow_sum(curve, &expected, &e);
            prop_assert_eq!(scalar::multiply_add(curve, &e, &d, &r), expected);
        }
    }
}

/// left + right mod n, by carries and one comparison from the top.
fn slow_sum(curve: Curve, left: &Limbs, right: &Limbs) -> Limbs {
    let order = &curve.definition().order;
    let mut sum = [0; LIMBS];
    let mut carry = 0;
    for i in 0..LIMBS {
        let wide = u128::from(left[i]) + u128::from(right[i]) + carry;
        sum[i] = u64::try_from(wide & u128::from(u64::MAX)).unwrap();
        carry = wide >> 64;
    }
    if sum.iter().rev().ge(order.iter().rev()) {
        let mut borrow = 0;
        for i in 0..LIMBS {
            let wide = i128::from(sum[i]) - i128::from(order[i]) - borrow;
            borrow = i128::from(wide < 0);
            sum[i] = u64::try_from(wide + (borrow << 64)).unwrap();
        }
    }
    sum
}

#[test]
fn every_base_point_is_on_its_curve_and_of_its_order() {
    for curve in Curve::ALL {
        let [x, y] = curve.definition().generator;
        assert!(PublicKey::from_point(curve, Point { x, y }).is_ok(), "{curve:?}");
        assert!(curve.definition().order_bits <= curve.degree());
    }
}

#[test]
fn points_off_the_curve_or_of_small_order_are_refused() {
    for curve in Curve::ALL {
        let definition = curve.definition();
        let [x, mut y] = definition.generator;
        y[0] ^= 1;
        assert_eq!(
            PublicKey::from_point(curve, Point { x, y }),
            Err(Error::PublicPoint),
            "off {curve:?}"
        );
        // The point of order two is (0, √b); its compressed form is zero.
        let zeros = vec![0; curve.field_octets()];
        assert_eq!(
            PublicKey::from_compressed(curve, &zeros),
            Err(Error::PublicPoint),
            "order two {curve:?}"
        );
        // P + (0, √b) has the order 2n.
        let twisted = curve.run(Arithmetic::Fastest, Twist(definition));
        assert_eq!(
            PublicKey::from_point(curve, twisted),
            Err(Error::PublicPoint),
            "order 2n {curve:?}"
        );
    }
}

struct Twist(&'static Definition);

impl FieldTask for Twist {
    type Output = Point;

    #[inline(always)]
    fn run<F: Field>(self, field: F) -> Point {
        let group = Group::new(field, self.0);
        let [x, y] = self.0.generator;
        let two = Affine {
            x: field.zero(),
            y: field.square_root(&group.b),
        };
        assert!(group.contains(&two));
        let sum = group.add_vartime(&group.project(&Point { x, y }.load(field)), &two);
        let twisted = affine(group, &sum).expect("finite");
        assert!(group.contains(&twisted));
        Point::store(field, &twisted)
    }
}

#[test]
fn points_of_order_four_on_the_curves_that_have_them_are_refused() {
    // x⁴ = b gives the points whose double is (0, √b); on curves with a = 0 they exist.
    for curve in [Curve::M173, Curve::M257] {
        let point = curve.run(Arithmetic::Fastest, OrderFour(curve.definition()));
        assert_eq!(
            PublicKey::from_point(curve, point),
            Err(Error::PublicPoint),
            "{curve:?}"
        );
    }
}

struct OrderFour(&'static Definition);

impl FieldTask for OrderFour {
    type Output = Point;

    #[inline(always)]
    fn run<F: Field>(self, field: F) -> Point {
        let group = Group::new(field, self.0);
        let x = field.square_root(&field.square_root(&group.b));
        let inverse = field.square(&field.invert(&x));
        let sum = field.add(&x, &field.multiply(&group.b, &inverse));
        assert_eq!(field.trace(&sum), 0, "there are points of order four");
        let point = Affine {
            x,
            y: field.multiply(&field.half_trace(&sum), &x),
        };
        assert!(group.contains(&point));
        let double = group.double(&group.project(&point));
        assert!(group.double(&double).z == field.zero());
        Point::store(field, &point)
    }
}

#[test]
fn the_tables_hexadecimal_is_read_as_written() {
    assert_eq!(
        DEFINITIONS[6].order,
        number("800000000000000000000000000000006759213af182e987d3e17714907d470d")
    );
}
