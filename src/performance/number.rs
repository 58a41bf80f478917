//! Ratios of sums, exactly enough: every figure is rounded once, half away from zero, to the places it is shown
//! with, and what is decided is decided on the rounded figure.

use rust_decimal::{Decimal, RoundingStrategy};

use crate::kernel::Money;

/// Places of a recovery rate and of a fee rate.
pub const RATE_PLACES: u32 = 8;
/// Places of an index and of a credibility.
pub const INDEX_PLACES: u32 = 6;
/// Places of a score.
pub const SCORE_PLACES: u32 = 2;

/// Rounds half away from zero, and shows all places.
pub fn round(number: Decimal, places: u32) -> Decimal {
    let mut rounded = number.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(places);
    rounded
}

/// One sum of minor units over another, or `None` when there is nothing below the line.
pub fn ratio(above: Money, below: Money) -> Option<Decimal> {
    Decimal::from(above.0).checked_div(Decimal::from(below.0))
}

/// A percentage with two decimals, for people.
pub fn percent(number: Decimal) -> String {
    let shown = round(number * Decimal::ONE_HUNDRED, 2);
    format!("{shown}%").replace('-', "−")
}

/// The square root, to 10⁻⁹ of the larger figures a book makes; `None` below zero or beyond 128 bits.
pub fn square_root(number: Decimal) -> Option<Decimal> {
    let places = 18;
    let fits = number.checked_mul(Decimal::from_i128_with_scale(10_i128.pow(places), 0)).is_some();
    let places = if fits { places } else { 0 };
    let scaled = number.checked_mul(Decimal::from_i128_with_scale(10_i128.pow(places), 0))?.trunc();
    let root = scaled.mantissa().checked_isqrt()?;
    Decimal::try_from_i128_with_scale(root, places / 2).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_exact_enough() {
        let root =
            |text: &str| square_root(text.parse().unwrap()).map(|root| round(root, 6).to_string());
        assert_eq!(root("2").as_deref(), Some("1.414214"));
        assert_eq!(root("0").as_deref(), Some("0.000000"));
        assert_eq!(root("1000000000000000000000000").as_deref(), Some("1000000000000.000000"));
        assert_eq!(root("-1"), None);
    }

    #[test]
    fn halves_round_away_from_zero() {
        assert_eq!(round("0.1250".parse().unwrap(), 2).to_string(), "0.13");
        assert_eq!(round("-0.125".parse().unwrap(), 2).to_string(), "-0.13");
        assert_eq!(percent("0.018".parse().unwrap()), "1.80%");
    }
}
