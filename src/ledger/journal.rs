//! Posting: transactions take their numbers and hashes and are written in chunks.

use chrono::NaiveDate;
use diesel::QueryResult;

use super::transaction::{Transaction, Unbalanced};
use super::{LegRow, TransactionRow, transaction_hash};
use crate::db::{Db, insert, row};
use crate::kernel::digest::Chaining;
use crate::kernel::{Money, MoneyRange};

/// Why a transaction is not posted. Nothing of its act is saved.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The legs do not sum to zero.
    #[error(transparent)]
    Unbalanced(#[from] Unbalanced),
    /// The book cannot keep it: with it, what its ledger has moved in all is out of range.
    #[error(
        "with {event} what the ledger of {lender} has moved in all {range}; check the amounts of the file; nothing was changed"
    )]
    Full {
        /// The lender.
        lender: String,
        /// The event that would be posted.
        event: String,
        /// What it would come to.
        range: MoneyRange,
    },
    /// A sum is out of range before it can be posted.
    #[error(
        "what {event} moves on {account} {range}; check the amounts of the file; nothing was changed"
    )]
    Range {
        /// The event that would be posted.
        event: String,
        /// The account.
        account: String,
        /// What it would come to.
        range: MoneyRange,
    },
    /// The database failed.
    #[error("{}", crate::db::told(.0))]
    Db(#[from] diesel::result::Error),
}

row! {
    /// How far a book's ledger has come.
    #[derive(Clone, Debug)]
    pub struct Head in "book" key (lender) {
        /// The last transaction.
        transaction_no: i64 [0..],
        /// Its hash.
        transaction_hash: String,
        /// Σ of all debits ever posted: what bounds every sum of the book's amounts.
        turnover: Money [0..],
    }
}

/// Where transactions are posted.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Whose book.
    pub lender: &'a str,
    /// The act that posts.
    pub seq: i64,
    /// The first day of the earliest open month, once a month is closed.
    pub open_from: Option<NaiveDate>,
}

/// Transactions waiting to be written.
#[derive(Default)]
pub struct Journal {
    waiting: Vec<Transaction>,
}

/// Transactions written at once.
const CHUNK: usize = 5_000;

impl Journal {
    /// Posts a transaction of this act. The database refuses an event that is already posted; a book refuses what
    /// takes its turnover, and with it any sum of its amounts, beyond [`Money::LARGEST`].
    pub fn post(
        &mut self,
        db: &mut Db,
        place: &Place<'_>,
        head: &mut Head,
        transaction: Result<Option<Transaction>, Unbalanced>,
    ) -> Result<(), LedgerError> {
        let Some(transaction) = transaction? else { return Ok(()) };
        let moved = i128::from(head.turnover.0) + transaction.moved();
        head.turnover = Money::checked(moved).map_err(|range| LedgerError::Full {
            lender: place.lender.to_string(),
            event: transaction.event.clone(),
            range,
        })?;
        self.waiting.push(transaction);
        if self.waiting.len() >= CHUNK { Ok(self.flush(db, place, head)?) } else { Ok(()) }
    }

    /// Writes what waits: each transaction takes the next number, moves to the earliest open month when its
    /// own is closed, and is chained to its predecessor.
    pub fn flush(&mut self, db: &mut Db, place: &Place<'_>, head: &mut Head) -> QueryResult<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let mut transactions = Vec::with_capacity(waiting.len());
        let mut postings = Vec::with_capacity(waiting.len() * 2);
        for transaction in waiting {
            head.transaction_no += 1;
            let (number, seq) = (head.transaction_no, place.seq);
            let day = place.open_from.map_or(transaction.day, |open| transaction.day.max(open));
            let Transaction { event, corrects, .. } = &transaction;
            let legs = transaction.legs().iter().zip(1..);
            let legs: Vec<LegRow> = legs
                .map(|(one, leg)| LegRow {
                    number,
                    leg,
                    account: one.account.clone(),
                    amount: one.amount,
                })
                .collect();
            let (event, corrects) = (event.clone(), corrects.clone());
            let hash = String::new();
            let mut row = TransactionRow { number, day, event, seq, corrects, hash };
            row.hash = transaction_hash(Chaining::CURRENT, &head.transaction_hash, &row, &legs);
            head.transaction_hash.clone_from(&row.hash);
            transactions.push(row);
            postings.extend(legs);
        }
        // The chain of hashes covers these rows; they need no digest of the event.
        insert(db, place.lender, &transactions)?;
        insert(db, place.lender, &postings)
    }
}
