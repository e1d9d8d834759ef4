//! Texts made fit for a printed line: cleaned of what no printer shows, and wrapped.

use encoding_rs::WINDOWS_1251;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm, wrap};

/// Where a word may be parted, shown only where it is.
const SOFT_HYPHEN: char = '\u{ad}';

/// A text of one line, of characters one column wide: blanks run together, line ends and control characters become blanks, soft hyphens
/// go, the hryvnia's sign is spelt, and what windows-1251 does not have is a question mark.
///
/// A document has nothing else but windows-1251; the question marks are for what stands beside it, and for documents that were never
/// written.
pub(super) fn clean(text: &str) -> String {
    let is_blank = |character: char| character.is_whitespace() || character.is_control();
    let mut cleaned = String::with_capacity(text.len());
    for word in text.split(is_blank) {
        // Soft hyphens may be all of a word.
        let word = word.trim_matches(SOFT_HYPHEN);
        if word.is_empty() {
            continue;
        }
        if !cleaned.is_empty() {
            cleaned.push(' ');
        }
        if WINDOWS_1251.encode(word).2 || word.contains(SOFT_HYPHEN) {
            word.chars()
                .for_each(|character| push_printable(&mut cleaned, character));
        } else {
            cleaned.push_str(word);
        }
    }
    cleaned
}

fn push_printable(text: &mut String, character: char) {
    match character {
        SOFT_HYPHEN => {}
        '₴' => text.push_str("грн"),
        _ if WINDOWS_1251.encode(character.encode_utf8(&mut [0; 4])).2 => text.push('?'),
        _ => text.push(character),
    }
}

/// How many columns a cleaned text takes.
pub(super) fn columns(text: &str) -> usize {
    text.chars().count()
}

/// A cleaned text in lines of at most `width` columns, at least one: parted between words, and inside a word only when it is longer
/// than a line. Not behind hyphens: addresses abound in `р-н` and `м-н`.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let options = Options::new(width)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
        .break_words(true);
    wrap(text, options).into_iter().map(String::from).collect()
}

/// Lines as [`wrapped`], but as even as the same number of lines allows: for what is centred, where a last line of one word is ugly.
pub(super) fn balanced(text: &str, width: usize) -> Vec<String> {
    let count = wrapped(text, width).len();
    // Fewer columns never give fewer lines, so that the least width of as many is found by halving.
    let (mut least, mut most) = (1, width);
    while least < most {
        let middle = usize::midpoint(least, most);
        match wrapped(text, middle).len() > count {
            true => least = middle + 1,
            false => most = middle,
        }
    }
    wrapped(text, most)
}

/// Facts one after another, parted between them while each fits a line.
pub(super) fn flowing(facts: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for fact in facts {
        match lines.last_mut() {
            Some(line) if columns(line) + 1 + columns(fact) <= width => {
                line.push(' ');
                line.push_str(fact);
            }
            _ => lines.extend(wrapped(fact, width)),
        }
    }
    lines
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

/// The parts of a link between which it may be parted; joined, they are the link.
pub(super) fn link_parts(link: &str) -> impl Iterator<Item = &str> {
    link.split_inclusive(['/', '?']).flat_map(|part| {
        let mut starts: Vec<usize> = part
            .match_indices('&')
            .map(|(at, _)| at)
            .filter(|at| *at > 0)
            .collect();
        starts.insert(0, 0);
        starts.push(part.len());
        starts
            .windows(2)
            .map(|pair| &part[pair[0]..pair[1]])
            .collect::<Vec<_>>()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_printer_shows_is_gone() {
        let cases = [
            ("  Хліб\t\n\u{a0}білий \u{1}", "Хліб білий"),
            ("во\u{ad}да \u{ad} \u{ad}", "вода"),
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
            ("Оболонь р-н", &["Оболонь", "р-н"]),
            ("абвгґдеєжзиі ї", &["абвгґдеєж", "зиі ї"]),
        ];
        for (given, expected) in cases {
            assert_eq!(wrapped(given, 9), expected, "{given:?}");
        }
    }

    #[test]
    fn centred_lines_are_even() {
        assert_eq!(
            balanced("один два три чотири п'ять", 21),
            ["один два три", "чотири п'ять"]
        );
        assert_eq!(balanced("один", 21), ["один"]);
        assert_eq!(balanced(&"а".repeat(22), 21).len(), 2);
        assert_eq!(balanced("", 21), [""]);
    }

    #[test]
    fn facts_flow_and_are_parted_only_when_longer_than_a_line() {
        let facts = [
            "Код 17".to_owned(),
            "ШК 482000".to_owned(),
            "УКТЗЕД 2204219300".to_owned(),
        ];
        assert_eq!(flowing(&facts, 16), ["Код 17 ШК 482000", "УКТЗЕД", "2204219300"]);
        assert_eq!(
            flowing(&facts, 12),
            ["Код 17", "ШК 482000", "УКТЗЕД", "2204219300"]
        );
        assert_eq!(flowing(&[], 12), Vec::<String>::new());
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
