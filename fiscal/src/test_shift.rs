//! Test shifts (section "testing documents"): registered like any other, fiscal in nothing.

use crate::document::{Document, Kind};

/// What is printed on every document of a test shift.
pub const TEST_MARK: &str = "ТЕСТОВИЙ НЕФІСКАЛЬНИЙ ДОКУМЕНТ";

/// Whether a document may stand in a shift of this kind: all documents of a shift are tests, or none is. The
/// first and last document of an offline session are never tests, and stand in either.
#[must_use]
pub const fn may_stand_in(document: &Document, test_shift: bool) -> bool {
    match document.kind {
        Kind::OfflineBegin { .. } | Kind::OfflineEnd => !document.head.testing,
        _ => document.head.testing == test_shift,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Head, Register, Seller};
    use crate::ids::{CashDeskNumber, FiscalNumber, LocalNumber, RegisterNumber, Uid};
    use crate::moment::LocalMoment;

    fn document(kind: Kind, testing: bool) -> Document {
        let seller = Seller {
            tax_number: "34554363".to_owned(),
            vat_number: None,
            organisation: "ТОВ".to_owned(),
            point: "Крамниця".to_owned(),
            address: None,
        };
        let register = Register {
            cash_desk: CashDeskNumber::new(1).expect("a number"),
            number: RegisterNumber::new(4_000_000_001).expect("a number"),
        };
        let issued = LocalMoment::from_parts("05022026", "090807").expect("a moment");
        let head = Head::new(
            Uid::new("A1").expect("a UID"),
            seller,
            register,
            issued,
            LocalNumber::new(1).expect("a number"),
        );
        let number = FiscalNumber::new("1.1.1").expect("a number");
        Document {
            head: if testing {
                head.as_test()
            } else {
                head.offline(number, None)
            },
            kind,
        }
    }

    #[test]
    fn a_shift_is_a_test_in_all_its_documents_or_in_none() {
        for testing in [false, true] {
            for shift in [false, true] {
                assert_eq!(
                    may_stand_in(&document(Kind::OpenShift, testing), shift),
                    testing == shift
                );
                assert_eq!(
                    may_stand_in(&document(Kind::OfflineEnd, testing), shift),
                    !testing
                );
            }
        }
    }
}
