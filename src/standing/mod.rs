//! What is owed on an account, and in whose hands it is (rules 2.5, 7.6).
//!
//! The lender's file owns the balance: what is owed on a day is the newest file's balance less what was received
//! since. [`owed`] decides that from facts in memory; [`load()`] brings the facts of many accounts at once.

pub mod load;
pub mod owed;

pub use load::{Standing, load, load_rows, load_rows_known};
pub use owed::{Receipt, Stated, States, owed_known, owed_on, shift};
