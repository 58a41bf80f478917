//! What a contract pays for performance (奖惩系数), and how performance is measured: the same parameters stand in
//! a strategy.

use chrono::{Months, NaiveDate};
use rust_decimal::Decimal;

use crate::kernel::calendar::plus_days;
use crate::kernel::document::{DocumentFault, Table, Value};
use crate::kernel::enumeration;

type Read<T> = Result<T, DocumentFault>;

/// How performance is measured (rule 4.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Months before the day within which a placement must have begun.
    pub window_months: i64,
    /// Days from `placed_on` within which recoveries count; a placement is judged when all of them have passed.
    pub horizon_days: i64,
    /// Bühlmann's K, in placements.
    pub credibility: i64,
}

impl Default for Parameters {
    fn default() -> Parameters {
        Parameters { window_months: 12, horizon_days: 90, credibility: 500 }
    }
}

impl Parameters {
    /// Reads a `[performance]` table; unknown keys are refused.
    pub fn read(value: &Value<'_>) -> Read<Parameters> {
        let mut table = value.table()?;
        let mut number = |key: &str, least: i64, most: i64, default: i64| {
            table.take(key).map_or(Ok(default), |value| value.whole(least, most))
        };
        let standard = Parameters::default();
        let parameters = Parameters {
            window_months: number("window_months", 1, 1_200, standard.window_months)?,
            horizon_days: number("horizon_days", 1, 36_500, standard.horizon_days)?,
            credibility: number("credibility", 0, 1_000_000_000, standard.credibility)?,
        };
        table.finish()?;
        Ok(parameters)
    }

    /// The first day of the window that ends on a day.
    pub fn first_day(&self, on: NaiveDate) -> NaiveDate {
        let months = u32::try_from(self.window_months).unwrap_or(0);
        on.checked_sub_months(Months::new(months)).unwrap_or(on)
    }

    /// Whether a placement of some day is judged on another: begun within the window, its horizon wholly past.
    pub fn judges(&self, placed_on: NaiveDate, on: NaiveDate) -> bool {
        placed_on >= self.first_day(on) && plus_days(placed_on, self.horizon_days) <= on
    }

    /// Whether what is received on a day counts for a placement.
    pub fn counts(&self, placed_on: NaiveDate, received_on: NaiveDate) -> bool {
        received_on < plus_days(placed_on, self.horizon_days)
    }
}

enumeration! {
    /// What a factor goes by.
    pub enum By ("measure of a factor") {
        /// The rank on the scorecard.
        Rank = "rank",
        /// The shrunk index.
        Index = "index",
    }
}

/// One step of a factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactorStep {
    /// The greatest rank or index it is for; the last step has none.
    pub up_to: Option<Decimal>,
    /// The factor.
    pub factor: Decimal,
}

/// A performance factor: the commission of a statement times (factor − 1) is one line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerformanceFactor {
    /// What it goes by.
    pub by: By,
    /// The steps, bounds rising, the last without one.
    pub steps: Vec<FactorStep>,
    /// How performance is measured.
    pub parameters: Parameters,
}

impl PerformanceFactor {
    /// Reads `[performance_factor]` and the `[performance]` that may stand beside it.
    pub fn read(root: &mut Table<'_>) -> Read<Option<PerformanceFactor>> {
        let beside = root.take("performance");
        let parameters = beside.as_ref().map_or(Ok(Parameters::default()), Parameters::read)?;
        let Some(value) = root.take("performance_factor") else {
            return match beside {
                Some(beside) => Err(beside
                    .fault("stands beside a [performance_factor] only; add one or leave it out")),
                None => Ok(None),
            };
        };
        let mut table = value.table()?;
        let by = table.need("by")?.one_of()?;
        let steps_value = table.need("steps")?;
        let steps = steps(&steps_value, by)?;
        table.finish()?;
        Ok(Some(PerformanceFactor { by, steps, parameters }))
    }

    /// The factor at a rank or an index.
    pub fn at(&self, measure: Decimal) -> Decimal {
        let step = self.steps.iter().find(|step| step.up_to.is_none_or(|bound| measure <= bound));
        step.map_or(Decimal::ONE, |step| step.factor)
    }
}

fn steps(value: &Value<'_>, by: By) -> Read<Vec<FactorStep>> {
    let tables = value.tables()?;
    let count = tables.len();
    let mut steps: Vec<FactorStep> = Vec::with_capacity(count);
    for (mut table, number) in tables.into_iter().zip(1..) {
        let factor = table.need("factor")?;
        let factor = match number_of(&factor)? {
            found if found <= Decimal::TEN => found,
            _ => return Err(factor.fault("must be a factor from 0 to 10, like \"1.10\"")),
        };
        let bound = table.take("up_to");
        let up_to = bound.as_ref().map(number_of).transpose()?;
        match (&bound, up_to) {
            (None, _) if number < count => {
                return Err(table.fault("`up_to` is missing: only the last step has no bound"));
            }
            (Some(bound), _) if number == count => {
                return Err(bound.fault("stands on the last step, which has no bound"));
            }
            (Some(bound), Some(up_to)) => {
                if by == By::Rank && !(up_to.fract().is_zero() && up_to >= Decimal::ONE) {
                    return Err(bound.fault("must be a rank: a whole number from 1"));
                }
                bound.bound(up_to <= MOST, "must lie at 1,000,000 at most")?;
                if steps.last().is_some_and(|last| last.up_to >= Some(up_to)) {
                    return Err(bound.fault("must rise from step to step"));
                }
            }
            _ => {}
        }
        table.finish()?;
        steps.push(FactorStep { up_to, factor });
    }
    if steps.is_empty() { Err(value.fault("needs at least one step")) } else { Ok(steps) }
}

/// No rank and no index lies beyond it.
const MOST: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);

/// A plain decimal from 0, in quotes.
fn number_of(value: &Value<'_>) -> Read<Decimal> {
    let number = Decimal::from_str_exact(value.text()?.trim())
        .ok()
        .filter(|number| *number >= Decimal::ZERO && number.scale() <= 10);
    number.ok_or_else(|| value.fault("must be a number in quotes, like \"1.10\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::document::Document;

    fn read(text: &str) -> Read<Option<PerformanceFactor>> {
        let document = Document::parse(text)?;
        let mut root = document.table();
        PerformanceFactor::read(&mut root)
    }

    #[test]
    fn factors_go_by_rank_or_index() {
        let text = "[performance_factor]\nby = \"rank\"\nsteps = [ { up_to = \"1\", factor = \"1.10\" }, { up_to = \"3\", factor = \"1.00\" }, { factor = \"0.90\" } ]\n";
        let factor = read(text).unwrap().unwrap();
        let at = |rank: i64| factor.at(Decimal::from(rank)).to_string();
        assert_eq!([at(1), at(2), at(3), at(4)], ["1.10", "1.00", "1.00", "0.90"]);
        assert_eq!(factor.parameters, Parameters::default());
    }

    #[test]
    fn bad_factors_are_refused() {
        let cases = [
            ("steps = []", "at least one"),
            ("steps = [ { up_to = \"1\", factor = \"1\" } ]", "no bound"),
            ("steps = [ { factor = \"1\" }, { factor = \"1\" } ]", "only the last"),
            (
                "steps = [ { up_to = \"2\", factor = \"1\" }, { up_to = \"2\", factor = \"1\" }, { factor = \"1\" } ]",
                "must rise",
            ),
            ("steps = [ { up_to = \"1.5\", factor = \"1\" }, { factor = \"1\" } ]", "whole number"),
            ("steps = [ { factor = \"11\" } ]", "from 0 to 10"),
            ("steps = [ { up_to = \"1000001\", factor = \"1\" }, { factor = \"1\" } ]", "at most"),
            ("steps = [ { factor = \"-1\" } ]", "must be a number"),
        ];
        for (steps, says) in cases {
            let fault =
                read(&format!("[performance_factor]\nby = \"rank\"\n{steps}\n")).unwrap_err();
            assert!(fault.message.contains(says), "{steps}: {}", fault.message);
        }
        assert!(read("[performance]\nwindow_months = 6\n").is_err());
    }

    #[test]
    fn a_placement_is_judged_when_its_horizon_is_past() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let parameters = Parameters::default();
        assert!(parameters.judges(day("2026-01-01"), day("2026-04-01")));
        assert!(!parameters.judges(day("2026-01-01"), day("2026-03-31")));
        assert!(parameters.judges(day("2025-04-01"), day("2026-04-01")));
        assert!(!parameters.judges(day("2025-03-31"), day("2026-04-01")));
        assert!(parameters.counts(day("2026-01-01"), day("2026-03-31")));
        assert!(!parameters.counts(day("2026-01-01"), day("2026-04-01")));
    }
}
