//! From file, environment and flags to one checked configuration.

use super::{Config, Problem, check};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Where a configuration comes from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file; `None` for none.
    pub file: Option<PathBuf>,
    /// Variables `COUNTERSIGN__SECTION__KEY`; others are ignored.
    pub environment: Vec<(String, String)>,
    /// `section.key` and its value, from flags.
    pub flags: Vec<(String, String)>,
}

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
    /// A variable or a flag is wrong.
    #[error("{name}: {message}")]
    InOverride {
        /// Which.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// Values that do not fit together, or are out of range.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Unfit(Vec<Problem>),
}

const ENVIRONMENT_PREFIX: &str = "COUNTERSIGN__";

/// Loads, merges and checks. `dev` allows example secrets and the sandbox.
///
/// # Errors
/// The first thing that cannot be read; of values that can be read, all that are wrong.
pub fn load(sources: &Sources, dev: bool) -> Result<Config, LoadError> {
    checked(load_unchecked(sources)?, dev)
}

fn checked(config: Config, dev: bool) -> Result<Config, LoadError> {
    let problems = check::check(&config, dev);
    if problems.is_empty() {
        Ok(config)
    } else {
        Err(LoadError::Unfit(problems))
    }
}

/// The configuration that a file's text makes by itself, checked as [`load`] checks. `name` stands in errors.
///
/// # Errors
/// As [`load`].
pub fn from_text(name: &str, text: &str, dev: bool) -> Result<Config, LoadError> {
    checked(merged(read_text(name, text)?)?, dev)
}

/// Loads and merges; ranges and what belongs together are not judged yet.
///
/// # Errors
/// The first thing that cannot be read.
pub fn load_unchecked(sources: &Sources) -> Result<Config, LoadError> {
    let mut table = match &sources.file {
        Some(path) => read_file(path)?,
        None => Table::new(),
    };
    let variables = sources.environment.iter().filter_map(|(name, value)| {
        let path = name.strip_prefix(ENVIRONMENT_PREFIX)?.to_ascii_lowercase();
        Some((
            name.clone(),
            path.split("__").map(str::to_owned).collect::<Vec<_>>(),
            value,
        ))
    });
    let flags = sources.flags.iter().map(|(name, value)| {
        (
            format!("--set {name}"),
            name.split('.').map(str::to_owned).collect(),
            value,
        )
    });
    for (name, path, text) in variables.chain(flags) {
        apply_override(&mut table, &name, &path, text)?;
    }
    merged(table)
}

fn merged(table: Table) -> Result<Config, LoadError> {
    Config::deserialize(Value::Table(table)).map_err(|error| LoadError::InOverride {
        name: "configuration".to_owned(),
        message: without_value(error.message()),
    })
}

fn read_file(path: &Path) -> Result<Table, LoadError> {
    let name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => read_text(&name, &text),
        Err(error) => Err(LoadError::Unreadable { path: name, error }),
    }
}

fn read_text(name: &str, text: &str) -> Result<Table, LoadError> {
    let in_file = |error: toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start).min(text.len());
        let line = text.as_bytes()[..start]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        LoadError::InFile {
            path: name.to_owned(),
            line,
            message: without_value(error.message()),
        }
    };
    // Typed first: only that knows the lines of unknown keys and wrong types.
    toml::from_str::<Config>(text).map_err(in_file)?;
    toml::from_str::<Table>(text).map_err(in_file)
}

/// Sets one value, and tries it alone, so that an error names where it came from.
fn apply_override(merged: &mut Table, name: &str, path: &[String], text: &str) -> Result<(), LoadError> {
    let wrong = |message: &str| LoadError::InOverride {
        name: name.to_owned(),
        message: message.to_owned(),
    };
    // A value in TOML's own form (a number, a list) if it makes sense there, else the text as it stands.
    let as_toml = toml::from_str::<Table>(&format!("value = {text}"))
        .ok()
        .and_then(|mut table| table.remove("value"));
    let candidates = as_toml.into_iter().chain([Value::String(text.to_owned())]);
    let mut first_error = None;
    for value in candidates {
        let mut alone = Table::new();
        if !set(&mut alone, path, value.clone()) {
            return Err(wrong("names no option"));
        }
        match Config::deserialize(Value::Table(alone)) {
            Ok(_) => {
                set(merged, path, value);
                return Ok(());
            }
            Err(error) => first_error = first_error.or_else(|| Some(without_value(error.message()))),
        }
    }
    Err(wrong(&first_error.unwrap_or_else(|| "is no value".to_owned())))
}

/// What is wrong with a value, without the value: serde quotes a text that stands where something else belongs, and it may be a secret.
fn without_value(message: &str) -> String {
    let quoted = message.find(": string \"").zip(message.rfind("\", expected"));
    quoted.map_or_else(
        || message.to_owned(),
        |(begins, ends)| format!("{}: a string{}", &message[..begins], &message[ends + 1..]),
    )
}

fn set(table: &mut Table, path: &[String], value: Value) -> bool {
    match path {
        [] => false,
        [last] => {
            table.insert(last.clone(), value);
            true
        }
        [first, rest @ ..] => match table
            .entry(first.clone())
            .or_insert_with(|| Value::Table(Table::new()))
        {
            Value::Table(inner) => set(inner, rest, value),
            _ => false,
        },
    }
}
