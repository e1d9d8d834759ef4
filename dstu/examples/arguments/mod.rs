//! The command line of the examples: `--name value` and `--flag`.

#![allow(dead_code, reason = "not every example uses every part")]

use std::collections::HashMap;
use std::path::Path;

/// Why an example stops, in words for its user.
pub(crate) type Failure = Box<dyn std::error::Error>;

/// Named values and flags.
pub(crate) struct Arguments {
    values: HashMap<String, String>,
    flags: Vec<String>,
}

impl Arguments {
    /// Reads the command line; anything that is not named here is refused.
    pub(crate) fn read(names: &[&str], flags: &[&str]) -> Result<Self, Failure> {
        let mut arguments = Self {
            values: HashMap::new(),
            flags: Vec::new(),
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let name = word
                .strip_prefix("--")
                .ok_or_else(|| format!("unexpected: {word}"))?;
            if flags.contains(&name) {
                arguments.flags.push(name.to_owned());
            } else if names.contains(&name) {
                let value = words.next().ok_or_else(|| format!("--{name} needs a value"))?;
                arguments.values.insert(name.to_owned(), value);
            } else {
                return Err(format!("unknown option: --{name}").into());
            }
        }
        Ok(arguments)
    }

    /// A value that must be there.
    pub(crate) fn value(&self, name: &str) -> Result<&str, Failure> {
        self.optional(name)
            .ok_or_else(|| format!("--{name} is missing").into())
    }

    /// A value that may be there.
    pub(crate) fn optional(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Whether a flag is there.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.flags.iter().any(|flag| flag == name)
    }
}

/// A file's octets, the name in the error.
pub(crate) fn read_file(path: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(Path::new(path)).map_err(|error| format!("{path}: {error}").into())
}
