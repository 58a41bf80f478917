//! Closing a month: statements are worked out, issued and posted, and the month is closed for ever.

use std::collections::{BTreeMap, BTreeSet};

use diesel::QueryResult;
use serde_json::json;

use super::build::{Law, MonthEnd};
use super::month::Earned;
use super::{Grade, Graded, Period, SettlementError, Settles, Statement, render, store};
use crate::audit::{Act, Book, By};
use crate::commission::gather::{CutOff, gather};
use crate::contract::factor::{Parameters, PerformanceFactor};
use crate::contract::{self, Versions};
use crate::db::{Db, write};
use crate::kernel::progress::Progress;
use crate::kernel::{Month, count};
use crate::ledger::{Transaction, chart};
use crate::party::{self, Lender};
use crate::performance::grouping::Grouping;
use crate::performance::history::History;
use crate::performance::measure::{self, ScorecardQuery, scorecard_from};
use crate::performance::scorecard::{Points, Row};
use crate::placement::expire::record_expiries;

/// A month to close.
#[derive(Clone, Copy, Debug)]
pub struct NewClosing {
    /// The month.
    pub month: Month,
    /// Work everything out and save nothing.
    pub preview: bool,
    /// Close it although it is not over.
    pub allow_future: bool,
}

/// What closing did.
#[derive(Clone, Debug)]
pub struct Closed {
    /// The month.
    pub month: Month,
    /// Whether it was closed before: nothing changed.
    pub already_closed: bool,
    /// Whether nothing was saved.
    pub preview: bool,
    /// Placements recorded as expired.
    pub expired: usize,
    /// Recalls recorded as final.
    pub recalls_final: usize,
    /// The statements of the month.
    pub statements: Vec<Statement>,
    /// What is odd but harmless.
    pub warnings: Vec<String>,
}

/// How a closing ends: saved, or undone on purpose.
enum Ending {
    Preview(Box<Closed>),
    Failed(SettlementError),
}

impl From<diesel::result::Error> for Ending {
    fn from(error: diesel::result::Error) -> Ending {
        Ending::Failed(error.into())
    }
}

impl From<SettlementError> for Ending {
    fn from(error: SettlementError) -> Ending {
        Ending::Failed(error)
    }
}

/// Closes a month that is over, or with `preview` works out any and saves nothing. Closing a closed month changes
/// nothing. Placements that ran out by the month's end are recorded first.
pub fn close(
    db: &mut Db,
    lender_code: &str,
    new: &NewClosing,
    by: &By,
    progress: &mut dyn Progress,
) -> Result<Closed, SettlementError> {
    let outcome = write(db, lender_code, |db| {
        let closed = close_inside(db, lender_code, new, by, progress)?;
        if closed.preview { Err(Ending::Preview(Box::new(closed))) } else { Ok(closed) }
    });
    match outcome {
        Ok(closed) => Ok(closed),
        Err(Ending::Preview(closed)) => Ok(*closed),
        Err(Ending::Failed(error)) => Err(error),
    }
}

/// As [`close`], inside the transaction of the book's writer; whoever asks for a preview undoes it.
pub fn close_inside(
    db: &mut Db,
    lender_code: &str,
    new: &NewClosing,
    by: &By,
    progress: &mut dyn Progress,
) -> Result<Closed, SettlementError> {
    let NewClosing { month, preview, .. } = *new;
    let lender = party::store::lender(db, lender_code)?
        .ok_or_else(|| SettlementError::NoLender(lender_code.to_string()))?;
    let book = crate::audit::book(db, lender_code)?;
    if book.closed_month.is_some_and(|closed| month <= closed) {
        return closed_before(db, lender_code, month);
    }
    if let Some(next) = book.closed_month.map(Month::next)
        && month != next
    {
        return Err(SettlementError::NotNext(month, next));
    }
    let today = lender.today(by.today);
    let over = month.last_day() < today;
    if !over && !preview && !new.allow_future {
        return Err(SettlementError::NotOver(month, today));
    }
    progress.stage("recording expiries", None)?;
    let ended = record_expiries(db, lender_code, month.next().first_day(), by)?;
    progress.stage("pricing recoveries", None)?;
    let known = crate::audit::book(db, lender_code)?;
    let WorkedOut { statements, graded } = work_out(db, &lender, month, &known)?;
    let closed = Closed {
        month,
        already_closed: false,
        preview,
        expired: ended.expired,
        recalls_final: ended.recalls_final,
        warnings: warnings(month, over, &statements),
        statements,
    };
    if !preview {
        progress.stage("issuing statements", Some(closed.statements.len() as u64))?;
        issue(db, &lender, &closed, &graded, by, progress)?;
    }
    Ok(closed)
}

/// A month that was closed before, with its statements.
fn closed_before(db: &mut Db, lender: &str, month: Month) -> Result<Closed, SettlementError> {
    let mut statements = store::statements(db, lender, None)?;
    statements.retain(|one| one.month == month);
    Ok(Closed {
        month,
        already_closed: true,
        preview: false,
        expired: 0,
        recalls_final: 0,
        statements,
        warnings: Vec::new(),
    })
}

fn warnings(month: Month, over: bool, statements: &[Statement]) -> Vec<String> {
    let nothing = format!(
        "no contract is in force in {month}, so that it has no statements; publish the contracts before the month is closed"
    );
    let running = format!("{month} is not over; these figures can change until it is");
    let said = [(statements.is_empty(), nothing), (!over, running)];
    said.into_iter().filter_map(|(holds, said)| holds.then_some(said)).collect()
}

/// What a closing comes to.
pub struct WorkedOut {
    /// The statements of the month.
    pub statements: Vec<Statement>,
    /// By agency: where it stands, as its contract pays for it.
    pub graded: BTreeMap<String, Graded>,
}

/// The statements of a month on the facts known when the book stood as `known`.
pub fn work_out(
    db: &mut Db,
    lender: &Lender,
    month: Month,
    known: &Book,
) -> Result<WorkedOut, SettlementError> {
    let versions = contract::store::versions(db, lender)?.known_at(known.seq);
    let cut_off = CutOff { seq: known.seq, last_day: month.last_day() };
    let gathered = gather(db, &lender.code, &versions, cut_off)?;
    let settled = store::settled(db, &lender.code, month)?;
    let closed = store::closed_months(db, &lender.code)?;
    let law = Law::MonthOfReceipt(&closed);
    let graded = graded(db, lender, &versions, cut_off, law, measure::history)?;
    let month_end = MonthEnd {
        lender: &lender.code,
        currency: lender.currency,
        month,
        first_month: known.first_month.unwrap_or(month),
        law,
        versions: &versions,
        gathered: &gathered,
        settled: &settled,
        graded: &graded,
        last_statement_no: known.statement_no,
        // The act that closes a month is the one after the last that it knows.
        seq: known.seq + 1,
    };
    let statements = month_end.statements(&mut Earned::default())?;
    Ok(WorkedOut { statements, graded })
}

/// What the contract of an agency pays for performance in a month.
fn pays_for_performance<'v>(
    versions: &'v Versions,
    agency: &str,
    cut_off: CutOff,
    law: Law<'_>,
) -> Option<&'v PerformanceFactor> {
    let version = match law {
        Law::Statement => versions.of_statement(agency, cut_off.last_day)?,
        Law::MonthOfReceipt(_) => versions.of_month(agency, cut_off.last_day, cut_off.seq)?.version,
    };
    version.terms.performance.as_ref()
}

/// Where the agencies whose contracts pay for performance stand on the month's last day, on what the closing knows.
pub(super) fn graded(
    db: &mut Db,
    lender: &Lender,
    versions: &Versions,
    cut_off: CutOff,
    law: Law<'_>,
    mut history: impl FnMut(
        &mut Db,
        &ScorecardQuery<'_>,
    ) -> QueryResult<(History, BTreeMap<String, i64>)>,
) -> Result<BTreeMap<String, Graded>, SettlementError> {
    let agencies: BTreeSet<&str> =
        versions.0.iter().map(|version| version.terms.agency.as_str()).collect();
    let grouping = Grouping::by_bucket(lender.currency);
    let mut scorecards: Vec<(Parameters, Vec<Row>)> = Vec::new();
    let mut graded = BTreeMap::new();
    for agency in agencies {
        let Some(factor) = pays_for_performance(versions, agency, cut_off, law) else { continue };
        if !scorecards.iter().any(|(parameters, _)| *parameters == factor.parameters) {
            let asked = ScorecardQuery {
                lender: &lender.code,
                on: cut_off.last_day,
                parameters: factor.parameters,
                grouping: &grouping,
                known_seq: cut_off.seq,
            };
            let (points, peers) = (Points::default(), BTreeMap::new());
            let found = history(db, &asked)?;
            let (rows, _) = scorecard_from(db, &asked, versions, &points, peers, found)?;
            scorecards.push((factor.parameters, rows));
        }
        let rows = scorecards
            .iter()
            .find(|(parameters, _)| *parameters == factor.parameters)
            .map(|(_, rows)| rows.as_slice());
        let rows = rows.unwrap_or_default();
        let of = count(rows.len());
        if let Some(row) = rows.iter().find(|row| row.assignee == agency) {
            graded.insert(
                agency.to_string(),
                Graded {
                    rank: row.rank,
                    peers: of,
                    judged: row.sums.placements,
                    shrunk_index: row.shrunk_index,
                },
            );
        }
    }
    Ok(graded)
}

/// Saves and posts the statements and closes the month.
fn issue(
    db: &mut Db,
    lender: &Lender,
    closed: &Closed,
    graded: &BTreeMap<String, Graded>,
    by: &By,
    progress: &mut dyn Progress,
) -> Result<(), SettlementError> {
    let mut act = Act::begin(db, &lender.code, by)?;
    let assignees = party::store::assignees(db, &lender.code)?;
    for one in &closed.statements {
        store::add(db, &mut act, one)?;
        post(db, &mut act, one)?;
        let agency = assignees.iter().find(|assignee| assignee.code == one.agency);
        let html = render::html(lender, agency, one).map_err(SettlementError::Draw)?;
        store::add_document(db, &mut act, one, "html", html.as_bytes())?;
        progress.advance(1)?;
    }
    act.flush_journal(db)?;
    let (month, seq) = (closed.month, act.seq());
    let grade = |(agency, graded): (&String, &Graded)| Grade {
        month,
        agency: agency.clone(),
        seq,
        graded: *graded,
    };
    let grades: Vec<Grade> = graded.iter().map(grade).collect();
    act.record(db, &grades)?;
    let count = count(closed.statements.len());
    let (known_seq, settles) = (seq - 1, Some(Settles::MonthOfReceipt));
    act.record(db, &[Period { month, seq, known_seq, statements: count, settles }])?;
    act.book.statement_no += count;
    act.book.first_month.get_or_insert(closed.month);
    act.book.closed_month = Some(closed.month);
    let numbers: Vec<&str> =
        closed.statements.iter().map(|one| one.statement_no.as_str()).collect();
    act.finish(
        db,
        "month closed",
        &json!({"month": closed.month.to_string(), "statements": numbers}),
    )?;
    Ok(())
}

/// The ledger transactions of a statement: the commission with its tax, and what net remittance sets off.
fn post(db: &mut Db, act: &mut Act, one: &Statement) -> Result<(), SettlementError> {
    let day = one.month.last_day();
    let (f, payable) = (&one.figures, chart::payable(&one.agency));
    let issued = [
        (chart::commission(&one.agency), f.net),
        (chart::VAT_INPUT.to_string(), f.vat),
        (payable.clone(), -f.total),
    ];
    let set_off = [(payable, f.set_off), (chart::receivable(&one.agency), -f.set_off)];
    for (event, moves) in [("statement", issued.to_vec()), ("set-off", set_off.to_vec())] {
        let transaction =
            Transaction::build(day, format!("{event}:{}", one.statement_no), None, moves);
        act.post(db, transaction)?;
    }
    Ok(())
}
