//! Accounts that somebody names: one, several, or those of a file.

use std::collections::HashSet;
use std::path::Path;

use crate::intake::cell::{ACCOUNT_NO_ALIASES, key};
use crate::sheet::wrong::Needed;
use crate::sheet::{Column, RawRow, Sheet, SheetError};

/// Accounts worked on at once.
pub const CHUNK: usize = 5_000;

/// Which accounts are named.
pub enum Named<'a> {
    /// Those of a file.
    File(&'a Path),
    /// One: what it refuses is an error.
    Account(&'a str),
    /// Several.
    Accounts(&'a [String]),
}

/// A named account.
#[derive(Clone, Debug)]
pub struct NamedAccount {
    /// Its line, when a file names it.
    pub line: Option<u64>,
    /// The account.
    pub account_no: String,
}

/// A named account that was left alone.
#[derive(Clone, Debug, serde::Serialize)]
pub struct RefusedAccount<R> {
    /// Its line in the file, when a file names it.
    pub line: Option<u64>,
    /// The account.
    pub account_no: String,
    /// Why.
    pub reason: R,
}

impl NamedAccount {
    /// An account that no file names.
    pub fn of(account_no: &str) -> NamedAccount {
        NamedAccount { line: None, account_no: account_no.to_string() }
    }
}

const COLUMNS: &[Column] = &[Column::required("account_no", ACCOUNT_NO_ALIASES).key()];

impl Named<'_> {
    /// The accounts that are named, each once.
    pub fn read(&self) -> Result<Vec<NamedAccount>, SheetError> {
        match self {
            Named::File(path) => read_file(path),
            Named::Account(account_no) => Ok(vec![NamedAccount::of(account_no)]),
            Named::Accounts(accounts) => {
                let mut seen = HashSet::new();
                let once = accounts.iter().filter(|one| seen.insert(one.as_str()));
                Ok(once.map(|one| NamedAccount::of(one)).collect())
            }
        }
    }
}

/// The accounts a file names, each once. A row that names none is no row to pass over: the file is refused.
fn read_file(path: &Path) -> Result<Vec<NamedAccount>, SheetError> {
    let mut sheet = Sheet::open(path, COLUMNS, None)?;
    let mut raw = RawRow::default();
    let (mut seen, mut accounts) = (HashSet::new(), Vec::new());
    while sheet.next(&mut raw)? {
        let account_no = sheet
            .row(&raw)
            .and_then(|row| key(&row, 0)?.ok_or_else(|| row.fault(0, Needed::AccountNo)));
        let account_no = account_no.map_err(|fault| sheet.refuse(&fault))?;
        if seen.insert(account_no.clone()) {
            accounts.push(NamedAccount { line: Some(raw.line), account_no });
        }
    }
    Ok(accounts)
}
