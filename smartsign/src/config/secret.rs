//! Secrets in the configuration: given in place or by file, masked wherever they are printed.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use zeroize::Zeroizing;

/// What stands before the path of a secret's file.
const FILE_PREFIX: &str = "file:";
/// What marks a secret in examples. One that contains it is refused.
const EXAMPLE_MARK: &str = "example";

/// A text that is zeroised when dropped and masked by `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// A secret as it stands in the configuration: the text itself, or `file:PATH`, whose content (without white space at its ends) it then is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigSecret(SecretText);

impl ConfigSecret {
    /// Takes a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretText::new(text))
    }

    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        self.0.expose().is_empty()
    }

    /// Whether this is a secret out of an example, known to everybody. A file is judged when it is read.
    pub fn is_example(&self) -> bool {
        !self.0.expose().starts_with(FILE_PREFIX) && is_example(&self.0)
    }

    /// The secret, read from its file where it names one.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub fn resolve(&self) -> Result<SecretText, String> {
        let Some(path) = self.0.expose().strip_prefix(FILE_PREFIX) else {
            return Ok(self.0.clone());
        };
        let text = std::fs::read_to_string(path).map(Zeroizing::new);
        let text = text.map_err(|error| format!("cannot read {path}: {error}"))?;
        let secret = SecretText::new(text.trim());
        if is_example(&secret) {
            return Err(format!(
                "{path} holds an example that everybody knows; make your own"
            ));
        }
        Ok(secret)
    }
}

fn is_example(secret: &SecretText) -> bool {
    Zeroizing::new(secret.expose().to_ascii_lowercase()).contains(EXAMPLE_MARK)
}

impl Serialize for ConfigSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.expose();
        // A path is no secret, and saying which file helps.
        serializer.serialize_str(if text.is_empty() || text.starts_with(FILE_PREFIX) {
            text
        } else {
            "***"
        })
    }
}

impl<'de> Deserialize<'de> for ConfigSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Through a general value, so that the error for a wrong type does not quote what was there.
        match toml::Value::deserialize(deserializer) {
            Ok(toml::Value::String(text)) => Ok(Self::new(text)),
            _ => Err(serde::de::Error::custom("a secret must be a string")),
        }
    }
}
