//! The command line: the same verbs as the pages, with text and `--json` out, and the exit codes that the README lists.

mod allocate;
mod bar;
mod conduct;
mod contract;
mod import;
mod ledger;
mod life;
mod output;
mod placements;
mod scorecard;
mod serve;
mod settle;
mod setup;
mod verify;
mod what_if;

use std::process::ExitCode;

use chrono::NaiveDate;
use clap::{Parser, Subcommand};

use crate::config;
use crate::db::{Address, Db, OpenError};
use crate::kernel::calendar::parse_date;
use output::{Answer, Failure};

/// Lender–agency outsourcing: placement, commission, settlement, and the ledger that proves them.
#[derive(Parser)]
#[command(name = "consign", version, about, max_term_width = 100)]
struct Arguments {
    /// The database: sqlite:PATH or postgres://… [default: DATABASE_URL, else sqlite:consign.db]
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,
    /// Print one JSON object instead of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Load the sample book, run its months, and serve it.
    Demo(serve::DemoArguments),
    /// Serve the web application.
    Serve(serve::ServeArguments),
    /// Create or update lenders, assignees and users from a parties file.
    Setup(setup::SetupArguments),
    /// Check and publish contracts.
    #[command(subcommand)]
    Contract(contract::ContractCommand),
    /// Take in files.
    #[command(subcommand)]
    Import(import::ImportCommand),
    /// Simulate an allocation, or commit one.
    Allocate(allocate::AllocateArguments),
    /// Write all placements ever, or those of a day.
    Placements(placements::PlacementsArguments),
    /// Take accounts back from their assignees.
    Recall(placements::RecallArguments),
    /// Close what has run out.
    Expire(placements::ExpireArguments),
    /// Set two strategies side by side on the same accounts.
    WhatIf(what_if::WhatIfArguments),
    /// How assignees perform, like against like.
    Scorecard(scorecard::ScorecardArguments),
    /// Compare assignees on the accounts that exploration dealt by chance.
    Trial(scorecard::TrialArguments),
    /// Record and decide complaints.
    #[command(subcommand)]
    Complaint(conduct::ComplaintCommand),
    /// Write all complaints.
    Complaints(conduct::ComplaintsArguments),
    /// Write what agencies' contacts violate.
    Violations(conduct::ViolationsArguments),
    /// Record the evaluation of an agency.
    Evaluate(conduct::EvaluateArguments),
    /// Say whose evaluation is due.
    Evaluations(conduct::EvaluationsArguments),
    /// Object, acknowledge, return, retain, transfer, and decide.
    #[command(subcommand)]
    Placement(life::PlacementCommand),
    /// Open and end holds.
    #[command(subcommand)]
    Hold(life::HoldCommand),
    /// Write what was asked, objected, decided and closed.
    Steps(life::StepsArguments),
    /// Close a month: issue and post its statements.
    Close(settle::CloseArguments),
    /// Write a statement.
    Statement(settle::StatementArguments),
    /// Say why a statement line has its amount.
    Explain(settle::ExplainArguments),
    /// Trial balance and exports of the ledger.
    #[command(subcommand)]
    Ledger(ledger::LedgerCommand),
    /// Prove the book from its rows.
    Verify(verify::VerifyArguments),
}

/// What every command has at hand.
struct Context {
    address: Address,
}

impl Context {
    fn open(&self) -> Result<Db, OpenError> {
        self.address.open()
    }

    /// For commands that only read: they work on a copy that cannot be written, and for a user who may only read.
    fn open_to_read(&self) -> Result<Db, OpenError> {
        self.address.open_to_read()
    }
}

/// Runs the program on the process's arguments.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let json = arguments.json;
    // The demonstration has a file of its own, so that it never lands in somebody's book.
    let fallback = if matches!(arguments.command, Command::Demo(_)) {
        "sqlite:consign-demo.db"
    } else {
        "sqlite:consign.db"
    };
    let outcome = config::today().map_err(|text| {
        Failure::new(format!(
            "CONSIGN_TODAY is \"{text}\", which is no day; write it like 2026-11-21"
        ))
    });
    let outcome = outcome.and_then(|_| {
        let address = Address::parse(&config::database(arguments.database.as_deref(), fallback))?;
        run(&Context { address }, arguments.command)
    });
    match outcome {
        Ok(answer) => answer.print(json),
        Err(failure) => failure.print(),
    }
}

fn run(context: &Context, command: Command) -> Result<Answer, Failure> {
    match command {
        Command::Demo(arguments) => serve::demo(context, &arguments),
        Command::Serve(arguments) => serve::serve(context, &arguments),
        Command::Setup(arguments) => setup::setup(context, &arguments),
        Command::Contract(command) => contract::contract(context, &command),
        Command::Import(command) => import::import(context, &command),
        Command::Allocate(arguments) => allocate::allocate(context, &arguments),
        Command::Placements(arguments) => placements::placements(context, &arguments),
        Command::Recall(arguments) => placements::recall(context, &arguments),
        Command::Expire(arguments) => placements::expire(context, &arguments),
        Command::WhatIf(arguments) => what_if::what_if(context, &arguments),
        Command::Scorecard(arguments) => scorecard::scorecard(context, &arguments),
        Command::Trial(arguments) => scorecard::trial(context, &arguments),
        Command::Complaint(command) => conduct::complaint(context, &command),
        Command::Complaints(arguments) => conduct::complaints(context, &arguments),
        Command::Violations(arguments) => conduct::violations(context, &arguments),
        Command::Evaluate(arguments) => conduct::evaluate(context, &arguments),
        Command::Evaluations(arguments) => conduct::evaluations(context, &arguments),
        Command::Placement(command) => life::placement(context, &command),
        Command::Hold(command) => life::hold(context, &command),
        Command::Steps(arguments) => life::steps(context, &arguments),
        Command::Close(arguments) => settle::close(context, &arguments),
        Command::Statement(arguments) => settle::statement(context, &arguments),
        Command::Explain(arguments) => settle::explain(context, &arguments),
        Command::Ledger(command) => ledger::ledger(context, &command),
        Command::Verify(arguments) => verify::verify(context, &arguments),
    }
}

/// A date given on the command line.
fn date(text: &str) -> Result<NaiveDate, String> {
    parse_date(text)
        .ok_or_else(|| format!("\"{text}\" is no calendar date; write it like 2026-11-21"))
}
