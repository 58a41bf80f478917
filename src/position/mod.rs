//! The position of an account: what is owed on it, and in whose hands it is (rules 2.5, 7.6). A read model over portfolios,
//! placements and recoveries; nothing of it is stored.
//!
//! The lender's file owns the balance: what is owed on a day is the newest file's balance less what was received
//! since. [`owed`] is that arithmetic; [`load()`] brings the facts of many accounts at once.

pub mod accounts;
mod load;
pub mod owed;
pub mod placements;

use chrono::NaiveDate;

use crate::kernel::Money;
use crate::placement::Span;
use crate::portfolio::{FileRow, StatesBalance};
use crate::recovery::Receipt;

pub use load::{load, load_rows, load_rows_known};

/// Everything known of one account; of its files either the balances (`StatedBalance`) or the whole rows (`FileRow`).
#[derive(Clone, Debug)]
pub struct Position<F> {
    /// What each file says of it, in any order.
    pub files: Vec<F>,
    /// What was received on it.
    pub receipts: Vec<Receipt>,
    /// Its placements, in order.
    pub placements: Vec<Span>,
}

impl<F> Default for Position<F> {
    fn default() -> Position<F> {
        Position { files: Vec::new(), receipts: Vec::new(), placements: Vec::new() }
    }
}

impl Position<FileRow> {
    /// The newest file row of a day or before.
    pub fn newest_on(&self, day: NaiveDate) -> Option<&FileRow> {
        self.files.iter().filter(|row| row.as_of <= day).max_by_key(|row| (row.as_of, row.seq))
    }
}

impl<F: StatesBalance> Position<F> {
    /// What the newest file says.
    pub fn newest(&self) -> Option<&F> {
        self.files.iter().max_by_key(|file| (file.stated().as_of, file.stated().seq))
    }

    /// What is owed on everything known.
    pub fn owed_known(&self) -> Money {
        owed::owed_known(&self.files, &self.receipts).unwrap_or(Money::ZERO)
    }

    /// What is owed at the end of a day, as known now.
    pub fn owed_on(&self, day: NaiveDate) -> Option<Money> {
        owed::owed_on(&self.files, &self.receipts, day)
    }

    /// Whether a recovery of a day is already inside the newest file's figure.
    pub fn is_inside_file(&self, received_on: NaiveDate) -> bool {
        owed::newest(&self.files, |_| true).is_some_and(|stated| received_on <= stated.as_of)
    }

    /// The placement that is recorded as active.
    pub fn active(&self) -> Option<&Span> {
        self.placements.iter().find(|placement| placement.closed_on.is_none())
    }

    /// Who has the account, as recorded; nobody is the house.
    pub fn holder(&self) -> Option<&str> {
        self.active().map(|placement| placement.assignee.as_str())
    }

    /// The day an account that owes nothing was paid: its last receipt after the newest file, or the file's own
    /// day when the file says so (and nothing was taken back since).
    pub fn paid_on(&self) -> Option<NaiveDate> {
        let newest = owed::newest(&self.files, |_| true)?;
        let since = || self.receipts.iter().filter(|receipt| receipt.received_on > newest.as_of);
        let reopened = since().any(|receipt| receipt.reduces < Money::ZERO);
        let last = since()
            .filter(|receipt| receipt.reduces > Money::ZERO)
            .map(|receipt| receipt.received_on)
            .max();
        if newest.balance.is_zero() && !reopened {
            Some(newest.as_of)
        } else {
            last.or(Some(newest.as_of))
        }
    }
}
