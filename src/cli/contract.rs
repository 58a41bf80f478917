//! `contract publish`, with what a version would change, and `contract simulate`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Context;
use super::output::{Answer, Failure, check_writable, lines, read_text, write_file};
use super::settle::month;
use crate::contract::publish::Published;
use crate::contract::{ContractError, parse};
use crate::db::{Db, read};
use crate::kernel::{Currency, Money, Month};
use crate::party::{self, Lender};
use crate::settlement::SettlementError;
use crate::settlement::card::{self, Comparison};
use crate::settlement::correction;
use crate::{ambient, contract};

#[derive(Subcommand)]
pub(super) enum ContractCommand {
    /// Check a contract file and publish it as the next version.
    Publish(PublishArguments),
    /// Work out a proposed contract on the real months of an agency beside the one in force.
    Simulate(SimulateArguments),
}

#[derive(Args)]
pub(super) struct PublishArguments {
    /// The contract file (TOML).
    file: PathBuf,
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// Only check.
    #[arg(long)]
    check: bool,
    /// Where to write what it would change of closed months; `-` is standard output.
    #[arg(long, requires = "check")]
    diff: Option<PathBuf>,
}

pub(super) fn contract(context: &Context, command: &ContractCommand) -> Result<Answer, Failure> {
    match command {
        ContractCommand::Publish(arguments) => publish(context, arguments),
        ContractCommand::Simulate(arguments) => simulate(context, arguments),
    }
}

fn publish(context: &Context, arguments: &PublishArguments) -> Result<Answer, Failure> {
    arguments.diff.iter().try_for_each(|path| check_writable(path))?;
    let text = read_text(&arguments.file)?;
    let mut db = context.open()?;
    let file = arguments.file.display().to_string();
    let done = contract::publish::publish(
        &mut db,
        &arguments.lender,
        &file,
        &text,
        arguments.check,
        &ambient::operator(),
    )?;
    let said = match done.outcome {
        "unchanged" => format!(
            "{} was published before as version {}; nothing changed",
            done.contract, done.version
        ),
        "checked" => format!(
            "{} is in order and would become version {}; nothing changed",
            done.contract, done.version
        ),
        _ => format!("{} published as version {} for {}", done.contract, done.version, done.agency),
    };
    let Some(path) = &arguments.diff else { return Ok(Answer::new(said, json!(done))) };
    let mut answer = json!(done);
    let told = write_difference(&mut db, arguments, path, &text, &done, &mut answer)?;
    Ok(Answer::new(lines(vec![said, told]), answer))
}

#[derive(Args)]
pub(super) struct SimulateArguments {
    /// The proposed contract file (TOML).
    file: PathBuf,
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// The first month, like 2026-03.
    #[arg(long, value_parser = month)]
    from: Month,
    /// The last month.
    #[arg(long, value_parser = month)]
    to: Month,
    /// On whose months; the agency of the file when absent.
    #[arg(long)]
    agency: Option<String>,
    /// Where the months go; `-` is standard output.
    #[arg(short, long)]
    output: PathBuf,
    /// Where the recoveries go, line by line.
    #[arg(long)]
    lines: Option<PathBuf>,
}

fn lender_of(db: &mut Db, code: &str) -> Result<Lender, SettlementError> {
    party::store::lender(db, code)?.ok_or_else(|| SettlementError::NoLender(code.to_string()))
}

fn simulate(context: &Context, arguments: &SimulateArguments) -> Result<Answer, Failure> {
    check_writable(&arguments.output)?;
    arguments.lines.iter().try_for_each(|path| check_writable(path))?;
    let (from, to) = (arguments.from, arguments.to);
    if from > to {
        return Err(Failure::new(format!("--from {from} lies after --to {to}")));
    }
    let text = read_text(&arguments.file)?;
    let file = arguments.file.display().to_string();
    let mut db = context.open_to_read()?;
    let lender = lender_of(&mut db, &arguments.lender)?;
    let assignees = party::store::assignees(&mut db, &lender.code)?;
    let terms = parse(&text, &lender, &assignees)
        .map_err(|fault| ContractError::File { file: file.clone(), fault })?;
    let agency = arguments.agency.as_deref().unwrap_or(&terms.agency);
    if !assignees.iter().any(|assignee| assignee.code == agency) {
        return Err(Failure::new(format!(
            "{agency} is no assignee of {}; check the code given with --agency",
            lender.code
        )));
    }
    let found = read(&mut db, |db| card::simulate(db, &lender, &terms, agency, (from, to)))?;
    write_file(&arguments.output, &found.csv(lender.currency)?)?;
    if let Some(path) = &arguments.lines {
        write_file(path, &found.lines_csv(lender.currency)?)?;
    }
    Ok(told(&found, lender.currency))
}

fn told(found: &Comparison, currency: Currency) -> Answer {
    let months: Vec<Value> = found
        .months
        .iter()
        .map(|one| {
            json!({
                "month": one.month.to_string(), "recovered": one.recovered.plain(currency),
                "fee_now": one.now.plain(currency), "fee_proposed": one.proposed.plain(currency),
                "difference": (one.proposed - one.now).plain(currency),
            })
        })
        .collect();
    let difference = found.difference();
    let json = json!({
        "agency": found.agency, "months": months, "lines": found.lines.len(),
        "difference": difference.plain(currency),
    });
    Answer::new(sentence(found, currency), json)
}

/// "The proposed card would have cost 41,203.55 more over 6 months, nearly all of it by the rule \"M5\"."
fn sentence(found: &Comparison, currency: Currency) -> String {
    let (difference, months) = (found.difference(), found.months.len());
    if difference.is_zero() {
        return format!(
            "the proposed card would have cost {} the same over {months} months",
            found.agency
        );
    }
    let more = if difference > Money::ZERO { "more" } else { "less" };
    let amount = difference.abs().grouped(currency);
    let share = found.most().map(|(rule, part)| {
        let same_way = (part > Money::ZERO) == (difference > Money::ZERO);
        let (part_of, whole) = (i128::from(part.abs().0), i128::from(difference.abs().0));
        let how = match part_of * 10 {
            _ if !same_way => {
                return format!("; the rule \"{rule}\" alone {}", part.grouped(currency));
            }
            tenths if tenths >= whole * 9 => "nearly all of it",
            tenths if tenths >= whole * 5 => "most of it",
            _ => "the largest part of it",
        };
        format!(", {how} by the rule \"{rule}\"")
    });
    format!(
        "the proposed card would have cost {amount} {more} over {months} months of {}{}",
        found.agency,
        share.unwrap_or_default()
    )
}

/// Writes what a checked version would change of closed months; says it in words and adds it to the answer.
fn write_difference(
    db: &mut Db,
    arguments: &PublishArguments,
    path: &Path,
    text: &str,
    done: &Published,
    answer: &mut Value,
) -> Result<String, Failure> {
    let lender = lender_of(db, &arguments.lender)?;
    let assignees = party::store::assignees(db, &lender.code)?;
    let file = arguments.file.display().to_string();
    let terms =
        parse(text, &lender, &assignees).map_err(|fault| ContractError::File { file, fault })?;
    let found = if done.outcome == "unchanged" {
        correction::Difference::default()
    } else {
        read(db, |db| correction::difference(db, &lender, terms, done.version))?
    };
    write_file(path, &found.csv(lender.currency)?)?;
    let sum = found.sum();
    answer["difference"] = json!({
        "lines": found.lines.len(), "months": found.months.len(), "sum": sum.plain(lender.currency),
    });
    Ok(format!(
        "of closed months it would change {} lines and {} figures, {} in all",
        found.lines.len(),
        found.months.len(),
        sum.grouped(lender.currency)
    ))
}
