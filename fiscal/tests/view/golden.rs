//! One text of each kind, as it is printed. `UPDATE_GOLDEN=1` writes them anew, to be read before they are committed.

use crate::samples;
use fiscal::view::Width;
use std::path::PathBuf;

fn check(name: &str, text: &str) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, text).expect("a golden file");
    }
    let golden = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    assert_eq!(text, golden, "{name}: it is printed in another way than before");
}

#[test]
fn every_kind_of_document_is_printed_as_it_was_on_narrow_paper() {
    for (name, sample) in samples::all() {
        check(name, &sample.view().text(Width::PAPER_58_MM));
    }
}

#[test]
fn a_sale_is_printed_as_it_was_at_every_common_width() {
    let (_, sample) = samples::all().swap_remove(0);
    check("sale-40", &sample.view().text(Width::MIDDLE));
    check("sale-48", &sample.view().text(Width::PAPER_80_MM));
}
