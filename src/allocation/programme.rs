//! The exact solver of the method `optimise`: which stratum's accounts go to which recipient so that their value is
//! largest within everybody's limits. Integers only; the same programme gives the same plan.
//!
//! A plan carries its proof: prices for which [`bound`], which knows nothing of how the plan was found and is no less
//! than the value of any plan, equals the plan's value. Where no plan keeps all limits, a [`Clash`] names limits that
//! contradict each other. How the plan is found is told in `network.rs`; prices learned on a sample of the strata
//! make it fast.

use super::network::{Link, Links, Network, UNLIMITED};

/// The largest value of an account that is told from larger ones: 2,300 billion currency units.
const LARGEST_VALUE: i64 = i64::MAX / 4;

/// A recipient to whom a stratum's accounts may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The stratum, an index into the programme's accounts.
    pub stratum: u32,
    /// The recipient, an index into the programme's limits.
    pub recipient: u16,
    /// What one account of the stratum is worth there, in millionths of a currency unit.
    pub value: i64,
}

/// What to place, where it may go, and the limits. Negative counts and limits are read as none at all, cells of unknown
/// strata or recipients are not used. Made for up to some hundred recipients: memory grows with their square.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Programme {
    /// How many accounts each stratum has.
    pub accounts: Vec<i64>,
    /// How many recipients there are.
    pub recipients: usize,
    /// Where accounts may go.
    pub cells: Vec<Cell>,
    /// The fewest accounts each recipient must get.
    pub lower: Vec<i64>,
    /// The most accounts each recipient may get; absent, as many as there are.
    pub upper: Vec<Option<i64>>,
    /// Whether every account must be placed. If not, value comes first, and then as many accounts as possible.
    pub place_all: bool,
}

/// The best plan, and the proof that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many accounts go to each cell, in the order of the programme's cells.
    pub assigned: Vec<i64>,
    /// What the plan is worth, in millionths.
    pub objective: i128,
    /// What no plan can exceed: [`bound`] at the recipient prices.
    pub bound: i128,
    /// What each recipient's limit one account higher would change: above nought where the most allowed binds, below
    /// where the fewest allowed does, nought where neither does. Where the plan lets no other account be moved to the
    /// recipient it is a price that proves the plan and no more.
    pub recipient_prices: Vec<i128>,
    /// What one account of each stratum is worth after the recipient prices.
    pub stratum_prices: Vec<i128>,
}

/// Which kind of limits contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClashKind {
    /// One recipient must get more than it may get.
    Crossed,
    /// All accounts must be placed, and some strata have more than the recipients open to them may get: the strata need
    /// room, the recipients' upper limits leave less.
    Maximums,
    /// Recipients must get more accounts than there are in the strata open to any of them.
    Minimums,
}

/// Why no plan keeps all limits: limits that contradict each other, whatever else is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// Which kind of limits.
    pub kind: ClashKind,
    /// Whose limits.
    pub recipients: Vec<usize>,
    /// Whose accounts: with maximums the strata open to nobody but these recipients, with minimums those open to any of them.
    pub strata: Vec<usize>,
    /// The accounts that need room, or that are needed.
    pub needed: i128,
    /// The room, or the accounts, that there are: less than needed.
    pub available: i128,
}

impl Programme {
    fn count(&self, stratum: usize) -> i64 {
        self.accounts.get(stratum).copied().unwrap_or(0).max(0)
    }

    fn least(&self, recipient: usize) -> i128 {
        i128::from(self.lower.get(recipient).copied().unwrap_or(0).max(0))
    }

    fn most(&self, recipient: usize) -> Option<i128> {
        self.upper.get(recipient).copied().flatten().map(|most| i128::from(most.max(0)))
    }

    /// The cells that can be used, with their strata, recipients and values, in the order given.
    fn usable(&self) -> impl Iterator<Item = (usize, usize, usize, i64)> + '_ {
        let all = self.cells.iter().enumerate();
        let all = all.map(|(index, cell)| {
            (index, cell.stratum as usize, usize::from(cell.recipient), cell.value)
        });
        all.filter(|(_, stratum, recipient, _)| {
            *stratum < self.accounts.len() && *recipient < self.recipients
        })
        .map(|(index, stratum, recipient, value)| {
            (index, stratum, recipient, value.clamp(-LARGEST_VALUE, LARGEST_VALUE))
        })
    }

    /// The clash of the given recipients' limits, if they do clash.
    fn clash(&self, kind: ClashKind, recipients: Vec<usize>) -> Option<Clash> {
        let mut named = vec![false; self.recipients];
        recipients.iter().for_each(|recipient| named[*recipient] = true);
        let mut open_inside = vec![false; self.accounts.len()];
        let mut open_outside = vec![false; self.accounts.len()];
        for (_, stratum, recipient, _) in self.usable() {
            (if named[recipient] { &mut open_inside } else { &mut open_outside })[stratum] = true;
        }
        let concerned = |stratum: &usize| match kind {
            ClashKind::Crossed => false,
            ClashKind::Maximums => !open_outside[*stratum],
            ClashKind::Minimums => open_inside[*stratum],
        };
        let strata: Vec<usize> = (0..self.accounts.len())
            .filter(|stratum| self.count(*stratum) > 0 && concerned(stratum))
            .collect();
        let accounts = strata.iter().map(|stratum| i128::from(self.count(*stratum))).sum();
        let fewest = recipients.iter().map(|recipient| self.least(*recipient)).sum();
        let most = recipients
            .iter()
            .map(|recipient| self.most(*recipient))
            .sum::<Option<i128>>()
            .unwrap_or(UNLIMITED);
        let (needed, available) = match kind {
            ClashKind::Crossed => (fewest, most),
            ClashKind::Maximums => (accounts, most),
            ClashKind::Minimums => (fewest, accounts),
        };
        (needed > available).then_some(Clash { kind, recipients, strata, needed, available })
    }

    /// The clashes that are seen without solving: crossed limits, minimums above all accounts, strata open to nobody.
    fn plain_clash(&self) -> Option<Clash> {
        let crossed = (0..self.recipients)
            .find_map(|recipient| self.clash(ClashKind::Crossed, vec![recipient]));
        let demanding =
            || (0..self.recipients).filter(|recipient| self.least(*recipient) > 0).collect();
        let crossed = crossed.or_else(|| self.clash(ClashKind::Minimums, demanding()));
        crossed.or_else(|| {
            if self.place_all { self.clash(ClashKind::Maximums, Vec::new()) } else { None }
        })
    }

    /// The places of every stratum in order of the recipients, nobody last, and which cell each is.
    fn links(&self) -> (Links, Vec<Option<usize>>) {
        let mut cells: Vec<(usize, usize, Option<usize>, i64)> = self
            .usable()
            .map(|(index, stratum, recipient, value)| (stratum, recipient, Some(index), value))
            .collect();
        if !self.place_all {
            cells.extend(
                (0..self.accounts.len()).map(|stratum| (stratum, self.recipients, None, 0)),
            );
        }
        cells.sort_unstable();
        let links = cells.iter().map(|(stratum, node, _, value)| Link {
            stratum: *stratum,
            node: *node,
            value: *value,
        });
        (
            Links::new(links.collect(), self.accounts.len()),
            cells.iter().map(|cell| cell.2).collect(),
        )
    }

    /// The limits of all recipients and then of nobody, for a part of the accounts in proportion.
    fn limits(&self, part: i128, whole: i128) -> (Vec<i128>, Vec<i128>) {
        let share =
            |limit: i128| limit.checked_mul(part).map_or(limit, |product| product / whole.max(1));
        let mut least: Vec<i128> =
            (0..self.recipients).map(|recipient| share(self.least(recipient))).collect();
        let mut most: Vec<i128> = (0..self.recipients)
            .map(|recipient| self.most(recipient).map_or(UNLIMITED, share))
            .collect();
        least.push(0);
        most.push(if self.place_all { 0 } else { UNLIMITED });
        (least, most)
    }

    /// Prices that are about right, from ever larger samples of the strata, each eight times the one before.
    fn learned_prices(&self, links: &Links) -> Vec<i128> {
        let counts: Vec<i64> =
            (0..self.accounts.len()).map(|stratum| self.count(stratum)).collect();
        let total = |counts: &[i64]| counts.iter().map(|count| i128::from(*count)).sum::<i128>();
        let mut prices = vec![0; self.recipients + 1];
        let mut bits = (counts.len() / 64).max(1).ilog2() / 3 * 3;
        while bits > 0 {
            let sampled = |(stratum, count): (usize, &i64)| {
                if spread(stratum) >> (64 - bits) == 0 { *count } else { 0 }
            };
            let sample: Vec<i64> = counts.iter().enumerate().map(sampled).collect();
            let (least, most) = self.limits(total(&sample), total(&counts));
            let mut network = Network::new(links, &sample, least, most, prices);
            // A sample that cannot be settled teaches something too.
            network.settle();
            prices = network.prices();
            bits -= 3;
        }
        prices
    }
}

/// Numbers evenly over all 64 bits, so that a sample shares no rhythm with the order of the strata.
fn spread(stratum: usize) -> u64 {
    (stratum as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// The plan of the largest value; among several of that value one that places most accounts.
pub fn solve(programme: &Programme) -> Result<Plan, Clash> {
    if let Some(clash) = programme.plain_clash() {
        return Err(clash);
    }
    let (links, cells) = programme.links();
    let counts: Vec<i64> =
        (0..programme.accounts.len()).map(|stratum| programme.count(stratum)).collect();
    let (least, most) = programme.limits(1, 1);
    let mut network = Network::new(&links, &counts, least, most, programme.learned_prices(&links));
    if !network.settle() {
        let (over, recipients) = network.stuck();
        let kind = if over { ClashKind::Maximums } else { ClashKind::Minimums };
        let unproved = Clash {
            kind,
            recipients: recipients.clone(),
            strata: Vec::new(),
            needed: 0,
            available: 0,
        };
        return Err(programme.clash(kind, recipients).unwrap_or(unproved));
    }
    network.place_more();
    network.marginal();
    let mut assigned = vec![0; programme.cells.len()];
    for (count, cell) in network.assigned.iter().zip(&cells) {
        if let Some(cell) = cell {
            assigned[*cell] = *count;
        }
    }
    let worth = programme
        .usable()
        .map(|(index, _, _, value)| i128::from(value).saturating_mul(assigned[index].into()));
    let objective = worth.fold(0, i128::saturating_add);
    let mut recipient_prices = network.prices();
    recipient_prices.truncate(programme.recipients);
    let bound = bound(programme, &recipient_prices);
    Ok(Plan {
        objective,
        bound,
        stratum_prices: stratum_prices(programme, &recipient_prices),
        recipient_prices,
        assigned,
    })
}

/// What no plan is worth more than, whatever the prices of the recipients: every account is counted at what it is worth
/// after prices where that is most, and every recipient pays its price for the limit that makes it pay most.
pub fn bound(programme: &Programme, recipient_prices: &[i128]) -> i128 {
    let mut bound: i128 = 0;
    for (stratum, price) in stratum_prices(programme, recipient_prices).into_iter().enumerate() {
        bound = bound.saturating_add(price.saturating_mul(programme.count(stratum).into()));
    }
    for recipient in 0..programme.recipients {
        let price = recipient_prices.get(recipient).copied().unwrap_or(0);
        let limit = if price > 0 {
            programme.most(recipient).unwrap_or(i128::MAX)
        } else {
            programme.least(recipient)
        };
        bound = bound.saturating_add(price.saturating_mul(limit));
    }
    bound
}

/// What an account of each stratum is worth after the recipients' prices, where that is most; being left is worth nothing.
fn stratum_prices(programme: &Programme, recipient_prices: &[i128]) -> Vec<i128> {
    let left = if programme.place_all { None } else { Some(0) };
    let mut best: Vec<Option<i128>> = vec![left; programme.accounts.len()];
    for (_, stratum, recipient, value) in programme.usable() {
        let worth =
            i128::from(value).saturating_sub(recipient_prices.get(recipient).copied().unwrap_or(0));
        best[stratum] = best[stratum].max(Some(worth));
    }
    best.into_iter().map(|best| best.unwrap_or(0)).collect()
}

/// The most accounts that can be placed when nobody must get any: what eligibility and upper limits leave.
pub fn most_placed(programme: &Programme) -> i64 {
    let mut free = Programme { lower: Vec::new(), place_all: false, ..programme.clone() };
    free.cells.iter_mut().for_each(|cell| cell.value = 0);
    let placed =
        solve(&free).map_or(0, |plan| plan.assigned.iter().map(|count| i128::from(*count)).sum());
    i64::try_from(placed).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A programme from values by stratum and recipient; a negative one is a pair that is not open.
    fn programme(accounts: &[i64], values: &[&[i64]], upper: &[Option<i64>]) -> Programme {
        let row = |(stratum, row): (usize, &&[i64])| {
            let cell = move |(recipient, value): (usize, &i64)| Cell {
                stratum: stratum as u32,
                recipient: recipient as u16,
                value: *value,
            };
            row.iter().enumerate().map(cell).filter(|cell| cell.value >= 0).collect::<Vec<_>>()
        };
        let cells = values.iter().enumerate().flat_map(row).collect();
        let lower = vec![0; upper.len()];
        Programme {
            accounts: accounts.to_vec(),
            recipients: upper.len(),
            cells,
            lower,
            upper: upper.to_vec(),
            place_all: true,
        }
    }

    #[test]
    fn the_best_plan_is_not_the_greedy_one() {
        let plan = solve(&programme(&[10, 10], &[&[10, 9], &[9, 1]], &[Some(10), None])).unwrap();
        assert_eq!((plan.assigned, plan.objective, plan.bound), (vec![0, 10, 10, 0], 180, 180));
        assert_eq!(
            plan.recipient_prices,
            [1, 0],
            "one place more with the first taker brings the first stratum's 10 − 9"
        );
        let plan =
            solve(&programme(&[100, 100], &[&[10, 4], &[6, 5]], &[Some(100), None])).unwrap();
        assert_eq!((plan.assigned, plan.objective), (vec![100, 0, 0, 100], 1500));
    }

    #[test]
    fn nothing_is_left_because_it_is_worth_nothing() {
        let mut two = programme(&[10], &[&[0, 5]], &[None, Some(4)]);
        two.place_all = false;
        assert_eq!(solve(&two).unwrap().assigned, [6, 4]);
        two.upper[0] = Some(3);
        let plan = solve(&two).unwrap();
        assert_eq!((plan.assigned, plan.recipient_prices), (vec![3, 4], vec![0, 5]));
        assert_eq!(most_placed(&two), 7);
        two.place_all = true;
        let clash = solve(&two).unwrap_err();
        assert_eq!(
            (clash.kind, clash.recipients, clash.strata),
            (ClashKind::Maximums, vec![0, 1], vec![0])
        );
        assert_eq!((clash.needed, clash.available), (10, 7));
    }

    #[test]
    fn the_earlier_taker_gets_what_is_worth_the_same() {
        assert_eq!(
            solve(&programme(&[7, 3], &[&[4, 4], &[2, 2]], &[None, None])).unwrap().assigned,
            [7, 0, 3, 0]
        );
    }

    #[test]
    fn a_clash_names_the_limits_that_contradict_each_other() {
        let mut three = programme(
            &[60, 180, 1000],
            &[&[-1, 1, 1], &[-1, 1, -1], &[1, -1, -1]],
            &[None, None, None],
        );
        three.lower = vec![0, 200, 100];
        let clash = solve(&three).unwrap_err();
        assert_eq!(
            (clash.kind, clash.recipients, clash.strata),
            (ClashKind::Minimums, vec![1, 2], vec![0, 1])
        );
        assert_eq!((clash.needed, clash.available), (300, 240));
        three.lower = vec![950, 10, 100];
        let clash = solve(&three).unwrap_err();
        assert_eq!(
            (clash.kind, clash.recipients, clash.needed),
            (ClashKind::Minimums, vec![2], 100)
        );
        three.lower[2] = 0;
        three.upper[0] = Some(980);
        let clash = solve(&three).unwrap_err();
        assert_eq!(
            (clash.kind, clash.recipients, clash.strata),
            (ClashKind::Maximums, vec![0], vec![2])
        );
        three.upper[1] = Some(9);
        let clash = solve(&three).unwrap_err();
        assert_eq!(
            (clash.kind, clash.recipients, clash.needed, clash.available),
            (ClashKind::Crossed, vec![1], 10, 9)
        );
    }

    #[test]
    fn any_input_has_an_answer() {
        assert_eq!(solve(&Programme::default()).unwrap().objective, 0);
        let mut odd =
            programme(&[5, 0, -3], &[&[i64::MAX, i64::MAX], &[], &[1, 1]], &[Some(-1), None]);
        odd.cells.push(Cell { stratum: 9, recipient: 0, value: 1 });
        odd.cells.push(Cell { stratum: 0, recipient: 9, value: 1 });
        odd.lower.clear();
        let plan = solve(&odd).unwrap();
        assert_eq!((&plan.assigned[..], plan.bound), (&[0, 5, 0, 0, 0, 0][..], plan.objective));
        odd.cells.clear();
        assert_eq!(solve(&odd).unwrap_err().needed, 5, "open to nobody, yet all must be placed");
        odd.place_all = false;
        assert!(solve(&odd).unwrap().assigned.is_empty());
        let huge = Programme {
            accounts: vec![i64::MAX; 4],
            upper: vec![Some(i64::MAX), None],
            ..programme(&[], &[], &[])
        };
        let cells = (0..8_u32).map(|i| Cell {
            stratum: i / 2,
            recipient: (i % 2) as u16,
            value: i64::MIN + i64::from(i),
        });
        let huge = Programme { recipients: 2, cells: cells.collect(), ..huge };
        assert_eq!(solve(&huge).unwrap().assigned.iter().filter(|count| **count > 0).count(), 4);
    }
}
