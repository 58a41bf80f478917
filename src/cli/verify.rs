//! `verify`.

use clap::Args;
use serde_json::json;

use super::Context;
use super::output::{Answer, Failure, lines};
use crate::{audit, proof};

#[derive(Args)]
pub(super) struct VerifyArguments {
    /// Only this lender.
    #[arg(long)]
    lender: Option<String>,
}

pub(super) fn verify(context: &Context, arguments: &VerifyArguments) -> Result<Answer, Failure> {
    let mut db = context.open_to_read()?;
    let proofs = proof::verify(&mut db, arguments.lender.as_deref())?;
    let mut shown = Vec::new();
    let (people, books): (Vec<_>, Vec<_>) =
        proofs.iter().partition(|one| one.lender == audit::INSTALLATION);
    for one in &proofs {
        let state = if one.findings.is_empty() { "proven" } else { "NOT PROVEN" };
        shown.push(if one.lender == audit::INSTALLATION && !one.recorded && one.findings.is_empty() {
            "people: not recorded yet; the next change of people records everybody as they stand"
                .to_string()
        } else if one.lender == audit::INSTALLATION {
            format!("people: {state} – {} events, {} people", one.events, one.rows)
        } else {
            format!(
                "{}: {state} – {} events, {} rows, {} ledger transactions, {} statements worked out again",
                one.lender, one.events, one.rows, one.transactions, one.statements
            )
        });
        shown.extend(one.findings.iter().map(|finding| format!("  {finding}")));
    }
    let whole = proofs.iter().all(|one| one.findings.is_empty());
    if books.is_empty() {
        shown.push("there is no book to verify".to_string());
    }
    let said = lines(shown);
    if !whole {
        eprintln!("consign: the book is not proven");
    }
    Ok(Answer {
        code: u8::from(!whole),
        ..Answer::new(said, json!({"proven": whole, "books": books, "people": people.first()}))
    })
}
