//! `scorecard` and `trial`: how assignees perform, like against like.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::Args;
use serde_json::json;

use super::allocate::strategy_of;
use super::output::{Answer, Failure, check_writable, lines, write_file};
use super::{Context, date};
use crate::contract;
use crate::kernel::Currency;
use crate::party::{self, Lang};
use crate::performance::PerformanceError;
use crate::performance::file::{COLUMNS, csv};
use crate::performance::grouping::Grouping;
use crate::performance::measure::{ScorecardQuery, explored, scorecard_on};
use crate::performance::number::{RATE_PLACES, percent, round};
use crate::performance::scorecard::{Points, Row, with_newcomers};
use crate::performance::store::explored_runs;
use crate::performance::trial::{Comparison, compare_all};
use crate::table::object;
use crate::words;

#[derive(Args)]
pub(super) struct ScorecardArguments {
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// The day.
    #[arg(long, value_parser = date)]
    on: NaiveDate,
    /// A strategy whose strata, window and points it goes by.
    #[arg(long, value_name = "STRATEGY.toml")]
    strategy: Option<PathBuf>,
    /// Where it goes; `-` is standard output.
    #[arg(short, long)]
    output: Option<PathBuf>,
}

pub(super) fn scorecard(
    context: &Context,
    arguments: &ScorecardArguments,
) -> Result<Answer, Failure> {
    arguments.output.iter().try_for_each(|path| check_writable(path))?;
    let mut db = context.open_to_read()?;
    let no_lender = || PerformanceError::NoLender(arguments.lender.clone());
    let lender = party::store::lender(&mut db, &arguments.lender)?.ok_or_else(no_lender)?;
    let strategy =
        arguments.strategy.as_ref().map(|path| strategy_of(&mut db, &lender, path)).transpose()?;
    let by_bucket = Grouping::by_bucket(lender.currency);
    let asked = ScorecardQuery {
        lender: &lender.code,
        on: arguments.on,
        parameters: strategy
            .as_ref()
            .map_or_else(Default::default, |strategy| strategy.performance),
        grouping: strategy.as_ref().map_or(&by_bucket, |strategy| &strategy.grouping),
        known_seq: i64::MAX,
    };
    let points = strategy.as_ref().map_or_else(Points::default, |strategy| strategy.points);
    let peers = strategy.as_ref().map(|strategy| strategy.peers()).unwrap_or_default();
    let rows = crate::db::read(&mut db, |db| {
        let versions = contract::store::versions(db, &lender)?;
        let (rows, _) = scorecard_on(db, &asked, &versions, &points, peers)?;
        let assignees = party::store::assignees(db, &lender.code)?;
        Ok::<_, PerformanceError>(with_newcomers(
            rows,
            assignees.iter().map(|one| one.code.as_str()),
        ))
    })?;
    if let Some(path) = &arguments.output {
        write_file(path, &csv(&rows, lender.currency)?)?;
    }
    let shown = rows.iter().map(|row| {
        let (low, high) = row.range.map_or((String::new(), String::new()), |(low, high)| {
            (low.to_string(), high.to_string())
        });
        let range = match row.nothing_judged(Lang::En) {
            Some(nothing) => format!(" ({nothing})"),
            None if low.is_empty() => String::new(),
            None => format!(" (95 % range {low} to {high})"),
        };
        let shrunk = row.shrunk_index;
        format!(
            "  {}. {}: shrunk index {shrunk}{range}, score {}, {} placements",
            row.rank, row.assignee, row.score, row.sums.placements
        )
    });
    let shown = std::iter::once(format!("scorecard of {} on {}", lender.code, arguments.on))
        .chain(shown)
        .collect();
    let json: Vec<serde_json::Value> =
        rows.iter().map(|row| json_row(row, lender.currency)).collect();
    Ok(Answer::new(lines(shown), json!({"on": arguments.on.to_string(), "rows": json})))
}

fn json_row(row: &Row, currency: Currency) -> serde_json::Value {
    let mut object = object(COLUMNS, row, currency);
    object["range"] = json!(row.range.map(|(low, high)| [low.to_string(), high.to_string()]));
    object["range_missing"] = json!(row.nothing_judged(Lang::En));
    object["accounts_served"] = json!(row.sums.served);
    object["served_index"] = json!(row.served_index.to_string());
    object["compliance"] = json!(row.beside.rating().to_string());
    object
}

#[derive(Args)]
pub(super) struct TrialArguments {
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// The day.
    #[arg(long, value_parser = date)]
    on: NaiveDate,
    /// A strategy whose window and horizon it goes by.
    #[arg(long, value_name = "STRATEGY.toml")]
    strategy: Option<PathBuf>,
    /// With whom the others are compared; without it, whoever is clearly ahead of most.
    #[arg(long, value_name = "ASSIGNEE")]
    champion: Option<String>,
}

pub(super) fn trial(context: &Context, arguments: &TrialArguments) -> Result<Answer, Failure> {
    let mut db = context.open_to_read()?;
    let no_lender = || PerformanceError::NoLender(arguments.lender.clone());
    let lender = party::store::lender(&mut db, &arguments.lender)?.ok_or_else(no_lender)?;
    let strategy =
        arguments.strategy.as_ref().map(|path| strategy_of(&mut db, &lender, path)).transpose()?;
    let parameters = strategy.map_or_else(Default::default, |strategy| strategy.performance);
    let champion = arguments.champion.as_deref();
    if let Some(code) = champion
        && !party::store::assignees(&mut db, &lender.code)?
            .iter()
            .any(|assignee| assignee.code == code)
    {
        return Err(PerformanceError::NoAssignee(code.to_string()).into());
    }
    let (explored, runs) = crate::db::read(&mut db, |db| {
        let explored = explored(db, &lender.code, arguments.on, parameters)?;
        Ok::<_, PerformanceError>((explored, explored_runs(db, &lender.code)?))
    })?;
    let found = compare_all(&explored, champion);
    let mut shown: Vec<String> = found.iter().map(|one| one.sentence(Lang::En)).collect();
    if found.is_empty() {
        shown.extend(words::performance::nothing_to_compare(
            Lang::En,
            &runs,
            parameters,
            arguments.on,
        ));
    }
    let json: Vec<serde_json::Value> = found.iter().map(json_comparison).collect();
    let runs: Vec<serde_json::Value> = runs
        .iter()
        .map(|run| {
            json!({
                "run": run.run_no, "placed_on": run.placed_on.to_string(), "accounts": run.accounts,
                "judged_on": run.judged_on(parameters).to_string(),
            })
        })
        .collect();
    Ok(Answer::new(lines(shown), json!({"comparisons": json, "explored_runs": runs})))
}

fn json_comparison(one: &Comparison) -> serde_json::Value {
    let shown = |number| round(number, RATE_PLACES).to_string();
    json!({
        "champion": one.champion, "challenger": one.challenger, "strata": one.strata, "accounts": [one.accounts.0, one.accounts.1],
        "rates": [shown(one.rates.0), shown(one.rates.1)], "difference": shown(one.difference),
        "range": [shown(one.range.0), shown(one.range.1)], "clear": one.is_clear(), "sentence": one.sentence(Lang::En),
        "rates_shown": [percent(one.rates.0), percent(one.rates.1)],
    })
}
