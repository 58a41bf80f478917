//! Reading the ledger: transactions with their legs, and balances.

use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::{LegRow, TransactionRow};
use crate::db::{Db, row};
use crate::kernel::Money;

row! {
    /// A leg beside its transaction, as they are stored.
    #[derive(Clone, Debug)]
    pub struct PostingRow in "ledger_posting" key (number, leg) {
        /// The transaction.
        transaction: TransactionRow,
        /// The leg.
        leg: LegRow,
    }
}

impl std::ops::Deref for PostingRow {
    type Target = TransactionRow;
    fn deref(&self) -> &TransactionRow {
        &self.transaction
    }
}

const POSTINGS: &str = "SELECT t.number, t.day, t.event, t.corrects, t.hash, t.seq, p.leg, p.account, p.amount \
     FROM ledger_transaction t JOIN ledger_posting p ON p.lender = t.lender AND p.number = t.number";

/// Walks all legs of a book in order of number and leg, without holding them.
pub fn each_posting<E: From<diesel::result::Error>>(
    db: &mut Db,
    lender: &str,
    mut each: impl FnMut(PostingRow) -> Result<(), E>,
) -> Result<(), E> {
    let sql = format!("{POSTINGS} WHERE t.lender = $1 ORDER BY t.number, p.leg");
    let rows = diesel::sql_query(sql)
        .bind::<Text, _>(lender)
        .load_iter::<PostingRow, DefaultLoadingMode>(db)?;
    for row in rows {
        each(row?)?;
    }
    Ok(())
}

/// The legs of one account after a transaction number, oldest first, for paging.
pub fn postings_of(
    db: &mut Db,
    lender: &str,
    account: &str,
    after: i64,
    most: i64,
) -> QueryResult<Vec<PostingRow>> {
    let sql = format!(
        "{POSTINGS} WHERE t.lender = $1 AND p.account = $2 AND t.number > $3 ORDER BY t.number, p.leg LIMIT $4"
    );
    diesel::sql_query(sql)
        .bind::<Text, _>(lender)
        .bind::<Text, _>(account)
        .bind::<BigInt, _>(after)
        .bind::<BigInt, _>(most)
        .load(db)
}

/// The legs of one transaction.
pub fn transaction(db: &mut Db, lender: &str, number: i64) -> QueryResult<Vec<PostingRow>> {
    diesel::sql_query(format!("{POSTINGS} WHERE t.lender = $1 AND t.number = $2 ORDER BY p.leg"))
        .bind::<Text, _>(lender)
        .bind::<BigInt, _>(number)
        .load(db)
}

row! {
    /// One line of the trial balance: Σ debits and Σ credits.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct BalanceRow in "ledger_posting" key (account) {
        /// The account.
        account: String,
        /// Σ of its debits.
        debit: Money,
        /// Σ of its credits, as a positive number.
        credit: Money,
    }
}

/// The trial balance, in byte order of the accounts.
pub fn balances(db: &mut Db, lender: &str) -> QueryResult<Vec<BalanceRow>> {
    diesel::sql_query(
        "SELECT account, CAST(SUM(CASE WHEN amount > 0 THEN amount ELSE 0 END) AS BIGINT) AS debit, \
         CAST(SUM(CASE WHEN amount < 0 THEN -amount ELSE 0 END) AS BIGINT) AS credit \
         FROM ledger_posting WHERE lender = $1 GROUP BY account ORDER BY account",
    )
    .bind::<Text, _>(lender)
    .load(db)
}
