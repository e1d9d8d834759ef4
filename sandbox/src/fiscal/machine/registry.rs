//! Who is registered: companies, units, registers, and the keys of those who may use them.

use super::book::Who;
use super::refusal::refuse;
use crate::fiscal::settings::{Company, Operator, Register, Settings, Unit};
use fiscal::{ErrorCode, RegisterNumber, Rejection};

/// The registry. What stands in the settings, and who was registered by first use.
#[derive(Clone, Debug)]
pub struct Registry {
    companies: Vec<Company>,
    register_unknown: bool,
}

/// A register with those that it belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) company: &'a Company,
    pub(super) unit: &'a Unit,
    pub(super) register: &'a Register,
}

/// What a signer may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Access {
    /// Senior cashier.
    pub(super) chief: bool,
    /// Not registered so far, and to be registered now.
    pub(super) new: bool,
}

impl Registry {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            companies: settings.companies.clone(),
            register_unknown: settings.register_unknown_operators,
        }
    }

    pub(super) fn registers(&self) -> impl Iterator<Item = RegisterNumber> {
        let units = self.companies.iter().flat_map(|company| &company.units);
        units.flat_map(|unit| unit.registers.iter().map(|register| register.number))
    }

    pub(super) fn place(&self, number: RegisterNumber) -> Result<Place<'_>, Rejection> {
        let found = self.companies.iter().find_map(|company| {
            company.units.iter().find_map(|unit| {
                let register = unit.registers.iter().find(|register| register.number == number)?;
                Some(Place {
                    company,
                    unit,
                    register,
                })
            })
        });
        found.ok_or_else(|| {
            refuse(
                ErrorCode::TransactionsRegistrarAbsent,
                format!("ПРРО з фіскальним номером {number} не зареєстрований"),
            )
        })
    }

    /// The companies whose code stands in the signer's certificate: its own, and that of the organisation it signs for.
    pub(super) fn companies_of<'a>(&'a self, signer: &'a Who) -> impl Iterator<Item = &'a Company> {
        self.companies
            .iter()
            .filter(|company| signer.is_of(&company.tax_number))
    }

    /// Codes 3 and 2: whether the signer's certificate is of the company, and the key registered.
    pub(super) fn access(&self, company: &Company, signer: &Who) -> Result<Access, Rejection> {
        if !signer.is_of(&company.tax_number) {
            return Err(refuse(
                ErrorCode::InvalidTin,
                format!(
                    "Код платника в сертифікаті підписувача не збігається з кодом суб'єкта господарювання {}",
                    company.tax_number
                ),
            ));
        }
        match self.operator(company, signer) {
            Some(operator) => Ok(Access {
                chief: operator.chief,
                new: false,
            }),
            None if self.register_unknown => Ok(Access {
                chief: false,
                new: true,
            }),
            None => Err(refuse(
                ErrorCode::OperatorAccessToTransactionsRegistrarNotGranted,
                format!("Користувач {} не має доступу до ПРРО", signer.key_id),
            )),
        }
    }

    pub(super) fn operator(&self, company: &Company, signer: &Who) -> Option<&Operator> {
        let company = self
            .companies
            .iter()
            .find(|known| known.tax_number == company.tax_number)?;
        company
            .operators
            .iter()
            .find(|operator| operator.subject_key_id.eq_ignore_ascii_case(&signer.key_id))
    }

    pub(super) fn enlist(&mut self, tax_number: &str, operator: &Operator) {
        let company = self
            .companies
            .iter_mut()
            .find(|company| company.tax_number == tax_number);
        // A company that was taken out of the settings has no registers that its operators could use.
        if let Some(company) = company {
            company.operators.push(operator.clone());
        }
    }
}
