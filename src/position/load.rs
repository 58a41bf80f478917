//! The positions of many accounts at once.

use std::collections::HashMap;

use diesel::QueryResult;

use super::Position;
use crate::db::Db;
use crate::placement::{self, Span};
use crate::portfolio::{self, FileRow, StatedBalance};
use crate::recovery::{self, Receipt};

/// Loads the positions of some accounts with the balances files state; accounts no file knows are absent.
pub fn load<'a>(
    db: &mut Db,
    lender: &str,
    accounts: impl Iterator<Item = &'a str>,
) -> QueryResult<HashMap<String, Position<StatedBalance>>> {
    let keys = crate::db::keys_json(accounts);
    let files = portfolio::store::stated_of(db, lender, &keys)?;
    with_the_rest(db, lender, &keys, files)
}

/// Loads the positions of some accounts with the whole rows of their files.
pub fn load_rows<'a>(
    db: &mut Db,
    lender: &str,
    accounts: impl Iterator<Item = &'a str>,
) -> QueryResult<HashMap<String, Position<FileRow>>> {
    let keys = crate::db::keys_json(accounts);
    let rows = portfolio::store::rows_of(db, lender, &keys)?;
    let files = rows.into_iter().map(|row| (row.account_no.clone(), row)).collect();
    with_the_rest(db, lender, &keys, files)
}

/// Loads the positions of some accounts as they were known when the book stood at a number.
pub fn load_rows_known<'a>(
    db: &mut Db,
    lender: &str,
    accounts: impl Iterator<Item = &'a str>,
    known_seq: i64,
) -> QueryResult<HashMap<String, Position<FileRow>>> {
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
) -> QueryResult<HashMap<String, Position<F>>> {
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
) -> HashMap<String, Position<F>> {
    let mut positions: HashMap<String, Position<F>> = HashMap::with_capacity(files.len());
    for (account_no, file) in files {
        positions.entry(account_no).or_default().files.push(file);
    }
    for (account_no, receipt) in receipts {
        if let Some(position) = positions.get_mut(&account_no) {
            position.receipts.push(receipt);
        }
    }
    for span in spans {
        if let Some(position) = positions.get_mut(&span.account_no) {
            position.placements.push(span);
        }
    }
    positions
}
