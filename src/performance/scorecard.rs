//! The scorecard: indices that weigh like against like, shrunk by credibility, and the points score beside them
//! (rule 4.7).

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::history::{History, Sums};
use super::number::{INDEX_PLACES, SCORE_PLACES, ratio, round, square_root};
use crate::conduct::Incidents;
use crate::kernel::document::{DocumentFault, Value};
use crate::kernel::{Money, count};
use crate::party::Lang;

/// What stands beside money: the conduct of an assignee in the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// Complaints upheld, violations, the last evaluation.
    pub incidents: Incidents,
    /// Placements begun in the window, judged or not: what incidents are counted per.
    pub placements: i64,
}

/// Points that one upheld complaint per 1,000 placements costs of the evaluation's 100.
const COMPLAINT_COSTS: i64 = 10;
/// Points that one violation per 1,000 placements costs.
const VIOLATION_COSTS: i64 = 1;

impl Beside {
    /// The compliance rating, 0 to 100: the last evaluation (100 when there is none), less 10 for each upheld
    /// complaint and 1 for each violation per 1,000 placements.
    pub fn rating(&self) -> Decimal {
        let start = Decimal::from(self.incidents.evaluation.unwrap_or(100));
        let cost = Decimal::from(
            COMPLAINT_COSTS * self.incidents.upheld + VIOLATION_COSTS * self.incidents.violations,
        );
        let per_thousand = cost * Decimal::ONE_THOUSAND / Decimal::from(self.placements.max(1));
        round((start - per_thousand).max(Decimal::ZERO), SCORE_PLACES)
    }

    /// Complaints upheld per 1,000 placements.
    pub fn upheld_per_thousand(&self) -> Decimal {
        round(
            Decimal::from(self.incidents.upheld) * Decimal::ONE_THOUSAND
                / Decimal::from(self.placements.max(1)),
            SCORE_PLACES,
        )
    }
}

/// The points of a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Points {
    /// For money: the shrunk index of recoveries.
    pub recoveries: i64,
    /// For accounts served: the shrunk index of placements that recovered something.
    pub accounts_served: i64,
    /// For compliance.
    pub compliance: i64,
    /// Scores so near the best are as good as the best.
    pub tie_margin: Decimal,
}

/// The most points of one measure.
const MOST_POINTS: i64 = 1_000_000;

impl Default for Points {
    fn default() -> Points {
        Points {
            recoveries: 70,
            accounts_served: 20,
            compliance: 10,
            tie_margin: Decimal::new(50, 2),
        }
    }
}

impl Points {
    /// Reads a `[score]` table. A score of money alone is refused: rules in the field forbid it.
    pub fn read(value: &Value<'_>) -> Result<Points, DocumentFault> {
        let mut table = value.table()?;
        let standard = Points::default();
        let mut points = |key: &str, default: i64| {
            table.take(key).map_or(Ok(default), |value| value.whole(0, MOST_POINTS))
        };
        let (recoveries, accounts_served) =
            (points("recoveries", 70)?, points("accounts_served", 20)?);
        let compliance = points("compliance", 10)?;
        let tie_margin = match table.take("tie_margin") {
            None => standard.tie_margin,
            Some(margin) => {
                let number = Decimal::from_str_exact(margin.text()?.trim())
                    .ok()
                    .filter(|margin| *margin >= Decimal::ZERO);
                let number = number.ok_or_else(|| {
                    margin.fault("must be a number of points in quotes, like \"0.50\"")
                })?;
                let most = Decimal::from(3 * MOST_POINTS);
                margin.bound(number <= most, "is more than all points there can be")?;
                number
            }
        };
        table.finish()?;
        if compliance == 0 {
            return Err(
                value.fault("gives compliance no points; a score of money alone is refused: compliance must carry weight")
            );
        }
        Ok(Points { recoveries, accounts_served, compliance, tie_margin })
    }
}

/// One assignee's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Whose.
    pub assignee: String,
    /// Sums over its judged placements.
    pub sums: Sums,
    /// What its accounts were to be expected to recover, in minor units.
    pub expected: Decimal,
    /// Actual ÷ expected; 1 when nothing was to be expected.
    pub index: Decimal,
    /// Z = n ÷ (n + K).
    pub credibility: Decimal,
    /// Z·index + (1 − Z)·1.
    pub shrunk_index: Decimal,
    /// The 95 % range of the shrunk index, when the placements allow one.
    pub range: Option<(Decimal, Decimal)>,
    /// The shrunk index of accounts served.
    pub served_index: Decimal,
    /// What stands beside money.
    pub beside: Beside,
    /// The points for recoveries, accounts served and compliance.
    pub points: [Decimal; 3],
    /// Their sum.
    pub score: Decimal,
    /// 1 for the best; those who tie share a rank.
    pub rank: i64,
}

impl Row {
    /// Why a row that has nothing behind it has no range; a range of no width would say that all is known.
    pub fn nothing_judged(&self, t: Lang) -> Option<&'static str> {
        match (self.sums.placements, self.sums.served) {
            (0, _) => Some(t.range_nothing_judged()),
            (_, 0) => Some(t.range_nothing_recovered()),
            _ => None,
        }
    }
}

/// What a scorecard is made from beside the history.
#[derive(Clone, Debug, Default)]
pub struct Ground {
    /// Everyone who is to be on it.
    pub assignees: BTreeSet<String>,
    /// Complaints, violations and evaluations.
    pub beside: BTreeMap<String, Beside>,
    /// Peer groups by assignee; who is in none is in the common one.
    pub peers: BTreeMap<String, String>,
}

/// Works the scorecard out, in order of assignee.
pub fn scorecard(
    history: &History,
    credibility: i64,
    points: &Points,
    ground: &Ground,
) -> Vec<Row> {
    let on_it: BTreeSet<&str> =
        ground.assignees.iter().map(String::as_str).chain(history.assignees()).collect();
    let mut rows: Vec<Row> = on_it
        .into_iter()
        .map(|assignee| measured(history, credibility, assignee, ground))
        .collect();
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (i, row) in rows.iter().enumerate() {
        groups
            .entry(ground.peers.get(&row.assignee).map_or("", String::as_str))
            .or_default()
            .push(i);
    }
    let groups: Vec<Vec<usize>> = groups.into_values().collect();
    for group in groups {
        let measures: Vec<[Decimal; 3]> = group
            .iter()
            .map(|i| [rows[*i].shrunk_index, rows[*i].served_index, rows[*i].beside.rating()])
            .collect();
        let earned =
            score(&measures, [points.recoveries, points.accounts_served, points.compliance]);
        for (i, earned) in group.iter().zip(&earned) {
            rows[*i].points = *earned;
            rows[*i].score = round(earned.iter().sum(), SCORE_PLACES);
        }
        let scores: Vec<Decimal> = group.iter().map(|i| rows[*i].score).collect();
        let mut rank = 1;
        for tied in tie_groups(&scores, points.tie_margin) {
            tied.iter().for_each(|place| rows[group[*place]].rank = rank);
            rank += count(tied.len());
        }
    }
    rows
}

/// The rows with those who are not on the scorecard, having neither a contract in force nor a judged placement: they start
/// at 1, score nothing and rank behind all others, so that they change nobody's rank.
pub fn with_newcomers<'a>(
    mut rows: Vec<Row>,
    assignees: impl Iterator<Item = &'a str>,
) -> Vec<Row> {
    let last = count(rows.len()) + 1;
    for assignee in assignees {
        if !rows.iter().any(|row| row.assignee == assignee) {
            rows.push(Row {
                rank: last,
                ..measured(&History::default(), 1, assignee, &Ground::default())
            });
        }
    }
    rows.sort_by(|a, b| a.assignee.cmp(&b.assignee));
    rows
}

/// One assignee's indices.
fn measured(history: &History, k: i64, assignee: &str, ground: &Ground) -> Row {
    let sums = history.of(assignee);
    let (mut expected, mut expected_served, mut scatter) =
        (Decimal::ZERO, Decimal::ZERO, Some(Decimal::ZERO));
    let own = || {
        history
            .cells
            .iter()
            .filter_map(|(group, cells)| Some((history.pool(group)?, cells.get(assignee)?)))
    };
    for (pool, cell) in own() {
        expected += Decimal::from(cell.balance.0) * pool.rate().unwrap_or_default();
        expected_served += Decimal::from(cell.placements) * Decimal::from(pool.served)
            / Decimal::from(pool.placements.max(1));
    }
    let index = index_of(Decimal::from(sums.recovered.0), expected);
    for (pool, cell) in own() {
        let rate = pool.rate().unwrap_or_default().checked_mul(index);
        scatter = scatter
            .zip(rate.and_then(|rate| cell.scatter(rate)))
            .and_then(|(sum, one)| sum.checked_add(one));
    }
    let z = credibility(sums.placements, k);
    let shrunk = |index: Decimal| round(z * index + (Decimal::ONE - z), INDEX_PLACES);
    let range = scatter
        .and_then(square_root)
        .filter(|_| sums.placements > 1 && sums.served > 0 && expected > Decimal::ZERO)
        .and_then(|root| {
            // The scatter is in units of a hundred minor units.
            let spread =
                (root * Decimal::ONE_HUNDRED).checked_div(expected)? * Decimal::new(196, 2);
            Some((shrunk((index - spread).max(Decimal::ZERO)), shrunk(index + spread)))
        });
    Row {
        assignee: assignee.to_string(),
        sums,
        expected,
        index: round(index, INDEX_PLACES),
        credibility: round(z, INDEX_PLACES),
        shrunk_index: shrunk(index),
        range,
        served_index: shrunk(index_of(Decimal::from(sums.served), expected_served)),
        beside: ground.beside.get(assignee).copied().unwrap_or_default(),
        points: [Decimal::ZERO; 3],
        score: Decimal::ZERO,
        rank: 0,
    }
}

/// Actual ÷ expected; 1 when nothing was to be expected, never below zero.
fn index_of(actual: Decimal, expected: Decimal) -> Decimal {
    if expected <= Decimal::ZERO { Decimal::ONE } else { (actual / expected).max(Decimal::ZERO) }
}

/// Bühlmann's Z = n ÷ (n + K); nothing is believed of nobody.
pub fn credibility(placements: i64, k: i64) -> Decimal {
    ratio(Money(placements), Money(placements + k)).unwrap_or_default()
}

/// The points of each peer: the best of a measure gets them all, the others in proportion. When the best is
/// nothing, all are as good as the best.
pub fn score(measures: &[[Decimal; 3]], points: [i64; 3]) -> Vec<[Decimal; 3]> {
    let best = |m: usize| measures.iter().map(|measure| measure[m]).max().unwrap_or_default();
    let best = [best(0), best(1), best(2)];
    let part = |measure: &[Decimal; 3], m: usize| {
        let full = Decimal::from(points[m]);
        if best[m] <= Decimal::ZERO { full } else { full * measure[m].max(Decimal::ZERO) / best[m] }
    };
    measures.iter().map(|measure| [part(measure, 0), part(measure, 1), part(measure, 2)]).collect()
}

/// Who ties with whom, best first: the best not yet tied anchors a tie, and all within the margin of it join.
/// Members are places in `scores`, better first, then earlier.
pub fn tie_groups(scores: &[Decimal], margin: Decimal) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by_key(|i| (std::cmp::Reverse(scores[*i]), *i));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for i in order {
        match groups.last_mut() {
            Some(group) if scores[group[0]] - scores[i] <= margin => group.push(i),
            _ => groups.push(vec![i]),
        }
    }
    groups
}

/// What shares are proportional to: the score, and within a tie the mean of its scores.
pub fn weights(scores: &[Decimal], margin: Decimal) -> Vec<Decimal> {
    let mut weights = scores.to_vec();
    for group in tie_groups(scores, margin) {
        let sum: Decimal = group.iter().map(|i| scores[*i]).sum();
        let mean = sum / Decimal::from(group.len());
        group.iter().for_each(|i| weights[*i] = mean);
    }
    weights
}
