//! From file and environment to one checked configuration.

use super::{Config, Problem, check};
use serde::Deserialize;
use std::path::Path;
use toml::{Table, Value};

const ENVIRONMENT_PREFIX: &str = "SMARTSIGN__";

/// Why there is no configuration. Never quotes a value.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("{path}: cannot be read: {error}")]
    Unreadable {
        /// Which.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The file is wrong at a line.
    #[error("{path}:{line}: {message}")]
    InFile {
        /// Which.
        path: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A variable is wrong.
    #[error("{name}: {message}")]
    InVariable {
        /// Which.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// Values that do not fit together, or are out of range.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Unfit(Vec<Problem>),
}

/// Loads, merges and checks. Variables are `SMARTSIGN__SECTION__KEY`; others are passed over.
///
/// # Errors
/// The first thing that cannot be read; of values that can be read, all that are wrong.
pub fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, LoadError> {
    let mut table = Table::new();
    if let Some(path) = file {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| LoadError::Unreadable {
            path: name.clone(),
            error,
        })?;
        table = read_text(&name, &text)?;
    }
    for (name, value) in environment {
        if let Some(path) = name.strip_prefix(ENVIRONMENT_PREFIX) {
            apply(&mut table, &name, &path.to_ascii_lowercase(), &value)?;
        }
    }
    checked(table)
}

/// The configuration that a file's text makes by itself, checked. `name` stands in errors.
///
/// # Errors
/// As [`load`].
pub fn from_text(name: &str, text: &str) -> Result<Config, LoadError> {
    checked(read_text(name, text)?)
}

fn checked(table: Table) -> Result<Config, LoadError> {
    let config = Config::deserialize(Value::Table(table)).map_err(|error| LoadError::InVariable {
        name: "configuration".to_owned(),
        message: without_value(error.message()),
    })?;
    let problems = check::check(&config);
    if problems.is_empty() {
        Ok(config)
    } else {
        Err(LoadError::Unfit(problems))
    }
}

fn read_text(name: &str, text: &str) -> Result<Table, LoadError> {
    let in_file = |error: toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start).min(text.len());
        let before = &text.as_bytes()[..start];
        LoadError::InFile {
            path: name.to_owned(),
            line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
            message: without_value(error.message()),
        }
    };
    // Typed first: only that knows the lines of unknown keys and wrong types.
    toml::from_str::<Config>(text).map_err(in_file)?;
    toml::from_str::<Table>(text).map_err(in_file)
}

/// Sets one value, and tries it alone, so that an error names the variable that it came from.
fn apply(table: &mut Table, name: &str, path: &str, text: &str) -> Result<(), LoadError> {
    let wrong = |message: String| LoadError::InVariable {
        name: name.to_owned(),
        message,
    };
    let (section, key) = path
        .split_once("__")
        .ok_or_else(|| wrong("names no option".to_owned()))?;
    // A value in TOML's own form (a number, a list) if it makes sense there, else the text as it stands.
    let as_toml = toml::from_str::<Table>(&format!("value = {text}"))
        .ok()
        .and_then(|mut table| table.remove("value"));
    let mut first_error = None;
    for value in as_toml.into_iter().chain([Value::String(text.to_owned())]) {
        let inner = Table::from_iter([(key.to_owned(), value.clone())]);
        let alone = Table::from_iter([(section.to_owned(), Value::Table(inner))]);
        match Config::deserialize(Value::Table(alone)) {
            Ok(_) => {
                let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
                let section = section
                    .as_table_mut()
                    .ok_or_else(|| wrong("names no option".to_owned()))?;
                section.insert(key.to_owned(), value);
                return Ok(());
            }
            Err(error) => first_error = first_error.or_else(|| Some(without_value(error.message()))),
        }
    }
    Err(wrong(first_error.unwrap_or_else(|| "is no value".to_owned())))
}

/// What is wrong with a value, without the value: serde quotes a text that stands where something else belongs, and it may be a secret.
fn without_value(message: &str) -> String {
    let quoted = message.find(": string \"").zip(message.rfind("\", expected"));
    quoted.map_or_else(
        || message.to_owned(),
        |(begins, ends)| format!("{}: a string{}", &message[..begins], &message[ends + 1..]),
    )
}
