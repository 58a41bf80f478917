//! The head of each book and its chain of events.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::INSTALLATION;
use crate::db::{Cell, Column, Db, Kind, row, select};
use crate::kernel::Month;
use crate::kernel::digest::{self, Chaining};
use crate::ledger::Head;

row! {
    /// The head of a lender's book: the last numbers given out.
    #[derive(Clone, Debug)]
    pub struct Book in "book" key (lender) {
        /// The lender's code.
        lender: String,
        /// The last event.
        seq: i64 [0..],
        /// Its hash.
        event_hash: String,
        /// The head of its ledger.
        ledger: Head,
        /// The last placement.
        placement_no: i64 [0..],
        /// The last batch.
        batch_no: i64 [0..],
        /// The last allocation run.
        run_no: i64 [0..],
        /// The last statement.
        statement_no: i64 [0..],
        /// The first month closed.
        first_month: Option<Month>,
        /// The last month closed.
        closed_month: Option<Month>,
    }
}

/// A day that lies in a closed month, and the first day of the month that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{day} lies in a month that is closed (open from {open}); use a day of an open month")]
pub struct ClosedMonth {
    /// The day.
    pub day: chrono::NaiveDate,
    /// The first day that is open.
    pub open: chrono::NaiveDate,
}

impl Book {
    /// The first day of the earliest open month, once a month is closed.
    pub fn first_open_day(&self) -> Option<chrono::NaiveDate> {
        self.closed_month.map(|month| month.next().first_day())
    }

    /// Refuses a day of a closed month.
    pub fn check_open(&self, day: chrono::NaiveDate) -> Result<(), ClosedMonth> {
        match self.first_open_day() {
            Some(open) if day < open => Err(ClosedMonth { day, open }),
            _ => Ok(()),
        }
    }

    /// Whether a day lies in a closed month.
    pub fn is_closed(&self, day: chrono::NaiveDate) -> bool {
        self.first_open_day().is_some_and(|open| day < open)
    }
}

/// The hash that stands before the first event and the first transaction of a book.
pub fn first_hash(lender: &str) -> String {
    digest::sha256(format!("consign book {lender}").as_bytes())
}

/// The head of a lender's book; [`diesel::NotFound`] when the lender is unknown.
pub fn book(db: &mut Db, lender: &str) -> QueryResult<Book> {
    select::<Book>("WHERE lender = $1").bind::<Text, _>(lender).get_result(db)
}

/// Opens the book of a new lender.
pub fn create_book(db: &mut Db, lender: &str) -> QueryResult<()> {
    let hash = first_hash(lender);
    diesel::sql_query(
        "INSERT INTO book (lender, seq, event_hash, transaction_no, transaction_hash, placement_no, batch_no, run_no, statement_no) \
         VALUES ($1, 0, $2, 0, $2, 0, 0, 0, 0)",
    )
    .bind::<Text, _>(lender)
    .bind::<Text, _>(hash)
    .execute(db)
    .map(|_| ())
}

/// Opens the chain of the installation where there is none yet.
pub fn open_installation(db: &mut Db) -> QueryResult<()> {
    match book(db, INSTALLATION) {
        Err(diesel::NotFound) => create_book(db, INSTALLATION),
        known => known.map(|_| ()),
    }
}

pub(super) fn save(db: &mut Db, book: &Book) -> QueryResult<()> {
    diesel::sql_query(
        "UPDATE book SET seq = $1, event_hash = $2, transaction_no = $3, transaction_hash = $4, placement_no = $5, \
         batch_no = $6, run_no = $7, statement_no = $8, first_month = $9, closed_month = $10, turnover = $11 WHERE lender = $12",
    )
    .bind::<BigInt, _>(book.seq)
    .bind::<Text, _>(&book.event_hash)
    .bind::<BigInt, _>(book.ledger.transaction_no)
    .bind::<Text, _>(&book.ledger.transaction_hash)
    .bind::<BigInt, _>(book.placement_no)
    .bind::<BigInt, _>(book.batch_no)
    .bind::<BigInt, _>(book.run_no)
    .bind::<BigInt, _>(book.statement_no)
    .bind::<Nullable<Text>, _>(book.first_month.map(|month| month.to_string()))
    .bind::<Nullable<Text>, _>(book.closed_month.map(|month| month.to_string()))
    .bind::<BigInt, _>(book.ledger.turnover.0)
    .bind::<Text, _>(&book.lender)
    .execute(db)
    .map(|_| ())
}

row! {
    /// One event of a book as it is stored.
    #[derive(Clone, Debug)]
    pub struct EventRow in "event" key (seq) {
        /// Its number in the book, without gaps.
        seq: i64,
        /// What was done.
        kind: String,
        /// When, UTC.
        recorded_at: String,
        /// By whom.
        actor: String,
        /// From where.
        source: String,
        /// The figures, as JSON.
        summary: String,
        /// The digest of the rows it wrote.
        digest: String,
        /// Its hash, over its own content and the hash before.
        hash: String,
        /// How its hash and those of its ledger transactions are made.
        version: Chaining [1..],
    }
}

/// The version of an event: those of books older than the column are of the first.
impl Column for Chaining {
    const KIND: Kind = Kind::Int;
    const WHAT: &'static str = "version of an event";

    fn cell(&self) -> Cell<'_> {
        Cell::Int(self.version())
    }

    fn from_cell(cell: Cell<'static>) -> Result<Chaining, Cell<'static>> {
        cell.int().and_then(Chaining::of_version).ok_or(cell)
    }

    fn fits(text: &str) -> bool {
        text.parse().is_ok_and(|version| Chaining::of_version(version).is_some())
    }
}

/// The hash of an event that follows the event hashed `before`.
pub fn event_hash(before: &str, event: &EventRow) -> String {
    event.version.hash(&[
        &event.seq.to_string(),
        before,
        &event.kind,
        &event.recorded_at,
        &event.actor,
        &event.source,
        &event.summary,
        &event.digest,
    ])
}

pub(super) fn append(db: &mut Db, lender: &str, event: &EventRow) -> QueryResult<()> {
    diesel::sql_query(
        "INSERT INTO event (lender, seq, kind, recorded_at, actor, source, summary, digest, hash, version) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind::<Text, _>(lender)
    .bind::<BigInt, _>(event.seq)
    .bind::<Text, _>(&event.kind)
    .bind::<Text, _>(&event.recorded_at)
    .bind::<Text, _>(&event.actor)
    .bind::<Text, _>(&event.source)
    .bind::<Text, _>(&event.summary)
    .bind::<Text, _>(&event.digest)
    .bind::<Text, _>(&event.hash)
    .bind::<BigInt, _>(event.version.version())
    .execute(db)
    .map(|_| ())
}

/// All events of a book, in order.
pub fn events(db: &mut Db, lender: &str) -> QueryResult<Vec<EventRow>> {
    select::<EventRow>("WHERE lender = $1 ORDER BY seq").bind::<Text, _>(lender).load(db)
}

row! {
    struct VersionRow in "event" key (seq) {
        seq: i64,
        version: Chaining [1..],
    }
}

/// How the hashes of each event of a book, and of its ledger transactions, are made.
pub fn versions(db: &mut Db, lender: &str) -> QueryResult<HashMap<i64, Chaining>> {
    let rows: Vec<VersionRow> =
        select::<VersionRow>("WHERE lender = $1").bind::<Text, _>(lender).load(db)?;
    Ok(rows.into_iter().map(|row| (row.seq, row.version)).collect())
}

/// Whether anything of the book changed after an event; a download or another simulation is recorded and changes nothing.
pub fn changed_since(db: &mut Db, lender: &str, seq: i64) -> QueryResult<bool> {
    let later: Vec<EventRow> = select::<EventRow>(
        "WHERE lender = $1 AND seq > $2 AND kind NOT IN ('export', 'allocation simulated') ORDER BY seq LIMIT 1",
    )
    .bind::<Text, _>(lender)
    .bind::<BigInt, _>(seq)
    .load(db)?;
    Ok(!later.is_empty())
}

row! {
    struct LastRow in "event" key (seq) {
        seq: i64,
    }
}

/// The last event that changed anything of the book: what is worked out from the book's rows stays as it is after it.
pub fn last_change(db: &mut Db, lender: &str) -> QueryResult<i64> {
    let row: LastRow = diesel::sql_query(
        "SELECT COALESCE(MAX(seq), 0) AS seq FROM event WHERE lender = $1 AND kind NOT IN ('export', 'allocation simulated')",
    )
    .bind::<Text, _>(lender)
    .get_result(db)?;
    Ok(row.seq)
}

row! {
    /// The last numbers that a book's rows carry.
    #[derive(Clone, Debug)]
    pub struct NumbersGiven in "book" key () {
        /// The last placement.
        placements: i64,
        /// How many batches there are.
        batches: i64,
        /// The last allocation run.
        runs: i64,
        /// The first month closed.
        first_month: Option<Month>,
    }
}

/// Reads the last numbers from the rows themselves.
pub fn numbers_given(db: &mut Db, lender: &str) -> QueryResult<NumbersGiven> {
    diesel::sql_query(
        "SELECT (SELECT COALESCE(MAX(placement_no), 0) FROM placement WHERE lender = $1) AS placements, \
         (SELECT COUNT(*) FROM batch WHERE lender = $1) AS batches, \
         (SELECT COALESCE(MAX(run_no), 0) FROM allocation_run WHERE lender = $1) AS runs, \
         (SELECT MIN(month) FROM period WHERE lender = $1) AS first_month",
    )
    .bind::<Text, _>(lender)
    .get_result(db)
}
