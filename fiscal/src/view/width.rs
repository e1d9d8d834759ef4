//! How many characters a printed line has.

use super::Error;

/// Characters of a printed line, 24 to 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Width(u8);

impl Width {
    /// Below it, a fiscal number and a sum do not stand on lines of their own.
    pub const LEAST: u16 = 24;
    /// 80 mm paper carries 64 characters in the small font of printers.
    pub const MOST: u16 = 64;
    /// 58 mm paper in the ordinary font of printers.
    pub const PAPER_58_MM: Self = Self(32);
    /// 80 mm paper with margins; also the narrower PDF of cash desks.
    pub const MIDDLE: Self = Self(40);
    /// 80 mm paper in the ordinary font of printers.
    pub const PAPER_80_MM: Self = Self(48);

    /// From a number of characters.
    ///
    /// # Errors
    /// [`Error::Width`] outside [`Self::LEAST`] to [`Self::MOST`].
    pub fn new(columns: u16) -> Result<Self, Error> {
        match u8::try_from(columns) {
            Ok(width) if (Self::LEAST..=Self::MOST).contains(&columns) => Ok(Self(width)),
            _ => Err(Error::Width(columns)),
        }
    }

    /// As a number of characters.
    #[must_use]
    pub const fn columns(self) -> u8 {
        self.0
    }

    pub(super) fn get(self) -> usize {
        self.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_width_is_24_to_64_columns() {
        for columns in [0, 23, 65, 256 + 32, u16::MAX] {
            assert_eq!(Width::new(columns), Err(Error::Width(columns)));
        }
        for columns in [24, 32, 40, 48, 64] {
            assert_eq!(Width::new(columns).map(Width::get), Ok(columns.into()));
        }
        assert_eq!(
            Error::Width(65).to_string(),
            "a width of 65 columns is not one of 24 to 64"
        );
    }
}
