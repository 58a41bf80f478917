//! Which fee rules can never be reached: the earlier rules take every placement that they could.
//!
//! Conditions are boxes over eight dimensions. A rule is dead when the earlier boxes cover its own; that is
//! decided exactly, by cutting away from the rule's box what each earlier rule takes.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::FeeRule;
use super::condition::{Conditions, Range};
use crate::party::Buckets;

/// A box: closed ranges for numbers, sets of indices for names (0 stands for every name no rule mentions), sets
/// of 0 and 1 for flags.
#[derive(Clone)]
struct Region {
    ranges: [(i64, i64); 3],
    sets: [Rc<BTreeSet<usize>>; 4],
}

/// Why a list of rules is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreachable {
    /// No placement can reach the rule.
    Rule(usize),
    /// The rules overlap in so many ways that it cannot be told in time.
    Tangled(usize),
}

/// How much may be compared and cut: a fraction of a second. 500 rules that do not overlap need an eighth of it.
const MOST_WORK: usize = 1_000_000;

/// The first rule that no placement can reach.
pub(super) fn unreachable_rule(
    fees: &[FeeRule],
    buckets: &Buckets,
    least_level: i64,
) -> Option<Unreachable> {
    let named = |pick: fn(&Conditions) -> &Option<Vec<String>>| -> BTreeMap<String, usize> {
        let names: BTreeSet<String> =
            fees.iter().filter_map(|fee| pick(&fee.when).clone()).flatten().collect();
        names.into_iter().zip(1..).collect()
    };
    let names = Names::of([named(|when| &when.product), named(|when| &when.region)]);
    let (mut earlier, mut work): (Vec<Region>, usize) = (Vec::new(), MOST_WORK);
    for (i, fee) in fees.iter().enumerate() {
        let own = regions_of(&fee.when, buckets, &names, least_level);
        let mut all_taken = true;
        for region in &own {
            match covered(region.clone(), &earlier, &mut work) {
                None => return Some(Unreachable::Tangled(i)),
                Some(taken) => all_taken &= taken,
            }
        }
        if all_taken {
            return Some(Unreachable::Rule(i));
        }
        earlier.extend(own);
    }
    None
}

/// The products and regions that rules name, numbered from 1, and all their numbers.
struct Names {
    numbers: [BTreeMap<String, usize>; 2],
    all: [Rc<BTreeSet<usize>>; 2],
}

impl Names {
    fn of(numbers: [BTreeMap<String, usize>; 2]) -> Names {
        let all = [0, 1].map(|i: usize| Rc::new((0..=numbers[i].len()).collect()));
        Names { numbers, all }
    }

    fn set(&self, which: usize, list: &Option<Vec<String>>) -> Rc<BTreeSet<usize>> {
        let number = |name: &String| self.numbers[which].get(name).copied();
        list.as_ref().map_or_else(
            || self.all[which].clone(),
            |list| Rc::new(list.iter().filter_map(number).collect()),
        )
    }
}

fn regions_of(
    when: &Conditions,
    buckets: &Buckets,
    names: &Names,
    least_level: i64,
) -> Vec<Region> {
    let range = |range: &Range, least: i64| {
        (range.least.unwrap_or(least).max(least), range.most.unwrap_or(i64::MAX))
    };
    let flag = |wanted: Option<bool>| {
        let both = || BTreeSet::from([0, 1]);
        Rc::new(wanted.map_or_else(both, |wanted| BTreeSet::from([usize::from(wanted)])))
    };
    let sets = [
        names.set(0, &when.product),
        names.set(1, &when.region),
        flag(when.charged_off),
        flag(when.legal),
    ];
    let days = range(&when.days_past_due, 0);
    let slices = match &when.bucket {
        None => vec![days],
        Some(list) => list
            .iter()
            .filter_map(|name| buckets.range(name))
            .map(|(a, b)| (a.max(days.0), b.min(days.1)))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
    };
    slices
        .into_iter()
        .map(|days| Region {
            ranges: [days, range(&when.level, least_level), range(&when.balance, 1)],
            sets: sets.clone(),
        })
        .collect()
}

impl Region {
    fn is_empty(&self) -> bool {
        self.ranges.iter().any(|(least, most)| least > most)
            || self.sets.iter().any(|set| set.is_empty())
    }

    fn meets(&self, other: &Region) -> bool {
        let overlap =
            self.ranges.iter().zip(&other.ranges).all(|(a, b)| a.0.max(b.0) <= a.1.min(b.1));
        overlap && self.sets.iter().zip(&other.sets).all(|(a, b)| !a.is_disjoint(b))
    }

    /// What is left of this box outside another, as boxes.
    fn without(&self, other: &Region) -> Vec<Region> {
        let mut left = Vec::new();
        let mut rest = self.clone();
        for dimension in 0..self.ranges.len() {
            let (least, most) = other.ranges[dimension];
            let mut below = rest.clone();
            below.ranges[dimension].1 = below.ranges[dimension].1.min(least.saturating_sub(1));
            let mut above = rest.clone();
            above.ranges[dimension].0 = above.ranges[dimension].0.max(most.saturating_add(1));
            if most == i64::MAX {
                above.ranges[dimension] = (1, 0);
            }
            left.extend([below, above]);
            let inside = &mut rest.ranges[dimension];
            *inside = (inside.0.max(least), inside.1.min(most));
        }
        for dimension in 0..self.sets.len() {
            let mut outside = rest.clone();
            let (own, taken) = (&rest.sets[dimension], &other.sets[dimension]);
            if Rc::ptr_eq(own, taken) {
                continue;
            }
            outside.sets[dimension] = Rc::new(own.difference(taken).copied().collect());
            left.push(outside);
            rest.sets[dimension] = Rc::new(own.intersection(taken).copied().collect());
        }
        left.retain(|region| !region.is_empty());
        left
    }
}

/// Whether earlier boxes take all of a box; nothing when that cannot be told with the work that is left.
fn covered(region: Region, earlier: &[Region], work: &mut usize) -> Option<bool> {
    // What is left of the box, and from where on the earlier boxes have not been taken off yet.
    let mut left = vec![(region, 0)];
    while let Some((region, from)) = left.pop() {
        if region.is_empty() {
            continue;
        }
        let mut met = None;
        for (i, other) in earlier.iter().enumerate().skip(from) {
            *work = work.checked_sub(1)?;
            if region.meets(other) {
                met = Some((i, other));
                break;
            }
        }
        let Some((i, other)) = met else { return Some(false) };
        // A cut costs more than a look, the more the more names there are.
        let names: usize = region.sets.iter().map(|set| set.len()).sum();
        *work = work.checked_sub(20 + names / 10)?;
        left.extend(region.without(other).into_iter().map(|rest| (rest, i + 1)));
    }
    Some(true)
}
