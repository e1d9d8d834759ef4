//! Single values of the server's JSON, read as they are written: a sum never goes through a float.
//!
//! A value is taken as raw text (`serde_json`'s `raw_value`), which is then read by its type. The other way,
//! `arbitrary_precision`, would change the numbers of every package that is built along with this one, and
//! does not work behind `flatten` and tagged enums. The price is that these types read and write JSON only.

use crate::amount::Money;
use crate::ids::{
    CashDeskNumber, FiscalNumber, LocalNumber, OfflineSeed, OfflineSessionId, RegisterNumber, Uid, is_zero,
};
use crate::xml::{Fault, TaxLetter};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A value that is neither a list nor an object.
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    Text(Cow<'a, str>),
}

impl Value<'_> {
    /// Text and numbers alike: the server writes several fields now so, now so.
    fn characters(&self) -> Result<&str, Fault> {
        match self {
            Value::Number(text) => Ok(text),
            Value::Text(text) => Ok(text),
            Value::Null | Value::Bool(_) => Err(Fault::Form("a text or a number")),
        }
    }

    pub(super) fn natural(&self) -> Result<u64, Fault> {
        self.characters()?
            .trim()
            .parse()
            .map_err(|_| Fault::Form("a whole number of at most 64 bits"))
    }
}

/// A type of single values.
pub(super) trait Scalar: Sized {
    fn read(value: &Value<'_>) -> Result<Self, Fault>;
    /// As JSON.
    fn write(&self) -> String;
    /// Whether it is left out: a server of typed fields may take `null` for a fault.
    fn is_absent(&self) -> bool {
        false
    }
    /// Whether this text or number says that there is none, where there may be none.
    fn is_none(text: &str) -> bool {
        text.is_empty()
    }
}

/// For `#[serde(with)]`.
pub(super) mod scalar {
    use super::{Cow, Deserialize, Deserializer, RawValue, Scalar, Serialize, Serializer, Value, de, ser};

    pub(in super::super) fn serialize<T: Scalar, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        RawValue::from_string(value.write())
            .map_err(ser::Error::custom)?
            .serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, T: Scalar, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let value = match raw.as_bytes() {
            b"null" => Value::Null,
            b"true" => Value::Bool(true),
            b"false" => Value::Bool(false),
            [b'"', ..] => Value::Text(Cow::Owned(serde_json::from_str(raw).map_err(de::Error::custom)?)),
            [b'{' | b'[', ..] => return Err(de::Error::custom("is a list or an object, not a single value")),
            _ => Value::Number(raw),
        };
        T::read(&value).map_err(de::Error::custom)
    }
}

/// JSON that is kept as it came, numbers in all their digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawJson(String);

impl RawJson {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for RawJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(<&RawValue>::deserialize(deserializer)?.get().to_owned()))
    }
}

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.clone())
            .map_err(ser::Error::custom)?
            .serialize(serializer)
    }
}

/// `null` where a list or an object would be.
pub(super) fn null_as_default<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A JSON string.
pub(super) fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Nothing for `null`, for a text that is empty, and for an offline session of zero.
impl<T: Scalar> Scalar for Option<T> {
    fn read(value: &Value<'_>) -> Result<Self, Fault> {
        match value {
            Value::Null => Ok(None),
            Value::Text(text) if T::is_none(text) => Ok(None),
            Value::Number(text) if T::is_none(text) => Ok(None),
            value => T::read(value).map(Some),
        }
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }

    fn write(&self) -> String {
        self.as_ref().map_or_else(|| "null".to_owned(), Scalar::write)
    }
}

impl Scalar for bool {
    fn read(value: &Value<'_>) -> Result<Self, Fault> {
        match value {
            Value::Bool(value) => Ok(*value),
            Value::Null => Ok(false),
            value => match value.characters()? {
                "1" | "true" | "True" => Ok(true),
                "0" | "false" | "False" | "" => Ok(false),
                _ => Err(Fault::Form("true or false")),
            },
        }
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

/// `null` is no text.
impl Scalar for String {
    fn read(value: &Value<'_>) -> Result<Self, Fault> {
        match value {
            Value::Null => Ok(Self::new()),
            value => value.characters().map(str::to_owned),
        }
    }

    fn write(&self) -> String {
        quote(self)
    }
}

/// `null` is zero.
impl Scalar for u64 {
    fn read(value: &Value<'_>) -> Result<Self, Fault> {
        match value {
            Value::Null => Ok(0),
            value => value.natural(),
        }
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

/// Digits and a point, as number or as text; `null` is nothing.
impl Scalar for Money {
    fn read(value: &Value<'_>) -> Result<Self, Fault> {
        match value {
            Value::Null => Ok(Self::ZERO),
            value => Ok(value.characters()?.trim().parse()?),
        }
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

/// Base64 of bytes.
impl Scalar for Vec<u8> {
    fn read(value: &Value<'_>) -> Result<Self, Fault> {
        STANDARD
            .decode(value.characters()?.trim())
            .map_err(|_| Fault::Form("base64"))
    }

    fn write(&self) -> String {
        quote(&STANDARD.encode(self))
    }
}

impl Scalar for TaxLetter {
    fn read(value: &Value<'_>) -> Result<Self, Fault> {
        let mut characters = value.characters()?.chars();
        match (characters.next(), characters.next()) {
            (Some(letter), None) => Self::new(letter),
            _ => Err(Fault::Form("one character")),
        }
    }

    fn write(&self) -> String {
        quote(&self.as_written().to_string())
    }
}

macro_rules! texts {
    ($($name:ident: $is_none:expr),*) => {$(
        impl Scalar for $name {
            fn read(value: &Value<'_>) -> Result<Self, Fault> {
                Self::new(value.characters()?)
            }

            fn is_none(text: &str) -> bool {
                text.is_empty() || $is_none(text)
            }

            fn write(&self) -> String {
                quote(self.as_str())
            }
        }
    )*};
}
texts!(Uid: |_| false, FiscalNumber: |_| false, OfflineSessionId: is_zero, OfflineSeed: is_zero);

/// Types of numbers, written as numbers.
macro_rules! numbers {
    ($($name:ty),*) => {$(
        impl $crate::command::json::Scalar for $name {
            fn read(value: &$crate::command::json::Value<'_>) -> Result<Self, $crate::xml::Fault> {
                Self::try_from(value.natural()?)
            }

            fn write(&self) -> String {
                u64::from(*self).to_string()
            }
        }
    )*};
}
numbers!(
    LocalNumber,
    RegisterNumber,
    CashDeskNumber,
    crate::document::PaymentForm,
    crate::document::TaxType
);
pub(super) use numbers;

/// Codes that the server writes now as their symbol, now as their number.
macro_rules! symbols {
    ($name:ty, $write:ident, { $($variant:ident = $symbol:literal,)* }) => {
        impl $crate::command::json::Scalar for $name {
            fn read(value: &$crate::command::json::Value<'_>) -> Result<Self, $crate::xml::Fault> {
                if let $crate::command::json::Value::Text(text) = value {
                    match text.as_ref() {
                        $($symbol => return Ok(Self::$variant),)*
                        _ => {}
                    }
                }
                Self::try_from(value.natural()?)
            }

            fn write(&self) -> String {
                $crate::command::json::symbols!(@$write self, { $($variant = $symbol,)* })
            }
        }
    };
    (@symbol $value:ident, { $($variant:ident = $symbol:literal,)* }) => {
        $crate::command::json::quote(match $value { $(Self::$variant => $symbol,)* })
    };
    (@number $value:ident, { $($variant:ident = $symbol:literal,)* }) => {
        u64::from(*$value).to_string()
    };
}
pub(super) use symbols;

/// Declares a struct of the server's JSON. `required` values must be there, `scalar` ones may be missing and
/// are left out when there is none, `nested` ones are objects and lists that may be missing or `null`. What
/// is not declared is passed over.
macro_rules! object {
    ($(#[$doc:meta])* $vis:vis struct $name:ident {
        $($(#[$field_doc:meta])* $mode:ident $key:literal => $field:ident : $type:ty,)*
    }) => {
        $crate::command::json::object! {
            @munch [$vis] [$(#[$doc])* $vis struct $name] [] $($(#[$field_doc])* $mode $key => $field: $type,)*
        }
    };
    (@munch [$vis:vis] [$($head:tt)*] [$($done:tt)*]) => {
        $($head)* { $($done)* }
    };
    (@munch [$vis:vis] [$($head:tt)*] [$($done:tt)*] $(#[$doc:meta])* required $key:literal => $field:ident : $type:ty, $($rest:tt)*) => {
        $crate::command::json::object! { @munch [$vis] [$($head)*] [$($done)*
            $(#[$doc])* #[serde(rename = $key, with = "crate::command::json::scalar")] $vis $field: $type,
        ] $($rest)* }
    };
    (@munch [$vis:vis] [$($head:tt)*] [$($done:tt)*] $(#[$doc:meta])* scalar $key:literal => $field:ident : $type:ty, $($rest:tt)*) => {
        $crate::command::json::object! { @munch [$vis] [$($head)*] [$($done)*
            $(#[$doc])*
            #[serde(rename = $key, with = "crate::command::json::scalar", default)]
            #[serde(skip_serializing_if = "crate::command::json::Scalar::is_absent")]
            $vis $field: $type,
        ] $($rest)* }
    };
    (@munch [$vis:vis] [$($head:tt)*] [$($done:tt)*] $(#[$doc:meta])* nested $key:literal => $field:ident : $type:ty, $($rest:tt)*) => {
        $crate::command::json::object! { @munch [$vis] [$($head)*] [$($done)*
            $(#[$doc])* #[serde(rename = $key, deserialize_with = "crate::command::json::null_as_default", default)] $vis $field: $type,
        ] $($rest)* }
    };
}
pub(super) use object;
