//! The message that the customer reads (CM-S02, step 8).

use crate::secret::{Otp, Secret};
use std::borrow::Cow;

/// The document's four lines. The code stands alone on the last one, so that bidirectional text does not reorder it. Line breaks and
/// control characters inside a name or title become spaces: they would make the message a different one.
pub fn signing_text(brand: &str, full_name: &str, title: &str, code: &Otp) -> Secret {
    let (brand, full_name, title) = (one_line(brand), one_line(full_name), one_line(title));
    let lines: [&str; 7] = [
        &brand,
        "\n",
        &full_name,
        " گرامی\nرمز یک بار مصرف برای امضای دیجیتال قرارداد ",
        &title,
        ":\n",
        code.expose(),
    ];
    // Made in one piece: a text that grows would leave copies of itself behind.
    Secret::new(lines.concat())
}

fn one_line(text: &str) -> Cow<'_, str> {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let text = text.trim();
    if text.contains(breaks) {
        text.replace(breaks, " ").into()
    } else {
        text.into()
    }
}
