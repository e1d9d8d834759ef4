//! The figures of an X or a Z report.

use super::{Section, Withdrawals};
use crate::Money;
use serde::{Deserialize, Serialize};

/// What a report says. A section in which nothing happened is left out, as the Z leaves it out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// ZREPREALIZ: sales, and a pawnshop's receipts.
    pub sales: Option<Section>,
    /// ZREPRETURN.
    pub returns: Option<Section>,
    /// ZREPCASH.
    pub withdrawals: Option<Withdrawals>,
    /// SERVICEINPUT: Σ of DOCSUBTYPE 2 and 3.
    pub service_input: Money,
    /// SERVICEOUTPUT: Σ of DOCSUBTYPE 4.
    pub service_output: Money,
}
