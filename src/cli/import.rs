//! `import portfolio`, `import recoveries`, `import contacts` and `import complaints`.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde_json::json;

use super::bar::Bar;
use super::output::{Answer, Failure, fault_lines, lines, read_text, warning_lines};
use super::{Context, date};
use crate::conduct::complaints::Complaints;
use crate::conduct::contacts::{Contacts, Sender};
use crate::intake::{Kind, Options, Report, take_in};
use crate::portfolio::import::Portfolio;
use crate::portfolio::personal::Key;
use crate::recovery::import::Recoveries;
use crate::sheet::{ColumnMap, Lines};
use crate::{ambient, config};

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

/// What goes with every file.
#[derive(Args)]
struct FileArguments {
    /// CSV (UTF-8, UTF-16, GB18030) or .xlsx.
    file: PathBuf,
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// Names of columns where the file's own differ (TOML).
    #[arg(long)]
    map: Option<PathBuf>,
    /// Where rejected rows go.
    #[arg(long)]
    rejects: Option<PathBuf>,
    /// Refuse the whole file when a row is rejected.
    #[arg(long)]
    all_or_nothing: bool,
    /// The number of rows the file must have.
    #[arg(long)]
    expect_rows: Option<u64>,
    /// Take in what claims to have happened after today.
    #[arg(long)]
    allow_future: bool,
}

#[derive(Args)]
pub(super) struct PortfolioArguments {
    #[command(flatten)]
    file: FileArguments,
    /// The day the balances are of.
    #[arg(long, value_parser = date)]
    as_of: NaiveDate,
    /// The sum of balances the file must have.
    #[arg(long)]
    expect_total: Option<String>,
}

#[derive(Args)]
pub(super) struct RecoveriesArguments {
    #[command(flatten)]
    file: FileArguments,
    /// The sum of the amounts the file must have, over all its rows, of whatever kind.
    #[arg(long)]
    expect_total: Option<String>,
}

#[derive(Args)]
pub(super) struct ContactsArguments {
    #[command(flatten)]
    file: FileArguments,
    /// The agency whose records they are.
    #[arg(long)]
    agency: String,
}

#[derive(Args)]
pub(super) struct ComplaintsArguments {
    #[command(flatten)]
    file: FileArguments,
}

pub(super) fn import(context: &Context, command: &ImportCommand) -> Result<Answer, Failure> {
    match command {
        ImportCommand::Portfolio(arguments) => import_portfolio(context, arguments),
        ImportCommand::Recoveries(arguments) => import_recoveries(context, arguments),
        ImportCommand::Contacts(arguments) => import_contacts(context, arguments),
        ImportCommand::Complaints(arguments) => import_complaints(context, arguments),
    }
}

impl FileArguments {
    fn take_in<K: Kind>(
        &self,
        context: &Context,
        kind: K,
        expect_total: Option<&str>,
    ) -> Result<Report<K::Totals>, Failure> {
        let map = match &self.map {
            None => None,
            Some(path) => {
                let map = ColumnMap::parse(&read_text(path)?, K::COLUMNS);
                Some(map.map_err(|fault| Failure::new(format!("{}, {fault}", path.display())))?)
            }
        };
        let options = Options {
            map: map.as_ref(),
            rejects: self.rejects.as_deref(),
            all_or_nothing: self.all_or_nothing,
            expect_rows: self.expect_rows,
            expect_total,
            allow_future: self.allow_future,
        };
        let (by, mut bar) = (ambient::operator(), Bar::new());
        let mut db = context.open()?;
        Ok(take_in(&mut db, &self.lender, &self.file, kind, &options, &by, &mut bar)?)
    }
}

/// The answer to an import: warnings, what came of it in words, the first rejected rows.
fn answer<T: serde::Serialize>(done: &Report<T>, said: Vec<String>) -> Answer {
    let mut shown = warning_lines(&done.warnings);
    shown.extend(said);
    shown.push(lines_read(&done.lines));
    shown.extend(fault_lines(done.rejected, &done.faults));
    Answer::new(lines(shown), json!(done)).partly(done.rejected > 0 && !done.already_imported)
}

/// What became of each line of the file, in words.
fn lines_read(lines: &Lines) -> String {
    let Lines { read, header, blank, rows, continued } = *lines;
    let more =
        if continued == 0 { String::new() } else { format!(", {continued} that go on with a row") };
    format!("{read} lines read: {header} of the header, {blank} blank, {rows} rows{more}")
}

fn key(context: &Context) -> Result<Option<Key>, Failure> {
    Key::load(&context.address, config::key().as_deref()).map_err(Failure::new)
}

fn import_portfolio(context: &Context, arguments: &PortfolioArguments) -> Result<Answer, Failure> {
    let (file, as_of, key) = (&arguments.file, arguments.as_of, key(context)?);
    let kind = Portfolio::as_of(as_of, key.as_ref());
    let done = file.take_in(context, kind, arguments.expect_total.as_deref())?;
    if done.already_imported {
        let name = file.file.display();
        let said = format!("{name} was imported before as of {as_of}; nothing changed");
        return Ok(answer(&done, vec![said]));
    }
    let totals = &done.totals;
    let mut said = vec![format!(
        "{} rows: {} new, {} updated, {} unchanged, {} rejected; {} known accounts are not in the file; balance {}",
        done.rows,
        totals.new,
        totals.updated,
        totals.unchanged,
        done.rejected,
        totals.missing,
        totals.total
    )];
    said.extend(closed_as_paid(totals.closed_as_paid));
    Ok(answer(&done, said))
}

fn closed_as_paid(placements: usize) -> Option<String> {
    (placements > 0).then(|| format!("{placements} placements closed as paid"))
}

fn import_recoveries(
    context: &Context,
    arguments: &RecoveriesArguments,
) -> Result<Answer, Failure> {
    let expect_total = arguments.expect_total.as_deref();
    let done = arguments.file.take_in(context, Recoveries::default(), expect_total)?;
    let totals = &done.totals;
    let house: Vec<String> =
        totals.house.iter().map(|(code, count)| format!("{count} {code}")).collect();
    let house = if house.is_empty() {
        "none to the house".to_string()
    } else {
        format!("to the house: {}", house.join(", "))
    };
    let mut said = vec![
        format!(
            "{} rows: {} accepted, {} duplicate, {} rejected; payments {}, reversals {}, waivers {}",
            done.rows,
            done.accepted,
            done.duplicate,
            done.rejected,
            totals.payments,
            totals.reversals,
            totals.waivers
        ),
        format!(
            "{} payments belong to a placement, {house}; {} go beyond what was owed",
            totals.attributed, totals.beyond_owed
        ),
    ];
    said.extend(closed_as_paid(totals.closed_as_paid));
    Ok(answer(&done, said))
}

fn import_contacts(context: &Context, arguments: &ContactsArguments) -> Result<Answer, Failure> {
    let (file, agency, key) = (&arguments.file, &arguments.agency, key(context)?);
    let kind = Contacts::of(agency, Sender::Lender, key.as_ref());
    let done = file.take_in(context, kind, None)?;
    if done.already_imported {
        let said = format!("{} was imported before; nothing changed", file.file.display());
        return Ok(answer(&done, vec![said]));
    }
    let said = format!(
        "{} rows: {} contacts of {agency} accepted, {} duplicate, {} rejected",
        done.rows, done.accepted, done.duplicate, done.rejected
    );
    Ok(answer(&done, vec![said]))
}

fn import_complaints(
    context: &Context,
    arguments: &ComplaintsArguments,
) -> Result<Answer, Failure> {
    let done = arguments.file.take_in(context, Complaints::default(), None)?;
    let said = format!(
        "{} rows: {} complaints recorded, {} duplicate, {} rejected; {} accounts on hold",
        done.rows, done.accepted, done.duplicate, done.rejected, done.totals.held
    );
    Ok(answer(&done, vec![said]))
}
