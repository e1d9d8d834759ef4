//! What a receipt holds behind its head: totals, payments, taxes and the special sections, in the schema's
//! order (check01.xsd).

use super::codes::{CARD, CASH, DiscountKind, DiscountUsage, PartPayment, PaymentForm, TaxType};
use super::row::Row;
use crate::amount::Money;
use crate::xml::{AnyText, Course, DateTime, Number, Positive, Sum, TaxLetter, Text, section};
use chrono::NaiveDateTime;

section! {
    /// Everything behind a receipt's head. Tables without rows are not written.
    #[derive(Default)]
    pub struct Receipt {
        /// The totals.
        section CHECKTOTAL => total: Option<Total> as Total,
        /// How it was paid.
        rows CHECKPAY => payments: Vec<Payment> as Payment,
        /// The taxes in it.
        rows CHECKTAX => taxes: Vec<Tax> as Tax,
        /// The self-service terminal that issued it.
        section CHECKPTKS => terminal: Option<Box<Terminal>> as Terminal,
        /// Duty-free: who bought, and in which currency.
        rows CHECKDUTYFREE => duty_free: Vec<DutyFree> as DutyFree,
        /// Duty-free: the change, in which currency.
        rows CHECKDUTYFREEREMAINS => duty_free_change: Vec<DutyFreeChange> as DutyFreeChange,
        /// What was sold.
        rows CHECKBODY => rows: Vec<Row> as Row,
    }
}

impl Receipt {
    /// The first section that is there, for whoever must say that it should not be.
    pub(super) fn first_section(&self) -> Option<&'static str> {
        let sections = [
            ("CHECKTOTAL", self.total.is_some()),
            ("CHECKPAY", !self.payments.is_empty()),
            ("CHECKTAX", !self.taxes.is_empty()),
            ("CHECKPTKS", self.terminal.is_some()),
            ("CHECKDUTYFREE", !self.duty_free.is_empty()),
            ("CHECKDUTYFREEREMAINS", !self.duty_free_change.is_empty()),
            ("CHECKBODY", !self.rows.is_empty()),
        ];
        sections
            .into_iter()
            .find_map(|(section, is_there)| is_there.then_some(section))
    }
}

section! {
    /// The totals of a receipt (`CHECKTOTAL`), in hryvnias.
    #[derive(Default)]
    pub struct Total {
        /// To pay, after discounts and rounding.
        optional SUM => sum: Option<Money> as Sum,
        /// Pawnshop: paid out to the client.
        optional PWNSUMISSUED => pawnshop_issued: Option<Money> as Sum,
        /// Pawnshop: received from the client.
        optional PWNSUMRECEIVED => pawnshop_received: Option<Money> as Sum,
        /// Rounding: `unrounded` − `sum`, negative when rounded up.
        optional RNDSUM => rounding: Option<Money> as Sum,
        /// To pay before rounding.
        optional NORNDSUM => unrounded: Option<Money> as Sum,
        /// Without taxes.
        optional NOTAXSUM => untaxed: Option<Money> as Sum,
        /// Commission.
        optional COMMISSION => commission: Option<Money> as Sum,
        /// When the discount on the whole receipt applies.
        optional USAGETYPE => discount_usage: Option<DiscountUsage> as Number<DiscountUsage>,
        /// What the discount is taken from.
        optional SUBCHECK => discount_base: Option<Money> as Sum,
        /// How the discount is given.
        optional DISCOUNTTYPE => discount_kind: Option<DiscountKind> as Number<DiscountKind>,
        /// Per cent of the discount, when it is given so.
        optional DISCOUNTPERCENT => discount_percent: Option<Money> as Sum,
        /// All discounts of the receipt.
        optional DISCOUNTSUM => discount: Option<Money> as Sum,
        /// Which part of the price is paid.
        optional PARTPAYTYPE => part_payment: Option<PartPayment> as Number<PartPayment>,
        /// Per cent of the price that this part is.
        optional PARTPAYPERCENT => part_percent: Option<Money> as Sum,
        /// The part.
        optional PARTPAYSUM => part_sum: Option<Money> as Sum,
        /// Fiscal number of the prepayment's receipt, for later parts.
        optional PARTPAYORDPREPAYNUM => prepayment_number: Option<String> as Text<128>,
    }
}

impl Total {
    /// A sum and nothing else.
    #[must_use]
    pub fn of(sum: Money) -> Self {
        Self {
            sum: Some(sum),
            ..Self::default()
        }
    }
}

section! {
    /// One form of payment (`CHECKPAY/ROW`).
    pub struct Payment {
        /// Its code.
        required PAYFORMCD => form: PaymentForm as Number<PaymentForm>,
        /// Its name.
        required PAYFORMNM => name: String as AnyText,
        /// Paid by it.
        optional SUM => sum: Option<Money> as Sum,
        /// Tendered, only when there is change.
        optional PROVIDED => provided: Option<Money> as Sum,
        /// Change, only when there is some.
        optional REMAINS => change: Option<Money> as Sum,
        /// The payment systems that carried it: a card's terminal.
        rows PAYSYS => systems: Vec<PaymentSystem> as PaymentSystem,
    }
}

impl Payment {
    /// A payment of any form, under the name it is known by; see [`PaymentForm::name`].
    #[must_use]
    pub fn new(form: PaymentForm, name: impl Into<String>, sum: Money) -> Self {
        Self {
            form,
            name: name.into(),
            sum: Some(sum),
            provided: None,
            change: None,
            systems: Vec::new(),
        }
    }

    /// A payment in cash without change.
    #[must_use]
    pub fn cash(sum: Money) -> Self {
        Self::new(PaymentForm::CASH, CASH, sum)
    }

    /// A payment in cash of which some was given back. Without change, `PROVIDED` and `REMAINS` are left out,
    /// as the schema asks.
    #[must_use]
    pub fn cash_with_change(sum: Money, provided: Money, change: Money) -> Self {
        if change.is_zero() {
            return Self::cash(sum);
        }
        Self {
            provided: Some(provided),
            change: Some(change),
            ..Self::cash(sum)
        }
    }

    /// A payment by card through one terminal.
    #[must_use]
    pub fn card(sum: Money, system: PaymentSystem) -> Self {
        Self {
            systems: vec![system],
            ..Self::new(PaymentForm::CARD, CARD, sum)
        }
    }
}

section! {
    /// One payment system of a payment (`PAYSYS/ROW`).
    #[derive(Default)]
    pub struct PaymentSystem {
        /// Taxpayer's code of the system.
        optional TAXNUM => tax_number: Option<String> as Text<128>,
        /// Its name: Visa, Mastercard, ПРОСТІР.
        optional NAME => name: Option<String> as AnyText,
        /// The acquirer's identifier.
        optional ACQUIREID => acquirer_id: Option<String> as Text<128>,
        /// The acquirer's taxpayer's code.
        optional ACQUIREPN => acquirer_tax_number: Option<String> as Text<128>,
        /// The acquirer's name.
        optional ACQUIRENM => acquirer_name: Option<String> as AnyText,
        /// Identifier of the transaction (RRN).
        optional ACQUIRETRANSID => transaction_id: Option<String> as Text<128>,
        /// When the terminal did it.
        optional POSTRANSDATE => transaction_at: Option<NaiveDateTime> as DateTime,
        /// Number of the terminal's receipt.
        optional POSTRANSNUM => transaction_number: Option<String> as Text<128>,
        /// The terminal.
        optional DEVICEID => device_id: Option<String> as Text<128>,
        /// The card's masked number.
        optional EPZDETAILS => card: Option<String> as Text<128>,
        /// The authorisation's code.
        optional AUTHCD => authorisation: Option<String> as Text<64>,
        /// Whatever the operation needs to say of the client.
        optional CLIENTINFO => client: Option<String> as Text<256>,
        /// Paid through it.
        optional SUM => sum: Option<Money> as Sum,
        /// Its commission.
        optional COMMISSION => commission: Option<Money> as Sum,
    }
}

section! {
    /// One tax of a receipt (`CHECKTAX/ROW`).
    pub struct Tax {
        /// What it is.
        required TYPE => tax: TaxType as Number<TaxType>,
        /// Its name: ПДВ, Акциз.
        required NAME => name: String as Text<64>,
        /// Its letter.
        optional LETTER => letter: Option<TaxLetter> as TaxLetter,
        /// Its rate in per cent, two digits.
        required PRC => rate: Money as Sum,
        /// Whether it comes on top of the price.
        optional SIGN => on_top: Option<bool> as crate::xml::Boolean,
        /// What was sold under it, before discounts.
        required TURNOVER => turnover: Money as Sum,
        /// The same after discounts.
        optional TURNOVERDISCOUNT => discounted_turnover: Option<Money> as Sum,
        /// What it is computed from: after discounts, and for VAT without excise.
        optional SOURCESUM => base: Option<Money> as Sum,
        /// The tax.
        required SUM => sum: Money as Sum,
    }
}

section! {
    /// The self-service terminal that issued a receipt (`CHECKPTKS`).
    #[derive(Default)]
    pub struct Terminal {
        /// Taxpayer's code of the operator.
        optional PTKSPN => operator_tax_number: Option<String> as Text<128>,
        /// The operator's name.
        optional PTKSNM => operator_name: Option<String> as AnyText,
        /// Taxpayer's code of the payment system.
        optional PAYSYSTEMPN => system_tax_number: Option<String> as Text<128>,
        /// The payment system's name.
        optional PAYSYSTEMNM => system_name: Option<String> as AnyText,
        /// The acquirer's identifier.
        optional ACQUIREID => acquirer_id: Option<String> as Text<128>,
        /// The acquirer's taxpayer's code.
        optional ACQUIREPN => acquirer_tax_number: Option<String> as Text<128>,
        /// The acquirer's name.
        optional ACQUIRENM => acquirer_name: Option<String> as AnyText,
        /// Identifier of the transaction.
        optional ACQUIRETRANSID => transaction_id: Option<String> as Text<128>,
        /// When the terminal did it.
        optional POSTRANSDATE => transaction_at: Option<NaiveDateTime> as DateTime,
        /// Number of the terminal's receipt.
        optional POSTRANSNUM => transaction_number: Option<String> as Text<128>,
        /// The device that took the payment.
        optional DEVICEID => device_id: Option<String> as Text<128>,
        /// The card's masked number.
        optional EPZDETAILS => card: Option<String> as Text<128>,
        /// The authorisation's code.
        optional AUTHCD => authorisation: Option<String> as Text<64>,
        /// The terminal's number.
        optional TERMINALNUM => number: Option<String> as Text<64>,
        /// Where it stands.
        optional TERMINALADDR => address: Option<String> as AnyText,
        /// The operation's number at the terminal.
        optional OPERNUM => operation_number: Option<String> as Text<64>,
        /// The operation's number at the operator.
        optional OPERSYSNUM => operator_operation_number: Option<String> as Text<64>,
        /// The bank's code.
        optional BANKCD => bank_code: Option<String> as Text<15>,
        /// The recipient's bank.
        optional BANKNM => bank_name: Option<String> as AnyText,
    }
}

section! {
    /// Who bought duty-free, and in which currency was paid (`CHECKDUTYFREE/ROW`).
    pub struct DutyFree {
        /// Series and number of the passport.
        required PASSPORTDOC => passport: String as Text<128>,
        /// The country that issued it.
        required PASSPORTCOUNTRY => passport_country: String as Text<128>,
        /// The currency's numeric code.
        required VALCD => currency_code: u64 as Positive,
        /// The currency's letters.
        required VALSYMCD => currency: String as Text<64>,
        /// The currency's name.
        optional VALNM => currency_name: Option<String> as AnyText,
        /// Its rate.
        optional VALCOURSE => course: Option<Course> as Course,
        /// Paid in it.
        required SUM => sum: Money as Sum,
        /// Tendered in it, only when there is change.
        optional PROVIDED => provided: Option<Money> as Sum,
    }
}

section! {
    /// The change of a duty-free sale (`CHECKDUTYFREEREMAINS/ROW`).
    pub struct DutyFreeChange {
        /// The currency's numeric code.
        required VALCD => currency_code: u64 as Positive,
        /// The currency's letters.
        required VALSYMCD => currency: String as Text<64>,
        /// The currency's name.
        optional VALNM => currency_name: Option<String> as AnyText,
        /// Its rate.
        optional VALCOURSE => course: Option<Course> as Course,
        /// The change in it.
        required VALSUM => foreign_sum: Money as Sum,
        /// The change in hryvnias.
        required SUM => sum: Money as Sum,
    }
}
