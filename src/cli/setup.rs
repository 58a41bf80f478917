//! `setup` and `contract publish`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Context;
use super::card::{SimulateArguments, simulate, write_difference};
use super::output::{Answer, Failure, check_writable, lines, read_text};
use crate::{ambient, contract, party};

#[derive(Args)]
pub(super) struct SetupArguments {
    /// The parties file (TOML).
    file: PathBuf,
}

pub(super) fn setup(context: &Context, arguments: &SetupArguments) -> Result<Answer, Failure> {
    let text = read_text(&arguments.file)?;
    let mut db = context.open()?;
    let done = party::setup::set_up(
        &mut db,
        &arguments.file.display().to_string(),
        &text,
        &ambient::operator(),
    )?;
    let mut shown = vec![format!(
        "{} lenders, {} assignees, {} users set up",
        done.lenders, done.assignees, done.users
    )];
    if done.sessions_ended > 0 {
        shown.push(format!("  sessions ended: {}", done.sessions_ended));
    }
    for first in &done.first_passwords {
        shown
            .push(format!("  first password of {}: {}  (shown once)", first.login, first.password));
    }
    Ok(Answer::new(lines(shown), json!(done)))
}

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
    pub(super) file: PathBuf,
    /// The lender's code.
    #[arg(long)]
    pub(super) lender: String,
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
