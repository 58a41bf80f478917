//! Who did what to a book, and the numbers the book gives out.
//!
//! Every change of a book is one [`Act`]: it takes the next sequence number, writes its rows through
//! [`Act::record`] (which digests them), posts to the ledger through [`Act::post`], and ends with one event that carries the digest
//! and is chained by hash to the event before it. `verify` recomputes both.

mod change;
mod store;

pub use change::{Change, History, INSTALLATION, Recorded};
pub use store::{
    Book, ClosedMonth, EventRow, NumbersGiven, book, changed_since, create_book, event_hash,
    events, first_hash, last_change, numbers_given, open_installation, versions,
};

use std::collections::BTreeMap;

use diesel::QueryResult;

use crate::db::{Db, Fact, digest_row, insert_facts, refresh_statistics};
use crate::kernel::calendar::Today;
use crate::kernel::digest::{Chaining, RowsDigest};
use crate::ledger::{Journal, LedgerError, Place, Transaction, Unbalanced};

/// Who acts, from where, and when.
#[derive(Clone, Debug)]
pub struct By {
    /// The person: a login, or `cli:` and the system user.
    pub actor: String,
    /// From where: the command line, or an address.
    pub source: String,
    /// The instant, UTC, RFC 3339.
    pub at: String,
    /// What day it is: nothing can have happened after it.
    pub today: Today,
}

/// So many rows change what a database should believe of a table.
const MANY: usize = 10_000;

/// One change of a book while it is being made, inside the transaction of the book's only writer.
pub struct Act {
    /// The head of the book, with this act's own sequence number.
    pub book: Book,
    by: By,
    digest: RowsDigest,
    /// Rows written so far, by table.
    written: BTreeMap<&'static str, usize>,
    /// The ledger transactions of this act that are not written yet.
    journal: Journal,
}

impl Act {
    /// Begins a change: reads the book's head and takes the next sequence number.
    pub fn begin(db: &mut Db, lender: &str, by: &By) -> QueryResult<Act> {
        let mut book = store::book(db, lender)?;
        book.seq += 1;
        let (digest, journal) = (RowsDigest::default(), Journal::default());
        Ok(Act { book, by: by.clone(), digest, written: BTreeMap::new(), journal })
    }

    /// This change's number in the book.
    pub fn seq(&self) -> i64 {
        self.book.seq
    }

    /// Writes rows of facts and takes them into the event's digest.
    pub fn record<F: Fact>(&mut self, db: &mut Db, rows: &[F]) -> QueryResult<()> {
        insert_facts(db, &self.book.lender, self.book.seq, rows, &mut self.digest)?;
        self.count(db, F::FACTS.real_name(), rows.len())
    }

    /// Takes a row that was written by an UPDATE, or with a body kept elsewhere, into the event's digest.
    pub fn witness<F: Fact>(&mut self, row: &F) {
        digest_row(&self.book.lender, row, &mut self.digest);
    }

    /// Posts a ledger transaction, once it is built, as [`Journal::post`] does.
    pub fn post(
        &mut self,
        db: &mut Db,
        transaction: Result<Option<Transaction>, Unbalanced>,
    ) -> Result<(), LedgerError> {
        let open_from = self.book.first_open_day();
        let place = Place { lender: &self.book.lender, seq: self.book.seq, open_from };
        self.journal.post(db, &place, &mut self.book.ledger, transaction)
    }

    /// Writes the ledger transactions that wait: before the month is closed in which they shall lie.
    pub fn flush_journal(&mut self, db: &mut Db) -> QueryResult<()> {
        let open_from = self.book.first_open_day();
        let place = Place { lender: &self.book.lender, seq: self.book.seq, open_from };
        self.journal.flush(db, &place, &mut self.book.ledger)
    }

    /// Counts rows written, and tells the server when they are many.
    fn count(&mut self, db: &mut Db, table: &'static str, rows: usize) -> QueryResult<()> {
        let written = self.written.entry(table).or_default();
        let before = *written;
        *written += rows;
        // A server that still believes the table to be small reads it from end to end at every look-up. The first
        // ten thousand rows tell it, and every ten times as many.
        let grown = std::iter::successors(Some(MANY), |bound| bound.checked_mul(10))
            .take_while(|bound| *bound <= *written)
            .last();
        if grown.is_some_and(|bound| bound > before) {
            refresh_statistics(db, table)
        } else {
            Ok(())
        }
    }

    /// Ends the change: the rest of the journal, the event, the new head of the book.
    pub fn finish(
        mut self,
        db: &mut Db,
        kind: &str,
        summary: &serde_json::Value,
    ) -> QueryResult<i64> {
        self.flush_journal(db)?;
        for (table, _) in self.written.iter().filter(|(_, rows)| **rows >= MANY) {
            refresh_statistics(db, table)?;
        }
        let event = EventRow {
            seq: self.book.seq,
            kind: kind.to_string(),
            recorded_at: self.by.at,
            actor: self.by.actor,
            source: self.by.source,
            summary: summary.to_string(),
            digest: self.digest.text(),
            hash: String::new(),
            version: Chaining::CURRENT,
        };
        let hash = store::event_hash(&self.book.event_hash, &event);
        store::append(db, &self.book.lender, &EventRow { hash: hash.clone(), ..event })?;
        self.book.event_hash = hash;
        store::save(db, &self.book)?;
        Ok(self.book.seq)
    }
}
