//! `allocate`: simulate, review, commit.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::Args;
use serde_json::json;

use super::output::{Answer, Failure, check_writable, lines, read_text, write_file};
use super::{Context, date};
use crate::allocation::run::{Outcome, allocate as simulate, commit_run};
use crate::{ambient, party};

#[derive(Args)]
pub(super) struct AllocateArguments {
    /// The strategy file (TOML).
    #[arg(required_unless_present = "commit_run", conflicts_with = "commit_run")]
    strategy: Option<PathBuf>,
    /// The lender's code.
    #[arg(long)]
    lender: Option<String>,
    /// The day of placing.
    #[arg(long, value_parser = date, required_unless_present = "commit_run")]
    on: Option<NaiveDate>,
    /// Carry it out at once.
    #[arg(long)]
    commit: bool,
    /// Carry out a simulated run.
    #[arg(long, value_name = "RUN")]
    commit_run: Option<String>,
    /// Where the assignment goes.
    #[arg(long, value_name = "OUT.csv")]
    export: Option<PathBuf>,
    /// Where the strata table goes.
    #[arg(long, value_name = "OUT.csv")]
    strata: Option<PathBuf>,
}

pub(super) fn allocate(context: &Context, arguments: &AllocateArguments) -> Result<Answer, Failure> {
    arguments.export.iter().chain(&arguments.strata).try_for_each(|path| check_writable(path))?;
    let mut db = context.open()?;
    let by = ambient::operator();
    let (lender_code, run_no) = lender_and_run(arguments)?;
    let outcome = match (run_no, &arguments.strategy, arguments.on) {
        (Some(number), _, _) => commit_run(&mut db, &lender_code, number, &by)?,
        (None, Some(path), Some(on)) => {
            let text = read_text(path)?;
            simulate(&mut db, &lender_code, &path.display().to_string(), &text, on, arguments.commit, &by)?
        }
        _ => return Err(Failure::new("a strategy file and --on are needed")),
    };
    let lender = party::store::lender(&mut db, &lender_code)?.ok_or_else(|| Failure::new("the lender is gone"))?;
    if let Some(path) = &arguments.export {
        write_file(path, &outcome.decision.assignment_csv()?)?;
    }
    if let Some(path) = &arguments.strata {
        write_file(path, &outcome.decision.strata_csv(&lender)?)?;
    }
    Ok(answer(&lender, &outcome))
}

/// A run is named LENDER#NUMBER, so that `--commit-run` needs no lender beside it; a number alone needs one.
fn lender_and_run(arguments: &AllocateArguments) -> Result<(String, Option<i64>), Failure> {
    let unnamed = || Failure::new("name the lender with --lender");
    let Some(run) = &arguments.commit_run else {
        return Ok((arguments.lender.clone().ok_or_else(unnamed)?, None));
    };
    let (of_run, number) = run.split_once('#').map_or((None, run.as_str()), |(lender, number)| (Some(lender), number));
    let number = number.parse().map_err(|_| Failure::new(format!("\"{run}\" is no run; write it like CFC#12")))?;
    match (of_run, arguments.lender.as_deref()) {
        (Some(of_run), Some(named)) if of_run != named => {
            Err(Failure::new(format!("run {run} is one of {of_run}, not of {named}; nothing was changed")))
        }
        (of_run, named) => Ok((of_run.or(named).ok_or_else(unnamed)?.to_string(), Some(number))),
    }
}

fn answer(lender: &party::Lender, outcome: &Outcome) -> Answer {
    let decision = &outcome.decision;
    let run = format!("{}#{}", lender.code, outcome.run_no);
    let placed = decision.assigned.iter().filter(|one| one.taker.is_some()).count();
    let unplaced = decision.assigned.len() - placed;
    let totals = decision.totals();
    let mut shown = vec![format!(
        "run {run} {}: {placed} accounts placed, {unplaced} left unplaced",
        if outcome.committed { "committed" } else { "simulated" }
    )];
    for (code, (accounts, balance)) in &totals {
        shown.push(format!("  {code}: {accounts} accounts, {}", balance.grouped(lender.currency)));
    }
    for (why, count) in &decision.field.left {
        shown.push(format!("  not taken: {count} {why}"));
    }
    let mut reasons: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for one in decision.assigned.iter().filter(|one| one.taker.is_none()) {
        *reasons.entry(&one.reason).or_default() += 1;
    }
    for (reason, count) in reasons.iter().take(10) {
        shown.push(format!("  unplaced: {count} – {reason}"));
    }
    if !outcome.committed {
        shown.push(format!("review it, then: consign allocate --commit-run {run}"));
    }
    let by_assignee: serde_json::Map<String, serde_json::Value> = totals
        .into_iter()
        .map(|(code, (accounts, balance))| (code, json!({"accounts": accounts, "balance": balance.plain(lender.currency)})))
        .collect();
    let json = json!({
        "run": run, "hash": outcome.hash, "committed": outcome.committed, "placed": placed, "unplaced": unplaced,
        "assignees": by_assignee, "not_taken": decision.field.left, "unplaced_reasons": reasons,
    });
    Answer::new(lines(shown), json)
}
