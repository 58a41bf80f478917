//! A portfolio (资产包): one uploaded file of delinquent accounts, as of a date (rules 2).
//!
//! Rows of a file are facts and stay; what an account is now is its newest row. [`columns`] reads a row,
//! [`import`] takes a file into the book.

pub mod columns;
pub mod import;
pub mod named;
pub mod personal;
pub mod store;

use chrono::NaiveDate;

use crate::db::{Cell, Column as _, Field, Member, Shape, Unfit, fact};
use crate::kernel::Money;

fact! {
    /// One account as one file states it. What a file leaves out is taken over from the file before.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct FileRow in "portfolio_row" key (account_no, as_of, seq) by seq {
        /// The account (案件).
        account_no: String,
        /// The file's day.
        as_of: NaiveDate,
        /// The act that took the file in.
        seq: i64,
        /// The line in the file.
        line: i64 [0..],
        /// What is owed.
        balance: Money [0..],
        /// Principal, interest, fees, when the file splits the balance.
        parts: [Option<Money>; 3],
        /// Days past due, as stated.
        days_past_due: i64 [0..],
        /// The person behind the account.
        debtor_ref: String,
        /// The region.
        region: Option<String>,
        /// The product.
        product: Option<String>,
        /// Written off.
        charged_off: bool,
        /// In court.
        legal: bool,
        /// When the account was opened.
        opened_on: Option<NaiveDate>,
        /// When it was last paid.
        last_paid_on: Option<NaiveDate>,
        /// The lender's own score.
        score: Option<String>,
        /// Name, id number, phone and address, encrypted.
        personal: Option<String>,
    }
}

/// Principal, interest and fees stand in a column each, some of them or none.
impl Field for [Option<Money>; 3] {
    const SHAPE: Shape = Shape::Group(&[
        Member::optional_amount("principal"),
        Member::optional_amount("interest"),
        Member::optional_amount("fees"),
    ]);

    fn cells<'a>(&'a self, into: &mut Vec<Cell<'a>>) {
        into.extend(self.iter().map(|part| part.cell()));
    }

    fn read<'a>(
        row: &impl diesel::row::NamedRow<'a, crate::db::Backend>,
        _: &'static str,
        _: Option<i64>,
    ) -> Result<Self, Unfit> {
        let part = |name| <Option<Money> as Field>::read(row, name, Some(0));
        Ok([part("principal")?, part("interest")?, part("fees")?])
    }
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
