//! Blocks as printed lines of a width.

use super::sheet::{Block, Pair, Sheet};
use super::width::Width;
use super::words::{balanced, columns, flowing, pieces, wrapped, wrapped_link};

/// What stands on a line of paper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Printed {
    /// A line of text.
    Text(Line),
    /// The QR code, as high as it is.
    Code,
}

/// A line of text, at most as wide as was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub text: String,
    pub is_strong: bool,
    /// A part of the link.
    pub is_link: bool,
}

/// A label is given less than the line only while this part of the line is left to it; else its sum has a line of its own.
const LABEL_PART: usize = 3;

/// The printed text, without the QR code.
pub(super) fn text(sheet: &Sheet, width: Width) -> String {
    let mut text = String::new();
    for printed in printed(sheet, width) {
        if let Printed::Text(line) = printed {
            text.push_str(&line.text);
            text.push('\n');
        }
    }
    text
}

/// All lines.
pub(super) fn printed(sheet: &Sheet, width: Width) -> Vec<Printed> {
    let width = width.get();
    let mut printed = Vec::with_capacity(sheet.blocks.len() * 2);
    for block in &sheet.blocks {
        let (lines, is_strong, is_link) = match block {
            Block::Heading(text) => (centred(text, width), true, false),
            Block::Centred(text) => (centred(text, width), false, false),
            Block::Line(text) => (wrapped(text, width), false, false),
            Block::Flow(facts) => (flowing(facts, width), false, false),
            Block::Pair(pair) => (pair_lines(pair, width, sheet.mark_columns), pair.is_strong, false),
            Block::Rule => (vec!["-".repeat(width)], false, false),
            Block::Link => (
                wrapped_link(sheet.link.as_deref().unwrap_or_default(), width),
                false,
                true,
            ),
            Block::Code => {
                printed.push(Printed::Code);
                continue;
            }
        };
        printed.extend(lines.into_iter().map(|text| {
            Printed::Text(Line {
                text,
                is_strong,
                is_link,
            })
        }));
    }
    printed
}

fn centred(text: &str, width: usize) -> Vec<String> {
    let lines = balanced(text, width).into_iter();
    lines
        .map(|line| {
            let blanks = (width - columns(&line)) / 2;
            format!("{:blanks$}{line}", "")
        })
        .collect()
}

/// The label from the left, the value so that it ends where all values end, the mark behind it.
fn pair_lines(pair: &Pair, width: usize, mark_columns: usize) -> Vec<String> {
    // A blank and the column of the letters, when any row has letters.
    let edge = if mark_columns == 0 {
        width
    } else {
        width - mark_columns - 1
    };
    let value_columns = columns(&pair.value);
    let beside = edge.saturating_sub(value_columns + 1);
    let has_room = beside >= edge / LABEL_PART;
    let mut lines = wrapped(&pair.label, if has_room { beside } else { edge });
    if !has_room {
        if pair.label.is_empty() {
            lines.clear();
        }
        lines.extend(pieces(&pair.value, edge).map(|piece| format!("{piece:>edge$}")));
    } else if let Some(last) = lines.last_mut() {
        let blanks = edge - columns(last) - value_columns;
        *last = format!("{last}{:blanks$}{}", "", pair.value);
    }
    if let Some(last) = lines.last_mut()
        && !pair.mark.is_empty()
    {
        *last = format!("{last} {}", pair.mark);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(label: &str, value: &str, mark: &str) -> Pair {
        Pair {
            label: label.into(),
            value: value.into(),
            mark: mark.into(),
            is_strong: false,
        }
    }

    #[test]
    fn a_sum_ends_where_all_sums_end_and_its_letters_stand_behind() {
        let cases: [(Pair, usize, &[&str]); 6] = [
            (pair("СУМА", "5.00", ""), 0, &["СУМА            5.00"]),
            (pair("СУМА", "5.00", ""), 2, &["СУМА         5.00"]),
            (pair("1 шт", "5.00", "АГ"), 2, &["1 шт         5.00 АГ"]),
            (pair("", "5.00", "А"), 1, &["              5.00 А"]),
            (
                pair("Переказ з рахунку покупця", "1234.56", ""),
                0,
                &["Переказ з", "рахунку", "покупця      1234.56"],
            ),
            (
                pair("Видано клієнту", "-1000000000.00", ""),
                0,
                &["Видано клієнту", "      -1000000000.00"],
            ),
        ];
        for (pair, marks, expected) in cases {
            assert_eq!(pair_lines(&pair, 20, marks), expected, "{pair:?}");
        }
    }

    #[test]
    fn a_value_longer_than_a_line_is_cut_and_stays_at_the_right() {
        let lines = pair_lines(&pair("Сума", &"9".repeat(25), ""), 20, 0);
        assert_eq!(
            lines,
            ["Сума".to_owned(), "9".repeat(20), format!("{:>20}", "99999")]
        );
    }
}
