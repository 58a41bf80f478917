//! Money: whole minor units of the book's one currency (fen, cents; yen have none).

use std::borrow::Cow;
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use super::spelled::Spelled;

/// An ISO 4217 currency and how many decimals its amounts are written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Currency {
    code: [u8; 3],
    decimals: u8,
}

/// ISO 4217 codes in use whose minor unit is not the hundredth.
const OTHER_DECIMALS: &[(&str, u8)] = &[
    ("BIF", 0),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("ISK", 0),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("PYG", 0),
    ("RWF", 0),
    ("UGX", 0),
    ("UYI", 0),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
    ("BHD", 3),
    ("IQD", 3),
    ("JOD", 3),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("TND", 3),
];

impl Currency {
    /// Reads a three-letter ISO 4217 code; `None` when it is not three capital letters.
    pub fn parse(text: &str) -> Option<Currency> {
        let code: [u8; 3] = text.as_bytes().try_into().ok()?;
        if !code.iter().all(u8::is_ascii_uppercase) {
            return None;
        }
        let decimals = OTHER_DECIMALS
            .iter()
            .find(|(known, _)| *known == text)
            .map_or(2, |(_, decimals)| *decimals);
        Some(Currency { code, decimals })
    }

    /// The three-letter code.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).unwrap_or("???")
    }

    /// Whether a file's word for a currency means this one: its code, or what it is called where it is used.
    pub fn is_called(&self, text: &str) -> bool {
        let named = match self.code() {
            "CNY" => &["RMB", "人民币", "人民币元"][..],
            "USD" => &["美元"],
            "HKD" => &["港币", "港元"],
            "EUR" => &["欧元"],
            "JPY" => &["日元", "日圆"],
            _ => &[],
        };
        text.eq_ignore_ascii_case(self.code())
            || named.iter().any(|name| name.eq_ignore_ascii_case(text))
    }

    /// Decimals an amount is written with: 2 for CNY, 0 for JPY.
    pub fn decimals(&self) -> u32 {
        u32::from(self.decimals)
    }
}

/// An amount in minor units.
///
/// No amount of a book, and no sum of its amounts, is beyond [`Money::LARGEST`]: files are bounded row by row, a book by
/// what its ledger moves in all ([`crate::ledger::LedgerError::Full`]), and what is multiplied by [`Money::checked`]. That leaves
/// room for eight more of them in 64 bits, so `+` and `−` are for amounts of one book; sums of what is not in the book
/// yet, or not proven, are a [`Total`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(pub i64);

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountFault {
    /// Something else than digits, one point, grouping commas and a sign.
    #[error("is not an amount; write it like 1234.56")]
    NotANumber,
    /// More decimals than the currency has.
    #[error(
        "has more decimals than the currency has ({0}); amounts are never rounded on the way in"
    )]
    TooManyDecimals(u32),
    /// Beyond ten trillion units.
    #[error("is larger than any amount this book takes (10,000,000,000,000)")]
    TooLarge,
}

/// The largest amount read from outside, in major units.
const LARGEST_MAJOR: i64 = 10_000_000_000_000;

/// A sum or a product that no book keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("comes to {0} minor units; a book keeps at most {most}", most = Money::LARGEST.0)]
pub struct MoneyRange(pub i128);

/// A sum of amounts that nobody has bounded: it cannot overflow, and becomes [`Money`] only when it is in range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Total(pub i128);

impl Total {
    /// The sum as an amount.
    pub fn money(self) -> Result<Money, MoneyRange> {
        Money::checked(self.0)
    }

    /// `1234.56`: as files are written.
    pub fn plain(self, currency: Currency) -> String {
        plain(self.0 < 0, self.0.unsigned_abs(), currency)
    }
}

impl From<Money> for Total {
    fn from(amount: Money) -> Total {
        Total(amount.0.into())
    }
}

impl AddAssign<Money> for Total {
    fn add_assign(&mut self, amount: Money) {
        self.0 += i128::from(amount.0);
    }
}

impl SubAssign<Money> for Total {
    fn sub_assign(&mut self, amount: Money) {
        self.0 -= i128::from(amount.0);
    }
}

impl Sum<Money> for Total {
    fn sum<I: Iterator<Item = Money>>(amounts: I) -> Total {
        Total(amounts.map(|amount| i128::from(amount.0)).sum())
    }
}

impl Sum for Total {
    fn sum<I: Iterator<Item = Total>>(totals: I) -> Total {
        Total(totals.map(|total| total.0).sum())
    }
}

fn plain(negative: bool, minor: u128, currency: Currency) -> String {
    let places = currency.decimals() as usize;
    let sign = if negative { "-" } else { "" };
    let digits = format!("{minor:0>width$}", width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

impl Money {
    /// No money.
    pub const ZERO: Money = Money(0);

    /// The largest amount or sum of a book, 10¹⁸ minor units: its product with two rates still fits 128 bits exactly.
    pub const LARGEST: Money = Money(1_000_000_000_000_000_000);

    /// An amount worked out from others, refused beyond what a book keeps.
    pub fn checked(minor: i128) -> Result<Money, MoneyRange> {
        i64::try_from(minor)
            .ok()
            .filter(|minor| minor.unsigned_abs() <= Money::LARGEST.0.unsigned_abs())
            .map(Money)
            .ok_or(MoneyRange(minor))
    }

    /// So many times the amount.
    pub fn times(self, count: i64) -> Result<Money, MoneyRange> {
        Money::checked(i128::from(self.0) * i128::from(count))
    }

    /// Reads `1234.56`, `1,234.56`, `-5` with at most the currency's decimals; trailing zeros beyond them are allowed.
    pub fn parse(text: &str, currency: Currency) -> Result<Money, AmountFault> {
        Money::parse_within(text, currency, LARGEST_MAJOR)
    }

    /// Reads a declared sum of amounts, which may be as large as a book.
    pub fn parse_sum(text: &str, currency: Currency) -> Result<Money, AmountFault> {
        Money::parse_within(text, currency, Money::LARGEST.0 / 10_i64.pow(currency.decimals()))
    }

    fn parse_within(text: &str, currency: Currency, most: i64) -> Result<Money, AmountFault> {
        let (negative, digits) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let whole = whole_units(whole, most)?;
        if !fraction.bytes().all(|b| b.is_ascii_digit())
            || (digits.contains('.') && fraction.is_empty())
        {
            return Err(AmountFault::NotANumber);
        }
        let places = currency.decimals() as usize;
        let excess = fraction.trim_end_matches('0').len() > places;
        if excess {
            return Err(AmountFault::TooManyDecimals(currency.decimals()));
        }
        let mut minor = whole;
        for place in 0..places {
            let digit = fraction.as_bytes().get(place).map_or(0, |b| i64::from(b - b'0'));
            minor = minor * 10 + digit;
        }
        Ok(Money(if negative { -minor } else { minor }))
    }

    /// The amount without its sign.
    pub fn abs(self) -> Money {
        Money(self.0.abs())
    }

    /// The amount while positive, else nothing.
    pub fn positive_part(self) -> Money {
        Money(self.0.max(0))
    }

    /// Whether there is nothing.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// `1234.56`, `-0.05`: as files are written.
    pub fn plain(self, currency: Currency) -> String {
        plain(self.0 < 0, self.0.unsigned_abs().into(), currency)
    }

    /// `1,234.56`, `−0.05` (a real minus): as people read it.
    pub fn grouped(self, currency: Currency) -> String {
        let plain = Money(self.0).abs().plain(currency);
        let (whole, fraction) = match plain.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (plain.as_str(), None),
        };
        let mut grouped = String::with_capacity(plain.len() + 8);
        if self.0 < 0 {
            grouped.push('−');
        }
        for (i, digit) in whole.chars().enumerate() {
            if i > 0 && (whole.len() - i).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        if let Some(fraction) = fraction {
            grouped.push('.');
            grouped.push_str(fraction);
        }
        grouped
    }

    /// Splits the amount in proportion to `weights` by largest remainder, ties to the earlier part.
    /// The parts add up to the amount; with no positive weight everything goes to the first part.
    pub fn split(self, weights: &[i64]) -> Vec<Money> {
        let total: i128 = weights.iter().map(|w| i128::from(*w)).sum();
        if total <= 0 {
            return weights
                .iter()
                .enumerate()
                .map(|(i, _)| if i == 0 { self } else { Money::ZERO })
                .collect();
        }
        let size = i128::from(self.0.unsigned_abs());
        let mut parts: Vec<(i128, i128)> = weights
            .iter()
            .map(|w| (size * i128::from(*w) / total, size * i128::from(*w) % total))
            .collect();
        let given: i128 = parts.iter().map(|(part, _)| part).sum();
        let mut order: Vec<usize> = (0..parts.len()).collect();
        order.sort_by_key(|i| std::cmp::Reverse(parts[*i].1));
        // Fewer than there are parts, and no part is larger than the whole: both fit.
        let left = (size - given) as usize;
        for index in order.into_iter().take(left) {
            parts[index].0 += 1;
        }
        let sign = self.0.signum();
        parts.into_iter().map(|(part, _)| Money(sign * part as i64)).collect()
    }
}

/// Digits before the point: plain, or grouped by commas into threes.
fn whole_units(text: &str, most: i64) -> Result<i64, AmountFault> {
    let groups: Vec<&str> = text.split(',').collect();
    let grouped = groups.len() > 1;
    let well_grouped = !grouped
        || ((1..=3).contains(&groups[0].len()) && groups[1..].iter().all(|group| group.len() == 3));
    let mut units: i64 = 0;
    let mut seen = false;
    for byte in text.bytes().filter(|b| *b != b',') {
        if !byte.is_ascii_digit() {
            return Err(AmountFault::NotANumber);
        }
        seen = true;
        units = units * 10 + i64::from(byte - b'0');
        if units > most {
            return Err(AmountFault::TooLarge);
        }
    }
    if seen && well_grouped { Ok(units) } else { Err(AmountFault::NotANumber) }
}

impl Add for Money {
    type Output = Money;
    fn add(self, other: Money) -> Money {
        // Overflow is checked in every build: a fault of the program stops it, and nothing is saved.
        Money(self.0 + other.0)
    }
}

impl Sub for Money {
    type Output = Money;
    fn sub(self, other: Money) -> Money {
        self + (-other)
    }
}

impl Neg for Money {
    type Output = Money;
    fn neg(self) -> Money {
        Money(-self.0)
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Money) {
        *self = *self + other;
    }
}

impl SubAssign for Money {
    fn sub_assign(&mut self, other: Money) {
        *self = *self - other;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Money>>(amounts: I) -> Money {
        amounts.fold(Money::ZERO, Add::add)
    }
}

impl Spelled for Currency {
    const WHAT: &'static str = "currency";

    fn spelling(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.code())
    }

    fn from_spelling(text: String) -> Result<Currency, String> {
        Currency::parse(&text).ok_or(text)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cny() -> Currency {
        Currency::parse("CNY").unwrap()
    }

    #[test]
    fn amounts_are_read_exactly_or_refused() {
        assert_eq!(Money::parse("1,234.5", cny()), Ok(Money(123_450)));
        assert_eq!(Money::parse("-0.05", cny()), Ok(Money(-5)));
        assert_eq!(Money::parse("12.340", cny()), Ok(Money(1234)));
        assert_eq!(Money::parse("12.345", cny()), Err(AmountFault::TooManyDecimals(2)));
        assert_eq!(Money::parse("99999999999999", cny()), Err(AmountFault::TooLarge));
        for wrong in ["", "1e3", "12,34", "1.", ".", "abc", "1 000", "٣"] {
            assert_eq!(Money::parse(wrong, cny()), Err(AmountFault::NotANumber), "{wrong}");
        }
        let yen = Currency::parse("JPY").unwrap();
        assert_eq!(Money::parse("1500", yen), Ok(Money(1500)));
        assert_eq!(Money::parse("1500.5", yen), Err(AmountFault::TooManyDecimals(0)));
    }

    #[test]
    fn amounts_are_written_for_files_and_for_people() {
        assert_eq!(Money(-5).plain(cny()), "-0.05");
        assert_eq!(Money(123_456_789).grouped(cny()), "1,234,567.89");
        assert_eq!(Money(-100).grouped(cny()), "−1.00");
        assert_eq!(Money(7).plain(Currency::parse("JPY").unwrap()), "7");
    }

    #[test]
    fn what_no_book_keeps_is_refused_and_never_clamped() {
        let largest = Money::LARGEST;
        assert_eq!(Money::checked(largest.0.into()), Ok(largest));
        assert_eq!(
            Money::checked(i128::from(largest.0) + 1),
            Err(MoneyRange(1_000_000_000_000_000_001))
        );
        assert_eq!(largest.times(2), Err(MoneyRange(2_000_000_000_000_000_000)));
        assert_eq!(Money(-3).times(4), Ok(Money(-12)));
        let sum: Total = std::iter::repeat_n(Money(i64::MAX), 3).sum();
        assert_eq!(sum.money(), Err(MoneyRange(3 * i128::from(i64::MAX))));
        assert_eq!(sum.plain(cny()), "276701161105643274.21");
        assert_eq!(Money(i64::MIN + 1).split(&[1, 0]), [Money(i64::MIN + 1), Money::ZERO]);
    }
}
