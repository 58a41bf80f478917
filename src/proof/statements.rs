//! Statements worked out again from the facts their closings knew, and their documents.

use std::collections::{BTreeMap, BTreeSet};

use super::ledger::Sums;
use super::{Proof, ProofError};
use crate::audit::Book;
use crate::commission::gather::CutOff;
use crate::db::Db;
use crate::kernel::{Month, Total, digest};
use crate::ledger::chart;
use crate::party::Lender;
use crate::settlement::build::before_corrections_were_named;
use crate::settlement::close::WorkedOut;
use crate::settlement::replay::{Closing, Replay};
use crate::settlement::{self, Grade, Graded, Statement};

pub(super) fn prove(
    db: &mut Db,
    lender: &Lender,
    book: &Book,
    sums: Option<&Sums>,
    proof: &mut Proof,
) -> Result<(), ProofError> {
    let closings = closings(db, book, proof)?;
    let mut stored: BTreeMap<Month, Vec<Statement>> = BTreeMap::new();
    for one in settlement::store::statements(db, &lender.code, None)? {
        stored.entry(one.month).or_default().push(one);
    }
    let mut kept = settlement::store::grades(db, &lender.code)?;
    let mut replay = Replay::load(db, lender, &closings)?;
    let mut number = 0;
    for Closing { month, settles, .. } in &closings {
        let Some(WorkedOut { statements: again, graded }) = replay.next(db)? else { break };
        if settles.is_some() {
            grades(*month, &mut kept, graded, proof);
        }
        number += crate::kernel::count(again.len());
        let stored = stored.remove(month).unwrap_or_default();
        proof.check(stored.len() == again.len(), || {
            format!("{month} has {} statements, the facts say {}", stored.len(), again.len())
        });
        for mut one in stored {
            proof.statements += 1;
            one.lines = settlement::store::lines(db, &lender.code, &one.statement_no, 0, i64::MAX)?;
            compare(lender, &one, again.iter().find(|other| other.agency == one.agency), proof);
            documents(db, &one, proof)?;
            if let Some(sums) = sums {
                running_account(&one, sums, proof);
            }
        }
    }
    for Grade { month, agency, .. } in kept {
        proof.finding(format!("a grade of {agency} is kept of {month}, whose closing kept none"));
    }
    for one in stored.values().flatten() {
        proof.finding(format!(
            "statement {} is of {}, which is not closed",
            one.statement_no, one.month
        ));
    }
    proof.check(book.statement_no == number, || {
        format!("the last statement is {number}, the book's head says {}", book.statement_no)
    });
    Ok(())
}

/// The grades that a closing kept are what its facts say.
fn grades(month: Month, kept: &mut Vec<Grade>, again: BTreeMap<String, Graded>, proof: &mut Proof) {
    let found = kept.extract_if(.., |grade| grade.month == month);
    let found: BTreeMap<String, Graded> = found.map(|grade| (grade.agency, grade.graded)).collect();
    let agencies: BTreeSet<&String> = found.keys().chain(again.keys()).collect();
    for agency in agencies {
        proof.check(found.get(agency) == again.get(agency), || {
            format!("the grade of {agency} kept of {month} differs from what the facts say")
        });
    }
}

/// The closed months with what each closing knew; they follow one another up to the last one of the book's head. Once one
/// is closed by month of receipt all later ones are.
fn closings(db: &mut Db, book: &Book, proof: &mut Proof) -> Result<Vec<Closing>, ProofError> {
    let mut closings: Vec<Closing> = Vec::new();
    let mut expected: Option<Month> = None;
    for period in settlement::store::periods(db, &book.lender)? {
        let month = period.month;
        proof.check(expected.is_none_or(|expected| expected == month), || {
            format!("month {month} was closed out of order")
        });
        expected = Some(month.next());
        let before = closings.last().and_then(|last| last.settles);
        proof.check(before.is_none() || period.settles.is_some(), || {
            format!("month {month} was closed by statement after one closed by month of receipt")
        });
        let cut_off = CutOff { seq: period.known_seq, last_day: month.last_day() };
        closings.push(Closing { month, cut_off, settles: period.settles });
    }
    proof.check(book.closed_month.map(Month::next) == expected, || {
        "the book's head and its closed months disagree".to_string()
    });
    Ok(closings)
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
        let as_it_was = || *line == before_corrections_were_named(other);
        proof.check(line == other || as_it_was(), || {
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
fn running_account(one: &Statement, sums: &Sums, proof: &mut Proof) {
    let Total(payable) = sums.at_end(&chart::payable(&one.agency), one.month);
    let Total(receivable) = sums.at_end(&chart::receivable(&one.agency), one.month);
    let ledger = -payable - receivable;
    proof.check(i128::from(one.figures.closing.0) == ledger, || {
        format!(
            "statement {} closes at {}, the ledger says {ledger}",
            one.statement_no, one.figures.closing.0
        )
    });
}
