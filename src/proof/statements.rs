//! Statements worked out again from the facts their closings knew, and their documents.

use super::{Proof, ProofError};
use crate::audit::Book;
use crate::db::Db;
use crate::kernel::{Month, digest};
use crate::ledger::{chart, store::balance_until};
use crate::party::Lender;
use crate::settlement::{self, Statement};

pub(super) fn prove(
    db: &mut Db,
    lender: &Lender,
    book: &Book,
    proof: &mut Proof,
) -> Result<(), ProofError> {
    let periods = settlement::store::periods(db, &lender.code)?;
    let mut number = 0;
    let mut expected_month: Option<Month> = None;
    for period in periods {
        let month = period.month;
        proof.check(expected_month.is_none_or(|expected| expected == month), || {
            format!("month {month} was closed out of order")
        });
        expected_month = Some(month.next());
        let known = Book { seq: period.known_seq, statement_no: number, ..book.clone() };
        let again = settlement::close::work_out(db, lender, month, &known)?;
        number += i64::try_from(again.len()).unwrap_or(0);
        let stored: Vec<Statement> = settlement::store::statements(db, &lender.code, None)?
            .into_iter()
            .filter(|one| one.month == month)
            .collect();
        proof.check(stored.len() == again.len(), || {
            format!("{month} has {} statements, the facts say {}", stored.len(), again.len())
        });
        for mut one in stored {
            proof.statements += 1;
            one.lines = settlement::store::lines(db, &lender.code, &one.statement_no, 0, i64::MAX)?;
            compare(lender, &one, again.iter().find(|other| other.agency == one.agency), proof);
            documents(db, &one, proof)?;
            running_account(db, &one, proof)?;
        }
    }
    let closed = expected_month;
    proof.check(book.closed_month.map(Month::next) == closed, || {
        "the book's head and its closed months disagree".to_string()
    });
    proof.check(book.statement_no == number, || {
        format!("the last statement is {number}, the book's head says {}", book.statement_no)
    });
    Ok(())
}

fn compare(lender: &Lender, stored: &Statement, again: Option<&Statement>, proof: &mut Proof) {
    let no = &stored.statement_no;
    let Some(again) = again else {
        proof.finding(format!("statement {no} of {} should not exist", stored.agency));
        return;
    };
    proof.check(stored.statement_no == again.statement_no, || {
        format!("statement {no} should be numbered {}", again.statement_no)
    });
    proof.check(stored.terms() == again.terms(), || {
        format!("statement {no} names other terms than the contracts")
    });
    if stored.figures != again.figures {
        let before = stored.figures.named();
        let after = again.figures.named();
        let differing = before.iter().zip(after).find(|((_, a), (_, b))| a != b);
        let words = differing.map_or("its running account".to_string(), |((name, a), (_, b))| {
            format!(
                "{name} {} where the facts say {}",
                a.plain(lender.currency),
                b.plain(lender.currency)
            )
        });
        proof.finding(format!("statement {no} shows {words}"));
    }
    proof.check(stored.lines.len() == again.lines.len(), || {
        format!(
            "statement {no} has {} lines, the facts say {}",
            stored.lines.len(),
            again.lines.len()
        )
    });
    for (line, other) in stored.lines.iter().zip(&again.lines) {
        proof.check(line == other, || {
            format!("line {} of statement {no} differs from what the facts say", line.line_no)
        });
    }
}

fn documents(db: &mut Db, one: &Statement, proof: &mut Proof) -> Result<(), ProofError> {
    match settlement::store::document(db, &one.lender, &one.statement_no, "html")? {
        None => proof.finding(format!("the document of statement {} is missing", one.statement_no)),
        Some((sha256, body)) => proof
            .check(body.is_some_and(|body| digest::sha256(&body) == sha256), || {
                format!("the document of statement {} was changed", one.statement_no)
            }),
    }
    Ok(())
}

/// The closing balance of a statement is the agency's Payable − Receivable in the ledger at the month's end.
fn running_account(db: &mut Db, one: &Statement, proof: &mut Proof) -> Result<(), ProofError> {
    let last = one.month.last_day();
    let payable = -balance_until(db, &one.lender, &chart::payable(&one.agency), last)?;
    let receivable = balance_until(db, &one.lender, &chart::receivable(&one.agency), last)?;
    proof.check(one.figures.closing == payable - receivable, || {
        format!(
            "statement {} closes at {}, the ledger says {}",
            one.statement_no,
            one.figures.closing.0,
            (payable - receivable).0
        )
    });
    Ok(())
}
