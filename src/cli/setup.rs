//! `setup`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Context;
use super::output::{Answer, Failure, lines, read_text};
use crate::{ambient, party};

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
