//! What the stand-in knows from the start: who is registered, and how it behaves.

use fiscal::{CashDeskNumber, RegisterNumber};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// All settings; a file is this in TOML, and every field but `companies` has a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How a document that was read is refused, where no fault asks for the other form.
    pub rejections: RejectionForm,
    /// A signer whose certificate has a company's code and whose key is unknown becomes one of its operators, at its first use. For
    /// tests: the tax service asks for a form first. Off.
    pub register_unknown_operators: bool,
    /// A larger body is answered with 416, uncompressed. 512,000: what the tax service was measured to take (its description says 200 KB).
    pub document_bytes_max: usize,
    /// The same of a package, signature included. 204,800: the 200 KB of the description.
    pub package_bytes_max: usize,
    /// Documents of a package. 100 by the description.
    pub package_documents_max: usize,
    /// The longest offline session, in minutes. 36 hours by the description.
    pub offline_session_minutes_max: u32,
    /// The most offline time of a calendar month, in minutes. 168 hours by the description.
    pub offline_month_minutes_max: u32,
    /// How far the moment of an online document may be from the stand-in's clock, in minutes; not looked at when absent, which is the
    /// default: no source says what the tax service allows.
    pub document_clock_minutes_max: Option<u32>,
    /// The journal takes no more than this. 1 GiB: about 300,000 documents, all of which are also kept in memory.
    pub journal_bytes_max: u64,
    /// Who is registered.
    pub companies: Vec<Company>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rejections: RejectionForm::default(),
            register_unknown_operators: false,
            document_bytes_max: fiscal::DOCUMENT_BYTES_MAX,
            package_bytes_max: 200 * 1024,
            package_documents_max: 100,
            offline_session_minutes_max: 36 * 60,
            offline_month_minutes_max: 168 * 60,
            document_clock_minutes_max: None,
            journal_bytes_max: 1024 * 1024 * 1024,
            companies: Vec::new(),
        }
    }
}

/// How a document is refused: the description knows both, and clients must read both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectionForm {
    /// HTTP 400 (404 for an unknown register, 401 for a person without access) with a text.
    #[default]
    Text,
    /// HTTP 200 with a signed ticket that holds the code.
    Ticket,
}

/// A taxpayer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Company {
    /// Taxpayer's code (`TIN`), as it stands in certificates.
    pub tax_number: String,
    /// Number as a payer of VAT (`IPN`).
    pub vat_number: Option<String>,
    /// Name (`ORGNM`).
    pub name: String,
    /// Its shops.
    #[serde(default)]
    pub units: Vec<Unit>,
    /// Who may use its registers.
    #[serde(default)]
    pub operators: Vec<Operator>,
}

/// An economic unit: a shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// Its number (`TaxObjId`).
    pub id: u64,
    /// Its name (`POINTNM`).
    pub name: String,
    /// Its address (`POINTADDR`).
    pub address: Option<String>,
    /// Its registers.
    #[serde(default)]
    pub registers: Vec<Register>,
}

/// A register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// Its fiscal number (`CASHREGISTERNUM`).
    pub number: RegisterNumber,
    /// Its local number (`CASHDESKNUM`).
    pub cash_desk: CashDeskNumber,
    /// Its name.
    #[serde(default)]
    pub name: String,
}

/// A person who may use registers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// The key's identifier in the certificate, hexadecimal; either case.
    pub subject_key_id: String,
    /// Senior cashier: may close what others opened.
    #[serde(default)]
    pub chief: bool,
}

/// Why settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A register stands twice.
    #[error("the register {0} stands twice")]
    RegisterTwice(RegisterNumber),
    /// A taxpayer stands twice.
    #[error("the company {0} stands twice")]
    CompanyTwice(String),
    /// Not a key's identifier.
    #[error("{0:?} is no key's identifier: it is not hexadecimal")]
    KeyId(String),
    /// Not TOML, or not of this shape.
    #[error("the settings cannot be read: {0}")]
    Toml(#[from] toml::de::Error),
}

impl Settings {
    /// Reads TOML and checks it.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn from_toml(text: &str) -> Result<Self, SettingsError> {
        let settings: Self = toml::from_str(text)?;
        settings.check()?;
        Ok(settings)
    }

    /// Checks what was put together in code.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn check(&self) -> Result<(), SettingsError> {
        let (mut registers, mut companies) = (BTreeSet::new(), BTreeSet::new());
        for company in &self.companies {
            if !companies.insert(&company.tax_number) {
                return Err(SettingsError::CompanyTwice(company.tax_number.clone()));
            }
            for register in company.units.iter().flat_map(|unit| &unit.registers) {
                if !registers.insert(register.number) {
                    return Err(SettingsError::RegisterTwice(register.number));
                }
            }
            for operator in &company.operators {
                let id = &operator.subject_key_id;
                if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return Err(SettingsError::KeyId(id.clone()));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
rejections = "ticket"
[[companies]]
tax_number = "00000024"
name = "ТОВ «Крамниця»"
[[companies.operators]]
subject_key_id = "00AF"
[[companies.units]]
id = 7
name = "Крамниця"
[[companies.units.registers]]
number = 4000000001
cash_desk = 1
"#;

    #[test]
    fn a_file_is_read_and_what_it_leaves_out_has_a_default() {
        let settings = Settings::from_toml(FILE).expect("settings");
        assert_eq!(settings.rejections, RejectionForm::Ticket);
        assert_eq!(settings.document_bytes_max, 512_000);
        assert_eq!(
            settings.companies[0].units[0].registers[0].number.get(),
            4_000_000_001
        );
        assert!(!settings.companies[0].operators[0].chief);
    }

    #[test]
    fn the_example_shows_every_option_with_its_default() {
        let text = include_str!("../../fiscal.toml");
        let example = Settings::from_toml(text).expect("settings");
        let defaults = Settings {
            companies: example.companies.clone(),
            ..Settings::default()
        };
        assert_eq!(example, defaults);
        let all = toml::Table::try_from(Settings {
            document_clock_minutes_max: Some(10),
            ..defaults
        });
        for option in all.expect("a table").keys() {
            assert!(text.contains(option.as_str()), "{option}");
        }
    }

    #[test]
    fn what_stands_twice_or_is_unknown_is_refused() {
        let register = "[[companies.units.registers]]\nnumber = 4000000001\ncash_desk = 2\n";
        let twice = Settings::from_toml(&format!("{FILE}{register}"));
        assert!(matches!(twice, Err(SettingsError::RegisterTwice(_))), "{twice:?}");
        let key = Settings::from_toml(&FILE.replace("00AF", "мова"));
        assert!(matches!(key, Err(SettingsError::KeyId(_))), "{key:?}");
        assert!(matches!(
            Settings::from_toml("colour = 1"),
            Err(SettingsError::Toml(_))
        ));
    }
}
