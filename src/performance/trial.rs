//! Champion and challenger: two assignees compared on accounts that chance dealt between them, stratum by
//! stratum, so that nothing but their work differs.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::history::Sums;
use super::number::{ratio, square_root};
use crate::contract::factor::Parameters;
use crate::kernel::Money;
use crate::kernel::calendar::plus_days;

/// With fewer accounts than that on either side nothing is concluded.
pub const FEW: i64 = 30;

/// What the explored accounts say of a challenger beside the champion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// With whom others are compared.
    pub champion: String,
    /// Who is compared with it.
    pub challenger: String,
    /// Strata in which both were dealt accounts.
    pub strata: usize,
    /// Accounts of the champion and of the challenger in them.
    pub accounts: (i64, i64),
    /// The recovery rates on the same mix of strata.
    pub rates: (Decimal, Decimal),
    /// Champion's rate − challenger's.
    pub difference: Decimal,
    /// The 95 % range of the difference.
    pub range: (Decimal, Decimal),
}

impl Comparison {
    /// Whether the range leaves no doubt who is better: of too few accounts, most of which pay nothing, it says too much.
    pub fn is_clear(&self) -> bool {
        !self.is_of_few() && (self.range.0 > Decimal::ZERO || self.range.1 < Decimal::ZERO)
    }

    /// Whether there are too few accounts to conclude anything.
    pub fn is_of_few(&self) -> bool {
        self.accounts.0.min(self.accounts.1) < FEW
    }
}

/// A run that held accounts back to be dealt by chance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExploredRun {
    /// The run.
    pub run_no: i64,
    /// The day its placements began.
    pub placed_on: NaiveDate,
    /// How many accounts chance dealt to each assignee.
    pub accounts: BTreeMap<String, i64>,
}

impl ExploredRun {
    /// The first day on which its accounts can be judged.
    pub fn judged_on(&self, parameters: Parameters) -> NaiveDate {
        plus_days(self.placed_on, parameters.horizon_days)
    }
}

/// Explored accounts summed by stratum and assignee.
pub type Explored = BTreeMap<String, BTreeMap<String, Sums>>;

/// Compares two assignees: each stratum's difference in recovery rate, weighed by what both were dealt in it.
/// `None` when no stratum gave at least two accounts to each.
pub fn compare(explored: &Explored, champion: &str, challenger: &str) -> Option<Comparison> {
    let both: Vec<(&Sums, &Sums)> = explored
        .values()
        .filter_map(|cells| Some((cells.get(champion)?, cells.get(challenger)?)))
        .filter(|(a, b)| {
            a.placements > 1
                && b.placements > 1
                && a.balance > Money::ZERO
                && b.balance > Money::ZERO
        })
        .collect();
    let all: Money = both.iter().map(|(a, b)| a.balance + b.balance).sum();
    let (mut rates, mut variance) = ((Decimal::ZERO, Decimal::ZERO), Decimal::ZERO);
    for (a, b) in &both {
        let weight = ratio(a.balance + b.balance, all)?;
        rates.0 += weight * a.rate()?;
        rates.1 += weight * b.rate()?;
        variance += weight * weight * (rate_variance(a)? + rate_variance(b)?);
    }
    if both.is_empty() {
        return None;
    }
    let difference = rates.0 - rates.1;
    let spread = square_root(variance)? * Decimal::new(196, 2);
    Some(Comparison {
        champion: champion.to_string(),
        challenger: challenger.to_string(),
        strata: both.len(),
        accounts: (
            both.iter().map(|(a, _)| a.placements).sum(),
            both.iter().map(|(_, b)| b.placements).sum(),
        ),
        rates,
        difference,
        range: (difference - spread, difference + spread),
    })
}

/// The variance of a ratio of sums: Σ (recovered − rate × balance)² · n ÷ (n − 1) ÷ balance².
fn rate_variance(sums: &Sums) -> Option<Decimal> {
    let n = Decimal::from(sums.placements);
    let corrected = sums.scatter(sums.rate()?)?.checked_mul(n)?.checked_div(n - Decimal::ONE)?;
    // The scatter is in squared units of a hundred minor units.
    let balance = Decimal::from(sums.balance.0) / Decimal::ONE_HUNDRED;
    corrected.checked_div(balance)?.checked_div(balance)
}

/// All assignees compared with the champion: the one that is named, else the one that is clearly ahead of most others, and
/// among several the one with the most accounts to show for it. A lucky few accounts make no champion.
pub fn compare_all(explored: &Explored, champion: Option<&str>) -> Vec<Comparison> {
    let mut totals: BTreeMap<&str, Sums> = BTreeMap::new();
    for (assignee, sums) in explored.values().flatten() {
        totals.entry(assignee).or_default().merge(sums);
    }
    let names: Vec<&str> = totals.keys().copied().collect();
    let beats = |a: &str, b: &str| {
        compare(explored, a, b).is_some_and(|one| one.is_clear() && one.difference > Decimal::ZERO)
    };
    let ahead = |a: &str| {
        let others = || names.iter().filter(|b| **b != a);
        let (wins, losses) =
            (others().filter(|b| beats(a, b)).count(), others().filter(|b| beats(b, a)).count());
        crate::kernel::count(wins) - crate::kernel::count(losses)
    };
    let best = || {
        names
            .iter()
            .copied()
            .max_by_key(|name| (ahead(name), totals[name].placements, std::cmp::Reverse(*name)))
    };
    let Some(champion) = champion.or_else(best) else { return Vec::new() };
    names
        .iter()
        .filter(|name| **name != champion)
        .filter_map(|name| compare(explored, champion, name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::performance::history::Judged;

    #[test]
    fn the_mix_of_strata_does_not_flatter() {
        // The champion has the easy stratum, the challenger the hard one; inside each they are alike but for chance.
        let mut explored = Explored::new();
        let mut deal = |stratum: &str, assignee: &str, accounts: usize, rate: i64| {
            let sums = explored
                .entry(stratum.to_string())
                .or_default()
                .entry(assignee.to_string())
                .or_default();
            (0..accounts).for_each(|_| {
                sums.add(Judged { balance: Money(100_000), recovered: Money(1_000 * rate) })
            });
        };
        deal("easy", "A", 90, 20);
        deal("easy", "B", 10, 20);
        deal("hard", "A", 10, 4);
        deal("hard", "B", 90, 2);
        let found = compare(&explored, "A", "B").unwrap();
        assert_eq!(found.accounts, (100, 100));
        assert_eq!(found.difference.normalize().to_string(), "0.01");
        assert!(found.is_clear());
        assert_eq!(compare(&explored, "A", "C"), None);
        assert_eq!(compare_all(&explored, None).len(), 1);
    }

    #[test]
    fn a_lucky_few_accounts_make_no_champion() {
        let mut explored = Explored::new();
        for (assignee, rates) in
            [("A", [30, 20, 25].repeat(40)), ("B", [12, 10, 14].repeat(40)), ("C", vec![90, 0])]
        {
            let sums = explored
                .entry("M2".to_string())
                .or_default()
                .entry(assignee.to_string())
                .or_default();
            rates.iter().for_each(|rate| {
                sums.add(Judged { balance: Money(100_000), recovered: Money(1_000 * rate) })
            });
        }
        let champions = |named| {
            compare_all(&explored, named).iter().map(|one| one.champion.clone()).collect::<Vec<_>>()
        };
        assert_eq!(champions(None), ["A", "A"]);
        assert_eq!(champions(Some("B")), ["B", "B"], "whoever is asked for");
        assert_eq!(champions(Some("X")), Vec::<String>::new());
    }
}
