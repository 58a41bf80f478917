//! A portfolio (资产包): one uploaded file of delinquent accounts, as of a date (rules 2).
//!
//! Rows of a file are facts and stay; what an account is now is its newest row. [`columns`] reads a row,
//! [`import`] takes a file into the book.

pub mod columns;
pub mod import;
pub mod personal;
pub mod store;

use chrono::NaiveDate;

use crate::kernel::Money;

/// One account as one file states it. What a file leaves out is taken over from the file before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// The account (案件).
    pub account_no: String,
    /// The file's day.
    pub as_of: NaiveDate,
    /// The act that took the file in.
    pub seq: i64,
    /// The line in the file.
    pub line: i64,
    /// What is owed.
    pub balance: Money,
    /// Principal, interest, fees, when the file splits the balance.
    pub parts: [Option<Money>; 3],
    /// Days past due, as stated.
    pub days_past_due: i64,
    /// The person behind the account.
    pub debtor_ref: String,
    /// The region.
    pub region: Option<String>,
    /// The product.
    pub product: Option<String>,
    /// Written off.
    pub charged_off: bool,
    /// In court.
    pub legal: bool,
    /// When the account was opened.
    pub opened_on: Option<NaiveDate>,
    /// When it was last paid.
    pub last_paid_on: Option<NaiveDate>,
    /// The lender's own score.
    pub score: Option<String>,
    /// Name, id number, phone and address, encrypted.
    pub personal: Option<String>,
}

/// A balance as one file states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatedBalance {
    /// The file's day.
    pub as_of: NaiveDate,
    /// The order of uploading: of two files of the same day the later one wins.
    pub seq: i64,
    /// The balance.
    pub balance: Money,
}

/// Something that states a balance: a whole row of a file, or just the balance.
pub trait StatesBalance {
    /// The balance it states.
    fn stated(&self) -> StatedBalance;
}

impl StatesBalance for StatedBalance {
    fn stated(&self) -> StatedBalance {
        *self
    }
}

impl StatesBalance for FileRow {
    fn stated(&self) -> StatedBalance {
        StatedBalance { as_of: self.as_of, seq: self.seq, balance: self.balance }
    }
}

impl FileRow {
    /// Whether a newer row says the same of balance, age and flags.
    pub fn same_content(&self, other: &FileRow) -> bool {
        let place = |row: &FileRow| FileRow {
            as_of: self.as_of,
            seq: self.seq,
            line: self.line,
            ..row.clone()
        };
        place(self) == place(other)
    }
}
