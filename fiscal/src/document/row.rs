//! One row of a receipt: what was sold, and what a few trades add to it (check01.xsd, `TROWSBODY`).
//!
//! What a shop needs is a field of [`Row`]; what one trade needs is gathered in a group of its own, absent
//! elsewhere.

use super::codes::{CurrencyOperation, DiscountKind, DiscountUsage};
use crate::amount::{Money, Quantity};
use crate::xml::{
    Amount, AnyText, Boolean, Choice, Course, Cursor, DateTime, Dkpp, Error, Ipn, Number, Positive, Sum,
    TaxLetter, TaxLetters, Text, Tin, Uktzed, Unit, Writer, section,
};
use chrono::NaiveDateTime;

section! {
    /// One row of a receipt (`CHECKBODY/ROW`).
    #[derive(Default)]
    pub struct Row {
        /// The seller's code of the goods.
        optional CODE => code: Option<String> as Text<64>,
        /// Barcode.
        optional BARCODE => barcode: Option<String> as Text<64>,
        /// The state's code of the goods or of the service.
        choice UKTZED => classification: Option<Classification> as Classification,
        /// What is sold.
        optional NAME => name: Option<String> as Text<1024>,
        /// More about it.
        optional DESCRIPTION => description: Option<String> as AnyText,
        /// The unit's code, 1 to 99999.
        optional UNITCD => unit_code: Option<u32> as Unit,
        /// The unit's name.
        optional UNITNM => unit_name: Option<String> as Text<64>,
        /// How much of it.
        optional AMOUNT => quantity: Option<Quantity> as Amount,
        /// Duty-free: grams of tobacco in one.
        optional TOBACCOWEIGHT => tobacco_grams: Option<Quantity> as Amount,
        /// Duty-free: pieces in a pack.
        optional TOBACCOQT => tobacco_pieces: Option<u32> as Unit,
        /// Duty-free: strength, per cent by volume.
        optional ALCOSTRENGTH => alcohol_percent: Option<Quantity> as Amount,
        /// Duty-free: litres in one.
        optional ALCOVOL => alcohol_litres: Option<Quantity> as Amount,
        /// Price of one, rounded to two digits.
        optional PRICE => price: Option<Money> as Sum,
        /// The letters of its taxes.
        optional LETTERS => letters: Option<TaxLetters> as TaxLetters,
        /// The row's sum before discounts.
        optional COST => cost: Option<Money> as Sum,
        /// A transfer of money.
        inline RECIPIENTNM => transfer: Option<Box<Transfer>> as Transfer,
        /// Fuel.
        inline FUELORDERNUM => fuel: Option<Box<Fuel>> as Fuel,
        /// Currency.
        inline VALCD => currency: Option<Box<Currency>> as Currency,
        /// Pawnshop: false when paid out to the client, true when received.
        optional PWNDIR => pawnshop_received: Option<bool> as Boolean,
        /// A discount or surcharge.
        inline USAGETYPE => discount: Option<Box<Discount>> as Discount,
        /// The part of the price that is paid.
        optional PARTPAYSUM => part_sum: Option<Money> as Sum,
        /// A comment.
        optional COMMENT => comment: Option<String> as AnyText,
        /// Excise labels.
        rows EXCISELABELS => excise_labels: Vec<ExciseLabel> as ExciseLabel,
    }
}

/// The state's code of what is sold: goods or a service, never both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Classification {
    /// Goods (`UKTZED`): 4, 6, 8 or 10 digits, or five that begin with 00.
    Goods(String),
    /// A service (`DKPP`): `11.22.33-44.55` and its shorter forms.
    Service(String),
}

impl Choice for Classification {
    fn write(&self, out: &mut Writer) -> Result<(), Error> {
        match self {
            Self::Goods(code) => out.leaf::<Uktzed>("UKTZED", code),
            Self::Service(code) => out.leaf::<Dkpp>("DKPP", code),
        }
    }

    fn read(cursor: &mut Cursor<'_>) -> Result<Option<Self>, Error> {
        if let Some(code) = cursor.optional::<Uktzed>("UKTZED")? {
            return Ok(Some(Self::Goods(code)));
        }
        Ok(cursor.optional::<Dkpp>("DKPP")?.map(Self::Service))
    }
}

section! {
    /// A transfer of money, at a terminal or a provider of payments.
    #[derive(Default)]
    pub struct Transfer {
        /// The recipient.
        optional RECIPIENTNM => recipient: Option<String> as AnyText,
        /// The recipient's code.
        optional RECIPIENTIPN => recipient_number: Option<String> as Ipn,
        /// The recipient's bank's code.
        optional BANKCD => bank_code: Option<String> as Text<15>,
        /// The recipient's bank.
        optional BANKNM => bank_name: Option<String> as AnyText,
        /// The recipient's account.
        optional BANKRS => account: Option<String> as Text<64>,
        /// The recipient's means of payment.
        optional PAYDETAILS => recipient_means: Option<String> as AnyText,
        /// What it is for.
        optional PAYPURPOSE => purpose: Option<String> as Text<128>,
        /// The payer.
        optional PAYERNM => payer: Option<String> as AnyText,
        /// The payer's code.
        optional PAYERIPN => payer_number: Option<String> as Ipn,
        /// The payer's contract.
        optional PAYERPACTNUM => payer_contract: Option<String> as AnyText,
        /// The payer's means of payment.
        optional PAYDETAILSP => payer_means: Option<String> as AnyText,
        /// What the payment rests on.
        optional BASISPAY => basis: Option<String> as AnyText,
        /// The terminal, or the provider's branch.
        optional PTKSDEPTNUM => branch: Option<String> as Text<128>,
        /// The provider of payments.
        optional PROVIDERNM => provider: Option<String> as AnyText,
        /// The provider's taxpayer's code.
        optional PROVIDERTIN => provider_tax_number: Option<String> as Tin,
        /// The recipient's account at the provider.
        optional PROVIDERRCPRS => provider_account: Option<String> as Text<64>,
        /// The transfer's identifier.
        optional TRANSFERID => transfer_id: Option<String> as Text<128>,
        /// How it is paid out, on a return: one character.
        optional PAYOUTTYPE => payout: Option<String> as Text<1>,
    }
}

section! {
    /// A sale of fuel.
    #[derive(Default)]
    pub struct Fuel {
        /// The order to the dispenser.
        optional FUELORDERNUM => order: Option<String> as Text<128>,
        /// The unit of fuel.
        optional FUELUNITNM => unit_name: Option<String> as AnyText,
        /// The tank.
        optional FUELTANKNUM => tank: Option<String> as Text<64>,
        /// The dispenser.
        optional FUELCOLUMNNUM => dispenser: Option<String> as Text<64>,
        /// Its nozzle.
        optional FUELFAUCETNUM => nozzle: Option<String> as Text<64>,
        /// Whether it was sold while the dispenser was verified.
        optional FUELSALESIGN => verification: Option<bool> as Boolean,
    }
}

section! {
    /// An operation with currency.
    #[derive(Default)]
    pub struct Currency {
        /// Numeric code.
        optional VALCD => code: Option<u64> as Positive,
        /// Letters.
        optional VALSYMCD => letters: Option<String> as Text<64>,
        /// Name.
        optional VALNM => name: Option<String> as AnyText,
        /// What is done.
        optional VALOPERTYPE => operation: Option<CurrencyOperation> as Number<CurrencyOperation>,
        /// Numeric code of the currency given out.
        optional VALOUTCD => out_code: Option<u64> as Positive,
        /// Its letters.
        optional VALOUTSYMCD => out_letters: Option<String> as Text<64>,
        /// Its name.
        optional VALOUTNM => out_name: Option<String> as AnyText,
        /// The rate.
        optional VALCOURSE => course: Option<Course> as Course,
        /// Since when the rate holds.
        optional VALCOURSEDATE => course_since: Option<NaiveDateTime> as DateTime,
        /// The foreign sum.
        optional VALFOREIGNSUM => foreign_sum: Option<Money> as Sum,
        /// The sum in hryvnias.
        optional VALNATIONALSUM => national_sum: Option<Money> as Sum,
        /// Commission of a conversion.
        optional VALCOMMISSION => commission: Option<Money> as Sum,
        /// How many documents of this operation, 1 to 99999.
        optional VALOPERCNT => documents: Option<u32> as Unit,
        /// Whether the client was refused.
        optional VALREFUSESELL => refused: Option<bool> as Boolean,
    }
}

section! {
    /// A discount or surcharge on a row.
    #[derive(Default)]
    pub struct Discount {
        /// When it applies.
        optional USAGETYPE => usage: Option<DiscountUsage> as Number<DiscountUsage>,
        /// How it is given.
        optional DISCOUNTTYPE => kind: Option<DiscountKind> as Number<DiscountKind>,
        /// What it is taken from.
        optional SUBTOTAL => base: Option<Money> as Sum,
        /// The row that it is for, when it is for one only.
        optional DISCOUNTNUM => row: Option<u64> as Positive,
        /// The tax that it is for, when it is for one only.
        optional DISCOUNTTAX => tax: Option<TaxLetter> as TaxLetter,
        /// Per cent, when it is given so.
        optional DISCOUNTPERCENT => percent: Option<Money> as Sum,
        /// The discount; a surcharge is negative.
        optional DISCOUNTSUM => sum: Option<Money> as Sum,
    }
}

section! {
    /// Series and number of an excise label.
    pub struct ExciseLabel {
        /// As it is printed.
        required EXCISELABEL => text: String as Text<64>,
    }
}
