//! Test shifts (section "testing documents"): registered like any other, fiscal in nothing.

use crate::document::{Document, Kind};

/// What is printed on every document of a test shift.
pub const TEST_MARK: &str = "ТЕСТОВИЙ НЕФІСКАЛЬНИЙ ДОКУМЕНТ";

/// Whether a document may stand in a shift of this kind: all documents of a shift are tests, or none is. The first and last document of an
/// offline session are never tests, and stand in either.
#[must_use]
pub const fn may_stand_in(document: &Document, test_shift: bool) -> bool {
    match document.kind {
        Kind::OfflineBegin { .. } | Kind::OfflineEnd => !document.head.testing,
        _ => document.head.testing == test_shift,
    }
}
