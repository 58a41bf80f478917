//! Recall (撤案): the lender takes accounts back from their assignees.

use std::collections::HashSet;
use std::path::Path;

use chrono::NaiveDate;
use serde_json::json;

use super::close::{ToClose, close};
use super::{CloseReason, PlacementError, Span, check_open, expire, store};
use crate::audit::{Act, By};
use crate::db::{Db, keys_json, write};
use crate::party;
use crate::sheet::{Column, RawRow, Sheet};

/// Which accounts are recalled.
pub enum Which<'a> {
    /// Those named in a file.
    File(&'a Path),
    /// All that an assignee holds.
    Assignee(&'a str),
    /// All that run out by a day.
    DueBy(NaiveDate),
}

/// What a recall did.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Recalled {
    /// Placements closed.
    pub recalled: usize,
    /// Named accounts that were not placed on that day, with the reason.
    pub not_placed: Vec<NotPlaced>,
}

/// An account that could not be recalled.
#[derive(Clone, Debug, serde::Serialize)]
pub struct NotPlaced {
    /// Its line in the file.
    pub line: u64,
    /// The account.
    pub account_no: String,
    /// Why.
    pub reason: String,
}

const COLUMNS: &[Column] =
    &[Column { name: "account_no", required: true, aliases: crate::portfolio::columns::ACCOUNT_NO_ALIASES }];

/// Recalls at once: `closed_on` is the day given. Expiries before that day are recorded first.
pub fn recall(
    db: &mut Db,
    lender: &str,
    which: &Which<'_>,
    reason: &str,
    on: NaiveDate,
    at_once: bool,
    by: &By,
) -> Result<Recalled, PlacementError> {
    if !crate::kernel::text::is_code(reason) {
        return Err(PlacementError::Reason(reason.to_string()));
    }
    // A compliance recall is final at once (DOMAIN 3).
    if !at_once && reason != "compliance" {
        return Err(PlacementError::TwoPhase);
    }
    let named = match which {
        Which::File(path) => Some(read_accounts(path)?),
        _ => None,
    };
    write(db, lender, |db| {
        party::store::lender(db, lender)?.ok_or_else(|| PlacementError::NoLender(lender.to_string()))?;
        check_open(&crate::audit::book(db, lender)?, on)?;
        if let Which::Assignee(code) = which
            && !party::store::assignees(db, lender)?.iter().any(|assignee| assignee.code == *code)
        {
            return Err(PlacementError::NoAssignee((*code).to_string()));
        }
        expire::record_expiries(db, lender, on, by)?;
        let mut done = Recalled::default();
        let mut act = Act::begin(db, lender, by)?;
        let mut source = Source::new(which, named);
        while let Some(chunk) = source.next(db, lender, on, &mut done)? {
            let closings: Vec<ToClose> = chunk
                .into_iter()
                .map(|placement| ToClose {
                    placement,
                    closed_on: on,
                    reason: CloseReason::Recalled,
                    code: Some(reason.to_string()),
                })
                .collect();
            done.recalled += closings.len();
            close(db, &mut act, &closings)?;
        }
        if done.recalled > 0 {
            let summary = json!({"on": on.to_string(), "reason": reason, "recalled": done.recalled});
            act.finish(db, "placements recalled", &summary)?;
        }
        Ok(done)
    })
}

/// Where the placements to recall come from, chunk by chunk.
struct Source<'a> {
    assignee: Option<&'a str>,
    due_by: Option<NaiveDate>,
    named: Option<std::vec::IntoIter<(u64, String)>>,
    after: i64,
}

impl<'a> Source<'a> {
    fn new(which: &Which<'a>, named: Option<Vec<(u64, String)>>) -> Source<'a> {
        let (assignee, due_by) = match which {
            Which::Assignee(code) => (Some(*code), None),
            Which::DueBy(day) => (None, Some(*day)),
            Which::File(_) => (None, None),
        };
        Source { assignee, due_by, named: named.map(Vec::into_iter), after: 0 }
    }

    fn next(
        &mut self,
        db: &mut Db,
        lender: &str,
        on: NaiveDate,
        done: &mut Recalled,
    ) -> Result<Option<Vec<Span>>, PlacementError> {
        let Some(named) = &mut self.named else {
            let chunk = store::active(db, lender, self.assignee, self.due_by, self.after, 5_000)?;
            self.after = chunk.last().map_or(self.after, |last| last.placement_no);
            let more = !chunk.is_empty();
            return Ok(more.then(|| chunk.into_iter().filter(|placement| placement.placed_on <= on).collect()));
        };
        let lines: Vec<(u64, String)> = named.by_ref().take(5_000).collect();
        if lines.is_empty() {
            return Ok(None);
        }
        let keys = keys_json(lines.iter().map(|(_, account_no)| account_no.as_str()));
        let active: Vec<Span> =
            store::spans_of(db, lender, &keys)?.into_iter().filter(|placement| placement.closed_on.is_none()).collect();
        let (open, later): (Vec<Span>, Vec<Span>) = active.into_iter().partition(|placement| placement.placed_on <= on);
        let opened: HashSet<&str> = open.iter().map(|placement| placement.account_no.as_str()).collect();
        for (line, account_no) in &lines {
            if opened.contains(account_no.as_str()) {
                continue;
            }
            let reason = match later.iter().find(|placement| placement.account_no == *account_no) {
                Some(placement) => format!("is placed only from {}", placement.placed_on),
                None => format!("is not placed on {on}"),
            };
            done.not_placed.push(NotPlaced { line: *line, account_no: account_no.clone(), reason });
        }
        Ok(Some(open))
    }
}

/// The accounts a file names, each once.
fn read_accounts(path: &Path) -> Result<Vec<(u64, String)>, PlacementError> {
    let mut sheet = Sheet::open(path, COLUMNS, None)?;
    let mut raw = RawRow::default();
    let (mut seen, mut accounts) = (HashSet::new(), Vec::new());
    while sheet.next(&mut raw)? {
        let account_no = raw_account(&sheet, &raw);
        if let Some(account_no) = account_no
            && seen.insert(account_no.clone())
        {
            accounts.push((raw.line, account_no));
        }
    }
    Ok(accounts)
}

fn raw_account(sheet: &Sheet, raw: &RawRow) -> Option<String> {
    sheet.row(raw).ok().and_then(|row| row.get(0).map(str::to_string))
}
