//! `placements`, `recall`, `expire`.

use std::fmt::Display;
use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{ArgGroup, Args};
use serde_json::json;

use super::output::{Answer, Failure, lines, write_with};
use super::{Context, date};
use crate::ambient;
use crate::hold::HoldKind;
use crate::party::{self, Lang};
use crate::placement::expire as expiry;
use crate::placement::recall as recalling;
use crate::placement::step::Selection;
use crate::placement::{Placement, store, windows};
use crate::portfolio::named::{Named, RefusedAccount};
use crate::position::placements::FILE;
use crate::sheet::Csv;
use crate::table::{names, record};

#[derive(Args)]
pub(super) struct PlacementsArguments {
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// Only those of an assignee.
    #[arg(long)]
    agency: Option<String>,
    /// Only those that held an account that day.
    #[arg(long, value_parser = date)]
    on: Option<NaiveDate>,
    /// Where they go (CSV); `-` is standard output.
    #[arg(short, long)]
    output: PathBuf,
}

pub(super) fn placements(
    context: &Context,
    arguments: &PlacementsArguments,
) -> Result<Answer, Failure> {
    let mut db = context.open_to_read()?;
    let lender = party::store::lender(&mut db, &arguments.lender)?
        .ok_or_else(|| Failure::new(format!("there is no lender {}", arguments.lender)))?;
    let mut count = 0_u64;
    write_with(&arguments.output, |out| {
        let mut table = Csv::new(out);
        table.row(names(FILE))?;
        let mut account: Vec<Placement> = Vec::new();
        let mut row = |account: &[Placement]| -> Result<(), Failure> {
            for (placement, window) in account.iter().zip(windows(account)) {
                let of_agency =
                    arguments.agency.as_ref().is_none_or(|agency| *agency == placement.assignee);
                // A window without its tail: the days the account was in these hands.
                let held = |day: NaiveDate| {
                    placement.placed_on <= day && day <= placement.last_day().min(window.last)
                };
                if of_agency && arguments.on.is_none_or(held) {
                    count += 1;
                    table.row(record(FILE, placement, Lang::En, lender.currency))?;
                }
            }
            Ok(())
        };
        store::each(&mut db, &lender.code, |placement| {
            if account.first().is_some_and(|first| first.account_no != placement.account_no) {
                row(&account)?;
                account.clear();
            }
            account.push(placement);
            Ok::<(), Failure>(())
        })?;
        row(&account)?;
        table.finish()?;
        Ok(())
    })?;
    Ok(Answer::new(
        format!("{count} placements written to {}", arguments.output.display()),
        json!({"placements": count}),
    ))
}

#[derive(Args)]
#[command(group(ArgGroup::new("which").required(true).args(["accounts", "agency", "due_by", "hold"])))]
pub(super) struct RecallArguments {
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// A file that names the accounts (column account_no).
    #[arg(long, value_name = "FILE.csv")]
    accounts: Option<PathBuf>,
    /// All that an assignee holds.
    #[arg(long)]
    agency: Option<String>,
    /// All that run out by a day.
    #[arg(long, value_parser = date)]
    due_by: Option<NaiveDate>,
    /// All that a hold of a type stops on the day of the recall.
    #[arg(long, value_name = "TYPE", value_parser = hold_kind)]
    hold: Option<HoldKind>,
    /// Why: a short word; `compliance` is final at once.
    #[arg(long, value_name = "CODE")]
    reason: String,
    /// The day of the recall.
    #[arg(long, value_parser = date)]
    on: NaiveDate,
    /// Close at once, on that day, without waiting for objections.
    #[arg(long = "final")]
    at_once: bool,
}

/// A type of hold given on the command line.
pub(super) fn hold_kind(text: &str) -> Result<HoldKind, String> {
    HoldKind::recognise(text).ok_or_else(|| {
        format!("\"{text}\" is no type of hold; the types are {}", HoldKind::names())
    })
}

pub(super) fn recall(context: &Context, arguments: &RecallArguments) -> Result<Answer, Failure> {
    let selection = match (&arguments.accounts, &arguments.agency, arguments.due_by, arguments.hold)
    {
        (Some(path), ..) => Selection::Named(Named::File(path)),
        (_, Some(agency), ..) => Selection::Assignee(agency),
        (_, _, Some(day), _) => Selection::DueBy(day),
        (_, _, _, Some(kind)) => Selection::Held(kind),
        (None, None, None, None) => {
            return Err(Failure::new(
                "name the accounts: --accounts, --agency, --due-by or --hold",
            ));
        }
    };
    let mut db = context.open()?;
    let by = ambient::operator();
    let done = recalling::recall(
        &mut db,
        &arguments.lender,
        &selection,
        &arguments.reason,
        arguments.on,
        arguments.at_once,
        &by,
    )?;
    let mut shown = Vec::new();
    if done.recalled > 0 || done.requested == 0 {
        shown.push(format!("{} placements recalled on {}", done.recalled, arguments.on));
    }
    if done.requested > 0 {
        shown.push(format!(
            "{} recalls requested: their assignees stop now and may object before it is final",
            done.requested
        ));
    }
    if !done.already_requested.is_empty() {
        shown.push(format!("{} recalls were requested before:", done.already_requested.len()));
        shown.extend(left_alone(&done.already_requested));
    }
    if !done.not_placed.is_empty() {
        shown.push(format!("{} named accounts were not placed:", done.not_placed.len()));
        shown.extend(left_alone(&done.not_placed));
    }
    let doubled = arguments.accounts.is_some() && !done.already_requested.is_empty();
    let partial = doubled || !done.not_placed.is_empty();
    Ok(Answer::new(lines(shown), json!(done)).partly(partial))
}

/// The first accounts that a command left alone, a line each.
pub(super) fn left_alone<R: Display>(accounts: &[RefusedAccount<R>]) -> Vec<String> {
    let line = |one: &RefusedAccount<R>| match one.line {
        Some(line) => format!("  line {line}: {} {}", one.account_no, one.reason),
        None => format!("  {} {}", one.account_no, one.reason),
    };
    accounts.iter().take(20).map(line).collect()
}

#[derive(Args)]
pub(super) struct ExpireArguments {
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// Placements whose last day lies before this day are closed.
    #[arg(long, value_parser = date)]
    on: NaiveDate,
}

pub(super) fn expire(context: &Context, arguments: &ExpireArguments) -> Result<Answer, Failure> {
    let mut db = context.open()?;
    let done = expiry::expire(&mut db, &arguments.lender, arguments.on, &ambient::operator())?;
    let mut shown = vec![format!("{} placements closed as expired", done.expired)];
    if done.recalls_final > 0 {
        shown.push(format!("{} recalls became final: nobody objected in time", done.recalls_final));
    }
    Ok(Answer::new(lines(shown), json!(done)))
}
