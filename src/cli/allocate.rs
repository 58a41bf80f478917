//! `allocate`: simulate, review, commit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::Args;
use rust_decimal::Decimal;
use serde_json::json;

use super::bar::Bar;
use super::output::{Answer, Failure, check_writable, lines, read_text, write_file};
use super::settle::language;
use super::{Context, date};
use crate::allocation::AllocationError;
use crate::allocation::decide::Decision;
use crate::allocation::estimate::Given;
use crate::allocation::expectation::VALUE_PLACES;
use crate::allocation::files::{assignment_csv, strata_csv};
use crate::allocation::replay::replay;
use crate::allocation::run::{Order, Outcome, commit_run_watched, outcome as outcome_of, run};
use crate::allocation::strata_table::millionths;
use crate::allocation::strategy::{self, Strategy};
use crate::db::Db;
use crate::kernel::{Currency, Money};
use crate::party::Lang;
use crate::performance::PerformanceError;
use crate::performance::number::round;
use crate::{ambient, party};

#[derive(Args)]
pub(super) struct AllocateArguments {
    /// The strategy file (TOML).
    #[arg(required_unless_present_any = ["commit_run", "replay"], conflicts_with = "commit_run")]
    strategy: Option<PathBuf>,
    /// The lender's code.
    #[arg(long)]
    lender: Option<String>,
    /// The day of placing.
    #[arg(long, value_parser = date, required_unless_present_any = ["commit_run", "replay"])]
    on: Option<NaiveDate>,
    /// Carry it out at once.
    #[arg(long)]
    commit: bool,
    /// Carry out a simulated run.
    #[arg(long, value_name = "RUN")]
    commit_run: Option<String>,
    /// Repeat a past run from the facts it knew; refused when it does not come to the same bytes.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["commit_run", "commit", "strategy", "on"])]
    replay: Option<String>,
    /// Where the assignment goes; `-` is standard output.
    #[arg(long, value_name = "OUT.csv")]
    export: Option<PathBuf>,
    /// The language of the reasons in the assignment: en or zh.
    #[arg(long, default_value = "en", value_parser = language)]
    language: Lang,
    /// Where the strata table goes; `-` is standard output.
    #[arg(long, value_name = "OUT.csv")]
    strata: Option<PathBuf>,
}

pub(super) fn allocate(
    context: &Context,
    arguments: &AllocateArguments,
) -> Result<Answer, Failure> {
    arguments.export.iter().chain(&arguments.strata).try_for_each(|path| check_writable(path))?;
    let mut db =
        if arguments.replay.is_some() { context.open_to_read()? } else { context.open()? };
    let by = ambient::operator();
    let mut bar = Bar::new();
    let named = arguments.commit_run.as_ref().or(arguments.replay.as_ref());
    let (lender_code, run_no) = lender_and_run(arguments.lender.as_deref(), named)?;
    let outcome = match (run_no, &arguments.strategy, arguments.on) {
        (Some(number), ..) if arguments.replay.is_some() => {
            let (_, run, decision) = replay(&mut db, &lender_code, number)?;
            Outcome {
                run_no: number,
                hash: run.run.hash,
                committed: run.committed_seq.is_some(),
                decision,
            }
        }
        (Some(number), ..) => commit_run_watched(&mut db, &lender_code, number, &by, &mut bar)?,
        (None, Some(path), Some(on)) => {
            let text = read_text(path)?;
            let file = path.display().to_string();
            let order = Order {
                lender: &lender_code,
                file: &file,
                strategy: &text,
                on,
                commit: arguments.commit,
            };
            run(&mut db, &order, &by, &mut bar)?
        }
        _ => return Err(Failure::new("a strategy file and --on are needed")),
    };
    let lender = party::store::lender(&mut db, &lender_code)?
        .ok_or_else(|| Failure::new("the lender is gone"))?;
    write_tables(arguments, &outcome).map_err(|failure| {
        let run = format!("{lender_code}#{}", outcome.run_no);
        let done = if outcome.committed { "committed" } else { "simulated" };
        failure.after(format!(
            "run {run} is {done}, but its tables are not written (write them with `consign allocate --replay {run}`)"
        ))
    })?;
    let stages = bar.stages();
    let done = match (arguments.replay.is_some(), outcome.committed) {
        (true, _) => "repeated, the same bytes",
        (false, true) => "committed",
        (false, false) => "simulated",
    };
    answer(&lender, &outcome, done, &stages)
}

fn write_tables(arguments: &AllocateArguments, outcome: &Outcome) -> Result<(), Failure> {
    if let Some(path) = &arguments.export {
        write_file(path, &assignment_csv(&outcome.decision, arguments.language)?)?;
    }
    if let Some(path) = &arguments.strata {
        write_file(path, &strata_csv(&outcome.decision)?)?;
    }
    Ok(())
}

/// The strategy of a file.
pub(super) fn strategy_of(
    db: &mut Db,
    lender: &party::Lender,
    path: &Path,
) -> Result<Strategy, Failure> {
    let assignees = party::store::assignees(db, &lender.code)?;
    let text = read_text(path)?;
    let file = path.display().to_string();
    Ok(strategy::parse(&text, lender, &assignees)
        .map_err(|fault| PerformanceError::File { file, fault })?)
}

/// A run is named LENDER#NUMBER, so that `--commit-run` needs no lender beside it; a number alone needs one.
fn lender_and_run(
    lender: Option<&str>,
    run: Option<&String>,
) -> Result<(String, Option<i64>), Failure> {
    let unnamed = || Failure::new("name the lender with --lender");
    let Some(run) = run else {
        return Ok((lender.ok_or_else(unnamed)?.to_string(), None));
    };
    let (of_run, number) =
        run.split_once('#').map_or((None, run.as_str()), |(lender, number)| (Some(lender), number));
    let number = number
        .parse()
        .map_err(|_| Failure::new(format!("\"{run}\" is no run; write it like CFC#12")))?;
    match (of_run, lender) {
        (Some(of_run), Some(named)) if of_run != named => Err(Failure::new(format!(
            "run {run} is one of {of_run}, not of {named}; nothing was changed"
        ))),
        (of_run, named) => Ok((of_run.or(named).ok_or_else(unnamed)?.to_string(), Some(number))),
    }
}

fn answer(
    lender: &party::Lender,
    outcome: &Outcome,
    done: &str,
    stages: &[(String, u128)],
) -> Result<Answer, Failure> {
    let decision = &outcome.decision;
    let run = format!("{}#{}", lender.code, outcome.run_no);
    let placed = decision.placed();
    let unplaced = decision.assigned.len() - placed;
    let totals = decision.totals().map_err(AllocationError::from)?;
    let mut shown =
        vec![format!("run {run} {done}: {placed} accounts placed, {unplaced} left unplaced")];
    for (code, total) in &totals {
        let explored = if total.explored > 0 {
            format!(" ({} to explore)", total.explored)
        } else {
            String::new()
        };
        let (balance, expected) =
            (total.balance.grouped(lender.currency), total.expected.grouped(lender.currency));
        shown.push(format!(
            "  {code}: {} accounts{explored}, {balance}, expected recovery {expected}",
            total.accounts
        ));
    }
    shown.extend(expectations(decision, &totals, lender.currency));
    shown.extend(
        decision.plan.short.iter().map(|short| format!("  not all accounts find room: {short}")),
    );
    for (why, count) in &decision.inputs.candidates.left {
        shown.push(format!("  not taken: {count} {why}"));
    }
    let reasons = unplaced_reasons(decision);
    for (reason, count) in reasons.iter().take(10) {
        shown.push(format!("  unplaced: {count} – {reason}"));
    }
    if !outcome.committed {
        shown.push(format!("review it, then: consign allocate --commit-run {run}"));
    }
    let by_assignee: serde_json::Map<String, serde_json::Value> = totals
        .into_iter()
        .map(|(code, total)| {
            let (balance, expected) = (total.balance.plain(lender.currency), total.expected.plain(lender.currency));
            let row = json!({"accounts": total.accounts, "explored": total.explored, "balance": balance, "expected_recovery": expected});
            (code, row)
        })
        .collect();
    let json = json!({
        "run": run, "hash": outcome.hash, "committed": outcome.committed, "placed": placed, "unplaced": unplaced,
        "assignees": by_assignee, "not_taken": decision.inputs.candidates.left, "unplaced_reasons": reasons,
        "outcome": outcome_of(decision),
        "milliseconds": stages.iter().map(|(stage, took)| (stage.clone(), json!(took))).collect::<serde_json::Map<_, _>>(),
    });
    Ok(Answer::new(lines(shown), json))
}

/// What the run is expected to bring, the programme's proof, and what else it might have been.
fn expectations(
    decision: &Decision,
    totals: &BTreeMap<String, Given>,
    currency: Currency,
) -> Vec<String> {
    let (plan, asked) = (&decision.plan, decision.inputs.strategy.method);
    if plan.method != asked {
        return vec![format!(
            "  there is no history to go by: {} was done as {}",
            asked.name(),
            plan.method.name()
        )];
    }
    if decision.inputs.history.is_empty() || decision.placed() == 0 {
        return Vec::new();
    }
    let shown = |exact: i128| shown_amount(exact, currency);
    let net: Money = totals.values().map(Given::net).sum();
    let mut lines = vec![format!(
        "  expected net recovery {} (all that is placed, less fees)",
        net.grouped(currency)
    )];
    if let Some(optimum) = &plan.optimum {
        let (bound, worth) = (shown(optimum.bound), shown(plan.objective));
        lines.push(format!("  the programme, each account at its stratum's mean: worth {worth}, no plan within the limits is worth more than {bound}"));
        let limits = decision.inputs.recipients.iter().zip(&optimum.prices).zip(&plan.limits.lower);
        for ((recipient, price), least) in
            limits.filter(|((_, price), least)| **price > 0 || **price < 0 && **least > 0)
        {
            let (code, more) = (&recipient.assignee.code, shown(price.abs()));
            lines.push(match *price > 0 {
                true => format!("  {code}: its most binds; one account more would bring {more}"),
                false => format!("  {code}: its fewest, {least} accounts, binds; one account fewer would bring {more}"),
            });
        }
    }
    for (name, other) in [("equal", plan.equal), ("score", plan.score)] {
        let more = other.map(|other| {
            format!(
                "  {} more than {name} shares of the same accounts would bring",
                shown(plan.objective - other)
            )
        });
        lines.extend(more);
    }
    let cost = plan.objective - decision.dealt_worth;
    if cost != 0 {
        lines.push(format!("  keeping debtors together changes it by {}", shown(-cost)));
    }
    lines
}

/// An amount of millionths as the currency writes it.
fn shown_amount(exact: i128, currency: Currency) -> String {
    let amount = Decimal::from_i128_with_scale(exact, VALUE_PLACES);
    let minor = round(amount * Decimal::from(10_i64.pow(currency.decimals())), 0);
    i64::try_from(minor.mantissa())
        .map(|minor| Money(minor).grouped(currency))
        .unwrap_or_else(|_| millionths(exact))
}

fn unplaced_reasons(decision: &Decision) -> BTreeMap<String, usize> {
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for (index, one) in
        decision.assigned.iter().enumerate().filter(|(_, one)| one.placed().is_none())
    {
        *reasons.entry(decision.why_in_words(index, one).1).or_default() += 1;
    }
    reasons
}
