//! Mean balances made alike where the serpentine leaves them apart: with heavy tails a few large accounts decide a mean.
//!
//! The serpentine deal stays as it is unless two assignees with two hundred accounts or more of a stratum differ in mean
//! balance by more than a twenty-fifth of their standard deviation. Then pairs of accounts change places until they do
//! not, or until no pair is left that helps: one account far beyond all others cannot be halved. Nothing but balances
//! decides, so that chance still decides everything else about who gets which account.

use std::cmp::Reverse;

use crate::kernel::Money;

/// From so many accounts on means are promised to be alike.
const ENOUGH: i128 = 200;
/// The standard deviation ÷ the greatest difference between means, squared.
const FINE: i128 = 25 * 25;
/// Parts of a minor unit in which means are compared.
const PARTS: i128 = 1_000;

/// The balances of a stratum in somebody's hands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Holdings {
    count: i128,
    sum: i128,
    squares: i128,
}

impl Holdings {
    /// Adds accounts that have so much together, as if each had the same.
    pub fn add(&mut self, accounts: u32, balance: Money) {
        let (accounts, balance) = (i128::from(accounts.max(1)), i128::from(balance.0));
        self.count += accounts;
        self.sum += balance;
        self.squares = self.squares.saturating_add(balance.saturating_mul(balance) / accounts);
    }

    fn swap(&mut self, out: Money, into: Money) {
        let (out, into) = (i128::from(out.0), i128::from(into.0));
        self.sum += into - out;
        self.squares = self
            .squares
            .saturating_add(into.saturating_mul(into))
            .saturating_sub(out.saturating_mul(out));
    }

    fn mean(&self) -> i128 {
        self.sum.saturating_mul(PARTS) / self.count.max(1)
    }

    fn variance(&self) -> i128 {
        let mean = self.sum / self.count.max(1);
        (self.squares / self.count.max(1)).saturating_sub(mean.saturating_mul(mean))
    }

    /// How far its mean lies above another's, where that is further than promised.
    fn too_far_above(&self, other: &Holdings) -> Option<i128> {
        let apart = self.mean() - other.mean();
        let variance = self.variance().saturating_add(other.variance()) / 2;
        let far = apart.saturating_mul(apart).saturating_mul(FINE)
            > variance.saturating_mul(PARTS * PARTS);
        (apart > 0 && far).then_some(apart)
    }
}

/// Adds accounts to the holdings and lets them change places until the means are alike. `balances` fall from first to last;
/// `places` says whose each is; places beyond the holdings are nobody's.
pub fn balance_means(balances: &[Money], places: &mut [usize], holdings: &mut [Holdings]) {
    for (balance, place) in balances.iter().zip(places.iter()) {
        if let Some(own) = holdings.get_mut(*place) {
            own.add(1, *balance);
        }
    }
    // Every change brings two means nearly together, so that few are needed; an end there must be in any case.
    for _ in 0..holdings.len() * 16 {
        let swap = too_far(holdings).into_iter().find_map(|(apart, high, low)| {
            let (own, other) = (holdings[high].count, holdings[low].count);
            let wanted = apart.saturating_mul(own).saturating_mul(other) / (own + other) / PARTS;
            pair(balances, places, (high, low), wanted).map(|(from, to)| (high, low, from, to))
        });
        let Some((high, low, from, to)) = swap else { return };
        places.swap(from, to);
        holdings[high].swap(balances[from], balances[to]);
        holdings[low].swap(balances[to], balances[from]);
    }
}

/// The pairs of places with enough accounts whose means lie further apart than promised, the furthest first.
fn too_far(holdings: &[Holdings]) -> Vec<(i128, usize, usize)> {
    let enough = || (0..holdings.len()).filter(|place| holdings[*place].count >= ENOUGH);
    let above = |high: usize, low: usize| {
        holdings[high].too_far_above(&holdings[low]).map(|apart| (apart, high, low))
    };
    let mut found: Vec<(i128, usize, usize)> =
        enough().flat_map(|high| enough().filter_map(move |low| above(high, low))).collect();
    found.sort_by_key(|(apart, high, low)| (Reverse(*apart), *high, *low));
    found
}

/// The account of the one place and of the other whose difference comes nearest to what is wanted, when changing them
/// brings the means nearer together at all.
fn pair(
    balances: &[Money],
    places: &[usize],
    (high, low): (usize, usize),
    wanted: i128,
) -> Option<(usize, usize)> {
    let of = |wanted: usize| (0..places.len()).filter(move |index| places[*index] == wanted);
    let lower: Vec<usize> = of(low).collect();
    let less_by =
        |from: usize, to: usize| i128::from(balances[from].0) - i128::from(balances[to].0);
    let nearest = |from: usize| {
        // Balances fall, so that what lies below the account by less than what is wanted stands first.
        let split = lower.partition_point(|to| less_by(from, *to) < wanted);
        let beside = [split.checked_sub(1), Some(split)]
            .into_iter()
            .flatten()
            .filter_map(|place| lower.get(place));
        beside.map(|to| ((less_by(from, *to) - wanted).abs(), from, *to)).min()
    };
    let best = of(high).filter_map(nearest).min();
    best.filter(|(off, ..)| *off < wanted).map(|(_, from, to)| (from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holdings(recipients: usize) -> Vec<Holdings> {
        vec![Holdings::default(); recipients]
    }

    #[test]
    fn only_those_with_two_hundred_accounts_change_places() {
        let balances: Vec<Money> =
            (0..420).map(|number| Money(i64::pow(500 - number, 3))).collect();
        for (cut, moves) in [(190, false), (210, true)] {
            let mut places: Vec<usize> = (0..420)
                .map(|number| usize::from(number / 10 % 2 == 1 || number / 2 >= cut))
                .collect();
            let (before, mut holdings) = (places.clone(), holdings(2));
            balance_means(&balances, &mut places, &mut holdings);
            assert_eq!(places != before, moves, "{cut}");
            assert_eq!(holdings[0].too_far_above(&holdings[1]).is_none(), moves, "{cut}");
            assert_eq!(holdings[0].count, i128::from(cut), "the counts stay");
        }
    }

    #[test]
    fn what_each_had_before_counts() {
        let balances: Vec<Money> = (0..400).map(|number| Money(100_000 - 100 * number)).collect();
        let mut places: Vec<usize> =
            (0..400).map(|number| ((number + 1) / 2 % 2) as usize).collect();
        let mut holdings = holdings(2);
        (0..10).for_each(|_| holdings[0].add(2, Money(250_000)));
        balance_means(&balances, &mut places, &mut holdings);
        assert!(
            holdings[0].too_far_above(&holdings[1]).is_none()
                && holdings[1].too_far_above(&holdings[0]).is_none()
        );
        let sum = |wanted: usize| -> i64 {
            (0..400).filter(|i| places[*i] == wanted).map(|i| balances[i].0).sum()
        };
        assert!(sum(0) < sum(1), "what it had before was large, what it gets is smaller");
        assert_eq!(holdings[0].sum, i128::from(sum(0)) + 2_500_000);
    }

    #[test]
    fn nobody_s_accounts_stay_nobody_s() {
        let balances: Vec<Money> = (0..700).map(|number| Money(1_000 - number)).collect();
        let mut places: Vec<usize> = (0..700).map(|number| (number / 220) as usize).collect();
        let before: Vec<usize> = places
            .iter()
            .enumerate()
            .filter(|(_, place)| **place >= 2)
            .map(|(index, _)| index)
            .collect();
        balance_means(&balances, &mut places, &mut holdings(2));
        let after: Vec<usize> = places
            .iter()
            .enumerate()
            .filter(|(_, place)| **place >= 2)
            .map(|(index, _)| index)
            .collect();
        assert_eq!(before, after);
    }
}
