//! Champion and challenger: two assignees compared on accounts that chance dealt between them, stratum by
//! stratum, so that nothing but their work differs.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::history::Sums;
use super::number::{ratio, round, square_root};
use crate::contract::factor::Parameters;
use crate::kernel::Money;
use crate::kernel::calendar::plus_days;
use crate::party::Lang;

/// With fewer accounts than that on either side nothing is concluded.
const FEW: i64 = 30;

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
    /// The comparison in a plain sentence.
    pub fn sentence(&self, t: Lang) -> String {
        let points =
            |number: Decimal| round(number * Decimal::ONE_HUNDRED, 1).to_string().replace('-', "−");
        let (a, b) = (&self.champion, &self.challenger);
        let (difference, low, high) =
            (points(self.difference), points(self.range.0), points(self.range.1));
        let (own, other) = self.accounts;
        if self.is_of_few() {
            return match t {
                Lang::En => {
                    format!(
                        "{a} and {b} have too few like accounts to be compared: {own} and {other}, it takes {FEW} each"
                    )
                }
                Lang::Zh => format!(
                    "{a} 与 {b} 的同类案件太少，尚不能比较：{own} 户对 {other} 户，各需 {FEW} 户"
                ),
            };
        }
        match (t, self.is_clear()) {
            (Lang::En, true) => format!(
                "{a} recovers {difference} points more than {b} on like accounts; 95 % range {low} to {high} ({own} and {other} accounts)"
            ),
            (Lang::En, false) => format!(
                "{a} and {b} cannot be told apart yet on like accounts: {difference} points, 95 % range {low} to {high} ({own} and {other} accounts)"
            ),
            (Lang::Zh, true) => {
                format!(
                    "同类案件上，{a} 的回款率比 {b} 高 {difference} 个百分点；95% 区间 {low} 至 {high}（{own} 户对 {other} 户）"
                )
            }
            (Lang::Zh, false) => {
                format!(
                    "同类案件上，{a} 与 {b} 尚难分高下：相差 {difference} 个百分点，95% 区间 {low} 至 {high}（{own} 户对 {other} 户）"
                )
            }
        }
    }

    /// Whether the range leaves no doubt who is better: of too few accounts, most of which pay nothing, it says too much.
    pub fn is_clear(&self) -> bool {
        !self.is_of_few() && (self.range.0 > Decimal::ZERO || self.range.1 < Decimal::ZERO)
    }

    fn is_of_few(&self) -> bool {
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

    fn sentence(&self, t: Lang, parameters: Parameters) -> String {
        let dealt: Vec<String> =
            self.accounts.iter().map(|(who, count)| format!("{who} {count}")).collect();
        let (no, on, judged) = (self.run_no, self.placed_on, self.judged_on(parameters));
        match t {
            Lang::En => {
                format!("run {no} of {on} explored {}; judged from {judged}", dealt.join(", "))
            }
            Lang::Zh => {
                format!("{on} 的第 {no} 次分案探索 {}；{judged} 起可考核", dealt.join("、"))
            }
        }
    }
}

/// Runs told one by one.
const TOLD_RUNS: usize = 6;

/// What there is and what is missing, a sentence each, where no two assignees can be compared.
pub fn nothing_to_compare(
    t: Lang,
    runs: &[ExploredRun],
    parameters: Parameters,
    on: NaiveDate,
) -> Vec<String> {
    let en_zh = |en: String, zh: String| if t == Lang::En { en } else { zh };
    if runs.is_empty() {
        return vec![en_zh(
            "nothing to compare: no run has explored; allocate with an `exploration` share and wait until the horizon has passed".to_string(),
            "尚无可比：还没有分案做过探索；请在策略中设置 exploration，并等待考核期届满".to_string(),
        )];
    }
    let of = |which: &dyn Fn(&&ExploredRun) -> bool| -> i64 {
        runs.iter().filter(which).flat_map(|run| run.accounts.values()).sum()
    };
    let judged = of(&|run| parameters.judges(run.placed_on, on));
    let waiting = of(&|run| run.judged_on(parameters) > on);
    let gone = of(&|run| run.placed_on < parameters.first_day(on));
    let (count, months, horizon) = (runs.len(), parameters.window_months, parameters.horizon_days);
    let mut words = vec![en_zh(
        format!(
            "nothing to compare yet: {count} runs explored; of their accounts {judged} can be judged, {waiting} are younger than {horizon} days, {gone} began over {months} months ago"
        ),
        format!(
            "尚无可比：{count} 次分案做过探索；其案件中 {judged} 户可考核，{waiting} 户未满 {horizon} 天，{gone} 户早于 {months} 个月"
        ),
    )];
    let first = runs.iter().map(|run| run.judged_on(parameters)).filter(|day| *day > on).min();
    if judged > 0 {
        words.push(en_zh(
            "of those that can be judged no stratum has two accounts of each of two assignees: explore a larger share, or use fewer strata".to_string(),
            "可考核的案件中，没有一个分层同时有两家受托方各两户以上：请提高探索比例，或减少分层".to_string(),
        ));
    }
    words.extend(first.map(|day| {
        en_zh(format!("the next can be judged on {day}"), format!("下一批自 {day} 起可考核"))
    }));
    let newest = runs.iter().rev().take(TOLD_RUNS);
    words.extend(newest.map(|run| run.sentence(t, parameters)));
    words
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
