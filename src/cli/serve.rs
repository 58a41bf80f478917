//! `serve` and `demo`.

use clap::Args;
use serde_json::json;

use super::Context;
use super::bar::Bar;
use super::output::{Answer, Failure, lines};
use crate::identity::people::record_all;
use crate::portfolio::personal::Key;
use crate::web::{self, Bounds};
use crate::{ambient, config};

#[derive(Args)]
pub(super) struct ServeArguments {
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: String,
    #[command(flatten)]
    bounds: BoundsArguments,
}

#[derive(Args)]
struct BoundsArguments {
    /// How many connections may be open in all.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = at_least_one)]
    connections: usize,
    /// How many of them from one address. Offices behind one address share it; the proxies in CONSIGN_PROXIES
    /// (addresses separated by commas) are not bounded, and are believed when they say whom they speak for.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = at_least_one)]
    connections_per_address: usize,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("\"{text}\" is no whole number above 0")),
    }
}

impl BoundsArguments {
    fn bounds(&self) -> Bounds {
        let (in_all, per_address) = (self.connections, self.connections_per_address);
        Bounds { in_all, per_address, proxies: Vec::new() }
    }
}

pub(super) fn serve(context: &Context, arguments: &ServeArguments) -> Result<Answer, Failure> {
    record_all(&mut context.open()?, &ambient::operator())?;
    web::serve(&context.address, &arguments.listen, arguments.bounds.bounds())
        .map_err(Failure::new)?;
    Ok(Answer::new("stopped", json!({"stopped": true})))
}

#[derive(Args)]
pub(super) struct DemoArguments {
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: String,
    #[command(flatten)]
    bounds: BoundsArguments,
    /// Load and settle the sample book, print the summary, and do not serve it.
    #[arg(long)]
    no_serve: bool,
    /// How many accounts the sample book has.
    #[arg(long, default_value_t = 20_000)]
    accounts: usize,
}

pub(super) fn demo(context: &Context, arguments: &DemoArguments) -> Result<Answer, Failure> {
    let mut db = context.open()?;
    let mut shown = Vec::new();
    if crate::demo::is_loaded(&mut db)? {
        shown.push("the sample book is loaded already".to_string());
    } else {
        let key = Key::load(&context.address, config::key().as_deref()).map_err(Failure::new)?;
        let folder = std::env::temp_dir().join(format!("consign-demo-{}", std::process::id()));
        let loaded =
            crate::demo::load(&mut db, &folder, arguments.accounts, key.as_ref(), &mut Bar::new());
        let removed = std::fs::remove_dir_all(&folder);
        drop(removed);
        shown.extend(loaded?.lines);
    }
    drop(db);
    let address = format!("http://{}/", arguments.listen);
    shown.push(String::new());
    shown.push(format!("open {address} and sign in, password consign-demo:"));
    for (login, who) in [
        ("finance@cfc.example", "finance of the lender: months, statements, ledger"),
        (
            "placement@cfc.example",
            "the lender's placement manager: allocation, scorecards, requests, accounts",
        ),
        ("compliance@cfc.example", "compliance: contact records and complaints"),
        ("manager@a01.example", "agency A01: its own placements and statements"),
        ("manager@a03.example", "agency A03, which is asked to give accounts back"),
        ("manager@a04.example", "agency A04, which keeps its fee from what it collects"),
    ] {
        shown.push(format!("  {login:24} {who}"));
    }
    if arguments.no_serve {
        return Ok(Answer::new(lines(shown), json!({"address": address, "loaded": true})));
    }
    println!("{}", lines(shown));
    println!("\nserving; stop with Ctrl-C");
    web::serve(&context.address, &arguments.listen, arguments.bounds.bounds())
        .map_err(Failure::new)?;
    Ok(Answer::new("stopped", json!({"stopped": true})))
}
