//! Complaints and what was decided on them.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, Text};

use super::{Complaint, Decision, Severity};
use crate::db::{Db, fact, keys_in, row, select};
use crate::kernel::Money;
use crate::placement::store::LAST_DAY;

fact! {
    /// A decision on a case, the newest of a case in force.
    pub struct DecisionRow in "complaint_decision" key (reference, decision_no) by seq {
        /// The case.
        reference: String,
        /// The decision.
        decision: Decision,
    }
}

/// A complaint with the decision in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The complaint.
    pub complaint: Complaint,
    /// Its newest decision.
    pub decision: Option<Decision>,
}

impl Case {
    /// The state as files and filters name it.
    pub fn state(&self) -> &'static str {
        match &self.decision {
            None => "open",
            Some(decision) if decision.upheld => "upheld",
            Some(_) => "not_upheld",
        }
    }
}

row! {
    /// A complaint beside its newest decision; the table lets none of a decision's columns be empty but the last two.
    struct Row in "complaint" key (reference) {
        complaint: Complaint,
        decision_no: Option<i64>,
        decision_seq: Option<i64>,
        upheld: Option<bool>,
        decided_on: Option<NaiveDate>,
        reason: Option<String>,
        deduction: Option<Money> [1..],
        corrects: Option<i64>,
    }
}

const SELECT: &str = "SELECT c.reference, c.seq, c.agency, c.account_no, c.received_on, c.severity, c.description, d.decision_no, \
     d.seq AS decision_seq, d.upheld, d.decided_on, d.reason, d.deduction, d.corrects FROM complaint c LEFT JOIN complaint_decision d \
     ON d.lender = c.lender AND d.reference = c.reference AND d.decision_no = \
     (SELECT MAX(n.decision_no) FROM complaint_decision n WHERE n.lender = c.lender AND n.reference = c.reference)";

impl From<Row> for Case {
    fn from(row: Row) -> Case {
        let Row { complaint, deduction, corrects, .. } = row;
        let decided = row.decision_no.zip(row.decision_seq).zip(row.upheld.zip(row.decided_on));
        let decision =
            decided.zip(row.reason).map(|(((decision_no, seq), (upheld, on)), reason)| Decision {
                decision_no,
                seq,
                upheld,
                decided_on: on,
                reason,
                deduction,
                corrects,
            });
        Case { complaint, decision }
    }
}

/// The cases with some references (a JSON array).
pub fn by_reference(db: &mut Db, lender: &str, keys: &str) -> QueryResult<Vec<Case>> {
    let listed = keys_in(db, "c.reference", 2);
    let sql = format!("{SELECT} WHERE c.lender = $1 AND {listed} ORDER BY c.reference");
    let rows: Vec<Row> =
        diesel::sql_query(sql).bind::<Text, _>(lender).bind::<Text, _>(keys).load(db)?;
    Ok(rows.into_iter().map(Case::from).collect())
}

/// SQL for what an agency may know of: complaints about no account, and those received while it held the account. What
/// came before or after is the lender's (rule 10.2).
fn told() -> String {
    format!(
        "(c.account_no IS NULL OR EXISTS (SELECT 1 FROM placement p WHERE p.lender = c.lender \
         AND p.account_no = c.account_no AND p.assignee = c.agency AND p.placed_on <= c.received_on \
         AND c.received_on <= {LAST_DAY}))"
    )
}

/// The case with a reference as far as the agency that it is about may know of it.
pub fn told_to(
    db: &mut Db,
    lender: &str,
    agency: &str,
    reference: &str,
) -> QueryResult<Option<Case>> {
    let sql = format!(
        "{SELECT} WHERE c.lender = $1 AND c.agency = $2 AND c.reference = $3 AND {}",
        told()
    );
    let row: Option<Row> = diesel::sql_query(sql)
        .bind::<Text, _>(lender)
        .bind::<Text, _>(agency)
        .bind::<Text, _>(reference)
        .get_result(db)
        .optional()?;
    Ok(row.map(Case::from))
}

/// The cases of an account, in order of the day they were received on.
pub fn of_account(db: &mut Db, lender: &str, account_no: &str) -> QueryResult<Vec<Case>> {
    let sql = format!(
        "{SELECT} WHERE c.lender = $1 AND c.account_no = $2 ORDER BY c.received_on, c.reference"
    );
    let rows: Vec<Row> =
        diesel::sql_query(sql).bind::<Text, _>(lender).bind::<Text, _>(account_no).load(db)?;
    Ok(rows.into_iter().map(Case::from).collect())
}

/// All decisions of a case, in order.
pub fn decisions(db: &mut Db, lender: &str, reference: &str) -> QueryResult<Vec<Decision>> {
    let rows: Vec<DecisionRow> =
        select::<DecisionRow>("WHERE lender = $1 AND reference = $2 ORDER BY decision_no")
            .bind::<Text, _>(lender)
            .bind::<Text, _>(reference)
            .load(db)?;
    Ok(rows.into_iter().map(|row| row.decision).collect())
}

/// Which cases a list shows.
#[derive(Clone, Debug, Default)]
pub struct CaseFilter {
    /// About one agency.
    pub agency: Option<String>,
    /// Only what the agency may know of.
    pub told: bool,
    /// `open`, `upheld` or `not_upheld`.
    pub state: Option<String>,
    /// Of one severity.
    pub severity: Option<Severity>,
}

impl CaseFilter {
    fn told_sql(&self) -> String {
        if self.told { format!("AND {}", told()) } else { String::new() }
    }

    fn state_sql(&self) -> &'static str {
        match self.state.as_deref() {
            Some("open") => "AND d.decision_no IS NULL",
            Some("upheld") => "AND d.upheld",
            Some("not_upheld") => "AND NOT d.upheld",
            _ => "",
        }
    }
}

/// Cases of a list before a day and reference, newest first, at most so many.
pub fn page(
    db: &mut Db,
    lender: &str,
    filter: &CaseFilter,
    before: Option<&(NaiveDate, String)>,
    most: i64,
) -> QueryResult<Vec<Case>> {
    let (day, reference) = match before {
        Some((day, reference)) => (Some(*day), reference.as_str()),
        None => (None, ""),
    };
    let sql = format!(
        "{SELECT} WHERE c.lender = $1 AND c.agency = COALESCE($2, c.agency) AND c.severity = COALESCE($3, c.severity) {} {} \
         AND ($4 IS NULL OR c.received_on < $4 OR (c.received_on = $4 AND c.reference < $5)) \
         ORDER BY c.received_on DESC, c.reference DESC LIMIT $6",
        filter.state_sql(),
        filter.told_sql()
    );
    let rows: Vec<Row> = diesel::sql_query(sql)
        .bind::<Text, _>(lender)
        .bind::<Nullable<Text>, _>(filter.agency.as_deref())
        .bind::<Nullable<Text>, _>(filter.severity.map(Severity::name))
        .bind::<Nullable<Date>, _>(day)
        .bind::<Text, _>(reference)
        .bind::<BigInt, _>(most)
        .load(db)?;
    Ok(rows.into_iter().map(Case::from).collect())
}

row! {
    /// What a list of cases adds up to.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct CaseSums in "complaint" key () {
        /// How many.
        cases: i64,
        /// How many are not decided.
        open: i64,
        /// How many are upheld.
        upheld: i64,
        /// Σ deductions of decisions in force.
        deductions: Money,
    }
}

/// The sums of all cases, or of those about one agency, whatever their state and severity.
pub fn sums(db: &mut Db, lender: &str, filter: &CaseFilter) -> QueryResult<CaseSums> {
    let told = filter.told_sql();
    let sql = format!(
        "SELECT COUNT(*) AS cases, COUNT(*) - COUNT(decision_no) AS open, \
         CAST(COALESCE(SUM(CASE WHEN upheld THEN 1 ELSE 0 END), 0) AS BIGINT) AS upheld, \
         CAST(COALESCE(SUM(deduction), 0) AS BIGINT) AS deductions FROM ({SELECT} WHERE c.lender = $1 AND c.agency = COALESCE($2, c.agency) {told}) all_of_them"
    );
    diesel::sql_query(sql)
        .bind::<Text, _>(lender)
        .bind::<Nullable<Text>, _>(filter.agency.as_deref())
        .get_result(db)
}

row! {
    /// How many complaints about an agency were upheld.
    #[derive(Clone, Debug)]
    pub struct UpheldCount in "complaint" key (agency) {
        /// The agency.
        agency: String,
        /// Complaints.
        upheld: i64,
        /// Those of them that the agency is not told of.
        untold: i64,
    }
}

/// Complaints received in a span of days that are upheld by the decisions up to its last day that were known when the book
/// stood at `known_seq`.
pub fn upheld(
    db: &mut Db,
    lender: &str,
    from: NaiveDate,
    to: NaiveDate,
    known_seq: i64,
) -> QueryResult<Vec<UpheldCount>> {
    let told = told();
    diesel::sql_query(format!(
        "SELECT agency, COUNT(*) AS upheld, CAST(SUM(untold) AS BIGINT) AS untold FROM \
         (SELECT c.agency, CASE WHEN {told} THEN 0 ELSE 1 END AS untold FROM complaint c \
         JOIN complaint_decision d ON d.lender = c.lender \
         AND d.reference = c.reference AND d.decision_no = (SELECT MAX(n.decision_no) FROM complaint_decision n \
         WHERE n.lender = c.lender AND n.reference = c.reference AND n.seq <= $1 AND n.decided_on <= $2) \
         WHERE c.lender = $3 AND c.received_on >= $4 AND c.received_on <= $2 AND d.upheld) found GROUP BY agency"
    ))
    .bind::<BigInt, _>(known_seq)
    .bind::<Date, _>(to)
    .bind::<Text, _>(lender)
    .bind::<Date, _>(from)
    .load(db)
}
