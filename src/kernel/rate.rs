//! Rates and rounding. Only [`Rate::of`] multiplies money, and every product is exact until it is rounded.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;

use super::money::{Money, MoneyRange};
use super::spelled::{Spelled, enumeration};

/// Fractions are held in steps of 10⁻¹⁰ (so a percentage may have eight decimals).
const SCALE: u32 = 10;
const UNIT: i128 = 10_i128.pow(SCALE);

/// A proportion such as 22 %: a decimal fraction with at most ten decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(i64);

/// An amount of money before rounding, in minor units × 10⁻²⁰: a product of an amount and two rates is exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exact(i128);

enumeration! {
    /// How halves are rounded (合同约定的舍入方式).
    pub enum Rounding ("way of rounding") {
        /// Halves away from zero (四舍五入).
        HalfUp = "half_up",
        /// Halves to the even neighbour (银行家舍入).
        HalfEven = "half_even",
    }
}

/// Why a text is not a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateFault {
    /// Not `22%` or `0.22`.
    #[error("is not a rate; write it like \"22%\" or \"0.22\"")]
    NotARate,
    /// More than ten decimals as a fraction.
    #[error("has more than eight decimals of a percent")]
    TooPrecise,
    /// Beyond what any contract states.
    #[error("is larger than any rate this book takes (1,000%)")]
    TooLarge,
}

impl Rate {
    /// Nothing of it.
    pub const ZERO: Rate = Rate(0);
    /// All of it.
    pub const ONE: Rate = Rate(10_i64.pow(SCALE));
    /// The largest rate read from outside: a share of what was placed may exceed it, as interest accrues.
    pub const LARGEST: Rate = Rate(10 * 10_i64.pow(SCALE));

    /// Reads `22%`, `0.5 %` or `0.22`.
    pub fn parse(text: &str) -> Result<Rate, RateFault> {
        let trimmed = text.trim();
        let (digits, percent) = match trimmed.strip_suffix('%') {
            Some(digits) => (digits.trim_end(), true),
            None => (trimmed, false),
        };
        let plain = digits.strip_prefix('-').unwrap_or(digits);
        let well_formed = plain.bytes().next().is_some_and(|b| b.is_ascii_digit())
            && plain.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if !well_formed {
            return Err(RateFault::NotARate);
        }
        let value = Decimal::from_str_exact(digits).map_err(|_| RateFault::NotARate)?.normalize();
        let shift = if percent { SCALE - 2 } else { SCALE };
        if value.scale() > shift {
            return Err(RateFault::TooPrecise);
        }
        let scaled = value.mantissa().checked_mul(10_i128.pow(shift - value.scale()));
        scaled.and_then(|scaled| i64::try_from(scaled).ok()).map(Rate).ok_or(RateFault::TooLarge)
    }

    /// The rate as a decimal fraction: 0.22.
    pub fn decimal(self) -> Decimal {
        Decimal::new(self.0, SCALE).normalize()
    }

    /// The rate as people read it: a percentage with at least two decimals.
    pub fn percent(self) -> String {
        let mut percent = Decimal::new(self.0, SCALE - 2).normalize();
        percent.rescale(percent.scale().max(2));
        format!("{percent}%")
    }

    /// This proportion, of 0 to 100 %, of an amount, exactly: with [`Money::LARGEST`] it fits.
    pub fn of(self, amount: Money) -> Exact {
        Exact(i128::from(amount.0) * i128::from(self.0) * UNIT)
    }

    /// This proportion, whatever its size, of an amount; `None` beyond every amount there is.
    pub fn bound_of(self, amount: Money) -> Option<Exact> {
        (i128::from(amount.0) * i128::from(self.0)).checked_mul(UNIT).map(Exact)
    }

    /// This proportion of an exact bound within an amount: the slice of `amount` between two bounds is priced this way.
    pub fn of_exact(self, amount: Exact) -> Exact {
        Exact(amount.0 / UNIT * i128::from(self.0))
    }
}

impl Exact {
    /// A whole amount.
    pub fn of(amount: Money) -> Exact {
        Exact(i128::from(amount.0) * UNIT * UNIT)
    }

    /// Rounded to the minor unit.
    pub fn round(self, rounding: Rounding) -> Money {
        // 128 bits of 10⁻²⁰ are less than 64 bits of whole units.
        Money(divide(self.0, UNIT * UNIT, rounding) as i64)
    }

    /// In minor units, to ten decimals: for expectations, which are not booked. `None` beyond what a decimal holds.
    pub fn decimal(self) -> Option<Decimal> {
        Decimal::try_from_i128_with_scale(self.0 / UNIT, SCALE).ok()
    }

    /// The lesser of two.
    pub fn min(self, other: Exact) -> Exact {
        Exact(self.0.min(other.0))
    }
}

impl std::ops::Add for Exact {
    type Output = Exact;
    fn add(self, other: Exact) -> Exact {
        Exact(self.0 + other.0)
    }
}

impl std::ops::Sub for Exact {
    type Output = Exact;
    fn sub(self, other: Exact) -> Exact {
        Exact(self.0 - other.0)
    }
}

/// `amount ÷ (1 + rate)`, half-up away from zero: the net part of a price that includes tax.
pub fn without_tax(amount: Money, rate: Rate) -> Money {
    let divisor = UNIT + i128::from(rate.0);
    // A part of a 64-bit amount.
    Money(divide(i128::from(amount.0) * UNIT, divisor, Rounding::HalfUp) as i64)
}

/// An amount times a factor of at most ten decimals, rounded to the minor unit; refused beyond what a book keeps.
pub fn times(amount: Money, factor: Decimal, rounding: Rounding) -> Result<Money, MoneyRange> {
    let factor = factor.normalize();
    let product = i128::from(amount.0).checked_mul(factor.mantissa());
    let product = product.ok_or(MoneyRange(i128::MAX))?;
    Money::checked(divide(product, 10_i128.pow(factor.scale()), rounding))
}

/// Division of whole numbers by a positive one, rounded to the nearest.
fn divide(numerator: i128, divisor: i128, rounding: Rounding) -> i128 {
    let quotient = numerator / divisor;
    let remainder = (numerator % divisor).abs();
    let twice = remainder * 2;
    let away = match rounding {
        Rounding::HalfUp => twice >= divisor,
        Rounding::HalfEven => twice > divisor || (twice == divisor && quotient % 2 != 0),
    };
    if away { quotient + numerator.signum() } else { quotient }
}

impl FromStr for Rate {
    type Err = RateFault;
    fn from_str(text: &str) -> Result<Rate, RateFault> {
        Rate::parse(text)
    }
}

impl Spelled for Rate {
    const WHAT: &'static str = "rate";

    fn spelling(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }

    fn from_spelling(text: String) -> Result<Rate, String> {
        match Rate::parse(&text) {
            Ok(rate) if rate.to_string() == text => Ok(rate),
            _ => Err(text),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", Decimal::new(self.0, SCALE - 2).normalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_percent_or_fraction() {
        assert_eq!(Rate::parse("22%"), Rate::parse("0.22"));
        assert_eq!(Rate::parse("14.13%").unwrap().to_string(), "14.13%");
        assert_eq!(Rate::parse("0.000000001%"), Err(RateFault::TooPrecise));
        for wrong in ["", "%", "x", "1e-2", "0,22", "--1"] {
            assert!(Rate::parse(wrong).is_err(), "{wrong}");
        }
        for large in
            ["99999999999", "79228162514264337593543950335", "79228162514264337593543950335%"]
        {
            assert_eq!(Rate::parse(large), Err(RateFault::TooLarge), "{large}");
        }
    }

    #[test]
    fn halves_round_as_the_contract_says() {
        let half = Rate::parse("50%").unwrap();
        assert_eq!(half.of(Money(5)).round(Rounding::HalfUp), Money(3));
        assert_eq!(half.of(Money(5)).round(Rounding::HalfEven), Money(2));
        assert_eq!(half.of(Money(-5)).round(Rounding::HalfUp), Money(-3));
        assert_eq!(half.of(Money(-3)).round(Rounding::HalfEven), Money(-2));
    }

    #[test]
    fn the_largest_amounts_are_multiplied_exactly() {
        let largest = Money::LARGEST;
        assert_eq!(Rate::ONE.of(largest).round(Rounding::HalfUp), largest);
        assert_eq!(Rate::ONE.of_exact(Exact::of(largest)).round(Rounding::HalfEven), largest);
        assert_eq!(without_tax(largest, Rate::ZERO), largest);
        assert_eq!(Rate::parse("90000000000%").unwrap().bound_of(largest), None);
        let factor = |text: &str| text.parse::<Decimal>().unwrap();
        assert_eq!(times(largest, factor("-0.1"), Rounding::HalfUp), Ok(Money(-largest.0 / 10)));
        assert_eq!(
            times(largest, factor("9"), Rounding::HalfUp),
            Err(MoneyRange(9 * i128::from(largest.0)))
        );
        assert_eq!(times(Money(5), factor("0.10"), Rounding::HalfEven), Ok(Money(0)));
    }

    #[test]
    fn the_net_of_an_inclusive_price() {
        assert_eq!(without_tax(Money(1_060_000), Rate::parse("6%").unwrap()), Money(1_000_000));
        assert_eq!(without_tax(Money(-1), Rate::parse("100%").unwrap()), Money(-1));
    }
}
