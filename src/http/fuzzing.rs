//! Doors for the targets in `fuzz/`: what comes from outside as bytes, parsed as the routes parse it.

pub use super::cashdesk::fuzzing as cashdesk;

use super::admin::import;
use super::admin::lines::{Lines, Taken};
use super::otp_body::{parse_send, parse_verify};

/// A send's body; whether it was taken.
pub fn send(body: &[u8]) -> bool {
    parse_send(body).is_ok()
}

/// A verification's body; whether it was taken.
pub fn verify(body: &[u8]) -> bool {
    parse_verify(body).is_ok()
}

/// A line of an import: whether it makes a change that the directory would take.
pub fn import_line(line: &[u8]) -> bool {
    import::parse(line).is_ok_and(|change| change.check().is_ok())
}

/// The lines of `pieces`, as an import cuts them: `None` stands for a line that is too long, an empty one for a blank one.
pub fn lines<'a>(pieces: impl Iterator<Item = &'a [u8]>, bytes_max: usize) -> Vec<Option<Vec<u8>>> {
    let mut lines = Lines::new(bytes_max);
    let mut taken: Vec<Taken> = pieces.flat_map(|piece| lines.push(piece)).collect();
    taken.extend(lines.finish());
    let line = |taken| match taken {
        Taken::Whole(line) => Some(line),
        Taken::Blank => Some(Vec::new()),
        Taken::TooLong => None,
    };
    taken.into_iter().map(line).collect()
}
