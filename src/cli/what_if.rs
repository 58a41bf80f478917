//! `what-if`: two strategies on the same accounts side by side.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::Args;
use serde_json::json;

use super::output::{Answer, Failure, check_writable, lines, read_text, write_file};
use super::{Context, date};
use crate::allocation::AllocationError;
use crate::allocation::compare::{Comparison, Side, compare};
use crate::allocation::estimate::Given;
use crate::kernel::Currency;
use crate::party;
use crate::performance::number::percent;
use crate::sheet::Csv;

#[derive(Args)]
pub(super) struct WhatIfArguments {
    /// The one strategy (TOML).
    first: PathBuf,
    /// The other.
    second: PathBuf,
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// The day.
    #[arg(long, value_parser = date)]
    on: NaiveDate,
    /// Take placed accounts as if they were not placed.
    #[arg(long)]
    include_placed: bool,
    /// Where the table goes; `-` is standard output.
    #[arg(short, long)]
    output: Option<PathBuf>,
}

pub(super) fn what_if(context: &Context, arguments: &WhatIfArguments) -> Result<Answer, Failure> {
    arguments.output.iter().try_for_each(|path| check_writable(path))?;
    let mut db = context.open_to_read()?;
    let texts = (read_text(&arguments.first)?, read_text(&arguments.second)?);
    let names = (arguments.first.display().to_string(), arguments.second.display().to_string());
    let files = [(names.0.as_str(), texts.0.as_str()), (names.1.as_str(), texts.1.as_str())];
    let found = compare(&mut db, &arguments.lender, files, arguments.on, arguments.include_placed)?;
    let no_lender = || AllocationError::NoLender(arguments.lender.clone());
    let currency =
        party::store::lender(&mut db, &arguments.lender)?.ok_or_else(no_lender)?.currency;
    if let Some(path) = &arguments.output {
        write_file(path, &csv(&found, currency)?)?;
    }
    let mut shown = vec![format!(
        "{} accounts, the same for both; {} would go elsewhere",
        found.accounts, found.differ
    )];
    match &found.measured_by {
        Some(by) => shown.push(format!(
            "both are valued by what {} measures: {} placements judged, window {} months, horizon {} days, K = {}",
            by.name, by.judged, by.parameters.window_months, by.parameters.horizon_days, by.parameters.credibility
        )),
        None => shown.push("nothing has been judged yet by either: no recovery can be expected of anybody".to_string()),
    }
    for side in &found.sides {
        if side.fell_back {
            shown.push(format!(
                "{}: nothing is judged by its own measure, so it is done as {}",
                side.name, side.method
            ));
        }
        shown.push(format!(
            "{} ({}): expected net recovery {}",
            side.name,
            side.method,
            side.total.net().grouped(currency)
        ));
        shown.push(format!(
            "  expected recovery {}, fees {}, unplaced {}, {} of {} accounts change hands, shares of the balance move by {}",
            side.total.expected.grouped(currency),
            side.total.fees.grouped(currency),
            side.unplaced,
            side.moved,
            side.had,
            percent(side.unlike)
        ));
        for ((_, why), count) in &side.unplaced_why {
            shown.push(format!("  unplaced: {count} – {why}"));
        }
        for (code, given) in &side.given {
            shown.push(format!(
                "  {code}: {} accounts, {}",
                given.accounts,
                given.balance.grouped(currency)
            ));
        }
    }
    let more = found.sides[1].total.net() - found.sides[0].total.net();
    let unlike = found.sides[0].total.accounts != found.sides[1].total.accounts;
    let note = if unlike { "; they do not place the same number of accounts" } else { "" };
    let [first, second] = found.names();
    shown.push(format!("{second} brings {} more than {first}{note}", more.grouped(currency)));
    let json = json!({
        "accounts": found.accounts, "differ": found.differ, "differ_balance": found.differ_balance.plain(currency),
        "sides": found.sides.iter().map(|side| json_side(side, currency)).collect::<Vec<_>>(), "second_brings_more": more.plain(currency),
        "measured_by": found.measured_by.as_ref().map(|by| json!({
            "strategy": by.name, "judged": by.judged, "window_months": by.parameters.window_months,
            "horizon_days": by.parameters.horizon_days, "credibility": by.parameters.credibility,
        })),
    });
    Ok(Answer::new(lines(shown), json))
}

fn json_given(given: &Given, currency: Currency) -> serde_json::Value {
    let [accounts, balance, expected, fees, net] = figures(given, currency);
    json!({"accounts": accounts, "balance": balance, "expected_recovery": expected, "fees": fees, "expected_net": net})
}

fn json_side(side: &Side, currency: Currency) -> serde_json::Value {
    let given: serde_json::Map<String, serde_json::Value> = side
        .given
        .iter()
        .map(|(code, given)| (code.clone(), json_given(given, currency)))
        .collect();
    json!({
        "strategy": side.name, "method": side.method, "assignees": given, "total": json_given(&side.total, currency),
        "unplaced": side.unplaced, "fell_back": side.fell_back, "moved": side.moved, "had": side.had, "unlike_present": side.unlike.to_string(),
    })
}

fn figures(given: &Given, currency: Currency) -> [String; 5] {
    let plain = |amount: crate::kernel::Money| amount.plain(currency);
    [
        given.accounts.to_string(),
        plain(given.balance),
        plain(given.expected),
        plain(given.fees),
        plain(given.net()),
    ]
}

/// One row per assignee: what it has or last had, then what each strategy gives it.
fn csv(found: &Comparison, currency: Currency) -> Result<Vec<u8>, csv::Error> {
    let mut table = Csv::new(Vec::new());
    let columns = ["accounts", "balance", "expected_recovery", "fees", "expected_net"];
    let mut header =
        vec!["assignee".to_string(), "present_accounts".to_string(), "present_balance".to_string()];
    header.extend(
        ["first", "second"]
            .iter()
            .flat_map(|side| columns.map(|column| format!("{side}_{column}"))),
    );
    table.row(&header)?;
    let codes: std::collections::BTreeSet<&String> =
        found.sides.iter().flat_map(|side| side.given.keys()).chain(found.present.keys()).collect();
    for code in codes {
        let (accounts, balance) = found.present.get(code).copied().unwrap_or_default();
        let mut row = vec![code.clone(), accounts.to_string(), balance.plain(currency)];
        for side in &found.sides {
            row.extend(figures(&side.given.get(code).copied().unwrap_or_default(), currency));
        }
        table.row(&row)?;
    }
    table.finish()
}
