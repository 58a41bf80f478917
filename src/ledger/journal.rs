//! Posting: transactions take their numbers and hashes and are written in chunks.

use diesel::QueryResult;

use super::transaction::{Transaction, Unbalanced, transaction_hash};
use crate::audit::Book;
use crate::db::{Cell, Db, FactTable, Kind, insert_rows};
use crate::kernel::{Money, MoneyRange};

const TRANSACTIONS: FactTable = FactTable {
    name: "ledger_transaction",
    columns: &[
        ("lender", Kind::Text),
        ("number", Kind::Int),
        ("day", Kind::Date),
        ("event", Kind::Text),
        ("seq", Kind::Int),
        ("corrects", Kind::Text),
        ("hash", Kind::Text),
    ],
};

const POSTINGS: FactTable = FactTable {
    name: "ledger_posting",
    columns: &[
        ("lender", Kind::Text),
        ("number", Kind::Int),
        ("leg", Kind::Int),
        ("account", Kind::Text),
        ("amount", Kind::Int),
    ],
};

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
        book: &mut Book,
        transaction: Result<Option<Transaction>, Unbalanced>,
    ) -> Result<(), LedgerError> {
        let Some(transaction) = transaction? else { return Ok(()) };
        let moved = i128::from(book.turnover.0) + transaction.moved();
        book.turnover = Money::checked(moved).map_err(|range| LedgerError::Full {
            lender: book.lender.clone(),
            event: transaction.event.clone(),
            range,
        })?;
        self.waiting.push(transaction);
        if self.waiting.len() >= CHUNK { Ok(self.flush(db, book)?) } else { Ok(()) }
    }

    /// Writes what waits: each transaction takes the next number, moves to the earliest open month when its
    /// own is closed, and is chained to its predecessor.
    pub fn flush(&mut self, db: &mut Db, book: &mut Book) -> QueryResult<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let mut transactions = Vec::with_capacity(waiting.len());
        let mut postings = Vec::with_capacity(waiting.len() * 2);
        let lender = book.lender.clone();
        for transaction in &waiting {
            let day =
                book.first_open_day().map_or(transaction.day, |open| transaction.day.max(open));
            book.transaction_no += 1;
            let number = book.transaction_no;
            let legs = transaction.legs();
            book.transaction_hash = transaction_hash(
                &book.transaction_hash,
                number,
                book.seq,
                day,
                &transaction.event,
                transaction.corrects.as_deref(),
                legs.iter().zip(1..).map(|(leg, i)| (i, leg.account.as_str(), leg.amount.0)),
            );
            transactions.push(vec![
                Cell::from(lender.as_str()),
                Cell::from(number),
                Cell::from(day),
                Cell::from(transaction.event.as_str()),
                Cell::from(book.seq),
                Cell::from(transaction.corrects.as_deref()),
                Cell::from(book.transaction_hash.clone()),
            ]);
            for (leg, i) in legs.iter().zip(1_i64..) {
                postings.push(vec![
                    Cell::from(lender.as_str()),
                    Cell::from(number),
                    Cell::from(i),
                    Cell::from(leg.account.as_str()),
                    Cell::from(leg.amount),
                ]);
            }
        }
        // The chain of hashes covers these rows; they need no digest of the event.
        insert_rows(db, &TRANSACTIONS, &transactions)?;
        insert_rows(db, &POSTINGS, &postings)
    }
}
