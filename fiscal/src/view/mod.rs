//! What people see of a document: printed text, HTML, PDF, picture, QR code.
//!
//! A [`View`] is what a receipt says, block by block; each form is drawn from the same blocks, so that none says more than another. The
//! content follows the form of receipts (order of the Ministry of Finance No 13, "printed receipt text essentials"). The same document
//! gives the same bytes: nothing here knows a clock, a locale or a file.
//!
//! A picture of the seller's (`LOGOURL`) is not shown: it would have to be fetched, and its host would learn who opens which receipt.

mod code;
mod error;
mod font;
mod html;
mod lines;
mod pdf;
mod picture;
mod sheet;
mod width;
mod words;

pub use code::Code;
pub use error::Error;
pub use picture::{DOTS_TALL_MAX, Scale};
pub use width::Width;

use crate::amount::Money;
use crate::document::{Document, Register, Seller, ZReport};
use crate::ids::FiscalNumber;
use crate::link::LinkTime;
use crate::moment::LocalMoment;
use sheet::Sheet;

/// What is shown.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// A document, and the number that its ticket gave; one that the document carries itself goes before it. Without either it is shown
    /// as not fiscal.
    Registered {
        /// The document.
        document: &'a Document,
        /// Its fiscal number, of an online document.
        fiscal_number: Option<&'a FiscalNumber>,
    },
    /// An X-report.
    Interim(&'a Interim),
}

/// An X-report: the totals of an open shift. It is no document, and has no number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interim {
    /// Who sells, and where.
    pub seller: Seller,
    /// Which register.
    pub register: Register,
    /// When the totals were taken.
    pub taken: LocalMoment,
    /// Who sat at the register.
    pub cashier: Option<String>,
    /// Whether the register was offline then.
    pub is_offline: bool,
    /// Whether the shift is a test.
    pub testing: bool,
    /// The totals, as a Z-report would carry them; of a closed shift, none.
    pub totals: ZReport,
}

/// What a document does not say, and a receipt shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Appearance<'a> {
    /// Name of the software, which the form asks for.
    pub software: &'a str,
    /// The seller's words to the buyer, below everything on sales and returns; lines are kept.
    pub footer: &'a str,
    /// Cash in the drawer, for reports.
    pub drawer: Option<Money>,
    /// How the link writes the time.
    pub link_time: LinkTime,
}

/// A receipt or report to be shown.
#[derive(Clone, Debug)]
pub struct View {
    sheet: Sheet,
}

impl View {
    /// Of a document or an X-report.
    #[must_use]
    pub fn new(subject: Subject<'_>, appearance: &Appearance<'_>) -> Self {
        Self {
            sheet: Sheet::new(subject, appearance),
        }
    }

    /// The tax cabinet's link, also the QR code's content; documents without a sum or a number have none.
    #[must_use]
    pub fn link(&self) -> Option<&str> {
        self.sheet.link.as_deref()
    }

    /// The QR code of the link.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        self.link().map(Code::of)
    }

    /// The printed text: lines of at most `width` characters of windows-1251, each ended by `\n`, without a drawn QR code.
    #[must_use]
    pub fn text(&self, width: Width) -> String {
        lines::text(&self.sheet, width)
    }

    /// A page of its own: nothing is fetched and nothing runs, light and dark, on a phone, and on paper of 58 and 80 mm.
    #[must_use]
    pub fn html(&self) -> String {
        html::page(&self.sheet)
    }

    /// A PDF on a roll of paper: 58 mm up to 36 columns, else 80 mm, as long as the receipt is. Its text can be selected and searched,
    /// and its QR code and link be followed.
    #[must_use]
    pub fn pdf(&self, width: Width) -> Vec<u8> {
        pdf::document(&self.sheet, width)
    }

    /// A picture (PNG, 16 shades of grey) as a receipt printer of 203 dots to the inch prints it: 12 dots a character at [`Scale::ONE`],
    /// so that 32 characters are the 384 dots of 58 mm paper and 48 the 576 of 80 mm. There is no margin at the sides: paper has its own.
    ///
    /// # Errors
    /// [`Error::TooTall`] for a receipt that is longer than pictures are.
    pub fn png(&self, width: Width, scale: Scale) -> Result<Vec<u8>, Error> {
        picture::png(&self.sheet, width, scale)
    }
}
