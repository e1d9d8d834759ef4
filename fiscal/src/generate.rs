//! Random documents that the schemas allow, for tests and fuzzing: every element, every limit, from a seed.
//! Feature `generate`.

use crate::amount::{LARGEST_HRYVNIAS, Money, Quantity};
use crate::code::ErrorCode;
use crate::document::{
    CashMovement, Classification, Document, Head, Kind, Marks, Mode, Notes, Original, Register, Seller,
    Service,
};
use crate::document::{Receipt, ZReport};
use crate::ids::{
    CashDeskNumber, DocumentHash, FiscalNumber, LocalNumber, OfflineSeed, OfflineSession, OfflineSessionId,
    RegisterNumber, Uid,
};
use crate::moment::LocalMoment;
use crate::ticket::Ticket;
use crate::xml::{
    Amount, Boolean, Course, Date, DateTime, Dkpp, Fault, Hash, IdentityText, Ipn, Natural, Number, Numeral,
    Positive, Sum, TaxLetter, TaxLetters, Text, Time, Tin, Uktzed, Unit, Whole,
};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use encoding_rs::WINDOWS_1251;
use rust_decimal::Decimal;

/// Random documents and tickets from a seed: the same seed gives the same ones.
#[derive(Debug)]
pub struct Generator(fastrand::Rng);

/// A value of a facet, or fields of a section.
pub(crate) trait Generate<T> {
    fn generate(source: &mut Generator) -> T;
}

impl Generator {
    /// From a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// A document of any kind.
    pub fn document(&mut self) -> Document {
        let kind = self.kind();
        Document {
            head: self.head(&kind),
            kind,
        }
    }

    /// A ticket of any outcome.
    pub fn ticket(&mut self) -> Ticket {
        let (uid, local_number) = (IdentityText::<Uid>::generate(self), self.local_number());
        let issued = self.moment();
        if self.coin() {
            let session = OfflineSession {
                id: OfflineSessionId::new(self.above_zero()).expect("digits above zero"),
                seed: OfflineSeed::new(self.above_zero()).expect("digits above zero"),
            };
            let session = self.coin().then_some(session);
            return Ticket::registered(
                uid,
                issued,
                local_number,
                IdentityText::<FiscalNumber>::generate(self),
                session,
            );
        }
        // One character at least: an empty text is none.
        let text = format!("Код {}", Text::<200>::generate(self));
        Ticket::rejected(
            uid,
            issued,
            local_number,
            ErrorCode::from_code(self.0.i64(1..20)),
            text,
        )
    }

    fn kind(&mut self) -> Kind {
        let service = Service::ALL[self.below(Service::ALL.len())];
        match self.below(9) {
            0 => Kind::OpenShift,
            1 => Kind::CloseShift,
            2 => Kind::OfflineBegin {
                revoke_last_online: self.coin(),
            },
            3 => Kind::OfflineEnd,
            4 => Kind::Sale {
                service,
                receipt: Receipt::generate(self),
            },
            5 => {
                let original = Original {
                    fiscal_number: self.coin().then(|| IdentityText::<FiscalNumber>::generate(self)),
                    register: self
                        .coin()
                        .then(|| RegisterNumber::new(self.0.u64(1..)).expect("above zero")),
                    date: self.coin().then(|| Date::generate(self)),
                };
                Kind::Return {
                    service,
                    original,
                    receipt: Receipt::generate(self),
                }
            }
            6 => {
                let movement = CashMovement::ALL[self.below(CashMovement::ALL.len())];
                Kind::CashMovement {
                    service,
                    movement,
                    receipt: Receipt::generate(self),
                }
            }
            7 => Kind::Storno {
                service,
                of: IdentityText::<FiscalNumber>::generate(self),
            },
            _ => Kind::ZReport(Box::new(ZReport::generate(self))),
        }
    }

    fn head(&mut self, kind: &Kind) -> Head {
        let is_session = matches!(kind, Kind::OfflineBegin { .. } | Kind::OfflineEnd);
        let is_report = matches!(kind, Kind::ZReport(_));
        let seller = Seller {
            tax_number: Tin::generate(self),
            vat_number: self.coin().then(|| Ipn::generate(self)),
            organisation: Text::<256>::generate(self),
            point: Text::<256>::generate(self),
            address: self.coin().then(|| Text::<256>::generate(self)),
        };
        let register = Register {
            cash_desk: CashDeskNumber::new(self.0.u64(1..)).expect("above zero"),
            number: RegisterNumber::new(self.0.u64(1..)).expect("above zero"),
        };
        let mode = if is_session || self.coin() {
            let chained = !matches!(kind, Kind::OfflineBegin { .. }) && self.coin();
            Mode::Offline {
                fiscal_number: IdentityText::<FiscalNumber>::generate(self),
                previous: chained.then(|| Hash::generate(self)),
            }
        } else {
            Mode::Online {
                fiscal_number: self.coin().then(|| IdentityText::<FiscalNumber>::generate(self)),
            }
        };
        Head {
            cashier: self.coin().then(|| Text::<128>::generate(self)),
            notes: if is_report { Notes::default() } else { self.notes() },
            mode,
            testing: !is_session && self.coin(),
            version: self.0.u64(0..2),
            marks: Marks {
                revoked: self.coin(),
                storned: !is_report && self.coin(),
            },
            ..Head::new(
                IdentityText::<Uid>::generate(self),
                seller,
                register,
                self.moment(),
                self.local_number(),
            )
        }
    }

    fn notes(&mut self) -> Notes {
        Notes {
            operation: self.coin().then(|| Text::<128>::generate(self)),
            vehicle: self.coin().then(|| Text::<64>::generate(self)),
            logo_url: self.coin().then(|| Text::<256>::generate(self)),
            comment: self.coin().then(|| Text::<{ usize::MAX }>::generate(self)),
        }
    }

    fn moment(&mut self) -> LocalMoment {
        LocalMoment::new(DateTime::generate(self)).expect("a moment of the schema")
    }

    fn local_number(&mut self) -> LocalNumber {
        LocalNumber::new(self.0.u64(1..)).expect("above zero")
    }

    pub(crate) fn coin(&mut self) -> bool {
        self.0.bool()
    }

    /// Rows of a table: mostly few.
    pub(crate) fn rows<T>(&mut self, least: usize, mut row: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = least + self.below(4 - least);
        (0..count).map(|_| row(self)).collect()
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0.usize(..bound)
    }

    fn digits(&mut self, least: usize, most: usize) -> String {
        let count = self.0.usize(least..=most);
        (0..count).map(|_| char::from(b'0' + self.0.u8(..10))).collect()
    }

    fn above_zero(&mut self) -> String {
        self.digits(0, 20) + &char::from(b'1' + self.0.u8(..9)).to_string()
    }

    /// Any character of windows-1251 that XML carries.
    fn character(&mut self) -> char {
        loop {
            let byte = match self.below(20) {
                0 => b"\t\n\r &<>\"'"[self.below(9)],
                _ => self.0.u8(0x20..),
            };
            let (text, _) = WINDOWS_1251.decode_without_bom_handling(std::slice::from_ref(&byte));
            match text.chars().next() {
                Some(character) if !character.is_control() || character.is_ascii_whitespace() => {
                    return character;
                }
                _ => {}
            }
        }
    }

    fn passport(&mut self) -> String {
        let capitals = ['А', 'Є', 'І', 'Я'];
        let series: String = (0..2).map(|_| capitals[self.below(capitals.len())]).collect();
        series + &self.digits(6, 6)
    }

    /// Units of an amount: small, at a limit, or anything between.
    fn units(&mut self, per_one: i64) -> i64 {
        let limit = LARGEST_HRYVNIAS * per_one;
        match self.below(8) {
            0 => limit,
            1 => -limit,
            2 => 0,
            3 => self.0.i64(-limit..=limit),
            _ => self.0.i64(-10_000..1_000_000),
        }
    }
}

impl<const MAX: usize> Generate<String> for Text<MAX> {
    fn generate(source: &mut Generator) -> String {
        let length = match source.below(16) {
            0 => 0,
            1 => MAX.min(1024),
            _ => source.below(MAX.min(40)) + 1,
        };
        (0..length).map(|_| source.character()).collect()
    }
}

impl<T: TryFrom<String, Error = Fault>> Generate<T> for IdentityText<T> {
    fn generate(source: &mut Generator) -> T {
        let length = source.0.usize(1..=128);
        let text: String = (0..length).map(|_| char::from(source.0.u8(0x21..0x7f))).collect();
        T::try_from(text).unwrap_or_else(|fault| unreachable!("a short and visible text {fault}"))
    }
}

impl Generate<String> for Tin {
    fn generate(source: &mut Generator) -> String {
        if source.below(8) == 0 {
            source.passport()
        } else {
            source.digits(5, 10)
        }
    }
}

impl Generate<String> for Ipn {
    fn generate(source: &mut Generator) -> String {
        match source.below(8) {
            0 => source.passport(),
            1 => "0".to_owned(),
            _ => source.digits(6, 12),
        }
    }
}

impl Generate<String> for Uktzed {
    fn generate(source: &mut Generator) -> String {
        match source.below(5) {
            0 => format!("00{:03}", source.0.u32(1..1000)),
            form => {
                let digits = [4, 6, 8, 10][form - 1];
                format!("{}{}", source.0.u32(1..10), source.digits(digits - 1, digits - 1))
            }
        }
    }
}

impl Generate<String> for Dkpp {
    fn generate(source: &mut Generator) -> String {
        let (form, separator) = [("00.00", '.'), ("00.00.00", '-'), ("00.00.00-00", '.')][source.below(3)];
        let mut code: String = form
            .chars()
            .map(|character| {
                if character == '0' {
                    char::from(b'0' + source.0.u8(..10))
                } else {
                    character
                }
            })
            .collect();
        for _ in 0..source.below(3) {
            code.push(separator);
            code.push_str(&source.digits(1, 2));
        }
        code
    }
}

impl Generate<Money> for Sum {
    fn generate(source: &mut Generator) -> Money {
        Money::from_units(source.units(100))
    }
}

impl Generate<Quantity> for Amount {
    fn generate(source: &mut Generator) -> Quantity {
        Quantity::from_units(source.units(1000))
    }
}

impl Generate<Course> for Course {
    fn generate(source: &mut Generator) -> Course {
        let value = Decimal::new(
            source.0.i64(-999_999_999..=999_999_999),
            source.0.u32(0..=Course::DIGITS),
        );
        Course::new(value).expect("inside the bounds")
    }
}

impl Generate<u64> for Natural {
    fn generate(source: &mut Generator) -> u64 {
        if source.coin() {
            source.0.u64(..100)
        } else {
            source.0.u64(..)
        }
    }
}

impl Generate<u64> for Positive {
    fn generate(source: &mut Generator) -> u64 {
        Natural::generate(source).max(1)
    }
}

impl Generate<u64> for Whole {
    fn generate(source: &mut Generator) -> u64 {
        Natural::generate(source)
    }
}

impl Generate<u32> for Unit {
    fn generate(source: &mut Generator) -> u32 {
        source.0.u32(1..100_000)
    }
}

impl Generate<bool> for Boolean {
    fn generate(source: &mut Generator) -> bool {
        source.coin()
    }
}

impl Generate<NaiveDate> for Date {
    fn generate(source: &mut Generator) -> NaiveDate {
        let first = NaiveDate::from_ymd_opt(1900, 1, 1).expect("a date");
        // 200 years hold 73,049 days.
        first + chrono::Days::new(source.0.u64(..73_049))
    }
}

impl Generate<NaiveTime> for Time {
    fn generate(source: &mut Generator) -> NaiveTime {
        NaiveTime::from_num_seconds_from_midnight_opt(source.0.u32(..86_400), 0).expect("a second of a day")
    }
}

impl Generate<NaiveDateTime> for DateTime {
    fn generate(source: &mut Generator) -> NaiveDateTime {
        Date::generate(source).and_time(Time::generate(source))
    }
}

impl Generate<DocumentHash> for Hash {
    fn generate(source: &mut Generator) -> DocumentHash {
        DocumentHash(std::array::from_fn(|_| source.0.u8(..)))
    }
}

impl Generate<TaxLetter> for TaxLetter {
    fn generate(source: &mut Generator) -> TaxLetter {
        loop {
            if let Ok(letter) = TaxLetter::new(source.character()) {
                return letter;
            }
        }
    }
}

impl Generate<TaxLetters> for TaxLetters {
    fn generate(source: &mut Generator) -> TaxLetters {
        let count = source.below(TaxLetters::MAX + 1);
        TaxLetters::new((0..count).map(|_| TaxLetter::generate(source)).collect())
            .expect("no more than fifteen")
    }
}

/// Known codes; most of those that are tried are not.
impl<T: TryFrom<u64>> Generate<T> for Number<T> {
    fn generate(source: &mut Generator) -> T {
        loop {
            if let Ok(code) = T::try_from(source.0.u64(..8)) {
                return code;
            }
        }
    }
}

impl<T: TryFrom<u64>> Generate<T> for Numeral<T> {
    fn generate(source: &mut Generator) -> T {
        Number::<T>::generate(source)
    }
}

impl Generate<Self> for Classification {
    fn generate(source: &mut Generator) -> Self {
        if source.coin() {
            Self::Goods(Uktzed::generate(source))
        } else {
            Self::Service(Dkpp::generate(source))
        }
    }
}
