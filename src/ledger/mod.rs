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

pub use journal::{Journal, LedgerError};
pub use transaction::{Leg, Transaction, Unbalanced, transaction_hash};
