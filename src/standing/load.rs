//! The facts behind what is owed, for many accounts at once.

use std::collections::HashMap;

use diesel::QueryResult;

use super::owed::{Receipt, Stated, newest, owed_known, owed_on};
use crate::db::Db;
use crate::kernel::Money;
use crate::placement::{self, Placement};
use crate::portfolio::{self, FileRow};
use crate::recovery;

/// Everything known of one account.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// What each file says of it, in any order.
    pub files: Vec<FileRow>,
    /// What was received on it.
    pub receipts: Vec<Receipt>,
    /// Its placements, in order.
    pub placements: Vec<Placement>,
}

/// Loads the standing of some accounts; accounts no file knows are absent.
pub fn load<'a>(db: &mut Db, lender: &str, accounts: impl Iterator<Item = &'a str>) -> QueryResult<HashMap<String, Standing>> {
    let keys = crate::db::keys_json(accounts);
    let mut standings: HashMap<String, Standing> = HashMap::new();
    for row in portfolio::store::rows_of(db, lender, &keys)? {
        standings.entry(row.account_no.clone()).or_default().files.push(row);
    }
    for (account_no, receipt) in recovery::store::receipts_of(db, lender, &keys)? {
        if let Some(standing) = standings.get_mut(&account_no) {
            standing.receipts.push(receipt);
        }
    }
    for placement in placement::store::of_accounts(db, lender, &keys)? {
        if let Some(standing) = standings.get_mut(&placement.account_no) {
            standing.placements.push(placement);
        }
    }
    Ok(standings)
}

impl Standing {
    /// The balances its files state.
    pub fn stated(&self) -> Vec<Stated> {
        self.files.iter().map(FileRow::stated).collect()
    }

    /// The newest file row.
    pub fn newest(&self) -> Option<&FileRow> {
        self.files.iter().max_by_key(|row| (row.as_of, row.seq))
    }

    /// The newest file row of a day or before.
    pub fn newest_on(&self, day: chrono::NaiveDate) -> Option<&FileRow> {
        self.files.iter().filter(|row| row.as_of <= day).max_by_key(|row| (row.as_of, row.seq))
    }

    /// What is owed on everything known.
    pub fn owed_known(&self) -> Money {
        owed_known(&self.stated(), &self.receipts).unwrap_or(Money::ZERO)
    }

    /// What is owed at the end of a day, as known now.
    pub fn owed_on(&self, day: chrono::NaiveDate) -> Option<Money> {
        owed_on(&self.stated(), &self.receipts, day)
    }

    /// Whether a recovery of a day is already inside the newest file's figure.
    pub fn is_inside_file(&self, received_on: chrono::NaiveDate) -> bool {
        newest(&self.stated(), |_| true).is_some_and(|stated| received_on <= stated.as_of)
    }

    /// The placement that is recorded as active.
    pub fn active(&self) -> Option<&Placement> {
        self.placements.iter().find(|placement| placement.closed_on.is_none())
    }

    /// Who has the account, as recorded; nobody is the house.
    pub fn holder(&self) -> Option<&str> {
        self.active().map(|placement| placement.assignee.as_str())
    }

    /// The day an account that owes nothing was paid: its last receipt after the newest file, or the file's own
    /// day when the file says so (and nothing was taken back since).
    pub fn paid_on(&self) -> Option<chrono::NaiveDate> {
        let newest = self.newest()?;
        let since = || self.receipts.iter().filter(|receipt| receipt.received_on > newest.as_of);
        let reopened = since().any(|receipt| receipt.reduces < Money::ZERO);
        let last = since().filter(|receipt| receipt.reduces > Money::ZERO).map(|receipt| receipt.received_on).max();
        if newest.balance.is_zero() && !reopened { Some(newest.as_of) } else { last.or(Some(newest.as_of)) }
    }
}
