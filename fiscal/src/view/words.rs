//! Texts made fit for a printed line: cleaned of what no printer shows, and wrapped.

use encoding_rs::WINDOWS_1251;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm, wrap};

/// A text of one line, of characters one column wide: blanks run together, line ends and control characters become blanks, soft hyphens
/// go, the hryvnia's sign is spelt, and what windows-1251 does not have is a question mark.
///
/// A document has nothing else but windows-1251; the question marks are for what stands beside it, and for documents that were never
/// written.
pub(super) fn clean(text: &str) -> String {
    let is_blank = |character: char| character.is_whitespace() || character.is_control();
    let mut cleaned = String::with_capacity(text.len());
    for word in text.split(is_blank).filter(|word| !word.is_empty()) {
        if !cleaned.is_empty() {
            cleaned.push(' ');
        }
        if WINDOWS_1251.encode(word).2 || word.contains('\u{ad}') {
            word.chars().for_each(|character| push_printable(&mut cleaned, character));
        } else {
            cleaned.push_str(word);
        }
    }
    cleaned
}

fn push_printable(text: &mut String, character: char) {
    match character {
        '\u{ad}' => {}
        '₴' => text.push_str("грн"),
        _ if WINDOWS_1251.encode(character.encode_utf8(&mut [0; 4])).2 => text.push('?'),
        _ => text.push(character),
    }
}

/// How many columns a cleaned text takes.
pub(super) fn columns(text: &str) -> usize {
    text.chars().count()
}

/// A cleaned text in lines of at most `width` columns, at least one: parted between words, or behind a hyphen, and inside a word only
/// when it is longer than a line.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let options = Options::new(width)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::HyphenSplitter)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
        .break_words(true);
    wrap(text, options).into_iter().map(String::from).collect()
}

/// A link in lines of at most `width` columns, which are the link when joined: parted before `&` and behind `/` and `?`, and elsewhere
/// only when a part is longer than a line.
pub(super) fn wrapped_link(link: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for part in link_parts(link) {
        for piece in pieces(part, width) {
            let line = lines.last_mut().expect("there is always a line");
            if columns(line) + columns(piece) > width {
                lines.push(piece.to_owned());
            } else {
                line.push_str(piece);
            }
        }
    }
    lines
}

/// A text in pieces of at most `width` columns.
pub(super) fn pieces(text: &str, width: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let cut = rest.char_indices().nth(width).map_or(rest.len(), |(at, _)| at);
        let (piece, after) = rest.split_at(cut);
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

fn link_parts(link: &str) -> impl Iterator<Item = &str> {
    link.split_inclusive(['/', '?']).flat_map(|part| {
        let mut starts: Vec<usize> = part.match_indices('&').map(|(at, _)| at).filter(|at| *at > 0).collect();
        starts.insert(0, 0);
        starts.push(part.len());
        starts.windows(2).map(|pair| &part[pair[0]..pair[1]]).collect::<Vec<_>>()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_printer_shows_is_gone() {
        let cases = [
            ("  Хліб\t\n\u{a0}білий \u{1}", "Хліб білий"),
            ("во\u{ad}да", "вода"),
            ("100 ₴", "100 грн"),
            ("Кава ☕ «Ґанок» №5 — 25€", "Кава ? «Ґанок» №5 — 25€"),
            ("\r\n", ""),
        ];
        for (given, expected) in cases {
            assert_eq!(clean(given), expected, "{given:?}");
        }
    }

    #[test]
    fn words_are_parted_between_and_cut_only_when_longer_than_a_line() {
        let cases: [(&str, &[&str]); 5] = [
            ("", &[""]),
            ("Хліб житній", &["Хліб", "житній"]),
            ("один два три", &["один два", "три"]),
            ("гостро-солодкий", &["гостро-", "солодкий"]),
            ("абвгґдеєжзиі ї", &["абвгґдеєж", "зиі ї"]),
        ];
        for (given, expected) in cases {
            assert_eq!(wrapped(given, 9), expected, "{given:?}");
        }
    }

    #[test]
    fn a_link_is_parted_at_its_joints() {
        let link = "https://tax.example/check?id=123&date=20260205&mac=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
        let expected = [
            "https://tax.example/",
            "check?id=123",
            "&date=20260205",
            "&mac=aaaaaaaaaaaaaaa",
            "aaaaaaaaaaaaaaaaa",
        ];
        assert_eq!(wrapped_link(link, 20), expected);
        assert_eq!(wrapped_link(link, 24).concat(), link);
    }
}
