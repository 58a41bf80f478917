//! The ledger: double entry, one book per lender, append-only.
//!
//! A [`Transaction`] balances to zero or cannot be built. Posted, it has a gapless number, the event it comes
//! from (once), and the hash of its predecessor. Its day is the event's day, or the first day of the earliest
//! open month when the event's month is closed (rules 7). Debits are positive, credits negative.

pub mod chart;
pub mod export;
mod journal;
pub mod store;
mod transaction;

use chrono::NaiveDate;

use crate::db::row;
use crate::kernel::Money;

pub use journal::{Head, Journal, LedgerError, Place};
pub use transaction::{Leg, Transaction, Unbalanced, transaction_hash};

row! {
    /// A transaction as it is stored.
    #[derive(Clone, Debug)]
    pub struct TransactionRow in "ledger_transaction" key (number) {
        /// Its number in its book, without gaps.
        number: i64 [1..],
        /// Its day.
        day: NaiveDate,
        /// The event it comes from.
        event: String,
        /// The act that posted it.
        seq: i64,
        /// The event it corrects.
        corrects: Option<String>,
        /// Its hash, over its own content and the hash before.
        hash: String,
    }
}

row! {
    /// A leg as it is stored.
    #[derive(Clone, Debug)]
    pub struct LegRow in "ledger_posting" key (number, leg) {
        /// The transaction.
        number: i64 [1..],
        /// Its place there, from 1.
        leg: i64 [1..],
        /// The account.
        account: String,
        /// The amount, never zero: a debit when positive, a credit when negative.
        amount: Money,
    }
}
