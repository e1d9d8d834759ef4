//! A bundle of evidence: containers with their receipts, to be checked offline with nothing but the log's public key.

use crate::checkpoint::Verifier;
use crate::leaf::Leaf;
use crate::receipt::Receipt;
use crate::tree::leaf_hash;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Names the form; another one is another number.
pub const BUNDLE_FORMAT: &str = "countersign-evidence-bundle/1";

/// A bundle, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// [`BUNDLE_FORMAT`].
    pub format: String,
    /// What was exported, in the order of the log.
    pub entries: Vec<BundleEntry>,
}

/// One container with its proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleEntry {
    /// The canonical bytes of the leaf, base64.
    pub leaf: String,
    /// The proof that the log holds it.
    pub receipt: Receipt,
}

/// What the check of one entry came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its place in the bundle, from 1.
    pub entry: usize,
    /// What is in it, where its bytes are a leaf.
    pub leaf: Option<Leaf>,
    /// How many leaves the checkpoint covers, or why nothing is proved.
    pub outcome: Result<u64, String>,
    index: u64,
}

/// What the check of a bundle came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// One for each entry.
    pub findings: Vec<Finding>,
    /// What is wrong with the bundle as a whole.
    pub trouble: Option<String>,
}

impl Report {
    /// Whether there is something in it, and all of it is proved.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.trouble.is_none()
            && !self.findings.is_empty()
            && self.findings.iter().all(|found| found.outcome.is_ok())
    }
}

impl Bundle {
    /// Makes one.
    #[must_use]
    pub fn new(entries: impl IntoIterator<Item = (Vec<u8>, Receipt)>) -> Self {
        let entries = entries.into_iter().map(|(leaf, receipt)| BundleEntry {
            leaf: BASE64_STANDARD.encode(leaf),
            receipt,
        });
        Self {
            format: BUNDLE_FORMAT.to_owned(),
            entries: entries.collect(),
        }
    }

    /// Checks every entry, whatever is wrong with the others.
    #[must_use]
    pub fn verify(&self, keys: &[Verifier]) -> Report {
        let trouble = if self.format != BUNDLE_FORMAT {
            Some(format!("the file is not of the form {BUNDLE_FORMAT}"))
        } else if self.entries.is_empty() {
            Some("the file holds no containers".to_owned())
        } else {
            None
        };
        let numbered = self.entries.iter().enumerate();
        Report {
            findings: numbered
                .map(|(place, entry)| entry.verify(place + 1, keys))
                .collect(),
            trouble,
        }
    }
}

impl BundleEntry {
    fn verify(&self, entry: usize, keys: &[Verifier]) -> Finding {
        let bytes = BASE64_STANDARD.decode(&self.leaf).unwrap_or_default();
        let leaf = Leaf::from_bytes(&bytes);
        let outcome = match (&leaf, self.receipt.verify(keys)) {
            (Err(error), _) => Err(error.to_string()),
            (Ok(_), Err(refuted)) => Err(format!("the receipt proves nothing: {refuted}")),
            (Ok(_), Ok(_))
                if leaf_hash(&bytes).to_string() != self.receipt.leaf_hash.to_ascii_lowercase() =>
            {
                Err("the container is not the one that the receipt is for: it was changed".to_owned())
            }
            (Ok(_), Ok(head)) => Ok(head.size),
        };
        Finding {
            entry,
            leaf: leaf.ok(),
            outcome,
            index: self.receipt.index,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "entry {}: ", self.entry)?;
        if let Some(leaf) = &self.leaf {
            let container = &leaf.container;
            write!(
                formatter,
                "contract {:?} of client {:?}, version {}, signed {:?}, recorded {} UTC: ",
                container.contract_id,
                container.client_integration_id,
                leaf.version,
                container.sign_date,
                leaf.recorded_at()
            )?;
        }
        match &self.outcome {
            Ok(size) => write!(
                formatter,
                "HOLDS: it is number {} of the {size} entries under the log's signature",
                self.index
            ),
            Err(why) => write!(formatter, "DOES NOT HOLD: {why}"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(formatter, "{finding}")?;
        }
        let proved = self.findings.iter().filter(|found| found.outcome.is_ok()).count();
        match &self.trouble {
            Some(trouble) => write!(formatter, "DOES NOT HOLD: {trouble}"),
            None if self.holds() => write!(
                formatter,
                "All {proved} containers stand in the log as they are here; nothing of them was changed since it was signed."
            ),
            None => write!(
                formatter,
                "{proved} of {} containers are proved; the others are not.",
                self.findings.len()
            ),
        }
    }
}
