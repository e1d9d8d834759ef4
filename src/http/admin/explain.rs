//! What is wrong with a row, without what stands in it: serde quotes values, and they may be keys, names or numbers.

/// A name that is quoted back has so many characters at most: longer than any field of ours, shorter than a key.
const NAME_CHARACTERS_MAX: usize = 30;

/// Integers of more digits could be a code or a number of somebody; smaller ones show what is out of range.
const DIGITS_SHOWN_MAX: usize = 3;

/// The error in words that name fields, places and kinds, and no values.
pub(super) fn explain(error: &serde_json::Error) -> String {
    without_values(&error.to_string())
}

fn without_values(message: &str) -> String {
    for (quoting, kind) in [
        ("string \"", "a string"),
        ("character `", "a character"),
        ("integer `", "an integer"),
        ("floating point `", "a fraction"),
    ] {
        for what in ["invalid type: ", "invalid value: "] {
            let begins = format!("{what}{quoting}");
            if message.starts_with(&begins)
                && let Some(expected) = message.rfind(", expected ")
            {
                let quoted = &message[begins.len()..expected];
                if kind == "an integer" && quoted.trim_end_matches('`').len() <= DIGITS_SHOWN_MAX {
                    break;
                }
                return format!("{what}{kind}{}", &message[expected..]);
            }
        }
    }
    for what in ["unknown field", "unknown variant"] {
        let Some(rest) = message.strip_prefix(&format!("{what} `")) else {
            continue;
        };
        let ends = rest.rfind("`, expected ").unwrap_or(rest.len());
        let (name, rest) = rest.split_at(ends);
        if !is_name(name) {
            return format!("{what}{}", rest.trim_start_matches('`'));
        }
    }
    message.to_owned()
}

/// Whether it reads like a field's or a kind's name, so that a slip of the pen can be shown.
fn is_name(text: &str) -> bool {
    text.len() <= NAME_CHARACTERS_MAX
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read by serde alone")]
    struct Row {
        name: String,
        #[serde(default)]
        code: u8,
    }

    #[derive(Debug, Deserialize)]
    #[serde(tag = "type", rename_all = "snake_case")]
    #[expect(dead_code, reason = "read by serde alone")]
    enum Line {
        Customer(Row),
        Invoker(Row),
    }

    fn check<'a, T: Deserialize<'a> + std::fmt::Debug>(json: &'a str, expected: &str) {
        let error = serde_json::from_str::<T>(json).unwrap_err();
        assert_eq!(explain(&error), expected, "{json}");
    }

    #[test]
    fn values_are_not_quoted() {
        check::<Row>(
            r#"{"name":9137246580}"#,
            "invalid type: an integer, expected a string at line 1 column 18",
        );
        check::<Row>(
            r#"{"name":"x","code":"a \", expected secret"}"#,
            "invalid type: a string, expected u8 at line 1 column 42",
        );
        check::<Row>(
            r#"{"name":"x","code":8350}"#,
            "invalid value: an integer, expected u8 at line 1 column 23",
        );
        check::<Row>(
            r#"{"name":1.5}"#,
            "invalid type: a fraction, expected a string at line 1 column 11",
        );
        check::<Row>(
            r#""secret""#,
            "invalid type: a string, expected struct Row at line 1 column 8",
        );
    }

    #[test]
    fn a_misspelt_name_is_shown_and_what_is_no_name_is_not() {
        check::<Row>(
            r#"{"nmae":"x"}"#,
            "unknown field `nmae`, expected `name` or `code` at line 1 column 7",
        );
        check::<Row>(
            r#"{"csk_5f2c9":"x"}"#,
            "unknown field, expected `name` or `code` at line 1 column 12",
        );
        check::<Line>(
            r#"{"type":"customr"}"#,
            "unknown variant `customr`, expected `customer` or `invoker` at line 1 column 17",
        );
        check::<Line>(
            r#"["09137246580"]"#,
            "unknown variant, expected `customer` or `invoker` at line 1 column 14",
        );
        check::<Line>(
            r#"{"type":"a`, expected `9137"}"#,
            "unknown variant, expected `customer` or `invoker` at line 1 column 28",
        );
    }

    #[test]
    fn everything_else_is_said_as_it_is() {
        check::<Row>(
            r#"{"name":"x","code":256}"#,
            "invalid value: integer `256`, expected u8 at line 1 column 22",
        );
        check::<Row>("{}", "missing field `name` at line 1 column 2");
        check::<Row>("{", "EOF while parsing an object at line 1 column 1");
        check::<Row>(
            r#"{"name":null}"#,
            "invalid type: null, expected a string at line 1 column 12",
        );
    }
}
