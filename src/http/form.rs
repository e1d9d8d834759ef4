//! JSON read as JSON Schema reads it, so that the description and the parser agree: an object is an object and no list of its fields, and
//! `7.0` is an integer.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::marker::PhantomData;

/// A whole number that a double holds exactly; none beyond 2^53, where neighbours are the same double.
pub(super) fn whole(float: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    #[allow(clippy::cast_possible_truncation)] // whole and within 2^53, as checked
    (float.fract() == 0.0 && float.abs() <= EXACT).then_some(float as i64)
}

/// A `T` from an object alone; serde's own structures also take a list of their fields.
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = Object<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(fields)).map(Object)
            }
        }
        deserializer.deserialize_map(Fields(PhantomData))
    }
}

/// A field that is an object.
pub(super) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Object::deserialize(deserializer).map(|Object(value)| value)
}

/// A field that is a list of objects.
pub(super) fn objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let objects = Vec::<Object<T>>::deserialize(deserializer)?;
    Ok(objects.into_iter().map(|Object(value)| value).collect())
}

/// An integer of JSON Schema, in the range of `T`.
struct Integer<T>(T);

impl<'de, T: TryFrom<i64>> Deserialize<'de> for Integer<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number<T>(PhantomData<T>);
        impl<T: TryFrom<i64>> Visitor<'_> for Number<T> {
            type Value = Integer<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                let bytes = size_of::<T>();
                write!(formatter, "an integer that fits {bytes} bytes")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Integer<T>, E> {
                T::try_from(number)
                    .map(Integer)
                    .map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Integer<T>, E> {
                let signed = i64::try_from(number).ok();
                signed
                    .and_then(|signed| T::try_from(signed).ok())
                    .map(Integer)
                    .ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Integer<T>, E> {
                whole(number)
                    .and_then(|whole| T::try_from(whole).ok())
                    .map(Integer)
                    .ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
            }
        }
        deserializer.deserialize_any(Number(PhantomData))
    }
}

/// A field that is an integer.
pub(super) fn integer<'de, D: Deserializer<'de>, T: TryFrom<i64>>(deserializer: D) -> Result<T, D::Error> {
    Integer::deserialize(deserializer).map(|Integer(number)| number)
}

/// A field that is an integer or null.
pub(super) fn optional_integer<'de, D: Deserializer<'de>, T: TryFrom<i64>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let integer = Option::<Integer<T>>::deserialize(deserializer)?;
    Ok(integer.map(|Integer(number)| number))
}

/// A field that is a list of integers.
pub(super) fn integers<'de, D: Deserializer<'de>, T: TryFrom<i64>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let integers = Vec::<Integer<T>>::deserialize(deserializer)?;
    Ok(integers.into_iter().map(|Integer(number)| number).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Inner {
        #[serde(deserialize_with = "optional_integer")]
        small: Option<u8>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Row {
        #[serde(deserialize_with = "integer")]
        id: i64,
        #[serde(default, deserialize_with = "object")]
        inner: Inner,
        #[serde(default, deserialize_with = "objects")]
        list: Vec<Inner>,
        #[serde(default, deserialize_with = "integers")]
        numbers: Vec<i32>,
    }

    fn read(text: &str) -> Option<Row> {
        serde_json::from_str::<Object<Row>>(text)
            .ok()
            .map(|Object(row)| row)
    }

    fn row(id: i64) -> Row {
        Row {
            id,
            inner: Inner::default(),
            list: Vec::new(),
            numbers: Vec::new(),
        }
    }

    #[test]
    fn an_object_is_no_list_of_its_fields() {
        assert_eq!(read(r#"{"id":7}"#), Some(row(7)));
        let inner = Inner { small: Some(5) };
        assert_eq!(
            read(r#"{"id":7,"inner":{"small":5},"list":[{"small":null}]}"#),
            Some(Row {
                inner,
                list: vec![Inner::default()],
                ..row(7)
            })
        );
        for text in [
            "[7]",
            "null",
            "7",
            r#"{"id":7,"inner":[5]}"#,
            r#"{"id":7,"inner":null}"#,
            r#"{"id":7,"list":[[5]]}"#,
            r#"{"id":7,"list":{}}"#,
            r#"{"id":7,"other":1}"#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_whole_number_is_an_integer_however_it_is_written() {
        for (text, expected) in [
            ("7", 7),
            ("7.0", 7),
            ("7e0", 7),
            ("-1.0", -1),
            ("9223372036854775807", i64::MAX),
            ("9007199254740992.0", 9_007_199_254_740_992),
        ] {
            assert_eq!(read(&format!("{{\"id\":{text}}}")), Some(row(expected)), "{text}");
        }
        for text in [
            "7.5",
            "\"7\"",
            "null",
            "true",
            "9223372036854775808",
            "1e300",
            "9007199254740994.0",
        ] {
            assert_eq!(read(&format!("{{\"id\":{text}}}")), None, "{text}");
        }
    }

    #[test]
    fn an_integer_fits_its_field() {
        let with = |small: &str| read(&format!("{{\"id\":1,\"inner\":{{\"small\":{small}}}}}"));
        assert_eq!(with("255.0").unwrap().inner.small, Some(255));
        assert_eq!(with("null").unwrap().inner.small, None);
        assert!(
            [with("256"), with("-1"), with("256.0")]
                .iter()
                .all(Option::is_none)
        );
        let numbers = |text: &str| read(&format!("{{\"id\":1,\"numbers\":{text}}}"));
        assert_eq!(numbers("[1,2.0,-2147483648]").unwrap().numbers, [1, 2, i32::MIN]);
        assert!(
            [numbers("[2147483648]"), numbers("[0.5]"), numbers("1")]
                .iter()
                .all(Option::is_none)
        );
    }
}
