//! Liquidation curves: what a batch has recovered by so many months after placing, as a share of its balance.

use chrono::{Months, NaiveDate};
use rust_decimal::Decimal;

use super::number::ratio;
use crate::kernel::Money;

/// The curve of one batch, or of all batches of one assignee.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Curve {
    /// The first day anything was placed.
    pub placed_on: Option<NaiveDate>,
    /// Placements.
    pub placements: i64,
    /// The balance placed.
    pub balance: Money,
    /// Month by month: the balance of the placements that have come so far, and what those recovered in it.
    pub months: Vec<(Money, Money)>,
}

/// Curves are drawn at most so many months long.
pub const MOST_MONTHS: u32 = 24;

impl Curve {
    /// Adds a placement and what it recovered, as seen on a day. A month is on the curve once it is over for a
    /// placement, and only such placements are in it.
    pub fn add(
        &mut self,
        placed_on: NaiveDate,
        balance: Money,
        receipts: &[(NaiveDate, Money)],
        on: NaiveDate,
    ) {
        self.placed_on = Some(self.placed_on.map_or(placed_on, |first| first.min(placed_on)));
        self.placements += 1;
        self.balance += balance;
        let mut before = Money::ZERO;
        for month in 0..MOST_MONTHS {
            let Some(end) =
                placed_on.checked_add_months(Months::new(month + 1)).filter(|end| *end <= on)
            else {
                return;
            };
            let by_then: Money =
                receipts.iter().filter(|(day, _)| *day < end).map(|(_, amount)| *amount).sum();
            let recovered = by_then - before;
            before = by_then;
            match self.months.get_mut(month as usize) {
                Some(sums) => *sums = (sums.0 + balance, sums.1 + recovered),
                None => self.months.push((balance, recovered)),
            }
        }
    }

    /// Adds another curve: the batches of one assignee together.
    pub fn merge(&mut self, other: &Curve) {
        self.placed_on = [self.placed_on, other.placed_on].into_iter().flatten().min();
        self.placements += other.placements;
        self.balance += other.balance;
        for (month, (balance, recovered)) in other.months.iter().enumerate() {
            match self.months.get_mut(month) {
                Some(sums) => *sums = (sums.0 + *balance, sums.1 + *recovered),
                None => self.months.push((*balance, *recovered)),
            }
        }
    }

    /// The share of the balance recovered by the end of each month: the sum of the months' own shares, each measured on the
    /// placements that have come to it. So neither do young batches pull old months down, nor does a curve leap where
    /// they drop out.
    pub fn shares(&self) -> Vec<Decimal> {
        let mut sum = Decimal::ZERO;
        let step = |(balance, recovered): &(Money, Money)| {
            sum += ratio(*recovered, *balance).unwrap_or_default();
            sum
        };
        self.months.iter().map(step).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_adds_up_month_by_month() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let mut curve = Curve::default();
        let receipts = [
            (day("2026-01-31"), Money(10)),
            (day("2026-02-28"), Money(20)),
            (day("2026-03-31"), Money(40)),
        ];
        // The first month ends before 28 February, the last day of that month; the second before 31 March.
        curve.add(day("2026-01-31"), Money(100), &receipts, day("2026-04-15"));
        assert_eq!(curve.months, vec![(Money(100), Money(10)), (Money(100), Money(20))]);
        assert_eq!(curve.shares(), vec![Decimal::new(1, 1), Decimal::new(3, 1)]);
        // A younger placement is only in the months it has come to.
        let before = curve.clone();
        curve.add(day("2026-03-01"), Money(100), &[], day("2026-04-15"));
        assert_eq!(curve.months, vec![(Money(200), Money(10)), (Money(100), Money(20))]);
        assert_eq!(
            curve.shares(),
            vec![Decimal::new(5, 2), Decimal::new(25, 2)],
            "the second month adds its own fifth"
        );
        let mut young = Curve::default();
        young.add(day("2026-03-01"), Money(100), &[], day("2026-04-15"));
        young.merge(&before);
        assert_eq!(young, curve, "curves add up as their placements do");
    }
}
