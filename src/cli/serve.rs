//! `serve` and `demo`.

use clap::Args;
use serde_json::json;

use super::Context;
use super::output::{Answer, Failure};

#[derive(Args)]
pub(super) struct ServeArguments {
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: String,
}

pub(super) fn serve(context: &Context, arguments: &ServeArguments) -> Result<Answer, Failure> {
    drop(context.open()?);
    crate::web::serve(context.address.clone(), &arguments.listen).map_err(Failure::new)?;
    Ok(Answer::new("stopped", json!({"stopped": true})))
}

#[derive(Args)]
pub(super) struct DemoArguments {
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: String,
    /// Load and settle the sample book, print the summary, and do not serve it.
    #[arg(long)]
    no_serve: bool,
}

pub(super) fn demo(_context: &Context, _arguments: &DemoArguments) -> Result<Answer, Failure> {
    Err(Failure::new("not built yet"))
}
