//! Bodies as CashDesk's clients send them: numbers as numbers or strings, booleans as 1 and 0, null for absence; read as they are written,
//! so that no sum goes through a float.

use super::fault::Fault;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::str::FromStr;

/// One object of a request, with the path that errors name.
#[derive(Default)]
pub struct Fields {
    path: String,
    values: BTreeMap<String, Box<RawValue>>,
}

/// A single value.
enum Single {
    Text(String),
    Number(String),
    Flag(bool),
}

/// The longest number that is read: no sum has more.
const NUMBER_CHARACTERS_MAX: usize = 40;

impl Fields {
    /// A body's object; an empty body is an empty object, as clients send with POST requests that need no field.
    ///
    /// # Errors
    /// No object.
    pub fn of_json(body: &[u8]) -> Result<Self, Fault> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        let values = serde_json::from_slice(body).map_err(|_| {
            Fault::new(
                http::StatusCode::BAD_REQUEST,
                "invalid-body",
                "Тіло запиту не є об'єктом JSON",
            )
        })?;
        Ok(Self {
            path: String::new(),
            values,
        })
    }

    /// Pairs of a form or of a query; of a name that comes twice the last counts.
    pub fn of_form(form: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(form).map(|(name, value)| {
            let quoted = serde_json::value::to_raw_value(value.as_ref()).expect("a text becomes JSON");
            (name.into_owned(), quoted)
        });
        Self {
            path: String::new(),
            values: pairs.collect(),
        }
    }

    /// Takes over what `other` has and this has not.
    pub fn fill_from(&mut self, other: Self) {
        for (name, value) in other.values {
            self.values.entry(name).or_insert(value);
        }
    }

    fn path_of(&self, name: &str) -> String {
        format!("{}{name}", self.path)
    }

    /// A field that cannot be taken.
    pub fn wrong(&self, name: &str, expected: &str) -> Fault {
        Fault::field(&self.path_of(name), expected)
    }

    /// A field that must be there.
    ///
    /// # Errors
    /// It is not.
    pub fn required<T>(&self, name: &str, value: Option<T>) -> Result<T, Fault> {
        value.ok_or_else(|| self.wrong(name, "обов'язкове"))
    }

    fn single(&self, name: &str) -> Result<Option<Single>, Fault> {
        let Some(raw) = self.values.get(name).map(|raw| raw.get()) else {
            return Ok(None);
        };
        Ok(match raw.as_bytes() {
            b"null" => None,
            b"true" => Some(Single::Flag(true)),
            b"false" => Some(Single::Flag(false)),
            [b'"', ..] => {
                let text = serde_json::from_str(raw).map_err(|_| self.wrong(name, "не є текстом"))?;
                Some(Single::Text(text))
            }
            [b'{' | b'[', ..] => return Err(self.wrong(name, "має бути одним значенням")),
            _ => Some(Single::Number(raw.to_owned())),
        })
    }

    /// A text; a number is its own text. A text of blanks is none.
    ///
    /// # Errors
    /// A list, an object or a boolean; more than `max` characters.
    pub fn text(&self, name: &str, max: usize) -> Result<Option<String>, Fault> {
        let text = match self.single(name)? {
            None => return Ok(None),
            Some(Single::Text(text) | Single::Number(text)) => text,
            Some(Single::Flag(_)) => return Err(self.wrong(name, "має бути текстом")),
        };
        let text = text.trim();
        if text.chars().count() > max {
            return Err(self.wrong(name, &format!("не більше {max} символів")));
        }
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    /// A yes or no: a boolean, 1 or 0, as a string too.
    ///
    /// # Errors
    /// Anything else.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Fault> {
        let text = match self.single(name)? {
            None => return Ok(None),
            Some(Single::Flag(flag)) => return Ok(Some(flag)),
            Some(Single::Text(text) | Single::Number(text)) => text,
        };
        match text.trim() {
            "" => Ok(None),
            "1" | "true" | "True" | "TRUE" => Ok(Some(true)),
            "0" | "false" | "False" | "FALSE" => Ok(Some(false)),
            _ => Err(self.wrong(name, "має бути true або false")),
        }
    }

    /// An amount: a number or a string with a point or a comma; −0 is 0.
    ///
    /// # Errors
    /// Anything else, or more digits than the amount has.
    pub fn amount<T: FromStr>(&self, name: &str) -> Result<Option<T>, Fault> {
        let text = match self.single(name)? {
            None => return Ok(None),
            Some(Single::Flag(_)) => return Err(self.wrong(name, "має бути числом")),
            Some(Single::Text(text) | Single::Number(text)) => text,
        };
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let text = plain(text).ok_or_else(|| self.wrong(name, "має бути числом"))?;
        match text.parse() {
            Ok(amount) => Ok(Some(amount)),
            Err(_) => Err(self.wrong(name, "завелике число або забагато знаків після коми")),
        }
    }

    /// A whole number that is not negative.
    ///
    /// # Errors
    /// Anything else.
    pub fn natural(&self, name: &str) -> Result<Option<u64>, Fault> {
        let text = match self.single(name)? {
            None => return Ok(None),
            Some(Single::Flag(_)) => return Err(self.wrong(name, "має бути цілим числом")),
            Some(Single::Text(text) | Single::Number(text)) => text,
        };
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        // `7.0` is what some languages make of an integer.
        let whole = text.split_once('.').map_or(text, |(whole, fraction)| {
            if fraction.bytes().all(|digit| digit == b'0') {
                whole
            } else {
                text
            }
        });
        let number = whole
            .parse()
            .map_err(|_| self.wrong(name, "має бути цілим числом, не від'ємним"))?;
        Ok(Some(number))
    }

    /// A list of objects; in a form, its JSON.
    ///
    /// # Errors
    /// Anything else, or more than `max` of them.
    pub fn list(&self, name: &str, max: usize) -> Result<Vec<Self>, Fault> {
        let Some(raw) = self
            .values
            .get(name)
            .map(|raw| raw.get())
            .filter(|raw| *raw != "null")
        else {
            return Ok(Vec::new());
        };
        let wrong = || self.wrong(name, "має бути списком об'єктів");
        let inner: String;
        let text = if raw.starts_with('"') {
            inner = serde_json::from_str(raw).map_err(|_| wrong())?;
            &inner
        } else {
            raw
        };
        let objects: Vec<BTreeMap<String, Box<RawValue>>> =
            serde_json::from_str(text).map_err(|_| wrong())?;
        if objects.len() > max {
            return Err(self.wrong(name, &format!("не більше {max} рядків")));
        }
        let fields = objects.into_iter().enumerate().map(|(index, values)| Self {
            path: format!("{}{name}[{index}].", self.path),
            values,
        });
        Ok(fields.collect())
    }
}

/// A plain decimal out of what clients write: a comma for the point, a plus, an exponent of a small number, no −0.
fn plain(text: &str) -> Option<String> {
    if text.len() > NUMBER_CHARACTERS_MAX {
        return None;
    }
    let text = text.replace(',', ".");
    let text = text.strip_prefix('+').unwrap_or(&text);
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (sign, digits) = digits
        .strip_prefix('-')
        .map_or(("", digits), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let mut digits = format!("{whole}{fraction}");
    let mut point = i32::try_from(whole.len()).ok()?.checked_add(exponent)?;
    let most = i32::try_from(NUMBER_CHARACTERS_MAX).ok()?;
    if !(-most..=most).contains(&point) {
        return None;
    }
    while point <= 0 {
        digits.insert(0, '0');
        point += 1;
    }
    while digits.len() < usize::try_from(point).ok()? {
        digits.push('0');
    }
    let (whole, fraction) = digits.split_at(usize::try_from(point).ok()?);
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let is_zero = whole.is_empty() && fraction.is_empty();
    let whole = if whole.is_empty() { "0" } else { whole };
    let sign = if is_zero { "" } else { sign };
    Some(if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use fiscal::{Money, Price};

    fn fields(json: &str) -> Fields {
        Fields::of_json(json.as_bytes())
            .map_err(|_| json.to_owned())
            .unwrap()
    }

    #[test]
    fn an_amount_is_read_as_it_is_written() {
        for (json, kopecks) in [
            ("25.50", 2_550),
            ("\"25.50\"", 2_550),
            ("\"25,5\"", 2_550),
            ("\" 7 \"", 700),
            ("-0.00", 0),
            ("\"-0.02\"", -2),
            ("93.0", 9_300),
            ("1e2", 10_000),
            ("1.5E+1", 1_500),
            ("5e-2", 5),
            ("\"12.500\"", 1_250),
            ("\"+3\"", 300),
        ] {
            let read: Option<Money> = fields(&format!("{{\"a\":{json}}}"))
                .amount("a")
                .map_err(|_| json)
                .unwrap();
            assert_eq!(read, Some(Money::from_units(kopecks)), "{json}");
        }
        for json in ["null", "\"\"", "\"  \""] {
            assert_eq!(
                fields(&format!("{{\"a\":{json}}}"))
                    .amount::<Money>("a")
                    .map_err(|_| json)
                    .unwrap(),
                None
            );
        }
        for json in [
            "true",
            "\"x\"",
            "\"1.2.3\"",
            "12.505",
            "1e99",
            "[]",
            "{}",
            "\"1_0\"",
            "\".\"",
            "\"0x1\"",
        ] {
            assert!(
                fields(&format!("{{\"a\":{json}}}")).amount::<Money>("a").is_err(),
                "{json}"
            );
        }
        let price: Option<Price> = fields(r#"{"a":"12.765"}"#).amount("a").map_err(|_| ()).unwrap();
        assert_eq!(price, Some(Price::from_units(12_765)));
    }

    #[test]
    fn a_flag_is_a_boolean_or_one_or_nought() {
        for (json, expected) in [
            ("true", Some(true)),
            ("1", Some(true)),
            ("\"0\"", Some(false)),
            ("\"\"", None),
            ("null", None),
        ] {
            assert_eq!(
                fields(&format!("{{\"a\":{json}}}"))
                    .flag("a")
                    .map_err(|_| json)
                    .unwrap(),
                expected,
                "{json}"
            );
        }
        assert!(fields(r#"{"a":2}"#).flag("a").is_err());
    }

    #[test]
    fn a_number_beyond_32_bits_and_one_with_a_point_are_whole() {
        for (json, expected) in [("3000000017", 3_000_000_017), ("\"12\"", 12), ("7.0", 7)] {
            assert_eq!(
                fields(&format!("{{\"a\":{json}}}"))
                    .natural("a")
                    .map_err(|_| json)
                    .unwrap(),
                Some(expected)
            );
        }
        for json in ["-1", "7.5", "\"x\"", "18446744073709551616"] {
            assert!(
                fields(&format!("{{\"a\":{json}}}")).natural("a").is_err(),
                "{json}"
            );
        }
    }

    #[test]
    fn a_form_says_the_same_as_json_and_the_body_goes_before_the_query() {
        let mut body = Fields::of_form(
            "num_fiscal=4000000001&open_shift=1&name=%D0%A1%D0%B8%D1%80&products=%5B%7B%22cost%22%3A5%7D%5D"
                .as_bytes(),
        );
        body.fill_from(Fields::of_form(b"num_fiscal=7&api_token=k"));
        assert_eq!(
            body.natural("num_fiscal").map_err(|_| ()).unwrap(),
            Some(4_000_000_001)
        );
        assert_eq!(body.flag("open_shift").map_err(|_| ()).unwrap(), Some(true));
        assert_eq!(
            body.text("name", 9).map_err(|_| ()).unwrap().as_deref(),
            Some("Сир")
        );
        assert_eq!(
            body.text("api_token", 9).map_err(|_| ()).unwrap().as_deref(),
            Some("k")
        );
        let products = body.list("products", 1).map_err(|_| ()).unwrap();
        assert_eq!(
            products[0].amount::<Money>("cost").map_err(|_| ()).unwrap(),
            Some(Money::from_units(500))
        );
        assert!(body.list("products", 0).is_err());
    }
}
