//! Rates and rounding. Only [`Rate::of`] multiplies money, and every product is exact until it is rounded.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;

use super::money::Money;
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
}

impl Rate {
    /// Nothing of it.
    pub const ZERO: Rate = Rate(0);
    /// All of it.
    pub const ONE: Rate = Rate(10_i64.pow(SCALE));

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
        let scaled = value.mantissa() * 10_i128.pow(shift - value.scale());
        i64::try_from(scaled).map(Rate).map_err(|_| RateFault::NotARate)
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

    /// This proportion of an amount, exactly.
    pub fn of(self, amount: Money) -> Exact {
        Exact(i128::from(amount.0) * i128::from(self.0) * UNIT)
    }

    /// This proportion of an exact bound within an amount: the slice of `amount` between two bounds is priced this way.
    pub fn of_exact(self, amount: Exact) -> Exact {
        match (amount.0 / UNIT).checked_mul(i128::from(self.0)) {
            Some(product) => Exact(product),
            None => unreachable!(
                "amounts and rates are bounded at the door, so their products stay inside 128 bits"
            ),
        }
    }
}

impl Exact {
    /// A whole amount.
    pub fn of(amount: Money) -> Exact {
        Exact(i128::from(amount.0) * UNIT * UNIT)
    }

    /// Rounded to the minor unit.
    pub fn round(self, rounding: Rounding) -> Money {
        let unit = UNIT * UNIT;
        Money(i64::try_from(divide(self.0, unit, rounding)).unwrap_or(i64::MAX))
    }

    /// In minor units, to ten decimals: for expectations, which are not booked.
    pub fn decimal(self) -> Decimal {
        Decimal::try_from_i128_with_scale(self.0 / UNIT, SCALE).unwrap_or(Decimal::MAX)
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
    Money(
        i64::try_from(divide(i128::from(amount.0) * UNIT, divisor, Rounding::HalfUp))
            .unwrap_or(i64::MAX),
    )
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
    fn the_net_of_an_inclusive_price() {
        assert_eq!(without_tax(Money(1_060_000), Rate::parse("6%").unwrap()), Money(1_000_000));
        assert_eq!(without_tax(Money(-1), Rate::parse("100%").unwrap()), Money(-1));
    }
}
