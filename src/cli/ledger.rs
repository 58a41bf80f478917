//! `ledger trial-balance` and `ledger export`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::Context;
use super::output::{Answer, Failure, write_file, write_with};
use crate::kernel::Money;
use crate::ledger::export::{Format, export};
use crate::ledger::store;
use crate::party::{self, Lender};
use crate::sheet::Csv;

#[derive(Subcommand)]
pub(super) enum LedgerCommand {
    /// Debit, credit and balance of every account.
    TrialBalance(TrialBalanceArguments),
    /// Every transaction.
    Export(ExportArguments),
}

#[derive(Args)]
pub(super) struct TrialBalanceArguments {
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// What to write.
    #[arg(long, default_value = "csv")]
    format: TrialBalanceFormat,
    /// Where it goes; `-` is standard output.
    #[arg(short, long)]
    output: PathBuf,
}

/// What a trial balance is written as.
#[derive(Clone, Copy, ValueEnum)]
enum TrialBalanceFormat {
    Csv,
}

#[derive(Args)]
pub(super) struct ExportArguments {
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// What to write.
    #[arg(long, default_value = "csv")]
    format: Format,
    /// Where it goes; `-` is standard output.
    #[arg(short, long)]
    output: PathBuf,
}

pub(super) fn ledger(context: &Context, command: &LedgerCommand) -> Result<Answer, Failure> {
    match command {
        LedgerCommand::TrialBalance(arguments) => trial_balance(context, arguments),
        LedgerCommand::Export(arguments) => write_export(context, arguments),
    }
}

fn find(db: &mut crate::db::Db, code: &str) -> Result<Lender, Failure> {
    party::store::lender(db, code)?
        .ok_or_else(|| Failure::new(format!("there is no lender {code}")))
}

fn trial_balance(context: &Context, arguments: &TrialBalanceArguments) -> Result<Answer, Failure> {
    let TrialBalanceFormat::Csv = arguments.format;
    let mut db = context.open_to_read()?;
    let lender = find(&mut db, &arguments.lender)?;
    let rows = store::balances(&mut db, &lender.code)?;
    let mut table = Csv::new(Vec::new());
    table.row(["account", "debit", "credit", "balance"])?;
    for row in &rows {
        let shown = |amount: Money| amount.plain(lender.currency);
        table.row([
            &row.account,
            &shown(row.debit),
            &shown(row.credit),
            &shown(row.debit - row.credit),
        ])?;
    }
    write_file(&arguments.output, &table.finish()?)?;
    let said = format!("{} accounts written to {}", rows.len(), arguments.output.display());
    Ok(Answer::new(said, json!({"accounts": rows.len()})))
}

fn write_export(context: &Context, arguments: &ExportArguments) -> Result<Answer, Failure> {
    let mut db = context.open_to_read()?;
    let lender = find(&mut db, &arguments.lender)?;
    write_with(&arguments.output, |out| {
        crate::db::read(&mut db, |db| {
            export(db, &lender.code, lender.currency, arguments.format, out)
        })
        .map_err(Failure::from)
    })?;
    Ok(Answer::new(
        format!("the ledger of {} written to {}", lender.code, arguments.output.display()),
        json!({"lender": lender.code}),
    ))
}
