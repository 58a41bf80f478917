//! `complaint`, `complaints`, `violations`, `evaluate`, `evaluations`.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::output::{Answer, Failure, check_writable, lines, write_with};
use super::{Context, date};
use crate::ambient;
use crate::conduct::complaint::{self, NewComplaint, NewDecision};
use crate::conduct::complaint_store::{self, CaseFilter};
use crate::conduct::evaluation::{self, Due, NewEvaluation};
use crate::conduct::policy::Rule;
use crate::conduct::{Severity, case_list, violation};
use crate::party::{self, Lang};
use crate::sheet::Csv;
use crate::table::{names, record};

#[derive(Subcommand)]
pub(super) enum ComplaintCommand {
    /// Record a complaint; about an account, it stops contact with the debtor.
    Add(AddArguments),
    /// Decide a complaint; its hold ends.
    Decide(DecideArguments),
}

#[derive(Args)]
pub(super) struct AddArguments {
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// Whom it is about.
    #[arg(long)]
    agency: String,
    /// The account, when it is about one.
    #[arg(long)]
    account: Option<String>,
    /// The day it was received.
    #[arg(long, value_parser = date)]
    received_on: NaiveDate,
    /// How grave.
    #[arg(long, value_parser = severity)]
    severity: Severity,
    /// What is complained of.
    #[arg(long)]
    text: String,
    /// The case; given by the book when absent.
    #[arg(long, value_name = "CASE")]
    reference: Option<String>,
    /// Record it although the day lies after today.
    #[arg(long)]
    allow_future: bool,
}

#[derive(Args)]
pub(super) struct DecideArguments {
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// The case.
    #[arg(long, value_name = "CASE")]
    reference: String,
    /// Whether the complaint is justified.
    #[arg(long)]
    upheld: YesNo,
    /// The day of the decision.
    #[arg(long, value_parser = date)]
    on: NaiveDate,
    /// Why.
    #[arg(long)]
    text: String,
    /// What the agency is to lose for it; recorded with the case.
    #[arg(long, value_name = "AMOUNT")]
    deduction: Option<String>,
    /// The decision of the case that this one corrects.
    #[arg(long, value_name = "NUMBER")]
    corrects: Option<i64>,
}

/// Yes or no.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum YesNo {
    Yes,
    No,
}

fn severity(text: &str) -> Result<Severity, String> {
    Severity::recognise(text).ok_or_else(|| format!("\"{text}\" is none of {}", Severity::names()))
}

pub(super) fn complaint(context: &Context, command: &ComplaintCommand) -> Result<Answer, Failure> {
    match command {
        ComplaintCommand::Add(arguments) => add(context, arguments),
        ComplaintCommand::Decide(arguments) => decide(context, arguments),
    }
}

fn add(context: &Context, arguments: &AddArguments) -> Result<Answer, Failure> {
    let mut db = context.open()?;
    let new = NewComplaint {
        agency: arguments.agency.clone(),
        account_no: arguments.account.clone(),
        received_on: arguments.received_on,
        severity: arguments.severity,
        text: arguments.text.clone(),
        reference: arguments.reference.clone(),
        allow_future: arguments.allow_future,
    };
    let done = complaint::add(&mut db, &arguments.lender, &new, &ambient::operator())?;
    let said = match (&done.held, done.already_known) {
        (_, true) => format!("case {} was recorded before; nothing changed", done.reference),
        (Some(account_no), _) => format!(
            "case {} recorded; account {account_no} and the debtor's others are on hold from {}",
            done.reference, arguments.received_on
        ),
        (None, _) => format!("case {} recorded", done.reference),
    };
    Ok(Answer::new(said, json!(done)))
}

fn decide(context: &Context, arguments: &DecideArguments) -> Result<Answer, Failure> {
    let mut db = context.open()?;
    let new = NewDecision {
        reference: arguments.reference.clone(),
        upheld: arguments.upheld == YesNo::Yes,
        on: arguments.on,
        text: arguments.text.clone(),
        deduction: arguments.deduction.clone(),
        corrects: arguments.corrects,
    };
    let done = complaint::decide(&mut db, &arguments.lender, &new, &ambient::operator())?;
    let outcome = if new.upheld { "upheld" } else { "not upheld" };
    let mut said = match done.already_known {
        true => format!("case {} was decided so before; nothing changed", done.reference),
        false => {
            format!("case {} decided: {outcome} (decision {})", done.reference, done.decision_no)
        }
    };
    if let Some(account_no) = &done.released {
        said.push_str(&format!("; the hold on account {account_no} ended on {}", arguments.on));
    }
    Ok(Answer::new(said, json!(done)))
}

#[derive(Args)]
pub(super) struct ComplaintsArguments {
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// Only those about an assignee.
    #[arg(long)]
    agency: Option<String>,
    /// Where they go (CSV); `-` is standard output.
    #[arg(short, long)]
    output: PathBuf,
}

pub(super) fn complaints(
    context: &Context,
    arguments: &ComplaintsArguments,
) -> Result<Answer, Failure> {
    check_writable(&arguments.output)?;
    let mut db = context.open_to_read()?;
    let lender = find(&mut db, &arguments.lender)?;
    let filter = CaseFilter { agency: arguments.agency.clone(), ..CaseFilter::default() };
    let mut cases = complaint_store::page(&mut db, &lender.code, &filter, None, i64::MAX)?;
    cases.reverse();
    write_with(&arguments.output, |out| {
        let mut table = Csv::new(out);
        table.row(names(case_list::FILE))?;
        cases.iter().try_for_each(|case| {
            table.row(record(case_list::FILE, case, Lang::En, lender.currency))
        })?;
        table.finish()?;
        Ok(())
    })?;
    let said = format!("{} complaints written to {}", cases.len(), arguments.output.display());
    Ok(Answer::new(said, json!({"complaints": cases.len()})))
}

fn find(db: &mut crate::db::Db, code: &str) -> Result<party::Lender, Failure> {
    party::store::lender(db, code)?
        .ok_or_else(|| Failure::new(format!("there is no lender {code}")))
}

#[derive(Args)]
pub(super) struct ViolationsArguments {
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// The first day.
    #[arg(long, value_parser = date)]
    from: NaiveDate,
    /// The last day.
    #[arg(long, value_parser = date)]
    to: NaiveDate,
    /// Only those of an assignee.
    #[arg(long)]
    agency: Option<String>,
    /// Where they go (CSV); `-` is standard output.
    #[arg(short, long)]
    output: PathBuf,
}

pub(super) fn violations(
    context: &Context,
    arguments: &ViolationsArguments,
) -> Result<Answer, Failure> {
    check_writable(&arguments.output)?;
    let mut db = context.open_to_read()?;
    let (lender, agency) = (&arguments.lender, arguments.agency.as_deref());
    let found = crate::db::read(&mut db, |db| {
        violation::found(db, lender, arguments.from, arguments.to, agency)
    })?;
    let currency = find(&mut db, lender)?.currency;
    write_with(&arguments.output, |out| {
        let mut table = Csv::new(out);
        table.row(names(violation::FILE))?;
        found
            .iter()
            .try_for_each(|one| table.row(record(violation::FILE, one, Lang::En, currency)))?;
        table.finish()?;
        Ok(())
    })?;
    let mut shown =
        vec![format!("{} violations written to {}", found.len(), arguments.output.display())];
    let mut by_rule = serde_json::Map::new();
    for rule in Rule::ALL.iter().copied() {
        let count = found.iter().filter(|one| one.rule == rule).count();
        if count > 0 {
            shown.push(format!("  {}: {count}", rule.name()));
            by_rule.insert(rule.name().to_string(), json!(count));
        }
    }
    Ok(Answer::new(lines(shown), json!({"violations": found.len(), "rules": by_rule})))
}

#[derive(Args)]
pub(super) struct EvaluateArguments {
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// Whom.
    #[arg(long)]
    agency: String,
    /// The day of the evaluation.
    #[arg(long, value_parser = date)]
    on: NaiveDate,
    /// The result, 0 to 100.
    #[arg(long)]
    result: i64,
    /// The result in words.
    #[arg(long)]
    text: String,
    /// Record it although the day lies after today.
    #[arg(long)]
    allow_future: bool,
}

pub(super) fn evaluate(
    context: &Context,
    arguments: &EvaluateArguments,
) -> Result<Answer, Failure> {
    let mut db = context.open()?;
    let EvaluateArguments { lender, agency, on, result, .. } = arguments;
    let new = NewEvaluation {
        agency: agency.clone(),
        on: *on,
        result: *result,
        text: arguments.text.clone(),
        allow_future: arguments.allow_future,
    };
    let done = evaluation::evaluate(&mut db, lender, &new, &ambient::operator())?;
    let said = match done.already_known {
        true => format!("{agency} was evaluated so on {on} before; nothing changed"),
        false => format!("{agency} evaluated on {on}: {result}"),
    };
    Ok(Answer::new(said, json!(done)))
}

#[derive(Args)]
pub(super) struct EvaluationsArguments {
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// The day.
    #[arg(long, value_parser = date)]
    on: NaiveDate,
}

pub(super) fn evaluations(
    context: &Context,
    arguments: &EvaluationsArguments,
) -> Result<Answer, Failure> {
    let mut db = context.open_to_read()?;
    let states = evaluation::states(&mut db, &arguments.lender, arguments.on)?;
    let due: Vec<&evaluation::EvaluationState> =
        states.iter().filter(|one| one.due.is_some()).collect();
    let mut shown = vec![format!(
        "{} of {} agencies are due for evaluation on {}",
        due.len(),
        states.len(),
        arguments.on
    )];
    for one in &due {
        let last = one
            .evaluated_on
            .map_or("never evaluated".to_string(), |day| format!("last evaluated on {day}"));
        let why = match (one.due, one.contract_ends_on) {
            (Some(Due::ContractEnds), Some(day)) => format!("contract ends on {day}"),
            _ => format!("more than {} days", evaluation::HOLDS_DAYS),
        };
        shown.push(format!("  {} {}: {last}; {why}", one.agency, one.name));
    }
    let agencies: Vec<serde_json::Value> = states.iter().map(state_json).collect();
    Ok(Answer::new(
        lines(shown),
        json!({"on": arguments.on.to_string(), "due": due.len(), "agencies": agencies}),
    ))
}

fn state_json(one: &evaluation::EvaluationState) -> serde_json::Value {
    let day = |day: Option<NaiveDate>| day.map(|day| day.to_string());
    json!({
        "agency": one.agency, "name": one.name, "evaluated_on": day(one.evaluated_on), "result": one.result,
        "contract_ends_on": day(one.contract_ends_on), "due": one.due.map(Due::name),
    })
}
