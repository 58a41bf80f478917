//! `close`, `statement`, `explain`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::Context;
use super::bar::Bar;
use super::output::{Answer, Failure, lines, warning_lines, write_file};
use crate::kernel::Month;
use crate::party::Lang;
use crate::settlement::{SettlementError, close as closing, explain as explaining, render, store};
use crate::{ambient, party};

pub(super) fn month(text: &str) -> Result<Month, String> {
    text.parse().map_err(|fault| format!("\"{text}\" {fault}"))
}

#[derive(Args)]
pub(super) struct CloseArguments {
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// The month, like 2026-03.
    #[arg(long, value_parser = month)]
    month: Month,
    /// Work everything out and change nothing; also of a month that is not over.
    #[arg(long)]
    preview: bool,
    /// Close a month that is not over.
    #[arg(long)]
    allow_future: bool,
}

pub(super) fn close(context: &Context, arguments: &CloseArguments) -> Result<Answer, Failure> {
    let mut db = context.open()?;
    let by = ambient::operator();
    let new = closing::NewClosing {
        month: arguments.month,
        preview: arguments.preview,
        allow_future: arguments.allow_future,
    };
    let done = closing::close(&mut db, &arguments.lender, &new, &by, &mut Bar::new())?;
    let lender = party::store::lender(&mut db, &arguments.lender)?
        .ok_or_else(|| Failure::new("the lender is gone"))?;
    let state = match (done.already_closed, done.preview) {
        (true, _) => "was closed before; nothing changed",
        (_, true) => "would close with these statements; nothing was changed",
        _ => "closed",
    };
    let mut shown = warning_lines(&done.warnings);
    shown.push(format!(
        "{} {state}: {} statements, {} placements expired",
        done.month,
        done.statements.len(),
        done.expired
    ));
    if done.recalls_final > 0 {
        shown.push(format!(
            "  {} recalls became final: nobody objected in time",
            done.recalls_final
        ));
    }
    for one in &done.statements {
        let f = &one.figures;
        shown.push(format!(
            "  {} {:8} commission {:>14}  true-up {:>12}  total {:>14}  payable {:>14}  due {:>14}",
            one.statement_no,
            one.agency,
            f.commission.grouped(lender.currency),
            f.true_up.grouped(lender.currency),
            f.total.grouped(lender.currency),
            f.payable_to_agency.grouped(lender.currency),
            f.due_from_agency.grouped(lender.currency)
        ));
    }
    let status = if done.preview { "draft" } else { "issued" };
    let statements: Vec<serde_json::Value> = done
        .statements
        .iter()
        .map(|one| {
            let mut value = render::json(one, lender.currency, status);
            if let Some(object) = value.as_object_mut() {
                let count = one.lines.len();
                object.remove("lines");
                object.insert("line_count".to_string(), json!(count));
            }
            value
        })
        .collect();
    let json = json!({
        "month": done.month.to_string(), "already_closed": done.already_closed, "preview": done.preview,
        "expired": done.expired, "recalls_final": done.recalls_final, "statements": statements,
        "warnings": done.warnings,
    });
    Ok(Answer::new(lines(shown), json))
}

/// What a statement is written as.
#[derive(Clone, Copy, ValueEnum)]
enum StatementFormat {
    Html,
    Csv,
    Json,
}

#[derive(Args)]
pub(super) struct StatementArguments {
    /// The lender's code.
    #[arg(long)]
    lender: String,
    /// The agency's code.
    #[arg(long)]
    agency: String,
    /// The month, like 2026-03.
    #[arg(long, value_parser = month)]
    month: Month,
    /// What to write.
    #[arg(long)]
    format: StatementFormat,
    /// Where it goes; `-` is standard output.
    #[arg(short, long)]
    output: PathBuf,
    /// Begin CSV with a byte-order mark, which Excel in China needs.
    #[arg(long)]
    bom: bool,
}

pub(super) fn statement(
    context: &Context,
    arguments: &StatementArguments,
) -> Result<Answer, Failure> {
    let mut db = context.open_to_read()?;
    let lender = party::store::lender(&mut db, &arguments.lender)?
        .ok_or_else(|| SettlementError::NoLender(arguments.lender.clone()))?;
    let one = store::find(&mut db, &lender.code, &arguments.agency, arguments.month)?.ok_or_else(
        || SettlementError::NoStatement {
            agency: arguments.agency.clone(),
            month: arguments.month.to_string(),
        },
    )?;
    let bytes = match arguments.format {
        StatementFormat::Json => {
            format!("{}\n", render::json(&one, lender.currency, "issued")).into_bytes()
        }
        StatementFormat::Csv => {
            let mut bytes = if arguments.bom { "\u{feff}".as_bytes().to_vec() } else { Vec::new() };
            bytes.extend(render::csv(&one, lender.currency)?);
            bytes
        }
        StatementFormat::Html => store::document(&mut db, &lender.code, &one.statement_no, "html")?
            .and_then(|(_, body)| body)
            .ok_or_else(|| {
                Failure::new(format!(
                    "the stored document of {} is damaged; run `consign verify`",
                    one.statement_no
                ))
            })?,
    };
    write_file(&arguments.output, &bytes)?;
    let said = format!(
        "{} of {} for {} written to {}",
        one.statement_no,
        one.agency,
        one.month,
        arguments.output.display()
    );
    Ok(Answer::new(
        said,
        json!({"statement_no": one.statement_no, "lines": one.lines.len(), "bytes": bytes.len()}),
    ))
}

#[derive(Args)]
pub(super) struct ExplainArguments {
    /// The statement's number.
    statement_no: String,
    /// The line's number.
    line_no: i64,
    /// The language of the explanation: en or zh.
    #[arg(long, default_value = "en", value_parser = language)]
    language: Lang,
}

pub(super) fn language(text: &str) -> Result<Lang, String> {
    match text {
        "zh" => Ok(Lang::Zh),
        "en" => Ok(Lang::En),
        _ => Err("must be en or zh".to_string()),
    }
}

pub(super) fn explain(context: &Context, arguments: &ExplainArguments) -> Result<Answer, Failure> {
    let mut db = context.open_to_read()?;
    let told = explaining::explain(
        &mut db,
        arguments.language,
        explaining::Asker::Lender,
        &arguments.statement_no,
        arguments.line_no,
    )?;
    let lender = party::store::lender(&mut db, &told.statement.lender)?
        .ok_or_else(|| Failure::new("the lender is gone"))?;
    let fee = told.line.fee;
    let mut shown = vec![format!(
        "{} line {} ({}): {} {}",
        told.statement.statement_no,
        told.line.line_no,
        told.line.kind.name(),
        lender.currency,
        fee.grouped(lender.currency)
    )];
    shown.extend(told.words.iter().map(|word| format!("  {word}")));
    let json = json!({
        "statement_no": told.statement.statement_no, "line_no": told.line.line_no, "kind": told.line.kind.name(),
        "fee": fee.plain(lender.currency), "words": told.words,
    });
    Ok(Answer::new(lines(shown), json))
}
