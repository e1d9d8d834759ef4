//! Why a view is refused.

use super::picture::{DOTS_TALL_MAX, Scale};
use super::width::Width;

/// Why a view is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Fewer or more columns than are drawn.
    #[error("a width of {0} columns is not one of {least} to {most}", least = Width::LEAST, most = Width::MOST)]
    Width(u16),
    /// A picture smaller or larger than is drawn.
    #[error("a scale of {0} is not one of 1 to {most}", most = Scale::MOST)]
    Scale(u16),
    /// A picture of so many dots from top to bottom that nothing would show it.
    #[error("a picture of {0} dots from top to bottom is taller than {DOTS_TALL_MAX}")]
    TooTall(usize),
}
