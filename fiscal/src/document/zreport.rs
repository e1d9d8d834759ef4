//! What a Z-report holds behind its head (zrep01.xsd).

use super::codes::{PaymentForm, TaxType};
use crate::amount::Money;
use crate::xml::{AnyText, Boolean, Natural, Numeral, Positive, Sum, TaxLetter, Text, Whole, section};

section! {
    /// Everything behind a Z-report's head; the totals of a shift. Sections without operations are left out.
    #[derive(Default)]
    pub struct ZReport {
        /// Sales.
        section ZREPREALIZ => sales: Option<Turnover> as Turnover,
        /// Returns.
        section ZREPRETURN => returns: Option<Turnover> as Turnover,
        /// Cash paid out against cards.
        section ZREPCASH => cash: Option<CashWithdrawals> as CashWithdrawals,
        /// Operations with currency.
        section ZREPVAL => currency: Option<Box<CurrencyTotals>> as CurrencyTotals,
        /// Sales of fuel.
        section ZREPFUEL => fuel: Option<Box<FuelTotals>> as FuelTotals,
        /// Cash moved without sales.
        section ZREPBODY => body: Option<ZBody> as ZBody,
    }
}

section! {
    /// Sales or returns of a shift.
    #[derive(Default)]
    pub struct Turnover {
        /// All of it.
        required SUM => sum: Money as Sum,
        /// Pawnshop: paid out to clients.
        optional PWNSUMISSUED => pawnshop_issued: Option<Money> as Sum,
        /// Pawnshop: received from clients.
        optional PWNSUMRECEIVED => pawnshop_received: Option<Money> as Sum,
        /// Rounding.
        optional RNDSUM => rounding: Option<Money> as Sum,
        /// All of it before rounding.
        optional NORNDSUM => unrounded: Option<Money> as Sum,
        /// How many receipts.
        required ORDERSCNT => receipts: u64 as Natural,
        /// Pawnshop: receipts that paid out.
        optional PWNORDERSCNTISSUED => pawnshop_receipts_issued: Option<u64> as Natural,
        /// Pawnshop: receipts that received.
        optional PWNORDERSCNTRECEIVED => pawnshop_receipts_received: Option<u64> as Natural,
        /// How many transfers.
        optional TOTALCURRENCYCOST => transfers: Option<u64> as Natural,
        /// All transfers.
        optional TOTALCURRENCYSUM => transfers_sum: Option<Money> as Sum,
        /// Commission of all transfers.
        optional TOTALCURRENCYCOMMISSION => transfers_commission: Option<Money> as Sum,
        /// By form of payment.
        rows PAYFORMS => payments: Vec<PaymentTotal> as PaymentTotal,
        /// By tax.
        rows TAXES => taxes: Vec<TaxTotal> as TaxTotal,
    }
}

section! {
    /// One form of payment over a shift.
    pub struct PaymentTotal {
        /// Its code.
        required PAYFORMCD => form: PaymentForm as Numeral<PaymentForm>,
        /// Its name.
        required PAYFORMNM => name: String as AnyText,
        /// Paid by it.
        required SUM => sum: Money as Sum,
    }
}

section! {
    /// One tax over a shift: the sum of what the receipts say, each rounded.
    pub struct TaxTotal {
        /// What it is.
        required TYPE => tax: TaxType as Numeral<TaxType>,
        /// Its name.
        required NAME => name: String as Text<64>,
        /// Its letter.
        optional LETTER => letter: Option<TaxLetter> as TaxLetter,
        /// Its rate in per cent, two digits.
        required PRC => rate: Money as Sum,
        /// Whether it comes on top of the price.
        optional SIGN => on_top: Option<bool> as Boolean,
        /// What was sold under it, before discounts.
        required TURNOVER => turnover: Money as Sum,
        /// The same after discounts.
        optional TURNOVERDISCOUNT => discounted_turnover: Option<Money> as Sum,
        /// What it is computed from.
        optional SOURCESUM => base: Option<Money> as Sum,
        /// The tax.
        required SUM => sum: Money as Sum,
    }
}

section! {
    /// Cash paid out against cards over a shift.
    #[derive(Default)]
    pub struct CashWithdrawals {
        /// All of it.
        required SUM => sum: Money as Sum,
        /// Commission.
        optional COMMISSION => commission: Option<Money> as Sum,
        /// How many receipts.
        required ORDERSCNT => receipts: u64 as Natural,
    }
}

section! {
    /// Operations with currency over a shift.
    #[derive(Default)]
    pub struct CurrencyTotals {
        /// Advances received in hryvnias.
        optional TOTALINADVANCE => advances: Option<Money> as Sum,
        /// Reinforcements received in hryvnias.
        optional TOTALINATTACH => reinforcements: Option<Money> as Sum,
        /// Collected in hryvnias.
        optional TOTALSURRCOLLECTION => collected: Option<Money> as Sum,
        /// Commission of conversions.
        optional COMMISSION => commission: Option<Money> as Sum,
        /// How many documents of the shift.
        required CALCDOCSCNT => documents: u64 as Natural,
        /// Taken for transfers, in hryvnias.
        optional ACCEPTEDN => transfers_accepted: Option<Money> as Sum,
        /// Paid out of transfers, in hryvnias.
        optional ISSUEDN => transfers_issued: Option<Money> as Sum,
        /// Commission of transfers.
        optional COMMISSIONN => transfers_commission: Option<Money> as Sum,
        /// How many transfers.
        optional TRANSFERSCNT => transfers: Option<u64> as Natural,
        /// By currency.
        rows DETAILS => details: Vec<CurrencyTotal> as CurrencyTotal,
        /// By tax.
        rows TAXES => taxes: Vec<TaxTotal> as TaxTotal,
    }
}

section! {
    /// One currency over a shift. Foreign sums are in it, national ones in hryvnias.
    #[derive(Default)]
    pub struct CurrencyTotal {
        /// Its place.
        optional VALNUM => place: Option<u64> as Whole,
        /// Numeric code.
        required VALCD => code: u64 as Positive,
        /// Letters.
        required VALSYMCD => letters: String as Text<64>,
        /// Name.
        optional VALNM => name: Option<String> as AnyText,
        /// Rates of buying, as text: they may have changed during the shift.
        optional COURSEBUY => course_buy: Option<String> as Text<64>,
        /// Rates of selling.
        optional COURSESELL => course_sell: Option<String> as Text<64>,
        /// The national bank's rate.
        optional COURSEREG => course_official: Option<String> as Text<64>,
        /// Bought, foreign.
        optional BUYVALI => bought_foreign: Option<Money> as Sum,
        /// Sold, foreign.
        optional SELLVALI => sold_foreign: Option<Money> as Sum,
        /// Bought, national.
        optional BUYVALN => bought_national: Option<Money> as Sum,
        /// Sold, national.
        optional SELLVALN => sold_national: Option<Money> as Sum,
        /// Purchases undone, foreign.
        optional STORBUYVALI => buy_storno_foreign: Option<Money> as Sum,
        /// Sales undone, foreign.
        optional STORSELLVALI => sell_storno_foreign: Option<Money> as Sum,
        /// Purchases undone, national.
        optional STORBUYVALN => buy_storno_national: Option<Money> as Sum,
        /// Sales undone, national.
        optional STORSELLVALN => sell_storno_national: Option<Money> as Sum,
        /// Taken in conversions.
        optional CINVALI => conversion_in: Option<Money> as Sum,
        /// Given in conversions.
        optional COUTVALI => conversion_out: Option<Money> as Sum,
        /// Given for unused hryvnias, foreign.
        optional UNUSVALI => unused_foreign: Option<Money> as Sum,
        /// Unused hryvnias taken.
        optional UNUSVALN => unused_national: Option<Money> as Sum,
        /// Commission of conversions.
        optional COMMISSION => commission: Option<Money> as Sum,
        /// Advances received.
        optional INADVANCE => advances: Option<Money> as Sum,
        /// Reinforcements received.
        optional INATTACH => reinforcements: Option<Money> as Sum,
        /// Collected.
        optional SURRCOLLECTION => collected: Option<Money> as Sum,
        /// Exchanges of unused hryvnias undone, foreign.
        optional STORUNUSVALI => unused_storno_foreign: Option<Money> as Sum,
        /// Exchanges of unused hryvnias undone, national.
        optional STORUNUSVALN => unused_storno_national: Option<Money> as Sum,
        /// Conversions undone: given back.
        optional STORCINVALI => conversion_storno_in: Option<Money> as Sum,
        /// Conversions undone: taken back.
        optional STORCOUTVALI => conversion_storno_out: Option<Money> as Sum,
        /// Commission given back.
        optional STORCOMMISSION => commission_storno: Option<Money> as Sum,
        /// Cross rate: the currency's code.
        optional VALCRCD => cross_code: Option<String> as Text<64>,
        /// Cross rate: the currency's letters.
        optional CROSSSYMCD => cross_letters: Option<String> as Text<64>,
        /// Cross rate.
        optional CROSSCOURSE => cross_course: Option<String> as Text<64>,
    }
}

section! {
    /// Sales of fuel over a shift; volumes are in millilitres.
    pub struct FuelTotals {
        /// By kind of fuel, at least one.
        table DETAILS => details: Vec<FuelTotal> as FuelTotal,
        /// What is left in the tanks.
        rows REMAINS => remains: Vec<FuelRemains> as FuelRemains,
    }
}

section! {
    /// One kind of fuel over a shift.
    pub struct FuelTotal {
        /// Its name.
        required NAME => name: String as AnyText,
        /// Taken in.
        optional ACCEPTED => accepted: Option<Money> as Sum,
        /// Dispensed.
        optional REALIZVOL => dispensed: Option<Money> as Sum,
        /// Dispensed while dispensers were verified.
        optional REALIZPRK => dispensed_in_verification: Option<Money> as Sum,
        /// Received for it, hryvnias.
        optional REALIZCOST => sum: Option<Money> as Sum,
        /// What is left.
        optional REMAINS => remains: Option<Money> as Sum,
        /// By form of payment.
        rows PAYFORMS => payments: Vec<FuelPayment> as FuelPayment,
    }
}

section! {
    /// One form of payment of one kind of fuel.
    pub struct FuelPayment {
        /// Its code.
        required PAYFORMCD => form: PaymentForm as Numeral<PaymentForm>,
        /// Its name.
        required PAYFORMNM => name: String as AnyText,
        /// Paid by it, hryvnias.
        required SUM => sum: Money as Sum,
        /// Dispensed for it.
        required AMOUNT => volume: Money as Sum,
    }
}

section! {
    /// What is left in one tank.
    pub struct FuelRemains {
        /// The fuel's name.
        required NAME => name: String as AnyText,
        /// The tank.
        required TANKNUM => tank: String as Text<64>,
        /// The dispenser.
        optional COLUMNNUM => dispenser: Option<String> as Text<64>,
        /// Its nozzle.
        optional FAUCETNUM => nozzle: Option<String> as Text<64>,
        /// What is left.
        required REMAINS => volume: Money as Sum,
    }
}

section! {
    /// Cash moved without sales over a shift.
    #[derive(Default)]
    pub struct ZBody {
        /// Deposits and reinforcements.
        optional SERVICEINPUT => deposits: Option<Money> as Sum,
        /// Issues.
        optional SERVICEOUTPUT => issues: Option<Money> as Sum,
        /// The vehicle's registration, for a register that drives.
        optional VEHICLERN => vehicle: Option<String> as Text<64>,
    }
}
