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

/// An amount in minor units. Addition is checked: an overflow stops the command before anything is saved.
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

/// The largest amount read from outside, in major units: sums of millions of them stay inside 64 bits.
const LARGEST_MAJOR: i64 = 10_000_000_000_000;

impl Money {
    /// No money.
    pub const ZERO: Money = Money(0);

    /// Reads `1234.56`, `1,234.56`, `-5` with at most the currency's decimals; trailing zeros beyond them are allowed.
    pub fn parse(text: &str, currency: Currency) -> Result<Money, AmountFault> {
        let (negative, digits) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let whole = whole_units(whole)?;
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
        let places = currency.decimals() as usize;
        let sign = if self.0 < 0 { "-" } else { "" };
        let digits = format!("{:0>width$}", self.0.unsigned_abs(), width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
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
        let left = usize::try_from(size - given).unwrap_or(0);
        for index in order.into_iter().take(left) {
            parts[index].0 += 1;
        }
        let sign = if self.0 < 0 { -1 } else { 1 };
        parts
            .into_iter()
            .map(|(part, _)| Money(sign * i64::try_from(part).unwrap_or(i64::MAX)))
            .collect()
    }
}

/// Digits before the point: plain, or grouped by commas into threes.
fn whole_units(text: &str) -> Result<i64, AmountFault> {
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
        if units > LARGEST_MAJOR {
            return Err(AmountFault::TooLarge);
        }
    }
    if seen && well_grouped { Ok(units) } else { Err(AmountFault::NotANumber) }
}

impl Add for Money {
    type Output = Money;
    fn add(self, other: Money) -> Money {
        match self.0.checked_add(other.0) {
            Some(sum) => Money(sum),
            None => {
                unreachable!("amounts are bounded at the door, so their sums stay inside 64 bits")
            }
        }
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
}
