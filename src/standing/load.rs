//! The facts behind what is owed, for many accounts at once.

use std::collections::HashMap;

use diesel::QueryResult;

use super::owed::{Receipt, Stated, States, newest, owed_known, owed_on};
use crate::db::Db;
use crate::kernel::Money;
use crate::placement::{self, Span};
use crate::portfolio::{self, FileRow};
use crate::recovery;

/// Everything known of one account; of its files either the balances (`Stated`) or the whole rows (`FileRow`).
#[derive(Clone, Debug)]
pub struct Standing<F> {
    /// What each file says of it, in any order.
    pub files: Vec<F>,
    /// What was received on it.
    pub receipts: Vec<Receipt>,
    /// Its placements, in order.
    pub placements: Vec<Span>,
}

impl<F> Default for Standing<F> {
    fn default() -> Standing<F> {
        Standing { files: Vec::new(), receipts: Vec::new(), placements: Vec::new() }
    }
}

/// Loads the standing of some accounts with the balances files state; accounts no file knows are absent.
pub fn load<'a>(
    db: &mut Db,
    lender: &str,
    accounts: impl Iterator<Item = &'a str>,
) -> QueryResult<HashMap<String, Standing<Stated>>> {
    let keys = crate::db::keys_json(accounts);
    let files = portfolio::store::stated_of(db, lender, &keys)?;
    with_the_rest(db, lender, &keys, files)
}

/// Loads the standing of some accounts with the whole rows of their files.
pub fn load_rows<'a>(
    db: &mut Db,
    lender: &str,
    accounts: impl Iterator<Item = &'a str>,
) -> QueryResult<HashMap<String, Standing<FileRow>>> {
    let keys = crate::db::keys_json(accounts);
    let rows = portfolio::store::rows_of(db, lender, &keys)?;
    let files = rows.into_iter().map(|row| (row.account_no.clone(), row)).collect();
    with_the_rest(db, lender, &keys, files)
}

/// Loads the standing of some accounts as it was known when the book stood at a number.
pub fn load_rows_known<'a>(
    db: &mut Db,
    lender: &str,
    accounts: impl Iterator<Item = &'a str>,
    known_seq: i64,
) -> QueryResult<HashMap<String, Standing<FileRow>>> {
    let keys = crate::db::keys_json(accounts);
    let known = portfolio::store::rows_of(db, lender, &keys)?
        .into_iter()
        .filter(|row| row.seq <= known_seq);
    let files = known.map(|row| (row.account_no.clone(), row)).collect();
    let spans = placement::store::of_accounts(db, lender, &keys)?
        .into_iter()
        .filter(|one| one.seq <= known_seq);
    let spans = spans.map(|one| one.known_at(known_seq).span).collect();
    let receipts = recovery::store::receipts_of(db, lender, &keys, known_seq)?;
    Ok(together(files, receipts, spans))
}

fn with_the_rest<F>(
    db: &mut Db,
    lender: &str,
    keys: &str,
    files: Vec<(String, F)>,
) -> QueryResult<HashMap<String, Standing<F>>> {
    // Accounts that no file knows have nothing else either.
    if files.is_empty() {
        return Ok(HashMap::new());
    }
    let receipts = recovery::store::receipts_of(db, lender, keys, i64::MAX)?;
    let spans = placement::store::spans_of(db, lender, keys)?;
    Ok(together(files, receipts, spans))
}

fn together<F>(
    files: Vec<(String, F)>,
    receipts: Vec<(String, Receipt)>,
    spans: Vec<Span>,
) -> HashMap<String, Standing<F>> {
    let mut standings: HashMap<String, Standing<F>> = HashMap::with_capacity(files.len());
    for (account_no, file) in files {
        standings.entry(account_no).or_default().files.push(file);
    }
    for (account_no, receipt) in receipts {
        if let Some(standing) = standings.get_mut(&account_no) {
            standing.receipts.push(receipt);
        }
    }
    for span in spans {
        if let Some(standing) = standings.get_mut(&span.account_no) {
            standing.placements.push(span);
        }
    }
    standings
}

impl Standing<FileRow> {
    /// The newest file row of a day or before.
    pub fn newest_on(&self, day: chrono::NaiveDate) -> Option<&FileRow> {
        self.files.iter().filter(|row| row.as_of <= day).max_by_key(|row| (row.as_of, row.seq))
    }
}

impl<F: States> Standing<F> {
    /// What the newest file says.
    pub fn newest(&self) -> Option<&F> {
        self.files.iter().max_by_key(|file| (file.stated().as_of, file.stated().seq))
    }

    /// What is owed on everything known.
    pub fn owed_known(&self) -> Money {
        owed_known(&self.files, &self.receipts).unwrap_or(Money::ZERO)
    }

    /// What is owed at the end of a day, as known now.
    pub fn owed_on(&self, day: chrono::NaiveDate) -> Option<Money> {
        owed_on(&self.files, &self.receipts, day)
    }

    /// Whether a recovery of a day is already inside the newest file's figure.
    pub fn is_inside_file(&self, received_on: chrono::NaiveDate) -> bool {
        newest(&self.files, |_| true).is_some_and(|stated| received_on <= stated.as_of)
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
    pub fn paid_on(&self) -> Option<chrono::NaiveDate> {
        let newest = newest(&self.files, |_| true)?;
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
