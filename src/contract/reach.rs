//! Which fee rules can never be reached: the earlier rules take every placement that they could.
//!
//! Conditions are boxes over eight dimensions. A rule is dead when the earlier boxes cover its own; that is
//! decided exactly, by cutting away from the rule's box what each earlier rule takes.

use std::collections::BTreeSet;

use super::FeeRule;
use super::condition::{Conditions, Range};
use crate::party::Buckets;

/// A box: closed ranges for numbers, sets of indices for names (0 stands for every name no rule mentions), sets
/// of 0 and 1 for flags.
#[derive(Clone)]
struct Region {
    ranges: [(i64, i64); 3],
    sets: [BTreeSet<usize>; 4],
}

/// The index of the first rule that no placement can reach.
pub(super) fn unreachable_rule(
    fees: &[FeeRule],
    buckets: &Buckets,
    least_level: i64,
) -> Option<usize> {
    let named = |pick: fn(&Conditions) -> &Option<Vec<String>>| -> Vec<String> {
        let names: BTreeSet<String> =
            fees.iter().filter_map(|fee| pick(&fee.when).clone()).flatten().collect();
        names.into_iter().collect()
    };
    let (products, regions) = (named(|when| &when.product), named(|when| &when.region));
    let all: Vec<Vec<Region>> = fees
        .iter()
        .map(|fee| regions_of(&fee.when, buckets, &products, &regions, least_level))
        .collect();
    (0..fees.len())
        .find(|i| all[*i].iter().all(|region| covered(region.clone(), &all[..*i].concat())))
}

fn regions_of(
    when: &Conditions,
    buckets: &Buckets,
    products: &[String],
    regions: &[String],
    least_level: i64,
) -> Vec<Region> {
    let range = |range: &Range, least: i64| {
        (range.least.unwrap_or(least).max(least), range.most.unwrap_or(i64::MAX))
    };
    let names = |list: &Option<Vec<String>>, all: &[String]| -> BTreeSet<usize> {
        match list {
            None => (0..=all.len()).collect(),
            Some(list) => all
                .iter()
                .enumerate()
                .filter(|(_, name)| list.contains(name))
                .map(|(i, _)| i + 1)
                .collect(),
        }
    };
    let flag = |wanted: Option<bool>| -> BTreeSet<usize> {
        wanted
            .map_or_else(|| BTreeSet::from([0, 1]), |wanted| BTreeSet::from([usize::from(wanted)]))
    };
    let sets = [
        names(&when.product, products),
        names(&when.region, regions),
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
            || self.sets.iter().any(BTreeSet::is_empty)
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
            outside.sets[dimension] =
                rest.sets[dimension].difference(&other.sets[dimension]).copied().collect();
            left.push(outside);
            rest.sets[dimension] =
                rest.sets[dimension].intersection(&other.sets[dimension]).copied().collect();
        }
        left.retain(|region| !region.is_empty());
        left
    }
}

fn covered(region: Region, earlier: &[Region]) -> bool {
    if region.is_empty() {
        return true;
    }
    match earlier.iter().position(|other| region.meets(other)) {
        None => false,
        Some(i) => {
            region.without(&earlier[i]).into_iter().all(|rest| covered(rest, &earlier[i + 1..]))
        }
    }
}
