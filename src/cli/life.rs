//! `placement …`, `hold …`, `steps`: the life of a placement between placing and closing.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use serde_json::json;

use super::output::{Answer, Failure, lines, write_with};
use super::placements::{hold_kind, left_alone};
use super::{Context, date};
use crate::hold::HoldKind;
use crate::hold::change::{Change, Holding, change};
use crate::placement::step::{Selection, take};
use crate::placement::step_store::log;
use crate::placement::{Action, Instruction};
use crate::portfolio::named::Named;
use crate::sheet::Csv;
use crate::{ambient, party};

/// The accounts a command is about, and its day.
#[derive(Args)]
#[command(group(ArgGroup::new("which").required(true).args(["account", "accounts"])))]
pub(super) struct About {
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// One account.
    #[arg(long, value_name = "NO")]
    account: Option<String>,
    /// A file that names the accounts (column account_no).
    #[arg(long, value_name = "FILE.csv")]
    accounts: Option<PathBuf>,
    /// The day.
    #[arg(long, value_parser = date)]
    on: NaiveDate,
}

impl About {
    fn named(&self) -> Result<Named<'_>, Failure> {
        match (&self.account, &self.accounts) {
            (Some(account_no), _) => Ok(Named::Account(account_no)),
            (_, Some(path)) => Ok(Named::File(path)),
            (None, None) => Err(Failure::new("name the accounts: --account or --accounts")),
        }
    }
}

#[derive(Subcommand)]
pub(super) enum PlacementCommand {
    /// The agency says that it has stopped, as a recall asks.
    Acknowledge(AgencyArguments),
    /// The agency objects to a recall.
    Object(AgencyReasonArguments),
    /// Decide on a recall.
    DecideRecall(DecideRecallArguments),
    /// The agency asks to give accounts back.
    Return(AgencyReasonArguments),
    /// Decide on a return.
    DecideReturn(DecideReturnArguments),
    /// Ask to keep accounts beyond their last day.
    Retain(RetainArguments),
    /// Decide on a retention.
    DecideRetention(DecideRetentionArguments),
    /// Close placements because the debts are transferred, and hold the accounts.
    Transfer(TransferArguments),
}

#[derive(Args)]
pub(super) struct AgencyArguments {
    #[command(flatten)]
    about: About,
    /// The agency that acts; the accounts must be in its hands.
    #[arg(long)]
    agency: String,
}

#[derive(Args)]
pub(super) struct AgencyReasonArguments {
    #[command(flatten)]
    by: AgencyArguments,
    /// Why, in words.
    #[arg(long)]
    reason: String,
}

/// What becomes of a recall.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RecallOutcome {
    Upheld,
    Withdrawn,
}

/// What becomes of a return.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReturnOutcome {
    Accepted,
    Declined,
}

/// What becomes of a retention.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RetentionOutcome {
    Approved,
    Declined,
}

#[derive(Args)]
pub(super) struct DecideRecallArguments {
    #[command(flatten)]
    about: About,
    /// Upheld: it is final on that day. Withdrawn: the placement goes on.
    #[arg(long)]
    outcome: RecallOutcome,
    /// Why, in words.
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Args)]
pub(super) struct DecideReturnArguments {
    #[command(flatten)]
    about: About,
    /// Accepted: the placement closes on that day. Declined: it goes on.
    #[arg(long)]
    outcome: ReturnOutcome,
    /// Why, in words.
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Args)]
pub(super) struct RetainArguments {
    #[command(flatten)]
    about: About,
    /// The agency that asks, when it is not the lender.
    #[arg(long)]
    agency: Option<String>,
    /// The new last day.
    #[arg(long, value_parser = date)]
    until: NaiveDate,
    /// Why, in words.
    #[arg(long)]
    reason: String,
}

#[derive(Args)]
pub(super) struct DecideRetentionArguments {
    #[command(flatten)]
    about: About,
    /// Approved: the last day moves. Declined: it stays.
    #[arg(long)]
    outcome: RetentionOutcome,
    /// Why, in words.
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Args)]
#[command(group(ArgGroup::new("which").required(true).args(["account", "accounts", "agency"])))]
pub(super) struct TransferArguments {
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// One account.
    #[arg(long, value_name = "NO")]
    account: Option<String>,
    /// A file that names the accounts (column account_no).
    #[arg(long, value_name = "FILE.csv")]
    accounts: Option<PathBuf>,
    /// All that an assignee holds.
    #[arg(long)]
    agency: Option<String>,
    /// The day.
    #[arg(long, value_parser = date)]
    on: NaiveDate,
    /// Why: a short word.
    #[arg(long, value_name = "CODE")]
    reason: String,
}

pub(super) fn placement(context: &Context, command: &PlacementCommand) -> Result<Answer, Failure> {
    let (about, agency, action, done) = match command {
        PlacementCommand::Acknowledge(by) => {
            (&by.about, Some(&by.agency), Action::Acknowledge, "acknowledged")
        }
        PlacementCommand::Object(AgencyReasonArguments { by, reason }) => {
            (&by.about, Some(&by.agency), Action::Object(reason), "recalls objected to")
        }
        PlacementCommand::DecideRecall(one) => {
            let upheld = one.outcome == RecallOutcome::Upheld;
            let done = if upheld { "recalls upheld" } else { "recalls withdrawn" };
            (&one.about, None, Action::DecideRecall(upheld, one.reason.as_deref()), done)
        }
        PlacementCommand::Return(AgencyReasonArguments { by, reason }) => {
            (&by.about, Some(&by.agency), Action::AskReturn(reason), "returns requested")
        }
        PlacementCommand::DecideReturn(one) => {
            let accepted = one.outcome == ReturnOutcome::Accepted;
            let done = if accepted { "returns accepted" } else { "returns declined" };
            (&one.about, None, Action::DecideReturn(accepted, one.reason.as_deref()), done)
        }
        PlacementCommand::Retain(one) => {
            let action = Action::AskRetention(one.until, &one.reason);
            (&one.about, one.agency.as_ref(), action, "retentions requested")
        }
        PlacementCommand::DecideRetention(one) => {
            let approved = one.outcome == RetentionOutcome::Approved;
            let done = if approved { "retentions approved" } else { "retentions declined" };
            (&one.about, None, Action::DecideRetention(approved, one.reason.as_deref()), done)
        }
        PlacementCommand::Transfer(one) => return transfer(context, one),
    };
    let instruction = Instruction { action, agency: agency.map(String::as_str), on: about.on };
    step(context, &about.lender, &Selection::Named(about.named()?), &instruction, done)
}

fn transfer(context: &Context, arguments: &TransferArguments) -> Result<Answer, Failure> {
    let selection = match (&arguments.account, &arguments.accounts, &arguments.agency) {
        (Some(account_no), ..) => Selection::Named(Named::Account(account_no)),
        (_, Some(path), _) => Selection::Named(Named::File(path)),
        (_, _, Some(agency)) => Selection::Assignee(agency),
        (None, None, None) => {
            return Err(Failure::new("name the accounts: --account, --accounts or --agency"));
        }
    };
    let action = Action::Transfer(&arguments.reason);
    let instruction = Instruction { action, agency: None, on: arguments.on };
    step(context, &arguments.lender, &selection, &instruction, "placements transferred")
}

fn step(
    context: &Context,
    lender: &str,
    selection: &Selection<'_>,
    instruction: &Instruction<'_>,
    what: &str,
) -> Result<Answer, Failure> {
    let mut db = context.open()?;
    let done = take(&mut db, lender, selection, instruction, &ambient::operator())?;
    let mut shown = vec![format!("{} {what} on {}", done.taken, instruction.on)];
    if !done.refused.is_empty() {
        shown.push(format!("{} accounts were left alone:", done.refused.len()));
        shown.extend(left_alone(&done.refused));
    }
    let partial = !done.refused.is_empty();
    Ok(Answer::new(lines(shown), json!(done)).partly(partial))
}

#[derive(Subcommand)]
pub(super) enum HoldCommand {
    /// Stop contact, and keep accounts from being placed.
    Open(HoldOpenArguments),
    /// Let contact go on; the day is the first free one.
    End(HoldEndArguments),
}

#[derive(Args)]
pub(super) struct HoldOpenArguments {
    #[command(flatten)]
    about: About,
    /// The type.
    #[arg(long = "type", value_name = "TYPE", value_parser = hold_kind)]
    kind: HoldKind,
    /// Why, in words.
    #[arg(long)]
    reason: String,
    /// The last day, when known.
    #[arg(long, value_parser = date)]
    until: Option<NaiveDate>,
}

#[derive(Args)]
pub(super) struct HoldEndArguments {
    #[command(flatten)]
    about: About,
    /// The type.
    #[arg(long = "type", value_name = "TYPE", value_parser = hold_kind)]
    kind: HoldKind,
    /// Why, in words.
    #[arg(long)]
    reason: String,
}

pub(super) fn hold(context: &Context, command: &HoldCommand) -> Result<Answer, Failure> {
    let (about, holding, what) = match command {
        HoldCommand::Open(one) => {
            let change = Change::Open(one.until);
            (
                &one.about,
                Holding { change, kind: one.kind, reason: &one.reason, on: one.about.on },
                "opened",
            )
        }
        HoldCommand::End(one) => {
            let change = Change::End;
            (
                &one.about,
                Holding { change, kind: one.kind, reason: &one.reason, on: one.about.on },
                "ended",
            )
        }
    };
    let mut db = context.open()?;
    let done = change(&mut db, &about.lender, &about.named()?, holding, &ambient::operator())?;
    let mut shown =
        vec![format!("{} holds ({}) {what} on {}", done.done, holding.kind.name(), holding.on)];
    if !done.refused.is_empty() {
        shown.push(format!("{} accounts were left alone:", done.refused.len()));
        shown.extend(left_alone(&done.refused));
    }
    let partial = !done.refused.is_empty();
    Ok(Answer::new(lines(shown), json!(done)).partly(partial))
}

#[derive(Args)]
pub(super) struct StepsArguments {
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// Only those of an account.
    #[arg(long, value_name = "NO")]
    account: Option<String>,
    /// Where they go (CSV); `-` is standard output.
    #[arg(short, long)]
    output: PathBuf,
}

pub(super) fn steps(context: &Context, arguments: &StepsArguments) -> Result<Answer, Failure> {
    let mut db = context.open_to_read()?;
    let lender = party::store::lender(&mut db, &arguments.lender)?
        .ok_or_else(|| Failure::new(format!("there is no lender {}", arguments.lender)))?;
    let rows = log(&mut db, &lender.code, arguments.account.as_deref())?;
    write_with(&arguments.output, |out| {
        let mut table = Csv::new(out);
        table.row([
            "account_no",
            "placement_no",
            "assignee",
            "step",
            "on",
            "by",
            "reason",
            "outcome",
            "until",
            "owed",
            "recorded_at",
            "actor",
        ])?;
        for row in &rows {
            table.row([
                row.account_no.as_str(),
                &row.placement_no.to_string(),
                &row.assignee,
                row.step_name(),
                &row.on_day.to_string(),
                row.agency.as_deref().unwrap_or("lender"),
                row.reason.as_deref().unwrap_or(""),
                row.outcome_name(),
                &row.until_on.map(|day| day.to_string()).unwrap_or_default(),
                &row.owed.plain(lender.currency),
                &row.recorded_at,
                &row.actor,
            ])?;
        }
        table.finish()?;
        Ok(())
    })?;
    let said = format!("{} steps written to {}", rows.len(), arguments.output.display());
    Ok(Answer::new(said, json!({"steps": rows.len()})))
}
