//! `import portfolio`, `import recoveries`, `import contacts` and `import complaints`.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde_json::json;

use super::bar::Bar;
use super::output::{Answer, Failure, fault_lines, lines, read_text};
use super::{Context, date};
use crate::portfolio::personal::Key;
use crate::sheet::{Column, ColumnMap};
use crate::{ambient, conduct, config, portfolio, recovery};

#[derive(Subcommand)]
pub(super) enum ImportCommand {
    /// Take in a portfolio of accounts as of a day.
    Portfolio(PortfolioArguments),
    /// Take in payments, reversals and waivers.
    Recoveries(RecoveriesArguments),
    /// Take in an agency's contact records.
    Contacts(ContactsArguments),
    /// Take in complaints.
    Complaints(ComplaintsArguments),
}

#[derive(Args)]
pub(super) struct PortfolioArguments {
    /// CSV (UTF-8, UTF-16, GB18030) or .xlsx.
    file: PathBuf,
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// The day the balances are of.
    #[arg(long, value_parser = date)]
    as_of: NaiveDate,
    /// Names of columns where the file's own differ (TOML).
    #[arg(long)]
    map: Option<PathBuf>,
    /// Refuse the whole file when a row is rejected.
    #[arg(long)]
    all_or_nothing: bool,
    /// The number of rows the file must have.
    #[arg(long)]
    expect_rows: Option<u64>,
    /// The sum of balances the file must have.
    #[arg(long)]
    expect_total: Option<String>,
    /// Where rejected rows go; `-` is standard output.
    #[arg(long)]
    rejects: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct RecoveriesArguments {
    /// CSV (UTF-8, UTF-16, GB18030) or .xlsx.
    file: PathBuf,
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// Names of columns where the file's own differ (TOML).
    #[arg(long)]
    map: Option<PathBuf>,
    /// Where rejected rows go; `-` is standard output.
    #[arg(long)]
    rejects: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct ContactsArguments {
    /// CSV (UTF-8, UTF-16, GB18030) or .xlsx.
    file: PathBuf,
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// The agency whose records they are.
    #[arg(long)]
    agency: String,
    /// Names of columns where the file's own differ (TOML).
    #[arg(long)]
    map: Option<PathBuf>,
    /// Where rejected rows go; `-` is standard output.
    #[arg(long)]
    rejects: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct ComplaintsArguments {
    /// CSV (UTF-8, UTF-16, GB18030) or .xlsx.
    file: PathBuf,
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// Names of columns where the file's own differ (TOML).
    #[arg(long)]
    map: Option<PathBuf>,
    /// Where rejected rows go; `-` is standard output.
    #[arg(long)]
    rejects: Option<PathBuf>,
}

pub(super) fn import(context: &Context, command: &ImportCommand) -> Result<Answer, Failure> {
    match command {
        ImportCommand::Portfolio(arguments) => import_portfolio(context, arguments),
        ImportCommand::Recoveries(arguments) => import_recoveries(context, arguments),
        ImportCommand::Contacts(arguments) => import_contacts(context, arguments),
        ImportCommand::Complaints(arguments) => import_complaints(context, arguments),
    }
}

fn read_map(path: Option<&PathBuf>, columns: &[Column]) -> Result<Option<ColumnMap>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let map = ColumnMap::parse(&read_text(path)?, columns);
    map.map(Some).map_err(|fault| Failure::new(format!("{}, {fault}", path.display())))
}

fn import_portfolio(context: &Context, arguments: &PortfolioArguments) -> Result<Answer, Failure> {
    let map = read_map(arguments.map.as_ref(), portfolio::columns::COLUMNS)?;
    let mut db = context.open()?;
    let key = Key::load(&context.address, config::key().as_deref()).map_err(Failure::new)?;
    let options = portfolio::import::Options {
        map: map.as_ref(),
        all_or_nothing: arguments.all_or_nothing,
        expect_rows: arguments.expect_rows,
        expect_total: arguments.expect_total.as_deref(),
        rejects: arguments.rejects.as_deref(),
        key: key.as_ref(),
    };
    let (lender, file) = (&arguments.lender, &arguments.file);
    let done = portfolio::import::import(
        &mut db,
        lender,
        file,
        arguments.as_of,
        &options,
        &ambient::operator(),
        &mut Bar::new(),
    )?;
    if done.already_imported {
        let said = format!(
            "{} was imported before as of {}; nothing changed",
            file.display(),
            arguments.as_of
        );
        return Ok(Answer::new(said, json!(done)));
    }
    let mut shown: Vec<String> =
        done.warnings.iter().map(|warning| format!("warning: {warning}")).collect();
    shown.push(format!(
        "{} rows: {} new, {} updated, {} unchanged, {} rejected; {} known accounts are not in the file; balance {}",
        done.rows, done.new, done.updated, done.unchanged, done.rejected, done.missing, done.total
    ));
    if done.closed_as_paid > 0 {
        shown.push(format!("{} placements closed as paid", done.closed_as_paid));
    }
    shown.extend(fault_lines(done.rejected, &done.faults));
    let partial = done.rejected > 0;
    Ok(Answer::new(lines(shown), json!(done)).partly(partial))
}

fn import_recoveries(
    context: &Context,
    arguments: &RecoveriesArguments,
) -> Result<Answer, Failure> {
    let map = read_map(arguments.map.as_ref(), recovery::columns::COLUMNS)?;
    let mut db = context.open()?;
    let options =
        recovery::import::Options { map: map.as_ref(), rejects: arguments.rejects.as_deref() };
    let done = recovery::import::import(
        &mut db,
        &arguments.lender,
        &arguments.file,
        &options,
        &ambient::operator(),
        &mut Bar::new(),
    )?;
    let mut shown: Vec<String> =
        done.warnings.iter().map(|warning| format!("warning: {warning}")).collect();
    shown.push(format!(
        "{} rows: {} accepted, {} duplicate, {} rejected; payments {}, reversals {}, waivers {}",
        done.rows,
        done.accepted,
        done.duplicate,
        done.rejected,
        done.payments,
        done.reversals,
        done.waivers
    ));
    let house: Vec<String> =
        done.house.iter().map(|(code, count)| format!("{count} {code}")).collect();
    let house = if house.is_empty() {
        "none to the house".to_string()
    } else {
        format!("to the house: {}", house.join(", "))
    };
    shown.push(format!(
        "{} payments belong to a placement, {house}; {} go beyond what was owed",
        done.attributed, done.beyond_owed
    ));
    if done.closed_as_paid > 0 {
        shown.push(format!("{} placements closed as paid", done.closed_as_paid));
    }
    shown.extend(fault_lines(done.rejected, &done.faults));
    let partial = done.rejected > 0;
    Ok(Answer::new(lines(shown), json!(done)).partly(partial))
}

fn import_contacts(context: &Context, arguments: &ContactsArguments) -> Result<Answer, Failure> {
    let map = read_map(arguments.map.as_ref(), conduct::columns::CONTACTS)?;
    let mut db = context.open()?;
    let key = Key::load(&context.address, config::key().as_deref()).map_err(Failure::new)?;
    let options = conduct::contacts::Options {
        sender: conduct::contacts::Sender::Lender,
        map: map.as_ref(),
        rejects: arguments.rejects.as_deref(),
        key: key.as_ref(),
    };
    let (lender, agency, file) = (&arguments.lender, &arguments.agency, &arguments.file);
    let done = conduct::contacts::import(
        &mut db,
        lender,
        agency,
        file,
        &options,
        &ambient::operator(),
        &mut Bar::new(),
    )?;
    if done.already_imported {
        return Ok(Answer::new(
            format!("{} was imported before; nothing changed", file.display()),
            json!(done),
        ));
    }
    let mut shown: Vec<String> =
        done.warnings.iter().map(|warning| format!("warning: {warning}")).collect();
    shown.push(format!(
        "{} rows: {} contacts of {agency} accepted, {} duplicate, {} rejected",
        done.rows, done.accepted, done.duplicate, done.rejected
    ));
    shown.extend(fault_lines(done.rejected, &done.faults));
    let partial = done.rejected > 0;
    Ok(Answer::new(lines(shown), json!(done)).partly(partial))
}

fn import_complaints(
    context: &Context,
    arguments: &ComplaintsArguments,
) -> Result<Answer, Failure> {
    let map = read_map(arguments.map.as_ref(), conduct::columns::COMPLAINTS)?;
    let mut db = context.open()?;
    let rejects = arguments.rejects.as_deref();
    let by = ambient::operator();
    let done = conduct::complaint::import(
        &mut db,
        &arguments.lender,
        &arguments.file,
        map.as_ref(),
        rejects,
        &by,
    )?;
    let mut shown: Vec<String> =
        done.warnings.iter().map(|warning| format!("warning: {warning}")).collect();
    shown.push(format!(
        "{} rows: {} complaints recorded, {} duplicate, {} rejected; {} accounts on hold",
        done.rows, done.accepted, done.duplicate, done.rejected, done.held
    ));
    shown.extend(fault_lines(done.rejected, &done.faults));
    let partial = done.rejected > 0;
    Ok(Answer::new(lines(shown), json!(done)).partly(partial))
}
