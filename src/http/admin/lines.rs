//! Cuts a stream into lines, never holding more than one.

/// A line that has ended.
#[derive(Debug, PartialEq)]
pub(in crate::http) enum Taken {
    /// Without its line feed.
    Whole(Vec<u8>),
    /// Nothing but white space.
    Blank,
    /// Longer than allowed; it was dropped.
    TooLong,
}

/// The line that has begun.
pub(in crate::http) struct Lines {
    bytes_max: usize,
    begun: Vec<u8>,
    overflowed: bool,
}

impl Lines {
    /// Lines of at most so many bytes.
    pub(in crate::http) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            begun: Vec::new(),
            overflowed: false,
        }
    }

    /// Takes a piece of the stream, gives the lines that end in it.
    pub(in crate::http) fn push(&mut self, piece: &[u8]) -> Vec<Taken> {
        let mut lines = Vec::new();
        let mut parts = piece.split(|byte| *byte == b'\n').peekable();
        while let Some(part) = parts.next() {
            if self.begun.len() + part.len() > self.bytes_max {
                self.overflowed = true;
                self.begun.clear();
            }
            if !self.overflowed {
                self.begun.extend_from_slice(part);
            }
            if parts.peek().is_some() {
                lines.push(self.end());
            }
        }
        lines
    }

    /// What stands behind the last line feed.
    pub(in crate::http) fn finish(&mut self) -> Option<Taken> {
        Some(self.end()).filter(|line| *line != Taken::Blank)
    }

    fn end(&mut self) -> Taken {
        let bytes = std::mem::take(&mut self.begun);
        if std::mem::take(&mut self.overflowed) {
            return Taken::TooLong;
        }
        if bytes.iter().all(u8::is_ascii_whitespace) {
            Taken::Blank
        } else {
            Taken::Whole(bytes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_wherever_the_pieces_end() {
        for size in 1..9 {
            let mut lines = Lines::new(10);
            let mut taken: Vec<Taken> = b"one\n\ntwo\r\nthree"
                .chunks(size)
                .flat_map(|piece| lines.push(piece))
                .collect();
            taken.extend(lines.finish());
            let whole = |text: &str| Taken::Whole(text.as_bytes().to_vec());
            assert_eq!(
                taken,
                [whole("one"), Taken::Blank, whole("two\r"), whole("three")],
                "pieces of {size}"
            );
        }
    }

    #[test]
    fn a_line_too_long_is_named_and_the_next_one_is_whole() {
        let mut lines = Lines::new(8);
        let mut taken = lines.push(b"xxxxxxxx");
        taken.extend(lines.push(b"x"));
        assert!(lines.begun.is_empty(), "nothing of it is held");
        taken.extend(lines.push(b"yyy\nnext\n"));
        assert_eq!(taken, [Taken::TooLong, Taken::Whole(b"next".to_vec())]);
    }
}
